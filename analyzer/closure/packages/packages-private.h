#pragma once

/* The index of who owns which file, while it is filled from databases of several kinds */

#include "analyzer/closure/closure-private.h"

enum { IMM_PACKAGE_LIST_MAX = 64 << 20 };

struct packages {
        struct imm_closures *c;
        bool systemd_only;               /* files with "/systemd/" in their path */
        struct imm_strv names, versions; /* side by side; versions: NULL where the list has none */
        struct imm_map directories;      /* as listed -> real, or NULL if it does not exist */
        const char *last, *last_real;    /* the one asked for last */
        struct walk *w;                  /* where files are looked for first; NULL: none */
        uint32_t *owners;                /* of its nodes: index of the package plus one */
        size_t last_node;                /* of the directory asked for last; SIZE_MAX: none */
        struct imm_map files;            /* of all others: real path -> likewise */
        struct imm_map diverted;         /* as listed -> struct diversion */
        struct imm_arena *text;          /* where lists are read to */
        uint64_t taken;                  /* bytes of ALL_MAX (packages.c) */
        bool full;
        struct view view;
};

struct diversion {
        const char *to, *by;
};

/* A list of a database, writable, or NULL */
char *package_list(struct packages *p, const char *path);
/* Of several packages that list a file the first one has it, whatever the order they come in. */
void package_claim(struct packages *p, size_t node, uint32_t package);
void read_dpkg(struct packages *p); /* dpkg.c */
