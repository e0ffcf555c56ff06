import Kernel
import Testing

@Suite struct `Socket address` {
    @Test(arguments: [
        ("127.0.0.1:80", "127.0.0.1:80"), ("0.0.0.0:0", "0.0.0.0:0"),
        ("[::1]:65535", "[::1]:65535"),
        ("[2001:DB8::1]:443", "[2001:db8::1]:443"),
    ])
    func `reads host and port and writes them again`(text: String, canonical: String) throws {
        let address = try #require(SocketAddress(parsing: text))
        #expect(address.description == canonical)
        #expect(SocketAddress(parsing: canonical) == address)
    }

    @Test(arguments: [
        "", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1",
        "::1:80", "[::1]", "localhost:80", "127.0.0.1:8 0", "256.0.0.1:80",
    ])
    func `refuses what is not an address`(text: String) {
        #expect(SocketAddress(parsing: text) == nil)
    }

    @Test(arguments: [
        ("127.9.9.9:1", true), ("[::1]:1", true), ("[::ffff:127.0.0.1]:1", true),
        ("128.0.0.1:1", false), ("0.0.0.0:1", false), ("[::]:1", false),
    ])
    func `knows what reaches this machine only`(text: String, isLoopback: Bool) throws {
        #expect(try #require(SocketAddress(parsing: text)).isLoopback == isLoopback)
    }

    @Test func `splits a name from its port`() throws {
        let (host, port) = try #require(SocketAddress.split("control.example:7401"))
        #expect(host == "control.example")
        #expect(port == 7401)
    }

    @Test(
        arguments: [
            ("control", "control", 7400), ("[::1]", "::1", 7400), ("a-b.c_d:1", "a-b.c_d", 1),
        ] as [(String, String, UInt16)])
    func `takes the standard port where there is none`(text: String, host: String, port: UInt16)
        throws
    {
        let parts = try #require(SocketAddress.split(text, standardPort: 7400))
        #expect(parts == (host, port))
    }

    @Test(arguments: ["", ":1", "[]:1", "::1", "a:", "a:x", "a:65536", "a b", "a/b:1", "a\r\nb:1"])
    func `splits nothing that has no host`(text: String) {
        #expect(SocketAddress.split(text, standardPort: 7400) == nil)
    }
}

@Suite struct `CPU quota` {
    @Test(arguments: [
        ("max 100000", nil), ("150000 100000", 1.5), ("50000 100000", 0.5), ("", nil), ("x y", nil),
    ])
    func `is read from cgroup v2`(text: String, quota: Double?) {
        #expect(Machine.quota(fromVersion2: text) == quota)
    }
}
