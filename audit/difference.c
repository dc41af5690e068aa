#include "audit/difference-private.h"

#include "audit/addresses.h"

#include <ctype.h>

const char *imm_verdict_name(enum imm_verdict v) {
        static const char *const names[] = {
                [IMM_VERDICT_SAME] = "same",
                [IMM_VERDICT_CHANGED] = "changed",
                [IMM_VERDICT_BETTER] = "better",
                [IMM_VERDICT_WORSE] = "worse",
                [IMM_VERDICT_NEW] = "new",
                [IMM_VERDICT_GONE] = "gone",
        };

        return names[v];
}

struct work {
        struct imm_arena *a;
        struct imm_unit_difference *to;
        const struct imm_judges *judges;
};

/* Nothing is netted out: worse beats better beats changed. The enum is in that order. */
static enum imm_verdict graver(enum imm_verdict a, enum imm_verdict b) {
        return a > b ? a : b;
}

/* Walks two sorted arrays side by side; each key meets @each once, with NULL where a side lacks it.
 */
static void merge(struct work *w, const void *a, size_t n_a, const void *b, size_t n_b, size_t size,
        const char *(*key)(const void *item),
        void (*each)(struct work *w, const void *before, const void *after)) {
        const char *p = a, *q = b;
        size_t i = 0, k = 0;

        while (i < n_a || k < n_b) {
                int r = i == n_a   ? 1
                        : k == n_b ? -1
                                   : imm_strcmp(key(p + i * size), key(q + k * size));

                each(w, r <= 0 ? p + i * size : NULL, r >= 0 ? q + k * size : NULL);
                i += r <= 0;
                k += r >= 0;
        }
}

#define MERGE(w, before, after, list, key, each) \
        merge((w), (before)->list.v, (before)->list.n, (after)->list.v, (after)->list.n, \
                sizeof(*(before)->list.v), (key), (each))

static const char *setting_key(const void *item) {
        return ((const struct imm_state_setting *)item)->name;
}

static const char *value_of(const struct imm_state *s, const char *name) {
        imm_array_foreach (i, &s->settings)
                if (imm_streq(i->name, name))
                        return i->value;
        return NULL;
}

/* Only of what is denied does it matter what is allowed. */
static bool denies_all(const struct imm_state *s) {
        return imm_addresses_compare(value_of(s, "IPAddressDeny"), "0.0.0.0/0 ::/0") ==
               IMM_VERDICT_SAME;
}

/* Of most settings findings and access say what they mean; no rule is about one address. */
static enum imm_verdict setting_verdict(
        const struct work *w, const char *name, const char *before, const char *after) {
        enum imm_verdict v = IMM_VERDICT_CHANGED;

        if (imm_streq(name, "IPAddressAllow") && denies_all(w->to->before) &&
                denies_all(w->to->after))
                v = imm_addresses_compare(before, after);
        return v == IMM_VERDICT_SAME ? IMM_VERDICT_CHANGED : v;
}

static void setting(struct work *w, const void *before, const void *after) {
        const struct imm_state_setting *a = before, *b = after;
        const char *x = a ? a->value : NULL, *y = b ? b->value : NULL;

        if (a && b && imm_strcmp(x, y) == 0)
                return;
        *imm_array_push(w->a, &w->to->settings) = (struct imm_change){"setting",
                a ? a->name : b->name, x, y, setting_verdict(w, a ? a->name : b->name, x, y)};
}

static const char *check_key(const void *item) {
        return ((const struct imm_state_check *)item)->id;
}

/* What a check costs in tenths: nothing when it is met; -1: it does not apply */
static int cost(const struct imm_state_check *c) {
        return !c ? -1 : c->exposure >= 0 ? c->exposure : c->set == 1 ? 0 : -1;
}

static enum imm_verdict risen(int before, int after) {
        return before < 0 || after < 0 ? IMM_VERDICT_CHANGED
               : after > before        ? IMM_VERDICT_WORSE
                                       : IMM_VERDICT_BETTER;
}

/* Is the setting of that name implied by another one in the state after? */
static bool is_implied(const struct work *w, const char *name) {
        imm_array_foreach (s, &w->to->after->settings)
                if (imm_streq(s->name, name))
                        return s->origin.kind && imm_streq(s->origin.kind, "implied");
        return false;
}

