#include "analyzer/sandbox/start/preflight.h"

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/vfs/makers.h"

#include <errno.h>
#include <pthread.h>

struct work {
        struct imm_manager *m;
        struct imm_unit *u;
        struct imm_settings *s;
        const struct imm_sandbox *sb;
        struct imm_arena *a;
        struct imm_preflight_list *list;
};

/* ---- whether the unit is started at all ---- */

static bool absent(const struct work *w, const char *path) {
        struct stat st;

        return imm_root_stat(w->m->root, path, &st) == -ENOENT;
}

/* The same of what a boot brings: what is known to be there is not. */
static bool is_gone(const struct work *w, const char *path) {
        return absent(w, path) && imm_start_mode(w->m, path) == 0;
}

/* A condition on a path that does not hold; of those with | one would be enough. */
static bool is_skipped(const struct work *w) {
        static const enum imm_setting ids[] = {IMM_SETTING_CONDITION_PATH_EXISTS,
                IMM_SETTING_CONDITION_PATH_IS_DIRECTORY, IMM_SETTING_CONDITION_FILE_NOT_EMPTY,
                IMM_SETTING_CONDITION_FILE_IS_EXECUTABLE, IMM_SETTING_CONDITION_DIRECTORY_NOT_EMPTY,
                IMM_SETTING_CONDITION_PATH_IS_SYMBOLIC_LINK};

        for (size_t i = 0; i < IMM_ELEMENTSOF(ids); i++) {
                const struct imm_value *v = imm_setting(w->s, ids[i]);

                imm_array_foreach (c, &v->strings) {
                        if (c->text && *c->text == '/' && absent(w, c->text))
                                return true;
                }
        }
        return false;
}

/* ---- which line is to blame ---- */

static const struct imm_assignment *line_of(const struct work *w, const struct imm_origin *o) {
        for (; o && o->kind == IMM_ORIGIN_IMPLIED; o = o->via)
                ;
        for (size_t i = 0; o && o->file && i < w->u->n_files; i++)
                for (size_t k = 0; k < w->u->files[i]->n_assignments; k++)
                        if (w->u->files[i]->path == o->file &&
                                w->u->files[i]->assignments[k].line == o->line)
                                return &w->u->files[i]->assignments[k];
        return NULL;
}

static enum imm_setting setting_at(
        const struct work *w, const struct imm_origin *o, enum imm_setting otherwise) {
        const struct imm_assignment *at = line_of(w, o);
        enum imm_setting id = at ? imm_setting_by_name(at->key) : IMM_SETTING_N;

        return id < IMM_SETTING_N ? id : otherwise;
}

/* Is it a template, or the instance that stands for it? */
static bool stands_in(const struct work *w) {
        static const char *const names[] = {"", "i", "test-instance", "test_instance", "instance"};

        for (size_t i = 0; w->u->instance && i < IMM_ELEMENTSOF(names); i++)
                if (imm_streq(w->u->instance, names[i]))
                        return true;
        return false;
}

/* The stand-in instance of a template makes users and paths that nobody has. */
static bool of_instance(const struct work *w, const struct imm_origin *o) {
        const struct imm_assignment *at = line_of(w, o);
        const char *c = at && stands_in(w) ? at->value : "";

        while ((c = strchr(c, '%'))) {
                if (c[1] && strchr("iIjJnNfu", c[1]))
                        return true;
                c += c[1] ? 2 : 1;
        }
        return false;
}

/* ---- whether something makes the path at boot ---- */

static bool names_path(const char *line, const char *path) {
        size_t n = strlen(path);

        for (const char *at = line; (at = strstr(at, path)); at += n)
                if (at > line && (at[-1] == ' ' || at[-1] == '\t') &&
                        (at[n] == '\0' || strchr(" \t\n/", at[n])))
                        return true;
        return false;
}

/* Texts of all files, read when first asked for */
struct imm_tmpfiles {
        struct imm_strv texts;
};

static struct imm_tmpfiles *read_tmpfiles(struct imm_manager *m) {
        static const char *const dirs[] = {"/etc/tmpfiles.d", "/usr/lib/tmpfiles.d"};
        enum { MAX = 256 * 1024 };
        struct imm_tmpfiles *all = imm_new(m->arena, struct imm_tmpfiles);

