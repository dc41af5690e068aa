/*
 * Implications: what systemd makes of a unit's settings once all files were read, in its order, and
 * the combinations that it refuses. Sources: systemd.exec(5), systemd.service(5), "Implicit
 * dependencies" and "Default" paragraphs; for the order and the versions, tests.
 */

#include "analyzer/settings/imply.h"
#include "analyzer/unit/name.h"

#include <linux/capability.h>

/* Type= in the order of its words */
enum { SIMPLE, FORKING, ONESHOT, DBUS, NOTIFY, NOTIFY_RELOAD, IDLE, EXEC };

#define V(id) imm_parse_peek(p, IMM_SETTING_##id)

/* The value of @id to change, now implied by @by */
static struct imm_value *implied(struct imm_parse *p, enum imm_setting id, enum imm_setting by) {
        const struct imm_value *cause = imm_parse_peek(p, by);
        struct imm_origin *via = NULL;
        struct imm_value *v;

        if (cause->set) {
                via = imm_new(p->a, struct imm_origin);
                *via = cause->origin;
        }
        p->origin = (struct imm_origin){.kind = IMM_ORIGIN_IMPLIED, .by = by, .via = via};
        v = imm_parse_value_of(p, id);
        return v;
}

/* What an explicit value that is the same already needs no help for */
static void imply(struct imm_parse *p, enum imm_setting id, uint64_t number, enum imm_setting by) {
        if (imm_parse_peek(p, id)->number != number)
                implied(p, id, by)->number = number;
}

static void imply_string(
        struct imm_parse *p, enum imm_setting id, const char *s, enum imm_setting by) {
        const char *old = imm_parse_peek(p, id)->string;

        if (!old || !imm_streq(old, s))
                implied(p, id, by)->string = s;
}

/* A default that depends on the unit: kept with it, but nobody set it. */
static void by_default(struct imm_parse *p, enum imm_setting id, const char *s) {
        struct imm_value *v = imm_parse_value_of(p, id);

        v->string = s;
        v->set = false;
        v->origin = (struct imm_origin){.kind = IMM_ORIGIN_DEFAULT};
}

static bool is(struct imm_parse *p, enum imm_setting id) {
        const struct imm_value *v = imm_parse_peek(p, id);

        switch (v->type) {
        case IMM_VALUE_STRING:
                return v->string != NULL;
        case IMM_VALUE_BOOL:
        case IMM_VALUE_TRISTATE:
                return v->number == 1;
        case IMM_VALUE_ENUM:
        case IMM_VALUE_NUMBER:
        case IMM_VALUE_USEC:
                return v->number != 0;
        default: /* lists */
                return v->strings.n > 0;
        }
}

static bool has_exec(enum imm_unit_type t) {
        return t == IMM_UNIT_SERVICE || t == IMM_UNIT_SOCKET || t == IMM_UNIT_MOUNT ||
               t == IMM_UNIT_SWAP;
}

static bool has_root(struct imm_parse *p) {
        const char *dir = V(ROOT_DIRECTORY)->string;

        return V(ROOT_IMAGE)->string || (dir && !imm_streq(dir, "/"));
}

static enum imm_setting root_setting(struct imm_parse *p) {
        return V(ROOT_IMAGE)->string ? IMM_SETTING_ROOT_IMAGE : IMM_SETTING_ROOT_DIRECTORY;
}

/* ---- names that systemd makes up ---- */

static uint64_t rotate(uint64_t x, unsigned n) {
        return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4]) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
}

