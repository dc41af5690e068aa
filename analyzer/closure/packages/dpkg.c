#include "analyzer/closure/packages/packages-private.h"
#include "base/crew.h"

/*
 * dpkg's lists, one a package: thousands of files, read by several threads. A file that was walked
 * has its place in the walk's table, and is claimed there at once. What is left, files below links
 * (/lib -> usr/lib), diverted ones and those that are not there, is taken in afterwards, in order.
 * Nothing of that may ask for the lock of the closures, which the caller holds.
 */

struct list {
        const char *name;
        const char *link; /* its path, if it is a link */
        struct stat st;
        bool none; /* it is gone, or too much with those before it */
        uint32_t package;
        struct imm_strv rest;
};

struct hand {                   /* what a thread has for itself */
        struct imm_arena *text; /* of one list */
        struct imm_arena *rest;
};

struct reading {
        struct packages *p;
        int folder;
        struct list *lists;
        struct hand hands[IMM_CREW_MAX];
};

static void read_diversions(struct packages *p) {
        char *s = package_list(p, "/var/lib/dpkg/diversions");

        s = s ? imm_strdup(p->c->arena, s) : NULL; /* kept, unlike the lists */
        while (s && *s) {
                const char *from = strsep(&s, "\n"), *to, *by;

                to = s && *s ? strsep(&s, "\n") : NULL;
                by = s && *s ? strsep(&s, "\n") : NULL;
                if (to && by) {
                        struct diversion *d = imm_new(p->c->arena, struct diversion);

                        *d = (struct diversion){to, by};
                        imm_map_put(p->c->arena, &p->diverted, from, d);
                }
        }
}

/* Links are followed in the root; others than regular files are as good as missing. */
static char *read_list(const struct reading *k, const struct list *l, struct imm_arena *a) {
        const struct imm_root *root = k->p->c->root;
        struct imm_blob b;

        if (l->none)
                return NULL;
        if (l->link ? imm_root_read(root, l->link, IMM_PACKAGE_LIST_MAX, a, &b, NULL) < 0
                    : imm_root_read_in(k->folder, l->name, &l->st, IMM_PACKAGE_LIST_MAX, a, &b) < 0)
                return NULL;
        return imm_strndup(a, b.data, b.size);
}

struct folder { /* the files of a directory stand together, mostly */
        const char *path;
        size_t n, node;
};

static size_t walked_node(const struct walk *w, struct folder *last, const char *path) {
        const char *slash = strrchr(path, '/');
        size_t n = (size_t)(slash - path);

        if (n == 0 || !slash[1])
                return SIZE_MAX;
        if (!last->path || last->n != n || memcmp(last->path, path, n) != 0) {
                *last = (struct folder){path, n, walk_find_n(w, path, n)};
                if (last->node != SIZE_MAX && !S_ISDIR(w->v[last->node].mode))
                        last->node = SIZE_MAX;
        }
        return last->node == SIZE_MAX || last->node == 0
                       ? SIZE_MAX
                       : walk_below(w, last->node, slash + 1, strlen(slash + 1));
}

static void take_list(void *data, unsigned worker, size_t i) {
        struct reading *k = data;
        struct packages *p = k->p;
        struct hand *h = &k->hands[worker];
        struct list *l = &k->lists[i];
        struct folder last = {0};
        char *s = read_list(k, l, h->text);

        while (s && *s) {
                const char *line = s;
                size_t node = SIZE_MAX;

                s = strchrnul(s, '\n');
                if (*s)
                        *s++ = 0;
                if (*line != '/' || line[1] == '.' ||
                        (p->systemd_only && !strstr(line, "/systemd/")))
                        continue;
                if (p->w && !imm_map_has(&p->diverted, line))
                        node = walked_node(p->w, &last, line);
                if (node != SIZE_MAX)
                        package_claim(p, node, l->package);
                else
                        imm_strv_add(h->rest, &l->rest, imm_strdup(h->rest, line));
        }
        imm_arena_reset(h->text);
}

static void free_rest(void *arena) {
        imm_arena_free(arena);
}

/* Which lists there are: their order, and how many are too much, is settled before the threads come
 */
static size_t find_lists(struct reading *k, struct imm_arena *a) {
        struct imm_dirent *e;
        size_t n, found = 0;

        if (imm_root_list_opened(k->folder, a, &e, &n) < 0)
                return 0;
        k->lists = imm_alloc_array(a, n, sizeof(*k->lists));
        for (size_t i = 0; i < n; i++) {
                const char *name = e[i].name;
                struct list *l = &k->lists[found];
                size_t end = strcspn(name, ":"); /* NAME.list, NAME:ARCH.list */

                if (!imm_ends_with(name, ".list"))
                        continue;
                found++;
                l->name = name;
                l->package = package_add(
                        k->p, imm_strndup(a, name, name[end] ? end : end - strlen(".list")));
                if (e[i].type == DT_LNK)
                        l->link = imm_printf(a, "/var/lib/dpkg/info/%s", name);
                l->none = (l->link ? imm_root_stat(k->p->c->root, l->link, &l->st)
                                   : imm_root_lstat_in(k->folder, name, &l->st)) < 0 ||
                          !package_may_take(k->p, (uint64_t)l->st.st_size);
        }
        return found;
}

void read_dpkg(struct packages *p) {
        imm_auto_close int folder = imm_root_open_folder(p->c->root, "/var/lib/dpkg/info");
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct reading k = {.p = p, .folder = folder};
        unsigned threads;
        size_t n;

        if (folder < 0)
                return;
        read_diversions(p);
        n = find_lists(&k, scratch);
        threads = imm_crew_size(n, 16, p->c->threads);
        for (unsigned i = 0; i < threads; i++) {
                k.hands[i].text = imm_arena_new();
                k.hands[i].rest = imm_arena_new();
                /* the index of all files holds on to what it is given */
                imm_arena_defer(
                        p->systemd_only ? scratch : p->c->arena, free_rest, k.hands[i].rest);
        }
        imm_crew_run(n, 16, p->c->threads, take_list, &k);
        for (unsigned i = 0; i < threads; i++)
                imm_arena_free(k.hands[i].text);
        for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < k.lists[i].rest.n; j++)
                        package_own(p, k.lists[i].rest.v[j], k.lists[i].package);
}
