#include "audit/difference.h"
#include "tests/unit/nights.h"

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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_known_need_not_be_kept),
                cmocka_unit_test(a_mark_covers_all),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
