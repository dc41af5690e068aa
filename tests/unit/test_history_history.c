#include "audit/difference.h"
#include "history/history.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/immure-history-XXXXXX";

static const char *at(const char *name) {
        static char buf[4096];

        (void)snprintf(buf, sizeof(buf), "%s/%s", folder, name);
        return buf;
}

static int drop(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static int setup(void **state) {
        return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state) {
        return nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* @n units; unit k differs from night to night when k equals @changed */
static struct imm_snapshot *night(unsigned n, unsigned changed, unsigned mark) {
        struct imm_snapshot *s = imm_snapshot_new();
        struct imm_arena *a = s->arena;

        s->time = 1000000 + mark;
        s->host = "h";
        s->root = "/";
        s->scope = "system";
        s->systemd = 252;
        s->immure = "test";
        for (unsigned i = 0; i < n; i++) {
                struct imm_state *u = imm_snapshot_add(s, imm_printf(a, "unit%04u.service", i));

                u->load = "loaded";
                u->path = imm_printf(a, "/usr/lib/systemd/system/unit%04u.service", i);
                u->exposure = 96;
                u->rating = "UNSAFE";
                for (unsigned k = 0; k < 30; k++)
                        *imm_array_push(a, &u->settings) = (struct imm_state_setting){
                                .name = imm_printf(a, "Setting%u", k),
                                .value =
                                        i == changed && k == 3 ? imm_printf(a, "v%u", mark) : "yes",
                                .origin = {"file", NULL, u->path, k + 3},
                        };
                for (unsigned k = 0; k < 80; k++)
                        *imm_array_push(a, &u->checks) =
                                (struct imm_state_check){imm_printf(a, "Check%02u", k), 1, 1};
                for (unsigned k = 0; k < 20; k++)
                        *imm_array_push(a, &u->findings) = (struct imm_state_finding){
                                .rule = imm_printf(a, "Rule%u", k),
                                .scorecard = "reach",
                                .severity = IMM_SEVERITY_HIGH,
                                .confidence = "certain",
                                .file = u->path,
                                .line = k,
                        };
                imm_strv_add(a, &u->dropins, "/etc/systemd/system/service.d/10.conf");
        }
        imm_snapshot_sort(s);
        return s;
}

static struct imm_history *open_history(const char *name, enum imm_history_mode mode) {
        imm_err_auto err = IMM_ERR_INIT;
        struct imm_history *h = NULL;

        if (imm_history_open(&h, at(name), mode, &err) < 0)
                fail_msg("%s", imm_err_text(&err));
        return h;
}

static int64_t record(struct imm_history *h, struct imm_snapshot *s) {
        imm_err_auto err = IMM_ERR_INIT;
        int64_t run = 0;

        if (imm_history_record(h, s, &run, &err) < 0)
                fail_msg("%s", imm_err_text(&err));
        imm_snapshot_free(s);
        return run;
}

static char *json(const struct imm_snapshot *s) {
        char *text = NULL;
        size_t n;
        FILE *f = open_memstream(&text, &n);
        struct imm_json j = imm_json_on(f, IMM_JSON_PRETTY);

        imm_snapshot_json(s, &j);
        fclose(f);
        return text;
}

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

static void sql(const char *name, const char *text) {
        sqlite3 *db = NULL;
        char *message = NULL;

        assert_int_equal(sqlite3_open(at(name), &db), SQLITE_OK);
        if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
                fail_msg("%s", message);
        sqlite3_close(db);
}

/* A step that made a version, as the sources have it */
static char *step(const char *path) {
        FILE *f = fopen(path, "re");
        char *text = NULL;
        size_t n = 0;

        assert_non_null(f);
        assert_true(getdelim(&text, &n, 0, f) > 0);
        fclose(f);
        return text;
}

TEST(an_older_database_is_brought_up_to_date) {
        imm_cleanup(imm_history_free) struct imm_history *h = NULL;
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = NULL;
        imm_auto_free char *schema = step(SOURCE "/history/schema/001.sql");
        imm_err_auto err = IMM_ERR_INIT;
        const struct imm_state *u;

        sql("old.db", schema);
        sql("old.db",
                "PRAGMA application_id = 0x696d6d75; PRAGMA user_version = 1;"
                "INSERT INTO text VALUES (1,'a.service'),(2,'R'),(3,'reach'),(4,'one\ntwo'),"
                "(5,'/a.service'),(6,'User'),(7,'root');"
                "INSERT INTO run VALUES (1,5,'h','/',252,'0.1',0,1,96,80,0,1,0,0,0);"
                "INSERT INTO part VALUES (1,x'01'),(2,x'02'),(3,x'03');"
                "INSERT INTO part_setting VALUES (1,0,6,7,NULL,NULL,5,3);"
                "INSERT INTO part_finding VALUES (2,0,2,3,6,3,NULL,4,NULL,5,NULL,3,NULL,NULL),"
                "(2,1,2,3,NULL,1,NULL,4,NULL,5,NULL,4,NULL,NULL);"
                "INSERT INTO state VALUES (1,x'aa',1,5,NULL,NULL,NULL,96,80,NULL,NULL,NULL,77,"
                "1,3,3,3,3,2,3);"
                "INSERT INTO run_state VALUES (1,1)");
        assert_true(imm_history_open(&h, at("old.db"), IMM_HISTORY_READ, &err) < 0);
        assert_non_null(strstr(imm_err_text(&err), "older immure"));
        h = open_history("old.db", IMM_HISTORY_WRITE);
        assert_int_equal(imm_history_load(h, 1, &s, NULL), 0);
        assert_int_equal(s->states.n, 1);
        assert_string_equal(s->scope, "system");
        u = s->states.v[0];
        assert_int_equal(u->visible, 77);
        assert_string_equal(u->settings.v[0].value, "root");
        assert_int_equal(u->findings.n, 2);
        assert_int_equal(u->findings.v[1].severity, IMM_SEVERITY_LOW);
        assert_int_equal(u->findings.v[0].line, 3);
        assert_string_equal(u->findings.v[0].setting, "User");
        assert_int_equal(u->findings.v[0].evidence.n, 2);
        assert_string_equal(u->findings.v[0].evidence.v[1], "two");
        /* and what comes now goes into it like into a new one */
        assert_int_equal(record(h, night(3, 1, 1)), 2);
}

static size_t count_states(struct imm_history *h, const char *unit) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_unit_run *list = NULL;
        size_t n = 0;

        assert_int_equal(
                imm_history_unit(h, unit, &(struct imm_run_place){0}, a, &list, &n, NULL), 0);
        for (size_t i = 0; i < n; i++)
                imm_snapshot_free(list[i].snapshot);
        return n;
}

/* Version 2 had no marks: what it has is found by its digest once, and by its mark from then on. */
TEST(a_database_without_marks_is_brought_up_to_date) {
        struct imm_history *h = open_history("second.db", IMM_HISTORY_WRITE);
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *x = NULL, *y = NULL;
        imm_cleanup(imm_difference_free) struct imm_difference *d = NULL;

        record(h, night(3, 1, 1));
        record(h, night(3, 1, 2));
        imm_history_free(h);
        sql("second.db", "ALTER TABLE part DROP COLUMN packed; DROP INDEX state_by_mark; ALTER "
                         "TABLE state DROP COLUMN mark; DROP TABLE own;"
                         "PRAGMA user_version = 2");
        h = open_history("second.db", IMM_HISTORY_WRITE);
        assert_int_equal(imm_history_load_pair(h, 1, 2, &x, &y, NULL), 0);
        d = imm_difference_of(x, y);
        assert_int_equal(d->units.n, 1);
        assert_string_equal(d->units.v[0]->settings.v[0].before, "v1");
        assert_string_equal(d->units.v[0]->settings.v[0].after, "v2");
        record(h, night(3, 1, 2));
        record(h, night(3, 1, 2));
        record(h, night(3, 1, 1));
        assert_int_equal(count_states(h, "unit0000.service"), 1);
        assert_int_equal(count_states(h, "unit0001.service"), 3);
        imm_history_free(h);
        sql("second.db", "CREATE TABLE four (n CHECK (n = 4));"
                         "INSERT INTO four SELECT count(*) FROM state WHERE mark IS NOT NULL");
}

/* What an audit finds to be known need not be kept, and is recorded all the same. */
static void forget(struct imm_known *k, struct imm_snapshot *s) {
        imm_array_foreach (p, &s->states) {
                struct imm_known_state *known = imm_new(s->arena, struct imm_known_state);
                struct imm_state *u = *p, full = **p;

                if (!imm_known_state(k, 0, u, known))
                        continue;
                *u = (struct imm_state){.unit = full.unit,
                        .path = full.path,
                        .load = full.load,
                        .exposure = full.exposure,
                        .reach = full.reach,
                        .visible = full.visible,
                        .known = known};
        }
}

TEST(what_is_known_need_not_be_kept) {
        imm_cleanup(imm_history_free) struct imm_history *h =
                open_history("known.db", IMM_HISTORY_WRITE);
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = NULL, *first = NULL, *second = NULL;
        imm_cleanup(imm_known_free) struct imm_known *k = NULL;
        imm_cleanup(imm_difference_free) struct imm_difference *d = NULL;
        const struct imm_run_place place = {"h", "/", "system"}, other = {"g", "/", "system"};
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_err_auto err = IMM_ERR_INIT;
        struct imm_run *runs = NULL;
        int64_t id = 0;
        size_t n = 0;

        record(h, night(4, 3, 1));
        assert_int_equal(imm_history_known(h, &place, &k, &err), 0);
        s = night(4, 3, 2);
        forget(k, s);
        for (size_t i = 0; i < 3; i++) {
                assert_non_null(s->states.v[i]->known);
                assert_int_equal(s->states.v[i]->known->findings[IMM_SEVERITY_HIGH], 20);
        }
        assert_null(s->states.v[3]->known); /* it is another tonight */
        assert_int_equal(imm_history_record(h, s, &id, &err), 0);
        assert_int_equal(imm_history_load(h, 1, &first, &err), 0);
        assert_int_equal(imm_history_load(h, id, &second, &err), 0);
        d = imm_difference_of(first, second);
        assert_int_equal(d->units.n, 1);
        assert_string_equal(d->units.v[0]->unit, "unit0003.service");
        assert_int_equal(imm_history_runs(h, &place, a, &runs, &n, &err), 0);
        assert_int_equal(runs[1].units, 4);
        assert_int_equal(runs[1].findings[IMM_SEVERITY_HIGH], 80);
        assert_int_equal(runs[1].exposure, 960);

        /* by another recorder dropped, before it is written */
        assert_int_equal(imm_history_prune(h, 1, NULL, &err), 0);
        s = imm_snapshot_free(s);
        imm_history_free(imm_steal(h));
        sql("known.db", "UPDATE state SET mark = NULL");
        h = open_history("known.db", IMM_HISTORY_WRITE);
        s = night(4, 3, 2);
        forget(k, s);
        assert_int_equal(imm_history_record(h, s, &id, &err), -ESTALE);
        assert_int_equal(err.code, 0);
        assert_int_equal(imm_history_runs(h, &place, a, &runs, &n, &err), 0);
        assert_int_equal(n, 1);

        /* of another place nothing is known */
        imm_known_free(imm_steal(k));
        assert_int_equal(imm_history_known(h, &other, &k, &err), 0);
        s = imm_snapshot_free(s);
        s = night(4, 3, 2);
        forget(k, s);
        assert_null(s->states.v[0]->known);
}

/* Each thing that is told of a unit makes it another one. */
TEST(a_mark_covers_all) {
        imm_cleanup(imm_history_free) struct imm_history *h =
                open_history("mark.db", IMM_HISTORY_WRITE);
        imm_cleanup(imm_known_free) struct imm_known *k = NULL;
        imm_err_auto err = IMM_ERR_INIT;
        const struct imm_run_place place = {"h", "/", "system"};
        struct imm_known_state known;
        struct imm_state *u;

        record(h, night(1, 9, 1));
        assert_int_equal(imm_history_known(h, &place, &k, &err), 0);
#define DIFFERS(change) \
        do { \
                imm_cleanup(imm_snapshot_free) struct imm_snapshot *s_ = night(1, 9, 1); \
\
                u = s_->states.v[0]; \
                assert_true(imm_known_state(k, 0, u, &known)); \
                change; \
                assert_false(imm_known_state(k, 0, u, &known)); \
        } while (0)
        DIFFERS(u->unit = "other.service");
        DIFFERS(u->path = NULL);
        DIFFERS(u->package = "p 1");
        DIFFERS(u->load = "masked");
        DIFFERS(u->load_message = "");
        DIFFERS(u->exposure = 95);
        DIFFERS(u->reach = 0);
        DIFFERS(u->rating = "OK");
        DIFFERS(u->outcome = "ok");
        DIFFERS(u->closure_kind = "files");
        DIFFERS(u->dropins.v[0] = "/etc/systemd/system/service.d/11.conf");
        DIFFERS(imm_strv_add(s_->arena, &u->excess, "x"));
        DIFFERS(imm_strv_add(s_->arena, &u->missing, "x"));
        DIFFERS(imm_strv_add(s_->arena, &u->errors, "x"));
        DIFFERS(u->settings.v[1].value = "yes "; u->settings.v[2].name = "etting2");
        DIFFERS(u->settings.v[1].origin.by = "x");
        DIFFERS(u->settings.v[1].origin.line++);
        DIFFERS(u->checks.v[7].set = -1);
        DIFFERS(u->checks.v[7].exposure = -1);
        DIFFERS(u->findings.v[0].severity--);
        DIFFERS(u->findings.v[0].owner = "package x 1");
        DIFFERS(u->findings.v[0].suppressed = "x");
        DIFFERS(imm_strv_add(s_->arena, &u->findings.v[0].evidence, "x"));
        DIFFERS(u->findings.n--);
        DIFFERS(*imm_array_push(s_->arena, &u->mounts) = (struct imm_state_mount){.path = "/"});
        DIFFERS(*imm_array_push(s_->arena, &u->access) = (struct imm_state_access){.path = "/"});
        DIFFERS(*imm_array_push(s_->arena, &u->needs) = (struct imm_state_need){.path = "/"});
#undef DIFFERS
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

/* Recorders that are killed at any moment: what was committed is there, what was not is not. */
TEST(killed_recorders_leave_whole_runs) {
        /* 1,000 in the slow suite */
        const unsigned kills =
                getenv("IMMURE_KILLS") ? (unsigned)atoi(getenv("IMMURE_KILLS")) : 100;
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        int pipes[2];
        size_t committed = 0, n = 0;
        struct imm_run *runs = NULL;
        struct imm_history *h;
        struct timespec begin, end;
        sqlite3 *db = NULL;
        sqlite3_stmt *s = NULL;
        const time_t started = time(NULL);
        unsigned span;
        char c;

        /* how long an undisturbed one takes here and now, so that the kills fall all over it */
        (void)clock_gettime(CLOCK_MONOTONIC, &begin);
        h = open_history("kill.db", IMM_HISTORY_WRITE);
        record(h, night(20, 0, 0));
        imm_history_free(h);
        (void)clock_gettime(CLOCK_MONOTONIC, &end);
        span = (unsigned)((end.tv_sec - begin.tv_sec) * 1000000 +
                          (end.tv_nsec - begin.tv_nsec) / 1000);
        committed = 1;
        assert_int_equal(pipe(pipes), 0);
        /* nor for ever: where the disk is slow, fewer of them */
        for (unsigned i = 0; i < kills && (i < 20 || time(NULL) - started < 200); i++) {
                pid_t pid = fork();

                assert_true(pid >= 0);
                if (pid == 0) {
                        for (unsigned k = 0;; k++) {
                                struct imm_snapshot *x = night(20, k % 20, i * 1000 + k);

                                h = NULL;
                                if (imm_history_open(&h, at("kill.db"), IMM_HISTORY_WRITE, NULL) <
                                                0 ||
                                        imm_history_record(h, x, NULL, NULL) < 0)
                                        _exit(1);
                                if (write(pipes[1], "x", 1) != 1)
                                        _exit(1);
                                imm_history_free(h);
                                imm_snapshot_free(x);
                        }
                }
                usleep((unsigned)rand() % (3 * span + 1));
                kill(pid, SIGKILL);
                assert_int_equal(waitpid(pid, NULL, 0), pid);
        }
        close(pipes[1]);
        while (read(pipes[0], &c, 1) == 1)
                committed++;
        close(pipes[0]);
        h = open_history("kill.db", IMM_HISTORY_WRITE);
        assert_int_equal(imm_history_runs(h, &(struct imm_run_place){0}, a, &runs, &n, NULL), 0);
        assert_true(committed > 1);
        /* a run may have been committed just before its recorder could say so: one a kill at most
         */
        assert_in_range(n, committed, committed + kills);
        for (size_t i = 0; i < n; i += 7) {
                imm_cleanup(imm_snapshot_free) struct imm_snapshot *x = NULL;

                assert_int_equal(imm_history_load(h, runs[i].id, &x, NULL), 0);
                assert_int_equal(x->states.n, 20);
                assert_int_equal(x->states.v[19]->findings.n, 20);
        }
        imm_history_free(h);
        assert_int_equal(sqlite3_open(at("kill.db"), &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        assert_string_equal(sqlite3_column_text(s, 0), "ok");
        sqlite3_finalize(s);
        sqlite3_close(db);
}

TEST(four_recorders_at_once_all_succeed) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_run *runs = NULL;
        struct imm_history *h;
        pid_t pids[4];
        size_t n = 0;

        for (unsigned i = 0; i < 4; i++) {
                pids[i] = fork();
                if (pids[i] == 0) {
                        h = NULL;
                        if (imm_history_open(&h, at("four.db"), IMM_HISTORY_WRITE, NULL) < 0)
                                _exit(1);
                        for (unsigned k = 0; k < 5; k++)
                                if (imm_history_record(h, night(20, k, i * 10 + k), NULL, NULL) < 0)
                                        _exit(2);
                        imm_history_free(h);
                        _exit(0);
                }
        }
        for (unsigned i = 0; i < 4; i++) {
                int status = 1;

                assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                assert_int_equal(status, 0);
        }
        h = open_history("four.db", IMM_HISTORY_READ);
        assert_int_equal(imm_history_runs(h, &(struct imm_run_place){0}, a, &runs, &n, NULL), 0);
        assert_int_equal(n, 20);
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
                cmocka_unit_test(an_older_database_is_brought_up_to_date),
                cmocka_unit_test(a_database_without_marks_is_brought_up_to_date),
                cmocka_unit_test(what_is_known_need_not_be_kept),
                cmocka_unit_test(a_mark_covers_all),
                cmocka_unit_test(figures_of_a_run_are_cheap),
                cmocka_unit_test(places_are_kept_apart),
                cmocka_unit_test(killed_recorders_leave_whole_runs),
                cmocka_unit_test(four_recorders_at_once_all_succeed),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
