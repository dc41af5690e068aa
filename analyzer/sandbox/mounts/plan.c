#include "analyzer/sandbox/mounts/plan.h"

#include <ctype.h>
#include <strings.h>

/* ---- questions to the settings ---- */

static uint64_t number(const struct imm_plan *p, enum imm_setting id) {
        return imm_setting(p->s, id)->number;
}

static bool on(const struct imm_plan *p, enum imm_setting id) {
        return number(p, id) != 0;
}

static int tristate(const struct imm_plan *p, enum imm_setting id) {
        return (int)(int64_t)number(p, id);
}

static bool is(const struct imm_plan *p, enum imm_setting id, const char *word) {
        const char *w = imm_setting_word(p->s, id);

        return w && imm_streq(w, word);
}

static const struct imm_origin *origin_of(const struct imm_plan *p, enum imm_setting id) {
        return &imm_setting(p->s, id)->origin;
}

/* ---- entries ---- */

struct imm_plan_entry *imm_plan_add(struct imm_plan *p, enum imm_plan_mode mode, const char *path,
        enum imm_setting setting, const struct imm_origin *origin) {
        struct imm_plan_entry *e = imm_new(p->a, struct imm_plan_entry);

        e->mode = mode;
        e->path = e->plain = path;
        e->setting = setting;
        if (origin)
                e->origin = *origin;
        e->tmpfs_mode = 0755;
        return *imm_array_push(p->a, &p->entries) = e;
}

static struct imm_plan_entry *add_for(
        struct imm_plan *p, enum imm_plan_mode mode, const char *path, enum imm_setting setting) {
        return imm_plan_add(p, mode, path, setting, origin_of(p, setting));
}

static void add_paths(struct imm_plan *p, enum imm_setting setting, enum imm_plan_mode mode) {
        const struct imm_value *v = imm_setting(p->s, setting);

        imm_array_foreach (item, &v->paths) {
                struct imm_plan_entry *e =
                        imm_plan_add(p, mode, item->path, setting, &item->origin);

                e->ignore = item->ignore_missing;
                e->has_prefix = !item->in_root && p->root_directory;
        }
}

static void add_rows(
        struct imm_plan *p, enum imm_plan_table table, enum imm_setting setting, bool ignore) {
        size_t n;
        const struct imm_plan_row *rows = imm_plan_rows(table, &n);

        for (size_t i = 0; i < n; i++) {
                const struct imm_plan_row *row = rows + i;
                struct imm_plan_entry *e;

                if (p->s->version < row->since || (row->until && p->s->version > row->until))
                        continue;
                e = add_for(p, row->mode, row->path, setting);
                e->ignore = row->ignore || ignore;
                e->fixed = true;
                e->tmpfs_mode = 01777; /* the kernel's own default */
                if (p->q.rows_in_full) {
                        e->read_only = row->read_only;
                        e->flags = row->flags;
                        e->nosuid = row->mode == IMM_PLAN_PRIVATE_CGROUP2;
                        e->noexec = row->mode == IMM_PLAN_PRIVATE_CGROUP2;
                        if (row->tmpfs_mode)
                                e->tmpfs_mode = row->tmpfs_mode;
                }
        }
}

static void add_binds(struct imm_plan *p) {
        const struct imm_value *rw = imm_setting(p->s, IMM_SETTING_BIND_PATHS),
                               *ro = imm_setting(p->s, IMM_SETTING_BIND_READ_ONLY_PATHS);
        size_t i = 0, j = 0;

        /* the two settings fill one list */
        while (i < rw->binds.n || j < ro->binds.n) {
                bool first = j == ro->binds.n ||
                             (i < rw->binds.n && rw->binds.v[i].order < ro->binds.v[j].order);
                const struct imm_bind_item *b = first ? &rw->binds.v[i++] : &ro->binds.v[j++];
                struct imm_plan_entry *e = imm_plan_add(p,
                        b->recursive ? IMM_PLAN_BIND_RECURSIVE : IMM_PLAN_BIND, b->destination,
                        first ? IMM_SETTING_BIND_PATHS : IMM_SETTING_BIND_READ_ONLY_PATHS,
                        &b->origin);

                e->source = b->source;
                e->read_only = b->read_only;
                e->ignore = b->ignore_missing;
        }
}

