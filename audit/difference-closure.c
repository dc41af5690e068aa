#include "audit/difference-private.h"
#include "base/map.h"

#include <ctype.h>

static void add(struct imm_arena *a, struct imm_unit_difference *to, const char *before,
        const char *after) {
        *imm_array_push(a, &to->closure) = (struct imm_change){
                "closure", before ? before : after, before, after, IMM_VERDICT_CHANGED};
}

/* Both are sorted by path. */
static void add_needs(struct imm_arena *a, struct imm_unit_difference *to,
        const struct imm_state *before, const struct imm_state *after) {
        size_t i = 0, k = 0;

        while (i < before->needs.n || k < after->needs.n) {
                const char *x = i < before->needs.n ? before->needs.v[i].path : NULL;
                const char *y = k < after->needs.n ? after->needs.v[k].path : NULL;
                int r = i == before->needs.n ? 1 : k == after->needs.n ? -1 : imm_strcmp(x, y);

                if (r != 0)
                        add(a, to, r < 0 ? x : NULL, r > 0 ? y : NULL);
                i += r <= 0;
                k += r >= 0;
        }
}

/*
 * What stays of a path when its package is upgraded: the store hash and all digits are gone, so
 * that /nix/store/…-openssl-3.0.13 and …-openssl-3.0.14, libssl.so.1 and libssl.so.3 are the same
 * thing.
 */
static const char *stem(struct imm_arena *a, const char *path) {
        const char *store = imm_after(path, "/nix/store/");
        char *out, *p;

        if (store && strlen(store) > 33 && store[32] == '-')
                path = imm_printf(a, "/nix/store/%s", store + 33);
        out = p = imm_strdup(a, path);
        for (const char *s = path; *s; s++)
                if (!isdigit((unsigned char)*s) && !(*s == '.' && isdigit((unsigned char)s[1])))
                        *p++ = *s;
        *p = 0;
        return out;
}

struct stemmed {
        const char *stem;
        struct imm_change *change;
};

static int by_stem(const void *a, const void *b) {
        const struct stemmed *x = a, *y = b;
        int r = strcmp(x->stem, y->stem);

        if (r == 0) /* what is gone before what is new, then in order */
                r = (x->change->before == NULL) - (y->change->before == NULL);
        return r ? r : imm_strcmp(x->change->name, y->change->name);
}

static void join_upgrades(struct imm_arena *a, struct imm_unit_difference *d) {
        size_t n = 0;
        struct stemmed *s;

        if (d->closure.n < 2)
                return;
        s = imm_alloc_array(a, d->closure.n, sizeof(*s));
        for (size_t i = 0; i < d->closure.n; i++)
                s[i] = (struct stemmed){stem(a, d->closure.v[i].name), &d->closure.v[i]};
        qsort(s, d->closure.n, sizeof(*s), by_stem);
        for (size_t i = 0; i + 1 < d->closure.n; i++) {
                struct imm_change *gone = s[i].change, *fresh = s[i + 1].change;

                if (!imm_streq(s[i].stem, s[i + 1].stem) || gone->after || fresh->before)
                        continue;
                gone->after = fresh->after;
                fresh->name = NULL; /* taken */
                i++;
        }
        imm_array_foreach (c, &d->closure)
                if (c->name)
                        d->closure.v[n++] = *c;
        d->closure.n = n;
}

static int by_path(const void *path, const void *n) {
        return imm_strcmp(path, ((const struct imm_state_need *)n)->path);
}

static const char *package_of(const struct imm_state *s, const char *path) {
        const struct imm_state_need *n = path && s->needs.n ? bsearch(path, s->needs.v, s->needs.n,
                                                                      sizeof(*s->needs.v), by_path)
                                                            : NULL;

        return n ? n->package : NULL;
}

struct upgrade {
        struct imm_change *first; /* of its files that became another */
        size_t before, after;     /* how many files */
};

/* All files of a package of which one became another are one change, called by the package. */
static void join_packages(struct imm_arena *a, struct imm_unit_difference *d,
        const struct imm_state *before, const struct imm_state *after) {
        struct imm_map packages = {0};
        size_t n = 0;

        imm_array_foreach (c, &d->closure) {
                const char *x = package_of(before, c->before), *y = package_of(after, c->after);
                struct upgrade *u;

                if (!x || !y || !imm_streq(x, y) || imm_map_has(&packages, x))
                        continue;
                u = imm_new(a, struct upgrade);
                u->first = c;
                imm_map_put(a, &packages, x, u);
        }
        imm_array_foreach (c, &d->closure) {
                const char *x = package_of(before, c->before), *y = package_of(after, c->after);
                struct upgrade *u = x || y ? imm_map_get(&packages, x ? x : y) : NULL;

                if (!u || (x && y && !imm_streq(x, y)))
                        continue;
                u->before += c->before != NULL;
                u->after += c->after != NULL;
                c->name = c == u->first ? x : NULL;
        }
        for (size_t i = 0; i < packages.n; i++) {
                const struct upgrade *u = packages.v[i].value;

                if (u->before > 1)
                        u->first->before =
                                imm_printf(a, "%s (%zu files)", u->first->before, u->before);
                if (u->after > 1)
                        u->first->after =
                                imm_printf(a, "%s (%zu files)", u->first->after, u->after);
        }
        imm_array_foreach (c, &d->closure)
                if (c->name)
                        d->closure.v[n++] = *c;
        d->closure.n = n;
}

static void add_hidden(struct imm_arena *a, struct imm_unit_difference *to,
        const struct imm_strv *had, const struct imm_strv *has, enum imm_verdict verdict) {
        for (size_t i = 0; i < has->n; i++) {
                bool worse = verdict == IMM_VERDICT_WORSE;

                if (imm_strv_has(had, has->v[i]))
                        continue;
                *imm_array_push(a, &to->closure) = (struct imm_change){"missing", has->v[i],
                        worse ? NULL : "hidden", worse ? "hidden" : NULL, verdict};
        }
}

void imm_difference_closure(struct imm_arena *a, struct imm_unit_difference *to,
        const struct imm_state *before, const struct imm_state *after) {
        add_needs(a, to, before, after);
        join_upgrades(a, to);
        join_packages(a, to, before, after);
        add_hidden(a, to, &before->missing, &after->missing, IMM_VERDICT_WORSE);
        add_hidden(a, to, &after->missing, &before->missing, IMM_VERDICT_BETTER);
}
