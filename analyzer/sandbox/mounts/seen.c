/*
 * What is seen from a service's root when all is mounted: the model as a flat table, each mount
 * with what it is, where it comes from and the line that made it so; and questions to the table.
 */

#include "analyzer/sandbox/boot/mounts.h"
#include "analyzer/sandbox/mounts/plan.h"

static struct imm_mount_cause cause_of(struct imm_plan *p, const struct imm_plan_entry *e) {
        if (!e)
                return (struct imm_mount_cause){.setting = IMM_SETTING_N};
        return (struct imm_mount_cause){
                .setting = e->setting,
                .origin = e->origin,
                .why = e->why ? imm_strdup(p->out, e->why) : NULL,
        };
}

/* Of a file system mounted anew it is another setting of the path that wants it read-only */
static const struct imm_plan_entry *read_only_by(const struct imm_vmount *m) {
        const struct imm_plan_entry *e = m->read_only_by;

        return e && e->read_only_by ? e->read_only_by : e;
}

static const struct imm_plan_entry *noexec_by(const struct imm_vmount *m) {
        const struct imm_plan_entry *e = m->noexec_by;

        return e && e->noexec_by ? e->noexec_by : e;
}

static int by_name(const void *a, const void *b) {
        const struct imm_made *x = a, *y = b;

        return strcmp(x->path, y->path);
}

static struct imm_made made_of(struct imm_plan *p, struct imm_vnode *n, const char *path) {
        bool changed = n->made_mode != 0 || n->removed;

        return (struct imm_made){
                .path = imm_strdup(p->out, path),
                .mode = changed ? n->made_mode : n->mode,
                .uid = changed ? n->made_uid : n->uid,
                .gid = changed ? n->made_gid : n->gid,
                .target = imm_vfs_target(p->v, n) ? imm_strdup(p->out, imm_vfs_target(p->v, n))
                                                  : NULL,
                .from = n->made_from ? imm_strdup(p->out, n->made_from) : NULL,
                .recursive = n->recursive,
        };
}

static void list_entries(
        struct imm_plan *p, struct imm_mount *to, struct imm_vnode *top, struct imm_vnode *n) {
        for (struct imm_vnode *c = n->children; c; c = c->next) {
                if (imm_vfs_mode(p->v, c) == 0)
                        continue;
                *imm_array_push(p->out, &to->entries) =
                        made_of(p, c, imm_path_below(c->path, top->path));
                list_entries(p, to, top, c);
        }
}

/* The path in the root that a place of one of its own file systems has */
static const char *host_path(struct imm_arena *a, const struct imm_vnode *n) {
        if (!n->parent && n->fs->prefix[0] != '\0')
                return imm_strdup(a, n->fs->prefix);
        return imm_printf(a, "%s%s", n->fs->prefix, n->path);
}

/* What people call it: by the root's own bind mount that it was taken from */
static const char *source_of(struct imm_plan *p, const struct imm_vmount *m,
        const struct imm_vnode *top, const char *otherwise) {
        const char *rest = m->bound_at ? imm_path_below(top->path, m->bound_top) : NULL;

        if (!rest)
                return otherwise;
        return imm_printf(p->out, "%s%s%s", m->bound_at, *rest ? "/" : "", rest);
}

/* What a boot mounts only if it is there */
static void assume_boot(
        struct imm_plan *p, const struct imm_mount *m, const struct imm_boot_mount *b) {
        if (b && b->doubtful && m->of_host)
                imm_strv_add(p->out, &p->t->assumes,
                        imm_printf(p->out, "whether %s mounts %s", imm_boot_mount_text(b, p->out),
                                b->path));
}

static void describe(struct imm_plan *p, const struct imm_vmount *m, struct imm_vnode *top,
        const char *path, struct imm_mount *ret) {
        const struct imm_vfs_fs *fs = top->fs;
        const struct imm_plan_entry *by = m->by;

        ret->path = imm_strdup(p->out, path);
        ret->flags = m->flags | (fs->read_only ? IMM_MOUNT_RDONLY : 0);
        ret->id_mapped = m->id_mapped;
        ret->of_host = m->of_host && !by && fs->of_host &&
                       imm_streq(m->bound_at ? m->bound_at : host_path(p->a, top), path);
        ret->read_only_by = cause_of(p, read_only_by(m));
        ret->noexec_by = cause_of(p, noexec_by(m));
        ret->nosuid_by = cause_of(p, m->nosuid_by);
        if (!by)
                by = m->read_only_by ? read_only_by(m) : m->noexec_by ? noexec_by(m) : m->nosuid_by;
        ret->setting = by ? by->setting : IMM_SETTING_N;
        if (!m->by && !ret->of_host && p->root_directory) {
                ret->setting = IMM_SETTING_ROOT_DIRECTORY;
                ret->origin = imm_setting(p->s, IMM_SETTING_ROOT_DIRECTORY)->origin;
        } else if (by) {
                ret->origin = by->origin;
                ret->why = by->why ? imm_strdup(p->out, by->why) : NULL;
                ret->inaccessible = m->by == by && by->mode == IMM_PLAN_INACCESSIBLE;
        }
        (void)imm_vfs_mode(p->v, top);
        ret->mode = (top->made_mode ? top->made_mode : top->mode) & 07777;
        ret->uid = top->made_mode ? top->made_uid : top->uid;
        ret->gid = top->made_mode ? top->made_gid : top->gid;
        if (fs->of_host && by && by->mode == IMM_PLAN_PRIVATE_CGROUP2) {
                /* new, and yet a part of the one tree */
                ret->fstype = imm_strdup(p->out, fs->type);
                ret->source = host_path(p->out, top);
                ret->kernel_path = imm_strdup(p->out, p->cgroup);
                return;
        }
        if (fs->of_host) {
                ret->fstype = ret->of_host ? imm_strdup(p->out, fs->type) : "bind";
                ret->host_path = host_path(p->out, top);
                ret->source = ret->of_host ? ret->path : source_of(p, m, top, ret->host_path);
                assume_boot(p, ret, fs->boot);
                return;
        }
        ret->fstype = imm_strdup(p->out, fs->type);
        ret->source = ret->fstype;
        ret->full = fs->inodes_max > 0 && fs->inodes >= fs->inodes_max;
        if (fs->options)
                ret->options = imm_strdup(p->out, fs->options);
        if (fs->content == IMM_VFS_API)
                ret->kernel_path = host_path(p->out, top);
        if (fs->of_credentials) {
                ret->fstype = "bind";
                ret->source = imm_strdup(p->out, fs->prefix);
        }
        imm_array_foreach (layer, &fs->layers)
                if (layer->node->fs->of_host)
                        imm_strv_add(p->out, &ret->layers,
                                imm_printf(p->out, "%s%s", host_path(p->a, layer->node),
                                        top->parent ? top->path : ""));
        list_entries(p, ret, top, top);
        if (ret->entries.n > 0)
                qsort(ret->entries.v, ret->entries.n, sizeof(struct imm_made), by_name);
}

