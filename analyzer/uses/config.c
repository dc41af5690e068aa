#include "analyzer/uses/uses-private.h"

#include "analyzer/sandbox/vfs/vfs.h"

#include <ctype.h>
#include <fnmatch.h>

/*
 * Configuration, read without knowing each daemon's grammar: a line has a key and words, and each
 * word is a value of the key (value.c).
 */

enum { FILES_MAX = 200, FILE_MAX = 256 << 10, DEPTH_MAX = 3 };

static const struct {
        const char *daemon, *key, *value;
        enum imm_facility facility;
        enum strength strength;
        const char *object, *what;
} words[] = {
#define WORD(daemon, key, value, facility, strength, object, what) \
        {daemon, key, value, IMM_FACILITY_##facility, strength, object, what},
#include "analyzer/uses/words.def"
#undef WORD
};

/* ---- lines ---- */

static bool is_off(const char *value) {
        static const char *const no[] = {"", "no", "off", "false", "0", "none", "disabled", "root"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(no); i++)
                if (strcasecmp(value, no[i]) == 0)
                        return true;
        return false;
}

/* "plugin-load-add" is "plugin_load_add" to those who have such options */
static bool is_key(const char *key, const char *row) {
        for (; *key && *row; key++, row++)
                if (tolower((unsigned char)*key) != tolower((unsigned char)*row) &&
                        !(*key == '-' && *row == '_'))
                        return false;
        return *key == *row;
}

static void of_word(struct collector *c, const char *daemon, const char *key, const char *value,
        const char *from) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++) {
                if (!is_key(key, words[i].key) ||
                        (*words[i].value ? fnmatch(words[i].value, value,
                                                   FNM_NOESCAPE | FNM_CASEFOLD) != 0
                                         : is_off(value)))
                        continue;
                if (!imm_streq(words[i].daemon, "*") &&
                        fnmatch(words[i].daemon, daemon, FNM_NOESCAPE) != 0)
                        continue;
                use_add(c, words[i].facility, words[i].strength, NULL, words[i].object,
                        "%s: %s %s turns on %s", from, key, value, words[i].what);
        }
}

/*
 * "notify = mail -s subject root", "UserParameter=smart,sudo /usr/sbin/smartctl -H": a command that
 * a line has, and that gains privileges
 */
static void of_command(struct collector *c, const char *key, const char *value, const char *rest,
        bool first, const char *from) {
        static const char *const names[] = {"mail", "mailx", "sendmail", "s-nail", "sudo"};
        bool sudo = imm_streq(imm_base_name(value), "sudo");

        while (*rest == '"' || *rest == '\'')
                rest++;
        if (*rest != ' ')
                return;
        rest += strspn(rest, " ");
        if (!(first && *rest == '-') && !(sudo && (*rest == '-' || *rest == '/')))
                return; /* users and facilities are called so, too; a command has options */
        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (imm_streq(imm_base_name(value), names[i]))
                        use_add(c, IMM_FACILITY_GAIN, PART, NULL, NULL, "%s: %s %s is to be run",
                                from, key, value);
        if (sudo)
                use_add(c, IMM_FACILITY_BECOME_ROOT, PART, NULL, NULL, "%s: %s %s is to be run",
                        from, key, value);
}

static void read_file(struct collector *c, const char *daemon, const char *path);
static void read_directory(
        struct collector *c, const char *daemon, const char *path, unsigned depth);

/* "include /etc/app/sites/?.conf": read as a part of it; patterns in folders' names are not tried
 */
