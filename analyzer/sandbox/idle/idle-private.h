#pragma once

/* What idle.c and idle/why.c share. */

#include "analyzer/sandbox/idle/idle.h"

enum imm_idle_class {
        IMM_IDLE_NOT_TRIED,
        IMM_IDLE_VALUE, /* has its effect where its value differs */
        IMM_IDLE_TABLE, /* its effect is wholly in the mount table */
        IMM_IDLE_WORLD, /* its effect is wholly in the identity and the mount table */
};

struct imm_idle_work {
        struct imm_manager *m;
        struct imm_unit *u;
        const struct imm_settings *s;
        const struct imm_sandbox *sb;
        struct imm_arena *a;       /* of the result */
        struct imm_arena *scratch; /* of one line */
};

/* One line on trial */
struct imm_idle_line {
        const struct imm_unit_file *file;
        const struct imm_assignment *assignment;
        enum imm_setting setting;
};

/* Is it the line that @o names? */
bool imm_idle_at_line(const struct imm_idle_line *l, const struct imm_origin *o);
/* A slice above may deny what the unit allows. */
bool imm_idle_slice_denies(const struct imm_idle_work *w);
/*
 * A setting that is there and can do nothing because of what the others say (SystemCallErrorNumber=
 * without a filter): its reason, or NULL.
 */
const char *imm_idle_needs_other(const struct imm_idle_work *w, enum imm_setting id);
/* A line whose counterpart takes it back, or that says what holds anyway: its reason, or NULL.
 * *ret_code is set with it. */
const char *imm_idle_undone(
        const struct imm_idle_work *w, const struct imm_idle_line *l, const char **ret_code);
/* named.c: the same of variables and of credentials */
const char *imm_idle_environment(
        const struct imm_idle_work *w, const struct imm_idle_line *l, const char **ret_code);
const char *imm_idle_credential(
        const struct imm_idle_work *w, const struct imm_idle_line *l, const char **ret_code);
/* Does it count for no command at all, in that manager or with these prefixes? Its reason, or NULL.
 * *ret_code is set with it. */
const char *imm_idle_for_nobody(
        const struct imm_idle_work *w, enum imm_setting id, const char **ret_code);
/* The line was shown to change nothing: why. @same_value: not even its own setting's value. */
void imm_idle_explain(const struct imm_idle_work *w, const struct imm_idle_line *l,
        const struct imm_settings *without, bool same_value, struct imm_idle *ret);
