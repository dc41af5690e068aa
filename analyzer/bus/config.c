#include "analyzer/bus/bus-private.h"

#include <errno.h>

/*
 * dbus-daemon(1)'s configuration files. A file in a directory of them that is not well-formed, or
 * says what the bus does not know, is left out as a whole, as the bus does it.
 */

enum { FILE_MAX = 4 * 1024 * 1024, INCLUDE_DEPTH_MAX = 8, RULES_MAX = 100000 };

struct reading {
        struct imm_bus *b;
        struct imm_arena *a;
        const char *file;
        unsigned depth; /* of includes */
        size_t *n_rules;
        bool ignore_missing, selinux; /* of the <include> that is open */
        bool in_policy;
        struct imm_bus_policy policy;
        struct imm_bus_policies found; /* taken only when the whole file is */
};

static void read_file(struct imm_bus *b, const char *path, unsigned depth, size_t *n_rules,
        struct imm_bus_policies *to);

/* ---- <policy> ---- */

static bool user_id(const struct imm_bus *b, const char *name, unsigned *ret) {
        const struct imm_user *u = imm_user_by_name(b->m->users, name);
        unsigned long long n;

        if (imm_streq(name, "root"))
                *ret = 0;
        else if (u)
                *ret = u->uid;
        else if (imm_parse_u64(name, &n) && n < UINT32_MAX)
                *ret = (unsigned)n;
        else
                return false;
        return true;
}

static bool group_id(const struct imm_bus *b, const char *name, unsigned *ret) {
        const struct imm_group *g = imm_group_by_name(b->m->users, name);
        unsigned long long n;

        if (imm_streq(name, "root"))
                *ret = 0;
        else if (g)
                *ret = g->gid;
        else if (imm_parse_u64(name, &n) && n < UINT32_MAX)
                *ret = (unsigned)n;
        else
                return false;
        return true;
}

static bool is_true(const char *s) {
        return s && (imm_streq(s, "true") || imm_streq(s, "yes"));
}

static void policy_start(struct imm_xml *x, struct reading *r, const char **attributes) {
        const char *context = imm_xml_attribute(attributes, "context");
        const char *user = imm_xml_attribute(attributes, "user");
        const char *group = imm_xml_attribute(attributes, "group");
        const char *console = imm_xml_attribute(attributes, "at_console");
        struct imm_bus_policy *p = &r->policy;

        *p = (struct imm_bus_policy){.context = IMM_BUS_IGNORED};
        r->in_policy = true;
        for (size_t i = 0; attributes[i]; i += 2)
                if (!imm_streq(attributes[i], "context") && !imm_streq(attributes[i], "user") &&
                        !imm_streq(attributes[i], "group") &&
                        !imm_streq(attributes[i], "at_console")) {
                        x->problem = "a policy with an attribute that is not known";
                        return;
                }
        if ((context != NULL) + (user != NULL) + (group != NULL) + (console != NULL) != 1) {
                x->problem = "a policy is for one thing: a context, a user, a group or the console";
                return;
        }
        if (context && imm_streq(context, "default"))
                p->context = IMM_BUS_DEFAULT;
        else if (context && imm_streq(context, "mandatory"))
                p->context = IMM_BUS_MANDATORY;
        else if (context)
                x->problem = "a policy's context is 'default' or 'mandatory'";
        else if (user && user_id(r->b, user, &p->id))
                p->context = IMM_BUS_USER;
        else if (group && group_id(r->b, group, &p->id))
                p->context = IMM_BUS_GROUP;
        else if (console && imm_streq(console, "false"))
                p->context = IMM_BUS_NOT_AT_CONSOLE;
        else if (console && !imm_streq(console, "true"))
                x->problem = "a policy is for the console or not: 'true' or 'false'";
}

/* ---- <allow>, <deny> ---- */

/* "*" is what is not said */
static const char *value_of(const struct reading *r, const char **attributes, const char *name) {
        const char *v = imm_xml_attribute(attributes, name);

        return v && !imm_streq(v, "*") ? imm_strdup(r->a, v) : NULL;
}

static bool message_type_known(const char *type) {
        static const char *const known[] = {"*", "method_call", "method_return", "signal", "error"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(known); i++)
                if (imm_streq(type, known[i]))
                        return true;
        return false;
}

static bool attributes_known(const char **attributes) {
        static const char *const known[] = {"send_interface", "send_member", "send_error",
                "send_destination", "send_destination_prefix", "send_path", "send_type",
                "send_requested_reply", "send_broadcast", "receive_interface", "receive_member",
                "receive_error", "receive_sender", "receive_path", "receive_type",
                "receive_requested_reply", "eavesdrop", "max_fds", "min_fds", "own", "own_prefix",
                "user", "group", "log"};

        for (size_t i = 0; attributes[i]; i += 2) {
                bool found = false;

                for (size_t k = 0; k < IMM_ELEMENTSOF(known); k++)
                        found |= imm_streq(attributes[i], known[k]);
                if (!found)
                        return false;
        }
        return true;
}

