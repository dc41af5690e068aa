/* How properties are written: time spans, quoting by version. */

#include "test.h"

#include "analyzer/settings/properties/properties-private.h"

static struct imm_unit unit = {.name = "x.service"};

/* What @write prints for systemd @version, without the line's end */
static char *printed(unsigned version, const struct imm_value *v, imm_show_fn write) {
        struct imm_settings s = {.version = version, .unit = &unit};
        struct imm_property p = {.name = "K"};
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);

        assert_non_null(f);
        assert_int_equal(write(&(struct imm_show){.s = &s, .p = &p, .v = v, .f = f}), 0);
        assert_int_equal(fclose(f), 0);
        if (n > 0 && text[n - 1] == '\n')
                text[n - 1] = '\0';
        return text;
}

static void check_span(uint64_t usec, const char *expected) {
        imm_auto_free char *s = printed(257, &(struct imm_value){.number = usec}, imm_show_usec);

        assert_string_equal(imm_after(s, "K="), expected);
}

static void check_word(unsigned version, const char *word, const char *expected) {
        struct imm_string_item item = {.text = word};
        struct imm_value v = {.strings = {.v = &item, .n = 1}};
        imm_auto_free char *s = printed(version, &v, imm_show_strings);

        assert_string_equal(imm_after(s, "K="), expected);
}

TEST(spans) {
        check_span(0, "0");
        check_span(UINT64_MAX, "infinity");
        check_span(1, "1us");
        check_span(100000, "100ms");
        check_span(1500, "1.500ms");
        check_span(1500000, "1.500000s");
        check_span(90000000, "1min 30s");
        check_span(90500000, "1min 30.500000s");
        check_span(UINT64_C(31557600000000) + 86400000000, "1y 1d");
}

TEST(quotes) {
        check_word(257, "plain/word-1.2:3=4", "plain/word-1.2:3=4");
        check_word(257, "", "");
        check_word(257, "a b", "\"a b\"");
        check_word(257, "a\"b$c`d\\e", "\"a\\\"b\\$c\\`d\\\\e\"");
        check_word(257, "a'b", "\"a'b\"");
        check_word(257, "[x]", "\"[x]\"");
        check_word(257, "x]", "x]");
        check_word(257, "tab\there", "\"tab\\there\"");
        check_word(257, "esc\033", "\"esc\\033\"");
        check_word(257, "\303\274", "\303\274");
        check_word(257, "\303", "\"\\303\"");
        check_word(247, "\303\274", "\"\303\274\"");
        check_word(247, "esc\033", "\"esc\033\"");
        check_word(247, "tab\there", "\"tab\\there\"");
}

TEST(lists) {
        struct imm_string_item items[] = {{.text = "b"}, {.text = "a"}};
        struct imm_value v = {.strings = {.v = items, .n = 2}};
        imm_auto_free char *kept = printed(257, &v, imm_show_strings);
        imm_auto_free char *sorted = printed(257, &v, imm_show_sorted);
        imm_auto_free char *denied = printed(257, &v, imm_show_names);

        assert_string_equal(kept, "K=b a");
        assert_string_equal(sorted, "K=a b");
        assert_string_equal(denied, "K=~a b");
        assert_string_equal(items[0].text, "b");
}

TEST(ports_and_devices) {
        struct imm_socket_bind_item ports[] = {
                {.family = 2, .protocol = 6, .n_ports = 5, .port_min = 1}, {.n_ports = 0}};
        struct imm_device_item nodes[] = {
                {.node = "/dev/null", .r = true, .w = true}, {.node = "char-rtc", .r = true}};
        struct imm_value v = {.socket_binds = {.v = ports, .n = 2}},
                         d = {.devices = {.v = nodes, .n = 2}};
        imm_auto_free char *p = printed(257, &v, imm_show_socket_binds);
        imm_auto_free char *n = printed(257, &d, imm_show_devices);

        assert_string_equal(p, "K=any\nK=ipv4:tcp1-5");
        assert_string_equal(n, "K=char-rtc r\nK=/dev/null rw");
}

TEST(line_breaks_cannot_be_printed) {
        imm_auto_free char *s =
                printed(257, &(struct imm_value){.string = "a\nb"}, imm_show_string);

        assert_string_equal(s, "K=[unprintable]");
}

RUN(cmocka_unit_test(spans), cmocka_unit_test(quotes), cmocka_unit_test(lists),
        cmocka_unit_test(ports_and_devices), cmocka_unit_test(line_breaks_cannot_be_printed))
