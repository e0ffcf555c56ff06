import Kernel

extension Session {
    /// Gives the versions of a service new weights.
    ///
    /// - Parameters:
    ///   - service: The service.
    ///   - route: Which of its routes; `nil` when it has one.
    ///   - weights: What every version gets; one that is not named gets nothing.
    ///   - options: How the change is carried out.
    /// - Throws: ``ConsoleError``.
    public func split(
        service: String, route: String?, weights: SplitArgument, options: ChangeOptions
    ) throws(ConsoleError) {
        var target = "/v1/services/\(ControlPlane.percentEncoded(service))/split"
        if let route { target += "?route=\(ControlPlane.percentEncoded(route))" }
        let before = try control.get(target)
        let start = Instant.now()
        let reply = try control.change(
            "PUT", target, body: weights.requestBody,
            intent: .init(
                reason: options.reason, isDryRun: options.isDryRun, basis: before.basis))
        var result = Outcome(subject: service, reply: reply, options: options)
        result.text = Self.splitText(
            from: before.document["weights"], to: weights.requestBody["weights"])
        result.members["route"] = before.document["route"]
        try finish(&result, since: start, options: options)
        show(result.document) { result.render(palette: screen.palette) }
    }

    /// What becomes of every version: `v1 100% → 95%, v2 0% → 5%`.
    static func splitText(from old: JSONValue?, to new: JSONValue?) -> String {
        let before = ServiceView.shares(old)
        let after = ServiceView.shares(new)
        let names = Set(before.map(\.version)).union(after.map(\.version)).sorted()
        return names.map { name in
            let from = before.first { $0.version == name }?.partsPerMillion ?? 0
            let to = after.first { $0.version == name }?.partsPerMillion ?? 0
            let share = Share.text(partsPerMillion: to)
            return from == to
                ? "\(name) \(share)" : "\(name) \(Share.text(partsPerMillion: from)) → \(share)"
        }.joined(separator: ", ")
    }

    /// Waits for the revision that a change made, where that is wanted.
    func finish(
        _ outcome: inout Outcome, since start: Instant, options: ChangeOptions
    ) throws(ConsoleError) {
        guard let number = outcome.revision else { return }
        outcome.arrival = try arrival(of: number, since: start, options: options)
    }

    func arrival(
        of number: Int64, since start: Instant, options: ChangeOptions
    ) throws(ConsoleError) -> Arrival? {
        guard let patience = options.patience, !options.isDryRun else { return nil }
        return try awaitRevision(number, since: start, patience: patience)
    }
}

/// What a command changed.
struct Outcome {
    let subject: String
    let isDryRun: Bool
    let isChanged: Bool
    /// The revision that the change made, or the present one when nothing was different.
    let revision: Int64?
    var text = ""
    /// What is shown below the text; empty where that says it.
    var difference = Difference(nil)
    var members: [String: JSONValue] = [:]
    var arrival: Arrival?

    init(subject: String, reply: JSONValue, options: ChangeOptions) {
        self.subject = subject
        isDryRun = options.isDryRun
        isChanged = reply["changed"]?.flag ?? true
        revision = reply["revision"]?.whole
        members["diff"] = reply["diff"]
    }

    func render(palette: Palette) -> String {
        var line = "\(palette.paint(subject, .strong)): \(text)"
        line += palette.paint(" (\(remark))", .faint) + "\n"
        line += difference.render(indentation: 2, palette: palette)
        if let arrival { line += arrival.render(palette: palette) }
        return line
    }

    private var remark: String {
        if isDryRun { return isChanged ? "dry run, nothing is changed" : "dry run, no change" }
        let revision = revision.map { "revision \($0)" } ?? "done"
        return isChanged ? revision : "unchanged, \(revision)"
    }

    var document: JSONValue {
        var document = members
        document["subject"] = .string(subject)
        document["dryRun"] = .bool(isDryRun)
        document["changed"] = .bool(isChanged)
        if let revision { document["revision"] = .integer(revision) }
        if let arrival { document["live"] = arrival.document }
        return .object(document)
    }
}

extension ControlPlane.Tagged {
    /// What guards a change of this document.
    var basis: ControlPlane.Basis { entityTag.map { .tag($0) } ?? .any }
}
