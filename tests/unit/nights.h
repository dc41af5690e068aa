#pragma once

/* Nights of few units in databases of a folder that goes with the test */

#include "history/history.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/immure-history-XXXXXX";

static inline const char *at(const char *name) {
        static char buf[4096];

        (void)snprintf(buf, sizeof(buf), "%s/%s", folder, name);
        return buf;
}

static inline int drop(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static inline int setup(void **state) {
        return mkdtemp(folder) ? 0 : -1;
}

static inline int teardown(void **state) {
        return nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* @n units; unit k differs from night to night when k equals @changed */
static inline struct imm_snapshot *night(unsigned n, unsigned changed, unsigned mark) {
        struct imm_snapshot *s = imm_snapshot_new();
        struct imm_arena *a = s->arena;

        s->time = 1000000 + mark;
        s->host = "h";
        s->root = "/";
        s->scope = "system";
        s->systemd = 252;
        s->immure = "test";
        imm_strv_add(a, &s->rules, "reach/Rule0 01");
        imm_strv_add(a, &s->rules, "reach/Rule1 02");
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

static inline struct imm_history *open_history(const char *name, enum imm_history_mode mode) {
        imm_err_auto err = IMM_ERR_INIT;
        struct imm_history *h = NULL;

        if (imm_history_open(&h, at(name), mode, &err) < 0)
                fail_msg("%s", imm_err_text(&err));
        return h;
}

static inline int64_t record(struct imm_history *h, struct imm_snapshot *s) {
        imm_err_auto err = IMM_ERR_INIT;
        int64_t run = 0;

        if (imm_history_record(h, s, &run, &err) < 0)
                fail_msg("%s", imm_err_text(&err));
        imm_snapshot_free(s);
        return run;
}

static inline char *json(const struct imm_snapshot *s) {
        char *text = NULL;
        size_t n;
        FILE *f = open_memstream(&text, &n);
        struct imm_json j = imm_json_on(f, IMM_JSON_PRETTY);

        imm_snapshot_json(s, &j);
        fclose(f);
        return text;
}

static inline void sql(const char *name, const char *text) {
        sqlite3 *db = NULL;
        char *message = NULL;

        assert_int_equal(sqlite3_open(at(name), &db), SQLITE_OK);
        if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
                fail_msg("%s", message);
        sqlite3_close(db);
}
