#include "analyzer/sandbox/vfs/makers.h"

#include "analyzer/root/root.h"
#include "base/map.h"
#include "base/text.h"

#include <pthread.h>

enum { TEXT_MAX = 256 * 1024, READERS = 4, UNITS_MAX = 8 };

/* Of "/run/NAME": who speaks of it */
struct maker {
        const char *units[UNITS_MAX]; /* by their names */
        size_t n_units;
        bool at_boot; /* tmpfiles.d */
        bool others;
};

struct imm_makers {
        struct imm_arena *a;
        struct imm_map by_path;   /* "/run/NAME" -> struct maker */
        struct imm_strv prefixes; /* "/run/foo-" of "/run/foo-%i" */
        bool anything;            /* the root is of a kind that fills /run by other means */
};

/* ---- what a text speaks of ---- */

/* Who speaks: a unit, or files that are read at boot, or by others */
struct speaker {
        const struct imm_unit *unit;
        bool at_boot;
};

static void note(struct imm_makers *to, const char *path, const struct speaker *by) {
        struct maker *k = imm_map_get(&to->by_path, path);

        if (!k) {
                k = imm_new(to->a, struct maker);
                imm_map_put(to->a, &to->by_path, imm_strdup(to->a, path), k);
        }
        if (by->at_boot)
                k->at_boot = true;
        else if (!by->unit || k->n_units == UNITS_MAX)
                k->others = true;
        else if (k->n_units == 0 || !imm_streq(k->units[k->n_units - 1], by->unit->name))
                k->units[k->n_units++] = imm_strdup(to->a, by->unit->name);
}

/* The first name of @rest below @top; of an instance's path what stands before its name */
static void note_name(
        struct imm_makers *to, const char *top, const char *rest, const struct speaker *by) {
        const struct imm_unit *u = by->unit;
        size_t n = strcspn(rest, "/ \t\n\"'`;:,|&<>(){}$*?[\\=");
        const char *name = imm_strndup(to->a, rest, n), *mark = strchr(name, '%');

        if (mark && mark == name && u && mark[1] && strchr("pNn", mark[1])) {
                name = u->prefix;
                mark = u->instance ? name + strlen(name) : NULL;
        }
        if (mark || (rest[n] && strchr("$*?[{", rest[n]))) {
                size_t head = mark ? (size_t)(mark - name) : n;

                imm_strv_add(
                        to->a, &to->prefixes, imm_printf(to->a, "%s%.*s", top, (int)head, name));
        } else if (*name)
                note(to, imm_printf(to->a, "%s%s", top, name), by);
}

static void note_text(struct imm_makers *to, const char *text, const struct speaker *by) {
        static const struct {
                const char *mark, *top;
        } rows[] = {{"/run/", "/run/"}, {"/tmp/", "/tmp/"}, {"%t/", "/run/"}, {"%T/", "/tmp/"}};

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++)
                for (const char *at = text; (at = strstr(at, rows[i].mark));) {
                        at += strlen(rows[i].mark);
                        note_name(to, rows[i].top, at, by);
                }
}

/* Lines that need a path, or ask whether it is there */
static bool only_refers(const char *key) {
        static const char *const keys[] = {"ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths",
                "ExecPaths", "NoExecPaths", "BindPaths", "BindReadOnlyPaths",
                "ReadWriteDirectories", "ReadOnlyDirectories", "InaccessibleDirectories",
                "WorkingDirectory", "RootDirectory", "EnvironmentFile", "LoadCredential",
                "LoadCredentialEncrypted", "RequiresMountsFor", "WantsMountsFor",
                "TemporaryFileSystem", "Documentation", "NetworkNamespacePath", "IPCNamespacePath",
                "StandardInput", "StandardOutput", "StandardError", "PathExists", "PathChanged",
                "PathModified", "PathExistsGlob"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(keys); i++)
                if (imm_streq(keys[i], key))
                        return true;
        return imm_after(key, "Condition") || imm_after(key, "Assert");
}

static bool has_run(const struct imm_assignment *at, enum imm_own own) {
        return own != IMM_OWN_NOTHING &&
               (imm_streq(at->key, "ExecStartPre") || imm_streq(at->key, "ExecCondition")) &&
               (own == IMM_OWN_ALL || memchr(at->value, '+', strspn(at->value, "@-:+!|")));
}

static void note_unit(struct imm_makers *to, const struct imm_unit *u) {
        const struct speaker by = {.unit = u};

        for (size_t i = 0; i < u->n_files; i++)
                for (size_t k = 0; k < u->files[i]->n_assignments; k++) {
                        const struct imm_assignment *at = &u->files[i]->assignments[k];
                        const char *word = at->value;

                        if (!imm_streq(at->key, "RuntimeDirectory")) {
                                if (!only_refers(at->key))
                                        note_text(to, at->value, &by);
                                continue;
                        }
                        for (; *word; word += strcspn(word, " \t")) {
                                word += strspn(word, " \t");
                                if (*word)
                                        note_name(to, "/run/", word, &by);
                        }
                }
}

