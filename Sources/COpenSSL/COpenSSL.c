#include "COpenSSL.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int wire_read(BIO *bio, char *room, size_t room_count, size_t *count) {
    pointsman_wire *wire = BIO_get_data(bio);
    size_t left = wire->input_count - wire->input_position;
    BIO_clear_retry_flags(bio);
    if (left == 0) {
        BIO_set_retry_read(bio);
        *count = 0;
        return -1;
    }
    size_t taken = room_count < left ? room_count : left;
    memcpy(room, wire->input + wire->input_position, taken);
    wire->input_position += taken;
    *count = taken;
    return 1;
}

static int wire_write(BIO *bio, const char *bytes, size_t byte_count, size_t *count) {
    pointsman_wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (wire->output_capacity - wire->output_count < byte_count) {
        size_t needed = wire->output_count + byte_count;
        size_t capacity = wire->output_capacity < 16384 ? 16384 : wire->output_capacity * 2;
        if (capacity < needed) {
            capacity = needed;
        }
        uint8_t *larger = realloc(wire->output, capacity);
        if (larger == NULL) {
            return -1;
        }
        wire->output = larger;
        wire->output_capacity = capacity;
    }
    memcpy(wire->output + wire->output_count, bytes, byte_count);
    wire->output_count += byte_count;
    *count = byte_count;
    return 1;
}

static long wire_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static BIO_METHOD *method;

static void make_method(void) {
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
    if (method == NULL) {
        return;
    }
    BIO_meth_set_read_ex(method, wire_read);
    BIO_meth_set_write_ex(method, wire_write);
    BIO_meth_set_ctrl(method, wire_control);
}

BIO *pointsman_wire_bio(pointsman_wire *wire) {
    pthread_once(&once, make_method);
    BIO *bio = method == NULL ? NULL : BIO_new(method);
    if (bio != NULL) {
        BIO_set_data(bio, wire);
        BIO_set_init(bio, 1);
    }
    return bio;
}

static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static int context_index = -1;

static void make_index(void) {
    context_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

int pointsman_set_context(SSL *session, void *context) {
    pthread_once(&index_once, make_index);
    return context_index >= 0 && SSL_set_ex_data(session, context_index, context);
}

void *pointsman_context(const SSL *session) {
    return SSL_get_ex_data(session, context_index);
}

static int64_t seconds(const ASN1_TIME *time) {
    struct tm date;
    if (ASN1_TIME_to_tm(time, &date) != 1) {
        return 0;
    }
    return (int64_t)timegm(&date);
}

int64_t pointsman_begin_of_validity(const X509 *certificate) {
    return seconds(X509_get0_notBefore(certificate));
}

int64_t pointsman_end_of_validity(const X509 *certificate) {
    return seconds(X509_get0_notAfter(certificate));
}

int pointsman_set_validity(X509 *certificate, int64_t start, int64_t end) {
    return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)start) != NULL
        && ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)end) != NULL;
}

int pointsman_set_serial(X509 *certificate, const uint8_t *bytes, size_t count) {
    BIGNUM *number = BN_bin2bn(bytes, (int)count, NULL);
    int is_done = number != NULL
        && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return is_done;
}

int pointsman_add_extension(
    X509 *certificate, X509 *issuer, int kind, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    context.db = NULL;
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    int is_done = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_done;
}

int pointsman_add_name(GENERAL_NAMES *names, int kind, const char *text) {
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = kind == GEN_IPADD ? a2i_IPADDRESS(text) : ASN1_IA5STRING_new();
    if (name == NULL || value == NULL
        || (kind != GEN_IPADD && ASN1_STRING_set(value, text, -1) != 1)) {
        ASN1_STRING_free(value);
        GENERAL_NAME_free(name);
        return 0;
    }
    GENERAL_NAME_set0_value(name, kind, value);
    if (sk_GENERAL_NAME_push(names, name) == 0) {
        GENERAL_NAME_free(name);
        return 0;
    }
    return 1;
}

int pointsman_derive_key(
    const uint8_t *secret, size_t secret_count, const uint8_t *salt, size_t salt_count,
    const char *purpose, uint8_t key[POINTSMAN_SEALING_KEY]) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    size_t count = POINTSMAN_SEALING_KEY;
    int is_done = context != NULL && EVP_PKEY_derive_init(context) == 1
        && EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) == 1
        && EVP_PKEY_CTX_set1_hkdf_key(context, secret, (int)secret_count) == 1
        && EVP_PKEY_CTX_set1_hkdf_salt(context, salt, (int)salt_count) == 1
        && EVP_PKEY_CTX_add1_hkdf_info(
               context, (const unsigned char *)purpose, (int)strlen(purpose)) == 1
        && EVP_PKEY_derive(context, key, &count) == 1 && count == POINTSMAN_SEALING_KEY;
    EVP_PKEY_CTX_free(context);
    return is_done;
}

int pointsman_seal(
    const uint8_t *key, const uint8_t *label, size_t label_count, const uint8_t *plain,
    size_t plain_count, uint8_t *sealed) {
    uint8_t *nonce = sealed;
    uint8_t *text = sealed + POINTSMAN_NONCE;
    int count = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int is_done = context != NULL && RAND_bytes(nonce, POINTSMAN_NONCE) == 1
        && EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1
        && EVP_EncryptUpdate(context, NULL, &count, label, (int)label_count) == 1
        && EVP_EncryptUpdate(context, text, &count, plain, (int)plain_count) == 1
        && EVP_EncryptFinal_ex(context, text + plain_count, &count) == 1
        && EVP_CIPHER_CTX_ctrl(
               context, EVP_CTRL_GCM_GET_TAG, POINTSMAN_TAG, text + plain_count) == 1;
    EVP_CIPHER_CTX_free(context);
    return is_done;
}

int pointsman_open(
    const uint8_t *key, const uint8_t *label, size_t label_count, const uint8_t *sealed,
    size_t plain_count, uint8_t *plain) {
    const uint8_t *text = sealed + POINTSMAN_NONCE;
    uint8_t tag[POINTSMAN_TAG];
    int count = 0;
    memcpy(tag, text + plain_count, POINTSMAN_TAG);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int is_done = context != NULL
        && EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, sealed) == 1
        && EVP_DecryptUpdate(context, NULL, &count, label, (int)label_count) == 1
        && EVP_DecryptUpdate(context, plain, &count, text, (int)plain_count) == 1
        && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, POINTSMAN_TAG, tag) == 1
        && EVP_DecryptFinal_ex(context, plain + plain_count, &count) == 1;
    EVP_CIPHER_CTX_free(context);
    return is_done;
}
