// swift-tools-version: 6.3
import PackageDescription

/// Every module, and the modules below it that it may import.
let floors: KeyValuePairs<String, [String]> = [
    "Kernel": ["CLinux"],
    "Bytes": ["CBytes"],
    "RegularExpressions": ["CRE2"],
    "YAML": ["CYAML"],
    "Telemetry": ["Bytes"],
    "EventLoop": ["Kernel"],
    "TLS": ["COpenSSL", "Bytes"],
    "HTTP": ["Bytes"],
    "HTTP1": ["HTTP", "Bytes"],
    "HTTP2": ["CNGHTTP2", "HTTP", "Bytes"],
    "Transport": ["HTTP1", "HTTP2", "HTTP", "TLS", "EventLoop", "Kernel", "Bytes"],
    "Mesh": ["RegularExpressions"],
    "Routing": ["Mesh", "HTTP", "RegularExpressions", "Bytes"],
    "Balancing": ["Mesh", "Bytes"],
    "XDS": ["Mesh", "RegularExpressions", "HTTP", "Bytes", "YAML"],
    "Proxy": [
        "Routing", "Balancing", "XDS", "Mesh", "RegularExpressions", "Transport", "HTTP2", "HTTP1",
        "HTTP", "TLS", "EventLoop", "Telemetry", "Bytes", "Kernel",
    ],
    "Control": [
        "XDS", "Mesh", "RegularExpressions", "Transport", "HTTP", "TLS", "EventLoop", "Telemetry",
        "Bytes", "Kernel",
    ],
    "Console": ["YAML", "HTTP1", "HTTP", "Bytes", "Kernel"],
    "Bench": [
        "Transport", "HTTP1", "HTTP2", "HTTP", "TLS", "EventLoop", "Telemetry", "Bytes", "Kernel",
    ],
]

/// The programs, and the modules that they may import.
let programs: KeyValuePairs<String, [String]> = [
    "pointsman-proxy": ["Proxy", "XDS", "Kernel"],
    "pointsman-control": ["Control", "Kernel"],
    "pointsman": ["Console", "Bench"],
]

/// What comes from other packages, and who may use it.
let products: [String: [Target.Dependency]] = [
    "XDS": [.product(name: "SwiftProtobuf", package: "swift-protobuf")],
    "Control": [.product(name: "GRDB", package: "GRDB.swift")],
    "Bench": [
        .product(name: "Histogram", package: "hdrhistogram-swift"),
        .product(name: "RealModule", package: "swift-numerics"),
    ],
    "pointsman-proxy": [.product(name: "ArgumentParser", package: "swift-argument-parser")],
    "pointsman-control": [.product(name: "ArgumentParser", package: "swift-argument-parser")],
    "pointsman": [.product(name: "ArgumentParser", package: "swift-argument-parser")],
]

let settings: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .enableExperimentalFeature("Lifetimes"),
    // Every access of a class's property would be checked while the program runs: 75 instructions,
    // a hundred times a request. Debug builds keep the checks, and all tests run on one of them.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

let walls: [Target] = [
    .target(name: "CBytes"),
    .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")]),
    .target(
        name: "COpenSSL", cSettings: [.define("_GNU_SOURCE")],
        linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
    .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
    .systemLibrary(
        name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
]

let libraries: [Target] = floors.map { name, below in
    .target(
        name: name,
        dependencies: below.map { .target(name: $0) } + products[name, default: []],
        exclude: name == "XDS" ? ["Protos"] : [],
        swiftSettings: settings)
}

let executables: [Target] = programs.map { name, below in
    .executableTarget(
        name: name,
        dependencies: below.map { .target(name: $0) } + products[name, default: []],
        swiftSettings: settings)
}

/// With what tests ask whether a module on another side understands what theirs says.
let witnesses = ["Control": ["Routing"]]

let tests: [Target] = floors.map { name, below in
    .testTarget(
        name: name + "Tests",
        dependencies: ([name] + below + witnesses[name, default: []]).map { .target(name: $0) }
            + products[name, default: []],
        swiftSettings: settings)
}

let package = Package(
    name: "pointsman",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
    ],
    targets: walls + libraries + executables + tests + [
        .testTarget(name: "TidyTests", swiftSettings: settings),
        // Built by name for Benchmarks/run, and no part of what is shipped.
        .executableTarget(
            name: "micro-benchmarks",
            dependencies: [
                "Balancing", "Routing", "Telemetry", "Mesh", "HTTP1", "HTTP", "Bytes",
            ],
            path: "Benchmarks/Micro",
            swiftSettings: settings),
    ],
    cxxLanguageStandard: .cxx17)
