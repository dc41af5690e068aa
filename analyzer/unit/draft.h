#pragma once

/*
 * Private to this room: one unit being made, from its name to its load state. Between the two steps
 * the files that it may need are read, of many units at once.
 */

#include "analyzer/unit/index.h"

/* What the name map says of a name */
struct unit_names {
        const char *id; /* the primary name */
        struct imm_strv names;
        const struct unit_entry *entry; /* NULL: no fragment */
        int error;                      /* -ELOOP, -ENXIO, -ENOENT */
};

/* Which fragment @name has, and all its names; in @a */
struct unit_names imm_unit_names_find(struct imm_manager *m, const char *name, struct imm_arena *a);

/* A unit being made: which files it may need, before they were read */
struct unit_draft {
        struct imm_unit *u;
        struct file_slot *fragment;
        struct dropin_list dropins;
        struct file_slot **slots;    /* of the drop-ins */
        const char *target;          /* of a linked fragment */
        const struct odd_entry *odd; /* there is no fragment, although something has the name */
};

/* The unit of these names, in its own arena @a that @f lives in too, and the files it asks for */
void imm_unit_draft(struct imm_manager *m, struct unit_draft *d, const struct unit_names *f,
        struct imm_arena *a);
/* When they were read: its files in order, its load state, its diagnostics */
void imm_unit_finish(const struct imm_manager *m, struct unit_draft *d);
