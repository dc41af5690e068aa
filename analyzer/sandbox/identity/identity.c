#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/needs.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/socket.h>

/* The versions in which a rule changed */
enum {
        SECCOMP_KEEPS_PRIVILEGES = 255, /* a filter no longer needs NoNewPrivileges= for User= */
        OWN_GROUPS_TOLERATED = 256,     /* User= of a user manager's own user */
        PAM_FOR_ONESELF = 256,          /* PAMName= without User= means the manager's own user */
};

#define BIT(cap) (UINT64_C(1) << (cap))

enum { NOBODY = 65534, DYNAMIC_MIN = 61184 };

/* The first step counts, and of one step whatever was found first */
static void fail(struct imm_identity *id, enum imm_start_step step, enum imm_outcome outcome,
        const char *why) {
        if (id->outcome != IMM_OUTCOME_OK && id->step <= step)
                return;
        id->outcome = outcome;
        id->step = step;
        id->why = why;
}

static bool parse_id(const char *s, unsigned *ret) {
        unsigned long long v;

        if (!imm_parse_u64(s, &v) || v >= 65535 + UINT64_C(0xffff0000))
                return false;
        *ret = (unsigned)v;
        return true;
}

/* root is never looked up, nobody seldom */
static bool well_known(const struct imm_manager *m, const char *name, unsigned *ret) {
        if (imm_streq(name, "root") || imm_streq(name, "0"))
                *ret = 0;
        else if ((imm_streq(name, "nobody") || imm_streq(name, "65534")) &&
                 imm_users_nobody_is_fixed(m->users))
                *ret = NOBODY;
        else
                return false;
        return true;
}

static bool find_user(const struct imm_manager *m, const char *name, const char **ret_name,
        uid_t *ret_uid, gid_t *ret_gid) {
        const struct imm_user *u;
        unsigned id;

        if (well_known(m, name, &id)) {
                *ret_name = id == 0 ? "root" : "nobody";
                *ret_uid = id;
                *ret_gid = id;
                return true;
        }
        u = parse_id(name, &id) ? imm_user_by_uid(m->users, id) : imm_user_by_name(m->users, name);
        if (!u)
                return false;
        *ret_name = u->name;
        *ret_uid = u->uid;
        *ret_gid = u->gid;
        return true;
}

static bool find_group(const struct imm_manager *m, const char *name, gid_t *ret) {
        const struct imm_group *g;
        unsigned id;

        if (imm_streq(name, "nogroup") && imm_users_nobody_is_fixed(m->users))
                name = "65534";
        /* the user nobody's group has another name */
        if (!imm_streq(name, "nobody") && well_known(m, name, &id)) {
                *ret = id;
                return true;
        }
        g = parse_id(name, &id) ? imm_group_by_gid(m->users, id)
                                : imm_group_by_name(m->users, name);
        if (g)
                *ret = g->gid;
        return g;
}

typedef IMM_ARRAY(gid_t) gids;

static void add_group(struct imm_arena *a, gids *to, gid_t gid) {
        for (size_t i = 0; i < to->n; i++)
                if (to->v[i] == gid)
                        return;
        *imm_array_push(a, to) = gid;
}

/* initgroups(3) */
static void memberships(
        const struct imm_manager *m, const char *user, gid_t gid, struct imm_arena *a, gids *to) {
        const struct imm_group *g;
        size_t n;

        add_group(a, to, gid);
        g = imm_groups_all(m->users, &n);
        for (size_t i = 0; i < n; i++)
                for (const char **member = g[i].members; member && *member; member++)
                        if (imm_streq(*member, user))
                                add_group(a, to, g[i].gid);
}

static int by_number(const void *a, const void *b) {
        gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

        return (x > y) - (x < y);
}

static void set_groups(struct imm_identity *id, gids *g) {
        if (g->n > 0)
                qsort(g->v, g->n, sizeof(*g->v), by_number);
        id->groups = g->v;
        id->n_groups = g->n;
}

/* Whom the settings name, before it is asked which command runs as what */
struct creds {
        bool has_user, has_group;
        const char *name;
        uid_t uid;
        gid_t gid;
};