/* ---- TemporaryFileSystem= ---- */

static const struct {
        const char *word;
        unsigned set, clear;
} tmpfs_words[] = {
        {"ro", IMM_MOUNT_RDONLY, 0},
        {"rw", 0, IMM_MOUNT_RDONLY},
        {"nosuid", IMM_MOUNT_NOSUID, 0},
        {"suid", 0, IMM_MOUNT_NOSUID},
        {"nodev", IMM_MOUNT_NODEV, 0},
        {"dev", 0, IMM_MOUNT_NODEV},
        {"noexec", IMM_MOUNT_NOEXEC, 0},
        {"exec", 0, IMM_MOUNT_NOEXEC},
};
/* Words of mount(8) that are flags for the kernel and change nothing here */
static const char *const tmpfs_indifferent[] = {"sync", "async", "dirsync", "silent", "loud",
        "mand", "nomand", "atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime",
        "strictatime", "nostrictatime", "lazytime", "nolazytime", "iversion", "noiversion",
        "nosymfollow"};
/* What tmpfs itself takes */
static const char *const tmpfs_own[] = {"size=", "nr_blocks=", "nr_inodes=", "mode=", "uid=",
        "gid=", "huge=", "mpol=", "inode32", "inode64", "noswap"};

static bool number_in(const char *text, int base, unsigned long *ret) {
        char *end;

        *ret = strtoul(text, &end, base);
        return isdigit((unsigned char)*text) && *end == '\0';
}

/* "10M", or "10%" where a part of the memory may be asked for */
static bool parse_size(const char *text, bool percent, unsigned long long *ret) {
        static const char units[] = "kmgtpe";
        const char *unit;
        char *end;

        *ret = strtoull(text, &end, 0);
        if (!isdigit((unsigned char)*text))
                return false;
        if (*end && (unit = strchr(units, *end | 0x20))) {
                *ret <<= 10 * (unit - units + 1); /* as the kernel, which looks for no overflow */
                end++;
        } else if (percent && *end == '%')
                end++;
        return *end == '\0';
}

static bool tmpfs_value(struct imm_plan_entry *e, const char *key, const char *value) {
        unsigned long long size;
        unsigned long n = 0;

        if (imm_streq(key, "nr_inodes="))
                return parse_size(value, false, &e->tmpfs_inodes);
        if (imm_streq(key, "size=") || imm_streq(key, "nr_blocks="))
                return parse_size(value, key[0] == 's', &size);
        if (imm_streq(key, "mode=")) {
                if (!number_in(value, 8, &n))
                        return false;
                e->tmpfs_mode = n & 07777;
        } else if (imm_streq(key, "uid=")) {
                if (!number_in(value, 10, &n) || n >= UINT32_MAX)
                        return false;
                e->tmpfs_uid = (uid_t)n;
        } else if (imm_streq(key, "gid=")) {
                if (!number_in(value, 10, &n) || n >= UINT32_MAX)
                        return false;
                e->tmpfs_gid = (gid_t)n;
        }
        return true;
}

enum { X_OPTIONS = 248 }; /* options that are for other programs are left out */

static bool tmpfs_option(struct imm_plan_entry *e, const char *word, unsigned version) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(tmpfs_words); i++)
                if (imm_streq(word, tmpfs_words[i].word)) {
                        e->flags = (e->flags | tmpfs_words[i].set) & ~tmpfs_words[i].clear;
                        return true;
                }
        for (size_t i = 0; i < IMM_ELEMENTSOF(tmpfs_indifferent); i++)
                if (imm_streq(word, tmpfs_indifferent[i]))
                        return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(tmpfs_own); i++) {
                const char *value = imm_after(word, tmpfs_own[i]);

                if (value)
                        return tmpfs_value(e, tmpfs_own[i], value);
        }
        return version >= X_OPTIONS && strncasecmp(word, "x-", 2) == 0;
}