static void check(struct work *w, const void *before, const void *after) {
        const struct imm_state_check *a = before, *b = after;
        int x = cost(a), y = cost(b);

        if (x == y)
                return;
        *imm_array_push(w->a, &w->to->checks) = (struct imm_change){
                .what = "check",
                .name = a ? a->id : b->id,
                .before = imm_tenths_text(w->a, x),
                .after = imm_tenths_text(w->a, y),
                /* ProtectClock= brings a DeviceAllow= that systemd counts: nothing was gained */
                .verdict =
                        (b && y > x && is_implied(w, b->id)) ||
                                        !imm_judges_agree(w->judges, "systemd", a ? a->id : b->id)
                                ? IMM_VERDICT_CHANGED
                                : risen(x, y),
        };
}

static const char *mount_key(const void *item) {
        return ((const struct imm_state_mount *)item)->path;
}

static const char *mount_text(struct imm_arena *a, const struct imm_state_mount *m) {
        if (!m)
                return NULL;
        return imm_printf(a, "%s %s %s%s%s%s", m->fstype ? m->fstype : "?",
                m->source ? m->source : "-", m->read_only ? "ro" : "rw", m->nosuid ? ",nosuid" : "",
                m->nodev ? ",nodev" : "", m->noexec ? ",noexec" : "");
}

/* A flag that protects: losing it is worse */
static enum imm_verdict flag(bool before, bool after) {
        return before == after ? IMM_VERDICT_SAME : after ? IMM_VERDICT_BETTER : IMM_VERDICT_WORSE;
}

static void mount_entry(struct work *w, const void *before, const void *after) {
        const struct imm_state_mount *a = before, *b = after;
        const char *x = mount_text(w->a, a), *y = mount_text(w->a, b);
        enum imm_verdict v = IMM_VERDICT_CHANGED;

        if (a && b) {
                if (imm_strcmp(x, y) == 0)
                        return;
                v = graver(v, flag(a->read_only, b->read_only));
                v = graver(v, flag(a->nosuid, b->nosuid));
                v = graver(v, flag(a->nodev, b->nodev));
                v = graver(v, flag(a->noexec, b->noexec));
        }
        *imm_array_push(w->a, &w->to->mounts) =
                (struct imm_change){"mount", a ? a->path : b->path, x, y, v};
}

static const char *access_key(const void *item) {
        return ((const struct imm_state_access *)item)->path;
}

static const char *access_text(struct imm_arena *a, const struct imm_state_access *c) {
        static const char words[] = "?-";

        if (!c)
                return NULL;
#define LETTER(field, letter) (c->field > 0 ? (letter) : words[c->field + 1])
        return imm_printf(a, "%s%c%c%c%s", c->exists == 0 ? "absent " : "", LETTER(read, 'r'),
                LETTER(write, 'w'), LETTER(execute, 'x'),
                c->connect < 0   ? "" /* of sockets alone */
                : c->connect > 0 ? "c"
                                 : "-");
#undef LETTER
}

static enum imm_verdict mode(int before, int after) {
        if (before == after)
                return IMM_VERDICT_SAME;
        if (before < 0 || after < 0)
                return IMM_VERDICT_CHANGED;
        return after ? IMM_VERDICT_WORSE : IMM_VERDICT_BETTER;
}

static void access_cell(struct work *w, const void *before, const void *after) {
        const struct imm_state_access *a = before, *b = after;
        const char *x = access_text(w->a, a), *y = access_text(w->a, b);
        enum imm_verdict v = IMM_VERDICT_CHANGED;

        if (a && b) {
                if (imm_strcmp(x, y) == 0)
                        return;
                v = graver(v, mode(a->read, b->read));
                v = graver(v, mode(a->write, b->write));
                v = graver(v, mode(a->execute, b->execute));
                v = graver(v, mode(a->connect, b->connect));
        }
        *imm_array_push(w->a, &w->to->access) =
                (struct imm_change){"access", a ? a->path : b->path, x, y, v};
}

/* ---- scores ---- */

static void score(struct work *w, const char *card, const char *name, int before, int after) {
        if (before == after)
                return;
        *imm_array_push(w->a, &w->to->scores) = (struct imm_change){
                .what = "score",
                .name = name,
                .before = imm_tenths_text(w->a, before),
                .after = imm_tenths_text(w->a, after),
                .verdict = imm_judges_agree(w->judges, card, NULL) ? risen(before, after)
                                                                   : IMM_VERDICT_CHANGED,
        };
}

