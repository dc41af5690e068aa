#include "analyzer/sandbox/access/access-private.h"

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

struct imm_acl *imm_acl_parse(const void *data, size_t size, struct imm_arena *a) {
        const struct posix_acl_xattr_header *h = data;
        const struct posix_acl_xattr_entry *e;
        struct imm_acl *acl;
        size_t n;

        if (size < sizeof(*h) || le32toh(h->a_version) != POSIX_ACL_XATTR_VERSION)
                return NULL;
        n = (size - sizeof(*h)) / sizeof(*e);
        e = (const struct posix_acl_xattr_entry *)(const void *)(h + 1);
        acl = imm_alloc(a, sizeof(*acl) + n * sizeof(*acl->v));
        acl->n = n;
        for (size_t i = 0; i < n; i++)
                acl->v[i] = (struct imm_acl_entry){
                        .tag = le16toh(e[i].e_tag),
                        .perm = le16toh(e[i].e_perm) & 7,
                        .id = le32toh(e[i].e_id),
                };
        return acl;
}

bool imm_identity_in_group(const struct imm_identity *id, gid_t gid) {
        if (id->gid == gid)
                return true;
        for (size_t i = 0; i < id->n_groups; i++)
                if (id->groups[i] == gid)
                        return true;
        return false;
}

/*
 * acl(5), "Access check algorithm": a named user's entry decides alone; of the groups' entries any
 * that matches may grant, and if one matches and none grants, the rest of the world is not asked.
 * Bits are asked for together, so each combination is tried by its own mask.
 */
static unsigned acl_bits(const struct imm_node *n, const struct imm_identity *id, unsigned mask,
        enum imm_acl_who *ret_who) {
        unsigned limit = 7;
        bool in_group = false;

        for (size_t i = 0; i < n->acl->n; i++)
                if (n->acl->v[i].tag == ACL_MASK)
                        limit = n->acl->v[i].perm;
        for (size_t i = 0; i < n->acl->n; i++) {
                const struct imm_acl_entry *e = n->acl->v + i;

                switch (e->tag) {
                case ACL_USER:
                        if (e->id != id->uid)
                                break;
                        *ret_who = IMM_ACL_USER;
                        return e->perm & limit & mask;
                case ACL_GROUP_OBJ:
                case ACL_GROUP:
                        if (!imm_identity_in_group(id, e->tag == ACL_GROUP ? e->id : n->gid))
                                break;
                        in_group = true;
                        if ((e->perm & mask) == mask) {
                                *ret_who = IMM_ACL_GROUP;
                                return e->perm & limit & mask;
                        }
                        break;
                case ACL_OTHER:
                        *ret_who = in_group ? IMM_ACL_GROUP : IMM_ACL_OTHER;
                        return in_group ? 0 : e->perm & mask;
                default:
                        break;
                }
        }
        *ret_who = IMM_ACL_OTHER;
        return 0;
}

unsigned imm_acl_bits(const struct imm_node *n, const struct imm_identity *id, unsigned mask,
        enum imm_acl_who *ret_who) {
        if (n->uid == id->uid) {
                *ret_who = IMM_ACL_OWNER;
                return n->mode >> 6 & mask;
        }
        /* without group bits (the ACL's mask) nobody but owner and others is considered */
        if (n->acl && n->mode & 070)
                return acl_bits(n, id, mask, ret_who);
        if (imm_identity_in_group(id, n->gid)) {
                *ret_who = IMM_ACL_GROUP;
                return n->mode >> 3 & mask;
        }
        *ret_who = IMM_ACL_OTHER;
        return n->mode & mask;
}

static bool maps(const struct imm_identity *id, unsigned owner, unsigned mapped) {
        switch (id->userns) {
        case IMM_USERNS_NONE:
        case IMM_USERNS_FULL:
                return true;
        case IMM_USERNS_IDENTITY:
                return owner < 65536;
        case IMM_USERNS_SELF:
                return owner == mapped || (owner == 0 && id->maps_root);
        }
        return true;
}

bool imm_identity_maps_uid(const struct imm_identity *id, uid_t uid) {
        return maps(id, uid, id->mapped_uid);
}

bool imm_identity_maps_gid(const struct imm_identity *id, gid_t gid) {
        return maps(id, gid, id->mapped_gid);
}
