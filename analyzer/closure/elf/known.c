#include "analyzer/closure/elf/loader.h"

/*
 * What a program loads is mostly the same for all services that start it: it is found out once, in
 * the plain root, and holds for every view that is the root wherever the search has looked.
 */

struct known_program {
        struct imm_closure closure; /* the first need is the program */
        struct found_by by;
};

/* With a way to search of its own, or elsewhere than in the root, it may find something else. */
static bool is_usual(const struct builder *b, const struct place *at) {
        const char *const own[] = {b->library_path, b->preload, b->audit};

        for (size_t i = 0; i < IMM_ELEMENTSOF(own); i++)
                if (own[i] && *own[i])
                        return false;
        return imm_streq(at->path, at->node->host) &&
               !origin_may_not_count(node_elf(b->c, at->node), at->node);
}

static const char *keep(struct imm_arena *a, const char *s, const char *same) {
        return !s ? NULL : same && imm_streq(s, same) ? same : imm_strdup(a, s);
}

/* Out of memory that is used again */
static void keep_closure(
        struct imm_arena *a, const struct imm_closure *from, struct imm_closure *to) {
        to->v = imm_alloc_array(a, from->n, sizeof(*to->v));
        to->n = to->cap = from->n;
        for (size_t i = 0; i < from->n; i++) {
                const struct imm_need *n = &from->v[i];

                to->v[i] = *n;
                to->v[i].path = keep(a, n->path, n->host_path);
                to->v[i].name = keep(a, n->name, n->host_path);
                to->v[i].reason = keep(a, n->reason, NULL);
                to->v[i].hidden = keep(a, n->hidden, NULL);
                to->v[i].links = (struct imm_strv){0};
                for (size_t k = 0; k < n->links.n; k++)
                        imm_strv_add(a, &to->v[i].links, imm_strdup(a, n->links.v[k]));
        }
        imm_array_foreach (d, &from->diags)
                imm_diag_add(a, &to->diags, d->level, d->code, d->file, d->line, d->setting, "%s",
                        d->message);
}

/* Two threads may do that at once, and the first one's counts. */
static const struct known_program *learn(
        struct imm_closures *c, const struct place *at, enum imm_confidence sure) {
        struct learner *t = learner_take(c);
        struct known_program *k = imm_new(t->arena, struct known_program);
        struct imm_closure closure = {.kind = IMM_CLOSURE_FILES};
        struct builder b = {.c = c, .closure = &closure, .arena = t->scratch};
        struct place program;
        const struct known_program *had;

        b.view = t->view;
        if (view_find(&b.view, NULL, at->path, &program) == 0 && program.node == at->node) {
                int n = need_place(&b,
                        &(struct want){.name = at->path,
                                .kind = IMM_NEED_PROGRAM,
                                .confidence = sure,
                                .by = IMM_NEED_BY_UNIT},
                        &program, true, NULL, NULL);

                load_here(&b, n, &program);
                if (!b.view.relative && !b.guarded)
                        keep_closure(t->arena, &closure, &k->closure);
        }
        t->view = b.view;
        t->view.relative = false;
        {
                CLOSURES_LOCKED(c);

                learner_tell(c, t, &k->by);
                (void)pthread_rwlock_wrlock(&c->known_lock);
                had = imm_map_get(&c->programs[sure], at->path);
                if (!had)
                        imm_map_put(c->arena, &c->programs[sure], at->node->host, k);
                (void)pthread_rwlock_unlock(&c->known_lock);
        }
        learner_give(c, t);
        return had ? had : k;
}

static void add_known(struct builder *b, int program, const struct known_program *k) {
        const struct imm_closure *from = &k->closure;
        int *at = imm_alloc_array(b->arena, from->n, sizeof(*at));

        at[0] = program;
        for (size_t i = 1; i < from->n; i++) {
                const struct imm_need *n = &from->v[i];
                struct want w = {.name = n->name,
                        .kind = n->kind,
                        .confidence = n->confidence,
                        .reason = n->reason,
                        .by = at[n->by],
                        .tree = n->tree,
                        .created = n->created};

                at[i] = need_known(b, &w, n);
        }
        imm_array_foreach (d, &from->diags)
                *imm_array_push(b->arena, &b->closure->diags) = *d;
}

bool load_known(struct builder *b, int program, const struct place *at) {
        enum imm_confidence sure = b->closure->v[program].confidence;
        struct imm_closures *c = b->c;
        const struct known_program *k;

        if (!is_usual(b, at))
                return false;
        (void)pthread_rwlock_rdlock(&c->known_lock);
        k = imm_map_get(&c->programs[sure], at->path);
        (void)pthread_rwlock_unlock(&c->known_lock);
        if (!k)
                k = learn(c, at, sure);
        if (k->closure.n == 0 || !view_relies(&b->view, &k->by))
                return false;
        add_known(b, program, k);
        return true;
}
