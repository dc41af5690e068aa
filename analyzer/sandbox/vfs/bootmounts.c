#include "analyzer/sandbox/vfs/bootmounts.h"

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/unit/syntax.h"

#include <errno.h>

enum { NSUID = IMM_MOUNT_NOSUID, NDEV = IMM_MOUNT_NODEV, NEXEC = IMM_MOUNT_NOEXEC };
enum { FILE_MAX = 1 << 16, FSTAB_MAX = 1 << 20, FIELDS = 4 };

/* clang-format off */
static const char *const unit_dirs[] = {
        "/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
        "/lib/systemd/system",
};
static const char *const boot_targets[] = {
        "sysinit.target", "local-fs.target", "basic.target", "multi-user.target",
        "graphical.target", "remote-fs.target", "default.target",
};
static const struct {
        const char *word;
        unsigned set, clear;
} option_words[] = {
        { "ro", IMM_MOUNT_RDONLY, 0 }, { "rw", 0, IMM_MOUNT_RDONLY },
        { "nosuid", NSUID, 0 },        { "suid", 0, NSUID },
        { "nodev", NDEV, 0 },          { "dev", 0, NDEV },
        { "noexec", NEXEC, 0 },        { "exec", 0, NEXEC },
        { "user", NSUID | NDEV | NEXEC, 0 }, { "users", NSUID | NDEV | NEXEC, 0 },
        { "owner", NSUID | NDEV, 0 },  { "group", NSUID | NDEV, 0 },
        { "defaults", 0, NSUID | NDEV | NEXEC | IMM_MOUNT_RDONLY },
};
/* Mounted before any unit is; fstab says no more than their flags. */
static const char *const always[] = {
        "/", "/proc", "/sys", "/dev", "/dev/shm", "/dev/pts", "/run", "/sys/fs/cgroup",
        "/sys/kernel/security", "/sys/fs/pstore", "/sys/fs/bpf", "/sys/firmware/efi/efivars",
};
static const char *const ignored[] = {
        "/sys/fs/selinux", "/dev/console", "/proc/kmsg", "/proc/sys",
        "/proc/sys/kernel/random/boot_id",
};
static const char *const kernel_types[] = {
        "proc", "sysfs", "devtmpfs", "devpts", "mqueue", "hugetlbfs", "debugfs", "tracefs",
        "cgroup", "cgroup2", "securityfs", "configfs", "fusectl", "binfmt_misc", "bpf", "pstore",
        "efivarfs", "nfsd", "rpc_pipefs", "selinuxfs", "smackfs", "autofs",
};
/* clang-format on */

static bool among(const char *const *v, size_t n, const char *s) {
        for (size_t i = 0; i < n; i++)
                if (imm_streq(v[i], s))
                        return true;
        return false;
}

static const char *below(const char *path, const char *top) {
        const char *rest = imm_after(path, top);

        return rest && (!*rest || *rest == '/') ? rest : NULL;
}

/* ---- options ---- */

/* The value of the last @name=, "" of a bare word, or NULL */
static const char *option(const char *options, const char *name, struct imm_arena *a) {
        const char *found = NULL;

        while (*options) {
                size_t n = strcspn(options, ","), k = strlen(name);

                if (n >= k && strncmp(options, name, k) == 0 && (n == k || options[k] == '='))
                        found = n == k ? "" : imm_strndup(a, options + k + 1, n - k - 1);
                options += n;
                options += *options == ',';
        }
        return found;
}

/* Is the last of the two words that is there @yes? */
static bool ends_on(const char *options, const char *yes, const char *no) {
        bool last = false;

        while (*options) {
                size_t n = strcspn(options, ",");

                if (n == strlen(yes) && strncmp(options, yes, n) == 0)
                        last = true;
                else if (n == strlen(no) && strncmp(options, no, n) == 0)
                        last = false;
                options += n;
                options += *options == ',';
        }
        return last;
}

