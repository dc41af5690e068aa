#include "cli/revision.h"

#include "cli/git.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { BLOB_MAX = 16 << 20, FOLDERS_OPEN = 32, FOLDERS_DEEP = 64 };

static int git_fail(struct imm_err *err, const char *what, const char *name) {
        const git_error *e = imm_git.error_last();

        return imm_err_set(err, -EINVAL, "%s '%s': %s", what, name,
                e && e->message ? e->message : "unknown reason");
}

static int make_folders(char *path) {
        for (char *s = strchr(path + 1, '/'); s; s = strchr(s + 1, '/')) {
                *s = 0;
                if (mkdir(path, 0700) < 0 && errno != EEXIST)
                        return -errno;
                *s = '/';
        }
        return 0;
}

/* What is written out, and from where */
struct source {
        struct imm_revision *r;
        git_repository *repo;
        git_tree *top;
        struct imm_arena *a;
        const char *submodule; /* that a path leads into, if one does */
};

static int write_text(const git_blob *blob, const char *to) {
        size_t n = (size_t)imm_git.blob_rawsize(blob);
        FILE *f = fopen(to, "wxe");
        int r = f ? 0 : -errno;

        if (f && fwrite(imm_git.blob_rawcontent(blob), 1, n, f) != n)
                r = -EIO;
        if (f && fclose(f) != 0 && r == 0)
                r = -errno;
        return r;
}

static const char *inside(const char *top, const char *cwd, const char *path, struct imm_arena *a);

/*
 * A mask, and another name in the same folder, stay links. One to another folder of the repository
 * becomes the file that it leads to; nothing leads out.
 */
static int write_link(const struct source *s, const char *target, const char *to) {
        const char *slash = strrchr(to, '/'), *path;
        git_tree_entry *e = NULL;
        git_blob *blob = NULL;
        int r = 0;

        if (imm_streq(target, "/dev/null") || !strchr(target, '/'))
                return symlink(target, to) < 0 ? -errno : 0;
        path = inside(imm_printf(s->a, "%s/", s->r->folder),
                imm_printf(s->a, "%.*s", (int)(slash - to), to), target, s->a);
        if (*target != '/' && path && *path && imm_git.tree_entry_bypath(&e, s->top, path) == 0 &&
                imm_git.tree_entry_type(e) == GIT_OBJECT_BLOB &&
                imm_git.tree_entry_filemode(e) != GIT_FILEMODE_LINK &&
                imm_git.blob_lookup(&blob, s->repo, imm_git.tree_entry_id(e)) == 0 &&
                imm_git.blob_rawsize(blob) <= BLOB_MAX)
                r = write_text(blob, to);
        imm_git.blob_free(blob);
        imm_git.tree_entry_free(e);
        return r;
}

static int write_blob(const struct source *s, const git_tree_entry *e, const char *to) {
        git_blob *blob = NULL;
        int r = 0;

        if (imm_git.blob_lookup(&blob, s->repo, imm_git.tree_entry_id(e)) < 0)
                return -EIO;
        if (imm_git.tree_entry_filemode(e) == GIT_FILEMODE_LINK)
                r = write_link(s,
                        imm_strndup(s->a, imm_git.blob_rawcontent(blob),
                                (size_t)imm_git.blob_rawsize(blob)),
                        to);
        else if (imm_git.blob_rawsize(blob) <= BLOB_MAX)
                r = write_text(blob, to);
        imm_git.blob_free(blob);
        return r;
}

/* Whatever else a repository holds is nobody's unit. */
static bool is_wanted(const char *name) {
        return imm_unit_name_type(name) != IMM_UNIT_TYPE_INVALID || imm_ends_with(name, ".conf") ||
               imm_ends_with(name, ".waiver");
}

