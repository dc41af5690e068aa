#include "analyzer/closure/closure-private.h"

#include <errno.h>
#include <limits.h>

enum { LINKS_MAX = 40 };

/* Is anything mounted below @path, or does systemd make an entry of that name in a new tmpfs? */
static bool leads_to_mount(const struct view *v, const struct imm_mount *m, const char *path) {
        size_t n = strlen(path), top = strlen(m->path);
        const char *rest = path + (top > 1 ? top : 0);

        while (*rest == '/')
                rest++;
        for (size_t i = 0; i < m->entries.n; i++) {
                const char *name = m->entries.v[i].path, *more;

                while (*name == '/')
                        name++;
                more = imm_after(name, rest);
                if (more && (!*more || *more == '/'))
                        return true;
        }
        for (size_t i = 0; i < v->table->n; i++)
                if (strncmp(v->table->v[i].path, path, n) == 0 && v->table->v[i].path[n] == '/')
                        return true;
        return false;
}

/* An empty file system that is made when the machine or the service starts, not one of the kernel's
 */
static bool content_is_known(const struct imm_mount *m) {
        return imm_streq(m->fstype, "tmpfs") || imm_streq(m->fstype, "ramfs") ||
               imm_streq(m->fstype, "bind") || imm_streq(m->fstype, "overlay");
}

bool mount_shows_root(const struct imm_closures *c, const struct imm_mount *m) {
        static const char *const made_at_boot[] = {"tmpfs", "ramfs", "devtmpfs", "proc", "sysfs",
                "devpts", "cgroup", "cgroup2", "mqueue", "hugetlbfs", "securityfs", "debugfs",
                "tracefs", "bpf", "pstore", "configfs", "fusectl", "efivarfs", "autofs"};
        static const char *const tops[] = {"/dev", "/proc", "/run", "/sys"};

        if (!m->host_path || m->inaccessible)
                return false;
        for (size_t i = 0; m->of_host && i < IMM_ELEMENTSOF(made_at_boot); i++)
                if (imm_streq(m->fstype, made_at_boot[i])) /* an image's /run is not what is seen */
                        return imm_root_is_running(c->root) && imm_streq(m->fstype, "tmpfs");
        for (size_t i = 0; !imm_root_is_running(c->root) && i < IMM_ELEMENTSOF(tops); i++) {
                const char *rest = imm_after(m->host_path, tops[i]);

                if (rest && (!*rest || *rest == '/'))
                        return false;
        }
        return true;
}

const char *mount_host_path(
        const char *top, const struct imm_mount *m, const char *path, struct imm_arena *a) {
        const char *rest = path + (m->path[1] ? strlen(m->path) : 0);

        if (imm_streq(rest, "/"))
                rest = "";
        if (imm_streq(top, "/"))
                return *rest ? rest : "/";
        return *rest ? path_join(a, top, strlen(top), rest + 1, strlen(rest + 1)) : top;
}

char *path_join(
        struct imm_arena *a, const char *dir, size_t n_dir, const char *name, size_t n_name) {
        char *p;

        while (n_dir > 0 && dir[n_dir - 1] == '/')
                n_dir--;
        if (n_dir == 0 && *dir != '/')
                return imm_strndup(a, name, n_name);
        p = imm_alloc(a, n_dir + n_name + 2);
        memcpy(p, dir, n_dir);
        p[n_dir] = '/';
        memcpy(p + n_dir + 1, name, n_name);
        return p;
}

void view_init(struct view *v, struct imm_closures *c, const struct imm_mount_table *t,
        const char *prefix, struct imm_arena *a) {
        *v = (struct view){.c = c, .table = t, .prefix = prefix, .arena = a};
        if (t)
                v->shows = imm_alloc_array(a, t->n + 1, sizeof(*v->shows));
        for (size_t i = 0; t && i < t->n; i++) {
                const struct imm_mount *m = &t->v[i];

                v->shows[i] = mount_shows_root(c, m);
                if (!v->shows[i] || m->layers.n > 0 || m->entries.n > 0 ||
                        !imm_streq(m->host_path, m->path))
                        imm_strv_add(a, &v->others, m->path);
        }
}