/* What systemd makes itself has to be plain, also where such a user is there already. */
static void not_makeable(struct imm_identity *id, const char *name, struct imm_arena *a) {
        enum { NAME_MAX_UTMP = 31 };
        static const char plain[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-";
        unsigned number;

        if (!name || parse_id(name, &number))
                return;
        if (strspn(name, plain) != strlen(name) || strchr("0123456789-", *name) ||
                strlen(name) > NAME_MAX_UTMP)
                fail(id, IMM_STEP_SPAWN, IMM_OUTCOME_DYNAMIC_USER_FAILURE,
                        imm_printf(a, "%s is no name for a dynamic user", name));
}

static void dynamic_creds(const struct imm_manager *m, const struct imm_settings *s,
        struct creds *c, struct imm_identity *id, struct imm_arena *a) {
        const char *user = imm_setting_string(s, IMM_SETTING_USER);
        const char *group = imm_setting_string(s, IMM_SETTING_GROUP);
        const struct imm_group *g;
        const struct imm_user *u;
        unsigned number;

        if (!user)
                user = s->unit->prefix;
        *c = (struct creds){true, true, user, DYNAMIC_MIN, DYNAMIC_MIN};
        not_makeable(id, imm_setting_string(s, IMM_SETTING_USER), a);
        not_makeable(id, group, a);
        u = imm_user_by_name(m->users, user);
        if (parse_id(user, &number)) /* and nobody is asked whether there is one */
                c->uid = c->gid = number;
        else if (u) {
                c->name = u->name;
                c->uid = u->uid;
                c->gid = u->gid;
        } else if (imm_group_by_name(m->users, user)) {
                fail(id, IMM_STEP_USER, IMM_OUTCOME_USER_FAILURE,
                        imm_printf(a, "there is a group %s but no user of that name", user));
        } else
                id->dynamic = true;
        if (!group || imm_streq(group, user))
                return;
        g = imm_group_by_name(m->users, group);
        if (parse_id(group, &number))
                c->gid = number;
        else if (g)
                c->gid = g->gid;
        else if (imm_user_by_name(m->users, group))
                fail(id, IMM_STEP_USER, IMM_OUTCOME_USER_FAILURE,
                        imm_printf(a, "there is a user %s but no group of that name", group));
        else
                c->gid = DYNAMIC_MIN + 1;
}

/* Fails, unless it may be there all the same. */
static void not_found(const struct imm_manager *m, struct imm_identity *id, const char *name,
        bool group, struct imm_arena *a) {
        enum imm_start_step step = group ? IMM_STEP_GROUPS : IMM_STEP_USER;
        const char *kind = group ? "group" : "user";
        const char *doubt = imm_users_doubt(m->users, name, group, a);

        id->unknown = true;
        if (doubt)
                fail(id, step, IMM_OUTCOME_UNKNOWN,
                        imm_printf(a, "whether there is a %s %s: %s", kind, name, doubt));
        else
                fail(id, step, group ? IMM_OUTCOME_GROUP_FAILURE : IMM_OUTCOME_USER_FAILURE,
                        imm_printf(a, "no %s %s in the root", kind, name));
}

enum imm_outcome imm_identity_names(const struct imm_manager *m, const char *name, bool group,
        struct imm_arena *a, const char **ret_why) {
        struct imm_identity id = {.outcome = IMM_OUTCOME_OK};
        const char *found;
        uid_t uid;
        gid_t gid;

        if (group ? !find_group(m, name, &gid) : !find_user(m, name, &found, &uid, &gid))
                not_found(m, &id, name, group, a);
        *ret_why = id.why;
        return id.outcome;
}

bool imm_identity_calls_pam(const struct imm_settings *s) {
        return imm_setting_string(s, IMM_SETTING_PAM_NAME) &&
               (s->version >= PAM_FOR_ONESELF || imm_setting_string(s, IMM_SETTING_USER) ||
                       imm_setting_bool(s, IMM_SETTING_DYNAMIC_USER));
}

static void static_creds(const struct imm_manager *m, const struct imm_settings *s, struct creds *c,
        struct imm_identity *id, struct imm_arena *a) {
        const char *user = imm_setting_string(s, IMM_SETTING_USER);
        const char *group = imm_setting_string(s, IMM_SETTING_GROUP);

        if (!user && imm_identity_calls_pam(s))
                user = m->user ? m->user->name : "root";
        if (user) {
                c->has_user = c->has_group = true;
                if (!find_user(m, user, &c->name, &c->uid, &c->gid)) {
                        c->name = user;
                        c->uid = c->gid = NOBODY - 1; /* nobody's: a stranger */
                        not_found(m, id, user, false, a);
                }
        }
        if (group) {
                c->has_group = true;
                if (!find_group(m, group, &c->gid)) {
                        c->gid = NOBODY - 1;
                        not_found(m, id, group, true, a);
                }
        }
}

static bool has_namespaces_filter(const struct imm_settings *s) {
        const uint64_t all = CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS |
                             CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS;

        return imm_setting(s, IMM_SETTING_RESTRICT_NAMESPACES)->set &&
               (imm_setting_number(s, IMM_SETTING_RESTRICT_NAMESPACES) & all) != all;
}

bool imm_identity_filtered(const struct imm_settings *s) {
        static const enum imm_setting flags[] = {
                IMM_SETTING_LOCK_PERSONALITY,
                IMM_SETTING_MEMORY_DENY_WRITE_EXECUTE,
                IMM_SETTING_PRIVATE_DEVICES,
                IMM_SETTING_PROTECT_CLOCK,
                IMM_SETTING_PROTECT_HOSTNAME,
                IMM_SETTING_PROTECT_KERNEL_TUNABLES,
                IMM_SETTING_PROTECT_KERNEL_MODULES,
                IMM_SETTING_PROTECT_KERNEL_LOGS,
                IMM_SETTING_RESTRICT_REALTIME,
                IMM_SETTING_RESTRICT_SUIDSGID,
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(flags); i++)
                if (imm_setting_number(s, flags[i]) != 0)
                        return true;
        return imm_setting(s, IMM_SETTING_RESTRICT_ADDRESS_FAMILIES)->filter ||
               imm_setting(s, IMM_SETTING_SYSTEM_CALL_FILTER)->filter ||
               imm_setting(s, IMM_SETTING_SYSTEM_CALL_LOG)->filter ||
               imm_setting(s, IMM_SETTING_SYSTEM_CALL_ARCHITECTURES)->strings.n > 0 ||
               has_namespaces_filter(s);
}

/* Does the filter let systemd give up its privileges after it is in force? */
static bool filter_allows_drop(const struct imm_settings *s) {
        const struct imm_value *v = imm_setting(s, IMM_SETTING_SYSTEM_CALL_FILTER);
        unsigned found = 0;

        if (!v->filter || v->syscalls.n == 0)
                return true;
        imm_array_foreach (call, &v->syscalls) {
                found |= imm_streq(call->name, "capget") ? 1U : 0;
                found |= imm_streq(call->name, "capset") ? 2U : 0;
                found |= imm_streq(call->name, "prctl") ? 4U : 0;
        }
        return v->allow_list ? found == 7 : found == 0;
}

static void set_userns(const struct imm_manager *m, const struct imm_settings *s,
        const struct creds *c, struct imm_identity *id) {
        const char *word = imm_setting_word(s, IMM_SETTING_PRIVATE_USERS);
        bool asked = word ? !imm_streq(word, "no") : imm_setting_bool(s, IMM_SETTING_PRIVATE_USERS);

        if (!asked && (m->scope == IMM_SCOPE_SYSTEM || !imm_needs_users(s)))
                return;
        id->userns = IMM_USERNS_SELF;
        if (word && imm_streq(word, "identity"))
                id->userns = IMM_USERNS_IDENTITY;
        else if (word && imm_streq(word, "full"))
                id->userns = IMM_USERNS_FULL;
        if (m->scope != IMM_SCOPE_SYSTEM && id->userns != IMM_USERNS_SELF)
                fail(id, IMM_STEP_OWN_USERS, IMM_OUTCOME_USER_FAILURE,
                        "a user manager can map no users but its own (PrivateUsers=)");
        id->maps_root = m->scope == IMM_SCOPE_SYSTEM;
        id->mapped_uid = c->has_user ? c->uid : id->uid;
        id->mapped_gid = c->has_group ? c->gid : id->gid;
        if (m->scope != IMM_SCOPE_SYSTEM) { /* a single identity can be mapped without privileges */
                id->mapped_uid = id->uid;
                id->mapped_gid = id->gid;
        }
}

/* The supplementary groups, and what a user manager may not do */
static void choose_groups(const struct imm_manager *m, const struct imm_settings *s,
        const struct creds *c, bool set_user, struct imm_arena *a, struct imm_identity *id) {
        const struct imm_value *v = imm_setting(s, IMM_SETTING_SUPPLEMENTARY_GROUPS);
        bool own = m->scope == IMM_SCOPE_SYSTEM;
        gids list = {0};

        /* done for each kind of command, long before it is asked who runs it */
        if (c->has_user && c->gid != 0) {
                if (!own && (s->version < OWN_GROUPS_TOLERATED || c->gid != id->gid))
                        fail(id, IMM_STEP_GROUPS, IMM_OUTCOME_GROUP_FAILURE,
                                "a user manager cannot take on the groups of User=");
                memberships(m, c->name, c->gid, a, &list);
        }
        for (size_t i = 0; i < v->strings.n; i++) {
                gid_t gid;

                if (find_group(m, v->strings.v[i].text, &gid)) {
                        if (set_user)
                                add_group(a, &list, gid);
                        continue;
                }
                not_found(m, id, v->strings.v[i].text, true, a);
        }
        if (!own) {
                if (set_user && v->strings.n > 0)
                        fail(id, IMM_STEP_TAKE_GROUPS, IMM_OUTCOME_GROUP_FAILURE,
                                "a user manager cannot add SupplementaryGroups=");
                if (set_user && imm_identity_calls_pam(s)) /* its groups are set once more */
                        fail(id, IMM_STEP_TAKE_GROUPS, IMM_OUTCOME_GROUP_FAILURE,
                                "a user manager cannot set the groups after PAMName=");
                if (set_user && c->has_group && c->gid != id->gid)
                        fail(id, IMM_STEP_TAKE_GROUPS, IMM_OUTCOME_GROUP_FAILURE,
                                "a user manager cannot change to another Group=");
                return;
        }
        if (list.n > 0)
                set_groups(id, &list);
}

/* ---- what the manager has to give ---- */

static struct {
        uint64_t bounding;
        bool no_new_privileges;
} first_process = {IMM_CAPS_ALL, false};

/* Whoever started the running host's first process, a container's manager say, may have limited it
 */
static void look_at_first_process(void) {
        imm_auto_free char *line = NULL;
        FILE *f = fopen("/proc/1/status", "re");
        size_t size = 0;
        const char *rest;

        while (f && getline(&line, &size, f) > 0) {
                if ((rest = imm_after(line, "CapBnd:")))
                        first_process.bounding = strtoull(rest, NULL, 16);
                if ((rest = imm_after(line, "NoNewPrivs:")))
                        first_process.no_new_privileges = strtoul(rest, NULL, 10) != 0;
        }
        if (f)
                (void)fclose(f);
}

uint64_t imm_caps_of_manager(const struct imm_manager *m) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        const struct imm_value *caps = imm_manager_limit(m, IMM_SETTING_CAPABILITY_BOUNDING_SET);
        uint64_t bounding = caps ? caps->number : IMM_CAPS_ALL;

        if (imm_root_is_running(m->root)) {
                (void)pthread_once(&once, look_at_first_process);
                bounding &= first_process.bounding;
        }
        return bounding & IMM_CAPS_ALL;
}

