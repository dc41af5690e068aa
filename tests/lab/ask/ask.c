/*
 * ask - what a service can really do, tried out
 *
 * Reads questions from standard input, one a line, and answers each with "QUESTION: yes" or "no":
 *   read PATH, write PATH, execute PATH, connect PATH       as immure can asks them
 *   is INODE QUESTION       the same, and a yes only if PATH is that very file, no stand-in
 *   connect tcp:ADDRESS:PORT, udp:..., unix:@NAME           something answers there
 *   listen tcp:[ADDRESS:]PORT, udp:..., unix:@NAME          bind(2), and listen(2);
 *                           that another listens there is no refusal
 *   drop DIRECTORY          a new file in it can be executed
 *   capability NUMBER       in the permitted set, in the first user namespace
 *   uid NUMBER, group NUMBER
 *   call NUMBER             not stopped by a filter (asked with arguments that fail)
 *   unshare FLAGS           clone flags, as a number
 *   privileges              set-id bits have their effect: no_new_privs is not set
 *   exists PATH
 *   open PATH               for reading, and really: device policies have their say
 *   bounding NUMBER         in the capability bounding set
 *   socket FAMILY           can be made, of any type
 *   shares NAMESPACE        with process 1: mnt, net, user, uts
 *   umask OCTAL             new files keep one of these bits
 *   personality, wx (memory), realtime, set-id (bits on a file), foreign (a call of 32-bit
 * programs), keyring (the user's, in the session's), group-of-its-own (its control group can be
 * written), ipc (left behind), notify (by a child of its own)
 *
 * Many of them run at the same time, in one network and the same folders, on a machine that may be
 * busy: no answer hangs on another one's probe, nor on who is quick.
 *
 * "ask serve ADDRESS...": listens there and answers, until it is killed (Type=notify: it is up when
 * all are listened on).
 */
#define _GNU_SOURCE
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/capability.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int try_connect(const char *s) {
        struct connection c;

        begin_connect(&c, s);
        return end_connect(&c, s);
}

static int try_read(const char *path) {
        struct stat st;
        int fd;

        if (stat(path, &st) < 0)
                return 0;
        if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
                return faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd >= 0)
                close(fd);
        return fd >= 0;
}

/* Of names that no other process takes: process numbers are the same in PID namespaces */
static unsigned long own_number(void) {
        unsigned long n;

        memcpy(&n, (const void *)getauxval(AT_RANDOM), sizeof n);
        return n;
}

static int try_write(const char *path) {
        char name[4096];
        struct stat st;
        int fd;

        if (stat(path, &st) < 0)
                return 0;
        if (S_ISDIR(st.st_mode)) {
                snprintf(name, sizeof name, "%s/.ask-%lx", path, own_number());
                fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
                if (fd >= 0) {
                        close(fd);
                        unlink(name);
                        return 1;
                }
                if (mkdir(name, 0700) == 0) {
                        rmdir(name);
                        return 1;
                }
                return 0;
        }
        if (!S_ISREG(st.st_mode))
                return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
        fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (fd >= 0)
                close(fd);
        return fd >= 0 || (errno == ETXTBSY && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0);
}

