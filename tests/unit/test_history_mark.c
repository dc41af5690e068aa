#include "history/history-private.h"
#include "tests/unit/test.h"

/* The vectors that SipHash's authors give for 128 bits of output: key 00 01 .. 0f, message 00 01 ..
 */
TEST(marks_are_siphash) {
        static const struct {
                size_t n;
                struct imm_mark mark;
        } cases[] = {
                {0, {{0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7,
                            0x55, 0x02, 0x93}}},
                {1, {{0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b,
                            0x22, 0xfc, 0x45}}},
                {15, {{0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0, 0xa8, 0x11, 0x7e, 0x08, 0xec, 0x0f, 0x97,
                             0xcf, 0xc3, 0xd9}}},
        };
        unsigned char bytes[16];
        struct imm_mark key, mark;

        for (unsigned i = 0; i < sizeof(bytes); i++)
                key.b[i] = bytes[i] = (unsigned char)i;
        for (size_t i = 0; i < IMM_ELEMENTSOF(cases); i++) {
                imm_mark_bytes(&key, bytes, cases[i].n, &mark);
                assert_memory_equal(mark.b, cases[i].mark.b, sizeof(mark.b));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(marks_are_siphash),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
