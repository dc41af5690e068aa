/* Why a line is idle, and what makes settings idle without a trial. */

#include "analyzer/sandbox/idle/idle-private.h"

#include <errno.h>
#include <sys/stat.h>

static bool in(const enum imm_setting *ids, size_t n, enum imm_setting id) {
        for (size_t i = 0; i < n; i++)
                if (ids[i] == id)
                        return true;
        return false;
}

static bool user_manager(const struct imm_idle_work *w) {
        return w->m->scope != IMM_SCOPE_SYSTEM && (!w->m->user || w->m->user->uid != 0);
}

static bool only_privileged(const struct imm_sandbox *sb) {
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++)
                if (sb->has[k] != (k == IMM_KIND_PRIVILEGED))
                        return false;
        return true;
}

/* ---- without a trial ---- */

/* What a command with + is spared, and what changes nothing else either */
static const enum imm_setting not_for_privileged[] = {IMM_SETTING_AMBIENT_CAPABILITIES,
        IMM_SETTING_CAPABILITY_BOUNDING_SET, IMM_SETTING_LOCK_PERSONALITY,
        IMM_SETTING_MEMORY_DENY_WRITE_EXECUTE, IMM_SETTING_NO_NEW_PRIVILEGES,
        IMM_SETTING_PRIVATE_USERS, IMM_SETTING_PROTECT_HOSTNAME, IMM_SETTING_PROTECT_KERNEL_LOGS,
        IMM_SETTING_PROTECT_KERNEL_MODULES, IMM_SETTING_PROTECT_KERNEL_TUNABLES,
        IMM_SETTING_RESTRICT_ADDRESS_FAMILIES, IMM_SETTING_RESTRICT_NAMESPACES,
        IMM_SETTING_RESTRICT_REALTIME, IMM_SETTING_RESTRICT_SUIDSGID, IMM_SETTING_SECURE_BITS,
        IMM_SETTING_SYSTEM_CALL_ARCHITECTURES, IMM_SETTING_SYSTEM_CALL_FILTER,
        IMM_SETTING_SYSTEM_CALL_LOG};

/* What takes a BPF program, or rights over other users' objects, and is left out without them */
static const enum imm_setting not_for_users[] = {IMM_SETTING_DEVICE_ALLOW,
        IMM_SETTING_DEVICE_POLICY, IMM_SETTING_IP_ADDRESS_ALLOW, IMM_SETTING_IP_ADDRESS_DENY,
        IMM_SETTING_REMOVE_IPC, IMM_SETTING_RESTRICT_FILE_SYSTEMS,
        IMM_SETTING_RESTRICT_NETWORK_INTERFACES, IMM_SETTING_SOCKET_BIND_ALLOW,
        IMM_SETTING_SOCKET_BIND_DENY};

/* Namespaces that systemd goes on without where it may not make them */
static const enum imm_setting need_namespace[] = {
        IMM_SETTING_PRIVATE_IPC, IMM_SETTING_PRIVATE_MOUNTS, IMM_SETTING_PRIVATE_NETWORK};

const char *imm_idle_for_nobody(
        const struct imm_idle_work *w, enum imm_setting id, const char **ret_code) {
        if (only_privileged(w->sb) &&
                in(not_for_privileged, IMM_ELEMENTSOF(not_for_privileged), id)) {
                *ret_code = "privileged-commands";
                return "every command has the prefix +, which leaves it out";
        }
        if (!user_manager(w))
                return NULL;
        *ret_code = "user-scope";
        if (in(not_for_users, IMM_ELEMENTSOF(not_for_users), id))
                return "a user's manager has no right to do this; it goes on without";
        if (w->s->version < 254 && imm_setting_number(w->s, IMM_SETTING_PRIVATE_USERS) == 0 &&
                in(need_namespace, IMM_ELEMENTSOF(need_namespace), id))
                return "a user's manager before systemd 254 may make no namespace without "
                       "PrivateUsers=yes; it goes on without";
        return NULL;
}

