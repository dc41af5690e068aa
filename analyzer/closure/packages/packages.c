#include "analyzer/closure/packages/packages-private.h"

#include <errno.h>

/*
 * Which package owns a file: dpkg's lists (with diversions), apk's and pacman's databases as text.
 * Lists name files as the package has them (/lib/x), the root may have links on the way (/lib ->
 * usr/lib): directories are resolved, each once.
 *
 * There are two such indexes: of all files, and of systemd's alone. Who asks for the owner of a
 * unit file must not wait for half a million paths.
 */

enum { PATH_LONGEST = 4095 };
/* Of all lists and paths together: half a million files take 50 MB. */
static const uint64_t ALL_MAX = UINT64_C(512) << 20;

static bool is_walked(const struct imm_closures *c, const char *dir) {
        for (enum walk_kind i = 0; i < WALK_N; i++) {
                size_t at = c->walks[i] ? walk_find(c->walks[i], dir) : SIZE_MAX;

                if (at != SIZE_MAX && S_ISDIR(c->walks[i]->v[at].mode))
                        return true;
        }
        return false;
}

/* The real path of the directory @dir of @n bytes; NULL: there is none */
static const char *real_directory(struct packages *p, const char *dir, size_t n) {
        struct imm_arena *a = p->c->arena;
        struct place at;
        const char *real = NULL;

        /* the files of a directory stand together, mostly */
        if (p->last && strlen(p->last) == n && memcmp(p->last, dir, n) == 0)
                return p->last_real;
        dir = imm_strndup(a, dir, n);
        if (imm_map_has(&p->directories, dir))
                real = imm_map_get(&p->directories, dir);
        else {
                if (is_walked(p->c, dir))
                        real = dir; /* what was walked has no links above it */
                else if (view_find(&p->view, NULL, dir, &at) == 0 && at.node)
                        real = imm_strdup(a, at.path);
                imm_map_put(a, &p->directories, dir, (void *)(uintptr_t)real);
        }
        p->last = dir;
        p->last_real = real;
        p->last_node = real && p->w ? walk_find(p->w, real) : SIZE_MAX;
        return real;
}

/* The real path of a listed file: its directory resolved, its last part as it is */
static const char *real_path(struct packages *p, const char *path) {
        const char *slash = strrchr(path, '/'), *real;
        size_t n;

        if (!slash || !slash[1])
                return NULL;
        if (slash == path)
                return path;
        n = (size_t)(slash - path);
        real = real_directory(p, path, n);
        if (!real)
                return NULL;
        return strlen(real) == n && memcmp(real, path, n) == 0
                       ? path
                       : imm_printf(p->c->arena, "%s%s", real, slash);
}

/* Where a listed file was walked; SIZE_MAX: nowhere */
static size_t walked_node(struct packages *p, const char *path) {
        const char *slash = p->w ? strrchr(path, '/') : NULL;

        if (!slash || slash == path || !slash[1] ||
                !real_directory(p, path, (size_t)(slash - path)) || p->last_node == SIZE_MAX ||
                p->last_node == 0)
                return SIZE_MAX;
        return walk_below(p->w, p->last_node, slash + 1, strlen(slash + 1));
}

/* The package of a real path, plus one; 0: none */
static uint32_t owner_at(const struct packages *p, const char *host_path) {
        size_t node = p->w ? walk_find(p->w, host_path) : SIZE_MAX;

        return node != SIZE_MAX && p->w->v[node].parent > 0
                       ? p->owners[node]
                       : (uint32_t)(uintptr_t)imm_map_get(&p->files, host_path);
}

