/*
 * What units name is opened by the manager, outside of any sandbox: root may all but follow each
 * link, a user's manager has its user's rights.
 * Source: tests/lab.
 */

#include "analyzer/sandbox/access/access-private.h"

static bool known_to_lack(const struct imm_walk *w, const char *path, unsigned mask) {
        const struct imm_node *n = imm_node_of_root(w->m, path);

        return n && n->state == IMM_NODE_PRESENT && !imm_api_covers(w->m, path) &&
               imm_access_judge_mask(w, n, mask).answer == 0;
}

bool imm_start_may_open(struct imm_manager *m, struct imm_settings *s, const char *path,
        unsigned mask, struct imm_arena *a, const char **ret_why) {
        struct imm_identity id = {0};
        struct imm_walk w = {.m = m, .s = s, .id = &id, .a = a};
        const char *real;

        *ret_why = NULL;
        if (imm_link_stops_manager(m, path, a)) {
                *ret_why = imm_link_why;
                return false;
        }
        if (m->scope == IMM_SCOPE_SYSTEM || !m->user)
                return true;
        /* whoever runs the unit: a user's manager is nobody else, and its groups are the login's */
        imm_identity_compute(m, s, IMM_KIND_PRIVILEGED, a, &id);
        id.uid = m->user->uid;
        id.gid = m->user->gid;
        id.userns = IMM_USERNS_NONE;
        id.cap_effective = 0;
        if (imm_root_realpath(m->root, path, a, &real) < 0)
                return true; /* whether it is there is another question */
        for (const char *slash = strchr(real + 1, '/'); slash; slash = strchr(slash + 1, '/'))
                if (known_to_lack(&w, imm_strndup(a, real, (size_t)(slash - real)), IMM_MAY_EXEC))
                        return false;
        return !known_to_lack(&w, real, mask);
}

mode_t imm_start_mode(struct imm_manager *m, const char *path) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = NULL;
        const struct imm_identity root = {.cap_effective = UINT64_MAX};
        const struct imm_mount_table bare = {0};
        struct imm_walk w = {.m = m, .table = &bare, .id = &root};
        struct imm_spot at;
        struct stat st;

        if (!imm_api_covers(m, path) || imm_root_is_running(m->root))
                return imm_root_stat(m->root, path, &st) == 0 ? st.st_mode : 0;
        scratch = imm_arena_new();
        w.a = scratch;
        imm_walk_to(&w, path, true, &at);
        return at.end == IMM_WALK_FOUND ? at.node.mode : 0;
}

bool imm_start_refuse(struct imm_start_fault *ret, enum imm_start_step step,
        enum imm_outcome outcome, const char *culprit, enum imm_setting setting,
        struct imm_origin origin) {
        *ret = (struct imm_start_fault){outcome, culprit, setting, origin, NULL, step, NULL};
        return true;
}
