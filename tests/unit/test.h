#pragma once

/* cmocka with what it needs before it, and assertions that survive -Db_ndebug. */

#undef NDEBUG
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state)
#define RUN(...) \
        int main(void) { \
                const struct CMUnitTest tests[] = {__VA_ARGS__}; \
                return cmocka_run_group_tests(tests, NULL, NULL); \
        }