static void add_tmpfs(struct imm_plan *p) {
        const struct imm_value *v = imm_setting(p->s, IMM_SETTING_TEMPORARY_FILE_SYSTEM);

        imm_array_foreach (item, &v->tmpfs) {
                struct imm_plan_entry *e = imm_plan_add(p, IMM_PLAN_TMPFS, item->path,
                        IMM_SETTING_TEMPORARY_FILE_SYSTEM, &item->origin);
                const char *o = item->options ? item->options : "";

                e->options = o;
                e->flags = IMM_MOUNT_NODEV;
                while (*o) {
                        size_t n = strcspn(o, ",");

                        if (n > 0 && !tmpfs_option(e, imm_strndup(p->a, o, n), p->s->version))
                                e->bad_options = true;
                        o += n;
                        o += *o == ',';
                }
                e->read_only = e->flags & IMM_MOUNT_RDONLY;
                e->flags &= ~(unsigned)IMM_MOUNT_RDONLY;
        }
}

/* ---- PrivateTmp= ---- */

static void add_private_tmp(struct imm_plan *p) {
        static const struct {
                const char *path, *name;
        } dirs[] = {{"/tmp", "tmp"}, {"/var/tmp", "var-tmp"}};
        uint64_t how = number(p, IMM_SETTING_PRIVATE_TMP);
        const char *hidden;

        if (how == 2) {
                struct imm_plan_entry *e;

                hidden = imm_printf(p->a, "%s/systemd/unit-private-tmp", p->runtime);
                e = add_for(p, IMM_PLAN_PRIVATE_TMPFS, hidden, IMM_SETTING_PRIVATE_TMP);
                e->has_prefix = true;
                e->tmpfs_mode = 0700;
                e->flags = IMM_MOUNT_NODEV;
                e->fixed = true;
                for (size_t i = 0; i < IMM_ELEMENTSOF(dirs); i++) {
                        e = add_for(p, IMM_PLAN_BIND, dirs[i].path, IMM_SETTING_PRIVATE_TMP);
                        e->source = imm_printf(p->a, "%s/%s", hidden, dirs[i].name);
                        e->create_source = e->fixed = true;
                }
        } else if (how == 1 && imm_plan_has_tmp(p)) {
                for (size_t i = 0; i < IMM_ELEMENTSOF(dirs); i++) {
                        const char *parent = imm_printf(
                                p->a, "%s/systemd-private-*-%s-*", dirs[i].path, p->joined.maker);
                        const char *dir = imm_printf(p->a, "%s/tmp", parent);

                        (void)imm_vfs_mkdir_p(p->v, dirs[i].path, 01777);
                        (void)imm_vfs_mknod(p->v, parent, S_IFDIR | 0700, NULL);
                        (void)imm_vfs_mknod(p->v, dir, S_IFDIR | 01777, NULL);
                        add_for(p, IMM_PLAN_PRIVATE_TMP, dirs[i].path, IMM_SETTING_PRIVATE_TMP)
                                ->source = dir;
                }
        }
}

/* ---- ExtensionDirectories= ---- */

