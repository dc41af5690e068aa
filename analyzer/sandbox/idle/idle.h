#pragma once

/*
 * Idle lines: settings of a unit's files that look good and do nothing there.
 *
 * What decides is the counterfactual: the unit is computed once more without the line, and where
 * neither another setting nor the identity, the mount table or the outcome of any of its commands
 * changes, the line is idle. Then the reason is looked for. Only settings of the sandbox are tried,
 * and of those whose effect cannot be computed (filters, limits) only whether their value changes.
 */

#include "analyzer/sandbox/sandbox.h"
#include "base/confidence.h"

struct imm_idle {
        const char *code; /* "undone", "missing-path": a word of rules/ineffective */
        const struct imm_unit_file *file;
        const struct imm_assignment *assignment;
        enum imm_setting setting;
        enum imm_confidence confidence;
        const char *why; /* one line */
};
struct imm_idle_list {
        struct imm_idle *v;
        size_t n, cap;
};

/*
 * @s: the settings of @u, @sb what comes of them (imm_sandbox_assume()); NULL where units of that
 * type have no processes: then only lines that later ones make void are told. Lines that systemd
 * itself ignores are not among the result: they are in the settings' diagnostics.
 */
void imm_idle_find(struct imm_manager *m, struct imm_unit *u, const struct imm_settings *s,
        const struct imm_sandbox *sb, struct imm_arena *a, struct imm_idle_list *ret);
