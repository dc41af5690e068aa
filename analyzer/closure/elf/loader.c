#include "analyzer/closure/elf/loader.h"

#include <errno.h>

/*
 * What ld.so maps for a program, found as ld.so(8) finds it: breadth first over DT_NEEDED; each
 * name first among what is loaded already, then by RPATH, LD_LIBRARY_PATH, RUNPATH, the cache and
 * the built-in directories. The whole search is done in the service's view and, only for what that
 * lacks, again in the plain root, to tell what the sandbox hides.
 */

enum { OBJECTS_MAX = 10000 };

/* ---- the objects ---- */

/* musl has these in the loader itself. */
static bool is_musl_builtin(const char *name) {
        static const char *const parts[] = {"c", "pthread", "rt", "m", "dl", "util", "xnet"};
        const char *s = imm_after(name, "lib");

        for (size_t i = 0; s && i < IMM_ELEMENTSOF(parts); i++) {
                const char *rest = imm_after(s, parts[i]);

                if (rest && *rest == '.')
                        return true;
        }
        return false;
}

static struct object *loaded(struct loading *l, const char *name) {
        uintptr_t i = (uintptr_t)imm_map_get(&l->by_name, name);

        return i ? &l->objects.v[i - 1] : NULL;
}

/* The first that has a name keeps it. */
static void add_name(struct loading *l, const char *name, const struct object *o) {
        if (name && *name && !imm_map_has(&l->by_name, name))
                imm_map_put(
                        l->b->arena, &l->by_name, name, (void *)(uintptr_t)(o - l->objects.v + 1));
}

static void push_object(struct loading *l, const struct object *o, const char *name) {
        struct object *at = imm_array_push(l->b->arena, &l->objects);

        *at = *o;
        add_name(l, name, at);
        add_name(l, at->opened, at);
        if (at->elf && !(l->ldso && l->ldso->musl)) /* musl asks nobody for his name */
                add_name(l, at->elf->soname, at);
}

static struct object *same_file(struct loading *l, const struct node *n) {
        for (size_t i = 0; i < l->objects.n; i++) {
                const struct node *have = l->objects.v[i].place.node;

                if (have && (have == n || (have->dev == n->dev && have->ino == n->ino)))
                        return &l->objects.v[i];
        }
        return NULL;
}

static const char *directory_of(struct builder *b, const char *path) {
        const char *slash = strrchr(path, '/');

        if (*path != '/')
                path = imm_printf(b->arena, "%s/%s", b->cwd ? b->cwd : "", path);
        slash = strrchr(path, '/');
        return slash == path ? "/" : imm_strndup(b->arena, path, (size_t)(slash - path));
}

static const char *why_hidden(struct builder *b, const struct place *real) {
        struct place p;
        int k = view_find(&b->view, NULL, real->path, &p);

        if (k == 0 && !builder_may_read(b, &p))
                return "the service may not read it";
        return k < 0 ? hidden_by(b, &p, k) : "not found by the search that the sandbox allows";
}

static void report_broken(struct builder *b, struct node *n) {
        if (n->elf_error == 0 || S_ISDIR(n->mode))
                return;
        imm_diag_add(b->arena, &b->closure->diags,
                n->elf_error == -EBADMSG || n->elf_error == -ENOEXEC ? IMM_DIAG_WARNING
                                                                     : IMM_DIAG_UNREADABLE,
                "broken-elf", n->host, 0, NULL, "cannot be read as an ELF file: %s",
                n->elf_why ? n->elf_why : strerror(-n->elf_error));
}

static int add_object(struct loading *l, const char *name, size_t loader, const struct found *f,
        enum imm_need_kind kind, enum imm_confidence confidence, const char *reason) {
        struct builder *b = l->b;
        struct want w = {
                .name = name,
                .kind = kind,
                .confidence = confidence,
                .reason = reason,
                .by = l->objects.v[loader].need,
        };
        struct object o = {.place = f->place, .opened = f->opened, .loader = loader};
        const char *why = NULL;

        if (l->objects.n >= OBJECTS_MAX)
                return -E2BIG;
        o.elf = node_elf(b->c, f->place.node);
        if (!o.elf)
                report_broken(b, f->place.node);
        o.origin = directory_of(b, f->opened);
        if (f->visible && S_ISDIR(f->place.node->mode))
                why = "a directory: the loader takes it, and gives up";
        else if (f->visible && f->place.node->elf_error == -ENOEXEC)
                why = "no ELF file: the loader takes it, and gives up";
        else if (!f->visible)
                why = why_hidden(b, &f->place);
        if (l->soft && why)
                w.confidence = IMM_POSSIBLE;
        o.need = need_place(b, &w, &f->place, f->visible && !why, why, NULL);
        if (!l->soft || f->place.node->elf_error == 0) /* what it does without is not loaded then */
                push_object(l, &o, name);
        return 0;
}

