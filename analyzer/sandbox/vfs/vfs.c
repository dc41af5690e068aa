#include "analyzer/sandbox/vfs/vfs.h"

#include "analyzer/sandbox/vfs/world.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* How many links the kernel follows in one path, and systemd where it follows them itself */
enum { LINKS_MAX = 40, CHASE_LINKS_MAX = 31 };

/* Within one file system: no mounts are crossed, no links followed */
static int lookup_below(
        struct imm_vfs *v, struct imm_vpath top, const char *path, struct imm_vpath *ret);

/* ---- nodes ---- */

static void refresh(struct imm_vfs *v, struct imm_vnode *n) {
        if (n->epoch == v->epoch)
                return;
        n->epoch = v->epoch;
        n->removed = n->recursive = false;
        n->made_mode = 0;
        n->made_target = n->made_from = NULL;
        n->mounts = NULL;
}

void imm_vnode_named(struct imm_arena *a, struct imm_vnode *r, const struct imm_vnode *parent,
        const char *name, size_t n) {
        const char *above = parent->parent ? parent->path : "";
        const size_t n_above = strlen(above);
        char *path = imm_alloc_raw(a, n_above + n + 2);

        memcpy(path, above, n_above);
        path[n_above] = '/';
        memcpy(path + n_above + 1, name, n);
        path[n_above + 1 + n] = '\0';
        r->path = path;
        r->name = path + n_above + 1;
        r->n_name = n;
}

static struct imm_vnode *node_new(struct imm_arena *a, struct imm_vfs_fs *fs,
        struct imm_vnode *parent, const char *name, size_t n) {
        struct imm_vnode *r = imm_new(a, struct imm_vnode);

        r->fs = fs;
        r->parent = parent;
        if (parent)
                imm_vnode_named(a, r, parent, name, n);
        else {
                r->path = "/";
                r->name = imm_strndup(a, name, n);
                r->n_name = n;
        }
        return r;
}

struct imm_vfs_fs *imm_vfs_fs_new(struct imm_vfs *v, const char *type, enum imm_vfs_content content,
        const char *prefix, mode_t mode) {
        struct imm_vfs_fs *fs = imm_new(v->a, struct imm_vfs_fs);

        fs->type = type;
        fs->content = content;
        fs->prefix = prefix;
        fs->root = node_new(v->a, fs, NULL, "", 0);
        fs->root->looked_up = true;
        fs->root->mode = S_IFDIR | mode;
        return fs;
}

struct imm_vnode *imm_vfs_child(
        struct imm_vfs *v, struct imm_vnode *parent, const char *name, size_t n) {
        struct imm_vnode *c;

        if (parent->fs->of_host)
                c = imm_world_child(v->world, parent, name, n);
        else {
                for (c = parent->children; c; c = c->next)
                        if (c->n_name == n && memcmp(c->name, name, n) == 0)
                                break;
                if (!c) {
                        c = node_new(v->a, parent->fs, parent, name, n);
                        c->next = parent->children;
                        parent->children = c;
                }
        }
        refresh(v, c);
        return c;
}

/* The topmost layer that has it */
static void look_up_in_layers(struct imm_vfs *v, struct imm_vnode *n) {
        n->looked_up = true;
        imm_array_foreach (layer, &n->fs->layers) {
                struct imm_vpath at;

                if (lookup_below(v, *layer, n->path, &at) < 0)
                        continue;
                n->mode = imm_vfs_mode(v, at.node);
                n->target = imm_vfs_target(v, at.node);
                n->uid = at.node->uid;
                n->gid = at.node->gid;
                return;
        }
}

mode_t imm_vfs_mode(struct imm_vfs *v, struct imm_vnode *n) {
        refresh(v, n);
        if (n->made_mode)
                return n->made_mode;
        if (n->removed)
                return 0;
        if (!n->looked_up && n->fs->content == IMM_VFS_OVERLAY)
                look_up_in_layers(v, n);
        else if (!n->looked_up)
                imm_world_look_up(v->world, n);
        if (n->uncertain) {
                const char *path = imm_printf(v->a, "%s%s", n->fs->prefix, n->path);

                if (v->noting && !imm_strv_has(&v->uncertain, path))
                        imm_strv_add(v->a, &v->uncertain, path);
                if (!v->trusting ||
                        (v->unit && imm_maker_of(v->m, v->unit, v->own, path) == IMM_MAKER_NOBODY))
                        return 0;
                v->changes++;
                n->made_mode = n->mode; /* from now on */
        }
        return n->mode;
}