static void include(struct collector *c, const char *daemon, const char *path, const char *from) {
        const char *slash = strrchr(path, '/');
        const char *dir = imm_strndup(c->a, path, (size_t)(slash - path));
        struct imm_dirent *e;
        struct stat st;
        size_t n;

        if (!imm_after(path, "/etc/")) {
                if (!strpbrk(dir, "*?[") && imm_root_stat(c->m->root, dir, &st) == 0)
                        use_add(c, IMM_FACILITY_READ, DOES, NULL, dir, "%s includes %s", from,
                                path);
                return;
        }
        if (!strpbrk(path, "*?[")) {
                if (imm_root_stat(c->m->root, path, &st) == 0 && S_ISDIR(st.st_mode))
                        read_directory(c, daemon, path, 0);
                else
                        read_file(c, daemon, path);
                return;
        }
        if (strpbrk(dir, "*?[") || imm_root_list(c->m->root, dir, c->a, &e, &n) < 0)
                return;
        for (size_t i = 0; i < n && c->n_read < FILES_MAX; i++)
                if (fnmatch(slash + 1, e[i].name, FNM_PERIOD) == 0)
                        read_file(c, daemon, imm_printf(c->a, "%s/%s", dir, e[i].name));
}

/* "${DIRECTORY}/name", directory.."/name": what the path begins with stands elsewhere */
static bool is_tail(const char *at) {
        return *at == '/' && (at[-1] == '}' || (at[-1] == '"' && (at[-2] == '.' || at[-2] == '+')));
}

/* "/home" of a pattern in that: what is above all that it matches */
static const char *folder_of(const struct collector *c, const char *pattern) {
        char *dir = imm_strndup(c->a, pattern, strcspn(pattern, "*?["));
        char *slash = strrchr(dir, '/');

        if (slash > dir)
                *slash = 0;
        return dir;
}

/*
 * logrotate's lines of patterns, which are not indented: in the folders that hold logs new files
 * are made.
 */
static bool of_rotated(struct collector *c, const char *daemon, const char *line, size_t n,
        const char *file, unsigned number) {
        if (!imm_streq(daemon, "logrotate") || n == 0 || n > 4096 || (*line != '/' && *line != '"'))
                return false;
        for (size_t i = 0, k; i < n; i += k + 1) {
                const char *path, *slash, *dir;
                struct stat st;

                for (k = 0; i + k < n && !isspace((unsigned char)line[i + k]) &&
                            !strchr("\"'{", line[i + k]);)
                        k++;
                path = imm_strndup(c->a, line + i, k);
                slash = strrchr(path, '/');
                if (*path != '/' || slash == path)
                        continue;
                dir = imm_strndup(c->a, path, (size_t)(slash - path));
                if (imm_after(path, "/home/") || imm_after(path, "/root/"))
                        use_add(c, IMM_FACILITY_WRITE, PART, NULL, folder_of(c, path),
                                "%s:%u: %s is rotated", file, number, path);
                else if (!strpbrk(dir, "*?[") && !imm_path_below(dir, "/dev") &&
                         imm_root_stat(c->m->root, dir, &st) == 0 && S_ISDIR(st.st_mode))
                        use_add(c, IMM_FACILITY_WRITE, DOES, NULL, dir, "%s:%u: %s is rotated",
                                file, number, path);
        }
        return true;
}

