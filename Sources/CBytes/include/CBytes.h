#pragma once

#include <stdint.h>

// Looks at sixteen bytes at once, which Swift's own vector types cannot do at speed. Clang turns
// the generic vectors into SSE2 or NEON. Each function reads exactly sixteen bytes at `bytes` and
// returns one bit for each, that of the first byte lowest.

typedef uint8_t bytes_vector __attribute__((vector_size(16)));
typedef _Bool bytes_answers __attribute__((ext_vector_type(16)));

static inline bytes_vector bytes_load(const void *bytes) {
    bytes_vector vector;
    __builtin_memcpy(&vector, bytes, sizeof vector);
    return vector;
}

// `vector` holds 0xFF where the answer is yes, and 0 elsewhere.
static inline uint32_t bytes_bits(bytes_vector vector) {
    bytes_answers answers = __builtin_convertvector(vector, bytes_answers);
    uint16_t bits;
    __builtin_memcpy(&bits, &answers, sizeof bits);
    return bits;
}

// Control bytes: below 0x20, and 0x7F.
static inline uint32_t bytes_controls(const void *bytes) {
    bytes_vector vector = bytes_load(bytes);
    return bytes_bits((bytes_vector)((vector < 0x20) | (vector == 0x7F)));
}

// What is neither a letter nor a hyphen.
static inline uint32_t bytes_beyond_words(const void *bytes) {
    bytes_vector vector = bytes_load(bytes);
    bytes_vector letters = (vector | 0x20) - 'a';
    return bytes_bits((bytes_vector)(letters >= 26)) & bytes_bits((bytes_vector)(vector != '-'));
}

// What is no letter, no digit and none of & ' ( ) * + , - . / : ; = ? _, of which paths and queries
// are made of for the greatest part.
static inline uint32_t bytes_beyond_paths(const void *bytes) {
    bytes_vector vector = bytes_load(bytes);
    bytes_vector letters = (vector | 0x20) - 'a';
    bytes_vector others = vector - '&';
    return bytes_bits((bytes_vector)((letters >= 26) & (others > ';' - '&') & (vector != '=')
                                     & (vector != '?') & (vector != '_')));
}

// What is `one` or `other`.
static inline uint32_t bytes_either(const void *bytes, uint8_t one, uint8_t other) {
    bytes_vector vector = bytes_load(bytes);
    return bytes_bits((bytes_vector)((vector == one) | (vector == other)));
}