const char *imm_vfs_target(struct imm_vfs *v, struct imm_vnode *n) {
        refresh(v, n);
        return n->made_mode ? n->made_target : n->target;
}

void imm_vfs_change(
        struct imm_vfs *v, struct imm_vnode *n, int mode, uid_t uid, gid_t gid, bool recursive) {
        mode_t now = imm_vfs_mode(v, n);

        assert(now != 0);
        if (n->made_mode == 0) {
                n->made_uid = n->uid;
                n->made_gid = n->gid;
                n->made_target = n->target;
                if (n->fs->of_host)
                        *imm_array_push(v->a, &v->made) = n;
        }
        v->changes++;
        n->made_mode = mode < 0 ? now : (now & S_IFMT) | (mode_t)(mode & 07777);
        if (uid != (uid_t)-1)
                n->made_uid = uid;
        if (gid != (gid_t)-1)
                n->made_gid = gid;
        n->recursive = n->recursive || recursive;
}

void imm_vfs_remove(struct imm_vfs *v, struct imm_vnode *n) {
        refresh(v, n);
        if (n->made_mode == 0 && n->fs->of_host)
                *imm_array_push(v->a, &v->made) = n;
        v->changes++;
        n->removed = true;
        n->made_mode = 0;
}

/* Can something of that type be made in one of the kernel's file systems? */
static bool takes(const char *fs, mode_t type) {
        static const char *const all[] = {"tmpfs", "ramfs", "devtmpfs", "hugetlbfs"},
                                 *const directories[] = {"cgroup2", "bpf"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(all); i++)
                if (imm_streq(fs, all[i]))
                        return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(directories); i++)
                if (imm_streq(fs, directories[i]))
                        return S_ISDIR(type);
        return false;
}

/* May the one who acts make something of that type in the directory? */
static int writable(struct imm_vfs *v, struct imm_vpath dir, mode_t type) {
        struct imm_vnode *n = dir.node;
        mode_t mode = imm_vfs_mode(v, n);
        uid_t uid = n->made_mode ? n->made_uid : n->uid;

        if ((dir.mount->flags & IMM_MOUNT_RDONLY) || n->fs->read_only)
                return -EROFS;
        if (n->fs->content == IMM_VFS_API && !takes(n->fs->type, type))
                return -EPERM;
        if (v->uid == 0 || (mode & 0002) || (uid == v->uid && ((mode & 0200) || v->user_namespace)))
                return 0;
        return n->fs->of_host ? -EACCES : 0;
}

struct imm_vpath imm_vfs_cross(struct imm_vfs *v, struct imm_vpath p) {
        struct imm_vmount *m;

again:
        refresh(v, p.node);
        for (m = p.node->mounts; m; m = m->same_point)
                if (m->parent == p.mount) {
                        p = (struct imm_vpath){m, m->root};
                        goto again;
                }
        return p;
}

static struct imm_vpath up(struct imm_vpath p, struct imm_vpath top) {
        while (p.node == p.mount->root) {
                if ((p.mount == top.mount && p.node == top.node) || !p.mount->parent)
                        return p;
                p = (struct imm_vpath){p.mount->parent, p.mount->point};
        }
        if (p.mount == top.mount && p.node == top.node)
                return p;
        return (struct imm_vpath){p.mount, p.node->parent};
}

static bool searchable(struct imm_vfs *v, struct imm_vnode *n) {
        mode_t mode = imm_vfs_mode(v, n);
        uid_t uid = n->made_mode ? n->made_uid : n->uid;

        if (v->uid == 0 || (mode & 0001) || !n->fs->of_host)
                return true;
        /* in a user namespace of its own the user's capabilities reach what is its own */
        return uid == v->uid && ((mode & 0100) || v->user_namespace);
}

