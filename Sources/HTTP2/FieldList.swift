import Bytes
import CNGHTTP2
import HTTP

/// Lends heads to nghttp2, which copies them before the call returns.
///
/// The list keeps its memory from one head to the next.
@safe struct FieldList: ~Copyable {
    typealias Submit<Result> = (UnsafePointer<nghttp2_nv>?, Int) -> Result

    /// Digits that a status, and behind them those that a length can have.
    private static var statusDigitCount: Int { 3 }
    private static var digitCount: Int { 3 + 20 }

    private var items: UnsafeMutableBufferPointer<nghttp2_nv>
    private var count = 0
    /// Where numbers are written out.
    private let digits: UnsafeMutablePointer<UInt8>

    init() {
        unsafe items = UnsafeMutableBufferPointer(start: nil, count: 0)
        unsafe digits = .allocate(capacity: Self.digitCount)
    }

    deinit {
        unsafe items.deallocate()
        unsafe digits.deallocate()
    }

    /// Lends a request.
    ///
    /// - Parameters:
    ///   - head: What is asked; `te` goes along where it means trailers (RFC 9113 §8.2.2).
    ///   - target: The path and the authority that are asked for, in the arena of `head`.
    ///   - scheme: Of the target.
    ///   - name: Of the protocol to open a tunnel for.
    ///   - submit: Hands the list to nghttp2.
    /// - Returns: What `submit` returned.
    mutating func request<Result>(
        _ head: borrowing RequestHead, target: (path: ByteRange, authority: ByteRange),
        scheme: Scheme, tunnelling name: ByteRange?, _ submit: Submit<Result>
    ) -> Result {
        unsafe head.fields.arena.bytes.withUnsafeBufferPointer { arena in
            begin(room: head.fields.count + 6)
            if let name {
                unsafe append(":method", UnsafeBufferPointer(text: "CONNECT"))
                unsafe append(":protocol", part(name, of: arena))
            } else {
                unsafe append(":method", part(head.methodRange, of: arena))
            }
            if head.method != .connect {
                unsafe append(":scheme", UnsafeBufferPointer(text: scheme.text))
                unsafe append(":path", part(target.path, of: arena))
            }
            if !target.authority.isEmpty {
                unsafe append(":authority", part(target.authority, of: arena))
            }
            unsafe append(head.fields, arena)
            for index in head.fields.indices where head.fields[index].known == .te {
                guard head.fields.value(at: index).equalsIgnoringCase("trailers") else { continue }
                unsafe append("te", UnsafeBufferPointer(text: "trailers"))
                break
            }
            if name == nil {
                unsafe appendContentLength(by: head.framing, of: head.fields, arena)
            }
            return unsafe submit(items.baseAddress, count)
        }
    }

    mutating func response<Result>(
        _ head: borrowing ResponseHead, _ submit: Submit<Result>
    ) -> Result {
        unsafe head.fields.arena.bytes.withUnsafeBufferPointer { arena in
            begin(room: head.fields.count + 2)
            unsafe append(":status", status(head.status))
            unsafe append(head.fields, arena)
            let tellsLength = !head.isInformational && head.status != 204
            if tellsLength {
                unsafe appendContentLength(by: head.framing, of: head.fields, arena)
            }
            return unsafe submit(items.baseAddress, count)
        }
    }

    mutating func trailers<Result>(
        _ fields: borrowing Fields, _ submit: Submit<Result>
    ) -> Result {
        unsafe fields.arena.bytes.withUnsafeBufferPointer { arena in
            begin(room: fields.count)
            unsafe append(fields, arena)
            return unsafe submit(items.baseAddress, count)
        }
    }

    private mutating func begin(room: Int) {
        count = 0
        if unsafe room <= items.count { return }
        unsafe items.deallocate()
        unsafe items = .allocate(capacity: max(32, room))
    }

    /// Adds the fields that are for whoever comes next as well; connection-specific ones are
    /// forbidden (RFC 9113 §8.2.2), and `:authority` stands for Host.
    private mutating func append(
        _ fields: borrowing Fields, _ arena: UnsafeBufferPointer<UInt8>
    ) {
        for index in fields.indices {
            let field = fields[index]
            guard field.isEndToEnd else { continue }
            unsafe append(part(field.name, of: arena), part(field.value, of: arena))
        }
    }

    private mutating func append(_ name: StaticString, _ value: UnsafeBufferPointer<UInt8>) {
        unsafe append(UnsafeBufferPointer(text: name), value)
    }

    private mutating func append(
        _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>
    ) {
        var item = unsafe nghttp2_nv()
        unsafe item.name = UnsafeMutablePointer(mutating: name.baseAddress)
        unsafe item.namelen = name.count
        unsafe item.value = UnsafeMutablePointer(mutating: value.baseAddress)
        unsafe item.valuelen = value.count
        // Checked in release builds too, since the count of fields is the peer's.
        unsafe precondition(count < items.count, "a list has room for all fields of its head")
        unsafe items.initializeElement(at: count, to: item)
        count += 1
    }

    /// Adds the length as it was understood; of a body that is not sent as it was received, since
    /// the answer to HEAD tells it (RFC 9110 §8.6).
    private mutating func appendContentLength(
        by framing: BodyFraming, of fields: borrowing Fields, _ arena: UnsafeBufferPointer<UInt8>
    ) {
        switch framing {
        case .length(let length): appendContentLength(length)
        case .none:
            guard let index = fields.firstIndex(of: .contentLength) else { return }
            unsafe append("content-length", part(fields[index].value, of: arena))
        case .chunked, .untilClose: break
        }
    }

    private mutating func appendContentLength(_ length: UInt64) {
        var start = Self.digitCount
        var rest = length
        repeat {
            start -= 1
            unsafe digits[start] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
            rest /= 10
        } while rest > 0
        let text = unsafe UnsafeBufferPointer(
            start: digits + start, count: Self.digitCount - start)
        unsafe append("content-length", text)
    }

    private func status(_ status: UInt16) -> UnsafeBufferPointer<UInt8> {
        unsafe digits[0] = UInt8(truncatingIfNeeded: status / 100 % 10) + 0x30
        unsafe digits[1] = UInt8(truncatingIfNeeded: status / 10 % 10) + 0x30
        unsafe digits[2] = UInt8(truncatingIfNeeded: status % 10) + 0x30
        return unsafe UnsafeBufferPointer(start: digits, count: Self.statusDigitCount)
    }

    private func part(
        _ range: ByteRange, of arena: UnsafeBufferPointer<UInt8>
    ) -> UnsafeBufferPointer<UInt8> {
        let start = Int(range.offset)
        // Rebasing checks the range; an empty value needs no address.
        return unsafe UnsafeBufferPointer(rebasing: arena[start..<start + Int(range.count)])
    }
}

extension UnsafeBufferPointer<UInt8> {
    fileprivate init(text: StaticString) {
        unsafe self.init(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}
