#include "analyzer/sandbox/sandbox.h"
#include "cli/audit.h"
#include "cli/snapshot.h"
#include "tui/model.h"
#include "tui/term.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

/* `immure tui`: the review. Here it gets its world; the model and the terminal are in tui/. */

enum { FILE_MAX_SIZE = 1 << 20, CLICK_MS = 100 };

struct review {
        struct imm_cli *cli;
        struct imm_cli_audit audit;
        struct imm_arena *arena;   /* of units that are tried, and their states */
        struct imm_snapshot *seen; /* states that were opened */
        struct imm_history *history;
        int64_t compared;
        IMM_ARRAY(struct imm_snapshot *) earlier;

        /* the analysis goes on in a thread of its own; the review shows names meanwhile */
        pthread_t thread;
        atomic_int ready;
        struct imm_snapshot *result;
};

/* ---- the world ---- */

static const struct imm_audited *audited(const struct review *w, const char *unit) {
        for (size_t i = 0; i < w->audit.audit->n_units; i++)
                if (imm_streq(w->audit.audit->units[i].unit->name, unit))
                        return &w->audit.audit->units[i];
        return NULL;
}

/* The unit as it is judged, with the drop-in that is tried */
static struct imm_unit *tried(struct review *w, const struct imm_audited *u, const char *dropin) {
        const char *path;

        if (!dropin)
                return u->judged;
        path = imm_printf(w->arena, "/etc/systemd/system/%s.d/50-immure.conf", u->unit->name);
        return imm_unit_with_dropin(w->cli->manager, u->judged, path, dropin, w->arena);
}

static int not_ready(struct review *w, struct imm_err *err) {
        return atomic_load(&w->ready) ? 0
                                      : imm_err_set(err, -EAGAIN, "the analysis is not done yet");
}

static const struct imm_state *with_dropin(
        struct review *w, const struct imm_audited *u, const char *dropin, struct imm_err *err) {
        struct imm_cli *cli = w->cli;
        struct imm_unit *unit = tried(w, u, dropin);
        struct imm_settings *s = imm_settings_of(cli->manager, unit);
        struct imm_audit_options options = {
                .cards = w->audit.cards, .n_cards = w->audit.n_cards, .jobs = 1};
        struct imm_audit *one;
        struct imm_state *state;

        /* what systemd would ignore or refuse is worth more than a silent nothing */
        imm_array_foreach (d, &s->diags)
                if (d->file && imm_streq(d->file, unit->dropins.v[unit->dropins.n - 1])) {
                        imm_err_set(err, -EINVAL, "%s", d->message);
                        return NULL;
                }
        one = imm_audit_run(cli->manager, w->audit.rules, &unit, 1, &options);
        state = imm_snapshot_add_unit(
                w->seen, one, &one->units[0], IMM_SNAPSHOT_ALL | IMM_SNAPSHOT_DEFAULTS);
        imm_audit_free(one);
        return state;
}

static const struct imm_state *state(
        void *data, const char *unit, const char *dropin, struct imm_err *err) {
        struct review *w = data;
        const struct imm_audited *u;

        if (not_ready(w, err) < 0)
                return NULL;
        u = audited(w, unit);
        if (!u) {
                imm_err_set(err, -ENOENT, "there is no unit '%s'", unit);
                return NULL;
        }
        if (dropin)
                return with_dropin(w, u, dropin, err);
        return imm_snapshot_add_unit(
                w->seen, w->audit.audit, u, IMM_SNAPSHOT_ALL | IMM_SNAPSHOT_DEFAULTS);
}

/* Names that are there in the root, or that mounts of the service bring; what each of them is to
 * the service */