/* What somebody wanted, or what is not known, fails nobody: from it and to it is neither side. */
static bool is_no_failure(const char *word) {
        return imm_streq(word, "masked") || imm_streq(word, "unknown");
}

static void state_word(
        struct work *w, const char *name, const char *before, const char *after, const char *good) {
        enum imm_verdict v = IMM_VERDICT_CHANGED;

        if (imm_strcmp(before, after) == 0)
                return;
        if (before && after && imm_streq(after, good) && !is_no_failure(before))
                v = IMM_VERDICT_BETTER;
        else if (before && after && imm_streq(before, good) && !is_no_failure(after))
                v = IMM_VERDICT_WORSE;
        *imm_array_push(w->a, &w->to->scores) =
                (struct imm_change){"state", name, before, after, v};
}

/* ---- findings ---- */

/* Is what ends at @end the name of a file that has numbered lines? */
static bool is_file(const char *s, const char *end) {
        static const char *const suffixes[] = {".conf", ".service", ".socket", ".mount", ".swap",
                ".timer", ".path", ".slice", ".scope", ".target", ".automount", ".device"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(suffixes); i++) {
                size_t n = strlen(suffixes[i]);

                if ((size_t)(end - s) > n && strncmp(end - n, suffixes[i], n) == 0)
                        return true;
        }
        return false;
}

/* "overridden by x.service:27" stays the same when lines move. */
static const char *without_lines(struct imm_arena *a, const char *s) {
        char *copy, *to;

        if (!s || !strchr(s, ':'))
                return s ? s : "";
        copy = to = imm_alloc(a, strlen(s) + 1);
        for (const char *p = s; *p; p++) {
                *to++ = *p;
                if (*p == ':' && is_file(s, p))
                        while (isdigit((unsigned char)p[1]))
                                p++;
        }
        return copy;
}

const char *imm_finding_key(
        struct imm_arena *a, const char *unit, const struct imm_state_finding *f) {
        return imm_printf(a, "%s\n%s\n%s\n%s\n%s", unit, f->scorecard ? f->scorecard : "",
                f->rule ? f->rule : "", f->setting ? f->setting : "", without_lines(a, f->subject));
}

struct keyed {
        const char *key;
        const struct imm_state_finding *f;
};

static int by_key(const void *a, const void *b) {
        return strcmp(((const struct keyed *)a)->key, ((const struct keyed *)b)->key);
}

static struct keyed *keyed(struct imm_arena *a, const struct imm_state *s) {
        struct keyed *k = imm_alloc_array(a, s->findings.n, sizeof(*k));

        for (size_t i = 0; i < s->findings.n; i++)
                k[i] = (struct keyed){
                        imm_finding_key(a, s->unit, &s->findings.v[i]), &s->findings.v[i]};
        if (s->findings.n > 1)
                qsort(k, s->findings.n, sizeof(*k), by_key);
        return k;
}

static const char *finding_key(const void *item) {
        return ((const struct keyed *)item)->key;
}

static void finding(struct work *w, const void *before, const void *after) {
        const struct imm_state_finding *a = before ? ((const struct keyed *)before)->f : NULL;
        const struct imm_state_finding *b = after ? ((const struct keyed *)after)->f : NULL;

        /* one that became graver, or lost its waiver, is a new one in the place of an old one; one
         * that somebody accepts now is still there */
        if (a && b && a->severity == b->severity && !a->suppressed == !b->suppressed)
                return;
        if (b && !b->suppressed)
                *imm_array_push(w->a, &w->to->fresh) = b;
        if (a && !a->suppressed && !(b && b->suppressed))
                *imm_array_push(w->a, &w->to->fixed) = a;
}

static bool says_the_same(const struct imm_state_finding *a, const struct imm_state_finding *b) {
        return imm_strcmp(a->scorecard, b->scorecard) == 0 && imm_strcmp(a->rule, b->rule) == 0 &&
               imm_strcmp(a->subject, b->subject) == 0 && a->severity == b->severity;
}

/* What is found still, and only to be changed elsewhere now: a drop-in has come that says more of
 * it. Neither new nor fixed. */
