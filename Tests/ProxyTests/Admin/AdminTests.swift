import Glibc
import Testing

@testable import Proxy

private let hasPython = unsafe access("/usr/bin/python3", X_OK) == 0

@Suite struct `The admin interface` {
    @Test(arguments: [
        (AdminState.Phase.live, UInt16(200), "LIVE\n"),
        (.initializing, 503, "INITIALIZING\n"), (.preInitializing, 503, "PRE_INITIALIZING\n"),
        (.draining, 503, "DRAINING\n"),
    ])
    func `is ready only when live`(phase: AdminState.Phase, status: UInt16, text: String) throws {
        let proxy = try FakeProxy()
        proxy.adminState.phase = phase
        let answer = proxy.answer("/ready")
        #expect(answer.status == status)
        #expect(answer.text == text)
    }

    @Test(arguments: [
        ("/quitquitquit", AdminCommand.quit), ("/healthcheck/fail", .failHealthChecks),
        ("/healthcheck/ok", .passHealthChecks),
        ("/drain_listeners", .drainListeners(isGraceful: false, inboundOnly: false)),
        ("/drain_listeners?graceful", .drainListeners(isGraceful: true, inboundOnly: false)),
        ("/drain_listeners?inboundonly", .drainListeners(isGraceful: false, inboundOnly: true)),
        ("/logging?level=debug", .setLogLevel(.debug)),
    ])
    func `changes something by POST only, and never for a page`(
        target: String, command: AdminCommand
    ) throws {
        let proxy = try FakeProxy()
        for method in ["GET", "HEAD", "PUT", "DELETE"] {
            let refusal = proxy.answer(target, method: method)
            #expect(refusal.status == 405)
            #expect(refusal.allow == "POST")
        }
        #expect(proxy.answer(target, method: "POST", hasOrigin: true).status == 403)
        #expect(proxy.commands.isEmpty)
        #expect(proxy.answer(target, method: "POST").status == 200)
        #expect(proxy.commands == [command])
    }

    @Test(arguments: [
        "/ready", "/stats", "/metrics", "/config_dump", "/clusters", "/server_info", "/listeners",
        "/help", "/",
    ])
    func `shows by GET only, and never as a page`(path: String) throws {
        let proxy = try FakeProxy()
        #expect(proxy.answer(path, method: "POST").status == 405)
        let answer = proxy.answer(path)
        #expect(answer.status == 200)
        #expect(answer.fields.contains { $0 == ("x-content-type-options", "nosniff") })
        #expect(!answer.contentType.contains("html"))
    }

    @Test func `tells an unknown path what there is`() throws {
        let answer = try FakeProxy().answer("/nope")
        #expect(answer.status == 404)
        #expect(answer.text.contains("  /config_dump: "))
    }