/* @must: the loader gives up without it. */
static int load(struct loading *l, const char *name, size_t loader, bool must,
        enum imm_need_kind kind, enum imm_confidence confidence, const char *what) {
        struct builder *b = l->b;
        struct found f = {0};
        struct object *o;

        if (!*name || loaded(l, name))
                return 0;
        if (l->ldso->musl && is_musl_builtin(name))
                return 0;
        if (!library_find(l, name, loader, &f)) {
                struct want w = {.name = name,
                        .kind = kind,
                        .confidence = confidence,
                        .reason = imm_printf(b->arena, "%s %s", what, name),
                        .by = l->objects.v[loader].need};

                if (l->soft)
                        w.confidence = IMM_POSSIBLE;
                if (must)
                        need_absent(b, &w, f.opened ? f.opened : name,
                                "not found by the dynamic loader");
                return -ENOENT;
        }
        o = same_file(l, f.place.node);
        if (o) {
                add_name(l, name, o);
                return 0;
        }
        if (!f.reason || !imm_streq(what, "needs"))
                f.reason = imm_printf(b->arena, "%s %s, found by %s", what, name, f.how);
        return add_object(l, name, loader, &f, kind, confidence, f.reason);
}

enum { FILTERS_MAX = 100 };

/* Of a filter the objects that it stands for come next, before what others needed earlier. */
static void load_needed_of(struct loading *l, size_t i, enum imm_need_kind kind,
        enum imm_confidence confidence, unsigned depth) {
        const struct imm_elf *e = l->objects.v[i].elf;
        const struct imm_strv *filtees[2];

        if (!e || l->objects.v[i].done)
                return;
        l->objects.v[i].done = true;
        for (size_t k = 0; k < e->needed.n; k++)
                (void)load(l, e->needed.v[k], i, true, kind, confidence, "needs");
        if (l->ldso->musl) /* it knows no filters */
                return;
        for (size_t k = 0; k < e->filter.n; k++)
                (void)load(l, e->filter.v[k], i, true, kind, confidence, "is a filter of");
        for (size_t k = 0; k < e->auxiliary.n; k++)
                (void)load(l, e->auxiliary.v[k], i, false, kind, confidence,
                        "is an auxiliary filter of");
        filtees[0] = &e->filter;
        filtees[1] = &e->auxiliary;
        for (size_t f = 0; f < IMM_ELEMENTSOF(filtees) && depth < FILTERS_MAX; f++)
                for (size_t k = 0; k < filtees[f]->n; k++) {
                        const struct object *o = loaded(l, filtees[f]->v[k]);

                        if (o)
                                load_needed_of(
                                        l, (size_t)(o - l->objects.v), kind, confidence, depth + 1);
                }
}

static void load_needed(
        struct loading *l, size_t from, enum imm_need_kind kind, enum imm_confidence confidence) {
        for (size_t i = from; i < l->objects.n; i++)
                load_needed_of(l, i, kind, confidence, 0);
}

/* What cannot be preloaded is passed over, with a warning. */
static void load_preloads(struct loading *l, const char *list, const char *what) {
        l->soft = true;
        while (*list) {
                size_t n = strcspn(list, " :\t\n");

                if (n > 0)
                        (void)load(l, imm_strndup(l->b->arena, list, n), 0, false, IMM_NEED_LIBRARY,
                                l->confidence, what);
                list += n + (list[n] != 0);
        }
        l->soft = false;
}

static void load_preload_file(struct loading *l) {
        struct builder *b = l->b;
        struct place p;

        if (!l->ldso->preload || view_find(&b->view, NULL, l->ldso->preload, &p) < 0 || !p.node ||
                !*node_text(b->c, p.node))
                return;
        (void)need_place(b,
                &(struct want){.name = l->ldso->preload,
                        .kind = IMM_NEED_CONFIG,
                        .confidence = IMM_LIKELY,
                        .reason = "the loader's list of libraries for all programs",
                        .by = l->objects.v[0].need},
                &p, true, NULL, NULL);
        load_preloads(l, node_text(b->c, p.node), "is told by ld.so.preload to load");
}

const struct object *loaded_objects(const struct loading *l, size_t *ret_n) {
        *ret_n = l->objects.n;
        return l->objects.v;
}

unsigned loader_minor(const struct loading *l) {
        return l->ldso->minor;
}

int load_module(struct loading *l, size_t by, const char *name, enum imm_confidence confidence,
        const char *reason) {
        size_t from = l->objects.n;
        int k;

        l->soft = true;
        k = load(l, name, by, false, IMM_NEED_MODULE, confidence, reason);
        if (k == 0)
                load_needed(l, from, IMM_NEED_LIBRARY, confidence);
        l->soft = false;
        return k;
}