unsigned imm_mount_options_flags(const char *options) {
        unsigned flags = 0;

        while (*options) {
                size_t n = strcspn(options, ",");

                for (size_t i = 0; i < IMM_ELEMENTSOF(option_words); i++)
                        if (strlen(option_words[i].word) == n &&
                                strncmp(options, option_words[i].word, n) == 0)
                                flags = (flags | option_words[i].set) & ~option_words[i].clear;
                options += n;
                options += *options == ',';
        }
        return flags;
}

/* ---- units ---- */

static bool masked(const struct imm_root *root, const char *path, struct imm_arena *a) {
        const char *target;

        return imm_root_readlink(root, path, a, &target) >= 0 && imm_streq(target, "/dev/null");
}

/* A folder "UNIT.wants" or "UNIT.requires" */
struct wants {
        const char *unit, *path;
        bool seen;
};
typedef IMM_ARRAY(struct wants) all_wants;
typedef IMM_ARRAY(const char *) names;

static int by_unit(const void *a, const void *b) {
        return strcmp(((const struct wants *)a)->unit, ((const struct wants *)b)->unit);
}

static void add_wants(struct imm_arena *a, const char *path, all_wants *wants) {
        static const char *const how[] = {".wants", ".requires"};
        const char *name = imm_base_name(path);

        for (size_t k = 0; k < IMM_ELEMENTSOF(how); k++)
                if (imm_ends_with(name, how[k]))
                        *imm_array_push(a, wants) = (struct wants){
                                imm_strndup(a, name, strlen(name) - strlen(how[k])), path, false};
}

/* The manager is not the system's, or of files alone: the folders are listed here. */
static void list_folders(const struct imm_root *root, struct imm_arena *a, all_wants *wants,
        struct imm_boot_targets *ret) {
        const char *target;
        struct imm_dirent *entries;
        size_t n;

        for (size_t d = 0; d < IMM_ELEMENTSOF(unit_dirs); d++) {
                if (imm_after(unit_dirs[d], "/lib/") &&
                        imm_root_readlink(root, "/lib", a, &target) >= 0)
                        continue; /* the same once more */
                if (imm_root_list(root, unit_dirs[d], a, &entries, &n) < 0)
                        continue;
                for (size_t i = 0; i < n; i++) {
                        add_wants(a, imm_printf(a, "%s/%s", unit_dirs[d], entries[i].name), wants);
                        if (imm_ends_with(entries[i].name, ".mount"))
                                imm_strv_add(a, &ret->mounts, entries[i].name);
                }
        }
}

static void list_units(struct imm_manager *m, struct imm_arena *a, all_wants *wants,
        struct imm_boot_targets *ret) {
        struct imm_strv folders = {0};

        if (m->scope == IMM_SCOPE_SYSTEM && m->index) {
                imm_manager_names(m, IMM_UNIT_MOUNT, a, &ret->mounts);
                imm_manager_wants(m, a, &folders);
                for (size_t i = 0; i < folders.n; i++)
                        add_wants(a, folders.v[i], wants);
        } else
                list_folders(m->root, a, wants, ret);
        if (wants->n > 0)
                qsort(wants->v, wants->n, sizeof(*wants->v), by_unit);
}

