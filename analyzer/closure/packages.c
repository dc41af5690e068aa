#include "analyzer/closure/closure-private.h"

#include <errno.h>

/*
 * Which package owns a file: dpkg's lists (with diversions), apk's and pacman's databases as text.
 * Lists name files as the package has them (/lib/x), the root may have links on the way (/lib ->
 * usr/lib): directories are resolved, each once.
 */

enum { LIST_MAX = 256 << 20 };

struct packages {
        struct imm_strv names;
        struct imm_map directories; /* as listed -> real, or NULL if it does not exist */
        struct imm_map files;       /* real path -> index of the package plus one */
        struct imm_map diverted;    /* as listed -> struct diversion */
        struct view view;
};

struct diversion {
        const char *to, *by;
};

/* The real path of a listed file: its directory resolved, its last part as it is */
static const char *real_path(struct imm_closures *c, const char *path) {
        struct packages *p = c->packages;
        const char *slash = strrchr(path, '/'), *dir, *real;
        struct place at;

        if (!slash || !slash[1])
                return NULL;
        if (slash == path)
                return path;
        dir = imm_strndup(c->arena, path, (size_t)(slash - path));
        if (imm_map_has(&p->directories, dir))
                real = imm_map_get(&p->directories, dir);
        else {
                real = view_find(&p->view, NULL, dir, &at) == 0 && at.node ? at.path : NULL;
                imm_map_put(
                        c->arena, &p->directories, dir, real ? imm_strdup(c->arena, real) : NULL);
        }
        if (!real)
                return NULL;
        return imm_streq(real, dir) ? path : imm_printf(c->arena, "%s%s", real, slash);
}

static void own(struct imm_closures *c, const char *path, uint32_t package) {
        struct packages *p = c->packages;
        struct diversion *d = imm_map_get(&p->diverted, path);
        const char *real;

        if (d && !imm_streq(d->by, p->names.v[package]))
                path = d->to;
        real = real_path(c, path);
        if (real && !imm_map_has(&p->files, real))
                imm_map_put(c->arena, &p->files, real, (void *)(uintptr_t)(package + 1));
}

static uint32_t add_package(struct imm_closures *c, const char *name, size_t n) {
        imm_strv_add(c->arena, &c->packages->names, imm_strndup(c->arena, name, n));
        return (uint32_t)(c->packages->names.n - 1);
}

/* The next line of *@s, cut off in place; *@s is NULL behind the last */
static char *next_line(char **s) {
        return strsep(s, "\n");
}

static char *read_list(struct imm_closures *c, const char *path) {
        struct imm_blob b;

        if (imm_root_read(c->root, path, LIST_MAX, c->arena, &b, NULL) < 0)
                return NULL;
        return imm_strndup(c->arena, b.data, b.size);
}

/* ---- dpkg ---- */

static void read_diversions(struct imm_closures *c) {
        char *s = read_list(c, "/var/lib/dpkg/diversions");

        while (s && *s) {
                const char *from = next_line(&s), *to, *by;

                to = s && *s ? next_line(&s) : NULL;
                by = s && *s ? next_line(&s) : NULL;
                if (to && by) {
                        struct diversion *d = imm_new(c->arena, struct diversion);

                        *d = (struct diversion){to, by};
                        imm_map_put(c->arena, &c->packages->diverted, from, d);
                }
        }
}

static void read_dpkg(struct imm_closures *c) {
        static const char dir[] = "/var/lib/dpkg/info";
        struct imm_dirent *e;
        size_t n;

        if (imm_root_list(c->root, dir, c->arena, &e, &n) < 0)
                return;
        read_diversions(c);
        for (size_t i = 0; i < n; i++) {
                uint32_t package;
                char *s;

                if (!imm_ends_with(e[i].name, ".list"))
                        continue;
                s = read_list(c, imm_printf(c->arena, "%s/%s", dir, e[i].name));
                /* NAME.list, NAME:ARCH.list */
                package = add_package(c, e[i].name,
                        strcspn(e[i].name, ":") < strlen(e[i].name) ? strcspn(e[i].name, ":")
                                                                    : strlen(e[i].name) - 5);
                while (s && *s) {
                        char *line = next_line(&s);

                        if (*line == '/' && line[1] != '.')
                                own(c, line, package);
                }
        }
}

