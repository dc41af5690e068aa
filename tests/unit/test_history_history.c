#include "audit/difference.h"
#include "tests/unit/nights.h"

TEST(what_was_recorded_comes_back) {
        imm_cleanup(imm_history_free) struct imm_history *h =
                open_history("a/b/c.db", IMM_HISTORY_WRITE);
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *want = night(3, 1, 7), *got = NULL;
        imm_auto_free char *x = NULL, *y = NULL;
        int64_t run = record(h, night(3, 1, 7));

        assert_int_equal(imm_history_load(h, run, &got, NULL), 0);
        x = json(want);
        y = json(got);
        assert_string_equal(x, y);
        assert_int_equal(imm_history_load(h, run + 1, &got, NULL), -ENOENT);
}

TEST(two_runs_differ_where_they_do) {
        imm_cleanup(imm_history_free) struct imm_history *h =
                open_history("diff.db", IMM_HISTORY_WRITE);
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *a = NULL, *b = NULL;
        imm_cleanup(imm_difference_free) struct imm_difference *d = NULL;
        int64_t x = record(h, night(50, 7, 1)), y = record(h, night(50, 7, 2));

        assert_int_equal(imm_history_load_pair(h, x, y, &a, &b, NULL), 0);
        assert_int_equal(a->states.n, 1); /* what is the same was not even read */
        d = imm_difference_of(a, b);
        assert_int_equal(d->units.n, 1);
        assert_string_equal(d->units.v[0]->unit, "unit0007.service");
        assert_int_equal(d->units.v[0]->settings.n, 1);
        assert_string_equal(d->units.v[0]->settings.v[0].after, "v2");
}

static char *difference(const struct imm_snapshot *a, const struct imm_snapshot *b) {
        imm_cleanup(imm_difference_free) struct imm_difference *d = imm_difference_of(a, b);
        char *text = NULL;
        size_t n;
        FILE *f = open_memstream(&text, &n);
        struct imm_json j = imm_json_on(f, IMM_JSON_PRETTY);

        imm_json_object(&j, NULL);
        imm_difference_json(d, &j);
        imm_json_end(&j);
        fclose(f);
        return text;
}

static bool draw(unsigned *seed) {
        *seed = *seed * 1103515245 + 12345;
        return *seed >> 17 & 1;
}

/* Lists of which some entries are alike, some are not there, and of the mounts some cover others */
static void draw_lists(struct imm_state *u, unsigned seed, struct imm_arena *a) {
        static const char *const paths[] = {"/etc", "/home", "/tmp", "/var"};
        static const char *const implied[] = {"PrivateTmp", "ProtectHome"};

        u->closure_kind = "files";
        for (size_t i = 0; i < IMM_ELEMENTSOF(paths); i++) {
                for (unsigned n = draw(&seed) + draw(&seed); n > 0; n--)
                        *imm_array_push(a, &u->mounts) = (struct imm_state_mount){.path = paths[i],
                                .fstype = draw(&seed) ? "tmpfs" : "ext4",
                                .read_only = draw(&seed),
                                .setting = draw(&seed) ? "PrivateTmp" : NULL};
                if (draw(&seed))
                        *imm_array_push(a, &u->access) = (struct imm_state_access){
                                paths[i], 1, draw(&seed), draw(&seed), -1, -1, "none"};
                if (draw(&seed))
                        *imm_array_push(a, &u->needs) =
                                (struct imm_state_need){.path = paths[i], .reason = "it"};
                if (draw(&seed))
                        imm_strv_add(a, &u->missing, paths[i]);
        }
        *imm_array_push(a, &u->settings) = (struct imm_state_setting){
                .name = "IPAddressDeny", .value = draw(&seed) ? "0.0.0.0/0 ::/0" : "10.0.0.0/8"};
        *imm_array_push(a, &u->settings) = (struct imm_state_setting){.name = "IPAddressAllow",
                .value = draw(&seed) ? "127.0.0.0/8" : "127.0.0.0/8 192.168.0.0/16"};
        for (size_t i = 0; i < IMM_ELEMENTSOF(implied); i++)
                *imm_array_push(a, &u->settings) = (struct imm_state_setting){.name = implied[i],
                        .value = "yes",
                        .origin.kind = draw(&seed) ? "implied" : "file"};
}