static long number(const char *s) {
        char *end;
        long n = strtol(s, &end, 0);

        return end == s || *end || n > INT32_MAX ? -1 : n;
}

/* A value that the bus refuses, and with it the whole file */
static const char *mistake_in_value(const char *key, const char *value) {
        static const char *const flags[] = {
                "send_requested_reply", "send_broadcast", "receive_requested_reply", "eavesdrop"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(flags); i++)
                if (imm_streq(key, flags[i]) && !imm_streq(value, "true") &&
                        !imm_streq(value, "false"))
                        return "a flag that is neither 'true' nor 'false'";
        if ((imm_streq(key, "min_fds") || imm_streq(key, "max_fds")) && number(value) < 0)
                return "a number that is none";
        if ((imm_streq(key, "send_type") || imm_streq(key, "receive_type")) &&
                !message_type_known(value))
                return "a message type that is not known";
        return NULL;
}

/* Who may connect cannot be said in a policy of one user or group; a name not known is no matter.
 */
static bool connects(const struct reading *r, const char *key, const char *value) {
        unsigned id;

        if (imm_streq(key, "user"))
                return imm_streq(value, "*") || user_id(r->b, value, &id);
        return imm_streq(key, "group") && (imm_streq(value, "*") || group_id(r->b, value, &id));
}

/* The same of attributes that do not go together */
static const char *mistake_in(const struct reading *r, const char **attributes) {
        static const char *const sides[] = {"send_", "receive_"};
        bool side[2] = {false, false}, member = false, where = false, named = false, error = false;
        bool more = false,
             of_one = r->policy.context == IMM_BUS_USER || r->policy.context == IMM_BUS_GROUP;
        const char *to;
        unsigned alone = 0;
        size_t n = 0;

        for (size_t k = 0; attributes[k]; k += 2) {
                const char *key = attributes[k],
                           *mistake = mistake_in_value(key, attributes[k + 1]);

                if (mistake)
                        return mistake;
                if (imm_streq(key, "log"))
                        continue;
                if (imm_streq(key, "min_fds") || imm_streq(key, "max_fds")) {
                        more = true;
                        continue;
                }
                n++;
                more |= imm_streq(key, "eavesdrop");
                for (size_t i = 0; i < 2; i++) {
                        const char *what = imm_after(key, sides[i]);

                        if (!what)
                                continue;
                        side[i] = true;
                        member |= imm_streq(what, "member");
                        error |= imm_streq(what, "error");
                        where |= imm_streq(what, "interface") || imm_streq(what, "path");
                        named |= imm_streq(what, "interface") || imm_streq(what, "member");
                }
                alone += imm_streq(key, "own") || imm_streq(key, "own_prefix") ||
                         imm_streq(key, "user") || imm_streq(key, "group");
                if (of_one && connects(r, key, attributes[k + 1]))
                        return "who may connect is said of the whole bus, not of one user or group";
        }
        if (n == 0)
                return "a rule without an attribute";
        if ((side[0] && side[1]) || alone + (side[0] || side[1] || more) > 1 || (error && named))
                return "attributes that do not go together";
        if (member && !where)
                return "a member without an interface or a path";
        if (imm_xml_attribute(attributes, "send_destination") &&
                imm_xml_attribute(attributes, "send_destination_prefix"))
                return "a destination and a prefix of one";
        to = imm_xml_attribute(attributes, "send_destination");
        return to && !imm_streq(to, "*") && is_true(imm_xml_attribute(attributes, "send_broadcast"))
                       ? "a broadcast to one destination"
                       : NULL;
}

static bool about(const char **attributes, const char *what) {
        for (size_t i = 0; attributes[i]; i += 2)
                if (imm_after(attributes[i], what))
                        return true;
        return false;
}

static enum imm_bus_message message_of(const char *type) {
        if (!type)
                return IMM_BUS_ANY_MESSAGE;
        return imm_streq(type, "method_call") ? IMM_BUS_METHOD_CALL : IMM_BUS_OTHER_MESSAGE;
}

