import Fuzzing
import TLS

/// libFuzzer's entry: looks at `size` bytes as the beginning of a connection, and at every part of
/// them that begins there; what was said of fewer bytes has to stay true of more.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let input = UnsafeBufferPointer(start: data, count: size).span
    let whole = ClientHello.read(input)
    var cuts = Cuts(for: input)
    var count = 0
    while count < input.count {
        let part = ClientHello.read(input.extracting(..<count))
        precondition(part == .needsMore || part == whole, "fewer bytes say something else")
        count += cuts.next()
    }
    return 0
}

/// SwiftPM names the entry of the program so; libFuzzer's driver is what it shall run.
@c(HelloFuzzer_main)
public func main(
    _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
    drive(count, arguments, testOneInput)
}
