// swift-tools-version: 6.3
import PackageDescription

/// Modules under test, by symbolic link; here they are built with the sanitizers.
let modules: KeyValuePairs<String, [Target.Dependency]> = [
    "Bytes": [],
    "HTTP": ["Bytes"],
    "HTTP1": ["HTTP", "Bytes"],
]

/// One program for each decoder, with what it calls.
let fuzzers: KeyValuePairs<String, [Target.Dependency]> = [
    "RequestFuzzer": ["HTTP1", "HTTP", "Bytes", "Fuzzing"],
    "ResponseFuzzer": ["HTTP1", "HTTP", "Bytes", "Fuzzing"],
]

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
    .unsafeFlags(["-parse-as-library", "-sanitize=fuzzer,address"]),
]

let libraries: [Target] = (modules.map { ($0, $1) } + [("Fuzzing", [])]).map {
    .target(name: $0, dependencies: $1, swiftSettings: settings)
}

let programs: [Target] = fuzzers.map {
    .executableTarget(
        name: $0, dependencies: $1, swiftSettings: settings,
        linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])])
}

let package = Package(name: "fuzz", targets: libraries + programs)
