#include "cli/check.h"
#include "cli/revision.h"

#include <errno.h>
#include <fts.h>
#include <sys/stat.h>

/* Deeper than any repository of units; a loop of links is none, links are not followed */
enum { FOLDERS_DEEP = 32 };

static bool is_folder(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_unit_file(const char *path) {
        const char *slash = strrchr(path, '/');

        return imm_unit_name_type(slash ? slash + 1 : path) != IMM_UNIT_TYPE_INVALID;
}

bool imm_check_is_there(struct imm_arena *a, const char *path) {
        struct stat st;

        return lstat(path, &st) == 0 || lstat(imm_unit_file_to_read(path, a), &st) == 0;
}

/* "a/x.service.d/10.conf" is a drop-in of "a/x.service"; NULL: it is none of any unit or type */
static const char *unit_of_dropin(struct imm_arena *a, const char *path) {
        const char *slash = strrchr(path, '/');
        char *dir;

        if (!slash || !imm_ends_with(path, ".conf"))
                return NULL;
        dir = imm_strndup(a, path, (size_t)(slash - path));
        if (!imm_ends_with(dir, ".d"))
                return NULL;
        dir[strlen(dir) - 2] = 0;
        return is_unit_file(dir) || is_unit_file(imm_printf(a, "x.%s", imm_base_name(dir))) ? dir
                                                                                            : NULL;
}

static const char *without_dot(const char *path) {
        const char *rest = imm_after(path, "./");

        return rest && *rest ? rest + strspn(rest, "/") : path;
}

static void unreadable(
        struct imm_cli *cli, struct imm_check_run *c, const char *path, const char *why) {
        struct imm_err err = IMM_ERR_INIT;

        (void)imm_err_set(&err, -EIO, "cannot read '%s': %s", path, why);
        imm_check_problem(c, imm_strdup(cli->arena, path), 0, "cannot be read");
        imm_check_status(c, imm_cli_fail(cli, IMM_EXIT_PARTIAL, &err));
        imm_err_done(&err);
}

/* "a b.service" */
static bool ends_like_a_unit(struct imm_arena *a, const char *name) {
        const char *dot = strrchr(name, '.');

        return dot && is_unit_file(imm_printf(a, "x%s", dot)) && !is_unit_file(name);
}

/*
 * "x.service.d" is of one unit; "x-.service.d", "x@.service.d" and "service.d" are of all that
 * begin or end so.
 */
static bool is_of_one_unit(const char *unit) {
        const char *dot = strrchr(unit, '.');

        return is_unit_file(unit) && dot[-1] != '-' && dot[-1] != '@';
}

static void note(struct imm_cli *cli, struct imm_check_run *c, const char *path, const char *why) {
        imm_strv_add(
                cli->arena, &c->notes, imm_printf(cli->arena, "%s: not judged: %s", path, why));
}

/* Folders of version control and of policy hold no units that anybody means. */
static bool is_passed_by(const char *name) {
        static const char *const names[] = {".git", ".hg", ".svn", ".jj", ".immure"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (imm_streq(name, names[i]))
                        return true;
        return false;
}

/* One entry of a walk: what is to be judged, @to; what cannot be, a note or a problem of @c */
struct walk {
        struct imm_cli *cli;
        struct imm_check_run *c; /* NULL: nothing is said */
        FTS *fts;
        size_t drop; /* so much is taken off the front of paths */
        struct imm_strv *to;
};

static void take(struct walk *w, const char *path) {
        imm_strv_add(w->cli->arena, w->to, without_dot(imm_strdup(w->cli->arena, path) + w->drop));
}

/* Drop-ins without a unit's file beside them: of an instance that its template stands for, or none
 */
static void meet_dropins(struct walk *w, const FTSENT *e) {
        struct imm_arena *a = w->cli->arena;
        const char *unit = imm_strndup(a, e->fts_path, strlen(e->fts_path) - 2);
        struct stat st;

        if (!is_of_one_unit(unit) || lstat(unit, &st) == 0)
                return;
        if (imm_check_is_there(a, unit))
                take(w, unit);
        else if (w->c)
                note(w->cli, w->c, without_dot(e->fts_path),
                        "the unit of these drop-ins is not beside them");
}

static void meet_folder(struct walk *w, FTSENT *e) {
        if (e->fts_level == 0)
                return;
        if (imm_ends_with(e->fts_name, ".d"))
                meet_dropins(w, e);
        else if (!is_passed_by(e->fts_name)) {
                if (e->fts_level <= FOLDERS_DEEP)
                        return;
                if (w->c)
                        unreadable(w->cli, w->c, without_dot(e->fts_path), "too many folders deep");
        }
        (void)fts_set(w->fts, e, FTS_SKIP);
}

static void meet_file(struct walk *w, const FTSENT *e) {
        const char *path = without_dot(e->fts_path);

        if (is_unit_file(e->fts_name)) /* also what is no regular file: unreadable, and said so */
                take(w, e->fts_path);
        else if (w->c && ends_like_a_unit(w->cli->arena, e->fts_name))
                note(w->cli, w->c, path, "systemd takes no unit of that name");
        else if (w->c && e->fts_info == FTS_SL && !imm_ends_with(e->fts_name, ".d") &&
                 is_folder(e->fts_accpath))
                note(w->cli, w->c, path, "a link to a folder");
}

/* Unit files below @folder; @drop is taken off the front of their paths. @c: NULL to say nothing */
static void walk(struct imm_cli *cli, struct imm_check_run *c, const char *folder, size_t drop,
        struct imm_strv *to) {
        char *const roots[] = {imm_strdup(cli->arena, folder), NULL};
        struct walk w = {.cli = cli,
                .c = c,
                .fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL),
                .drop = drop,
                .to = to};
        FTSENT *e;

        while (w.fts && (e = fts_read(w.fts)))
                switch (e->fts_info) {
                case FTS_D:
                        meet_folder(&w, e);
                        break;
                case FTS_F:
                case FTS_SL:
                case FTS_SLNONE:
                case FTS_DEFAULT:
                        meet_file(&w, e);
                        break;
                case FTS_DNR:
                case FTS_ERR:
                case FTS_NS:
                        if (c)
                                unreadable(
                                        cli, c, without_dot(e->fts_path), strerror(e->fts_errno));
                        break;
                default:
                        break;
                }
        if (w.fts)
                (void)fts_close(w.fts);
}

static void add_folder(struct imm_cli *cli, struct imm_check_run *c, const char *folder,
        const struct imm_revision *rev, struct imm_strv *to) {
        struct imm_strv found = {0};
        size_t n = strlen(folder);
        const char *then;

        while (n > 1 && folder[n - 1] == '/')
                n--;
        folder = imm_strndup(cli->arena, folder, n);
        if (is_folder(folder))
                walk(cli, c, folder, 0, &found);
        then = rev ? imm_revision_path(rev, folder, cli->arena) : NULL;
        if (then && is_folder(then) && *folder != '/')
                walk(cli, NULL, then, strlen(then) - strlen(folder), &found);
        imm_strv_sort_unique(&found);
        for (size_t i = 0; i < found.n; i++)
                imm_strv_add(cli->arena, to, found.v[i]);
}

/* Does a drop-in of @of ("pre-.service", "x@.service", "service") count for @unit beside it? */
static bool counts_for(const char *of, const char *unit) {
        const char *type = strrchr(of, '.');
        size_t n = type ? (size_t)(type - of) : 0;

        return strncmp(unit, of, n) == 0 && imm_streq(strrchr(unit, '.') + 1, type ? type + 1 : of);
}

/* What a drop-in that was named stands for: its unit, or all beside it that read it */
static void add_dropin(struct imm_cli *cli, struct imm_check_run *c, const char *path,
        const char *unit, const struct imm_revision *rev, struct imm_strv *to) {
        const char *slash = strrchr(unit, '/');
        const char *folder = slash ? imm_strndup(cli->arena, unit, (size_t)(slash - unit)) : ".";
        struct imm_strv beside = {0};
        size_t n = to->n;

        if (is_of_one_unit(unit)) {
                imm_strv_add(cli->arena, to, unit);
                return;
        }
        add_folder(cli, NULL, slash == unit ? "/" : folder, rev, &beside);
        for (size_t i = 0; i < beside.n; i++) {
                const char *name = imm_base_name(beside.v[i]);
                bool here = slash ? strncmp(beside.v[i], unit, (size_t)(slash - unit) + 1) == 0 &&
                                            name == beside.v[i] + (slash - unit) + 1
                                  : name == beside.v[i];

                if (here && counts_for(imm_base_name(unit), name))
                        imm_strv_add(cli->arena, to, beside.v[i]);
        }
        if (to->n == n && c)
                note(cli, c, path, "no unit that reads it is beside it");
}

void imm_check_files(struct imm_cli *cli, struct imm_check_run *c, const char *const *args,
        size_t n, const struct imm_revision *rev, struct imm_strv *ret) {
        struct imm_strv all = {0};
        struct imm_map seen = {0};

        for (size_t i = 0; i < n; i++) {
                const char *then = rev ? imm_revision_path(rev, args[i], cli->arena) : NULL;

                const char *unit = unit_of_dropin(cli->arena, args[i]);

                if (is_folder(args[i]) || (then && is_folder(then)))
                        add_folder(cli, c, args[i], rev, &all);
                else if (unit)
                        add_dropin(cli, c, without_dot(args[i]), without_dot(unit), rev, &all);
                else
                        imm_strv_add(cli->arena, &all, args[i]);
        }
        for (size_t i = 0; i < all.n; i++) {
                if (imm_map_has(&seen, all.v[i]))
                        continue;
                imm_map_put(cli->arena, &seen, all.v[i], cli);
                imm_strv_add(cli->arena, ret, all.v[i]);
        }
}

/* ---- whose policy counts ---- */

/* A folder, or the file that stands for one in work trees and submodules */
static bool is_repository(struct imm_arena *a, const char *dir) {
        struct stat st;

        return lstat(imm_printf(a, "%s/.git", dir), &st) == 0;
}

static char *parent(struct imm_arena *a, const char *path) {
        const char *slash = strrchr(path, '/');

        if (!slash || imm_streq(path, "/"))
                return NULL;
        return slash == path ? imm_strdup(a, "/") : imm_strndup(a, path, (size_t)(slash - path));
}

static const char *repository_above(struct imm_arena *a, const char *dir) {
        for (; dir; dir = parent(a, dir))
                if (is_repository(a, dir))
                        return dir;
        return NULL;
}

static bool trusted(struct imm_arena *a, const char *policy, const char *file) {
        struct stat mine, its;

        if (lstat(policy, &mine) < 0)
                return false;
        return mine.st_uid == 0 || mine.st_uid == geteuid() ||
               (stat(file, &its) == 0 && its.st_uid == mine.st_uid);
}

/* The nearest policy above @dir, not beyond its repository; @file is what lies there */
static const char *policy_above(struct imm_arena *a, const char *dir, const char *file) {
        const char *top = repository_above(a, dir);

        for (; dir; dir = parent(a, dir)) {
                const char *policy = imm_printf(a, "%s/.immure", dir);

                if (is_folder(policy) && (top || trusted(a, policy, file)))
                        return dir;
                if (top && imm_streq(dir, top))
                        return NULL;
        }
        return NULL;
}

/* The folder that a file lies in, or would; NULL: the argument is the name of a unit */
static const char *folder_of(struct imm_arena *a, const char *file) {
        const char *slash = strrchr(file, '/');
        imm_auto_free char *real = NULL;

        if (!slash && !(strchr(file, '.') && imm_check_is_there(a, file)))
                return NULL;
        real = realpath(!slash          ? "."
                        : slash == file ? "/"
                                        : imm_strndup(a, file, (size_t)(slash - file)),
                NULL);
        return real ? imm_strdup(a, real) : NULL;
}

int imm_check_project(struct imm_cli *cli, const struct imm_strv *files, const char **ret) {
        struct imm_arena *a = cli->arena;
        const char *first = NULL;
        struct imm_map seen = {0};

        *ret = NULL;
        for (size_t i = 0; i < files->n; i++) {
                const char *dir = folder_of(a, files->v[i]), *policy;

                if (!dir || imm_map_has(&seen, dir))
                        continue;
                imm_map_put(a, &seen, dir, cli);
                policy = policy_above(a, dir, files->v[i]);
                if (policy && *ret && !imm_streq(policy, *ret))
                        return imm_cli_usage(cli,
                                "'%s' is under the policy of %s/.immure and '%s' under that of "
                                "%s/.immure: check them one by one",
                                first, *ret, files->v[i], policy);
                if (policy && !*ret) {
                        *ret = policy;
                        first = files->v[i];
                }
        }
        return IMM_EXIT_OK;
}

const char *imm_check_project_here(struct imm_cli *cli) {
        imm_auto_free char *cwd = getcwd(NULL, 0);
        const char *dir = cwd ? imm_strdup(cli->arena, cwd) : NULL;

        /* only what is surely the reader's own: a repository */
        return dir && repository_above(cli->arena, dir) ? policy_above(cli->arena, dir, ".") : NULL;
}

const char *imm_check_repository(struct imm_cli *cli) {
        imm_auto_free char *cwd = getcwd(NULL, 0);

        return cwd ? repository_above(cli->arena, imm_strdup(cli->arena, cwd)) : NULL;
}
