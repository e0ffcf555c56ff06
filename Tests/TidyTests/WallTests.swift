import Testing

/// Who may know whom, as the manifest's floors and the design's walls say.
@Suite struct `Walls between modules` {
    /// The C walls, the buffers, the slab and the counters: `unsafe` ends in these.
    static let unsafeModules: Set = [
        "Kernel", "Bytes", "HTTP2", "RegularExpressions", "YAML", "EventLoop", "Telemetry",
        "TLS",
    ]

    /// Parts of the toolchain that a module may use, and who may.
    static let toolchain: [String: Set<String>] = [
        "Glibc": ["Kernel", "Bytes", "pointsman-proxy", "pointsman-control", "pointsman"],
        "FoundationEssentials": ["Control", "Console", "XDS", "pointsman-control"],
    ]

    @Test func `the manifest was understood`() throws {
        let manifest = try Manifest()
        #expect(manifest.floors.count >= 17)
        #expect(manifest.programs["pointsman-proxy"]?.contains("Proxy") == true)
        #expect(manifest.products["Control"]?.contains("GRDB") == true)
    }

    @Test func `a module imports only the floors below it`() throws {
        let manifest = try Manifest()
        var offences: [Offence] = []
        for file in Tree.sources where !file.isGenerated {
            let allowed = Set(manifest.modules(below: file.module) + ["Synchronization"])
            for (line, module) in imports(of: file) where !allowed.contains(module) {
                if Self.toolchain[module]?.contains(file.module) == true { continue }
                offences.append(
                    Offence(file: file.path, line: line, hint: "\(module) is not below this"))
            }
        }
        #expect(offences.isEmpty, "\(report(offences))")
    }

    @Test func `unsafe code stays at the C walls and in the buffers`() {
        let rule = Ban(
            pattern: #"\bunsafe\b|\bUnsafe\w+|withUnsafe|\bUnmanaged\b|@unchecked Sendable"#,
            needles: ["nsafe", "Unmanaged", "@unchecked"],
            hint: "unsafe ends below; ask the module that owns the memory")
        let files = Tree.sources.filter { !Self.unsafeModules.contains($0.module) }
        let offences = files.flatMap { $0.isGenerated ? [] : rule.offences(in: $0) }
        #expect(offences.isEmpty, "\(report(offences))")
    }

    @Test func `the top level holds what the design names and nothing else`() {
        let known: Set = [
            "Package.swift", "Package.resolved", "Sources", "Tests", "Examples", "Benchmarks",
            "README.md", "LICENSE",
        ]
        let visible = Tree.entries(of: ".").filter { !$0.hasPrefix(".") }
        #expect(Set(visible).subtracting(known).isEmpty)
    }

    @Test func `no dependency brings another event loop in`() throws {
        let manifest = try Tree.text(of: "Package.swift")
        for name in ["swift-nio", "hummingbird", "async-http-client", "vapor"] {
            #expect(!manifest.lowercased().contains(name))
        }
    }

    private func imports(of file: SourceFile) -> [(line: Int, module: String)] {
        var found: [(line: Int, module: String)] = []
        for (number, line) in file.code.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated() where line.contains("import ")
        {
            let pattern = /^(?:@\w+\s+)*(?:public |package |internal )?import (?:\w+ )?(\w+)/
            if let match = line.firstMatch(of: pattern) {
                found.append((number + 1, String(match.1)))
            }
        }
        return found
    }
}
