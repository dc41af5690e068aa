/*
 * StateDirectory= and its kin: made on disk before the namespace, brought into it by bind mounts.
 * Sources: systemd.exec(5) for RuntimeDirectory=; tests/lab.
 */

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/mounts/plan.h"

#include <errno.h>
#include <fnmatch.h>

static const struct {
        enum imm_setting setting, mode;
        const char *system;
        const char *word;
} kinds[IMM_DIR_N] = {
        [IMM_DIR_RUNTIME] = {IMM_SETTING_RUNTIME_DIRECTORY, IMM_SETTING_RUNTIME_DIRECTORY_MODE,
                "/run", "RuntimeDirectory"},
        [IMM_DIR_STATE] = {IMM_SETTING_STATE_DIRECTORY, IMM_SETTING_STATE_DIRECTORY_MODE,
                "/var/lib", "StateDirectory"},
        [IMM_DIR_CACHE] = {IMM_SETTING_CACHE_DIRECTORY, IMM_SETTING_CACHE_DIRECTORY_MODE,
                "/var/cache", "CacheDirectory"},
        [IMM_DIR_LOGS] = {IMM_SETTING_LOGS_DIRECTORY, IMM_SETTING_LOGS_DIRECTORY_MODE, "/var/log",
                "LogsDirectory"},
        [IMM_DIR_CONFIGURATION] = {IMM_SETTING_CONFIGURATION_DIRECTORY,
                IMM_SETTING_CONFIGURATION_DIRECTORY_MODE, "/etc", "ConfigurationDirectory"},
};

enum { NOBODY = 65534 };

static const char *user_prefix(struct imm_plan *p, enum imm_exec_dir d) {
        const char *home = p->m->user->home;

        switch (d) {
        case IMM_DIR_RUNTIME:
                return p->runtime;
        case IMM_DIR_STATE:
                return imm_printf(
                        p->a, "%s/%s", home, p->q.state_home ? ".local/state" : ".config");
        case IMM_DIR_CACHE:
                return imm_printf(p->a, "%s/.cache", home);
        case IMM_DIR_LOGS:
                return imm_printf(
                        p->a, "%s/%s", home, p->q.state_home ? ".local/state/log" : ".config/log");
        default:
                return imm_printf(p->a, "%s/.config", home);
        }
}

static int by_path(const void *a, const void *b) {
        const struct imm_plan_dir *x = a, *y = b;
        const char *s = x->item->path, *t = y->item->path;

        /* a directory before what is in it, whatever byte sorts before '/' */
        for (;; s++, t++) {
                unsigned char c = *s == '/' ? 1 : (unsigned char)*s,
                              d = *t == '/' ? 1 : (unsigned char)*t;

                if (c != d)
                        return c < d ? -1 : 1;
                if (c == '\0')
                        return 0;
        }
}

static bool is_private(const struct imm_plan *p, enum imm_exec_dir d) {
        if (!imm_setting_bool(p->s, IMM_SETTING_DYNAMIC_USER) || d == IMM_DIR_CONFIGURATION)
                return false;
        return d != IMM_DIR_RUNTIME ||
               imm_setting_number(p->s, IMM_SETTING_RUNTIME_DIRECTORY_PRESERVE) != 0;
}

void imm_plan_dirs_prepare(struct imm_plan *p) {
        for (enum imm_exec_dir d = 0; d < IMM_DIR_N; d++) {
                const struct imm_value *v = imm_setting(p->s, kinds[d].setting);

                p->prefix[d] = p->user_manager ? user_prefix(p, d) : kinds[d].system;
                imm_array_foreach (item, &v->directories)
                        *imm_array_push(p->a, &p->dirs[d]) = (struct imm_plan_dir){
                                .item = item,
                                .setting = kinds[d].setting,
                                .private = is_private(p, d),
                        };
                if (!p->q.sorted_dirs || p->dirs[d].n == 0)
                        continue;
                qsort(p->dirs[d].v, p->dirs[d].n, sizeof(struct imm_plan_dir), by_path);
                for (size_t i = 1; i < p->dirs[d].n; i++)
                        for (size_t j = i; j-- > 0;)
                                if (imm_path_below(p->dirs[d].v[i].item->path,
                                            p->dirs[d].v[j].item->path)) {
                                        p->dirs[d].v[i].only_create = true;
                                        break;
                                }
        }
}

