/* What the review asks about units, files and runs. */

#include "analyzer/sandbox/sandbox.h"
#include "cli/tui.h"
#include "tui/term.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX_SIZE = 1 << 20 };

/* A unit, and the manager that it belongs to: after a save it is read anew, by a manager of its
 * own */
struct subject {
        struct imm_manager *manager;
        struct imm_unit *unit;
};

/* ---- turns ---- */

static void take_turn(struct imm_session *s) {
        atomic_store(&s->wanted, true);
        (void)pthread_mutex_lock(&s->turn);
        atomic_store(&s->wanted, false);
}

static void end_turn(struct imm_session **s) {
        (void)pthread_mutex_unlock(&(*s)->turn);
}
#define TURN(s) \
        __attribute__((cleanup(end_turn))) struct imm_session *turn_ = (s); \
        take_turn(turn_)

/* ---- units ---- */

static bool find(const struct imm_review *r, const char *name, struct subject *ret) {
        struct imm_session *s = r->session;
        struct subject *fresh = imm_map_get(&s->current, name);

        if (fresh) {
                *ret = *fresh;
                return true;
        }
        for (size_t i = 0; i < s->n; i++)
                if (imm_streq(s->services[i]->name, name)) {
                        *ret = (struct subject){s->manager, s->services[i]};
                        return true;
                }
        return false;
}

static struct imm_audit *audit_of(
        const struct imm_review *r, struct imm_manager *m, struct imm_unit *u) {
        const struct imm_audit_options options = {
                .cards = r->audit.cards, .n_cards = r->audit.n_cards, .jobs = 1};

        return imm_audit_run(m, r->audit.rules, &u, 1, &options);
}

/* A template is judged through an instance. */
static struct imm_unit *judged(
        const struct imm_review *r, struct imm_manager *m, struct imm_unit *u) {
        struct imm_audit *one = audit_of(r, m, u);
        struct imm_unit *j = one->units[0].judged;

        imm_audit_free(one);
        return j;
}

/* Behind all other drop-ins of the unit, as what is tried is; and nothing is there yet */
static const char *proposed(void *data, const char *unit, struct imm_arena *a) {
        const struct imm_review *r = data;
        const struct imm_manager *m = r->session->manager;
        const char *dir = r->scope == IMM_SCOPE_SYSTEM ? "/etc/systemd/system"
                          : r->scope == IMM_SCOPE_USER && m->user && m->user->home
                                  ? imm_printf(a, "%s/.config/systemd/user", m->user->home)
                                  : "/etc/systemd/user";
        struct subject u = {0};

        (void)find(r, unit, &u);
        for (unsigned i = 50;; i++) {
                const char *name = i < 100 ? imm_printf(a, "%u-immure.conf", i)
                                           : imm_printf(a, "zz-immure-%u.conf", i),
                           *path = imm_printf(a, "%s/%s.d/%s", dir, unit, name);
                bool last = true;
                struct stat st;

                for (size_t k = 0; u.unit && k < u.unit->dropins.n; k++)
                        last &= strcmp(strrchr(u.unit->dropins.v[k], '/') + 1, name) < 0;
                if (i > 200 || (last && imm_root_lstat(r->cli->root, path, &st) < 0))
                        return path;
        }
}

/* With the drop-in that is tried; asked again and again while one looks around, so the last one
 * stays. What would keep the unit from starting is left out: there would be nothing to see. */
static struct imm_unit *seen(struct imm_review *r, const char *name, const char *dropin,
        struct subject *ret, struct imm_err *err) {
        struct imm_session *s = r->session;
        struct imm_unit *u;

        if (!find(r, name, ret)) {
                imm_err_set(err, -ENOENT, "there is no unit '%s'", name);
                return NULL;
        }
        if (s->tried && imm_streq(s->tried_name, name) &&
                imm_streq(s->tried_text, dropin ? dropin : ""))
                return s->tried;
        s->tried_fails = NULL;
        u = judged(r, ret->manager, ret->unit);
        if (dropin)
                u = imm_unit_with_dropin(
                        ret->manager, u, proposed(r, name, s->arena), dropin, s->arena);
        if (imm_settings_of(ret->manager, u)->load == IMM_LOAD_LOADED) {
                struct imm_sandbox *b = imm_sandbox_of(ret->manager, u);

                if (b->mounts[b->main].outcome != IMM_OUTCOME_OK) {
                        struct imm_unit *copy = imm_new(s->arena, struct imm_unit);

                        s->tried_fails = imm_outcome_name(b->mounts[b->main].outcome);
                        *copy = *u;
                        copy->sandbox = imm_sandbox_assume(
                                ret->manager, imm_settings_of(ret->manager, u), s->arena);
                        for (int k = 0; k < IMM_KIND_N; k++)
                                if (copy->sandbox->mounts[k].n > 0)
                                        copy->sandbox->mounts[k].outcome = IMM_OUTCOME_OK;
                        u = copy;
                }
        }
        s->tried_name = imm_strdup(s->arena, name);
        s->tried_text = imm_strdup(s->arena, dropin ? dropin : "");
        return s->tried = u;
}

