#include "analyzer/uses/denials-private.h"

#include <inttypes.h>
#include <sched.h>

/* Which settings refuse a use: calls, families, namespaces, switches. */

/* ---- what is said ---- */

/* The setting that somebody wrote: of an implied one, the one that implies it */
static enum imm_setting written(enum imm_setting setting, const struct imm_origin **origin) {
        for (unsigned i = 0; *origin && (*origin)->kind == IMM_ORIGIN_IMPLIED && i < 8; i++) {
                setting = (*origin)->by;
                *origin = (*origin)->via;
        }
        return setting;
}

/* Settings that leave a program all that it starts with: what goes wrong goes wrong later */
static bool is_felt_later(enum imm_setting setting) {
        return setting == IMM_SETTING_PRIVATE_NETWORK || setting == IMM_SETTING_IP_ADDRESS_DENY ||
               setting == IMM_SETTING_NO_NEW_PRIVILEGES || setting == IMM_SETTING_PROTECT_PROC;
}

/* What is asked for when a user, a device or a job comes, not when the service starts */
static bool is_done_later(const struct imm_use *u) {
        switch (u->facility) {
        case IMM_FACILITY_SHARED_TMP:
        case IMM_FACILITY_GAIN:
        case IMM_FACILITY_KILL:
        case IMM_FACILITY_MOUNT_HOST:
        case IMM_FACILITY_UEVENTS:
        case IMM_FACILITY_INTERFACES:
        case IMM_FACILITY_OTHER_PROCESSES:
        case IMM_FACILITY_REBOOT:
        case IMM_FACILITY_PROC_FILE:
        case IMM_FACILITY_SET_ID_FILES:
                return true;
        case IMM_FACILITY_DEVICE: /* but for those that are there for one device */
                return u->confidence > IMM_CERTAIN;
        case IMM_FACILITY_READ:
        case IMM_FACILITY_WRITE: /* directories of others */
                return u->object &&
                       (imm_after(u->object, "/home") || imm_streq(u->object, "/root") ||
                               imm_streq(u->object, "/etc") || imm_streq(u->object, "/var") ||
                               imm_streq(u->object, "/usr"));
        default:
                return false;
        }
}

/*
 * What the program's configuration decides, or what many live without: a log, a port, the user that
 * it becomes. However sure it is that the program asks for it, what a refusal does is not certain.
 */
static bool is_lived_without(enum imm_facility f) {
        switch (f) {
        case IMM_FACILITY_SWITCH_USER:
        case IMM_FACILITY_CHROOT:
        case IMM_FACILITY_PORT:
        case IMM_FACILITY_NETWORK:
        case IMM_FACILITY_LISTEN:
        case IMM_FACILITY_NETLINK:
        case IMM_FACILITY_READ:
        case IMM_FACILITY_WRITE:
                return true;
        default:
                return false;
        }
}

static void add(struct judge *j, const struct imm_use *u, enum imm_setting setting,
        const struct imm_origin *origin, bool remark, const char *allow, const char *how) {
        struct imm_denial d = {.confidence = u->confidence,
                .partial = u->partial || is_felt_later(setting) || is_done_later(u) ||
                           (u->facility == IMM_FACILITY_NETWORK &&
                                   setting == IMM_SETTING_RESTRICT_ADDRESS_FAMILIES),
                .remark = remark};
        const char *name, *by = imm_setting_info(setting)->name;

        if (!origin)
                origin = &imm_setting(j->s, setting)->origin;
        d.setting = written(setting, &origin);
        if (d.setting == setting) /* of what another one implies it is that one which is changed */
                d.allow = allow;
        d.ambient = setting == IMM_SETTING_CAPABILITY_BOUNDING_SET && identity_of(j, u)->uid != 0;
        if ((d.partial || is_lived_without(u->facility)) && d.confidence < IMM_LIKELY)
                d.confidence = IMM_LIKELY;
        name = imm_setting_info(d.setting)->name;
        if (origin)
                d.origin = *origin;
        d.evidence = imm_printf(j->a, "%s: it %s%s%s, which %s= %s%s%s%s", u->evidence,
                facilities[u->facility].does, u->object ? " " : "", u->object ? u->object : "", by,
                how, imm_streq(by, name) ? "" : ", implied by ", imm_streq(by, name) ? "" : name,
                imm_streq(by, name) ? "" : "=");
        if (d.origin.file)
                d.evidence =
                        imm_printf(j->a, "%s, %s", d.evidence, imm_origin_text(&d.origin, j->a));
        *imm_array_push(j->a, j->to) = d;
}

