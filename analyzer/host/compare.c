/* Where the running service is not what the files predict, and the likely reason. */

#include "analyzer/host/host.h"

#include <errno.h>
#include <sys/capability.h>

/* What decides about mounts, identity and filters, by its name as a property */
static const char *const compared[] = {
        "User",
        "Group",
        "DynamicUser",
        "SupplementaryGroups",
        "RootDirectory",
        "RootImage",
        "MountAPIVFS",
        "ProtectSystem",
        "ProtectHome",
        "PrivateTmp",
        "PrivateTmpEx",
        "PrivateDevices",
        "PrivateNetwork",
        "PrivateIPC",
        "PrivateUsers",
        "PrivateUsersEx",
        "PrivateMounts",
        "PrivatePIDs",
        "NetworkNamespacePath",
        "ProtectKernelTunables",
        "ProtectKernelModules",
        "ProtectKernelLogs",
        "ProtectClock",
        "ProtectControlGroups",
        "ProtectControlGroupsEx",
        "ProtectHostname",
        "ProtectHostnameEx",
        "ProtectProc",
        "ProcSubset",
        "NoNewPrivileges",
        "ReadWritePaths",
        "ReadOnlyPaths",
        "InaccessiblePaths",
        "ExecPaths",
        "NoExecPaths",
        "BindPaths",
        "BindReadOnlyPaths",
        "TemporaryFileSystem",
        "RuntimeDirectory",
        "StateDirectory",
        "CacheDirectory",
        "LogsDirectory",
        "ConfigurationDirectory",
        "SystemCallFilter",
        "SystemCallArchitectures",
        "RestrictAddressFamilies",
        "MemoryDenyWriteExecute",
        "RestrictRealtime",
        "RestrictSUIDSGID",
        "LockPersonality",
        "KeyringMode",
};

struct comparison {
        struct imm_manager *m;
        struct imm_unit *u;
        struct imm_settings *s;
        const struct imm_live *live;
        const struct imm_sandbox *sb;
        struct imm_arena *a;
        struct imm_live_differences *ret;
        const char *stale; /* why the service may not know its files; NULL: it should */
        const char *maybe; /* a weaker sign of that, beside another reason; NULL: none */
};

const char *imm_live_kind_name(const struct imm_live_difference *d) {
        static const char *const names[] = {"setting", "namespace", "identity", "mount"};

        return names[d->kind];
}

static void differ(const struct comparison *c, int kind, const char *what, const char *predicted,
        const char *running, const char *reason) {
        *imm_array_push(c->a, c->ret) = (struct imm_live_difference){
                .kind = kind,
                .what = what,
                .predicted = predicted,
                .running = running,
                .reason = kind == IMM_LIVE_SETTING ? reason
                          : c->stale               ? c->stale
                          : c->maybe               ? imm_printf(c->a, "%s; or %s", reason, c->maybe)
                                                   : reason,
        };
}

/* ---- does it run what the files say? ---- */

/* Was @path, or what lies in it if it is a directory, changed after the main process was started?
 */
static bool is_newer(const struct comparison *c, const char *path) {
        struct stat st;

        return c->live->started > 0 && imm_root_stat(c->m->root, path, &st) >= 0 &&
               (uint64_t)st.st_ctim.tv_sec * 1000000 + (uint64_t)st.st_ctim.tv_nsec / 1000 >
                       c->live->started;
}

/* A file of the unit that changed or went after its main process was started, as a reason */
static const char *changed_since(const struct comparison *c) {
        const struct imm_map *loaded = &c->live->properties;
        const char *const lists[] = {
                imm_map_get(loaded, "FragmentPath"), imm_map_get(loaded, "DropInPaths")};

        for (size_t i = 0; i < c->u->n_files; i++)
                if (is_newer(c, c->u->files[i]->path))
                        return imm_printf(
                                c->a, "not restarted since %s changed", c->u->files[i]->path);
        for (size_t i = 0; i < IMM_ELEMENTSOF(lists); i++)
                for (const char *at = lists[i]; at && *at;) {
                        const char *path = imm_strndup(c->a, at, strcspn(at, " "));
                        struct stat st;

                        if (*path == '/' && imm_root_lstat(c->m->root, path, &st) == -ENOENT)
                                return imm_printf(
                                        c->a, "%s was taken away since the manager read it", path);
                        at += strlen(path);
                        at += *at == ' ';
                }
        return NULL;
}