/* What systemd would ignore or refuse of the drop-in is worth more than a silent nothing. */
static bool accepted(struct imm_manager *m, struct imm_unit *u, struct imm_err *err) {
        const struct imm_unit_file *f = u->files[u->n_files - 1];
        const struct imm_settings *s = imm_settings_of(m, u);

        imm_array_foreach (d, &f->diags)
                if (d->level >= IMM_DIAG_WARNING) {
                        imm_err_set(err, -EINVAL, "%s", d->message);
                        return false;
                }
        imm_array_foreach (d, &s->diags)
                if (d->file && imm_streq(d->file, f->path) && d->level >= IMM_DIAG_WARNING) {
                        imm_err_set(err, -EINVAL, "%s", d->message);
                        return false;
                }
        return true;
}

static const struct imm_state *state(
        void *data, const char *unit, const char *dropin, struct imm_err *err) {
        struct imm_review *r = data;
        struct imm_session *s = r->session;
        struct imm_audit *one;
        struct imm_state *state;
        struct subject u;

        TURN(s);
        if (!find(r, unit, &u)) {
                imm_err_set(err, -ENOENT, "there is no unit '%s'", unit);
                return NULL;
        }
        if (dropin) {
                u.unit = imm_unit_with_dropin(u.manager, judged(r, u.manager, u.unit),
                        proposed(r, unit, s->arena), dropin, s->arena);
                if (!accepted(u.manager, u.unit, err))
                        return NULL;
        }
        one = audit_of(r, u.manager, u.unit);
        state = imm_snapshot_add_unit(
                s->states, one, &one->units[0], IMM_SNAPSHOT_ALL | IMM_SNAPSHOT_DEFAULTS);
        state->unit = imm_strdup(s->arena, unit); /* not the instance it was judged through */
        imm_audit_free(one);
        return state;
}

/* ---- places ---- */

static void place(struct imm_review *r, const struct subject *u, struct imm_unit *seen_unit,
        const char *path, struct imm_arena *a, struct imm_place *ret) {
        struct imm_access c;
        struct stat st = {0};

        imm_access_widest(u->manager, seen_unit, path, 0, a, &c);
        (void)imm_root_lstat(r->cli->root, path, &st);
        *ret = (struct imm_place){
                .name = strrchr(path, '/') + 1,
                .level = c.level_known ? imm_level_name(c.level) : NULL,
                /* what a mount or the kernel brings is a directory if it can be searched */
                .directory = S_ISDIR(st.st_mode) ||
                             (st.st_mode == 0 && c.allowed[IMM_MODE_EXECUTE] != 0),
                .link = S_ISLNK(st.st_mode),
                .read = c.allowed[IMM_MODE_READ],
                .write = c.allowed[IMM_MODE_WRITE],
                .execute = c.allowed[IMM_MODE_EXECUTE],
        };
        if (c.exists == 0)
                ret->name = NULL;
}

/* Names that are there in the root, or that mounts of the service bring; what each of them is to
 * the service */
static int list(void *data, const char *unit, const char *dropin, const char *dir,
        struct imm_arena *a, struct imm_place **ret, size_t *ret_n, struct imm_err *err) {
        struct imm_review *r = data;
        IMM_ARRAY(struct imm_place) places = {0};
        struct imm_strv names = {0};
        struct imm_unit *t;
        struct subject u;
        int k;

        TURN(r->session);
        t = seen(r, unit, dropin, &u, err);
        if (!t)
                return -ENOENT;
        k = imm_access_list(u.manager, t, dir, a, &names);
        if (k < 0)
                return imm_err_set(err, k,
                        k == -ENOTDIR  ? "'%s' is no directory"
                        : k == -ENOENT ? "there is no '%s' for the service"
                                       : "what is in '%s' cannot be known",
                        dir);
        for (size_t i = 0; i < names.n; i++) {
                struct imm_place p;

                place(r, &u, t, imm_printf(a, "%s/%s", imm_streq(dir, "/") ? "" : dir, names.v[i]),
                        a, &p);
                if (p.name)
                        *imm_array_push(a, &places) = p;
        }
        *ret = places.v;
        *ret_n = places.n;
        return 0;
}

static const char *answer(int can) {
        return can > 0 ? "yes" : can == 0 ? "no" : "unknown";
}