void deny(struct judge *j, const struct imm_use *u, enum imm_setting setting,
        const struct imm_origin *origin, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        add(j, u, setting, origin, u->remark, NULL, imm_vprintf(j->a, fmt, ap));
        va_end(ap);
}

void mention(struct judge *j, const struct imm_use *u, enum imm_setting setting,
        const struct imm_origin *origin, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        add(j, u, setting, origin, true, NULL, imm_vprintf(j->a, fmt, ap));
        va_end(ap);
}

void refuse(struct judge *j, const struct imm_use *u, enum imm_setting setting,
        const struct imm_origin *origin, bool remark, const char *allow, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        add(j, u, setting, origin, remark || u->remark, allow, imm_vprintf(j->a, fmt, ap));
        va_end(ap);
}

const struct imm_identity *identity_of(const struct judge *j, const struct imm_use *u) {
        return &j->sb->identity[j->sb->has[u->kind] ? u->kind : j->sb->main];
}

/* ---- switches and what belongs to them ---- */

bool switch_is_on(const struct judge *j, enum imm_setting id) {
        const struct imm_value *v = imm_setting(j->s, id);

        return v->number != 0 && v->number != IMM_MINUS_ONE;
}

/* PrivateUsers=identity and full leave the users what they are, as far as they are mapped */
static bool switch_refuses(const struct judge *j, const struct imm_use *u, enum imm_setting id) {
        if (!switch_is_on(j, id))
                return false;
        if (id == IMM_SETTING_PRIVATE_USERS &&
                (u->facility == IMM_FACILITY_SWITCH_USER || u->facility == IMM_FACILITY_CHOWN))
                return identity_of(j, u)->uid == 0 && identity_of(j, u)->userns == IMM_USERNS_SELF;
        return true;
}

static void by_switches(struct judge *j, const struct imm_use *u) {
        const struct facility *f = &facilities[u->facility];

        if (u->facility == IMM_FACILITY_REALTIME &&
                imm_setting_bool(j->s, IMM_SETTING_RESTRICT_REALTIME) && !u->essential)
                return; /* refused with an error */
        for (size_t i = 0; i < IMM_ELEMENTSOF(f->switches); i++) {
                if (f->switches[i] == IMM_SETTING_N)
                        break;
                if (!switch_refuses(j, u, f->switches[i]))
                        continue;
                if (u->essential)
                        deny(j, u, f->switches[i], NULL, "refuses");
                else
                        mention(j, u, f->switches[i], NULL, "refuses");
        }
}

/* ---- system calls ---- */

static const struct imm_syscall_item *listed(const struct imm_value *v, const char *call) {
        for (size_t i = 0; i < v->syscalls.n; i++)
                if (imm_streq(v->syscalls.v[i].name, call))
                        return &v->syscalls.v[i];
        return NULL;
}

static bool kills(const struct judge *j, const struct imm_syscall_item *item) {
        int64_t all = (int64_t)imm_setting_number(j->s, IMM_SETTING_SYSTEM_CALL_ERROR_NUMBER);

        if (item && item->error != 0)
                return item->error == IMM_SYSCALL_KILL;
        return all == IMM_SYSCALL_KILL || all == 0;
}

static void by_call(struct judge *j, const struct imm_use *u, const char *call) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_SYSTEM_CALL_FILTER);
        const struct imm_syscall_item *item = listed(v, call);
        bool denied = v->allow_list ? !item || item->error != 0 : item != NULL;
        const struct imm_origin *origin = item && item->origin.file ? &item->origin : &v->origin;
        bool kill;

        if (!denied)
                return;
        kill = kills(j, item);
        refuse(j, u, IMM_SETTING_SYSTEM_CALL_FILTER, origin, !kill && !u->essential, call, "%s %s",
                kill ? "kills for" : "refuses", call);
}

