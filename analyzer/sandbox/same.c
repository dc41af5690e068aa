#include "analyzer/sandbox/sandbox.h"

static bool same_made(const struct imm_made *x, const struct imm_made *y) {
        return imm_streq(x->path, y->path) && x->mode == y->mode && x->uid == y->uid &&
               x->gid == y->gid && imm_same_text(x->target, y->target) &&
               x->recursive == y->recursive;
}

static bool same_identity(const struct imm_identity *a, const struct imm_identity *b) {
        if (a->n_groups != b->n_groups)
                return false;
        for (size_t i = 0; i < a->n_groups; i++)
                if (a->groups[i] != b->groups[i])
                        return false;
        return a->uid == b->uid && a->gid == b->gid && imm_same_text(a->user, b->user) &&
               a->dynamic == b->dynamic && a->unknown == b->unknown &&
               a->cap_bounding == b->cap_bounding && a->cap_inheritable == b->cap_inheritable &&
               a->cap_permitted == b->cap_permitted && a->cap_effective == b->cap_effective &&
               a->cap_ambient == b->cap_ambient && a->no_new_privileges == b->no_new_privileges &&
               a->secure_bits == b->secure_bits && a->userns == b->userns &&
               a->mapped_uid == b->mapped_uid && a->mapped_gid == b->mapped_gid &&
               a->maps_root == b->maps_root && a->set_id == b->set_id &&
               a->undumpable == b->undumpable && a->outcome == b->outcome;
}

static bool same_mount(const struct imm_mount *a, const struct imm_mount *b) {
        if (!imm_streq(a->path, b->path) || !imm_streq(a->fstype, b->fstype) ||
                !imm_same_text(a->source, b->source) ||
                !imm_same_text(a->host_path, b->host_path) || a->flags != b->flags ||
                a->of_host != b->of_host || a->inaccessible != b->inaccessible ||
                a->id_mapped != b->id_mapped || a->mode != b->mode || a->uid != b->uid ||
                a->gid != b->gid || !imm_same_text(a->options, b->options) ||
                !imm_same_text(a->kernel_path, b->kernel_path) ||
                !imm_strv_same(&a->layers, &b->layers) || a->entries.n != b->entries.n)
                return false;
        for (size_t i = 0; i < a->entries.n; i++)
                if (!same_made(&a->entries.v[i], &b->entries.v[i]))
                        return false;
        return true;
}

static bool same_table(const struct imm_mount_table *a, const struct imm_mount_table *b) {
        if (a->outcome != b->outcome || a->has_namespace != b->has_namespace ||
                a->assumed != b->assumed || a->n != b->n || a->made.n != b->made.n ||
                !imm_same_text(a->root_directory, b->root_directory) ||
                !imm_same_text(a->culprit, b->culprit))
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!same_mount(&a->v[i], &b->v[i]))
                        return false;
        for (size_t i = 0; i < a->made.n; i++)
                if (!same_made(&a->made.v[i], &b->made.v[i]))
                        return false;
        return true;
}

bool imm_sandbox_same(const struct imm_sandbox *a, const struct imm_sandbox *b) {
        if (a->main != b->main)
                return false;
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++)
                if (a->has[k] != b->has[k] ||
                        (a->has[k] && (!same_identity(&a->identity[k], &b->identity[k]) ||
                                              !same_table(&a->mounts[k], &b->mounts[k]))))
                        return false;
        return true;
}
