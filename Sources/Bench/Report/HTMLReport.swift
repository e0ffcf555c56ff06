import Kernel

/// Writes a result as one page that needs nothing but itself.
public enum HTMLReport {
    /// Makes sure that the page can be written; a page that is there stays as it is until then.
    ///
    /// - Throws: ``BenchError/file(path:_:)``.
    public static func prepare(_ path: String) throws(BenchError) {
        do throws(Errno) {
            _ = try File.appending(path)
        } catch {
            throw .file(path: path, error)
        }
    }

    /// - Throws: ``BenchError/file(path:_:)``.
    public static func write(
        _ result: LoadResult, expecting expected: ExpectedSplit?, to path: String
    ) throws(BenchError) {
        try put(page(result, expecting: expected), at: path)
    }

    private static func put(_ text: String, at path: String) throws(BenchError) {
        do throws(Errno) {
            try File.replace(path, with: Array(text.utf8), for: .everyone)
        } catch {
            throw .file(path: path, error)
        }
    }

    /// The page as text: HTML with its style and drawings in it, and no script.
    static func page(_ result: LoadResult, expecting expected: ExpectedSplit?) -> String {
        let title = result.plan.targets.map(\.url).joined(separator: " beside ")
        var body = "<header><h1>\(HTML.escaped(title))</h1>"
        body += "<p>\(HTML.escaped(result.plan.terms)) · "
        body +=
            "\(HTML.escaped(JSONReport.timestamp(result.startNanosecondsSinceEpoch)))</p></header>"
        body += doubts(of: result) + tiles(of: result)
        body += Plot.percentiles(of: result).svg
        body += Plot.latencyOverTime(of: result).svg
        for index in result.recordings.indices {
            let name = result.recordings.count > 1 ? ["A: ", "B: "][index] : ""
            body += Plot.rateOverTime(at: index, name + "Answers a second", in: result).svg
        }
        body += figures(of: result)
        for recording in result.recordings where result.plan.versionHeader != nil {
            body += versions(of: recording, expecting: expected)
        }
        body += errors(of: result)
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(HTML.escaped(title)) – pointsman bench</title>
            <style>\(PageStyle.text)</style></head>
            <body><main>\(body)</main></body></html>

            """
    }

    private static func doubts(of result: LoadResult) -> String {
        var text = ""
        for (index, recording) in result.recordings.enumerated() {
            let name = result.recordings.count > 1 ? ["A: ", "B: "][index] : ""
            for doubt in result.doubts(about: recording) {
                text += "<p class=\"doubt\">\(HTML.escaped(name + doubt.text))</p>"
            }
        }
        return text
    }

    private static func tiles(of result: LoadResult) -> String {
        let recording = result.subject
        let metrics: [Metric] = [
            .rate, .percentile(50), .percentile(99), .percentile(99.9), .maximum, .errors,
        ]
        var text = "<section class=\"tiles\">"
        for metric in metrics {
            var note = ""
            if let reference = result.reference, metric.value(in: reference) > 0 {
                let ratio = metric.value(in: recording) / metric.value(in: reference)
                note = "<small>\(Decimal.fixed(ratio, 2)) × B</small>"
            } else if metric == .rate, case .open(let asked, _) = result.plan.pacing {
                note = "<small>of \(Decimal.rate(asked)) asked for</small>"
            }
            text += "<div><b>\(HTML.escaped(metric.name))</b>"
            text += "<span>\(HTML.escaped(metric.text(in: recording)))</span>\(note)</div>"
        }
        return text + "</section>\n"
    }

    private static func figures(of result: LoadResult) -> String {
        var table: HTML.Table
        if let reference = result.reference {
            table = HTML.Table(["latency", "A", "B", "A − B", "A ÷ B"])
            for metric in TableReport.figures {
                let (a, b) = (metric.value(in: result.subject), metric.value(in: reference))
                table.add([
                    metric.name, Decimal.time(a), Decimal.time(b), Decimal.time(a - b),
                    b > 0 ? Decimal.fixed(a / b, 2) : "–",
                ])
            }
        } else {
            table = HTML.Table(["latency", "from due", "from sent"])
            for metric in TableReport.figures {
                table.add([
                    metric.name, metric.text(in: result.subject),
                    Decimal.time(metric.value(in: result.subject.service)),
                ])
            }
        }
        return table.text
    }

    private static func versions(
        of recording: Recording, expecting expected: ExpectedSplit?
    ) -> String {
        var table = HTML.Table([
            "version", "answers", "share", "95 % from", "to", "meant", "p50", "p99",
        ])
        for share in VersionShare.all(in: recording, expecting: expected) {
            let interval = share.observed.interval(.percent95)
            table.add(
                [
                    share.name, Decimal.grouped(share.observed.count),
                    Decimal.percent(share.observed.share), Decimal.percent(interval.lowerBound),
                    Decimal.percent(interval.upperBound),
                    share.expected.map { Decimal.percent($0) } ?? "–",
                    share.latency.map { Decimal.time($0.percentile(50)) } ?? "–",
                    share.latency.map { Decimal.time($0.percentile(99)) } ?? "–",
                ], isBad: share.isOff)
        }
        return table.text
    }

    private static func errors(of result: LoadResult) -> String {
        let names = result.recordings.count > 1 ? ["A", "B"] : ["count"]
        var table = HTML.Table(["outcome"] + names)
        var statuses = Set<Int>()
        for recording in result.recordings { statuses.formUnion(recording.statuses.map(\.status)) }
        for status in statuses.sorted() {
            let counts = result.recordings.map { $0.count(ofStatuses: status..<status + 1) }
            table.add(["status \(status)"] + counts.map(Decimal.grouped), isBad: status >= 400)
        }
        for failure in Failure.allCases {
            let counts = result.recordings.map { $0.count(of: failure) }
            if counts.allSatisfy({ $0 == 0 }) { continue }
            table.add([failure.name] + counts.map(Decimal.grouped), isBad: true)
        }
        return table.text
    }
}
