/* Writing a run: content first, under its digest, then one row per unit. All in one transaction. */

#include "history/history-private.h"

#include <errno.h>

struct recorder {
        struct imm_history *h;
        struct imm_arena *a;
        struct imm_err *err;
        struct imm_map texts; /* value -> id, those met in this run */
        sqlite3_stmt *text_find, *text_add, *part_find, *part_add, *mark_find, *mark_add,
                *state_find, *state_add, *run_state_add;
        struct imm_packed packed;
        IMM_ARRAY(int64_t) cells; /* of the part that is written now */
        sqlite3_stmt *part_pack;
        sqlite3_stmt *rows[IMM_PART_N], *shared_find[IMM_PART_N], *shared_add[IMM_PART_N];
};

static void recorder_done(struct recorder *w) {
        sqlite3_stmt *all[] = {w->text_find, w->text_add, w->part_find, w->part_add, w->mark_find,
                w->mark_add, w->state_find, w->state_add, w->run_state_add};

        for (size_t i = 0; i < IMM_ELEMENTSOF(all); i++)
                (void)sqlite3_finalize(all[i]);
        for (size_t i = 0; i < IMM_PART_N; i++) {
                (void)sqlite3_finalize(w->rows[i]);
                (void)sqlite3_finalize(w->shared_find[i]);
                (void)sqlite3_finalize(w->shared_add[i]);
        }
        (void)sqlite3_finalize(w->part_pack);
        free(w->packed.v);
        imm_arena_free(w->a);
}

