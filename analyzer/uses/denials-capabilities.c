#include "analyzer/uses/denials-private.h"

/* What a use needs of capabilities, and who took them: a line, the user, or a user namespace. */

/* Capabilities that a switch takes out of the bounding set, which is no choice of the set's line */
static bool taken_by_switch(const struct judge *j, uint64_t cap) {
        static const struct {
                enum imm_setting setting;
                uint64_t caps;
        } rows[] = {
                {IMM_SETTING_PRIVATE_DEVICES, CAP_BIT(MKNOD) | CAP_BIT(SYS_RAWIO)},
                {IMM_SETTING_PROTECT_CLOCK, CAP_BIT(SYS_TIME) | CAP_BIT(WAKE_ALARM)},
                {IMM_SETTING_PROTECT_KERNEL_MODULES, CAP_BIT(SYS_MODULE)},
                {IMM_SETTING_PROTECT_KERNEL_LOGS, CAP_BIT(SYSLOG)},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++)
                if ((rows[i].caps & cap) && switch_is_on(j, rows[i].setting))
                        return true;
        return false;
}

/* The last line that sets it: what implications made of the value is not to blame for */
static const struct imm_origin *line_of(const struct judge *j, enum imm_setting setting) {
        const char *name = imm_setting_info(setting)->name;
        struct imm_origin *o = NULL;

        for (size_t i = 0; i < j->s->unit->n_files; i++) {
                const struct imm_unit_file *f = j->s->unit->files[i];

                for (size_t k = 0; k < f->n_assignments; k++)
                        if (imm_streq(f->assignments[k].key, name)) {
                                o = imm_new(j->a, struct imm_origin);
                                *o = (struct imm_origin){.kind = IMM_ORIGIN_FILE,
                                        .file = f->path,
                                        .line = f->assignments[k].line};
                        }
        }
        return o;
}

static enum imm_setting user_setting(const struct judge *j) {
        return imm_setting_bool(j->s, IMM_SETTING_DYNAMIC_USER) ? IMM_SETTING_DYNAMIC_USER
                                                                : IMM_SETTING_USER;
}

/* Told by the preflight, and what it will be given when it is made is not known */
static bool has_missing_user(const struct judge *j) {
        const char *name = imm_setting_string(j->s, IMM_SETTING_USER);
        bool elsewhere = j->s->unit->given_by_path && imm_root_is_host(j->m->root);

        return name && user_setting(j) == IMM_SETTING_USER && !elsewhere &&
               !(*name >= '0' && *name <= '9') && !imm_streq(name, "root") &&
               !(imm_streq(name, "nobody") && imm_users_nobody_is_fixed(j->m->users)) &&
               !imm_user_by_name(j->m->users, name);
}

/* What a user without privileges may still do, and what it would not try */
static bool tries_as_user(const struct judge *j, const struct imm_use *u) {
        /* A package gives its daemon a user who will do; a drop-in may take one who will not */
        const char *file = imm_setting(j->s, user_setting(j))->origin.file;

        bool given_up = u->facility == IMM_FACILITY_SWITCH_USER ||
                        u->facility == IMM_FACILITY_CHOWN || u->facility == IMM_FACILITY_CHROOT;

        if (u->confidence <= (given_up ? IMM_CERTAIN : IMM_LIKELY) && u->essential && !u->remark &&
                file && strstr(file, ".d/"))
                return true;
        switch (u->facility) {
        case IMM_FACILITY_PORT:
        case IMM_FACILITY_PACKET:
        case IMM_FACILITY_CLOCK_ADJUST:
        case IMM_FACILITY_MODULES:
        case IMM_FACILITY_SWAP:
        case IMM_FACILITY_NETLINK_ADMIN:
                return u->confidence <= IMM_LIKELY && u->essential;
        default:
                return false;
        }
}

/* Capabilities that count for the machine and its network, which no user namespace of one's own has
 */
static bool refused_by_namespace(struct judge *j, const struct imm_use *u) {
        const uint64_t machine = CAP_BIT(SYS_TIME) | CAP_BIT(SYS_PACCT) | CAP_BIT(SYS_MODULE) |
                                 CAP_BIT(SYSLOG) | CAP_BIT(SYS_RAWIO) | CAP_BIT(SYS_BOOT) |
                                 CAP_BIT(NET_ADMIN) | CAP_BIT(NET_RAW) | CAP_BIT(AUDIT_WRITE) |
                                 CAP_BIT(WAKE_ALARM) | CAP_BIT(MAC_ADMIN);
        const struct facility *f = &facilities[u->facility];
        /* ports belong to the network, which is the machine's; who was not to have them has none */
        bool port = u->facility == IMM_FACILITY_PORT &&
                    (identity_of(j, u)->uid == 0 ||
                            (imm_setting_number(j->s, IMM_SETTING_AMBIENT_CAPABILITIES) & f->caps));

        if (!((f->caps & machine) || port) || !switch_is_on(j, IMM_SETTING_PRIVATE_USERS) ||
                (identity_of(j, u)->uid != 0 && !(identity_of(j, u)->cap_bounding & f->caps)))
                return false;
        for (size_t i = 0; i < IMM_ELEMENTSOF(f->switches); i++) {
                if (f->switches[i] == IMM_SETTING_N)
                        break;
                if (f->switches[i] == IMM_SETTING_PRIVATE_USERS)
                        return false; /* told by the switch */
        }
        if (u->essential)
                deny(j, u, IMM_SETTING_PRIVATE_USERS, NULL, "refuses");
        else
                mention(j, u, IMM_SETTING_PRIVATE_USERS, NULL, "refuses");
        return true;
}