static void of_line(struct collector *c, const char *daemon, const char *line, size_t n,
        const char *path, unsigned number) {
        const char *end = line + n, *key, *from = NULL;
        unsigned count = 0;
        size_t k = 0;

        if (of_rotated(c, daemon, line, n, path, number))
                return;
        while (line < end && (isspace((unsigned char)*line) || strchr("\"'<{}", *line)))
                line++;
        if (end - line > 8 && imm_after(line, "!include")) /* Dovecot's way */
                line++;
        if (end - line > 2 && *line == ':' && isdigit((unsigned char)line[1])) { /* Caddy's way */
                use_argument(c, "listen", imm_strndup(c->a, line, strcspn(line, " \t\n{,")),
                        imm_printf(c->a, "%s:%u", path, number));
                return;
        }
        if (line >= end || strchr("#;!/*", *line) || n > 4096)
                return;
        while (line + k < end && !isspace((unsigned char)line[k]) && !strchr("=:\"'>,;({", line[k]))
                k++;
        while (line + k + 2 < end && line[k] == ':' && line[k + 1] == ':') { /* Acquire::Retries */
                k += 2;
                while (line + k < end && (isalnum((unsigned char)line[k]) || line[k] == '-'))
                        k++;
        }
        if (k == 0 || k > 64)
                return;
        key = imm_strndup(c->a, line, k);
        if (c->not_keys && strstr(c->not_keys, imm_printf(c->a, " %s ", key)))
                return;
        from = imm_printf(c->a, "%s:%u", path, number);
        for (line += k; line < end && count < 32; count++) {
                const char *value;

                while (line < end &&
                        (isspace((unsigned char)*line) || strchr("=\"'>,;(){}", *line)))
                        line++;
                if (count == 0 && line < end && *line == ':' && line + 1 < end &&
                        isspace((unsigned char)line[1])) {
                        line++;
                        continue;
                }
                if (line >= end || *line == '#')
                        break;
                for (k = 0; line + k < end && !isspace((unsigned char)line[k]) &&
                            !strchr("\"',;<>(){}", line[k]);)
                        k++;
                if (k == 0)
                        break;
                if (is_tail(line)) {
                        line += k;
                        continue;
                }
                value = imm_strndup(c->a, line, k);
                use_argument(c, key, value, from);
                use_size(c, daemon, key, value, from);
                use_files(c, daemon, key, value, from);
                use_heap(c, value, from);
                if (*value == '/' && strcasestr(key, "include"))
                        include(c, daemon, value, from);
                of_word(c, daemon, key, value, from);
                note_switch(c, daemon, key, value);
                note_place(c, value);
                of_command(c, key, value, line + k, count == 0, from);
                line += k;
        }
        if (count == 0)
                of_word(c, daemon, key, "yes", from);
}

/* ---- files ---- */

static bool is_shared(const char *path) {
        static const char *const files[] = {"/etc/passwd*", "/etc/group*", "/etc/shadow*",
                "/etc/hosts*", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/localtime",
                "/etc/services", "/etc/protocols", "/etc/networks", "/etc/fstab", "/etc/mtab",
                "/etc/ssl/*", "/etc/ld.so*", "/etc/shells", "/etc/hostname", "/etc/machine-id",
                "/etc/os-release", "/etc/login.defs", "/etc/krb5.conf", "/etc/pki/*",
                "/etc/locale*", "/etc/timezone", "/etc/motd*", "/etc/issue*", "/etc/mime.types",
                "/etc/environment", "/etc/profile*", "/etc/security/*", "/etc/pam.d/*",
                "/etc/init.d/*", "/etc/rc*", "/etc/magic", "/etc/adjtime", "/etc/inittab",
                "/etc/gai.conf", "/etc/host.conf", "/etc/aliases", "/etc/modules*", "/etc/sysctl*",
                "/etc/systemd/*", "/etc/crontab", "/etc/debian_version", "/etc/redhat-release",
                "/etc/lsb-release", "/etc/ethers", "/etc/exports", "/etc/gss/*", "/etc/sudoers*",
                "/etc/dbus-1/*", "/etc/alternatives/*", "/etc/default/locale", "/etc/fonts/*",
                "/etc/asound.conf", "/etc/termcap", "/etc/openssl*", "/etc/crypttab", "/etc/ppp/*",
                "/etc/network/*", "/etc/apparmor.d*", "/etc/X11/*"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(files); i++)
                if (fnmatch(files[i], path, FNM_NOESCAPE) == 0)
                        return true;
        return false;
}

/* Where the service finds another file in its place, that one */
static const char *bound_over(const struct collector *c, const char *path) {
        static const enum imm_setting settings[] = {
                IMM_SETTING_BIND_PATHS, IMM_SETTING_BIND_READ_ONLY_PATHS};

        for (size_t i = 0; i < IMM_ELEMENTSOF(settings); i++) {
                const struct imm_value *v = imm_setting(c->s, settings[i]);

                for (size_t k = 0; v->type == IMM_VALUE_BINDS && k < v->binds.n; k++)
                        if (imm_streq(v->binds.v[k].destination, path))
                                return v->binds.v[k].source;
        }
        return path;
}

