/*
 * A unit's mount table: the steps of systemd from the settings to the namespace, replayed on the
 * model, and what is then seen from the service's root.
 */

#include "analyzer/sandbox/boot/mounts.h"
#include "analyzer/sandbox/mounts/plan.h"
#include "analyzer/sandbox/vfs/world.h"

#include <assert.h>
#include <errno.h>

/* ---- failures ---- */

void imm_plan_fail(struct imm_plan *p, enum imm_start_step step, enum imm_outcome outcome,
        const char *culprit, const struct imm_origin *origin) {
        if (p->t->outcome != IMM_OUTCOME_OK)
                return;
        p->t->outcome = outcome;
        p->t->step = step;
        p->t->culprit = culprit ? imm_strdup(p->out, imm_path_of_process(culprit, p->a)) : NULL;
        if (origin)
                p->t->culprit_origin = *origin;
}

/* A path of the new root as the service would name it */
static const char *inside(const struct imm_plan *p, const char *path) {
        const char *rest = imm_path_below(path, p->root ? p->root : "/");

        return rest ? imm_printf(p->a, "/%s", rest) : path;
}

static void namespace_fails(struct imm_plan *p, const struct imm_plan_entry *e, int error) {
        const char *what = e ? e->plain : p->root_directory ? p->root_directory : NULL;

        if (e && e->followed > 0 && error == -ENOENT)
                what = inside(p, e->path);
        if (e && e->source && e->mode == IMM_PLAN_EXTENSION_DIRECTORY &&
                (error == -ENOENT || error == -ENOTDIR)) {
                what = e->source;
                if (error == -ENOTDIR && p->t->outcome == IMM_OUTCOME_OK)
                        p->t->culprit_why = "which is no directory";
        } else if (e && e->source && error == -ENOENT &&
                   (e->mode == IMM_PLAN_BIND || e->mode == IMM_PLAN_BIND_RECURSIVE) &&
                   p->t->outcome == IMM_OUTCOME_OK)
                p->t->culprit_source = imm_strdup(p->out, e->source);
        imm_plan_fail(
                p, IMM_STEP_MOUNTS, IMM_OUTCOME_NAMESPACE_FAILURE, what, e ? &e->origin : NULL);
}

/* ---- the steps ---- */

/* Without the privilege for a namespace systemd goes on, unless that would change what is where. */
static bool insists(const struct imm_plan *p) {
        static const enum imm_setting binds[] = {
                IMM_SETTING_BIND_PATHS, IMM_SETTING_BIND_READ_ONLY_PATHS};

        if (imm_setting(p->s, IMM_SETTING_TEMPORARY_FILE_SYSTEM)->tmpfs.n > 0 ||
                p->root_directory || imm_setting_bool(p->s, IMM_SETTING_DYNAMIC_USER) ||
                imm_setting(p->s, IMM_SETTING_EXTENSION_DIRECTORIES)->paths.n > 0 ||
                imm_setting_string(p->s, IMM_SETTING_LOG_NAMESPACE))
                return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(binds); i++) {
                const struct imm_value *v = imm_setting(p->s, binds[i]);

                imm_array_foreach (b, &v->binds)
                        if (!imm_streq(b->source, b->destination))
                                return true;
        }
        return false;
}

static void enter_user_namespace(struct imm_plan *p) {
        p->userns = true;
        p->v->user_namespace = true;
        imm_array_foreach (m, &p->v->mounts) {
                (*m)->locked = (*m)->parent != NULL;
                (*m)->locked_flags = (*m)->flags;
        }
}

