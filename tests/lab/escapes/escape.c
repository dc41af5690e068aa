/*
 * escape - what an intruder would do who runs inside a service; static, so that it runs in any
 * sandbox
 *
 *   escape append FILE TEXT     adds a line to a file, makes it if need be
 *   escape copy FROM TO         a program in the place of another
 *   escape connect SOCKET       asks who listens there; he makes the marker
 *   escape read FILE            exit status 0: the secret is out
 *   escape environ TEXT         finds a process of others whose environment has it
 *   escape device FILE          opens it, whatever the machine has behind it
 *   escape open FILE            for writing, and writes nothing
 *   escape module now           may load one
 *   escape remount MARKER       makes / writable again, and the marker there
 *   escape outside MARKER       makes it through /proc/1/root
 *
 * Exit 0: done; 1: the sandbox held, and how.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int held(const char *what) {
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        return 1;
}

static int make(const char *path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        return fd < 0 ? held(path) : close(fd);
}

static int append(const char *path, const char *text) {
        FILE *f = fopen(path, "ae");

        if (!f)
                return held(path);
        if (fprintf(f, "%s\n", text) < 0)
                return held(path);
        return fclose(f) == 0 ? 0 : held(path);
}

static int copy(const char *from, const char *to) {
        int in = open(from, O_RDONLY | O_CLOEXEC), out;
        char buffer[65536];
        ssize_t n;

        if (in < 0)
                return held(from);
        (void)unlink(to);
        out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
        if (out < 0)
                return held(to);
        while ((n = read(in, buffer, sizeof(buffer))) > 0)
                if (write(out, buffer, (size_t)n) != n)
                        return held(to);
        return fchmod(out, 0755) == 0 && close(out) == 0 && close(in) == 0 ? 0 : held(to);
}

static int connect_to(const char *path) {
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char answer;

        if (fd < 0)
                return held("socket");
        (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
        if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
                return held(path);
        (void)!read(fd, &answer, 1); /* he is done */
        return close(fd);
}

static int read_file(const char *path) {
        char c;
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return held(path);
        return read(fd, &c, 1) == 1 ? close(fd) : held(path);
}

static int environment(const char *text) {
        struct dirent *e;
        DIR *d = opendir("/proc");

        if (!d)
                return held("/proc");
        while ((e = readdir(d))) {
                char path[300], buffer[8192] = "";
                int fd;

                if (*e->d_name < '0' || *e->d_name > '9' || atoi(e->d_name) == getpid())
                        continue;
                (void)snprintf(path, sizeof(path), "/proc/%s/environ", e->d_name);
                fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd < 0)
                        continue;
                if (read(fd, buffer, sizeof(buffer)) > 0 &&
                        memmem(buffer, sizeof(buffer), text, strlen(text)))
                        return 0;
                (void)close(fd);
        }
        (void)closedir(d);
        fprintf(stderr, "no such process can be read\n");
        return 1;
}

static int device(const char *path) {
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0 && errno != ENXIO && errno != ENODEV && errno != ENOMEDIUM)
                return held(path);
        return fd >= 0 ? close(fd) : 0;
}

/* Opened as a writer would, nothing is written: what is told to this file is told to the machine */
static int open_only(const char *path) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        return fd < 0 ? held(path) : close(fd);
}

/* Nothing is no module, which the kernel says to those who may load one; a kernel that has no
 * modules at all is asked for the capability. */
static int module(void) {
        struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct d[2] = {0};

        (void)syscall(SYS_init_module, "", 0UL, "");
        if (errno == EPERM)
                return held("init_module");
        if (errno != ENOSYS)
                return 0;
        if (syscall(SYS_capget, &h, d) < 0)
                return held("capget");
        errno = EPERM;
        return d[0].effective >> CAP_SYS_MODULE & 1 ? 0 : held("CAP_SYS_MODULE");
}

static int remount(const char *marker) {
        if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL) < 0)
                return held("mount");
        return make(marker);
}

static int outside(const char *marker) {
        char path[4096];

        (void)snprintf(path, sizeof(path), "/proc/1/root%s", marker);
        return make(path);
}

int main(int argc, char **argv) {
        const char *what = argc > 2 ? argv[1] : "", *one = argc > 2 ? argv[2] : "";

        if (strcmp(what, "append") == 0 && argc == 4)
                return append(one, argv[3]);
        if (strcmp(what, "copy") == 0 && argc == 4)
                return copy(one, argv[3]);
        if (strcmp(what, "connect") == 0)
                return connect_to(one);
        if (strcmp(what, "read") == 0)
                return read_file(one);
        if (strcmp(what, "environ") == 0)
                return environment(one);
        if (strcmp(what, "device") == 0)
                return device(one);
        if (strcmp(what, "open") == 0)
                return open_only(one);
        if (strcmp(what, "module") == 0)
                return module();
        if (strcmp(what, "remount") == 0)
                return remount(one);
        if (strcmp(what, "outside") == 0)
                return outside(one);
        fprintf(stderr, "escape: what?\n");
        return 2;
}
