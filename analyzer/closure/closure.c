#include "analyzer/closure/closure-private.h"

#include <assert.h>

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static void closures_done(void *data) {
        struct imm_closures *c = data;

        (void)pthread_mutex_destroy(&c->lock);
        imm_arena_free(c->arena);
}

struct imm_closures *imm_closures_of(struct imm_manager *m) {
        struct imm_closures *c;

        assert(m);
        (void)pthread_mutex_lock(&opening);
        c = m->closures;
        if (!c) {
                c = imm_new(m->arena, struct imm_closures);
                c->m = m;
                c->root = m->root;
                c->arena = imm_arena_new();
                (void)pthread_mutex_init(&c->lock, NULL);
                imm_arena_defer(m->arena, closures_done, c);
                m->closures = c;
        }
        (void)pthread_mutex_unlock(&opening);
        return c;
}

const struct imm_diags *imm_closures_diags(const struct imm_closures *c) {
        return &c->diags;
}

/* What the main process sees, or that it sees nothing: a namespace that cannot be set up, or an
 * image whose content is not known. */
static void find_view(struct builder *b) {
        const struct imm_sandbox *s;
        enum imm_outcome o;

        if (b->settings->load != IMM_LOAD_LOADED)
                return;
        s = imm_sandbox_of(b->m, b->u);
        o = s->mounts[s->main].outcome;
        b->closure->has_view = o != IMM_OUTCOME_NAMESPACE_FAILURE &&
                               o != IMM_OUTCOME_NOT_LOADABLE && o != IMM_OUTCOME_UNKNOWN &&
                               s->mounts[s->main].n > 0;
}

struct imm_closure *imm_closure_compute(
        struct imm_manager *m, struct imm_unit *u, unsigned flags, struct imm_arena *a) {
        struct imm_closures *c = imm_closures_of(m);
        struct builder b = {
                .c = c,
                .m = m,
                .u = u,
                .settings = imm_settings_of(m, u),
                .closure = imm_new(a, struct imm_closure),
                .arena = a,
        };

        find_view(&b);
        (void)pthread_mutex_lock(&c->lock);
        if (!unit_store_paths(&b, flags)) {
                unit_commands(&b);
                unit_files(&b);
        }
        (void)pthread_mutex_unlock(&c->lock);
        return b.closure;
}

struct imm_closure *imm_closure_of(struct imm_manager *m, struct imm_unit *u) {
        if (!u->closure)
                u->closure = imm_closure_compute(m, u, 0, u->arena);
        return u->closure;
}
