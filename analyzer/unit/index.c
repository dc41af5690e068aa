#include "analyzer/unit/index.h"

#include "analyzer/unit/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sysmacros.h>

/* Where a link's folder really is, and whether that is inside the unit directories */
struct parent {
        const char *real; /* NULL: cannot be resolved */
        bool inside;
        int error;
};

/* Is @path one of the directories, or below one? */
static bool is_inside(const struct imm_strv *dirs, const char *path) {
        for (size_t i = 0; i < dirs->n; i++) {
                const char *rest = imm_after(path, dirs->v[i]);

                if (rest && (*rest == '/' || *rest == 0))
                        return true;
        }
        return false;
}

/* The folder @path without links; a part that does not exist stays as it is spelt, unless "..". */
static int resolve_folder(
        const struct imm_root *r, const char *path, struct imm_arena *a, const char **ret) {
        size_t keep = strlen(path);
        const char *real;
        int k;

        for (;;) {
                size_t end;

                k = imm_root_realpath(r, imm_strndup(a, path, keep), a, &real);
                if (k != -ENOENT || keep == 0)
                        break;
                end = keep;
                while (end > 0 && path[end - 1] == '/')
                        end--;
                while (end > 0 && path[end - 1] != '/')
                        end--;
                keep = end;
        }
        if (k < 0)
                return k;
        if (!path[keep]) {
                *ret = real;
                return 0;
        }
        if (strstr(path + keep, ".."))
                return -ENOENT;
        *ret = imm_printf(a, "%s%s%s", imm_streq(real, "/") ? "" : real,
                path[keep] == '/' ? "" : "/", path + keep);
        return 0;
}

static const struct parent *parent_of(struct imm_manager *m, const char *folder) {
        struct imm_unit_index *x = m->index;
        struct parent *p = imm_map_get(&x->parents, folder);

        if (p)
                return p;
        p = imm_new(m->arena, struct parent);
        p->error = resolve_folder(m->root, *folder ? folder : "/", m->arena, &p->real);
        if (p->error == 0)
                p->inside = is_inside(&x->expanded, p->real);
        imm_map_put(m->arena, &x->parents, imm_strdup(m->arena, folder), p);
        return p;
}

/* 0, or why systemd would not take @name as an alias of @target (both file names) */
static const char *alias_fault(const char *name, const char *target) {
        enum imm_name_kind from = imm_unit_name_kind(name), to = imm_unit_name_kind(target);
        enum imm_unit_type type = imm_unit_name_type(name);

        if (!imm_unit_type_may_alias(type))
                return "units of this type cannot have aliases";
        if (from != IMM_NAME_PLAIN && !imm_unit_type_may_template(type))
                return "units of this type cannot be templates";
        if (to == IMM_NAME_INVALID)
                return "its target is no unit name";
        if (from != to && !(from == IMM_NAME_INSTANCE && to == IMM_NAME_TEMPLATE))
                return "its target is another kind of name";
        if (to == IMM_NAME_INSTANCE) {
                const char *a = strchr(name, '@'), *b = strchr(target, '@');
                size_t n = (size_t)(strrchr(name, '.') - a);

                if ((size_t)(strrchr(target, '.') - b) != n || memcmp(a, b, n) != 0)
                        return "its target is another instance";
        }
        if (imm_unit_name_type(target) != type)
                return "its target is a unit of another type";
        return NULL;
}

static void put_odd(struct imm_manager *m, const char *name, const char *path, const char *why,
        bool unreadable, enum imm_load load) {
        struct odd_entry *o;

        if (imm_map_has(&m->index->odd, name))
                return;
        o = imm_new(m->arena, struct odd_entry);
        *o = (struct odd_entry){path, why, unreadable, load};
        imm_map_put(m->arena, &m->index->odd, name, o);
}

static const char *read_link(struct imm_manager *m, int dir, const char *name) {
        char buf[PATH_MAX];
        ssize_t n = readlinkat(dir, name, buf, sizeof(buf));

        return n > 0 ? imm_strndup(m->arena, buf, (size_t)n) : NULL;
}

static const char endless[] = "endless symbolic link";

