/*
 * The kernel's own answer: a child joins the namespaces of the running service, takes its root and
 * identity, asks access(2), and writes the answers into a pipe. It executes and opens nothing.
 */

#include "analyzer/host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

/* A path on a dead network file system may never be answered. */
enum { PATIENCE_MS = 10000 };

struct place {
        int mnt, user, root, pid; /* descriptors; user, pid -1: the same as ours */
};

static int open_place(const struct imm_process *p, struct place *ret) {
        static const char *const what[] = {"ns/mnt", "ns/user", "root", "ns/pid"};
        static const enum imm_live_ns own[] = {[1] = IMM_NS_USER, [3] = IMM_NS_PID};
        int *to[] = {&ret->mnt, &ret->user, &ret->root, &ret->pid};

        for (size_t i = 0; i < IMM_ELEMENTSOF(what); i++) {
                imm_auto_free char *path = NULL;

                if (i % 2 == 1 && p->own[own[i]] != 1)
                        continue;
                if (asprintf(&path, "/proc/%d/%s", p->pid, what[i]) < 0)
                        imm_oom();
                *to[i] = open(path, O_RDONLY | O_CLOEXEC | (i == 2 ? O_PATH | O_DIRECTORY : 0));
                if (*to[i] < 0)
                        return -errno;
        }
        return 0;
}

static void close_place(const struct place *p) {
        if (p->mnt >= 0)
                (void)close(p->mnt);
        if (p->user >= 0)
                (void)close(p->user);
        if (p->root >= 0)
                (void)close(p->root);
        if (p->pid >= 0)
                (void)close(p->pid);
}

static int set_caps(uint64_t permitted, uint64_t effective, uint64_t inheritable) {
        cap_t c = cap_init();
        int r = c ? 0 : -1;

        for (int i = 0; c && r == 0 && i < 64 && i < cap_max_bits(); i++) {
                const struct {
                        cap_flag_t flag;
                        uint64_t set;
                } sets[] = {
                        {CAP_PERMITTED, permitted},
                        {CAP_EFFECTIVE, effective},
                        {CAP_INHERITABLE, inheritable},
                };
                cap_value_t v = i;

                for (size_t k = 0; k < IMM_ELEMENTSOF(sets); k++)
                        if (sets[k].set & (UINT64_C(1) << i))
                                r |= cap_set_flag(c, sets[k].flag, 1, &v, CAP_SET);
        }
        if (r == 0)
                r = cap_set_proc(c);
        (void)cap_free(c);
        return r;
}

static uint64_t own_permitted(void) {
        cap_t mine = cap_get_proc();
        uint64_t all = 0;

        for (int i = 0; mine && i < 64 && i < cap_max_bits(); i++) {
                cap_flag_value_t v;

                if (cap_get_flag(mine, (cap_value_t)i, CAP_PERMITTED, &v) == 0 && v == CAP_SET)
                        all |= UINT64_C(1) << i;
        }
        (void)cap_free(mine);
        return all;
}

static int enter_mounts(const struct place *at) {
        return setns(at->mnt, CLONE_NEWNS) < 0 || fchdir(at->root) < 0 || chroot(".") < 0 ? errno
                                                                                          : 0;
}

/* Its ids are ours already: nothing to set, and without privilege nothing that could be */
static bool is_same_user(const struct imm_process *p) {
        gid_t groups[NGROUPS_MAX];
        int n = getgroups(NGROUPS_MAX, groups);

        if (geteuid() != p->uid || getegid() != p->gid || n < 0 || (size_t)n != p->n_groups)
                return false;
        for (int i = 0; i < n; i++) {
                size_t k = 0;

                while (k < p->n_groups && p->groups[k] != groups[i])
                        k++;
                if (k == p->n_groups)
                        return false;
        }
        return true;
}

/* Does it see what we see? */
static bool is_our_place(const struct place *at) {
        struct stat its[2], ours[2];

        return fstat(at->mnt, its) == 0 && stat("/proc/self/ns/mnt", ours) == 0 &&
               fstat(at->root, its + 1) == 0 && stat("/", ours + 1) == 0 &&
               its[0].st_ino == ours[0].st_ino && its[0].st_dev == ours[0].st_dev &&
               its[1].st_ino == ours[1].st_ino && its[1].st_dev == ours[1].st_dev;
}

