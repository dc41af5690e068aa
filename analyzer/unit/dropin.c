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
#include <fcntl.h>

/* Names that are hidden or left by an editor or package manager; with .conf only the former */
static bool is_conf(const char *name) {
        return name[0] != '.' && imm_ends_with(name, ".conf");
}

struct files {
        IMM_ARRAY(struct dropin_entry) v;
};

static void add_file(struct imm_arena *a, struct files *to, const char *folder, const char *name,
        unsigned dir, const char *real) {
        struct dropin_entry *f = imm_array_push(a, &to->v);
        const char *path = imm_printf(a, "%s/%s", folder, name);

        *f = (struct dropin_entry){.path = path, .name = strrchr(path, '/') + 1, .dir = dir};
        if (real)
                f->rel = path + strlen(real) + 1;
}

static int by_file_name(const void *a, const void *b) {
        return strcmp(
                ((const struct dropin_entry *)a)->name, ((const struct dropin_entry *)b)->name);
}

/* A real folder in a unit directory */
static int list_real(const struct search_dir *s, const struct dropin_dir *d, struct imm_arena *a,
        struct files *to) {
        const char *path = imm_printf(a, "%s/%s", s->real, d->name);
        struct imm_dirent *e;
        size_t n;
        int r = imm_list_below(s->fd, d->name, a, &e, &n);

        for (size_t i = 0; r == 0 && i < n; i++)
                if (is_conf(e[i].name))
                        add_file(a, to, path, e[i].name, d->dir,
                                e[i].type == DT_REG ? s->real : NULL);
        if (to->v.n > 1)
                qsort(to->v.v, to->v.n, sizeof(*to->v.v), by_file_name);
        return r;
}

static int list_link(const struct imm_root *r, const struct search_dir *s,
        const struct dropin_dir *d, struct imm_arena *a, struct files *to) {
        const char *path = imm_printf(a, "%s/%s", s->real, d->name);
        struct imm_dirent *e;
        size_t n;
        int k;

        k = imm_root_realpath(r, path, a, &path);
        if (k < 0)
                return k == -EACCES ? k : 0; /* leads nowhere: no drop-ins */
        k = imm_root_list(r, path, a, &e, &n);
        for (size_t i = 0; k == 0 && i < n; i++)
                if (is_conf(e[i].name))
                        add_file(a, to, path, e[i].name, d->dir, NULL);
        return k;
}

void imm_dropin_dir_list(struct imm_manager *m, struct dropin_dir *d, struct imm_arena *a) {
        const struct search_dir *s = &m->index->dirs[d->dir];
        struct files files = {0};
        int r;

        r = d->link ? list_link(m->root, s, d, a, &files) : list_real(s, d, a, &files);
        d->error = r == -ENOTDIR || r == -ENOENT ? 0 : r;
        d->files = files.v.v;
        d->n_files = files.v.n;
        d->listed = true;
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
                                imm_dropin_dir_list(m, d, m->arena);
                        if (d->error < 0) {
                                imm_diag_add(m->arena, &m->diags, IMM_DIAG_UNREADABLE,
                                        "unreadable-directory",
                                        imm_printf(m->arena, "%s/%s", m->index->dirs[dir].path,
                                                d->name),
                                        0, NULL, "cannot list the directory: %s",
                                        strerror(-d->error));
                                d->error = 0; /* told */
                        }
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