/* "fstat|newfstatat": which of them depends on the C library; one that is allowed will do */
static bool any_allowed(const struct judge *j, const char *calls) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_SYSTEM_CALL_FILTER);

        for (const char *c = calls; *c; c += strcspn(c, "|"), c += *c == '|') {
                const struct imm_syscall_item *item =
                        listed(v, imm_strndup(j->a, c, strcspn(c, "|")));

                if (v->allow_list ? item && item->error == 0 : !item)
                        return true;
        }
        return false;
}

/* Of calls that the C library chooses between, the first one is what it makes. */
static void by_calls(struct judge *j, const struct imm_use *u) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_SYSTEM_CALL_FILTER);
        const char *calls = u->calls ? u->calls : facilities[u->facility].calls;
        size_t n = strcspn(calls, " ");

        if ((!v->allow_list && v->syscalls.n == 0) || n == 0)
                return;
        if (identity_of(j, u)->uid != 0 &&
                (facilities[u->facility].caps ||
                        (u->facility == IMM_FACILITY_CAPABILITIES &&
                                !(identity_of(j, u)->cap_effective & CAP_BIT(SETPCAP)))))
                return; /* it does not even try */
        calls = imm_strndup(j->a, calls, n);
        n = strcspn(calls, "|");
        if (calls[n] && any_allowed(j, calls))
                return;
        by_call(j, u, imm_strndup(j->a, calls, n));
}

/* ---- namespaces ---- */

static void by_namespaces(struct judge *j, const struct imm_use *u) {
        uint64_t want = facilities[u->facility].namespaces;

        if (!(want & ~imm_setting_number(j->s, IMM_SETTING_RESTRICT_NAMESPACES)))
                return;
        if (!u->essential) /* refused with an error, which programs that only try live with */
                mention(j, u, IMM_SETTING_RESTRICT_NAMESPACES, NULL, "refuses");
        else
                deny(j, u, IMM_SETTING_RESTRICT_NAMESPACES, NULL, "refuses");
}

/* ---- what is special ---- */

/* Programs that gain privileges: who keeps them from it */
static void by_no_new_privileges(struct judge *j, const struct imm_use *u) {
        static const enum imm_setting filters[] = {IMM_SETTING_SYSTEM_CALL_FILTER,
                IMM_SETTING_RESTRICT_ADDRESS_FAMILIES, IMM_SETTING_MEMORY_DENY_WRITE_EXECUTE,
                IMM_SETTING_RESTRICT_REALTIME, IMM_SETTING_RESTRICT_SUIDSGID,
                IMM_SETTING_RESTRICT_NAMESPACES, IMM_SETTING_LOCK_PERSONALITY,
                IMM_SETTING_SYSTEM_CALL_ARCHITECTURES, IMM_SETTING_PRIVATE_DEVICES,
                IMM_SETTING_PROTECT_KERNEL_TUNABLES, IMM_SETTING_PROTECT_KERNEL_MODULES,
                IMM_SETTING_PROTECT_KERNEL_LOGS, IMM_SETTING_PROTECT_CLOCK,
                IMM_SETTING_PROTECT_HOSTNAME};
        const struct imm_identity *id = identity_of(j, u);

        if (!id->no_new_privileges)
                return;
        if (id->uid == 0 && id->userns == IMM_USERNS_NONE && id->cap_bounding == IMM_CAPS_ALL &&
                u->confidence > IMM_CERTAIN && !u->partial) {
                mention(j, u, IMM_SETTING_NO_NEW_PRIVILEGES, NULL, "refuses");
                return; /* there is nothing to gain but other users' rights */
        }
        if (imm_setting_bool(j->s, IMM_SETTING_NO_NEW_PRIVILEGES)) {
                deny(j, u, IMM_SETTING_NO_NEW_PRIVILEGES, NULL, "refuses");
                return;
        }
        for (size_t i = 0; i < IMM_ELEMENTSOF(filters); i++)
                if (imm_setting(j->s, filters[i])->set) {
                        deny(j, u, filters[i], NULL,
                                "refuses: a filter of calls without privileges to set it needs "
                                "NoNewPrivileges=");
                        return;
                }
}

static bool becomes_another(const struct judge *j) {
        imm_array_foreach (u, j->uses)
                if (u->facility == IMM_FACILITY_SWITCH_USER && !u->remark &&
                        strstr(u->evidence, "imports "))
                        return true;
        return false;
}