static const char *public_path(const struct imm_plan *p, enum imm_exec_dir d, const char *name) {
        return imm_printf(p->a, "%s/%s", p->prefix[d], name);
}

static const char *private_path(const struct imm_plan *p, enum imm_exec_dir d, const char *name) {
        return imm_printf(p->a, "%s/private/%s", p->prefix[d], name);
}

/* What a link at @at says to lead to @to: "../" out of what the two do not share */
static const char *relative(struct imm_arena *a, const char *to, const char *at) {
        const char *text = "", *rest;
        size_t shared = 0, n;

        for (size_t i = 0; at[i] != '\0' && (at[i] == to[i] || to[i] == '\0'); i++) {
                if (at[i] == '/')
                        shared = i;
                if (to[i] == '\0')
                        break;
        }
        for (const char *out = at + shared + 1; (out = strchr(out, '/')); out++)
                text = imm_printf(a, "../%s", text);
        rest = to + shared + (to[shared] == '/');
        n = strlen(text);
        if (*rest == '\0')
                return n == 0 ? "." : imm_strndup(a, text, n - 1);
        return imm_printf(a, "%s%s", text, rest);
}

int imm_plan_link(struct imm_plan *p, const char *to, const char *at) {
        const char *text = relative(p->a, to, at), *found;
        struct imm_vpath there;
        int r = imm_vfs_mknod(p->v, at, S_IFLNK | 0777, text);

        if (r != -EEXIST)
                return r;
        if (at[strlen(at) - 1] == '/' || imm_vfs_lookup(p->v, at, false, &there) < 0 ||
                !S_ISLNK(imm_vfs_mode(p->v, there.node)))
                return -EEXIST;
        found = imm_vfs_target(p->v, there.node);
        return found && imm_streq(found, text) ? 0 : -EEXIST;
}

/* The place of private directories; there already, it must be a directory: a link is refused. */
static int make_private_root(struct imm_plan *p, enum imm_exec_dir d) {
        const char *path = imm_printf(p->a, "%s/private", p->prefix[d]);
        int r = imm_vfs_mknod(p->v, path, S_IFDIR | 0700, NULL);
        struct imm_vpath at;

        if (r != -EEXIST)
                return r;
        r = imm_vfs_lookup(p->v, path, false, &at);
        if (r < 0)
                return r;
        return S_ISDIR(imm_vfs_mode(p->v, at.node)) ? 0 : -ENOTDIR;
}

static int make_private(struct imm_plan *p, enum imm_exec_dir d, const struct imm_plan_dir *dir,
        const char *path, const char **ret) {
        const char *pp = private_path(p, d, dir->item->path);
        unsigned mode = (unsigned)imm_setting_number(p->s, kinds[d].mode);
        struct imm_vpath old, new;
        int r;

        r = make_private_root(p, d);
        if (r < 0)
                return r;
        r = imm_vfs_mkdir_parents(p->v, pp, 0755);
        if (r < 0)
                return r;
        /* it was public before, and is moved */
        if (imm_vfs_lookup(p->v, pp, false, &new) < 0 &&
                imm_vfs_lookup(p->v, path, false, &old) >= 0 &&
                S_ISDIR(imm_vfs_mode(p->v, old.node)))
                r = imm_vfs_rename(p->v, old, pp);
        else
                r = imm_vfs_mknod(p->v, pp, S_IFDIR | mode, NULL);
        if (r < 0 && r != -EEXIST)
                return r;
        *ret = pp;
        return dir->only_create ? 0 : imm_plan_link(p, pp, path);
}