static int recorder_prepare(struct recorder *w) {
        const struct {
                sqlite3_stmt **to;
                const char *sql;
        } all[] = {
                {&w->text_find, "SELECT id FROM text WHERE value = ?"},
                {&w->text_add, "INSERT INTO text (value) VALUES (?)"},
                {&w->part_find, "SELECT id FROM part WHERE digest = ?"},
                {&w->part_add, "INSERT INTO part (digest) VALUES (?)"},
                {&w->part_pack, "UPDATE part SET packed = ? WHERE id = ?"},
                {&w->mark_find, "SELECT id FROM state WHERE mark = ?"},
                {&w->mark_add, "UPDATE state SET mark = ? WHERE id = ?"},
                {&w->state_find, "SELECT id FROM state WHERE digest = ?"},
                {&w->state_add, "INSERT INTO state (digest, unit, path, load, load_message, "
                                "package, exposure, reach, "
                                "rating, outcome, closure_kind, settings, checks, mounts, "
                                "access, needs, "
                                "findings, texts) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
                {&w->run_state_add, "INSERT OR IGNORE INTO run_state VALUES (?,?,?)"},
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < IMM_ELEMENTSOF(all); i++)
                r = imm_history_prepare(w->h, all[i].sql, all[i].to, w->err);
        for (enum imm_part p = 0; r >= 0 && p < IMM_PART_N; p++)
                r = imm_history_prepare(w->h, imm_part_insert_sql(p, w->a), &w->rows[p], w->err);
        for (enum imm_part p = 0; r >= 0 && p < IMM_PART_N; p++) {
                if (!imm_part_kinds[p].shared)
                        continue;
                r = imm_history_prepare(
                        w->h, imm_part_shared_find_sql(p, w->a), &w->shared_find[p], w->err);
                if (r >= 0)
                        r = imm_history_prepare(
                                w->h, imm_part_shared_add_sql(p, w->a), &w->shared_add[p], w->err);
        }
        return r;
}

/* Runs a bound statement; its first column, or the new row's id. 1: a value, 0: none. */
static int value_of(struct recorder *w, sqlite3_stmt *s, int64_t *ret) {
        int r = imm_history_step(w->h, s, w->err);

        if (r > 0)
                *ret = sqlite3_column_int64(s, 0);
        else if (r == 0)
                *ret = sqlite3_last_insert_rowid(w->h->db);
        (void)sqlite3_reset(s);
        return r;
}

static int text_id(struct recorder *w, const char *text, int64_t *ret) {
        int64_t id = (int64_t)(intptr_t)imm_map_get(&w->texts, text);
        int r;

        if (id == 0) {
                (void)sqlite3_bind_text(w->text_find, 1, text, -1, SQLITE_STATIC);
                r = value_of(w, w->text_find, &id);
                if (r == 0) {
                        (void)sqlite3_bind_text(w->text_add, 1, text, -1, SQLITE_STATIC);
                        r = value_of(w, w->text_add, &id);
                }
                if (r < 0)
                        return r;
                imm_map_put(w->a, &w->texts, imm_strdup(w->a, text), (void *)(intptr_t)id);
        }
        *ret = id;
        return 0;
}

/* @ret: its number; 0: none */
static int bind_text_id(
        struct recorder *w, sqlite3_stmt *s, int at, const char *text, int64_t *ret) {
        int r;

        *ret = 0;
        if (!text) {
                (void)sqlite3_bind_null(s, at);
                return 0;
        }
        r = text_id(w, text, ret);
        if (r >= 0)
                (void)sqlite3_bind_int64(s, at, *ret);
        return r;
}

static int bind_text(struct recorder *w, sqlite3_stmt *s, int at, const char *text) {
        int64_t ignored;

        return bind_text_id(w, s, at, text, &ignored);
}

/* ---- rows ---- */

/* Joined by newlines, in @a */
static const char *lines(struct imm_arena *a, const struct imm_strv *l) {
        size_t n = 0;
        char *text, *p;

        for (size_t i = 0; i < l->n; i++)
                n += strlen(l->v[i]) + 1;
        text = p = imm_alloc(a, n + 1);
        for (size_t i = 0; i < l->n; i++)
                p = stpcpy(i ? stpcpy(p, "\n") : p, l->v[i]);
        return text;
}

/* Binds the item's columns that are shared, or those that are not, from parameter @at on. */
static int bind_item(struct recorder *w, sqlite3_stmt *s, int at, const struct imm_part_kind *k,
        const char *item, bool shared) {
        for (size_t n = 0; n < k->n_columns; n++) {
                const char *text = NULL;
                int64_t number = 0;

                if (k->columns[n].shared != shared)
                        continue;
                if (k->columns[n].type == IMM_COLUMN_LINES) {
                        text = lines(w->a, (const void *)(item + k->columns[n].offset));
                        (void)sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
                } else if (imm_column_value(&k->columns[n], item, &text, &number)) {
                        int r = bind_text_id(w, s, at, text, &number);

                        if (r < 0)
                                return r;
                } else
                        (void)sqlite3_bind_int64(s, at, number);
                if (imm_column_compared(k, n))
                        *imm_array_push(w->a, &w->cells) = number;
                at++;
        }
        return 0;
}

static int shared_id(struct recorder *w, enum imm_part part, const char *item, int64_t *ret) {
        const struct imm_part_kind *k = &imm_part_kinds[part];
        int64_t hash = imm_shared_hash(k, item);
        int r;

        (void)sqlite3_bind_int64(w->shared_find[part], 1, hash);
        (void)sqlite3_bind_int64(w->shared_add[part], 1, hash);
        r = bind_item(w, w->shared_find[part], 2, k, item, true);
        if (r >= 0)
                r = value_of(w, w->shared_find[part], ret);
        if (r != 0)
                return r;
        r = bind_item(w, w->shared_add[part], 2, k, item, true);
        return r < 0 ? r : value_of(w, w->shared_add[part], ret);
}

static int put_row(
        struct recorder *w, enum imm_part part, int64_t id, size_t row, const char *item) {
        const struct imm_part_kind *k = &imm_part_kinds[part];
        sqlite3_stmt *s = w->rows[part];
        int64_t shared = 0, ignored;
        int r = 0;

        if (k->shared)
                r = shared_id(w, part, item, &shared);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(s, 1, id);
        (void)sqlite3_bind_int64(s, 2, (int64_t)row);
        (void)sqlite3_bind_int64(s, 3, shared); /* bound anew below where nothing is shared */
        if (k->shared)
                *imm_array_push(w->a, &w->cells) = shared;
        r = bind_item(w, s, k->shared ? 4 : 3, k, item, false);
        if (r >= 0)
                r = value_of(w, s, &ignored);
        return r < 0 ? r : 0;
}

static int put_part(struct recorder *w, enum imm_part part, const struct imm_items *items,
        const struct imm_digest *digest, int64_t *ret) {
        int64_t ignored;
        int r;

        (void)sqlite3_bind_blob(w->part_find, 1, digest->b, sizeof(digest->b), SQLITE_STATIC);
        r = value_of(w, w->part_find, ret);
        if (r != 0)
                return r < 0 ? r : 0;
        (void)sqlite3_bind_blob(w->part_add, 1, digest->b, sizeof(digest->b), SQLITE_STATIC);
        r = value_of(w, w->part_add, ret);
        w->cells.n = 0;
        for (size_t i = 0; r >= 0 && i < items->n; i++)
                r = put_row(w, part, *ret, i, items->v + i * imm_part_kinds[part].item_size);
        if (r < 0)
                return r;
        imm_pack(w->cells.v, items->n, imm_part_width(&imm_part_kinds[part]), &w->packed);
        (void)sqlite3_bind_blob(w->part_pack, 1, w->packed.v, (int)w->packed.n, SQLITE_STATIC);
        (void)sqlite3_bind_int64(w->part_pack, 2, *ret);
        r = value_of(w, w->part_pack, &ignored);
        return r < 0 ? r : 0;
}

static int put_new_state(struct recorder *w, const struct imm_state *s,
        const struct imm_digests *digests, int64_t *ret) {
        sqlite3_stmt *q = w->state_add;
        const struct {
                int at;
                const char *text;
        } texts[] = {{2, s->unit}, {3, s->path}, {4, s->load}, {5, s->load_message},
                {6, s->package}, {9, s->rating}, {10, s->outcome}, {11, s->closure_kind}};
        const struct {
                int at;
                int64_t v;
        } numbers[] = {{7, s->exposure}, {8, s->reach}};
        int r = 0;

        for (enum imm_part p = 0; r >= 0 && p < IMM_PART_N; p++) {
                struct imm_items items = imm_part_items(s, p, w->a);
                int64_t id = 0;

                r = put_part(w, p, &items, &digests->parts[p], &id);
                (void)sqlite3_bind_int64(q, 12 + (int)p, id);
        }
        (void)sqlite3_bind_blob(q, 1, digests->state.b, sizeof(digests->state.b), SQLITE_STATIC);
        for (size_t i = 0; r >= 0 && i < IMM_ELEMENTSOF(texts); i++)
                r = bind_text(w, q, texts[i].at, texts[i].text);
        for (size_t i = 0; i < IMM_ELEMENTSOF(numbers); i++)
                if (numbers[i].v < 0) /* unknown */
                        (void)sqlite3_bind_null(q, numbers[i].at);
                else
                        (void)sqlite3_bind_int64(q, numbers[i].at, numbers[i].v);
        return r < 0 ? r : value_of(w, q, ret);
}

static int bind_mark(sqlite3_stmt *s, const struct imm_mark *mark) {
        return sqlite3_bind_blob(s, 1, mark->b, sizeof(mark->b), SQLITE_STATIC);
}

/* The state of that mark; 0: there is none */
static int find_state(struct recorder *w, const struct imm_mark *mark, int64_t *ret) {
        int r;

        (void)bind_mark(w->mark_find, mark);
        r = imm_history_step(w->h, w->mark_find, w->err);
        *ret = r > 0 ? sqlite3_column_int64(w->mark_find, 0) : 0;
        (void)sqlite3_reset(w->mark_find);
        return r < 0 ? r : 0;
}

/* One that has no mark yet: new, or known by its digest alone */
static int put_unmarked(struct recorder *w, const struct imm_state *s,
        const struct imm_digests *digests, const struct imm_mark *mark, int64_t *ret) {
        int64_t ignored;
        int r;

        (void)sqlite3_bind_blob(
                w->state_find, 1, digests->state.b, sizeof(digests->state.b), SQLITE_STATIC);
        r = value_of(w, w->state_find, ret);
        if (r == 0)
                r = put_new_state(w, s, digests, ret);
        if (r < 0)
                return r;
        (void)bind_mark(w->mark_add, mark);
        (void)sqlite3_bind_int64(w->mark_add, 2, *ret);
        r = value_of(w, w->mark_add, &ignored);
        return r < 0 ? r : 0;
}

static int put_in_run(struct recorder *w, int64_t run, const struct imm_state *s, int64_t id) {
        int64_t ignored;
        int r;

        (void)sqlite3_bind_int64(w->run_state_add, 1, run);
        (void)sqlite3_bind_int64(w->run_state_add, 2, id);
        if (s->visible < 0)
                (void)sqlite3_bind_null(w->run_state_add, 3);
        else
                (void)sqlite3_bind_int64(w->run_state_add, 3, s->visible);
        r = value_of(w, w->run_state_add, &ignored);
        return r < 0 ? r : 0;
}

/* What is not known by its mark is digested, by all workers, before anything of it is written. */
static int put_states(struct recorder *w, int64_t run, const struct imm_snapshot *s,
        const struct imm_mark *marks) {
        int64_t *ids = imm_alloc_array(w->a, s->states.n, sizeof(*ids));
        bool *wanted = imm_alloc_array(w->a, s->states.n, sizeof(*wanted));
        const struct imm_digests *digests;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->states.n; i++) {
                r = find_state(w, &marks[i], &ids[i]);
                wanted[i] = ids[i] == 0;
                if (r >= 0 && wanted[i] && s->states.v[i]->known)
                        r = -ESTALE;
        }
        digests = imm_digests_of(s, wanted, w->h->jobs, w->a);
        for (size_t i = 0; r >= 0 && i < s->states.n; i++) {
                if (wanted[i])
                        r = put_unmarked(w, s->states.v[i], &digests[i], &marks[i], &ids[i]);
                if (r >= 0)
                        r = put_in_run(w, run, s->states.v[i], ids[i]);
        }
        return r;
}