/* What a link's text says; the kernel's own links of a process name what it has open */
static const char *text_of_link(struct imm_vfs *v, struct imm_vnode *c) {
        const char *target = imm_vfs_target(v, c);

        if (!target || *target != '@' || !imm_streq(c->fs->type, "proc"))
                return target;
        if (imm_streq(target, "@root") || imm_streq(target, "@cwd"))
                return "/";
        if (imm_streq(target, "@exe")) /* until the program is executed */
                return v->m->version >= 255 && c->parent && imm_streq(c->parent->name, "@self")
                               ? "/usr/lib/systemd/systemd-executor"
                               : "/usr/lib/systemd/systemd";
        return target;
}

static int look_up(struct imm_vfs *v, struct imm_vpath root, const char *path, bool follow,
        unsigned links_max, struct imm_vpath *ret) {
        struct imm_vpath p = imm_vfs_cross(v, root), top = p;
        unsigned links = 0;

        for (;;) {
                struct imm_vnode *c;
                const char *end;
                mode_t mode;
                size_t n;

                while (*path == '/')
                        path++;
                if (*path == '\0')
                        break;
                end = strchrnul(path, '/');
                n = (size_t)(end - path);
                if (!S_ISDIR(imm_vfs_mode(v, p.node)))
                        return -ENOTDIR;
                if (!searchable(v, p.node))
                        return -EACCES;
                if (n == 1 && path[0] == '.') {
                        path = end;
                        continue;
                }
                if (n == 2 && path[0] == '.' && path[1] == '.') {
                        p = up(p, top);
                        path = end;
                        continue;
                }
                c = imm_vfs_child(v, p.node, path, n);
                mode = imm_vfs_mode(v, c);
                if (mode == 0)
                        return -ENOENT;
                path = end;
                if (S_ISLNK(mode) && (follow || path[strspn(path, "/")] != '\0')) {
                        const char *target = text_of_link(v, c);

                        if (++links > links_max)
                                return -ELOOP;
                        if (!target || target[0] == '\0')
                                return -ENOENT;
                        if (target[0] == '/')
                                p = top;
                        path = imm_printf(v->a, "%s/%s", target, path);
                        continue;
                }
                p = imm_vfs_cross(v, (struct imm_vpath){p.mount, c});
        }
        *ret = p;
        return 0;
}

int imm_vfs_lookup_from(struct imm_vfs *v, struct imm_vpath root, const char *path, bool follow,
        struct imm_vpath *ret) {
        return look_up(v, root, path, follow, LINKS_MAX, ret);
}

static int lookup_below(
        struct imm_vfs *v, struct imm_vpath top, const char *path, struct imm_vpath *ret) {
        for (;;) {
                size_t n;

                path += strspn(path, "/");
                n = strcspn(path, "/");
                if (n == 0)
                        break;
                if (!S_ISDIR(imm_vfs_mode(v, top.node)))
                        return -ENOTDIR;
                top.node = imm_vfs_child(v, top.node, path, n);
                if (imm_vfs_mode(v, top.node) == 0)
                        return -ENOENT;
                path += n;
        }
        *ret = top;
        return 0;
}

int imm_vfs_lookup(struct imm_vfs *v, const char *path, bool follow, struct imm_vpath *ret) {
        return imm_vfs_lookup_from(
                v, (struct imm_vpath){v->root, v->root->root}, path, follow, ret);
}

const char *imm_vfs_path(struct imm_vfs *v, struct imm_vpath p) {
        const char *below = imm_path_below(p.node->path, p.mount->root->path);

        if (!below || below[0] == '\0')
                return p.mount->path;
        if (p.mount->n_path == 1 && p.mount->root->path[1] == '\0')
                return p.node->path;
        return imm_printf(v->a, "%s/%s", p.mount->path[1] == '\0' ? "" : p.mount->path, below);
}

bool imm_vfs_is_mount_point(struct imm_vfs *v, const char *path, int *ret_error) {
        struct imm_vpath p;
        int r = imm_vfs_lookup(v, path, false, &p);

        *ret_error = r;
        return r >= 0 && p.node == p.mount->root;
}

/* ---- systemd's way to follow links ---- */

static const char *join(struct imm_arena *a, const char *done, const char *rest) {
        while (*rest == '/' || (rest[0] == '.' && (rest[1] == '/' || rest[1] == '\0')))
                rest++;
        if (*rest == '\0')
                return done;
        return imm_printf(a, "%s/%s", imm_streq(done, "/") ? "" : done, rest);
}