/* The directories that any root must have; links where /usr has what they lead to */
static void make_base_directories(struct imm_plan *p) {
        static const struct {
                const char *name;
                mode_t mode;
                const char *targets[2], *needs;
                unsigned since, until;
        } rows[] = {
                {"bin", 0, {"usr/bin"}, NULL, 0, 0},
                {"lib", 0, {"usr/lib"}, NULL, 0, 0},
                {"root", 0755, {NULL}, NULL, 0, 249},
                {"root", 0750, {NULL}, NULL, 250, 0},
                {"sbin", 0, {"usr/sbin"}, NULL, 0, 0},
                {"usr", 0755, {NULL}, NULL, 0, 0},
                {"var", 0755, {NULL}, NULL, 0, 0},
                {"etc", 0755, {NULL}, NULL, 0, 0},
                {"proc", 0755, {NULL}, NULL, 0, 253},
                {"proc", 0555, {NULL}, NULL, 254, 0},
                {"sys", 0755, {NULL}, NULL, 0, 253},
                {"sys", 0555, {NULL}, NULL, 254, 0},
                {"dev", 0755, {NULL}, NULL, 0, 253},
                {"dev", 0555, {NULL}, NULL, 254, 0},
                {"run", 0555, {NULL}, NULL, 254, 0},
                {"lib64", 0, {"usr/lib/x86_64-linux-gnu", "usr/lib64"}, "ld-linux-x86-64.so.2", 0,
                        251},
                {"lib64", 0, {"usr/lib64"}, "ld-linux-x86-64.so.2", 252, 253},
                {"lib64", 0, {"usr/lib64", "usr/lib"}, "ld-linux-x86-64.so.2", 254, 0},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                const char *path = imm_printf(p->a, "%s/%s", p->root, rows[i].name);
                struct imm_vpath at;

                if (p->s->version < rows[i].since ||
                        (rows[i].until && p->s->version > rows[i].until))
                        continue;
                if (rows[i].mode) {
                        (void)imm_vfs_mknod(p->v, path, S_IFDIR | rows[i].mode, NULL);
                        continue;
                }
                for (size_t t = 0; t < 2 && rows[i].targets[t]; t++) {
                        const char *to = imm_printf(p->a, "%s/%s%s%s", p->root, rows[i].targets[t],
                                rows[i].needs ? "/" : "", rows[i].needs ? rows[i].needs : "");

                        if (imm_vfs_lookup(p->v, to, false, &at) < 0)
                                continue;
                        (void)imm_vfs_mknod(p->v, path, S_IFLNK | 0777, rows[i].targets[t]);
                        break;
                }
        }
}

enum { ROOT_RESOLVED = 256 }; /* before, links on the way to the root stay in its name */