/* A link with a unit's name: an alias, a unit linked from elsewhere, or nothing */
static void put_link(struct imm_manager *m, unsigned dir, const char *name) {
        struct imm_unit_index *x = m->index;
        const struct search_dir *d = &x->dirs[dir];
        const char *path = imm_printf(m->arena, "%s/%s", d->path, name), *fault, *base, *target;
        const struct parent *parent;
        struct unit_entry *e;
        size_t n;

        target = read_link(m, d->fd, name);
        if (!target) {
                put_odd(m, name, path, "cannot read the link", true, IMM_LOAD_ERROR);
                return;
        }
        if (*target != '/')
                target = imm_printf(m->arena, "%s/%s", d->path, target);
        n = strlen(target);
        while (n > 1 && target[n - 1] == '/')
                n--;
        target = imm_strndup(m->arena, target, n);
        base = strrchr(target, '/') + 1;
        if (imm_streq(base, "..") || imm_streq(base, ".") || !*base) {
                put_odd(m, name, path, "it leads to a directory", true, IMM_LOAD_ERROR);
                return;
        }
        parent = parent_of(m, imm_strndup(m->arena, target, (size_t)(base - 1 - target)));
        if (parent->error < 0) {
                put_odd(m, name, path,
                        parent->error == -ELOOP ? endless : "its target cannot be resolved",
                        parent->error == -ELOOP, IMM_LOAD_NOT_FOUND);
                return;
        }
        e = imm_new(m->arena, struct unit_entry);
        *e = (struct unit_entry){.name = name, .dir = dir};
        if (parent->inside) {
                if (imm_streq(base, name)) {
                        /* no effect by itself; a loop unless something else defines the name */
                        put_odd(m, name, path, endless, true, IMM_LOAD_NOT_FOUND);
                        return;
                }
                fault = alias_fault(name, base);
                if (fault) {
                        put_odd(m, name, path, fault, false, IMM_LOAD_NOT_FOUND);
                        return;
                }
                e->alias = base;
        } else {
                e->target = imm_printf(
                        m->arena, "%s/%s", imm_streq(parent->real, "/") ? "" : parent->real, base);
                /* 247 looks through the link, later ones name the unit by it */
                e->path = m->version < 248 ? e->target : path;
        }
        imm_map_put(m->arena, &x->ids, name, e);
}

/* "foo.service.d", "service.d": is the part of the folder's name before @dot a unit or a type? */
static bool is_unit_folder(const char *name, const char *dot) {
        char stem[IMM_UNIT_NAME_MAX];
        size_t n = (size_t)(dot - name);

        if (n == 0 || n >= sizeof(stem))
                return false;
        memcpy(stem, name, n);
        stem[n] = 0;
        return imm_unit_name_kind(stem) != IMM_NAME_INVALID ||
               imm_unit_type_by_name(stem) != IMM_UNIT_TYPE_INVALID;
}

/*
 * Is the link @name a folder that systemd takes notice of? Since 250 the manager asks whether the
 * link's text names a directory as seen from its own working directory, which is /.
 */
