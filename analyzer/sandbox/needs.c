#include "analyzer/sandbox/needs.h"

#include <fnmatch.h>

/* The versions in which a rule changed */
enum {
        IPC = 248,               /* PrivateIPC= is there */
        IMPLIED_USERS = 254,     /* user managers make a user namespace unasked */
        NETWORK_HAS_SYSFS = 254, /* a network namespace brings its own /sys */
        READ_ONLY_DIRS = 257,    /* StateDirectory=x::ro */
        LOG_SOCKETS = 257,       /* BindLogSockets= */
};

static bool on(const struct imm_settings *s, enum imm_setting id) {
        return imm_setting(s, id)->number != 0;
}

static int tristate(const struct imm_settings *s, enum imm_setting id) {
        return (int)(int64_t)imm_setting(s, id)->number;
}

static bool given(const struct imm_settings *s, enum imm_setting id) {
        return imm_setting(s, id)->string != NULL;
}

static bool is(const struct imm_settings *s, enum imm_setting id, const char *word) {
        const char *w = imm_setting_word(s, id);

        return w && imm_streq(w, word);
}

static bool any_on(const struct imm_settings *s, const enum imm_setting *ids, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (on(s, ids[i]))
                        return true;
        return false;
}

bool imm_needs_network(const struct imm_settings *s) {
        return on(s, IMM_SETTING_PRIVATE_NETWORK) || given(s, IMM_SETTING_NETWORK_NAMESPACE_PATH);
}

bool imm_needs_ipc(const struct imm_settings *s) {
        return s->version >= IPC &&
               (on(s, IMM_SETTING_PRIVATE_IPC) || given(s, IMM_SETTING_IPC_NAMESPACE_PATH));
}

bool imm_needs_root(const struct imm_settings *s) {
        const char *dir = imm_setting_string(s, IMM_SETTING_ROOT_DIRECTORY);

        return (dir && !imm_streq(dir, "/")) || given(s, IMM_SETTING_ROOT_IMAGE);
}

bool imm_needs_api(const struct imm_settings *s) {
        /* 247 takes MountAPIVFS= and forgets it */
        int v = s->version < 248 ? -1 : tristate(s, IMM_SETTING_MOUNT_APIVFS);

        return v >= 0 ? v > 0 : imm_needs_root(s);
}

bool imm_needs_log_sockets(const struct imm_settings *s) {
        int v;

        if (s->version < LOG_SOCKETS)
                return false;
        if (given(s, IMM_SETTING_LOG_NAMESPACE))
                return true;
        v = tristate(s, IMM_SETTING_BIND_LOG_SOCKETS);
        if (v >= 0)
                return v > 0;
        return imm_needs_api(s) || (imm_needs_root(s) && on(s, IMM_SETTING_PRIVATE_DEVICES));
}

static bool has_paths(const struct imm_settings *s) {
        static const enum imm_setting lists[] = {
                IMM_SETTING_READ_WRITE_PATHS,
                IMM_SETTING_READ_ONLY_PATHS,
                IMM_SETTING_INACCESSIBLE_PATHS,
                IMM_SETTING_EXEC_PATHS,
                IMM_SETTING_NO_EXEC_PATHS,
                IMM_SETTING_EXTENSION_DIRECTORIES,
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(lists); i++)
                if (imm_setting(s, lists[i])->paths.n > 0)
                        return true;
        return imm_setting(s, IMM_SETTING_BIND_PATHS)->binds.n > 0 ||
               imm_setting(s, IMM_SETTING_BIND_READ_ONLY_PATHS)->binds.n > 0 ||
               imm_setting(s, IMM_SETTING_TEMPORARY_FILE_SYSTEM)->tmpfs.n > 0;
}

static bool has_images(const struct imm_settings *s) {
        return given(s, IMM_SETTING_ROOT_IMAGE) ||
               imm_setting(s, IMM_SETTING_MOUNT_IMAGES)->strings.n > 0 ||
               imm_setting(s, IMM_SETTING_EXTENSION_IMAGES)->strings.n > 0;
}

static bool has_protection(const struct imm_settings *s) {
        static const enum imm_setting any[] = {
                IMM_SETTING_PRIVATE_DEVICES,
                IMM_SETTING_PROTECT_SYSTEM,
                IMM_SETTING_PROTECT_HOME,
                IMM_SETTING_PROTECT_KERNEL_TUNABLES,
                IMM_SETTING_PROTECT_KERNEL_MODULES,
                IMM_SETTING_PROTECT_KERNEL_LOGS,
                IMM_SETTING_PROTECT_CONTROL_GROUPS,
                IMM_SETTING_PRIVATE_PIDS,
        };

        return any_on(s, any, IMM_ELEMENTSOF(any));
}

