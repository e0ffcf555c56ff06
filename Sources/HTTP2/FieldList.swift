import Bytes
import CNGHTTP2
import HTTP

/// Lends heads to nghttp2, which copies them before the call returns.
enum FieldList {
    typealias Submit<Result> = (UnsafePointer<nghttp2_nv>?, Int) -> Result

    static func request<Result>(
        _ head: borrowing RequestHead, scheme: StaticString, _ submit: Submit<Result>
    ) -> Result {
        unsafe head.fields.arena.bytes.withUnsafeBufferPointer { arena in
            var list: [nghttp2_nv] = unsafe []
            unsafe list.reserveCapacity(head.fields.count + 4)
            unsafe list.append(field(":method", head.methodRange, arena))
            if head.method != .connect {
                unsafe list.append(field(":scheme", value: scheme))
                unsafe list.append(field(":path", head.pathRange, arena))
            }
            if !head.authorityRange.isEmpty {
                unsafe list.append(field(":authority", head.authorityRange, arena))
            }
            unsafe append(head.fields, arena, to: &list)
            return unsafe list.withUnsafeBufferPointer { unsafe submit($0.baseAddress, $0.count) }
        }
    }

    static func response<Result>(
        _ head: borrowing ResponseHead, _ submit: Submit<Result>
    ) -> Result {
        let status = [
            UInt8(truncatingIfNeeded: head.status / 100 % 10 + 0x30),
            UInt8(truncatingIfNeeded: head.status / 10 % 10 + 0x30),
            UInt8(truncatingIfNeeded: head.status % 10 + 0x30),
        ]
        return unsafe head.fields.arena.bytes.withUnsafeBufferPointer { arena in
            unsafe status.withUnsafeBufferPointer { digits in
                var list: [nghttp2_nv] = unsafe []
                unsafe list.reserveCapacity(head.fields.count + 1)
                unsafe list.append(
                    field(":status", ByteRange(offset: 0, count: 3), digits))
                unsafe append(head.fields, arena, to: &list)
                return unsafe list.withUnsafeBufferPointer {
                    unsafe submit($0.baseAddress, $0.count)
                }
            }
        }
    }

    static func trailers<Result>(
        _ fields: borrowing Fields, _ submit: Submit<Result>
    ) -> Result {
        unsafe fields.arena.bytes.withUnsafeBufferPointer { arena in
            var list: [nghttp2_nv] = unsafe []
            unsafe append(fields, arena, to: &list)
            return unsafe list.withUnsafeBufferPointer { unsafe submit($0.baseAddress, $0.count) }
        }
    }

    /// Adds the fields that HTTP/2 lets through (RFC 9113 §8.2.2); `:authority` stands for Host.
    private static func append(
        _ fields: borrowing Fields, _ arena: UnsafeBufferPointer<UInt8>, to list: inout [nghttp2_nv]
    ) {
        for index in fields.indices {
            let entry = fields[index]
            switch entry.known {
            case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade,
                .http2Settings, .host:
                continue
            case .te where !fields.bytes(entry.value).equalsIgnoringCase("trailers"):
                continue
            default:
                var item = unsafe nghttp2_nv()
                unsafe item.name = pointer(entry.name, arena)
                unsafe item.namelen = Int(entry.name.count)
                unsafe item.value = pointer(entry.value, arena)
                unsafe item.valuelen = Int(entry.value.count)
                unsafe list.append(item)
            }
        }
    }

    private static func field(
        _ name: StaticString, _ range: ByteRange, _ arena: UnsafeBufferPointer<UInt8>
    ) -> nghttp2_nv {
        var item = unsafe nghttp2_nv()
        unsafe item.name = UnsafeMutablePointer(mutating: name.utf8Start)
        unsafe item.namelen = name.utf8CodeUnitCount
        unsafe item.value = pointer(range, arena)
        unsafe item.valuelen = Int(range.count)
        return unsafe item
    }

    private static func field(_ name: StaticString, value: StaticString) -> nghttp2_nv {
        var item = unsafe nghttp2_nv()
        unsafe item.name = UnsafeMutablePointer(mutating: name.utf8Start)
        unsafe item.namelen = name.utf8CodeUnitCount
        unsafe item.value = UnsafeMutablePointer(mutating: value.utf8Start)
        unsafe item.valuelen = value.utf8CodeUnitCount
        return unsafe item
    }

    private static func pointer(
        _ range: ByteRange, _ arena: UnsafeBufferPointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8>? {
        let start = Int(range.offset)
        // Rebasing checks the range; an empty value needs no address.
        let bytes = unsafe UnsafeBufferPointer(rebasing: arena[start..<start + Int(range.count)])
        return unsafe UnsafeMutablePointer(mutating: bytes.baseAddress)
    }
}
