#include "report/gate/gate.h"

#include <sha256.h>

static const struct imm_rule *rule_of(
        const struct imm_gate_report *r, const struct imm_state_finding *f) {
        struct imm_scorecard *card =
                r->rules && f->scorecard ? imm_scorecard_by_name(r->rules, f->scorecard) : NULL;

        size_t from = 0, to = card && f->rule ? card->n_rules : 0;

        while (from < to) { /* to the first of that id */
                size_t i = from + (to - from) / 2;

                if (strcmp(card->rules[i]->id, f->rule) < 0)
                        from = i + 1;
                else
                        to = i;
        }
        if (card && f->rule && from < card->n_rules && imm_streq(card->rules[from]->id, f->rule))
                return card->rules[from];
        return NULL;
}

const char *imm_gate_title(const struct imm_gate_report *r, const struct imm_state_finding *f) {
        const struct imm_rule *rule = rule_of(r, f);

        if (rule && rule->title)
                return rule->title;
        return f->evidence.n > 0 ? f->evidence.v[0] : f->rule ? f->rule : "finding";
}

void imm_gate_fingerprint(const char *key, char ret[65]) {
        static const char digits[] = "0123456789abcdef";
        unsigned char d[SHA256_DIGEST_LENGTH];
        SHA256_CTX c;

        SHA256Init(&c);
        SHA256Update(&c, (const uint8_t *)key, strlen(key));
        SHA256Final(d, &c);
        for (size_t i = 0; i < sizeof(d); i++) {
                ret[2 * i] = digits[d[i] >> 4];
                ret[2 * i + 1] = digits[d[i] & 15];
        }
        ret[64] = 0;
}

const char *imm_gate_verdict(const struct imm_gate_report *r) {
        return !r->complete ? "incomplete" : r->gate->fails ? "failed" : "passed";
}

bool imm_gate_passed(const struct imm_gate_report *r) {
        return r->complete && !r->gate->fails;
}

/* ---- paths ---- */

static const char *without_dot(const char *path) {
        const char *rest;

        while ((rest = imm_after(path, "./")) && *rest)
                path = rest + strspn(rest, "/");
        return path;
}

/* The way from the repository's top to an absolute path in it; NULL: it is not in there */
static const char *from_top(const struct imm_gate_report *r, const char *path) {
        const char *rest = r->repository ? imm_after(path, r->repository) : NULL;

        return rest && *rest == '/' && rest[1] && !strstr(rest, "/../") ? rest + 1 : NULL;
}

const char *imm_gate_relative(const struct imm_gate_report *r, const char *path) {
        const char *rest = *path == '/' ? from_top(r, path) : NULL;

        return rest ? rest : without_dot(path);
}

/* A file that was named, or a drop-in beside it */
static bool was_given(const struct imm_gate_report *r, const char *path) {
        for (const char *const *p = r->given; p && *p; p++) {
                const char *rest = imm_after(path, *p);

                if (rest && (!*rest || imm_after(rest, ".d/")))
                        return true;
        }
        return false;
}

bool imm_gate_in_repository(const struct imm_gate_report *r, const char *path) {
        if (!path || !*path)
                return false;
        if (*path == '/')
                return r->repository ? from_top(r, path) != NULL : was_given(r, path);
        path = without_dot(path);
        return *path && !imm_streq(path, "..") && !imm_after(path, "../") && !strstr(path, "/../");
}

/* ---- groups ---- */

static int compare_lists(const struct imm_strv *a, const struct imm_strv *b) {
        for (size_t i = 0; i < a->n && i < b->n; i++) {
                int r = strcmp(a->v[i], b->v[i]);

                if (r)
                        return r;
        }
        return (a->n > b->n) - (a->n < b->n);
}

/* Failing before the others, then by severity */
static int rank(const struct imm_gate_item *a, const struct imm_gate_item *b) {
        int r = (int)a->state - (int)b->state;

        return r ? r : (int)b->finding->severity - (int)a->finding->severity;
}