void deny_user(struct judge *j, const struct imm_use *u) {
        const struct imm_identity *id = identity_of(j, u);
        const char *file = imm_setting(j->s, user_setting(j))->origin.file;

        if (id->uid != 0 && file && strstr(file, ".d/") && !has_missing_user(j))
                deny(j, u, user_setting(j), &id->origin, "makes it");
}

/* Who makes a user namespace first has all capabilities over what it makes there. */
static bool has_own_namespace(const struct judge *j, const struct imm_use *u) {
        if ((!facilities[u->facility].namespaces && u->facility != IMM_FACILITY_MOUNT) ||
                identity_of(j, u)->uid == 0)
                return false;
        imm_array_foreach (other, j->uses)
                if (other->facility == IMM_FACILITY_NS_USER && !other->remark)
                        return true;
        return false;
}

/* What the command's own file brings, whoever starts it */
static bool is_of_file(const struct judge *j, const struct imm_use *u, uint64_t cap) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_EXEC_START);
        const char *real;

        if (identity_of(j, u)->no_new_privileges)
                return false;
        imm_array_foreach (cmd, &v->commands) {
                const struct imm_file_caps *caps;

                if (*cmd->path != '/' || imm_root_realpath(j->m->root, cmd->path, j->a, &real) < 0)
                        continue;
                caps = imm_file_caps_of(j->m, real);
                if (caps && (caps->permitted & cap))
                        return true;
        }
        return false;
}

/* As a unit file has them, in capitals */
const char *written_names(const char *names, struct imm_arena *a) {
        char *text = imm_strdup(a, names);

        for (char *s = text; *s; s++)
                if (*s >= 'a' && *s <= 'z')
                        *s = (char)(*s - 'a' + 'A');
        return text;
}

/* A set-id program has what the bounding set has, whoever runs it. */
static void deny_root(struct judge *j, const struct imm_use *u) {
        uint64_t lost = facilities[u->facility].caps & ~identity_of(j, u)->cap_bounding;

        if (lost)
                deny(j, u, IMM_SETTING_CAPABILITY_BOUNDING_SET,
                        line_of(j, IMM_SETTING_CAPABILITY_BOUNDING_SET), "lacks %s",
                        imm_caps_text(lost, j->a));
}

void deny_capabilities(struct judge *j, const struct imm_use *u) {
        const struct imm_identity *id = identity_of(j, u);
        uint64_t missing = facilities[u->facility].caps & ~id->cap_effective;

        if (u->facility == IMM_FACILITY_BECOME_ROOT) {
                deny_root(j, u);
                return;
        }
        if (has_own_namespace(j, u) || refused_by_namespace(j, u))
                return;

        /* whoever may write everything may read it */
        if (id->cap_effective & CAP_BIT(DAC_OVERRIDE))
                missing &= ~(CAP_BIT(DAC_READ_SEARCH));

        for (int bit = 0; bit < 64; bit++) {
                uint64_t cap = UINT64_C(1) << bit;
                const char *name;

                if (!(missing & cap) || ((id->cap_bounding & cap) && is_of_file(j, u, cap)))
                        continue;
                name = imm_caps_text(cap, j->a);
                if (!(id->cap_bounding & cap)) {
                        const struct imm_origin *line =
                                line_of(j, IMM_SETTING_CAPABILITY_BOUNDING_SET);
                        bool asked =
                                id->uid == 0 || tries_as_user(j, u) ||
                                (imm_setting_number(j->s, IMM_SETTING_AMBIENT_CAPABILITIES) & cap);

                        if (!taken_by_switch(j, cap))
                                refuse(j, u, IMM_SETTING_CAPABILITY_BOUNDING_SET, line,
                                        !u->essential || !asked ||
                                                (u->facility == IMM_FACILITY_PAM_AUDIT &&
                                                        is_packed_without(j, cap)),
                                        written_names(name, j->a), "lacks %s", name);
                } else if (id->uid != 0 && tries_as_user(j, u) && has_missing_user(j))
                        mention(j, u, IMM_SETTING_USER, &id->origin, "leaves without %s", name);
                else if (id->uid != 0 && tries_as_user(j, u))
                        deny(j, u, user_setting(j), &id->origin, "leaves without %s", name);
        }
}