        for (size_t i = 0; i < IMM_ELEMENTSOF(dirs); i++) {
                struct imm_dirent *e;
                size_t n;

                if (imm_root_list(m->root, dirs[i], m->arena, &e, &n) < 0)
                        continue;
                for (size_t k = 0; k < n; k++) {
                        struct imm_blob blob;

                        if (imm_ends_with(e[k].name, ".conf") &&
                                imm_root_read(m->root,
                                        imm_printf(m->arena, "%s/%s", dirs[i], e[k].name), MAX,
                                        m->arena, &blob, NULL) == 0)
                                imm_strv_add(m->arena, &all->texts, blob.data);
                }
        }
        return all;
}

static const struct imm_tmpfiles *tmpfiles_of(struct imm_manager *m) {
        static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;

        (void)pthread_mutex_lock(&reading);
        if (!m->tmpfiles)
                m->tmpfiles = read_tmpfiles(m);
        (void)pthread_mutex_unlock(&reading);
        return m->tmpfiles;
}

static bool made_by_tmpfiles(const struct work *w, const char *path) {
        const char *run = imm_after(path, "/var/run/");
        const char *other = run ? imm_printf(w->a, "/run/%s", run) : path;
        const struct imm_strv *texts;

        texts = &tmpfiles_of(w->m)->texts;
        for (size_t i = 0; i < texts->n; i++)
                if (names_path(texts->v[i], path) || names_path(texts->v[i], other))
                        return true;
        return false;
}

/* ---- what is found ---- */

/* Does its file say when it is to be started? */
static bool is_static(const struct work *w) {
        for (size_t i = 0; i < w->u->n_files; i++)
                for (size_t k = 0; k < w->u->files[i]->n_assignments; k++)
                        if (imm_streq(w->u->files[i]->assignments[k].section, "Install"))
                                return false;
        return w->m->scope == IMM_SCOPE_SYSTEM && !w->u->given_by_path;
}

static bool again(const struct work *w, enum imm_outcome outcome, const char *culprit) {
        imm_array_foreach (p, w->list) {
                if (p->outcome == outcome && (p->culprit && culprit ? imm_streq(p->culprit, culprit)
                                                                    : p->culprit == culprit))
                        return true;
        }
        return false;
}

/*
 * A file of a repository, judged where nobody said what machine it is for: what this one (a bare
 * container, as often as not) lacks is no fault of the unit. With --root= it is.
 */
static bool is_elsewhere(const struct work *w) {
        return w->u->given_by_path && imm_root_is_host(w->m->root);
}

/* Whether what fails for want of @missing fails for good: what is not there may still come. */
static enum imm_preflight_when doubt(const struct work *w, enum imm_preflight_when when,
        enum imm_outcome outcome, const char *missing, enum imm_maker maker) {
        bool exec = outcome == IMM_OUTCOME_EXEC_FAILURE;

        if (when != IMM_PREFLIGHT_START)
                return when;
        if (exec && is_static(w) && w->u->fragment && !imm_after(w->u->fragment, "/etc/"))
                return IMM_PREFLIGHT_ABSENT;
        return imm_path_made_at_run_time(missing) && maker != IMM_MAKER_NOBODY ? IMM_PREFLIGHT_DOUBT
                                                                               : when;
}

