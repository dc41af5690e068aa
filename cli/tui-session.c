/* The analysis behind the review: batch by batch, so that figures come in while one looks. */

#include "cli/tui.h"
#include "tui/term.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

enum { BATCH_PER_JOB = 12, NICE = 2 };

static int open_units(
        struct imm_session *s, struct imm_review *r, enum imm_scope scope, struct imm_err *err) {
        int k;

        if (!s->manager) {
                k = imm_review_manager(r, scope, &s->manager, err);
                if (k < 0)
                        return k;
        }
        k = imm_manager_load_all(s->manager, r->cli->jobs, err);
        if (k < 0)
                return k;
        for (size_t i = 0; i < s->manager->n_list; i++)
                s->n += s->manager->list[i]->type == IMM_UNIT_SERVICE;
        if (s->n == 0)
                return imm_err_set(
                        err, -ENOENT, "there are no services in '%s'", imm_root_path(r->cli->root));
        return 0;
}

/* Names alone, for the first screen; in the order of the services, which is that of the snapshot */
static struct imm_snapshot *names(const struct imm_session *s, struct imm_cli *cli) {
        struct imm_snapshot *n = imm_snapshot_new();

        n->host = imm_strdup(n->arena, imm_cli_host(cli));
        n->root = imm_strdup(n->arena, imm_root_path(cli->root));
        for (size_t i = 0; i < s->n; i++) {
                struct imm_state *state = imm_snapshot_add(n, s->services[i]->name);

                state->load = imm_load_name(s->services[i]->load);
                state->path = s->services[i]->fragment;
        }
        return n;
}

static int by_name(const void *a, const void *b) {
        return strcmp((*(struct imm_unit *const *)a)->name, (*(struct imm_unit *const *)b)->name);
}

int imm_session_new(struct imm_session **ret, struct imm_review *r, enum imm_scope scope,
        struct imm_manager *manager, struct imm_err *err) {
        struct imm_arena *a = imm_arena_new();
        struct imm_session *s = imm_new(a, struct imm_session);
        size_t n = 0;
        int k;

        s->arena = a;
        s->handed = imm_arena_new();
        s->manager = manager;
        s->own = !manager;
        k = open_units(s, r, scope, err);
        if (k < 0) {
                if (!manager)
                        imm_manager_free(s->manager);
                imm_arena_free(s->handed);
                imm_arena_free(a);
                return k;
        }
        s->services = imm_alloc_array(a, s->n, sizeof(struct imm_unit *));
        for (size_t i = 0; i < s->manager->n_list; i++)
                if (s->manager->list[i]->type == IMM_UNIT_SERVICE)
                        s->services[n++] = s->manager->list[i];
        qsort(s->services, s->n, sizeof(struct imm_unit *), by_name);
        s->states = imm_snapshot_new();
        s->shown = names(s, r->cli);
        s->shown->systemd = s->manager->version;
        (void)pthread_mutex_init(&s->turn, NULL);
        (void)pthread_mutex_init(&s->handing, NULL);
        *ret = s;
        return 0;
}

/* What the list itself shows needs no mounts; a difference does */
unsigned imm_session_parts(const struct imm_review *r) {
        return r->has_runs ? IMM_SNAPSHOT_MOUNTS | IMM_SNAPSHOT_ACCESS : IMM_SNAPSHOT_GATE;
}

/* ---- the thread ---- */

static void hand_over(struct imm_session *s, struct imm_snapshot *batch) {
        (void)pthread_mutex_lock(&s->handing);
        *imm_array_push(s->handed, &s->arrived) = batch;
        (void)pthread_mutex_unlock(&s->handing);
        imm_term_wake();
}

static void analyse_batch(struct imm_review *r, size_t from, size_t n) {
        const struct imm_audit_options options = {
                .cards = r->audit.cards, .n_cards = r->audit.n_cards, .jobs = r->cli->jobs};
        struct imm_session *s = r->session;
        struct imm_audit *a;
        struct imm_snapshot *batch;

        while (atomic_load(&s->wanted))
                (void)sched_yield();
        (void)pthread_mutex_lock(&s->turn);
        batch = imm_snapshot_judge(s->manager, r->audit.rules, s->services + from, n, &options,
                &(struct imm_snapshot_options){.parts = imm_session_parts(r)}, &a);
        imm_audit_free(a);
        (void)pthread_mutex_unlock(&s->turn);
        imm_snapshot_redact(batch); /* as runs are: what they hide is no difference */
        hand_over(s, batch);
}

static void *analyse(void *data) {
        struct imm_review *r = data;
        struct imm_session *s = r->session;
        size_t batch = (size_t)BATCH_PER_JOB * r->cli->jobs;

        /* this thread and those that it makes step back behind the review's */
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
        for (size_t i = 0; i < s->n && !atomic_load(&s->stop); i += batch)
                analyse_batch(r, i, s->n - i < batch ? s->n - i : batch);
        return NULL;
}

void imm_session_start(struct imm_review *r) {
        struct imm_session *s = r->session;
        sigset_t all, before;

        r->has_runs = imm_review_has_runs(r);
        /* signals are the review's */
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_BLOCK, &all, &before);
        s->started = pthread_create(&s->thread, NULL, analyse, r) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (!s->started) /* no thread to be had: then before anything is shown */
                (void)analyse(r);
}

/* ---- what has arrived ---- */

static size_t index_of(const struct imm_session *s, const char *unit) {
        size_t low = 0, high = s->n;

        while (low < high) {
                size_t mid = (low + high) / 2;

                if (strcmp(s->services[mid]->name, unit) < 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        return low;
}

static void show(struct imm_session *s, struct imm_snapshot *batch) {
        imm_array_foreach (state, &batch->states) {
                size_t i = index_of(s, (*state)->unit);

                /* what was saved meanwhile is newer */
                if (i < s->n && !imm_map_has(&s->current, (*state)->unit))
                        s->shown->states.v[i] = *state;
        }
        s->shown_n += batch->states.n;
        s->shown->partial |= batch->partial;
}

bool imm_session_waits(struct imm_session *s) {
        bool some;

        (void)pthread_mutex_lock(&s->handing);
        some = s->taken < s->arrived.n;
        (void)pthread_mutex_unlock(&s->handing);
        return some;
}

bool imm_session_take(struct imm_session *s) {
        bool some = false;

        (void)pthread_mutex_lock(&s->handing);
        for (; s->taken < s->arrived.n; s->taken++, some = true)
                show(s, s->arrived.v[s->taken]);
        (void)pthread_mutex_unlock(&s->handing);
        return some;
}

struct imm_session *imm_session_free(struct imm_session *s) {
        if (!s)
                return NULL;
        atomic_store(&s->stop, true);
        if (s->started)
                (void)pthread_join(s->thread, NULL);
        imm_array_foreach (batch, &s->arrived)
                imm_snapshot_free(*batch);
        imm_arena_free(s->handed);
        imm_snapshot_free(s->shown);
        imm_snapshot_free(s->states);
        (void)pthread_mutex_destroy(&s->turn);
        (void)pthread_mutex_destroy(&s->handing);
        if (s->own)
                imm_manager_free(s->manager);
        imm_arena_free(s->arena);
        return NULL;
}
