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

/* A drop-in stands for its unit: "a/x.service.d/10.conf" is "a/x.service" */
static const char *unit_of_dropin(struct imm_arena *a, const char *path) {
        const char *slash = strrchr(path, '/');
        char *dir;

        if (!slash || !imm_ends_with(path, ".conf"))
                return path;
        dir = imm_strndup(a, path, (size_t)(slash - path));
        if (!imm_ends_with(dir, ".d"))
                return path;
        dir[strlen(dir) - 2] = 0;
        return is_unit_file(dir) ? dir : path;
}

static const char *without_dot(const char *path) {
        const char *rest = imm_after(path, "./");

        return rest && *rest ? rest + strspn(rest, "/") : path;
}

static void unreadable(struct imm_cli *cli, struct imm_check_run *c, const char *path, int error) {
        struct imm_err err = IMM_ERR_INIT;

        (void)imm_err_set(&err, -error, "cannot read '%s': %s", path, strerror(error));
        imm_check_problem(c, imm_strdup(cli->arena, path), 0, "cannot be read");
        imm_check_status(c, imm_cli_fail(cli, IMM_EXIT_PARTIAL, &err));
        imm_err_done(&err);
}

/* "a b.service" */
static bool ends_like_a_unit(struct imm_arena *a, const char *name) {
        const char *dot = strrchr(name, '.');

        return dot && is_unit_file(imm_printf(a, "x%s", dot)) && !is_unit_file(name);
}

/* "x.service.d" is of one unit; "x-.service.d" and "x@.service.d" are of all that begin so */
static bool is_of_one_unit(const char *unit) {
        const char *dot = strrchr(unit, '.');

        return is_unit_file(unit) && dot[-1] != '-' && dot[-1] != '@';
}

/* What in a folder is not judged, though somebody may think so */
static void note_left_out(struct imm_cli *cli, struct imm_check_run *c, const FTSENT *e) {
        const char *path = without_dot(e->fts_path);
        struct stat st;

        if (e->fts_info == FTS_D) {
                const char *unit = imm_strndup(cli->arena, e->fts_path, strlen(e->fts_path) - 2);

                if (is_of_one_unit(unit) && lstat(unit, &st) < 0)
                        imm_strv_add(cli->arena, &c->notes,
                                imm_printf(cli->arena,
                                        "%s: not judged: the unit of these drop-ins is not beside "
                                        "them",
                                        path));
        } else if (ends_like_a_unit(cli->arena, e->fts_name))
                imm_strv_add(cli->arena, &c->notes,
                        imm_printf(cli->arena, "%s: not judged: systemd takes no unit of that name",
                                path));
}

/* Unit files below @folder; @drop is taken off the front of their paths. @c: NULL to say nothing */
static void walk(struct imm_cli *cli, struct imm_check_run *c, const char *folder, size_t drop,
        struct imm_strv *to) {
        struct imm_arena *a = cli->arena;
        char *const roots[] = {imm_strdup(a, folder), NULL};
        FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
        FTSENT *e;

        while (walk && (e = fts_read(walk))) {
                bool dropins = e->fts_info == FTS_D && imm_ends_with(e->fts_name, ".d");
                bool file =
                        e->fts_info == FTS_F || e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE;

                if (c &&
                        (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS))
                        unreadable(cli, c, without_dot(e->fts_path), e->fts_errno);
                else if (e->fts_info == FTS_D && e->fts_level > 0 &&
                         (dropins || *e->fts_name == '.' || e->fts_level > FOLDERS_DEEP))
                        (void)fts_set(walk, e, FTS_SKIP);
                else if (file && is_unit_file(e->fts_name))
                        imm_strv_add(a, to, without_dot(imm_strdup(a, e->fts_path) + drop));
                if (c && (dropins || file))
                        note_left_out(cli, c, e);
        }
        if (walk)
                (void)fts_close(walk);
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

void imm_check_files(struct imm_cli *cli, struct imm_check_run *c, const char *const *args,
        size_t n, const struct imm_revision *rev, struct imm_strv *ret) {
        struct imm_strv all = {0};
        struct imm_map seen = {0};

        for (size_t i = 0; i < n; i++) {
                const char *then = rev ? imm_revision_path(rev, args[i], cli->arena) : NULL;

                if (is_folder(args[i]) || (then && is_folder(then)))
                        add_folder(cli, c, args[i], rev, &all);
                else
                        imm_strv_add(cli->arena, &all, unit_of_dropin(cli->arena, args[i]));
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

const char *imm_check_project(struct imm_cli *cli, const struct imm_strv *files) {
        imm_auto_free char *full = NULL;
        const char *top, *dir;

        for (size_t i = 0; !full && i < files->n; i++)
                full = strchr(files->v[i], '/') || strchr(files->v[i], '.')
                               ? realpath(files->v[i], NULL)
                               : NULL;
        if (!full && files->n == 0) {
                imm_auto_free char *cwd = getcwd(NULL, 0);

                /* only what is surely the reader's own: a repository */
                dir = cwd ? repository_above(cli->arena, imm_strdup(cli->arena, cwd)) : NULL;
                if (dir && asprintf(&full, "%s/.", cwd) < 0)
                        imm_oom();
        }
        if (!full)
                return NULL;
        dir = parent(cli->arena, full);
        top = repository_above(cli->arena, dir);
        for (; dir; dir = parent(cli->arena, dir)) {
                const char *policy = imm_printf(cli->arena, "%s/.immure", dir);

                if (is_folder(policy) && (top || trusted(cli->arena, policy, full)))
                        return dir;
                if (top && imm_streq(dir, top))
                        return NULL;
        }
        return NULL;
}

const char *imm_check_repository(struct imm_cli *cli) {
        imm_auto_free char *cwd = getcwd(NULL, 0);

        return cwd ? repository_above(cli->arena, imm_strdup(cli->arena, cwd)) : NULL;
}