static int list(void *data, const char *unit, const char *dropin, const char *dir,
        struct imm_arena *a, struct imm_place **ret, size_t *ret_n, struct imm_err *err) {
        struct review *w = data;
        const struct imm_audited *u = audited(w, unit);
        IMM_ARRAY(struct imm_place) places = {0};
        struct imm_strv names = {0};
        struct imm_unit *t;

        if (!u)
                return imm_err_set(err, -ENOENT, "there is no unit '%s'", unit);
        t = tried(w, u, dropin);
        if (imm_access_list(w->cli->manager, t, dir, a, &names) < 0)
                return imm_err_set(err, -EACCES, "what is in '%s' cannot be known", dir);
        for (size_t i = 0; i < names.n; i++) {
                const char *path =
                        imm_printf(a, "%s/%s", imm_streq(dir, "/") ? "" : dir, names.v[i]);
                struct imm_access c;
                struct stat st = {0};

                imm_access_widest(w->cli->manager, t, path, false, a, &c);
                if (c.exists == 0)
                        continue;
                (void)imm_root_lstat(w->cli->root, path, &st);
                *imm_array_push(a, &places) = (struct imm_place){
                        .name = names.v[i],
                        .level = c.level_known ? imm_level_name(c.level) : NULL,
                        .directory = S_ISDIR(st.st_mode) || st.st_mode == 0,
                        .link = S_ISLNK(st.st_mode),
                        .read = c.allowed[IMM_MODE_READ],
                        .write = c.allowed[IMM_MODE_WRITE],
                        .execute = c.allowed[IMM_MODE_EXECUTE],
                };
        }
        *ret = places.v;
        *ret_n = places.n;
        return 0;
}

static int why(void *data, const char *unit, const char *dropin, const char *path,
        struct imm_arena *a, struct imm_strv *ret, struct imm_err *err) {
        struct review *w = data;
        const struct imm_audited *u = audited(w, unit);
        struct imm_access c;

        if (!u)
                return imm_err_set(err, -ENOENT, "there is no unit '%s'", unit);
        imm_access_widest(w->cli->manager, tried(w, u, dropin), path, true, a, &c);
        imm_strv_add(a, ret, imm_printf(a, "%s", path));
        for (size_t i = 0; i < c.because.n; i++)
                imm_strv_add(a, ret, c.because.v[i]);
        for (size_t i = 0; i < c.assumes.n; i++)
                imm_strv_add(a, ret, imm_printf(a, "assumes: %s", c.assumes.v[i]));
        return 0;
}

static int file(
        void *data, const char *path, struct imm_arena *a, const char **ret, struct imm_err *err) {
        struct review *w = data;
        struct imm_blob b = {0};
        int r = imm_root_read(w->cli->root, path, FILE_MAX_SIZE, a, &b, NULL);

        if (r < 0)
                return imm_err_set(err, r, "cannot read '%s': %s", path, strerror(-r));
        *ret = b.data;
        return 0;
}

/* Below the root that is reviewed. The folder is made; the file comes whole or not at all. */
static int save(void *data, const char *path, const char *text, struct imm_err *err) {
        struct review *w = data;

        return imm_root_write(w->cli->root, path, text, strlen(text), err);
}

static int earlier(void *data, const struct imm_snapshot *than, const struct imm_snapshot **ret,
        const char **ret_name, struct imm_err *err) {
        struct review *w = data;
        struct imm_snapshot *s = NULL;
        struct imm_run *runs = NULL;
        size_t n = 0;
        int r;

        *ret = NULL;
        if (!w->history)
                return 0;
        r = imm_history_runs(w->history, imm_cli_host(w->cli), imm_root_path(w->cli->root),
                w->arena, &runs, &n, err);
        if (r < 0)
                return r;
        while (n > 0 && than && runs[n - 1].id >= w->compared)
                n--;
        if (n == 0)
                return 0;
        r = imm_history_load(w->history, runs[n - 1].id, &s, err);
        if (r < 0)
                return r;
        w->compared = runs[n - 1].id;
        *imm_array_push(w->arena, &w->earlier) = s;
        *ret = s;
        *ret_name = imm_printf(w->arena, "run %lld", (long long)w->compared);
        return 0;
}

static void copy(void *data, const char *text) {
        imm_term_copy(text);
}

/* ---- the analysis ---- */

static void *analyse(void *data) {
        struct review *w = data;
        struct imm_audit_options options = {
                .cards = w->audit.cards, .n_cards = w->audit.n_cards, .jobs = w->cli->jobs};
        struct imm_manager *m = w->cli->manager;
        IMM_ARRAY(struct imm_unit *) services = {0};

        for (size_t i = 0; i < m->n_list; i++)
                if (m->list[i]->type == IMM_UNIT_SERVICE)
                        *imm_array_push(w->arena, &services) = m->list[i];
        w->audit.audit = imm_audit_run(m, w->audit.rules, services.v, services.n, &options);
        w->result = imm_snapshot_of(
                w->audit.audit, IMM_SNAPSHOT_MOUNTS | IMM_SNAPSHOT_ACCESS, w->cli->jobs);
        w->result->host = imm_strdup(w->result->arena, imm_cli_host(w->cli));
        atomic_store(&w->ready, 1);
        imm_term_wake();
        return NULL;
}