static bool is_folder_link(struct imm_manager *m, unsigned dir, const char *name) {
        const char *target;
        struct stat st;

        if (m->version < 250)
                return true;
        target = read_link(m, m->index->dirs[dir].fd, name);
        if (!target)
                return false;
        if (*target != '/')
                target = imm_printf(m->arena, "/%s", target);
        return imm_root_stat(m->root, target, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The instances that a folder of wants names. A link to /dev/null is a mask. */
static void list_wants(struct imm_manager *m, const struct wants_dir *w) {
        const char *path = imm_printf(m->arena, "%s/%s", m->index->dirs[w->dir].path, w->name);
        struct imm_dirent *e;
        size_t n;

        if (imm_root_list(m->root, path, m->arena, &e, &n) < 0)
                return;
        for (size_t i = 0; i < n; i++) {
                const char *target;

                if (e[i].type != DT_LNK || imm_unit_name_kind(e[i].name) != IMM_NAME_INSTANCE)
                        continue;
                if (imm_root_readlink(m->root, imm_printf(m->arena, "%s/%s", path, e[i].name),
                            m->arena, &target) == 0 &&
                        imm_streq(target, "/dev/null"))
                        continue;
                imm_strv_add(m->arena, &m->index->wanted, e[i].name);
        }
}

const struct imm_strv *imm_index_wanted(struct imm_manager *m) {
        struct imm_unit_index *x = m->index;

        if (x->wanted_listed)
                return &x->wanted;
        imm_array_foreach (w, &x->wants) {
                list_wants(m, w);
        }
        for (size_t i = 0; i < x->dropins.n; i++) {
                const char *folder = x->dropins.v[i].key;
                const char *name = imm_strndup(m->arena, folder, strlen(folder) - strlen(".d"));

                if (imm_unit_name_kind(name) == IMM_NAME_INSTANCE)
                        imm_strv_add(m->arena, &x->wanted, name);
        }
        imm_strv_sort_unique(&x->wanted);
        x->wanted_listed = true;
        return &x->wanted;
}

void imm_manager_wants(struct imm_manager *m, struct imm_arena *a, struct imm_strv *ret) {
        imm_array_foreach (w, &m->index->wants)
                imm_strv_add(a, ret, imm_printf(a, "%s/%s", m->index->dirs[w->dir].path, w->name));
}

static void put_folder(struct imm_manager *m, unsigned dir, const struct imm_dirent *e) {
        struct imm_unit_index *x = m->index;
        const char *dot = strrchr(e->name, '.');
        struct dropin_dirs *dirs;
        bool wants;

        if (!dot)
                return;
        wants = imm_streq(dot, ".wants") || imm_streq(dot, ".requires") ||
                (imm_streq(dot, ".upholds") && m->version >= 254);
        if ((!wants && !imm_streq(dot, ".d")) || !is_unit_folder(e->name, dot) ||
                (e->type == DT_LNK && !is_folder_link(m, dir, e->name)))
                return;
        if (wants) {
                *imm_array_push(m->arena, &x->wants) = (struct wants_dir){dir, e->name};
                return;
        }
        dirs = imm_map_get(&x->dropins, e->name);
        if (!dirs) {
                dirs = imm_new(m->arena, struct dropin_dirs);
                imm_map_put(m->arena, &x->dropins, e->name, dirs);
        }
        *imm_array_push(m->arena, &dirs->list) =
                (struct dropin_dir){.dir = dir, .name = e->name, .link = e->type == DT_LNK};
}

static void put_file(struct imm_manager *m, unsigned dir, const struct imm_dirent *e) {
        struct imm_unit_index *x = m->index;
        struct unit_entry *u;

        if (e->type != DT_REG && m->version >= 250) {
                put_odd(m, e->name, imm_printf(m->arena, "%s/%s", x->dirs[dir].path, e->name),
                        "not a regular file", true, IMM_LOAD_ERROR);
                return;
        }
        u = imm_new(m->arena, struct unit_entry);
        *u = (struct unit_entry){.name = e->name,
                .path = imm_printf(m->arena, "%s/%s", x->dirs[dir].path, e->name),
                .dir = dir,
                .plain = e->type == DT_REG};
        imm_map_put(m->arena, &x->ids, u->name, u);
}

static void index_dir(struct imm_manager *m, unsigned dir) {
        struct imm_unit_index *x = m->index;
        const struct search_dir *d = &x->dirs[dir];
        struct imm_dirent *e = NULL;
        size_t n = 0;
        int r;

        r = imm_list_below(d->fd, ".", m->arena, &e, &n);
        m->blind |= r < 0;
        if (r < 0)
                imm_diag_add(m->arena, &m->diags, IMM_DIAG_UNREADABLE, "unreadable-directory",
                        d->path, 0, NULL, "cannot list the directory: %s", strerror(-r));
        imm_map_reserve(m->arena, &x->ids, x->ids.n + n);
        for (size_t i = 0; i < n; i++) {
                if (imm_unit_name_kind(e[i].name) == IMM_NAME_INVALID) {
                        if (e[i].type == DT_DIR || e[i].type == DT_LNK)
                                put_folder(m, dir, &e[i]);
                } else if (imm_map_has(&x->ids, e[i].name)) {
                        continue; /* a more important directory has it */
                } else if (e[i].type == DT_LNK)
                        put_link(m, dir, e[i].name);
                else
                        put_file(m, dir, &e[i]);
        }
}

int imm_index_find(struct imm_manager *m, const char *name, const struct unit_entry **ret) {
        const struct unit_entry *e = imm_map_get(&m->index->ids, name);

        if (!e)
                return -ENOENT;
        for (unsigned hops = 1; e->alias; hops++) {
                const char *alias = e->alias;

                if (hops >= 8) /* systemd's own patience */
                        return -ELOOP;
                e = imm_map_get(&m->index->ids, alias);
                if (!e && imm_unit_name_kind(alias) == IMM_NAME_INSTANCE)
                        e = imm_map_get(&m->index->ids, imm_unit_name_template(alias, m->arena));
                if (!e)
                        return -ENXIO;
        }
        *ret = e;
        return 0;
}

/* Nodes that every booted system has, asked for in an image whose /dev is empty */
static bool is_well_known_node(const char *path) {
        static const char *const nodes[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                "/dev/urandom", "/dev/tty", "/dev/console"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(nodes); i++)
                if (imm_streq(path, nodes[i]))
                        return true;
        return false;
}

int imm_index_is_mask(const struct imm_root *r, const char *path) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = NULL;
        struct stat st;
        int k = imm_root_stat(r, path, &st);

        if (k == 0)
                return S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) ||
                       (S_ISREG(st.st_mode) && st.st_size == 0);
        if (k != -ENOENT)
                return k;
        a = imm_arena_new();
        for (unsigned i = 0; i < 40; i++) {
                const char *target, *slash;

                if (is_well_known_node(path))
                        return 1;
                if (imm_root_readlink(r, path, a, &target) < 0)
                        return k;
                slash = strrchr(path, '/');
                path = *target == '/' ? target
                                      : imm_printf(a, "%.*s/%s", (int)(slash - path), path, target);
        }
        return -ELOOP;
}

