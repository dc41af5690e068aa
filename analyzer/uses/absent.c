#include "analyzer/uses/uses.h"

/*
 * What is not there at all: libraries without which the dynamic loader gives up, and programs that
 * env(1) does not find. Both end with status 127; systemd itself has started the command.
 */

static bool starts_service(enum imm_setting setting) {
        return setting == IMM_SETTING_EXEC_CONDITION || setting == IMM_SETTING_EXEC_START_PRE ||
               setting == IMM_SETTING_EXEC_START;
}

/* Does the kernel or the loader ask for it by itself, from the command down to it? */
static bool is_loaded(const struct imm_closure *cl, const struct imm_need *n) {
        if (n->confidence != IMM_CERTAIN ||
                (n->kind != IMM_NEED_LIBRARY && n->kind != IMM_NEED_INTERPRETER))
                return false;
        while (n->by >= 0) {
                n = &cl->v[n->by];
                if (n->confidence != IMM_CERTAIN || n->kind == IMM_NEED_MODULE ||
                        n->kind == IMM_NEED_COMMAND || n->kind == IMM_NEED_CONFIG)
                        return false;
        }
        return n->kind == IMM_NEED_PROGRAM;
}

static const struct imm_need *program_of(
        const struct imm_closure *cl, const struct imm_need *n, const struct imm_need **ret_by) {
        *ret_by = n;
        while (n->by >= 0) {
                n = &cl->v[n->by];
                if (n->kind != IMM_NEED_LIBRARY && (*ret_by)->kind == IMM_NEED_LIBRARY)
                        *ret_by = n;
        }
        return n;
}

/* A root without a C library is a part of one: what else is not there says nothing. */
static bool is_partial(const struct imm_closure *cl) {
        imm_array_foreach (n, cl) {
                if (n->kind == IMM_NEED_LIBRARY && !n->exists && imm_after(n->name, "libc."))
                        return true;
        }
        return false;
}

/*
 * A program of the system that no package has brought was unpacked, not installed: what it needs
 * has not been brought either. One of the administrator's own has nobody to bring it.
 */
static bool is_unpacked(struct imm_manager *m, const struct imm_need *program) {
        const char *path = program->host_path;
        struct stat st;

        if (!path || !imm_after(path, "/usr/") || imm_after(path, "/usr/local/") ||
                imm_root_stat(m->root, "/var/lib/dpkg/status", &st) < 0)
                return false;
        return !imm_package_of(imm_closures_of(m), path);
}

void imm_absent_find(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_preflight_list *ret) {
        bool elsewhere = s->unit->given_by_path && imm_root_is_host(m->root);
        const struct imm_closure *cl;

        if (s->load != IMM_LOAD_LOADED || s->unit->type != IMM_UNIT_SERVICE)
                return;
        cl = imm_closure_of(m, s->unit);
        if (is_partial(cl))
                return;
        for (size_t i = 0; cl->kind == IMM_CLOSURE_FILES && i < cl->n; i++) {
                const struct imm_need *n = &cl->v[i], *top, *by;
                struct imm_preflight *p;

                if (n->exists || n->created || n->optional || !is_loaded(cl, n))
                        continue;
                if (n->kind == IMM_NEED_INTERPRETER && n->path && strchr(n->name, '/'))
                        continue; /* the kernel's part: 203 */
                top = program_of(cl, n, &by);
                if (!starts_service(top->setting) || !top->exists)
                        continue;
                p = imm_array_push(a, ret);
                *p = (struct imm_preflight){.when = elsewhere || is_unpacked(m, top)
                                                            ? IMM_PREFLIGHT_ABSENT
                                                            : IMM_PREFLIGHT_START,
                        .outcome = IMM_OUTCOME_EXEC_FAILURE,
                        .status = "127",
                        .culprit = n->name,
                        .setting = top->setting,
                        .origin = top->origin,
                        .why = imm_printf(a, "127: %s is not there, which %s needs", n->name,
                                by->path ? by->path : by->name)};
        }
}
