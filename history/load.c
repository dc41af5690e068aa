/* Reading runs back. */

#include "history/history-private.h"

#include <errno.h>
#include <inttypes.h>

struct loader {
        struct imm_history *h;
        struct imm_arena *a; /* of the loader: statements' text, the cache */
        struct imm_err *err;
        sqlite3_stmt *rows[IMM_PART_N];
        sqlite3_stmt *checks, *ids, *finding; /* of pairs: what differs */
        struct imm_map parts;                 /* of pairs: the findings' numbers, by part */
};

/* The parts of the state that another run has of the same unit: what is the same there need not be
 * read to tell the difference. */
struct twin {
        int64_t parts[IMM_PART_N];
        bool many; /* several units of one name: each is read whole */
};

static void loader_done(struct loader *l) {
        for (size_t i = 0; i < IMM_PART_N; i++)
                (void)sqlite3_finalize(l->rows[i]);
        (void)sqlite3_finalize(l->checks);
        (void)sqlite3_finalize(l->ids);
        (void)sqlite3_finalize(l->finding);
        imm_arena_free(l->a);
}

static int loader_prepare(struct loader *l) {
        int r = 0;

        for (enum imm_part p = 0; r >= 0 && p < IMM_PART_N; p++)
                r = imm_history_prepare(
                        l->h, imm_part_select_sql(p, "", l->a), &l->rows[p], l->err);
        return r;
}

static const char *column_text(sqlite3_stmt *s, int at, struct imm_arena *a) {
        const char *text = (const char *)sqlite3_column_text(s, at);

        return text ? imm_strdup(a, text) : NULL;
}

static void split_lines(const char *text, struct imm_arena *a, struct imm_strv *to) {
        while (text && *text) {
                const char *end = strchrnul(text, '\n');

                imm_strv_add(a, to, imm_strndup(a, text, (size_t)(end - text)));
                text = *end ? end + 1 : end;
        }
}

static void read_value(
        sqlite3_stmt *s, int at, const struct imm_column *c, char *item, struct imm_arena *a) {
        void *to = item + c->offset;

        switch (c->type) {
        case IMM_COLUMN_TEXT:
                *(const char **)to = column_text(s, at, a);
                break;
        case IMM_COLUMN_LINES:
                split_lines(column_text(s, at, a), a, to);
                break;
        case IMM_COLUMN_INT:
                *(int *)to = sqlite3_column_int(s, at);
                break;
        case IMM_COLUMN_UNSIGNED:
                *(unsigned *)to = (unsigned)sqlite3_column_int(s, at);
                break;
        case IMM_COLUMN_BOOL:
                *(bool *)to = sqlite3_column_int(s, at) == 1;
                break;
        }
}

/* The rows of a bound statement, added to @items */
static int read_rows(struct loader *l, enum imm_part part, sqlite3_stmt *s, struct imm_arena *a,
        struct imm_items *items) {
        const struct imm_part_kind *k = &imm_part_kinds[part];
        int r;

        while ((r = imm_history_step(l->h, s, l->err)) > 0) {
                char *item;

                if (items->n == items->cap)
                        items->v = imm_array_grow(a, items->v, items->n, &items->cap, k->item_size);
                item = items->v + items->n++ * k->item_size;
                for (size_t i = 0; i < k->n_columns; i++)
                        read_value(s, (int)i, &k->columns[i], item, a);
                if (part == IMM_PART_FINDING) {
                        struct imm_state_finding *f = (void *)item;

                        if (f->severity >= IMM_SEVERITY_N)
                                f->severity = IMM_SEVERITY_INFO;
                }
        }
        (void)sqlite3_reset(s);
        return r;
}

/*
 * The items of one part. Parts are shared by many states, so each is read once for a snapshot
 * (@seen, whose arena is the snapshot's); the items may be shared because a loaded snapshot is not
 * changed.
 */
static int load_part(struct loader *l, enum imm_part part, int64_t id, struct imm_arena *a,
        struct imm_map *seen, struct imm_items *ret) {
        const char *key = imm_printf(a, "%" PRIi64, id);
        struct imm_items *items = imm_map_get(seen, key);
        int r;

        if (!items) {
                items = imm_new(a, struct imm_items);
                (void)sqlite3_bind_int64(l->rows[part], 1, id);
                r = read_rows(l, part, l->rows[part], a, items);
                if (r < 0)
                        return r;
                imm_map_put(a, seen, key, items);
        }
        *ret = *items;
        return 0;
}

