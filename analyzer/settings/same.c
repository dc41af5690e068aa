/* Whether two values mean the same to systemd, wherever they come from. */

#include "analyzer/settings/settings.h"

enum { SET_MAX = 64 }; /* longer lists are compared in their order only */

static bool same_item(enum imm_value_type type, const struct imm_value *a, size_t i,
        const struct imm_value *b, size_t k) {
        switch (type) {
        case IMM_VALUE_PATHS: {
                const struct imm_path_item *x = &a->paths.v[i], *y = &b->paths.v[k];

                return imm_streq(x->path, y->path) && x->ignore_missing == y->ignore_missing &&
                       x->in_root == y->in_root;
        }
        case IMM_VALUE_BINDS: {
                const struct imm_bind_item *x = &a->binds.v[i], *y = &b->binds.v[k];

                return imm_streq(x->source, y->source) &&
                       imm_streq(x->destination, y->destination) &&
                       x->ignore_missing == y->ignore_missing && x->read_only == y->read_only &&
                       x->recursive == y->recursive;
        }
        case IMM_VALUE_TMPFS:
                return imm_streq(a->tmpfs.v[i].path, b->tmpfs.v[k].path) &&
                       imm_streq(a->tmpfs.v[i].options, b->tmpfs.v[k].options);
        case IMM_VALUE_DIRECTORIES: {
                const struct imm_directory_item *x = &a->directories.v[i],
                                                *y = &b->directories.v[k];

                return imm_streq(x->path, y->path) && x->read_only == y->read_only &&
                       imm_strv_same(&x->symlinks, &y->symlinks);
        }
        case IMM_VALUE_COMMANDS: {
                const struct imm_command_item *x = &a->commands.v[i], *y = &b->commands.v[k];

                return imm_streq(x->path, y->path) && x->flags == y->flags &&
                       imm_strv_same(&x->argv, &y->argv);
        }
        case IMM_VALUE_CREDENTIALS: {
                const struct imm_credential_item *x = &a->credentials.v[i],
                                                 *y = &b->credentials.v[k];

                return imm_streq(x->id, y->id) && imm_same_text(x->source, y->source) &&
                       x->encrypted == y->encrypted;
        }
        case IMM_VALUE_DEVICES: {
                const struct imm_device_item *x = &a->devices.v[i], *y = &b->devices.v[k];

                return imm_streq(x->node, y->node) && x->r == y->r && x->w == y->w && x->m == y->m;
        }
        case IMM_VALUE_IPS: {
                const struct imm_ip_item *x = &a->ips.v[i], *y = &b->ips.v[k];

                return x->family == y->family && x->prefix == y->prefix &&
                       memcmp(x->address, y->address, sizeof(x->address)) == 0;
        }
        case IMM_VALUE_SOCKET_BINDS: {
                const struct imm_socket_bind_item *x = &a->socket_binds.v[i],
                                                  *y = &b->socket_binds.v[k];

                return x->family == y->family && x->protocol == y->protocol &&
                       x->n_ports == y->n_ports && x->port_min == y->port_min;
        }
        case IMM_VALUE_SYSCALLS:
                return imm_streq(a->syscalls.v[i].name, b->syscalls.v[k].name) &&
                       a->syscalls.v[i].error == b->syscalls.v[k].error;
        default: /* STRINGS, NAMES, RAW */
                return imm_same_text(a->strings.v[i].text, b->strings.v[k].text);
        }
}

/* Is each item of @a one of @b's? */
static bool within(const struct imm_value *a, const struct imm_value *b) {
        for (size_t i = 0; i < a->strings.n; i++) {
                size_t k = 0;

                while (k < b->strings.n && !same_item(a->type, a, i, b, k))
                        k++;
                if (k == b->strings.n)
                        return false;
        }
        return true;
}

static bool same_list(const struct imm_value *a, const struct imm_value *b, bool as_set) {
        /* all lists have one shape */
        bool same = a->strings.n == b->strings.n;

        for (size_t i = 0; same && i < a->strings.n; i++)
                same = same_item(a->type, a, i, b, i);
        if (same || !as_set || a->strings.n > SET_MAX || b->strings.n > SET_MAX)
                return same;
        return within(a, b) && within(b, a);
}

bool imm_value_same(const struct imm_value *a, const struct imm_value *b, bool as_set) {
        if (a == b)
                return true;
        switch (a->type) {
        case IMM_VALUE_BOOL:
        case IMM_VALUE_TRISTATE:
        case IMM_VALUE_ENUM:
        case IMM_VALUE_NUMBER:
        case IMM_VALUE_SIGNED:
        case IMM_VALUE_USEC:
        case IMM_VALUE_CAPS:
        case IMM_VALUE_NAMESPACES:
                return a->number == b->number && a->relative == b->relative;
        case IMM_VALUE_STRING:
                return imm_same_text(a->string, b->string);
        case IMM_VALUE_LIMIT:
                return a->set == b->set && a->limit.soft == b->limit.soft &&
                       a->limit.hard == b->limit.hard;
        case IMM_VALUE_SYSCALLS:
        case IMM_VALUE_NAMES:
                return a->filter == b->filter && a->allow_list == b->allow_list &&
                       same_list(a, b, as_set);
        default:
                return same_list(a, b, as_set);
        }
}

bool imm_settings_same(
        const struct imm_settings *a, const struct imm_settings *b, enum imm_setting except) {
        size_t i = 0, k = 0;

        if (a->load != b->load)
                return false;
        for (;;) {
                enum imm_setting x = IMM_SETTING_N, y = IMM_SETTING_N, id;
                const struct imm_value *v = imm_setting_own(a, i, &x);
                const struct imm_value *w = imm_setting_own(b, k, &y);

                if (!v && !w)
                        return true;
                id = x < y ? x : y;
                i += x == id;
                k += y == id;
                if (id != except && !imm_value_same(x == id ? v : imm_setting_built_in(a, id),
                                            y == id ? w : imm_setting_built_in(b, id), false))
                        return false;
        }
}

bool imm_setting_leaves_traces(enum imm_setting id) {
        static const enum imm_setting ids[] = {
                IMM_SETTING_DELEGATE, /* words add to what "yes" delegated */
                IMM_SETTING_TIMEOUT_SEC,
                IMM_SETTING_JOB_TIMEOUT_SEC,
                IMM_SETTING_ON_FAILURE_ISOLATE,
                IMM_SETTING_ON_FAILURE_JOB_MODE,
                IMM_SETTING_CPU_SCHEDULING_POLICY, /* moves the priority */
                IMM_SETTING_CPU_SCHEDULING_PRIORITY,
                IMM_SETTING_IO_SCHEDULING_CLASS,
                IMM_SETTING_IO_SCHEDULING_PRIORITY,
                IMM_SETTING_STANDARD_INPUT, /* the name of a descriptor */
                IMM_SETTING_STANDARD_OUTPUT,
                IMM_SETTING_STANDARD_ERROR,
                IMM_SETTING_STANDARD_INPUT_TEXT, /* one buffer */
                IMM_SETTING_STANDARD_INPUT_DATA,
                IMM_SETTING_ROOT_HASH, /* a path and a hash stand side by side */
                IMM_SETTING_ROOT_HASH_SIGNATURE,
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(ids); i++)
                if (ids[i] == id)
                        return true;
        return false;
}