/* ---- all that speaks ---- */

static void note_files(struct imm_manager *m, struct imm_makers *to) {
        static const struct {
                const char *dir, *suffix;
                bool at_boot;
        } rows[] = {{"/etc/tmpfiles.d", ".conf", true}, {"/usr/lib/tmpfiles.d", ".conf", true},
                {"/usr/local/lib/tmpfiles.d", ".conf", true}, {"/etc/init.d", "", false},
                {"/etc/udev/rules.d", ".rules", false}, {"/usr/lib/udev/rules.d", ".rules", false},
                {"/etc/network/if-pre-up.d", "", false}, {"/etc/network/if-up.d", "", false},
                {"/etc/dhcp/dhclient-exit-hooks.d", "", false}};
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                const struct speaker by = {.at_boot = rows[i].at_boot};
                struct imm_dirent *e;
                size_t n;

                if (imm_root_list(m->root, rows[i].dir, scratch, &e, &n) < 0)
                        continue;
                for (size_t k = 0; k < n; k++) {
                        struct imm_blob text;

                        if (imm_ends_with(e[k].name, rows[i].suffix) &&
                                imm_root_read(m->root,
                                        imm_printf(scratch, "%s/%s", rows[i].dir, e[k].name),
                                        TEXT_MAX, scratch, &text, NULL) == 0)
                                note_text(to, text.data, &by);
                }
        }
}

static void note_units(struct imm_manager *m, struct imm_makers *to) {
        const struct imm_manager_options options = {.scope = m->scope, .version = m->version};
        imm_cleanup(imm_manager_free) struct imm_manager *more = NULL;
        const struct imm_manager *all = m;

        if (!m->complete) {
                if (imm_manager_open(&more, m->root, &options, NULL) < 0 ||
                        imm_manager_load_all(more, READERS, NULL) < 0) {
                        to->anything = true;
                        return;
                }
                all = more;
        }
        for (size_t i = 0; i < all->n_list; i++)
                note_unit(to, all->list[i]);
        if (!m->complete) { /* files that are not installed, but judged together */
                struct imm_unit **given;
                size_t n = imm_manager_given(m, to->a, &given);

                for (size_t i = 0; i < n; i++)
                        note_unit(to, given[i]);
        }
}

static const struct imm_makers *makers_of(struct imm_manager *m) {
        static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;
        struct stat st;

        (void)pthread_mutex_lock(&reading);
        if (!m->makers) {
                struct imm_makers *to = imm_new(m->arena, struct imm_makers);

                to->a = m->arena;
                /* its activation makes what no unit speaks of */
                to->anything = imm_root_lstat(m->root, "/nix/store", &st) == 0 ||
                               imm_root_lstat(m->root, "/etc/NIXOS", &st) == 0;
                note_files(m, to);
                note_units(m, to);
                m->makers = to;
        }
        (void)pthread_mutex_unlock(&reading);
        return m->makers;
}

/* ---- one path ---- */

static bool is_own(const struct imm_unit *u, const char *name, size_t n) {
        for (size_t i = 0; i < u->n_files; i++)
                for (size_t k = 0; k < u->files[i]->n_assignments; k++) {
                        const struct imm_assignment *at = &u->files[i]->assignments[k];
                        const char *end, *start;

                        if (!imm_streq(at->key, "ExecStart"))
                                continue;
                        end = at->value + strcspn(at->value, " \t");
                        for (start = end; start > at->value && start[-1] != '/'; start--)
                                ;
                        if ((size_t)(end - start) >= n && strncmp(start, name, n) == 0)
                                return true;
                }
        return strncmp(u->prefix, name, n) == 0;
}