/* ---- what two runs do not have alike ---- */

struct row {
        int64_t id, row;
};

static int by_id(const void *a, const void *b) {
        const struct row *x = a, *y = b;

        return x->id != y->id ? (x->id > y->id) - (x->id < y->id)
                              : (x->row > y->row) - (x->row < y->row);
}

struct rows {
        IMM_ARRAY(struct row) rows;
};

/* Sorted; each part is asked for from both sides, and read once. */
static int finding_ids(struct loader *l, int64_t part, struct rows **ret) {
        const char *key = imm_printf(l->a, "%" PRIi64, part);
        struct rows *known = imm_map_get(&l->parts, key);
        int r = 0;

        if (!known) {
                known = imm_new(l->a, struct rows);
                (void)sqlite3_bind_int64(l->ids, 1, part);
                while ((r = imm_history_step(l->h, l->ids, l->err)) > 0)
                        *imm_array_push(l->a, &known->rows) = (struct row){
                                sqlite3_column_int64(l->ids, 0), sqlite3_column_int64(l->ids, 1)};
                (void)sqlite3_reset(l->ids);
                if (known->rows.n > 1)
                        qsort(known->rows.v, known->rows.n, sizeof(*known->rows.v), by_id);
                imm_map_put(l->a, &l->parts, key, known);
        }
        *ret = known;
        return r;
}

/* Findings that both have as often: they cancel each other out, wherever they stand. */
static int differing_findings(
        struct loader *l, int64_t part, int64_t other, struct imm_arena *a, struct imm_items *ret) {
        struct rows *mine, *theirs;
        size_t k = 0;
        int r;

        r = finding_ids(l, part, &mine);
        if (r >= 0)
                r = finding_ids(l, other, &theirs);
        for (size_t i = 0, end; r >= 0 && i < mine->rows.n; i = end) {
                const struct row *v = mine->rows.v, *o = theirs->rows.v;
                size_t from;

                for (end = i; end < mine->rows.n && v[end].id == v[i].id;)
                        end++;
                while (k < theirs->rows.n && o[k].id < v[i].id)
                        k++;
                for (from = k; k < theirs->rows.n && o[k].id == v[i].id;)
                        k++;
                for (size_t at = i; r >= 0 && k - from != end - i && at < end; at++) {
                        (void)sqlite3_bind_int64(l->finding, 1, part);
                        (void)sqlite3_bind_int64(l->finding, 2, v[at].row);
                        r = read_rows(l, IMM_PART_FINDING, l->finding, a, ret);
                }
        }
        return r;
}

static int load_differing(struct loader *l, enum imm_part part, int64_t id, int64_t other,
        struct imm_arena *a, struct imm_map *seen, struct imm_items *ret) {
        if (id == other)
                return 0;
        switch (part) {
        case IMM_PART_FINDING:
                return differing_findings(l, id, other, a, ret);
        case IMM_PART_CHECK:
                (void)sqlite3_bind_int64(l->checks, 1, id);
                (void)sqlite3_bind_int64(l->checks, 2, other);
                return read_rows(l, part, l->checks, a, ret);
        default:
                return load_part(l, part, id, a, seen, ret);
        }
}

static int prepare_pair(struct loader *l) {
        int r;

        r = imm_history_prepare(
                l->h, imm_part_differing_sql(IMM_PART_CHECK, l->a), &l->checks, l->err);
        if (r >= 0)
                r = imm_history_prepare(l->h,
                        "SELECT finding, row FROM part_finding WHERE part = ?", &l->ids, l->err);
        if (r >= 0)
                r = imm_history_prepare(l->h,
                        imm_part_select_sql(IMM_PART_FINDING, " AND p.row = ?2", l->a), &l->finding,
                        l->err);
        return r;
}

