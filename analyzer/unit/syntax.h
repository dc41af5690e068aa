#pragma once

/*
 * The syntax of unit files, exactly as systemd reads it: lines, continuations, comments, sections,
 * assignments. Also that of our rules and waivers. Nothing is unquoted or expanded here.
 *
 * Odd but true: CR and NUL end lines too; a byte order mark is skipped at the start of any one line
 * and makes that line no comment; comments may stand between continued lines; a line that is not
 * UTF-8, a broken section header or an over-long line ends the reading (of a fragment: the unit is
 * refused; of a drop-in: what stood before still counts). Source: systemd.syntax(7), tests/lab.
 */

#include "analyzer/unit/unit.h"

struct imm_syntax {
        /* NULL-terminated; others get a diagnostic and are skipped, X-... silently. NULL: all */
        const char *const *sections;
        unsigned version; /* of systemd */
};

/*
 * Parses @text (changed on the way; only read during the call) into @ret, whose path and kind the
 * caller has set. Strings live in @a. ret->status is 0, or -EBADMSG (section header), -ENOBUFS
 * (over-long line), -EILSEQ (not UTF-8): it then holds what stood before.
 */
void imm_syntax_parse(const struct imm_syntax *s, char *text, size_t size, struct imm_arena *a,
        struct imm_unit_file *ret);

/* The sections that a unit of this type has; NULL-terminated */
const char *const *imm_unit_sections(enum imm_unit_type t);
