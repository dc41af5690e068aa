#include "analyzer/sandbox/vfs/world.h"

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/boot/mounts.h"

#include <pthread.h>

enum { TABLE_MIN = 1024 };

struct template {
        size_t parent;
        struct imm_vnode *point, *root;
        unsigned flags;
        const char *bound_at, *bound_top;
};

struct imm_world {
        struct imm_manager *m;
        struct imm_arena *a;
        struct imm_world *next; /* free list */
        unsigned long epoch;
        struct imm_vnode **table; /* open addressing by parent and name */
        size_t n, n_slots;
        struct imm_vfs_fs *top;
        IMM_ARRAY(struct template) mounts;
};

struct imm_worlds {
        struct imm_world *free;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- nodes ---- */

static size_t hash(const struct imm_vnode *parent, const char *name, size_t n) {
        uint64_t h = (uintptr_t)parent / 16 + n, word = 0;

        for (; n >= sizeof(word); n -= sizeof(word), name += sizeof(word)) {
                memcpy(&word, name, sizeof(word));
                h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
                h ^= h >> 29;
        }
        for (word = 0; n > 0; n--)
                word = word << 8 | (unsigned char)*name++;
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        return h ^ h >> 32;
}

static struct imm_vnode **slot(
        struct imm_world *w, const struct imm_vnode *parent, const char *name, size_t n) {
        size_t i = hash(parent, name, n) & (w->n_slots - 1);

        for (;; i = (i + 1) & (w->n_slots - 1)) {
                struct imm_vnode *c = w->table[i];

                if (!c)
                        return &w->table[i];
                if (c->parent == parent && c->n_name == n && memcmp(c->name, name, n) == 0)
                        return &w->table[i];
        }
}

static void grow(struct imm_world *w) {
        struct imm_vnode **old = w->table;
        size_t n = w->n_slots;

        w->n_slots = n ? n * 2 : TABLE_MIN;
        w->table = imm_xcalloc(w->n_slots, sizeof(*w->table));
        for (size_t i = 0; i < n; i++)
                if (old[i])
                        *slot(w, old[i]->parent, old[i]->name, old[i]->n_name) = old[i];
        free(old);
}

struct imm_vnode *imm_world_child(
        struct imm_world *w, struct imm_vnode *parent, const char *name, size_t n) {
        struct imm_vnode **at, *c;

        if ((w->n + 1) * 2 > w->n_slots)
                grow(w);
        at = slot(w, parent, name, n);
        if (*at)
                return *at;
        c = imm_new(w->a, struct imm_vnode);
        c->fs = parent->fs;
        c->parent = parent;
        imm_vnode_named(w->a, c, parent, name, n);
        w->n++;
        return *at = c;
}

void imm_world_look_up(struct imm_world *w, struct imm_vnode *n) {
        const struct imm_node *found;
        struct imm_node node;
        const char *path;

        n->looked_up = true;
        n->mode = 0;
        if (n->fs->content == IMM_VFS_EMPTY)
                return;
        /* what a mount of the running host covers cannot be seen */
        for (const struct imm_vnode *p = n->parent; p; p = p->parent)
                if (p->covered)
                        return;
        if (n->fs->only_pids && !(n->name[0] >= '0' && n->name[0] <= '9') &&
                n->parent == n->fs->root && !imm_streq(n->name, "self") &&
                !imm_streq(n->name, "@self") && !imm_streq(n->name, "thread-self"))
                return;
        path = *n->fs->prefix ? imm_printf(w->a, "%s%s", n->fs->prefix, n->path) : n->path;
        if (n->fs->content == IMM_VFS_API && imm_api_covers(w->m, path)) {
                imm_api_node(w->m, path, &node);
                found = &node;
        } else
                found = imm_node_of_root(w->m, path);
        if (found->state == IMM_NODE_ABSENT)
                return;
        /* a random name, written with a star, is of nothing that was there */
        if (found->state == IMM_NODE_UNKNOWN && strchr(path, '*'))
                return;
        n->mode = found->mode;
        n->uid = found->uid;
        n->gid = found->gid;
        n->target = found->target ? imm_strdup(w->a, found->target) : NULL;
        if (found->state == IMM_NODE_UNKNOWN || n->mode == 0) {
                n->uncertain = true;
                n->mode = S_IFDIR | 0755;
        }
}

/* ---- worlds ---- */

static struct imm_vfs_fs *fs_new(struct imm_world *w, const struct imm_host_mount *h, bool host) {
        struct imm_vfs_fs *fs = imm_new(w->a, struct imm_vfs_fs);
        struct imm_vnode *top = imm_new(w->a, struct imm_vnode);