static void settle(struct imm_unit_difference *d) {
        size_t n = 0;

        imm_array_foreach (f, &d->fresh) {
                const struct imm_state_finding **twin = NULL;

                imm_array_foreach (g, &d->fixed)
                        if (!twin && says_the_same(*f, *g))
                                twin = g;
                if (!twin) {
                        d->fresh.v[n++] = *f;
                        continue;
                }
                memmove(twin, twin + 1,
                        (size_t)(d->fixed.v + d->fixed.n - twin - 1) * sizeof(*twin));
                d->fixed.n--;
        }
        d->fresh.n = n;
}

static void findings(
        struct work *w, const struct imm_state *before, const struct imm_state *after) {
        struct keyed *a = keyed(w->a, before), *b = keyed(w->a, after);

        merge(w, a, before->findings.n, b, after->findings.n, sizeof(*a), finding_key, finding);
        settle(w->to);
}

/* ---- a unit ---- */

/* A masked unit was: there is nothing that it could do. */
static bool was_judged(const struct imm_state *s) {
        return !s || !s->load || imm_streq(s->load, "loaded") || imm_streq(s->load, "masked");
}

static enum imm_verdict verdict_of(
        const struct imm_unit_difference *d, const struct imm_judges *judges) {
        enum imm_verdict v = IMM_VERDICT_SAME;

#define JUDGE(list) \
        imm_array_foreach (c, &d->list) \
        v = graver(v, c->verdict)
        JUDGE(settings);
        JUDGE(checks);
        JUDGE(mounts);
        JUDGE(access);
        JUDGE(closure);
        JUDGE(scores);
#undef JUDGE
        imm_array_foreach (f, &d->fixed)
                v = graver(v, (*f)->severity > IMM_SEVERITY_INFO &&
                                              imm_judges_agree(judges, (*f)->scorecard, (*f)->rule)
                                      ? IMM_VERDICT_BETTER
                                      : IMM_VERDICT_CHANGED);
        imm_array_foreach (f, &d->fresh) {
                bool eased = false;

                /* the same finding, graver before, is a relief */
                imm_array_foreach (g, &d->fixed)
                        eased |= imm_strcmp((*f)->rule, (*g)->rule) == 0 &&
                                 imm_strcmp((*f)->subject, (*g)->subject) == 0 &&
                                 imm_strcmp((*f)->setting, (*g)->setting) == 0 &&
                                 (*f)->severity < (*g)->severity;
                if (!was_judged(d->before) || /* then, nothing could be found */
                        !imm_judges_agree(judges, (*f)->scorecard, (*f)->rule))
                        v = graver(v, IMM_VERDICT_CHANGED);
                else if ((*f)->severity > IMM_SEVERITY_INFO)
                        v = graver(v, eased ? IMM_VERDICT_BETTER : IMM_VERDICT_WORSE);
                else
                        v = graver(v, IMM_VERDICT_CHANGED);
        }
        return v;
}

static void both(struct work *w, const struct imm_state *a, const struct imm_state *b) {
        MERGE(w, a, b, settings, setting_key, setting);
        MERGE(w, a, b, checks, check_key, check);
        MERGE(w, a, b, mounts, mount_key, mount_entry);
        MERGE(w, a, b, access, access_key, access_cell);
        if (a->closure_kind && b->closure_kind) /* what one side was not asked for is no change */
                imm_difference_closure(w->a, w->to, a, b);
        score(w, "systemd", "exposure", a->exposure, b->exposure);
        score(w, "reach", "reach", a->reach, b->reach);
        state_word(w, "load", a->load, b->load, "loaded");
        state_word(w, "outcome", a->outcome, b->outcome, "ok");
        findings(w, a, b);
}

static const char *state_key(const void *item) {
        return (*(struct imm_state *const *)item)->unit;
}

struct whole {
        struct work w; /* first: merge() hands it back */
        struct imm_difference *d;
};