static void add_extensions(struct imm_plan *p) {
        static const char *const hierarchies[] = {"/opt", "/usr", "/etc"};
        const struct imm_value *v = imm_setting(p->s, IMM_SETTING_EXTENSION_DIRECTORIES);
        /* confext's /etc came with 257 */
        size_t n = p->s->version >= 257 ? 3 : 2, count = 0;
        struct imm_strv layers[IMM_ELEMENTSOF(hierarchies)] = {{0}};

        if (v->paths.n == 0)
                return;
        imm_array_foreach (item, &v->paths) {
                const char *at =
                        imm_printf(p->a, "%s/systemd/unit-extensions/%zu", p->runtime, count++);
                struct imm_plan_entry *e = imm_plan_add(p, IMM_PLAN_EXTENSION_DIRECTORY, at,
                        IMM_SETTING_EXTENSION_DIRECTORIES, &item->origin);

                e->source = item->path;
                e->ignore = item->ignore_missing;
                e->has_prefix = e->read_only = true;
                for (size_t i = 0; i < n; i++)
                        imm_strv_add(
                                p->a, &layers[i], imm_printf(p->a, "%s%s", at, hierarchies[i]));
        }
        for (size_t i = 0; i < n; i++) {
                struct imm_plan_entry *e = add_for(
                        p, IMM_PLAN_OVERLAY, hierarchies[i], IMM_SETTING_EXTENSION_DIRECTORIES);

                e->layers = layers[i];
                e->ignore = true;
        }
}

/* ---- protections ---- */

static void add_protections(struct imm_plan *p) {
        /* a relaxed view of '+' commands in a RootDirectory= */
        bool relaxed = !p->sandboxing && !on(p, IMM_SETTING_DYNAMIC_USER) && p->root_directory;
        bool proc = relaxed || (p->q.subset_ignored && is(p, IMM_SETTING_PROC_SUBSET, "pid"));
        enum imm_setting api = IMM_SETTING_MOUNT_APIVFS;

        if (!p->sandboxing)
                return;
        if (on(p, IMM_SETTING_PRIVATE_DEVICES))
                add_for(p, IMM_PLAN_PRIVATE_DEV, "/dev", IMM_SETTING_PRIVATE_DEVICES);
        if (on(p, IMM_SETTING_PROTECT_KERNEL_TUNABLES)) {
                add_rows(p, IMM_TABLE_TUNABLES_PROC, IMM_SETTING_PROTECT_KERNEL_TUNABLES, proc);
                add_rows(p, IMM_TABLE_TUNABLES_SYS, IMM_SETTING_PROTECT_KERNEL_TUNABLES, relaxed);
        }
        if (on(p, IMM_SETTING_PROTECT_KERNEL_MODULES))
                add_rows(p, IMM_TABLE_MODULES, IMM_SETTING_PROTECT_KERNEL_MODULES, relaxed);
        if (on(p, IMM_SETTING_PROTECT_KERNEL_LOGS)) {
                add_rows(p, IMM_TABLE_LOGS_PROC, IMM_SETTING_PROTECT_KERNEL_LOGS, proc);
                add_rows(p, IMM_TABLE_LOGS_DEV, IMM_SETTING_PROTECT_KERNEL_LOGS, relaxed);
        }
        if (on(p, IMM_SETTING_PROTECT_CONTROL_GROUPS))
                add_rows(p,
                        IMM_TABLE_CGROUPS_YES +
                                (enum imm_plan_table)(
                                        number(p, IMM_SETTING_PROTECT_CONTROL_GROUPS) - 1),
                        IMM_SETTING_PROTECT_CONTROL_GROUPS, false);
        if (on(p, IMM_SETTING_PROTECT_HOME))
                add_rows(p,
                        IMM_TABLE_HOME_YES +
                                (enum imm_plan_table)(number(p, IMM_SETTING_PROTECT_HOME) - 1),
                        IMM_SETTING_PROTECT_HOME, relaxed);
        if (on(p, IMM_SETTING_PROTECT_SYSTEM))
                add_rows(p,
                        IMM_TABLE_SYSTEM_YES +
                                (enum imm_plan_table)(number(p, IMM_SETTING_PROTECT_SYSTEM) - 1),
                        IMM_SETTING_PROTECT_SYSTEM, false);
        if (imm_needs_api(p->s)) {
                if (imm_needs_root(p->s) && !imm_setting(p->s, IMM_SETTING_MOUNT_APIVFS)->set)
                        api = IMM_SETTING_ROOT_DIRECTORY;
        } else if (on(p, IMM_SETTING_PROTECT_CONTROL_GROUPS))
                api = IMM_SETTING_PROTECT_CONTROL_GROUPS;
        else if (on(p, IMM_SETTING_PROTECT_KERNEL_TUNABLES))
                api = IMM_SETTING_PROTECT_KERNEL_TUNABLES;
        else if (on(p, IMM_SETTING_PROTECT_PROC))
                api = IMM_SETTING_PROTECT_PROC;
        else if (on(p, IMM_SETTING_PROC_SUBSET))
                api = IMM_SETTING_PROC_SUBSET;
        else if (on(p, IMM_SETTING_PRIVATE_PIDS))
                api = IMM_SETTING_PRIVATE_PIDS;
        else
                api = IMM_SETTING_N;
        if (api != IMM_SETTING_N)
                add_rows(p, IMM_TABLE_APIVFS, api, relaxed);
        if (on(p, IMM_SETTING_PROTECT_HOSTNAME))
                add_rows(p, IMM_TABLE_HOSTNAME, IMM_SETTING_PROTECT_HOSTNAME, proc);
        if (p->q.private_sys && imm_needs_network(p->s))
                add_for(p, IMM_PLAN_PRIVATE_SYSFS, "/sys", IMM_SETTING_PRIVATE_NETWORK);
        if (imm_needs_ipc(p->s))
                add_for(p, IMM_PLAN_MQUEUE, "/dev/mqueue", IMM_SETTING_PRIVATE_IPC)->flags =
                        IMM_MOUNT_NOSUID | IMM_MOUNT_NODEV | IMM_MOUNT_NOEXEC;
}

