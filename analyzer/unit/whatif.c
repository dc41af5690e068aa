/* A unit as it would be with one drop-in more, or one line less. */

#include "analyzer/unit/syntax.h"

struct imm_unit *imm_unit_with_dropin(const struct imm_manager *m, const struct imm_unit *u,
        const char *path, const char *text, struct imm_arena *a) {
        struct imm_unit *w = imm_new(a, struct imm_unit);
        struct imm_unit_file *f = imm_new(a, struct imm_unit_file);
        const struct imm_syntax syntax = {imm_unit_sections(u->type), m->version};

        *w = *u;
        w->arena = a;
        w->settings = NULL;
        w->sandbox = NULL;
        w->closure = NULL;
        f->kind = IMM_FILE_DROPIN;
        f->path = imm_strdup(a, path);
        imm_syntax_parse(&syntax, imm_strdup(a, text), strlen(text), a, f);
        w->files = imm_alloc_array(a, u->n_files + 1, sizeof(*w->files));
        if (u->n_files > 0)
                memcpy(w->files, u->files, u->n_files * sizeof(*w->files));
        w->files[w->n_files++] = f;
        w->dropins = (struct imm_strv){0};
        for (size_t i = 0; i < u->dropins.n; i++)
                imm_strv_add(a, &w->dropins, u->dropins.v[i]);
        imm_strv_add(a, &w->dropins, f->path);
        return w;
}

struct imm_unit *imm_unit_without(
        const struct imm_unit *u, size_t file, size_t at, struct imm_arena *a) {
        struct imm_unit *w = imm_new(a, struct imm_unit);
        struct imm_unit_file *f = imm_new(a, struct imm_unit_file);
        const struct imm_unit_file *old = u->files[file];

        *w = *u;
        w->arena = a;
        w->settings = NULL;
        w->sandbox = NULL;
        w->closure = NULL;
        w->files = imm_alloc_array(a, u->n_files, sizeof(*w->files));
        memcpy(w->files, u->files, u->n_files * sizeof(*w->files));
        *f = *old;
        f->assignments = imm_alloc_array(a, old->n_assignments, sizeof(*f->assignments));
        memcpy(f->assignments, old->assignments, at * sizeof(*f->assignments));
        memcpy(f->assignments + at, old->assignments + at + 1,
                (old->n_assignments - at - 1) * sizeof(*f->assignments));
        f->n_assignments--;
        w->files[file] = f;
        return w;
}
