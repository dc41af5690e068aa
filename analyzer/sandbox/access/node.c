#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/boot/mounts.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/xattr.h>

/*
 * The root's files change slowly and thousands of units ask for the same few: each path is looked
 * at once per manager. No lock is held while the kernel is asked: where two threads ask the same,
 * the first one's answer counts.
 */
struct imm_nodes {
        pthread_rwlock_t lock; /* of the maps */
        struct imm_map map, programs;
        struct imm_boot boot;          /* read with the creation, not changed after that */
        struct imm_boot_mounts mounts; /* likewise */
        pthread_mutex_t machine_lock;  /* of these: */
        uint16_t machine; /* EM_* of its programs; 0: not known, or it runs others' too */
        bool machine_known;
        struct imm_arena *arena; /* shared */
};

static void nodes_done(void *data) {
        struct imm_nodes *n = data;

        (void)pthread_rwlock_destroy(&n->lock);
        (void)pthread_mutex_destroy(&n->machine_lock);
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
                (void)pthread_rwlock_init(&n->lock, NULL);
                (void)pthread_mutex_init(&n->machine_lock, NULL);
                n->arena = imm_arena_new_shared();
                imm_boot_read(m, n->arena, &n->boot);
                imm_boot_mounts_read(m, n->arena, &n->mounts);
                imm_arena_defer(m->arena, nodes_done, n);
                __atomic_store_n(&m->nodes, n, __ATOMIC_RELEASE);
        }
        (void)pthread_mutex_unlock(&create);
        return n;
}

static const struct imm_acl *read_acl(const char *name, struct imm_arena *a) {
        char buf[4096] __attribute__((aligned(8)));
        ssize_t n = getxattr(name, "system.posix_acl_access", buf, sizeof(buf));

        return n < 0 ? NULL : imm_acl_parse(buf, (size_t)n, a);
}

/* The revisions differ in how many words follow, and the third in the user namespace it is for */
static const struct imm_file_caps *read_caps(const char *name, struct imm_arena *a) {
        struct vfs_ns_cap_data raw = {0};
        struct imm_file_caps *caps;
        uint32_t magic;
        ssize_t n = getxattr(name, "security.capability", &raw, sizeof(raw));

        if (n < (ssize_t)XATTR_CAPS_SZ_1)
                return NULL;
        magic = le32toh(raw.magic_etc);
        caps = imm_new(a, struct imm_file_caps);
        caps->effective = magic & VFS_CAP_FLAGS_EFFECTIVE;
        for (unsigned i = 0; i < 2 && (size_t)n >= 4 + 8 * ((size_t)i + 1); i++) {
                caps->permitted |= (uint64_t)le32toh(raw.data[i].permitted) << 32 * i;
                caps->inheritable |= (uint64_t)le32toh(raw.data[i].inheritable) << 32 * i;
        }
        return caps;
}