/*
 * Who owns the service (of the user's own manager), with no privilege: with a user namespace of its
 * own it is entered first, which gives what the rest takes; with no namespace there is nothing to
 * enter. What cannot be given up there, capabilities in it, is given up.
 */
static int become_as_owner(const struct place *at, const struct imm_process *p) {
        int r;

        if (at->user >= 0 && setns(at->user, CLONE_NEWUSER) < 0)
                return errno;
        if (at->user >= 0 || !is_our_place(at)) {
                r = enter_mounts(at);
                if (r > 0)
                        return r;
        }
        return set_caps(p->cap_permitted & own_permitted(), p->cap_effective & own_permitted(), 0) <
                               0
                       ? errno
                       : 0;
}

/* In the child: 0 or errno. Ids are set before the user namespace is joined: they are ours. */
static int become(const struct place *at, const struct imm_process *p) {
        uint64_t all = own_permitted();
        int r;

        if (geteuid() != 0 && is_same_user(p))
                return become_as_owner(at, p);
        r = enter_mounts(at);
        if (r > 0)
                return r;
        if (setgroups(p->n_groups, p->groups) < 0 || setresgid(p->gid, p->gid, p->gid) < 0)
                return errno;
        if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) < 0 || setresuid(p->uid, p->uid, p->uid) < 0)
                return errno;
        if (at->user >= 0 && (set_caps(all, all, 0) < 0 || setns(at->user, CLONE_NEWUSER) < 0))
                return errno;
        return set_caps(p->cap_permitted, p->cap_effective, p->cap_inheritable) < 0 ? errno : 0;
}

static int may(const char *path, int how) {
        if (faccessat(AT_FDCWD, path, how, AT_EACCESS) == 0)
                return 1;
        return errno == EINTR || errno == EIO || errno == ENOMEM ? -1 : 0;
}

/* Made by the kernel: what the permission bits allow may still be refused when it is opened */
static bool by_kernel(const char *path) {
        static const long kinds[] = {PROC_SUPER_MAGIC, SYSFS_MAGIC, DEVPTS_SUPER_MAGIC,
                DEBUGFS_MAGIC, TRACEFS_MAGIC, SECURITYFS_MAGIC, CGROUP2_SUPER_MAGIC,
                CGROUP_SUPER_MAGIC, BPF_FS_MAGIC, PSTOREFS_MAGIC, EFIVARFS_MAGIC};
        imm_auto_close int fd = open(path, O_PATH | O_CLOEXEC); /* triggers no automount */
        struct statfs fs;

        if (fd < 0 || fstatfs(fd, &fs) < 0)
                return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(kinds); i++)
                if ((long)fs.f_type == kinds[i])
                        return true;
        return false;
}

/* A tmpfs of so many files that has them (nr_inodes=) */
static bool is_full(const char *path) {
        imm_auto_close int fd = open(path, O_PATH | O_CLOEXEC);
        struct statfs fs;

        return fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC && fs.f_files > 0 &&
               fs.f_ffree == 0;
}

static void ask_one(const char *path, struct imm_live_access *ret) {
        struct statvfs fs;
        struct stat st;

        ret->exists = fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0;
        ret->allowed[IMM_MODE_READ] = may(path, R_OK);
        ret->allowed[IMM_MODE_WRITE] = may(path, W_OK);
        ret->allowed[IMM_MODE_EXECUTE] = may(path, X_OK);
        ret->allowed[IMM_MODE_CONNECT] = -1;
        if (fstatat(AT_FDCWD, path, &st, AT_NO_AUTOMOUNT) < 0)
                return;
        /* to make a file in a directory one must be able to search it, and it must have room */
        if (S_ISDIR(st.st_mode))
                ret->allowed[IMM_MODE_WRITE] = may(path, W_OK | X_OK);
        if (S_ISDIR(st.st_mode) && ret->allowed[IMM_MODE_WRITE] == 1 && is_full(path))
                ret->allowed[IMM_MODE_WRITE] = 0;
        if ((S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)) && by_kernel(path)) {
                if (ret->allowed[IMM_MODE_WRITE] == 1)
                        ret->allowed[IMM_MODE_WRITE] = -1;
                if (ret->allowed[IMM_MODE_READ] == 1 && S_ISREG(st.st_mode))
                        ret->allowed[IMM_MODE_READ] = -1;
        }
        if (S_ISSOCK(st.st_mode))
                ret->allowed[IMM_MODE_CONNECT] = ret->allowed[IMM_MODE_WRITE];
        /* access(2) does not look at nodev, open(2) does */
        if ((S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) && statvfs(path, &fs) == 0 &&
                (fs.f_flag & ST_NODEV))
                ret->allowed[IMM_MODE_READ] = ret->allowed[IMM_MODE_WRITE] = 0;
}

