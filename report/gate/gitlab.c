/* GitLab's code quality report: an array of issues, each on a line of the repository. */

#include "audit/owner.h"
#include "report/gate/gate.h"

static const char *severity(enum imm_severity s) {
        static const char *const names[] = {"info", "minor", "major", "critical", "blocker"};

        return names[s];
}

/* What the one line of the description has no room for */
static const char *body(const struct imm_gate_item *i, struct imm_arena *a) {
        const struct imm_state_finding *x = i->finding;
        const char *s = "";

        for (size_t k = 0; k < x->evidence.n; k++)
                s = imm_printf(a, "%s%s\n", s, x->evidence.v[k]);
        if (x->remedy)
                s = imm_printf(a, "%sRemedy: %s\n", s, x->remedy);
        return x->owner ? imm_printf(a, "%sOwner: %s\n", s, imm_owner_line(i->unit, x, a)) : s;
}

struct issue {
        const char *description, *check, *key, *severity, *file, *body;
        unsigned line;
};

static void put(const struct imm_gate_report *r, struct imm_json *j, const struct issue *i) {
        char fingerprint[65];

        imm_gate_fingerprint(i->key, fingerprint);
        imm_json_object(j, NULL);
        imm_json_string(j, "description", i->description);
        imm_json_string(j, "check_name", i->check);
        imm_json_string(j, "fingerprint", fingerprint);
        imm_json_string(j, "severity", i->severity);
        if (i->body) {
                imm_json_object(j, "content");
                imm_json_string(j, "body", i->body);
                imm_json_end(j);
        }
        imm_json_object(j, "location");
        imm_json_string(j, "path", imm_gate_relative(r, i->file));
        imm_json_object(j, "lines");
        imm_json_uint(j, "begin", i->line ? i->line : 1);
        imm_json_end(j);
        imm_json_end(j);
        imm_json_end(j);
}

static void put_group(const struct imm_gate_report *r, struct imm_json *j,
        const struct imm_gate_group *g, struct imm_arena *a) {
        const struct imm_gate_item *first = g->items[0];
        const struct imm_state_finding *x = first->finding;
        struct issue i = {
                .check = imm_printf(a, "%s/%s", x->scorecard ? x->scorecard : "immure",
                        x->rule ? x->rule : "finding"),
                .key = first->key,
                .severity = severity(x->severity),
                .file = x->file,
                .line = x->line,
                .body = body(first, a),
        };

        i.description = imm_printf(a, "%s: %s", imm_gate_units(g, a), imm_gate_title(r, x));
        if (x->suppressed)
                i.description = imm_printf(a, "accepted, %s: %s", x->suppressed, i.description);
        put(r, j, &i);
}

/* A report has no other place for what is of no finding: the first line of the file it is about */
static void put_other(const struct imm_gate_report *r, struct imm_json *j, const char *check,
        const char *file, unsigned line, const char *text, const char *severity_word,
        struct imm_arena *a) {
        struct issue i = {text, check, imm_printf(a, "%s\n%s", check, text), severity_word,
                imm_gate_in_repository(r, file) ? file : ".immure", NULL, line};

        put(r, j, &i);
}

void imm_gate_gitlab(const struct imm_gate_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_json j = imm_json_on(f, IMM_JSON_PRETTY);
        const struct imm_gate *g = r->gate;
        struct imm_gate_groups groups;

        imm_gate_group(r, true, true, a, &groups);
        imm_json_array(&j, NULL);
        for (size_t i = 0; i < groups.n; i++) {
                const struct imm_gate_item *first = groups.v[i].items[0];

                if (imm_gate_in_repository(r, first->finding->file) &&
                        (first->finding->severity > IMM_SEVERITY_INFO ||
                                first->state == IMM_GATE_FAILS || first->finding->suppressed))
                        put_group(r, &j, &groups.v[i], a);
        }
        imm_array_foreach (e, &g->excesses)
                put_other(r, &j, imm_printf(a, "immure/%s", e->figure), e->unit->path, 1,
                        imm_printf(a, "%s: %s %d.%d is above %d.%d", e->unit->unit, e->figure,
                                e->value / 10, e->value % 10, e->limit / 10, e->limit % 10),
                        "blocker", a);
        for (size_t i = 0; i < g->ended.n; i++)
                put_other(r, &j, "immure/waiver", NULL, 1, g->ended.v[i], "blocker", a);
        for (size_t i = 0; i < g->notes.n; i++)
                put_other(r, &j, "immure/note", NULL, 1, g->notes.v[i], "info", a);
        imm_array_foreach (p, r->problems)
                put_other(r, &j, "immure/not-judged", p->file, p->line,
                        p->file ? imm_printf(a, "%s: %s", p->file, p->message) : p->message,
                        "blocker", a);
        imm_json_end(&j);
}
