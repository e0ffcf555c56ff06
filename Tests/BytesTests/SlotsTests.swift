import Bytes
import Testing

@Suite struct `A row of slots` {
    @Test func `behaves as an array does`() {
        var slots = Slots<UInt32>()
        var model: [UInt32] = []
        for number in 0..<100 as Range<UInt32> {
            slots.append(number)
            model.append(number)
            if number % 7 == 0 {
                slots.remove(at: Int(number) / 7)
                model.remove(at: Int(number) / 7)
            }
        }
        slots[3] = 1000
        model[3] = 1000
        let contents = slots.indices.map { slots[$0] }
        #expect(contents == model)
        slots.remove(at: slots.count - 1)
        let count = slots.count
        #expect(count == model.count - 1)
    }

    @Test func `is empty for the next use, with or without its memory`() {
        var slots = Slots<UInt8>()
        slots.append(1)
        slots.removeAll()
        let emptied = slots.count
        slots.append(2)
        slots.release()
        slots.append(3)
        let contents = slots.indices.map { slots[$0] }
        #expect(emptied == 0)
        #expect(contents == [3])
    }
}
