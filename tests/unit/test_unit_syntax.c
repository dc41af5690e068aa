/* What systemd reads from odd files: each line below was seen from a booted one. */

#include "analyzer/unit/limits.h"
#include "analyzer/unit/syntax.h"
#include "tests/unit/test.h"

#include <errno.h>

static struct imm_unit_file parse(
        struct imm_arena *a, unsigned version, const char *text, size_t n) {
        struct imm_syntax s = {imm_unit_sections(IMM_UNIT_SERVICE), version};
        struct imm_unit_file f = {.path = "x.service"};
        char *copy = imm_strndup(a, text, n);

        imm_syntax_parse(&s, copy, n, a, &f);
        return f;
}
#define PARSE(a, text) parse(a, 257, text, sizeof(text) - 1)

static void last_is(const char *text, size_t n, const char *key, const char *want) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_unit_file f = parse(a, 257, text, n);
        const char *got = NULL;

        assert_int_equal(f.status, 0);
        for (size_t i = 0; i < f.n_assignments; i++)
                if (strcmp(f.assignments[i].key, key) == 0)
                        got = f.assignments[i].value;
        if (!want) {
                assert_null(got);
                return;
        }
        assert_non_null(got);
        assert_string_equal(got, want);
}
#define D(text, want) last_is("[Unit]\n" text, sizeof("[Unit]\n" text) - 1, "D", want)

TEST(continuations) {
        D("D=a\\\nb\n", "a b");
        D("D=a\\\n# comment\n; other\nb\\\n\nE=x\n", "a b");
        D("D=a\\\\\n", "a\\\\");
        D("D=a\\\\\\\nb\n", "a\\\\ b");
        D("D=x\\\r\ny\r\n", "x y");
        D("D=a \\\n   b  \\\n  #c\n   d\n", "a     b      d");
        D("D=end\\", "end");
        D("D=x\\\n[Install]\n", "x [Install]");
        D("D=\\\n\\\n\\\nx\n", "x");
        D("D=x\\ \nE=y\n", "x\\");
        D("D=x\\\n\tD=y\n", "x \tD=y");
}

TEST(line_ends) {
        D("D=x\0D=y\0", "y");
        D("D=x\rD=z\n", "z");
        D("D=x\n\r\0\nD=y\n", "y");
        D("D=x", "x");
}

TEST(space_and_comments) {
        D("D = spaced   \n", "spaced");
        D("  [Unit]  \n  D\t=\tx\t\n", "x");
        D("D=x # not a comment\n", "x # not a comment");
        D("D=\"quoted\"\n", "\"quoted\"");
        D("#D=x\\\nD=y\n", "y");
        D("D=first\nD=\n", "");
        D("d=x\nD =y\n", "y");
}

TEST(sections) {
        D("[unit]\nD=x\n[X-Foo]\nD=y\n", NULL);
        D("[Unit]\nD\n=x\n", NULL);
        last_is("D=x\n", 4, "D", NULL);
        last_is("[X-a]\nD=1\n[Unit]\nD=2\n", sizeof("[X-a]\nD=1\n[Unit]\nD=2\n") - 1, "D", "2");
}

TEST(byte_order_marks) {
        D("\xef\xbb\xbf"
          "D=x\n",
                "x");
        D("\xef\xbb\xbf# D=x\n", NULL);
        D("D=x\n\xef\xbb\xbf"
          "D=y\n\xef\xbb\xbf"
          "D=z\n",
                "y");
}

static void refused(
        unsigned version, const char *text, size_t n, int status, unsigned line, size_t kept) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_unit_file f = parse(a, version, text, n);

        assert_int_equal(f.status, status);
        assert_int_equal(f.n_assignments, kept);
        if (status == 0)
                return;
        assert_true(f.diags.n > 0);
        assert_int_equal(f.diags.v[f.diags.n - 1].level, IMM_DIAG_ERROR);
        assert_int_equal(f.diags.v[f.diags.n - 1].line, line);
}
#define R(version, text, status, line, kept) \
        refused(version, text, sizeof(text) - 1, status, line, kept)

