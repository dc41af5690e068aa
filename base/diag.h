#pragma once

/*
 * Diagnostics: odd input. A misspelt setting, a value that systemd would ignore, a drop-in that is
 * hidden, a file that is too large. They are part of a result, never a reason to stop.
 */

#include "base/mem.h"

enum imm_diag_level {
        IMM_DIAG_NOTE,       /* worth knowing: "this drop-in is hidden by ..." */
        IMM_DIAG_WARNING,    /* systemd ignores this line or value */
        IMM_DIAG_ERROR,      /* the unit is refused by systemd because of this line */
        IMM_DIAG_UNREADABLE, /* we could not read it: the result is partial (exit status 3) */
};

struct imm_diag {
        enum imm_diag_level level;
        unsigned line;       /* from 1; 0 where no line is to blame */
        const char *file;    /* path inside the root, or as it was given; may be NULL */
        const char *setting; /* plain name of the setting concerned, or NULL */
        const char *code;    /* machine word, stable: "unknown-setting", "ignored-value", ... */
        const char *message; /* one line, for people; may hold hostile bytes: escape at the sink */
};

struct imm_diags {
        struct imm_diag *v;
        size_t n, cap;
};

/* Appends one; the message is formatted into @a, the other strings are borrowed from the caller. */
void imm_diag_add(struct imm_arena *a, struct imm_diags *to, enum imm_diag_level level,
        const char *code, const char *file, unsigned line, const char *setting, const char *fmt,
        ...) __attribute__((format(printf, 8, 9)));

/* "note", "warning", "error", "unreadable" */
const char *imm_diag_level_name(enum imm_diag_level level);