/* A night of few units of which all lists are drawn, two of them of one name */
static struct imm_snapshot *drawn(unsigned seed) {
        static const char *const rules[] = {"one", "two", "three"};
        bool grave = seed % 3 == 0;
        struct imm_snapshot *s = night(8, seed % 8, seed);

        s->states.v[7]->unit = s->states.v[6]->unit;
        imm_array_foreach (p, &s->states) {
                struct imm_state *u = *p;

                if (draw(&seed)) /* else as in other nights */
                        draw_lists(u, seed, s->arena);
                else
                        draw_lists(u, 1, s->arena);

                for (unsigned n = (seed = seed * 1103515245 + 12345) >> 16 & 7; n > 0; n--) {
                        seed = seed * 1103515245 + 12345;
                        *imm_array_push(s->arena, &u->findings) = (struct imm_state_finding){
                                .rule = rules[(seed >> 16) % 3],
                                .scorecard = "reach",
                                .setting = seed >> 20 & 1 ? "User" : "ProtectHome",
                                .severity = grave ? IMM_SEVERITY_HIGH : IMM_SEVERITY_LOW,
                                .confidence = "certain",
                                .file = u->path,
                                .line = 1,
                        };
                }
                *imm_array_push(s->arena, &u->checks) = (struct imm_state_check){
                        .id = "PrivateTmp", .set = 1, .exposure = seed >> 18 & 3};
                *imm_array_push(s->arena, &u->checks) = (struct imm_state_check){
                        .id = "ProtectHome", .set = seed >> 19 & 1, .exposure = 1};
        }
        imm_snapshot_sort(s);
        return s;
}

TEST(what_differs_is_all_that_a_difference_needs) {
        imm_cleanup(imm_history_free) struct imm_history *h =
                open_history("pair.db", IMM_HISTORY_WRITE);
        int64_t runs[24];

        for (unsigned i = 0; i < IMM_ELEMENTSOF(runs); i++)
                runs[i] = record(h, drawn(i * 7919 + 1));
        for (unsigned i = 1; i < IMM_ELEMENTSOF(runs); i++) {
                imm_cleanup(imm_snapshot_free) struct imm_snapshot *a = NULL, *b = NULL, *x = NULL,
                                                                   *y = NULL;
                imm_auto_free char *want = NULL, *have = NULL;

                assert_int_equal(imm_history_load(h, runs[i - 1], &a, NULL), 0);
                assert_int_equal(imm_history_load(h, runs[i], &b, NULL), 0);
                assert_int_equal(imm_history_load_pair(h, runs[i - 1], runs[i], &x, &y, NULL), 0);
                want = difference(a, b);
                have = difference(x, y);
                assert_string_equal(have, want);
                x = imm_snapshot_free(x); /* the other stays whole */
                free(have);
                have = json(y);
        }
}

TEST(a_merged_report_is_stored_once) {
        imm_cleanup(imm_history_free) struct imm_history *h =
                open_history("merge.db", IMM_HISTORY_WRITE);
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = night(4, 1, 1), *t = night(4, 1, 2);
        int64_t first = 0, again = 0, other = 0;
        bool known = true;

        assert_int_equal(imm_history_merge(h, s, &first, &known, NULL), 0);
        assert_false(known);
        assert_int_equal(imm_history_merge(h, s, &again, &known, NULL), 0);
        assert_true(known);
        assert_int_equal(again, first);
        assert_int_equal(imm_history_merge(h, t, &other, &known, NULL), 0);
        assert_false(known);
        assert_int_not_equal(other, first);
}

