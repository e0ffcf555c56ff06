import Kernel

extension Session {
    /// Makes services what a document says, after the control plane has checked all of them.
    ///
    /// - Parameters:
    ///   - file: The document.
    ///   - prunes: Whether services that the document does not name are removed.
    ///   - options: How the change is carried out.
    /// - Throws: ``ConsoleError``; a refusal leaves everything as it was.
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
            for index in steps.indices where steps[index].action != .keep {
                let intent = ControlPlane.Intent(
                    reason: options.reason, basis: steps[index].basis)
                steps[index].take(try send(steps[index], intent: intent))
            }
        }
        let latest = steps.compactMap(\.revision).max()
        let arrival =
            switch latest {
            case let number?: try arrival(of: number, since: start, options: options)
            case nil: Arrival?.none
            }
        var document: [String: JSONValue] = [
            "services": .array(steps.map(\.document)), "dryRun": .bool(options.isDryRun),
        ]
        if let latest { document["revision"] = .integer(latest) }
        if let arrival { document["live"] = arrival.document }
        show(.object(document)) {
            let text = steps.map { $0.render(isDryRun: options.isDryRun, palette: screen.palette) }
            return text.joined() + (arrival?.render(palette: screen.palette) ?? "")
        }
    }

    private func plan(_ entry: ServiceFile.Entry) throws(ConsoleError) -> ApplyStep {
        let current = try control.find(ApplyStep.target(entry.name))
        let action: ApplyStep.Action = current == nil ? .create : .update
        var step = ApplyStep(
            name: entry.name, action: action, body: entry.document,
            basis: current?.basis ?? .absent)
        step.take(try send(step, intent: .init(isDryRun: true, basis: step.basis)))
        return step
    }

    private func planRemovals(keeping names: Set<String>) throws(ConsoleError) -> [ApplyStep] {
        var steps: [ApplyStep] = []
        for service in try control.list("/v1/services", cursor: "after") {
            guard let name = service["name"]?.text, !names.contains(name) else { continue }
            var step = ApplyStep(name: name, action: .remove, body: nil, basis: .any)
            step.take(try send(step, intent: .init(isDryRun: true)))
            steps.append(step)
        }
        return steps
    }

    private func send(
        _ step: ApplyStep, intent: ControlPlane.Intent
    ) throws(ConsoleError) -> JSONValue {
        let method = step.action == .remove ? "DELETE" : "PUT"
        do throws(ConsoleError) {
            return try control.change(
                method, ApplyStep.target(step.name), body: step.body, intent: intent)
        } catch .refused(var problem) {
            problem.subject = step.name
            throw .refused(problem)
        }
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
    private(set) var action: Action
    let body: JSONValue?
    let basis: ControlPlane.Basis
    private(set) var difference = Difference(nil)
    private(set) var revision: Int64?

    init(name: String, action: Action, body: JSONValue?, basis: ControlPlane.Basis) {
        self.name = name
        self.action = action
        self.body = body
        self.basis = basis
    }

    static func target(_ name: String) -> String {
        "/v1/services/\(ControlPlane.percentEncoded(name))"
    }

    /// Takes in what the control plane says of the change, or would do.
    mutating func take(_ reply: JSONValue) {
        revision = reply["revision"]?.whole
        difference = Difference(reply["diff"], without: "services.\(name).")
        if reply["changed"]?.flag == false { action = .keep }
    }

    func render(isDryRun: Bool, palette: Palette) -> String {
        var text = "\(palette.paint(name, .strong)): \(action.rawValue)"
        if action != .keep {
            let made = revision.map { "revision \($0)" } ?? "done"
            let remark = isDryRun ? "dry run, nothing is changed" : made
            text += palette.paint(" (\(remark))", .faint)
        }
        return text + "\n" + difference.render(indentation: 2, palette: palette)
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
