/*
 * Fragment and drop-ins as one unit file that behaves the same.
 *
 * All assignments in the order in which systemd reads them, put together by section. Left out is
 * only what cannot count any more: lines that a later one overrode or reset, and lines that this
 * systemd ignores. That also carries over what a file may and a drop-in may not do: an invalid
 * fatal value merely ends a drop-in, but would refuse the whole unit if it stood in its file. Of a
 * unit that is refused nothing of the fragment is left out, so it is refused the same way.
 */

#include "analyzer/settings/settings.h"

#include <errno.h>

enum { COMMENT_MAX = 500 }; /* bytes of a lost value that are shown */

struct flatten {
        struct imm_settings *s;
        FILE *f;
        struct imm_arena *a;
        bool origins;
        const struct imm_superseded **lost; /* sorted by assignment */
        size_t n_lost;
        const char *real_path; /* %y: the fragment without links; NULL if not needed or not known */
};

static int by_assignment(const void *a, const void *b) {
        const struct imm_superseded *const *x = a, *const *y = b;

        return ((*x)->assignment > (*y)->assignment) - ((*x)->assignment < (*y)->assignment);
}

static const struct imm_superseded *lost(
        const struct flatten *fl, const struct imm_assignment *assignment) {
        const struct imm_superseded key = {.assignment = assignment}, *k = &key;
        const struct imm_superseded *const *hit;

        if (fl->n_lost == 0)
                return NULL;
        hit = bsearch(&k, fl->lost, fl->n_lost, sizeof(*fl->lost), by_assignment);
        return hit ? *hit : NULL;
}

/* Lines that this systemd does not know stay: another one may know them. */
static bool left_out(const struct flatten *fl, const struct imm_unit_file *file,
        const struct imm_superseded *l) {
        if (!l || !imm_setting_known(l->setting, fl->s->version))
                return false;
        if (l->how == IMM_LOST_IGNORED)
                return fl->s->load == IMM_LOAD_LOADED || file->kind == IMM_FILE_DROPIN;
        return fl->s->load == IMM_LOAD_LOADED && !imm_setting_leaves_traces(l->setting);
}

/*
 * %y and %Y name the fragment, which the flattened unit will not be. Only a plain path can take
 * their place whatever quotes stand around; else they are kept.
 */
static bool plain_path(const char *s) {
        return s && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/_.@:-")] == '\0';
}

static void put_value(const struct flatten *fl, const char *value) {
        size_t backslashes = 0, n = strlen(value);

        for (const char *c = value; *c; c++) {
                if (*c == '%' && (c[1] == 'y' || c[1] == 'Y') && fl->real_path) {
                        const char *slash = strrchr(fl->real_path, '/');
                        size_t all = strlen(fl->real_path);

                        c++;
                        fwrite(fl->real_path, 1,
                                *c == 'y' || !slash      ? all
                                : slash == fl->real_path ? 1
                                                         : (size_t)(slash - fl->real_path),
                                fl->f);
                        continue;
                }
                putc(*c, fl->f);
                if (*c == '%' && c[1]) {
                        c++;
                        putc(*c, fl->f);
                }
        }
        /* a backslash at the end would continue the line */
        while (backslashes < n && value[n - 1 - backslashes] == '\\')
                backslashes++;
        if (backslashes % 2)
                putc(' ', fl->f);
}

static void put_lost(const struct flatten *fl, const struct imm_unit_file *file,
        const struct imm_assignment *assignment, const struct imm_superseded *l) {
        static const char *const how[] = {
                [IMM_LOST_OVERRIDDEN] = "overridden by ",
                [IMM_LOST_RESET] = "reset by ",
                [IMM_LOST_IGNORED] = "ignored",
        };
        size_t n = strlen(assignment->value);
        bool cut = n > COMMENT_MAX;

        fputs("# ", fl->f);
        imm_text_put(fl->f, assignment->key);
        putc('=', fl->f);
        imm_text_put(fl->f,
                cut ? imm_strndup(fl->a, assignment->value, COMMENT_MAX) : assignment->value);
        fputs(cut ? "... (" : "  (", fl->f);
        imm_text_put(fl->f, file->path);
        fprintf(fl->f, ":%u, %s", assignment->line, how[l->how]);
        if (l->how != IMM_LOST_IGNORED) {
                imm_text_put(fl->f, l->by.file ? l->by.file : "a later line");
                if (l->by.file)
                        fprintf(fl->f, ":%u", l->by.line);
        }
        fputs(")\n", fl->f);
}