/* @source: of a mount at the culprit's place, what was to be mounted; or NULL */
static void add(struct work *w, enum imm_preflight_when when, const struct imm_start_fault *f,
        const char *source, const char *because) {
        const char *missing = source ? source : f->culprit;
        bool is_path = missing && *missing == '/', gone = is_path && is_gone(w, missing);
        enum imm_confidence confidence = IMM_CERTAIN;
        struct imm_preflight *p;

        if (f->outcome == IMM_OUTCOME_OK || f->outcome == IMM_OUTCOME_UNKNOWN ||
                f->outcome == IMM_OUTCOME_NOT_LOADABLE || again(w, f->outcome, f->culprit) ||
                of_instance(w, &f->origin))
                return;
        /* what hides a path is there */
        if (gone && !because && f->origin.file) {
                enum imm_own own =
                        f->outcome == IMM_OUTCOME_EXEC_FAILURE ? IMM_OWN_ALL : IMM_OWN_NOTHING;
                enum imm_maker maker = IMM_MAKER_NOBODY;

                if (made_by_tmpfiles(w, missing))
                        return;
                if (imm_path_made_at_run_time(missing)) {
                        maker = imm_maker_of(w->m, w->u, own, missing);
                        confidence = IMM_LIKELY;
                }
                when = doubt(w, when, f->outcome, missing, maker);
        }
        if (!because && is_elsewhere(w) &&
                (when == IMM_PREFLIGHT_START || when == IMM_PREFLIGHT_LATER) &&
                (is_path ? gone : f->outcome == IMM_OUTCOME_USER_FAILURE))
                when = IMM_PREFLIGHT_ABSENT;
        p = imm_array_push(w->a, w->list);
        *p = (struct imm_preflight){.when = when,
                .outcome = f->outcome,
                .culprit = f->culprit,
                .setting = f->setting,
                .origin = f->origin,
                .confidence = confidence};
        p->status = imm_outcome_status(f->outcome, f->setting);
        if (source)
                p->why = imm_printf(w->a, "%s: %s, where %s was to be mounted, which is not there",
                        p->status, f->culprit, source);
        else
                p->why = imm_printf(w->a, "%s%s%s%s%s%s", p->status, f->culprit ? ": " : "",
                        f->culprit ? f->culprit : "", because ? ", " : "", because ? because : "",
                        gone && !because ? " is not there" : "");
}

/* What stands at @path in the plain root, and what the sandbox has there */
static const struct imm_mount *hides(
        const struct work *w, const struct imm_mount_table *t, const char *path) {
        const char *real = path;
        const struct imm_mount *m;

        if (!path || *path != '/' || absent(w, path) || t->n == 0)
                return NULL;
        (void)imm_root_realpath(w->m->root, path, w->a, &real);
        m = imm_mount_at(t, real);
        return m && m->setting < IMM_SETTING_N ? m : NULL;
}

/* Do the machine's own mounts let nobody execute it? A setting that only binds it again hides
 * nothing. */
static bool is_noexec_host(const struct imm_mount_table *t, const char *path) {
        const struct imm_mount *m = path && *path == '/' ? imm_mount_at(t, path) : NULL;

        return m && (m->flags & IMM_MOUNT_NOEXEC) && !m->inaccessible &&
               m->noexec_by.setting == IMM_SETTING_N &&
               (m->of_host || imm_streq(m->fstype, "bind"));
}

/* Why a program cannot be executed that a mount keeps from it, or from its interpreter */
static const char *blame(const struct work *w, const struct imm_start_fault *f, bool noexec) {
        const char *name = imm_setting_info(f->setting)->name,
                   *at = imm_origin_text(&f->origin, w->a);

        if (!f->interpreter)
                return imm_printf(w->a, "which %s= %s (%s)", name,
                        noexec ? "lets nobody execute" : "hides", at);
        if (noexec)
                return imm_printf(w->a, "whose interpreter %s %s= lets nobody execute (%s)",
                        f->interpreter, name, at);
        return imm_printf(w->a,
                "whose interpreter %s %s= hides (%s); BindReadOnlyPaths=%s brings it in, and so "
                "the libraries",
                f->interpreter, name, at, f->interpreter);
}

struct command {
        enum imm_setting list;
        enum imm_preflight_when when;
        enum imm_command_kind kind;
        const struct imm_command_item *item;
};

static bool made_by_earlier(const struct work *w, const struct command *c, const char *path);

