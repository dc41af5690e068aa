#pragma once

/*
 * Writing JSON: a stream, so that a report of 50,000 units needs no tree in memory. Strings may
 * hold any bytes: control characters come out escaped, each invalid byte as U+FFFD. Errors of the
 * FILE stick to it; check it at the end.
 *
 *     imm_json_object(j, NULL);
 *     imm_json_string(j, "unit", name);
 *     imm_json_array(j, "mounts");
 *     ...
 *     imm_json_end(j);
 *     imm_json_end(j);
 *
 * The key is NULL for members of arrays and for the document itself.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum imm_json_format {
        IMM_JSON_OFF,
        IMM_JSON_SHORT,  /* one line */
        IMM_JSON_PRETTY, /* indented */
};

/* Text in memory; @v is the reader's to free */
struct imm_json_text {
        char *v;
        size_t n, cap;
};

struct imm_json {
        FILE *f;                    /* borrowed */
        struct imm_json_text *text; /* where to write instead, or NULL; borrowed */
        bool pretty;
        unsigned depth;
        uint64_t open;  /* bit per depth: 1 is an object, 0 an array */
        uint64_t begun; /* bit per depth: a member was written */
};

struct imm_json imm_json_on(FILE *f, enum imm_json_format format);
void imm_json_object(struct imm_json *j, const char *key);
void imm_json_array(struct imm_json *j, const char *key);
void imm_json_end(struct imm_json *j); /* the innermost; at depth 0 ends the line too */
void imm_json_string(struct imm_json *j, const char *key, const char *value); /* NULL: null */
void imm_json_int(struct imm_json *j, const char *key, int64_t value);
void imm_json_uint(struct imm_json *j, const char *key, uint64_t value);
void imm_json_bool(struct imm_json *j, const char *key, bool value);
void imm_json_null(struct imm_json *j, const char *key);
/* A value that is JSON already: for what is written many times alike */
void imm_json_raw(struct imm_json *j, const char *key, const char *text, size_t n);
/*
 * Members of the array that @j has open, written elsewhere, by another thread perhaps: each with
 * the comma before it. imm_json_append() takes their text over.
 */
struct imm_json imm_json_part(const struct imm_json *j, struct imm_json_text *text);
void imm_json_append(struct imm_json *j, const char *text, size_t n);
/* Members of the array that @j has open: @n strings, each @start and @v[i] joined. Of a store
 * they are as many as 50,000. */
void imm_json_strings(struct imm_json *j, const char *start, const char *const *v, size_t n);
/* -1 null, 0 false, 1 true: what is not known is null */
void imm_json_tristate(struct imm_json *j, const char *key, int value);