/* SipHash-2-4 with systemd's key for the names of dynamic users */
static uint64_t name_hash(const char *s) {
        const uint64_t k0 = UINT64_C(0x964e5828e6af1a58), k1 = UINT64_C(0xec07928c3bf54eb4);
        uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
        size_t n = strlen(s);

        for (size_t i = 0; i <= n / 8; i++) {
                uint64_t word = 0;

                for (size_t k = 0; k < 8 && i * 8 + k < n; k++)
                        word |= (uint64_t)(unsigned char)s[i * 8 + k] << k * 8;
                if (i == n / 8)
                        word |= (uint64_t)n << 56;
                v[3] ^= word;
                sip_round(v);
                sip_round(v);
                v[0] ^= word;
        }
        v[2] ^= 0xff;
        for (int i = 0; i < 4; i++)
                sip_round(v);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The unit's prefix where that can be a user's name, else a hash of it */
static const char *dynamic_user_name(struct imm_parse *p) {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
        static const char others[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-0123456789";
        const char *s = p->u->prefix;
        size_t n = strlen(s);

        if (n > 0 && n <= 31 && strchr(letters, *s) && strspn(s, others) == n)
                return s;
        return imm_printf(p->a, "_du%016llx", (unsigned long long)name_hash(s));
}

/* Mounts that are there from boot to shutdown, whatever the manager does */
static bool is_extrinsic_mount(struct imm_parse *p) {
        static const char *const trees[] = {
                "/run/initramfs", "/run/nextroot", "/proc", "/sys", "/dev"};
        const char *where = V(WHERE)->string ? V(WHERE)->string : "";

        if (p->u->type != IMM_UNIT_MOUNT)
                return false;
        if (imm_streq(where, "/") || imm_streq(where, "/usr") || imm_streq(where, "/etc"))
                return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(trees); i++)
                if (imm_path_below(where, trees[i]))
                        return true;
        return imm_streq(p->u->name, "-.mount");
}

static void default_slice(struct imm_parse *p) {
        bool system = p->m->scope == IMM_SCOPE_SYSTEM;
        const char *name = p->u->name, *slice, *dash;

        if (p->u->type == IMM_UNIT_SLICE) { /* its place is in its name */
                dash = strrchr(name, '-');
                if (imm_streq(name, "-.slice"))
                        return;
                slice = dash && dash != name
                                ? imm_printf(p->a, "%.*s.slice", (int)(dash - name), name)
                                : "-.slice";
        } else if (!has_exec(p->u->type) && p->u->type != IMM_UNIT_SCOPE)
                return;
        else if (V(SLICE)->string)
                return;
        else if (p->u->instance)
                slice = imm_printf(p->a, "%s-%s.slice", system ? "system" : "app",
                        imm_unit_name_escape(p->u->prefix, p->a));
        else if (is_extrinsic_mount(p) || imm_streq(name, "init.scope") ||
                 (!system && (p->u->type == IMM_UNIT_MOUNT || p->u->type == IMM_UNIT_SWAP)))
                slice = "-.slice";
        else
                slice = system ? "system.slice" : "app.slice";
        by_default(p, IMM_SETTING_SLICE, slice);
}

/* ---- services ---- */

static bool has_credentials(struct imm_parse *p, enum imm_setting *ret) {
        static const enum imm_setting ids[] = {IMM_SETTING_LOAD_CREDENTIAL,
                IMM_SETTING_LOAD_CREDENTIAL_ENCRYPTED, IMM_SETTING_SET_CREDENTIAL,
                IMM_SETTING_SET_CREDENTIAL_ENCRYPTED, IMM_SETTING_IMPORT_CREDENTIAL};

        for (size_t i = 0; i < IMM_ELEMENTSOF(ids); i++)
                if (is(p, ids[i])) {
                        *ret = ids[i];
                        return true;
                }
        return false;
}

static void service_type(struct imm_parse *p) {
        enum imm_setting by;

        if (p->values[IMM_SETTING_TYPE])
                return;
        if (V(BUS_NAME)->string)
                implied(p, IMM_SETTING_TYPE, IMM_SETTING_BUS_NAME)->number = DBUS;
        else if (p->version >= 257 && has_credentials(p, &by))
                implied(p, IMM_SETTING_TYPE, by)->number = EXEC;
        else if (!is(p, IMM_SETTING_EXEC_START))
                implied(p, IMM_SETTING_TYPE, IMM_SETTING_EXEC_START)->number = ONESHOT;
}

/* "inherit" means something else for what goes both ways (a terminal, a socket) */
static void standard_streams(struct imm_parse *p) {
        const char *in = V(STANDARD_INPUT)->string;
        bool both_ways, out, err;

        if (imm_streq(in, "null") && is(p, IMM_SETTING_STANDARD_INPUT_TEXT))
                imply_string(
                        p, IMM_SETTING_STANDARD_INPUT, "data", IMM_SETTING_STANDARD_INPUT_TEXT);
        else if (imm_streq(in, "null") && is(p, IMM_SETTING_STANDARD_INPUT_DATA))
                imply_string(
                        p, IMM_SETTING_STANDARD_INPUT, "data", IMM_SETTING_STANDARD_INPUT_DATA);
        in = V(STANDARD_INPUT)->string;
        both_ways = imm_after(in, "tty") || imm_streq(in, "socket") || imm_after(in, "fd");

        /* Are they still to be inherited? */
        out = !p->values[IMM_SETTING_STANDARD_OUTPUT] ||
              imm_streq(V(STANDARD_OUTPUT)->string, "inherit");
        err = !p->values[IMM_SETTING_STANDARD_ERROR] ||
              imm_streq(V(STANDARD_ERROR)->string, "inherit");
        if (out && both_ways)
                imply_string(p, IMM_SETTING_STANDARD_OUTPUT, "inherit", IMM_SETTING_STANDARD_INPUT);
        else if (out)
                imm_parse_reset(p, IMM_SETTING_STANDARD_OUTPUT); /* the manager's */
        if (err && both_ways)
                imply_string(p, IMM_SETTING_STANDARD_ERROR, "inherit", IMM_SETTING_STANDARD_INPUT);
        else if (err && out)
                imm_parse_reset(p, IMM_SETTING_STANDARD_ERROR);
        else if (err)
                imply_string(p, IMM_SETTING_STANDARD_ERROR, "inherit", IMM_SETTING_STANDARD_OUTPUT);
}

/* ---- what the execution context implies ---- */

static void drop_caps(struct imm_parse *p, enum imm_setting by, uint64_t caps) {
        if (is(p, by) && (V(CAPABILITY_BOUNDING_SET)->number & caps) != 0)
                implied(p, IMM_SETTING_CAPABILITY_BOUNDING_SET, by)->number &= ~caps;
}

#define CAP(name) (UINT64_C(1) << (name))

static void dynamic_user(struct imm_parse *p) {
        static const enum imm_setting by = IMM_SETTING_DYNAMIC_USER;

        if (!V(USER)->string)
                implied(p, IMM_SETTING_USER, by)->string = dynamic_user_name(p);
        if (!V(GROUP)->string)
                implied(p, IMM_SETTING_GROUP, by)->string = V(USER)->string;
        if (p->version < 257)
                imply(p, IMM_SETTING_PRIVATE_TMP, 1, by);
        else if (V(PRIVATE_TMP)->number == 0)
                imply(p, IMM_SETTING_PRIVATE_TMP, 2, by); /* disconnected */
        imply(p, IMM_SETTING_REMOVE_IPC, 1, by);
        imply(p, IMM_SETTING_PROTECT_SYSTEM, 3, by); /* strict */
        if (V(PROTECT_HOME)->number == 0)
                imply(p, IMM_SETTING_PROTECT_HOME, 2, by); /* read-only */
        imply(p, IMM_SETTING_NO_NEW_PRIVILEGES, 1, by);
        imply(p, IMM_SETTING_RESTRICT_SUIDSGID, 1, by);
}

static void mounts(struct imm_parse *p) {
        /* 247 forgot to note that the file said something: what it says has no effect */
        if (p->version < 248)
                imm_parse_reset(p, IMM_SETTING_MOUNT_APIVFS);
        if (!p->values[IMM_SETTING_MOUNT_APIVFS] && has_root(p))
                imply(p, IMM_SETTING_MOUNT_APIVFS, 1, root_setting(p));

        if (p->version < 257)
                return;
        if (V(LOG_NAMESPACE)->string)
                imply(p, IMM_SETTING_BIND_LOG_SOCKETS, 1, IMM_SETTING_LOG_NAMESPACE);
        else if (p->values[IMM_SETTING_BIND_LOG_SOCKETS])
                return;
        else if (is(p, IMM_SETTING_MOUNT_APIVFS))
                imply(p, IMM_SETTING_BIND_LOG_SOCKETS, 1, IMM_SETTING_MOUNT_APIVFS);
        else if (has_root(p) && is(p, IMM_SETTING_PRIVATE_DEVICES))
                imply(p, IMM_SETTING_BIND_LOG_SOCKETS, 1, IMM_SETTING_PRIVATE_DEVICES);
}

static void login_environment(struct imm_parse *p) {
        static const enum imm_setting by[] = {
                IMM_SETTING_USER, IMM_SETTING_DYNAMIC_USER, IMM_SETTING_PAM_NAME};

        if (p->version < 255 || p->values[IMM_SETTING_SET_LOGIN_ENVIRONMENT])
                return;
        for (size_t i = 0; i < IMM_ELEMENTSOF(by); i++)
                if (is(p, by[i])) {
                        imply(p, IMM_SETTING_SET_LOGIN_ENVIRONMENT, 1, by[i]);
                        return;
                }
}

/* Parents before their children, else by name, component by component */
static int by_path(const void *x, const void *y) {
        const char *a = ((const struct imm_directory_item *)x)->path;
        const char *b = ((const struct imm_directory_item *)y)->path;

        while (*a && *b) {
                size_t j = strcspn(a, "/"), k = strcspn(b, "/");
                int r = memcmp(a, b, j < k ? j : k);

                if (r != 0 || j != k)
                        return r != 0 ? r : j < k ? -1 : 1;
                a += j + (a[j] == '/');
                b += k + (b[k] == '/');
        }
        return (*a != '\0') - (*b != '\0');
}

static void sort_directories(struct imm_parse *p) {
        static const enum imm_setting ids[] = {IMM_SETTING_RUNTIME_DIRECTORY,
                IMM_SETTING_STATE_DIRECTORY, IMM_SETTING_CACHE_DIRECTORY,
                IMM_SETTING_LOGS_DIRECTORY, IMM_SETTING_CONFIGURATION_DIRECTORY};

        for (size_t i = 0; p->version >= 250 && i < IMM_ELEMENTSOF(ids); i++) {
                struct imm_value *v = p->values[ids[i]];

                if (v && v->directories.n > 1)
                        qsort(v->directories.v, v->directories.n, sizeof(*v->directories.v),
                                by_path);
        }
}

static void exec_context(struct imm_parse *p) {
        if (p->m->scope == IMM_SCOPE_USER && !V(WORKING_DIRECTORY)->string && p->m->user)
                by_default(p, IMM_SETTING_WORKING_DIRECTORY,
                        imm_printf(p->a, "-%s", p->m->user->home));
        /* the home directory by name was taken for none */
        if (p->m->scope == IMM_SCOPE_USER && p->version < 257 && V(WORKING_DIRECTORY)->string &&
                imm_streq(V(WORKING_DIRECTORY)->string, "~"))
                p->values[IMM_SETTING_WORKING_DIRECTORY]->string = "-~";
        drop_caps(p, IMM_SETTING_PRIVATE_DEVICES, CAP(CAP_MKNOD) | CAP(CAP_SYS_RAWIO));
        drop_caps(p, IMM_SETTING_PROTECT_KERNEL_MODULES, CAP(CAP_SYS_MODULE));
        drop_caps(p, IMM_SETTING_PROTECT_KERNEL_LOGS, CAP(CAP_SYSLOG));
        drop_caps(p, IMM_SETTING_PROTECT_CLOCK, CAP(CAP_SYS_TIME) | CAP(CAP_WAKE_ALARM));
        if (is(p, IMM_SETTING_DYNAMIC_USER))
                dynamic_user(p);
        sort_directories(p);
        mounts(p);
        login_environment(p);
}

static void allow_device(
        struct imm_parse *p, enum imm_setting by, const char *node, const char *rights) {
        struct imm_value *v = implied(p, IMM_SETTING_DEVICE_ALLOW, by);

        *imm_array_push(p->a, &v->devices) = (struct imm_device_item){.node = node,
                .r = strchr(rights, 'r') != NULL,
                .w = strchr(rights, 'w') != NULL,
                .m = strchr(rights, 'm') != NULL,
                .origin = p->origin};
}

static void devices(struct imm_parse *p) {
        static const char *const control[] = {"/dev/loop-control", "/dev/mapper/control"};
        static const char *const block[] = {"block-loop", "block-blkext", "block-device-mapper"};
        enum imm_setting by =
                V(ROOT_IMAGE)->string ? IMM_SETTING_ROOT_IMAGE : IMM_SETTING_MOUNT_IMAGES;
        bool limited;

        if (is(p, IMM_SETTING_PRIVATE_DEVICES) && V(DEVICE_POLICY)->number == 0)
                imply(p, IMM_SETTING_DEVICE_POLICY, 1, IMM_SETTING_PRIVATE_DEVICES); /* closed */

        /* Devices that systemd itself needs; only where others are closed, since a list closes */
        limited = V(DEVICE_POLICY)->number != 0 || V(DEVICE_ALLOW)->devices.n > 0;
        if (limited && is(p, by)) {
                for (size_t i = 0; i < IMM_ELEMENTSOF(control); i++)
                        allow_device(p, by, control[i], "rw");
                for (size_t i = 0; i < IMM_ELEMENTSOF(block); i++)
                        allow_device(p, by, block[i], "rwm");
        }
        if (is(p, IMM_SETTING_PROTECT_CLOCK) && (limited || p->version < 248))
                allow_device(p, IMM_SETTING_PROTECT_CLOCK, "char-rtc", "r");
        by = is(p, IMM_SETTING_LOAD_CREDENTIAL_ENCRYPTED) ? IMM_SETTING_LOAD_CREDENTIAL_ENCRYPTED
                                                          : IMM_SETTING_SET_CREDENTIAL_ENCRYPTED;
        if (limited && is(p, by))
                allow_device(p, by, p->version < 254 ? "/dev/tpmrm0" : "char-tpm", "rw");
}

static void service_rest(struct imm_parse *p) {
        uint64_t type = V(TYPE)->number;

        if (V(NOTIFY_ACCESS)->number == 0) {
                if (type == NOTIFY || type == NOTIFY_RELOAD)
                        imply(p, IMM_SETTING_NOTIFY_ACCESS, 1, IMM_SETTING_TYPE);
                else if (V(WATCHDOG_SEC)->number > 0)
                        imply(p, IMM_SETTING_NOTIFY_ACCESS, 1, IMM_SETTING_WATCHDOG_SEC);
                else if (V(FILE_DESCRIPTOR_STORE_MAX)->number > 0)
                        imply(p, IMM_SETTING_NOTIFY_ACCESS, 1,
                                IMM_SETTING_FILE_DESCRIPTOR_STORE_MAX);
        }
        if (!p->values[IMM_SETTING_OOM_POLICY] && is(p, IMM_SETTING_DELEGATE))
                imply(p, IMM_SETTING_OOM_POLICY, 0, IMM_SETTING_DELEGATE); /* continue */
        if (V(RESTART_MAX_DELAY_SEC)->number < V(RESTART_SEC)->number)
                imply(p, IMM_SETTING_RESTART_SEC, V(RESTART_MAX_DELAY_SEC)->number,
                        IMM_SETTING_RESTART_MAX_DELAY_SEC);
}

void imm_imply(struct imm_parse *p, struct imm_settings *s) {
        bool service = p->u->type == IMM_UNIT_SERVICE;

        if (service) {
                service_type(p);
                if (V(TYPE)->number == ONESHOT && !p->values[IMM_SETTING_TIMEOUT_START_SEC])
                        imply(p, IMM_SETTING_TIMEOUT_START_SEC, UINT64_MAX, IMM_SETTING_TYPE);
                standard_streams(p);
        }
        if (has_exec(p->u->type)) {
                exec_context(p);
                devices(p);
        }
        default_slice(p);
        if (V(JOB_TIMEOUT_SEC)->set && !V(JOB_RUNNING_TIMEOUT_SEC)->set)
                imply(p, IMM_SETTING_JOB_RUNNING_TIMEOUT_SEC, V(JOB_TIMEOUT_SEC)->number,
                        IMM_SETTING_JOB_TIMEOUT_SEC);
        if (service)
                service_rest(p);
        imm_verify(p, s);
}
