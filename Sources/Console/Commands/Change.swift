import Kernel

extension Session {
    /// Makes everything what it was at an earlier revision; that is a new revision.
    public func restore(revision number: Int64, options: ChangeOptions) throws(ConsoleError) {
        let start = Instant.now()
        let reply = try control.change(
            "POST", "/v1/revisions/\(number):restore",
            intent: .init(reason: options.reason, isDryRun: options.isDryRun))
        var outcome = Outcome(subject: "restore", reply: reply, options: options)
        outcome.text = "everything is as it was at revision \(number)"
        outcome.members["restored"] = .integer(number)
        outcome.difference = Difference(reply["diff"])
        try finish(&outcome, since: start, options: options)
        show(outcome.document) { outcome.render(palette: screen.palette) }
    }

    /// Removes a service with its versions and routes.
    public func delete(service: String, options: ChangeOptions) throws(ConsoleError) {
        let start = Instant.now()
        let reply = try control.change(
            "DELETE", ApplyStep.target(service),
            intent: .init(reason: options.reason, isDryRun: options.isDryRun))
        var outcome = Outcome(subject: service, reply: reply, options: options)
        outcome.text = "removed"
        outcome.difference = Difference(reply["diff"], without: "services.\(service).")
        try finish(&outcome, since: start, options: options)
        show(outcome.document) { outcome.render(palette: screen.palette) }
    }
}