static int try_execute(const char *path) {
        return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* A script without an interpreter: execve(2) gets as far as ENOEXEC where it may be executed. */
static int try_drop(const char *dir) {
        char name[4096], *argv[] = {name, NULL};
        int fd, status;
        pid_t child;

        snprintf(name, sizeof name, "%s/.ask-drop-%lx", dir, own_number());
        fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0700);
        if (fd < 0)
                return 0;
        (void)!write(fd, "nothing\n", 8);
        close(fd);
        child = fork();
        if (child == 0) {
                execve(name, argv, argv + 1);
                _exit(errno == ENOEXEC ? 1 : 0);
        }
        if (child < 0 || waitpid(child, &status, 0) != child)
                status = 0;
        unlink(name);
        return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

/* ---- identity, calls ---- */

static int has_capability(int n) {
        struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct d[2];
        char map[128] = "";
        int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
        unsigned a, b, c;

        if (fd >= 0) {
                (void)!read(fd, map, sizeof map - 1);
                close(fd);
                if (sscanf(map, "%u %u %u", &a, &b, &c) == 3 && c != 4294967295U)
                        return 0;
        }
        return syscall(SYS_capget, &h, d) == 0 && d[n / 32].permitted >> n % 32 & 1;
}

static int in_group(gid_t g) {
        gid_t list[256];
        int n = getgroups(256, list);

        for (int i = 0; i < n; i++)
                if (list[i] == g)
                        return 1;
        return getegid() == g;
}

/* In a child, which a filter may kill. Filters answer before arguments are looked at. */
static int try_call(long number) {
        int status;
        pid_t child = fork();

        if (child == 0) {
                prctl(PR_SET_DUMPABLE, 0);
                errno = 0;
                (void)syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
                /* what the lab's filters say: 99 is no error of the kernel's for any of these */
                _exit(errno == 99 ? 2 : 1);
        }
        return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
               WEXITSTATUS(status) == 1;
}

static int try_unshare(int flags) {
        int status;
        pid_t child = fork();

        if (child == 0)
                _exit(unshare(flags) == 0 ? 1 : 0);
        return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
               WEXITSTATUS(status) == 1;
}

static int answer(const char *what, const char *arg);

/* "INODE MODE PATH" */
static int answer_of(const char *arg) {
        char mode[32];
        unsigned long long inode;
        struct stat st;
        int n = 0;

        if (sscanf(arg, "%llu %31s %n", &inode, mode, &n) != 2 || n == 0)
                return 0;
        return stat(arg + n, &st) == 0 && st.st_ino == inode && answer(mode, arg + n);
}

/* ---- what settings take away ---- */

static int has_bounding(int n) {
        return prctl(PR_CAPBSET_READ, n, 0, 0, 0) == 1;
}

static int try_open(const char *path) {
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

        if (fd >= 0)
                close(fd);
        return fd >= 0;
}

static int try_socket(const char *family) {
        static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};

        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
                int fd = socket(atoi(family), types[i] | SOCK_CLOEXEC, 0);

                if (fd >= 0) {
                        close(fd);
                        return 1;
                }
        }
        return 0;
}

static int try_shares(const char *ns) {
        char path[64], own[64] = "", first[64] = "";

        snprintf(path, sizeof path, "/proc/self/ns/%s", ns);
        if (readlink(path, own, sizeof own - 1) < 0)
                return 0;
        snprintf(path, sizeof path, "/proc/1/ns/%s", ns);
        return readlink(path, first, sizeof first - 1) > 0 && !strcmp(own, first);
}

static int leaves_bits(const char *octal) {
        mode_t mask = umask(0);

        umask(mask);
        return (strtoul(octal, NULL, 8) & ~mask) != 0;
}

/* In a child: what is refused may end it. */
static int in_child(int (*f)(void)) {
        int status;
        pid_t child = fork();

        if (child == 0) {
                prctl(PR_SET_DUMPABLE, 0);
                _exit(f() ? 1 : 0);
        }
        return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
               WEXITSTATUS(status) == 1;
}

static int set_personality(void) {
        return personality(PER_LINUX32) >= 0;
}

static int map_wx(void) {
        return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                       0) != MAP_FAILED;
}

static int be_realtime(void) {
        struct sched_param p = {.sched_priority = 1};

        return sched_setscheduler(0, SCHED_FIFO, &p) == 0;
}

static int set_set_id(void) {
        char path[] = "/tmp/.ask-set-id-XXXXXX";
        int fd = mkstemp(path), r = fd >= 0 && fchmod(fd, 04755) == 0;

        unlink(path);
        return r;
}

static int call_foreign(void) {
#ifdef __x86_64__
        long r = 20; /* getpid */

        __asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
        return r > 0;
#else
        return 0;
#endif
}