        fs->type = h->type;
        fs->prefix = imm_streq(h->path, "/") ? "" : imm_strdup(w->a, h->path);
        fs->content = fs->prefix[0] == '\0' || host ? IMM_VFS_ROOT : IMM_VFS_API;
        fs->of_host = true;
        fs->read_only = h->read_only_fs;
        fs->root = top;
        top->fs = fs;
        top->name = "";
        top->path = "/";
        return fs;
}

/* The top of a file system stands for the mount point, so it can be looked up as that. */
static void look_up_top(struct imm_world *w, struct imm_vnode *top) {
        struct imm_vnode stand_in = *top;
        struct imm_vnode none = {0};

        stand_in.path = "";
        stand_in.parent = &none;
        if (top->fs->prefix[0] == '\0')
                stand_in.path = "/";
        imm_world_look_up(w, &stand_in);
        top->looked_up = true;
        top->mode = S_ISDIR(stand_in.mode) ? stand_in.mode : S_IFDIR | 0755;
        top->uid = stand_in.uid;
        top->gid = stand_in.gid;
}

/* What was made on the way to @path is there for all simulations. */
static void keep_made(struct imm_vfs *v, const char *path) {
        struct imm_vpath p;

        if (imm_vfs_lookup(v, path, true, &p) < 0)
                return;
        for (struct imm_vnode *n = p.node; n && n->made_mode; n = n->parent) {
                n->mode = n->made_mode;
                n->made_mode = 0;
                n->looked_up = true;
                n->uncertain = false;
        }
}

/* The file system of that kind which is mounted already: the kernel has but one. */
static struct imm_vnode *same_kind(const struct imm_vfs *v, const char *type) {
        imm_array_foreach (m, &v->mounts)
                if ((*m)->root->fs->root == (*m)->root && imm_streq((*m)->root->fs->type, type))
                        return (*m)->root;
        return NULL;
}

static void mount_boot(struct imm_world *w, struct imm_vfs *v, const struct imm_host_mount *h) {
        const struct imm_boot_mount *b = h->boot;
        struct imm_vnode *same = b->content == IMM_BOOT_KERNEL ? same_kind(v, b->type) : NULL;
        size_t first = v->mounts.n;
        struct imm_vpath p;

        if (b->content == IMM_BOOT_BIND) {
                (void)imm_vfs_mkdir_p(v, b->what, 0755);
                keep_made(v, b->what);
                if (imm_vfs_bind(v, b->what, b->path, b->recursive) < 0)
                        return;
        } else if (same && imm_vfs_lookup(v, b->path, true, &p) >= 0)
                imm_vfs_attach(v, p.mount, p.node, same, 0);
        if (first == v->mounts.n)
                return;
        v->mounts.v[first]->flags |= h->flags;
        for (size_t i = first; i < v->mounts.n; i++) {
                v->mounts.v[i]->of_host = true;
                v->mounts.v[i]->bound_at = imm_strdup(w->a, v->mounts.v[i]->path);
                v->mounts.v[i]->bound_top = v->mounts.v[i]->root->path;
        }
}

static void mount_host(struct imm_world *w, struct imm_vfs *v, const struct imm_host_mount *h) {
        struct imm_vfs_fs *fs;
        struct imm_vpath p;
        bool host = h->same_tree || imm_root_is_running(w->m->root);

        if (imm_vfs_lookup(v, h->path, true, &p) < 0) {
                /* the manager makes missing mount points at boot */
                if (imm_vfs_mkdir_p(v, h->path, 0755) < 0)
                        return;
                keep_made(v, h->path);
                if (imm_vfs_lookup(v, h->path, true, &p) < 0)
                        return;
        }
        if (h->boot && (h->boot->content == IMM_BOOT_BIND ||
                               (h->boot->content == IMM_BOOT_KERNEL && same_kind(v, h->type)))) {
                mount_boot(w, v, h);
                return;
        }
        fs = fs_new(w, h, host);
        fs->boot = h->boot;
        look_up_top(w, fs->root);
        p.node->covered = host;
        imm_vfs_attach(v, p.mount, p.node, fs->root, h->flags)->of_host = true;
}

/* For imm_world_mount_all() */
static void keep_mounts(struct imm_world *w, const struct imm_vfs *v) {
        for (size_t i = 0; i < v->mounts.n; i++) {
                const struct imm_vmount *m = v->mounts.v[i];
                size_t parent = 0;

                while (m->parent && v->mounts.v[parent] != m->parent)
                        parent++;
                *imm_array_push(w->a, &w->mounts) = (struct template){
                        parent, m->point, m->root, m->flags, m->bound_at, m->bound_top};
        }
}

static void world_done(void *data) {
        struct imm_world *w = data;

        free(w->table);
        imm_arena_free(w->a);
}

static struct imm_world *world_new(struct imm_manager *m) {
        struct imm_arena *a = imm_arena_new();
        struct imm_world *w = imm_new(a, struct imm_world);
        struct imm_host_mounts mounts = {0};
        struct imm_vfs v = {.world = w, .a = a, .epoch = 1};
        struct imm_vfs_fs *fs;

