#include "analyzer/closure/elf/elfcache.h"

#include <assert.h>

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static void init_lock(pthread_mutex_t *lock) {
        pthread_mutexattr_t a;

        (void)pthread_mutexattr_init(&a);
        (void)pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
        (void)pthread_mutex_init(lock, &a);
        (void)pthread_mutexattr_destroy(&a);
}

void closures_init(struct imm_closures *c, const struct imm_root *root, struct imm_arena *arena) {
        *c = (struct imm_closures){.root = root, .arena = arena};
        init_lock(&c->lock);
        (void)pthread_rwlock_init(&c->nodes_lock, NULL);
        (void)pthread_rwlock_init(&c->libraries_lock, NULL);
        for (size_t i = 0; i < READERS; i++)
                (void)pthread_mutex_init(&c->readers[i].lock, NULL);
}

void closures_done(struct imm_closures *c) {
        close_folders(c);
        (void)pthread_mutex_destroy(&c->lock);
        (void)pthread_rwlock_destroy(&c->nodes_lock);
        (void)pthread_rwlock_destroy(&c->libraries_lock);
        for (size_t i = 0; i < READERS; i++)
                (void)pthread_mutex_destroy(&c->readers[i].lock);
}

static void free_closures(void *data) {
        struct imm_closures *c = data;

        closures_done(c);
        imm_arena_free(c->arena);
}

struct imm_closures *imm_closures_of(struct imm_manager *m) {
        struct imm_closures *c;

        assert(m);
        (void)pthread_mutex_lock(&opening);
        c = m->closures;
        if (!c) {
                c = imm_new(m->arena, struct imm_closures);
                closures_init(c, m->root, imm_arena_new());
                c->m = m;
                imm_arena_defer(m->arena, free_closures, c);
                m->closures = c;
        }
        (void)pthread_mutex_unlock(&opening);
        return c;
}

void imm_closures_reuse(struct imm_closures *c, const char *path, const char *tag) {
        CLOSURES_LOCKED(c);

        c->cache_path = imm_strdup(c->arena, path);
        c->cache_tag = imm_strdup(c->arena, tag);
}

void imm_closures_keep(struct imm_closures *c) {
        CLOSURES_LOCKED(c);

        if (c->elfcache)
                elfcache_save(c->elfcache, &c->nodes);
}

void imm_closures_threads(struct imm_closures *c, unsigned n) {
        CLOSURES_LOCKED(c);

        c->threads = n;
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
        if (!unit_store_paths(&b, flags)) {
                unit_commands(&b);
                unit_files(&b);
        }
        return b.closure;
}

struct imm_closure *imm_closure_of(struct imm_manager *m, struct imm_unit *u) {
        if (!u->closure)
                u->closure = imm_closure_compute(m, u, 0, u->arena);
        return u->closure;
}
