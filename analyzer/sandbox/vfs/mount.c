/*
 * The model's mounts: attaching, binding, unmounting, remounting. What systemd reads from
 * /proc/self/mountinfo is v->mounts, which has the kernel's order: by age.
 */

#include "analyzer/sandbox/vfs/vfs.h"

#include "analyzer/sandbox/vfs/world.h"

#include <errno.h>
#include <string.h>

static void set_path(struct imm_vmount *m, const char *path) {
        m->path = path;
        m->n_path = strlen(path);
}

struct imm_vmount *imm_vfs_attach(struct imm_vfs *v, struct imm_vmount *parent,
        struct imm_vnode *point, struct imm_vnode *root, unsigned flags) {
        struct imm_vmount *m = imm_new(v->a, struct imm_vmount);

        m->parent = parent;
        m->point = point;
        m->root = root;
        m->flags = flags;
        m->by = v->now;
        if (parent) {
                set_path(m, imm_vfs_path(v, (struct imm_vpath){parent, point}));
                (void)imm_vfs_mode(v, point); /* makes it one of this simulation */
                m->same_point = point->mounts;
                point->mounts = m;
                if (parent->last_child)
                        parent->last_child->sibling = m;
                else
                        parent->children = m;
                parent->last_child = m;
        } else
                set_path(m, "/");
        v->changes++;
        *imm_array_push(v->a, &v->mounts) = m;
        return m;
}

struct imm_vfs *imm_vfs_new(struct imm_world *w, struct imm_arena *a) {
        struct imm_vfs *v = imm_new(a, struct imm_vfs);

        v->world = w;
        v->a = a;
        v->epoch = imm_world_next_epoch(w);
        v->setattr = true;
        imm_world_mount_all(w, v);
        return v;
}

static void detach(struct imm_vfs *v, struct imm_vmount *m) {
        struct imm_vmount **i, *before = NULL;

        for (i = &m->point->mounts; *i; i = &(*i)->same_point)
                if (*i == m) {
                        *i = m->same_point;
                        break;
                }
        for (i = &m->parent->children; *i; i = &(*i)->sibling) {
                if (*i == m) {
                        *i = m->sibling;
                        break;
                }
                before = *i;
        }
        if (m->parent->last_child == m)
                m->parent->last_child = before;
        m->sibling = NULL;
        m->gone = true;
        v->changes++;
}

int imm_vfs_mount(struct imm_vfs *v, const char *path, struct imm_vfs_fs *fs, unsigned flags) {
        struct imm_vpath p;
        int r = imm_vfs_lookup(v, path, false, &p);

        if (r < 0)
                return r;
        if (!S_ISDIR(imm_vfs_mode(v, p.node)))
                return -ENOTDIR;
        imm_vfs_attach(v, p.mount, p.node, fs->root, flags);
        return 0;
}

static bool below(const struct imm_vnode *n, const struct imm_vnode *top) {
        return n->fs == top->fs && imm_path_below(n->path, top->path);
}

/*
 * The copy of a tree is taken before any of it is attached: a directory can be bound below itself.
 */
struct copy {
        struct imm_vmount *of;
        struct imm_vnode *root;
        size_t parent; /* index of its parent's copy */
};
struct copies {
        struct copy *v;
        size_t n, cap;
};

static void copy_tree(
        struct imm_vfs *v, struct copies *to, struct imm_vmount *m, struct imm_vnode *root) {
        size_t first = to->n;

        *imm_array_push(v->a, to) = (struct copy){m, root, 0};
        for (size_t i = first; i < to->n; i++) {
                struct copy at = to->v[i];
                size_t insert = i + 1;

                /* depth first, the order in which the kernel copies (and so numbers) them */
                for (struct imm_vmount *c = at.of->children; c; c = c->sibling) {
                        if (i == first && !below(c->point, root))
                                continue;
                        (void)imm_array_push(v->a, to);
                        memmove(&to->v[insert + 1], &to->v[insert],
                                (to->n - 1 - insert) * sizeof(struct copy));
                        for (size_t k = insert + 1; k < to->n; k++)
                                if (to->v[k].parent >= insert)
                                        to->v[k].parent++;
                        to->v[insert++] = (struct copy){c, c->root, i};
                }
        }
}

static int bind(struct imm_vfs *v, struct imm_vpath from, struct imm_vpath to, bool recursive) {
        struct copies tree = {0};
        struct imm_vmount **made;

        if (S_ISDIR(imm_vfs_mode(v, from.node)) != S_ISDIR(imm_vfs_mode(v, to.node)))
                return -ENOTDIR;
        if (recursive)
                copy_tree(v, &tree, from.mount, from.node);
        else {
                for (struct imm_vmount *c = from.mount->children; c; c = c->sibling)
                        if (c->locked && below(c->point, from.node))
                                return -EINVAL; /* would uncover what is hidden */
                *imm_array_push(v->a, &tree) = (struct copy){from.mount, from.node, 0};
        }
        made = imm_alloc_array(v->a, tree.n, sizeof(*made));
        for (size_t i = 0; i < tree.n; i++) {
                struct imm_vmount *of = tree.v[i].of, *m;

                m = imm_vfs_attach(v, i == 0 ? to.mount : made[tree.v[i].parent],
                        i == 0 ? to.node : of->point, tree.v[i].root, of->flags);
                m->locked = i > 0 && of->locked;
                m->locked_flags = of->locked_flags;
                m->of_host = of->of_host;
                m->bound_at = of->bound_at;
                m->bound_top = of->bound_top;
                m->id_mapped = of->id_mapped;
                m->read_only_by = of->read_only_by;
                m->noexec_by = of->noexec_by;
                m->nosuid_by = of->nosuid_by;
                made[i] = m;
        }
        return 0;
}