static void read_file(struct collector *c, const char *daemon, const char *path) {
        struct section section = {0};
        struct imm_blob b;
        unsigned number = 0;
        const char *real;
        struct stat st;

        path = bound_over(c, path);
        if (c->n_read >= FILES_MAX || imm_root_realpath(c->m->root, path, c->a, &real) < 0 ||
                imm_map_has(&c->read, real))
                return;
        imm_map_put(c->a, &c->read, real, c);
        if (imm_root_read(c->m->root, real, FILE_MAX, c->a, &b, &st) < 0 || (st.st_mode & 0111) ||
                imm_after(b.data, "#!") || memchr(b.data, 0, b.size))
                return; /* scripts are the closure's */
        c->n_read++;
        find_ports_of_others(c, b.data);
        for (const char *line = b.data; *line; line = *line ? line + 1 : line) {
                const char *end = strchrnul(line, '\n');

                of_line(c, daemon, line, (size_t)(end - line), path, ++number);
                use_section_line(c, &section, line, (size_t)(end - line), path, number);
                line = end;
        }
        use_section_end(c, &section);
}

static void read_directory(
        struct collector *c, const char *daemon, const char *path, unsigned depth) {
        static const char *const not_read[] = {"*-available", "available*", "*.dpkg-*", "*.bak",
                "*~", "*.sample", "*.example", "example*", "ssl", "certs", "private", "*.pem",
                "*.key", "*.crt", "README*", "init.d", "*.d.disabled", "templates", "*.rules",
                "*.map", "*.action", "*.filter", "mime.types", "*.xml", "*.html", "nginx.conf",
                "apache*.conf", "*.png", "scripts", "*.dtd", "*.schema", "action.d", "filter.d"};
        struct imm_dirent *d;
        size_t n;

        if (depth > DEPTH_MAX || imm_root_list(c->m->root, path, c->a, &d, &n) < 0)
                return;
        for (size_t i = 0; i < n && c->n_read < FILES_MAX; i++) {
                const char *at = imm_printf(c->a, "%s/%s", path, d[i].name);
                bool skip = false;

                for (size_t k = 0; k < IMM_ELEMENTSOF(not_read); k++)
                        skip |= fnmatch(not_read[k], d[i].name, 0) == 0;
                if (skip)
                        continue;
                if (d[i].type == DT_DIR) {
                        read_directory(c, daemon, at, depth + 1);
                        continue;
                }
                if (d[i].type == DT_LNK)
                        use_link(c, at);
                read_file(c, daemon, at);
        }
}

void read_configuration(struct collector *c, const char *daemon, const char *path) {
        struct stat st;

        if (imm_root_stat(c->m->root, path, &st) == 0 && S_ISDIR(st.st_mode))
                read_directory(c, daemon, path, 0);
        else
                read_file(c, daemon, path);
}

/* Did the main program's package bring it? */
static bool came_with_program(struct collector *c, const char *path) {
        const char *mine = c->main_path ? imm_package_of(imm_closures_of(c->m), c->main_path)
                                        : NULL,
                   *package = mine ? imm_package_of(imm_closures_of(c->m), path) : NULL;

        return package && imm_streq(mine, package);
}

/* "/etc/mysql/", with a slash at its end: names are put behind it */
static bool is_prefix(const char *path) {
        const char *rest = imm_after(path, "/etc/"), *slash = rest ? strchr(rest, '/') : NULL;

        return slash && slash > rest && !slash[1];
}

static void read_any(struct collector *c, const char *daemon, const char *path) {
        struct stat st;
        bool own;

        if (is_shared(path) || imm_ends_with(path, ".xml") ||
                imm_root_stat(c->m->root, path, &st) < 0)
                return;
        own = imm_after(path, "/etc/") &&
              (is_own(c, path + strlen("/etc/")) ||
                      (S_ISDIR(st.st_mode) && came_with_program(c, path)));
        if (own)
                use_add(c, IMM_FACILITY_READ, DOES, NULL, path, "%s is its configuration", path);
        if (S_ISREG(st.st_mode))
                read_file(c, daemon, path);
        else if (S_ISDIR(st.st_mode) && (own || is_prefix(path)))
                read_directory(
                        c, daemon, imm_strndup(c->a, path, strlen(path) - is_prefix(path)), 0);
}