/* The folder's own files, and those of the drop-in folders in it, or (@all) of all folders */
static int write_folder(
        const struct source *s, const git_tree *tree, const char *to, unsigned depth, bool all) {
        int r = depth > FOLDERS_DEEP ? -ELOOP : 0;

        for (size_t i = 0; r == 0 && i < imm_git.tree_entrycount(tree); i++) {
                const git_tree_entry *e = imm_git.tree_entry_byindex(tree, i);
                char *path = imm_printf(s->a, "%s/%s", to, imm_git.tree_entry_name(e));

                if (imm_git.tree_entry_type(e) == GIT_OBJECT_BLOB) {
                        if (!is_wanted(imm_git.tree_entry_name(e)))
                                continue;
                        r = make_folders(path);
                        if (r == 0)
                                r = write_blob(s, e, path);
                        if (r == -EEXIST)
                                r = 0;
                } else if (imm_git.tree_entry_type(e) == GIT_OBJECT_TREE &&
                           (all || (depth == 0 &&
                                           imm_ends_with(imm_git.tree_entry_name(e), ".d")))) {
                        git_tree *below = NULL;

                        if (imm_git.tree_lookup(&below, s->repo, imm_git.tree_entry_id(e)) == 0)
                                r = write_folder(s, below, path, depth + 1, all);
                        imm_git.tree_free(below);
                }
        }
        return r;
}

/* The path inside the repository: below its work tree, without . and .. */
static const char *inside(const char *top, const char *cwd, const char *path, struct imm_arena *a) {
        const char *full = *path == '/' ? path : imm_printf(a, "%s/%s", cwd, path), *rest;
        char *clean = imm_strdup(a, ""), *copy = imm_strdup(a, full), *save = NULL;

        for (char *s = strtok_r(copy, "/", &save); s; s = strtok_r(NULL, "/", &save)) {
                if (imm_streq(s, "."))
                        continue;
                if (imm_streq(s, "..")) {
                        char *slash = strrchr(clean, '/');

                        if (slash)
                                *slash = 0;
                        continue;
                }
                clean = imm_printf(a, "%s/%s", clean, s);
        }
        rest = imm_after(imm_printf(a, "%s/", clean), top);
        return rest ? imm_strndup(a, rest, strlen(rest) ? strlen(rest) - 1 : 0) : NULL;
}

static git_tree *tree_at(git_repository *repo, git_tree *top, const char *path) {
        git_tree_entry *e = NULL;
        git_tree *found = NULL;

        if (!*path) {
                if (imm_git.tree_dup(&found, top) < 0)
                        found = NULL;
        } else if (imm_git.tree_entry_bypath(&e, top, path) == 0 &&
                   imm_git.tree_entry_type(e) == GIT_OBJECT_TREE)
                (void)imm_git.tree_lookup(&found, repo, imm_git.tree_entry_id(e));
        imm_git.tree_entry_free(e);
        return found;
}

/* The submodule that @path is, or leads into; NULL: none */
static const char *submodule_on(const struct source *s, const char *path) {
        for (size_t n = strcspn(path, "/");; n += 1 + strcspn(path + n + 1, "/")) {
                const char *part = imm_strndup(s->a, path, n);
                git_tree_entry *e = NULL;
                bool is = *part && imm_git.tree_entry_bypath(&e, s->top, part) == 0 &&
                          imm_git.tree_entry_type(e) == GIT_OBJECT_COMMIT;

                imm_git.tree_entry_free(e);
                if (is || !path[n])
                        return is ? part : NULL;
        }
}

/* What one argument names: a folder with all below it, else the folder in which the file lies */
static int write_path(struct source *s, const char *path, struct imm_map *done) {
        git_tree *tree = tree_at(s->repo, s->top, path);
        bool all = tree;
        const char *slash = strrchr(path, '/'), *key;
        struct imm_arena *a = s->a;
        int k = 0;

        s->submodule = submodule_on(s, path);
        if (s->submodule) {
                imm_git.tree_free(tree);
                return -EINVAL;
        }

        if (!tree) {
                path = slash ? imm_strndup(a, path, (size_t)(slash - path)) : "";
                tree = tree_at(s->repo, s->top, path);
        }
        key = imm_printf(a, "%d%s", all, path);
        if (tree && !imm_map_has(done, key)) {
                imm_map_put(a, done, key, s->r);
                k = write_folder(s, tree,
                        imm_printf(a, "%s%s%s", s->r->folder, *path ? "/" : "", path), 0, all);
        }
        imm_git.tree_free(tree);
        return k;
}

