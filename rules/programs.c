#include "rules/rules-private.h"

#include <sys/capability.h>
#include <sys/stat.h>

/*
 * Programs that commands execute, and who may put another one in their place: by writing the file,
 * or by renaming it, or a directory above it, away. Those of one unit are taken from its settings;
 * those of all others are collected once, from their lines alone, with the census.
 */

/* ---- a program whose first argument is the program ---- */

static bool is_interpreter(const char *path) {
        static const char *const names[] = {
                "bash", "dash", "node", "perl", "php", "python", "ruby", "sh"};
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++) {
                const char *rest = imm_after(name, names[i]);

                if (rest && strspn(rest, "0123456789.") == strlen(rest))
                        return true;
        }
        return false;
}

/* ---- those of all units ---- */

struct program {
        const char *unit, *user;
        const struct imm_site *site;
};

struct programs {
        struct program *v;
        size_t n, cap;
};

struct imm_programs {
        struct imm_map sites;   /* path -> struct imm_site */
        struct imm_map writers; /* "u1000", "g33", "w": who may replace it -> struct programs */
        struct imm_map folders; /* of all programs -> struct program */
        struct imm_strv folders_list, tops; /* their names; "/usr/bin" */
};

struct imm_programs *imm_programs_new(struct imm_arena *a) {
        return imm_new(a, struct imm_programs);
}

/* The directory that @path lies in; NULL for / */
static const char *parent_of(const char *path, struct imm_arena *a) {
        const char *slash = strrchr(path, '/');

        if (!slash || !slash[1])
                return NULL;
        return slash == path ? "/" : imm_strndup(a, path, (size_t)(slash - path));
}

static const struct imm_site *site_of(
        struct imm_manager *m, struct imm_programs *to, const char *path, struct imm_arena *a) {
        struct imm_site *s = imm_map_get(&to->sites, path);

        if (!s) {
                s = imm_new(a, struct imm_site);
                path = imm_strdup(a, path);
                imm_site_find(m, path, a, s);
                imm_map_put(a, &to->sites, path, s);
        }
        return s;
}

static void add_writer(
        struct imm_programs *to, const char *key, const struct program *p, struct imm_arena *a) {
        struct programs *list = imm_map_get(&to->writers, key);

        if (!list) {
                list = imm_new(a, struct programs);
                imm_map_put(a, &to->writers, imm_strdup(a, key), list);
        }
        if (list->n == 0 || list->v[list->n - 1].site != p->site ||
                !imm_streq(list->v[list->n - 1].unit, p->unit))
                *imm_array_push(a, list) = *p;
}

/* Those beside root who may write at @path, by its owner and permissions */
static void add_writers(struct imm_manager *m, struct imm_programs *to, const char *path,
        const struct program *p, struct imm_arena *a) {
        const struct imm_site *s = site_of(m, to, path, a);

        if (!s->file || s->mode == 0)
                return;
        if (s->uid != 0)
                add_writer(to, imm_printf(a, "u%u", s->uid), p, a);
        if (s->mode & S_IWGRP && s->gid != 0)
                add_writer(to, imm_printf(a, "g%u", s->gid), p, a);
        if (s->mode & S_IWOTH && !(s->mode & S_ISVTX))
                add_writer(to, "w", p, a);
}

/* Of each folder two units are enough: one of them is not the one that is judged. */
static void add_folder(
        struct imm_programs *to, const char *folder, const struct program *p, struct imm_arena *a) {
        const char *second = strchr(folder + 1, '/');
        const char *third = second ? strchr(second + 1, '/') : NULL;
        const char *top = third ? imm_strndup(a, folder, (size_t)(third - folder)) : folder;
        struct programs *list = imm_map_get(&to->folders, folder);

        if (!list) {
                list = imm_new(a, struct programs);
                imm_map_put(a, &to->folders, folder, list);
                imm_strv_add(a, &to->folders_list, folder);
                if (!imm_strv_has(&to->tops, top))
                        imm_strv_add(a, &to->tops, top);
        }
        if (list->n == 0 || (list->n == 1 && !imm_streq(list->v[0].unit, p->unit)))
                *imm_array_push(a, list) = *p;
}

