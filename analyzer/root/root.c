#include "analyzer/root/root-private.h"

#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdalign.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

/*
 * How each open is resolved. RESOLVE_IN_ROOT is what confines; on the running host it makes no
 * difference. RESOLVE_NO_MAGICLINKS: /proc/PID/root and its kin would lead out of any root.
 */
static int open_in_root(const struct imm_root *r, const char *path, int flags) {
        struct open_how how = {
                .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
        };
        long fd;

        if (r->built.is)
                return built_open(r, path, flags);
        do
                fd = syscall(SYS_openat2, r->fd, path, &how, sizeof(how));
        while (fd < 0 && (errno == EINTR || errno == EAGAIN));
        /* RestrictSUIDSGID= denies the call as if there were none, since its flags cannot be
         * filtered; systemd 247's @system-service does not have it. The host's own tree needs no
         * confinement; any other root is not opened without. */
        if (fd < 0 && (errno == ENOSYS || errno == EPERM) && r->host)
                fd = open(path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : (int)fd;
}

static unsigned find_version(const struct imm_root *r);

int imm_root_open(struct imm_root **ret, const char *dir, struct imm_err *err) {
        imm_cleanup(imm_root_free) struct imm_root *r = imm_xcalloc(1, sizeof(*r));
        struct stat a, b;

        if (!dir || !*dir)
                dir = "/";
        r->path = imm_xstrdup(dir);
        r->built.etc = r->built.nix = -1;
        r->fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (r->fd < 0)
                return imm_err_set(err, -errno, "cannot open root '%s': %s", dir, strerror(errno));
        if (fstat(r->fd, &a) < 0 || stat("/", &b) < 0)
                return imm_err_set(err, -errno, "cannot stat root '%s': %s", dir, strerror(errno));
        r->host = a.st_dev == b.st_dev && a.st_ino == b.st_ino;
        /* as sd_booted(3) asks */
        r->running =
                r->host && imm_root_lstat(r, "/run/systemd/system", &a) == 0 && S_ISDIR(a.st_mode);
        if (!r->host)
                built_find(r);
        r->systemd_version = find_version(r);
        *ret = imm_steal(r);
        return 0;
}

struct imm_root *imm_root_free(struct imm_root *r) {
        if (!r)
                return NULL;
        if (r->fd >= 0)
                (void)close(r->fd);
        built_done(&r->built);
        free(r->path);
        free(r);
        return NULL;
}

bool imm_root_is_host(const struct imm_root *r) {
        return r->host;
}

bool imm_root_is_running(const struct imm_root *r) {
        return r->running;
}

const char *imm_root_path(const struct imm_root *r) {
        return r->path;
}

int imm_root_open_path(const struct imm_root *r, const char *path, int flags) {
        return open_in_root(r, path, O_PATH | (flags & (O_NOFOLLOW | O_DIRECTORY)));
}

int imm_root_open_folder(const struct imm_root *r, const char *path) {
        return open_in_root(r, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_NOCTTY);
}

static int stat_with(const struct imm_root *r, const char *path, int flags, struct stat *ret) {
        imm_auto_close int fd = imm_root_open_path(r, path, flags);

        if (fd < 0)
                return fd;
        return fstat(fd, ret) < 0 ? -errno : 0;
}

int imm_root_stat(const struct imm_root *r, const char *path, struct stat *ret) {
        return stat_with(r, path, 0, ret);
}

int imm_root_lstat(const struct imm_root *r, const char *path, struct stat *ret) {
        return stat_with(r, path, O_NOFOLLOW, ret);
}

static bool is_dots(const char *name) {
        return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

int imm_root_lstat_in(int folder, const char *name, struct stat *ret) {
        if (strchr(name, '/') || is_dots(name))
                return -EINVAL; /* it would lead out of the directory */
        return fstatat(folder, name, ret, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0 ? -errno : 0;
}

/* The real file behind an O_PATH descriptor, opened for reading: what was checked is what is read.
 */
static int reopen(int fd) {
        char name[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        int n;

        (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        n = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        return n < 0 ? -errno : n;
}

/*
 * A device or FIFO must not even be opened (opening can act, or wait): where /proc is there, the
 * type is read from an O_PATH descriptor first. Without /proc (a bare container), O_NONBLOCK keeps
 * a FIFO from waiting and lstat() comes first.
 */
int imm_root_open_file(const struct imm_root *r, const char *path, struct stat *ret_st) {
        imm_auto_close int at = imm_root_open_path(r, path, 0);
        struct stat st, now;
        int fd;

        if (at < 0)
                return at;
        if (fstat(at, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        fd = reopen(at);
        if (fd == -ENOENT)
                fd = open_in_root(r, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return fd;
        if (fstat(fd, &now) < 0 || now.st_dev != st.st_dev || now.st_ino != st.st_ino) {
                (void)close(fd);
                return -ESTALE;
        }
        if (ret_st)
                *ret_st = now;
        return fd;
}

int imm_root_open_file_in(
        int folder, const char *name, const struct stat *seen, struct stat *ret_st) {
        imm_auto_close int fd = -1;
        struct stat now;

        if (strchr(name, '/') || is_dots(name) || !S_ISREG(seen->st_mode))
                return -EINVAL;
        fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return errno == ELOOP ? -ESTALE : -errno;
        if (fstat(fd, &now) < 0 || !S_ISREG(now.st_mode) || now.st_dev != seen->st_dev ||
                now.st_ino != seen->st_ino)
                return -ESTALE;
        if (ret_st)
                *ret_st = now;
        return imm_steal_fd(&fd);
}

static int read_whole(
        int fd, const struct stat *st, size_t max, struct imm_arena *a, struct imm_blob *ret) {
        size_t size, n = 0;
        char *data;

        if (st->st_size < 0 || (uint64_t)st->st_size > max)
                return -EFBIG;
        /* files of procfs say 0 and hold more; an ordinary one is read in one go */
        size = st->st_size > 0 ? (size_t)st->st_size : 4096;
        data = imm_alloc_raw(a, size + 1);
        for (;;) {
                ssize_t k;

                if (n == size) {
                        char probe;

                        if (st->st_size > 0) {
                                k = read(fd, &probe, 1);
                                if (k <= 0)
                                        break;
                                return -ESTALE; /* grows while it is read */
                        }
                        if (size >= max)
                                return -EFBIG;
                        data = memcpy(imm_alloc_raw(a, size * 2 + 1), data, n);
                        size *= 2;
                }
                k = read(fd, data + n, size - n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        break;
                n += (size_t)k;
        }
        data[n] = 0;
        *ret = (struct imm_blob){data, n};
        return 0;
}

int imm_root_read(const struct imm_root *r, const char *path, size_t max, struct imm_arena *a,
        struct imm_blob *ret, struct stat *ret_st) {
        imm_auto_close int fd = -1;
        struct stat st;
        int k;

        fd = imm_root_open_file(r, path, &st);
        if (fd < 0)
                return fd;
        k = read_whole(fd, &st, max, a, ret);
        if (k == 0 && ret_st)
                *ret_st = st;
        return k;
}

int imm_root_read_in(int folder, const char *name, const struct stat *seen, size_t max,
        struct imm_arena *a, struct imm_blob *ret) {
        struct stat st;
        imm_auto_close int fd = imm_root_open_file_in(folder, name, seen, &st);

        return fd < 0 ? fd : read_whole(fd, &st, max, a, ret);
}

static int read_link(int at, const char *name, struct imm_arena *a, const char **ret) {
        char buf[PATH_MAX]; /* the kernel's own limit of a link's target */
        ssize_t n = readlinkat(at, name, buf, sizeof(buf));

        if (n < 0)
                return errno == ENOENT && !*name ? -EINVAL : -errno; /* not a link */
        *ret = imm_strndup(a, buf, (size_t)n);
        return 0;
}

int imm_root_readlink_in(int folder, const char *name, struct imm_arena *a, const char **ret) {
        return strchr(name, '/') || !*name ? -EINVAL : read_link(folder, name, a, ret);
}

int imm_root_readlink(
        const struct imm_root *r, const char *path, struct imm_arena *a, const char **ret) {
        imm_auto_close int fd = imm_root_open_path(r, path, O_NOFOLLOW);

        return fd < 0 ? fd : read_link(fd, "", a, ret);
}

bool imm_root_may_walk(const struct imm_root *r, const char *path) {
        static const unsigned no[] = {0x9fa0 /* proc */, 0x62656572 /* sysfs */, 0x187 /* autofs */,
                0x27e0eb /* cgroup */, 0x63677270 /* cgroup2 */, 0x1cd1 /* devpts */,
                0x64626720 /* debugfs */, 0x74726163 /* tracefs */, 0x73636673 /* securityfs */,
                0xcafe4a11 /* bpf */, 0x62656570 /* configfs */, 0x6165676c /* pstore */,
                0x958458f6 /* hugetlbfs */, 0x19800202 /* mqueue */, 0x42494e4d /* binfmt_misc */,
                0xde5e81e4 /* efivarfs */, 0xf97cff8c /* selinuxfs */, 0x6e736673 /* nsfs */,
                0x6969 /* nfs */, 0xff534d42 /* cifs */, 0xfe534d42 /* smb2 */, 0x517b /* smb */,
                0x65735546 /* fuse */, 0x65735543 /* fusectl */, 0x5346414f /* afs */,
                0xc36400 /* ceph */, 0x1021997 /* 9p */, 0x7461636f /* ocfs2 */,
                0x1161970 /* gfs2 */, 0xbd00bd0 /* lustre */, 0x73757245 /* coda */};
        imm_auto_close int fd = imm_root_open_path(r, path, O_NOFOLLOW);
        struct statfs fs;

        if (fd < 0 || fstatfs(fd, &fs) < 0)
                return false;
        for (size_t i = 0; i < IMM_ELEMENTSOF(no); i++)
                if ((unsigned)fs.f_type == no[i])
                        return false;
        return true;
}

/*
 * Resolved step by step with our own stack of components, because the kernel does not tell the path
 * of a descriptor below a root reliably (/proc/self/fd names it in the host's tree, and may be
 * missing).
 */
int imm_root_realpath(
        const struct imm_root *r, const char *path, struct imm_arena *a, const char **ret) {
        char *done = imm_strdup(a, ""); /* resolved so far, without a trailing slash */
        const char *rest = path;
        unsigned links = 0;

        for (;;) {
                const char *target, *end;
                struct stat st;
                char *next;
                int k;

                while (*rest == '/')
                        rest++;
                if (!*rest)
                        break;
                end = strchrnul(rest, '/');
                if (end - rest == 1 && rest[0] == '.') {
                        rest = end;
                        continue;
                }
                if (end - rest == 2 && rest[0] == '.' && rest[1] == '.') {
                        char *slash = strrchr(done, '/');

                        done = imm_strndup(a, done, slash ? (size_t)(slash - done) : 0);
                        rest = end;
                        continue;
                }
                next = imm_printf(a, "%s/%.*s", done, (int)(end - rest), rest);
                k = imm_root_lstat(r, next, &st);
                if (k < 0)
                        return k;
                if (S_ISLNK(st.st_mode)) {
                        if (++links > 40)
                                return -ELOOP;
                        k = imm_root_readlink(r, next, a, &target);
                        if (k < 0)
                                return k;
                        if (target[0] == '/')
                                done = imm_strdup(a, "");
                        rest = imm_printf(a, "%s/%s", target, end);
                        if (strlen(rest) > 4 * PATH_MAX)
                                return -ENAMETOOLONG;
                        continue;
                }
                while (*end == '/')
                        end++;
                if (*end && !S_ISDIR(st.st_mode))
                        return -ENOTDIR;
                done = next;
                rest = end;
        }
        *ret = *done ? done : "/";
        return 0;
}

const char *imm_root_system(const struct imm_root *r) {
        return r->built.system ? r->built.system : "/nix/var/nix/profiles/system";
}

/* The newest libsystemd-shared-N[.M].so of the usual library folders */
static unsigned find_version(const struct imm_root *r) {
        static const char *const fixed[] = {
                "/usr/lib/systemd", "/lib/systemd", "/run/current-system/systemd/lib/systemd"};
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_strv dirs = {0};
        struct imm_dirent *e;
        unsigned best = 0;
        size_t n;

        for (size_t i = 0; i < IMM_ELEMENTSOF(fixed); i++)
                imm_strv_add(a, &dirs, fixed[i]);
        imm_strv_add(a, &dirs, imm_printf(a, "%s/systemd/lib/systemd", imm_root_system(r)));
        for (size_t k = 0; k < 3; k++) {
                static const char *const libs[] = {"/usr/lib", "/usr/lib64", "/lib"};

                if (imm_root_list(r, libs[k], a, &e, &n) < 0)
                        continue;
                for (size_t i = 0; i < n; i++) /* multiarch: x86_64-linux-gnu */
                        if (e[i].type == DT_DIR &&
                                (strstr(e[i].name, "-linux-") || imm_streq(e[i].name, "systemd")))
                                imm_strv_add(a, &dirs,
                                        imm_printf(a,
                                                imm_streq(e[i].name, "systemd") ? "%s/%s"
                                                                                : "%s/%s/systemd",
                                                libs[k], e[i].name));
        }
        for (size_t d = 0; d < dirs.n; d++) {
                if (imm_root_list(r, dirs.v[d], a, &e, &n) < 0)
                        continue;
                for (size_t i = 0; i < n; i++) {
                        const char *s = imm_after(e[i].name, "libsystemd-shared-");
                        unsigned v = 0;

                        for (; s && *s >= '0' && *s <= '9' && v < 100000; s++)
                                v = v * 10 + (unsigned)(*s - '0');
                        if (s && v > best && (*s == '.' || *s == '-' || *s == '~'))
                                best = v;
                }
        }
        return best;
}

bool imm_path_made_at_run_time(const char *path) {
        static const char *const tops[] = {"/run", "/dev", "/proc", "/sys", "/tmp", "/var/run"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(tops); i++)
                if (imm_path_below(path, tops[i]))
                        return true;
        return false;
}

unsigned imm_root_systemd_version(const struct imm_root *r) {
        return r->systemd_version;
}
