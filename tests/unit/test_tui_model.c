#include "tests/unit/test.h"
#include "tests/unit/tui.h"

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
        "\"ReadWritePaths\":{\"value\":\"/srv\",\"origin\":{\"kind\":\"implied\",\"by\":\"X\"}},"
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
        imm_tui_init(&f->t, world_of(&f->w), 20, 80);
        imm_tui_audit(&f->t, f->w.now, 3, 3);
        *data = f;
        return 0;
}

static int teardown(void **data) {
        struct fixture *f = *data;

        imm_tui_done(&f->t);
        world_done(&f->w);
        imm_arena_free(f->a);
        free(f);
        return 0;
}

static const char *type(struct fixture *f, const char *keys) {
        type_keys(&f->t, keys);
        return imm_canvas_text(&f->t.canvas, false, f->a);
}

static void shows(const char *screen, const char *what) {
        if (!screen || !strstr(screen, what))
                fail_msg("'%s' is not on the screen:\n%s", what, screen ? screen : "");
}

static void lacks(const char *screen, const char *what) {
        if (!screen || strstr(screen, what))
                fail_msg("'%s' is on the screen:\n%s", what, screen ? screen : "");
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
        shows(type(f, "<backspace>"), "tmp/");
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
        shows(type(f, "<enter>"), "Try: PrivateTmp=yes");
        imm_tui_key(&f->t, 0x15);
        shows(type(f, "Broken=x<enter>"), "Broken= is not known");
        shows(type(f, ""), "[what if]");
}

TEST(a_value_goes_round_and_what_is_as_it_was_is_no_change) {
        struct fixture *f = *state;

        shows(type(f, "<enter>G<space>"), "[what if]");
        shows(type(f, ""), "tried, not written");
        lacks(type(f, "<space>"), "[what if]"); /* no again */
        assert_int_equal(f->t.trials->n, 0);
        type(f, "+ProtectSystem=full<enter>7");
        shows(type(f, "+ProtectSystem=yes<enter>"), "+ ProtectSystem=yes");
        lacks(type(f, ""), "full"); /* the second one took its place */
        shows(type(f, "+User<enter>"), "expected Setting=value");
        shows(type(f, ""), "Try Setting=value: User"); /* it stays to be mended */
        imm_tui_key(&f->t, 0x15);
        shows(type(f, "Usr=x<enter>"), "no setting 'Usr'");
        shows(type(f, "<left><left><left>e<enter>"), "User=x");
        lacks(type(f, ""), "Try");
}

TEST(lists_add_up_unless_edited_in_place) {
        struct fixture *f = *state;

        type(f, "<enter>+ReadWritePaths=/a<enter>+ReadWritePaths=/b<enter>");
        type(f, "+After=x.service<enter>w");
        type(f, "<enter>");
        assert_string_equal(f->w.saved_text,
                "[Service]\nReadWritePaths=/a\nReadWritePaths=/b\n\n[Unit]\nAfter=x.service\n");
        type(f, "/ReadWritePaths<enter>");
        type(f, "1gj"); /* the unit has ReadWritePaths=/srv */
        f->t.scroll[IMM_PANE_SETTINGS].cursor = 1;
        shows(type(f, "e"), "Try: ReadWritePaths=/srv");
        type(f, "<backspace><backspace><backspace>x<enter>w<enter>");
        assert_string_equal(f->w.saved_text, "[Service]\nReadWritePaths=\nReadWritePaths=/x\n");
}

TEST(no_file_is_replaced_unasked) {
        struct fixture *f = *state;

        type(f, "<enter>G<space>w");
        imm_tui_key(&f->t, 0x15);
        shows(type(f, "/there<enter>"), "/there exists; replace it");
        shows(type(f, "n<enter>"), "nothing was written");
        assert_null(f->w.saved_path);
        type(f, "w");
        imm_tui_key(&f->t, 0x15);
        shows(type(f, "/there<enter>yes<enter>"), "written to /there, outside");
        assert_string_equal(f->w.saved_path, "/there");
        assert_int_equal(f->t.trials->n, 1); /* it is no part of the unit: still a trial */
}

