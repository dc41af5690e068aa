#include "analyzer/closure/closure-private.h"

#include <elf.h>
#include <errno.h>

/*
 * What ld.so maps for a program, found as ld.so(8) finds it: breadth first over DT_NEEDED; each
 * name first among what is loaded already, then by RPATH, LD_LIBRARY_PATH, RUNPATH, the cache and
 * the built-in directories. The whole search is done in the service's view and, only for what that
 * lacks, again in the plain root, to tell what the sandbox hides.
 */

enum { OBJECTS_MAX = 10000 };

struct loading {
        struct builder *b;
        const struct ldso *ldso;
        const struct imm_elf *main;
        struct known_libraries *known; /* NULL until asked */
        IMM_ARRAY(struct object) objects;
        struct imm_map by_name; /* names, paths and sonames of objects -> index plus one */
        enum imm_confidence confidence;
        bool secure;
        bool soft; /* what is loaded now the program does without: hidden, it is hardly missed */
        struct {
                bool known;
                const struct ldcache *cache;
        } caches[2]; /* as the view and as the plain root have it */
};

struct found {
        struct place place;
        const char *opened, *how;
        const char *reason; /* "needs NAME, found by HOW"; NULL: still to be made */
        bool visible;
};

/*
 * Most names are found by the cache and the built-in directories, the same way by every program: in
 * the plain root each is looked for once.
 */
struct known_libraries {
        struct known_libraries *next;
        const struct ldso *ldso;
        unsigned char bits;
        bool big_endian;
        uint16_t machine;
        uint32_t flags;
        struct view view;     /* of the plain root; c->lock is held for its use */
        struct imm_map names; /* -> struct known_library */
};
struct known_library {
        bool exists;
        struct found found;
        struct watches watches; /* a view that is the root there finds the same */
};

/* ---- one directory ---- */

/* ld.so passes over libraries of another architecture; what is no ELF file at all stops it. */
static bool is_of_this_kind(struct loading *l, struct node *n) {
        const struct imm_elf *e = node_elf(l->b->c, n);

        if (!e)
                return true;
        return !l->main || (e->bits == l->main->bits && e->machine == l->main->machine &&
                                   e->big_endian == l->main->big_endian);
}

static bool try_file(struct loading *l, struct view *v, const char *path, struct found *ret) {
        struct place p;

        if (view_find(v, l->b->cwd, path, &p) < 0 || !p.node || S_ISDIR(p.node->mode) ||
                !is_of_this_kind(l, p.node))
                return false;
        ret->place = p;
        ret->opened = path;
        return true;
}

/* $ORIGIN, $LIB, $PLATFORM. NULL: it uses one that is not known. */
static const char *expand(struct loading *l, const struct object *o, const char *text, size_t n) {
        const struct {
                const char *name, *value;
        } tokens[] = {
                {"ORIGIN", o->origin},
                {"PLATFORM", l->ldso->platform},
                {"LIB", l->ldso->lib},
        };
        const char *done = "", *end = text + n, *dollar;

        while ((dollar = memchr(text, '$', (size_t)(end - text)))) {
                const char *s = dollar + 1;
                bool curly = s < end && *s == '{', hit = false;

                done = imm_printf(l->b->arena, "%s%.*s", done, (int)(dollar - text), text);
                s += curly;
                for (size_t i = 0; !hit && i < IMM_ELEMENTSOF(tokens); i++) {
                        size_t k = strlen(tokens[i].name);

                        if ((size_t)(end - s) < k + curly || strncmp(s, tokens[i].name, k) != 0 ||
                                (curly && s[k] != '}'))
                                continue;
                        if (!tokens[i].value)
                                return NULL;
                        done = imm_printf(l->b->arena, "%s%s", done, tokens[i].value);
                        text = s + k + curly;
                        hit = true;
                }
                if (!hit) {
                        done = imm_printf(l->b->arena, "%s$", done);
                        text = dollar + 1;
                }
        }
        return imm_printf(l->b->arena, "%s%.*s", done, (int)(end - text), text);
}

static bool try_directory(
        struct loading *l, struct view *v, const char *dir, const char *name, struct found *ret) {
        const struct imm_strv *variants = &l->ldso->variants;
        size_t n = strlen(dir);
        struct place p;

        while (n > 1 && dir[n - 1] == '/')
                n--;
        if (n > 0 && view_find(v, l->b->cwd, dir, &p) < 0)
                return false;
        for (size_t i = 0; i < variants->n; i++) {
                const char *sub = variants->v[i], *at = NULL;

                if (*sub) {
                        at = path_join(l->b->arena, dir, n, sub, strlen(sub));
                        if (view_find(v, l->b->cwd, at, &p) < 0)
                                continue;
                }
                at = at ? path_join(l->b->arena, at, strlen(at), name, strlen(name))
                        : path_join(l->b->arena, dir, n, name, strlen(name));
                if (try_file(l, v, at, ret))
                        return true;
        }
        return false;
}

