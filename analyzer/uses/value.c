#include "analyzer/uses/uses-private.h"

#include "analyzer/sandbox/vfs/vfs.h"

#include <ctype.h>

/*
 * One value of a line of configuration or an option of a command: a path, a port, a device or a
 * mode says what it is for by itself and by its key.
 */

static bool contains(const char *text, const char *const *parts) {
        for (; *parts; parts++)
                if (strcasestr(text, *parts))
                        return true;
        return false;
}

/* Made by whom a file is for, by its name's end */
static bool is_made(const char *path) {
        static const char *const ends[] = {".pid", ".sock", ".socket", ".log", ".lock"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(ends); i++)
                if (imm_ends_with(path, ends[i]))
                        return true;
        return false;
}

/* Is what the key names written by the daemon? */
static bool is_written(const char *key, const char *path) {
        static const char *const keys[] = {"log", "pid", "sock", "datadir", "data_dir", "data-dir",
                "datapath", "data_path", "database", "dbpath", "db_", "spool", "cache", "state",
                "storage", "lock", "work", "output", "dump", "history", "journal", "download",
                "swapfile", "servicedir", "incoming", "upload", "queue", "maildir", "backup",
                "archive", "lease", "drift", "stats", "rundir", "run_dir", "statedir", "dbdir",
                "basedir", "spooldir", NULL};
        static const char *const not_keys[] = {"syslog", "loglevel", "logrotate", "template",
                "catalog", "block", "clock", "script", "login", "logo", "metadata", "lockdown",
                "network", "analog", NULL};

        return is_made(path) || imm_ends_with(path, ".db") || strcasecmp(key, "dir") == 0 ||
               (contains(key, keys) && !contains(key, not_keys));
}

/* Data that is there: who names it reads it */
static void of_existing(struct collector *c, const char *key, const char *path, const char *from) {
        struct stat st;

        if (strchr(path + 1, '/') && imm_root_stat(c->m->root, path, &st) == 0)
                use_add(c, IMM_FACILITY_READ, imm_path_below(path, "/usr/share") ? PART : DOES,
                        NULL, path, "%s: %s %s", from, key, path);
}

/* "/tmp/app/error.log": a folder that somebody has made there for it */
static bool has_folder(const char *path) {
        const char *rest = imm_after(path, "/tmp/");

        return rest && strchr(rest, '/') && strchr(rest, '/')[1];
}

/*
 * A socket that somebody else makes: called as another is, where the service itself could make
 * none: in a folder that is not there, or by a user in one that is root's
 */
static bool is_of_another(struct collector *c, const char *key, const char *path) {
        const char *name = imm_base_name(path),
                   *dir = imm_strndup(c->a, path, (size_t)(name - path - (name - path > 1)));
        const char *file = imm_setting(c->s, IMM_SETTING_USER)->origin.file;
        bool run = imm_streq(dir, "/run") || imm_streq(dir, "/var/run");
        struct stat st;

        if (!strcasestr(key, "sock") || is_called_as(c, name))
                return false;
        if (run)
                return imm_setting_string(c->s, IMM_SETTING_USER) && file && !strstr(file, ".d/");
        return !imm_path_made_at_run_time(path) && imm_root_stat(c->m->root, dir, &st) < 0;
}