/* Of all that is started, whatever its unit says */
static void limit_by_manager(const struct imm_manager *m, struct imm_identity *id) {
        const struct imm_value *nnp = imm_manager_limit(m, IMM_SETTING_NO_NEW_PRIVILEGES);
        uint64_t bounding = imm_caps_of_manager(m);

        id->no_new_privileges |= nnp && nnp->number == 1;
        if (imm_root_is_running(m->root))
                id->no_new_privileges |= first_process.no_new_privileges;
        /* a new user namespace begins with all of them */
        if (id->userns != IMM_USERNS_NONE)
                return;
        id->cap_bounding &= bounding;
        id->cap_ambient &= bounding;
        id->cap_inheritable &= bounding;
}

static void set_capabilities(const struct imm_manager *m, const struct imm_settings *s,
        bool sandboxed, bool set_user, bool has_user, struct imm_identity *id) {
        bool drops, privileged = m->scope == IMM_SCOPE_SYSTEM || id->userns != IMM_USERNS_NONE;
        bool seccomp = imm_identity_filtered(s), keeps_admin = privileged;
        uint64_t bounding = IMM_CAPS_ALL, ambient = 0;

        if (!sandboxed) {
                id->cap_bounding = IMM_CAPS_ALL;
                return;
        }
        bounding &= imm_setting_number(s, IMM_SETTING_CAPABILITY_BOUNDING_SET);
        ambient = imm_setting_number(s, IMM_SETTING_AMBIENT_CAPABILITIES);
        id->secure_bits = (unsigned)imm_setting_number(s, IMM_SETTING_SECURE_BITS);
        if (!privileged && (bounding != IMM_CAPS_ALL || ambient || id->secure_bits)) {
                bool late = bounding == IMM_CAPS_ALL && !ambient;

                fail(id, late ? IMM_STEP_SECURE_BITS : IMM_STEP_CAPABILITIES,
                        IMM_OUTCOME_CAPABILITIES_FAILURE,
                        "a user manager has no capabilities to set or drop");
                bounding = IMM_CAPS_ALL;
                ambient = 0;
        }
        ambient &= bounding;
        id->cap_bounding = bounding;
        id->cap_ambient = id->cap_inheritable = ambient;
        /* systemd keeps what installing the filter needs over the change of user; User=root counts
         */
        drops = has_user && m->scope == IMM_SCOPE_SYSTEM &&
                s->version >= SECCOMP_KEEPS_PRIVILEGES && seccomp && filter_allows_drop(s);
        if (set_user && id->uid != 0 && m->scope == IMM_SCOPE_SYSTEM)
                keeps_admin = drops;
        if (drops) {
                id->cap_inheritable |= (BIT(CAP_SYS_ADMIN) | BIT(CAP_SETPCAP)) & bounding;
                id->cap_lost = BIT(CAP_SETUID) & ~ambient;
        }
        id->no_new_privileges =
                imm_setting_bool(s, IMM_SETTING_NO_NEW_PRIVILEGES) || (seccomp && !keeps_admin);
}

