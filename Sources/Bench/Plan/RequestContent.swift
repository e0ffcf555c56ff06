import Bytes
import HTTP
import HTTP1
import Kernel

/// What every request of a run says, apart from where it goes.
public struct RequestContent: Equatable, Sendable {
    public struct Field: Equatable, Sendable {
        public var name: String
        public var value: String

        /// Reads `Name: value` as curl's -H takes it.
        ///
        /// - Throws: ``BenchError/option(name:value:expected:)`` for what is no field
        ///   (RFC 9110 §5.1, §5.5), and for those that the run itself decides.
        public init(parsing text: String) throws(BenchError) {
            guard let colon = text.firstIndex(of: ":"),
                text.utf8.count <= BenchLimits.fieldByteCount
            else { throw .option(name: "-H", value: text, expected: "'Name: value'") }
            name = String(text[..<colon])
            value = Self.trimmed(text[text.index(after: colon)...])
            guard isToken(name), value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 })
            else { throw .option(name: "-H", value: text, expected: "'Name: value'") }
            let decided = [
                "content-length", "transfer-encoding", "connection", "expect", "upgrade",
            ]
            if decided.contains(name.lowercased()) {
                throw .option(name: "-H", value: text, expected: "a field other than \(name)")
            }
        }

        private static func trimmed(_ text: Substring) -> String {
            var text = text
            while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
            while let last = text.last, last == " " || last == "\t" { text.removeLast() }
            return String(text)
        }
    }

    public var method = "GET"
    public var fields: [Field] = []
    public var body: [UInt8] = []

    public init() {}

    /// Takes the contents of a file as the body.
    ///
    /// - Throws: ``BenchError/file(path:_:)``.
    public mutating func readBody(from path: String) throws(BenchError) {
        do throws(Errno) {
            body = try File.read(path, limit: BenchLimits.bodyByteCount)
        } catch {
            throw .file(path: path, error)
        }
    }

    func validate() throws(BenchError) {
        if !isToken(method) || method == "CONNECT" {
            throw .option(name: "--method", value: method, expected: "a method such as GET")
        }
        if fields.count > BenchLimits.fieldCount {
            throw .option(
                name: "-H", value: "\(fields.count) fields",
                expected: "given at most \(BenchLimits.fieldCount) times")
        }
        if body.count > BenchLimits.bodyByteCount {
            throw .option(
                name: "--body", value: "\(body.count) bytes",
                expected: "of at most \(BenchLimits.bodyByteCount) bytes")
        }
    }

    /// Whether a body goes out, or its length is told because the method means one
    /// (RFC 9110 §8.6).
    private var tellsLength: Bool {
        !body.isEmpty || ["POST", "PUT", "PATCH"].contains(method)
    }

    /// The authority that requests name: of a Host field that was given, else of the URL.
    private func authority(of target: Target) -> String {
        fields.first { $0.name.lowercased() == "host" }?.value ?? target.authority
    }

    private var otherFields: [Field] {
        fields.filter { $0.name.lowercased() != "host" }
    }

    /// The bytes of one request to `target` in HTTP/1.1, head and body.
    ///
    /// - Parameters:
    ///   - target: Where it goes.
    ///   - endsConnection: Whether no other request follows it on its connection.
    /// - Returns: All of its bytes.
    func http1Message(to target: Target, endsConnection: Bool = false) -> [UInt8] {
        var head = Buffer()
        Writer.requestLine(method: method.utf8.span, target: target.path.utf8.span, to: &head)
        Writer.field("host", value: authority(of: target).utf8.span, to: &head)
        for field in identified {
            Writer.field(name: field.name.utf8.span, value: field.value.utf8.span, to: &head)
        }
        if endsConnection { Writer.field("connection", "close", to: &head) }
        if tellsLength { Writer.contentLength(UInt64(body.count), to: &head) }
        Writer.endOfHead(to: &head)
        return [UInt8](head.bytes) + body
    }

    /// The head of one request to `target` in HTTP/2.
    func http2Head(to target: Target) -> RequestHead {
        var head = RequestHead()
        head.version = .http2
        head.method = Method(method.utf8.span)
        head.methodRange = head.fields.store(method.utf8.span)
        head.pathRange = head.fields.store(target.path.utf8.span)
        head.authorityRange = head.fields.store(authority(of: target).utf8.span)
        for field in identified {
            head.fields.append(
                name: field.name.lowercased().utf8.span, value: field.value.utf8.span)
        }
        if tellsLength {
            head.fields.append(
                name: "content-length".utf8.span, value: String(body.count).utf8.span)
        }
        return head
    }

    private var identified: [Field] {
        let others = otherFields
        if others.contains(where: { $0.name.lowercased() == "user-agent" }) { return others }
        return [Field(name: "user-agent", value: "pointsman-bench")] + others
    }
}

extension RequestContent.Field {
    fileprivate init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// Whether `text` is a token (RFC 9110 §5.6.2).
func isToken(_ text: String) -> Bool {
    let bytes = text.utf8.span
    return !bytes.isEmpty && bytes.prefixCount(in: .token) == bytes.count
}
