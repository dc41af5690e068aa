"""Programs that each do one thing, and fail if it is refused"""

HEAD = """
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
"""


def body(code):
    return HEAD + "int main(void) {\n" + code + "\n}\n"


LIBRARIES = {
    "libkeyutils.so.1": HEAD + "long keyctl(int c, ...) { return syscall(SYS_keyctl, c, -3, 0); }",
    "libpcap.so.0.8": HEAD + "int pcap_open_live(void) { return socket(AF_PACKET, SOCK_RAW, 0) < 0; }",
    "libluajit-5.1.so.2": HEAD + "int luaL_newstate(void) { void *p = mmap(0, 4096, PROT_READ | PROT_WRITE,"
                          "MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); return mprotect(p, 4096, PROT_READ | PROT_EXEC); }",
    "libstack.so.1": "int of_stack(void) { return 0; }",
    "libplain.so.1": "int of_plain(void) { return 0; }",
}

PROGRAMS = {  # source, libraries
    "plaind": (body("return 0;"), []),
    "keyd": ("extern long keyctl(int, ...); int main(void) { return keyctl(0) < 0; }", ["libkeyutils.so.1"]),
    # of a key in the user's keyring its maker may read what he possesses, and no more
    "keyctl": ("""#include <unistd.h>
#include <sys/syscall.h>
int main(void) {
        char buf[8];
        long key = syscall(SYS_add_key, "user", "lab", "secret", 6, -4);
        return key < 0 || syscall(SYS_keyctl, 11, key, buf, sizeof(buf)) != 6;
}""", []),
    "capd": (body("return 0;"), []),
    # a server with threads: three standard files, its log, data, poller, socket and lock
    "filed": (body("""pthread_t t; int s = socket(AF_INET, SOCK_STREAM, 0), n = 1;
struct sockaddr_in a = {.sin_family = AF_INET};
while (n < 5) if (open("/dev/null", O_RDONLY) < 0) return 1; else n++;
return s < 0 || bind(s, (void *)&a, sizeof(a)) || listen(s, 1) || pthread_create(&t, 0, (void *)getpid, 0);"""), []),
    # it listens on a local socket, and prints the addresses of who it is told of
    "locald": (body("""static const char *volatile path = "/run/locald/locald.sock"; struct sockaddr_un a = {.sun_family = AF_UNIX};
int s = socket(AF_UNIX, SOCK_STREAM, 0); mkdir("/run/locald", 0755); unlink(strcpy(a.sun_path, path));
return s < 0 || bind(s, (void *)&a, sizeof(a)) || listen(s, 1) || (accept4(-1, 0, 0, 0) && !inet_ntoa((struct in_addr){0}));"""), []),
    # it locks itself up and becomes another user, as an old daemon does
    "lockedd": (body("""struct passwd *p = getpwnam("daemon");
return !p || chroot("/srv") || setgid(p->pw_gid) || setuid(p->pw_uid);"""), []),
    "sniffd": ("extern int pcap_open_live(void); int main(void) { return pcap_open_live(); }", ["libpcap.so.0.8"]),
    "luad": ("extern int luaL_newstate(void); int main(void) { return luaL_newstate() != 0; }",
             ["libluajit-5.1.so.2"]),
    "stackd": ("extern int of_stack(void); int main(void) { return of_stack(); }", ["libstack.so.1"]),
    # the clock itself is left alone: a time that is none is refused in another way than the call
    "clockd": (body("struct timespec t = {-1, 0}; return clock_settime(CLOCK_REALTIME, &t) == 0 || errno != EINVAL;"),
               []),
    "mountd": (body('return mount("none", "/mnt", "tmpfs", 0, "") < 0;'), []),
    "hostd": (body('char name[65]; gethostname(name, 65); return sethostname(name, strlen(name)) < 0;'), []),
    "jaild": (body('return chroot("/var") < 0;'), []),
    "dropd": (body("return setgroups(0, 0) < 0 || setgid(1) < 0 || setuid(1) < 0;"), []),
    "persd": (body("return personality(PER_LINUX | ADDR_NO_RANDOMIZE) < 0;"), []),
    "netifd": (body("struct ifaddrs *i; (void)getifaddrs(&i); return 0;"), []),
    "notifyd": (body("""
        struct sockaddr_un a = {.sun_family = AF_UNIX}; const char *e = getenv("NOTIFY_SOCKET");
        int s = socket(AF_UNIX, SOCK_DGRAM, 0); struct iovec v = {"READY=1", 7}; struct msghdr m = {0};
        if (!e) return 1;
        strncpy(a.sun_path, e, sizeof(a.sun_path) - 1); if (*a.sun_path == '@') *a.sun_path = 0;
        m.msg_name = &a; m.msg_namelen = offsetof(struct sockaddr_un, sun_path) + strlen(e);
        m.msg_iov = &v; m.msg_iovlen = 1; if (sendmsg(s, &m, 0) < 0) return 1; for (;;) pause();"""), []),
    "sockd": (body('return access("/etc/sockd.conf", R_OK) || socket(AF_UNIX, SOCK_STREAM, 0) < 0;'), []),
    "askd": (body("struct sysinfo i; return sysinfo(&i);"), []),
    "portd": (body("""
        FILE *f = fopen("/etc/portd.conf", "r"); int port, s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
        struct sockaddr_in a = {.sin_family = AF_INET};
        if (!f || fscanf(f, "port %d", &port) != 1) return 1;
        a.sin_port = htons(port); setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        return bind(s, (void *)&a, sizeof(a)) < 0 || listen(s, 1) < 0;"""), []),
    "stored": (body('int fd = open("/var/lib/stored/db", O_WRONLY | O_CREAT, 0666); return fd < 0 || write(fd, "1", 1) != 1;'), []),
    "logd": (body('char p[99]; FILE *f = fopen("/etc/logd.conf", "r"); if (!f || fscanf(f, "logfile %98s", p) != 1)'
                  'return 1; return open(p, O_WRONLY | O_CREAT, 0666) < 0;'), []),
    "homed": (body('char p[99]; FILE *f = fopen("/etc/homed.conf", "r"); if (!f || fscanf(f, "music %98s", p) != 1)'
                   'return 1; return open(p, O_RDONLY) < 0;'), []),
    "tmpd": (body('char p[99]; struct stat s; FILE *f = fopen("/etc/tmpd.conf", "r");'
                  'if (!f || fscanf(f, "socket %98s", p) != 1) return 1; return stat(p, &s) < 0;'), []),
    "serialdev": (body('return open("/dev/ttyS9", O_RDONLY) < 0;'), []),
    "threadd": (body("pthread_t t; return pthread_create(&t, 0, (void *(*)(void *))abs, 0) != 0;"), []),
    "klogd": (body("return klogctl(10, 0, 0) < 0;"), []),
    # where there are no modules it is refused with another error than by a setting
    "moduled": (body('extern int init_module(void *, unsigned long, char *); return init_module(0, 0, "") == 0 ||'
                     'errno == EPERM;'), []),
    # started as daemons of old, and reached from outside: see CHECKS
    "pingd": (body("""
        struct sockaddr_un a = {.sun_family = AF_UNIX}; const char *e = getenv("NOTIFY_SOCKET");
        int s = socket(AF_UNIX, SOCK_DGRAM, 0);
        for (int i = 0; i < 60; i++) {
                if (e) {
                        strncpy(a.sun_path, e, sizeof(a.sun_path) - 1); if (*a.sun_path == '@') *a.sun_path = 0;
                        sendto(s, "WATCHDOG=1", 10, 0, (void *)&a, offsetof(struct sockaddr_un, sun_path) + strlen(e));
                }
                usleep(50000);
        }
        return 0;"""), []),
    "idled": (body("sleep(4); return 0;"), []),
    "envd": (body('const char *p = getenv("APP_DATA"); return !p || open(p, O_RDONLY) < 0;'), []),
    "passwdd": (body('return !getpwnam("daemon");'), []),
    "shmd": (body('return shm_open("/lab", O_RDWR | O_CREAT, 0600) < 0 || shm_unlink("/lab") < 0;'), []),
    "ownerd": (body('FILE *c = fopen("/etc/ownerd.conf", "r"); char k[99], p[99];'
                    'if (!c || fscanf(c, "%98s %98s", k, p) != 2 || setgroups(0, 0) || setgid(1) || setuid(1)) return 1;'
                    'strcat(p, "/x"); return open(p, O_CREAT | O_WRONLY, 0600) < 0 || unlink(p);'), []),
    "served": (body("""
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(8081)}; char text[99];
        int s = socket(AF_INET, SOCK_STREAM, 0), one = 1; a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)); inet_ntop(AF_INET, &a.sin_addr, text, 99);
        if (bind(s, (void *)&a, sizeof(a)) < 0 || listen(s, 1) < 0) return 1;
        if (fork()) return 0;
        for (;;) close(accept(s, 0, 0));"""), []),
    "gaind": (body('char p[99]; FILE *f = fopen("/etc/gaind.conf", "r"); if (!f || fscanf(f, "helper %98s", p) != 1)'
                   'return 1; execl(p, p, (char *)0); return 1;'), []),
    # these are known by their names
    "memlockd": (body("char *p = malloc(1 << 20); return mlock(p, 1 << 20) < 0;"), []),
    "gpsd": (body("return shmget(0x4e545030, 4096, IPC_CREAT | 0666) < 0;"), []),
    "lxcfs": (body('mkdir("/var/lib/lxcfs", 0755); return mount("none", "/var/lib/lxcfs", "tmpfs", 0, "") < 0;'), []),
    "needrestart": (body('char c[17]; FILE *f = fopen("/proc/1/comm", "r");'
                         'return !f || fscanf(f, "%16s", c) != 1 || strcmp(c, "systemd") != 0;'), []),
    "uptimed": (body('return open("/proc/uptime", O_RDONLY) < 0;'), []),
    "cgexec": (body('return mkdir("/sys/fs/cgroup/lab-cg", 0755) < 0 || rmdir("/sys/fs/cgroup/lab-cg") < 0;'), []),
    "sysctl": (body('return open("/proc/sys/kernel/core_pattern", O_WRONLY) < 0;'), []),
    "crun": (body("return unshare(CLONE_NEWNS) < 0;"), []),
    "packagekitd": (body('int fd = open("/run/set-id", O_WRONLY | O_CREAT, 0755); int e = fchmod(fd, 04755) < 0;'
                         'unlink("/run/set-id"); return e;'), []),
    "chrt": (body("struct sched_param p = {1}; return sched_setscheduler(0, SCHED_FIFO, &p) < 0;"), []),
    "cloud-init": (body("char name[65]; gethostname(name, 65); return sethostname(name, strlen(name)) < 0;"), []),
    # credits nothing, which takes the same right
    "rngd": (body('int n = 0, fd = open("/dev/random", O_WRONLY); return fd < 0 || ioctl(fd, 0x40045201, &n) < 0;'), []),
    "exportd": (body('int e = open("/srv/exported/file", O_WRONLY | O_CREAT, 0600) < 0;'
                     'unlink("/srv/exported/file"); return e;'), []),
    "deedd": (body('return open("/run/deed", O_WRONLY | O_CREAT, 0666) < 0;'), []),
    "reloadd": (body("return 0;"), []),
    "makerd": (body('mkdir("/var/lib/makerd/more", 0777);'
                    'int e = open("/var/lib/makerd/more/file", O_WRONLY | O_CREAT, 0666) < 0;'
                    'unlink("/var/lib/makerd/more/file"); rmdir("/var/lib/makerd/more"); return e;'), []),
}

