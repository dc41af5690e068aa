#include "audit/difference.h"
#include "tests/unit/nights.h"

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
        assert_int_equal(s->rules.n, 0);
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
        sql("second.db", "ALTER TABLE run DROP COLUMN rules; ALTER TABLE part DROP COLUMN packed; "
                         "DROP INDEX state_by_mark; ALTER "
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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_older_database_is_brought_up_to_date),
                cmocka_unit_test(a_database_without_marks_is_brought_up_to_date),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