/* The directories of the service that only a namespace can show as they should be */
static bool has_directories(const struct imm_settings *s) {
        static const enum imm_setting kinds[] = {
                IMM_SETTING_STATE_DIRECTORY,
                IMM_SETTING_CACHE_DIRECTORY,
                IMM_SETTING_LOGS_DIRECTORY,
                IMM_SETTING_RUNTIME_DIRECTORY,
                IMM_SETTING_CONFIGURATION_DIRECTORY,
        };
        enum { PRIVATE = 3 }; /* the first ones are those that DynamicUser= hides */
        bool in_root = given(s, IMM_SETTING_ROOT_DIRECTORY);

        for (size_t i = 0; i < IMM_ELEMENTSOF(kinds); i++) {
                const struct imm_value *v = imm_setting(s, kinds[i]);

                if (v->directories.n > 0 &&
                        (in_root || (i < PRIVATE && on(s, IMM_SETTING_DYNAMIC_USER))))
                        return true;
                imm_array_foreach (d, &v->directories)
                        if (d->read_only && s->version >= READ_ONLY_DIRS)
                                return true;
        }
        return false;
}

bool imm_needs_mounts(const struct imm_settings *s, bool tmp) {
        int mounts = tristate(s, IMM_SETTING_PRIVATE_MOUNTS);

        if (tmp && on(s, IMM_SETTING_PRIVATE_TMP))
                return true;
        if (has_images(s) || has_paths(s) || has_protection(s) || has_directories(s))
                return true;
        if (is(s, IMM_SETTING_MOUNT_FLAGS, "slave") || is(s, IMM_SETTING_MOUNT_FLAGS, "private"))
                return true;
        if (mounts > 0 || on(s, IMM_SETTING_PROTECT_PROC) || on(s, IMM_SETTING_PROC_SUBSET) ||
                imm_needs_ipc(s))
                return true;
        if (mounts < 0 && s->version >= NETWORK_HAS_SYSFS && imm_needs_network(s))
                return true;
        if (given(s, IMM_SETTING_ROOT_DIRECTORY) && imm_needs_api(s))
                return true;
        return s->version >= LOG_SOCKETS ? imm_needs_log_sockets(s)
                                         : given(s, IMM_SETTING_LOG_NAMESPACE);
}

bool imm_needs_users(const struct imm_settings *s) {
        if (on(s, IMM_SETTING_PRIVATE_USERS))
                return true;
        if (s->version < IMPLIED_USERS)
                return false;
        return on(s, IMM_SETTING_PRIVATE_TMP) || has_protection(s) || has_paths(s) ||
               imm_needs_network(s) || imm_needs_ipc(s) ||
               tristate(s, IMM_SETTING_PRIVATE_MOUNTS) > 0 ||
               tristate(s, IMM_SETTING_MOUNT_APIVFS) > 0 ||
               (s->version >= LOG_SOCKETS && tristate(s, IMM_SETTING_BIND_LOG_SOCKETS) > 0) ||
               given(s, IMM_SETTING_ROOT_DIRECTORY) || on(s, IMM_SETTING_PROTECT_CLOCK) ||
               on(s, IMM_SETTING_PROTECT_HOSTNAME);
}

/* "char-mem", "char-*", "char-1" */
static bool names_driver(const char *node, const char *driver, const char *numbers) {
        const char *class = imm_after(node, "char-");
        size_t major = strcspn(numbers, ":");

        return class && (fnmatch(class, driver, 0) == 0 ||
                                (strlen(class) == major && strncmp(class, numbers, major) == 0));
}

/*
 * Is @node of DeviceAllow= the device at @path? The manager asks the kernel what a node is, and its
 * own streams are /dev/null.
 */
static bool names_node(const char *node, const char *path) {
        static const char *const streams[] = {
                "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/0", "/dev/fd/1", "/dev/fd/2"};

        if (imm_streq(path, "/dev/null"))
                for (size_t i = 0; i < IMM_ELEMENTSOF(streams); i++)
                        if (imm_streq(node, streams[i]))
                                return true;
        return imm_streq(node, path);
}

bool imm_device_allowed(
        const struct imm_settings *s, const char *path, const char *numbers, char right) {
        const char *word = imm_setting_word(s, IMM_SETTING_DEVICE_POLICY);
        const char *driver = numbers[0] == '1' ? "mem" : path;

        if (!word || !imm_streq(word, "strict"))
                return true;
        imm_array_foreach (item, &imm_setting(s, IMM_SETTING_DEVICE_ALLOW)->devices) {
                const char *number = imm_after(item->node, "/dev/char/");

                if ((right == 'r'          ? item->r
                            : right == 'w' ? item->w
                                           : item->m) &&
                        (names_node(item->node, path) || (number && imm_streq(number, numbers)) ||
                                names_driver(item->node, driver, numbers)))
                        return true;
        }
        return false;
}