# Programs that need more of their unit than an ExecStart= line
PLAIN = {
    "keyctl": "KeyringMode=shared",
    "notifyd": "Type=notify\nTimeoutStartSec=60",
    "served": "Type=forking",
    "pingd": "Type=exec",
    "idled": "Type=exec",
    "envd": "Environment=APP_DATA=/srv/app/data",
    "makerd": "StateDirectory=makerd",
    "reloadd": "RemainAfterExit=yes\nExecReload=/bin/true",
}

ENDS_WELL = "while systemctl is-active -q $unit; do sleep 0.2; done; systemctl show $unit | grep -q ^Result=success"

# What must hold outside of the service once it has started, a shell's line; what it made is removed with it
CHECKS = {
    "served": "/usr/local/bin/knock",
    "gpsd": "/usr/local/bin/take-shm",
    "lxcfs": "umount /var/lib/lxcfs",
    "deedd": "rm /run/deed",
    "reloadd": "systemctl reload $unit",
    "pingd": ENDS_WELL,
    "idled": ENDS_WELL,
}

# Programs that run outside, and those that others run
HELPERS = {
    "knock": body("""
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(8081)};
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK); alarm(5);
        return connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, sizeof(a)) < 0;"""),
    "take-shm": body("int id = shmget(0x4e545030, 0, 0); return id < 0 || shmctl(id, IPC_RMID, 0) < 0;"),
    "gainer": body("return geteuid() != 0;"),
}

