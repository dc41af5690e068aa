#include "tests/unit/test.h"
#include "tui/model.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>

/* A world of three units, without a machine */
static const char audit[] =
        "{\"schema\":\"immure.report/1\",\"host\":\"box\",\"root\":\"/"
        "\",\"systemd\":257,\"units\":["
        "{\"unit\":\"alpha.service\",\"load\":\"loaded\",\"exposure\":\"9.6\",\"reach\":\"8.0\","
        "\"outcome\":\"ok\","
        "\"settings\":{\"PrivateTmp\":{\"value\":\"no\",\"origin\":{\"kind\":\"default\"}},"
        "\"User\":{\"value\":\"alpha\",\"origin\":{\"kind\":\"file\",\"file\":\"/etc/"
        "a.service\",\"line\":3}}},"
        "\"mounts\":[{\"path\":\"/\",\"source\":\"/\",\"fstype\":\"bind\"},{\"path\":\"/"
        "dev\",\"fstype\":\"tmpfs\",\"nosuid\":true},"
        "{\"path\":\"/dev/shm\",\"fstype\":\"tmpfs\"},{\"path\":\"/usr\",\"source\":\"/"
        "usr\",\"fstype\":\"bind\",\"read_only\":true,"
        "\"setting\":\"ProtectSystem\",\"origin\":{\"kind\":\"file\",\"file\":\"/etc/"
        "a.service\",\"line\":4}}],"
        "\"findings\":[{\"rule\":\"shared-tmp\",\"scorecard\":\"reach\",\"severity\":\"high\","
        "\"remedy\":\"PrivateTmp=yes\","
        "\"evidence\":[\"/tmp is everybody's\"],\"file\":\"/etc/a.service\",\"line\":2}]},"
        "{\"unit\":\"beta\\u001b[31m.service\",\"load\":\"loaded\",\"exposure\":\"5.0\",\"reach\":"
        "\"3.0\",\"package\":\"beta 1\"},"
        "{\"unit\":\"gamma.service\",\"load\":\"masked\"}]}";

struct world {
        struct imm_snapshot *now;
        struct imm_state tried;
        char *saved_path, *saved_text, *copied;
        struct imm_snapshot *earlier;
        size_t n_runs;
};

static const struct imm_state *state(
        void *data, const char *unit, const char *dropin, struct imm_err *err) {
        struct world *w = data;
        struct imm_state *s = imm_snapshot_find(w->now, unit);

        if (!dropin)
                return s;
        if (strstr(dropin, "Broken")) {
                imm_err_set(err, -EINVAL, "Broken= is not known");
                return NULL;
        }
        w->tried = *s;
        w->tried.exposure -= 2;
        w->tried.findings.n = 0;
        return &w->tried;
}

static int list(void *data, const char *unit, const char *dropin, const char *dir,
        struct imm_arena *a, struct imm_place **ret, size_t *ret_n, struct imm_err *err) {
        static const struct imm_place root[] = {
                {"etc", "readable", true, false, 1, 0, 1}, {"tmp", "sticky", true, false, 1, 1, 1}};
        static const struct imm_place etc[] = {{"shadow", "none", false, false, 0, 0, 0}};
        bool top = imm_streq(dir, "/");

        *ret_n = top ? 2 : 1;
        *ret = imm_alloc_array(a, 2, sizeof(**ret));
        memcpy(*ret, top ? root : etc, *ret_n * sizeof(**ret));
        return 0;
}

static int why(void *data, const char *unit, const char *dropin, const char *path,
        struct imm_arena *a, struct imm_strv *ret, struct imm_err *err) {
        imm_strv_add(a, ret, imm_printf(a, "because of %s", path));
        return 0;
}

static int file(
        void *data, const char *path, struct imm_arena *a, const char **ret, struct imm_err *err) {
        *ret = "[Service]\nExecStart=/x\nUser=alpha\nProtectSystem=yes\n";
        return 0;
}

static bool about(void *data, const char *setting, struct imm_arena *a, struct imm_about *ret) {
        static const struct {
                const char *name, *section;
                bool list;
                const char *values[4];
        } known[] = {
                {"PrivateTmp", "Service", false, {"no", "yes"}},
                {"ProtectSystem", "Service", false, {"no", "yes", "full"}},
                {"ReadWritePaths", "Service", true, {NULL}},
                {"User", "Service", false, {NULL}},
                {"Broken", "Service", false, {NULL}},
                {"After", "Unit", true, {NULL}},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(known); i++) {
                if (!imm_streq(known[i].name, setting))
                        continue;
                *ret = (struct imm_about){.section = known[i].section, .list = known[i].list};
                for (size_t k = 0; k < 4 && known[i].values[k]; k++)
                        imm_strv_add(a, &ret->values, known[i].values[k]);
                return true;
        }
        return false;
}