static int why(void *data, const char *unit, const char *dropin, const char *path,
        struct imm_arena *a, struct imm_strv *ret, struct imm_err *err) {
        struct imm_review *r = data;
        struct imm_access c;
        struct imm_unit *t;
        struct subject u;

        TURN(r->session);
        t = seen(r, unit, dropin, &u, err);
        if (!t)
                return -ENOENT;
        imm_access_widest(u.manager, t, path, IMM_BECAUSE_ALL | IMM_BECAUSE_FLIPS, a, &c);
        if (c.exists == 0)
                imm_strv_add(a, ret, imm_printf(a, "%s: not there for the service", path));
        else
                imm_strv_add(a, ret,
                        imm_printf(a, "%s: read %s, write %s, execute %s%s", path,
                                answer(c.allowed[IMM_MODE_READ]), answer(c.allowed[IMM_MODE_WRITE]),
                                answer(c.allowed[IMM_MODE_EXECUTE]),
                                c.allowed[IMM_MODE_CONNECT] >= 0
                                        ? imm_printf(a, ", connect %s",
                                                  answer(c.allowed[IMM_MODE_CONNECT]))
                                        : ""));
        for (size_t i = 0; i < c.because.n; i++)
                imm_strv_add(a, ret, c.because.v[i]);
        for (size_t i = 0; i < c.assumes.n; i++)
                imm_strv_add(
                        a, ret, imm_printf(a, "assumes that %s changes nothing", c.assumes.v[i]));
        if (r->session->tried_fails)
                imm_strv_add(a, ret,
                        imm_printf(a, "assumes that the unit starts; as it is, it would not: %s",
                                r->session->tried_fails));
        return 0;
}

static int file(
        void *data, const char *path, struct imm_arena *a, const char **ret, struct imm_err *err) {
        struct imm_review *r = data;
        struct imm_blob b = {0};
        int k = imm_root_read(r->cli->root, path, FILE_MAX_SIZE, a, &b, NULL);

        if (k < 0)
                return imm_err_set(err, k, "cannot read '%s': %s", path, strerror(-k));
        *ret = b.data;
        return 0;
}

/* ---- words ---- */

static bool about(void *data, const char *setting, struct imm_arena *a, struct imm_about *ret) {
        enum imm_setting id = imm_setting_by_name(setting);
        const struct imm_setting_info *info;

        (void)data;
        if (id == IMM_SETTING_N)
                return false;
        info = imm_setting_info(id);
        *ret = (struct imm_about){
                .section = imm_streq(info->section, "Unit") || imm_streq(info->section, "Install")
                                   ? info->section
                                   : "Service",
                .list = info->list,
        };
        if (info->type == IMM_VALUE_BOOL || info->type == IMM_VALUE_TRISTATE) {
                imm_strv_add(a, &ret->values, "no");
                imm_strv_add(a, &ret->values, "yes");
        }
        for (const char *const *w = info->type == IMM_VALUE_ENUM ? info->words : NULL; w && *w; w++)
                imm_strv_add(a, &ret->values, *w);
        return true;
}

static bool rule(void *data, const char *scorecard, const char *id, struct imm_arena *a,
        struct imm_rule_words *ret) {
        const struct imm_review *r = data;
        const struct imm_scorecard *card = imm_scorecard_by_name(r->audit.rules, scorecard);

        (void)a;
        for (size_t i = 0; card && i < card->n_rules; i++)
                if (imm_streq(card->rules[i]->id, id)) {
                        *ret = (struct imm_rule_words){card->rules[i]->title,
                                card->rules[i]->description, card->rules[i]->documentation};
                        return true;
                }
        return false;
}

/* ---- saving ---- */

int imm_review_manager(const struct imm_review *r, enum imm_scope scope, struct imm_manager **ret,
        struct imm_err *err) {
        const struct imm_manager_options options = {
                .scope = scope,
                .version = r->audit.rules->version,
                .user = r->cli->user,
                .unit_path = r->cli->root_dir ? NULL : getenv("SYSTEMD_UNIT_PATH"),
        };

        return imm_manager_open(ret, r->cli->root, &options, err);
}

static void free_manager(void *m) {
        imm_manager_free(m);
}

