/// What one client has asked a server for of one type, and how far it is; no I/O.
///
/// It decides when a response is due: something was asked for the first time or again, or what the
/// client has is not what there is. What a client refused is not sent again until it changes.
public struct ServerSubscription: Sendable {
    public enum Interest: Equatable, Sendable {
        case nothing
        /// All there is, now and later.
        case everything
        case names(Set<String>)
    }

    /// What a request meant.
    public enum Meaning: Equatable, Sendable {
        /// It answers a response that was answered already, or none that there was.
        case stale
        /// It asks for something and answers nothing.
        case subscription
        case acknowledgement(version: String)
        case refusal(version: String, reason: String)
    }

    /// How the client stands to what was sent.
    public enum Standing: Equatable, Sendable {
        /// Nothing was asked for, or nothing sent so far.
        case idle
        /// Sent and not answered.
        case waiting(version: String)
        case accepted(version: String)
        /// `accepted` is the version in effect at the client; empty when there is none.
        case refused(version: String, reason: String, accepted: String)
    }

    private struct Unanswered: Sendable {
        let nonce: String
        let version: String
        let names: Set<String>
    }

    /// What the client does not want; it holds until it took something else under these names.
    private struct Refusal: Sendable {
        let nonce: String
        var names: Set<String>
        var version: String
        var reason: String
    }

    /// Most responses that wait for an answer; what comes then waits and is merged.
    public static let unansweredLimit = 4

    public let type: ResourceType
    public private(set) var interest = Interest.nothing
    /// Whether the client has ever named what it wants; from then on no names stand for nothing.
    private var hasNamed = false
    /// The version in effect at the client; empty when it accepted none on this stream.
    public private(set) var acceptedVersion = ""
    private var unanswered: [Unanswered] = []
    private var latestNonce = ""
    private var refusal: Refusal?
    /// What the client was sent by name, accepted or not.
    private var sent: [String: Resource] = [:]
    /// Names to answer even if nothing changed.
    private var newlyAsked: Set<String> = []
    private var isAnswerDue = false

    public init(type: ResourceType) {
        self.type = type
    }

    /// Takes in what the client says.
    public mutating func receive(_ request: DiscoveryRequest) -> Meaning {
        let nonce = request.responseNonce
        if nonce.isEmpty {
            subscribe(to: request.resourceNames, isRepeated: true)
            return .subscription
        }
        let position = unanswered.firstIndex { $0.nonce == nonce }
        let isLatest = nonce == latestNonce
        // Requests come in order, so the names of each are the latest, whatever it answers.
        guard let position else {
            guard isLatest else {
                subscribe(to: request.resourceNames, isRepeated: false)
                return .stale
            }
            if request.errorDetail == nil, let open = refusal, open.nonce == nonce,
                type.isStateOfTheWorld, request.version == open.version,
                open.version != acceptedVersion
            {
                // What could not be put in effect at first now is.
                subscribe(to: request.resourceNames, isRepeated: false)
                accept(version: open.version, names: open.names)
                return .acknowledgement(version: open.version)
            }
            // The same names once more: a client that warms a resource anew waits for it (Envoy).
            let isRepeated =
                request.errorDetail == nil && interest == .names(Set(request.resourceNames))
            subscribe(to: request.resourceNames, isRepeated: isRepeated)
            return .subscription
        }
        let answered = unanswered[position]
        subscribe(to: request.resourceNames, isRepeated: false)
        if let reason = request.errorDetail {
            unanswered.removeSubrange(...position)
            refuse(answered, reason: reason)
            return .refusal(version: answered.version, reason: reason)
        }
        guard request.version == answered.version else {
            // The nonce is only the latest that the client saw: it asks before it answers.
            return .subscription
        }
        // An answer to a later response stands for those before it that got none.
        let names = unanswered[...position].reduce(into: Set()) { $0.formUnion($1.names) }
        unanswered.removeSubrange(...position)
        accept(version: answered.version, names: names)
        return .acknowledgement(version: answered.version)
    }

    public var standing: Standing {
        if let latest = unanswered.last { return .waiting(version: latest.version) }
        if let refusal {
            return .refused(
                version: refusal.version, reason: refusal.reason, accepted: acceptedVersion)
        }
        return acceptedVersion.isEmpty ? .idle : .accepted(version: acceptedVersion)
    }

