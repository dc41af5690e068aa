/*
 * The rows of a part as one value: two runs are compared by the numbers of all rows in which their
 * units differ, and to step through these in SQL is most of that. Column by column, each number as
 * what it is more than the one above it; a run of equal ones is one zero and its length. All as
 * variable-length integers of seven bits a byte. A row has the number of what it shares, if its
 * kind shares anything, then the columns that are compared.
 */

#include "history/history-private.h"

enum { CELLS_MAX = 1 << 24 };

static void put(struct imm_packed *to, uint64_t v) {
        if (to->cap - to->n < 10) {
                to->cap = to->cap * 2 + 256;
                to->v = imm_xrealloc(to->v, to->cap, 1);
        }
        while (v >= 0x80) {
                to->v[to->n++] = (unsigned char)(v | 0x80);
                v >>= 7;
        }
        to->v[to->n++] = (unsigned char)v;
}

static uint64_t folded(uint64_t v) {
        return v << 1 ^ (v >> 63 ? UINT64_MAX : 0);
}

static uint64_t unfolded(uint64_t v) {
        return v >> 1 ^ (v & 1 ? UINT64_MAX : 0);
}

static void put_run(struct imm_packed *to, uint64_t n) {
        if (n > 0) {
                put(to, 0);
                put(to, n);
        }
}

void imm_pack(const int64_t *cells, size_t n_rows, size_t width, struct imm_packed *to) {
        to->n = 0;
        put(to, n_rows);
        for (size_t c = 0; c < width; c++) {
                uint64_t before = 0, run = 0;

                for (size_t i = 0; i < n_rows; i++) {
                        uint64_t v = (uint64_t)cells[i * width + c];

                        if (v == before) {
                                run++;
                                continue;
                        }
                        put_run(to, run);
                        put(to, folded(v - before));
                        run = 0;
                        before = v;
                }
                put_run(to, run);
        }
}

struct reader {
        const unsigned char *at, *end;
};

static bool get(struct reader *r, uint64_t *ret) {
        uint64_t v = 0;

        for (unsigned shift = 0; r->at < r->end && shift < 64; shift += 7) {
                unsigned char b = *r->at++;

                v |= (uint64_t)(b & 0x7f) << shift;
                if (!(b & 0x80)) {
                        *ret = v;
                        return true;
                }
        }
        return false;
}

static bool unpack_column(struct reader *r, size_t n_rows, size_t width, int64_t *to) {
        uint64_t value = 0, v, run;

        for (size_t i = 0; i < n_rows;) {
                if (!get(r, &v))
                        return false;
                run = 1;
                if (v != 0)
                        value += unfolded(v);
                else if (!get(r, &run) || run > n_rows - i)
                        return false;
                for (; run > 0; run--)
                        to[width * i++] = (int64_t)value;
        }
        return true;
}

bool imm_packed_rows(const void *packed, size_t n, size_t width, size_t *ret) {
        struct reader r = {packed, (const unsigned char *)packed + n};
        uint64_t rows;

        if (n == 0 || !get(&r, &rows) || rows > CELLS_MAX / width)
                return false;
        *ret = (size_t)rows;
        return true;
}

bool imm_unpack(const void *packed, size_t n, size_t width, int64_t *to) {
        struct reader r = {packed, (const unsigned char *)packed + n};
        uint64_t rows;

        if (!get(&r, &rows))
                return false;
        for (size_t c = 0; c < width; c++)
                if (!unpack_column(&r, (size_t)rows, width, to + c))
                        return false;
        return r.at == r.end;
}

/* ---- what was stored before there was such a value ---- */

static int pack_one(struct imm_history *h, sqlite3_stmt *rows, sqlite3_stmt *put_it, int64_t part,
        size_t width, struct imm_arena *a, struct imm_packed *packed, struct imm_err *err) {
        IMM_ARRAY(int64_t) cells = {0};
        int r;

        (void)sqlite3_bind_int64(rows, 1, part);
        while ((r = imm_history_step(h, rows, err)) > 0)
                for (size_t i = 0; i < width; i++)
                        *imm_array_push(a, &cells) = sqlite3_column_int64(rows, (int)i);
        (void)sqlite3_reset(rows);
        if (r < 0)
                return r;
        imm_pack(cells.v, cells.n / width, width, packed);
        (void)sqlite3_bind_blob(put_it, 1, packed->v, (int)packed->n, SQLITE_STATIC);
        (void)sqlite3_bind_int64(put_it, 2, part);
        r = imm_history_step(h, put_it, err);
        (void)sqlite3_reset(put_it);
        return r;
}

static int pack_kind(struct imm_history *h, const struct imm_part_kind *k, struct imm_arena *a,
        struct imm_packed *packed, struct imm_err *err) {
        imm_auto_stmt *parts = NULL, *rows = NULL, *put_it = NULL;
        const char *columns = k->shared ? k->shared : "";
        IMM_ARRAY(int64_t) all = {0};
        int r;

        for (size_t i = 0; i < k->n_columns; i++)
                if (imm_column_compared(k, i))
                        columns = imm_printf(
                                a, "%s%s%s", columns, *columns ? ", " : "", k->columns[i].name);
        r = imm_history_prepare(h,
                imm_printf(a,
                        "SELECT id FROM part WHERE packed IS NULL AND id IN (SELECT %s FROM state)",
                        k->state_column),
                &parts, err);
        if (r >= 0) /* in order of the key: part, row */
                r = imm_history_prepare(h,
                        imm_printf(a, "SELECT %s FROM %s WHERE part = ?", columns, k->table), &rows,
                        err);
        if (r >= 0)
                r = imm_history_prepare(h, "UPDATE part SET packed = ? WHERE id = ?", &put_it, err);
        while (r >= 0 && (r = imm_history_step(h, parts, err)) > 0)
                *imm_array_push(a, &all) = sqlite3_column_int64(parts, 0);
        for (size_t i = 0; r >= 0 && i < all.n; i++) {
                imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();

                r = pack_one(h, rows, put_it, all.v[i], imm_part_width(k), scratch, packed, err);
        }
        return r;
}

int imm_history_pack(struct imm_history *h, struct imm_err *err) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_packed packed = {0};
        int r = 0;

        for (enum imm_part p = 0; r >= 0 && p < IMM_PART_N; p++)
                r = pack_kind(h, &imm_part_kinds[p], a, &packed, err);
        free(packed.v);
        return r < 0 ? r : 0;
}