/* ---- what no setting asks for ---- */

static struct imm_plan_entry *add_implicit(
        struct imm_plan *p, enum imm_plan_mode mode, const char *path, const char *why) {
        struct imm_plan_entry *e = imm_plan_add(p, mode, path, IMM_SETTING_N, NULL);

        e->why = why;
        return e;
}

static void add_credentials(struct imm_plan *p) {
        enum { NONE = IMM_MOUNT_NODEV | IMM_MOUNT_NOSUID | IMM_MOUNT_NOEXEC };
        struct imm_plan_entry *e;

        if (p->credentials) {
                const char *dir = "/run/credentials";

                if (p->user_manager && p->s->version >= 256)
                        dir = imm_printf(p->a, "%s/credentials", p->runtime);
                e = add_implicit(
                        p, IMM_PLAN_TMPFS, dir, "credentials of other services are hidden");
                e->read_only = true;
                e->flags = NONE;
                e = add_implicit(p, IMM_PLAN_BIND, p->credentials, "the unit's own credentials");
                e->source = p->credentials;
                e->read_only = true;
                e->ignore = p->s->version >= 253;
        }
        if (!p->credentials || (p->user_manager && p->s->version >= 256))
                add_implicit(p, IMM_PLAN_INACCESSIBLE, "/run/credentials",
                        "credentials of other services are hidden")
                        ->ignore = true;
}

static void add_sockets(struct imm_plan *p) {
        static const char *const log_sockets[] = {
                "/run/systemd/journal/socket",
                "/run/systemd/journal/stdout",
                "/run/systemd/journal/dev-log",
        };
        const char *log = imm_setting_string(p->s, IMM_SETTING_LOG_NAMESPACE);
        struct imm_plan_entry *e;

        if (log) {
                const char *dir = imm_printf(p->a, "/run/systemd/journal.%s", log);
                struct imm_vpath at;

                /* its journal is started before, but nobody does that for a user's unit */
                if (!p->user_manager)
                        (void)imm_vfs_mknod(p->v, dir, S_IFDIR | 0755, NULL);
                else if (imm_vfs_lookup(p->v, dir, false, &at) >= 0)
                        imm_vfs_remove(p->v, at.node);
                e = add_for(p, IMM_PLAN_BIND_RECURSIVE, "/run/systemd/journal",
                        IMM_SETTING_LOG_NAMESPACE);
                e->source = dir;
                e->read_only = true;
        } else if (p->sandboxing && imm_needs_log_sockets(p->s))
                for (size_t i = 0; i < IMM_ELEMENTSOF(log_sockets); i++) {
                        e = tristate(p, IMM_SETTING_BIND_LOG_SOCKETS) > 0
                                    ? add_for(p, IMM_PLAN_BIND, log_sockets[i],
                                              IMM_SETTING_BIND_LOG_SOCKETS)
                                    : add_implicit(p, IMM_PLAN_BIND, log_sockets[i],
                                              "the journal's sockets in a root of its own");
                        e->source = log_sockets[i];
                        e->read_only = e->nosuid = e->noexec = e->ignore = true;
                }
}

