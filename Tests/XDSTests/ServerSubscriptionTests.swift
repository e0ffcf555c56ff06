import Testing
import XDS

@Suite struct `A server's subscription` {
    private func collection(
        _ type: ResourceType, _ version: String, _ bodies: [String: UInt8]
    ) -> ResourceOffer.Collection {
        ResourceOffer.Collection(
            version: version,
            resources: bodies.map { Resource(type: type, name: $0.key, body: [$0.value]) })
    }

    private func request(
        _ type: ResourceType, _ names: [String] = [], version: String = "", nonce: String = "",
        error: String? = nil
    ) -> DiscoveryRequest {
        DiscoveryRequest(
            typeURL: type.typeURL, version: version, resourceNames: names, responseNonce: nonce,
            errorDetail: error)
    }

    @Test func `answers a wildcard even if there is nothing`() {
        var clusters = ServerSubscription(type: .cluster)
        let nothing = collection(.cluster, "1", [:])
        #expect(clusters.response(from: nothing, nonce: "a") == nil)
        #expect(clusters.receive(request(.cluster)) == .subscription)
        #expect(clusters.interest == .everything)
        #expect(clusters.response(from: nothing, nonce: "a")?.resources.isEmpty == true)
        #expect(clusters.response(from: nothing, nonce: "b") == nil)
        #expect(!clusters.isUpToDate(with: nothing))
        let answer = clusters.receive(request(.cluster, version: "1", nonce: "a"))
        #expect(answer == .acknowledgement(version: "1"))
        #expect(clusters.isUpToDate(with: nothing))
    }

    @Test func `takes an empty list after names for the end of the subscription`() {
        var clusters = ServerSubscription(type: .cluster)
        _ = clusters.receive(request(.cluster, ["a"]))
        _ = clusters.receive(request(.cluster, []))
        #expect(clusters.interest == .names([]))
        #expect(clusters.response(from: collection(.cluster, "1", ["a": 1]), nonce: "a") == nil)
        _ = clusters.receive(request(.cluster, ["*"]))
        #expect(clusters.interest == .everything)
        _ = clusters.receive(request(.cluster, []))
        #expect(clusters.interest == .names([]))
        _ = clusters.receive(request(.cluster, ["*", "a"]))
        #expect(clusters.interest == .everything)
        _ = clusters.receive(request(.cluster, ["a"]))
        #expect(clusters.interest == .names(["a"]))
    }

    @Test func `takes an answer back that a client gives again once it can`() {
        var listeners = ServerSubscription(type: .listener)
        let first = collection(.listener, "1", ["a": 1])
        let second = collection(.listener, "2", ["a": 2])
        _ = listeners.receive(request(.listener))
        _ = listeners.response(from: first, nonce: "a")
        _ = listeners.receive(request(.listener, version: "1", nonce: "a"))
        _ = listeners.response(from: second, nonce: "b")
        _ = listeners.receive(request(.listener, version: "1", nonce: "b", error: "in use"))
        #expect(listeners.refusal(of: second) == "in use")
        #expect(listeners.refusal(of: first) == nil)
        // Only to ask for something says nothing of what was refused.
        _ = listeners.receive(request(.listener, version: "1", nonce: "b"))
        #expect(listeners.refusal(of: second) == "in use")
        let answer = listeners.receive(request(.listener, version: "2", nonce: "b"))
        #expect(answer == .acknowledgement(version: "2"))
        #expect(listeners.isUpToDate(with: second))
    }

