#include "tests/unit/nights.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

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

/* Who comes while another one makes the tables sees none of them, or all */
TEST(a_new_history_is_opened_by_many_at_once) {
        enum { ROUNDS = 40, OPENERS = 8 };

        for (unsigned round = 0; round < ROUNDS; round++) {
                pid_t pids[OPENERS];
                char name[32];
                int gate[2];

                assert_true(snprintf(name, sizeof(name), "new%u.db", round) > 0);
                assert_int_equal(pipe(gate), 0);
                for (unsigned i = 0; i < OPENERS; i++) {
                        pids[i] = fork();
                        if (pids[i] == 0) {
                                struct imm_history *h = NULL;
                                struct imm_err err = {0};
                                char c;

                                close(gate[1]);
                                (void)!read(gate[0], &c, 1);
                                if (imm_history_open(&h, at(name), IMM_HISTORY_WRITE, &err) < 0) {
                                        fprintf(stderr, "%s\n", err.msg);
                                        _exit(1);
                                }
                                imm_history_free(h);
                                _exit(0);
                        }
                }
                close(gate[1]);
                close(gate[0]);
                for (unsigned i = 0; i < OPENERS; i++) {
                        int status = 1;

                        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                        assert_int_equal(status, 0);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(killed_recorders_leave_whole_runs),
                cmocka_unit_test(four_recorders_at_once_all_succeed),
                cmocka_unit_test(a_new_history_is_opened_by_many_at_once),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
