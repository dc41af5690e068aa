/*
 * system.conf and user.conf with their drop-ins: what they say is the default of units. Only what
 * reaches units' settings is looked at. Sources: systemd-system.conf(5).
 */

#include "analyzer/settings/manager.h"

#include "analyzer/settings/numbers.h"
#include "analyzer/settings/parse/parse.h"
#include "analyzer/unit/limits.h"
#include "analyzer/unit/syntax.h"

#include <errno.h>
#include <pthread.h>

enum { SYSTEM_PROTECTED = 256 }; /* system.conf's own ProtectSystem= */

struct imm_defaults {
        struct imm_value *values[IMM_SETTING_N];
        struct imm_value *limits[IMM_SETTING_N];      /* what the manager takes from itself */
        struct imm_value *environment[IMM_SETTING_N]; /* of the rows of variables[] */
};

/* Default...= and the settings that get it; each is read as its first one is. */
static const struct {
        const char *key;
        unsigned since;
        enum imm_setting ids[5]; /* IMM_SETTING_N ends */
} keys[] = {
#define K(key, since, ...) \
        { \
                key, since, { \
                        __VA_ARGS__, IMM_SETTING_N \
                } \
        }
        K("DefaultTimerAccuracySec", 0, IMM_SETTING_ACCURACY_SEC),
        K("DefaultStandardOutput", 0, IMM_SETTING_STANDARD_OUTPUT),
        K("DefaultStandardError", 0, IMM_SETTING_STANDARD_ERROR),
        K("DefaultTimeoutStartSec", 0, IMM_SETTING_TIMEOUT_START_SEC,
                IMM_SETTING_SOCKET_TIMEOUT_SEC, IMM_SETTING_MOUNT_TIMEOUT_SEC,
                IMM_SETTING_SWAP_TIMEOUT_SEC),
        K("DefaultTimeoutStopSec", 0, IMM_SETTING_TIMEOUT_STOP_SEC,
                IMM_SETTING_SCOPE_TIMEOUT_STOP_SEC),
        K("DefaultTimeoutAbortSec", 0, IMM_SETTING_TIMEOUT_ABORT_SEC),
        K("DefaultRestartSec", 0, IMM_SETTING_RESTART_SEC),
        K("DefaultStartLimitInterval", 0, IMM_SETTING_START_LIMIT_INTERVAL_SEC),
        K("DefaultStartLimitIntervalSec", 0, IMM_SETTING_START_LIMIT_INTERVAL_SEC),
        K("DefaultStartLimitBurst", 0, IMM_SETTING_START_LIMIT_BURST),
        K("DefaultLimitCPU", 0, IMM_SETTING_LIMIT_CPU),
        K("DefaultLimitFSIZE", 0, IMM_SETTING_LIMIT_FSIZE),
        K("DefaultLimitDATA", 0, IMM_SETTING_LIMIT_DATA),
        K("DefaultLimitSTACK", 0, IMM_SETTING_LIMIT_STACK),
        K("DefaultLimitCORE", 0, IMM_SETTING_LIMIT_CORE),
        K("DefaultLimitRSS", 0, IMM_SETTING_LIMIT_RSS),
        K("DefaultLimitNOFILE", 0, IMM_SETTING_LIMIT_NOFILE),
        K("DefaultLimitAS", 0, IMM_SETTING_LIMIT_AS),
        K("DefaultLimitNPROC", 0, IMM_SETTING_LIMIT_NPROC),
        K("DefaultLimitMEMLOCK", 0, IMM_SETTING_LIMIT_MEMLOCK),
        K("DefaultLimitLOCKS", 0, IMM_SETTING_LIMIT_LOCKS),
        K("DefaultLimitSIGPENDING", 0, IMM_SETTING_LIMIT_SIGPENDING),
        K("DefaultLimitMSGQUEUE", 0, IMM_SETTING_LIMIT_MSGQUEUE),
        K("DefaultLimitNICE", 0, IMM_SETTING_LIMIT_NICE),
        K("DefaultLimitRTPRIO", 0, IMM_SETTING_LIMIT_RTPRIO),
        K("DefaultLimitRTTIME", 0, IMM_SETTING_LIMIT_RTTIME),
        K("DefaultCPUAccounting", 0, IMM_SETTING_CPU_ACCOUNTING),
        K("DefaultIOAccounting", 0, IMM_SETTING_IO_ACCOUNTING),
        K("DefaultIPAccounting", 0, IMM_SETTING_IP_ACCOUNTING),
        K("DefaultBlockIOAccounting", 0, IMM_SETTING_BLOCKIO_ACCOUNTING),
        K("DefaultMemoryAccounting", 0, IMM_SETTING_MEMORY_ACCOUNTING),
        K("DefaultTasksAccounting", 0, IMM_SETTING_TASKS_ACCOUNTING),
        K("DefaultTasksMax", 0, IMM_SETTING_TASKS_MAX),
        K("DefaultOOMPolicy", 0, IMM_SETTING_OOM_POLICY),
        K("DefaultOOMScoreAdjust", 250, IMM_SETTING_OOM_SCORE_ADJUST),
        K("DefaultMemoryPressureThresholdSec", 254, IMM_SETTING_MEMORY_PRESSURE_THRESHOLD_SEC),
        K("DefaultMemoryPressureWatch", 254, IMM_SETTING_MEMORY_PRESSURE_WATCH),
        K("DefaultSmackProcessLabel", 252, IMM_SETTING_SMACK_PROCESS_LABEL),
#undef K
};