static void judge(struct work *w, const struct command *c, const struct imm_mount_table *t,
        const struct imm_identity *id) {
        const struct imm_walk walk = {
                .m = w->m, .s = w->s, .table = t, .id = id, .program = c->item->path, .a = w->a};
        bool ignored = c->item->flags & IMM_COMMAND_IGNORE_FAILURE;
        const struct imm_mount *by;
        struct imm_start_fault f;
        const char *because = NULL;
        size_t before = w->list->n;

        if (t->n == 0 || !imm_start_program(&walk, c->item->path, &f))
                return;
        by = f.why ? NULL : hides(w, t, f.interpreter ? f.interpreter : f.culprit);
        because = f.why;
        if (f.outcome == IMM_OUTCOME_EXEC_FAILURE && !f.why) {
                f.setting = c->list;
                f.origin = c->item->origin;
        }
        if (!f.why && f.outcome == IMM_OUTCOME_EXEC_FAILURE && is_noexec_host(t, f.culprit))
                because = "which lies on a file system that is mounted noexec";
        else if (by) {
                bool noexec = by->noexec_by.setting < IMM_SETTING_N &&
                              f.outcome == IMM_OUTCOME_EXEC_FAILURE && !by->inaccessible &&
                              (by->of_host || imm_streq(by->fstype, "bind"));

                f.setting = noexec ? by->noexec_by.setting : by->setting;
                f.origin = noexec ? by->noexec_by.origin : by->origin;
                because = blame(w, &f, noexec);
        } else if (f.interpreter && absent(w, f.interpreter))
                because = imm_printf(w->a, "whose interpreter %s is not there", f.interpreter);
        if (ignored && !by && !f.why)
                return; /* it was foreseen */
        if (!because && made_by_earlier(w, c, f.culprit))
                return;
        add(w, ignored ? IMM_PREFLIGHT_HIDDEN : c->when, &f, NULL, because);
        if (w->list->n > before && c->when == IMM_PREFLIGHT_LATER) /* the start is not what fails */
                w->list->v[before].why = imm_printf(w->a, "%s: %s= fails", w->list->v[before].why,
                        imm_setting_info(c->list)->name);
}

/* ---- all commands ---- */

static const struct {
        enum imm_setting id;
        enum imm_preflight_when when;
} lists[] = {
        {IMM_SETTING_EXEC_CONDITION, IMM_PREFLIGHT_START},
        {IMM_SETTING_EXEC_START_PRE, IMM_PREFLIGHT_START},
        {IMM_SETTING_EXEC_START, IMM_PREFLIGHT_START},
        {IMM_SETTING_EXEC_START_POST, IMM_PREFLIGHT_START},
        {IMM_SETTING_EXEC_RELOAD, IMM_PREFLIGHT_LATER},
        {IMM_SETTING_EXEC_STOP, IMM_PREFLIGHT_LATER},
        {IMM_SETTING_EXEC_STOP_POST, IMM_PREFLIGHT_LATER},
        {IMM_SETTING_SOCKET_EXEC_START_PRE, IMM_PREFLIGHT_START},
        {IMM_SETTING_SOCKET_EXEC_START_POST, IMM_PREFLIGHT_START},
        {IMM_SETTING_EXEC_STOP_PRE, IMM_PREFLIGHT_LATER},
        {IMM_SETTING_SOCKET_EXEC_STOP_POST, IMM_PREFLIGHT_LATER},
};

static bool is_maker(const char *program) {
        static const char *const makers[] = {"cp", "install", "ln", "mv"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(makers); i++)
                if (imm_streq(imm_base_name(program), makers[i]))
                        return true;
        return false;
}

/* "ln -sf /usr/sbin/app /run/app/app", and then it is run: the last word of such a command before
 */
static bool made_by_earlier(const struct work *w, const struct command *c, const char *path) {
        for (size_t i = 0; path && i < IMM_ELEMENTSOF(lists); i++) {
                const struct imm_value *v = imm_setting(w->s, lists[i].id);

                imm_array_foreach (item, &v->commands) {
                        if (item == c->item)
                                return false;
                        if (item->argv.n > 1 && is_maker(item->path) &&
                                imm_streq(item->argv.v[item->argv.n - 1], path))
                                return true;
                }
        }
        return false;
}

/*
 * Does nobody hear of a failure of the commands of that kind? All have - before them, and there is
 * nothing that should go on running.
 */
static bool is_ignored(const struct work *w, enum imm_command_kind kind) {
        const char *type = imm_setting_word(w->s, IMM_SETTING_TYPE);

        if (!type || !imm_streq(type, "oneshot"))
                return false;
        for (size_t i = 0; i < IMM_ELEMENTSOF(lists); i++) {
                const struct imm_value *v = imm_setting(w->s, lists[i].id);

                imm_array_foreach (c, &v->commands) {
                        if (imm_command_kind_of(w->s, lists[i].id, c) == kind &&
                                lists[i].when == IMM_PREFLIGHT_START &&
                                !(c->flags & IMM_COMMAND_IGNORE_FAILURE))
                                return false;
                }
        }
        return true;
}

