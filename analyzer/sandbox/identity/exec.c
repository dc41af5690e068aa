#include "analyzer/sandbox/access/access-private.h"

#include <linux/securebits.h>

/* Set-id bits count only for owners that exist in the user namespace, and not on scripts. */
static bool take_ids(const struct imm_node *n, struct imm_identity *id) {
        bool changed = false;

        if (!imm_identity_maps_uid(id, n->uid) || !imm_identity_maps_gid(id, n->gid))
                return false;
        if (n->mode & S_ISUID) {
                changed |= id->uid != n->uid;
                id->uid = n->uid;
        }
        if ((n->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP)) {
                changed |= id->gid != n->gid;
                id->gid = n->gid;
        }
        return changed;
}

/* capabilities(7): P'(permitted) = (P(inheritable) & F(inheritable)) | (F(permitted) & bounding) */
static uint64_t granted(const struct imm_file_caps *f, const struct imm_identity *id) {
        return (id->cap_inheritable & f->inheritable) | (f->permitted & id->cap_bounding);
}

/*
 * What systemd still has when it executes the program: nothing behind setresuid(2), unless it had
 * to keep capabilities over it. A user's manager changes no user, and has all in the namespace that
 * it made.
 */
static uint64_t caps_before(
        const struct imm_manager *m, const struct imm_settings *s, const struct imm_identity *id) {
        bool of_own_namespace = m->scope != IMM_SCOPE_SYSTEM && id->userns != IMM_USERNS_NONE;
        bool keeps = id->uid == 0 || of_own_namespace || id->secure_bits ||
                     imm_setting_number(s, IMM_SETTING_AMBIENT_CAPABILITIES) != 0 ||
                     id->cap_inheritable != id->cap_ambient;

        return keeps ? IMM_CAPS_ALL & ~id->cap_lost : 0;
}

static bool changes_identity(const struct imm_spot *spot) {
        return spot->node.mode & (S_ISUID | S_ISGID) || spot->node.caps;
}

static void change_identity(struct imm_manager *m, struct imm_settings *s,
        const struct imm_spot *spot, const char *program, struct imm_arena *a,
        struct imm_identity *id) {
        const struct imm_file_caps *caps = spot->node.caps;
        uint64_t before = caps_before(m, s, id);
        const struct imm_user *u;
        bool root_before = id->uid == 0, set_id;

        if (caps && caps->effective && (granted(caps, id) & caps->permitted) != caps->permitted) {
                id->outcome = IMM_OUTCOME_EXEC_FAILURE;
                id->why = imm_printf(a,
                        "%s has file capabilities that the bounding set does not allow", program);
                return;
        }
        /* no new privileges: nothing more than systemd still has, which may be much */
        set_id = !id->no_new_privileges && take_ids(&spot->node, id);
        if (set_id)
                id->cap_ambient = 0;
        if (caps && !root_before) {
                id->cap_permitted = granted(caps, id);
                if (id->no_new_privileges)
                        id->cap_permitted &= before;
                id->cap_effective = caps->effective ? id->cap_permitted : 0;
                id->cap_ambient = 0;
        } else if (set_id) {
                imm_identity_plain_exec(id);
                /* whose real user is still root has them, and may take them up again */
                if (root_before && id->uid != 0 && !(id->secure_bits & SECBIT_NOROOT))
                        id->cap_permitted = id->cap_bounding | id->cap_inheritable;
        }
        id->undumpable |= set_id || (caps && (id->cap_permitted & ~before));
        if (!set_id && !caps)
                return;
        u = imm_user_by_uid(m->users, id->uid);
        id->user = id->uid == 0 ? "root" : u ? u->name : NULL;
        id->dynamic = id->dynamic && !set_id;
        id->set_id = true;
        id->why = imm_printf(a, "%s has %s", program, caps ? "file capabilities" : "set-id bits");
}

void imm_identity_exec(struct imm_manager *m, struct imm_settings *s,
        const struct imm_mount_table *t, const char *program, struct imm_arena *a,
        struct imm_identity *id) {
        const struct imm_walk w = {
                .m = m, .s = s, .table = t, .id = id, .program = program, .a = a};
        struct imm_spot spot;

        imm_walk_to(&w, program, true, &spot);
        if (spot.end != IMM_WALK_FOUND || !S_ISREG(spot.node.mode))
                return;
        /* the memory of a program that one may not read is closed to its own user, too */
        id->undumpable = imm_access_judge_mask(&w, &spot.node, IMM_MAY_READ).answer == 0;
        if (!changes_identity(&spot) || (spot.mount && spot.mount->flags & IMM_MOUNT_NOSUID) ||
                imm_program_of_root(m, imm_spot_file(&spot, a))->script)
                return;
        change_identity(m, s, &spot, program, a, id);
}
