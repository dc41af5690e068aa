#include "analyzer/closure/answers/answers.h"
#include "analyzer/closure/elf/elfcache.h"

#include "analyzer/sandbox/needs.h"

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
        tree_init(c);
        (void)pthread_rwlock_init(&c->known_lock, NULL);
        (void)pthread_mutex_init(&c->scratch_lock, NULL);
        for (size_t i = 0; i < READERS; i++)
                (void)pthread_mutex_init(&c->readers[i].lock, NULL);
}

void closures_done(struct imm_closures *c) {
        nix_ahead_wait(c, NULL);
        tree_done(c);
        (void)pthread_mutex_destroy(&c->lock);
        (void)pthread_rwlock_destroy(&c->known_lock);
        (void)pthread_mutex_destroy(&c->scratch_lock);
        while (c->n_scratch > 0)
                imm_arena_free(c->scratch[--c->n_scratch]);
        for (size_t i = 0; i < READERS; i++)
                (void)pthread_mutex_destroy(&c->readers[i].lock);
}

static void free_learner(void *data) {
        struct learner *t = data;

        t->scratch = imm_arena_free(t->scratch);
        t->arena = imm_arena_free(t->arena);
}

struct learner *learner_take(struct imm_closures *c) {
        struct learner *t;
        CLOSURES_LOCKED(c);

        t = c->learners;
        if (t) {
                c->learners = t->next;
                return t;
        }
        t = imm_new(c->arena, struct learner);
        t->arena = imm_arena_new();
        t->scratch = imm_arena_new();
        imm_arena_defer(c->arena, free_learner, t);
        view_init(&t->view, c, NULL, "", t->arena);
        t->view.touched = &t->touched;
        t->sight.arena = t->arena;
        t->view.sight = c->cache_path ? &t->sight : NULL;
        return t;
}

void learner_tell(struct imm_closures *c, struct learner *t, struct found_by *ret) {
        watch_add(c, &t->touched, &ret->watches);
        ret->sight = sight_take(&t->sight, t->arena);
}

