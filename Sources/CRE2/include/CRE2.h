#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// One compiled RE2 pattern; immutable, so that any thread may match with it.
typedef struct pointsman_re2 pointsman_re2;

/// Compiles `pattern`; on failure returns NULL and writes at most `capacity` bytes of reason, NUL-terminated.
/// `max_memory` bounds what the program and its automata may take, in bytes.
pointsman_re2 *pointsman_re2_compile(
    const char *pattern, size_t length, size_t max_memory, char *error, size_t capacity);

void pointsman_re2_free(pointsman_re2 *expression);

/// Whether the whole of `text` matches.
bool pointsman_re2_full_match(const pointsman_re2 *expression, const char *text, size_t length);

/// Whether `rewrite` is good for the pattern; if not, writes at most `capacity` bytes of reason, NUL-terminated.
bool pointsman_re2_check_rewrite(
    const pointsman_re2 *expression, const char *rewrite, size_t length, char *error, size_t capacity);

/// Replaces every match in `text` and writes at most `capacity` bytes of the result to `output`.
/// Returns the size of the whole result.
size_t pointsman_re2_replace(
    const pointsman_re2 *expression, const char *text, size_t length, const char *rewrite,
    size_t rewrite_length, char *output, size_t capacity);

#ifdef __cplusplus
}
#endif
