#include "CRE2.h"

#include <cstring>
#include <memory>
#include <new>
#include <re2/re2.h>

struct pointsman_re2 {
    re2::RE2 expression;
};

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
    if (capacity > 0) {
        const char *reason =
            compiled == nullptr ? "out of memory" : compiled->expression.error().c_str();
        std::strncpy(error, reason, capacity - 1);
        error[capacity - 1] = '\0';
    }
    return nullptr;
}

void pointsman_re2_free(pointsman_re2 *expression) { delete expression; }

bool pointsman_re2_full_match(const pointsman_re2 *expression, const char *text, size_t length) {
    return re2::RE2::FullMatch(re2::StringPiece(text, length), expression->expression);
}