/* A list of directories as DT_RUNPATH has them; @separators: LD_LIBRARY_PATH also takes ';' */
static bool try_list(struct loading *l, struct view *v, const struct object *o, const char *list,
        const char *separators, const char *name, struct found *ret) {
        for (;;) {
                size_t n = strcspn(list, separators);
                const char *dir = expand(l, o, list, n);

                if (dir && try_directory(l, v, dir, name, ret))
                        return true;
                if (!list[n])
                        return false;
                list += n + 1;
        }
}

/* ---- the cache ---- */

/* The flags that ld.so wants of an entry: library type and architecture; -1: not known here */
static int32_t wanted_flags(const struct imm_elf *e) {
        switch (e->machine) {
        case EM_X86_64:
                return e->bits == 64 ? 0x303 : 0x803;
        case EM_386:
                return 0x3;
        case EM_AARCH64:
                return 0xa03;
        case EM_ARM:
                return e->flags & EF_ARM_ABI_FLOAT_HARD ? 0x903 : 0xb03;
        case EM_PPC64:
                return 0x503;
        case EM_S390:
                return e->bits == 64 ? 0x403 : 0x3;
        case EM_RISCV:
                return (e->flags & EF_RISCV_FLOAT_ABI) == EF_RISCV_FLOAT_ABI_DOUBLE ? 0x1003
                                                                                    : 0xf03;
        default:
                return -1;
        }
}

/* How good an entry is for this loader: 0 is unusable, 1 the plain directory, more is better. */
static unsigned rank(const struct loading *l, const struct ldcache_entry *e) {
        const char *slash;

        if (e->level) {
                for (size_t i = 0; i < l->ldso->variants.n; i++) {
                        const char *v = imm_after(l->ldso->variants.v[i], "glibc-hwcaps/");

                        if (v && imm_streq(v, e->level))
                                return 100 - (unsigned)(i < 90 ? i : 90);
                }
                return 0;
        }
        if (e->hwcap == 0)
                return 1;
        slash = strrchr(e->path, '/');
        for (size_t i = 0; slash && i < l->ldso->variants.n; i++) {
                const char *sub = l->ldso->variants.v[i];
                size_t n = strlen(sub), have = (size_t)(slash - e->path);

                if (n > 0 && have > n && strncmp(slash - n, sub, n) == 0 &&
                        slash[-(long)n - 1] == '/')
                        return 2;
        }
        return 0;
}

static const struct ldcache *cache_of(struct loading *l, struct view *v) {
        size_t i = v == &l->b->plain;
        struct place p;

        if (!l->caches[i].known) {
                l->caches[i].known = true;
                if (l->ldso->cache && view_find(v, NULL, l->ldso->cache, &p) == 0 && p.node)
                        l->caches[i].cache = node_ldcache(l->b->c, p.node);
        }
        return l->caches[i].cache;
}

static bool try_cache(struct loading *l, struct view *v, const char *name, struct found *ret) {
        const int32_t want = l->main ? wanted_flags(l->main) : -1;
        const struct ldcache *cache = cache_of(l, v);
        const struct ldcache_entry *e, *best = NULL;
        unsigned best_rank = 0;
        size_t n;

        e = cache ? ldcache_find(cache, name, &n) : NULL;
        for (size_t i = 0; e && i < n; i++) {
                unsigned r = want < 0 || e[i].flags == want ? rank(l, &e[i]) : 0;

                if (r > best_rank) {
                        best = &e[i];
                        best_rank = r;
                }
        }
        return best && try_file(l, v, best->path, ret);
}

/* ---- a name ---- */

/* The cache and the built-in directories: the end of every search, and mostly all of it */
static bool try_usual(struct loading *l, struct view *v, const char *name, struct found *ret) {
        ret->how = "ld.so.cache";
        if (try_cache(l, v, name, ret))
                return true;
        ret->how = "a default directory";
        for (size_t i = 0; i < l->ldso->directories.n; i++)
                if (try_directory(l, v, l->ldso->directories.v[i], name, ret))
                        return true;
        return false;
}

static struct known_libraries *known_libraries(struct loading *l) {
        struct imm_closures *c = l->b->c;
        const struct imm_elf *e = l->main;
        struct known_libraries *k;