static bool rule(void *data, const char *scorecard, const char *name, struct imm_arena *a,
        struct imm_rule_words *ret) {
        *ret = (struct imm_rule_words){"Everybody's /tmp", "Others can put files there.", {0}};
        imm_strv_add(a, &ret->documentation, "man:systemd.exec(5)");
        return true;
}

static const char *proposed(void *data, const char *unit, struct imm_arena *a) {
        return imm_printf(a, "/etc/systemd/system/%s.d/50-immure.conf", unit);
}

static int save(void *data, const char *unit, const char *path, const char *text, bool replace,
        struct imm_err *err) {
        struct world *w = data;

        if (imm_streq(path, "/there") && !replace)
                return -EEXIST;
        free(w->saved_path);
        free(w->saved_text);
        w->saved_path = imm_xstrdup(path);
        w->saved_text = imm_xstrdup(text);
        return imm_after(path, "/etc/systemd/") != NULL;
}

static int runs(void *data, struct imm_arena *a, struct imm_tui_run **ret, size_t *ret_n,
        struct imm_err *err) {
        struct world *w = data;

        *ret = imm_alloc_array(a, 2, sizeof(**ret));
        (*ret)[0] = (struct imm_tui_run){2, "run 2  yesterday"};
        (*ret)[1] = (struct imm_tui_run){1, "run 1  the day before"};
        *ret_n = w->n_runs;
        return 0;
}

static const struct imm_snapshot *run(void *data, int64_t id, struct imm_err *err) {
        struct world *w = data;

        return w->earlier;
}

static void copy(void *data, const char *text) {
        struct world *w = data;

        free(w->copied);
        w->copied = imm_xstrdup(text);
}

struct fixture {
        struct world w;
        struct imm_tui t;
        struct imm_arena *a;
};

static int setup(void **data) {
        struct fixture *f = imm_xcalloc(1, sizeof(*f));

        setlocale(LC_CTYPE, "C.UTF-8");
        f->a = imm_arena_new();
        if (imm_snapshot_from_json(&f->w.now, audit, sizeof(audit) - 1, "t", NULL) < 0)
                return -1;
        imm_tui_init(&f->t,
                (struct imm_tui_world){&f->w, state, list, why, file, about, rule, proposed, save,
                        runs, run, copy},
                20, 80);
        imm_tui_audit(&f->t, f->w.now, 3, 3);
        *data = f;
        return 0;
}

static int teardown(void **data) {
        struct fixture *f = *data;

        imm_tui_done(&f->t);
        imm_snapshot_free(f->w.now);
        imm_arena_free(f->a);
        free(f->w.saved_path);
        free(f->w.saved_text);
        free(f->w.copied);
        imm_snapshot_free(f->w.earlier);
        free(f);
        return 0;
}

/* Keys as one types them: letters as they are, names in <> */
static const char *type(struct fixture *f, const char *keys) {
        while (*keys) {
                const char *end = *keys == '<' ? strchr(keys, '>') : NULL;

                if (end) {
                        imm_tui_key(&f->t, imm_key_by_name(keys + 1, (size_t)(end - keys - 1)));
                        keys = end + 1;
                } else
                        imm_tui_key(&f->t, (unsigned char)*keys++);
        }
        imm_tui_draw(&f->t);
        return imm_canvas_text(&f->t.canvas, false, f->a);
}

static void shows(const char *screen, const char *what) {
        if (!strstr(screen, what))
                fail_msg("'%s' is not on the screen:\n%s", what, screen);
}

static void lacks(const char *screen, const char *what) {
        if (strstr(screen, what))
                fail_msg("'%s' is on the screen:\n%s", what, screen);
}

TEST(the_list_is_worst_first_and_has_the_figures) {
        const char *s = type(*state, "");

        assert_true(strstr(s, "alpha.service") < strstr(s, "beta"));
        shows(s, "9.6");
        shows(s, "1h");
        shows(s, "masked");
        shows(s, "3 of 3 units");
}

TEST(no_name_can_drive_the_terminal) {
        const char *s = type(*state, "");

        lacks(s, "\033");
        shows(s, "beta\\x1b[31m.service");
}

TEST(the_filter_works_as_one_types) {
        struct fixture *f = *state;

        lacks(type(f, "/gam"), "alpha");
        shows(type(f, "<enter>"), "filter: gam");
        shows(type(f, ""), "gamma.service");
        shows(type(f, "<esc>"), "alpha.service"); /* takes the filter away, does not quit */
        assert_false(f->t.quit);
        type(f, "<esc>");
        assert_true(f->t.quit);
}