/* A folder of the unit's files that changed since: what was taken out of it leaves no other trace.
 */
static const char *may_have_lost_files(const struct comparison *c) {
        for (size_t i = 0; i < c->m->search_path.n; i++) {
                const char *dir = c->m->search_path.v[i];
                const char *own = imm_printf(c->a, "%s/%s.d", dir, c->u->name);

                if (is_newer(c, own))
                        dir = own;
                else if (imm_after(dir, "/run/") || !is_newer(c, dir))
                        continue;
                return imm_printf(c->a,
                        "a file of the unit was taken away since the start (%s changed)", dir);
        }
        return NULL;
}

/* ---- what the manager has loaded ---- */

/* How a value is quoted is not worth a difference. */
static const char *bare(struct imm_arena *a, const char *s) {
        char *copy = imm_strdup(a, s), *to = copy;

        for (; *s; s++)
                if (*s != '"' && *s != '\\')
                        *to++ = *s;
        *to = '\0';
        return copy;
}

/* The property as the files make it; NULL where this version has none */
static const char *predicted_property(const struct comparison *c, const char *name) {
        imm_auto_free char *text = NULL;
        const char *value = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);
        int r;

        if (!f)
                imm_oom();
        r = imm_property_write(c->s, name, f);
        if (fclose(f) != 0)
                imm_oom();
        if (r >= 0 && text && (value = strchr(text, '=')))
                value = imm_strndup(c->a, value + 1, strcspn(value + 1, "\n"));
        return value;
}

/* Up to 252 a drop-in folder that is new to the manager does not make it say NeedDaemonReload. */
static bool needs_reload(const struct comparison *c) {
        const char *loaded = imm_map_get(&c->live->properties, "DropInPaths");
        const char *there = predicted_property(c, "DropInPaths");

        return c->live->need_daemon_reload || (loaded && there && !imm_streq(loaded, there));
}

static const char *manager_reason(const struct comparison *c) {
        const struct imm_live *l = c->live;

        if (needs_reload(c))
                return "the manager has not read the files since they changed: systemctl "
                       "daemon-reload";
        if (l->manager_version > 0 && l->manager_version != c->m->version)
                return imm_printf(c->a,
                        "the manager that runs is systemd %u, the files were judged "
                        "as %u: systemctl daemon-reexec",
                        l->manager_version, c->m->version);
        return "the manager was told so at run time, or reads the files in another way";
}

static void compare_settings(const struct comparison *c) {
        const struct imm_live *l = c->live;

        if (l->manager_version > 0 && l->manager_version != c->m->version)
                differ(c, IMM_LIVE_SETTING, "systemd", imm_printf(c->a, "%u", c->m->version),
                        imm_printf(c->a, "%u", l->manager_version), manager_reason(c));
        if (l->need_daemon_reload)
                differ(c, IMM_LIVE_SETTING, "NeedDaemonReload", "no", "yes", manager_reason(c));
        for (size_t i = 0; i < IMM_ELEMENTSOF(compared); i++) {
                const char *running = imm_map_get(&l->properties, compared[i]);
                const char *predicted = running ? predicted_property(c, compared[i]) : NULL;

                if (predicted && !imm_streq(bare(c->a, predicted), bare(c->a, running)))
                        differ(c, IMM_LIVE_SETTING, imm_printf(c->a, "%s=", compared[i]), predicted,
                                running, manager_reason(c));
        }
}

/* ---- the process ---- */

static void compare_caps(const struct comparison *c, const struct imm_identity *id) {
        const struct imm_process *p = &c->live->process;
        const struct {
                const char *what;
                uint64_t predicted, running;
        } sets[] = {
                {"CapBnd", id->cap_bounding, p->cap_bounding},
                {"CapPrm", id->cap_permitted, p->cap_permitted},
                {"CapEff", id->cap_effective, p->cap_effective},
                {"CapInh", id->cap_inheritable, p->cap_inheritable},
                {"CapAmb", id->cap_ambient, p->cap_ambient},
        };
        uint64_t known = cap_max_bits() >= 64 ? UINT64_MAX : (UINT64_C(1) << cap_max_bits()) - 1;

        for (size_t i = 0; i < IMM_ELEMENTSOF(sets); i++) {
                uint64_t more = sets[i].running & ~sets[i].predicted & known;
                uint64_t less = sets[i].predicted & ~sets[i].running & known;

                if (more || less)
                        differ(c, IMM_LIVE_IDENTITY, sets[i].what,
                                less ? imm_printf(c->a, "with %s", imm_caps_text(less, c->a))
                                     : "without",
                                more ? imm_printf(c->a, "with %s", imm_caps_text(more, c->a))
                                     : "without",
                                !more ? "the program gave them up by itself after the start"
                                      : "not explained by the unit: another process than the one "
                                        "that "
                                        "was started?");
        }
}