    @Test func `does not send again what was refused, until it changes`() {
        var clusters = ServerSubscription(type: .cluster)
        let bad = collection(.cluster, "2", ["a": 2])
        _ = clusters.receive(request(.cluster))
        _ = clusters.response(from: collection(.cluster, "1", ["a": 1]), nonce: "a")
        _ = clusters.receive(request(.cluster, version: "1", nonce: "a"))
        _ = clusters.response(from: bad, nonce: "b")
        let refusal = request(.cluster, version: "1", nonce: "b", error: "why")
        #expect(clusters.receive(refusal) == .refusal(version: "2", reason: "why"))
        #expect(clusters.standing == .refused(version: "2", reason: "why", accepted: "1"))
        #expect(clusters.response(from: bad, nonce: "c") == nil)
        #expect(!clusters.isUpToDate(with: bad))
        let good = collection(.cluster, "3", ["a": 3])
        #expect(clusters.response(from: good, nonce: "d")?.version == "3")
        _ = clusters.receive(request(.cluster, version: "3", nonce: "d"))
        #expect(clusters.standing == .accepted(version: "3"))
        #expect(clusters.isUpToDate(with: good))
    }

    @Test func `ignores an answer to a response that was overtaken or never sent`() {
        var clusters = ServerSubscription(type: .cluster)
        _ = clusters.receive(request(.cluster))
        _ = clusters.response(from: collection(.cluster, "1", ["a": 1]), nonce: "a")
        _ = clusters.response(from: collection(.cluster, "2", ["a": 2]), nonce: "b")
        _ = clusters.receive(request(.cluster, version: "2", nonce: "b"))
        #expect(clusters.receive(request(.cluster, version: "1", nonce: "a")) == .stale)
        #expect(clusters.receive(request(.cluster, version: "9", nonce: "z")) == .stale)
        #expect(clusters.acceptedVersion == "2")
    }

    @Test func `sends names that are newly asked, and asked again, even if nothing changed`() {
        var endpoints = ServerSubscription(type: .endpointAssignment)
        let there = collection(.endpointAssignment, "1", ["a": 1, "b": 2])
        _ = endpoints.receive(request(.endpointAssignment, ["a"]))
        #expect(endpoints.response(from: there, nonce: "1")?.resources.count == 1)
        _ = endpoints.receive(request(.endpointAssignment, ["a"], version: "1", nonce: "1"))
        #expect(endpoints.response(from: there, nonce: "2") == nil)
        _ = endpoints.receive(request(.endpointAssignment, ["a", "b"], version: "1", nonce: "1"))
        let added = endpoints.response(from: there, nonce: "2")
        #expect(added?.resources.map(\.body) == [[2]])
        _ = endpoints.receive(request(.endpointAssignment, ["a", "b"], version: "1", nonce: "2"))
        _ = endpoints.receive(request(.endpointAssignment, ["a", "b"], version: "1", nonce: "2"))
        #expect(endpoints.response(from: there, nonce: "3")?.resources.count == 2)
    }

    @Test func `knows what is still refused when other names are accepted`() {
        var endpoints = ServerSubscription(type: .endpointAssignment)
        let names = ["a", "b"]
        _ = endpoints.receive(request(.endpointAssignment, names))
        _ = endpoints.response(
            from: collection(.endpointAssignment, "1", ["a": 1]), nonce: "1")
        _ = endpoints.response(
            from: collection(.endpointAssignment, "2", ["a": 1, "b": 1]), nonce: "2")
        let refusal = request(.endpointAssignment, names, nonce: "1", error: "a is bad")
        #expect(endpoints.receive(refusal) == .refusal(version: "1", reason: "a is bad"))
        _ = endpoints.receive(request(.endpointAssignment, names, version: "2", nonce: "2"))
        #expect(endpoints.standing == .refused(version: "1", reason: "a is bad", accepted: "2"))
    }

    @Test func `bounds what waits for an answer and merges the rest`() {
        var clusters = ServerSubscription(type: .cluster)
        _ = clusters.receive(request(.cluster))
        var sent: [String] = []
        for version in 1...100 {
            let there = collection(.cluster, "\(version)", ["a": UInt8(version)])
            if clusters.response(from: there, nonce: "\(version)") != nil {
                sent.append("\(version)")
            }
        }
        #expect(sent.count == ServerSubscription.unansweredLimit)
        _ = clusters.receive(request(.cluster, version: "4", nonce: "4"))
        let last = collection(.cluster, "100", ["a": 100])
        #expect(clusters.response(from: last, nonce: "101")?.version == "100")
    }
}
