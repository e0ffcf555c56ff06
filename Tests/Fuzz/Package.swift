// swift-tools-version: 6.3
import PackageDescription

let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")

/// Modules under test, by symbolic link; here they are built with the sanitizers.
let modules: KeyValuePairs<String, [Target.Dependency]> = [
    "Bytes": ["CBytes"],
    "TLS": ["COpenSSL", "Bytes"],
    "HTTP": ["Bytes"],
    "HTTP1": ["HTTP", "Bytes"],
    "HTTP2": ["CNGHTTP2", "HTTP", "Bytes"],
    "RegularExpressions": ["CRE2"],
    "Mesh": ["RegularExpressions"],
    "YAML": ["CYAML"],
    "XDS": ["Mesh", "RegularExpressions", "HTTP", "Bytes", "YAML", protobuf],
]

/// One program for each decoder, with what it calls.
let fuzzers: KeyValuePairs<String, [Target.Dependency]> = [
    "RequestFuzzer": ["HTTP1", "HTTP", "Bytes", "Fuzzing"],
    "ResponseFuzzer": ["HTTP1", "HTTP", "Bytes", "Fuzzing"],
    "DiscoveryFuzzer": ["XDS", "Mesh", "Fuzzing"],
    "HelloFuzzer": ["TLS", "Fuzzing"],
    "SessionFuzzer": ["HTTP2", "HTTP1", "HTTP", "Bytes", "Fuzzing"],
]

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
    .unsafeFlags(["-parse-as-library", "-sanitize=fuzzer,address"]),
]

let libraries: [Target] = (modules.map { ($0, $1) } + [("Fuzzing", [])]).map {
    .target(
        name: $0, dependencies: $1, exclude: $0 == "XDS" ? ["Protos"] : [],
        swiftSettings: settings)
}

let walls: [Target] = [
    .target(name: "CBytes"),
    .target(
        name: "COpenSSL", cSettings: [.define("_GNU_SOURCE")],
        linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
    .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1"),
    .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2"),
]

let programs: [Target] = fuzzers.map {
    .executableTarget(
        name: $0, dependencies: $1, swiftSettings: settings,
        linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])])
}

let package = Package(
    name: "fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: [])
    ],
    targets: walls + libraries + programs,
    cxxLanguageStandard: .cxx17)