int imm_vfs_bind(struct imm_vfs *v, const char *source, const char *path, bool recursive) {
        struct imm_vpath from, to;
        int r;

        r = imm_vfs_lookup(v, path, false, &to);
        if (r < 0)
                return r;
        r = imm_vfs_lookup(v, source, true, &from);
        if (r < 0)
                return r;
        return bind(v, from, to, recursive);
}

static void set_paths(struct imm_vfs *v, struct imm_vmount *m) {
        set_path(m, imm_vfs_path(v, (struct imm_vpath){m->parent, m->point}));
        for (struct imm_vmount *c = m->children; c; c = c->sibling)
                set_paths(v, c);
}

int imm_vfs_move(struct imm_vfs *v, const char *from, const char *to) {
        struct imm_vpath f, t;
        struct imm_vmount *m;
        int r = imm_vfs_lookup(v, from, false, &f);

        if (r < 0)
                return r;
        r = imm_vfs_lookup(v, to, false, &t);
        if (r < 0)
                return r;
        if (f.node != f.mount->root || f.mount->locked)
                return -EINVAL;
        if (S_ISDIR(imm_vfs_mode(v, f.node)) != S_ISDIR(imm_vfs_mode(v, t.node)))
                return -ENOTDIR;
        m = f.mount;
        detach(v, m);
        m->gone = false;
        m->parent = t.mount;
        m->point = t.node;
        m->same_point = t.node->mounts;
        t.node->mounts = m;
        if (t.mount->last_child)
                t.mount->last_child->sibling = m;
        else
                t.mount->children = m;
        t.mount->last_child = m;
        set_paths(v, m);
        imm_vfs_paths_changed(v);
        return 0;
}

int imm_vfs_umount_recursive(struct imm_vfs *v, const char *prefix) {
        int n = 0;
        bool again;

        do {
                struct imm_vmounts_below b = imm_vfs_below(v, prefix);

                again = false;
                for (struct imm_vmount *m; (m = imm_vfs_next(&b));) {
                        struct imm_vpath p;

                        /* the topmost at that path goes, whichever line of the table it was */
                        if (imm_vfs_lookup(v, m->path, false, &p) < 0)
                                continue;
                        if (p.node != p.mount->root || p.mount->children || p.mount->locked ||
                                !p.mount->parent)
                                continue;
                        detach(v, p.mount);
                        n++;
                        again = true;
                        break;
                }
        } while (again);
        return n;
}

int imm_vfs_bind_submounts(struct imm_vfs *v, const char *source, const char *target) {
        const struct imm_vmounts_below all = imm_vfs_below(v, source);
        const char *last = NULL;

        /* only the outermost of each branch: what is below comes with it. Paths in order. */
        for (;;) {
                struct imm_vmounts_below b = all;
                struct imm_vmount *next = NULL;
                struct imm_vpath p;
                const char *rest, *to;
                int r;

                for (struct imm_vmount *m; (m = imm_vfs_next(&b));) {
                        if (!imm_path_is_inside(m->path, source))
                                continue;
                        if (last && (strcmp(m->path, last) <= 0 || imm_path_below(m->path, last)))
                                continue;
                        if (imm_vfs_lookup(v, m->path, false, &p) < 0 || p.mount != m)
                                continue;
                        if (!next || strcmp(m->path, next->path) < 0)
                                next = m;
                }
                if (!next)
                        return 0;
                last = next->path;
                rest = imm_path_below(next->path, source);
                to = imm_printf(v->a, "%s/%s", target, rest);
                if (imm_vfs_is_mount_point(v, to, &r) || r < 0)
                        continue;
                if (imm_vfs_lookup(v, to, true, &p) < 0)
                        continue;
                (void)bind(v, (struct imm_vpath){next, next->root}, p, true);
        }
}

/* ---- flags ---- */

static void set_flags(struct imm_vfs *v, struct imm_vmount *m, unsigned flags) {
        unsigned more = flags & ~m->flags;

        if (more & IMM_MOUNT_RDONLY)
                m->read_only_by = v->now;
        if (more & IMM_MOUNT_NOEXEC)
                m->noexec_by = v->now;
        if (more & IMM_MOUNT_NOSUID)
                m->nosuid_by = v->now;
        m->flags = flags;
}

static int remount_that(struct imm_vfs *v, struct imm_vmount *m, unsigned flags) {
        if (m->locked_flags & ~flags)
                return -EPERM;
        set_flags(v, m, flags);
        return 0;
}