void watch_add(struct imm_closures *c, const struct imm_strv *touched, struct watches *w) {
        for (size_t i = 0; i < touched->n; i++) {
                uintptr_t number = (uintptr_t)imm_map_get(&c->watched, touched->v[i]);

                if (number == 0) {
                        imm_map_put(c->arena, &c->watched, imm_strdup(c->arena, touched->v[i]),
                                (void *)(uintptr_t)(c->watched.n + 1));
                        number = c->watched.n;
                }
                *imm_array_push(c->arena, w) =
                        (struct watch){c->watched.v[number - 1].key, (unsigned)(number - 1)};
        }
}

/* Is one of them the other, or above it? */
static bool on_one_line(const char *a, const char *b) {
        while (*a && *a == *b) {
                a++;
                b++;
        }
        return (!*a && (!*b || *b == '/' || a[-1] == '/')) || (!*b && (*a == '/' || b[-1] == '/'));
}

/* A directory that was only passed ("/usr/."): what is mounted below it elsewhere is no matter. */
static bool is_passed(const char *path) {
        return imm_ends_with(path, "/.");
}

/* Is @mount at or above what was passed? */
static bool lies_under(const char *passed, const char *mount) {
        const char *rest = imm_after(passed, mount);

        return rest && (*rest == '/' || mount[strlen(mount) - 1] == '/');
}

static bool agrees(struct view *v, const struct watch *w) {
        while (w->number >= v->n_agrees) {
                size_t had = v->n_agrees;

                v->agrees = imm_array_grow(v->arena, v->agrees, had, &v->n_agrees, 1);
                memset(v->agrees + had, 0, v->n_agrees - had);
        }
        if (!v->agrees[w->number]) {
                v->agrees[w->number] = 1;
                for (size_t i = 0; i < v->others.n; i++)
                        if (is_passed(w->path) ? lies_under(w->path, v->others.v[i])
                                               : on_one_line(w->path, v->others.v[i]))
                                v->agrees[w->number] = 2;
        }
        return v->agrees[w->number] == 1;
}

static bool has_dots(const char *path) {
        return strstr(path, "/.") || strstr(path, "//");
}

/* What is there was looked at, and what lies below it may have been; NULL: it could be anywhere */
static void touch(struct view *v, const char *path) {
        if (!v->touched)
                return;
        if (!path || (has_dots(path) && !is_passed(path)))
                path = "/";
        for (size_t i = 0; i < v->touched->n; i++) {
                const char *rest = imm_after(path, v->touched->v[i]);

                if (rest && (!*rest || *rest == '/'))
                        return; /* what lies below is watched as well */
        }
        imm_strv_add(v->arena, v->touched, imm_strdup(v->arena, path));
}

static void touch_all(struct view *v, const struct imm_strv *links) {
        for (size_t i = 0; v->touched && i < links->n; i++)
                touch(v, links->v[i]);
}

bool view_relies(struct view *v, const struct found_by *f) {
        const struct watches *w = &f->watches;

        if (!v->table && *v->prefix)
                return false;
        for (size_t i = 0; v->table && i < w->n; i++)
                if (!agrees(v, &w->v[i]))
                        return false;
        for (size_t i = 0; v->touched && i < w->n; i++)
                touch(v, w->v[i].path);
        if (v->sight)
                sight_add_all(v->sight, &f->sight);
        return true;
}

static struct node *look(struct view *v, const char *host) {
        struct node *n = node_get(v->c, host);

        if (v->sight)
                sight_add(v->sight, n);
        return n;
}

/* A link that systemd makes in a mount that shows @host: a root of its own gets /bin, /lib ... */
static struct node *made_link(struct view *v, const char *host) {
        size_t low = 0, high = v->table->made.n;
        struct node *n;