        CLOSURES_LOCKED(c);
        for (k = c->libraries; k; k = k->next)
                if (k->ldso == l->ldso && k->bits == e->bits && k->machine == e->machine &&
                        k->big_endian == e->big_endian && k->flags == e->flags)
                        return k;
        k = imm_new(c->arena, struct known_libraries);
        *k = (struct known_libraries){.next = c->libraries,
                .ldso = l->ldso,
                .bits = e->bits,
                .big_endian = e->big_endian,
                .machine = e->machine,
                .flags = e->flags};
        view_init(&k->view, c, NULL, "", c->arena);
        c->libraries = k;
        return k;
}

static const struct known_library *find_known(
        struct loading *l, struct imm_closures *c, const char *name) {
        const struct known_library *k;

        (void)pthread_rwlock_rdlock(&c->libraries_lock);
        k = imm_map_get(&l->known->names, name);
        (void)pthread_rwlock_unlock(&c->libraries_lock);
        return k;
}

/* Looks it up in the plain root, with everything in the memory that all units share. */
static const struct known_library *learn(
        struct loading *l, struct imm_closures *c, const char *name) {
        struct builder b = {.c = c, .arena = c->arena};
        struct loading plain = {.b = &b, .ldso = l->ldso, .main = l->main};
        const struct known_library *had;
        struct known_library *k;
        struct imm_strv touched = {0};
        CLOSURES_LOCKED(c);

        had = find_known(l, c, name);
        if (had)
                return had;
        k = imm_new(c->arena, struct known_library);
        name = imm_strdup(c->arena, name);
        l->known->view.touched = &touched;
        k->exists = try_usual(&plain, &l->known->view, name, &k->found);
        k->found.reason = imm_printf(c->arena, "needs %s, found by %s", name, k->found.how);
        watch_add(c, &touched, &k->watches);
        (void)pthread_rwlock_wrlock(&c->libraries_lock);
        imm_map_put(c->arena, &l->known->names, name, k);
        (void)pthread_rwlock_unlock(&c->libraries_lock);
        return k;
}

static bool search_usual(struct loading *l, struct view *v, const char *name, struct found *ret) {
        struct imm_closures *c = l->b->c;
        const struct known_library *k;

        if (!l->main)
                return try_usual(l, v, name, ret);
        if (!l->known)
                l->known = known_libraries(l);
        k = find_known(l, c, name);
        if (!k)
                k = learn(l, c, name);
        if (!view_is_root(v, &k->watches))
                return try_usual(l, v, name, ret);
        *ret = k->found;
        return k->exists;
}

static bool search_glibc(
        struct loading *l, struct view *v, const char *name, size_t loader, struct found *ret) {
        const struct object *objects = l->objects.v;
        const struct object *o = &objects[loader];

        if (!o->elf || !o->elf->runpath) {
                bool did_main = false;

                for (size_t i = loader;; i = objects[i].loader) {
                        if (objects[i].elf && objects[i].elf->rpath &&
                                try_list(
                                        l, v, &objects[i], objects[i].elf->rpath, ":", name, ret)) {
                                ret->how = imm_printf(
                                        l->b->arena, "RPATH of %s", objects[i].place.path);
                                return true;
                        }
                        did_main |= i == 0;
                        if (i == objects[i].loader)
                                break;
                }
                if (!did_main && objects[0].elf && objects[0].elf->rpath &&
                        try_list(l, v, &objects[0], objects[0].elf->rpath, ":", name, ret)) {
                        ret->how = "RPATH of the program";
                        return true;
                }
        }
        ret->how = "LD_LIBRARY_PATH";
        if (l->b->library_path && *l->b->library_path && !l->secure &&
                try_list(l, v, &objects[0], l->b->library_path, ":;", name, ret))
                return true;
        ret->how = "RUNPATH";
        if (o->elf && o->elf->runpath && try_list(l, v, o, o->elf->runpath, ":", name, ret))
                return true;
        if (o->elf && (o->elf->flags_1 & DF_1_NODEFLIB)) {
                ret->how = "ld.so.cache";
                return try_cache(l, v, name, ret);
        }
        return search_usual(l, v, name, ret);
}