static int make_public(
        struct imm_plan *p, enum imm_exec_dir d, const struct imm_plan_dir *dir, const char *path) {
        unsigned mode = (unsigned)imm_setting_number(p->s, kinds[d].mode);
        const char *leads, *was;
        struct imm_vpath at, old;
        int r;

        if (d != IMM_DIR_CONFIGURATION && imm_vfs_lookup(p->v, path, false, &at) >= 0 &&
                S_ISLNK(imm_vfs_mode(p->v, at.node))) {
                r = imm_vfs_chase(p->v, path, &leads);
                if (r < 0)
                        return r;
                was = private_path(p, d, dir->item->path);
                if (imm_vfs_chase(p->v, was, &was) >= 0 && imm_streq(was, leads) &&
                        imm_vfs_lookup(p->v, was, true, &old) >= 0) {
                        /* it was a dynamic user's, and moves back */
                        imm_vfs_remove(p->v, at.node);
                        r = imm_vfs_rename(p->v, old, path);
                        if (r < 0)
                                return r;
                }
        }
        return imm_vfs_mknod(p->v, path, S_IFDIR | mode, NULL);
}

static void own(
        struct imm_plan *p, enum imm_exec_dir d, struct imm_plan_dir *dir, const char *path) {
        unsigned mode = (unsigned)imm_setting_number(p->s, kinds[d].mode);
        uid_t uid = p->id ? p->id->uid : 0, owner;
        gid_t gid = p->id ? p->id->gid : 0, group;
        struct imm_vpath at;

        if (imm_vfs_lookup(p->v, path, true, &at) < 0)
                return;
        imm_vfs_change(p->v, at.node, (int)mode, (uid_t)-1, (gid_t)-1, false);
        if (p->user_manager)
                return;
        owner = at.node->made_uid;
        group = at.node->made_gid;
        if (p->q.id_mapped && uid != 0 && gid != 0) {
                if (owner == NOBODY && group == NOBODY) {
                        dir->id_mapped = true;
                        return;
                }
                if (dir->private && owner == 0 && group == 0) {
                        dir->id_mapped = true;
                        uid = gid = NOBODY;
                }
        }
        /* what is in it is looked at only where the directory itself is not as it should be */
        imm_vfs_change(p->v, at.node, -1, uid, gid,
                owner != uid || group != gid ||
                        ((mode & (S_ISUID | S_ISGID)) &&
                                imm_setting_bool(p->s, IMM_SETTING_DYNAMIC_USER)));
}

/* An older version kept state below ~/.config: what is there is linked to. */
static bool links_to_old_state(
        struct imm_plan *p, enum imm_exec_dir d, const char *name, const char *path) {
        const char *old;
        struct imm_vpath at;

        if (!p->user_manager || !p->q.state_home || (d != IMM_DIR_STATE && d != IMM_DIR_LOGS) ||
                imm_vfs_lookup(p->v, path, false, &at) >= 0)
                return false;
        old = imm_printf(p->a, "%s/%s%s", p->prefix[IMM_DIR_CONFIGURATION],
                d == IMM_DIR_LOGS ? "log/" : "", name);
        return imm_vfs_lookup(p->v, old, false, &at) >= 0 && imm_plan_link(p, old, path) >= 0;
}

/* The owner is changed through a descriptor, which some versions open without following links. */
static int may_own(struct imm_plan *p, enum imm_exec_dir d, const char *path) {
        bool follows = p->s->version >= 254 && (p->user_manager || p->s->version < 257);
        struct imm_vpath at;
        int r = imm_vfs_lookup(p->v, path, follows, &at);

        if (r < 0)
                return r;
        /* ... and has to read, with the mode that it has by then */
        if (p->user_manager && p->s->version < 254 &&
                !(imm_setting_number(p->s, kinds[d].mode) & S_IRUSR))
                return -EACCES;
        if (S_ISDIR(imm_vfs_mode(p->v, at.node)) || (p->user_manager && p->s->version >= 254))
                return 0;
        return S_ISLNK(imm_vfs_mode(p->v, at.node)) ? -ELOOP : -ENOTDIR;
}