        while (low < high) {
                size_t mid = low + (high - low) / 2;
                const struct imm_made *e = &v->table->made.v[mid];
                int k = strcmp(e->path, host);

                if (k == 0 && !e->target)
                        break;
                if (k == 0) {
                        n = imm_new(v->arena, struct node);
                        n->host = host;
                        n->mode = S_IFLNK | 0777;
                        n->target = e->target;
                        n->folder = -1;
                        return n;
                }
                if (k < 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        return NULL;
}

/*
 * One component: @path is free of links but for its last part. @above: what the directory lies on
 * that it is in; NULL: that must be looked for.
 */
static int step(struct view *v, const char *path, const struct imm_mount *above, struct place *p) {
        const struct imm_mount *m;
        struct node *made = NULL;

        p->path = path;
        p->node = NULL;
        p->mount = NULL;
        if (!v->table) {
                p->node =
                        look(v, *v->prefix ? imm_printf(v->arena, "%s%s", v->prefix, path) : path);
                return p->node->error;
        }
        m = p->mount =
                above ? imm_mount_below(v->table, above, path) : imm_mount_at(v->table, path);
        if (!m)
                return -ENOENT;
        if (m->inaccessible)
                return -EACCES;
        for (size_t i = 0; i < m->layers.n; i++) {
                p->node = look(v, mount_host_path(m->layers.v[i], m, path, v->arena));
                if (p->node->error == 0)
                        return 0;
        }
        if (v->shows[m - v->table->v]) {
                const char *host = mount_host_path(m->host_path, m, path, v->arena);

                p->node = look(v, host);
                if (p->node->error != -ENOENT)
                        return p->node->error;
                made = made_link(v, host); /* what is missing need not have a name */
        }
        p->node = made;
        if (p->node || imm_streq(path, m->path) || leads_to_mount(v, m, path))
                return 0; /* a mount point that systemd makes, or a directory on the way to one */
        return content_is_known(m) || v->shows[m - v->table->v] ? -ENOENT : -ENODATA;
}

static bool is_directory(const struct place *p) {
        return !p->node || S_ISDIR(p->node->mode);
}

/* To what is above @*done, of which "" is the top */
static int go_up(struct view *v, const char **done, struct place *p) {
        const char *slash = strrchr(*done, '/');

        *done = imm_strndup(v->arena, *done, slash ? (size_t)(slash - *done) : 0);
        return step(v, **done ? *done : "/", NULL, p);
}

/* Where the link @at leads to, which lies in @*done; @end is what comes behind it. */
static int go_along(struct view *v, const char *at, const char *end, const char **done,
        const char **rest, struct place *p) {
        const char *target = p->node->target;

        if (p->links.n >= LINKS_MAX)
                return -ELOOP;
        imm_strv_add(v->arena, &p->links, at);
        v->dotted |= has_dots(target);
        if (*target == '/')
                *done = "";
        *rest = imm_printf(v->arena, "%s/%s", target, end);
        if (strlen(*rest) > 4 * PATH_MAX)
                return -ENAMETOOLONG;
        return step(v, **done ? *done : "/", NULL, p);
}

/* Goes on from @from, which was resolved before; NULL: from the top */
static int walk(struct view *v, const struct place *from, const char *rest, struct place *ret) {
        const char *done = from && from->path[1] ? from->path : ""; /* "" is the top */
        struct place p = {.path = "/"};
        int k;

        if (from) {
                p.node = from->node;
                p.mount = from->mount;
        } else {
                k = step(v, "/", NULL, &p);
                if (k < 0)
                        return k;
        }
        for (;;) {
                const char *end;
                char *next;

                while (*rest == '/')
                        rest++;
                if (!*rest)
                        break;
                if (!is_directory(&p))
                        return -ENOTDIR;
                end = strchrnul(rest, '/');
                if (end - rest > NAME_MAX)
                        return -ENAMETOOLONG;
                if (end - rest == 1 && rest[0] == '.') {
                        rest = end;
                        continue;
                }
                if (end - rest == 2 && rest[0] == '.' && rest[1] == '.') {
                        k = go_up(v, &done, &p);
                        if (k < 0)
                                return k;
                        rest = end;
                        continue;
                }
                next = *done ? path_join(v->arena, done, strlen(done), rest, (size_t)(end - rest))
                             : path_join(v->arena, "/", 1, rest, (size_t)(end - rest));
                k = step(v, next, p.mount, &p);
                if (v->passed)
                        imm_strv_add(v->arena, v->passed,
                                path_join(v->arena, next, strlen(next), ".", 1));
                if (k < 0) {
                        ret->mount = p.mount;
                        ret->path = next;
                        return k;
                }
                if (p.node && p.node->target) {
                        k = go_along(v, next, end, &done, &rest, &p);
                        if (k < 0)
                                return k;
                        continue;
                }
                done = next;
                rest = end;
        }
        *ret = p;
        ret->path = *done ? done : "/";
        return 0;
}

struct remembered {
        const char *path; /* as it was asked for */
        int error;
        struct place place;
        struct imm_strv passed; /* where it or a link has dots: all that it leads over */
        struct sight sight;     /* where the view notes that: what was looked at */
};

/* The directory that @slash ends the name of, in @path */
static size_t length_of_directory(const char *path, const char *slash) {
        return slash == path ? 1 : (size_t)(slash - path);
}

/*
 * Directories are asked for again and again (each library's): they are resolved once per view.
 * @path: its first @n bytes.
 */
static const struct remembered *directory(struct view *v, const char *path, size_t n) {
        struct remembered *d = imm_map_get_n(&v->dirs, path, n);
        struct sight *noted = v->sight;

        if (!d) {
                d = imm_new(v->arena, struct remembered);
                d->path = imm_strndup(v->arena, path, n);
                v->passed = v->touched ? &d->passed : NULL;
                v->dotted = has_dots(d->path);
                d->sight = (struct sight){.arena = v->arena, .repeats = true};
                if (noted && v->touched) /* it serves several answers */
                        v->sight = &d->sight;
                d->error = walk(v, NULL, d->path, &d->place);
                v->sight = noted;
                v->passed = NULL;
                if (!v->dotted) /* it leads over nothing but what is above it */
                        d->passed.n = 0;
                if (d->error == 0 && !is_directory(&d->place))
                        d->error = -ENOTDIR;
                imm_map_put(v->arena, &v->dirs, d->path, d);
        }
        if (noted)
                sight_add_all(noted, &d->sight);
        if (!d->path[1]) {
                touch(v, "/."); /* all that there is lies below: the entry counts, see entry_of() */
                return d;
        }
        if (d->passed.n > 0)
                touch_all(v, &d->passed);
        else
                touch(v, d->path);
        if (d->passed.n == 0 || d->place.path) /* there, or where it is missing */
                touch(v, d->place.path);
        touch_all(v, &d->place.links);
        return d;
}

/* What a link there leads over by "..", or at the top at all, is not below what is watched. */
static int entry_of(
        struct view *v, const struct remembered *d, const char *name, struct place *ret) {
        struct imm_strv passed = {0};
        int k;

        v->passed = v->touched ? &passed : NULL;
        v->dotted = d->place.path && !d->place.path[1];
        k = walk(v, &d->place, name, ret);
        v->passed = NULL;
        if (v->dotted)
                touch_all(v, &passed);
        return k;
}

int view_find(struct view *v, const char *cwd, const char *path, struct place *ret) {
        const struct remembered *d;
        const char *whole = path, *slash;
        struct place last = {0};
        int k;

        *ret = (struct place){.path = path};
        if (!*path)
                return -ENOENT;
        if (*path != '/') {
                whole = imm_printf(v->arena, "%s/%s", cwd && *cwd ? cwd : "", path);
                v->relative = true;
        }
        if (strlen(whole) >= PATH_MAX)
                return -ENAMETOOLONG;
        slash = strrchr(whole, '/');
        if (!slash[1] || imm_streq(slash, "/.") || imm_streq(slash, "/..")) {
                touch(v, NULL);
                return walk(v, NULL, whole, ret);
        }
        d = directory(v, whole, length_of_directory(whole, slash));
        *ret = d->place;
        if (d->error < 0)
                return d->error;
        k = entry_of(v, d, slash + 1, &last);
        touch(v, last.path);
        touch_all(v, &last.links);
        if (k < 0) {
                ret->path = whole;
                ret->mount = last.mount;
                return k;
        }
        *ret = last;
        if (d->place.links.n > 0) { /* those of the directory come first */
                ret->links = (struct imm_strv){0};
                for (size_t i = 0; i < d->place.links.n; i++)
                        imm_strv_add(v->arena, &ret->links, d->place.links.v[i]);
                for (size_t i = 0; i < last.links.n; i++)
                        imm_strv_add(v->arena, &ret->links, last.links.v[i]);
        }
        return 0;
}

bool view_has(struct view *v, const char *path) {
        const char *slash = strrchr(path, '/');
        const struct remembered *d = directory(v, path, length_of_directory(path, slash));
        const char *entry;
        struct place p;

        if (d->error < 0)
                return false;
        entry = path_join(
                v->arena, d->place.path, strlen(d->place.path), slash + 1, strlen(slash + 1));
        touch(v, entry);
        return step(v, entry, d->place.mount, &p) == 0;
}