/* The first of the folders of @unit, or as many as there are */
static size_t wants_of(const all_wants *wants, const char *unit) {
        size_t low = 0, high = wants->n;

        while (low < high) {
                size_t mid = low + (high - low) / 2;

                if (strcmp(wants->v[mid].unit, unit) < 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        return low;
}

static void list_targets(struct imm_manager *m, struct imm_arena *a, struct imm_boot_targets *ret) {
        const struct imm_root *root = m->root;
        all_wants wants = {0};
        names todo = {0};

        list_units(m, a, &wants, ret);
        for (size_t t = 0; t < IMM_ELEMENTSOF(boot_targets); t++)
                *imm_array_push(a, &todo) = boot_targets[t];
        for (size_t t = 0; t < todo.n; t++)
                for (size_t i = wants_of(&wants, todo.v[t]);
                        i < wants.n && imm_streq(wants.v[i].unit, todo.v[t]); i++) {
                        struct imm_boot_wants w = {.path = wants.v[i].path};

                        if (wants.v[i].seen)
                                continue;
                        wants.v[i].seen = true;
                        if (imm_root_list(root, w.path, a, &w.entries, &w.n) < 0)
                                continue;
                        *imm_array_push(a, &ret->folders) = w;
                        for (size_t e = 0; e < w.n; e++) {
                                size_t k = wants_of(&wants, w.entries[e].name);

                                if (k < wants.n && !wants.v[k].seen &&
                                        imm_streq(wants.v[k].unit, w.entries[e].name) &&
                                        imm_boot_wants(root, ret, wants.v[k].unit, a))
                                        *imm_array_push(a, &todo) = wants.v[k].unit;
                        }
                }
}

bool imm_boot_wants(const struct imm_root *root, const struct imm_boot_targets *boot,
        const char *unit, struct imm_arena *a) {
        imm_array_foreach (w, &boot->folders)
                for (size_t i = 0; i < w->n; i++)
                        if (imm_streq(w->entries[i].name, unit) &&
                                !masked(root, imm_printf(a, "%s/%s", w->path, unit), a))
                                return true;
        return false;
}

/* Does a condition hold, as far as files tell? 1, 0, or -1 */
static int condition(const struct imm_root *root, const char *key, const char *value) {
        bool negated = *value == '!', directory = imm_streq(key, "ConditionPathIsDirectory");
        struct stat st;
        int r;

        value += negated;
        if (*value == '/' && imm_streq(key, "ConditionPathIsSymbolicLink")) {
                r = imm_root_lstat(root, value, &st); /* one that is there is not mounted over */
                return r < 0 ? -1 : S_ISLNK(st.st_mode) != negated;
        }
        if (*value != '/' || strchr(value, '%') || imm_path_made_at_run_time(value) ||
                (!directory && !imm_streq(key, "ConditionPathExists")))
                return -1;
        r = imm_root_stat(root, value, &st);
        if (r < 0 && r != -ENOENT && r != -ENOTDIR)
                return -1;
        return (r == 0 && (!directory || S_ISDIR(st.st_mode))) != negated;
}

/* The values of [Mount] in one file over those that were there */
static void read_unit(const struct imm_root *root, const char *path, struct imm_arena *a,
        struct imm_mount_unit *to) {
        static const struct imm_syntax all_sections = {.version = IMM_VERSION_LATEST};
        const struct {
                const char *key, **value;
        } keys[] = {{"What", &to->what}, {"Where", &to->where}, {"Type", &to->type},
                {"Options", &to->options}};
        struct imm_unit_file file = {.path = path};
        struct imm_blob blob;

        if (imm_root_read(root, path, FILE_MAX, a, &blob, NULL) < 0)
                return;
        imm_syntax_parse(&all_sections, imm_strndup(a, blob.data, blob.size), blob.size, a, &file);
        for (size_t i = 0; i < file.n_assignments; i++)
                for (size_t k = 0; k < IMM_ELEMENTSOF(keys); k++)
                        if (imm_streq(file.assignments[i].section, "Mount") &&
                                imm_streq(file.assignments[i].key, keys[k].key))
                                *keys[k].value = file.assignments[i].value;
        for (size_t i = 0; i < file.n_assignments; i++) {
                const struct imm_assignment *line = &file.assignments[i];
                int holds;

                if (!imm_streq(line->section, "Unit") ||
                        (!imm_after(line->key, "Condition") && !imm_after(line->key, "Assert")))
                        continue;
                holds = condition(root, line->key, line->value);
                if (holds < to->holds || to->holds == 1)
                        to->holds = holds == 1 ? to->holds : holds;
        }
}

bool imm_mount_unit_read(const struct imm_root *root, const char *unit, struct imm_arena *a,
        struct imm_mount_unit *ret) {
        struct stat st;

        *ret = (struct imm_mount_unit){.options = "", .holds = 1};
        for (size_t d = 0; d < IMM_ELEMENTSOF(unit_dirs) && !ret->file; d++) {
                const char *path = imm_printf(a, "%s/%s", unit_dirs[d], unit);

                if (imm_root_lstat(root, path, &st) >= 0)
                        ret->file = path;
        }
        if (!ret->file || masked(root, ret->file, a))
                return false;
        read_unit(root, ret->file, a, ret);
        for (size_t d = IMM_ELEMENTSOF(unit_dirs); d-- > 0;) {
                const char *dir = imm_printf(a, "%s/%s.d", unit_dirs[d], unit);
                struct imm_dirent *entries;
                size_t n;

                if (imm_root_list(root, dir, a, &entries, &n) < 0)
                        continue;
                for (size_t i = 0; i < n; i++)
                        if (imm_ends_with(entries[i].name, ".conf"))
                                read_unit(
                                        root, imm_printf(a, "%s/%s", dir, entries[i].name), a, ret);
        }
        return true;
}

/* ---- what is mounted ---- */

struct reader {
        struct imm_manager *m;
        struct imm_boot_mounts *to;
        struct imm_arena *a;
};

static unsigned long number(const char *s, int base, unsigned long otherwise) {
        char *end;
        unsigned long n = s ? strtoul(s, &end, base) : otherwise;

        return s && (*s < '0' || *s > '9' || *end) ? otherwise : n;
}

static uid_t owner(const struct reader *r, const char *options) {
        const char *name = option(options, "uid", r->a);
        const struct imm_user *u = name ? imm_user_by_name(r->m->users, name) : NULL;

        return u ? u->uid : (uid_t)number(name, 10, 0);
}

static gid_t group(const struct reader *r, const char *options) {
        const char *name = option(options, "gid", r->a);
        const struct imm_group *g = name ? imm_group_by_name(r->m->users, name) : NULL;

        return g ? g->gid : (gid_t)number(name, 10, 0);
}

static void describe(const struct reader *r, struct imm_boot_mount *b, const char *options) {
        struct imm_dirent *entries;
        size_t n;

        b->flags = imm_mount_options_flags(options);
        b->recursive = option(options, "rbind", r->a) != NULL;
        if (b->recursive || option(options, "bind", r->a)) {
                b->content = IMM_BOOT_BIND;
                b->type = "bind";
        } else if (imm_streq(b->type, "tmpfs") || imm_streq(b->type, "ramfs")) {
                b->content = IMM_BOOT_EMPTY;
                b->mode = (mode_t)number(option(options, "mode", r->a), 8,
                                  imm_streq(b->type, "tmpfs") ? 01777 : 0755) &
                          07777;
                b->uid = owner(r, options);
                b->gid = group(r, options);
        } else if (among(kernel_types, IMM_ELEMENTSOF(kernel_types), b->type))
                b->content = IMM_BOOT_KERNEL;
        else {
                b->content = IMM_BOOT_DEVICE;
                b->filled = imm_root_list(r->m->root, b->path, r->a, &entries, &n) == 0 && n > 0 &&
                            !(n == 1 && imm_streq(entries[0].name, "lost+found"));
        }
}

/* The later one of a path counts only where the earlier came from a weaker place. */
static void add(const struct reader *r, const struct imm_boot_mount *b, bool stronger) {
        imm_array_foreach (old, r->to)
                if (imm_streq(old->path, b->path)) {
                        if (stronger)
                                *old = *b;
                        return;
                }
        *imm_array_push(r->a, r->to) = *b;
}

/* ---- fstab ---- */

/* "\040" and the like */
static char *decoded(struct imm_arena *a, const char *s, size_t n) {
        char *out = imm_strndup(a, s, n), *to = out;

        for (const char *p = out; *p;)
                if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
                        p[3] >= '0' && p[3] <= '7') {
                        *to++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
                        p += 4;
                } else
                        *to++ = *p++;
        *to = '\0';
        return out;
}

static const char *simple_path(struct imm_arena *a, const char *path) {
        char *out = imm_strdup(a, path), *to = out;

        for (const char *p = out; *p; p++)
                if (*p != '/' || (p[1] && p[1] != '/'))
                        *to++ = *p;
        *to = '\0';
        return *out ? out : "/";
}

/* Links on the way are followed by the generator; what is not there yet stays as it is. */
static const char *canonical(const struct reader *r, const char *path) {
        const char *real, *rest = path + strlen(path);

        for (;;) {
                const char *head = imm_strndup(r->a, path, (size_t)(rest - path));

                if (rest == path ||
                        imm_root_realpath(r->m->root, *head ? head : "/", r->a, &real) >= 0)
                        break;
                while (rest > path && *--rest != '/')
                        ;
        }
        if (rest == path)
                return path;
        return imm_printf(r->a, "%s%s", imm_streq(real, "/") ? "" : real, rest);
}

static void fstab_line(const struct reader *r, const char *line, size_t n, unsigned number) {
        const char *f[FIELDS] = {NULL}, *end = line + n, *options;
        struct imm_boot_mount b;
        bool made;

        for (size_t i = 0; i < FIELDS; i++) {
                const char *start;

                while (line < end && (*line == ' ' || *line == '\t'))
                        line++;
                start = line;
                while (line < end && *line != ' ' && *line != '\t')
                        line++;
                if (line > start)
                        f[i] = decoded(r->a, start, (size_t)(line - start));
        }
        if (!f[2] || *f[0] == '#' || *f[1] != '/' || imm_streq(f[2], "swap") ||
                imm_streq(f[2], "autofs"))
                return;
        options = f[3] ? f[3] : "defaults";
        b = (struct imm_boot_mount){.what = f[0],
                .path = simple_path(r->a, f[1]),
                .type = f[2],
                .file = "/etc/fstab",
                .line = number};
        if (among(always, IMM_ELEMENTSOF(always), b.path)) {
                b.content = IMM_BOOT_FLAGS;
                b.flags = imm_mount_options_flags(options);
                add(r, &b, false);
                return;
        }
        if (among(ignored, IMM_ELEMENTSOF(ignored), b.path) || below(b.path, "/run/host") ||
                below(b.path, "/sys/fs/cgroup"))
                return;
        b.path = canonical(r, b.path);
        made = !ends_on(options, "noauto", "auto") &&
               !option(options, "x-systemd.wanted-by", r->a) &&
               !option(options, "x-systemd.required-by", r->a);
        describe(r, &b, options);
        b.doubtful = b.content == IMM_BOOT_DEVICE && ends_on(options, "nofail", "fail");
        if (option(options, "x-systemd.automount", r->a) ||
                option(options, "comment=systemd.automount", r->a)) {
                /* what is mounted there when somebody looks */
                b.content = IMM_BOOT_DEVICE;
                b.type = "autofs";
                b.flags = 0;
        } else if (!made) {
                *imm_array_push(r->a, &r->to->left) = b;
                return;
        }
        add(r, &b, false);
}

static void read_fstab(const struct reader *r) {
        struct imm_blob blob;
        const char *p;
        unsigned line = 1;

        if (imm_root_read(r->m->root, "/etc/fstab", FSTAB_MAX, r->a, &blob, NULL) < 0)
                return;
        for (p = blob.data; *p; line++) {
                size_t n = strcspn(p, "\n");

                fstab_line(r, p, n, line);
                p += n;
                p += *p == '\n';
        }
}

/* ---- mount units ---- */

/* The name of the unit of a mount point */
static const char *unit_name(struct imm_arena *a, const char *path) {
        const char *name = "";

        for (const char *p = path + 1; *p; p++)
                if (*p == '/')
                        name = imm_printf(a, "%s-", name);
                else if ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
                         (*p >= 'A' && *p <= 'Z') || strchr(":_", *p) ||
                         (*p == '.' && p > path + 1))
                        name = imm_printf(a, "%s%c", name, *p);
                else
                        name = imm_printf(a, "%s\\x%02x", name, (unsigned char)*p);
        return imm_printf(a, "%s.mount", name);
}