static void unit(struct work *w, const void *before, const void *after) {
        struct imm_difference *d = ((struct whole *)w)->d;
        const struct imm_state *a = before ? *(struct imm_state *const *)before : NULL;
        const struct imm_state *b = after ? *(struct imm_state *const *)after : NULL;
        struct imm_unit_difference *u = imm_new(d->arena, struct imm_unit_difference);

        u->unit = a ? a->unit : b->unit;
        u->before = a;
        u->after = b;
        w->to = u;
        if (a && b) {
                both(w, a, b);
                u->verdict = verdict_of(u, w->judges);
                /* an upgrade explains what changed; by itself it changes nothing */
                if (u->verdict != IMM_VERDICT_SAME && a->package && b->package)
                        state_word(w, "package", a->package, b->package, "");
        } else {
                u->verdict = a ? IMM_VERDICT_GONE : IMM_VERDICT_NEW;
                score(w, "systemd", "exposure", a ? a->exposure : -1, b ? b->exposure : -1);
                score(w, "reach", "reach", a ? a->reach : -1, b ? b->reach : -1);
                if (b)
                        imm_array_foreach (f, &b->findings)
                                if (!f->suppressed)
                                        *imm_array_push(w->a, &u->fresh) = f;
                if (a)
                        imm_array_foreach (f, &a->findings)
                                if (!f->suppressed)
                                        *imm_array_push(w->a, &u->fixed) = f;
        }
        d->counts[u->verdict]++;
        if (u->verdict != IMM_VERDICT_SAME)
                *imm_array_push(d->arena, &d->units) = u;
}

struct imm_difference *imm_difference_of(
        const struct imm_snapshot *a, const struct imm_snapshot *b) {
        struct imm_arena *arena = imm_arena_new();
        struct imm_difference *d = imm_new(arena, struct imm_difference);
        struct whole whole = {{arena, NULL, &d->judges}, d};

        d->arena = arena;
        imm_judges_compare(arena, a, b, &d->judges);
        merge(&whole.w, a->states.v, a->states.n, b->states.v, b->states.n, sizeof(*a->states.v),
                state_key, unit);
        return d;
}

struct imm_difference *imm_difference_free(struct imm_difference *d) {
        if (d)
                imm_arena_free(d->arena);
        return NULL;
}

const struct imm_unit_difference *imm_difference_unit(
        const struct imm_difference *d, const char *name) {
        size_t low = 0, high = d->units.n;

        while (low < high) {
                size_t mid = low + (high - low) / 2;
                int r = strcmp(name, d->units.v[mid]->unit);

                if (r == 0)
                        return d->units.v[mid];
                if (r < 0)
                        high = mid;
                else
                        low = mid + 1;
        }
        return NULL;
}

/* ---- JSON ---- */

static void put_change(struct imm_json *j, const char *key, const struct imm_change *c) {
        imm_json_object(j, key);
        if (!key)
                imm_json_string(j, "name", c->name);
        imm_json_string(j, "before", c->before);
        imm_json_string(j, "after", c->after);
        imm_json_string(j, "verdict", imm_verdict_name(c->verdict));
        imm_json_end(j);
}

#define PUT_CHANGES(j, u, list) \
        do { \
                imm_json_array(j, #list); \
                imm_array_foreach (c_, &(u)->list) \
                        put_change(j, NULL, c_); \
                imm_json_end(j); \
        } while (0)

static void put_findings(struct imm_json *j, const char *key, const struct imm_state *s,
        const struct imm_state_finding *const *v, size_t n) {
        imm_json_array(j, key);
        for (size_t i = 0; i < n; i++)
                imm_finding_json(s, v[i], j);
        imm_json_end(j);
}

static void put_unit(struct imm_json *j, const struct imm_unit_difference *u) {
        imm_json_object(j, NULL);
        imm_json_string(j, "unit", u->unit);
        imm_json_string(j, "verdict", imm_verdict_name(u->verdict));
        PUT_CHANGES(j, u, settings);
        PUT_CHANGES(j, u, checks);
        imm_json_object(j, "findings");
        put_findings(j, "new", u->after, u->fresh.v, u->fresh.n);
        put_findings(j, "fixed", u->before, u->fixed.v, u->fixed.n);
        imm_json_end(j);
        PUT_CHANGES(j, u, mounts);
        PUT_CHANGES(j, u, access);
        PUT_CHANGES(j, u, closure);
        imm_array_foreach (c, &u->scores)
                put_change(j, c->name, c);
        imm_json_end(j);
}

void imm_difference_json(const struct imm_difference *d, struct imm_json *j) {
        struct imm_json_text text = {0};

        imm_json_array(j, "units");
        imm_array_foreach (u, &d->units) { /* each in memory first: many small pieces */
                struct imm_json part = imm_json_part(j, &text);

                text.n = 0;
                put_unit(&part, *u);
                imm_json_append(j, text.v, text.n);
        }
        imm_json_end(j);
        free(text.v);
}
