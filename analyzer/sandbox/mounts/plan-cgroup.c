/*
 * The unit's own control group: where it is, what of it the service may write. Source:
 * systemd.resource-control(5) for Delegate= and MemoryPressureWatch=; tests/lab.
 */

#include "analyzer/sandbox/mounts/plan.h"

/* Where the unit's control group is: a-b.slice lies in a.slice */
static const char *cgroup_of(struct imm_plan *p) {
        const char *slice = imm_setting_string(p->s, IMM_SETTING_SLICE);
        const char *at = p->user_manager
                                 ? imm_printf(p->a, "/user.slice/user-%u.slice/user@%u.service",
                                           p->m->user->uid, p->m->user->uid)
                                 : "";

        if (!slice)
                slice = p->user_manager ? "app.slice" : "system.slice";
        if (imm_streq(slice, "-.slice"))
                slice = "";
        for (const char *dash = slice; *dash; dash++)
                if (*dash == '-')
                        at = imm_printf(p->a, "%s/%.*s.slice", at, (int)(dash - slice), slice);
        if (*slice)
                at = imm_printf(p->a, "%s/%s", at, slice);
        return imm_printf(p->a, "/sys/fs/cgroup%s/%s", at, p->s->unit->name);
}

/* The service may watch its own memory pressure, whatever is done to the control groups. */
static void memory_pressure(struct imm_plan *p) {
        uint64_t groups = imm_setting_number(p->s, IMM_SETTING_PROTECT_CONTROL_GROUPS);
        const char *watch;

        if (!p->q.pressure || (groups != 1 && groups != 3))
                return;
        watch = imm_setting_word(p->s, IMM_SETTING_MEMORY_PRESSURE_WATCH);
        if (watch &&
                (imm_streq(watch, "no") || imm_streq(watch, "off") || imm_streq(watch, "skip")))
                return;
        if ((!watch || imm_streq(watch, "auto")) &&
                !imm_setting_bool(p->s, IMM_SETTING_MEMORY_ACCOUNTING))
                return;
        /* with a tree of its own, which commands with + do not get, the group is at its top */
        p->memory_pressure = imm_printf(p->a, "%s/memory.pressure",
                groups == 3 && p->sandboxing ? "/sys/fs/cgroup" : p->cgroup);
}

static void give(struct imm_plan *p, const char *path) {
        struct imm_vpath at;

        if (imm_vfs_lookup(p->v, path, true, &at) < 0)
                return;
        imm_vfs_change(p->v, at.node, -1, p->id->uid, p->id->gid, false);
        if (S_ISDIR(imm_vfs_mode(p->v, at.node))) /* of the kernel's, which is not listed else */
                *imm_array_push(p->v->a, &p->v->made) = at.node;
}

/* DelegateSubgroup=: the service is in a group below the unit's, where everything is its user's. */
static void enter_subgroup(struct imm_plan *p) {
        static const struct {
                const char *name;
                mode_t mode;
        } files[] = {{"cgroup.controllers", 0444}, {"cgroup.events", 0444}, {"cgroup.freeze", 0644},
                {"cgroup.kill", 0200}, {"cgroup.max.depth", 0644}, {"cgroup.max.descendants", 0644},
                {"cgroup.procs", 0644}, {"cgroup.stat", 0444}, {"cgroup.subtree_control", 0644},
                {"cgroup.threads", 0644}, {"cgroup.type", 0644}};
        const char *name = imm_setting_string(p->s, IMM_SETTING_DELEGATE_SUBGROUP);

        if (!name || !*name)
                return;
        p->cgroup = imm_printf(p->a, "%s/%s", p->cgroup, name);
        imm_vfs_force(p->v, p->cgroup, S_IFDIR | 0755);
        give(p, p->cgroup);
        for (size_t i = 0; i < IMM_ELEMENTSOF(files); i++) {
                const char *path = imm_printf(p->a, "%s/%s", p->cgroup, files[i].name);

                imm_vfs_force(p->v, path, S_IFREG | files[i].mode);
                give(p, path);
        }
}

void imm_plan_cgroup_prepare(struct imm_plan *p) {
        static const char *const delegated[] = {
                "", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"};
        const char *path;

        p->cgroup = cgroup_of(p);
        memory_pressure(p);
        path = imm_printf(p->a, "%s/memory.pressure", p->cgroup);
        imm_vfs_force(p->v, path, S_IFREG | 0644);
        if (!p->id)
                return;
        if (p->q.pressure)
                give(p, path);
        if (!imm_setting_bool(p->s, IMM_SETTING_DELEGATE) || p->user_manager)
                return;
        for (size_t i = 0; i < IMM_ELEMENTSOF(delegated); i++) {
                path = imm_printf(p->a, "%s%s", p->cgroup, delegated[i]);
                if (delegated[i][0] != '\0')
                        imm_vfs_force(p->v, path, S_IFREG | 0644);
                give(p, path);
        }
        enter_subgroup(p);
}