TEST(what_ends_the_reading) {
        R(257, "[Unit]\nD=x\n[Unit] # x\nD=y\n", -EBADMSG, 3, 1);
        R(257, "[Unit\nD=x\n", -EBADMSG, 1, 0);
        R(257, "[Unit]\nD=\xff\nD=y\n", -EILSEQ, 2, 0);
        R(257, "[Unit]\n#\xff\nD=y\n", 0, 0, 1);
        R(257, "[Unit]\nD=\xef\xb7\x90\n", -EILSEQ, 2, 0); /* a noncharacter */
        R(257, "[Unit]\nD=\xed\xa0\x80\n", -EILSEQ, 2, 0); /* a surrogate */
        R(257, "[Unit]\nD=\xc0\x80\n", -EILSEQ, 2, 0);     /* longer than needed */
        R(257, "[Unit]\nD=\xe2\x82\n", -EILSEQ, 2, 0);     /* cut */
        R(257, "[Unit]\nD=\xf0\x9f\x98\x80\n", 0, 0, 1);
        R(257, "[U\"nit]\nD=x\n", -EBADMSG, 1, 0);
        R(247, "[U\"nit]\n[Unit]\nD=x\n", 0, 0, 1);
        R(257, "[]\n[Unit]\nD=x\n", 0, 0, 1);
}

TEST(a_line_has_less_than_a_mebibyte) {
        size_t n = IMM_UNIT_LINE_MAX;
        imm_auto_free char *text = imm_xcalloc(2 * n + 64, 1);

        memcpy(text, "[Unit]\nD=", 9);
        memset(text + 9, 'a', n - 3); /* the line has 1 MiB less one byte */
        refused(257, text, 9 + n - 3, 0, 0, 1);
        memset(text + 9, 'a', n - 2);
        refused(257, text, 9 + n - 2, -ENOBUFS, 2, 0);
        /* comments too */
        text[7] = '#';
        refused(257, text, 9 + n - 2, -ENOBUFS, 2, 0);
        /* and what is joined */
        memcpy(text, "[Unit]\nD=", 9);
        memset(text + 9, 'a', n - 100);
        memcpy(text + 9 + n - 100, "\\\n", 2);
        memset(text + 9 + n - 98, 'a', 97);
        refused(257, text, 9 + n - 98 + 97, 0, 0, 1);
        memset(text + 9 + n - 98, 'a', 99);
        refused(257, text, 9 + n - 98 + 99, -ENOBUFS, 2, 0);
}

TEST(lines_are_those_of_the_keys) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_unit_file f = PARSE(a, "\n[Unit]\n# c\nA=1\\\n2\n\nB=3\n[Service]\nC=4\n");

        assert_int_equal(f.n_assignments, 3);
        assert_int_equal(f.assignments[0].line, 4);
        assert_int_equal(f.assignments[0].section_line, 2);
        assert_int_equal(f.assignments[1].line, 7);
        assert_int_equal(f.assignments[2].line, 9);
        assert_int_equal(f.assignments[2].section_line, 8);
        assert_string_equal(f.assignments[2].section, "Service");
}

TEST(odd_lines_are_told) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_unit_file f =
                PARSE(a, "A=1\n[Nonsense]\nB=1\n[X-Mine]\nC=1\n[Unit]\nnothing\n=x\n");
        static const char *const codes[] = {
                "no-section", "unknown-section", "no-assignment", "no-key"};
        static const unsigned lines[] = {1, 3, 7, 8}; /* of the section what it takes with it */

        assert_int_equal(f.status, 0);
        assert_int_equal(f.n_assignments, 0);
        assert_int_equal(f.diags.n, 4);
        for (size_t i = 0; i < 4; i++) {
                assert_string_equal(f.diags.v[i].code, codes[i]);
                assert_int_equal(f.diags.v[i].line, lines[i]);
                assert_string_equal(f.diags.v[i].file, "x.service");
        }
}

TEST(a_file_of_nonsense_does_not_fill_the_memory) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        size_t n = 1000000;
        char *text = imm_alloc(a, n + 1);
        struct imm_unit_file f;

        for (size_t i = 0; i < n; i += 2)
                memcpy(text + i, "x\n", 2);
        f = parse(a, 257, text, n);
        assert_int_equal(f.diags.n, IMM_FILE_DIAGS_MAX + 1);
}

RUN(cmocka_unit_test(continuations), cmocka_unit_test(line_ends),
        cmocka_unit_test(space_and_comments), cmocka_unit_test(sections),
        cmocka_unit_test(byte_order_marks), cmocka_unit_test(what_ends_the_reading),
        cmocka_unit_test(a_line_has_less_than_a_mebibyte),
        cmocka_unit_test(lines_are_those_of_the_keys), cmocka_unit_test(odd_lines_are_told),
        cmocka_unit_test(a_file_of_nonsense_does_not_fill_the_memory))
