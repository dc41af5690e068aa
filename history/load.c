/* Reading runs back. */

#include "history/history-private.h"

#include <errno.h>
#include <inttypes.h>

struct loader {
        struct imm_history *h;
        struct imm_arena *a; /* of the loader: statements' text, the cache */
        struct imm_err *err;
        sqlite3_stmt *rows[IMM_PART_N];
};

static void loader_done(struct loader *l) {
        for (size_t i = 0; i < IMM_PART_N; i++)
                (void)sqlite3_finalize(l->rows[i]);
        imm_arena_free(l->a);
}

static int loader_prepare(struct loader *l) {
        int r = 0;

        for (enum imm_part p = 0; r >= 0 && p < IMM_PART_N; p++)
                r = imm_history_prepare(l->h, imm_part_select_sql(p, l->a), &l->rows[p], l->err);
        return r;
}

static const char *column_text(sqlite3_stmt *s, int at, struct imm_arena *a) {
        const char *text = (const char *)sqlite3_column_text(s, at);

        return text ? imm_strdup(a, text) : NULL;
}

void imm_history_lines(const char *text, struct imm_arena *a, struct imm_strv *to) {
        while (text && *text) {
                const char *end = strchrnul(text, '\n');

                imm_strv_add(a, to, imm_strndup(a, text, (size_t)(end - text)));
                text = *end ? end + 1 : end;
        }
}

static void read_value(
        sqlite3_stmt *s, int at, const struct imm_column *c, char *item, struct imm_arena *a) {
        const char *text = NULL;

        if (c->type == IMM_COLUMN_TEXT)
                text = column_text(s, at, a);
        else if (c->type == IMM_COLUMN_LINES)
                text = (const char *)sqlite3_column_text(s, at);
        imm_column_put(c, item, text, text ? 0 : sqlite3_column_int64(s, at), a);
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
                r = imm_item_check(l->h, k, item, l->err);
                if (r < 0)
                        break;
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

static int tenths(sqlite3_stmt *s, int at) {
        return sqlite3_column_type(s, at) == SQLITE_NULL ? -1 : sqlite3_column_int(s, at);
}

#define STATE_COLUMNS \
        "u.value, p.value, l.value, m.value, k.value, s.exposure, s.reach, g.value, o.value, " \
        "c.value, rs.visible, s.settings, s.checks, s.mounts, s.access, s.needs, s.findings, " \
        "s.texts"
#define STATE_JOINS \
        " JOIN text u ON u.id = s.unit LEFT JOIN text p ON p.id = s.path" \
        " LEFT JOIN text l ON l.id = s.load LEFT JOIN text m ON m.id = s.load_message" \
        " LEFT JOIN text k ON k.id = s.package LEFT JOIN text g ON g.id = s.rating" \
        " LEFT JOIN text o ON o.id = s.outcome LEFT JOIN text c ON c.id = s.closure_kind"

/* One row of STATE_COLUMNS as a state of @to */
static int load_state(
        struct loader *l, sqlite3_stmt *q, struct imm_snapshot *to, struct imm_map *seen) {
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
                int r = load_part(l, p, id, a, seen, &items);

                if (r < 0)
                        return r;
                imm_part_put(s, p, items, a);
        }
        return 0;
}

/* All rows of @q; the snapshot is in order afterwards. */
static int load_states(struct loader *l, sqlite3_stmt *q, struct imm_snapshot *to) {
        struct imm_map seen = {0};
        int r;

        while ((r = imm_history_step(l->h, q, l->err)) > 0) {
                r = load_state(l, q, to, &seen);
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

static int load_rules(
        struct imm_history *h, int64_t run, struct imm_snapshot *to, struct imm_err *err) {
        imm_auto_stmt *q = NULL;
        int r = imm_history_prepare(h,
                "SELECT t.value FROM run n JOIN text t ON t.id = n.rules WHERE n.id = ?", &q, err);

        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(q, 1, run);
        r = imm_history_step(h, q, err);
        if (r <= 0)
                return r;
        imm_history_lines((const char *)sqlite3_column_text(q, 0), to->arena, &to->rules);
        imm_strv_sort_unique(&to->rules);
        return 0;
}

int imm_history_load_head(
        struct imm_history *h, int64_t run, struct imm_snapshot *to, struct imm_err *err) {
        imm_auto_stmt *q = NULL, *notes = NULL;
        struct imm_run head;
        int r;

        r = imm_history_prepare(h, "SELECT " RUN_COLUMNS " FROM run WHERE id = ?", &q, err);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(q, 1, run);
        r = imm_history_step(h, q, err);
        if (r == 0)
                return imm_err_set(err, -ENOENT, "history '%s' has no run %" PRIi64, h->path, run);
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
        r = load_rules(h, run, to, err);
        if (r < 0)
                return r;
        r = imm_history_prepare(h,
                "SELECT t.value FROM run_note n JOIN text t ON t.id = n.value WHERE n.run = ? "
                "ORDER BY n.row",
                &notes, err);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(notes, 1, run);
        while ((r = imm_history_step(h, notes, err)) > 0)
                imm_strv_add(to->arena, &to->not_analysed, column_text(notes, 0, to->arena));
        return r;
}

static int load_run(struct loader *l, int64_t run, struct imm_snapshot **ret) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = imm_snapshot_new();
        imm_auto_stmt *q = NULL;
        int r;

        r = imm_history_load_head(l->h, run, s, l->err);
        if (r >= 0)
                r = imm_history_prepare(l->h,
                        "SELECT " STATE_COLUMNS
                        " FROM run_state rs JOIN state s ON s.id = rs.state" STATE_JOINS
                        " WHERE rs.run = ? ORDER BY u.value",
                        &q, l->err);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(q, 1, run);
        r = load_states(l, q, s);
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
                r = load_run(&l, run, ret);
        loader_done(&l);
        return r;
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
                "LEFT JOIN text l ON l.id = s.load WHERE rs.run = ? AND u.value IS NOT NULL "
                "ORDER BY u.value",
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
        r = load_states(l, q, s);
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