enum { DYNAMIC_UID_MIN = 61184, DYNAMIC_UID_MAX = 65519 };

static bool allocated(uid_t id) {
        return id >= DYNAMIC_UID_MIN && id <= DYNAMIC_UID_MAX;
}

static bool same_groups(const struct imm_identity *id, const struct imm_process *p) {
        /* a group that systemd allocates stands for any of them */
        if (id->n_groups == 1 && p->n_groups == 1 && allocated(id->groups[0]))
                return allocated(p->groups[0]);
        return id->n_groups == p->n_groups &&
               (p->n_groups == 0 ||
                       memcmp(id->groups, p->groups, p->n_groups * sizeof(*p->groups)) == 0);
}

static const char *groups_text(struct imm_arena *a, const gid_t *v, size_t n) {
        const char *all = "";

        for (size_t i = 0; i < n; i++)
                all = imm_printf(a, "%s%s%u", all, i > 0 ? " " : "", v[i]);
        return *all ? all : "none";
}

static void compare_ids(const struct comparison *c, const struct imm_identity *id) {
        const struct imm_process *p = &c->live->process;
        const char *either =
                "the user or its groups changed since the start, or the program changed them";
        const char *reason = id->uid == 0 && p->uid != 0
                                     ? "the program changed its user by itself after the start"
                                     : either;

        if (id->unknown || (id->dynamic && allocated(p->uid)))
                return;
        if (id->uid != p->uid)
                differ(c, IMM_LIVE_IDENTITY, "Uid", imm_printf(c->a, "%u", id->uid),
                        imm_printf(c->a, "%u", p->uid), reason);
        if (id->gid != p->gid)
                differ(c, IMM_LIVE_IDENTITY, "Gid", imm_printf(c->a, "%u", id->gid),
                        imm_printf(c->a, "%u", p->gid), reason);
        if (!same_groups(id, p))
                differ(c, IMM_LIVE_IDENTITY, "Groups", groups_text(c->a, id->groups, id->n_groups),
                        groups_text(c->a, p->groups, p->n_groups), reason);
}

static void compare_identity(const struct comparison *c) {
        const struct imm_identity *id = &c->sb->identity[c->sb->main];
        const struct imm_process *p = &c->live->process;
        bool filtered = c->sb->main != IMM_KIND_PRIVILEGED && imm_identity_filtered(c->s);

        compare_ids(c, id);
        compare_caps(c, id);
        if (id->no_new_privileges != p->no_new_privileges)
                differ(c, IMM_LIVE_IDENTITY, "NoNewPrivs", id->no_new_privileges ? "1" : "0",
                        p->no_new_privileges ? "1" : "0",
                        p->no_new_privileges
                                ? "the program set it by itself"
                                : "not set at the start: is this the process that systemd "
                                  "started?");
        if (filtered != (p->seccomp == 2))
                differ(c, IMM_LIVE_IDENTITY, "Seccomp", filtered ? "2" : "0",
                        imm_printf(c->a, "%u", p->seccomp),
                        filtered ? "the kernel refuses filters, or systemd was built without them"
                                 : "the program, or the container that all of this runs in, has a "
                                   "filter of its own");
}

/* ---- namespaces ---- */