static void add_runtime(struct imm_plan *p) {
        struct imm_plan_entry *e;

        if (p->q.propagate && !p->user_manager) {
                e = add_implicit(p, IMM_PLAN_BIND, "/run/systemd/incoming",
                        "for mounts that systemd adds while the service runs");
                e->source = imm_printf(p->a, "/run/systemd/propagate/%s", p->s->unit->name);
                e->read_only = true;
        }
        if (p->q.notify_socket && p->root_directory && !is(p, IMM_SETTING_NOTIFY_ACCESS, "none")) {
                const char *path = imm_printf(p->a, "%s/systemd/notify", p->runtime);

                e = add_implicit(p, IMM_PLAN_BIND, path, "the notification socket");
                e->source = path;
                e->read_only = true;
        }
        if (p->q.os_release && p->root_directory && p->sandboxing && imm_needs_api(p->s)) {
                e = add_implicit(p, IMM_PLAN_BIND, "/run/host/.os-release-stage",
                        "the host's os-release in a root of its own");
                e->source = imm_printf(p->a, "%s/systemd/propagate/.os-release-stage", p->runtime);
                e->read_only = e->ignore = true;
                imm_strv_add(p->a, &p->links, "/run/host/.os-release-stage/os-release");
                imm_strv_add(p->a, &p->links, "/run/host/os-release");
        }
}

static void prefix_where_needed(struct imm_plan *p) {
        imm_array_foreach (at, &p->entries) {
                struct imm_plan_entry *e = *at;

                if (e->has_prefix)
                        continue;
                e->path = imm_printf(p->a, "%s%s", imm_streq(p->root, "/") ? "" : p->root,
                        imm_streq(e->path, "/") && !imm_streq(p->root, "/") ? "" : e->path);
                e->has_prefix = true;
        }
}

void imm_plan_build(struct imm_plan *p) {
        add_paths(p, IMM_SETTING_READ_WRITE_PATHS, IMM_PLAN_READ_WRITE);
        if (p->memory_pressure) {
                struct imm_plan_entry *e = add_implicit(p, IMM_PLAN_READ_WRITE, p->memory_pressure,
                        "the unit's own pressure file stays writable");

                e->has_prefix = p->root_directory != NULL;
        }
        if (p->sandboxing) {
                add_paths(p, IMM_SETTING_READ_ONLY_PATHS, IMM_PLAN_READ_ONLY);
                add_paths(p, IMM_SETTING_INACCESSIBLE_PATHS, IMM_PLAN_INACCESSIBLE);
                if (p->q.exec_rounds) {
                        add_paths(p, IMM_SETTING_EXEC_PATHS, IMM_PLAN_EXEC);
                        add_paths(p, IMM_SETTING_NO_EXEC_PATHS, IMM_PLAN_NOEXEC);
                }
        }
        add_binds(p);
        imm_plan_dirs_add(p);
        add_tmpfs(p);
        if (p->sandboxing)
                add_private_tmp(p);
        add_extensions(p);
        add_protections(p);
        add_credentials(p);
        add_sockets(p);
        add_runtime(p);
        prefix_where_needed(p);
}
