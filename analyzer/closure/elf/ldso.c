#include "analyzer/closure/closure-private.h"

#include <elf.h>

/*
 * How a dynamic loader searches is compiled into it: Debian's has multiarch directories, Fedora's
 * lib64, that of Nix its own store path; each its own place for cache and preload list. So all of
 * this is read from the loader's strings, and nothing is assumed about distributions.
 */

enum { LOADER_MAX = 32 << 20 };

/* The longest run of neighbouring strings "/…lib…/": glibc's system_dirs */
static void find_directories(const struct imm_blob *b, struct imm_arena *a, struct imm_strv *ret) {
        struct imm_strv run = {0};
        size_t at = 0;

        while (at < b->size) {
                const char *s = b->data + at;
                size_t n = strnlen(s, b->size - at);

                if (n > 4 && n < 4096 && s[0] == '/' && s[n - 1] == '/' && strstr(s, "lib"))
                        imm_strv_add(a, &run, imm_strndup(a, s, n - 1));
                else {
                        if (run.n > ret->n)
                                *ret = run;
                        run = (struct imm_strv){0};
                }
                at += n + 1;
        }
        if (run.n > ret->n)
                *ret = run;
}

/* A whole string that ends with @end and begins with a slash */
static const char *find_path(const struct imm_blob *b, const char *end) {
        size_t n = strlen(end) + 1;
        const char *from = b->data;

        for (;;) {
                const char *hit = memmem(from, b->size - (size_t)(from - b->data), end, n), *s;

                if (!hit)
                        return NULL;
                for (s = hit; s > b->data && s[-1]; s--)
                        ;
                if (*s == '/' && !strchr(s, ' '))
                        return s;
                from = hit + 1;
        }
}

/* What begins with @start and ends with @end, a string's end too */
static const char *find_end(const struct imm_blob *b, const char *start, const char *end) {
        const char *s = b->data;

        while ((s = memmem(s, b->size - (size_t)(s - b->data), start, strlen(start)))) {
                if (imm_ends_with(s, end))
                        return s;
                s++;
        }
        return NULL;
}

static unsigned find_version(const struct imm_blob *b) {
        static const char text[] = "release version 2.";
        const char *s = memmem(b->data, b->size, text, sizeof(text) - 1);
        unsigned v = 0;

        for (s = s ? s + sizeof(text) - 1 : ""; *s >= '0' && *s <= '9' && v < 10000; s++)
                v = v * 10 + (unsigned)(*s - '0');
        return v;
}

/*
 * The subdirectories tried in each directory, best first: glibc-hwcaps since 2.33 and, until 2.36,
 * all subsets of the older names.
 */
static void find_variants(struct ldso *l, const struct imm_elf *e, struct imm_arena *a) {
        const struct cpu *cpu = cpu_here();
        const char *names[4];
        unsigned n = 0;

        if (e && e->machine == EM_X86_64 && e->bits == 64 && cpu->level > 0) {
                l->platform = cpu->platform;
                for (unsigned v = cpu->level; l->minor >= 33 && v >= 2; v--)
                        imm_strv_add(a, &l->variants, imm_printf(a, "glibc-hwcaps/x86-64-v%u", v));
                names[n++] = "tls";
                names[n++] = cpu->platform;
                if (cpu->avx512_1)
                        names[n++] = "avx512_1";
                names[n++] = "x86_64";
        } else if (e && e->machine == EM_386) {
                l->platform = "i686";
                names[n++] = "tls";
                names[n++] = "i686";
                names[n++] = "sse2";
        }
        if (l->minor < 37 && !l->musl)
                for (unsigned set = (1U << n) - 1; set > 0; set--) {
                        const char *s = "";

                        for (unsigned i = 0; i < n; i++)
                                if (set & 1U << (n - 1 - i))
                                        s = imm_printf(a, "%s%s%s", s, *s ? "/" : "", names[i]);
                        if (!imm_strv_has(&l->variants, s))
                                imm_strv_add(a, &l->variants, s);
                }
        imm_strv_add(a, &l->variants, "");
}

static struct ldso *read_loader(struct imm_closures *c, struct node *n) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = NULL;
        struct imm_blob b = {.data = "", .size = 0};
        const char *first;
        struct ldso *l;

        l = imm_new(c->arena, struct ldso);
        scratch = imm_arena_new();
        (void)node_read(c, n, LOADER_MAX, scratch, &b);
        l->musl = memmem(b.data, b.size, "musl libc", 9) != NULL;
        l->minor = find_version(&b);
        find_variants(l, node_elf(c, n), c->arena);
        if (l->musl) {
                l->search_path = find_path(&b, ":/usr/lib");
                l->search_path = imm_strdup(
                        c->arena, l->search_path ? l->search_path : "/lib:/usr/local/lib:/usr/lib");
                l->path_file = find_end(&b, "/etc/ld-musl-", ".path");
                l->path_file =
                        imm_strdup(c->arena, l->path_file ? l->path_file : "/etc/ld-musl.path");
                return l;
        }
        find_directories(&b, c->arena, &l->directories);
        if (l->directories.n == 0) {
                imm_strv_add(c->arena, &l->directories, "/lib64");
                imm_strv_add(c->arena, &l->directories, "/usr/lib64");
                imm_strv_add(c->arena, &l->directories, "/lib");
                imm_strv_add(c->arena, &l->directories, "/usr/lib");
        }
        first = l->directories.v[0];
        l->lib = first;
        while ((first = strstr(first, "/lib")))
                l->lib = ++first; /* "/lib/x86_64-linux-gnu" has it as "lib/x86_64-linux-gnu" */
        l->cache = find_path(&b, "/ld.so.cache");
        l->cache = imm_strdup(c->arena, l->cache ? l->cache : "/etc/ld.so.cache");
        l->preload = find_path(&b, ".so.preload");
        l->preload = imm_strdup(c->arena, l->preload ? l->preload : "/etc/ld.so.preload");
        return l;
}

const struct ldso *node_ldso(struct imm_closures *c, struct node *n) {
        if (node_knows(&n->ldso_known))
                return n->ldso;
        CLOSURES_LOCKED(c);
        if (n->ldso_known)
                return n->ldso;
        n->ldso = read_loader(c, n);
        node_learned(&n->ldso_known);
        return n->ldso;
}
