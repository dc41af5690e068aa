#include "analyzer/closure/elf/loader.h"

#include <elf.h>
#include <errno.h>

/*
 * Where a library is found, as ld.so(8) says: by RPATH, LD_LIBRARY_PATH, RUNPATH, the cache and the
 * built-in directories, in each by the best of the hardware's variants.
 */

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
        struct imm_map names; /* -> struct known_library */
};
struct known_library {
        bool exists;
        struct found found;
        struct found_by by; /* a view that is the root there finds the same */
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
        int k = view_find(v, l->b->cwd, path, &p);

        l->ended = k == -ELOOP;
        if (k < 0 || !p.node || !is_of_this_kind(l, p.node) ||
                (v != &l->b->plain && !builder_may_read(l->b, &p)))
                return false;
        ret->place = p;
        ret->opened = path;
        return true;
}

/* Of a program that is more than its caller, $ORIGIN may only lead to the loader's own directories
 */
static bool is_trusted(const struct loading *l, const char *path, struct imm_arena *a) {
        char *real = imm_alloc(a, strlen(path) + 2);
        size_t n = 0;

        while (*(path += strspn(path, "/"))) { /* as it is written: links are not looked at */
                size_t k = strcspn(path, "/");

                if (k == 2 && path[0] == '.' && path[1] == '.')
                        while (n > 0 && real[--n] != '/')
                                ;
                else if (k != 1 || path[0] != '.') {
                        real[n++] = '/';
                        memcpy(real + n, path, k);
                        n += k;
                }
                path += k;
        }
        real[n] = 0;
        for (size_t i = 0; i < l->ldso->directories.n; i++) {
                const char *rest = imm_after(real, l->ldso->directories.v[i]);

                if (rest && (!*rest || *rest == '/'))
                        return true;
        }
        return false;
}

/* $ORIGIN, $LIB, $PLATFORM. NULL: it uses one that is not known, or that counts for nothing. */
static const char *expand(struct loading *l, const struct object *o, const char *text, size_t n) {
        const struct {
                const char *name, *value;
        } tokens[] = {
                {"ORIGIN", o->origin},
                {"PLATFORM", l->ldso->platform},
                {"LIB", l->ldso->lib},
        };
        const char *done = "", *end = text + n, *dollar;
        bool doubtful = false;

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
                        doubtful |= i == 0 && l->secure && o == l->objects.v;
                        done = imm_printf(l->b->arena, "%s%s", done, tokens[i].value);
                        text = s + k + curly;
                        hit = true;
                }
                if (!hit) {
                        done = imm_printf(l->b->arena, "%s$", done);
                        text = dollar + 1;
                }
        }
        done = imm_printf(l->b->arena, "%s%.*s", done, (int)(end - text), text);
        return doubtful && !is_trusted(l, done, l->b->arena) ? NULL : done;
}

/* Where the libraries of @dir lie: in it, and in those of the hardware's variants that are there.
 * As ld.so does, that is found out once for all libraries of a program. */
static const struct imm_strv *places_in(struct loading *l, struct view *v, const char *dir) {
        const struct imm_strv *variants = &l->ldso->variants;
        struct imm_map *known = &l->places[v == &l->b->plain];
        struct imm_strv *places = imm_map_get(known, dir);
        size_t n = strlen(dir);
        struct place p;

        if (places)
                return places;
        places = imm_new(l->b->arena, struct imm_strv);
        imm_map_put(l->b->arena, known, dir, places);
        while (n > 1 && dir[n - 1] == '/')
                n--;
        if (n > 0 && view_find(v, l->b->cwd, dir, &p) < 0)
                return places;
        for (size_t i = 0; i < variants->n; i++) {
                const char *sub = variants->v[i], *at = imm_strndup(l->b->arena, dir, n);

                if (*sub)
                        at = path_join(l->b->arena, dir, n, sub, strlen(sub));
                if (!*sub || view_find(v, l->b->cwd, at, &p) == 0)
                        imm_strv_add(l->b->arena, places, at);
        }
        return places;
}

static bool try_directory(
        struct loading *l, struct view *v, const char *dir, const char *name, struct found *ret) {
        const struct imm_strv *places = places_in(l, v, dir);

        l->tries++;
        for (size_t i = 0; i < places->n; i++) {
                const char *in = places->v[i];

                if (try_file(l, v, path_join(l->b->arena, in, strlen(in), name, strlen(name)), ret))
                        return true;
        }
        return false;
}