static bool search_musl(
        struct loading *l, struct view *v, const char *name, size_t loader, struct found *ret) {
        const struct object *objects = l->objects.v;

        ret->how = "LD_LIBRARY_PATH";
        if (l->b->library_path && !l->secure &&
                try_list(l, v, &objects[0], l->b->library_path, ":\n", name, ret))
                return true;
        ret->how = "RPATH";
        for (size_t i = loader;; i = objects[i].loader) {
                const struct imm_elf *e = objects[i].elf;
                const char *list = !e ? NULL : e->runpath ? e->runpath : e->rpath;

                if (list && try_list(l, v, &objects[i], list, ":\n", name, ret))
                        return true;
                if (i == objects[i].loader)
                        break;
        }
        ret->how = "a default directory";
        for (size_t i = 0; i < l->ldso->directories.n; i++)
                if (try_directory(l, v, l->ldso->directories.v[i], name, ret))
                        return true;
        return false;
}

static bool search(
        struct loading *l, struct view *v, const char *name, size_t loader, struct found *ret) {
        const char *path;

        if (!strchr(name, '/') && l->ldso->musl)
                return search_musl(l, v, name, loader, ret);
        if (!strchr(name, '/'))
                return search_glibc(l, v, name, loader, ret);
        ret->how = "its path";
        path = expand(l, &l->objects.v[loader], name, strlen(name));
        return path && try_file(l, v, path, ret);
}

static bool find(struct loading *l, const char *name, size_t loader, struct found *ret) {
        ret->visible = search(l, &l->b->view, name, loader, ret);
        return ret->visible || (l->b->hides && search(l, &l->b->plain, name, loader, ret));
}

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
        if (at->elf)
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

        return k < 0 ? hidden_by(b, &p, k) : "not found by the search that the sandbox allows";
}

static void report_broken(struct builder *b, struct node *n) {
        if (n->elf_error == 0)
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

        if (l->objects.n >= OBJECTS_MAX)
                return -E2BIG;
        if (l->soft && !f->visible)
                w.confidence = IMM_POSSIBLE;
        o.elf = node_elf(b->c, f->place.node);
        if (!o.elf)
                report_broken(b, f->place.node);
        o.origin = directory_of(b, f->opened);
        o.need = need_place(
                b, &w, &f->place, f->visible, f->visible ? NULL : why_hidden(b, &f->place), NULL);
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
        if (!find(l, name, loader, &f)) {
                struct want w = {.name = name,
                        .kind = kind,
                        .confidence = confidence,
                        .reason = imm_printf(b->arena, "%s %s", what, name),
                        .by = l->objects.v[loader].need};

                if (l->soft)
                        w.confidence = IMM_POSSIBLE;
                if (must)
                        need_absent(b, &w, name, "not found by the dynamic loader");
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

static void load_needed(
        struct loading *l, size_t from, enum imm_need_kind kind, enum imm_confidence confidence) {
        for (size_t i = from; i < l->objects.n; i++) {
                const struct imm_elf *e = l->objects.v[i].elf;

                for (size_t k = 0; e && k < e->needed.n; k++)
                        (void)load(l, e->needed.v[k], i, true, kind, confidence, "needs");
                for (size_t k = 0; e && k < e->filter.n; k++)
                        (void)load(l, e->filter.v[k], i, true, kind, confidence, "is a filter of");
                for (size_t k = 0; e && k < e->auxiliary.n; k++)
                        (void)load(l, e->auxiliary.v[k], i, false, kind, confidence,
                                "is an auxiliary filter of");
        }
}

static void load_preloads(struct loading *l, const char *list, const char *what) {
        while (*list) {
                size_t n = strcspn(list, " :\t\n");

                if (n > 0)
                        (void)load(l, imm_strndup(l->b->arena, list, n), 0, false, IMM_NEED_LIBRARY,
                                l->confidence, what);
                list += n + (list[n] != 0);
        }
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
        if (!node_elf(b->c, p.node))
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

/* Then the kernel tells the loader to distrust the environment (AT_SECURE). */
static bool gains_privileges(const struct builder *b, const struct node *n) {
        if (b->no_new_privileges)
                return false;
        return ((n->mode & S_ISUID) && n->uid != b->uid) ||
               ((n->mode & S_ISGID) && (n->mode & S_IXGRP) && n->gid != b->gid);
}

void load_program(struct builder *b, int program, const struct place *at) {
        const struct imm_elf *e = node_elf(b->c, at->node);
        struct loading l = {.b = b, .main = e, .confidence = b->closure->v[program].confidence};
        static const struct ldso none = {.lib = "lib", .variants = {.n = 0}};

        if (!e) {
                if (at->node->elf_error != -ENOEXEC)
                        report_broken(b, at->node);
                return;
        }
        if (!e->interpreter)
                return;
        l.secure = gains_privileges(b, at->node);
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
}