struct answer {
        int error;
        struct imm_live_access access;
};

/* Only a child born there is in a pid namespace: /proc of it knows no other. 0 in that child. */
static int enter_pids(const struct place *at) {
        pid_t pid;

        if (at->pid < 0)
                return 0;
        if (setns(at->pid, CLONE_NEWPID) < 0)
                return errno;
        pid = fork();
        if (pid < 0)
                return errno;
        if (pid > 0) {
                while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
                }
                _exit(0);
        }
        return 0;
}

static _Noreturn void child(int to, const struct place *at, const struct imm_process *p,
        const char *const *paths, size_t n) {
        struct answer answer = {.error = enter_pids(at)};

        if (!answer.error)
                answer.error = become(at, p);
        /* with its parent it ends, which is waited for no longer than for an answer */
        (void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0L, 0L, 0L);
        for (size_t i = 0; i < n; i++) {
                if (!answer.error)
                        ask_one(paths[i], &answer.access);
                if (write(to, &answer, sizeof(answer)) != sizeof(answer))
                        break;
        }
        _exit(0);
}

/* How many answers came; the rest is not known. */
static size_t collect(int from, struct imm_live_access *ret, size_t n, int *ret_error) {
        struct pollfd fd = {.fd = from, .events = POLLIN};
        struct answer answer;

        for (size_t i = 0; i < n; i++) {
                if (poll(&fd, 1, PATIENCE_MS) <= 0 ||
                        read(from, &answer, sizeof(answer)) != sizeof(answer)) {
                        *ret_error = -ETIMEDOUT;
                        return i;
                }
                if (answer.error) {
                        *ret_error = -answer.error;
                        return i;
                }
                ret[i] = answer.access;
        }
        return n;
}

int imm_live_access(const struct imm_process *p, const char *const *paths, size_t n,
        struct imm_live_access *ret, struct imm_err *err) {
        struct place at = {-1, -1, -1, -1};
        int fds[2], error = 0, r = open_place(p, &at);
        size_t got = 0;
        pid_t pid;

        for (size_t i = 0; i < n; i++)
                ret[i] = (struct imm_live_access){-1, {-1, -1, -1, -1}};
        if (r < 0) {
                close_place(&at);
                return imm_err_set(err, r, "the namespaces of process %d: %s%s", p->pid,
                        strerror(-r), r == -EACCES || r == -EPERM ? "; root may join them" : "");
        }
        if (pipe2(fds, O_CLOEXEC) < 0) {
                r = -errno;
                close_place(&at);
                return imm_err_set(err, r, "pipe: %s", strerror(-r));
        }
        pid = fork();
        if (pid == 0)
                child(fds[1], &at, p, paths, n);
        (void)close(fds[1]);
        close_place(&at);
        if (pid > 0) {
                got = collect(fds[0], ret, n, &error);
                (void)kill(pid, SIGKILL);
                while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
                }
        } else
                error = -errno;
        (void)close(fds[0]);
        return got > 0 || n == 0 ? 0
                                 : imm_err_set(err, error, "process %d was not asked: %s%s", p->pid,
                                           strerror(-error),
                                           error == -EPERM ? "; root with all capabilities may "
                                                             "take its place"
                                                           : "");
}
