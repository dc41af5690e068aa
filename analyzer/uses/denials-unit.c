#include "analyzer/uses/denials-private.h"

#include <linux/capability.h>

/* What two settings of the unit, or a setting and its program's file, make of each other. */

/*
 * capabilities(7): where a file's effective flag is set and the process would not get all that the
 * file permits, execve(2) fails with EPERM, whoever calls it. Files of a nosuid mount have none.
 */
static void of_file_capabilities(
        struct judge *j, enum imm_setting list, const struct imm_command_item *cmd) {
        enum imm_command_kind kind = imm_command_kind_of(j->s, list, cmd);
        const struct imm_identity *id = &j->sb->identity[j->sb->has[kind] ? kind : j->sb->main];
        const struct imm_mount_table *t = &j->sb->mounts[j->sb->has[kind] ? kind : j->sb->main];
        uint64_t ambient = imm_setting_number(j->s, IMM_SETTING_AMBIENT_CAPABILITIES), missing;
        struct imm_use u = {.facility = IMM_FACILITY_EXEC_CAPABILITIES,
                .kind = kind,
                .confidence = IMM_CERTAIN,
                .essential = true,
                .remark = cmd->flags & IMM_COMMAND_IGNORE_FAILURE};
        const struct imm_file_caps *caps;
        const struct imm_mount *m;
        const char *real;

        if ((cmd->flags & IMM_COMMAND_FULLY_PRIVILEGED) || *cmd->path != '/' ||
                imm_root_realpath(j->m->root, cmd->path, j->a, &real) < 0)
                return;
        caps = imm_file_caps_of(j->m, real);
        m = t->n > 0 ? imm_mount_at(t, real) : NULL;
        if (!caps || !caps->effective || (m && (m->flags & IMM_MOUNT_NOSUID)))
                return;
        missing = caps->permitted & ~id->cap_bounding & ~(caps->inheritable & ambient);
        if (!missing)
                return;
        u.evidence = imm_printf(j->a, "203/EXEC: %s has capabilities of its own (%s)", cmd->path,
                imm_caps_text(caps->permitted, j->a));
        refuse(j, &u, IMM_SETTING_CAPABILITY_BOUNDING_SET, NULL, false,
                written_names(imm_caps_text(missing, j->a), j->a), "lacks %s",
                imm_caps_text(missing, j->a));
}

/* For more memory, a better place in the queue, fewer rights: most go on without. */
static const uint64_t spare_capabilities =
        UINT64_C(1) << CAP_IPC_LOCK | UINT64_C(1) << CAP_SYS_NICE |
        UINT64_C(1) << CAP_SYS_RESOURCE | UINT64_C(1) << CAP_SETPCAP;

/*
 * ... and low ports, which a unit file allows for whatever port is configured: where a high one is,
 * and no low one, the privilege is spare too.
 */
static uint64_t spare_of(const struct judge *j) {
        bool high = false;

        imm_array_foreach (u, j->uses) {
                if (u->facility == IMM_FACILITY_PORT)
                        return spare_capabilities;
                high |= u->facility == IMM_FACILITY_LISTEN && u->object && !u->by_default &&
                        !u->remark;
        }
        return spare_capabilities | (high ? CAP_BIT(NET_BIND_SERVICE) : 0);
}

/* What is given by one line and taken by another: who wrote the first wants it */
static void of_ambient(struct judge *j) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_AMBIENT_CAPABILITIES),
                               *set = imm_setting(j->s, IMM_SETTING_CAPABILITY_BOUNDING_SET);
        uint64_t lost = v->set && set->set ? v->number & ~set->number : 0;
        struct imm_use u = {.facility = IMM_FACILITY_AMBIENT,
                .kind = j->sb->main,
                .confidence = IMM_LIKELY,
                .essential = true,
                .partial = true,
                /* who writes both into one file has seen what comes of it */
                .remark = !(lost & ~spare_of(j)) ||
                          (v->origin.file && set->origin.file &&
                                  imm_streq(v->origin.file, set->origin.file))};

        if (!lost || v->origin.kind != IMM_ORIGIN_FILE || set->origin.kind != IMM_ORIGIN_FILE)
                return;
        u.evidence = imm_printf(j->a, "AmbientCapabilities= gives %s", imm_caps_text(lost, j->a));
        refuse(j, &u, IMM_SETTING_CAPABILITY_BOUNDING_SET, NULL, false,
                written_names(imm_caps_text(lost, j->a), j->a), "lacks %s",
                imm_caps_text(lost, j->a));
}

/* In a user namespace of its own what is given counts for nothing of the machine. */
static void of_ambient_users(struct judge *j) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_AMBIENT_CAPABILITIES),
                               *users = imm_setting(j->s, IMM_SETTING_PRIVATE_USERS);
        uint64_t lost = v->set ? v->number & ~spare_of(j) : 0;
        struct imm_use u = {.facility = IMM_FACILITY_AMBIENT,
                .kind = j->sb->main,
                .confidence = IMM_LIKELY,
                .essential = true,
                .partial = true,
                .remark = v->origin.file && users->origin.file &&
                          imm_streq(v->origin.file, users->origin.file)};

        if (!lost || !switch_is_on(j, IMM_SETTING_PRIVATE_USERS) ||
                v->origin.kind != IMM_ORIGIN_FILE || users->origin.kind != IMM_ORIGIN_FILE)
                return;
        u.evidence = imm_printf(j->a, "AmbientCapabilities= gives %s", imm_caps_text(lost, j->a));
        deny(j, &u, IMM_SETTING_PRIVATE_USERS, NULL, "leaves without effect on the machine");
}

/* Others' objects go with those of the unit, when it ends as the last one that names the user. */
static void of_ipc(struct judge *j) {
        static const struct {
                const char *user, *path, *what;
        } rows[] = {
#define IPC(user, path, what) {user, path, what},
#include "analyzer/uses/ipc.def"
#undef IPC
        };
        const char *user = imm_setting_string(j->s, IMM_SETTING_USER);
        struct imm_use u = {.facility = IMM_FACILITY_SHARED_MEMORY,
                .kind = j->sb->main,
                .confidence = IMM_LIKELY,
                .essential = true,
                .partial = true};
        struct stat st;

        for (size_t i = 0; user && i < IMM_ELEMENTSOF(rows); i++) {
                if (!imm_streq(user, rows[i].user) ||
                        imm_root_stat(j->m->root, rows[i].path, &st) < 0)
                        continue;
                u.evidence = imm_printf(j->a, "User=%s: %s", user, rows[i].what);
                deny(j, &u, IMM_SETTING_REMOVE_IPC, NULL, "removes when the unit ends");
        }
}

void deny_by_unit(struct judge *j) {
        static const enum imm_setting lists[] = {IMM_SETTING_EXEC_CONDITION,
                IMM_SETTING_EXEC_START_PRE, IMM_SETTING_EXEC_START, IMM_SETTING_EXEC_START_POST};

        of_ambient_users(j);
        if (imm_setting_bool(j->s, IMM_SETTING_REMOVE_IPC))
                of_ipc(j);
        if (!imm_setting(j->s, IMM_SETTING_CAPABILITY_BOUNDING_SET)->set)
                return;
        of_ambient(j);
        for (size_t i = 0; i < IMM_ELEMENTSOF(lists); i++) {
                const struct imm_value *v = imm_setting(j->s, lists[i]);

                imm_array_foreach (cmd, &v->commands)
                        of_file_capabilities(j, lists[i], cmd);
        }
}