static void put_assignment(const struct flatten *fl, const struct imm_unit_file *file,
        const struct imm_assignment *assignment) {
        const struct imm_superseded *l = lost(fl, assignment);

        if (left_out(fl, file, l)) {
                if (fl->origins)
                        put_lost(fl, file, assignment, l);
                return;
        }
        if (fl->origins) {
                fputs("# ", fl->f);
                imm_text_put(fl->f, file->path);
                fprintf(fl->f, ":%u\n", assignment->line);
        }
        fprintf(fl->f, "%s=", assignment->key);
        put_value(fl, assignment->value);
        putc('\n', fl->f);
}

struct section {
        const char *name;
        IMM_ARRAY(struct line {
                const struct imm_unit_file *file;
                const struct imm_assignment *assignment;
        })
        lines;
};

/* Lines by section, sections in order of their first line */
static void collect(const struct imm_unit *u, struct imm_arena *a, struct imm_map *sections) {
        for (size_t i = 0; i < u->n_files; i++)
                for (size_t k = 0; k < u->files[i]->n_assignments; k++) {
                        const struct imm_assignment *as = &u->files[i]->assignments[k];
                        struct section *s;

                        if (!as->section || !*as->section)
                                continue; /* before any header: read by nobody */
                        s = imm_map_get(sections, as->section);
                        if (!s) {
                                s = imm_new(a, struct section);
                                s->name = as->section;
                                imm_map_put(a, sections, as->section, s);
                        }
                        *imm_array_push(a, &s->lines) = (struct line){u->files[i], as};
                }
}

static void put_head(const struct flatten *fl) {
        const struct imm_unit *u = fl->s->unit;

        fputs("# ", fl->f);
        imm_text_put(fl->f, u->name);
        fputs(", flattened by immure for systemd ", fl->f);
        fprintf(fl->f, "%u: all its files in one\n", fl->s->version);
        for (size_t i = 0; i < u->n_files; i++) {
                fputs("#     ", fl->f);
                imm_text_put(fl->f, u->files[i]->path);
                putc('\n', fl->f);
        }
}

int imm_unit_flatten(struct imm_settings *s, bool origins, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = NULL;
        struct flatten fl = {.s = s, .f = f, .origins = origins};
        const struct imm_unit *u = s->unit;
        struct imm_map sections = {0};

        if (s->load == IMM_LOAD_NOT_FOUND)
                return -ENOENT;
        if (s->load == IMM_LOAD_MASKED)
                return 0; /* an empty file is a mask as well */
        if (s->load == IMM_LOAD_ERROR)
                return -EBADMSG;

        fl.a = a = imm_arena_new();
        fl.lost = imm_alloc_array(a, s->superseded.n, sizeof(*fl.lost));
        for (size_t i = 0; i < s->superseded.n; i++)
                fl.lost[fl.n_lost++] = &s->superseded.v[i];
        qsort(fl.lost, fl.n_lost, sizeof(*fl.lost), by_assignment);
        if (s->version >= 251 && u->fragment && !u->given_by_path &&
                imm_root_realpath(s->manager->root, u->fragment, a, &fl.real_path) < 0)
                fl.real_path = NULL;
        if (!plain_path(fl.real_path))
                fl.real_path = NULL;

        collect(u, a, &sections);
        put_head(&fl);
        imm_array_foreach (e, &sections) {
                const struct section *sec = e->value;

                fprintf(f, "\n[%s]\n", sec->name);
                imm_array_foreach (l, &sec->lines)
                        put_assignment(&fl, l->file, l->assignment);
        }
        return 0;
}
