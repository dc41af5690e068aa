/* ask: connections, listening, and what is said to the manager */
#define _GNU_SOURCE
#include "ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int parse(const char *s, struct address *a) {
        struct sockaddr_in *in = (struct sockaddr_in *)&a->sa;
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a->sa;
        struct sockaddr_un *un = (struct sockaddr_un *)&a->sa;
        char host[64] = "0.0.0.0";
        const char *port;

        memset(a, 0, sizeof *a);
        a->type = strncmp(s, "udp:", 4) ? SOCK_STREAM : SOCK_DGRAM;
        if (*s == '/' || !strncmp(s, "unix:@", 6)) {
                un->sun_family = AF_UNIX;
                strncpy(un->sun_path, *s == '/' ? s : s + 5, sizeof un->sun_path - 1);
                a->n = offsetof(struct sockaddr_un, sun_path) + strlen(un->sun_path);
                if (*un->sun_path == '@')
                        *un->sun_path = 0;
                return 0;
        }
        s += 4;
        port = strrchr(s, ':');
        if (port)
                snprintf(host, sizeof host, "%.*s", (int)(port - s), s);
        port = port ? port + 1 : s;
        if (*host == '[') {
                host[strlen(host) - 1] = 0;
                in6->sin6_family = AF_INET6;
                in6->sin6_port = htons(atoi(port));
                a->n = sizeof *in6;
                return inet_pton(AF_INET6, host + 1, &in6->sin6_addr) == 1 ? 0 : -1;
        }
        in->sin_family = AF_INET;
        in->sin_port = htons(atoi(port));
        a->n = sizeof *in;
        return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -1;
}

/* Also an IPv4 address by an IPv6 socket, and one that is written as such by an IPv4 socket */
static int open_socket(struct address *a) {
        int fd = socket(a->sa.ss_family, a->type | SOCK_CLOEXEC, 0);
        struct sockaddr_in in = *(struct sockaddr_in *)&a->sa;
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a->sa;

        if (fd < 0 && a->sa.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
                struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = in6->sin6_port};

                memcpy(&four.sin_addr, in6->sin6_addr.s6_addr + 12, 4);
                memcpy(&a->sa, &four, sizeof four);
                a->n = sizeof four;
                return socket(AF_INET, a->type | SOCK_CLOEXEC, 0);
        }
        if (fd >= 0 || a->sa.ss_family != AF_INET)
                return fd;
        memset(in6, 0, sizeof *in6);
        in6->sin6_family = AF_INET6;
        in6->sin6_port = in.sin_port;
        in6->sin6_addr.s6_addr[10] = in6->sin6_addr.s6_addr[11] = 0xff;
        memcpy(in6->sin6_addr.s6_addr + 12, &in.sin_addr, 4);
        a->n = sizeof *in6;
        return socket(AF_INET6, a->type | SOCK_CLOEXEC, 0);
}

/* Milliseconds. PATIENCE: for what comes for certain, once the machine gets to it. SILENCE: for an
 * answer where packets are refused, which connections are not told; all of a service's wait at the
 * same time. */
enum { PATIENCE = 60000, SILENCE = 2000 };

static long now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, long until) {
        struct pollfd p = {.fd = fd, .events = events};
        long left = until - now();

        return poll(&p, 1, left > 0 ? (int)left : 0) == 1 ? p.revents : 0;
}

/* A new network's ::1 is tentative until the kernel's worker has looked at it; none of it is a no.
 * Where the list cannot be read it may be. */
static int is_tentative(void) {
        FILE *f = fopen("/proc/net/if_inet6", "re");
        unsigned flags = 0;
        int r = !f;

        while (f && fscanf(f, "%*32x %*x %*x %*x %x %*s", &flags) == 1)
                r |= flags & 0x40; /* IFA_F_TENTATIVE */
        if (f)
                fclose(f);
        return r;
}

static int bind_to(int fd, const struct address *a) {
        long until = now() + 5 * SILENCE;
        int r;

        while ((r = bind(fd, (const struct sockaddr *)&a->sa, a->n)) < 0 &&
                errno == EADDRNOTAVAIL && is_tentative() && now() < until)
                usleep(1000);
        return r;
}

/* Nobody listening on a path is a yes. */
static int try_connect_path(const struct address *a) {
        static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
        int r = EPROTOTYPE;

        for (size_t i = 0; i < sizeof types / sizeof *types && r == EPROTOTYPE; i++) {
                int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

                if (fd < 0)
                        return 0;
                r = connect(fd, (const struct sockaddr *)&a->sa, a->n) ? errno : 0;
                close(fd);
        }
        return r == 0 || r == ECONNREFUSED || r == EAGAIN;
}