static void rule_start(struct imm_xml *x, struct reading *r, bool allow, const char **attributes) {
        bool send = about(attributes, "send_"), listens = about(attributes, "eavesdrop");
        bool receive = about(attributes, "receive_") || (!send && listens);
        struct imm_bus_rule rule = {
                .allow = allow, .receive = receive, .file = r->file, .line = x->line};
        const char *broadcast = imm_xml_attribute(attributes, "send_broadcast");

        if (!attributes_known(attributes)) {
                x->problem = "a rule with an attribute that is not known";
                return;
        }
        x->problem = mistake_in(r, attributes);
        if (x->problem)
                return;
        if (!receive && !send)
                return; /* who may connect, and own names */
        rule.type = message_of(value_of(r, attributes, receive ? "receive_type" : "send_type"));
        rule.path = value_of(r, attributes, receive ? "receive_path" : "send_path");
        rule.interface = value_of(r, attributes, receive ? "receive_interface" : "send_interface");
        rule.member = value_of(r, attributes, receive ? "receive_member" : "send_member");
        rule.peer = value_of(r, attributes, receive ? "receive_sender" : "send_destination");
        if (!receive && !rule.peer) {
                rule.peer = value_of(r, attributes, "send_destination_prefix");
                rule.prefix = rule.peer;
        }
        if (about(attributes, receive ? "receive_error" : "send_error") || is_true(broadcast))
                rule.type = IMM_BUS_OTHER_MESSAGE;
        if (receive && !allow && is_true(imm_xml_attribute(attributes, "eavesdrop")))
                rule.type = IMM_BUS_OTHER_MESSAGE; /* about messages for others */
        if (imm_xml_attribute(attributes, "min_fds") &&
                number(imm_xml_attribute(attributes, "min_fds")) > 0)
                rule.type = IMM_BUS_OTHER_MESSAGE; /* about messages with descriptors */
        if (++*r->n_rules > RULES_MAX) {
                x->problem = "too many rules";
                x->limit = true;
                return;
        }
        *imm_array_push(r->a, &r->policy.rules) = rule;
}

/* ---- the file ---- */

static bool element_known(const char *name) {
        static const char *const known[] = {"busconfig", "policy", "allow", "deny", "include",
                "includedir", "servicedir", "standard_session_servicedirs",
                "standard_system_servicedirs", "servicehelper", "listen", "auth", "fork", "pidfile",
                "user", "type", "syslog", "keep_umask", "allow_anonymous", "limit", "selinux",
                "associate", "apparmor"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(known); i++)
                if (imm_streq(known[i], name))
                        return true;
        return false;
}

static void start(struct imm_xml *x, const char *name, const char **attributes) {
        struct reading *r = x->data;

        if (!element_known(name))
                x->problem = "an element that the bus does not know";
        else if (imm_streq(name, "policy"))
                policy_start(x, r, attributes);
        else if (imm_streq(name, "allow") || imm_streq(name, "deny")) {
                if (r->in_policy)
                        rule_start(x, r, imm_streq(name, "allow"), attributes);
        } else if (imm_streq(name, "include")) {
                r->selinux = is_true(imm_xml_attribute(attributes, "if_selinux_enabled"));
                r->ignore_missing = is_true(imm_xml_attribute(attributes, "ignore_missing"));
        }
}

static const char *beside(const struct reading *r, const char *path) {
        const char *slash = strrchr(r->file, '/');

        if (*path == '/')
                return imm_strdup(r->a, path);
        return imm_printf(r->a, "%.*s/%s", (int)(slash - r->file), r->file, path);
}

static void include_dir(struct reading *r, const char *dir) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct imm_dirent *entries;
        unsigned folder;
        size_t n;

        if (imm_root_list(r->b->m->root, dir, scratch, &entries, &n) < 0)
                return;
        folder = ++r->b->n_folders;
        for (size_t i = 0; i < n; i++) {
                const char *path = imm_printf(r->a, "%s/%s", dir, entries[i].name);
                size_t first = r->found.n;

                if (!imm_ends_with(path, ".conf"))
                        continue;
                read_file(r->b, path, r->depth + 1, r->n_rules, &r->found);
                for (size_t k = first; k < r->found.n; k++) { /* of all folders the outermost */
                        r->found.v[k].folder = folder;
                        r->found.v[k].entry = path;
                }
        }
}

static void end(struct imm_xml *x, const char *name, const char *text) {
        struct reading *r = x->data;

        if ((imm_streq(name, "policy") || imm_streq(name, "allow") || imm_streq(name, "deny")) &&
                text[strspn(text, " \t\r\n")])
                x->problem = "text where there may be none";
        if (imm_streq(name, "policy")) {
                r->in_policy = false;
                if (r->policy.context != IMM_BUS_IGNORED)
                        *imm_array_push(r->a, &r->found) = r->policy;
        } else if (imm_streq(name, "include") && !r->selinux) {
                struct stat st;

                if (!r->ignore_missing && imm_root_stat(r->b->m->root, beside(r, text), &st) < 0)
                        x->problem = "what it includes is not there";
                else
                        read_file(r->b, beside(r, text), r->depth + 1, r->n_rules, &r->found);
        } else if (imm_streq(name, "includedir")) {
                include_dir(r, beside(r, text));
        } else if (imm_streq(name, "servicedir"))
                imm_strv_add(r->a, &r->b->service_dirs, beside(r, text));
}