static int has_keyring(void) {
        char name[32];

        snprintf(name, sizeof name, "_uid.%u", geteuid());
        return syscall(SYS_keyctl, 10 /* SEARCH */, -3 /* session */, "keyring", name, 0) > 0;
}

static int has_cgroup(void) {
        char line[4096] = "", path[4200];
        FILE *f = fopen("/proc/self/cgroup", "re");

        while (f && fgets(line, sizeof line, f) && strncmp(line, "0::", 3))
                ;
        if (f)
                fclose(f);
        line[strcspn(line, "\n")] = 0;
        snprintf(path, sizeof path, "/sys/fs/cgroup%s", line + 3);
        return !strncmp(line, "0::", 3) && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

static int leave_ipc(void) {
        return shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600) >= 0;
}

static int notify(void) {
        return tell("STATUS=heard");
}

static int answer_of_setting(const char *what, const char *arg) {
        static const struct {
                const char *name;
                int (*try)(void);
        } tries[] = {{"personality", set_personality}, {"wx", map_wx}, {"realtime", be_realtime},
                {"set-id", set_set_id}, {"foreign", call_foreign}, {"keyring", has_keyring},
                {"group-of-its-own", has_cgroup}, {"ipc", leave_ipc}, {"notify", notify}};
        struct stat st;

        for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
                if (!strcmp(what, tries[i].name))
                        return in_child(tries[i].try);
        if (!strcmp(what, "exists"))
                return lstat(arg, &st) == 0;
        if (!strcmp(what, "open"))
                return try_open(arg);
        if (!strcmp(what, "bounding"))
                return has_bounding(atoi(arg));
        if (!strcmp(what, "socket"))
                return try_socket(arg);
        if (!strcmp(what, "shares"))
                return try_shares(arg);
        if (!strcmp(what, "umask"))
                return leaves_bits(arg);
        return -1;
}

static int answer(const char *what, const char *arg) {
        static const struct {
                const char *name;
                int (*try)(const char *arg);
        } tries[] = {{"read", try_read}, {"write", try_write}, {"execute", try_execute},
                {"connect", try_connect}, {"listen", try_listen}, {"drop", try_drop}};

        for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
                if (!strcmp(what, tries[i].name))
                        return tries[i].try(arg);
        if (!strcmp(what, "is"))
                return answer_of(arg);
        if (!strcmp(what, "capability"))
                return has_capability(atoi(arg));
        if (!strcmp(what, "uid"))
                return geteuid() == (uid_t)atoi(arg);
        if (!strcmp(what, "group"))
                return in_group((gid_t)atoi(arg));
        if (!strcmp(what, "call"))
                return try_call(atol(arg));
        if (!strcmp(what, "unshare"))
                return try_unshare(atoi(arg));
        if (!strcmp(what, "privileges"))
                return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0;
        return answer_of_setting(what, arg);
}

/* A question; all connections are begun before the first is waited for. */
struct question {
        char line[8192];
        struct connection connection;
        struct question *next;
};

int main(int argc, char **argv) {
        struct question *all = NULL, **last = &all;

        signal(SIGPIPE, SIG_IGN);
        if (argc > 2 && !strcmp(argv[1], "serve"))
                return serve(argv + 2);
        for (;;) {
                struct question *q = calloc(1, sizeof *q);

                if (!q)
                        return 1;
                if (!fgets(q->line, sizeof q->line, stdin))
                        break;
                q->line[strcspn(q->line, "\n")] = 0;
                if (!strncmp(q->line, "connect ", 8))
                        begin_connect(&q->connection, q->line + 8);
                *last = q;
                last = &q->next;
        }
        for (struct question *q = all; q; q = q->next) {
                char *copy = strdup(q->line), *arg = copy;
                const char *what = copy ? strsep(&arg, " ") : "";
                int r = strcmp(what, "connect") ? answer(what, arg ? arg : "")
                                                : end_connect(&q->connection, q->line + 8);

                printf("%s: %s\n", q->line, r > 0 ? "yes" : "no");
                fflush(stdout);
                free(copy);
        }
        return 0;
}