/* Names alone, for the first screen */
static struct imm_snapshot *names(const struct review *w) {
        struct imm_manager *m = w->cli->manager;
        struct imm_snapshot *s = imm_snapshot_new();

        s->host = imm_strdup(s->arena, imm_cli_host(w->cli));
        for (size_t i = 0; i < m->n_list; i++)
                if (m->list[i]->type == IMM_UNIT_SERVICE)
                        imm_snapshot_add(s, m->list[i]->name)->load =
                                imm_load_name(m->list[i]->load);
        imm_snapshot_sort(s);
        return s;
}

/* ---- the loop ---- */

static void loop(struct review *w, struct imm_tui *t) {
        bool shown = false;

        while (!t->quit) {
                struct imm_event e;

                if (!shown && atomic_load(&w->ready)) {
                        const struct imm_snapshot *before = NULL;
                        const char *name = NULL;

                        imm_tui_audit(t, w->result, 1, 1);
                        if (earlier(w, NULL, &before, &name, NULL) == 0 && before)
                                imm_tui_compare(t, before, name);
                        shown = true;
                }
                imm_tui_draw(t);
                imm_term_show(&t->canvas);
                e = imm_term_wait(shown ? -1 : CLICK_MS);
                switch (e.kind) {
                case IMM_EVENT_KEY:
                        imm_tui_key(t, e.key);
                        break;
                case IMM_EVENT_RESIZE:
                        imm_tui_resize(t, e.row, e.col);
                        break;
                case IMM_EVENT_CLICK:
                        imm_tui_click(t, e.row, e.col, e.twice);
                        break;
                case IMM_EVENT_WHEEL:
                        imm_tui_wheel(t, e.down);
                        break;
                case IMM_EVENT_END:
                        return;
                case IMM_EVENT_NONE:
                        break;
                }
        }
}

static int review(struct imm_cli *cli, struct review *w) {
        const struct imm_tui_world world = {w, state, list, why, file, save, earlier, copy};
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *first = NULL;
        struct imm_tui t;
        int rows, cols;

        if (imm_term_open(cli->color, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_USAGE, &cli->err);
        first = names(w);
        imm_term_size(&rows, &cols);
        imm_tui_init(&t, world, rows, cols);
        t.canvas.ascii = imm_term_ascii();
        imm_tui_audit(&t, first, 0, (unsigned)first->states.n);
        imm_tui_draw(&t);
        imm_term_show(&t.canvas);
        if (pthread_create(&w->thread, NULL, analyse, w) == 0) {
                loop(w, &t);
                imm_term_close();
                (void)pthread_join(w->thread, NULL);
        } else
                imm_term_close();
        imm_tui_done(&t);
        return IMM_EXIT_OK;
}

static int run(struct imm_cli *cli) {
        struct review w = {.cli = cli, .arena = imm_arena_new(), .seen = imm_snapshot_new()};
        int r = imm_cli_open(cli);

        if (r == IMM_EXIT_OK)
                r = imm_cli_rules(cli, &w.audit);
        if (r == IMM_EXIT_OK)
                r = imm_cli_history(cli, IMM_HISTORY_READ, &w.history);
        if (r == IMM_EXIT_OK && imm_manager_load_all(cli->manager, cli->jobs, &cli->err) < 0)
                r = imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        if (r == IMM_EXIT_OK && cli->manager->n_list == 0) {
                (void)imm_err_set(
                        &cli->err, -ENOENT, "there are no units in '%s'", imm_root_path(cli->root));
                r = imm_cli_fail(cli, IMM_EXIT_NOTHING, &cli->err);
        }
        if (r == IMM_EXIT_OK)
                r = review(cli, &w);
        imm_array_foreach (s, &w.earlier)
                imm_snapshot_free(*s);
        imm_snapshot_free(w.result);
        imm_snapshot_free(w.seen);
        imm_history_free(w.history);
        imm_cli_audit_done(&w.audit);
        imm_arena_free(w.arena);
        return r;
}

const struct imm_verb imm_verb_tui = {
        .name = "tui",
        .arguments = "",
        .summary = "The interactive review",
        .details = "? shows the keys.",
        .run = run,
};