/* Is the last name of the text "."? One that nothing stands before is dropped, unless @alone counts
 */
static bool ends_in_dot(const char *text, bool alone) {
        size_t n = strlen(text);

        while (n > 0 && text[n - 1] == '/')
                n--;
        if (n == 0 || text[n - 1] != '.' || (n > 1 && text[n - 2] != '/'))
                return false;
        return alone || strspn(text, "./") < n;
}

static const char *without_last_dot(struct imm_arena *a, const char *path) {
        size_t n = strlen(path);

        while (n > 1 && (path[n - 1] == '/' || (path[n - 1] == '.' && path[n - 2] == '/')))
                n--;
        return path[n] ? imm_strndup(a, path, n) : path;
}

static bool has_dot_dot(const char *path) {
        for (const char *p = path; (p = strstr(p, "..")); p += 2)
                if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
                        return true;
        return false;
}

/* The path of what lies below @real, by the name @root that this was asked for by */
static const char *path_by_root(
        struct imm_vfs *v, struct imm_vpath p, const char *real, const char *root) {
        const char *path = imm_vfs_path(v, p);
        const char *below = imm_streq(real, root) ? NULL : imm_path_below(path, real);

        return below ? join(v->a, root, below) : path;
}

/* What @link in @here stands for, with the @rest behind it; NULL: nothing */
static const char *behind_link(struct imm_vfs *v, struct imm_vnode *link, const char *here,
        const char *root, const char *rest, bool dots_stay, bool *dot) {
        const char *target = text_of_link(v, link);

        if (!target || target[0] == '\0')
                return NULL;
        if (target[0] == '/')
                here = root;
        if (rest[strspn(rest, "/")] == '\0')
                *dot = (dots_stay && *dot) || ends_in_dot(target, dots_stay);
        return without_last_dot(v->a, join(v->a, here, join(v->a, target, rest)));
}

int imm_vfs_chase_step(struct imm_vfs *v, const char *root, const char *path,
        const struct imm_vfs_chase_how *how, bool *dot, const char **ret) {
        const char *rest = imm_path_below(path, root);
        struct imm_vpath p, top;
        const char *real;
        int r;

        if (!rest)
                return -ECHRNG;
        r = imm_vfs_lookup(v, root, true, &top);
        if (r < 0)
                return r;
        p = top;
        real = imm_vfs_path(v, top);
        for (;;) {
                struct imm_vnode *c;
                mode_t mode;
                const char *here;
                size_t n;

                rest += strspn(rest, "/");
                if (*rest == '\0')
                        return 1;
                n = strcspn(rest, "/");
                if (n == 1 && rest[0] == '.') {
                        rest += n;
                        continue;
                }
                here = p.mount == top.mount && p.node == top.node ? root
                                                                  : path_by_root(v, p, real, root);
                if (n == 2 && rest[0] == '.' && rest[1] == '.') {
                        if (here == root && !how->above_is_step) {
                                rest += n;
                                continue;
                        }
                        if (here != root)
                                here = path_by_root(v, up(p, top), real, root);
                        rest += n;
                        if (rest[strspn(rest, "/")] == '\0' && !how->dots_stay)
                                *dot = false;
                        *ret = join(v->a, here, rest);
                        return 0;
                }
                if (!S_ISDIR(imm_vfs_mode(v, p.node)))
                        return -ENOTDIR;
                c = imm_vfs_child(v, p.node, rest, n);
                mode = imm_vfs_mode(v, c);
                if (mode == 0)
                        return has_dot_dot(rest + n) ? -ENOENT : 1;
                if (S_ISLNK(mode)) {
                        *ret = behind_link(v, c, here, root, rest + n, how->dots_stay, dot);
                        return *ret ? 0 : -EINVAL;
                }
                p = imm_vfs_cross(v, (struct imm_vpath){p.mount, c});
                rest += n;
        }
}

int imm_vfs_chase(struct imm_vfs *v, const char *path, const char **ret) {
        struct imm_vpath p;
        int r = look_up(
                v, (struct imm_vpath){v->root, v->root->root}, path, true, CHASE_LINKS_MAX, &p);

        if (r < 0)
                return r;
        *ret = imm_vfs_path(v, p);
        return 0;
}