static void compare_namespaces(const struct comparison *c) {
        const struct imm_settings *s = c->s;
        const struct {
                enum imm_live_ns ns;
                const char *what;
                bool own, by_path; /* a path may name the manager's own */
        } all[] = {
                {IMM_NS_MNT, "mnt", c->sb->mounts[c->sb->main].has_namespace, false},
                {IMM_NS_USER, "user", c->sb->identity[c->sb->main].userns != IMM_USERNS_NONE,
                        false},
                {IMM_NS_NET, "net", imm_setting_bool(s, IMM_SETTING_PRIVATE_NETWORK),
                        imm_setting_string(s, IMM_SETTING_NETWORK_NAMESPACE_PATH) != NULL},
                {IMM_NS_IPC, "ipc", imm_setting_bool(s, IMM_SETTING_PRIVATE_IPC),
                        imm_setting_string(s, IMM_SETTING_IPC_NAMESPACE_PATH) != NULL},
                {IMM_NS_PID, "pid", imm_setting_number(s, IMM_SETTING_PRIVATE_PIDS) != 0, false},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(all); i++) {
                int own = c->live->process.own[all[i].ns];

                if (own < 0 || all[i].by_path || all[i].own == (own == 1))
                        continue;
                differ(c, IMM_LIVE_NAMESPACE, all[i].what, all[i].own ? "its own" : "the manager's",
                        own ? "its own" : "the manager's",
                        own ? "made or joined by the program itself, or by a unit that it shares "
                              "namespaces with"
                            : "refused when it was started: the manager may not make namespaces "
                              "here "
                              "(a container?), and went on without");
        }
}

/* ---- mounts ---- */

static const char *flags_text(struct imm_arena *a, unsigned flags) {
        return imm_printf(a, "%s%s%s%s", flags & IMM_MOUNT_RDONLY ? "ro" : "rw",
                flags & IMM_MOUNT_NOSUID ? ",nosuid" : "", flags & IMM_MOUNT_NODEV ? ",nodev" : "",
                flags & IMM_MOUNT_NOEXEC ? ",noexec" : "");
}

static unsigned flags_of(const struct imm_mountinfo *i) {
        return i->flags | (i->read_only_fs ? IMM_MOUNT_RDONLY : 0);
}

/* @path of a file system that is mounted with the part @top at @at */
static const char *joined(struct imm_arena *a, const char *at, const char *top, const char *path) {
        const char *rest = imm_streq(top, "/") ? path : path + strlen(top);
        const char *all = imm_printf(
                a, "%s%s%s", imm_streq(at, "/") ? "" : at, *rest && *rest != '/' ? "/" : "", rest);
        size_t n = strlen(all);

        return n > 1 && all[n - 1] == '/' ? imm_strndup(a, all, n - 1) : n > 0 ? all : "/";
}

static bool within(const char *path, const char *top) {
        const char *rest = imm_after(path, top);

        return imm_streq(top, "/") || (rest && (*rest == '/' || *rest == '\0'));
}

/* Random parts are stars in the prediction. */
static bool starred_match(const char *pattern, const char *text) {
        const char *star = strchr(pattern, '*');
        size_t n = star ? (size_t)(star - pattern) : 0;

        if (!star)
                return imm_streq(pattern, text);
        if (strncmp(pattern, text, n) != 0)
                return false;
        for (text += n;; text++) {
                if (starred_match(star + 1, text))
                        return true;
                if (*text == '\0' || *text == '/')
                        return false;
        }
}

/* The names that the host has for what is mounted there, one of them the predicted one? */
static bool same_source(
        const struct comparison *c, const struct imm_mount *p, const struct imm_mountinfo *r) {
        const struct imm_mountinfos *host = &c->live->process.manager_mounts;
        size_t n = strlen(r->root);
        bool known = false;
        const char *part =
                imm_ends_with(r->root, "//deleted") ? imm_strndup(c->a, r->root, n - 9) : r->root;

        imm_array_foreach (h, host) {
                if (!imm_streq(h->device, r->device) || !within(part, h->root))
                        continue;
                if (starred_match(p->source, joined(c->a, h->path, h->root, part)))
                        return true;
                known = true;
        }
        return (!known || !imm_streq(imm_mount_type(p), "bind")) &&
               imm_streq(imm_mount_type(p), r->fstype);
}

static const char *running_text(const struct comparison *c, const struct imm_mountinfo *r) {
        return imm_printf(c->a, "%s %s (%s)", r->fstype, r->root, flags_text(c->a, flags_of(r)));
}

static const char *predicted_text(const struct comparison *c, const struct imm_mount *p) {
        return imm_printf(c->a, "%s %s (%s)%s%s", imm_mount_type(p), p->source,
                flags_text(c->a, p->flags), p->setting == IMM_SETTING_N ? "" : " by ",
                p->setting == IMM_SETTING_N
                        ? ""
                        : imm_printf(c->a, "%s=", imm_setting_info(p->setting)->name));
}

