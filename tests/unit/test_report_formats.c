#include "report/report.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static const char hostile[] =
        "{\"schema\":\"immure.report/1\",\"host\":\"<h>\",\"root\":\"/"
        "\",\"systemd\":257,\"time\":5,"
        "\"units\":[{\"unit\":\"a<script>alert(1)</"
        "script>\\u001b[31m|x`.service\",\"load\":\"loaded\","
        "\"exposure\":\"9.6\",\"reach\":\"8.1\",\"findings\":[{\"rule\":\"R\\\"><b>\",\"severity\":"
        "\"high\","
        "\"remedy\":\"Set=<x>\",\"evidence\":[\"</details>\"]}],"
        "\"settings\":{\"Environment\":{\"value\":\"KEY=secret\",\"origin\":{\"kind\":\"file\","
        "\"file\":\"/e\",\"line\":2}}},"
        "\"mounts\":[{\"path\":\"/\",\"setting\":\"ProtectSystem\"},{\"path\":\"/<u>\"}],"
        "\"access\":[{\"path\":\"/etc&\",\"write\":true}]},"
        "{\"unit\":\"quiet.service\",\"load\":\"loaded\",\"exposure\":\"1.0\",\"reach\":\"0.4\"}]}";

static struct imm_snapshot *snapshot(void) {
        struct imm_snapshot *s = NULL;

        assert_int_equal(imm_snapshot_from_json(&s, hostile, sizeof(hostile) - 1, "test", NULL), 0);
        return s;
}

static char *render(void (*format)(const struct imm_report *, FILE *), struct imm_snapshot *s) {
        struct imm_report r = {.now = s};
        char *text = NULL;
        size_t n;
        FILE *f = open_memstream(&text, &n);

        format(&r, f);
        fclose(f);
        return text;
}

static size_t occurrences(const char *text, const char *what) {
        size_t n = 0;

        for (; (text = strstr(text, what)); text++)
                n++;
        return n;
}

TEST(html_tells_what_is_not_known) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = imm_snapshot_new();
        struct imm_state *u[] = {imm_snapshot_add(s, "some.service"),
                imm_snapshot_add(s, "none.service"), imm_snapshot_add(s, "all.service")};
        imm_auto_free char *html = NULL;

        for (size_t i = 0; i < IMM_ELEMENTSOF(u); i++) {
                int known = i == 1 ? -1 : 1;

                u[i]->load = "loaded";
                *imm_array_push(s->arena, &u[i]->access) =
                        (struct imm_state_access){"/etc", known, known, known, known, -1, NULL};
                if (i == 0)
                        *imm_array_push(s->arena, &u[i]->access) =
                                (struct imm_state_access){"/run/x", -1, -1, -1, -1, -1, NULL};
        }
        imm_snapshot_sort(s);
        html = render(imm_report_html, s);
        assert_int_equal(occurrences(html, "Not known: <code>/run/x</code>"), 1);
        assert_int_equal(occurrences(html, "Not known.</p>"), 1);
        assert_int_equal(occurrences(html, "Not known"), 2);
}

TEST(html_shows_hostile_text_as_text) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = snapshot();
        imm_auto_free char *html = render(imm_report_html, s);

        assert_int_equal(occurrences(html, "<script>"), 1); /* our own */
        assert_null(strstr(html, "alert(1)</script>"));
        assert_null(strstr(html, "<b>\""));
        assert_null(strstr(html, "\033"));
        assert_null(strstr(html, "/<u>"));
        assert_non_null(strstr(html, "a&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert_int_equal(occurrences(html, "<details"), occurrences(html, "</details>"));
        assert_non_null(strstr(html, "default-src 'none'"));
        assert_null(strstr(html, "http://"));
        assert_null(strstr(html, "https://"));
}

TEST(the_worst_comes_first) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = snapshot();
        imm_auto_free char *html = render(imm_report_html, s), *md = render(imm_report_markdown, s);

        assert_true(strstr(html, "id=\"u-a_3cscript_3e") < strstr(html, "id=\"u-quiet"));
        assert_true(strstr(md, "| quiet.service | 1.0 | 0.4 |") > strstr(md, "9.6"));
}

TEST(markdown_cells_hold) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = snapshot();
        imm_auto_free char *md = render(imm_report_markdown, s);

        assert_null(strstr(md, "<script>"));
        assert_null(strstr(md, "\033"));
        assert_null(strstr(md, "|x"));
}

TEST(metrics_are_few_and_escaped) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = snapshot();
        imm_auto_free char *text = render(imm_report_openmetrics, s);

        assert_non_null(strstr(text, "immure_unit_exposure{name=\"quiet.service\"} 1.0\n"));
        assert_non_null(strstr(text, ",severity=\"high\"} 1\n"));
        assert_non_null(strstr(text, "immure_last_success_timestamp_seconds 5\n"));
        assert_string_equal(text + strlen(text) - 6, "# EOF\n");
}

TEST(secrets_are_redacted) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = snapshot();
        imm_auto_free char *html = NULL;

        imm_snapshot_redact(s);
        html = render(imm_report_html, s);
        assert_null(strstr(html, "secret"));
        assert_non_null(strstr(html, "(redacted)"));
}

RUN(cmocka_unit_test(html_tells_what_is_not_known),
        cmocka_unit_test(html_shows_hostile_text_as_text), cmocka_unit_test(the_worst_comes_first),
        cmocka_unit_test(markdown_cells_hold), cmocka_unit_test(metrics_are_few_and_escaped),
        cmocka_unit_test(secrets_are_redacted))