static int alike(const struct imm_gate_item *a, const struct imm_gate_item *b, bool evidence) {
        const struct imm_state_finding *x = a->finding, *y = b->finding;
        int r = rank(a, b);

        r = r ? r : imm_strcmp(x->scorecard, y->scorecard);
        r = r ? r : imm_strcmp(x->rule, y->rule);
        r = r ? r : imm_strcmp(x->remedy, y->remedy);
        r = r ? r : imm_strcmp(x->suppressed, y->suppressed);
        r = r ? r : imm_strcmp(x->owner, y->owner);
        r = r ? r : imm_strcmp(x->subject, y->subject);
        /* what no rule explains is told by its evidence */
        return r || (!evidence && x->remedy) ? r : compare_lists(&x->evidence, &y->evidence);
}

static int same_place(const struct imm_gate_item *a, const struct imm_gate_item *b) {
        int r = imm_strcmp(a->finding->file, b->finding->file);

        return r ? r
                 : (a->finding->line > b->finding->line) - (a->finding->line < b->finding->line);
}

static int by_likeness(const void *a, const void *b) {
        const struct imm_gate_item *x = *(const struct imm_gate_item *const *)a;
        const struct imm_gate_item *y = *(const struct imm_gate_item *const *)b;
        int r = alike(x, y, true);

        r = r ? r : same_place(x, y);
        return r ? r : strcmp(x->key, y->key);
}

static int by_likeness_alone(const void *a, const void *b) {
        const struct imm_gate_item *x = *(const struct imm_gate_item *const *)a;
        const struct imm_gate_item *y = *(const struct imm_gate_item *const *)b;
        int r = alike(x, y, false);

        r = r ? r : same_place(x, y);
        return r ? r : strcmp(x->key, y->key);
}

static int by_place(const void *a, const void *b) {
        const struct imm_gate_item *x = *(const struct imm_gate_item *const *)a;
        const struct imm_gate_item *y = *(const struct imm_gate_item *const *)b;
        int r = same_place(x, y);

        r = r ? r : alike(x, y, true);
        return r ? r : strcmp(x->key, y->key);
}

void imm_gate_group(const struct imm_gate_report *r, bool evidence, bool place, struct imm_arena *a,
        struct imm_gate_groups *ret) {
        size_t n = r->gate->items.n;
        const struct imm_gate_item **all = imm_alloc_array(a, n, sizeof(*all));

        for (size_t i = 0; i < n; i++)
                all[i] = &r->gate->items.v[i];
        if (n > 1)
                qsort(all, n, sizeof(*all),
                        place      ? by_place
                        : evidence ? by_likeness
                                   : by_likeness_alone);
        *ret = (struct imm_gate_groups){imm_alloc_array(a, n, sizeof(*ret->v)), 0};
        for (size_t i = 0; i < n; i++) {
                struct imm_gate_group *g = ret->n > 0 ? &ret->v[ret->n - 1] : NULL;

                if (g && alike(g->items[0], all[i], evidence) == 0 &&
                        (!place || same_place(g->items[0], all[i]) == 0))
                        g->n++;
                else
                        ret->v[ret->n++] = (struct imm_gate_group){&all[i], 1};
        }
}

const char *imm_gate_units(const struct imm_gate_group *g, struct imm_arena *a) {
        struct imm_strv names = {0};

        for (size_t i = 0; i < g->n; i++)
                imm_strv_add(a, &names, g->items[i]->unit->unit);
        imm_strv_sort_unique(&names);
        if (names.n == 1)
                return names.v[0];
        if (names.n == 2)
                return imm_printf(a, "%s and %s", names.v[0], names.v[1]);
        if (names.n == 3)
                return imm_printf(a, "%s, %s and %s", names.v[0], names.v[1], names.v[2]);
        return imm_printf(a, "%s, %s and %zu more", names.v[0], names.v[1], names.n - 2);
}
