#include "analyzer/unit/words.h"
#include "tests/unit/test.h"

#include <errno.h>

/* All words joined by '|'; "!" where it fails */
static char *words(struct imm_arena *a, const char *text, const char *separators, unsigned flags) {
        char *all = imm_strdup(a, "");
        const char *p = text, *w;

        for (;;) {
                int r = imm_word_next(&p, separators, flags, a, &w);

                if (r == 0)
                        return all;
                if (r < 0)
                        return imm_printf(a, "%s!", all);
                all = imm_printf(a, "%s%s|", all, w);
        }
}

struct expect {
        const char *text, *separators, *want;
        unsigned flags;
};

static void check(const struct expect *e, size_t n) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

        for (size_t i = 0; i < n; i++)
                assert_string_equal(words(a, e[i].text, e[i].separators, e[i].flags), e[i].want);
}

#define U IMM_WORDS_UNQUOTE
#define C IMM_WORDS_CUNESCAPE

TEST(separators) {
        static const struct expect e[] = {
                {"", NULL, "", 0},
                {"  \t ", NULL, "", 0},
                {" a  b ", NULL, "a|b|", 0},
                {"a:b", ":", "a|b|", 0},
                {":a::", ":", "|a|||", IMM_WORDS_DONT_COALESCE},
                {"", ":", "|", IMM_WORDS_DONT_COALESCE},
                {"a", ":", "a|", IMM_WORDS_DONT_COALESCE},
        };
        const char *p = "a: b";
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *w;

        check(e, IMM_ELEMENTSOF(e));
        assert_int_equal(imm_word_next(&p, ":", IMM_WORDS_RETAIN_SEPARATORS, a, &w), 1);
        assert_string_equal(w, "a");
        assert_string_equal(p, ": b");
}

TEST(quotes) {
        static const struct expect e[] = {
                {"a \"b c\"d 'e'", NULL, "a|b cd|e|", U},
                {"a \"b c\" d", NULL, "a|\"b|c\"|d|", 0},
                {"\"b c\"d e", NULL, "\"b c\"d|e|", IMM_WORDS_KEEP_QUOTE},
                {"\"\" x", NULL, "|x|", U},
                {"a 'b", NULL, "a|!", U},
                {"a 'b c", NULL, "a|b c|", U | IMM_WORDS_RELAX},
                {"\"a'b\" 'c\"d'", NULL, "a'b|c\"d|", U},
                {"'a':'b'", ":", "a|b|", U},
        };

        check(e, IMM_ELEMENTSOF(e));
}

TEST(escapes) {
        static const struct expect e[] = {
                {"a\\ b", NULL, "a b|", 0},
                {"a\\nb", NULL, "anb|", 0},
                {"a\\nb", NULL, "a\nb|", C},
                {"\\x41\\101\\u20ac\\s\\U0001f600", NULL, "AA\xe2\x82\xac \xf0\x9f\x98\x80|", C},
                {"\\xff", NULL, "\xff|", C},
                {"\\x00 b", NULL, "!", C},
                {"\\400", NULL, "!", C},
                {"\\Ud800dead", NULL, "!", C},
                {"a\\qb", NULL, "!", C},
                {"a\\qb", NULL, "a\\qb|", C | IMM_WORDS_UNESCAPE_RELAX},
                {"a\\", NULL, "!", C},
                {"a\\", NULL, "a\\|", C | IMM_WORDS_UNESCAPE_RELAX},
                {"a\\", NULL, "a|", C | IMM_WORDS_RELAX},
                {"'a\\", NULL, "!", U | C | IMM_WORDS_UNESCAPE_RELAX},
                {"'a\\", NULL, "a\\|", U | C | IMM_WORDS_UNESCAPE_RELAX | IMM_WORDS_RELAX},
                {"a\\ b", NULL, "a\\|b|", IMM_WORDS_RETAIN_ESCAPE},
                {"a\\:b:c", ":", "a:b|c|", IMM_WORDS_UNESCAPE_SEPARATORS},
                {"a\\\\b:c", ":", "a\\b|c|", IMM_WORDS_UNESCAPE_SEPARATORS},
                {"a\\\\b:c", ":", "!", IMM_WORDS_UNESCAPE_SEPARATORS | IMM_WORDS_V247},
                {"a\\qb", ":", "!", IMM_WORDS_UNESCAPE_SEPARATORS},
                {"\\", NULL, "|", IMM_WORDS_RELAX},
        };

        check(e, IMM_ELEMENTSOF(e));
}

TEST(lenient_keeps_what_it_does_not_know) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *p = "\\q \\x41 'x", *w;
        bool odd = false;

        assert_int_equal(imm_word_next_lenient(&p, NULL, U | C, a, &w, &odd), 1);
        assert_string_equal(w, "\\q");
        assert_true(odd);
        assert_int_equal(imm_word_next_lenient(&p, NULL, U | C, a, &w, &odd), 1);
        assert_string_equal(w, "A");
        assert_false(odd);
        assert_int_equal(imm_word_next_lenient(&p, NULL, U | C, a, &w, &odd), -EINVAL);
}

TEST(whole_texts) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *w;

        assert_int_equal(imm_unescape("a\\tb\\\\", false, a, &w), 0);
        assert_string_equal(w, "a\tb\\");
        assert_int_equal(imm_unescape("a\\zb", false, a, &w), -EINVAL);
        assert_int_equal(imm_unescape("a\\zb\\", true, a, &w), 0);
        assert_string_equal(w, "a\\zb\\");
}

RUN(cmocka_unit_test(separators), cmocka_unit_test(quotes), cmocka_unit_test(escapes),
        cmocka_unit_test(lenient_keeps_what_it_does_not_know), cmocka_unit_test(whole_texts))
