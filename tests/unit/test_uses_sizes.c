/* Sizes of memory as commands and configurations write them. */

#include "analyzer/uses/uses-private.h"
#include "tests/unit/closure.h"

TEST(sizes) {
        assert_int_equal(memory_size("134217728"), 128 << 20);
        assert_int_equal(memory_size("128M"), 128 << 20);
        assert_int_equal(memory_size("128m"), 128 << 20);
        assert_int_equal(memory_size("256mb"), 256 << 20);
        assert_int_equal(memory_size("1GiB"), 1 << 30);
        assert_int_equal(memory_size("2T"), (uint64_t)2 << 40);
        assert_int_equal(memory_size("0"), 0);
        assert_int_equal(memory_size(""), 0);
        assert_int_equal(memory_size("M"), 0);
        assert_int_equal(memory_size("50%"), 0);
        assert_int_equal(memory_size("1.5G"), 0);
        assert_int_equal(memory_size("5min"), 0);
        assert_int_equal(memory_size("99999999999999999999"), 0);
        assert_int_equal(memory_size("99999999999999G"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(sizes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