/* ---- where the daemon keeps what it needs ---- */

static void add_name(struct collector *c, const char *name, size_t n) {
        if (n >= 3)
                imm_strv_add(c->a, &c->names, imm_strndup(c->a, name, n));
}

/* "mosquitto", "smartd" and "smart", "nginx" of nginx.service, "php8.2-fpm" */
static void find_names(struct collector *c, const char *name) {
        size_t n = strlen(name), unit = strcspn(c->u->name, "@.");

        c->names = (struct imm_strv){0};
        c->whole[0] = name;
        c->whole[1] = imm_strndup(c->a, c->u->name, unit);
        c->n_whole = IMM_ELEMENTSOF(c->whole);
        add_name(c, name, n);
        if (n > 4 && name[n - 1] == 'd')
                add_name(c, name, n - 1);
        add_name(c, c->u->name, unit);
        if (unit > 4 && c->u->name[unit - 1] == 'd')
                add_name(c, c->u->name, unit - 1);
}

/* Is a directory of the path called as the daemon is? */
bool is_own(const struct collector *c, const char *path) {
        while (*path == '/')
                path++;
        for (size_t i = 0; i < c->names.n; i++) {
                size_t n = strlen(c->names.v[i]);

                if (strncmp(path, c->names.v[i], n) == 0 &&
                        (!path[n] || strchr("/.-0123456789d", path[n])))
                        return true;
        }
        return false;
}

/* The same by its whole name: colord does not write what belongs to color */
bool is_called_as(const struct collector *c, const char *path) {
        for (size_t i = 0; i < c->n_whole; i++) {
                size_t n = strlen(c->whole[i]);

                if (strncmp(path, c->whole[i], n) == 0 &&
                        (!path[n] || strchr("/.-0123456789", path[n])))
                        return true;
        }
        return false;
}

/* A daemon's own socket, without which many end. Its process number is written as it goes. */
static bool is_made_at_start(const char *path) {
        static const char *const ends[] = {".sock", ".socket", "/socket", ".ctl"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(ends); i++)
                if (imm_ends_with(path, ends[i]))
                        return true;
        return false;
}

/* "/run/app/socket", "/run/app/app.socket.2": clients look for it there */
bool is_socket(const char *path) {
        const char *name = imm_base_name(path), *at = strstr(name, "sock");

        if (!imm_after(path, "/run/") && !imm_after(path, "/var/run/"))
                return false;
        return at && (at == name || strchr("._-", at[-1]));
}

/* An empty directory is there for chroot(2), and stays empty. */
static bool is_kept_empty(const char *path) {
        return imm_ends_with(path, "/empty") || imm_ends_with(path, "/empty/");
}

static void of_default_paths(struct collector *c, const struct file *f) {
        static const struct {
                const char *top;
                enum strength strength;
        } tops[] = {{"/var/lib/", DOES}, {"/var/log/", MAY}, {"/var/cache/", PART},
                {"/var/spool/", DOES}, {"/run/", MAY}, {"/var/run/", MAY}};
        const bool is_root = !imm_setting_string(c->s, IMM_SETTING_USER) &&
                             !imm_setting_bool(c->s, IMM_SETTING_DYNAMIC_USER);

        for (size_t i = 0; i < f->strings.n; i++)
                for (size_t k = 0; k < IMM_ELEMENTSOF(tops); k++) {
                        const char *rest = imm_after(f->strings.v[i], tops[k].top);

                        if (rest && is_called_as(c, rest) && !strchr(rest, '%') &&
                                !imm_ends_with(rest, ".conf") && !is_kept_empty(rest)) {
                                if (f->waits && !c->by_socket && is_socket(f->strings.v[i]))
                                        use_add(c, IMM_FACILITY_UNIX_SOCKET, DOES, NULL,
                                                f->strings.v[i],
                                                "%s imports listen, and has the path %s", f->path,
                                                f->strings.v[i]);
                                use_add(c, IMM_FACILITY_WRITE,
                                        (c->by_socket && strstr(rest, "sock")) ||
                                                        imm_ends_with(rest, ".pid") ||
                                                        imm_ends_with(rest, "/pid")
                                                ? MAY
                                        : is_made_at_start(rest) && (is_root || strchr(rest, '/'))
                                                ? DOES
                                                : tops[k].strength,
                                        NULL, f->strings.v[i], "%s has the path %s", f->path,
                                        f->strings.v[i]);
                        }
                }
}