/* What objects say in .note.dlopen that they may load: the first of each list that is there */
static void load_noted(struct loading *l) {
        struct builder *b = l->b;

        for (size_t i = 0; i < l->objects.n; i++) {
                const struct imm_elf *e = l->objects.v[i].elf;

                for (size_t k = 0; e && k < e->n_dlopen; k++) {
                        const struct imm_elf_dlopen *d = &e->dlopen[k];
                        enum imm_confidence sure =
                                d->priority == IMM_DLOPEN_SUGGESTED ? IMM_POSSIBLE : IMM_LIKELY;
                        const char *why = imm_printf(b->arena, "may load (%s)",
                                d->feature       ? d->feature
                                : d->description ? d->description
                                                 : "note");

                        if (sure < l->confidence)
                                sure = l->confidence;
                        for (size_t s = 0; s < d->sonames.n; s++)
                                if (load_module(l, i, d->sonames.v[s], sure, why) == 0)
                                        break;
                }
        }
}

static const struct ldso *find_loader(struct loading *l, const char *interpreter, int program) {
        struct builder *b = l->b;
        struct place p;
        int k = need_file(b,
                &(struct want){.name = interpreter,
                        .kind = IMM_NEED_LOADER,
                        .confidence = l->confidence,
                        .reason = imm_printf(
                                b->arena, "the program's ELF interpreter %s", interpreter),
                        .by = program},
                true, &p, NULL);

        if (k < 0 || !p.node)
                return NULL;
        if (!node_elf(b->c, p.node) && S_ISREG(p.node->mode)) /* else the kernel will not have it */
                report_broken(b, p.node);
        push_object(l,
                &(struct object){
                        .place = p,
                        .elf = node_elf(b->c, p.node),
                        .opened = interpreter,
                        .origin = directory_of(b, interpreter),
                        .need = k,
                },
                NULL);
        return node_ldso(b->c, p.node);
}

static bool names_origin(const char *path) {
        return path && (strstr(path, "$ORIGIN") || strstr(path, "${ORIGIN}"));
}

bool origin_may_not_count(const struct imm_elf *e, const struct node *n) {
        return n->mode & (S_ISUID | S_ISGID) &&
               (names_origin(e->rpath) || names_origin(e->runpath));
}

/* Then the kernel tells the loader to distrust the environment, and where the program lies
 * (AT_SECURE). Asked only where it matters. */
static bool gains_privileges(struct builder *b, const struct imm_elf *e, const struct place *at) {
        const struct imm_identity *caller;
        struct imm_identity id;

        if (!b->library_path && !b->preload && !b->audit && !origin_may_not_count(e, at->node))
                return false;
        caller = b->settings ? builder_caller(b) : NULL;
        if (!caller || !b->view.table)
                return ((at->node->mode & S_ISUID) && at->node->uid != 0) ||
                       ((at->node->mode & S_ISGID) && (at->node->mode & S_IXGRP) &&
                               at->node->gid != 0);
        id = *caller;
        imm_identity_exec(b->m, b->settings, b->view.table, at->path, b->arena, &id);
        /* file capabilities give root nothing that it had not */
        return id.set_id && (id.uid != caller->uid || id.gid != caller->gid || caller->uid != 0);
}

void load_here(struct builder *b, int program, const struct place *at) {
        const struct imm_elf *e = node_elf(b->c, at->node);
        struct loading l = {.b = b, .main = e, .confidence = b->closure->v[program].confidence};
        static const struct ldso none = {.lib = "lib", .variants = {.n = 0}};

        l.secure = gains_privileges(b, e, at);
        push_object(&l,
                &(struct object){
                        .place = *at,
                        .elf = e,
                        .opened = "",
                        .origin = directory_of(b, at->path),
                        .need = program,
                },
                NULL);
        l.ldso = find_loader(&l, e->interpreter, program);
        if (!l.ldso)
                l.ldso = &none;
        if (b->audit && *b->audit && !l.secure && !l.ldso->musl)
                load_preloads(&l, b->audit, "is told by LD_AUDIT to load");
        if (b->preload && *b->preload && !l.secure)
                load_preloads(&l, b->preload, "is told by LD_PRELOAD to load");
        load_preload_file(&l);
        load_needed(&l, 0, IMM_NEED_LIBRARY, l.confidence);
        load_noted(&l);
        if (!l.ldso->musl)
                load_nss(&l, b, l.confidence);
        if (l.tries >= TRIES_MAX)
                imm_diag_add(b->arena, &b->closure->diags, IMM_DIAG_UNREADABLE, "broken-elf",
                        at->node->host, 0, NULL,
                        "its libraries would be looked for in more than %d directories: not all "
                        "were",
                        TRIES_MAX);
}

void load_program(struct builder *b, int program, const struct place *at) {
        const struct imm_elf *e = node_elf(b->c, at->node);

        if (!e && at->node->elf_error != -ENOEXEC)
                report_broken(b, at->node);
        if (e && e->interpreter && !load_known(b, program, at))
                load_here(b, program, at);
}