void learner_give(struct imm_closures *c, struct learner *t) {
        CLOSURES_LOCKED(c);

        imm_arena_reset(t->scratch);
        t->touched.n = 0;
        t->next = c->learners;
        c->learners = t;
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

void imm_closures_reuse(struct imm_closures *c, const char *path, const char *tag, time_t since) {
        CLOSURES_LOCKED(c);

        c->cache_path = imm_strdup(c->arena, path);
        c->cache_tag = imm_strdup(c->arena, tag);
        c->since = since;
}

void imm_closures_keep(struct imm_closures *c) {
        CLOSURES_LOCKED(c);

        if (c->elfcache)
                elfcache_save(c);
        if (c->nix)
                nix_keep(c->nix);
        if (c->answers)
                answers_keep(c);
        if (c->walks[WALK_ALL])
                walk_keep(c, c->walks[WALK_ALL]);
}

void imm_closures_threads(struct imm_closures *c, unsigned n) {
        CLOSURES_LOCKED(c);

        c->threads = n;
}

const struct imm_diags *imm_closures_diags(const struct imm_closures *c) {
        return &c->diags;
}

/* Nothing that its settings say makes files be elsewhere than on the host, or appear. */
static bool sees_host(const struct imm_settings *s) {
        static const enum imm_setting directories[] = {IMM_SETTING_RUNTIME_DIRECTORY,
                IMM_SETTING_STATE_DIRECTORY, IMM_SETTING_CACHE_DIRECTORY,
                IMM_SETTING_LOGS_DIRECTORY, IMM_SETTING_CONFIGURATION_DIRECTORY};
        static const enum imm_setting credentials[] = {IMM_SETTING_LOAD_CREDENTIAL,
                IMM_SETTING_LOAD_CREDENTIAL_ENCRYPTED, IMM_SETTING_SET_CREDENTIAL,
                IMM_SETTING_SET_CREDENTIAL_ENCRYPTED, IMM_SETTING_IMPORT_CREDENTIAL};

        for (size_t i = 0; i < IMM_ELEMENTSOF(directories); i++)
                if (imm_setting(s, directories[i])->directories.n > 0)
                        return false;
        for (size_t i = 0; i < IMM_ELEMENTSOF(credentials); i++)
                if (imm_setting(s, credentials[i])->credentials.n > 0)
                        return false;
        return !imm_needs_mounts(s, true) && !imm_needs_root(s) && !imm_needs_network(s);
}

/* The mount table of all services without a mount namespace. NULL: it cannot be known. */
static const struct imm_mount_table *host_table(struct builder *b) {
        struct imm_closures *c = b->c;
        struct imm_mount_table *t;
        struct imm_identity id;
        CLOSURES_LOCKED(c);

        if (!c->host_table) {
                t = imm_new(c->arena, struct imm_mount_table);
                imm_identity_compute(b->m, b->settings, IMM_KIND_PLAIN, c->arena, &id);
                imm_mount_table_compute(b->m, b->settings, IMM_KIND_PLAIN, &id, c->arena, t);
                c->host_table = t;
        }
        return c->host_table->outcome == IMM_OUTCOME_OK && c->host_table->n > 0 ? c->host_table
                                                                                : NULL;
}

const struct imm_sandbox *builder_sandbox(struct builder *b) {
        return b->settings->load == IMM_LOAD_LOADED ? imm_sandbox_view_of(b->m, b->u) : NULL;
}

/* What the main process sees, or that it sees nothing: a namespace that cannot be set up, or an
 * image whose content is not known. */
static void find_view(struct builder *b) {
        const struct imm_mount_table *t;
        const struct imm_sandbox *s;

        if (b->settings->load != IMM_LOAD_LOADED)
                return;
        if (b->m->scope == IMM_SCOPE_SYSTEM && sees_host(b->settings))
                b->host = host_table(b);
        s = b->host ? NULL : builder_sandbox(b);
        t = b->host ? b->host : &s->tried[s->main];
        if (t->outcome != IMM_OUTCOME_NAMESPACE_FAILURE && t->outcome != IMM_OUTCOME_NOT_LOADABLE &&
                t->outcome != IMM_OUTCOME_UNKNOWN && t->n > 0)
                b->closure->view = t;
}

static void find_files(struct builder *b) {
        unit_commands(b);
        unit_files(b);
}

/* What an earlier run found counts where nothing of it has changed. True: it does not, and what is
 * found now is worth a note. */
static bool find_files_again(
        struct builder *b, struct sight *sight, unsigned char question[QUESTION_SIZE]) {
        question_of(b, question);
        if (answers_get(b, question))
                return false;
        sight->arena = b->arena;
        b->sight = sight;
        find_files(b);
        return true;
}

/* ---- the result, out of memory that is used again ---- */

struct keeping {
        const struct imm_arena *from;
        struct imm_arena *to;
};

/* Much of it is of the settings and of what all units share, which stays where it is. */
static const char *keep_text(const struct keeping *k, const char *s) {
        return s && imm_arena_has(k->from, s) ? imm_strdup(k->to, s) : s;
}

static void *keep_array(const struct keeping *k, const void *v, size_t n, size_t size) {
        return n > 0 ? memcpy(imm_alloc_array(k->to, n, size), v, n * size) : NULL;
}

static void keep_texts(const struct keeping *k, struct imm_strv *l) {
        l->v = keep_array(k, l->v, l->n, sizeof(*l->v));
        l->cap = l->n;
        for (size_t i = 0; i < l->n; i++)
                l->v[i] = keep_text(k, l->v[i]);
}

static void keep_need(const struct keeping *k, struct imm_need *n) {
        const bool same = n->host_path == n->path;

        n->path = keep_text(k, n->path);
        n->host_path = same ? n->path : keep_text(k, n->host_path);
        n->name = keep_text(k, n->name);
        n->reason = keep_text(k, n->reason);
        n->hidden = keep_text(k, n->hidden);
        n->origin.file = keep_text(k, n->origin.file);
        keep_texts(k, &n->links);
}

static struct imm_closure *keep_closure(const struct keeping *k, const struct imm_closure *from) {
        struct imm_closure *c = imm_new(k->to, struct imm_closure);

        *c = *from;
        keep_texts(k, &c->roots);
        keep_texts(k, &c->dangling);
        keep_texts(k, &c->hops);
        c->v = keep_array(k, c->v, c->n, sizeof(*c->v));
        c->cap = c->n;
        imm_array_foreach (n, c)
                keep_need(k, n);
        c->diags.v = keep_array(k, c->diags.v, c->diags.n, sizeof(*c->diags.v));
        c->diags.cap = c->diags.n;
        imm_array_foreach (d, &c->diags) {
                d->file = keep_text(k, d->file);
                d->setting = keep_text(k, d->setting);
                d->message = keep_text(k, d->message);
        }
        return c;
}

struct imm_closure *imm_closure_compute(
        struct imm_manager *m, struct imm_unit *u, unsigned flags, struct imm_arena *a) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct imm_closures *c = imm_closures_of(m);
        struct builder b = {
                .c = c,
                .m = m,
                .u = u,
                .settings = imm_settings_of(m, u),
                .closure = imm_new(scratch, struct imm_closure),
                .arena = scratch,
        };

        unsigned char question[QUESTION_SIZE];
        struct sight sight = {0};
        struct imm_closure *ret;
        bool note = false;

        find_view(&b);
        if (!unit_store_paths(&b, flags)) {
                if (c->cache_path)
                        note = find_files_again(&b, &sight, question);
                else
                        find_files(&b);
        }
        ret = keep_closure(&(struct keeping){scratch, a}, b.closure);
        if (note && a == u->arena) /* it lives as long as the manager */
                answers_note(&b, question, ret);
        return ret;
}

struct imm_closure *imm_closure_of(struct imm_manager *m, struct imm_unit *u) {
        if (!u->closure)
                u->closure = imm_closure_compute(m, u, 0, u->arena);
        return u->closure;
}