TEST(what_was_tried_waits_in_the_list) {
        struct fixture *f = *state;

        shows(type(f, "<enter>G<space><esc>"), "tried");
        shows(type(f, "<enter>"), "with what you tried before");
        assert_int_equal(f->t.trials->n, 1);
        type(f, "y");
        assert_string_equal(f->w.copied, "[Service]\nPrivateTmp=yes\n");
}

TEST(groups_fold) {
        struct fixture *f = *state;

        shows(type(f, "o"), "no package  2 units");
        shows(type(f, "g<enter>"), "▸ beta 1  1 unit");
        lacks(type(f, ""), "beta\\x1b");
        lacks(type(f, "Z"), "alpha");
        shows(type(f, "Z"), "alpha");
        shows(type(f, "o"), "system.slice");
}

TEST(the_mouse_selects_then_opens) {
        struct fixture *f = *state;

        imm_tui_click(&f->t, 3, 4);
        assert_int_equal(f->t.list.cursor, 1);
        assert_int_equal(f->t.screen, IMM_SCREEN_LIST);
        imm_tui_click(&f->t, 2, 4);
        imm_tui_click(&f->t, 2, 4);
        assert_int_equal(f->t.screen, IMM_SCREEN_UNIT);
        imm_tui_click(&f->t, 1, 16);
        assert_int_equal(f->t.pane, IMM_PANE_MOUNTS);
        type(f, "q");
        imm_tui_click(&f->t, 1, 4); /* UNIT */
        assert_int_equal(f->t.sort, IMM_SORT_NAME);
        imm_tui_click(&f->t, 1, 4);
        assert_true(f->t.reverse);
        imm_tui_wheel(&f->t, true);
        imm_tui_click(&f->t, 400, 900);
        imm_tui_click(&f->t, -1, -1);
}

TEST(findings_are_walked_one_by_one) {
        struct fixture *f = *state;

        type(f, "<enter>5j");
        assert_int_equal(f->t.scroll[IMM_PANE_FINDINGS].cursor, 0); /* there is but one */
        shows(type(f, "i"), "Others can put files there.");
        shows(type(f, "q/everybody<enter>"), "shared-tmp");
}

TEST(an_audit_that_grows_keeps_the_cursor_on_its_unit) {
        struct fixture *f = *state;

        type(f, "jj");
        assert_string_equal(f->t.rows[f->t.list.cursor].state->unit, "gamma.service");
        type(f, "s"); /* by name: the same place */
        imm_tui_audit(&f->t, f->w.now, 1, 3);
        shows(type(f, ""), "analysing: 1 of 3");
        assert_string_equal(f->t.rows[f->t.list.cursor].state->unit, "gamma.service");
        imm_tui_forget(&f->t);
        shows(type(f, "jjkG/x<enter>"), "0 of 0");
}

TEST(prompts_are_edited_where_one_types) {
        struct fixture *f = *state;

        type(f, "<enter>3p<backspace>/xtc<left><left><left><left>");
        type(f, "<right><right><backspace>e<end>/shadow<enter>");
        shows(type(f, ""), "because of /etc/shadow");
        type(f, "p");
        imm_tui_key(&f->t, 0x20ac); /* € */
        imm_tui_key(&f->t, 0x1f600);
        assert_string_equal(f->t.input, "/€😀");
        type(f, "<home><delete><right><delete>");
        assert_string_equal(f->t.input, "€");
        shows(type(f, "<enter>"), "a path starts with /");
}

