/*
 * What a service shares with others: namespaces that a path names, and those of the units that
 * JoinsNamespaceOf= joins. Source: systemd.unit(5), systemd.exec(5); tests/lab.
 */

#include "analyzer/sandbox/plan.h"

#include <errno.h>

/* ---- by a path ---- */

/* A namespace's file; what may or may not be there is believed. */
static int open_namespace(struct imm_plan *p, const char *path, const char *type) {
        const char *name = strrchr(path, '/');
        struct imm_vpath at;
        int r;

        /* the kernel follows links to namespaces by itself */
        if (imm_vfs_lookup(p->v, path, false, &at) >= 0 && S_ISLNK(imm_vfs_mode(p->v, at.node))) {
                const char *target = imm_vfs_target(p->v, at.node);

                if (target && imm_streq(target, "@ns"))
                        return imm_streq(name + 1, type) ? 0 : -EINVAL;
        }
        p->v->trusting = p->v->noting = true;
        r = imm_vfs_lookup(p->v, path, true, &at);
        p->v->trusting = p->v->noting = false;
        if (r < 0)
                return r;
        return at.node->uncertain ? 0 : -EINVAL;
}

/* Before 254 IPCNamespacePath= is forgotten where nothing else is shared with other units. */
bool imm_plan_forgets_ipc(const struct imm_settings *s) {
        return s->version < 254 && !imm_needs_network(s) &&
               !imm_setting_bool(s, IMM_SETTING_PRIVATE_IPC) &&
               imm_setting_number(s, IMM_SETTING_PRIVATE_TMP) == 0;
}

int imm_plan_namespaces_open(struct imm_plan *p) {
        static const struct {
                enum imm_setting setting;
                const char *type;
                enum imm_outcome outcome;
        } paths[] = {
                {IMM_SETTING_NETWORK_NAMESPACE_PATH, "net", IMM_OUTCOME_NETWORK_FAILURE},
                {IMM_SETTING_IPC_NAMESPACE_PATH, "ipc", IMM_OUTCOME_NAMESPACE_FAILURE},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(paths); i++) {
                const struct imm_value *v = imm_setting(p->s, paths[i].setting);
                int r;

                if (!v->string || (paths[i].setting == IMM_SETTING_IPC_NAMESPACE_PATH &&
                                          imm_plan_forgets_ipc(p->s)))
                        continue;
                r = open_namespace(p, v->string, paths[i].type);
                if (r < 0) {
                        imm_plan_fail(p, paths[i].outcome, v->string, &v->origin);
                        return r;
                }
        }
        return 0;
}

/* ---- by JoinsNamespaceOf= ---- */

static bool names_unit(const struct imm_value *v, const struct imm_unit *u) {
        imm_array_foreach (item, &v->strings)
                if (imm_strv_has(&u->names, item->text))
                        return true;
        return false;
}

/* Does the unit of @s start behind @other, whoever says so? 1, 0 for before it, or -1 */
static int starts_behind(const struct imm_settings *s, const struct imm_settings *other) {
        if (names_unit(imm_setting(s, IMM_SETTING_AFTER), other->unit) ||
                names_unit(imm_setting(other, IMM_SETTING_BEFORE), s->unit))
                return 1;
        if (names_unit(imm_setting(s, IMM_SETTING_BEFORE), other->unit) ||
                names_unit(imm_setting(other, IMM_SETTING_AFTER), s->unit))
                return 0;
        return -1;
}

const char *imm_plan_tmp_owner(struct imm_plan *p) {
        const struct imm_value *joins = imm_setting(p->s, IMM_SETTING_JOINS_NAMESPACE_OF);
        struct imm_unit *self = p->s->unit;

        imm_array_foreach (item, &joins->strings) {
                struct imm_unit *other = imm_manager_find(p->m, item->text);
                const struct imm_settings *s;
                int behind;

                if (!other || other == self || other->load != IMM_LOAD_LOADED)
                        continue;
                /* not imm_settings_of(): another thread may be at that unit */
                s = imm_settings_compute(p->m, other, p->s->version, p->a);
                behind = starts_behind(p->s, s);
                if (imm_setting(s, IMM_SETTING_PRIVATE_TMP)->number != 1 || behind == 0)
                        continue;
                if (behind < 0)
                        imm_strv_add(p->out, &p->t->assumes,
                                imm_printf(p->out, "whether %s starts before it", other->name));
                return other->name;
        }
        return self->name;
}
