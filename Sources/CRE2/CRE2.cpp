#include "CRE2.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <re2/re2.h>
#include <string>

struct pointsman_re2 {
    re2::RE2 expression;
};

static void write_reason(const char *reason, char *error, size_t capacity) {
    if (capacity > 0) {
        std::strncpy(error, reason, capacity - 1);
        error[capacity - 1] = '\0';
    }
}

pointsman_re2 *pointsman_re2_compile(
    const char *pattern, size_t length, size_t max_memory, char *error, size_t capacity) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(static_cast<int64_t>(max_memory));
    std::unique_ptr<pointsman_re2> compiled(
        new (std::nothrow) pointsman_re2{{re2::StringPiece(pattern, length), options}});
    if (compiled != nullptr && compiled->expression.ok()) {
        return compiled.release();
    }
    write_reason(
        compiled == nullptr ? "out of memory" : compiled->expression.error().c_str(), error,
        capacity);
    return nullptr;
}

void pointsman_re2_free(pointsman_re2 *expression) { delete expression; }

bool pointsman_re2_full_match(const pointsman_re2 *expression, const char *text, size_t length) {
    return re2::RE2::FullMatch(re2::StringPiece(text, length), expression->expression);
}

bool pointsman_re2_check_rewrite(
    const pointsman_re2 *expression, const char *rewrite, size_t length, char *error,
    size_t capacity) {
    std::string reason;
    if (expression->expression.CheckRewriteString(re2::StringPiece(rewrite, length), &reason)) {
        return true;
    }
    write_reason(reason.c_str(), error, capacity);
    return false;
}

size_t pointsman_re2_replace(
    const pointsman_re2 *expression, const char *text, size_t length, const char *rewrite,
    size_t rewrite_length, char *output, size_t capacity) {
    std::string result(text, length);
    re2::RE2::GlobalReplace(
        &result, expression->expression, re2::StringPiece(rewrite, rewrite_length));
    std::memcpy(output, result.data(), std::min(capacity, result.size()));
    return result.size();
}