/* In /run, where it was not known whether it is there */
static bool is_trusted(const struct work *w, const struct imm_mount_table *t, const char *path) {
        const char *run = imm_after(path, "/var/run/");

        if (!run && !(run = imm_after(path, "/run/")))
                return false;
        return imm_strv_has(&t->assumes, imm_printf(w->a, "whether /run/%s exists", run));
}

/*
 * Mounts on paths of /run that were taken for there: something may make them, but nothing says that
 * it does so before.
 */
static void judge_trusted(
        struct work *w, enum imm_preflight_when when, const struct imm_mount_table *t) {
        static const enum imm_setting settings[] = {IMM_SETTING_READ_WRITE_PATHS,
                IMM_SETTING_READ_ONLY_PATHS, IMM_SETTING_INACCESSIBLE_PATHS, IMM_SETTING_EXEC_PATHS,
                IMM_SETTING_NO_EXEC_PATHS, IMM_SETTING_BIND_PATHS,
                IMM_SETTING_BIND_READ_ONLY_PATHS};

        for (size_t i = 0; t->assumes.n > 0 && i < IMM_ELEMENTSOF(settings); i++) {
                const struct imm_value *v = imm_setting(w->s, settings[i]);
                bool binds = v->type == IMM_VALUE_BINDS;

                for (size_t k = 0; k < (binds ? v->binds.n : v->paths.n); k++) {
                        const char *path = binds ? v->binds.v[k].source : v->paths.v[k].path;
                        struct imm_start_fault f;
                        struct imm_origin at = binds ? v->binds.v[k].origin : v->paths.v[k].origin;

                        if ((binds ? v->binds.v[k].ignore_missing : v->paths.v[k].ignore_missing) ||
                                at.kind != IMM_ORIGIN_FILE || !is_trusted(w, t, path) ||
                                imm_maker_of(w->m, w->u, IMM_OWN_PRIVILEGED, path) ==
                                        IMM_MAKER_BEFORE)
                                continue;
                        f = (struct imm_start_fault){IMM_OUTCOME_NAMESPACE_FAILURE,
                                binds ? v->binds.v[k].destination : path, settings[i], at};
                        add(w, when == IMM_PREFLIGHT_START ? IMM_PREFLIGHT_DOUBT : when, &f,
                                binds ? path : NULL, NULL);
                }
        }
}

/* A file system that another line makes anew: what the root has there is of no account. */
static bool is_new(const struct imm_mount *by, const struct imm_start_fault *f) {
        return !by->of_host && by->setting != f->setting &&
               (!imm_streq(by->fstype, "bind") || by->setting == IMM_SETTING_PRIVATE_TMP);
}

/* What holds for all commands of a kind: identity, what is opened before, mounts */
static void judge_kind(struct work *w, enum imm_command_kind kind, struct imm_identity *id,
        struct imm_mount_table *t) {
        enum imm_preflight_when when =
                is_ignored(w, kind) ? IMM_PREFLIGHT_HIDDEN : IMM_PREFLIGHT_START;
        struct imm_mount_table failed;
        const struct imm_mount *by;
        struct imm_start_fault f;

        imm_identity_compute(w->m, w->s, kind, w->a, id);
        if (id->outcome != IMM_OUTCOME_OK) {
                f = (struct imm_start_fault){id->outcome, id->why,
                        setting_at(w, &id->origin,
                                id->outcome == IMM_OUTCOME_GROUP_FAILURE ? IMM_SETTING_GROUP
                                                                         : IMM_SETTING_USER),
                        id->origin};
                add(w, id->outcome == IMM_OUTCOME_DYNAMIC_USER_FAILURE ? IMM_PREFLIGHT_START : when,
                        &f, NULL, NULL);
        }
        if (imm_start_before(w->m, w->s, kind, w->a, &f))
                add(w, f.step == IMM_STEP_SPAWN ? IMM_PREFLIGHT_START : when, &f, NULL, f.why);
        failed = w->sb->tried[kind];
        *t = failed.n > 0 ? failed : w->sb->mounts[kind];
        if (failed.outcome == IMM_OUTCOME_OK) {
                judge_trusted(w, when, t);
                return;
        }
        f = (struct imm_start_fault){failed.outcome, failed.culprit,
                setting_at(w, &failed.culprit_origin, IMM_SETTING_N), failed.culprit_origin};
        /* Of systemd's own mounts no line asks for: what covers the place is to blame. It also is
         * where another file system of the sandbox lacks what the line names. */
        if (f.culprit && *f.culprit == '/' && t->n > 0 && (by = imm_mount_at(t, f.culprit)) &&
                by->setting < IMM_SETTING_N &&
                (!f.origin.file || (!failed.culprit_source && is_new(by, &f)))) {
                f.setting = by->setting;
                f.origin = by->origin;
                add(w, when, &f, NULL,
                        imm_printf(w->a, "which %s= hides (%s)",
                                imm_setting_info(by->setting)->name,
                                imm_origin_text(&by->origin, w->a)));
                return;
        }
        add(w, when, &f, failed.culprit_source, failed.culprit_why);
}

