import Kernel

extension Session {
    /// Gives the versions of a service new weights.
    ///
    /// - Parameter route: Which of the service's routes; `nil` when it has one.
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
        var result = Outcome(
            subject: service, isDryRun: options.isDryRun, revision: reply["revision"]?.whole)
        result.lines = [
            Self.splitText(from: before.document["weights"], to: weights.requestBody["weights"])
        ]
        result.members["weights"] = reply["weights"] ?? weights.requestBody["weights"]
        try finish(&result, since: start, options: options)
        show(result.document) { result.text(palette: screen.palette) }
    }

    /// `v1 100% → 95%, v2 0% → 5%`
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
        guard let patience = options.patience, !options.isDryRun, let number = outcome.revision
        else { return }
        outcome.arrival = try awaitRevision(number, since: start, patience: patience)
    }
}

/// What a command changed.
struct Outcome {
    let subject: String
    let isDryRun: Bool
    /// `nil` when nothing was changed.
    let revision: Int64?
    var lines: [String] = []
    var members: [String: JSONValue] = [:]
    var arrival: Arrival?

    init(subject: String, isDryRun: Bool, revision: Int64?) {
        self.subject = subject
        self.isDryRun = isDryRun
        self.revision = revision
    }

    func text(palette: Palette) -> String {
        var text = "\(subject): \(lines.joined(separator: "; "))"
        if isDryRun {
            text += palette.paint(" (dry run, nothing is changed)", .faint)
        } else if let revision {
            text += palette.paint(" (revision \(revision))", .faint)
        }
        text += "\n"
        if let arrival {
            text += palette.paint(arrival.text, arrival.status.total == 0 ? .caution : .good)
            text += "\n"
        }
        return text
    }

    var document: JSONValue {
        var document = members
        document["subject"] = .string(subject)
        document["dryRun"] = .bool(isDryRun)
        if let revision { document["revision"] = .integer(revision) }
        if let arrival { document["live"] = arrival.document }
        return .object(document)
    }
}

extension ControlPlane.Tagged {
    /// What guards a change of this document.
    var basis: ControlPlane.Basis { entityTag.map { .tag($0) } ?? .any }
}
