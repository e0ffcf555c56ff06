import RealModule

/// A drawing of lines over two axes, as SVG that takes its colours from the page.
struct Plot {
    struct Line {
        var name: String
        /// A class of the page's style, which gives the colour.
        var style: String
        /// In the units of the axes.
        var points: [(x: Double, y: Double)]
    }

    struct Tick {
        var value: Double
        var label: String
    }

    static let width = 860.0
    static let left = 72.0
    static let right = 30.0
    static let top = 14.0
    static let bottom = 34.0

    var title: String
    var height = 300.0
    var xTicks: [Tick] = []
    var yTicks: [Tick] = []
    var xRange: ClosedRange<Double>
    var yRange: ClosedRange<Double>
    /// Whether the upright axis is logarithmic; its range is above zero then.
    var isLogarithmic = false
    var lines: [Line] = []
    /// Bars from the lower edge, each as wide as `barWidth`.
    var bars: [Line] = []
    var barWidth = 0.0

    /// The drawing, with its legend when there is more than one thing to tell apart.
    var svg: String {
        var text = "<figure><figcaption>\(HTML.escaped(title))\(legend)</figcaption>\n"
        text +=
            "<svg viewBox=\"0 0 \(Self.number(Self.width)) \(Self.number(height))\" role=\"img\" "
        text += "aria-label=\"\(HTML.escaped(title))\">\n"
        for tick in yTicks {
            let y = Self.number(y(tick.value))
            text += "<line class=\"grid\" x1=\"\(Self.number(Self.left))\" x2=\""
            text += "\(Self.number(Self.width - Self.right))\" y1=\"\(y)\" y2=\"\(y)\"/>"
            text += "<text class=\"y\" x=\"\(Self.number(Self.left - 8))\" y=\"\(y)\">"
            text += "\(HTML.escaped(tick.label))</text>\n"
        }
        for tick in xTicks {
            let x = Self.number(x(tick.value))
            text += "<line class=\"grid\" x1=\"\(x)\" x2=\"\(x)\" y1=\"\(Self.number(Self.top))\""
            text += " y2=\"\(Self.number(height - Self.bottom))\"/>"
            text += "<text class=\"x\" x=\"\(x)\" y=\"\(Self.number(height - Self.bottom + 18))\">"
            text += "\(HTML.escaped(tick.label))</text>\n"
        }
        for series in bars { text += bars(of: series) }
        for series in lines { text += path(of: series) }
        return text + "</svg></figure>\n"
    }

    private var legend: String {
        let all = bars + lines
        if all.count < 2 { return "" }
        let entries = all.map { "<i class=\"\($0.style)\"></i>\(HTML.escaped($0.name))" }
        return "<span>" + entries.joined(separator: " ") + "</span>"
    }

    private func path(of line: Line) -> String {
        var data = ""
        for point in line.points {
            data += data.isEmpty ? "M" : "L"
            data += "\(Self.number(x(point.x))) \(Self.number(y(point.y)))"
        }
        return "<path class=\"\(line.style)\" d=\"\(data)\"><title>\(HTML.escaped(line.name))"
            + "</title></path>\n"
    }

    private func bars(of series: Line) -> String {
        let base = height - Self.bottom
        var data = ""
        for point in series.points where point.y > yRange.lowerBound {
            let (from, to) = (x(point.x), x(min(point.x + barWidth, xRange.upperBound)))
            data += "M\(Self.number(from)) \(Self.number(base))V\(Self.number(y(point.y)))"
            data += "H\(Self.number(max(to - 0.6, from)))V\(Self.number(base))Z"
        }
        return "<path class=\"\(series.style) bar\" d=\"\(data)\"><title>"
            + "\(HTML.escaped(series.name))</title></path>\n"
    }

    private func x(_ value: Double) -> Double {
        let share = (value - xRange.lowerBound) / (xRange.upperBound - xRange.lowerBound)
        return Self.left + clamped(share) * (Self.width - Self.left - Self.right)
    }

    private func y(_ value: Double) -> Double {
        let share: Double
        if isLogarithmic {
            let low = Double.log10(yRange.lowerBound)
            let high = Double.log10(yRange.upperBound)
            share = (Double.log10(max(value, yRange.lowerBound)) - low) / (high - low)
        } else {
            share = (value - yRange.lowerBound) / (yRange.upperBound - yRange.lowerBound)
        }
        return height - Self.bottom - clamped(share) * (height - Self.top - Self.bottom)
    }

    private func clamped(_ share: Double) -> Double {
        share.isFinite ? min(max(share, 0), 1) : 0
    }

    private static func number(_ value: Double) -> String { Decimal.fixed(value, 1) }
}

extension Plot {
    /// A logarithmic range around latencies, and ticks at 1, 2 and 5 times powers of ten.
    static func latencyAxis(
        least: UInt64, greatest: UInt64
    ) -> (range: ClosedRange<Double>, ticks: [Tick]) {
        let low = Double(max(least, 100))
        let high = max(Double(greatest), low * 4)
        let steps = high / low > 1000 ? [1.0] : [1.0, 2, 5]
        var values: [Double] = []
        var power = 10.0
        while power < 1e14 {
            values += steps.map { $0 * power }
            power *= 10
        }
        let first = values.last { $0 <= low } ?? low
        let last = values.first { $0 >= high } ?? high
        let ticks = values.filter { $0 >= first && $0 <= last }
        return (first...last, ticks.map { Tick(value: $0, label: Decimal.shortTime($0)) })
    }

    /// A range from zero, and about four ticks at round numbers.
    static func linearAxis(
        upTo greatest: Double, label: (Double) -> String
    ) -> (range: ClosedRange<Double>, ticks: [Tick]) {
        let top = max(greatest, 1e-9)
        let rough = top / 4
        let power = Double.exp10(Double.log10(rough).rounded(.down))
        let step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= rough } ?? rough
        var ticks: [Tick] = []
        var value = 0.0
        while value < top + step {
            ticks.append(Tick(value: value, label: label(value)))
            value += step
        }
        return (0...max(value - step, step), ticks)
    }
}

extension Decimal {
    /// A round time for an axis: `1 ms`, `500 µs`.
    static func shortTime(_ nanoseconds: Double) -> String {
        let units = [("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1.0)]
        let unit = units.first { nanoseconds >= $0.1 } ?? ("ns", 1.0)
        return shortest(nanoseconds / unit.1) + " " + unit.0
    }
}