/* How the unit's directories are made, and the lists of them */
static const struct {
        enum imm_setting id, list;
        const char *why;
} for_directories[] = {
        {IMM_SETTING_RUNTIME_DIRECTORY_MODE, IMM_SETTING_RUNTIME_DIRECTORY,
                "there is no RuntimeDirectory= that it could be for"},
        {IMM_SETTING_RUNTIME_DIRECTORY_PRESERVE, IMM_SETTING_RUNTIME_DIRECTORY,
                "there is no RuntimeDirectory= that it could be for"},
        {IMM_SETTING_STATE_DIRECTORY_MODE, IMM_SETTING_STATE_DIRECTORY,
                "there is no StateDirectory= that it could be for"},
        {IMM_SETTING_CACHE_DIRECTORY_MODE, IMM_SETTING_CACHE_DIRECTORY,
                "there is no CacheDirectory= that it could be for"},
        {IMM_SETTING_LOGS_DIRECTORY_MODE, IMM_SETTING_LOGS_DIRECTORY,
                "there is no LogsDirectory= that it could be for"},
        {IMM_SETTING_CONFIGURATION_DIRECTORY_MODE, IMM_SETTING_CONFIGURATION_DIRECTORY,
                "there is no ConfigurationDirectory= that it could be for"},
};

static const char *needs_directories(const struct imm_settings *s, enum imm_setting id) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(for_directories); i++)
                if (for_directories[i].id == id &&
                        imm_setting(s, for_directories[i].list)->directories.n == 0)
                        return for_directories[i].why;
        return NULL;
}

/* A slice above may deny what the unit allows. */
static bool slice_denies(const struct imm_idle_work *w) {
        const char *slice = imm_setting_string(w->s, IMM_SETTING_SLICE);

        for (unsigned depth = 0; slice && depth < 16; depth++) {
                const char *dash = strrchr(slice, '-');
                struct imm_unit *u;

                if (imm_manager_unit(w->m, slice, &u, NULL) < 0)
                        return true;
                if (imm_setting(imm_settings_compute(w->m, u, w->s->version, w->scratch),
                            IMM_SETTING_IP_ADDRESS_DENY)
                                ->ips.n > 0)
                        return true;
                if (imm_streq(slice, "-.slice"))
                        return false;
                slice = dash && dash != slice
                                ? imm_printf(w->scratch, "%.*s.slice", (int)(dash - slice), slice)
                                : "-.slice";
        }
        return slice != NULL;
}

const char *imm_idle_needs_other(const struct imm_idle_work *w, enum imm_setting id) {
        const struct imm_settings *s = w->s;
        const char *user = imm_setting_string(s, IMM_SETTING_USER);

        switch (id) {
        case IMM_SETTING_SYSTEM_CALL_ERROR_NUMBER:
                return imm_setting(s, IMM_SETTING_SYSTEM_CALL_FILTER)->filter
                               ? NULL
                               : "there is no SystemCallFilter= that it could be for";
        case IMM_SETTING_SOCKET_BIND_ALLOW:
                return imm_setting(s, IMM_SETTING_SOCKET_BIND_DENY)->socket_binds.n > 0
                               ? NULL
                               : "without SocketBindDeny= every address may be bound anyway";
        case IMM_SETTING_IP_ADDRESS_ALLOW:
                return imm_setting(s, IMM_SETTING_IP_ADDRESS_DENY)->ips.n > 0 || slice_denies(w)
                               ? NULL
                               : "without IPAddressDeny= every address is allowed anyway";
        case IMM_SETTING_REMOVE_IPC:
                return user && !imm_streq(user, "root") && !imm_streq(user, "0")
                               ? NULL
                               : "it is for users other than root: there is no User=";
        case IMM_SETTING_ROOT_HASH:
        case IMM_SETTING_ROOT_HASH_SIGNATURE:
        case IMM_SETTING_ROOT_VERITY:
        case IMM_SETTING_ROOT_IMAGE_OPTIONS:
                return imm_setting_string(s, IMM_SETTING_ROOT_IMAGE)
                               ? NULL
                               : "there is no RootImage= that it could be for";
        default:
                return needs_directories(s, id);
        }
}