TEST(an_unchanged_night_costs_little) {
        struct imm_history *h = open_history("small.db", IMM_HISTORY_WRITE);
        struct stat before, after;

        record(h, night(200, 0, 0));
        imm_history_free(h);
        assert_int_equal(stat(at("small.db"), &before), 0);
        h = open_history("small.db", IMM_HISTORY_WRITE);
        for (unsigned i = 1; i <= 20; i++)
                record(h, night(200, 0, 0));
        imm_history_free(h);
        assert_int_equal(stat(at("small.db"), &after), 0);
        /* two indices of a run and a state: a few bytes each */
        assert_true((after.st_size - before.st_size) / 20 / 200 < 40);
}

TEST(a_unit_has_its_story) {
        imm_cleanup(imm_history_free) struct imm_history *h =
                open_history("story.db", IMM_HISTORY_WRITE);
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_unit_run *list = NULL;
        size_t n = 0;

        record(h, night(4, 3, 1));
        record(h, night(4, 3, 1));
        record(h, night(4, 3, 2));
        record(h, night(2, 9, 2));
        assert_int_equal(imm_history_unit(h, "unit0003.service",
                                 &(struct imm_run_place){.host = "h"}, a, &list, &n, NULL),
                0);
        assert_int_equal(n, 3);
        assert_int_equal(list[1].run.id, 3);
        assert_null(list[2].snapshot); /* gone */
        for (size_t i = 0; i < n; i++)
                imm_snapshot_free(list[i].snapshot);
}

TEST(old_runs_go_and_the_rest_stays) {
        imm_cleanup(imm_history_free) struct imm_history *h =
                open_history("keep.db", IMM_HISTORY_WRITE);
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = NULL, *want = night(5, 2, 9);
        imm_auto_free char *x = NULL, *y = NULL;
        struct imm_run *runs = NULL;
        unsigned dropped = 0;
        size_t n = 0;

        for (unsigned i = 0; i < 10; i++)
                record(h, night(5, 2, i));
        assert_int_equal(imm_history_prune(h, 3, &dropped, NULL), 0);
        assert_int_equal(dropped, 7);
        assert_int_equal(imm_history_runs(h, &(struct imm_run_place){0}, a, &runs, &n, NULL), 0);
        assert_int_equal(n, 3);
        assert_int_equal(imm_history_load(h, runs[2].id, &s, NULL), 0);
        x = json(want);
        y = json(s);
        assert_string_equal(x, y);
}

static void bytes(const char *name, const char *text) {
        FILE *f = fopen(at(name), "we");

        assert_non_null(f);
        fputs(text, f);
        assert_int_equal(fclose(f), 0);
}