static void note_program(struct imm_manager *m, struct imm_programs *to, const char *unit,
        const char *user, const char *path, struct imm_arena *a) {
        const struct imm_site *s = site_of(m, to, path, a);
        struct program p = {imm_strdup(a, unit), imm_strdup(a, user), s};
        const char *folder;

        if (!s->file || !S_ISREG(s->mode))
                return;
        folder = parent_of(s->file, a);
        if (folder)
                add_folder(to, folder, &p, a);
        for (const char *at = s->file; at; at = parent_of(at, a))
                add_writers(m, to, at, &p, a);
}

/* The program of one line, and what follows if that is one for it to execute */
static void note_line(struct imm_manager *m, struct imm_programs *to, const struct imm_unit *u,
        const char *user, const char *root, const char *line, struct imm_arena *a,
        struct imm_arena *scratch) {
        const char *program, *next;
        size_t n;

        line += strspn(line, "-@:+!|");
        if (strchr(line, '%') &&
                imm_unit_expand(m, u, IMM_SPECIFIERS_FULL, line, scratch, &line) < 0)
                return;
        n = strcspn(line, " \t");
        program = imm_strndup(scratch, line, n);
        if (*program != '/')
                return;
        note_program(m, to, u->name, user, imm_printf(scratch, "%s%s", root, program), a);
        next = line + n + strspn(line + n, " \t");
        if (*next == '/' && is_interpreter(program))
                note_program(m, to, u->name, user,
                        imm_printf(scratch, "%s%.*s", root, (int)strcspn(next, " \t"), next), a);
}

/* Is the line undone by an empty one of the same name that follows? */
static bool is_reset(const struct imm_unit *u, size_t f, size_t i) {
        const char *key = u->files[f]->assignments[i].key;

        for (i++; f < u->n_files; f++, i = 0)
                for (; i < u->files[f]->n_assignments; i++)
                        if (!*u->files[f]->assignments[i].value &&
                                imm_streq(u->files[f]->assignments[i].key, key))
                                return true;
        return false;
}

void imm_programs_note(struct imm_manager *m, struct imm_programs *to, const struct imm_unit *u,
        const char *user, struct imm_arena *a, struct imm_arena *scratch) {
        const char *root = "";

        for (size_t f = 0; f < u->n_files; f++)
                for (size_t i = 0; i < u->files[f]->n_assignments; i++)
                        if (imm_streq(u->files[f]->assignments[i].key, "RootDirectory"))
                                root = u->files[f]->assignments[i].value;
        if (*root && (*root != '/' || strchr(root, '%')))
                return;
        for (size_t f = 0; f < u->n_files; f++)
                for (size_t i = 0; i < u->files[f]->n_assignments; i++) {
                        const struct imm_assignment *at = &u->files[f]->assignments[i];

                        if (imm_streq(at->section, "Service") && imm_after(at->key, "Exec") &&
                                *at->value && strcspn(at->value, "/") < 6 && !is_reset(u, f, i))
                                note_line(m, to, u, user, root, at->value, a, scratch);
                }
}

/* ---- may a command of this unit replace it? ---- */

static bool owns_or_may_all(struct imm_facts *facts, uid_t uid) {
        const struct imm_sandbox *sb = imm_facts_sandbox(facts);

        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++)
                if (sb->has[k] && (sb->identity[k].uid == uid ||
                                          (sb->identity[k].userns == IMM_USERNS_NONE &&
                                                  sb->identity[k].cap_effective >> CAP_FOWNER & 1)))
                        return true;
        return false;
}

/* A mount point cannot be renamed by those who see it. */
static bool is_mount_point(struct imm_facts *facts, const char *path) {
        const struct imm_sandbox *sb = imm_facts_sandbox(facts);

        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++) {
                const struct imm_mount *m;

                if (!sb->has[k] || !imm_sandbox_known(sb, k))
                        continue;
                m = imm_mount_at(&sb->mounts[k], path);
                if (m && imm_streq(m->path, path))
                        return true;
        }
        return false;
}

/* In a directory where all may write, what belongs to others stays. */
static bool is_kept_by_sticky_bit(
        struct imm_facts *facts, const char *directory, const char *entry) {
        struct stat d, e;

        if (imm_root_stat(facts->manager->root, directory, &d) < 0 || !(d.st_mode & S_ISVTX))
                return false;
        return imm_root_stat(facts->manager->root, entry, &e) < 0 ||
               (!owns_or_may_all(facts, d.st_uid) && !owns_or_may_all(facts, e.st_uid));
}