static int write_all(struct imm_revision *r, git_repository *repo, git_tree *tree, const char *cwd,
        const char *const *paths, size_t n, struct imm_arena *a, struct imm_err *err) {
        struct source s = {.r = r, .repo = repo, .top = tree, .a = a};
        struct imm_map done = {0};

        for (size_t i = 0; i < n; i++) {
                const char *path = inside(r->top, cwd, paths[i], a);
                int k;

                if (!path)
                        return imm_err_set(err, -EINVAL, "'%s' is not in the repository", paths[i]);
                k = write_path(&s, path, &done);
                if (s.submodule)
                        return imm_err_set(err, -EINVAL,
                                "'%s' is in the submodule '%s', a repository of its own: run check "
                                "there",
                                paths[i], s.submodule);
                if (k < 0)
                        return imm_err_set(err, k, "cannot write '%s' as it was to '%s': %s", path,
                                r->folder, strerror(-k));
        }
        return 0;
}

/* Of the working directory; outside of any, that in which the first path lies */
static int open_repository(git_repository **ret, const char *cwd, const char *const *paths,
        size_t n, struct imm_arena *a, struct imm_err *err) {
        if (imm_git.repository_open_ext(ret, cwd, 0, NULL) == 0)
                return 0;
        for (char *at = n > 0 && *paths[0] == '/' ? imm_strdup(a, paths[0]) : NULL; at && *at;
                *strrchr(at, '/') = 0)
                if (imm_git.repository_open_ext(ret, at, 0, NULL) == 0)
                        return 0;
        (void)imm_git.repository_open_ext(ret, cwd, 0, NULL); /* for what is said */
        return git_fail(err, "there is no git repository at", cwd);
}

/* "A...B", as git diff takes it: where the two parted. Either may be left out: HEAD */
static int find_merge_base(git_repository *repo, const char *revision, const char *dots,
        git_object **ret, struct imm_arena *a) {
        const char *names[] = {imm_strndup(a, revision, (size_t)(dots - revision)), dots + 3};
        git_object *commits[2] = {NULL};
        git_commit *base = NULL;
        git_oid id;
        int r = 0;

        for (int i = 0; r == 0 && i < 2; i++)
                r = imm_git.revparse_single(&commits[i], repo,
                        imm_printf(a, "%s^{commit}", *names[i] ? names[i] : "HEAD"));
        if (r == 0)
                r = imm_git.merge_base(
                        &id, repo, imm_git.object_id(commits[0]), imm_git.object_id(commits[1]));
        if (r == 0)
                r = imm_git.commit_lookup(&base, repo, &id);
        if (r == 0)
                r = imm_git.commit_tree((git_tree **)ret, base);
        imm_git.commit_free(base);
        imm_git.object_free(commits[0]);
        imm_git.object_free(commits[1]);
        return r;
}

static int find_tree(git_repository *repo, const char *revision, git_object **ret,
        struct imm_arena *a, struct imm_err *err) {
        const char *dots = strstr(revision, "...");
        int r = dots ? find_merge_base(repo, revision, dots, ret, a)
                     : imm_git.revparse_single(ret, repo, imm_printf(a, "%s^{tree}", revision));

        if (r == 0)
                return 0;
        (void)git_fail(err, "--base: there is no revision", revision);
        if (imm_git.repository_is_shallow(repo) == 1) {
                const char *said = imm_strdup(a, imm_err_text(err));

                imm_err_done(err);
                (void)imm_err_set(err, -EINVAL,
                        "%s; this clone is shallow: fetch more (git fetch --unshallow; in "
                        "pipelines a depth of 0)",
                        said);
        }
        return -EINVAL;
}