static void of_path(struct collector *c, const char *key, const char *path, const char *from) {
        static const char *const shared[] = {"sock", "fifo", "pipe", "output", NULL};
        static const char *const not [] = {
                "prune", "exclude", "ignore", "deny", "skip", "forbid", "hide", "protect", NULL};
        /* "localstatedir /var": a place to put names to, no more */
        bool written = is_written(key, path) && !imm_ends_with(path, ".conf") &&
                       strchr(path + 1, '/'),
             log = imm_ends_with(path, ".log") || strcasestr(key, "log") ||
                   imm_path_below(path, "/var/log");

        if (strlen(path) < 4 || strlen(path) > 1024 || contains(key, not ) ||
                is_of_another(c, key, path))
                return;
        if (c->reads_logs && log) { /* of all that it knows to watch: what is there */
                of_existing(c, key, path, from);
                return;
        }
        if (imm_path_below(path, "/home") || imm_path_below(path, "/root") ||
                imm_path_below(path, "/run/user")) {
                use_add(c, IMM_FACILITY_READ, DOES, NULL, path, "%s: %s %s", from, key, path);
                if (written)
                        use_add(c, IMM_FACILITY_WRITE, DOES, NULL, path, "%s: %s %s", from, key,
                                path);
        } else if (imm_path_below(path, "/tmp") || imm_path_below(path, "/var/tmp"))
                use_add(c, IMM_FACILITY_SHARED_TMP,
                        contains(key, shared) || contains(path, shared) || (log && has_folder(path))
                                ? DOES
                                : MAY,
                        NULL, path, "%s: %s %s", from, key, path);
        else if (imm_path_below(path, "/dev")) {
                use_string(c, from, path, false);
                if (strcasestr(key, "device") || strchr(key, '*') ||
                        (imm_after(path, "/dev/tty") && isdigit((unsigned char)path[8])))
                        use_add(c, IMM_FACILITY_DEVICE, PART, NULL, path, "%s: %s %s", from, key,
                                path);
        } else if (imm_path_below(path, "/proc") || imm_path_below(path, "/sys") ||
                   imm_path_below(path, "/bin") || imm_path_below(path, "/sbin") ||
                   imm_path_below(path, "/lib"))
                return;
        else if (imm_path_below(path, "/usr") && is_made(path))
                use_add(c, IMM_FACILITY_WRITE, PART, NULL, path, "%s: %s %s", from, key, path);
        else if (imm_path_below(path, "/usr") || imm_path_below(path, "/etc"))
                of_existing(c, key, path, from);
        else if (written &&
                 !imm_path_below(path, "/etc")) /* many go on without a log, and keep none; so of a
                                                   process number, which systemd knows */
                use_add(c, IMM_FACILITY_WRITE, log || imm_ends_with(path, ".pid") ? PART : DOES,
                        NULL, path, "%s: %s %s", from, key, path);
        else if (imm_path_below(path, "/srv") || imm_path_below(path, "/mnt") ||
                 imm_path_below(path, "/media") || imm_path_below(path, "/opt"))
                use_add(c, IMM_FACILITY_READ, DOES, NULL, path, "%s: %s %s", from, key, path);
        else
                of_existing(c, key, path, from);
}

enum strength gain_of(const struct collector *c) {
        return imm_setting_string(c->s, IMM_SETTING_USER) ||
                               imm_setting_bool(c->s, IMM_SETTING_DYNAMIC_USER)
                       ? PART
                       : MAY;
}

/* What a script that a line names does when it is run: sockets in /tmp are made by others. */
static void of_hook(struct collector *c, const struct file *f, const char *key, const char *path,
        const char *from) {
        for (size_t i = 0; i < f->n_words; i++)
                if (f->words[i]->strength == DOES)
                        use_add(c, f->words[i]->facility, PART, f->words[i]->calls,
                                f->words[i]->object, "%s: %s %s: %s", from, key, path,
                                f->words[i]->why);
        for (size_t i = 0; i < f->n_deeds; i++)
                if (f->deeds[i].path)
                        use_add(c, f->deeds[i].facility, PART, NULL, f->deeds[i].path,
                                "%s: %s %s, which has a line with %s", from, key, path,
                                f->deeds[i].path);
        for (size_t i = 0; i < f->strings.n; i++)
                if (is_of_kernel(f->strings.v[i]) && !strchr(f->strings.v[i] + 6, '/'))
                        use_add(c, IMM_FACILITY_PROC_FILE, PART, NULL, f->strings.v[i],
                                "%s: %s %s, which has the path %s", from, key, path,
                                f->strings.v[i]);
        if (f->fetches)
                use_add(c, IMM_FACILITY_NETWORK, PART, NULL, NULL,
                        "%s: %s %s, a script that fetches over the network", from, key, path);
        for (size_t i = 0; i < f->strings.n; i++)
                if (imm_after(f->strings.v[i], "/tmp/") &&
                        (imm_ends_with(f->strings.v[i], ".sock") ||
                                imm_ends_with(f->strings.v[i], ".socket")))
                        use_add(c, IMM_FACILITY_SHARED_TMP, PART, NULL, f->strings.v[i],
                                "%s: %s %s, which has the path %s", from, key, path,
                                f->strings.v[i]);
}