/* The parts of all states of @run, by the unit's number */
static int find_twins(struct loader *l, int64_t run, struct imm_map *to) {
        imm_auto_stmt *q = NULL;
        int r;

        r = imm_history_prepare(l->h,
                "SELECT s.unit, s.settings, s.checks, s.mounts, s.access, s.needs, s.findings, "
                "s.texts FROM run_state rs JOIN state s ON s.id = rs.state WHERE rs.run = ?",
                &q, l->err);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(q, 1, run);
        while ((r = imm_history_step(l->h, q, l->err)) > 0) {
                const char *key = imm_printf(l->a, "%" PRIi64, (int64_t)sqlite3_column_int64(q, 0));
                struct twin *t = imm_map_get(to, key);

                if (t) {
                        t->many = true;
                        continue;
                }
                t = imm_new(l->a, struct twin);
                for (enum imm_part p = 0; p < IMM_PART_N; p++)
                        t->parts[p] = sqlite3_column_int64(q, 1 + (int)p);
                imm_map_put(l->a, to, key, t);
        }
        return r;
}

static int tenths(sqlite3_stmt *s, int at) {
        return sqlite3_column_type(s, at) == SQLITE_NULL ? -1 : sqlite3_column_int(s, at);
}

#define STATE_COLUMNS \
        "u.value, p.value, l.value, m.value, k.value, s.exposure, s.reach, g.value, o.value, " \
        "c.value, rs.visible, s.settings, s.checks, s.mounts, s.access, s.needs, s.findings, " \
        "s.texts, s.unit"
#define STATE_JOINS \
        " JOIN text u ON u.id = s.unit LEFT JOIN text p ON p.id = s.path" \
        " LEFT JOIN text l ON l.id = s.load LEFT JOIN text m ON m.id = s.load_message" \
        " LEFT JOIN text k ON k.id = s.package LEFT JOIN text g ON g.id = s.rating" \
        " LEFT JOIN text o ON o.id = s.outcome LEFT JOIN text c ON c.id = s.closure_kind"

/* One row of STATE_COLUMNS as a state of @to */
static int load_state(struct loader *l, sqlite3_stmt *q, const struct imm_map *twins,
        struct imm_snapshot *to, struct imm_map *seen) {
        const char *number = (const char *)sqlite3_column_text(q, 11 + IMM_PART_N);
        const struct twin *t = twins && number ? imm_map_get(twins, number) : NULL;
        const char *unit = column_text(q, 0, to->arena);
        struct imm_state *s = imm_snapshot_add(to, unit ? unit : "");
        struct imm_arena *a = to->arena;

        s->path = column_text(q, 1, a);
        s->load = column_text(q, 2, a);
        s->load_message = column_text(q, 3, a);
        s->package = column_text(q, 4, a);
        s->exposure = tenths(q, 5);
        s->reach = tenths(q, 6);
        s->rating = column_text(q, 7, a);
        s->outcome = column_text(q, 8, a);
        s->closure_kind = column_text(q, 9, a);
        s->visible = sqlite3_column_type(q, 10) == SQLITE_NULL ? -1 : sqlite3_column_int64(q, 10);
        for (enum imm_part p = 0; p < IMM_PART_N; p++) {
                int64_t id = sqlite3_column_int64(q, 11 + (int)p);
                struct imm_items items = {0};
                int r = t && !t->many ? load_differing(l, p, id, t->parts[p], a, seen, &items)
                                      : load_part(l, p, id, a, seen, &items);

                if (r < 0)
                        return r;
                imm_part_put(s, p, items, a);
        }
        return 0;
}

/* All rows of @q; the snapshot is in order afterwards. */
static int load_states(
        struct loader *l, sqlite3_stmt *q, const struct imm_map *twins, struct imm_snapshot *to) {
        struct imm_map seen = {0};
        int r;

        while ((r = imm_history_step(l->h, q, l->err)) > 0) {
                r = load_state(l, q, twins, to, &seen);
                if (r < 0)
                        return r;
        }
        return r;
}

#define RUN_COLUMNS \
        "id, time, host, root, systemd, immure, partial, units, exposure, reach, info, low, " \
        "medium, high, critical, scope"

static void read_run(sqlite3_stmt *q, struct imm_arena *a, struct imm_run *to) {
        *to = (struct imm_run){
                .id = sqlite3_column_int64(q, 0),
                .time = sqlite3_column_int64(q, 1),
                .host = column_text(q, 2, a),
                .root = column_text(q, 3, a),
                .systemd = (unsigned)sqlite3_column_int(q, 4),
                .immure = column_text(q, 5, a),
                .partial = sqlite3_column_int(q, 6) == 1,
                .units = (unsigned)sqlite3_column_int(q, 7),
                .exposure = tenths(q, 8),
                .reach = tenths(q, 9),
                .scope = column_text(q, 15, a),
        };
        for (int i = 0; i < IMM_SEVERITY_N; i++)
                to->findings[i] = (unsigned)sqlite3_column_int(q, 10 + i);
}