/* Of the manager's own process, and so of all that it starts; in system.conf alone */
static const enum imm_setting limits[] = {
        IMM_SETTING_CAPABILITY_BOUNDING_SET,
        IMM_SETTING_NO_NEW_PRIVILEGES,
        IMM_SETTING_PROTECT_SYSTEM,
};

static bool is_limit(const struct imm_parse *p, const char *key) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(limits); i++)
                if (imm_streq(imm_setting_info(limits[i])->name, key))
                        return limits[i] != IMM_SETTING_PROTECT_SYSTEM ||
                               p->version >= SYSTEM_PROTECTED;
        return false;
}

static void read_limit(struct imm_parse *p, const struct imm_assignment *x, const char *path) {
        bool value;

        p->id = imm_setting_by_name(x->key);
        p->row = &imm_setting_rows[p->id];
        p->key = p->row->info.name;
        p->origin = (struct imm_origin){.kind = IMM_ORIGIN_MANAGER, .file = path, .line = x->line};
        /* yes, no, or auto, which is no once the real root is there; nothing more */
        if (p->id == IMM_SETTING_PROTECT_SYSTEM && imm_streq(x->value, "auto"))
                (void)p->row->parser(p, "no");
        else if (p->id == IMM_SETTING_PROTECT_SYSTEM && !imm_text_bool(x->value, &value))
                (void)imm_parse_ignore(p, "'%s' is neither yes, no nor auto", x->value);
        else
                (void)p->row->parser(p, x->value);
}

/* Two lists of variables. A parser keeps what it has met by setting: so each takes one's place. */
static const struct {
        const char *key;
        unsigned since;
        enum imm_setting id;
} variables[] = {
        [IMM_VARIABLES_DEFAULT] = {"DefaultEnvironment", 205, IMM_SETTING_ENVIRONMENT},
        [IMM_VARIABLES_MANAGER] = {"ManagerEnvironment", 248, IMM_SETTING_UNSET_ENVIRONMENT},
};

static bool read_variables(struct imm_parse *p, struct imm_defaults *d,
        const struct imm_assignment *x, const char *path) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(variables); i++) {
                if (!imm_streq(variables[i].key, x->key))
                        continue;
                p->values = d->environment;
                p->id = variables[i].id;
                p->row = &imm_setting_rows[p->id];
                p->key = variables[i].key;
                p->origin = (struct imm_origin){
                        .kind = IMM_ORIGIN_MANAGER, .file = path, .line = x->line};
                if (p->version >= variables[i].since)
                        (void)imm_parse_environ(p, x->value);
                return true;
        }
        return false;
}

static void read_assignment(struct imm_parse *p, const struct imm_assignment *x, const char *path) {
        const struct imm_setting_row *row;
        size_t k = 0;

        while (k < IMM_ELEMENTSOF(keys) && !imm_streq(keys[k].key, x->key))
                k++;
        if (k == IMM_ELEMENTSOF(keys) || p->version < keys[k].since)
                return;

        p->id = keys[k].ids[0];
        row = &imm_setting_rows[p->id];
        p->row = row;
        p->key = keys[k].key;
        p->origin = (struct imm_origin){.kind = IMM_ORIGIN_MANAGER, .file = path, .line = x->line};
        /* Streams are restricted here: what needs a file or a socket cannot be a default */
        if (row->info.type == IMM_VALUE_STRING && p->id != IMM_SETTING_SMACK_PROCESS_LABEL &&
                (strchr(x->value, ':') || imm_streq(x->value, "socket") ||
                        imm_streq(x->value, "fd") || imm_streq(x->value, "file")))
                (void)imm_parse_ignore(p, "'%s' cannot be a default", x->value);
        else if (row->parser(p, x->value) == IMM_PARSED_TAKEN)
                for (size_t i = 1; keys[k].ids[i] != IMM_SETTING_N; i++)
                        *imm_parse_value_of(p, keys[k].ids[i]) = *p->values[p->id];
}

static void unseen(struct imm_parse *p, const char *path, int error) {
        imm_diag_add(p->a, p->diags, IMM_DIAG_UNREADABLE, "unreadable", path, 0, NULL,
                "it cannot be read: %s", strerror(-error));
}

