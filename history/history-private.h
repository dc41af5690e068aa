#pragma once

/* Inside history/: the database handle, prepared statements, and the parts of a state as tables. */

#include "base/map.h"
#include "history/history.h"

#include <sqlite3.h>

struct imm_history {
        sqlite3 *db;
        char *path;
        bool writable;
        unsigned jobs;
};

/* SQLite's result as a negative errno with a message that names the database. Never 0. */
int imm_history_fail(struct imm_history *h, struct imm_err *err, const char *doing);

int imm_history_exec(struct imm_history *h, const char *sql, struct imm_err *err);

static inline void imm_stmtp(sqlite3_stmt **s) {
        (void)sqlite3_finalize(*s);
}
#define imm_auto_stmt __attribute__((cleanup(imm_stmtp))) sqlite3_stmt

int imm_history_prepare(
        struct imm_history *h, const char *sql, sqlite3_stmt **ret, struct imm_err *err);
/* 1: a row; 0: done; negative errno */
int imm_history_step(struct imm_history *h, sqlite3_stmt *s, struct imm_err *err);

/* The run's own row as the head of a snapshot; -ENOENT with @err if there is no such run */
int imm_history_load_head(
        struct imm_history *h, int64_t run, struct imm_snapshot *to, struct imm_err *err);
/* @text (NULL is empty) at its newlines, copied */
void imm_history_lines(const char *text, struct imm_arena *a, struct imm_strv *to);

/* ---- parts ---- */

enum imm_column_type {
        IMM_COLUMN_TEXT,     /* const char *, as an id of the table text */
        IMM_COLUMN_LINES,    /* struct imm_strv, joined by newlines; stands in the row itself */
        IMM_COLUMN_INT,      /* int */
        IMM_COLUMN_UNSIGNED, /* unsigned, or an enum */
        IMM_COLUMN_BOOL,     /* bool */
};

struct imm_column {
        const char *name;
        enum imm_column_type type;
        size_t offset; /* in the item */
        bool shared;   /* it stands in the shared table, once for all rows that say the same */
};

enum imm_part {
        IMM_PART_SETTING,
        IMM_PART_CHECK,
        IMM_PART_MOUNT,
        IMM_PART_ACCESS,
        IMM_PART_NEED,
        IMM_PART_FINDING,
        IMM_PART_TEXT,
        IMM_PART_N,
};

struct imm_part_kind {
        const char *table, *state_column;
        const char *shared; /* table of what rows of many parts have in common; or NULL */
        const struct imm_column *columns;
        size_t n_columns;
        size_t n_compared; /* the first so many are all that audit/difference.h looks at */
        size_t item_size;
        size_t list; /* offset of the array in struct imm_state; of TEXT: unused */
};
extern const struct imm_part_kind imm_part_kinds[IMM_PART_N];

/* Every IMM_ARRAY has this layout. */
struct imm_items {
        char *v;
        size_t n, cap;
};

struct imm_text_item {
        const char *kind, *value;
};

/* Does the column stand in a part's own rows, and is it compared? */
static inline bool imm_column_compared(const struct imm_part_kind *k, size_t i) {
        return !k->columns[i].shared && i < k->n_compared;
}
/* How many numbers a row is compared by: that of the shared row, and those columns */
size_t imm_part_width(const struct imm_part_kind *k);

/* ---- rows as one value (pack.c) ---- */

struct imm_packed {
        unsigned char *v; /* of the heap, the owner's to free */
        size_t n, cap;
};

/* @n_rows rows of @width numbers; @to is filled anew. */
void imm_pack(const int64_t *cells, size_t n_rows, size_t width, struct imm_packed *to);
/* How many rows; false: it is no such value */
bool imm_packed_rows(const void *packed, size_t n, size_t width, size_t *ret);
/* Into @to, which has room for them; false: it is no such value */
bool imm_unpack(const void *packed, size_t n, size_t width, int64_t *to);
/* Packs what a database of an older version has. */
int imm_history_pack(struct imm_history *h, struct imm_err *err);

/* The items of @part in @s; those of IMM_PART_TEXT are gathered in @a. */
struct imm_items imm_part_items(const struct imm_state *s, enum imm_part part, struct imm_arena *a);
/* The other way: hands loaded items to the state. */
void imm_part_put(
        struct imm_state *s, enum imm_part part, struct imm_items items, struct imm_arena *a);

/* One value of an item: a text (true) or a number; of LINES it is neither */
bool imm_column_value(
        const struct imm_column *c, const char *item, const char **ret_text, int64_t *ret_int);
/* -EINVAL with @err: it lacks what its first column holds, the name of what all else is about */
int imm_item_check(struct imm_history *h, const struct imm_part_kind *k, const char *item,
        struct imm_err *err);
/* The other way: @text, which is kept as it is, or a number; of LINES @text is cut into @a. */
void imm_column_put(const struct imm_column *c, char *item, const char *text, int64_t number,
        struct imm_arena *a);

/* ---- digests: the addresses of content ---- */

struct imm_digest {
        unsigned char b[32];
};

struct imm_digests {
        struct imm_digest state, parts[IMM_PART_N];
};

/* Of those states of @s that are asked for, in @a; the others' are left zero */
struct imm_digests *imm_digests_of(
        const struct imm_snapshot *s, const bool *wanted, unsigned jobs, struct imm_arena *a);
/* Of the item's shared columns, to find the row by: what it says is compared as well */
int64_t imm_shared_hash(const struct imm_part_kind *k, const char *item);

/* ---- marks: the same in one database, found more quickly (mark.c) ---- */

struct imm_mark {
        unsigned char b[16];
};

/* SipHash-2-4-128 of @n bytes */
void imm_mark_bytes(const struct imm_mark *key, const void *bytes, size_t n, struct imm_mark *ret);
/* The database's own key */
int imm_mark_key(struct imm_history *h, struct imm_mark *ret, struct imm_err *err);
/* Of each state of @s, in @a */
struct imm_mark *imm_marks_of(const struct imm_snapshot *s, const struct imm_mark *key,
        unsigned jobs, struct imm_arena *a);

/*
 * Statements, in @a: a row of a part (part, row, the shared row's id if there is such a table, then
 * the part's own columns); the shared row (its hash, then its columns) looked for, and added; and
 * the columns of all rows of a part, with texts.
 */
const char *imm_part_insert_sql(enum imm_part part, struct imm_arena *a);
const char *imm_part_shared_find_sql(enum imm_part part, struct imm_arena *a);
const char *imm_part_shared_add_sql(enum imm_part part, struct imm_arena *a);
const char *imm_part_select_sql(enum imm_part part, struct imm_arena *a);