/* The run's own row as the head of a snapshot */
static int load_head(struct loader *l, int64_t run, struct imm_snapshot *to) {
        imm_auto_stmt *q = NULL, *notes = NULL;
        struct imm_run head;
        int r;

        r = imm_history_prepare(l->h, "SELECT " RUN_COLUMNS " FROM run WHERE id = ?", &q, l->err);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(q, 1, run);
        r = imm_history_step(l->h, q, l->err);
        if (r == 0)
                return imm_err_set(
                        l->err, -ENOENT, "history '%s' has no run %" PRIi64, l->h->path, run);
        if (r < 0)
                return r;
        read_run(q, to->arena, &head);
        to->time = head.time;
        to->host = head.host;
        to->root = head.root;
        to->scope = head.scope;
        to->systemd = head.systemd;
        to->immure = head.immure;
        to->partial = head.partial;
        r = imm_history_prepare(l->h,
                "SELECT t.value FROM run_note n JOIN text t ON t.id = n.value WHERE n.run = ? "
                "ORDER BY n.row",
                &notes, l->err);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(notes, 1, run);
        while ((r = imm_history_step(l->h, notes, l->err)) > 0)
                imm_strv_add(to->arena, &to->not_analysed, column_text(notes, 0, to->arena));
        return r;
}

/* The run's states; without those that @other has too, and of the rest what differs (0: all) */
static int load_run(struct loader *l, int64_t run, int64_t other, struct imm_snapshot **ret) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = imm_snapshot_new();
        struct imm_map twins = {0};
        imm_auto_stmt *q = NULL;
        int r;

        r = load_head(l, run, s);
        if (r >= 0 && other)
                r = find_twins(l, other, &twins);
        if (r >= 0)
                r = imm_history_prepare(l->h,
                        "SELECT " STATE_COLUMNS
                        " FROM run_state rs JOIN state s ON s.id = rs.state" STATE_JOINS
                        " WHERE rs.run = ?1 AND NOT EXISTS (SELECT 1 FROM run_state x WHERE x.run "
                        "= ?2 AND "
                        "x.state = rs.state) ORDER BY u.value",
                        &q, l->err);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(q, 1, run);
        (void)sqlite3_bind_int64(q, 2, other);
        r = load_states(l, q, other ? &twins : NULL, s);
        if (r < 0)
                return r;
        imm_snapshot_sort(s);
        *ret = imm_steal(s);
        return 0;
}

int imm_history_load(
        struct imm_history *h, int64_t run, struct imm_snapshot **ret, struct imm_err *err) {
        struct loader l = {.h = h, .a = imm_arena_new(), .err = err};
        int r;

        r = loader_prepare(&l);
        if (r >= 0)
                r = load_run(&l, run, 0, ret);
        loader_done(&l);
        return r;
}

int imm_history_load_pair(struct imm_history *h, int64_t a, int64_t b, struct imm_snapshot **ret_a,
        struct imm_snapshot **ret_b, struct imm_err *err) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *x = NULL, *y = NULL;
        struct loader l = {.h = h, .a = imm_arena_new(), .err = err};
        int r;

        r = loader_prepare(&l);
        if (r >= 0)
                r = prepare_pair(&l);
        if (r >= 0)
                r = load_run(&l, a, b, &x);
        if (r >= 0)
                r = load_run(&l, b, a, &y);
        loader_done(&l);
        if (r < 0)
                return r;
        *ret_a = imm_steal(x);
        *ret_b = imm_steal(y);
        return 0;
}

