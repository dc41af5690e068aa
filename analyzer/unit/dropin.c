/*
 * Drop-ins: which directories a unit has, and which of their files count.
 *
 * For each name of the unit (the primary one first) and each search directory in order: the unit's
 * own folder, that of its template, those of its prefixes; at the very end, for each search
 * directory, the folder of the type. Of equally named files the first counts; then they are sorted
 * by name. So the search directory beats specificity, except that the type's folder is always last.
 */

#include "analyzer/unit/index.h"
#include "analyzer/unit/limits.h"

#include <errno.h>

/* Names that are hidden or left by an editor or package manager; with .conf only the former */
static bool is_conf(const char *name) {
        return name[0] != '.' && imm_ends_with(name, ".conf");
}

void imm_dropin_dir_list(struct imm_manager *m, struct dropin_dir *d) {
        const struct search_dir *s = &m->index->dirs[d->dir];
        const char *path = imm_printf(m->arena, "%s/%s", s->real, d->name);
        struct imm_dirent *e;
        size_t n;
        int r;

        d->listed = true;
        if (d->link && imm_root_realpath(m->root, path, m->arena, &path) < 0)
                return;
        r = imm_root_list(m->root, path, m->arena, &e, &n);
        if (r < 0) {
                if (r != -ENOTDIR)
                        imm_diag_add(m->arena, &m->diags, IMM_DIAG_UNREADABLE,
                                "unreadable-directory", path, 0, NULL,
                                "cannot list the directory: %s", strerror(-r));
                return;
        }
        d->files = imm_alloc_array(m->arena, n, sizeof(*d->files));
        for (size_t i = 0; i < n; i++) {
                struct dropin_entry *f = &d->files[d->n_files];

                if (!is_conf(e[i].name))
                        continue;
                f->name = e[i].name;
                f->path = imm_printf(m->arena, "%s/%s", path, e[i].name);
                f->dir = d->dir;
                if (!d->link && e[i].type == DT_REG)
                        f->rel = f->path + strlen(s->real) + 1;
                d->n_files++;
        }
}

/* The folders that names lead to, in order of specificity */
struct folders {
        struct imm_arena *a;
        const struct imm_map *all;
        IMM_ARRAY(struct dropin_dirs *) v;
};

static void look_up(struct folders *f, const char *name) {
        char key[IMM_UNIT_NAME_MAX + 2];
        struct dropin_dirs *dirs;

        if ((size_t)snprintf(key, sizeof(key), "%s.d", name) >= sizeof(key))
                return;
        dirs = imm_map_get(f->all, key);
        if (dirs)
                *imm_array_push(f->a, &f->v) = dirs;
}

/* Cuts "a-b-c" and "a-b-" to "a-b-" and "a-"; false when there is nothing more to cut */
static bool cut_prefix(char *prefix) {
        size_t n = strlen(prefix);
        char *dash;

        if (n > 0 && prefix[n - 1] == '-')
                prefix[n - 1] = 0;
        dash = strrchr(prefix, '-');
        if (!dash || dash == prefix)
                return false;
        dash[1] = 0;
        return true;
}

/*
 * @name's own folder, its template's, and those of all prefixes. The prefixes of a template are
 * plain names ("foo-.service.d" for "foo-x@.service"); those of an instance have it too
 * ("foo-@i.service.d", "foo-@.service.d") and come after them.
 */
static void look_up_all(struct folders *f, const char *name) {
        char prefix[IMM_UNIT_NAME_MAX], built[2 * IMM_UNIT_NAME_MAX];
        const char *at = strchr(name, '@'), *dot = strrchr(name, '.');
        bool instance = at && dot > at + 1;

        look_up(f, name);
        if (strlen(name) >= sizeof(prefix))
                return;
        if (instance) {
                (void)snprintf(built, sizeof(built), "%.*s@%s", (int)(at - name), name, dot);
                look_up_all(f, built);
        }
        (void)snprintf(prefix, sizeof(prefix), "%.*s", (int)((at ? at : dot) - name), name);
        while (cut_prefix(prefix)) {
                if (!instance) {
                        (void)snprintf(built, sizeof(built), "%s%s", prefix, dot);
                        look_up(f, built);
                        continue;
                }
                (void)snprintf(built, sizeof(built), "%s%s", prefix, at);
                look_up(f, built);
                (void)snprintf(built, sizeof(built), "%s@%s", prefix, dot);
                look_up(f, built);
        }
}

struct candidate {
        const struct dropin_entry *file;
        size_t order;
};

struct candidates {
        struct imm_arena *a;
        IMM_ARRAY(struct candidate) v;
        size_t folders;
};

/* All files of the folders found, search directory by search directory */
static void take_files(struct imm_manager *m, struct folders *f, struct candidates *to) {
        size_t *at;

        if (f->v.n == 0)
                return;
        at = imm_alloc_array(f->a, f->v.n, sizeof(*at));
        for (unsigned dir = 0; dir < m->index->n_dirs; dir++)
                for (size_t i = 0; i < f->v.n; i++) {
                        struct dropin_dirs *dirs = f->v.v[i];
                        struct dropin_dir *d;

                        if (at[i] == dirs->list.n || dirs->list.v[at[i]].dir != dir)
                                continue;
                        d = &dirs->list.v[at[i]++];
                        if (!d->listed)
                                imm_dropin_dir_list(m, d);
                        to->folders += d->n_files > 0;
                        for (size_t k = 0; k < d->n_files; k++) {
                                size_t order = to->v.n;

                                *imm_array_push(to->a, &to->v) =
                                        (struct candidate){&d->files[k], order};
                        }
                }
        f->v.n = 0;
}

static int by_name_and_order(const void *a, const void *b) {
        const struct candidate *x = a, *y = b;
        int r = strcmp(x->file->name, y->file->name);

        return r ? r : x->order < y->order ? -1 : x->order > y->order;
}

struct dropin_list imm_index_dropins(struct imm_manager *m, const struct imm_strv *names,
        enum imm_unit_type type, struct imm_arena *a, struct imm_diags *diags) {
        imm_cleanup(imm_arena_free) struct imm_arena *tmp = imm_arena_new();
        struct folders f = {.a = tmp, .all = &m->index->dropins};
        struct candidates c = {.a = tmp};
        struct dropin_list list = {0};

        for (size_t i = 0; i < names->n; i++) {
                look_up_all(&f, names->v[i]);
                take_files(m, &f, &c);
        }
        look_up(&f, imm_unit_type_name(type));
        take_files(m, &f, &c);
        if (c.v.n == 0)
                return list;
        if (c.folders > 1)
                qsort(c.v.v, c.v.n, sizeof(*c.v.v), by_name_and_order);
        list.v = imm_alloc_array(a, c.v.n, sizeof(*list.v));
        for (size_t i = 0; i < c.v.n; i++) {
                const struct dropin_entry *file = c.v.v[i].file;

                if (list.n == 0 || !imm_streq(list.v[list.n - 1]->name, file->name))
                        list.v[list.n++] = file;
                else if (!imm_streq(list.v[list.n - 1]->path, file->path))
                        imm_diag_add(a, diags, IMM_DIAG_NOTE, "hidden-dropin", file->path, 0, NULL,
                                "this drop-in is hidden by %s", list.v[list.n - 1]->path);
        }
        return list;
}
