#include "analyzer/sandbox/access-private.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/xattr.h>

/*
 * The root's files change slowly and thousands of units ask for the same few: each path is looked
 * at once per manager. The lock is held while the kernel is asked; contention is between threads
 * that would otherwise ask the same.
 */
struct imm_nodes {
        pthread_mutex_t lock;
        struct imm_map map;
        struct imm_arena *arena;
};

static void nodes_done(void *data) {
        struct imm_nodes *n = data;

        (void)pthread_mutex_destroy(&n->lock);
        imm_arena_free(n->arena);
        free(n);
}

static struct imm_nodes *nodes_of(struct imm_manager *m) {
        static pthread_mutex_t create = PTHREAD_MUTEX_INITIALIZER;
        struct imm_nodes *n;

        n = __atomic_load_n(&m->nodes, __ATOMIC_ACQUIRE);
        if (n)
                return n;
        (void)pthread_mutex_lock(&create);
        n = m->nodes;
        if (!n) {
                n = imm_xcalloc(1, sizeof(*n));
                (void)pthread_mutex_init(&n->lock, NULL);
                n->arena = imm_arena_new();
                imm_arena_defer(m->arena, nodes_done, n);
                __atomic_store_n(&m->nodes, n, __ATOMIC_RELEASE);
        }
        (void)pthread_mutex_unlock(&create);
        return n;
}

/* An O_PATH descriptor has no xattr calls of its own; /proc gives them. */
static const struct imm_acl *read_acl(int fd, struct imm_arena *a) {
        char name[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        char buf[4096] __attribute__((aligned(8)));
        ssize_t n;

        (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        n = getxattr(name, "system.posix_acl_access", buf, sizeof(buf));
        return n < 0 ? NULL : imm_acl_parse(buf, (size_t)n, a);
}

/* The revisions differ in how many words follow, and the third in the user namespace it is for */
static const struct imm_file_caps *read_caps(int fd, struct imm_arena *a) {
        char name[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        struct vfs_ns_cap_data raw = {0};
        struct imm_file_caps *caps;
        uint32_t magic;
        ssize_t n;

        (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        n = getxattr(name, "security.capability", &raw, sizeof(raw));
        if (n < (ssize_t)XATTR_CAPS_SZ_1)
                return NULL;
        magic = le32toh(raw.magic_etc);
        caps = imm_new(a, struct imm_file_caps);
        caps->effective = magic & VFS_CAP_FLAGS_EFFECTIVE;
        for (unsigned i = 0; i < 2 && n >= (ssize_t)(4 + 8 * (i + 1)); i++) {
                caps->permitted |= (uint64_t)le32toh(raw.data[i].permitted) << 32 * i;
                caps->inheritable |= (uint64_t)le32toh(raw.data[i].inheritable) << 32 * i;
        }
        return caps;
}

static void look(
        const struct imm_root *root, const char *path, struct imm_arena *a, struct imm_node *ret) {
        imm_auto_close int fd = -1;
        char target[PATH_MAX]; /* the kernel's own limit of a link's target */
        struct statx st;

        fd = imm_root_open_path(root, path, O_NOFOLLOW);
        if (fd == -ENOENT || fd == -ENOTDIR) {
                ret->state = IMM_NODE_ABSENT;
                return;
        }
        if (fd < 0 || statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &st) < 0) {
                ret->state = IMM_NODE_UNKNOWN;
                ret->why = imm_printf(a, "%s: %s", path, strerror(fd < 0 ? -fd : errno));
                return;
        }
        ret->state = IMM_NODE_PRESENT;
        ret->mode = st.stx_mode;
        ret->uid = st.stx_uid;
        ret->gid = st.stx_gid;
        ret->immutable = st.stx_attributes & STATX_ATTR_IMMUTABLE;
        ret->append_only = st.stx_attributes & STATX_ATTR_APPEND;
        ret->below = true;
        if (S_ISLNK(ret->mode)) {
                ssize_t n = readlinkat(fd, "", target, sizeof(target));

                if (n < 0)
                        ret->state = IMM_NODE_UNKNOWN;
                else
                        ret->target = imm_strndup(a, target, (size_t)n);
                return;
        }
        if (ret->mode & 070)
                ret->acl = read_acl(fd, a);
        if (S_ISREG(ret->mode) && ret->mode & 0111)
                ret->caps = read_caps(fd, a);
}

const struct imm_node *imm_node_of_root(struct imm_manager *m, const char *path) {
        struct imm_nodes *n = nodes_of(m);
        struct imm_node *node;

        (void)pthread_mutex_lock(&n->lock);
        node = imm_map_get(&n->map, path);
        if (!node) {
                node = imm_new(n->arena, struct imm_node);
                look(m->root, path, n->arena, node);
                imm_map_put(n->arena, &n->map, imm_strdup(n->arena, path), node);
        }
        (void)pthread_mutex_unlock(&n->lock);
        return node;
}