int imm_history_runs(struct imm_history *h, const struct imm_run_place *place, struct imm_arena *a,
        struct imm_run **ret, size_t *ret_n, struct imm_err *err) {
        IMM_ARRAY(struct imm_run) runs = {0};
        imm_auto_stmt *q = NULL;
        int r;

        r = imm_history_prepare(h,
                "SELECT " RUN_COLUMNS
                " FROM run WHERE (?1 IS NULL OR host = ?1) AND (?2 IS NULL OR root = ?2) "
                "AND (?3 IS NULL OR scope = ?3) ORDER BY id",
                &q, err);
        if (r < 0)
                return r;
        (void)sqlite3_bind_text(q, 1, place->host, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(q, 2, place->root, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(q, 3, place->scope, -1, SQLITE_STATIC);
        while ((r = imm_history_step(h, q, err)) > 0)
                read_run(q, a, imm_array_push(a, &runs));
        if (r < 0)
                return r;
        *ret = runs.v;
        *ret_n = runs.n;
        return 0;
}

int imm_history_figures(struct imm_history *h, int64_t run, struct imm_arena *a,
        struct imm_unit_figures **ret, size_t *ret_n, struct imm_err *err) {
        IMM_ARRAY(struct imm_unit_figures) list = {0};
        imm_auto_stmt *q = NULL;
        int r;

        r = imm_history_prepare(h,
                "SELECT u.value, l.value, s.exposure, s.reach FROM run_state rs "
                "JOIN state s ON s.id = rs.state JOIN text u ON u.id = s.unit "
                "LEFT JOIN text l ON l.id = s.load WHERE rs.run = ? ORDER BY u.value",
                &q, err);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(q, 1, run);
        while ((r = imm_history_step(h, q, err)) > 0)
                *imm_array_push(a, &list) = (struct imm_unit_figures){
                        .unit = column_text(q, 0, a),
                        .load = column_text(q, 1, a),
                        .exposure = tenths(q, 2),
                        .reach = tenths(q, 3),
                };
        if (r < 0)
                return r;
        *ret = list.v;
        *ret_n = list.n;
        return 0;
}

/* Which state the unit had in a run; 0: none */
static int state_in_run(struct loader *l, sqlite3_stmt *q, int64_t run, int64_t *ret) {
        int r;

        (void)sqlite3_bind_int64(q, 1, run);
        r = imm_history_step(l->h, q, l->err);
        *ret = r > 0 ? sqlite3_column_int64(q, 0) : 0;
        (void)sqlite3_reset(q);
        return r < 0 ? r : 0;
}

static int load_one(struct loader *l, int64_t run, int64_t state, struct imm_snapshot **ret) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = imm_snapshot_new();
        imm_auto_stmt *q = NULL;
        int r;

        r = imm_history_prepare(l->h,
                "SELECT " STATE_COLUMNS
                " FROM run_state rs JOIN state s ON s.id = rs.state" STATE_JOINS
                " WHERE rs.run = ? AND rs.state = ?",
                &q, l->err);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(q, 1, run);
        (void)sqlite3_bind_int64(q, 2, state);
        r = load_states(l, q, NULL, s);
        if (r < 0)
                return r;
        *ret = imm_steal(s);
        return 0;
}

int imm_history_unit(struct imm_history *h, const char *unit, const struct imm_run_place *place,
        struct imm_arena *a, struct imm_unit_run **ret, size_t *ret_n, struct imm_err *err) {
        struct loader l = {.h = h, .a = imm_arena_new(), .err = err};
        IMM_ARRAY(struct imm_unit_run) list = {0};
        imm_auto_stmt *q = NULL;
        struct imm_run *runs = NULL;
        int64_t last = 0;
        size_t n = 0;
        int r;

        r = imm_history_runs(h, place, a, &runs, &n, err);
        if (r >= 0)
                r = loader_prepare(&l);
        if (r >= 0)
                r = imm_history_prepare(h,
                        "SELECT rs.state FROM state s JOIN run_state rs ON rs.state = s.id AND "
                        "rs.run = ?1 "
                        "WHERE s.unit = (SELECT id FROM text WHERE value = ?2)",
                        &q, err);
        if (r >= 0)
                (void)sqlite3_bind_text(q, 2, unit, -1, SQLITE_STATIC);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                struct imm_snapshot *s = NULL;
                int64_t state = 0;

                r = state_in_run(&l, q, runs[i].id, &state);
                if (r < 0 || state == last)
                        continue;
                last = state;
                if (state)
                        r = load_one(&l, runs[i].id, state, &s);
                *imm_array_push(a, &list) = (struct imm_unit_run){runs[i], s};
        }
        loader_done(&l);
        if (r < 0) {
                imm_array_foreach (u, &list)
                        imm_snapshot_free(u->snapshot);
                return r;
        }
        *ret = list.v;
        *ret_n = list.n;
        return 0;
}