TEST(search_goes_round) {
        struct fixture *f = *state;

        type(f, "<enter>/private<enter>");
        assert_int_equal(f->t.scroll[IMM_PANE_SETTINGS].cursor, 2);
        type(f, "g/<enter>"); /* the same again */
        assert_int_equal(f->t.scroll[IMM_PANE_SETTINGS].cursor, 2);
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

TEST(tab_completes_settings_values_and_paths) {
        struct fixture *f = *state;

        shows(type(f, "<enter>+pri<tab>"), "Try Setting=value: PrivateTmp=");
        shows(type(f, "<tab>"), "no  yes");
        shows(type(f, "y<tab><enter>"), "PrivateTmp=yes: exposure 9.6 → 9.4");
        shows(type(f, "+write<tab>"), "ReadWritePaths="); /* it is in the middle of one */
        imm_tui_key(&f->t, 0x15);
        shows(type(f, "xyz<tab>"), "nothing starts so");
        imm_tui_key(&f->t, 0x15);
        shows(type(f, "User=x<tab>"), "no list to complete");
        shows(type(f, "<esc>1/PrivateTmp<enter>e"), "no  yes"); /* at once where there are few */
        type(f, "<esc>3pe<tab>");
        assert_string_equal(f->t.input, "/etc/");
        type(f, "sh<tab>");
        assert_string_equal(f->t.input, "/etc/shadow");
        type(f, "<esc>w<tab>"); /* nothing to complete there */
        assert_string_equal(f->t.input, "/etc/systemd/system/alpha.service.d/50-immure.conf");
}

TEST(what_is_not_written_is_not_lost_unsaid) {
        struct fixture *f = *state;

        type(f, "<enter>G<space><esc>");
        shows(type(f, "<esc>"), "alpha.service is not written");
        assert_false(f->t.quit);
        type(f, "j<esc>"); /* asked anew after anything else */
        assert_false(f->t.quit);
        imm_tui_forget(&f->t); /* all is read again */
        imm_tui_audit(&f->t, f->w.now, 3, 3);
        shows(type(f, "g"), "tried");
        shows(type(f, "<enter>"), "with what you tried before");
        type(f, "u<esc>q");
        assert_true(f->t.quit);
}

TEST(a_remedy_leaves_out_what_does_nothing) {
        struct fixture *f = *state;

        f->w.now->states.v[0]->findings.v[0].remedy = "PrivateTmp=yes\nReadWritePaths=/idle";
        type(f, "<enter>5aw<enter>");
        assert_string_equal(f->w.saved_text, "[Service]\n# against shared-tmp\nPrivateTmp=yes\n");
}

TEST(sorting_shows_what_is_first) {
        struct fixture *f = *state;

        type(f, "sss"); /* by name, exposure, reach */
        assert_int_equal(f->t.list.cursor, 0);
        assert_string_equal(f->t.rows[f->t.list.cursor].state->unit, "alpha.service");
        type(f, "S");
        assert_string_equal(f->t.rows[f->t.list.cursor].state->unit, "gamma.service");
        type(f, "S<down>"); /* a cursor that was moved stays on its unit */
        type(f, "S");
        assert_int_equal(f->t.list.cursor, 1);
}

TEST(signs_without_width_take_no_time) {
        struct fixture *f = *state;
        char *text = imm_alloc(f->a, 400002);

        for (size_t i = 0; i < 200000; i++)
                memcpy(text + 1 + 2 * i, "\xcc\x81", 2);
        text[0] = 'e';
        imm_strv_add(f->w.now->arena, &f->w.now->states.v[0]->findings.v[0].evidence, text);
        shows(type(f, "<enter>5j"), "shared-tmp");
        f->w.now->states.v[0]->settings.v[0].value = text;
        type(f, "1jjj");
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
        CASE(a_value_goes_round_and_what_is_as_it_was_is_no_change),
        CASE(lists_add_up_unless_edited_in_place), CASE(no_file_is_replaced_unasked),
        CASE(what_was_tried_waits_in_the_list), CASE(groups_fold),
        CASE(the_mouse_selects_then_opens), CASE(findings_are_walked_one_by_one),
        CASE(an_audit_that_grows_keeps_the_cursor_on_its_unit),
        CASE(tab_completes_settings_values_and_paths), CASE(what_is_not_written_is_not_lost_unsaid),
        CASE(a_remedy_leaves_out_what_does_nothing), CASE(sorting_shows_what_is_first),
        CASE(signs_without_width_take_no_time), CASE(prompts_are_edited_where_one_types),
        CASE(search_goes_round), CASE(small_and_odd_screens_hold),
        CASE(without_utf8_there_is_ascii), cmocka_unit_test(every_key_is_explained_once))