static void by_hidden_processes(struct judge *j, const struct imm_use *u) {
        const struct imm_identity *id = identity_of(j, u);
        const char *word = imm_setting_word(j->s, IMM_SETTING_PROTECT_PROC);

        if (imm_setting_number(j->s, IMM_SETTING_PRIVATE_PIDS) == 1)
                deny(j, u, IMM_SETTING_PRIVATE_PIDS, NULL, "hides");
        if (id->userns == IMM_USERNS_NONE && (id->cap_effective & CAP_BIT(SYS_PTRACE)) &&
                !becomes_another(j))
                return; /* hidepid= does not count for it */
        if (word && !imm_streq(word, "default"))
                deny(j, u, IMM_SETTING_PROTECT_PROC, NULL, "hides");
}

/* Any mount namespace keeps mounts to itself. */
static void by_mount_namespace(struct judge *j, const struct imm_use *u) {
        static const enum imm_setting makers[] = {IMM_SETTING_PRIVATE_MOUNTS,
                IMM_SETTING_PRIVATE_TMP, IMM_SETTING_PRIVATE_DEVICES, IMM_SETTING_PROTECT_SYSTEM,
                IMM_SETTING_PROTECT_HOME, IMM_SETTING_PROTECT_KERNEL_TUNABLES,
                IMM_SETTING_PROTECT_KERNEL_MODULES, IMM_SETTING_PROTECT_KERNEL_LOGS,
                IMM_SETTING_PROTECT_CONTROL_GROUPS, IMM_SETTING_PROTECT_PROC,
                IMM_SETTING_PROC_SUBSET, IMM_SETTING_READ_ONLY_PATHS, IMM_SETTING_READ_WRITE_PATHS,
                IMM_SETTING_INACCESSIBLE_PATHS, IMM_SETTING_TEMPORARY_FILE_SYSTEM,
                IMM_SETTING_BIND_PATHS, IMM_SETTING_BIND_READ_ONLY_PATHS};

        if (!j->sb->mounts[u->kind].has_namespace)
                return;
        for (size_t i = 0; i < IMM_ELEMENTSOF(makers); i++) {
                const struct imm_value *v = imm_setting(j->s, makers[i]);

                if (!v->set || (v->type != IMM_VALUE_PATHS && v->type != IMM_VALUE_BINDS &&
                                       v->type != IMM_VALUE_TMPFS && !switch_is_on(j, makers[i])))
                        continue;
                if (v->origin.kind == IMM_ORIGIN_IMPLIED)
                        continue;
                deny(j, u, makers[i], NULL, "keeps to the service, in its own mount namespace");
        }
}

static void by_architecture(struct judge *j, const struct imm_use *u) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_SYSTEM_CALL_ARCHITECTURES);

        if (v->strings.n == 0)
                return;
        for (size_t i = 0; i < v->strings.n; i++)
                if (!imm_streq(v->strings.v[i].text, "native") &&
                        !imm_streq(v->strings.v[i].text, "x86-64") &&
                        !imm_streq(v->strings.v[i].text, "arm64"))
                        return;
        deny(j, u, IMM_SETTING_SYSTEM_CALL_ARCHITECTURES, NULL, "refuses");
}

/* Messages of helpers count with NotifyAccess=all only; systemd-notify(1) may speak for the main
 * process if it has the privilege to. */
static void by_notify_access(struct judge *j, const struct imm_use *u) {
        const char *word = imm_setting_word(j->s, IMM_SETTING_NOTIFY_ACCESS);
        bool privileged = identity_of(j, u)->userns == IMM_USERNS_NONE &&
                          (identity_of(j, u)->cap_effective & CAP_BIT(SYS_ADMIN));

        if (!word || imm_streq(word, "all") || (u->object && privileged))
                return;
        deny(j, u, IMM_SETTING_NOTIFY_ACCESS, NULL, "does not listen to");
}

/* The setting of those who wrote one: by default services have a keyring of their own as well */
static void by_keyring(struct judge *j, const struct imm_use *u) {
        const char *word = imm_setting_word(j->s, IMM_SETTING_KEYRING_MODE);

        if (word && imm_streq(word, "private") &&
                imm_setting(j->s, IMM_SETTING_KEYRING_MODE)->origin.kind == IMM_ORIGIN_FILE)
                deny(j, u, IMM_SETTING_KEYRING_MODE, NULL, "hides");
}