        w->m = m;
        w->a = a;
        w->epoch = 1;
        grow(w);
        imm_host_mounts_find(m, a, &mounts);
        fs = fs_new(w, &mounts.v[0], imm_root_is_running(m->root));
        look_up_top(w, fs->root);
        v.root = imm_vfs_attach(&v, NULL, NULL, fs->root, mounts.v[0].flags);
        for (size_t i = 1; i < mounts.n; i++)
                mount_host(w, &v, &mounts.v[i]);
        keep_mounts(w, &v);
        return w;
}

unsigned long imm_world_next_epoch(struct imm_world *w) {
        return ++w->epoch;
}

void imm_world_mount_all(struct imm_world *w, struct imm_vfs *v) {
        for (size_t i = 0; i < w->mounts.n; i++) {
                const struct template *t = &w->mounts.v[i];

                struct imm_vmount *m = imm_vfs_attach(
                        v, i == 0 ? NULL : v->mounts.v[t->parent], t->point, t->root, t->flags);

                m->of_host = true;
                m->bound_at = t->bound_at;
                m->bound_top = t->bound_top;
        }
        v->root = v->mounts.v[0];
}

struct imm_world *imm_world_take(struct imm_manager *m) {
        struct imm_world *w;

        pthread_mutex_lock(&lock);
        if (!m->worlds)
                m->worlds = imm_xcalloc(1, sizeof(*m->worlds)),
                imm_arena_defer(m->arena, free, m->worlds);
        w = m->worlds->free;
        if (w)
                m->worlds->free = w->next;
        pthread_mutex_unlock(&lock);
        if (w)
                return w;
        w = world_new(m);
        pthread_mutex_lock(&lock);
        imm_arena_defer(m->arena, world_done, w);
        pthread_mutex_unlock(&lock);
        return w;
}

void imm_world_give(struct imm_manager *m, struct imm_world *w) {
        pthread_mutex_lock(&lock);
        w->next = m->worlds->free;
        m->worlds->free = w;
        pthread_mutex_unlock(&lock);
}