/* An O_PATH descriptor has no xattr calls of its own; /proc gives them. Most files have none. */
static void read_xattrs(int fd, struct imm_arena *a, struct imm_node *n) {
        const bool acl = n->mode & 070, caps = S_ISREG(n->mode) && n->mode & 0111;
        char name[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

        (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        if ((!acl && !caps) || listxattr(name, NULL, 0) == 0)
                return;
        if (acl)
                n->acl = read_acl(name, a);
        if (caps)
                n->caps = read_caps(name, a);
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
        read_xattrs(fd, a, ret);
}

const struct imm_boot_mounts *imm_boot_mounts_of(struct imm_manager *m) {
        return &nodes_of(m)->mounts;
}

enum { BINDS_MAX = 8 };

/* Is it a folder above a mount point, which is made with it? */
static bool leads_to_mount(const struct imm_boot_mounts *all, const char *path) {
        imm_array_foreach (b, all) {
                const char *rest = imm_after(b->path, path);

                if (rest && *rest == '/')
                        return true;
        }
        return false;
}

/* As it is once the machine has made its mounts */
static void look_booted(struct imm_nodes *n, const struct imm_root *root, const char *path,
        unsigned binds, struct imm_node *ret) {
        const struct imm_boot_mount *b =
                n->mounts.n > 0 ? imm_boot_mount_at(&n->mounts, path) : NULL;
        const struct imm_boot_mount *left =
                n->mounts.left.n > 0 ? imm_boot_mount_left(&n->mounts, path) : NULL;
        const char *rest = b ? path + strlen(b->path) : "";

        if (!b || (b->content == IMM_BOOT_DEVICE && b->filled)) {
                look(root, path, n->arena, ret);
                if (!b && ret->state == IMM_NODE_ABSENT && leads_to_mount(&n->mounts, path))
                        *ret = (struct imm_node){.mode = S_IFDIR | 0755};
                if (b)
                        ret->doubt = imm_printf(n->arena, "the file system of %s on %s",
                                imm_boot_mount_text(b, n->arena), b->path);
                else if (left)
                        ret->doubt = imm_printf(n->arena, "what %s may mount on %s later",
                                imm_boot_mount_text(left, n->arena), left->path);
                return;
        }
        if (b->content == IMM_BOOT_EMPTY) {
                *ret = (struct imm_node){
                        .mode = S_IFDIR | b->mode, .uid = b->uid, .gid = b->gid, .below = true};
                if (*rest)
                        *ret = (struct imm_node){.state = IMM_NODE_ABSENT};
                return;
        }
        if (b->content == IMM_BOOT_BIND && binds < BINDS_MAX) {
                look_booted(n, root, imm_printf(n->arena, "%s%s", b->what, rest), binds + 1, ret);
                if (ret->state == IMM_NODE_ABSENT && !*rest) /* it is made */
                        *ret = (struct imm_node){.mode = S_IFDIR | 0755};
                return;
        }
        *ret = (struct imm_node){.state = IMM_NODE_UNKNOWN,
                .why = imm_printf(n->arena, "what %s mounts on %s cannot be known from files",
                        imm_boot_mount_text(b, n->arena), b->path)};
}

/* What tmpfiles.d copies there, unless it is there already */
static void copy_in(
        struct imm_nodes *n, const struct imm_root *root, const char *path, struct imm_node *node) {
        const char *top, *from;
        struct imm_dirent *entries;
        struct imm_node copy = {0};
        size_t count;

        if (n->boot.copies.n == 0 || !(from = imm_boot_copied(&n->boot, path, &top)))
                return;
        if (node->state == IMM_NODE_PRESENT && !S_ISDIR(node->mode))
                return;
        if (imm_root_list(root, top, n->arena, &entries, &count) == 0 && count > 0)
                return;
        look_booted(n, root, from, 0, &copy);
        if (copy.state != IMM_NODE_PRESENT)
                return;
        if (node->state != IMM_NODE_PRESENT)
                *node = copy;
        imm_boot_own_copy(&n->boot, top, path, node);
}

/* NULL: it was not asked for yet */
static void *known(struct imm_nodes *n, const struct imm_map *map, const char *path) {
        void *had;

        (void)pthread_rwlock_rdlock(&n->lock);
        had = imm_map_get(map, path);
        (void)pthread_rwlock_unlock(&n->lock);
        return had;
}

/* What counts: @found, or what another thread has found meanwhile */
static void *learned(struct imm_nodes *n, struct imm_map *map, const char *path, void *found) {
        void *had;

        (void)pthread_rwlock_wrlock(&n->lock);
        had = imm_map_get(map, path);
        if (!had)
                imm_map_put(n->arena, map, imm_strdup(n->arena, path), found);
        (void)pthread_rwlock_unlock(&n->lock);
        return had ? had : found;
}

const struct imm_node *imm_node_of_root(struct imm_manager *m, const char *path) {
        struct imm_nodes *n = nodes_of(m);
        struct imm_node *node = known(n, &n->map, path);

        if (node)
                return node;
        node = imm_new(n->arena, struct imm_node);
        look_booted(n, m->root, path, 0, node);
        imm_boot_apply(&n->boot, path, node);
        copy_in(n, m->root, path, node);
        return learned(n, &n->map, path, node);
}

const struct imm_file_caps *imm_file_caps_of(struct imm_manager *m, const char *path) {
        return imm_node_of_root(m, path)->caps;
}

void imm_node_covered(
        struct imm_manager *m, const char *path, struct imm_arena *a, struct imm_node *ret) {
        *ret = (struct imm_node){0};
        if (!imm_root_is_running(m->root)) {
                look(m->root, path, a, ret);
                return;
        }
        ret->state = IMM_NODE_UNKNOWN;
        ret->why = imm_printf(a, "%s: the machine's own mount hides it", path);
}

void imm_node_booted(struct imm_manager *m, const char *path, struct imm_node *n) {
        struct imm_nodes *all = nodes_of(m);

        imm_boot_apply(&all->boot, path, n);
        copy_in(all, m->root, path, n);
}

/* ---- programs ---- */

enum { HEAD_MAX = 4096 }; /* where linkers put the program headers and the interpreter's name */

/* "#! /bin/sh -e": the first word */
static const char *script_interpreter(const char *p, size_t n, struct imm_arena *a) {
        const char *end = memchr(p, '\n', n), *start = p;

        if (!end)
                end = p + n;
        while (start < end && (*start == ' ' || *start == '\t'))
                start++;
        p = start;
        while (p < end && *p != ' ' && *p != '\t' && *p)
                p++;
        return p > start ? imm_strndup(a, start, (size_t)(p - start)) : NULL;
}

/* @size bytes of the file at @at, from its first @n where they are among these */
static bool read_part(
        int fd, const unsigned char *head, size_t n, uint64_t at, void *to, size_t size) {
        if (at <= n && size <= n - at) {
                memcpy(to, head + at, size);
                return true;
        }
        return pread(fd, to, size, (off_t)at) == (ssize_t)size;
}

/* The segment PT_INTERP; fields at the offsets of the class, little endian as the machines are */
static const char *elf_interpreter(
        int fd, const unsigned char *head, size_t n, struct imm_arena *a) {
        bool wide = head[EI_CLASS] == ELFCLASS64;
        Elf64_Ehdr e64;
        Elf32_Ehdr e32;
        uint64_t at, size, offset = 0, length = 0;
        unsigned count;
        char name[PATH_MAX];

        if (head[EI_DATA] != ELFDATA2LSB || n < sizeof(e64))
                return NULL;
        memcpy(&e64, head, sizeof(e64));
        memcpy(&e32, head, sizeof(e32));
        at = wide ? e64.e_phoff : e32.e_phoff;
        count = wide ? e64.e_phnum : e32.e_phnum;
        size = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
        for (unsigned i = 0; i < count && i < 128; i++) {
                union {
                        Elf64_Phdr p64;
                        Elf32_Phdr p32;
                } ph;

                if (at > INT64_MAX - 128 * size ||
                        !read_part(fd, head, n, at + i * size, &ph, size))
                        return NULL;
                if ((wide ? ph.p64.p_type : ph.p32.p_type) != PT_INTERP)
                        continue;
                offset = wide ? ph.p64.p_offset : ph.p32.p_offset;
                length = wide ? ph.p64.p_filesz : ph.p32.p_filesz;
                break;
        }
        if (length < 2 || length >= sizeof(name) || offset > INT64_MAX ||
                !read_part(fd, head, n, offset, name, length))
                return NULL;
        name[length] = '\0';
        return imm_strdup(a, name);
}

/* Is something set up that runs programs of other machines? */
static bool emulates(const struct imm_root *root, struct imm_arena *a) {
        static const char *const dirs[] = {
                "/etc/binfmt.d", "/usr/lib/binfmt.d", "/usr/share/binfmts", "/var/lib/binfmts"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(dirs); i++) {
                struct imm_dirent *entries;
                size_t n;

                if (imm_root_list(root, dirs[i], a, &entries, &n) < 0)
                        continue;
                for (size_t k = 0; k < n; k++)
                        if (imm_after(entries[k].name, "qemu-") ||
                                imm_after(entries[k].name, "box64") ||
                                imm_after(entries[k].name, "FEX"))
                                return true;
        }
        return false;
}

static uint16_t machine_at(const struct imm_root *root, const char *path) {
        imm_auto_close int fd = imm_root_open_file(root, path, NULL);
        Elf64_Ehdr e;

        if (fd < 0 || pread(fd, &e, sizeof(e), 0) != sizeof(e) ||
                memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_ident[EI_DATA] != ELFDATA2LSB ||
                e.e_ident[EI_CLASS] != ELFCLASS64)
                return 0;
        return le16toh(e.e_machine);
}

/* The machine that the root is for, as its systemd says; only of 64 bits, which run 32 as well */
static uint16_t machine_of(struct imm_nodes *n, const struct imm_root *root) {
        (void)pthread_mutex_lock(&n->machine_lock);
        if (!n->machine_known) {
                n->machine_known = true;
                n->machine = machine_at(root, "/usr/lib/systemd/systemd");
                if (n->machine != 0 && emulates(root, n->arena))
                        n->machine = 0;
        }
        (void)pthread_mutex_unlock(&n->machine_lock);
        return n->machine;
}

/* A 64-bit program of a machine that this one is not */
static bool is_foreign(const unsigned char *head, size_t size, uint16_t machine) {
        static const uint16_t known[] = {EM_X86_64, EM_AARCH64, EM_RISCV, EM_PPC64};
        Elf64_Ehdr e;

        if (machine == 0 || size < sizeof(e) || head[EI_DATA] != ELFDATA2LSB ||
                head[EI_CLASS] != ELFCLASS64)
                return false;
        memcpy(&e, head, sizeof(e));
        for (size_t i = 0; i < IMM_ELEMENTSOF(known); i++)
                if (le16toh(e.e_machine) == known[i])
                        return known[i] != machine;
        return false;
}

/* The kernel takes no file without its whole table of segments, nor one that is no program. */
static bool is_whole(int fd, const unsigned char *head, size_t n) {
        bool wide = n > EI_CLASS && head[EI_CLASS] == ELFCLASS64;
        unsigned type, size, count;
        uint64_t at, length;
        struct stat st;
        Elf64_Ehdr e64;
        Elf32_Ehdr e32;

        if (n < (wide ? sizeof(e64) : sizeof(e32)) || fstat(fd, &st) < 0)
                return false;
        if (head[EI_DATA] != ELFDATA2LSB)
                return true; /* of a machine that is not looked at so closely */
        memcpy(&e64, head, wide ? sizeof(e64) : sizeof(e32));
        memcpy(&e32, head, sizeof(e32));
        type = le16toh(wide ? e64.e_type : e32.e_type);
        size = le16toh(wide ? e64.e_phentsize : e32.e_phentsize);
        count = le16toh(wide ? e64.e_phnum : e32.e_phnum);
        at = wide ? le64toh(e64.e_phoff) : le32toh(e32.e_phoff);
        length = (uint64_t)size * count;
        return (type == ET_EXEC || type == ET_DYN) &&
               size == (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) && length > 0 &&
               length <= 65536 && at <= (uint64_t)st.st_size && length <= (uint64_t)st.st_size - at;
}

static void read_program(const struct imm_root *root, const char *path, struct imm_arena *a,
        uint16_t machine, struct imm_program *ret) {
        imm_auto_close int fd = imm_root_open_file(root, path, NULL);
        unsigned char head[HEAD_MAX];
        ssize_t n;

        if (fd < 0)
                return;
        n = pread(fd, head, sizeof(head), 0);
        if (n < 0)
                return;
        ret->known = true;
        if (n >= 2 && memcmp(head, "#!", 2) == 0) {
                ret->script = true;
                ret->interpreter = script_interpreter((const char *)head + 2, (size_t)n - 2, a);
        } else if (n >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0) {
                ret->elf = !is_foreign(head, (size_t)n, machine) && is_whole(fd, head, (size_t)n);
                ret->interpreter = elf_interpreter(fd, head, (size_t)n, a);
        }
}

const struct imm_program *imm_program_of_root(struct imm_manager *m, const char *path) {
        struct imm_nodes *n = nodes_of(m);
        struct imm_program *p = known(n, &n->programs, path);

        if (p)
                return p;
        p = imm_new(n->arena, struct imm_program);
        read_program(m->root, path, n->arena, machine_of(n, m->root), p);
        return learned(n, &n->programs, path, p);
}