/* Defaults that the command names; a script's modules are no configuration. */
static bool is_shipped_configuration(const struct imm_need *n, const char *program) {
        return imm_after(n->path, "/usr/share/") && !n->tree && !is_interpreter(program) &&
               imm_streq(n->reason, "named in the command's arguments");
}

/* "-hooks /srv/app/hooks.json": by its name it is no data */
bool is_called_configuration(const char *path) {
        static const char *const ends[] = {
                ".conf", ".cfg", ".cnf", ".ini", ".json", ".yaml", ".yml", ".toml", "rc"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(ends); i++)
                if (imm_ends_with(path, ends[i]))
                        return true;
        return false;
}

static bool is_own_configuration(const struct imm_need *n, const char *program) {
        return !n->tree && !is_interpreter(program) && !imm_after(n->path, "/usr/") &&
               imm_streq(n->reason, "named in the command's arguments") &&
               is_called_configuration(n->path);
}

/* A script that looks into a daemon's configuration is not that daemon. */
static bool is_of_another(const struct collector *c, const struct file *program, const char *path) {
        const char *rest = imm_after(path, "/etc/default/");

        return !program->elf && !(rest && is_own(c, rest)) && !is_own(c, path + strlen("/etc/"));
}

/* Arguments and environment files name them; the program has their paths; or they lie where the
 * daemon's name says. */
void use_configuration(struct collector *c, const struct file *program, const char *name,
        const struct imm_command_item *own) {
        find_names(c, name);
        c->main_path = program->path;
        c->listens_not = !may_listen(c, program);
        if (own)
                leave_defaults(c, program, own);
        c->reads_logs = watches_logs(name);
        use_elsewhere(c, name, own ? imm_base_name(own->path) : name);
        for (size_t i = 0; i < c->closure->n; i++) {
                const struct imm_need *n = &c->closure->v[i];

                if (n->kind == IMM_NEED_CONFIG && n->confidence <= IMM_LIKELY && n->path &&
                        !is_left(c, n->path, n->reason) &&
                        (imm_after(n->path, "/etc/") || is_shipped_configuration(n, name) ||
                                is_own_configuration(n, name))) {
                        c->weak = n->confidence > IMM_CERTAIN &&
                                  !imm_streq(n->reason, "named in the command's arguments") &&
                                  is_of_another(c, program, n->path);
                        read_any(c, name, n->path);
                        c->weak = false;
                }
        }
        if (is_interpreter(name))
                return;
        for (size_t i = 0; i < program->strings.n; i++)
                if (imm_after(program->strings.v[i], "/etc/") &&
                        !strchr(program->strings.v[i], '%') &&
                        !is_left(c, program->strings.v[i], NULL)) {
                        c->weak = is_of_another(c, program, program->strings.v[i]);
                        read_any(c, name, program->strings.v[i]);
                        c->weak = false;
                }
        for (size_t i = 0; i < c->names.n; i++) {
                if (!own || reads_environment(program))
                        read_any(c, name, imm_printf(c->a, "/etc/default/%s", c->names.v[i]));
                if (c->says_own)
                        continue;
                read_any(c, name, imm_printf(c->a, "/etc/%s.conf", c->names.v[i]));
                read_any(c, name, imm_printf(c->a, "/etc/%s", c->names.v[i]));
        }
        c->by_default = true;
        of_default_paths(c, program);
        use_places(c, program);
        c->by_default = false;
}
