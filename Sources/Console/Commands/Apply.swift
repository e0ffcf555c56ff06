import Kernel

extension Session {
    /// Makes services what a document says, after the control plane has checked all of them.
    ///
    /// - Parameter prunes: Whether services that the document does not name are removed.
    public func apply(
        _ file: ServiceFile, prunes: Bool, options: ChangeOptions
    ) throws(ConsoleError) {
        var steps: [ApplyStep] = []
        // Every step is checked before the first one is taken, so that a mistake in the last
        // service does not leave the others changed.
        for entry in file.entries { steps.append(try plan(entry)) }
        if prunes { steps += try planRemovals(keeping: Set(file.entries.map(\.name))) }
        let start = Instant.now()
        if !options.isDryRun {
            for index in steps.indices { try take(&steps[index], reason: options.reason) }
        }
        let latest = steps.compactMap(\.revision).max()
        var outcome = Outcome(
            subject: "apply", isDryRun: options.isDryRun, revision: latest)
        try finish(&outcome, since: start, options: options)
        outcome.members["services"] = .array(steps.map(\.document))
        show(outcome.document) { Self.text(steps, outcome: outcome, palette: screen.palette) }
    }

    private func plan(_ entry: ServiceFile.Entry) throws(ConsoleError) -> ApplyStep {
        let target = ApplyStep.target(entry.name)
        let current = try control.find(target)
        let basis = current?.basis ?? .absent
        let planned = try control.change(
            "PUT", target, body: entry.document, intent: .init(isDryRun: true, basis: basis))
        let difference = Difference(
            from: current.map { ApplyStep.substance($0.document) },
            to: ApplyStep.substance(planned))
        let action: ApplyStep.Action =
            current == nil ? .create : difference.isEmpty ? .keep : .update
        return ApplyStep(
            name: entry.name, action: action, body: entry.document, basis: basis,
            difference: difference)
    }

    private func planRemovals(keeping names: Set<String>) throws(ConsoleError) -> [ApplyStep] {
        let services = try control.get("/v1/services").document.list("services")
        return services.compactMap { service in
            guard let name = service["name"]?.text, !names.contains(name) else { return nil }
            return ApplyStep(
                name: name, action: .remove, body: nil, basis: .any,
                difference: Difference(from: ApplyStep.substance(service), to: nil))
        }
    }

    private func take(_ step: inout ApplyStep, reason: String?) throws(ConsoleError) {
        let target = ApplyStep.target(step.name)
        let intent = ControlPlane.Intent(reason: reason, basis: step.basis)
        switch step.action {
        case .keep: return
        case .create, .update:
            let reply = try control.change("PUT", target, body: step.body, intent: intent)
            step.revision = reply["revision"]?.whole
        case .remove:
            step.revision = try control.change("DELETE", target, intent: intent)["revision"]?.whole
        }
    }

    private static func text(
        _ steps: [ApplyStep], outcome: Outcome, palette: Palette
    ) -> String {
        var text = ""
        for step in steps {
            text += "\(palette.paint(step.name, .strong)): \(step.action.rawValue)"
            if outcome.isDryRun, step.action != .keep {
                text += palette.paint(" (dry run, nothing is changed)", .faint)
            } else if let revision = step.revision {
                text += palette.paint(" (revision \(revision))", .faint)
            }
            text += "\n" + step.difference.render(indentation: 2, palette: palette)
        }
        if let arrival = outcome.arrival { text += arrival.text + "\n" }
        return text
    }
}

/// What `apply` does with one service.
struct ApplyStep {
    enum Action: String {
        case create = "created"
        case update = "changed"
        case keep = "unchanged"
        case remove = "removed"
    }

    let name: String
    let action: Action
    let body: JSONValue?
    let basis: ControlPlane.Basis
    let difference: Difference
    var revision: Int64?

    static func target(_ name: String) -> String {
        "/v1/services/\(ControlPlane.percentEncoded(name))"
    }

    /// The document without what the control plane adds to it.
    static func substance(_ document: JSONValue) -> JSONValue {
        guard case .object(var members) = document else { return document }
        members["revision"] = nil
        members["name"] = nil
        return .object(members)
    }

    var document: JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(name), "action": .string(action.rawValue),
            "changes": .array(difference.lines.map(\.document)),
        ]
        if let revision { members["revision"] = .integer(revision) }
        return .object(members)
    }
}

extension Difference.Line {
    fileprivate var document: JSONValue {
        switch change {
        case .added(let value): ["path": .string(path), "to": .string(value)]
        case .removed(let value): ["path": .string(path), "from": .string(value)]
        case .changed(let from, let to):
            ["path": .string(path), "from": .string(from), "to": .string(to)]
        }
    }
}

extension JSONValue {
    /// The elements of a list that stands alone or under `name`.
    func list(_ name: String) -> [JSONValue] {
        if case .array(let elements) = self { return elements }
        return self[name]?.elements ?? []
    }
}
