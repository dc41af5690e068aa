#include "analyzer/closure/closure-private.h"

#include <errno.h>

const char *imm_need_kind_name(enum imm_need_kind k) {
        static const char *const names[IMM_NEED_KIND_N] = {
                [IMM_NEED_PROGRAM] = "program",
                [IMM_NEED_INTERPRETER] = "interpreter",
                [IMM_NEED_LOADER] = "loader",
                [IMM_NEED_LIBRARY] = "library",
                [IMM_NEED_MODULE] = "module",
                [IMM_NEED_COMMAND] = "command",
                [IMM_NEED_CONFIG] = "configuration",
                [IMM_NEED_STATE] = "state",
                [IMM_NEED_STORE_PATH] = "store-path",
        };

        return names[k];
}

bool imm_need_is_missing(const struct imm_need *n) {
        return n->visible == 0 && n->confidence <= IMM_LIKELY && !n->created;
}

const char *hidden_by(struct builder *b, const struct place *p, int error) {
        const struct imm_mount *m = p->mount;

        if (!m)
                return "not there";
        if (m->inaccessible || !m->of_host)
                return imm_printf(b->arena, "%s %s%s%s", m->path,
                        m->inaccessible                 ? "is made inaccessible"
                        : error == -ENODATA             ? "is a new file system"
                        : imm_streq(m->fstype, "tmpfs") ? "is an empty tmpfs"
                                                        : "is mounted over",
                        m->setting < IMM_SETTING_N
                                ? imm_printf(
                                          b->arena, " by %s=", imm_setting_info(m->setting)->name)
                                : "",
                        m->origin.kind == IMM_ORIGIN_DEFAULT
                                ? ""
                                : imm_printf(b->arena, " (%s)",
                                          imm_origin_text(&m->origin, b->arena)));
        return error == -ENODATA ? "on a file system that is made at boot" : "not there";
}

static struct imm_need *add(struct builder *b, const struct want *w, const char *path) {
        struct imm_closure *c = b->closure;
        struct imm_need *n = imm_array_push(b->arena, c);

        *n = (struct imm_need){
                .path = path,
                .name = w->name,
                .kind = w->kind,
                .confidence = w->confidence,
                .reason = w->reason,
                .by = w->by,
                .setting = w->by == IMM_NEED_BY_UNIT ? b->setting : IMM_SETTING_N,
                .origin = w->by == IMM_NEED_BY_UNIT ? b->origin : (struct imm_origin){0},
                .tree = w->tree,
                .created = w->created,
                .optional = b->optional,
                .visible = -1,
        };
        imm_map_put(b->arena, &b->index, n->path, (void *)(uintptr_t)c->n);
        return n;
}

/* A need that is asked for again: what is surer wins, with its reason. */
static struct imm_need *again(struct builder *b, const struct want *w, const char *path) {
        uintptr_t i = (uintptr_t)imm_map_get(&b->index, path);
        struct imm_need *n;

        if (i == 0)
                return NULL;
        n = &b->closure->v[i - 1];
        if (w->confidence < n->confidence) {
                n->confidence = w->confidence;
                n->kind = w->kind;
                n->reason = w->reason;
                if (w->by < (int)(i - 1)) {
                        n->by = w->by;
                        n->setting = w->by == IMM_NEED_BY_UNIT ? b->setting : IMM_SETTING_N;
                        n->origin = w->by == IMM_NEED_BY_UNIT ? b->origin : (struct imm_origin){0};
                }
        }
        n->tree |= w->tree;
        n->created |= w->created;
        n->optional &= b->optional;
        return n;
}

/* One command sees it and another does not: who needs it as surely, and must not fail, counts. */
static bool is_missed_too(const struct builder *b, const struct want *w, const char *path) {
        uintptr_t i = (uintptr_t)imm_map_get(&b->index, path);
        const struct imm_need *n = i ? &b->closure->v[i - 1] : NULL;

        return n && n->visible == 1 && !w->outside && !b->blind && w->confidence <= n->confidence &&
               (!b->optional || n->optional);
}

int need_place(struct builder *b, const struct want *w, const struct place *p, bool visible,
        const char *why, bool *ret_new) {
        bool missed_too = !visible && is_missed_too(b, w, p->path);
        struct imm_need *n = again(b, w, p->path);

        if (ret_new)
                *ret_new = !n;
        if (!n) {
                n = add(b, w, p->path);
                n->host_path = p->node ? p->node->host : NULL;
                n->exists = true;
                n->visible = w->outside ? 1 : b->blind ? -1 : visible;
                n->hidden = visible ? NULL : why;
        } else if (visible && n->visible < 1 && !n->exists) {
                n->host_path = p->node ? p->node->host : NULL;
                n->exists = true;
                n->visible = b->blind ? -1 : 1;
                n->hidden = NULL;
        } else if (missed_too) {
                n->visible = 0;
                n->hidden = why;
        }
        for (size_t i = 0; i < p->links.n; i++)
                if (!imm_strv_has(&n->links, p->links.v[i]))
                        imm_strv_add(b->arena, &n->links, p->links.v[i]);
        return (int)(n - b->closure->v);
}

int need_absent(struct builder *b, const struct want *w, const char *path, const char *why) {
        struct imm_need *n = again(b, w, path);

        if (!n) {
                n = add(b, w, path);
                n->visible = b->blind && !w->outside ? -1 : 0;
                n->hidden = why;
        }
        return (int)(n - b->closure->v);
}

int need_known(struct builder *b, const struct want *w, const struct imm_need *n) {
        struct node node = {.host = n->host_path};
        const struct place p = {
                .path = n->path, .node = n->host_path ? &node : NULL, .links = n->links};

        return n->exists ? need_place(b, w, &p, true, NULL, NULL)
                         : need_absent(b, w, n->path, n->hidden);
}

int need_file(
        struct builder *b, const struct want *w, bool must, struct place *ret, bool *ret_new) {
        struct place p, real;
        int k = view_find(&b->view, b->cwd, w->name, &p);
        const char *why;

        if (ret_new)
                *ret_new = false;
        if (k == 0) {
                *ret = p;
                return need_place(b, w, &p, true, NULL, ret_new);
        }
        if (k == -ENODATA) { /* /proc, /sys, /dev: the kernel's, no files to need */
                *ret = p;
                return k;
        }
        why = hidden_by(b, &p, k);
        if (b->hides && view_find(&b->plain, b->cwd, w->name, &real) == 0) {
                *ret = real;
                return need_place(b, w, &real, false, why, ret_new);
        }
        *ret = (struct place){.path = w->name};
        if (!must)
                return k;
        if (ret_new)
                *ret_new = !imm_map_has(&b->index, w->name);
        return need_absent(b, w, w->name, why);
}
