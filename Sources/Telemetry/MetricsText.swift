import Bytes

/// Renders metrics in Prometheus' text format 0.0.4.
///
/// Each family is given once, with all its samples; the writer takes care of escaping and order.
public struct MetricsText: ~Copyable {
    public enum Kind: Sendable { case counter, gauge, histogram }

    public static var contentType: StaticString { "text/plain; version=0.0.4; charset=utf-8" }

    private var text = Buffer()
    private var family: StaticString = ""

    public init() {}

    /// Everything rendered so far.
    public var bytes: Span<UInt8> {
        @_lifetime(borrow self) get { text.bytes }
    }

    /// Begins a family: the samples that follow belong to it.
    ///
    /// - Parameters:
    ///   - name: Unique; ends in `_total` when it is a counter, in a base unit otherwise.
    ///   - kind: What Prometheus takes the family for.
    ///   - help: One line for people.
    public mutating func begin(_ name: StaticString, _ kind: Kind, help: StaticString) {
        family = name
        text.append("# HELP ")
        text.append(name)
        text.append(" ")
        text.append(help)
        text.append("\n# TYPE ")
        text.append(name)
        switch kind {
        case .counter: text.append(" counter\n")
        case .gauge: text.append(" gauge\n")
        case .histogram: text.append(" histogram\n")
        }
    }

    public mutating func sample(_ value: UInt64, labels: [MetricLabel] = []) {
        appendName(suffix: "", labels: labels, bound: nil)
        text.append(decimal: value)
        text.append("\n")
    }

    public mutating func sample(_ value: Int64, labels: [MetricLabel] = []) {
        appendName(suffix: "", labels: labels, bound: nil)
        if value < 0 { text.append("-") }
        text.append(decimal: value.magnitude)
        text.append("\n")
    }

    public mutating func sample(_ value: Double, labels: [MetricLabel] = []) {
        appendName(suffix: "", labels: labels, bound: nil)
        append(value)
        text.append("\n")
    }

    /// Writes the cumulated buckets, the sum in seconds and the count.
    public mutating func sample(_ summary: HistogramSummary, labels: [MetricLabel] = []) {
        var cumulated: UInt64 = 0
        for index in 0..<Histogram.boundCount {
            cumulated &+= summary.buckets[index]
            let bound = Double(HistogramSummary.boundNanoseconds(at: index)) / 1e9
            appendName(suffix: "_bucket", labels: labels, bound: bound)
            text.append(decimal: cumulated)
            text.append("\n")
        }
        let total = summary.count
        appendName(suffix: "_bucket", labels: labels, bound: .infinity)
        text.append(decimal: total)
        text.append("\n")
        appendName(suffix: "_sum", labels: labels, bound: nil)
        append(Double(summary.sumNanoseconds) / 1e9)
        text.append("\n")
        appendName(suffix: "_count", labels: labels, bound: nil)
        text.append(decimal: total)
        text.append("\n")
    }

    private mutating func appendName(suffix: StaticString, labels: [MetricLabel], bound: Double?) {
        text.append(family)
        text.append(suffix)
        if labels.isEmpty, bound == nil {
            text.append(" ")
            return
        }
        text.append("{")
        var isFirst = true
        for label in labels {
            if !isFirst { text.append(",") }
            isFirst = false
            text.append(label.name)
            text.append("=\"")
            appendEscaped(label.value)
            text.append("\"")
        }
        if let bound {
            if !isFirst { text.append(",") }
            text.append("le=\"")
            append(bound)
            text.append("\"")
        }
        text.append("} ")
    }

    /// Escapes what would end the label: backslash, quote and line feed.
    private mutating func appendEscaped(_ value: String) {
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): text.append("\\\\")
            case UInt8(ascii: "\""): text.append("\\\"")
            case UInt8(ascii: "\n"): text.append("\\n")
            default: text.append(byte)
            }
        }
    }

    private mutating func append(_ value: Double) {
        if value.isNaN {
            text.append("NaN")
        } else if value.isInfinite {
            text.append(value < 0 ? "-Inf" : "+Inf")
        } else if let whole = UInt64(exactly: value), whole < 1 << 53 {
            text.append(decimal: whole)
        } else {
            text.append(string: value.description)
        }
    }
}

/// A dimension of a metric; the value is escaped when it is rendered.
public struct MetricLabel: Sendable {
    public let name: StaticString
    public let value: String

    public init(_ name: StaticString, _ value: String) {
        self.name = name
        self.value = value
    }
}
