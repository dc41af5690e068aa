/*
 * What would flip an answer. Which line might is a guess by what decided; whether it does is tried:
 * the unit with that line behind all others is computed and asked the same. Only what flips is
 * said.
 */

#include "analyzer/sandbox/access/access-private.h"

#include <linux/capability.h>

static const char *section_of(const struct imm_unit *u) {
        switch (u->type) {
        case IMM_UNIT_SOCKET:
                return "Socket";
        case IMM_UNIT_MOUNT:
                return "Mount";
        case IMM_UNIT_SWAP:
                return "Swap";
        default:
                return "Service";
        }
}

bool imm_flip_works(
        const struct imm_walk *w, const char *asked, enum imm_mode mode, const char *line) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_unit *u = w->s->unit;
        const struct imm_sandbox *sb = imm_sandbox_of(w->m, u);
        enum imm_command_kind kind = (enum imm_command_kind)(w->table - sb->mounts);
        const char *text = imm_printf(a, "[%s]\n%s\n", section_of(u), line);
        struct imm_access now, then;

        imm_access_compute(w->m, u, kind, asked, 0, a, &now);
        imm_access_compute(w->m, imm_unit_with_dropin(w->m, u, "/what-if.conf", text, a), kind,
                asked, 0, a, &then);
        return now.allowed[mode] >= 0 && then.allowed[mode] == !now.allowed[mode];
}

/* What a setting takes as one path; NULL: it would have to be quoted */
const char *imm_flip_value(const struct imm_walk *w, const char *path) {
        if (strpbrk(path, " \t\"'\\%:@"))
                return NULL;
        return w->table->root_directory ? imm_printf(w->a, "+%s", path) : path;
}

const char *imm_flip_to_no(const struct imm_walk *w, const char *asked, const struct imm_spot *at,
        enum imm_mode mode, const struct imm_verdict *v) {
        const char *path = imm_flip_value(w, at->path);
        const char *lines[4] = {0};
        size_t n = 0;

        if (path && mode == IMM_MODE_WRITE)
                lines[n++] = imm_printf(w->a, "ReadOnlyPaths=%s", path);
        if (path && mode == IMM_MODE_EXECUTE && S_ISREG(at->node.mode))
                lines[n++] = imm_printf(w->a, "NoExecPaths=%s", path);
        if (path)
                lines[n++] = imm_printf(w->a, "InaccessiblePaths=%s", path);
        if (mode == IMM_MODE_CONNECT)
                lines[n++] = "RestrictAddressFamilies=~AF_UNIX";
        else if (v->by == IMM_BY_CAPABILITY &&
                 (v->cap == CAP_DAC_OVERRIDE || v->cap == CAP_DAC_READ_SEARCH))
                lines[n++] = "CapabilityBoundingSet=~CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH";
        for (size_t i = 0; i < n; i++)
                if (imm_flip_works(w, asked, mode, lines[i]))
                        return imm_printf(w->a, "; %s would forbid it", lines[i]);
        return "";
}