# A 32-bit program, without a library: exit(0)
FOREIGN = {
    "oldd": 'void _start(void) { __asm__ volatile("int $0x80" : : "a"(1), "b"(0)); __builtin_unreachable(); }',
}


FILES = {
    "etc/portd.conf": "port 81\n",
    "usr/local/bin/wrapd": "#!/bin/sh\nDAEMON=/usr/local/bin/keyd\nexec \"$DAEMON\"\n",
    "etc/sockd.conf": "-s /run/sockd/sockd.sock\n",
    "etc/exportd.conf": "[files]\npath = /srv/exported\nread only = no\n",
    "srv/exported/old": "file\n",
    "etc/logd.conf": "logfile /srv/logd.log\n",
    "etc/homed.conf": "music /home/alice/song\n",
    "etc/tmpd.conf": "socket /tmp/shared.sock\n",
    "etc/gaind.conf": "helper /usr/local/bin/gainer\n",
    "etc/ownerd.conf": "datadir /var/lib/ownerd\n",
    "srv/app/data": "data\n",
    "usr/local/bin/sayd": "#!/bin/sh\nsystemd-notify --ready\nexec sleep 600\n",
    "usr/local/bin/nestd": "#!/bin/sh\n/usr/local/bin/notifyd &\nwait\n",
    "usr/local/bin/archived": "#!/bin/sh\nset -e\ntar -czf /var/lib/archive.tar.gz /etc/hostname 2>/dev/null\n",
    "usr/local/bin/owned": "#!/bin/sh\nset -e\nchown daemon /srv/exported/old\n",
    "usr/local/bin/linesd": "#!/bin/sh\nset -e\necho a >/var/lib/lines\n",
    "usr/local/bin/attributed": "#!/bin/sh\nset -e\n: >>/sys/class/net/lo/mtu\n",
    "usr/local/bin/dird": "#!/bin/sh\nset -e\nmkdir -p /var/lib/dird/of-today\nrmdir /var/lib/dird/of-today\n",
    "usr/local/bin/groupdird": "#!/bin/sh\nset -e\nif true; then\n\tchmod g+s /srv/tree\nfi\n",
    "usr/local/bin/groupsd": "#!/bin/sh\nset -e\nmkdir -p /sys/fs/cgroup/of-groupsd && rmdir /sys/fs/cgroup/of-groupsd\n",
    "usr/local/bin/renamed": "#!/bin/sh\nexec hostname labhost\n",
    "usr/local/bin/initd": "#!/bin/sh\nexec start-stop-daemon --start --chuid daemon --exec /usr/bin/true\n",
    "home/alice/song": "la\n",
}
