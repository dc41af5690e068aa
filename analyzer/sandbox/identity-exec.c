#include "analyzer/sandbox/access-private.h"

#include <linux/capability.h>
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

static bool is_script(const struct imm_root *root, const char *path) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_auto_close int fd = imm_root_open_file(root, path, NULL);
        char start[2];

        return fd >= 0 && read(fd, start, sizeof(start)) == 2 && memcmp(start, "#!", 2) == 0;
}

/* capabilities(7): P'(permitted) = (P(inheritable) & F(inheritable)) | (F(permitted) & bounding) */
static void take_caps(const struct imm_file_caps *f, struct imm_identity *id) {
        id->cap_permitted =
                (id->cap_inheritable & f->inheritable) | (f->permitted & id->cap_bounding);
        id->cap_effective = f->effective ? id->cap_permitted : 0;
        id->cap_ambient = 0;
}

void imm_identity_exec(struct imm_manager *m, struct imm_settings *s,
        const struct imm_mount_table *t, const char *program, struct imm_arena *a,
        struct imm_identity *id) {
        const struct imm_walk w = {
                .m = m, .s = s, .table = t, .id = id, .program = program, .a = a};
        bool root_before = id->uid == 0;
        struct imm_spot spot;
        const char *file;
        bool set_id;

        imm_walk_to(&w, program, true, &spot);
        if (spot.end != IMM_WALK_FOUND || !S_ISREG(spot.node.mode))
                return;
        if (!(spot.node.mode & (S_ISUID | S_ISGID)) && !spot.node.caps)
                return;
        if (id->no_new_privileges || (spot.mount && spot.mount->flags & IMM_MOUNT_NOSUID))
                return;
        file = spot.mount && spot.mount->host_path && !imm_streq(spot.mount->host_path, "/")
                       ? imm_printf(a, "%s%s", spot.mount->host_path,
                                 spot.path + (imm_streq(spot.mount->path, "/")
                                                             ? 0
                                                             : strlen(spot.mount->path)))
                       : spot.path;
        if (is_script(m->root, file))
                return;
        set_id = take_ids(&spot.node, id);
        if (set_id)
                id->cap_ambient = 0;
        if (spot.node.caps && !(root_before && id->uid == 0)) {
                take_caps(spot.node.caps, id);
                set_id = true;
        } else if (set_id)
                imm_identity_plain_exec(id);
        if (!set_id)
                return;
        id->set_id = true;
        id->why = imm_printf(
                a, "%s has %s", program, spot.node.caps ? "file capabilities" : "set-id bits");
}