/* ---- what other settings of the same kind take back ---- */

static bool allows_every_address(const struct imm_settings *s, int family) {
        imm_array_foreach (allow, &imm_setting(s, IMM_SETTING_IP_ADDRESS_ALLOW)->ips) {
                if (allow->family == family && allow->prefix == 0)
                        return true;
        }
        return false;
}

static bool denies_no_address(const struct imm_settings *s) {
        imm_array_foreach (deny, &imm_setting(s, IMM_SETTING_IP_ADDRESS_DENY)->ips) {
                if (!allows_every_address(s, deny->family))
                        return false;
        }
        return true;
}

static bool allows_every_bind(const struct imm_settings *s) {
        imm_array_foreach (allow, &imm_setting(s, IMM_SETTING_SOCKET_BIND_ALLOW)->socket_binds) {
                if (allow->family == 0 && allow->protocol == 0 && allow->n_ports == 0)
                        return true;
        }
        return false;
}

/* Nodes that every list of allowed devices begins with, but not DevicePolicy=strict */
static bool is_allowed_anyway(const struct imm_device_item *d) {
        static const char *const nodes[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                "/dev/urandom", "/dev/tty", "/dev/ptmx"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(nodes); i++)
                if (imm_streq(nodes[i], d->node))
                        return true;
        return imm_streq(d->node, "char-pts") && !d->m;
}

static bool at_line(const struct imm_idle_line *l, const struct imm_origin *o);

static const char *allowed_anyway(const struct imm_idle_work *w, const struct imm_idle_line *l) {
        const char *policy = imm_setting_word(w->s, IMM_SETTING_DEVICE_POLICY);
        bool listed = policy && imm_streq(policy, "closed");

        if (policy && imm_streq(policy, "strict"))
                return NULL;
        imm_array_foreach (d, &imm_setting(w->s, IMM_SETTING_DEVICE_ALLOW)->devices) {
                if (!at_line(l, &d->origin))
                        listed = true;
                else if (!is_allowed_anyway(d))
                        return NULL;
        }
        return listed ? "every list of devices allows this one anyway" : NULL;
}

const char *imm_idle_undone(
        const struct imm_idle_work *w, const struct imm_idle_line *l, const char **ret_code) {
        const char *root = imm_setting_string(w->s, IMM_SETTING_ROOT_DIRECTORY);

        switch (l->setting) {
        case IMM_SETTING_IP_ADDRESS_DENY:
                *ret_code = "outdone";
                return denies_no_address(w->s) ? "IPAddressAllow= allows every address, and what "
                                                 "is allowed is not denied"
                                               : NULL;
        case IMM_SETTING_SOCKET_BIND_DENY:
                *ret_code = "outdone";
                return allows_every_bind(w->s) ? "SocketBindAllow= allows every address, and what "
                                                 "is allowed is not denied"
                                               : NULL;
        case IMM_SETTING_DEVICE_ALLOW:
                *ret_code = "implied";
                return allowed_anyway(w, l);
        case IMM_SETTING_ROOT_DIRECTORY:
                *ret_code = "default";
                /* with its file systems mounted it gets what a root of its own gets */
                return root && imm_streq(root, "/") &&
                                       imm_setting(w->s, IMM_SETTING_MOUNT_APIVFS)->number != 1
                               ? "it is the root anyway"
                               : NULL;
        default:
                return NULL;
        }
}

/* ---- after a trial ---- */

static bool at_line(const struct imm_idle_line *l, const struct imm_origin *o) {
        return o->kind == IMM_ORIGIN_FILE && o->file == l->file->path &&
               o->line == l->assignment->line;
}

static const struct imm_mount_loser *loser_of(
        const struct imm_idle_work *w, const struct imm_idle_line *l) {
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++)
                imm_array_foreach (x, &w->sb->mounts[k].losers) {
                        if (x->setting == l->setting && at_line(l, &x->origin))
                                return x;
                }
        return NULL;
}

