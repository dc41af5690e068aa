/*
 * Screens as text: tests/golden/tui/NAME.screen says in its first line which keys are typed on what
 * terminal, and holds what is drawn then, with a second block of a letter per style. A new case is
 * a file with that line; UPDATE=1 in the environment writes what comes out, to be reviewed like
 * code.
 */

#include "tests/unit/test.h"
#include "tests/unit/tui.h"

#include <dirent.h>
#include <locale.h>

#define FOLDER SOURCE "/tests/golden/tui/"

static char *slurp(struct imm_arena *a, const char *path) {
        imm_auto_free char *text = NULL;
        size_t n = 0;
        FILE *f = fopen(path, "re"), *m;
        int c;

        if (!f)
                fail_msg("cannot read %s", path);
        m = open_memstream(&text, &n);
        assert_non_null(m);
        while ((c = getc(f)) != EOF)
                putc(c, m);
        (void)fclose(f);
        (void)fclose(m);
        return imm_strndup(a, text, n);
}

static struct imm_snapshot *snapshot(struct imm_arena *a, const char *name) {
        const char *path = imm_printf(a, FOLDER "%s.json", name), *text = slurp(a, path);
        struct imm_snapshot *s = NULL;
        imm_err_auto err = IMM_ERR_INIT;

        if (imm_snapshot_from_json(&s, text, strlen(text), path, &err) < 0)
                fail_msg("%s", imm_err_text(&err));
        return s;
}

/* "# 80x24 ascii analysing compared: /be<enter>" */
static const char *screen(struct imm_arena *a, const char *line) {
        struct world w = {.now = snapshot(a, "now"), .earlier = snapshot(a, "earlier")};
        const char *keys = strchr(line, ':'), *text;
        unsigned n = (unsigned)w.now->states.n;
        struct imm_tui t;
        int rows = 0, cols = 0;

        if (!keys || sscanf(line, "# %dx%d", &cols, &rows) != 2)
                fail_msg("no such first line: %s", line);
        imm_tui_init(&t, world_of(&w), rows, cols);
        t.canvas.ascii = memmem(line, (size_t)(keys - line), "ascii", 5);
        w.n_runs = memmem(line, (size_t)(keys - line), "compared", 8) ? 2 : 0;
        imm_tui_audit(
                &t, w.now, memmem(line, (size_t)(keys - line), "analysing", 9) ? n / 2 : n, n);
        imm_tui_compare_newest(&t);
        keys += 1 + strspn(keys + 1, " ");
        type_keys(&t, imm_strndup(a, keys, strcspn(keys, "\n")));
        text = imm_canvas_text(&t.canvas, true, a);
        imm_tui_done(&t);
        world_done(&w);
        return text;
}

static bool check(struct imm_arena *a, const char *name) {
        const char *path = imm_printf(a, FOLDER "%s", name), *text = slurp(a, path);
        const char *rest = strchrnul(text, '\n'), *drawn = screen(a, text);
        const char *first = imm_strndup(a, text, (size_t)(rest - text));

        if (imm_streq(*rest ? rest + 1 : rest, drawn))
                return true;
        if (getenv("UPDATE")) {
                FILE *f = fopen(path, "we");

                assert_non_null(f);
                fprintf(f, "%s\n%s", first, drawn);
                (void)fclose(f);
                return true;
        }
        print_error("%s\n%s\nis drawn as\n%s\nand should be\n%s", name, first, drawn, rest + 1);
        return false;
}

static int by_name(const struct dirent *e) {
        return imm_ends_with(e->d_name, ".screen");
}

TEST(screens_are_as_they_were_reviewed) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct dirent **list = NULL;
        int n = scandir(FOLDER, &list, by_name, alphasort), wrong = 0;

        assert_true(n > 20);
        for (int i = 0; i < n; i++) {
                wrong += !check(a, list[i]->d_name);
                free(list[i]);
        }
        free(list);
        assert_int_equal(wrong, 0);
}

static const char *put(struct imm_arena *a, int cols, const char *text, bool ascii) {
        struct imm_canvas c = {0};
        const char *s;

        imm_canvas_resize(&c, 1, cols);
        c.ascii = ascii;
        imm_canvas_put(&c, 0, 0, cols, IMM_STYLE_NORMAL, text);
        s = imm_canvas_text(&c, false, a);
        imm_canvas_done(&c);
        return s;
}

TEST(marks_stay_on_their_signs) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

        assert_string_equal(put(a, 4, "e\u0301tude", false), "e\u0301tud\n");
        assert_string_equal(put(a, 4, "広\u3099い", false), "広\u3099い\n");
        assert_string_equal(put(a, 2, "\u0301a\u0302b", false), "a\u0302b\n");
        assert_string_equal(put(a, 4, "e\u0301x", true), "ex\n");
        /* not without end, and nothing that changes a width */
        assert_string_equal(put(a, 4, "e\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308x", false),
                "e\u0301\u0302\u0303\u0304x\n");
        assert_string_equal(put(a, 4, "a\ufe0fb", false), "ab\n");
}

static int setup(void **state) {
        return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(screens_are_as_they_were_reviewed),
                cmocka_unit_test(marks_stay_on_their_signs)};

        return cmocka_run_group_tests(tests, setup, NULL);
}