/* Its own files: what the mask takes from their owner, only root's privilege gives back */
static void by_mask(struct judge *j, const struct imm_use *u) {
        const struct imm_identity *id = identity_of(j, u);
        uint64_t mask = imm_setting_number(j->s, IMM_SETTING_UMASK);

        if (imm_setting(j->s, IMM_SETTING_STATE_DIRECTORY)->directories.n == 0 &&
                imm_setting(j->s, IMM_SETTING_CACHE_DIRECTORY)->directories.n == 0)
                return; /* a command that makes nothing may well have such a mask */
        if ((mask & 0700) && !(id->cap_effective & CAP_BIT(DAC_OVERRIDE)))
                deny(j, u, IMM_SETTING_UMASK, NULL, "%03" PRIo64 " makes without rights for itself",
                        mask);
}

/* Mounts made for the service are seen as file systems of the machine. */
static void by_own_mounts(struct judge *j, const struct imm_use *u) {
        static const enum imm_setting makers[] = {IMM_SETTING_PROTECT_SYSTEM,
                IMM_SETTING_READ_ONLY_PATHS, IMM_SETTING_BIND_PATHS,
                IMM_SETTING_BIND_READ_ONLY_PATHS};

        if (!j->sb->mounts[j->sb->has[u->kind] ? u->kind : j->sb->main].has_namespace)
                return;
        for (size_t i = 0; i < IMM_ELEMENTSOF(makers); i++) {
                const struct imm_value *v = imm_setting(j->s, makers[i]);

                if (v->set && (v->type == IMM_VALUE_PATHS || v->type == IMM_VALUE_BINDS ||
                                      switch_is_on(j, makers[i])))
                        deny(j, u, makers[i], NULL, "changes by mounts of the service's own");
        }
}

static void special(struct judge *j, const struct imm_use *u) {
        switch (u->facility) {
        case IMM_FACILITY_CHILDREN:
                deny_task_limits(j, u);
                break;
        case IMM_FACILITY_ADDRESSES:
                deny_address_limit(j, u);
                break;
        case IMM_FACILITY_FILES:
                deny_file_limit(j, u);
                break;
        case IMM_FACILITY_MEMORY:
                deny_memory_size(j, u);
                break;
        case IMM_FACILITY_REALTIME:
                deny_realtime(j, u);
                break;
        case IMM_FACILITY_ROOT:
                deny_user(j, u);
                break;
        case IMM_FACILITY_SHARED_KEYS:
                by_keyring(j, u);
                break;
        case IMM_FACILITY_GAIN:
                by_no_new_privileges(j, u);
                break;
        case IMM_FACILITY_OTHER_PROCESSES:
                by_hidden_processes(j, u);
                break;
        case IMM_FACILITY_MOUNT_HOST:
                by_mount_namespace(j, u);
                break;
        case IMM_FACILITY_MAKES_DIRECTORIES:
                by_mask(j, u);
                break;
        case IMM_FACILITY_SEES_MOUNTS:
                by_own_mounts(j, u);
                break;
        case IMM_FACILITY_ARCH_32:
                by_architecture(j, u);
                break;
        case IMM_FACILITY_MEMLOCK:
                deny_memory_limit(j, u);
                break;
        case IMM_FACILITY_NOTIFY_HELPER:
                by_notify_access(j, u);
                break;
        case IMM_FACILITY_NEVER_NOTIFIES:
                deny(j, u, IMM_SETTING_TYPE, NULL, "waits for");
                break;
        case IMM_FACILITY_NEVER_PINGS:
                deny(j, u, IMM_SETTING_WATCHDOG_SEC, NULL, "asks for, and kills it without");
                break;
        default:
                deny_network(j, u);
                deny_path(j, u);
                break;
        }
}

/* ---- all ---- */