/* ---- the run ---- */

struct totals {
        int64_t exposure, reach, n_exposure, n_reach;
        int64_t findings[IMM_SEVERITY_N];
};

static void count_findings(struct totals *t, const struct imm_state *u) {
        for (size_t i = 0; u->known && i < IMM_SEVERITY_N; i++)
                t->findings[i] += u->known->findings[i];
        imm_array_foreach (f, &u->findings)
                if (!f->suppressed)
                        t->findings[f->severity]++;
}

static struct totals totals_of(const struct imm_snapshot *s) {
        struct totals t = {0};

        imm_array_foreach (p, &s->states) {
                const struct imm_state *u = *p;

                if (u->exposure >= 0) {
                        t.exposure += u->exposure;
                        t.n_exposure++;
                }
                if (u->reach >= 0) {
                        t.reach += u->reach;
                        t.n_reach++;
                }
                count_findings(&t, u);
        }
        return t;
}

static void bind_mean(sqlite3_stmt *s, int at, int64_t sum, int64_t n) {
        if (n == 0)
                (void)sqlite3_bind_null(s, at);
        else
                (void)sqlite3_bind_int64(s, at, (sum * 10 + n / 2) / n);
}

static int put_run(struct recorder *w, const struct imm_snapshot *s, int64_t *ret) {
        struct totals t = totals_of(s);
        imm_auto_stmt *q = NULL;
        int r;

        r = imm_history_prepare(w->h,
                "INSERT INTO run (time, host, root, systemd, immure, partial, units, exposure, "
                "reach, critical, high, "
                "medium, low, info, scope, rules) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                &q, w->err);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(q, 1, s->time);
        (void)sqlite3_bind_text(q, 2, s->host ? s->host : "", -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(q, 3, s->root ? s->root : "/", -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(q, 4, s->systemd);
        (void)sqlite3_bind_text(q, 5, s->immure ? s->immure : "", -1, SQLITE_STATIC);
        (void)sqlite3_bind_int(q, 6, s->partial);
        (void)sqlite3_bind_int64(q, 7, (int64_t)s->states.n);
        bind_mean(q, 8, t.exposure, t.n_exposure);
        bind_mean(q, 9, t.reach, t.n_reach);
        for (int i = 0; i < IMM_SEVERITY_N; i++)
                (void)sqlite3_bind_int64(q, 10 + i, t.findings[IMM_SEVERITY_CRITICAL - i]);
        (void)sqlite3_bind_text(q, 15, s->scope ? s->scope : "system", -1, SQLITE_STATIC);
        r = bind_text(w, q, 16, s->rules.n ? lines(w->a, &s->rules) : NULL);
        if (r >= 0)
                r = value_of(w, q, ret);
        return r < 0 ? r : 0;
}

static int put_notes(struct recorder *w, const struct imm_snapshot *s, int64_t run) {
        imm_auto_stmt *q = NULL;
        int r;

        r = imm_history_prepare(w->h, "INSERT INTO run_note VALUES (?,?,?)", &q, w->err);
        for (size_t i = 0; r >= 0 && i < s->not_analysed.n; i++) {
                int64_t ignored;

                (void)sqlite3_bind_int64(q, 1, run);
                (void)sqlite3_bind_int64(q, 2, (int64_t)i);
                r = bind_text(w, q, 3, s->not_analysed.v[i]);
                if (r >= 0)
                        r = value_of(w, q, &ignored);
        }
        return r;
}

static int record(struct recorder *w, const struct imm_snapshot *s, const struct imm_mark *marks,
        int64_t *ret) {
        int r;

        r = recorder_prepare(w);
        if (r >= 0)
                r = put_run(w, s, ret);
        if (r >= 0)
                r = put_states(w, *ret, s, marks);
        if (r >= 0)
                r = put_notes(w, s, *ret);
        return r;
}

/* A run before @run that says the same of the same place at the same time; 0: none */
static int find_twin(struct recorder *w, int64_t run, int64_t *ret) {
        imm_auto_stmt *q = NULL;
        int r;

        r = imm_history_prepare(w->h,
                "SELECT o.id FROM run n JOIN run o ON o.id < n.id AND o.host = n.host AND "
                "o.root = n.root AND o.scope = n.scope AND o.time = n.time AND "
                "o.systemd = n.systemd AND o.immure = n.immure AND o.partial = n.partial AND "
                "o.units = n.units WHERE n.id = ?1 AND NOT EXISTS ("
                "SELECT state, visible FROM run_state WHERE run = ?1 EXCEPT "
                "SELECT state, visible FROM run_state WHERE run = o.id)",
                &q, w->err);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(q, 1, run);
        *ret = 0;
        r = imm_history_step(w->h, q, w->err);
        if (r > 0)
                *ret = sqlite3_column_int64(q, 0);
        return r < 0 ? r : 0;
}

static int store(struct imm_history *h, const struct imm_snapshot *s, bool merge, int64_t *ret_run,
        bool *ret_known, struct imm_err *err) {
        struct recorder w = {.h = h, .a = imm_arena_new(), .err = err};
        const struct imm_mark *marks = NULL;
        struct imm_mark key;
        int64_t run = 0, twin = 0;
        int r = imm_mark_key(h, &key, err); /* as old as the database: no lock is needed */

        if (r >= 0) {
                marks = imm_marks_of(s, &key, h->jobs, w.a);
                r = imm_history_exec(h, "BEGIN IMMEDIATE", err);
        }
        if (r >= 0) {
                r = record(&w, s, marks, &run);
                if (r >= 0 && merge)
                        r = find_twin(&w, run, &twin);
                if (r >= 0 && !twin)
                        r = imm_history_exec(h, "COMMIT", err);
                if (r < 0 || twin)
                        (void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
        }
        recorder_done(&w);
        if (r < 0)
                return r;
        if (ret_run)
                *ret_run = twin ? twin : run;
        if (ret_known)
                *ret_known = twin != 0;
        return 0;
}

int imm_history_record(struct imm_history *h, const struct imm_snapshot *s, int64_t *ret_run,
        struct imm_err *err) {
        return store(h, s, false, ret_run, NULL, err);
}

int imm_history_merge(struct imm_history *h, const struct imm_snapshot *s, int64_t *ret_run,
        bool *ret_known, struct imm_err *err) {
        return store(h, s, true, ret_run, ret_known, err);
}
