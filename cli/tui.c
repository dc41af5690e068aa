#include "cli/tui.h"

#include "tui/term.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

/* `immure tui`: the review. The model and the terminal are in tui/, its world is in tui-world.c. */

static const char *scope_name(enum imm_scope s) {
        static const char *const names[] = {
                [IMM_SCOPE_SYSTEM] = "system",
                [IMM_SCOPE_USER] = "user",
                [IMM_SCOPE_GLOBAL] = "global",
        };

        return names[s];
}

enum { FILL_MS = 100 }; /* between two times that the list is filled in */

/* Everything anew, of the same units or of the next scope's */
static void rescan(struct imm_review *r, struct imm_tui *t, enum imm_scope scope) {
        imm_err_auto err = IMM_ERR_INIT;
        struct imm_session *fresh = NULL;
        /* one goes on where one was, if it is still there */
        const char *unit = t->screen == IMM_SCREEN_UNIT && scope == r->scope
                                   ? imm_strdup(r->arena, t->as_is->unit)
                                   : NULL;
        enum imm_pane pane = t->pane;

        if (imm_session_new(&fresh, r, scope, NULL, &err) < 0) {
                imm_tui_tell(t, true, imm_err_text(&err));
                return;
        }
        imm_tui_forget(t);
        imm_session_free(r->session);
        r->session = fresh;
        r->scope = scope;
        t->scope = scope_name(scope);
        imm_tui_audit(t, fresh->shown, 0, (unsigned)fresh->n);
        imm_session_start(r);
        if (unit) {
                imm_tui_open(t, unit);
                imm_tui_key(t, '1' + (int)pane);
        }
}

static void grant(struct imm_review *r, struct imm_tui *t) {
        enum imm_wish wish = t->wish;

        t->wish = IMM_WISH_NONE;
        if (wish == IMM_WISH_RESCAN)
                rescan(r, t, r->scope);
        else if (wish == IMM_WISH_SCOPE)
                rescan(r, t, (r->scope + 1) % (IMM_SCOPE_GLOBAL + 1));
        else if (wish == IMM_WISH_REDRAW)
                imm_term_redraw();
}

static int64_t milliseconds(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What the analysis has finished since the last time */
static void fill_in(struct imm_review *r, struct imm_tui *t) {
        struct imm_session *s = r->session;
        bool was_done = t->done == t->total;
        int64_t at = milliseconds();

        if (at - r->filled_at < FILL_MS && !r->changed)
                return;
        if (!imm_session_take(s) && !r->changed)
                return;
        r->filled_at = at;
        r->changed = false;
        imm_tui_audit(t, s->shown, (unsigned)s->shown_n, (unsigned)s->n);
        if (!was_done && t->done == t->total)
                imm_tui_compare_newest(t);
}

static void loop(struct imm_review *r, struct imm_tui *t) {
        while (!t->quit) {
                struct imm_event e;

                fill_in(r, t);
                imm_tui_draw(t);
                imm_term_show(&t->canvas);
                e = imm_term_wait(imm_session_waits(r->session) ? FILL_MS : -1);
                switch (e.kind) {
                case IMM_EVENT_KEY:
                        imm_tui_key(t, e.key);
                        break;
                case IMM_EVENT_RESIZE:
                        imm_tui_resize(t, e.row, e.col);
                        break;
                case IMM_EVENT_CLICK:
                        imm_tui_click(t, e.row, e.col);
                        break;
                case IMM_EVENT_WHEEL:
                        imm_tui_wheel(t, e.down);
                        break;
                case IMM_EVENT_END:
                        return;
                case IMM_EVENT_NONE:
                        break;
                }
                if (t->wish != IMM_WISH_NONE)
                        grant(r, t);
        }
}

/* The service that an argument names, as a service's name or without its suffix */
static const char *named(const struct imm_review *r, const char *arg) {
        const char *service = imm_printf(r->arena, "%s.service", arg);

        for (size_t i = 0; i < r->session->n; i++) {
                const char *name = r->session->services[i]->name;

                if (imm_streq(name, arg) || imm_streq(name, service))
                        return name;
        }
        return NULL;
}

static int review(struct imm_review *r, const char *unit) {
        struct imm_tui t;
        int rows, cols, signal;

        if (imm_term_open(r->cli->color, &r->cli->err) < 0)
                return imm_cli_fail(r->cli, IMM_EXIT_USAGE, &r->cli->err);
        imm_term_size(&rows, &cols);
        imm_tui_init(&t, imm_review_world(r), rows, cols);
        t.canvas.ascii = imm_term_ascii();
        t.scope = scope_name(r->scope);
        imm_tui_audit(&t, r->session->shown, 0, (unsigned)r->session->n);
        imm_tui_draw(&t);
        imm_term_show(&t.canvas);
        imm_session_start(r);
        if (unit)
                imm_tui_open(&t, unit);
        if (r->no_history)
                imm_tui_tell(&t, true, r->no_history);
        loop(r, &t);
        signal = imm_term_close();
        if (signal) /* the terminal is as it was; whoever waits for us learns what ended us */
                (void)raise(signal);
        imm_tui_done(&t);
        return IMM_EXIT_OK;
}

/* The past is a part of the review; that it cannot be read is said there. */
static void open_history(struct imm_review *r) {
        struct imm_cli *cli = r->cli;
        const char *path = cli->db ? cli->db : imm_history_default_path(cli->arena);
        imm_err_auto err = IMM_ERR_INIT;

        if (!path)
                return;
        if (imm_history_open(&r->history, path, IMM_HISTORY_READ, &err) < 0 && err.code != 0)
                r->no_history = imm_strdup(r->arena, imm_err_text(&err));
}

static int run(struct imm_cli *cli) {
        struct imm_review r = {.cli = cli, .scope = cli->scope};
        const char *unit = NULL;
        int k;

        if (cli->n_args > 1)
                return imm_cli_usage(cli, "one unit can be opened, not %zu", cli->n_args);
        r.arena = imm_arena_new();
        k = imm_cli_open(cli);
        if (k == IMM_EXIT_OK)
                k = imm_cli_rules(cli, &r.audit);
        if (k == IMM_EXIT_OK)
                open_history(&r);
        if (k == IMM_EXIT_OK) {
                int e = imm_session_new(&r.session, &r, r.scope, cli->manager, &cli->err);

                if (e < 0)
                        k = imm_cli_fail(
                                cli, e == -ENOENT ? IMM_EXIT_NOTHING : IMM_EXIT_PARTIAL, &cli->err);
        }
        if (k == IMM_EXIT_OK && cli->n_args > 0) {
                unit = named(&r, cli->args[0]);
                if (!unit)
                        k = imm_cli_usage(cli, "there is no service '%s'", cli->args[0]);
        }
        if (k == IMM_EXIT_OK)
                k = review(&r, unit);
        imm_session_free(r.session);
        imm_history_free(r.history);
        imm_cli_audit_done(&r.audit);
        imm_arena_free(r.arena);
        return k;
}

const struct imm_verb imm_verb_tui = {
        .name = "tui",
        .arguments = "[UNIT]",
        .summary = "The interactive review, of all services or at once of one",
        .details =
                "Enter opens a unit, 5 shows its findings, a tries a remedy, w and Enter write the "
                "drop-in. ? shows all keys.",
        .run = run,
};