static int remount(struct imm_vfs *v, const char *path, unsigned flags) {
        struct imm_vpath p;
        int r = imm_vfs_lookup(v, path, false, &p);

        if (r < 0)
                return r;
        return p.node == p.mount->root ? remount_that(v, p.mount, flags) : -EINVAL;
}

/* Is it what its path leads to? Rounds ask that of each mount for each line. */
static bool is_seen(struct imm_vfs *v, struct imm_vmount *m) {
        struct imm_vpath p;

        if (m->seen_at != v->changes || v->noting || v->trusting) {
                m->seen = imm_vfs_lookup(v, m->path, false, &p) >= 0 && p.mount == m &&
                          p.node == m->root;
                m->seen_at = v->changes;
        }
        return m->seen;
}

/* The flags that the mount table shows for @path: of the newest mount there, or the oldest */
static bool table_flags(struct imm_vfs *v, const char *path, bool oldest, unsigned *ret) {
        struct imm_vmounts_below b = imm_vfs_below(v, path);
        const size_t n = strlen(path);
        bool found = false;

        for (const struct imm_vmount *m; (m = imm_vfs_next(&b));) {
                if (m->n_path != n)
                        continue;
                *ret = m->flags;
                found = true;
                if (oldest)
                        break;
        }
        return found;
}

int imm_vfs_remount_one(struct imm_vfs *v, const char *path, unsigned set, unsigned mask) {
        struct imm_vpath p;
        unsigned flags = 0;
        int r;

        if (v->setattr) {
                r = imm_vfs_lookup(v, path, false, &p);
                if (r < 0)
                        return r;
                if (p.node == p.mount->root) {
                        flags = (p.mount->flags & ~mask) | set;
                        if ((p.mount->locked_flags & ~flags) == 0) {
                                set_flags(v, p.mount, flags);
                                return 0;
                        }
                }
        }
        if (!table_flags(v, path, true, &flags)) {
                r = imm_vfs_lookup(v, path, false, &p);
                if (r < 0)
                        return r;
                if (v->setattr)
                        return -EINVAL;
                flags = p.mount->flags; /* statvfs() */
        }
        r = remount(v, path, (flags & ~mask) | set);
        if (r < 0 && v->setattr && ((flags ^ set) & mask) == 0)
                return 0;
        return r;
}

/* A path, as compared with a folder: -1, 0 or 1 for before, in or behind what lies in it */
static int by_folder(const void *folder, const void *path) {
        const char *const *p = path;
        const size_t n = strlen(folder);
        int order = strncmp(folder, *p, n);

        return order != 0 ? order : '/' - (unsigned char)(*p)[n];
}

/* Those of @deny, which are sorted, that lie in @folder */
static struct imm_strv denied_in(const char *folder, const struct imm_strv *deny) {
        struct imm_strv in = deny ? *deny : (struct imm_strv){0};
        const bool top = imm_streq(folder, "/");
        size_t first, n = 0;

        /* "/" itself comes before all that lies in it */
        first = top ? in.n > 0 && imm_streq(in.v[0], "/")
                    : imm_first_not_before(folder, in.v, in.n, sizeof(*in.v), by_folder);
        while (first + n < in.n && imm_path_is_inside(in.v[first + n], folder))
                n++;
        in.v += first;
        in.n = n;
        return in;
}

static bool denied(const char *path, const char *prefix, const struct imm_strv *deny) {
        for (size_t i = 0; i < deny->n; i++)
                if (imm_path_below(path, deny->v[i]) && !imm_streq(path, prefix))
                        return true;
        return false;
}

int imm_vfs_remount_recursive(struct imm_vfs *v, const char *path, unsigned set, unsigned mask,
        const struct imm_strv *deny) {
        struct imm_vmounts_below mounts;
        struct imm_strv below;
        unsigned flags;
        int r;

        if (!table_flags(v, path, true, &flags)) {
                r = imm_vfs_bind(v, path, path, true);
                if (r < 0)
                        return r;
                /* with a link on the way, the table names the new mount otherwise */
                if (!table_flags(v, path, true, &flags)) {
                        struct imm_vpath top;

                        if (!v->bottom_flags)
                                return -EBUSY;
                        r = imm_vfs_lookup(v, path, false, &top);
                        return r < 0 ? r : remount(v, path, (top.mount->flags & ~mask) | set);
                }
        }
        below = denied_in(path, deny);
        mounts = imm_vfs_below(v, path);
        for (struct imm_vmount *m; (m = imm_vfs_next(&mounts));) {
                if (denied(m->path, path, &below))
                        continue;
                /* each path once: at the line of the mount that is seen there */
                if (!is_seen(v, m))
                        continue;
                flags = m->flags;
                if (v->bottom_flags)
                        (void)table_flags(v, m->path, true, &flags);
                r = remount_that(v, m, (flags & ~mask) | set);
                if (r < 0 && v->bottom_flags)
                        return r;
                if (r < 0 && imm_streq(m->path, path) && ((flags ^ set) & mask) != 0)
                        return r;
        }
        return 0;
}