enum absence { NOT_ABSENT, ABSENT, PERHAPS_ABSENT };

static enum absence absent(const struct imm_idle_work *w, const char *path, bool ignored) {
        struct stat st;

        if (!ignored || imm_root_lstat(w->m->root, path, &st) != -ENOENT)
                return NOT_ABSENT;
        return imm_path_made_at_run_time(path) ? PERHAPS_ABSENT : ABSENT;
}

/* Of all that the line names: NOT_ABSENT if something is there */
static enum absence line_absent(
        const struct imm_idle_work *w, const struct imm_idle_line *l, const char **ret_path) {
        const struct imm_value *v = imm_setting(w->s, l->setting);
        enum absence all = ABSENT, one;
        size_t n = 0;

        for (size_t i = 0; i < v->paths.n; i++) {
                const char *path;

                if (v->type == IMM_VALUE_PATHS && at_line(l, &v->paths.v[i].origin)) {
                        path = v->paths.v[i].path;
                        one = absent(w, path, v->paths.v[i].ignore_missing);
                } else if (v->type == IMM_VALUE_BINDS && at_line(l, &v->binds.v[i].origin)) {
                        path = v->binds.v[i].source;
                        one = absent(w, path, v->binds.v[i].ignore_missing);
                } else
                        continue;
                n++;
                if (one == NOT_ABSENT)
                        return NOT_ABSENT;
                *ret_path = *ret_path ? *ret_path : path;
                all = one == PERHAPS_ABSENT ? one : all;
        }
        return n > 0 ? all : NOT_ABSENT;
}

static bool has_lists(enum imm_setting id) {
        enum imm_value_type t = imm_setting_info(id)->type;

        return t == IMM_VALUE_PATHS || t == IMM_VALUE_BINDS;
}

static void explain_same_value(const struct imm_idle_work *w, const struct imm_idle_line *l,
        const struct imm_settings *without, struct imm_idle *ret) {
        const struct imm_value *v = imm_setting(without, l->setting);

        if (v->origin.kind == IMM_ORIGIN_IMPLIED) {
                ret->code = "implied";
                ret->why = imm_printf(w->scratch, "it is so without the line: %s",
                        imm_origin_text(&v->origin, w->scratch));
        } else if (v->origin.kind == IMM_ORIGIN_FILE) {
                ret->code = "repeated";
                ret->why = imm_printf(
                        w->scratch, "%s says the same", imm_origin_text(&v->origin, w->scratch));
        } else {
                ret->code = "default";
                ret->why = "it is so without the line: the default";
        }
}

void imm_idle_explain(const struct imm_idle_work *w, const struct imm_idle_line *l,
        const struct imm_settings *without, bool same_value, struct imm_idle *ret) {
        const struct imm_mount_table *t = &w->sb->mounts[w->sb->main];
        const struct imm_mount_loser *loser;
        const char *path = NULL;
        enum absence absence;

        ret->confidence = IMM_CERTAIN;
        if (same_value) {
                explain_same_value(w, l, without, ret);
                return;
        }
        if (only_privileged(w->sb)) {
                ret->code = "privileged-commands";
                ret->why = "every command has the prefix +, which leaves it out";
                return;
        }
        if (user_manager(w) && !t->has_namespace) {
                ret->code = "user-scope";
                ret->why = "a user's manager of this version may make no mounts without "
                           "PrivateUsers=yes; it goes on without";
                return;
        }
        absence = has_lists(l->setting) ? line_absent(w, l, &path) : NOT_ABSENT;
        if (absence == PERHAPS_ABSENT)
                return; /* it may well be there at run time */
        if (absence == ABSENT) {
                ret->code = "missing-path";
                ret->confidence = IMM_LIKELY;
                ret->why = imm_printf(w->scratch, "%s is not there", path);
                return;
        }
        loser = loser_of(w, l);
        ret->code = loser ? "outdone" : "without-effect";
        ret->why = loser ? imm_printf(w->scratch, "%s: %s", loser->path, loser->why)
                         : "without the line the mounts are the same";
}
