import TLS
import Testing

@Suite struct `Settings of a context` {
    let root = Mint("root")

    @Test(arguments: [
        TLSError.Setting.certificateChain, .privateKey, .keyMismatch, .duplicateKeyKind,
        .trustedAuthorities, .ciphers, .groups, .applicationProtocols,
    ])
    func `that cannot be used are named`(setting: TLSError.Setting) throws {
        var settings = Settings()
        settings.credentials = [root.issue("DNS:a")]
        settings.trustedAuthorities = root.authorities
        _ = try Context(settings, role: .server(clientCertificate: .required))
        switch setting {
        case .certificateChain: settings.credentials[0].certificateChain = Array("nothing".utf8)
        case .privateKey: settings.credentials[0].privateKey = settings.trustedAuthorities
        case .keyMismatch: settings.credentials[0].privateKey = root.issue(nil).privateKey
        case .duplicateKeyKind: settings.credentials.append(root.issue("DNS:b"))
        case .trustedAuthorities: settings.trustedAuthorities = []
        case .ciphers: settings.ciphers = ["ROT13"]
        case .groups: settings.groups = ["MODP-1"]
        case .applicationProtocols: settings.applicationProtocols = [""]
        case .versions, .serverName: break
        }
        #expect(throws: TLSError.settings(setting)) {
            _ = try Context(settings, role: .server(clientCertificate: .required))
        }
    }

    @Test func `may hold keys of several kinds`() throws {
        var settings = Settings()
        settings.credentials = [root.issue("DNS:a"), root.issue("DNS:a", bits: 2048)]
        _ = try Context(settings, role: .server(clientCertificate: .ignored))
    }

    @Test func `tell how long what they present is good`() throws {
        var settings = Settings()
        settings.trustedAuthorities = root.authorities
        #expect(try Context(settings, role: .client).expiry == nil)
        settings.credentials = [
            root.issue("DNS:a"), root.issue("DNS:a", dates: Mint.yesterday, bits: 2048),
        ]
        let expiry = try #require(try Context(settings, role: .client).expiry)
        settings.credentials.removeLast()
        let later = try #require(try Context(settings, role: .client).expiry)
        #expect((7190...7210).contains(later - expiry))
    }

    @Test func `with a damaged certificate among good ones are refused`() throws {
        var settings = Settings()
        var damaged = Mint("other").authorities
        damaged[damaged.count / 2] = UInt8(ascii: "!")
        settings.trustedAuthorities = root.authorities + damaged
        #expect(throws: TLSError.settings(.trustedAuthorities)) {
            _ = try Context(settings, role: .client)
        }
    }

    @Test(arguments: ["", "a\0b"])
    func `never hold a server name that is none`(name: String) throws {
        var settings = Settings()
        settings.trustedAuthorities = root.authorities
        let context = try Context(settings, role: .client)
        #expect(throws: TLSError.settings(.serverName)) {
            _ = try Session(context, on: Wire(), serverName: name)
        }
    }
}