/* Who is an alias of whom; units without aliases need no entry. */
static void index_aliases(struct imm_manager *m) {
        struct imm_unit_index *x = m->index;
        struct imm_map masks = {0}; /* path -> itself if it is one, so that each is asked once */

        for (size_t i = 0; i < x->ids.n; i++) {
                const char *name = x->ids.v[i].key, *base;
                const struct unit_entry *e = x->ids.v[i].value;
                struct imm_strv *names;

                if (!e->alias && !e->target) /* it is called as its file */
                        continue;
                if (imm_index_find(m, name, &e) < 0)
                        continue;
                base = strrchr(e->path, '/') + 1;
                if (imm_streq(base, name))
                        continue;
                if (!imm_map_has(&masks, e->path))
                        imm_map_put(m->arena, &masks, e->path,
                                imm_index_is_mask(m->root, e->path) == 0 ? NULL : &masks);
                if (imm_map_get(&masks, e->path))
                        continue;
                if (imm_unit_name_kind(base) == IMM_NAME_TEMPLATE &&
                        imm_unit_name_kind(name) == IMM_NAME_INSTANCE) {
                        if (m->version < 248)
                                continue;
                        base = imm_unit_name_replace(
                                base, imm_unit_name_instance(name, m->arena), m->arena);
                        if (!base)
                                continue;
                }
                names = imm_map_get(&x->names, base);
                if (!names) {
                        names = imm_new(m->arena, struct imm_strv);
                        imm_map_put(m->arena, &x->names, base, names);
                }
                imm_strv_add(m->arena, names, name);
        }
}

static void add_dir(struct imm_manager *m, const char *path) {
        struct imm_unit_index *x = m->index;
        struct search_dir d = {.path = path};
        int r;

        imm_strv_add(m->arena, &x->expanded, path);
        r = imm_root_realpath(m->root, path, m->arena, &d.real);
        if (r == -ENOENT || r == -ENOTDIR)
                return;
        if (r == 0)
                r = d.fd = imm_root_open_path(m->root, d.real, O_DIRECTORY);
        if (r < 0) {
                m->blind = true;
                imm_diag_add(m->arena, &m->diags, IMM_DIAG_UNREADABLE, "unreadable-directory", path,
                        0, NULL, "cannot open the directory: %s", strerror(-r));
                return;
        }
        for (size_t i = 0; i < x->n_dirs; i++)
                if (imm_streq(x->dirs[i].real, d.real)) { /* merged /usr: twice the same */
                        (void)close(d.fd);
                        return;
                }
        if (m->version >= 248 && !imm_streq(d.real, path))
                imm_strv_add(m->arena, &x->expanded, d.real);
        x->dirs[x->n_dirs++] = d;
        imm_strv_add(m->arena, &m->search_path, path);
}

void imm_index_build(struct imm_manager *m, const struct imm_strv *paths) {
        struct imm_unit_index *x = m->index;

        x->dirs = imm_alloc_array(m->arena, paths->n, sizeof(*x->dirs));
        for (size_t i = 0; i < paths->n; i++)
                add_dir(m, paths->v[i]);
        for (unsigned i = 0; i < x->n_dirs; i++)
                index_dir(m, i);
        index_aliases(m);
}