/* A program or script that a line names: one that gains privileges, or one that is known */
static void of_program_path(
        struct collector *c, const char *key, const char *path, const char *from) {
        static const char *const seldom[] = {"panic", "crash", "fatal", "abort", NULL};
        static const char *const runs[] = {"command", "cmd", "exec", "hook", NULL};
        const struct file *f;
        const char *real;
        struct stat st;

        if (imm_path_below(path, "/proc") || imm_path_below(path, "/sys") ||
                imm_path_below(path, "/dev") || imm_path_below(path, "/etc/init.d") ||
                imm_root_stat(c->m->root, path, &st) < 0 || !S_ISREG(st.st_mode) ||
                !(st.st_mode & 0111) || imm_root_realpath(c->m->root, path, c->a, &real) < 0)
                return;
        f = file_of(c->m, real, FILE_STRINGS);
        if (c->noexec && *key) /* what has no name before it may well be read only */
                use_add(c, IMM_FACILITY_LOAD, PART, NULL, path, "%s: %s %s", from, key, path);
        if (f->mails)
                use_add(c, IMM_FACILITY_GAIN, contains(key, seldom) ? MAY : PART, NULL, path,
                        "%s: %s %s, a script that sends mail or runs sudo", from, key, path);
        if (gains(c, f, real))
                use_add(c, IMM_FACILITY_GAIN, DOES, NULL, path,
                        "%s: %s %s, a program with set-id bits or capabilities", from, key, path);
        else if (gains_when_run(imm_base_name(path)))
                use_add(c, IMM_FACILITY_GAIN, gain_of(c), NULL, path,
                        "%s: %s %s, which gains privileges when it is run", from, key, path);
        if (!f->elf && *key)
                of_hook(c, f, key, path, from);
        if (contains(key, runs) && !contains(key, seldom)) { /* for who asks, or later */
                bool optional = c->optional, weak = c->weak;

                c->optional = true;
                c->weak |= only_asks(imm_base_name(path));
                use_program(c, imm_base_name(path), from);
                c->optional = optional;
                c->weak = weak;
        }
}

/* The number behind the last colon, or the whole; 0 if it is none */
static unsigned port_of(const char *value) {
        const char *colon = strrchr(value, strchr(value, '@') ? '@' : ':'),
                   *s = colon ? colon + 1 : value;
        unsigned long n;
        char *end;

        if (colon && *colon == ':' && colon > value && colon[-1] != ']' &&
                memchr(value, ':', (size_t)(colon - value)))
                return 0; /* an IPv6 address */

        if (!isdigit((unsigned char)*s) || *s == '0') /* 0660 is a mode */
                return 0;
        n = strtoul(s, &end, 10);
        return *end || n > 65535 ? 0 : (unsigned)n;
}

/* "createolddir 2770", "DirMode 2750": what is made with set-id bits */
static void of_mode(struct collector *c, const char *key, const char *value, const char *from) {
        static const char *const makes[] = {"mode", "create", "perm", NULL};
        static const char *const masks[] = {"umask", NULL};

        if (strlen(value) != 4 || strspn(value, "01234567") != 4 || !((*value - '0') & 6) ||
                !contains(key, makes) || contains(key, masks))
                return;
        use_add(c, IMM_FACILITY_SET_ID_FILES, PART, NULL, NULL, "%s: %s %s", from, key, value);
}