/* By the path that systemd was built with: Debian's go by the links into /usr, as far as those of
 * the lab tell. */
static const char *tool_of(const struct work *w) {
        struct stat st;
        bool debian = imm_root_stat(w->m->root, "/etc/debian_version", &st) == 0;

        if (w->u->type == IMM_UNIT_MOUNT)
                return debian && w->s->version < 255 ? "/bin/mount" : "/usr/bin/mount";
        if (w->u->type == IMM_UNIT_SWAP)
                return debian ? "/sbin/swapon" : "/usr/sbin/swapon";
        return NULL;
}

/*
 * mount(8) and swapon(8), which systemd executes for units that have no commands: their settings of
 * execution hold for them. Of what is not installed nothing is said, a root may do without.
 */
static bool judge_tool(struct work *w) {
        const char *tool = tool_of(w);
        const struct imm_command_item item = {.path = tool};
        struct imm_mount_table table;
        struct imm_start_fault f;
        struct imm_identity id;

        if (!tool)
                return false;
        judge_kind(w, IMM_KIND_PLAIN, &id, &table);
        if (!absent(w, tool))
                judge(w,
                        &(struct command){
                                IMM_SETTING_WHAT, IMM_PREFLIGHT_START, IMM_KIND_PLAIN, &item},
                        &table, &id);
        if (imm_start_mounting(w->m, w->s, w->a, &f))
                add(w, IMM_PREFLIGHT_START, &f, NULL, f.why);
        return true;
}

void imm_preflight_find(struct imm_manager *m, struct imm_unit *u, struct imm_settings *s,
        const struct imm_sandbox *sb, struct imm_arena *a, struct imm_preflight_list *ret) {
        struct work w = {m, u, s, sb, a, ret};
        struct imm_identity id[IMM_KIND_N];
        struct imm_mount_table tables[IMM_KIND_N] = {0};
        bool have[IMM_KIND_N] = {false};
        struct imm_start_fault f;

        if (s->load != IMM_LOAD_LOADED || is_skipped(&w))
                return;
        if (imm_start_trigger(m, s, a, &f))
                add(&w, IMM_PREFLIGHT_START, &f, NULL, f.why);
        if (judge_tool(&w) || (u->type != IMM_UNIT_SERVICE && u->type != IMM_UNIT_SOCKET))
                return;
        if (imm_start_socket_owner(m, s, a, &f))
                add(&w, IMM_PREFLIGHT_START, &f, NULL, NULL);
        for (size_t i = 0; i < IMM_ELEMENTSOF(lists); i++) {
                const struct imm_value *v = imm_setting(s, lists[i].id);

                imm_array_foreach (c, &v->commands) {
                        enum imm_command_kind k = imm_command_kind_of(w.s, lists[i].id, c);

                        if (!have[k])
                                judge_kind(&w, k, &id[k], &tables[k]);
                        have[k] = true;
                        judge(&w, &(struct command){lists[i].id, lists[i].when, k, c}, &tables[k],
                                &id[k]);
                }
        }
}