enum why { OF_FSTAB, WANTED, LEFT };

static void unit_of_root(const struct reader *r, const char *name, enum why how) {
        struct imm_mount_unit u;
        struct imm_boot_mount b;

        if (!imm_mount_unit_read(r->m->root, name, r->a, &u) || !u.where || *u.where != '/' ||
                !u.what || strchr(u.where, '%'))
                return;
        b = (struct imm_boot_mount){.what = u.what,
                .path = simple_path(r->a, u.where),
                .type = u.type ? u.type : "auto",
                .file = u.file};
        /* the kernel's own places are in a table */
        if (below(b.path, "/proc") || below(b.path, "/sys") || below(b.path, "/dev") ||
                imm_streq(b.path, "/tmp") || imm_streq(b.path, "/run/lock") ||
                imm_streq(b.path, "/run") || imm_streq(b.path, "/"))
                return;
        describe(r, &b, u.options);
        if (u.holds == 0)
                return;
        if (how == LEFT || u.holds < 0)
                *imm_array_push(r->a, &r->to->left) = b;
        else if (how == WANTED || imm_after(u.file, "/etc/"))
                add(r, &b, imm_after(u.file, "/etc/"));
}

/* Is there a mount of that unit? */
static bool is_made(const struct reader *r, const char *unit) {
        imm_array_foreach (b, r->to)
                if (b->content != IMM_BOOT_FLAGS && imm_streq(unit_name(r->a, b->path), unit))
                        return true;
        return false;
}

