/*
 * What two runs do not have alike. Their rows are read as the numbers that they are in the
 * database: what is the same in both goes by its numbers, and only of what is left texts and
 * findings are looked up, each once.
 */

#include "history/history-private.h"

#include <errno.h>

/* ---- numbers to what they stand for ---- */

struct known {
        int64_t id;
        void *value;
        unsigned seen[2]; /* of findings: how often each side has it, of the parts looked at */
        unsigned part;    /* ... which these are */
        bool used;
};

struct numbers {
        struct known *v; /* open addressing */
        size_t n, cap;
};

static struct known *slot(const struct numbers *m, int64_t id) {
        size_t at = (size_t)(((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (m->cap - 1);

        while (m->v[at].used && m->v[at].id != id)
                at = (at + 1) & (m->cap - 1);
        return &m->v[at];
}

/* The entry of @id, made if there is none: its value is NULL then. Until the next call */
static struct known *number(struct numbers *m, int64_t id) {
        struct known *k;

        if (m->n * 2 >= m->cap) {
                struct numbers more = {.n = m->n, .cap = m->cap ? m->cap * 2 : 1024};

                more.v = imm_xcalloc(more.cap, sizeof(*more.v));
                for (size_t i = 0; i < m->cap; i++)
                        if (m->v[i].used)
                                *slot(&more, m->v[i].id) = m->v[i];
                free(m->v);
                *m = more;
        }
        k = slot(m, id);
        if (!k->used) {
                *k = (struct known){.id = id, .used = true};
                m->n++;
        }
        return k;
}

/* ---- rows of numbers ---- */

struct rows {
        int64_t *v;
        size_t n, cap; /* in numbers */
};

struct side {
        int64_t run;
        struct imm_snapshot *to;
        struct rows states, part;
        struct numbers units; /* the unit's number -> its state's row */
};

struct pair {
        struct imm_history *h;
        struct imm_err *err;
        struct imm_arena *a;      /* of the statements' text */
        struct imm_arena *shared; /* of the texts, which both snapshots have */
        struct side sides[2];
        struct numbers texts, findings;
        struct rows *into; /* where rows are read to now */
        unsigned n_parts;  /* that were looked at */
        sqlite3_stmt *text, *finding, *packed;
        int64_t deny, implied; /* words that are asked for where nothing changed */
};

/* SQL's immure_take(): a row's numbers, without a step of the statement for each */
static void take(sqlite3_context *c, int n, sqlite3_value **v) {
        struct rows *to = ((struct pair *)sqlite3_user_data(c))->into;

        if (to->cap - to->n < (size_t)n) {
                to->cap = to->cap * 2 + 1024;
                to->v = imm_xrealloc(to->v, to->cap, sizeof(*to->v));
        }
        for (int i = 0; i < n; i++)
                to->v[to->n++] = sqlite3_value_int64(v[i]);
}

static void taken(sqlite3_context *c) {
        sqlite3_result_null(c);
}

static int read_all(struct pair *p, sqlite3_stmt *q, int64_t id, struct rows *to) {
        int r;

        to->n = 0;
        p->into = to;
        (void)sqlite3_bind_int64(q, 1, id);
        r = imm_history_step(p->h, q, p->err);
        (void)sqlite3_reset(q);
        return r < 0 ? r : 0;
}

/* ---- texts and findings ---- */

static int read_text(struct pair *p, int64_t id, const char **ret) {
        struct known *k;
        int r;

        *ret = NULL;
        if (id == 0)
                return 0;
        k = number(&p->texts, id);
        if (!k->value) {
                const char *text = NULL;

                (void)sqlite3_bind_int64(p->text, 1, id);
                r = imm_history_step(p->h, p->text, p->err);
                if (r > 0)
                        text = (const char *)sqlite3_column_text(p->text, 0);
                if (text)
                        k->value = imm_strdup(p->shared, text);
                (void)sqlite3_reset(p->text);
                if (r < 0)
                        return r;
        }
        *ret = k->value;
        return 0;
}

static int put_value(struct pair *p, const struct imm_column *c, int64_t v, char *item) {
        const char *text = NULL;
        int r = c->type == IMM_COLUMN_TEXT ? read_text(p, v, &text) : 0;

        if (r >= 0)
                imm_column_put(c, item, text, v, p->shared);
        return r;
}

/* What findings of that number say; NULL: there is none */
static int read_finding(struct pair *p, int64_t id, struct imm_state_finding **ret) {
        const struct imm_part_kind *kind = &imm_part_kinds[IMM_PART_FINDING];
        struct imm_state_finding *f = number(&p->findings, id)->value;
        int r, v = 0, at = 0;

        *ret = f;
        if (f)
                return 0;
        (void)sqlite3_bind_int64(p->finding, 1, id);
        r = imm_history_step(p->h, p->finding, p->err);
        if (r > 0)
                *ret = f = imm_new(p->shared, struct imm_state_finding);
        for (size_t i = 0; r > 0 && v >= 0 && i < kind->n_columns; i++) {
                const struct imm_column *c = &kind->columns[i];

                if (!c->shared)
                        continue;
                if (c->type == IMM_COLUMN_LINES)
                        imm_column_put(c, (char *)f,
                                (const char *)sqlite3_column_text(p->finding, at), 0, p->shared);
                else
                        v = put_value(p, c, sqlite3_column_int64(p->finding, at), (void *)f);
                at++;
        }
        (void)sqlite3_reset(p->finding);
        if (f && f->severity >= IMM_SEVERITY_N)
                f->severity = IMM_SEVERITY_INFO;
        number(&p->findings, id)->value = f;
        return r < 0 ? r : v;
}

/* ---- what is alike goes ---- */

static size_t keep(struct rows *s, size_t to, size_t from, size_t end) {
        memmove(s->v + to, s->v + from, (end - from) * sizeof(*s->v));
        return to + (end - from);
}

/* Of settings that are the same, what others are judged by: see audit/difference.c */
static bool is_asked_for(const struct pair *p, enum imm_part part, const int64_t *row) {
        return part == IMM_PART_SETTING && (row[0] == p->deny || row[2] == p->implied);
}

/* Both are in order of their first column, a text: they meet row by row, as audit/difference.c will
 * walk over what is left. */
static int drop_alike(struct pair *p, enum imm_part part, size_t width) {
        struct rows *x = &p->sides[0].part, *y = &p->sides[1].part;
        size_t i = 0, k = 0, n = 0, m = 0;

        while (i < x->n && k < y->n) {
                int order = 0;

                if (x->v[i] != y->v[k]) {
                        const char *s, *t;
                        int r = read_text(p, x->v[i], &s);

                        if (r >= 0)
                                r = read_text(p, y->v[k], &t);
                        if (r < 0)
                                return r;
                        order = !s || !t ? (s != NULL) - (t != NULL) : strcmp(s, t);
                } else if (!is_asked_for(p, part, x->v + i) &&
                           memcmp(x->v + i, y->v + k, width * sizeof(*x->v)) == 0) {
                        i += width;
                        k += width;
                        continue;
                }
                if (order <= 0) {
                        n = keep(x, n, i, i + width);
                        i += width;
                }
                if (order >= 0) {
                        m = keep(y, m, k, k + width);
                        k += width;
                }
        }
        x->n = keep(x, n, i, x->n);
        y->n = keep(y, m, k, y->n);
        return 0;
}

/* Findings that both have as often: they cancel each other out, wherever they stand. */
static void drop_alike_findings(struct pair *p, size_t width) {
        p->n_parts++;
        for (size_t s = 0; s < 2; s++)
                for (size_t i = 0; i < p->sides[s].part.n; i += width) {
                        struct known *k = number(&p->findings, p->sides[s].part.v[i]);

                        if (k->part != p->n_parts) {
                                k->part = p->n_parts;
                                k->seen[0] = k->seen[1] = 0;
                        }
                        k->seen[s]++;
                }
        for (size_t s = 0; s < 2; s++) {
                struct rows *x = &p->sides[s].part;
                size_t n = 0;

                for (size_t i = 0; i < x->n; i += width) {
                        const struct known *k = number(&p->findings, x->v[i]);

                        if (k->seen[0] != k->seen[1])
                                n = keep(x, n, i, i + width);
                }
                x->n = n;
        }
}

/* ---- a part of a state ---- */

static int put_item(struct pair *p, const struct imm_part_kind *k, const int64_t *row,
        struct imm_arena *a, char *item) {
        int r = 0;

        if (k->shared) {
                struct imm_state_finding *f, *to = (void *)item;
                struct imm_strv evidence = {0};

                r = read_finding(p, *row++, &f);
                if (r < 0 || !f)
                        return r;
                *to = *f;
                for (size_t i = 0; i < f->evidence.n; i++) /* each may redact its own */
                        imm_strv_add(a, &evidence, f->evidence.v[i]);
                to->evidence = evidence;
        }
        for (size_t i = 0; r >= 0 && i < k->n_columns; i++)
                if (imm_column_compared(k, i))
                        r = put_value(p, &k->columns[i], *row++, item);
        if (r >= 0)
                r = imm_item_check(p->h, k, item, p->err);
        return r < 0 ? r : 1;
}

static int put_part(struct pair *p, enum imm_part part, struct side *side, struct imm_state *s) {
        const struct imm_part_kind *k = &imm_part_kinds[part];
        size_t width = imm_part_width(k);
        struct imm_items items = {.cap = side->part.n / width};
        int r = 0;

        items.v = imm_alloc_array(side->to->arena, items.cap, k->item_size);
        for (size_t i = 0; r >= 0 && i < side->part.n; i += width) {
                r = put_item(
                        p, k, side->part.v + i, side->to->arena, items.v + items.n * k->item_size);
                items.n += r > 0;
        }
        if (r >= 0)
                imm_part_put(s, part, items, side->to->arena);
        return r < 0 ? r : 0;
}

/* ---- states ---- */

/* Columns of a state as numbers, the parts behind them */
enum {
        STATE_ID,
        STATE_UNIT,
        STATE_PATH,
        STATE_LOAD,
        STATE_LOAD_MESSAGE,
        STATE_PACKAGE,
        STATE_EXPOSURE,
        STATE_REACH,
        STATE_RATING,
        STATE_OUTCOME,
        STATE_CLOSURE_KIND,
        STATE_VISIBLE,
        STATE_PARTS,
        STATE_N = STATE_PARTS + IMM_PART_N,
};

static const char states_sql[] =
        "SELECT immure_take(s.id, s.unit, s.path, s.load, s.load_message, s.package, "
        "COALESCE(s.exposure, -1), COALESCE(s.reach, -1), s.rating, s.outcome, s.closure_kind, "
        "COALESCE(rs.visible, -1), s.settings, s.checks, s.mounts, s.access, s.needs, "
        "s.findings, s.texts) FROM run_state rs JOIN state s ON s.id = rs.state WHERE rs.run = ?";

static int put_state(
        struct pair *p, struct side *side, const int64_t *row, struct imm_state **ret) {
        struct imm_state *s = imm_new(side->to->arena, struct imm_state);
        const struct {
                int column;
                const char **to;
        } texts[] = {{STATE_UNIT, &s->unit}, {STATE_PATH, &s->path}, {STATE_LOAD, &s->load},
                {STATE_LOAD_MESSAGE, &s->load_message}, {STATE_PACKAGE, &s->package},
                {STATE_RATING, &s->rating}, {STATE_OUTCOME, &s->outcome},
                {STATE_CLOSURE_KIND, &s->closure_kind}};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < IMM_ELEMENTSOF(texts); i++)
                r = read_text(p, row[texts[i].column], texts[i].to);
        if (r < 0)
                return r;
        if (!s->unit)
                s->unit = "";
        s->exposure = (int)row[STATE_EXPOSURE];
        s->reach = (int)row[STATE_REACH];
        s->visible = row[STATE_VISIBLE];
        *imm_array_push(side->to->arena, &side->to->states) = s;
        *ret = s;
        return 0;
}

static int read_part(struct pair *p, enum imm_part part, struct side *side, const int64_t *row) {
        const size_t width = imm_part_width(&imm_part_kinds[part]);
        struct rows *to = &side->part;
        const void *packed;
        size_t n, n_rows = 0;
        int r;

        (void)sqlite3_bind_int64(p->packed, 1, row[STATE_PARTS + part]);
        r = imm_history_step(p->h, p->packed, p->err);
        packed = r > 0 ? sqlite3_column_blob(p->packed, 0) : NULL;
        n = packed ? (size_t)sqlite3_column_bytes(p->packed, 0) : 0;
        if (r >= 0 && imm_packed_rows(packed, n, width, &n_rows)) {
                to->n = n_rows * width;
                if (to->cap < to->n) {
                        to->cap = to->n * 2;
                        to->v = imm_xrealloc(to->v, to->cap, sizeof(*to->v));
                }
        } else if (r >= 0)
                packed = NULL;
        if (r >= 0 && (!packed || !imm_unpack(packed, n, width, to->v)))
                r = imm_err_set(p->err, -EINVAL, "history '%s' is damaged: part %lld is no part",
                        p->h->path, (long long)row[STATE_PARTS + part]);
        (void)sqlite3_reset(p->packed);
        return r < 0 ? r : 0;
}

/* A state that nothing stands against, or too much: several units of one name. All of it */
static int whole_state(struct pair *p, struct side *side, const int64_t *row) {
        struct imm_state *s;
        int r = put_state(p, side, row, &s);

        for (enum imm_part part = 0; r >= 0 && part < IMM_PART_N; part++) {
                r = read_part(p, part, side, row);
                if (r >= 0)
                        r = put_part(p, part, side, s);
        }
        return r;
}

/* Checks are judged by the settings that imply them, which then may be the same. */
static bool is_alike(const int64_t *x, const int64_t *y, enum imm_part part) {
        if (part == IMM_PART_SETTING && !is_alike(x, y, IMM_PART_CHECK))
                return false;
        return x[STATE_PARTS + part] == y[STATE_PARTS + part];
}

static int two_states(struct pair *p, const int64_t *x, const int64_t *y) {
        const int64_t *rows[] = {x, y};
        struct imm_state *s[2] = {0};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < 2; i++)
                r = put_state(p, &p->sides[i], rows[i], &s[i]);
        for (enum imm_part part = 0; r >= 0 && part < IMM_PART_N; part++) {
                if (is_alike(x, y, part))
                        continue;
                for (size_t i = 0; r >= 0 && i < 2; i++)
                        r = read_part(p, part, &p->sides[i], rows[i]);
                if (r >= 0 && part == IMM_PART_FINDING)
                        drop_alike_findings(p, imm_part_width(&imm_part_kinds[part]));
                else if (r >= 0 && part != IMM_PART_TEXT) /* these are short, and not in order */
                        r = drop_alike(p, part, imm_part_width(&imm_part_kinds[part]));
                for (size_t i = 0; r >= 0 && i < 2; i++)
                        r = put_part(p, part, &p->sides[i], s[i]);
        }
        return r;
}

/* ---- runs ---- */

/* Which unit is in which row; several of one name: NULL */
static void index_units(struct side *side) {
        for (size_t i = 0; i < side->states.n; i += STATE_N) {
                struct known *k = number(&side->units, side->states.v[i + STATE_UNIT]);

                k->value = k->seen[0]++ ? NULL : side->states.v + i;
        }
}

static int states(struct pair *p) {
        struct numbers common = {0};
        int r = 0;

        for (size_t s = 0; s < 2; s++) {
                const struct rows *x = &p->sides[s].states;

                index_units(&p->sides[s]);
                for (size_t i = 0; i < x->n; i += STATE_N)
                        number(&common, x->v[i + STATE_ID])->seen[s]++;
        }
        for (size_t s = 0; s < 2; s++) {
                const struct rows *x = &p->sides[s].states;

                for (size_t i = 0; r >= 0 && i < x->n; i += STATE_N) {
                        const int64_t *row = x->v + i, *twin;
                        const struct known *k = number(&common, row[STATE_ID]);

                        if (k->seen[0] && k->seen[1])
                                continue;
                        twin = number(&p->sides[!s].units, row[STATE_UNIT])->value;
                        if (!twin || !number(&p->sides[s].units, row[STATE_UNIT])->value)
                                r = whole_state(p, &p->sides[s], row);
                        else if (s == 0)
                                r = two_states(p, row, twin);
                }
        }
        free(common.v);
        return r;
}

static int prepare(struct pair *p) {
        const struct imm_part_kind *k = &imm_part_kinds[IMM_PART_FINDING];
        const char *columns = "";
        int r;

        if (sqlite3_create_function_v2(p->h->db, "immure_take", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                    p, NULL, take, taken, NULL) != SQLITE_OK)
                return imm_history_fail(p->h, p->err, "cannot read");
        r = imm_history_prepare(p->h, "SELECT value FROM text WHERE id = ?", &p->text, p->err);
        for (size_t i = 0; i < k->n_columns; i++)
                if (k->columns[i].shared)
                        columns = imm_printf(
                                p->a, "%s%s%s", columns, *columns ? ", " : "", k->columns[i].name);
        if (r >= 0)
                r = imm_history_prepare(p->h,
                        imm_printf(p->a, "SELECT %s FROM %s WHERE id = ?", columns, k->shared),
                        &p->finding, p->err);
        if (r >= 0)
                r = imm_history_prepare(
                        p->h, "SELECT packed FROM part WHERE id = ?", &p->packed, p->err);
        return r;
}

static int word(struct pair *p, const char *text, int64_t *ret) {
        imm_auto_stmt *q = NULL;
        int r = imm_history_prepare(p->h, "SELECT id FROM text WHERE value = ?", &q, p->err);

        if (r < 0)
                return r;
        (void)sqlite3_bind_text(q, 1, text, -1, SQLITE_STATIC);
        r = imm_history_step(p->h, q, p->err);
        *ret = r > 0 ? sqlite3_column_int64(q, 0) : -1;
        return r < 0 ? r : 0;
}

static int load(struct pair *p) {
        imm_auto_stmt *q = NULL;
        int r = prepare(p);

        if (r >= 0)
                r = word(p, "IPAddressDeny", &p->deny);
        if (r >= 0)
                r = word(p, "implied", &p->implied);
        if (r >= 0)
                r = imm_history_prepare(p->h, states_sql, &q, p->err);
        for (size_t s = 0; r >= 0 && s < 2; s++) {
                r = imm_history_load_head(p->h, p->sides[s].run, p->sides[s].to, p->err);
                if (r >= 0)
                        r = read_all(p, q, p->sides[s].run, &p->sides[s].states);
        }
        if (r >= 0)
                r = states(p);
        for (size_t s = 0; r >= 0 && s < 2; s++)
                imm_snapshot_sort(p->sides[s].to);
        return r;
}

static void done(struct pair *p) {
        (void)sqlite3_finalize(p->text);
        (void)sqlite3_finalize(p->finding);
        (void)sqlite3_finalize(p->packed);
        (void)sqlite3_create_function_v2(
                p->h->db, "immure_take", -1, SQLITE_UTF8, NULL, NULL, NULL, NULL, NULL);
        for (size_t s = 0; s < 2; s++) {
                free(p->sides[s].states.v);
                free(p->sides[s].part.v);
                free(p->sides[s].units.v);
        }
        free(p->texts.v);
        free(p->findings.v);
        imm_arena_free(p->a);
}

/* The texts go with the second of the snapshots to go. */
struct sharing {
        struct imm_arena *arena;
        int users;
};

static void leave(void *data) {
        struct sharing *s = data;

        if (__atomic_sub_fetch(&s->users, 1, __ATOMIC_ACQ_REL) == 0) {
                imm_arena_free(s->arena);
                free(s);
        }
}

int imm_history_load_pair(struct imm_history *h, int64_t a, int64_t b, struct imm_snapshot **ret_a,
        struct imm_snapshot **ret_b, struct imm_err *err) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *x = imm_snapshot_new(),
                                                           *y = imm_snapshot_new();
        struct sharing *sharing = imm_xcalloc(1, sizeof(*sharing));
        struct pair p = {.h = h,
                .err = err,
                .a = imm_arena_new(),
                .shared = imm_arena_new(),
                .sides = {{.run = a, .to = x}, {.run = b, .to = y}}};
        int r;

        *sharing = (struct sharing){p.shared, 2};
        imm_arena_defer(x->arena, leave, sharing);
        imm_arena_defer(y->arena, leave, sharing);
        /* both as they are at one moment */
        r = sqlite3_exec(h->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK
                    ? load(&p)
                    : imm_history_fail(h, err, "cannot read");
        done(&p);
        (void)sqlite3_exec(h->db, "COMMIT", NULL, NULL, NULL);
        if (r < 0)
                return r;
        *ret_a = imm_steal(x);
        *ret_b = imm_steal(y);
        return 0;
}
