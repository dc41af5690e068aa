/* Why a line is idle, and what makes settings idle without a trial. */

#include "analyzer/sandbox/idle/idle-private.h"
#include "analyzer/sandbox/needs.h"
#include "analyzer/sandbox/vfs/makers.h"

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

/* What a command with + is spared, and what changes nothing else either: no ProtectKernelModules=
 * and its kin, which give it a mount namespace all the same */
static const enum imm_setting not_for_privileged[] = {IMM_SETTING_AMBIENT_CAPABILITIES,
        IMM_SETTING_CAPABILITY_BOUNDING_SET, IMM_SETTING_LOCK_PERSONALITY,
        IMM_SETTING_MEMORY_DENY_WRITE_EXECUTE, IMM_SETTING_NO_NEW_PRIVILEGES,
        IMM_SETTING_PRIVATE_USERS, IMM_SETTING_PROTECT_HOSTNAME,
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

bool imm_idle_slice_denies(const struct imm_idle_work *w) {
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

/*
 * What is for processes alone, brings nothing else about and asks for no other unit. Not the users
 * and networks of a socket unit: its sockets are opened in that network.
 */
static const enum imm_setting for_commands[] = {IMM_SETTING_AMBIENT_CAPABILITIES,
        IMM_SETTING_BIND_PATHS, IMM_SETTING_BIND_READ_ONLY_PATHS,
        IMM_SETTING_CAPABILITY_BOUNDING_SET, IMM_SETTING_EXEC_PATHS, IMM_SETTING_INACCESSIBLE_PATHS,
        IMM_SETTING_LOCK_PERSONALITY, IMM_SETTING_MEMORY_DENY_WRITE_EXECUTE,
        IMM_SETTING_NO_EXEC_PATHS, IMM_SETTING_NO_NEW_PRIVILEGES, IMM_SETTING_PRIVATE_MOUNTS,
        IMM_SETTING_PROC_SUBSET, IMM_SETTING_PROTECT_HOME, IMM_SETTING_PROTECT_PROC,
        IMM_SETTING_PROTECT_SYSTEM, IMM_SETTING_READ_ONLY_PATHS, IMM_SETTING_READ_WRITE_PATHS,
        IMM_SETTING_RESTRICT_ADDRESS_FAMILIES, IMM_SETTING_RESTRICT_NAMESPACES,
        IMM_SETTING_RESTRICT_REALTIME, IMM_SETTING_RESTRICT_SUIDSGID, IMM_SETTING_SECURE_BITS,
        IMM_SETTING_SYSTEM_CALL_ARCHITECTURES, IMM_SETTING_SYSTEM_CALL_ERROR_NUMBER,
        IMM_SETTING_SYSTEM_CALL_FILTER, IMM_SETTING_SYSTEM_CALL_LOG,
        IMM_SETTING_TEMPORARY_FILE_SYSTEM, IMM_SETTING_UMASK};

/* A socket unit starts what it lists, and the service that it is for has settings of its own. */
static bool has_no_commands(const struct imm_idle_work *w) {
        if (w->u->type != IMM_UNIT_SOCKET)
                return false;
        for (const enum imm_setting *list = imm_command_lists; *list != IMM_SETTING_N; list++) {
                const struct imm_value *v = imm_setting(w->s, *list);

                if (v->type == IMM_VALUE_COMMANDS && v->commands.n > 0)
                        return false;
        }
        return true;
}

const char *imm_idle_needs_other(const struct imm_idle_work *w, enum imm_setting id) {
        const struct imm_settings *s = w->s;
        const char *user = imm_setting_string(s, IMM_SETTING_USER);

        if (in(for_commands, IMM_ELEMENTSOF(for_commands), id) && has_no_commands(w))
                return "the socket unit starts no command; the service has settings of its own";
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
                return imm_setting(s, IMM_SETTING_IP_ADDRESS_DENY)->ips.n > 0 ||
                                       imm_idle_slice_denies(w)
                               ? NULL
                               : "without IPAddressDeny= every address is allowed anyway";
        case IMM_SETTING_REMOVE_IPC:
                return user && !imm_streq(user, "root") && !imm_streq(user, "0")
                               ? NULL
                               : "it is for users other than root: there is no User=";
        case IMM_SETTING_ROOT_DIRECTORY_START_ONLY:
                return imm_needs_root(s) ? NULL : "there is no RootDirectory= that it could be for";
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

/* ---- after a trial ---- */

static const struct imm_mount_loser *loser_of(
        const struct imm_idle_work *w, const struct imm_idle_line *l) {
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++)
                imm_array_foreach (x, &w->sb->mounts[k].losers) {
                        if (x->setting == l->setting && imm_idle_at_line(l, &x->origin))
                                return x;
                }
        return NULL;
}

enum absence { NOT_ABSENT, ABSENT, PERHAPS_ABSENT };

/* Is what the host has there of no account, for it is hidden, or another file system covers it? */
static bool is_covered(const struct imm_idle_work *w, const char *path) {
        const struct imm_mount *m = imm_mount_at(&w->sb->mounts[w->sb->main], path);

        return m && !m->of_host && m->setting < IMM_SETTING_N &&
               (m->inaccessible || !imm_streq(m->fstype, "bind"));
}

static enum absence absent(const struct imm_idle_work *w, const char *path, bool ignored) {
        struct stat st;

        if (!ignored || imm_root_lstat(w->m->root, path, &st) != -ENOENT)
                return NOT_ABSENT;
        return !imm_path_made_at_run_time(path) || is_covered(w, path) ||
                               imm_maker_of(w->m, w->u, IMM_OWN_ALL, path) == IMM_MAKER_NOBODY
                       ? ABSENT
                       : PERHAPS_ABSENT;
}

/* Of all that the line names: NOT_ABSENT if something is there */
static enum absence line_absent(
        const struct imm_idle_work *w, const struct imm_idle_line *l, const char **ret_path) {
        const struct imm_value *v = imm_setting(w->s, l->setting);
        enum absence all = ABSENT, one;
        size_t n = 0;

        for (size_t i = 0; i < v->paths.n; i++) {
                const char *path;

                if (v->type == IMM_VALUE_PATHS && imm_idle_at_line(l, &v->paths.v[i].origin)) {
                        path = v->paths.v[i].path;
                        one = absent(w, path, v->paths.v[i].ignore_missing);
                } else if (v->type == IMM_VALUE_BINDS &&
                           imm_idle_at_line(l, &v->binds.v[i].origin)) {
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

/* Its value counts, and yet the processes are the same. */
static bool explain_identity(const struct imm_idle_line *l, struct imm_idle *ret) {
        switch (l->setting) {
        case IMM_SETTING_NO_NEW_PRIVILEGES:
                ret->code = "implied";
                ret->why = "filters of a service without CAP_SYS_ADMIN imply it";
                return true;
        case IMM_SETTING_SUPPLEMENTARY_GROUPS:
                ret->code = "implied";
                ret->why = "the user has these groups anyway";
                return true;
        case IMM_SETTING_AMBIENT_CAPABILITIES:
                ret->code = "without-effect";
                ret->why = "without the line the processes have the same capabilities";
                return true;
        default:
                return false;
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
        if (explain_identity(l, ret))
                return;
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
                /* where all is gone at boot another program may make it all the same */
                ret->confidence = imm_path_made_at_run_time(path) && !is_covered(w, path)
                                          ? IMM_POSSIBLE
                                          : IMM_LIKELY;
                ret->why = imm_printf(w->scratch, "%s is not there", path);
                return;
        }
        loser = loser_of(w, l);
        ret->code = loser ? "outdone" : "without-effect";
        ret->why = loser ? imm_printf(w->scratch, "%s: %s", loser->path, loser->why)
                         : "without the line the mounts are the same";
}
