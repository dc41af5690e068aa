#pragma once

/*
 * The review's world: what the model in tui/ may ask, answered by the analyzer.
 *
 * The analysis goes on in a thread of its own, unit by unit in batches, while the review shows what
 * is there; whoever asks about one unit waits for a batch at most.
 */

#include "cli/audit.h"
#include "cli/snapshot.h"
#include "tui/model.h"

#include <pthread.h>
#include <stdatomic.h>

/* All units of one manager, analysed once */
struct imm_session {
        struct imm_manager *manager;
        bool own; /* the manager goes with the session */
        struct imm_arena *arena;
        struct imm_unit **services; /* sorted by name */
        size_t n;
        struct imm_snapshot *states; /* that were opened or tried */
        struct imm_snapshot *shown;  /* the list: names at first, filled in */
        struct imm_map current;      /* unit -> struct imm_unit as it is after a save, if any was */
        const char *tried_name, *tried_text; /* the unit asked about last, and ... */
        struct imm_unit *tried;              /* ... as it is judged with that drop-in */
        const char *tried_fails;             /* how starting it would fail; NULL: it would not */

        pthread_t thread;
        bool started;
        pthread_mutex_t turn; /* who computes: the analysis, or the review */
        atomic_bool wanted;   /* the review waits for its turn */
        atomic_bool stop;
        pthread_mutex_t handing;
        struct imm_arena *handed;
        IMM_ARRAY(struct imm_snapshot *) arrived; /* batches; [taken] on are not in the list yet */
        size_t taken, shown_n;                    /* batches, units */
};

struct imm_review {
        struct imm_cli *cli;
        struct imm_cli_audit audit; /* rules and scorecards */
        struct imm_arena *arena;
        struct imm_history *history;
        const char *no_history; /* why there is none, where there should be one; or NULL */
        struct imm_map runs;    /* number -> struct imm_snapshot */
        enum imm_scope scope;
        struct imm_session *session;
        int64_t filled_at; /* when the list was filled in last, on a clock of milliseconds */
        bool has_runs;     /* there is something to compare with */
        bool changed;      /* the list has to be shown anew: something was saved */
};

struct imm_tui_world imm_review_world(struct imm_review *r);
bool imm_review_has_runs(struct imm_review *r);
int imm_review_manager(const struct imm_review *r, enum imm_scope scope, struct imm_manager **ret,
        struct imm_err *err);

/* Loads the units of @scope; @manager NULL: a new one. -ENOENT: there are none. Negative errno with
 * @err. */
int imm_session_new(struct imm_session **ret, struct imm_review *r, enum imm_scope scope,
        struct imm_manager *manager, struct imm_err *err);
void imm_session_start(struct imm_review *r);
unsigned imm_session_parts(const struct imm_review *r); /* of a snapshot, that the list needs */
/* Takes what the analysis has finished into session->shown; true if there was something. */
bool imm_session_waits(struct imm_session *s); /* there is something to take */
bool imm_session_take(struct imm_session *s);
struct imm_session *imm_session_free(struct imm_session *s);
