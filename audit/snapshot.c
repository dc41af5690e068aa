#include "audit/snapshot.h"

#include "audit/redact.h"
#include "base/map.h"

#include <assert.h>

static const char *const severity_names[] = {
        [IMM_SEVERITY_INFO] = "info",
        [IMM_SEVERITY_LOW] = "low",
        [IMM_SEVERITY_MEDIUM] = "medium",
        [IMM_SEVERITY_HIGH] = "high",
        [IMM_SEVERITY_CRITICAL] = "critical",
};
_Static_assert(IMM_ELEMENTSOF(severity_names) == IMM_SEVERITY_N, "one word per severity");

const char *imm_severity_name(enum imm_severity s) {
        return severity_names[s];
}

bool imm_severity_parse(const char *word, enum imm_severity *ret) {
        for (size_t i = 0; i < IMM_SEVERITY_N; i++)
                if (imm_streq(word, severity_names[i])) {
                        *ret = (enum imm_severity)i;
                        return true;
                }
        return false;
}

struct imm_snapshot *imm_snapshot_new(void) {
        struct imm_arena *a = imm_arena_new();
        struct imm_snapshot *s = imm_new(a, struct imm_snapshot);

        s->arena = a;
        return s;
}

struct imm_snapshot *imm_snapshot_free(struct imm_snapshot *s) {
        if (s)
                imm_arena_free(s->arena);
        return NULL;
}

struct imm_state *imm_snapshot_add(struct imm_snapshot *s, const char *unit) {
        struct imm_state *state = imm_new(s->arena, struct imm_state);

        *state = (struct imm_state){
                .unit = imm_strdup(s->arena, unit), .exposure = -1, .reach = -1, .visible = -1};
        *imm_array_push(s->arena, &s->states) = state;
        return state;
}

/* Files of one name in two folders are two units of one name */
static int by_unit(const void *a, const void *b) {
        const struct imm_state *x = *(struct imm_state *const *)a;
        const struct imm_state *y = *(struct imm_state *const *)b;
        int r = imm_strcmp(x->unit, y->unit);

        return r ? r : imm_strcmp(x->path, y->path);
}

static int by_setting(const void *a, const void *b) {
        return imm_strcmp(((const struct imm_state_setting *)a)->name,
                ((const struct imm_state_setting *)b)->name);
}

static int by_check(const void *a, const void *b) {
        return imm_strcmp(
                ((const struct imm_state_check *)a)->id, ((const struct imm_state_check *)b)->id);
}

static int by_mount(const void *a, const void *b) {
        return imm_strcmp(((const struct imm_state_mount *)a)->path,
                ((const struct imm_state_mount *)b)->path);
}

static int by_access(const void *a, const void *b) {
        return imm_strcmp(((const struct imm_state_access *)a)->path,
                ((const struct imm_state_access *)b)->path);
}

static int by_need(const void *a, const void *b) {
        return imm_strcmp(
                ((const struct imm_state_need *)a)->path, ((const struct imm_state_need *)b)->path);
}

static int by_finding(const void *a, const void *b) {
        const struct imm_state_finding *f = a, *g = b;
        int r = (int)g->severity - (int)f->severity;

        if (r == 0)
                r = imm_strcmp(f->scorecard, g->scorecard);
        if (r == 0)
                r = imm_strcmp(f->rule, g->rule);
        if (r == 0)
                r = imm_strcmp(f->setting, g->setting);
        if (r == 0)
                r = imm_strcmp(f->subject, g->subject);
        if (r == 0)
                r = imm_strcmp(f->file, g->file);
        return r ? r : (f->line > g->line) - (f->line < g->line);
}

/* Most of it is made in order. */
static void sort(void *v, size_t n, size_t size, int (*by)(const void *, const void *)) {
        for (size_t i = 1; i < n; i++)
                if (by((const char *)v + (i - 1) * size, (const char *)v + i * size) > 0) {
                        qsort(v, n, size, by);
                        return;
                }
}

void imm_state_sort(struct imm_state *u) {
        sort(u->settings.v, u->settings.n, sizeof(*u->settings.v), by_setting);
        sort(u->checks.v, u->checks.n, sizeof(*u->checks.v), by_check);
        sort(u->mounts.v, u->mounts.n, sizeof(*u->mounts.v), by_mount);
        sort(u->access.v, u->access.n, sizeof(*u->access.v), by_access);
        sort(u->needs.v, u->needs.n, sizeof(*u->needs.v), by_need);
        sort(u->findings.v, u->findings.n, sizeof(*u->findings.v), by_finding);
        imm_strv_sort_unique(&u->excess);
        imm_strv_sort_unique(&u->missing);
}

void imm_snapshot_sort(struct imm_snapshot *s) {
        sort(s->states.v, s->states.n, sizeof(*s->states.v), by_unit);
        imm_array_foreach (p, &s->states)
                imm_state_sort(*p);
}

struct imm_state *imm_snapshot_find(const struct imm_snapshot *s, const char *unit) {
        size_t low = 0, high = s->states.n;

        while (low < high) {
                size_t mid = low + (high - low) / 2;
                int r = strcmp(unit, s->states.v[mid]->unit);

                if (r == 0)
                        return s->states.v[mid];
                if (r < 0)
                        high = mid;
                else
                        low = mid + 1;
        }
        return NULL;
}

static void redact_setting(struct imm_arena *a, struct imm_state_setting *v) {
        static const char *const data[] = {"SetCredential", "SetCredentialEncrypted",
                "StandardInputData", "StandardInputText"};

        if (!v->value || !*v->value)
                return;
        for (size_t i = 0; i < IMM_ELEMENTSOF(data); i++)
                if (imm_streq(v->name, data[i])) {
                        v->value = "(redacted)";
                        return;
                }
        if (imm_streq(v->name, "Environment") || imm_streq(v->name, "UnsetEnvironment"))
                v->value = imm_redact_assignments(a, v->value);
        else if (imm_after(v->name, "Exec"))
                v->value = imm_redact_command(a, v->value);
        else
                v->value = imm_redact_text(a, v->value);
}

static void redact_lines(struct imm_arena *a, struct imm_strv *l) {
        for (size_t i = 0; i < l->n; i++)
                l->v[i] = imm_redact_text(a, l->v[i]);
}

void imm_state_redact(struct imm_state *s, struct imm_arena *a) {
        imm_array_foreach (v, &s->settings)
                redact_setting(a, v);
        imm_array_foreach (f, &s->findings) {
                redact_lines(a, &f->evidence);
                f->remedy = imm_redact_text(a, f->remedy);
                f->subject = imm_redact_text(a, f->subject);
        }
        redact_lines(a, &s->errors);
        s->load_message = imm_redact_text(a, s->load_message);
}

void imm_snapshot_redact(struct imm_snapshot *s) {
        imm_array_foreach (p, &s->states)
                imm_state_redact(*p, s->arena);
}

const char *imm_tenths_text(struct imm_arena *a, int tenths) {
        return tenths < 0 ? NULL : imm_printf(a, "%d.%d", tenths / 10, tenths % 10);
}

int imm_tenths_parse(const char *s) {
        int whole = 0;

        if (!s || *s < '0' || *s > '9')
                return -1;
        for (; *s >= '0' && *s <= '9'; s++) {
                whole = whole * 10 + (*s - '0');
                if (whole > 1000)
                        return -1;
        }
        if (*s == 0)
                return whole * 10;
        if (*s != '.' || s[1] < '0' || s[1] > '9' || s[2])
                return -1;
        return whole * 10 + (s[1] - '0');
}