/* @system: it is system.conf, of which a user's manager keeps the limits alone */
static void read_conf(struct imm_parse *p, struct imm_defaults *d, const char *path, bool system) {
        static const char *const sections[] = {"Manager", NULL};
        const struct imm_syntax syntax = {.sections = sections, .version = p->version};
        struct imm_unit_file f = {.kind = IMM_FILE_DROPIN, .path = path};
        struct imm_blob blob;
        char *text;
        int r = imm_root_read(p->m->root, path, IMM_CONFIG_FILE_MAX, p->a, &blob, NULL);

        if (r < 0) {
                if (r != -ENOENT)
                        unseen(p, path, r);
                return;
        }
        text = imm_strndup(p->a, blob.data, blob.size);
        imm_syntax_parse(&syntax, text, blob.size, p->a, &f);
        for (size_t i = 0; i < f.n_assignments; i++) {
                const struct imm_assignment *x = &f.assignments[i];
                bool limit = system && is_limit(p, x->key);

                if (system && !limit && p->m->scope != IMM_SCOPE_SYSTEM)
                        continue;
                if (read_variables(p, d, x, path))
                        continue;
                p->values = limit ? d->limits : d->values;
                if (limit)
                        read_limit(p, x, path);
                else
                        read_assignment(p, x, path);
        }
}

/* Name -> path: the first directory that has a name counts, a link to /dev/null hides it */
static int by_name(const void *a, const void *b) {
        return strcmp(
                ((const struct imm_map_entry *)a)->key, ((const struct imm_map_entry *)b)->key);
}

static void read_all(struct imm_parse *p, struct imm_defaults *d, const char *name) {
        /* Most specific first; a directory of its own since 254 for the file itself too */
        static const char *const dirs[] = {"/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"};
        bool system = imm_streq(name, "system.conf");
        struct imm_map found = {0};

        for (size_t i = 0; i < IMM_ELEMENTSOF(dirs); i++) {
                const char *path = imm_printf(p->a, "%s/systemd/%s", dirs[i], name);
                struct stat st;
                int r;

                if (i > 0 && p->version < 254)
                        break;
                r = imm_root_stat(p->m->root, path, &st);
                if (r == -EACCES)
                        unseen(p, path, r);
                if (r < 0)
                        continue;
                if (S_ISREG(st.st_mode))
                        read_conf(p, d, path, system);
                break;
        }
        for (size_t i = 0; i < IMM_ELEMENTSOF(dirs); i++) {
                const char *dir = imm_printf(p->a, "%s/systemd/%s.d", dirs[i], name);
                struct imm_dirent *list;
                size_t n;
                int r = imm_root_list(p->m->root, dir, p->a, &list, &n);

                if (r == -EACCES || r == -EIO)
                        unseen(p, dir, r);
                if (r < 0)
                        continue;
                for (size_t k = 0; k < n; k++)
                        if (imm_ends_with(list[k].name, ".conf") &&
                                !imm_map_has(&found, list[k].name))
                                imm_map_put(p->a, &found, list[k].name,
                                        imm_printf(p->a, "%s/%s", dir, list[k].name));
        }
        if (found.n > 1)
                qsort(found.v, found.n, sizeof(*found.v), by_name);
        for (size_t i = 0; i < found.n; i++) {
                struct stat st;

                if (imm_root_stat(p->m->root, found.v[i].value, &st) >= 0 && S_ISREG(st.st_mode))
                        read_conf(p, d, found.v[i].value, system);
        }
}

static void load(struct imm_manager *m) {
        struct imm_defaults *d = imm_new(m->arena, struct imm_defaults);
        const struct imm_unit nobody = {
                .name = "", .prefix = "", .type = IMM_UNIT_SERVICE}; /* parsers ask for its type */
        struct imm_parse p = {
                .m = m, .u = &nobody, .version = m->version, .a = m->arena, .diags = &m->diags};

        if (m->root)
                read_all(&p, d, "system.conf");
        if (m->root && m->scope != IMM_SCOPE_SYSTEM)
                read_all(&p, d, "user.conf");
        __atomic_store_n(&m->defaults, d, __ATOMIC_RELEASE);
}

void imm_manager_defaults_load(struct imm_manager *m) {
        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

        if (__atomic_load_n(&m->defaults, __ATOMIC_ACQUIRE))
                return;
        (void)pthread_mutex_lock(&lock);
        if (!m->defaults)
                load(m);
        (void)pthread_mutex_unlock(&lock);
}

const struct imm_value *imm_manager_default(
        const struct imm_manager *m, enum imm_unit_type type, enum imm_setting id) {
        const struct imm_defaults *d = __atomic_load_n(&m->defaults, __ATOMIC_ACQUIRE);

        if (!d || (id == IMM_SETTING_TASKS_MAX && type == IMM_UNIT_SLICE))
                return NULL;
        return d->values[id];
}

const struct imm_value *imm_manager_limit(const struct imm_manager *m, enum imm_setting id) {
        const struct imm_defaults *d = __atomic_load_n(&m->defaults, __ATOMIC_ACQUIRE);

        return d ? d->limits[id] : NULL;
}

const struct imm_value *imm_manager_variables(
        const struct imm_manager *m, enum imm_variables which) {
        const struct imm_defaults *d = __atomic_load_n(&m->defaults, __ATOMIC_ACQUIRE);

        return d ? d->environment[variables[which].id] : NULL;
}