/* The unit as it is on disk now, in the list too; true if @path is a part of it */
static bool reread(struct imm_review *r, const char *name, const char *path) {
        struct imm_session *s = r->session;
        struct imm_manager *m = NULL;
        imm_err_auto err = IMM_ERR_INIT;
        struct imm_audit *one;
        struct subject *u;
        struct imm_unit *unit = NULL;

        if (imm_review_manager(r, r->scope, &m, &err) < 0)
                return false;
        imm_arena_defer(s->arena, free_manager, m);
        if (imm_manager_unit(m, name, &unit, &err) < 0 || !imm_strv_has(&unit->dropins, path))
                return false;
        u = imm_new(s->arena, struct subject);
        *u = (struct subject){m, unit};
        imm_map_put(s->arena, &s->current, imm_strdup(s->arena, name), u);
        s->tried = NULL;
        one = audit_of(r, m, unit);
        for (size_t i = 0; i < s->shown->states.n; i++)
                if (imm_streq(s->shown->states.v[i]->unit, name)) {
                        s->shown->states.v[i] = imm_snapshot_add_unit(
                                s->states, one, &one->units[0], imm_session_parts(r));
                        imm_state_redact(s->shown->states.v[i], s->states->arena);
                        r->changed = true;
                }
        imm_audit_free(one);
        return true;
}

/* A path inside the root that is reviewed; or, from where immure was started, "./x.conf" */
static int write_file(const struct imm_review *r, const char *path, const char *text, bool replace,
        struct imm_err *err) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_cleanup(imm_root_free) struct imm_root *host = NULL;
        const struct imm_root *root = r->cli->root;
        imm_auto_free char *here = NULL;
        struct stat st;
        int k;

        if (!*path || path[strlen(path) - 1] == '/')
                return imm_err_set(err, -EINVAL, "'%s' is not the path of a file", path);
        if (path[0] != '/') {
                here = getcwd(NULL, 0);
                if (!here)
                        return imm_err_set(err, -errno, "cannot tell the working directory");
                path = imm_printf(a, "%s/%s", here, path);
                k = imm_root_open(&host, NULL, err);
                if (k < 0)
                        return k;
                root = host;
        }
        if (!replace && imm_root_lstat(root, path, &st) == 0)
                return -EEXIST;
        k = imm_root_write(root, path, text, strlen(text), err);
        if (k == -EACCES || k == -EROFS || k == -EPERM)
                return imm_err_set(err, k,
                        "cannot write '%s': %s; w writes to any other path, "
                        "such as ./immure.conf",
                        path, strerror(-k));
        return k;
}

static int save(void *data, const char *unit, const char *path, const char *text, bool replace,
        struct imm_err *err) {
        struct imm_review *r = data;
        int k = write_file(r, path, text, replace, err);

        if (k < 0)
                return k;
        TURN(r->session);
        return reread(r, unit, path);
}

static void copy(void *data, const char *text) {
        (void)data;
        imm_term_copy(text);
}

/* ---- runs ---- */

static int runs(void *data, struct imm_arena *a, struct imm_tui_run **ret, size_t *ret_n,
        struct imm_err *err) {
        struct imm_review *r = data;
        struct imm_run *found = NULL;
        struct imm_run_place place;
        size_t n = 0;
        int k;

        *ret_n = 0;
        /* runs are of the system's units */
        if (!r->history || r->scope != IMM_SCOPE_SYSTEM)
                return 0;
        place = imm_cli_run_place(r->cli);
        k = imm_history_runs(r->history, &place, a, &found, &n, err);
        if (k < 0)
                return k;
        *ret = imm_alloc_array(a, n, sizeof(**ret));
        for (size_t i = 0; i < n; i++) {
                const struct imm_run *run = &found[n - 1 - i];
                time_t at = (time_t)run->time;
                char when[32] = "";
                struct tm tm;

                if (localtime_r(&at, &tm))
                        (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
                (*ret)[i] = (struct imm_tui_run){
                        run->id, imm_printf(a, "run %lld  %s  %u units", (long long)run->id, when,
                                         run->units)};
        }
        *ret_n = n;
        return 0;
}

bool imm_review_has_runs(struct imm_review *r) {
        struct imm_tui_run *found = NULL;
        imm_err_auto err = IMM_ERR_INIT;
        size_t n = 0;

        return runs(r, r->arena, &found, &n, &err) >= 0 && n > 0;
}

static void free_snapshot(void *s) {
        imm_snapshot_free(s);
}

static const struct imm_snapshot *run(void *data, int64_t id, struct imm_err *err) {
        struct imm_review *r = data;
        const char *key = imm_printf(r->arena, "%lld", (long long)id);
        struct imm_snapshot *s = imm_map_get(&r->runs, key);

        if (s || imm_history_load(r->history, id, &s, err) < 0)
                return s;
        imm_snapshot_redact(s); /* it may be stored with secrets, which the list has not */
        imm_arena_defer(r->arena, free_snapshot, s);
        imm_map_put(r->arena, &r->runs, key, s);
        return s;
}

struct imm_tui_world imm_review_world(struct imm_review *r) {
        return (struct imm_tui_world){
                r, state, list, why, file, about, rule, proposed, save, runs, run, copy};
}
