import CYAML

/// One step of a document as libyaml reads it.
struct Event {
    enum Kind {
        case other
        case documentStart
        case streamEnd
        case alias(String)
        case scalar(Scalar, tag: String?)
        case sequenceStart(tag: String?)
        case sequenceEnd
        case mappingStart(tag: String?)
        case mappingEnd
    }

    var kind: Kind
    var anchor: String?
    var position: Position
}

/// Reads events with libyaml's parser, which keeps pointers to itself and to the text.
///
/// The text is therefore copied, and both live on the heap as long as this does.
@safe struct EventReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeMutableBufferPointer<UInt8>

    /// - Throws: ``DocumentError/syntax(problem:at:)`` when there is no memory for a parser.
    init(_ bytes: [UInt8]) throws(DocumentError) {
        unsafe text = .allocate(capacity: bytes.count)
        _ = unsafe text.initialize(from: bytes)
        unsafe parser = .allocate(capacity: 1)
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            unsafe text.deallocate()
            unsafe parser.deallocate()
            throw .syntax(problem: "out of memory", at: Position(line: 1, column: 1))
        }
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe text.deallocate()
    }

    /// - Throws: ``DocumentError/syntax(problem:at:)``, after which nothing more can be read.
    borrowing func next() throws(DocumentError) -> Event {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw syntaxError }
        defer { unsafe yaml_event_delete(&event) }
        return unsafe Event(event)
    }

    private var syntaxError: DocumentError {
        let problem = unsafe parser.pointee.problem
        let text = unsafe problem.map { unsafe String(cString: $0) } ?? "not readable"
        // The reader of bytes, unlike the parser of tokens, knows offsets only.
        let isReaderError = unsafe parser.pointee.error == YAML_READER_ERROR
        let mark =
            isReaderError
            ? unsafe parser.pointee.mark : unsafe parser.pointee.problem_mark
        return .syntax(problem: text, at: Position(mark))
    }
}

extension Position {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }
}

extension Event {
    fileprivate init(_ event: yaml_event_t) {
        unsafe position = Position(event.start_mark)
        switch unsafe event.type {
        case YAML_DOCUMENT_START_EVENT: kind = .documentStart
        case YAML_STREAM_END_EVENT: kind = .streamEnd
        case YAML_ALIAS_EVENT:
            kind = .alias(unsafe text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            anchor = unsafe text(scalar.anchor)
            let characters = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let style = unsafe scalar.style
            kind = .scalar(
                Scalar(
                    text: unsafe String(decoding: characters, as: UTF8.self),
                    isPlain: style == YAML_PLAIN_SCALAR_STYLE),
                tag: unsafe text(scalar.tag))
        case YAML_SEQUENCE_START_EVENT:
            anchor = unsafe text(event.data.sequence_start.anchor)
            kind = .sequenceStart(tag: unsafe text(event.data.sequence_start.tag))
        case YAML_SEQUENCE_END_EVENT: kind = .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            anchor = unsafe text(event.data.mapping_start.anchor)
            kind = .mappingStart(tag: unsafe text(event.data.mapping_start.tag))
        case YAML_MAPPING_END_EVENT: kind = .mappingEnd
        default: kind = .other
        }
    }
}

private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    unsafe pointer.map { unsafe String(cString: $0) }
}
