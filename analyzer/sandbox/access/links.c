/*
 * fs.protected_symlinks: in a sticky directory that anybody may write to, a link that ends a path
 * is followed by its owner only, or where the directory's owner made it; no capability helps. Links
 * in the middle of a path are followed all the same. Sources: proc_sys_fs(5), fs/namei.c
 * (may_follow_link) of Linux; tests/lab.
 */

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/boot/sysctl.h"

#include <pthread.h>

struct imm_protected {
        bool links;
};

static bool protects_links(struct imm_manager *m) {
        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
        bool links;

        (void)pthread_mutex_lock(&lock);
        if (!m->protected) {
                m->protected = imm_new(m->arena, struct imm_protected);
                m->protected->links =
                        imm_sysctl_number(m->root, "fs/protected_symlinks", 1, 0) != 0;
        }
        links = m->protected->links;
        (void)pthread_mutex_unlock(&lock);
        return links;
}

bool imm_link_protected(struct imm_manager *m, const struct imm_identity *id,
        const struct imm_node *dir, const struct imm_node *link) {
        enum { SHARED = S_ISVTX | S_IWOTH };

        return (dir->mode & SHARED) == SHARED && link->uid != id->uid && link->uid != dir->uid &&
               protects_links(m);
}

const char imm_link_why[] =
        "which fs.protected_symlinks lets nobody but its owner follow: it is a link in a sticky "
        "directory that anybody may write to";

bool imm_link_stops_manager(struct imm_manager *m, const char *path, struct imm_arena *a) {
        const bool of_user = m->scope != IMM_SCOPE_SYSTEM && m->user;
        const struct imm_identity id = {
                .uid = of_user ? m->user->uid : 0, .cap_effective = UINT64_MAX};
        const struct imm_mount_table bare = {0};
        const struct imm_walk w = {.m = m, .table = &bare, .id = &id, .a = a};
        struct imm_spot at;

        imm_walk_to(&w, path, true, &at);
        return at.end == IMM_WALK_PROTECTED;
}
