#pragma once

/* What the files of this folder share: a walk while it is made, and what is left of an earlier one.
 */

#include "analyzer/closure/closure-private.h"
#include "base/crew.h"

#include <stdatomic.h>

/* A directory, and what lies in it */
struct entry {
        const char *name;
        struct listing *below; /* of a directory that is gone into; else NULL */
        uint64_t size;
        mode_t mode;
        uid_t uid;
        gid_t gid;
};

struct listing {
        struct listing *above;   /* NULL: the top */
        const char *name;        /* there */
        struct seen_folder seen; /* before it was listed */
        uint32_t kept;           /* its number in what is kept, plus one; 0: none */
        unsigned depth;
        int fd;            /* while those below it are opened; -1: none */
        atomic_uint users; /* of that */
        bool fresh;        /* it was listed, not known */
        int error;
        const char *why; /* not looked into */
        struct entry *e;
        size_t n;
};

/* ---- what an earlier walk has left (kept.c) ---- */

struct kept_folder { /* as it was when it was listed; all zero: it is not known again */
        struct seen_folder seen;
        uint32_t first, n; /* entries */
};

struct kept_entry {
        uint32_t name;  /* in the text */
        uint32_t below; /* of a directory: its number plus one; 0: not gone into */
        uint32_t type;  /* DT_* */
};

struct kept_walk {
        const char *text;
        const struct kept_folder *folders; /* the first is the root's top */
        const struct kept_entry *entries;
        size_t n_text, n_folders, n_entries;
};

/* NULL: nothing is kept for the root whose top is @top. */
const struct kept_walk *walk_kept(
        struct imm_closures *c, const struct seen_folder *top, struct imm_arena *a);
/* The entries of @l, if it is as it was; else NULL */
const struct kept_folder *kept_folder(const struct kept_walk *k, const struct listing *l);

/* ---- reading all of it (read.c) ---- */

struct reading {
        struct listing *top; /* NULL: there is nothing */
        size_t n_entries, n_folders;
};
/* Names are made in arenas of @c; all else lives in @a. */
struct reading walk_read(struct imm_closures *c, enum walk_kind kind, struct imm_arena *a);
const char *listing_path(const struct listing *l, struct imm_arena *a);