void package_claim(struct packages *p, size_t node, uint32_t package) {
        uint32_t *owner = &p->owners[node], had = __atomic_load_n(owner, __ATOMIC_RELAXED);

        while ((had == 0 || had > package + 1) &&
                !__atomic_compare_exchange_n(
                        owner, &had, package + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
                ;
}

void package_own(struct packages *p, const char *path, uint32_t package) {
        struct diversion *d;
        const char *real;
        size_t node;

        if (p->systemd_only && !strstr(path, "/systemd/"))
                return;
        d = imm_map_get(&p->diverted, path);
        if (d && !imm_streq(d->by, p->names.v[package]))
                path = d->to;
        if (p->systemd_only) /* its list is let go */
                path = imm_strdup(p->c->arena, path);
        node = walked_node(p, path);
        if (node != SIZE_MAX) {
                package_claim(p, node, package);
                return;
        }
        real = real_path(p, path);
        if (real && !imm_map_has(&p->files, real))
                imm_map_put(p->c->arena, &p->files, real, (void *)(uintptr_t)(package + 1));
}

bool package_may_take(struct packages *p, uint64_t size) {
        if (size <= ALL_MAX - p->taken) {
                p->taken += size;
                return true;
        }
        if (!p->full)
                imm_diag_add(p->c->arena, &p->c->diags, IMM_DIAG_UNREADABLE, "package-database",
                        "/", 0, NULL,
                        "more than %d MB name the packages' files: what is beyond has no package",
                        (int)(ALL_MAX >> 20));
        p->full = true;
        return false;
}

void package_own_in(struct packages *p, const char *dir, const char *name, uint32_t package) {
        size_t n = strnlen(dir, PATH_LONGEST + 1);

        n += strnlen(name, PATH_LONGEST + 1);
        if (n <= PATH_LONGEST && package_may_take(p, n))
                package_own(p, imm_printf(p->text, "%s%s", dir, name), package);
}

static uint32_t add_package(struct packages *p, const char *name, size_t n) {
        imm_strv_add(p->c->arena, &p->names, imm_strndup(p->c->arena, name, n));
        imm_strv_add(p->c->arena, &p->versions, NULL);
        return (uint32_t)(p->names.n - 1);
}

uint32_t package_add(struct packages *p, const char *name) {
        return add_package(p, name, strlen(name));
}

void package_set_version(struct packages *p, uint32_t package, const char *version) {
        p->versions.v[package] = imm_strdup(p->c->arena, version);
}

/* The next line of *@s, cut off in place; *@s is NULL behind the last */
static char *next_line(char **s) {
        return strsep(s, "\n");
}

char *package_list(struct packages *p, const char *path) {
        struct imm_blob b;
        struct stat st;

        if (p->systemd_only)
                imm_arena_reset(p->text);
        if (imm_root_stat(p->c->root, path, &st) < 0 ||
                !package_may_take(p, (uint64_t)st.st_size) ||
                imm_root_read(p->c->root, path, IMM_PACKAGE_LIST_MAX, p->text, &b, NULL) < 0)
                return NULL;
        return imm_strndup(p->text, b.data, b.size);
}

/* ---- apk: P:name, F:directory, R:file ---- */

static void read_apk(struct packages *p) {
        char *s = package_list(p, "/lib/apk/db/installed");
        const char *dir = "/";
        uint32_t package = 0;
        bool any = false;

        if (!s)
                s = package_list(p, "/usr/lib/apk/db/installed");
        while (s && *s) {
                char *line = next_line(&s);

                if (line[0] == 'P' && line[1] == ':') {
                        package = add_package(p, line + 2, strlen(line + 2));
                        any = true;
                } else if (any && line[0] == 'V' && line[1] == ':')
                        package_set_version(p, package, line + 2);
                else if (line[0] == 'F' && line[1] == ':')
                        dir = imm_printf(p->text, "/%s%s", line + 2, line[2] ? "/" : "");
                else if (any && line[0] == 'R' && line[1] == ':')
                        package_own_in(p, dir, line + 2, package);
        }
}

/* ---- pacman: local/NAME-VERSION-RELEASE/files ---- */

static void read_pacman(struct packages *p) {
        static const char dir[] = "/var/lib/pacman/local";
        struct imm_dirent *e;
        size_t n;

        if (imm_root_list(p->c->root, dir, p->c->arena, &e, &n) < 0)
                return;
        for (size_t i = 0; i < n; i++) {
                const char *end = strrchr(e[i].name, '-');
                char *s = package_list(p, imm_printf(p->c->arena, "%s/%s/files", dir, e[i].name));
                uint32_t package;

                if (!s || !end)
                        continue;
                while (end > e[i].name && end[-1] != '-')
                        end--;
                package = add_package(p, e[i].name,
                        end > e[i].name ? (size_t)(end - 1 - e[i].name) : strlen(e[i].name));
                if (end > e[i].name)
                        package_set_version(p, package, end);
                for (char *line; s && *s && (line = next_line(&s)) && *line != 0;)
                        if (*line != '%' && !imm_ends_with(line, "/"))
                                package_own_in(p, "/", line, package);
        }
}

static struct packages *read_packages(struct imm_closures *c, bool systemd_only) {
        struct packages *p = imm_new(c->arena, struct packages);

        p->c = c;
        p->systemd_only = systemd_only;
        p->text = systemd_only ? imm_arena_new() : c->arena;
        view_init(&p->view, c, NULL, "", c->arena);
        for (enum walk_kind i = 0; i < WALK_N && !systemd_only && !p->w; i++)
                p->w = c->walks[i];
        if (p->w)
                p->owners = imm_alloc_array(c->arena, p->w->n, sizeof(*p->owners));
        read_dpkg(p);
        read_apk(p);
        read_pacman(p);
        read_rpm(p, c->root, c->arena, &c->diags);
        if (systemd_only)
                p->text = imm_arena_free(p->text);
        return p;
}

/* Nothing changes in it any more: it can be asked without the lock. */
static struct packages *packages_of(struct imm_closures *c) {
        struct packages *p = __atomic_load_n(&c->packages, __ATOMIC_ACQUIRE);

        if (p)
                return p;
        CLOSURES_LOCKED(c);
        if (!c->packages)
                __atomic_store_n(&c->packages, read_packages(c, false), __ATOMIC_RELEASE);
        return c->packages;
}

const char *imm_package_of(struct imm_closures *c, const char *host_path) {
        const struct packages *p = packages_of(c);
        uint32_t i = owner_at(p, host_path);

        return i ? p->names.v[i - 1] : NULL;
}

bool package_of_unit_file(struct imm_closures *c, const char *host_path, const char **ret_name,
        const char **ret_version) {
        CLOSURES_LOCKED(c);
        struct packages *p = c->packages ?: c->unit_packages;
        uint32_t i;

        if (!p)
                p = c->unit_packages = read_packages(c, true);
        i = owner_at(p, host_path);
        if (!i)
                return false;
        *ret_name = p->names.v[i - 1];
        *ret_version = p->versions.v[i - 1];
        return true;
}

/* Files of no package are told by the directory two below the top, "/var/lib/", or their own if
 * that is higher up. */
static size_t place_of(const struct walk *w, size_t i) {
        size_t at = w->v[i].parent;

        while (at && w->v[at].parent && w->v[w->v[at].parent].parent)
                at = w->v[at].parent;
        return at;
}

static void add_group(struct imm_closures *c, struct walk *w, const char *name) {
        if (w->n_groups == w->groups_cap)
                w->groups = imm_array_grow(
                        c->arena, w->groups, w->n_groups, &w->groups_cap, sizeof(*w->groups));
        w->groups[w->n_groups++] = (struct imm_excess_group){.name = name};
}

static uint32_t owner_of(struct packages *p, struct walk *w, size_t i, struct imm_arena *scratch) {
        uint32_t package = w == p->w && w->v[i].parent > 0 ? p->owners[i]
                                                           : owner_at(p, walk_path(w, i, scratch));
        size_t place;

        if (package)
                return package - 1;
        place = place_of(w, i);
        if (w->v[place].group == 0) { /* plus one: it is no regular file */
                struct imm_arena *a = p->c->arena;

                add_group(p->c, w, imm_printf(a, "%s/", place ? walk_path(w, place, a) : ""));
                w->v[place].group = (uint32_t)w->n_groups;
        }
        return w->v[place].group - 1;
}

static int by_name(const void *a, const void *b, void *groups) {
        const struct imm_excess_group *g = groups;

        return strcmp(g[*(const uint32_t *)a].name, g[*(const uint32_t *)b].name);
}

static void order_groups(struct imm_closures *c, struct walk *w) {
        w->groups_by_name = imm_alloc_array(c->arena, w->n_groups + 1, sizeof(*w->groups_by_name));
        for (size_t i = 0; i < w->n_groups; i++)
                w->groups_by_name[i] = (uint32_t)i;
        if (w->n_groups > 1)
                qsort_r(w->groups_by_name, w->n_groups, sizeof(*w->groups_by_name), by_name,
                        w->groups);
}

void walk_groups(struct imm_closures *c, struct walk *w) {
        CLOSURES_LOCKED(c);
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = NULL;
        struct packages *p;

        if (w->groups_by_name)
                return;
        p = packages_of(c);
        scratch = imm_arena_new();
        for (size_t i = 0; i < p->names.n; i++)
                add_group(c, w, p->names.v[i]);
        for (size_t i = 0; i < w->n; i++) {
                struct imm_excess_group *g;

                if (!S_ISREG(w->v[i].mode))
                        continue;
                w->v[i].group = owner_of(p, w, i, scratch);
                g = &w->groups[w->v[i].group];
                g->files++;
                g->bytes += w->v[i].size;
                if (i % 1024 == 0)
                        imm_arena_reset(scratch);
        }
        order_groups(c, w);
}