static int drop(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

/*
 * A process of its own makes the folder, and takes it away when nobody holds the other end of a
 * pipe any more: whichever way this one ends, by SIGKILL too. It is in a session of its own, so
 * that what a terminal or a pipeline sends to all does not end it, and holds nothing that others
 * wait for. It tells 0 or an errno, and the folder's path is @path then.
 */
static void keep_folder(char *path, int tell, int until) {
        int e;
        char c;

        (void)setsid();
        (void)signal(SIGPIPE, SIG_IGN); /* who asked may be gone before it is told */
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fd != tell && fd != until)
                        (void)close(fd);
        e = mkdtemp(path) ? 0 : errno;
        (void)!write(tell, &e, sizeof(e));
        (void)!write(tell, path, strlen(path));
        (void)close(tell);
        while (read(until, &c, 1) < 0 && errno == EINTR)
                ;
        if (e == 0)
                (void)nftw(path, drop, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
        _exit(0);
}

/* What the keeper tells: 0 with the path in @path, which has the room, or an errno */
static int hear(int from, char *path) {
        size_t n = strlen(path), have = 0;
        int e;

        if (read(from, &e, sizeof(e)) != (ssize_t)sizeof(e))
                return EIO;
        while (e == 0 && have < n) {
                ssize_t k = read(from, path + have, n - have);

                if (k <= 0)
                        return EIO;
                have += (size_t)k;
        }
        return e;
}

static int make_folder(struct imm_revision *r, struct imm_err *err) {
        const char *temporary = getenv("TMPDIR");
        imm_auto_free char *path = NULL;
        int hold[2], tell[2], e;

        if (asprintf(&path, "%s/immure-base-XXXXXX",
                    temporary && *temporary == '/' ? temporary : "/tmp") < 0)
                imm_oom();
        if (pipe2(hold, O_CLOEXEC) < 0 || pipe2(tell, O_CLOEXEC) < 0)
                return imm_err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
        r->cleaner = fork();
        if (r->cleaner == 0) {
                (void)close(hold[1]);
                (void)close(tell[0]);
                keep_folder(path, tell[1], hold[0]);
        }
        e = r->cleaner < 0 ? errno : 0;
        (void)close(hold[0]);
        (void)close(tell[1]);
        r->hold = hold[1];
        if (e == 0)
                e = hear(tell[0], path);
        (void)close(tell[0]);
        if (e != 0)
                return imm_err_set(err, -e, "cannot make a temporary folder: %s", strerror(e));
        r->folder = imm_steal(path);
        return 0;
}

int imm_revision_open(struct imm_revision *r, const char *revision, const char *const *paths,
        size_t n, struct imm_err *err) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_auto_free char *cwd = getcwd(NULL, 0);
        const char *rel;
        git_repository *repo = NULL;
        git_object *tree = NULL;
        int k = 0;

        *r = IMM_REVISION_NONE;
        k = imm_git_load(err);
        if (k < 0)
                return k;
        (void)imm_git.libgit2_init();
        /* who owns the checkout does not matter: nothing of it is executed */
        (void)imm_git.libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
        k = cwd ? open_repository(&repo, cwd, paths, n, a, err)
                : imm_err_set(err, -ENOENT, "the working directory is gone");
        if (k == 0)
                k = find_tree(repo, revision, &tree, a, err);
        if (k == 0 && !imm_git.repository_workdir(repo))
                k = imm_err_set(err, -EINVAL, "the git repository at '%s' has no work tree", cwd);
        else if (k == 0)
                r->top = imm_xstrdup(imm_git.repository_workdir(repo));
        if (k == 0)
                k = make_folder(r, err);
        if (k == 0)
                k = write_all(r, repo, (git_tree *)tree, cwd, paths, n, a, err);
        if (k == 0) {
                rel = inside(r->top, cwd, ".", a);
                if (asprintf(&r->inside, "%s%s%s", r->folder, rel && *rel ? "/" : "",
                            rel ? rel : "") < 0)
                        imm_oom();
        }
        imm_git.object_free(tree);
        imm_git.repository_free(repo);
        (void)imm_git.libgit2_shutdown();
        if (k < 0)
                imm_revision_close(r);
        return k;
}

void imm_revision_close(struct imm_revision *r) {
        imm_revision_leave(r);
        if (r->hold >= 0)
                (void)close(r->hold);
        if (r->cleaner > 0)
                while (waitpid(r->cleaner, NULL, 0) < 0 && errno == EINTR)
                        ;
        r->hold = -1;
        r->cleaner = 0;
        free(r->folder);
        free(r->inside);
        free(r->top);
        r->folder = r->inside = r->top = NULL;
}

const char *imm_revision_path(const struct imm_revision *r, const char *path, struct imm_arena *a) {
        const char *rest;

        if (*path != '/')
                return imm_printf(a, "%s/%s", r->inside, path);
        rest = inside(r->top, "", path, a);
        return rest ? imm_printf(a, "%s/%s", r->folder, rest) : NULL;
}

int imm_revision_enter(struct imm_revision *r, struct imm_err *err) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        char *to = imm_printf(a, "%s/", r->inside);

        r->back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (r->back < 0 || make_folders(to) < 0 || chdir(to) < 0)
                return imm_err_set(err, -errno, "cannot enter '%s': %s", to, strerror(errno));
        return 0;
}

void imm_revision_leave(struct imm_revision *r) {
        if (r->back >= 0) {
                (void)!fchdir(r->back);
                (void)close(r->back);
                r->back = -1;
        }
}