TEST(what_is_not_ours_is_left_alone) {
        imm_err_auto err = IMM_ERR_INIT;
        struct imm_history *h = NULL;
        sqlite3 *db = NULL;
        struct stat st;

        assert_int_equal(imm_history_open(&h, at("none.db"), IMM_HISTORY_READ, &err), -ENOENT);
        assert_int_equal(stat(at("none.db"), &st), -1);

        bytes("text.db", "this is no database, only a text of some length\n");
        assert_true(imm_history_open(&h, at("text.db"), IMM_HISTORY_WRITE, &err) < 0);
        assert_non_null(strstr(imm_err_text(&err), "text.db"));
        imm_err_done(&err);
        assert_int_equal(stat(at("text.db"), &st), 0);
        assert_int_equal(st.st_size, 48);

        assert_int_equal(sqlite3_open(at("other.db"), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        assert_int_equal(imm_history_open(&h, at("other.db"), IMM_HISTORY_WRITE, &err), -EINVAL);
        imm_err_done(&err);

        imm_history_free(open_history("newer.db", IMM_HISTORY_WRITE));
        assert_int_equal(sqlite3_open(at("newer.db"), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        assert_int_equal(imm_history_open(&h, at("newer.db"), IMM_HISTORY_WRITE, &err), -EINVAL);
        assert_non_null(strstr(imm_err_text(&err), "newer immure"));
        imm_err_done(&err);

        assert_int_equal(mkfifo(at("fifo.db"), 0600), 0);
        assert_int_equal(imm_history_open(&h, at("fifo.db"), IMM_HISTORY_READ, &err), -EINVAL);
}

TEST(figures_of_a_run_are_cheap) {
        imm_cleanup(imm_history_free) struct imm_history *h =
                open_history("figures.db", IMM_HISTORY_WRITE);
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_unit_figures *list = NULL;
        size_t n = 0;

        assert_int_equal(imm_history_figures(h, record(h, night(3, 1, 1)), a, &list, &n, NULL), 0);
        assert_int_equal(n, 3);
        assert_string_equal(list[2].unit, "unit0002.service");
        assert_string_equal(list[2].load, "loaded");
        assert_int_equal(list[2].exposure, 96);
        assert_int_equal(list[2].reach, -1);
}

TEST(places_are_kept_apart) {
        imm_cleanup(imm_history_free) struct imm_history *h =
                open_history("places.db", IMM_HISTORY_WRITE);
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_snapshot *of_user = night(2, 0, 1);
        struct imm_run *runs = NULL;
        size_t n = 0;

        of_user->scope = "user alice";
        record(h, night(2, 0, 1));
        record(h, of_user);
        assert_int_equal(
                imm_history_runs(h, &(struct imm_run_place){.host = "h", .scope = "user alice"}, a,
                        &runs, &n, NULL),
                0);
        assert_int_equal(n, 1);
        assert_int_equal(runs[0].id, 2);
        assert_int_equal(imm_history_prune(h, 1, NULL, NULL), 0);
        assert_int_equal(imm_history_runs(h, &(struct imm_run_place){0}, a, &runs, &n, NULL), 0);
        assert_int_equal(n, 2); /* the newest of each */
}

/* Whoever may write the file may put anything into it: no SQL of theirs runs, no number is trusted.
 */
TEST(what_a_hostile_database_says_is_not_believed) {
        struct imm_history *h = open_history("hostile.db", IMM_HISTORY_WRITE);
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *x = NULL, *y = NULL;
        imm_cleanup(imm_known_free) struct imm_known *k = NULL;
        const struct imm_run_place place = {"h", "/", "system"};
        imm_err_auto err = IMM_ERR_INIT;

        record(h, night(4, 3, 1));
        imm_history_free(h);
        sql("hostile.db",
                "UPDATE run SET units = 999999999;"
                "CREATE TRIGGER evil AFTER INSERT ON run BEGIN DELETE FROM run_state; END");
        h = open_history("hostile.db", IMM_HISTORY_WRITE);
        assert_int_equal(imm_history_known(h, &place, &k, &err), 0);
        assert_int_equal(record(h, night(4, 3, 2)), 2);
        assert_int_equal(imm_history_load(h, 1, &x, &err), 0);
        assert_int_equal(x->states.n, 4);
        x = imm_snapshot_free(x);
        imm_history_free(h);
        sql("hostile.db", "DELETE FROM text WHERE value = 'Setting3'");
        h = open_history("hostile.db", IMM_HISTORY_READ);
        assert_int_equal(imm_history_load(h, 1, &x, &err), -EINVAL);
        assert_non_null(strstr(imm_err_text(&err), "damaged"));
        imm_err_done(&err);
        assert_int_equal(imm_history_load_pair(h, 1, 2, &x, &y, &err), -EINVAL);
        assert_non_null(strstr(imm_err_text(&err), "damaged"));
        imm_history_free(h);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_was_recorded_comes_back),
                cmocka_unit_test(two_runs_differ_where_they_do),
                cmocka_unit_test(what_differs_is_all_that_a_difference_needs),
                cmocka_unit_test(a_merged_report_is_stored_once),
                cmocka_unit_test(an_unchanged_night_costs_little),
                cmocka_unit_test(a_unit_has_its_story),
                cmocka_unit_test(old_runs_go_and_the_rest_stays),
                cmocka_unit_test(what_is_not_ours_is_left_alone),
                cmocka_unit_test(figures_of_a_run_are_cheap),
                cmocka_unit_test(places_are_kept_apart),
                cmocka_unit_test(what_a_hostile_database_says_is_not_believed),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