TEST(a_unit_opens_on_its_settings_set_ones_first) {
        const char *s = type(*state, "<enter>");

        assert_true(strstr(s, "User ") < strstr(s, "PrivateTmp"));
        shows(s, "/etc/a.service:3");
        shows(s, "exposure 9.6  reach 8.0");
}

TEST(mounts_fold) {
        struct fixture *f = *state;

        shows(type(f, "<enter><tab>"), "/dev/shm");
        lacks(type(f, "jz"), "/dev/shm");
        shows(type(f, "z"), "/dev/shm");
        shows(type(f, "G"), "ProtectSystem=");
        shows(type(f, "<enter>"), "line 4 of 4"); /* jumps to the origin */
}

TEST(access_is_walked_with_reasons) {
        struct fixture *f = *state;

        shows(type(f, "<enter><tab><tab>"), "rwx sticky");
        shows(type(f, "j"), "because of /etc");
        shows(type(f, "<enter>"), "shadow");
        shows(type(f, "<left>"), "tmp/");
        shows(type(f, "p"), "Path: /");
        shows(type(f, "etc/shadow<enter>"), "because of /etc/shadow");
}

TEST(a_remedy_is_applied_seen_taken_back_and_saved) {
        struct fixture *f = *state;

        shows(type(f, "<enter><tab><tab><tab><tab>"), "shared-tmp");
        shows(type(f, "a"), "9.6 → 9.4");
        shows(type(f, "v"), "+ PrivateTmp=yes");
        shows(type(f, ""), "- shared-tmp (high, reach)");
        shows(type(f, "u"), "No change is tried yet");
        type(f, "[[a");
        shows(type(f, "w"), "/etc/systemd/system/alpha.service.d/50-immure.conf");
        shows(type(f, "<enter>"), "written to");
        assert_string_equal(f->w.saved_path, "/etc/systemd/system/alpha.service.d/50-immure.conf");
        assert_string_equal(f->w.saved_text, "[Service]\n# against shared-tmp\nPrivateTmp=yes\n");
}

TEST(a_toggle_and_a_broken_edit) {
        struct fixture *f = *state;

        shows(type(f, "<enter>G<space>"), "PrivateTmp=yes: exposure 9.6 → 9.4");
        shows(type(f, "<enter>"), "Try: PrivateTmp=no");
        imm_tui_key(&f->t, 0x15);
        shows(type(f, "Broken=x<enter>"), "Broken= is not known");
        shows(type(f, ""), "[what if]");
}

TEST(search_goes_round) {
        struct fixture *f = *state;

        type(f, "<enter>/private<enter>");
        assert_int_equal(f->t.scroll[IMM_PANE_SETTINGS].cursor, 1);
        shows(type(f, "/nothere<enter>"), "'nothere' is not here");
}

TEST(small_and_odd_screens_hold) {
        struct fixture *f = *state;

        for (int rows = 1; rows < 14; rows++)
                for (int cols = 1; cols < 60; cols += 7) {
                        imm_tui_resize(&f->t, rows, cols);
                        for (const char *k = "j?j<esc>"; *k; k++)
                                type(f, "");
                        type(f, "<enter><tab><tab>j<tab><tab><tab><tab>q");
                }
        imm_tui_resize(&f->t, 10, 40);
        shows(type(f, ""), "alpha.service");
}

TEST(without_utf8_there_is_ascii) {
        struct fixture *f = *state;

        f->t.canvas.ascii = true;
        for (const char *s = type(f, "<enter><tab>"); *s; s++)
                assert_true((unsigned char)*s < 0x80);
}

TEST(every_key_is_explained_once) {
        for (int a = 1; a < IMM_ACTION_N; a++)
                for (const char *s = imm_actions[a].keys; *s;) {
                        size_t n = strcspn(s, " ");
                        int key = imm_key_by_name(s, n);

                        assert_int_not_equal(key, IMM_KEY_NONE);
                        assert_int_equal(imm_action_of_key(key), a);
                        s += n + strspn(s + n, " ");
                }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
RUN(CASE(the_list_is_worst_first_and_has_the_figures), CASE(no_name_can_drive_the_terminal),
        CASE(the_filter_works_as_one_types), CASE(a_unit_opens_on_its_settings_set_ones_first),
        CASE(mounts_fold), CASE(access_is_walked_with_reasons),
        CASE(a_remedy_is_applied_seen_taken_back_and_saved), CASE(a_toggle_and_a_broken_edit),
        CASE(search_goes_round), CASE(small_and_odd_screens_hold),
        CASE(without_utf8_there_is_ascii), cmocka_unit_test(every_key_is_explained_once))