static void read_file(struct imm_bus *b, const char *path, unsigned depth, size_t *n_rules,
        struct imm_bus_policies *to) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct reading r = {
                .b = b, .a = b->arena, .file = path, .depth = depth, .n_rules = n_rules};
        struct imm_xml x = {.start = start, .end = end, .data = &r};
        struct imm_blob blob;
        const char *problem;
        int status;

        if (depth > INCLUDE_DEPTH_MAX)
                return;
        status = imm_root_read(b->m->root, path, FILE_MAX, scratch, &blob, NULL);
        if (status < 0) {
                if (status != -ENOENT)
                        imm_diag_add(b->arena, &b->diags, IMM_DIAG_UNREADABLE, "unreadable-policy",
                                path, 0, NULL, "the bus policy cannot be read: %s",
                                strerror(-status));
                b->in_doubt |= status != -ENOENT;
                return;
        }
        problem = imm_xml_read(&x, blob.data, blob.size, scratch);
        b->in_doubt |= x.limit;
        if (problem)
                imm_diag_add(b->arena, &b->diags, IMM_DIAG_WARNING, "broken-policy", path, x.line,
                        NULL, "the bus leaves this file out: %s", problem);
        else
                imm_array_foreach (i, &r.found) {
                        *imm_array_push(b->arena, to) = *i;
                }
        b->configured |= !problem;
}

void imm_bus_config_read(struct imm_bus *b) {
        static const char *const main_files[] = {
                "/usr/share/dbus-1/system.conf", "/etc/dbus-1/system.conf"};
        struct stat st;
        size_t n_rules = 0;

        for (size_t i = 0; i < IMM_ELEMENTSOF(main_files); i++)
                if (imm_root_stat(b->m->root, main_files[i], &st) == 0) {
                        read_file(b, main_files[i], 0, &n_rules, &b->policies);
                        return;
                }
}

/* ---- services that are started on demand ---- */

static const char *key_value(const char *line, const char *key, size_t n) {
        const char *v = imm_after(line, key);

        while (v && (*v == ' ' || *v == '\t'))
                v++;
        return v && *v == '=' && v < line + n ? v + 1 + strspn(v + 1, " \t") : NULL;
}

static void read_service(struct imm_bus *b, const char *path) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct imm_bus_service s = {.user = "root", .file = path}, *kept;
        struct imm_blob blob;

        if (imm_root_read(b->m->root, path, 64 * 1024, scratch, &blob, NULL) < 0)
                return;
        for (const char *line = blob.data; line && *line;) {
                size_t n = strcspn(line, "\n");
                char *copy = imm_strndup(scratch, line, n);
                const char *name = key_value(copy, "Name", n), *user = key_value(copy, "User", n);
                const char *unit = key_value(copy, "SystemdService", n);

                copy[strcspn(copy, "\r")] = 0;
                if (name)
                        s.name = imm_strdup(b->arena, name);
                if (user)
                        s.user = imm_strdup(b->arena, user);
                if (unit)
                        s.unit = imm_strdup(b->arena, unit);
                line += n + (line[n] == '\n');
        }
        if (!s.name || imm_map_has(&b->services, s.name))
                return;
        kept = imm_new(b->arena, struct imm_bus_service);
        *kept = s;
        imm_map_put(b->arena, &b->services, s.name, kept);
}

void imm_bus_services_read(struct imm_bus *b) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        static const char *const usual[] = {"/run/dbus-1/system-services",
                "/etc/dbus-1/system-services", "/usr/local/share/dbus-1/system-services",
                "/usr/share/dbus-1/system-services", "/lib/dbus-1/system-services"};
        struct imm_strv dirs = {0};

        for (size_t i = 0; i < b->service_dirs.n; i++)
                imm_strv_add(scratch, &dirs, b->service_dirs.v[i]);
        for (size_t i = 0; i < IMM_ELEMENTSOF(usual); i++)
                imm_strv_add(scratch, &dirs, usual[i]);
        for (size_t i = 0; i < dirs.n; i++) {
                struct imm_dirent *entries;
                size_t n;

                if (imm_root_list(b->m->root, dirs.v[i], scratch, &entries, &n) < 0)
                        continue;
                for (size_t k = 0; k < n; k++)
                        if (imm_ends_with(entries[k].name, ".service"))
                                read_service(b,
                                        imm_printf(b->arena, "%s/%s", dirs.v[i], entries[k].name));
        }
}