    @Test func `tells and sets the log level`() throws {
        let proxy = try FakeProxy()
        #expect(proxy.answer("/logging", method: "POST").text.contains("pointsman: info\n"))
        #expect(
            proxy.answer("/logging?level=debug", method: "POST").text.contains(": debug\n"))
        #expect(proxy.answer("/logging?level=loud", method: "POST").status == 400)
    }

    @Test func `lists listeners`() throws {
        let proxy = try FakeProxy()
        #expect(
            proxy.answer("/listeners").text
                == "inbound::[::]:15006\noutbound::127.0.0.1:15001\n")
        let json = proxy.answer("/listeners?format=json")
        #expect(json.contentType == "application/json")
        #expect(json.text.contains("\"port_value\": 15006"))
    }

    @Test func `shows clusters with their endpoints`() throws {
        let proxy = try FakeProxy()
        let text = proxy.answer("/clusters").text
        for line in [
            "reviews/v1::default_priority::max_retries::3", "reviews/v1::added_via_api::true",
            "reviews/v1::127.0.0.1:9001::cx_connect_fail::1",
            "reviews/v1::127.0.0.1:9001::health_flags::/failed_outlier_check",
            "reviews/v1::127.0.0.1:9002::health_flags::healthy",
            "reviews/v1::127.0.0.1:9002::region::r",
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
        let json = proxy.answer("/clusters?format=json").text
        #expect(json.contains("\"failed_outlier_check\": true"))
        #expect(json.contains("\"eds_health_status\": \"HEALTHY\""))
    }

    @Test func `shows statistics, all or some`() throws {
        let proxy = try FakeProxy()
        let text = proxy.answer("/stats").text
        #expect(text.contains("cluster.reviews/v1.upstream_rq_2xx: 1\n"))
        #expect(text.contains("cluster.reviews/v1.upstream_rq_200: 1\n"))
        let some = proxy.answer("/stats?filter=upstream_rq_2.*&usedonly").text
        #expect(
            some
                == """
                cluster.reviews/v1.upstream_rq_200: 1
                cluster.reviews/v1.upstream_rq_2xx: 1

                """)
        #expect(proxy.answer("/stats?filter=(").status == 400)
        #expect(proxy.answer("/stats?format=json").text.contains("\"value\": 61"))
        for target in ["/stats/prometheus", "/metrics", "/stats?format=prometheus"] {
            let answer = proxy.answer(target)
            #expect(answer.contentType == "text/plain; version=0.0.4; charset=utf-8")
            #expect(answer.text.contains("\nmesh_ready 1\n"))
        }
    }

    @Test func `tells about the process`() throws {
        let text = try FakeProxy().answer("/server_info").text
        for part in [
            "\"version\": \"1.2.3\"", "\"state\": \"LIVE\"", "\"uptime_current_epoch\": \"61s\"",
            "\"concurrency\": 2", "\"mode\": \"serve\"", "\"id\": \"client-1\"",
            #""outbound_address": "x\"y""#,
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test(
        .enabled(if: hasPython),
        arguments: [
            "/config_dump?include_eds", "/config_dump?resource=dynamic_listeners",
            "/clusters?format=json", "/listeners?format=json", "/stats?format=json",
            "/server_info",
        ])
    func `writes JSON that another reader takes`(target: String) throws {
        let text = try FakeProxy().answer(target).text
        let pipe = unsafe popen("python3 -m json.tool >/dev/null", "w")
        guard let pipe = unsafe pipe else { return }
        unsafe fputs(text, pipe)
        let status = unsafe pclose(pipe)
        #expect(status == 0, "\(text)")
    }

    @Test func `keeps names from making up lines`() throws {
        let proxy = try FakeProxy()
        proxy.adminState.listeners = [.init(name: "a\nb::c", host: "::1", port: 1)]
        #expect(proxy.answer("/listeners").text == "a?b::c::[::1]:1\n")
    }
}

@Suite struct `The dump of the configuration` {
    @Test func `has what is in effect, with versions`() throws {
        let text = try FakeProxy().answer("/config_dump").text
        for part in [
            "\"@type\": \"type.googleapis.com/envoy.admin.v3.ListenersConfigDump\"",
            "\"dynamic_listeners\": [", "\"dynamic_active_clusters\": [",
            "\"dynamic_route_configs\": [", "\"version_info\": \"9\"",
            "{\"@type\":\"type.googleapis.com/envoy.config.cluster.v3.Cluster\",\"name\":",
            "\"last_updated\": \"1970-01-01T00:00:00.000Z\"", "\"id\": \"client-1\"",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(!text.contains("EndpointsConfigDump"))
    }

    @Test func `has endpoints when asked for`() throws {
        let text = try FakeProxy().answer("/config_dump?include_eds").text
        #expect(text.contains("\"dynamic_endpoint_configs\": ["))
        #expect(text.contains("9002"))
    }

    @Test func `can be narrowed to a kind and a name`() throws {
        let proxy = try FakeProxy()
        let text = proxy.answer("/config_dump?resource=dynamic_active_clusters").text
        #expect(text.contains("envoy.admin.v3.ClustersConfigDump.DynamicCluster"))
        #expect(!text.contains("ListenersConfigDump"))
        let none = proxy.answer(
            "/config_dump?resource=dynamic_active_clusters&name_regex=rev")
        #expect(!none.text.contains("DynamicCluster"))
        #expect(proxy.answer("/config_dump?resource=nope").status == 404)
        #expect(proxy.answer("/config_dump?name_regex=(").status == 400)
        #expect(proxy.answer("/config_dump?mask=x").status == 400)
    }

    @Test func `is empty before there is a configuration`() throws {
        let proxy = try FakeProxy()
        proxy.adminState.snapshot = nil
        #expect(proxy.answer("/config_dump").status == 200)
        #expect(proxy.answer("/clusters").text.isEmpty)
    }
}
