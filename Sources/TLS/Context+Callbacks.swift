import COpenSSL
import Synchronization

/// What the library asks while a handshake goes on.
///
/// Each ``Session`` hands it its own context, and holds a reference to that: several clients'
/// contexts may share what the library has.
extension Context {
    func watch() {
        if verifiesPeer {
            unsafe SSL_CTX_set_cert_verify_callback(
                library,
                { chain, _ in
                    guard let chain = unsafe chain,
                        let session = unsafe X509_STORE_CTX_get_ex_data(
                            chain, SSL_get_ex_data_X509_STORE_CTX_idx()),
                        let context = unsafe context(of: OpaquePointer(session))
                    else { return 0 }
                    return unsafe context.accepts(chain, OpaquePointer(session)) ? 1 : 0
                }, nil)
        }
        if role == .client, !applicationProtocols.isEmpty {
            unsafe SSL_CTX_set_alpn_protos(
                library, applicationProtocols, UInt32(applicationProtocols.count))
        } else if !applicationProtocols.isEmpty {
            chooseProtocols()
        }
        if role == .client, allowsResumption { keepTickets() }
    }

    /// Verifies a chain and then the names: one without the other is nothing.
    @unsafe private func accepts(_ chain: OpaquePointer, _ session: OpaquePointer) -> Bool {
        let isGood = unsafe X509_verify_cert(chain) == 1
        guard let certificate = unsafe X509_STORE_CTX_get0_cert(chain) else { return false }
        let peer = unsafe PeerIdentity(certificate)
        if isGood, peer.fulfils(expectedNames) { return true }
        if isGood { unsafe X509_STORE_CTX_set_error(chain, X509_V_ERR_HOSTNAME_MISMATCH) }
        if let wire = unsafe SSL_get_ex_data(session, 0) {
            unsafe Unmanaged<Wire>.fromOpaque(wire).takeUnretainedValue().refusedPeer = peer
        }
        return false
    }

    private func chooseProtocols() {
        unsafe SSL_CTX_set_alpn_select_cb(
            library,
            { session, choice, choiceCount, offer, offerCount, _ in
                guard let session = unsafe session, let context = unsafe context(of: session)
                else { return SSL_TLSEXT_ERR_NOACK }
                let known = context.applicationProtocols
                var start: UnsafeMutablePointer<UInt8>?
                let result = unsafe SSL_select_next_proto(
                    &start, choiceCount, known, UInt32(known.count), offer, offerCount)
                // Without a common one the session goes on without any, as in Envoy.
                guard result == OPENSSL_NPN_NEGOTIATED, let start = unsafe start,
                    let offer = unsafe offer, let length = unsafe choiceCount?.pointee
                else { return SSL_TLSEXT_ERR_NOACK }
                // The choice must outlive this call: the same name in the offer does.
                guard
                    let position = unsafe position(
                        of: UnsafeBufferPointer(start: start, count: Int(length)),
                        in: UnsafeBufferPointer(start: offer, count: Int(offerCount)))
                else { return SSL_TLSEXT_ERR_NOACK }
                unsafe choice?.pointee = offer + position
                return SSL_TLSEXT_ERR_OK
            }, nil)
    }

    private func keepTickets() {
        unsafe SSL_CTX_sess_set_new_cb(library) { session, ticket in
            guard let session = unsafe session, let ticket = unsafe ticket,
                let context = unsafe context(of: session)
            else { return 0 }
            context.tickets.add(unsafe Ticket(owning: ticket))
            // The reference is kept.
            return 1
        }
    }
}

/// What a session was made of.
@unsafe private func context(of session: OpaquePointer) -> Context? {
    guard let context = unsafe pointsman_context(session) else { return nil }
    return unsafe Unmanaged<Context>.fromOpaque(context).takeUnretainedValue()
}

/// Where `name` stands in a list of names that stand behind their lengths.
@unsafe private func position(
    of name: UnsafeBufferPointer<UInt8>, in list: UnsafeBufferPointer<UInt8>
) -> Int? {
    var position = 0
    while position < list.count {
        let end = unsafe position + 1 + Int(list[position])
        guard end <= list.count else { return nil }
        let candidate = unsafe UnsafeBufferPointer(rebasing: list[position + 1..<end])
        if unsafe candidate.elementsEqual(name) { return position + 1 }
        position = end
    }
    return nil
}

/// What a server has given a client to take a session up again with.
@safe final class Ticket: @unchecked Sendable {
    let session: OpaquePointer

    @unsafe init(owning session: OpaquePointer) {
        unsafe self.session = session
    }

    deinit {
        unsafe SSL_SESSION_free(session)
    }

    /// Whether it is good for several sessions; one of TLS 1.3 would let them be linked
    /// (RFC 8446 §C.4).
    var isReusable: Bool {
        unsafe SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION
    }
}

/// The newest tickets of a client.
///
/// They are not told apart by the peer that gave them: one that does not know a ticket does a full
/// handshake.
final class TicketStore: Sendable {
    /// Most tickets that are kept; the oldest goes.
    static let limit = 16

    private let tickets = Mutex<[Ticket]>([])

    func add(_ ticket: Ticket) {
        tickets.withLock { tickets in
            if tickets.count == Self.limit { tickets.removeFirst() }
            tickets.append(ticket)
        }
    }

    /// The newest one; it is gone then, unless it is good for more.
    func take() -> Ticket? {
        tickets.withLock { tickets in
            guard let newest = tickets.last else { return nil }
            if !newest.isReusable { tickets.removeLast() }
            return newest
        }
    }
}