/* A list of directories as DT_RUNPATH has them; @separators: LD_LIBRARY_PATH also takes ';' */
static bool try_list(struct loading *l, struct view *v, const struct object *o, const char *list,
        const char *separators, const char *name, struct found *ret) {
        while (l->tries < TRIES_MAX) {
                size_t n = strcspn(list, separators);
                const char *dir = expand(l, o, list, n);

                l->ended = false;
                if (dir && try_directory(l, v, dir, name, ret))
                        return true;
                if (!list[n] || l->ended)
                        break;
                list += n + 1;
        }
        return false;
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

/*
 * ldconfig knows what a library is by the C library that it asks for. One that asks for none may be
 * of any kind: those of 32-bit x86 are marked so.
 */
enum { OF_ANY_KIND = 1 };

/* What each bit of an entry's field asks for: the older hardware directories */
static const struct {
        unsigned bit;
        const char *name;
} x86_bits[] = {
        {0, "sse2"},
        {1, "x86_64"},
        {2, "avx512_1"},
        {48, "i586"},
        {49, "i686"},
        {50, "haswell"},
        {51, "xeon_phi"},
        {63, "tls"},
};

static bool has_all(const struct ldso *ldso, uint64_t bits) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(x86_bits); i++) {
                uint64_t bit = UINT64_C(1) << x86_bits[i].bit;

                if (bits & bit && imm_strv_has(&ldso->variants, x86_bits[i].name))
                        bits &= ~bit;
        }
        return bits == 0;
}

/* How good an entry's directory is for this loader: 0 is unusable, 1 the plain one, more is better.
 */
static unsigned rank_of_directory(const struct loading *l, const struct ldcache_entry *e) {
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
        return has_all(l->ldso, e->hwcap) ? 2 : 0;
}

/* ... and the entry: of its own kind it takes any before the best that may be of it */
static unsigned rank(const struct loading *l, const struct ldcache_entry *e, int32_t want) {
        enum { BELOW_OWN_KIND = 1000 };
        unsigned r = rank_of_directory(l, e);

        if (r > 0 && (want < 0 || e->flags == want))
                return r + BELOW_OWN_KIND;
        return e->flags == OF_ANY_KIND ? r : 0;
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

static bool is_default(const struct ldso *ldso, const char *path) {
        for (size_t i = 0; i < ldso->directories.n; i++) {
                const char *rest = imm_after(path, ldso->directories.v[i]);

                if (rest && *rest == '/')
                        return true;
        }
        return false;
}

/* @nodeflib: what the cache names below the built-in directories does not count. */
static bool try_cache(
        struct loading *l, struct view *v, const char *name, bool nodeflib, struct found *ret) {
        const int32_t want = l->main ? wanted_flags(l->main) : -1;
        const struct ldcache *cache = cache_of(l, v);
        const struct ldcache_entry *e, *best = NULL;
        unsigned best_rank = 0;
        size_t n;

        e = cache ? ldcache_find(cache, name, &n) : NULL;
        for (size_t i = 0; e && i < n; i++) {
                unsigned r = rank(l, &e[i], want);

                if (r > best_rank) {
                        best = &e[i];
                        best_rank = r;
                }
        }
        return best && !(nodeflib && is_default(l->ldso, best->path)) &&
               try_file(l, v, best->path, ret);
}

/* ---- a name ---- */

/* The cache and the built-in directories: the end of every search, and mostly all of it */
static bool try_usual(struct loading *l, struct view *v, const char *name, struct found *ret) {
        ret->how = "ld.so.cache";
        if (try_cache(l, v, name, false, ret))
                return true;
        ret->how = "a default directory";
        l->ended = false;
        for (size_t i = 0; i < l->ldso->directories.n && !l->ended; i++)
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
        c->libraries = k;
        return k;
}

static const struct known_library *find_known(
        struct loading *l, struct imm_closures *c, const char *name) {
        const struct known_library *k;

        (void)pthread_rwlock_rdlock(&c->known_lock);
        k = imm_map_get(&l->known->names, name);
        (void)pthread_rwlock_unlock(&c->known_lock);
        return k;
}

/* Looks it up in the plain root; two threads may do that at once, and the first one's counts. */
static const struct known_library *learn(
        struct loading *l, struct imm_closures *c, const char *name) {
        struct learner *t = learner_take(c);
        struct builder b = {.c = c, .arena = t->arena};
        struct loading plain = {.b = &b, .ldso = l->ldso, .main = l->main};
        struct known_library *k = imm_new(t->arena, struct known_library);
        const struct known_library *had;

        name = imm_strdup(t->arena, name);
        k->exists = try_usual(&plain, &t->view, name, &k->found);
        k->found.reason = imm_printf(t->arena, "needs %s, found by %s", name, k->found.how);
        {
                CLOSURES_LOCKED(c);

                learner_tell(c, t, &k->by);
                (void)pthread_rwlock_wrlock(&c->known_lock);
                had = imm_map_get(&l->known->names, name);
                if (!had)
                        imm_map_put(c->arena, &l->known->names, name, k);
                (void)pthread_rwlock_unlock(&c->known_lock);
        }
        learner_give(c, t);
        return had ? had : k;
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
        if (!view_relies(v, &k->by) || (k->exists && !(k->found.place.node->mode & S_IROTH)))
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
                return try_cache(l, v, name, true, ret);
        }
        return search_usual(l, v, name, ret);
}