static void read_units(const struct reader *r) {
        struct imm_boot_targets *boot = &r->to->targets;
        size_t of_fstab = r->to->n;

        for (size_t i = 0; i < of_fstab;
                i++) /* fstab wants it, and an administrator's unit is it */
                if (r->to->v[i].content != IMM_BOOT_FLAGS)
                        unit_of_root(r, unit_name(r->a, r->to->v[i].path), OF_FSTAB);
        list_targets(r->m, r->a, boot);
        imm_array_foreach (w, &boot->folders)
                for (size_t i = 0; i < w->n; i++)
                        if (imm_ends_with(w->entries[i].name, ".mount") &&
                                imm_boot_wants(r->m->root, boot, w->entries[i].name, r->a))
                                unit_of_root(r, w->entries[i].name, WANTED);
        /* nobody wants it by a link; a service that needs the path, or says so in its file, may */
        for (size_t i = 0; i < boot->mounts.n; i++)
                if (!imm_boot_wants(r->m->root, boot, boot->mounts.v[i], r->a) &&
                        !is_made(r, boot->mounts.v[i]))
                        unit_of_root(r, boot->mounts.v[i], LEFT);
}

static int by_path(const void *a, const void *b) {
        return strcmp(
                ((const struct imm_boot_mount *)a)->path, ((const struct imm_boot_mount *)b)->path);
}

void imm_boot_mounts_read(struct imm_manager *m, struct imm_arena *a, struct imm_boot_mounts *ret) {
        const struct reader r = {.m = m, .to = ret, .a = a};

        if (imm_root_is_running(m->root))
                return;
        read_fstab(&r);
        read_units(&r);
        if (ret->n > 0)
                qsort(ret->v, ret->n, sizeof(*ret->v), by_path);
}

const struct imm_boot_mount *imm_boot_mount_at(
        const struct imm_boot_mounts *all, const char *path) {
        const struct imm_boot_mount *best = NULL;

        imm_array_foreach (b, all) /* few, and sorted: the last that fits is the nearest */
                if (b->content != IMM_BOOT_FLAGS && below(path, b->path))
                        best = b;
        return best;
}

const struct imm_boot_mount *imm_boot_mount_left(
        const struct imm_boot_mounts *all, const char *path) {
        imm_array_foreach (b, &all->left)
                if (below(path, b->path))
                        return b;
        return NULL;
}

const char *imm_boot_mount_text(const struct imm_boot_mount *b, struct imm_arena *a) {
        return b->line ? imm_printf(a, "%s:%u", b->file, b->line) : b->file;
}
