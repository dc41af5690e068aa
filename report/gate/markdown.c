/* For the comment under a pull request: what became better and worse, then what fails. */

#include "audit/owner.h"
#include "report/gate/gate.h"

static void cell(FILE *f, const char *text, struct imm_arena *a) {
        for (const char *s = imm_text_escape(a, text ? text : ""); *s; s++)
                if (strchr("\\`*_{}[]<>()#+!|~&", *s))
                        fprintf(f, "&#%d;", *s);
                else
                        putc(*s, f);
}

static void figures(
        FILE *f, const struct imm_unit_difference *u, const char *name, struct imm_arena *a) {
        imm_array_foreach (c, &u->scores)
                if (imm_streq(c->name, name)) {
                        fprintf(f, "%s → %s", c->before ? c->before : "–",
                                c->after ? c->after : "–");
                        return;
                }
        fputs("same", f);
}

static void rules(
        FILE *f, const struct imm_state_finding *const *v, size_t n, struct imm_arena *a) {
        enum { MOST = 6 };
        size_t shown = 0;

        for (size_t i = 0; i < n; i++) {
                if (v[i]->severity == IMM_SEVERITY_INFO)
                        continue; /* figures tell of those */
                if (++shown > MOST)
                        continue;
                fputs(shown > 1 ? ", " : "", f);
                cell(f, v[i]->rule, a);
        }
        if (shown > MOST)
                fprintf(f, " and %zu more", shown - MOST);
}

static void changes(const struct imm_gate *g, FILE *f, struct imm_arena *a) {
        if (g->difference->units.n == 0) {
                fputs("Nothing became better or worse.\n", f);
                return;
        }
        fprintf(f, "On the whole: **%s**.\n\n", imm_verdict_name(g->verdict));
        fputs("| Unit | Verdict | Exposure | Reach | New findings | Fixed |\n| --- | --- | --- | "
              "--- | --- | --- |\n",
                f);
        imm_array_foreach (p, &g->difference->units) {
                const struct imm_unit_difference *u = *p;

                fputs("| ", f);
                cell(f, u->unit, a);
                fprintf(f, " | %s | ", imm_verdict_name(u->verdict));
                figures(f, u, "exposure", a);
                fputs(" | ", f);
                figures(f, u, "reach", a);
                fputs(" | ", f);
                rules(f, u->fresh.v, u->fresh.n, a);
                fputs(" | ", f);
                rules(f, u->fixed.v, u->fixed.n, a);
                fputs(" |\n", f);
        }
}

/* The lines of a group, a few of them */
static void places(FILE *f, const struct imm_gate_group *g, struct imm_arena *a) {
        enum { MOST = 4 };

        for (size_t i = 0; i < g->n && i < MOST; i++) {
                const struct imm_gate_item *item = g->items[i];

                fputs(i > 0 ? "<br>" : "", f);
                cell(f, item->finding->file ? item->finding->file : item->unit->unit, a);
                fprintf(f, ":%u", item->finding->line);
        }
        if (g->n > MOST)
                fprintf(f, "<br>and %zu more", g->n - MOST);
}

static void code(FILE *f, const char *text, struct imm_arena *a) {
        for (const char *end; text && *text; text = *end ? end + 1 : end) {
                end = strchrnul(text, '\n');
                fputs("<code>", f);
                cell(f, imm_strndup(a, text, (size_t)(end - text)), a);
                fputs(*end ? "</code><br>" : "</code>", f);
        }
}

static void table(const struct imm_gate_report *r, FILE *f, enum imm_gate_state state,
        const char *title, const char *last, struct imm_arena *a) {
        struct imm_gate_groups groups;

        if (r->gate->counts[state] == 0)
                return;
        fprintf(f,
                "\n### %s\n\n| Where | Severity | Unit | Finding | %s | Owner |\n| --- | --- | --- "
                "| --- | --- | "
                "--- |\n",
                title, last);
        imm_gate_group(r, false, false, a, &groups);
        for (size_t i = 0; i < groups.n; i++) {
                const struct imm_gate_item *first = groups.v[i].items[0];
                const struct imm_state_finding *x = first->finding;

                if (first->state != state)
                        continue;
                fputs("| ", f);
                places(f, &groups.v[i], a);
                fprintf(f, " | %s | ", imm_severity_name(x->severity));
                cell(f, imm_gate_units(&groups.v[i], a), a);
                fputs(" | ", f);
                cell(f, imm_gate_title(r, x), a);
                fputs(" | ", f);
                if (state == IMM_GATE_ACCEPTED)
                        cell(f, x->suppressed, a);
                else
                        code(f, x->remedy, a);
                fputs(" | ", f);
                cell(f, imm_owner_line(first->unit, x, a), a);
                fputs(" |\n", f);
        }
}

static void list(FILE *f, const char *title, const struct imm_strv *l, struct imm_arena *a) {
        if (l->n == 0)
                return;
        fprintf(f, "\n### %s\n\n", title);
        for (size_t i = 0; i < l->n; i++) {
                fputs("- ", f);
                cell(f, l->v[i], a);
                putc('\n', f);
        }
}

static void excesses(const struct imm_gate *g, struct imm_strv *to, struct imm_arena *a) {
        imm_array_foreach (e, &g->excesses)
                imm_strv_add(a, to,
                        imm_printf(a, "%s: %s %d.%d is above %s %d.%d", e->unit->unit, e->figure,
                                e->value / 10, e->value % 10,
                                e->of_baseline ? "the baseline's" : "the limit", e->limit / 10,
                                e->limit % 10));
}

void imm_gate_markdown(const struct imm_gate_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const struct imm_gate *g = r->gate;
        struct imm_strv high = {0}, problems = {0};

        fprintf(f,
                "## immure: %s\n\n%zu units; %zu findings fail, %zu below the line, %zu known, %zu "
                "accepted.\n\n",
                imm_gate_verdict(r), g->now->states.n, g->counts[IMM_GATE_FAILS],
                g->counts[IMM_GATE_BELOW], g->counts[IMM_GATE_KNOWN], g->counts[IMM_GATE_ACCEPTED]);
        if (g->difference)
                changes(g, f, a);
        imm_array_foreach (p, r->problems)
                imm_strv_add(a, &problems,
                        p->file ? imm_printf(a, "%s:%u: %s", p->file, p->line, p->message)
                                : p->message);
        list(f, "What could not be judged", &problems, a);
        table(r, f, IMM_GATE_FAILS, "What fails", "Remedy", a);
        excesses(g, &high, a);
        list(f, "Figures above their limit", &high, a);
        list(f, "Waivers that are over", &g->ended, a);
        table(r, f, IMM_GATE_ACCEPTED, "What waivers accept", "Reason", a);
        list(f, "Notes", &g->notes, a);
}