/* capabilities(7), "Transformation of capabilities during execve()", for a plain program */
void imm_identity_plain_exec(struct imm_identity *id) {
        bool root = id->uid == 0 && (id->userns != IMM_USERNS_SELF || id->maps_root);

        if (root && !(id->secure_bits & SECBIT_NOROOT))
                id->cap_permitted = (id->cap_bounding | id->cap_inheritable) &
                                    ~(id->no_new_privileges ? id->cap_lost : 0);
        else
                id->cap_permitted = id->cap_ambient;
        id->cap_effective = id->cap_permitted;
}

static struct imm_origin origin_of_user(const struct imm_settings *s) {
        enum imm_setting which = imm_setting_bool(s, IMM_SETTING_DYNAMIC_USER)
                                         ? IMM_SETTING_DYNAMIC_USER
                                         : IMM_SETTING_USER;

        return imm_setting(s, which)->origin;
}

void imm_identity_compute(struct imm_manager *m, struct imm_settings *s, enum imm_command_kind kind,
        struct imm_arena *a, struct imm_identity *ret) {
        bool sandboxed = kind != IMM_KIND_PRIVILEGED;
        bool set_user = sandboxed && kind != IMM_KIND_NO_SETUID;
        struct creds c = {0};

        *ret = (struct imm_identity){.user = "root", .origin = origin_of_user(s)};
        if (m->scope != IMM_SCOPE_SYSTEM) {
                gids list = {0};

                ret->user = m->user ? m->user->name : NULL;
                ret->uid = m->user ? m->user->uid : NOBODY - 1;
                ret->gid = m->user ? m->user->gid : NOBODY - 1;
                ret->unknown = !m->user;
                if (m->user)
                        memberships(m, m->user->name, m->user->gid, a, &list);
                set_groups(ret, &list);
        }
        if (imm_setting_bool(s, IMM_SETTING_DYNAMIC_USER) && m->scope == IMM_SCOPE_SYSTEM)
                dynamic_creds(m, s, &c, ret, a);
        else
                static_creds(m, s, &c, ret, a);
        if (sandboxed)
                set_userns(m, s, &c, ret);
        choose_groups(m, s, &c, set_user, a, ret);
        if (set_user && c.has_user && c.uid != ret->uid) {
                if (m->scope != IMM_SCOPE_SYSTEM)
                        fail(ret, IMM_STEP_TAKE_USER, IMM_OUTCOME_USER_FAILURE,
                                "a user manager cannot change to another User=");
                ret->uid = c.uid;
                ret->user = c.name;
        }
        if (set_user && c.has_group)
                ret->gid = c.gid;
        set_capabilities(m, s, sandboxed, set_user, set_user && c.has_user, ret);
        limit_by_manager(m, ret);
        ret->no_connect = !imm_net_may_connect(s, kind, AF_UNIX, NULL);
        imm_identity_plain_exec(ret);
}

const char *imm_caps_text(uint64_t caps, struct imm_arena *a) {
        const char *text = "";

        for (int bit = 0; bit < 64; bit++) {
                char *name = caps & UINT64_C(1) << bit ? cap_to_name(bit) : NULL;

                if (name)
                        text = imm_printf(a, "%s%s%s", text, *text ? " " : "", name);
                (void)cap_free(name);
        }
        return text;
}
