#pragma once

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>

/// Refuses the password that a key in PEM may ask for; without it, OpenSSL asks at the terminal.
static inline int pointsman_refuse_password(char *room, int count, int is_writing, void *own) {
    (void)room;
    (void)count;
    (void)is_writing;
    (void)own;
    return 0;
}

/// What a thread's sessions read from and write to: no socket, no buffer for each of them.
typedef struct pointsman_wire {
    /// Borrowed for one call.
    const uint8_t *input;
    size_t input_count;
    size_t input_position;
    /// Grows as needed and stays; how much is written in one call is the caller's to bound.
    uint8_t *output;
    size_t output_count;
    size_t output_capacity;
} pointsman_wire;

/// Makes a BIO whose other end is `wire`, which must outlive it; NULL when memory is short.
BIO *pointsman_wire_bio(pointsman_wire *wire);

/// Keeps what a session was made of, which must outlive it; 0 when memory is short.
int pointsman_set_context(SSL *session, void *context);
void *pointsman_context(const SSL *session);

// What follows is in OpenSSL a macro that Swift does not see.

static inline int pointsman_set_versions(SSL_CTX *context, int lowest, int highest) {
    return SSL_CTX_set_min_proto_version(context, lowest) == 1
        && SSL_CTX_set_max_proto_version(context, highest) == 1;
}

/// No renegotiation and no compression; the server's order of ciphers; buffers only while used.
static inline void pointsman_set_defaults(SSL_CTX *context) {
    SSL_CTX_set_options(
        context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(
        context,
        SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
}

static inline void pointsman_forbid_tickets(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
}

static inline void pointsman_set_session_cache_mode(SSL_CTX *context, long mode) {
    SSL_CTX_set_session_cache_mode(context, mode);
}

static inline int pointsman_set_groups(SSL_CTX *context, const char *list) {
    return SSL_CTX_set1_groups_list(context, list) == 1;
}

static inline void pointsman_set_longest_chain(SSL_CTX *context, long bytes) {
    SSL_CTX_set_max_cert_list(context, bytes);
}

/// Keeps its own reference to `certificate`.
static inline int pointsman_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add1_chain_cert(context, certificate) == 1;
}

/// Keeps its own reference to the name of `certificate`.
static inline int pointsman_add_client_authority(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add_client_CA(context, certificate) == 1;
}

static inline int pointsman_set_server_name(SSL *session, const char *name) {
    return SSL_set_tlsext_host_name(session, name) == 1;
}

/// The name at `index` of a list of subject alternative names, as bytes that the list owns.
///
/// Returns its type (GEN_URI, …), or -1 for one of no bytes such as a directory name.
static inline int pointsman_general_name(
    const GENERAL_NAMES *names, int index, const uint8_t **bytes, size_t *count) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    const ASN1_STRING *text;
    switch (name->type) {
    case GEN_EMAIL: text = name->d.rfc822Name; break;
    case GEN_DNS: text = name->d.dNSName; break;
    case GEN_URI: text = name->d.uniformResourceIdentifier; break;
    case GEN_IPADD: text = name->d.iPAddress; break;
    default: return -1;
    }
    *bytes = ASN1_STRING_get0_data(text);
    *count = (size_t)ASN1_STRING_length(text);
    return name->type;
}

static inline int pointsman_general_name_count(const GENERAL_NAMES *names) {
    return sk_GENERAL_NAME_num(names);
}

/// The certificate at `index` of those that the peer has sent, which the session owns.
static inline X509 *pointsman_peer_certificate(const SSL *session, int index) {
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(session);
    // NULL for a list that is not there, and for an index behind its end.
    return sk_X509_value(chain, index);
}

/// When a certificate begins being good, in seconds since 1970; 0 when it does not say.
int64_t pointsman_begin_of_validity(const X509 *certificate);

/// When a certificate ends being good, in seconds since 1970; 0 when it does not say.
int64_t pointsman_end_of_validity(const X509 *certificate);

/// Writes a subject's name as RFC 2253 has it, in ASCII alone.
static inline void pointsman_print_name(BIO *bio, const X509_NAME *name) {
    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
}

/// What a BIO in memory holds, as bytes that the BIO owns.
static inline size_t pointsman_memory(BIO *bio, const uint8_t **bytes) {
    char *start = NULL;
    long count = BIO_get_mem_data(bio, &start);
    *bytes = (const uint8_t *)start;
    return count > 0 ? (size_t)count : 0;
}

/// A new key on P-256, which the caller owns; NULL when there is none to be had.
static inline EVP_PKEY *pointsman_generate_key(void) {
    return EVP_EC_gen("P-256");
}

// What makes certificates answers 1 when it is done, and 0 when memory is short or, where there is
// a text, it is not what it has to be.

int pointsman_set_validity(X509 *certificate, int64_t start, int64_t end);
int pointsman_set_serial(X509 *certificate, const uint8_t *bytes, size_t count);

/// Adds an extension as OpenSSL's configuration has it, such as `critical,CA:FALSE`.
///
/// `issuer` is the certificate itself where it signs itself.
int pointsman_add_extension(X509 *certificate, X509 *issuer, int kind, const char *value);

/// Adds a name to a list of subject alternative names: GEN_URI, GEN_DNS, or GEN_IPADD as text.
int pointsman_add_name(GENERAL_NAMES *names, int kind, const char *text);

/// Bytes of a key that seals, of the nonce before what is sealed, and of the tag behind it.
enum { POINTSMAN_SEALING_KEY = 32, POINTSMAN_NONCE = 12, POINTSMAN_TAG = 16 };

/// HKDF with SHA-256 (RFC 5869 §2).
int pointsman_derive_key(
    const uint8_t *secret, size_t secret_count, const uint8_t *salt, size_t salt_count,
    const char *purpose, uint8_t key[POINTSMAN_SEALING_KEY]);

/// AES-256-GCM under a random nonce; `sealed` has room for nonce, text and tag.
int pointsman_seal(
    const uint8_t *key, const uint8_t *label, size_t label_count, const uint8_t *plain,
    size_t plain_count, uint8_t *sealed);

/// The reverse; 0 also when key, label or bytes are others than they were.
int pointsman_open(
    const uint8_t *key, const uint8_t *label, size_t label_count, const uint8_t *sealed,
    size_t plain_count, uint8_t *plain);

/// A list of certificates, each of which it has a reference of its own to.
static inline STACK_OF(X509) *pointsman_certificates_new(void) {
    return sk_X509_new_null();
}

static inline int pointsman_certificates_add(STACK_OF(X509) *list, X509 *certificate) {
    if (X509_up_ref(certificate) != 1) {
        return 0;
    }
    if (sk_X509_push(list, certificate) == 0) {
        X509_free(certificate);
        return 0;
    }
    return 1;
}

static inline void pointsman_certificates_free(STACK_OF(X509) *list) {
    sk_X509_pop_free(list, X509_free);
}
