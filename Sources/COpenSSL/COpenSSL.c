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