static int make_one(struct imm_plan *p, enum imm_exec_dir d, struct imm_plan_dir *dir) {
        const char *path = public_path(p, d, dir->item->path), *target = path;
        int r;

        r = imm_vfs_mkdir_parents(p->v, path, 0755);
        if (r < 0)
                return r;
        if (links_to_old_state(p, d, dir->item->path, path))
                return 0;
        if (dir->private)
                r = make_private(p, d, dir, path, &target);
        else {
                r = make_public(p, d, dir, path);
                if (r == -EEXIST)
                        r = d == IMM_DIR_CONFIGURATION ? 1 : 0;
        }
        if (r != 0)
                return r < 0 ? r : 0;
        r = may_own(p, d, target);
        if (r == 0)
                own(p, d, dir, target);
        return r;
}

int imm_plan_dirs_make(struct imm_plan *p) {
        for (enum imm_exec_dir d = 0; d < IMM_DIR_N; d++) {
                for (size_t i = 0; i < p->dirs[d].n; i++) {
                        struct imm_plan_dir *dir = &p->dirs[d].v[i];
                        int r = make_one(p, d, dir);

                        /* without a namespace the links are made on disk */
                        for (size_t l = 0;
                                r >= 0 && !p->needs_namespace && l < dir->item->symlinks.n; l++) {
                                const char *at = public_path(p, d, dir->item->symlinks.v[l]);

                                r = imm_vfs_mkdir_parents(p->v, at, 0755);
                                if (r >= 0)
                                        r = imm_plan_link(
                                                p, public_path(p, d, dir->item->path), at);
                        }
                        if (r < 0) {
                                imm_plan_fail(p, IMM_STEP_DIRECTORIES,
                                        IMM_OUTCOME_STATE_DIRECTORY_FAILURE,
                                        public_path(p, d, dir->item->path), &dir->item->origin);
                                return r;
                        }
                }
        }
        return 0;
}

void imm_plan_dirs_add(struct imm_plan *p) {
        bool rootfs = p->root_directory && !imm_streq(p->root_directory, "/");

        for (enum imm_exec_dir d = 0; d < IMM_DIR_N; d++) {
                bool private = p->dirs[d].n > 0 && p->dirs[d].v[0].private;

                if (private && !rootfs) {
                        struct imm_plan_entry *e = imm_plan_add(p, IMM_PLAN_EMPTY_DIR,
                                imm_printf(p->a, "%s/private", p->prefix[d]), kinds[d].setting,
                                &p->dirs[d].v[0].item->origin);

                        e->read_only = true;
                        e->flags = IMM_MOUNT_NOSUID | IMM_MOUNT_NODEV | IMM_MOUNT_NOEXEC;
                        e->why = "other services' private directories are hidden";
                }
                for (size_t i = 0; i < p->dirs[d].n; i++) {
                        const struct imm_plan_dir *dir = &p->dirs[d].v[i];
                        const char *name = dir->item->path, *at = public_path(p, d, name),
                                   *from = private ? private_path(p, d, name) : at;
                        struct imm_plan_entry *e;

                        for (size_t l = 0; p->s->version >= 248 && l < dir->item->symlinks.n; l++) {
                                imm_strv_add(p->a, &p->links, at);
                                imm_strv_add(p->a, &p->links,
                                        public_path(p, d, dir->item->symlinks.v[l]));
                        }
                        if (private && !rootfs && !dir->only_create && p->s->version >= 248) {
                                imm_strv_add(p->a, &p->links, from);
                                imm_strv_add(p->a, &p->links, at);
                        }
                        if (dir->only_create && !dir->item->read_only)
                                continue;
                        e = imm_plan_add(p, IMM_PLAN_BIND_RECURSIVE, private && rootfs ? at : from,
                                kinds[d].setting, &dir->item->origin);
                        e->source = from;
                        e->nosuid = imm_setting_bool(p->s, IMM_SETTING_DYNAMIC_USER);
                        e->read_only = dir->item->read_only;
                        e->id_mapped = dir->id_mapped;
                }
        }
}