/* ---- making nodes ---- */

int imm_vfs_mknod(struct imm_vfs *v, const char *path, mode_t mode, const char *target) {
        const char *slash = strrchr(path, '/');
        struct imm_vpath dir;
        struct imm_vnode *c;
        int r;

        assert(slash);
        r = imm_vfs_lookup(v, imm_strndup(v->a, path, (size_t)(slash - path)), true, &dir);
        if (r < 0)
                return r;
        if (slash[1] == '\0')
                return -EEXIST;
        if (!S_ISDIR(imm_vfs_mode(v, dir.node)))
                return -ENOTDIR;
        c = imm_vfs_child(v, dir.node, slash + 1, strlen(slash + 1));
        if (imm_vfs_mode(v, c) != 0)
                return -EEXIST;
        r = writable(v, dir, mode);
        if (r < 0)
                return r;
        if (c->fs->inodes_max > 0 && c->fs->inodes >= c->fs->inodes_max)
                return -ENOSPC;
        c->fs->inodes++;
        v->changes++;
        c->made_mode = S_ISLNK(mode) ? mode : mode & ~v->umask;
        c->made_uid = v->uid;
        c->made_gid = 0;
        c->made_target = target ? imm_strdup(v->a, target) : NULL;
        if (c->fs->of_host)
                *imm_array_push(v->a, &v->made) = c;
        return 0;
}

int imm_vfs_rename(struct imm_vfs *v, struct imm_vpath from, const char *path) {
        struct imm_vnode *n = from.node;
        mode_t mode = imm_vfs_mode(v, n);
        uid_t uid = n->made_mode ? n->made_uid : n->uid;
        gid_t gid = n->made_mode ? n->made_gid : n->gid;
        struct imm_vpath to;
        int r = imm_vfs_mknod(v, path, mode, NULL);

        if (r >= 0)
                r = imm_vfs_lookup(v, path, false, &to);
        if (r < 0)
                return r;
        imm_vfs_change(v, to.node, -1, uid, gid, false);
        to.node->made_from = imm_printf(v->a, "%s%s", n->fs->prefix, n->path);
        imm_vfs_remove(v, n);
        return 0;
}

int imm_vfs_mkdir_p(struct imm_vfs *v, const char *path, mode_t mode) {
        struct imm_vpath p;
        int r = imm_vfs_mkdir_parents(v, path, 0755);

        if (r < 0)
                return r;
        r = imm_vfs_mknod(v, path, S_IFDIR | mode, NULL);
        if (r != -EEXIST)
                return r;
        r = imm_vfs_lookup(v, path, true, &p);
        if (r < 0)
                return r;
        return S_ISDIR(imm_vfs_mode(v, p.node)) ? 0 : -ENOTDIR;
}

int imm_vfs_mkdir_parents(struct imm_vfs *v, const char *path, mode_t mode) {
        const char *slash = strrchr(path, '/');

        assert(slash);
        if (slash == path)
                return 0;
        return imm_vfs_mkdir_p(v, imm_strndup(v->a, path, (size_t)(slash - path)), mode);
}

void imm_vfs_force(struct imm_vfs *v, const char *path, mode_t mode) {
        uid_t uid = v->uid;
        struct imm_vpath p = {v->root, v->root->root};

        for (;;) {
                struct imm_vnode *c;
                size_t n;

                path += strspn(path, "/");
                n = strcspn(path, "/");
                if (n == 0)
                        return;
                c = imm_vfs_child(v, p.node, path, n);
                path += n;
                if (imm_vfs_mode(v, c) == 0) {
                        v->changes++;
                        c->made_mode = path[strspn(path, "/")] ? S_IFDIR | 0755 : mode;
                        c->made_uid = uid;
                        c->made_gid = 0;
                        /* what a group holds is not made by systemd: only the asked one is. Of a
                         * running machine the group is there while the unit runs, and the question
                         * is always about then. */
                        if (c->fs->of_host &&
                                (!S_ISDIR(c->made_mode) || !imm_streq(c->fs->type, "cgroup2") ||
                                        imm_root_is_running(v->m->root)))
                                *imm_array_push(v->a, &v->made) = c;
                }
                p = imm_vfs_cross(v, (struct imm_vpath){p.mount, c});
        }
}
