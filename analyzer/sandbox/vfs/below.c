#include "analyzer/sandbox/vfs/vfs.h"

#include <string.h>

/*
 * Which mounts lie at or below a path. A few are asked one by one; a unit that mounts thousands,
 * each of which asks for those below it, has a list for each folder above any of them.
 */

enum { MANY = 256 };

struct imm_vmount_list {
        struct imm_vmount **v; /* by age */
        size_t n, cap;
};

static void note_at(struct imm_vfs *v, const char *path, size_t n, struct imm_vmount *m) {
        struct imm_vmount_list *l = imm_map_get_n(&v->folders, path, n);

        if (!l) {
                l = imm_new(v->a, struct imm_vmount_list);
                imm_map_put(v->a, &v->folders, imm_strndup(v->a, path, n), l);
        }
        *imm_array_push(v->a, l) = m;
}

/* In the list of each folder that its path names, and in its own */
static void note(struct imm_vfs *v, struct imm_vmount *m) {
        for (size_t n = 1; n < m->n_path; n++)
                if (m->path[n] == '/')
                        note_at(v, m->path, n, m);
        if (m->n_path > 1)
                note_at(v, m->path, m->n_path, m);
}

void imm_vfs_paths_changed(struct imm_vfs *v) {
        v->folders = (struct imm_map){0};
        v->n_noted = 0;
}

struct imm_vmounts_below imm_vfs_below(struct imm_vfs *v, const char *path) {
        struct imm_vmounts_below b = {
                .path = path, .n_path = strlen(path), .v = v->mounts.v, .n = v->mounts.n};
        const struct imm_vmount_list *l;

        if (b.n < MANY || b.n_path < 2 || path[b.n_path - 1] == '/')
                return b;
        while (v->n_noted < v->mounts.n)
                note(v, v->mounts.v[v->n_noted++]);
        l = imm_map_get(&v->folders, path);
        b.v = l ? l->v : NULL;
        b.n = l ? l->n : 0;
        return b;
}

struct imm_vmount *imm_vfs_next(struct imm_vmounts_below *b) {
        const size_t last = b->n_path > 0 ? b->n_path - 1 : 0;

        while (b->i < b->n) {
                struct imm_vmount *m = b->v[b->i++];

                /* rounds ask all for each line: mostly the last letter tells */
                if (!m->gone && m->n_path > last && m->path[last] == b->path[last] &&
                        imm_path_below(m->path, b->path))
                        return m;
        }
        return NULL;
}
