import ArgumentParser
import Bench
import Console

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Load a URL and measure how it answers: bench http://127.0.0.1:8080/ --rate 4000",
        discussion: """
            With --rate, requests are due at fixed times, and latency counts from when a request \
            was due: when the server stalls, those that had to wait show it. Without --rate, every \
            connection asks again as soon as it is answered, which finds the highest throughput \
            and hides stalls. Ctrl-C ends a run early and still prints what it has shown.

            A condition of --fail-if is METRIC OPERATOR VALUE. Metrics: p50 … p99.99, min, mean, \
            max, stddev (times such as 5ms or 800us), rate (a second), requests, errors, dropped \
            (numbers, or shares such as 0.1%). With --compare, a value such as 1.5x is a multiple \
            of what the other URL shows. Errors are requests without an answer and answers of 400 \
            and above.

            Exit codes: 0 done, 1 the run could not be carried out, 2 wrong usage, 3 the target \
            cannot be reached or answers nothing, 7 a condition of --fail-if holds or a split is \
            not what --expect says.
            """)

    @Argument(help: "The target, as http://HOST:PORT/PATH or https://HOST:PORT/PATH.")
    var url: String

    @OptionGroup(title: "Load") var load: LoadArguments
    @OptionGroup(title: "Request") var request: RequestArguments
    @OptionGroup(title: "TLS") var security: SecurityArguments
    @OptionGroup(title: "Result") var output: ResultArguments

    func run() throws {
        let screen = Screen.standard(environment: Settings.environment)
        let status: ProgramExit
        do throws(BenchError) {
            status = try measure(screen)
        } catch {
            screen.report(error.message, hint: error.hint)
            status = error.exitStatus
        }
        if status != .success { throw ArgumentParser.ExitCode(status.rawValue) }
    }

    private func measure(_ screen: Screen) throws(BenchError) -> ProgramExit {
        let plan = try plan()
        let judgement = try output.judgement(for: plan)
        try output.checkPage()
        let run = try LoadRun(plan) { progress in
            if !output.isQuiet { screen.showProgress(progress.line(for: plan)) }
        }
        let result = try run.run()
        screen.clearProgress()
        screen.show(output.render(result, expecting: judgement.split, palette: screen.palette))
        try output.writePage(of: result, expecting: judgement.split)
        for recording in zip(plan.targets, result.recordings) where recording.1.answeredCount == 0 {
            throw .noAnswer(recording.0.url)
        }
        let findings = judgement.findings(in: result)
        for finding in findings { screen.say("failed: \(finding)".shown, .bad) }
        return findings.isEmpty ? .success : .conditionHeld
    }

    private func plan() throws(BenchError) -> LoadPlan {
        var targets = [try Target(parsing: url)]
        if let other = load.compare { targets.append(try Target(parsing: other)) }
        var plan = LoadPlan(targets: targets)
        try load.fill(&plan)
        try request.fill(&plan)
        try security.fill(&plan)
        plan.versionHeader = output.versionHeader
        try plan.validate()
        return plan
    }
}

extension BenchError {
    var exitStatus: ProgramExit {
        isUsage ? .usage : isUnreachable ? .unreachable : .failure
    }
}