static bool on_the_host(const struct comparison *c, const char *path) {
        imm_array_foreach (h, &c->live->process.manager_mounts)
                if (imm_streq(h->path, path))
                        return true;
        return false;
}

/* Why what is predicted is not there */
static const char *missing_reason(const struct comparison *c, const struct imm_mount *p) {
        const char *const paths[] = {p->path, p->source};

        if (p->of_host)
                return "mounted on the host after the service was started, and not propagated to "
                       "it";
        for (size_t i = 0; i < IMM_ELEMENTSOF(paths); i++)
                if (*paths[i] == '/' && !strchr(paths[i], '*') && is_newer(c, paths[i]))
                        return imm_printf(c->a,
                                "%s was made or changed after the service was started", paths[i]);
        return "unmounted since the start, or refused then";
}

static void compare_mount(
        const struct comparison *c, const struct imm_mount *p, const struct imm_mountinfo *r) {
        if (!r)
                differ(c, IMM_LIVE_MOUNT, p->path, predicted_text(c, p), "no mount",
                        missing_reason(c, p));
        else if (!same_source(c, p, r) || p->flags != flags_of(r))
                differ(c, IMM_LIVE_MOUNT, p->path, predicted_text(c, p), running_text(c, r),
                        p->of_host
                                ? "mounted or remounted on the host after the service was started"
                                : "mounted or remounted in the service's namespace after the "
                                  "start");
}

static void compare_mounts(const struct comparison *c) {
        const struct imm_mount_table *t = &c->sb->mounts[c->sb->main];
        const struct imm_map *reached = &c->live->process.reached;
        struct imm_map predicted = {0};

        for (size_t i = 0; i < t->n; i++) {
                imm_map_put(c->a, &predicted, t->v[i].path, &t->v[i]);
                /* a mere chroot into a folder has no mount at its root */
                if (!imm_streq(t->v[i].path, "/") || imm_map_has(reached, "/"))
                        compare_mount(c, &t->v[i], imm_map_get(reached, t->v[i].path));
        }
        imm_array_foreach (e, reached)
                if (!imm_map_has(&predicted, e->key))
                        differ(c, IMM_LIVE_MOUNT, e->key, "no mount", running_text(c, e->value),
                                on_the_host(c, e->key)
                                        ? "the host's mount, kept or propagated although the files "
                                          "hide it"
                                        : "mounted in the service's namespace after the start, by "
                                          "itself "
                                          "or by systemctl bind; or since unmounted on the host");
}

void imm_live_compare(struct imm_manager *m, struct imm_unit *u, const struct imm_live *live,
        struct imm_arena *a, struct imm_live_differences *ret) {
        struct comparison c = {
                .m = m,
                .u = u,
                .s = imm_settings_of(m, u),
                .live = live,
                .sb = imm_sandbox_of(m, u),
                .a = a,
                .ret = ret,
        };
        const struct imm_mount_table *t = &c.sb->mounts[c.sb->main];

        if (live->loaded)
                compare_settings(&c);
        if (!live->process_seen)
                return;
        if (t->outcome == IMM_OUTCOME_UNKNOWN)
                return;
        c.stale = changed_since(&c);
        c.maybe = c.stale ? NULL : may_have_lost_files(&c);
        if (t->outcome != IMM_OUTCOME_OK) {
                c.maybe = NULL;
                differ(&c, IMM_LIVE_NAMESPACE, "start", imm_outcome_name(t->outcome), "it runs",
                        t->outcome == IMM_OUTCOME_NOT_LOADABLE
                                ? "its files were taken away, masked or broken since it was started"
                                : imm_printf(a, "what fails now%s%s%s did not when it was started",
                                          t->culprit ? " (" : "", t->culprit ? t->culprit : "",
                                          t->culprit ? ")" : ""));
                return;
        }
        compare_namespaces(&c);
        compare_identity(&c);
        if (live->process.mounts_seen && (live->process.own[IMM_NS_MNT] == 1 || !t->has_namespace))
                compare_mounts(&c);
}

void imm_live_of(
        struct imm_manager *m, struct imm_unit *u, struct imm_arena *a, struct imm_live *ret) {
        pid_t pid = 0, manager = 1;

        imm_live_ask_manager(m, u->name, a, ret, &pid, &manager);
        if (pid > 0)
                imm_live_look(pid, manager, a, ret);
}