static void of_port(struct collector *c, const char *key, const char *value, const char *from) {
        static const char *const mine[] = {"listen", "bind", NULL};
        static const char *const others[] = {"remote", "server", "upstream", "smtp", "proxy",
                "connect", "relay", "target", "dest", "ldap", "mysql", "database", "db", "support",
                "report", "timeout", "backlog", "import", "export", "client", "peer", "source",
                "forward", "transport", "delay", "interval", "max", "min", "queue", "mode", "perm",
                "mask", NULL};
        /* the one that the program would choose by itself otherwise; not "control-port" */
        static const char *const main_port[] = {"listen", "listen_port", "listen-port", "bind",
                "port", "server.port", "local-port", "-p"};
        unsigned port = port_of(value);
        const char *last = strlen(key) >= 4 ? key + strlen(key) - 4 : "";
        bool own = false, named = strcasecmp(last, "port") == 0 || imm_streq(key, "-p");

        for (size_t i = 0; i < IMM_ELEMENTSOF(main_port); i++)
                own |= strcasecmp(key, main_port[i]) == 0;
        if (port == 0 || (!own && contains(key, others)) || c->by_socket || c->reads_logs ||
                c->listens_not)
                return; /* whose logs are watched listens there */
        if (!contains(key, mine) && (!named || imm_map_has(&c->not_ports, value)))
                return;
        if (!named && !strchr(value, ':') && port < 10)
                return; /* listen 1: a switch */
        c->names_port |= own;
        use_add(c, port < 1024 ? IMM_FACILITY_PORT : IMM_FACILITY_LISTEN, DOES, NULL,
                imm_printf(c->a, "%u", port), "%s: %s %s", from, key, value);
        if (port < 1024)
                use_add(c, IMM_FACILITY_LISTEN, DOES, NULL, imm_printf(c->a, "%u", port),
                        "%s: %s %s", from, key, value);
}

/* "Socket local:/run/app/app.sock", "-s /run/app/app.sock": the daemon's own */
static void of_socket(struct collector *c, const char *key, const char *value, const char *from) {
        static const char *const keys[] = {"socket", "listen", "bind", NULL};
        static const char *const kinds[] = {"local:", "unix:", "unix://", ""};

        for (size_t i = 0; i < IMM_ELEMENTSOF(kinds); i++) {
                const char *path = imm_after(value, kinds[i]),
                           *rest = path ? imm_after(path, "/run/") : NULL;

                if (path && !rest)
                        rest = imm_after(path, "/var/run/");
                if (rest && (contains(key, keys) || is_socket(path)) && is_called_as(c, rest) &&
                        !c->by_socket)
                        use_add(c, IMM_FACILITY_UNIX_SOCKET, DOES, NULL, path, "%s: %s %s", from,
                                key, value);
        }
}

/* Only who listens says "any address"; one that is merely called so may be somebody else's. */
static void of_address(struct collector *c, const char *key, const char *value, const char *from) {
        static const char *const mine[] = {"listen", "bind", NULL}, *const may[] = {
                                                                            "address", NULL};
        bool any = imm_streq(value, "::") || strstr(value, "[::]");

        if (c->by_socket || !(any || imm_streq(value, "::1") || strstr(value, "[::")))
                return;
        if (contains(key, mine) || contains(key, may))
                use_add(c, IMM_FACILITY_IPV6, any || contains(key, mine) ? DOES : MAY, NULL, NULL,
                        "%s: %s %s", from, key, value);
}

void use_argument(struct collector *c, const char *option, const char *value, const char *from) {
        const char *path = strchr(value, '/');

        if (path && path > value && path[-1] == ':' &&
                imm_after(path, "///")) { /* pipe:///tmp/x?a=b */
                value = imm_strndup(c->a, path + 2, strcspn(path + 2, "?"));
                path = value;
        }
        if (strncmp(value, "~/", 2) == 0 || strstr(value, ":~/")) {
                use_add(c, IMM_FACILITY_READ, DOES, NULL, "/home", "%s: %s %s", from, option,
                        value);
                return;
        }
        if (path && (path == value || strchr(":=|", path[-1])) && path[1] != '/') {
                if (!strpbrk(path, "*?[{<")) {
                        of_socket(c, option, value, from);
                        of_path(c, option, path, from);
                        of_program_path(c, option, path, from);
                }
                return;
        }
        of_port(c, option, value, from);
        of_mode(c, option, value, from);
        of_address(c, option, value, from);
}