/* ---- apk: P:name, F:directory, R:file ---- */

static void read_apk(struct imm_closures *c) {
        char *s = read_list(c, "/lib/apk/db/installed");
        const char *dir = "";
        uint32_t package = 0;
        bool any = false;

        if (!s)
                s = read_list(c, "/usr/lib/apk/db/installed");
        while (s && *s) {
                char *line = next_line(&s);

                if (line[0] == 'P' && line[1] == ':') {
                        package = add_package(c, line + 2, strlen(line + 2));
                        any = true;
                } else if (line[0] == 'F' && line[1] == ':')
                        dir = line + 2;
                else if (any && line[0] == 'R' && line[1] == ':')
                        own(c, imm_printf(c->arena, "/%s%s%s", dir, *dir ? "/" : "", line + 2),
                                package);
        }
}

/* ---- pacman: local/NAME-VERSION-RELEASE/files ---- */

static void read_pacman(struct imm_closures *c) {
        static const char dir[] = "/var/lib/pacman/local";
        struct imm_dirent *e;
        size_t n;

        if (imm_root_list(c->root, dir, c->arena, &e, &n) < 0)
                return;
        for (size_t i = 0; i < n; i++) {
                const char *end = strrchr(e[i].name, '-');
                char *s = read_list(c, imm_printf(c->arena, "%s/%s/files", dir, e[i].name));
                uint32_t package;

                if (!s || !end)
                        continue;
                while (end > e[i].name && end[-1] != '-')
                        end--;
                package = add_package(c, e[i].name,
                        end > e[i].name ? (size_t)(end - 1 - e[i].name) : strlen(e[i].name));
                for (char *line; s && *s && (line = next_line(&s)) && *line != 0;)
                        if (*line != '%' && !imm_ends_with(line, "/"))
                                own(c, imm_printf(c->arena, "/%s", line), package);
        }
}

static struct packages *packages_of(struct imm_closures *c) {
        if (c->packages)
                return c->packages;
        c->packages = imm_new(c->arena, struct packages);
        view_init(&c->packages->view, c, NULL, "", c->arena);
        read_dpkg(c);
        read_apk(c);
        read_pacman(c);
        read_rpm(c);
        return c->packages;
}

uint32_t package_add(struct imm_closures *c, const char *name) {
        return add_package(c, name, strlen(name));
}

void package_own(struct imm_closures *c, const char *path, uint32_t package) {
        own(c, path, package);
}

const char *imm_package_of(struct imm_closures *c, const char *host_path) {
        const char *name = NULL;
        struct packages *p;
        uintptr_t i;

        (void)pthread_mutex_lock(&c->lock);
        p = packages_of(c);
        i = (uintptr_t)imm_map_get(&p->files, host_path);
        if (i)
                name = p->names.v[i - 1];
        (void)pthread_mutex_unlock(&c->lock);
        return name;
}

const char *package_name(struct imm_closures *c, uint32_t i) {
        return packages_of(c)->names.v[i];
}

size_t package_count(struct imm_closures *c) {
        return packages_of(c)->names.n;
}

void walk_packages(struct imm_closures *c) {
        struct packages *p = packages_of(c);
        struct walk *w = c->walk;

        if (w->packages)
                return;
        w->packages = true;
        for (size_t i = 0; i < p->files.n; i++) {
                size_t at = walk_find(c, w, p->files.v[i].key);

                if (at != SIZE_MAX)
                        w->v[at].package = (uint32_t)(uintptr_t)p->files.v[i].value;
        }
}