/* Could any setting of the unit refuse something? */
static bool is_confined(const struct imm_settings *s) {
        static const enum imm_setting settings[] = {IMM_SETTING_AMBIENT_CAPABILITIES,
                IMM_SETTING_CAPABILITY_BOUNDING_SET, IMM_SETTING_DEVICE_ALLOW,
                IMM_SETTING_DEVICE_POLICY, IMM_SETTING_DYNAMIC_USER, IMM_SETTING_INACCESSIBLE_PATHS,
                IMM_SETTING_KEYRING_MODE, IMM_SETTING_IP_ADDRESS_DENY, IMM_SETTING_LIMIT_MEMLOCK,
                IMM_SETTING_LIMIT_AS, IMM_SETTING_LIMIT_FSIZE, IMM_SETTING_LIMIT_NOFILE,
                IMM_SETTING_LIMIT_NPROC, IMM_SETTING_NO_EXEC_PATHS, IMM_SETTING_PRIVATE_IPC,
                IMM_SETTING_TASKS_MAX, IMM_SETTING_MEMORY_MAX, IMM_SETTING_LOCK_PERSONALITY,
                IMM_SETTING_MEMORY_DENY_WRITE_EXECUTE, IMM_SETTING_NO_NEW_PRIVILEGES,
                IMM_SETTING_NOTIFY_ACCESS, IMM_SETTING_PRIVATE_DEVICES, IMM_SETTING_PRIVATE_MOUNTS,
                IMM_SETTING_PRIVATE_NETWORK, IMM_SETTING_PRIVATE_PIDS, IMM_SETTING_PRIVATE_TMP,
                IMM_SETTING_PRIVATE_USERS, IMM_SETTING_PROC_SUBSET, IMM_SETTING_PROTECT_CLOCK,
                IMM_SETTING_REMOVE_IPC, IMM_SETTING_PROTECT_CONTROL_GROUPS,
                IMM_SETTING_PROTECT_HOME, IMM_SETTING_PROTECT_HOSTNAME,
                IMM_SETTING_PROTECT_KERNEL_LOGS, IMM_SETTING_PROTECT_KERNEL_MODULES,
                IMM_SETTING_PROTECT_KERNEL_TUNABLES, IMM_SETTING_PROTECT_PROC,
                IMM_SETTING_PROTECT_SYSTEM, IMM_SETTING_READ_ONLY_PATHS,
                IMM_SETTING_RESTRICT_ADDRESS_FAMILIES, IMM_SETTING_RESTRICT_NAMESPACES,
                IMM_SETTING_RESTRICT_REALTIME, IMM_SETTING_RESTRICT_SUIDSGID,
                IMM_SETTING_ROOT_DIRECTORY, IMM_SETTING_SOCKET_BIND_DENY,
                IMM_SETTING_SYSTEM_CALL_ARCHITECTURES, IMM_SETTING_SYSTEM_CALL_FILTER,
                IMM_SETTING_TEMPORARY_FILE_SYSTEM, IMM_SETTING_TYPE, IMM_SETTING_UMASK,
                IMM_SETTING_USER, IMM_SETTING_WATCHDOG_SEC};

        for (size_t i = 0; i < IMM_ELEMENTSOF(settings); i++) {
                const struct imm_value *v = imm_setting(s, settings[i]);

                if (v->set && v->origin.kind != IMM_ORIGIN_MANAGER)
                        return true;
        }
        return false;
}

static int surest_first(const void *a, const void *b) {
        const struct imm_denial *x = a, *y = b;

        if (x->remark != y->remark)
                return x->remark - y->remark;
        if (x->partial != y->partial)
                return x->partial - y->partial;
        return (int)x->confidence - (int)y->confidence;
}

void imm_denials_compute(struct imm_manager *m, struct imm_settings *s,
        const struct imm_sandbox *sb, struct imm_arena *a, struct imm_denials *ret) {
        struct judge j = {.m = m, .s = s, .sb = sb, .a = a, .to = ret};
        struct imm_uses uses;

        *ret = (struct imm_denials){0};
        if (s->load != IMM_LOAD_LOADED || s->unit->type != IMM_UNIT_SERVICE ||
                m->scope != IMM_SCOPE_SYSTEM || !is_confined(s))
                return;
        imm_uses_compute(m, s, a, &uses);
        j.uses = &uses;
        for (size_t i = 0; i < uses.n; i++) {
                const struct imm_use *u = &uses.v[i];

                by_switches(&j, u);
                deny_capabilities(&j, u);
                by_calls(&j, u);
                deny_families(&j, u);
                by_namespaces(&j, u);
                special(&j, u);
        }
        deny_by_unit(&j);
        deny_package(&j);
        if (ret->n > 1)
                qsort(ret->v, ret->n, sizeof(*ret->v), surest_first);
}
