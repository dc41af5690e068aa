#pragma once

/*
 * Whole answers, kept between runs: what a service needs, with the question that it answers and all
 * files that it was found by.
 *
 * An answer counts where the question is the same to the letter (the settings, where each value
 * comes from, and the mount table that each of its commands sees, all of which is computed anew)
 * and every path that was looked at is what it was: missing, a directory, a link to the same
 * target, a file of the same mode and owner; and where its content mattered, the very same file by
 * device, inode, size and both times, on the machine's own file system. Paths are looked at once
 * for all services. What depends on more, as on all that a folder holds, is not kept, nor is what
 * changed just before the run. Any doubt means that the answer is found anew.
 */

#include "analyzer/closure/closure-private.h"

enum { QUESTION_SIZE = 32 };

/* What is asked, as a digest (question.c); what the service sees must be known already. */
void question_of(struct builder *b, unsigned char ret[QUESTION_SIZE]);

/* Fills in b->closure with an answer of an earlier run: true if there is one that still holds. */
bool answers_get(struct builder *b, const unsigned char question[QUESTION_SIZE]);
/* What was @found now, which stays until answers_keep(), by what b->sight has. */
void answers_note(struct builder *b, const unsigned char question[QUESTION_SIZE],
        const struct imm_closure *found);
/* Writes all answers that hold, and those of services that were not asked for. */
void answers_keep(struct imm_closures *c);

/* ---- an answer as a row of numbers, in which texts are places in a pool (record.c) ---- */

struct pool { /* of texts, each once; the first is "" */
        struct imm_arena *arena;
        struct imm_map places; /* text -> its place plus one */
        IMM_ARRAY(char) text;
};
uint32_t pool_put(struct pool *p, const char *s); /* 0: NULL */

struct words {
        struct imm_arena *arena;
        IMM_ARRAY(uint32_t) w;
};
struct reader {
        const uint32_t *p;
        size_t n;
        const char *text; /* ends with a NUL */
        size_t n_text;
        bool broken;
};
uint32_t read_word(struct reader *r);
const char *read_text_at(struct reader *r); /* NULL: none, or broken */

void record_put(struct words *w, struct pool *p, const struct imm_closure *c);
/* False: broken. Texts are those of the pool. */
bool record_get(struct reader *r, struct imm_arena *a, struct imm_closure *ret);

/* ---- how a path was found (witness.c) ---- */

struct witness {
        uint64_t dev, ino, size;
        int64_t mtime, ctime;
        uint32_t mtime_n, ctime_n;
        uint32_t path, target; /* in the pool */
        uint32_t mode, uid, gid;
        int32_t error;
        uint32_t read; /* 1: the content mattered, and all from dev on is set */
        uint32_t unused;
};
/* False: it cannot be told whether it will be the same */
bool witness_of(
        const struct node *n, dev_t trusted, time_t since, struct pool *p, struct witness *ret);
bool witness_holds(const struct witness *w, const struct node *n, const char *target);

/* ---- the file (answers.c, keep.c) ---- */

#define ANSWERS_MAGIC "immure answers\n" /* sixteen bytes with the NUL */
#define ANSWERS_PREFIX "closures"
enum { ANSWERS_MAX = 64 << 20 };

/*
 * The file: this head, the texts (the first tells whose it is), the witnesses, the units, and the
 * numbers. It is for the machine and the program that wrote it.
 */
struct head {
        char magic[16];
        uint64_t sum; /* of all behind it */
        uint64_t n_text, n_witnesses, n_units, n_words;
};

struct unit_row {
        unsigned char question[QUESTION_SIZE];
        uint32_t name;
        uint32_t day;   /* since 1970, on which it was asked for last */
        uint32_t at, n; /* words: the witnesses, each a number, then the answer */
        uint32_t n_witnesses, unused;
};

/* Of an earlier run */
struct old {
        const struct unit_row *row;
        bool asked, holds;
};

/* Of this one */
struct fresh {
        const char *key;
        unsigned char question[QUESTION_SIZE];
        const struct imm_closure *closure;
        struct sight sight;
};

struct answers {
        struct imm_arena *arena;
        const char *path, *tag;
        const char *text;
        const struct witness *witnesses;
        const uint32_t *words;
        size_t n_text, n_witnesses, n_words;
        unsigned char *held;  /* of each witness: 1 it is as it was, 2 it is not; 0 not asked yet */
        struct imm_map units; /* key -> struct old */
        IMM_ARRAY(struct fresh) fresh;
};
/* The words of an answer, its witnesses first */
struct reader answers_read(const struct answers *x, const struct unit_row *row);