/* By renaming @entry, which lies in @directory of the root, away */
static int may_rename(struct imm_facts *facts, const char *directory, const char *entry) {
        const struct imm_site_access *seen = imm_facts_look(facts, directory);
        const char *at = seen->seen_at[IMM_MODE_WRITE], *name = strrchr(entry, '/');
        int answer = seen->allowed[IMM_MODE_WRITE];

        if (answer != 1)
                return answer;
        if (is_kept_by_sticky_bit(facts, directory, entry))
                return 0;
        return at && is_mount_point(facts, imm_printf(imm_facts_memory(facts), "%s%s",
                                                   imm_streq(at, "/") ? "" : at, name))
                       ? 0
                       : 1;
}

/* A file that was found already: no need to find it again */
static const struct imm_site_access *look_at(
        struct imm_facts *facts, const struct imm_site *found) {
        struct imm_arena *a = imm_facts_memory(facts);
        struct imm_site_access *seen = imm_map_get(&facts->seen, found->file);
        struct imm_site place = *found;

        if (seen)
                return seen;
        place.path = place.file;
        seen = imm_new(a, struct imm_site_access);
        imm_site_access(facts->manager, facts->settings, imm_facts_sandbox(facts), &place, a, seen);
        imm_map_put(a, &facts->seen, found->file, seen);
        return seen;
}

/* 1, with the place that can be written in *ret; 0; -1: cannot be known */
static int may_replace(struct imm_facts *facts, const struct imm_site *program, const char **ret) {
        struct imm_arena *a = imm_facts_memory(facts);
        int best = look_at(facts, program)->allowed[IMM_MODE_WRITE];
        const char *directory, *file = program->file;

        *ret = file;
        for (; best != 1 && (directory = parent_of(file, a)); file = directory) {
                int r = may_rename(facts, directory, file);

                if (r == 1)
                        *ret = directory;
                best = r != 0 ? r : best;
        }
        return best;
}

static enum imm_truth truth_of(int answer) {
        return answer == 1 ? IMM_YES : answer == 0 ? IMM_NO : IMM_DONT_KNOW;
}

static enum imm_truth try_own(struct imm_facts *facts, enum imm_setting list,
        enum imm_command_kind kind, const char *path) {
        struct imm_site site;
        const char *at;
        int r;

        if (!path || *path != '/')
                return IMM_NO;
        imm_site_in(facts->manager, facts->settings, imm_facts_sandbox(facts), kind, path,
                imm_facts_memory(facts), &site);
        if (!site.file || !S_ISREG(site.mode))
                return IMM_NO;
        r = may_replace(facts, &site, &at);
        if (r == 1) {
                imm_evidence_add(facts, IMM_SETTING_N, "%s= executes %s at the next start",
                        imm_setting_info(list)->name, path);
                imm_facts_say(facts, "write", at, imm_facts_look(facts, at), IMM_MODE_WRITE);
        }
        return truth_of(r);
}

static enum imm_truth replaces_own(struct imm_facts *facts) {
        enum imm_truth best = IMM_NO;

        for (const enum imm_setting *list = imm_command_lists; *list != IMM_SETTING_N; list++) {
                const struct imm_value *v = imm_fact(facts, *list);

                for (size_t i = 0; v->type == IMM_VALUE_COMMANDS && i < v->commands.n; i++) {
                        const struct imm_command_item *c = &v->commands.v[i];
                        enum imm_command_kind kind = imm_command_kind_of(facts->settings, *list, c);
                        enum imm_truth t = try_own(facts, *list, kind, c->path);

                        if (t != IMM_YES && c->path && is_interpreter(c->path) && c->argv.n > 1)
                                t = try_own(facts, *list, kind, c->argv.v[1]);
                        if (t == IMM_YES)
                                return t;
                        best = t == IMM_DONT_KNOW ? t : best;
                }
        }
        return best;
}

/* ---- those that other users execute ---- */

static bool is_worth_trying(
        const struct imm_facts *facts, const struct program *p, const char *user) {
        return !imm_streq(p->user, user) && !imm_census_is_itself(facts->unit, p->unit);
}