static int open_root(struct imm_plan *p) {
        struct imm_vpath at;
        int r;

        if (!p->root_directory) {
                p->root = p->q.root;
                return imm_vfs_bind(p->v, "/", p->root, true);
        }
        p->root = p->root_directory;
        if (p->s->version >= ROOT_RESOLVED) {
                r = imm_vfs_chase(p->v, p->root, &p->root);
                if (r < 0)
                        return r;
        }
        r = imm_vfs_lookup(p->v, p->root, false, &at);
        if (r < 0)
                return r;
        if (S_ISLNK(imm_vfs_mode(p->v, at.node)))
                return -ELOOP;
        if (!S_ISDIR(imm_vfs_mode(p->v, at.node)))
                return -ENOTDIR;
        if (at.node != at.mount->root) {
                r = imm_vfs_bind(p->v, p->root, p->root, true);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A file of the process in /proc there, which can be written to */
static bool is_own_file(struct imm_plan *p, struct imm_vpath root, const char *path) {
        struct imm_vpath at;

        return imm_vfs_lookup_from(p->v, root, path, true, &at) >= 0 &&
               imm_streq(at.node->fs->type, "proc") && !at.node->fs->read_only &&
               !(at.mount->flags & IMM_MOUNT_RDONLY);
}

/*
 * The system manager's user namespaces are made in the new mount namespace: the process that is to
 * be mapped is found in /proc there.
 */
static bool may_map_users(struct imm_plan *p, struct imm_vpath root) {
        static const char *const files[] = {
                "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups"};

        if (p->user_manager || imm_setting_number(p->s, IMM_SETTING_PRIVATE_USERS) == 0)
                return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(files); i++)
                if (!is_own_file(p, root, files[i]))
                        return false;
        return true;
}

enum { OWN_UMASK = 249 }; /* before, mount points are made with the unit's UMask= */

static void make_namespace(struct imm_plan *p) {
        const struct imm_plan_entry *culprit;
        struct imm_vpath root;
        int r;

        p->root = p->root_directory ? p->root_directory : p->q.root;
        if (p->q.propagate && !p->user_manager)
                (void)imm_vfs_mkdir_p(p->v,
                        imm_printf(p->a, "/run/systemd/propagate/%s", p->s->unit->name), 0600);
        r = open_root(p);
        if (r < 0) {
                imm_plan_fail(p, IMM_STEP_MOUNTS, IMM_OUTCOME_NAMESPACE_FAILURE, p->root_directory,
                        &imm_setting(p->s, IMM_SETTING_ROOT_DIRECTORY)->origin);
                return;
        }
        imm_plan_build(p);
        imm_plan_normalize(p);
        if (p->root_directory)
                make_base_directories(p);
        if (p->s->version < OWN_UMASK)
                p->v->umask = (mode_t)imm_setting_number(p->s, IMM_SETTING_UMASK);
        r = imm_plan_apply(p, &culprit);
        p->v->umask = 0;
        if (r < 0) {
                namespace_fails(p, culprit, r);
                return;
        }
        if (imm_streq(p->root, "/") && p->s->version < 257 && !p->lenient) {
                imm_plan_fail(p, IMM_STEP_MOUNTS, IMM_OUTCOME_NAMESPACE_FAILURE, "/",
                        &imm_setting(p->s, IMM_SETTING_ROOT_DIRECTORY)->origin);
                return;
        }
        r = imm_vfs_lookup(p->v, p->root, true, &root);
        if (r < 0) {
                namespace_fails(p, NULL, r);
                return;
        }
        if (!p->lenient && !p->user_manager)
                imm_plan_images_find(p);
        if (p->t->outcome != IMM_OUTCOME_OK)
                return;
        if (p->q.propagate && !p->user_manager && !p->lenient) {
                struct imm_vpath incoming;

                /* it is needed after the root was changed; what hides /run makes that fail */
                r = imm_vfs_lookup_from(p->v, root, "/run/systemd/incoming", true, &incoming);
                if (r < 0 || incoming.node != incoming.mount->root) {
                        imm_plan_fail(p, IMM_STEP_MOUNTS, IMM_OUTCOME_NAMESPACE_FAILURE,
                                "/run/systemd/incoming", NULL);
                        return;
                }
        }
        if (p->sandboxing && !p->lenient && !may_map_users(p, root)) {
                imm_plan_fail(p, IMM_STEP_USERS, IMM_OUTCOME_USER_FAILURE,
                        "PrivateUsers= needs a /proc to write to",
                        &imm_setting(p->s, IMM_SETTING_PRIVATE_USERS)->origin);
                return;
        }
        imm_plan_see(p, root, imm_vfs_path(p->v, root));
}

/* RootDirectory= without a namespace is a bare chroot. */
static void stay_outside(struct imm_plan *p) {
        struct imm_vpath root = {p->v->root, p->v->root->root};
        const char *path = "/";

        p->needs_namespace = false;
        if (p->root_directory) {
                bool privileged = !p->user_manager || (p->sandboxing && imm_needs_users(p->s));

                if (!privileged || imm_vfs_chase(p->v, p->root_directory, &path) < 0 ||
                        imm_vfs_lookup(p->v, path, true, &root) < 0 ||
                        !S_ISDIR(imm_vfs_mode(p->v, root.node))) {
                        imm_plan_fail(p, IMM_STEP_CHROOT, IMM_OUTCOME_CHROOT_FAILURE,
                                p->root_directory,
                                &imm_setting(p->s, IMM_SETTING_ROOT_DIRECTORY)->origin);
                        return;
                }
        } else
                root = imm_vfs_cross(p->v, root);
        imm_plan_see(p, root, path);
}

/* What systemd and the kernel have made at this point of a boot, beyond the known tables */
static void prepare_host(struct imm_plan *p) {
        static const struct {
                const char *name;
                mode_t mode;
        } nodes[] = {{"dir", S_IFDIR}, {"reg", S_IFREG}, {"fifo", S_IFIFO}, {"sock", S_IFSOCK},
                {"chr", S_IFCHR}};

        imm_vfs_force(p->v, p->q.root, S_IFDIR | (p->s->version >= 254 ? 0555 : 0700));
        imm_plan_cgroup_prepare(p);
        if (p->q.os_release)
                imm_vfs_force(p->v,
                        imm_printf(p->a, "%s/systemd/propagate/.os-release-stage/os-release",
                                p->runtime),
                        S_IFREG | 0644);
        if (!p->user_manager)
                return;
        for (size_t i = 0; i < IMM_ELEMENTSOF(nodes); i++)
                imm_vfs_force(p->v,
                        imm_printf(p->a, "%s/systemd/inaccessible/%s", p->runtime, nodes[i].name),
                        nodes[i].mode);
}

static void assume(struct imm_plan *p, enum imm_setting id, bool set) {
        if (set)
                imm_strv_add(p->out, &p->t->assumes,
                        imm_printf(p->out, "%s=", imm_setting_info(id)->name));
}

static void note_images(struct imm_plan *p) {
        assume(p, IMM_SETTING_ROOT_IMAGE, imm_setting_string(p->s, IMM_SETTING_ROOT_IMAGE) != NULL);
        assume(p, IMM_SETTING_MOUNT_IMAGES,
                imm_setting(p->s, IMM_SETTING_MOUNT_IMAGES)->strings.n > 0);
        assume(p, IMM_SETTING_EXTENSION_IMAGES,
                imm_setting(p->s, IMM_SETTING_EXTENSION_IMAGES)->strings.n > 0);
        /* what else the unit executes is told as if it were inside, too */
        assume(p, IMM_SETTING_ROOT_DIRECTORY_START_ONLY,
                p->root_directory && imm_setting_bool(p->s, IMM_SETTING_ROOT_DIRECTORY_START_ONLY));
        assume(p, IMM_SETTING_ROOT_EPHEMERAL, imm_setting_bool(p->s, IMM_SETTING_ROOT_EPHEMERAL));
}

/* A folder of versions is named, of which systemd takes one: systemd.v(7) */
static bool names_versions(const struct imm_plan *p, const char *path) {
        const char *name = strrchr(path, '/');

        if (!name || p->s->version < ROOT_RESOLVED)
                return false;
        return imm_ends_with(path, ".v") ||
               (strstr(name, "___") &&
                       imm_ends_with(imm_strndup(p->a, path, (size_t)(name - path)), ".v"));
}

static bool versions_unknown(
        struct imm_plan *p, const char *path, const struct imm_origin *origin) {
        if (!path || !names_versions(p, path))
                return false;
        imm_plan_fail(p, IMM_STEP_MOUNTS, IMM_OUTCOME_UNKNOWN, path, origin);
        imm_strv_add(p->out, &p->t->assumes, imm_printf(p->out, "what of %s is taken", path));
        return true;
}

static void run(struct imm_plan *p) {
        if (imm_plan_namespaces_open(p) < 0 && !p->lenient)
                return;
        if ((imm_plan_dirs_make(p) < 0 || imm_plan_credentials_make(p) < 0) && !p->lenient)
                return;
        imm_array_foreach (item, &imm_setting(p->s, IMM_SETTING_EXTENSION_DIRECTORIES)->paths)
                if (versions_unknown(p, item->path, &item->origin))
                        return;
        if (versions_unknown(
                    p, p->root_directory, &imm_setting(p->s, IMM_SETTING_ROOT_DIRECTORY)->origin))
                return;
        if (imm_setting_string(p->s, IMM_SETTING_ROOT_IMAGE)) {
                if (p->user_manager || !imm_plan_refuses_root_image(p))
                        imm_plan_fail(p, IMM_STEP_MOUNTS, IMM_OUTCOME_UNKNOWN,
                                "RootImage=", &imm_setting(p->s, IMM_SETTING_ROOT_IMAGE)->origin);
                return;
        }
        if (!p->needs_namespace) {
                stay_outside(p);
                return;
        }
        if (p->user_manager) {
                if (p->sandboxing && imm_needs_users(p->s))
                        enter_user_namespace(p);
                else if (insists(p) && !p->lenient) {
                        imm_plan_fail(
                                p, IMM_STEP_MOUNTS, IMM_OUTCOME_NAMESPACE_FAILURE, NULL, NULL);
                        return;
                } else {
                        stay_outside(p);
                        return;
                }
        }
        make_namespace(p);
}

static void compute(struct imm_manager *m, struct imm_settings *s, enum imm_command_kind kind,
        const struct imm_identity *id, bool lenient, struct imm_arena *a,
        struct imm_mount_table *ret) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct imm_world *w = imm_world_take(m);
        struct imm_identity owner;
        struct imm_plan p = {
                .m = m,
                .s = s,
                .id = id,
                .q = imm_quirks_of(s->version),
                .a = scratch,
                .out = a,
                .v = imm_vfs_new(w, scratch),
                .t = ret,
                .lenient = lenient,
                .sandboxing = kind != IMM_KIND_PRIVILEGED,
                .user_manager = m->scope != IMM_SCOPE_SYSTEM && m->user && m->user->uid != 0,
                .runtime = "/run",
                .root_directory = imm_setting_string(s, IMM_SETTING_ROOT_DIRECTORY),
        };

        /* the unit's directories are its user's, whoever the command runs as */
        p.as_root = kind == IMM_KIND_PRIVILEGED || kind == IMM_KIND_NO_SETUID;
        if (p.as_root) {
                imm_identity_compute(m, s, IMM_KIND_PLAIN, scratch, &owner);
                p.id = &owner;
        }
        if (p.user_manager) {
                p.runtime = imm_printf(scratch, "/run/user/%u", m->user->uid);
                p.v->uid = m->user->uid;
        }
        p.v->m = m;
        p.v->unit = s->unit;
        p.v->own = kind == IMM_KIND_PRIVILEGED ? IMM_OWN_NOTHING : IMM_OWN_PRIVILEGED;
        p.v->bottom_flags = s->version < 248;
        p.v->setattr = s->version >= 249;
        note_images(&p);
        imm_plan_dirs_prepare(&p);
        imm_joined_of(m, s, a, &p.joined);
        if (p.joined.unsure)
                imm_strv_add(a, &ret->assumes, p.joined.unsure);
        p.needs_namespace = imm_needs_mounts(s, imm_plan_has_tmp(&p));
        prepare_host(&p);
        run(&p);
        ret->has_namespace = p.needs_namespace && ret->outcome == IMM_OUTCOME_OK;
        ret->root_directory = p.root_directory ? imm_strdup(a, p.root_directory) : NULL;
        for (size_t i = 0; i < p.v->uncertain.n; i++)
                imm_strv_add(
                        a, &ret->assumes, imm_printf(a, "whether %s exists", p.v->uncertain.v[i]));
        imm_world_give(m, w);
}

void imm_mount_table_compute(struct imm_manager *m, struct imm_settings *s,
        enum imm_command_kind kind, const struct imm_identity *id, struct imm_arena *a,
        struct imm_mount_table *ret) {
        compute(m, s, kind, id, false, a, ret);
}

void imm_mount_table_assume(struct imm_manager *m, struct imm_settings *s,
        enum imm_command_kind kind, const struct imm_identity *id, struct imm_arena *a,
        struct imm_mount_table *ret) {
        *ret = (struct imm_mount_table){0};
        compute(m, s, kind, id, true, a, ret);
        ret->assumed = true;
}
