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

/* What is packed comes out again, and what is none is told from it. */
TEST(rows_are_packed) {
        static const int64_t cells[] = {5, -1, 7, 5, -1, INT64_MIN, 5, 0, INT64_MAX, 9, 0, 0};
        const size_t sizes[][2] = {{4, 3}, {12, 1}, {1, 12}, {2, 6}, {0, 3}};
        struct imm_packed p = {0};
        int64_t back[IMM_ELEMENTSOF(cells)];
        size_t n;

        for (size_t i = 0; i < IMM_ELEMENTSOF(sizes); i++) {
                size_t all = sizes[i][0] * sizes[i][1];

                imm_pack(cells, sizes[i][0], sizes[i][1], &p);
                assert_true(imm_packed_rows(p.v, p.n, sizes[i][1], &n));
                assert_int_equal(n, sizes[i][0]);
                memset(back, 0xff, sizeof(back));
                assert_true(imm_unpack(p.v, p.n, sizes[i][1], back));
                assert_memory_equal(back, cells, all * sizeof(*cells));
                for (size_t cut = 0; cut < p.n; cut++) /* never beyond its end */
                        assert_false(imm_packed_rows(p.v, cut, sizes[i][1], &n) &&
                                     n * sizes[i][1] <= IMM_ELEMENTSOF(back) &&
                                     imm_unpack(p.v, cut, sizes[i][1], back));
        }
        /* five rows, and a run of nine */
        assert_false(imm_unpack("\x05\x00\x09", 3, 1, back));
        assert_false(imm_packed_rows("\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9, 1, &n));
        free(p.v);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(marks_are_siphash),
                cmocka_unit_test(rows_are_packed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
