#include "base/json.h"
#include "base/map.h"
#include "base/pieces.h"
#include "base/text.h"
#include "tests/unit/test.h"

#include <jansson.h>
#include <limits.h>

/* What imm_text_put() makes of @in */
static void escapes(const char *in, const char *want) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

        assert_string_equal(imm_text_escape(a, in), want);
}

TEST(hostile_text_cannot_drive_a_terminal) {
        escapes("plain", "plain");
        escapes("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
        escapes("\x1b[31mred", "\\x1b[31mred");
        escapes("a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f");
        escapes("\xc2\x9b", "\\u{009b}");           /* C1 CSI */
        escapes("\xe2\x80\xae", "\\u{202e}");       /* right-to-left override */
        escapes("\xff\xc3", "\\xff\\xc3");          /* not UTF-8 */
        escapes("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* a surrogate */
        escapes("\xc0\xaf", "\\xc0\\xaf");          /* overlong */
}

TEST(a_path_is_below_another_by_whole_names) {
        static const struct {
                const char *path, *dir, *rest; /* NULL: not below */
        } cases[] = {
                {"/usr/lib", "/usr", "lib"},
                {"/usr/lib/x", "/usr/lib", "x"},
                {"/usr", "/usr", ""},
                {"/usrlib", "/usr", NULL},
                {"/us", "/usr", NULL},
                {"/usr", "/usr/lib", NULL},
                {"/", "/", ""},
                {"/usr", "/", "usr"},
                {"/", "/usr", NULL},
                {"private/x", "private", "x"},
                {"usr", "/", NULL}, /* of a report that somebody else wrote */
                {"", "/", NULL},
                {"", "/usr", NULL},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(cases); i++) {
                const char *rest = imm_path_below(cases[i].path, cases[i].dir);

                assert_true(imm_same_text(rest, cases[i].rest));
                assert_int_equal(imm_path_is_inside(cases[i].path, cases[i].dir), rest && *rest);
        }
}

TEST(markup_is_text_whatever_the_bytes) {
        imm_auto_free char *buf = NULL;
        size_t n;
        FILE *f = open_memstream(&buf, &n);

        imm_text_put_markup(f, NULL);
        imm_text_put_markup(f, "a<b>&\"'\n\x01\xff\xc3\xa4\xe2\x80\xae\xef\xbf\xbf]]>");
        fclose(f);
        assert_string_equal(buf, "a&lt;b&gt;&amp;&quot;&#39;\\x0a\\x01\\xff\xc3\xa4\\u{202e}"
                                 "\\u{ffff}]]&gt;");
}

TEST(json_is_valid_whatever_the_bytes) {
        imm_auto_free char *buf = NULL;
        size_t n;
        FILE *f = open_memstream(&buf, &n);
        struct imm_json j = imm_json_on(f, IMM_JSON_SHORT);

        imm_json_object(&j, NULL);
        imm_json_string(&j, "a", "q\"\\\n\x01\xff\xc3\xa4");
        imm_json_array(&j, "b");
        imm_json_int(&j, NULL, -1);
        imm_json_tristate(&j, NULL, -1);
        imm_json_end(&j);
        imm_json_string(&j, "c", NULL);
        imm_json_end(&j);
        fclose(f);
        assert_string_equal(
                buf, "{\"a\":\"q\\\"\\\\\\n\\u0001\\ufffd\xc3\xa4\",\"b\":[-1,null],\"c\":null}\n");
}

/* What another reader makes of @text, as the only value of an array */
static void reads_as(const char *text, const char *expected) {
        imm_auto_free char *buf = NULL;
        size_t n;
        FILE *f = open_memstream(&buf, &n);
        struct imm_json j = imm_json_on(f, IMM_JSON_SHORT);
        json_t *read;

        imm_json_array(&j, NULL);
        imm_json_strings(&j, "x/", (const char *const[]){text, "y"}, 2);
        imm_json_end(&j);
        assert_int_equal(fclose(f), 0);
        read = json_loads(buf, 0, NULL);
        assert_non_null(read);
        assert_int_equal(json_array_size(read), 2);
        assert_string_equal(json_string_value(json_array_get(read, 0)), expected);
        assert_string_equal(json_string_value(json_array_get(read, 1)), "x/y");
        json_decref(read);
}

TEST(json_has_each_byte_at_each_place) {
        for (unsigned c = 1; c < 256; c++)
                for (unsigned at = 0; at < 20; at++) {
                        char text[] = "01234567890123456789", expected[32];

                        text[at] = (char)c;
                        (void)snprintf(expected, sizeof(expected), "x/%.*s%s%s", (int)at, text,
                                c < 0x80 ? (char[]){(char)c, 0} : "\xef\xbf\xbd", text + at + 1);
                        reads_as(text, expected);
                }
        reads_as("", "x/");
}

TEST(map_keeps_order_and_finds_all) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_map m = {0};

        for (int i = 0; i < 1000; i++)
                imm_map_put(a, &m, imm_printf(a, "key%d", i), imm_printf(a, "%d", i));
        assert_int_equal(m.n, 1000);
        assert_string_equal(imm_map_get(&m, "key777"), "777");
        assert_string_equal(m.v[3].key, "key3");
        assert_null(imm_map_get(&m, "key1000"));
        assert_false(imm_map_has(&m, "nokey"));
}

TEST(a_map_finds_a_part_of_a_text) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *path = "/usr/lib/x86_64-linux-gnu/libc.so.6";
        struct imm_map m = {0};

        assert_null(imm_map_get_n(&m, path, 4));
        imm_map_put(a, &m, "/usr", "usr");
        imm_map_put(a, &m, "/usr/lib", "lib");
        imm_map_put(a, &m, "/usr/lib/x86_64-linux-gnu", "arch");
        for (int i = 0; i < 1000; i++) /* it grows, and all stay where they are found */
                imm_map_put(a, &m, imm_printf(a, "/usr/%d", i), "more");
        assert_string_equal(imm_map_get_n(&m, path, 4), "usr");
        assert_string_equal(imm_map_get_n(&m, path, 8), "lib");
        assert_string_equal(imm_map_get_n(&m, path, 25), "arch");
        for (size_t n = 0; n <= strlen(path); n++)
                assert_int_equal(imm_map_get_n(&m, path, n) != NULL, n == 4 || n == 8 || n == 25);
        assert_true(imm_map_hash(path, 8) == imm_map_hash("/usr/lib", 8));
}