/* Filters of control groups tell it to who sends a packet, but not to who opens a connection. */
static int refuses_packets(const struct address *a) {
        int fd = socket(a->sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int r = fd >= 0 && connect(fd, (const struct sockaddr *)&a->sa, a->n) == 0 &&
                (send(fd, "?", 1, 0) == 1 || errno == ECONNREFUSED);

        close(fd);
        return !r;
}

void begin_connect(struct connection *c, const char *s) {
        int r;

        c->fd = -1;
        if (*s == '/' || parse(s, &c->to) < 0 || (c->fd = open_socket(&c->to)) < 0)
                return;
        if (c->to.sa.ss_family != AF_UNIX) /* there it is the other's turn to accept */
                fcntl(c->fd, F_SETFL, O_NONBLOCK);
        r = connect(c->fd, (struct sockaddr *)&c->to.sa, c->to.n) ? errno : 0;
        if (r == 0 && c->to.type == SOCK_DGRAM && send(c->fd, "?", 1, 0) != 1)
                r = errno;
        if (r != 0 && r != EINPROGRESS) {
                close(c->fd);
                c->fd = -1;
        }
        c->until = now() + (r == EINPROGRESS && refuses_packets(&c->to) ? SILENCE : PATIENCE);
}

/* On an address somebody must answer. */
int end_connect(struct connection *c, const char *s) {
        struct address a;
        char answer = 0;
        int error = 0, r;
        socklen_t n = sizeof error;

        if (*s == '/')
                return parse(s, &a) == 0 && try_connect_path(&a);
        if (c->fd < 0)
                return 0;
        r = c->to.type == SOCK_DGRAM ||
            (wait_for(c->fd, POLLOUT, c->until) &&
                    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && !error);
        r = r && wait_for(c->fd, POLLIN, now() + PATIENCE) && read(c->fd, &answer, 1) == 1 &&
            answer == '!';
        close(c->fd);
        return r;
}

/* What the kernel refuses it refuses before it looks whether the address is free (programs of
 * control groups, then capabilities, then the port; a unix socket's name is free to all). So "in
 * use", which is another probe's doing, is a yes to bind(2); what listen(2) has to say it says
 * before it looks too, of a socket without an address as well. */
int try_listen(const char *s) {
        struct address a;
        int fd, r, on = 1;

        if (*s == '/' || parse(s, &a) < 0)
                return 0;
        fd = strstr(s + 4, ":") || a.sa.ss_family == AF_UNIX
                     ? open_socket(&a)
                     : socket(AF_INET, a.type | SOCK_CLOEXEC, 0);
        if (fd < 0 && a.sa.ss_family == AF_INET && !strstr(s + 4, ":")) { /* of either family */
                struct sockaddr_in6 any = {.sin6_family = AF_INET6,
                        .sin6_port = ((struct sockaddr_in *)&a.sa)->sin_port};

                memcpy(&a.sa, &any, sizeof any);
                a.n = sizeof any;
                fd = socket(AF_INET6, a.type | SOCK_CLOEXEC, 0);
        }
        if (fd < 0)
                return 0;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        r = bind_to(fd, &a) == 0 || errno == EADDRINUSE;
        if (r && a.type == SOCK_STREAM)
                r = listen(fd, 1) == 0 || errno == EADDRINUSE ||
                    (errno == EINVAL && a.sa.ss_family == AF_UNIX); /* this kind wants a name */
        close(fd);
        return r;
}

/* Tells the manager, and stays until it has read it, for it looks at who sent it (the way of
 * sd_notify_barrier(3)). */
int tell(const char *state) {
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        const char *path = getenv("NOTIFY_SOCKET");
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), ends[2];
        union {
                struct cmsghdr h;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {.h = {.cmsg_level = SOL_SOCKET,
                             .cmsg_type = SCM_RIGHTS,
                             .cmsg_len = CMSG_LEN(sizeof(int))}};
        struct iovec part = {.iov_base = "BARRIER=1", .iov_len = 9};
        struct msghdr m = {.msg_name = &to,
                .msg_iov = &part,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof control};

        if (!path || fd < 0 || pipe2(ends, O_CLOEXEC) < 0)
                return 0;
        strncpy(to.sun_path, path, sizeof to.sun_path - 1);
        m.msg_namelen = offsetof(struct sockaddr_un, sun_path) + strlen(path);
        if (sendto(fd, state, strlen(state), 0, (struct sockaddr *)&to, m.msg_namelen) < 0)
                return 0;
        memcpy(CMSG_DATA(&control.h), &ends[1], sizeof(int));
        if (sendmsg(fd, &m, 0) < 0)
                return 0;
        close(ends[1]); /* the manager has the other copy, and closes it when it has read so far */
        wait_for(ends[0], 0, now() + PATIENCE);
        return 1;
}

int serve(char **list) {
        struct pollfd p[64];
        int n = 0;

        for (; *list && n < 64; list++) {
                struct address a;
                int fd, on = 1;

                if (parse(*list, &a) < 0)
                        return 1;
                fd = socket(a.sa.ss_family, a.type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
                if (fd < 0 || bind_to(fd, &a) || (a.type == SOCK_STREAM && listen(fd, 1024))) {
                        perror(*list);
                        return 1;
                }
                p[n].fd = fd;
                p[n++].events = POLLIN;
        }
        tell("READY=1");
        while (poll(p, n, -1) > 0)
                for (int i = 0; i < n; i++) {
                        struct sockaddr_storage from;
                        socklen_t k = sizeof from;
                        char c;
                        int fd;

                        if (!(p[i].revents & POLLIN))
                                continue;
                        if (recvfrom(p[i].fd, &c, 1, 0, (struct sockaddr *)&from, &k) == 1)
                                sendto(p[i].fd, "!", 1, 0, (struct sockaddr *)&from, k);
                        else if ((fd = accept(p[i].fd, NULL, NULL)) >= 0) {
                                (void)!write(fd, "!", 1);
                                close(fd);
                        }
                }
        return 0;
}
