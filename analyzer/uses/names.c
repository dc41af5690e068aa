#include "analyzer/uses/uses-private.h"

/* The questions of names.def. */

static bool is_one(const char *name, const char *const *names) {
        for (; *names; names++)
                if (imm_streq(*names, name))
                        return true;
        return false;
}

static bool begins(const char *name, const char *const *names) {
        for (; *names; names++)
                if (imm_after(name, *names))
                        return true;
        return false;
}

#define PROGRAMS(question, ...) \
        bool question(const char *name) { \
                return is_one(name, (const char *const[]){__VA_ARGS__, NULL}); \
        }
#define LIBRARIES(question, ...) \
        bool question(const char *name) { \
                return begins(name, (const char *const[]){__VA_ARGS__, NULL}); \
        }
#include "analyzer/uses/names.def"