static enum imm_truth try_others(struct imm_facts *facts, const struct imm_programs *all,
        const char *key, const char *user) {
        enum { TRIES = 256 };
        const struct programs *list = imm_map_get(&all->writers, key);
        enum imm_truth best = IMM_NO;

        for (size_t i = 0; list && i < list->n && i < TRIES; i++) {
                const struct program *p = &list->v[i];
                const char *at;
                int r = is_worth_trying(facts, p, user) ? may_replace(facts, p->site, &at) : 0;

                if (r == 1) {
                        imm_evidence_add(
                                facts, IMM_SETTING_N, "%s executes %s", p->unit, p->site->file);
                        imm_facts_say(
                                facts, "write", at, imm_facts_look(facts, at), IMM_MODE_WRITE);
                        return IMM_YES;
                }
                best = r == -1 ? IMM_DONT_KNOW : best;
        }
        return best;
}

/* A program in that folder that another unit executes; NULL: none */
static const struct program *of_another(
        const struct imm_facts *facts, const struct imm_programs *all, const char *folder) {
        const struct programs *list = imm_map_get(&all->folders, folder);

        for (size_t i = 0; i < list->n; i++)
                if (!imm_census_is_itself(facts->unit, list->v[i].unit))
                        return &list->v[i];
        return NULL;
}

static enum imm_truth try_folder(
        struct imm_facts *facts, const struct imm_programs *all, const char *folder) {
        const struct program *p = of_another(facts, all, folder);
        const struct imm_site_access *seen = p ? imm_facts_look(facts, folder) : NULL;

        if (!p || seen->allowed[IMM_MODE_WRITE] == 0)
                return IMM_NO;
        if (seen->allowed[IMM_MODE_WRITE] == -1)
                return IMM_DONT_KNOW;
        imm_evidence_add(facts, IMM_SETTING_N, "%s executes %s", p->unit, p->site->file);
        imm_facts_say(facts, "write", folder, seen, IMM_MODE_WRITE);
        return IMM_YES;
}

/* Root, and who has its say about files: any of them, so by the directories they lie in */
static enum imm_truth try_all(struct imm_facts *facts, const struct imm_programs *all) {
        enum imm_truth best = IMM_NO;

        for (size_t t = 0; t < all->tops.n; t++) {
                const char *top = all->tops.v[t];

                if (imm_facts_look(facts, top)->part[1] == 0)
                        continue;
                for (size_t i = 0; i < all->folders_list.n && best != IMM_YES; i++) {
                        const char *folder = all->folders_list.v[i], *rest = imm_after(folder, top);

                        if (rest && (!*rest || *rest == '/')) {
                                enum imm_truth r = try_folder(facts, all, folder);

                                best = r == IMM_NO ? best : r;
                        }
                }
        }
        return best;
}

static enum imm_truth replaces_others_as(
        struct imm_facts *facts, const struct imm_programs *all, const struct imm_identity *id) {
        struct imm_arena *a = imm_facts_memory(facts);
        const char *user = id->dynamic && id->user ? id->user : imm_printf(a, "%u", id->uid);
        enum imm_truth best = try_others(facts, all, "w", user), t;

        if (id->uid == 0 || id->cap_effective >> CAP_DAC_OVERRIDE & 1) {
                t = try_all(facts, all);
                best = t == IMM_NO ? best : t;
        }
        if (best != IMM_YES) {
                t = try_others(facts, all, imm_printf(a, "u%u", id->uid), user);
                best = t == IMM_NO ? best : t;
        }
        for (size_t i = 0; best != IMM_YES && i <= id->n_groups; i++) {
                gid_t gid = i < id->n_groups ? id->groups[i] : id->gid;

                t = try_others(facts, all, imm_printf(a, "g%u", gid), user);
                best = t == IMM_NO ? best : t;
        }
        return best;
}

static enum imm_truth replaces_others(struct imm_facts *facts) {
        const struct imm_sandbox *sb = imm_facts_sandbox(facts);
        const struct imm_programs *all = imm_census_programs(facts);
        enum imm_truth best = IMM_NO;

        for (enum imm_command_kind k = 0; k < IMM_KIND_N && best != IMM_YES; k++)
                if (sb->has[k]) {
                        enum imm_truth t = replaces_others_as(facts, all, &sb->identity[k]);

                        best = t == IMM_NO ? best : t;
                }
        return best;
}

enum imm_truth imm_condition_can_replace(
        struct imm_facts *facts, const struct imm_argument *argument) {
        enum imm_truth own = argument->mask & IMM_REPLACES_OWN ? replaces_own(facts) : IMM_NO;
        enum imm_truth others;

        if (own == IMM_YES || !(argument->mask & IMM_REPLACES_OTHERS))
                return own;
        others = replaces_others(facts);
        return others == IMM_NO ? own : others;
}