/* ---- musl ---- */

/* musl knows $ORIGIN alone: a list with any other '$' in it is passed over as a whole. */
static bool musl_takes(const char *list) {
        while ((list = strchr(list, '$'))) {
                list++;
                if (!imm_after(list, "ORIGIN") && !imm_after(list, "{ORIGIN}"))
                        return false;
        }
        return true;
}

/* Empty parts say nothing; the first file of the name is taken, whatever it is. */
static bool try_musl_list(struct loading *l, struct view *v, const struct object *o,
        const char *list, const char *name, struct found *ret) {
        struct place p;

        for (list += strspn(list, ":\n"); *list && l->tries < TRIES_MAX;
                list += strspn(list, ":\n")) {
                size_t n = strcspn(list, ":\n");
                const char *dir = o ? expand(l, o, list, n) : imm_strndup(l->b->arena, list, n);
                const char *at =
                        dir ? path_join(l->b->arena, dir, strlen(dir), name, strlen(name)) : NULL;

                int k = at ? view_find(v, l->b->cwd, at, &p) : -ENOENT;

                if (k == 0 && p.node) {
                        ret->place = p;
                        ret->opened = at;
                        return true;
                }
                if ((l->ended = k == -ELOOP)) /* it looks nowhere else then */
                        return false;
                list += n;
                l->tries++;
        }
        return false;
}

/*
 * What the loader's own file of directories says: two levels above the loader, as the program names
 * that, /etc/ld-musl-ARCHITECTURE.path. Without it, what is built in.
 */
static const char *musl_directories(struct loading *l, struct view *v) {
        const char *loader = l->objects.n > 1 ? l->objects.v[1].opened : "", *end, *path;
        struct place p;

        end = strrchr(loader, '/');
        for (end = end ? end : loader; end > loader && end[-1] != '/'; end--)
                ;
        end -= end > loader;
        path = imm_printf(l->b->arena, "%.*s%s", (int)(end - loader), loader, l->ldso->path_file);
        if (view_find(v, NULL, path, &p) < 0 || !p.node)
                return l->ldso->search_path;
        return imm_strdup(l->b->arena, node_text(l->b->c, p.node));
}

static bool search_musl(
        struct loading *l, struct view *v, const char *name, size_t loader, struct found *ret) {
        const struct object *objects = l->objects.v;

        l->ended = false;
        ret->how = "LD_LIBRARY_PATH";
        if (l->b->library_path && !l->secure &&
                try_musl_list(l, v, NULL, l->b->library_path, name, ret))
                return true;
        ret->how = "RPATH";
        for (size_t i = loader;; i = objects[i].loader) {
                const struct imm_elf *e = objects[i].elf;
                const char *list = !e ? NULL : e->runpath ? e->runpath : e->rpath;

                if (list && !l->ended && musl_takes(list) &&
                        try_musl_list(l, v, &objects[i], list, name, ret))
                        return true;
                if (i == objects[i].loader)
                        break;
        }
        ret->how = "a default directory";
        return !l->ended && try_musl_list(l, v, NULL, musl_directories(l, v), name, ret);
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
        ret->opened = path; /* also where it is not there: that is what is missing */
        return path && try_file(l, v, path, ret);
}

bool library_find(struct loading *l, const char *name, size_t loader, struct found *ret) {
        ret->visible = search(l, &l->b->view, name, loader, ret);
        return ret->visible || (l->b->hides && search(l, &l->b->plain, name, loader, ret));
}