    private mutating func refuse(_ answered: Unanswered, reason: String) {
        var names = answered.names
        if let refusal, !type.isStateOfTheWorld { names.formUnion(refusal.names) }
        refusal = Refusal(
            nonce: answered.nonce, names: names, version: answered.version, reason: reason)
    }

    private mutating func accept(version: String, names: Set<String>) {
        acceptedVersion = version
        if type.isStateOfTheWorld {
            refusal = nil
        } else if var open = refusal {
            open.names.subtract(names)
            refusal = open.names.isEmpty ? nil : open
        }
    }

    /// Makes the response that is due, if any; it counts as sent.
    ///
    /// - Parameters:
    ///   - collection: What there is.
    ///   - nonce: Not used before on the stream.
    /// - Returns: `nil` when nothing is due, or too much waits for an answer.
    public mutating func response(
        from collection: ResourceOffer.Collection, nonce: String
    ) -> DiscoveryResponse? {
        let selected = selection(of: collection)
        guard isAnswerDue || isDue(selected), unanswered.count < Self.unansweredLimit else {
            return nil
        }
        let resources: [Resource]
        if type.isStateOfTheWorld {
            resources = Array(selected.values)
            sent = selected
        } else {
            resources = selected.values.filter {
                newlyAsked.contains($0.name) || sent[$0.name] != $0
            }
            for resource in resources { sent[resource.name] = resource }
        }
        isAnswerDue = false
        newlyAsked = []
        latestNonce = nonce
        unanswered.append(
            Unanswered(
                nonce: nonce, version: collection.version, names: Set(resources.map(\.name))))
        return DiscoveryResponse(
            type: type, version: collection.version, nonce: nonce,
            resources: resources.sorted { $0.name < $1.name })
    }

    /// Whether the client has in effect what there is: nothing is due and nothing unanswered.
    ///
    /// A type that was not asked for is up to date.
    public func isUpToDate(with collection: ResourceOffer.Collection) -> Bool {
        if interest == .nothing { return true }
        return unanswered.isEmpty && refusal == nil && !isAnswerDue
            && !isDue(selection(of: collection))
    }

    /// Why the client does not have in effect what there is, when it has refused that and not
    /// something before it; `nil` when it has not.
    public func refusal(of collection: ResourceOffer.Collection) -> String? {
        guard let refusal, unanswered.isEmpty, !isAnswerDue, !isDue(selection(of: collection))
        else { return nil }
        return refusal.reason
    }

    /// The resources that the client was sent latest, whether it answered or not.
    public var sentResources: [String: Resource] { sent }

    private func selection(of collection: ResourceOffer.Collection) -> [String: Resource] {
        switch interest {
        case .nothing: [:]
        case .everything: collection.resources
        case .names(let names) where names.count < collection.resources.count:
            // A client asks for one of a thousand route configurations, each time that it answers.
            names.reduce(into: [:]) { $0[$1] = collection.resources[$1] }
        case .names(let names): collection.resources.filter { names.contains($0.key) }
        }
    }

    private func isDue(_ selected: [String: Resource]) -> Bool {
        if interest == .nothing { return false }
        if type.isStateOfTheWorld { return selected != sent }
        return selected.contains { sent[$0.key] != $0.value }
    }

    private mutating func subscribe(to names: [String], isRepeated: Bool) {
        let asked = Set(names)
        let before: Set<String> = if case .names(let names) = interest { names } else { [] }
        if type.isStateOfTheWorld {
            hasNamed = hasNamed || !names.isEmpty
            interest = asked.contains("*") || !hasNamed ? .everything : .names(asked)
        } else {
            interest = .names(asked)
        }
        let added = asked.subtracting(before)
        // What is not subscribed to is forgotten by the client, too.
        if case .names(let names) = interest {
            for name in sent.keys where !names.contains(name) { sent[name] = nil }
            if !type.isStateOfTheWorld, var open = refusal {
                open.names.formIntersection(names)
                refusal = open.names.isEmpty ? nil : open
            }
        }
        newlyAsked.formIntersection(asked)
        newlyAsked.formUnion(isRepeated ? asked : added)
        if isRepeated || !added.isEmpty { isAnswerDue = true }
        if case .names([]) = interest { isAnswerDue = false }
    }
}