static void note(void *data) {
        char **at = data;

        *(*at)++ = '1';
}

static void note_two(void *data) {
        char **at = data;

        *(*at)++ = '2';
}

TEST(what_an_arena_owns_goes_with_it_last_first) {
        struct imm_arena *a = imm_arena_new();
        char buf[3] = "", *at = buf;

        imm_arena_defer(a, note, &at);
        imm_arena_defer(a, note_two, &at);
        assert_string_equal(buf, "");
        imm_arena_free(a);
        assert_string_equal(buf, "21");
}

/* The short way of formatting and the C library's say the same; @... of plain and other kinds */
#define SAME(...) \
        do { \
                char *want_; \
                assert_true(asprintf(&want_, __VA_ARGS__) >= 0); \
                assert_string_equal(imm_printf(a, __VA_ARGS__), want_); \
                free(want_); \
        } while (0)

/* Pieces of all sizes, each full of its own number, while half of them come and go */
TEST(pieces_of_memory_do_not_overlap) {
        enum { N = 400 };
        static struct {
                uint32_t *v;
                size_t size;
        } p[N];

        for (unsigned round = 0; round < 3; round++) {
                for (uint32_t i = 0; i < N; i++) {
                        if (p[i].v)
                                continue;
                        p[i].size = (size_t)IMM_PIECE_MIN << (i + round) % 8;
                        p[i].v = imm_piece_take(p[i].size);
                        assert_non_null(p[i].v);
                        assert_int_equal((uintptr_t)p[i].v % IMM_PIECE_MIN, 0);
                        for (size_t k = 0; k < p[i].size / sizeof(i); k++)
                                p[i].v[k] = i;
                }
                for (uint32_t i = 0; i < N; i++) {
                        for (size_t k = 0; k < p[i].size / sizeof(i); k++)
                                if (p[i].v[k] != i)
                                        fail_msg("piece %u lies over another", i);
                        if (round == 2 || i % 2 == 0) {
                                imm_piece_give(p[i].v, p[i].size);
                                p[i].v = NULL;
                        }
                }
        }
}