/* Is there something of that name which could make it: a program, a script, a package? */
static bool has_namesake(
        struct imm_manager *m, const struct imm_unit *u, const char *name, struct imm_arena *a) {
        static const char *const places[] = {"/usr/sbin/%s", "/usr/bin/%s", "/usr/sbin/%sd",
                "/usr/local/sbin/%s", "/usr/local/bin/%s", "/etc/init.d/%s", "/etc/%s",
                "/etc/default/%s", "/usr/lib/%s", "/usr/libexec/%s", "/usr/share/%s", "/var/lib/%s",
                "/opt/%s", "/var/lib/dpkg/info/%s.list"};
        /* made by the kernel's first system, by shells and logins, by whoever runs the machine */
        static const char *const known[] = {"systemd", "user", "lock", "log", "credentials", "udev",
                "initramfs", "plymouth", "media", "netns", "mount", "blkid", "fsck", "host",
                "secrets", "keys", "network", "resolvconf", "containers", "screen", "screens",
                "sudo", "motd", "faillock", "nologin", "utmp", "adjtime", "console-setup",
                "xtables", "ebtables", "reboot-required", "ostree-booted", "shm", "dbus", "initctl",
                "agetty", "snapd", "docker", "podman", "libpod", "lxc", "flatpak", "crun", "runc",
                "vmblock", "cryptsetup", "lvm", "mdadm", "alsa", "metadata", "cloud-init", "sshd",
                "wpa_supplicant"};
        size_t n = strcspn(name, ".");
        const char *stem = imm_strndup(a, name, n);
        struct stat st;

        for (size_t i = 0; i < IMM_ELEMENTSOF(known); i++)
                if (imm_streq(known[i], stem))
                        return true;
        if (is_own(u, stem, n))
                return false;
        for (size_t i = 0; i < IMM_ELEMENTSOF(places); i++) {
                const char *hole = strchr(places[i], '%');

                if (imm_root_lstat(m->root,
                            imm_printf(a, "%.*s%s%s", (int)(hole - places[i]), places[i], stem,
                                    hole + 2),
                            &st) == 0)
                        return true;
        }
        return false;
}

/* Does @u say that it starts behind @name, or is that its socket? */
static bool starts_behind(const struct imm_unit *u, const char *name) {
        static const char *const keys[] = {"After", "BindsTo", "Requires", "Sockets"};
        const char *dot = strrchr(name, '.');
        size_t n = strlen(name);

        if (dot && imm_streq(dot, ".socket") && strncmp(name, u->name, (size_t)(dot - name)) == 0 &&
                imm_streq(u->name + (dot - name), ".service"))
                return true;
        for (size_t i = 0; i < u->n_files; i++)
                for (size_t k = 0; k < u->files[i]->n_assignments; k++) {
                        const struct imm_assignment *at = &u->files[i]->assignments[k];
                        bool orders = false;

                        for (size_t j = 0; j < IMM_ELEMENTSOF(keys); j++)
                                orders |= imm_streq(keys[j], at->key);
                        for (const char *w = orders ? at->value : ""; (w = strstr(w, name)); w += n)
                                if ((w == at->value || w[-1] == ' ') && (!w[n] || w[n] == ' '))
                                        return true;
                }
        return false;
}

/* What @u itself has made before its sandbox is set up */
static bool makes_itself(
        const struct imm_unit *u, enum imm_own run, const char *path, struct imm_arena *a) {
        struct imm_makers own = {.a = a};
        const struct speaker by = {.unit = u};

        for (size_t i = 0; i < u->n_files; i++)
                for (size_t k = 0; k < u->files[i]->n_assignments; k++)
                        if (has_run(&u->files[i]->assignments[k], run))
                                note_text(&own, u->files[i]->assignments[k].value, &by);
        return imm_map_has(&own.by_path, path) || own.prefixes.n > 0;
}

/* "/run/NAME" of "/var/run/NAME/more"; NULL for other places, and what lies deeper in known ones */
static const char *first_of(const char *path, const char **ret_name, struct imm_arena *a) {
        static const struct {
                const char *place, *top;
        } rows[] = {{"/run/", "/run/"}, {"/var/run/", "/run/"}, {"/tmp/", "/tmp/"}};

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                const char *rest = imm_after(path, rows[i].place);

                if (!rest)
                        continue;
                *ret_name = imm_strndup(a, rest, strcspn(rest, "/"));
                return **ret_name ? imm_printf(a, "%s%s", rows[i].top, *ret_name) : NULL;
        }
        return NULL;
}

enum imm_maker imm_maker_of(
        struct imm_manager *m, const struct imm_unit *u, enum imm_own own, const char *path) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const struct imm_makers *all;
        const struct maker *by;
        const char *name, *first = first_of(path, &name, a);
        bool others = false;

        if (!first || m->scope != IMM_SCOPE_SYSTEM || imm_root_is_running(m->root))
                return IMM_MAKER_PERHAPS;
        all = makers_of(m);
        by = imm_map_get(&all->by_path, first);
        if (makes_itself(u, own, first, a) || (by && by->at_boot))
                return IMM_MAKER_BEFORE;
        for (size_t i = 0; by && i < by->n_units; i++) {
                if (imm_streq(by->units[i], u->name))
                        continue;
                if (starts_behind(u, by->units[i]))
                        return IMM_MAKER_BEFORE;
                others = true;
        }
        for (size_t i = 0; i < all->prefixes.n; i++)
                others |= imm_after(first, all->prefixes.v[i]) != NULL;
        return others || all->anything || (by && by->others) || has_namesake(m, u, name, a)
                       ? IMM_MAKER_PERHAPS
                       : IMM_MAKER_NOBODY;
}