struct spot {
        const char *path; /* in the service's view */
        const struct imm_vmount *mount;
        struct imm_vnode *top;
};

static int by_path(const void *a, const void *b) {
        const struct spot *x = a, *y = b;

        return strcmp(x->path, y->path);
}

/* Is @m what is reached where it was mounted, below @root? NULL: it is covered, gone or elsewhere
 */
static const char *path_in(struct imm_plan *p, struct imm_vpath root, const char *root_path,
        const struct imm_vmount *m) {
        const char *rest;
        struct imm_vpath at;

        if (m->gone || m == root.mount)
                return NULL;
        rest = imm_path_below(m->path, root_path);
        if (!rest || rest[0] == '\0' || imm_vfs_lookup_from(p->v, root, rest, false, &at) < 0 ||
                at.mount != m)
                return NULL;
        return rest - 1; /* its slash */
}

void imm_plan_see(struct imm_plan *p, struct imm_vpath root, const char *root_path) {
        struct imm_mount_table *t = p->t;
        struct spot *seen = imm_alloc_array(p->a, p->v->mounts.n + 1, sizeof(*seen));
        size_t n = 0;

        p->v->uid = 0; /* this is not about what the manager may search */
        seen[n++] = (struct spot){"/", root.mount, root.node};
        for (size_t i = 0; i < p->v->mounts.n; i++) {
                const struct imm_vmount *m = p->v->mounts.v[i];
                const char *path = path_in(p, root, root_path, m);

                if (path)
                        seen[n++] = (struct spot){path, m, m->root};
        }
        qsort(seen, n, sizeof(*seen), by_path);
        t->v = imm_alloc_array(p->out, n, sizeof(*t->v));
        t->n = t->cap = n;
        for (size_t i = 0; i < n; i++)
                describe(p, seen[i].mount, seen[i].top, seen[i].path, &t->v[i]);
        imm_array_foreach (at, &p->v->made)
                if ((*at)->made_mode != 0 || (*at)->removed)
                        *imm_array_push(p->out, &t->made) = made_of(p, *at, host_path(p->a, *at));
        if (t->made.n > 0)
                qsort(t->made.v, t->made.n, sizeof(struct imm_made), by_name);
}

const char *imm_path_of_process(const char *path, struct imm_arena *a) {
        const char *rest = imm_after(path, "/proc/@self"),
                   *thread = rest ? imm_after(rest, "/task/@self") : NULL;

        if (thread)
                return imm_printf(a, "/proc/thread-self%s", thread);
        return rest ? imm_printf(a, "/proc/self%s", rest) : path;
}

const char *imm_mount_type(const struct imm_mount *m) {
        return m->of_host || m->source[0] == '/' ? "bind" : m->fstype;
}

/* The mount at the first @n bytes of @path */
static const struct imm_mount *mount_exactly(
        const struct imm_mount_table *t, const char *path, size_t n) {
        size_t low = 0, high = t->n;

        while (low < high) {
                size_t mid = low + (high - low) / 2;
                const char *at = t->v[mid].path;
                int c = strncmp(at, path, n);

                if (c == 0 && at[n] == '\0')
                        return &t->v[mid];
                if (c < 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        return NULL;
}

const struct imm_mount *imm_mount_below(
        const struct imm_mount_table *t, const struct imm_mount *above, const char *path) {
        const struct imm_mount *m = mount_exactly(t, path, strlen(path));

        return m ? m : above;
}

const struct imm_mount *imm_mount_at(const struct imm_mount_table *t, const char *path) {
        size_t n = strlen(path);

        while (n > 1 && path[n - 1] == '/')
                n--;
        for (;;) {
                const struct imm_mount *m = mount_exactly(t, path, n);

                if (m || n <= 1)
                        return m;
                while (n > 1 && path[n - 1] != '/')
                        n--;
                if (n > 1)
                        n--;
        }
}