TEST(a_piece_given_back_is_the_next_of_its_size) {
        void *a = imm_piece_take(IMM_PIECE_MAX), *b;

        imm_piece_give(a, IMM_PIECE_MAX);
        b = imm_piece_take(IMM_PIECE_MAX);
        assert_ptr_equal(a, b);
        imm_piece_give(b, IMM_PIECE_MAX);
}

TEST(texts_are_formatted_as_the_library_does) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        char edge[300];

        SAME("%s", "");
        SAME("100%% of %s and %s", "this", "that");
        SAME("%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
        SAME("%u %u %zu", 0U, UINT_MAX, SIZE_MAX);
        SAME("%.*s|%.*s|%.*s", 0, "abc", 2, "abc", 9, "abc");
        SAME("%s %04o %s", "mode", 0644U, "end");
        SAME("%-5s|%5u|%c|%lld", "x", 7U, 'y', -9LL);
        for (size_t n = 250; n < 262; n++) { /* where it no longer fits at once */
                memset(edge, 'e', n);
                edge[n] = 0;
                SAME("%s", edge);
                SAME("a%sb%u", edge, 12U);
        }
}

TEST(members_written_elsewhere_have_their_commas) {
        for (int before = 0; before < 2; before++) {
                struct imm_json_text none = {0}, one = {0}, two = {0};
                imm_auto_free char *text = NULL;
                struct imm_json j, part;
                size_t n = 0;
                FILE *f = open_memstream(&text, &n);

                j = imm_json_on(f, IMM_JSON_SHORT);
                imm_json_array(&j, NULL);
                if (before)
                        imm_json_uint(&j, NULL, 1);
                part = imm_json_part(&j, &one);
                imm_json_string(&part, NULL, "a\n\xff");
                imm_json_object(&part, NULL);
                imm_json_end(&part);
                part = imm_json_part(&j, &two);
                imm_json_null(&part, NULL);
                imm_json_append(&j, none.v, none.n);
                imm_json_append(&j, one.v, one.n);
                imm_json_append(&j, none.v, none.n);
                imm_json_append(&j, two.v, two.n);
                imm_json_end(&j);
                assert_int_equal(fclose(f), 0);
                assert_string_equal(text,
                        before ? "[1,\"a\\n\\ufffd\",{},null]\n" : "[\"a\\n\\ufffd\",{},null]\n");
                free(one.v);
                free(two.v);
        }
}

RUN(cmocka_unit_test(markup_is_text_whatever_the_bytes),
        cmocka_unit_test(hostile_text_cannot_drive_a_terminal),
        cmocka_unit_test(a_path_is_below_another_by_whole_names),
        cmocka_unit_test(json_is_valid_whatever_the_bytes),
        cmocka_unit_test(json_has_each_byte_at_each_place),
        cmocka_unit_test(texts_are_formatted_as_the_library_does),
        cmocka_unit_test(members_written_elsewhere_have_their_commas),
        cmocka_unit_test(map_keeps_order_and_finds_all),
        cmocka_unit_test(a_map_finds_a_part_of_a_text),
        cmocka_unit_test(what_an_arena_owns_goes_with_it_last_first),
        cmocka_unit_test(pieces_of_memory_do_not_overlap),
        cmocka_unit_test(a_piece_given_back_is_the_next_of_its_size))
