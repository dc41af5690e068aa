/*
 * JUnit XML as CI systems read it: a test suite per unit, a test case per finding that fails, is
 * known or was accepted; what could not be judged is an error, never a passed test.
 */

#include "audit/owner.h"
#include "report/gate/gate.h"

struct tally {
        size_t tests, failures, skipped, errors;
};

/* A unit with what there is to say about it */
struct suite {
        const struct imm_state *unit;
        const struct imm_gate_item **items;
        size_t n;
        struct tally tally;
};

static int by_unit(const void *a, const void *b) {
        const struct imm_gate_item *x = *(const struct imm_gate_item *const *)a;
        const struct imm_gate_item *y = *(const struct imm_gate_item *const *)b;
        int r = strcmp(x->unit->unit, y->unit->unit);

        return r ? r : (x > y) - (x < y); /* within a unit they stand by place already */
}

static bool was_judged(const struct imm_state *s) {
        return imm_streq(s->load, "loaded") || imm_streq(s->load, "masked");
}

static void count(const struct imm_gate *g, struct suite *s) {
        struct tally *t = &s->tally;

        for (size_t i = 0; i < s->n; i++) {
                t->failures += s->items[i]->state == IMM_GATE_FAILS;
                t->skipped += s->items[i]->state != IMM_GATE_FAILS;
        }
        imm_array_foreach (e, &g->excesses)
                t->failures += e->unit == s->unit;
        t->errors = t->failures == 0 && !was_judged(s->unit);
        t->tests = t->failures + t->skipped + t->errors;
        if (t->tests == 0)
                t->tests = 1; /* a clean unit is a passed test, not nothing */
}

/* In order of the units' names, as both lists are */
static struct suite *suites_of(const struct imm_gate *g, struct imm_arena *a) {
        struct suite *all = imm_alloc_array(a, g->now->states.n, sizeof(*all));
        const struct imm_gate_item **items = imm_alloc_array(a, g->items.n, sizeof(*items));
        size_t n = 0, at = 0;

        imm_array_foreach (i, &g->items)
                if (i->state != IMM_GATE_BELOW)
                        items[n++] = i;
        if (n > 1)
                qsort(items, n, sizeof(*items), by_unit);
        for (size_t i = 0; i < g->now->states.n; i++) {
                struct suite *s = &all[i];

                s->unit = g->now->states.v[i];
                s->items = items + at;
                for (; at < n && items[at]->unit == s->unit; at++)
                        s->n++;
                count(g, s);
        }
        return all;
}

static void put_case(FILE *f, const char *class, const char *name) {
        fputs("    <testcase classname=\"", f);
        imm_text_put_markup(f, class);
        fputs("\" name=\"", f);
        imm_text_put_markup(f, name);
        putc('"', f);
}

/* Line by line, for a remedy is there to be pasted */
static void put_lines(FILE *f, const char *text) {
        for (const char *end; *text; text = *end ? end + 1 : end) {
                imm_auto_free char *line = NULL;

                end = strchrnul(text, '\n');
                line = strndup(text, (size_t)(end - text));
                if (!line)
                        imm_oom();
                imm_text_put_markup(f, line);
                putc('\n', f);
        }
}

static void put_failure(const struct imm_gate_report *r, FILE *f, const struct imm_gate_item *i,
        struct imm_arena *a) {
        const struct imm_state_finding *x = i->finding;

        fprintf(f, "      <failure type=\"%s\" message=\"", imm_severity_name(x->severity));
        imm_text_put_markup(f, imm_gate_title(r, x));
        fputs("\">", f);
        if (x->file) {
                imm_text_put_markup(f, imm_gate_relative(r, x->file));
                fprintf(f, ":%u\n", x->line);
        }
        for (size_t k = 0; k < x->evidence.n; k++)
                put_lines(f, x->evidence.v[k]);
        if (x->remedy) {
                fputs("Remedy:\n", f);
                put_lines(f, x->remedy);
        }
        if (x->owner) {
                fputs("Owner: ", f);
                put_lines(f, imm_owner_line(i->unit, x, a));
        }
        fputs("</failure>\n", f);
}

static void put_item(const struct imm_gate_report *r, FILE *f, const struct imm_gate_item *i,
        struct imm_arena *a) {
        const struct imm_state_finding *x = i->finding;
        const char *what = x->subject ? x->subject : x->setting;

        put_case(f, i->unit->unit,
                imm_printf(a, "%s/%s%s%s%s", x->scorecard ? x->scorecard : "immure",
                        x->rule ? x->rule : "finding", what ? " (" : "", what ? what : "",
                        what ? ")" : ""));
        fputs(">\n", f);
        if (i->state == IMM_GATE_FAILS)
                put_failure(r, f, i, a);
        else {
                fputs("      <skipped message=\"", f);
                if (i->state == IMM_GATE_ACCEPTED) {
                        fputs("accepted: ", f);
                        imm_text_put_markup(f, x->suppressed);
                } else
                        fputs("known in the baseline", f);
                fputs("\"/>\n", f);
        }
        fputs("    </testcase>\n", f);
}

static void put_attribute(FILE *f, const char *name, const char *value) {
        fprintf(f, " %s=\"", name);
        imm_text_put_markup(f, value);
        putc('"', f);
}

/* Readers that hold it against a schema know no more than these: lines stand in the text. */
static void put_head(
        FILE *f, const char *element, const char *name, const char *file, const struct tally *t) {
        bool suite = imm_streq(element, "  <testsuite");

        fputs(element, f);
        put_attribute(f, "name", name);
        fprintf(f, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"", t->tests, t->failures,
                t->errors);
        if (suite)
                fprintf(f, " skipped=\"%zu\"", t->skipped);
        if (file)
                put_attribute(f, "file", file);
        fputs(">\n", f);
}

static void put_suite(
        const struct imm_gate_report *r, FILE *f, const struct suite *s, struct imm_arena *a) {
        const struct tally *t = &s->tally;

        put_head(f, "  <testsuite", s->unit->unit,
                s->unit->path ? imm_gate_relative(r, s->unit->path) : NULL, t);
        if (t->failures + t->skipped + t->errors == 0) {
                put_case(f, s->unit->unit, "gate");
                fputs("/>\n", f);
        }
        for (size_t i = 0; i < s->n; i++)
                put_item(r, f, s->items[i], a);
        imm_array_foreach (e, &r->gate->excesses) {
                if (e->unit != s->unit)
                        continue;
                put_case(f, s->unit->unit, e->figure);
                fprintf(f,
                        ">\n      <failure type=\"limit\" message=\"%s %d.%d is above "
                        "%d.%d\"/>\n    </testcase>\n",
                        e->figure, e->value / 10, e->value % 10, e->limit / 10, e->limit % 10);
        }
        if (t->errors) {
                put_case(f, s->unit->unit, "read");
                fprintf(f, ">\n      <error type=\"%s\" message=\"it was not judged\"/>\n",
                        s->unit->load);
                fputs("    </testcase>\n", f);
        }
        fputs("  </testsuite>\n", f);
}

/* What is of no unit: waivers that are over, why the answer is not whole, what was left out */
static void put_gate(
        const struct imm_gate_report *r, FILE *f, const struct tally *t, struct imm_arena *a) {
        put_head(f, "  <testsuite", "immure", NULL, t);
        for (size_t i = 0; i < r->gate->ended.n; i++) {
                put_case(f, "immure", "waiver");
                fputs(">\n      <failure type=\"waiver\" message=\"", f);
                imm_text_put_markup(f, r->gate->ended.v[i]);
                fputs("\"/>\n    </testcase>\n", f);
        }
        imm_array_foreach (p, r->problems) {
                put_case(f, "immure", "judged");
                fputs(">\n      <error type=\"not-judged\" message=\"", f);
                imm_text_put_markup(
                        f, p->file ? imm_printf(a, "%s:%u: %s", p->file, p->line, p->message)
                                   : p->message);
                fputs("\"/>\n    </testcase>\n", f);
        }
        for (size_t i = 0; i < r->gate->notes.n; i++) {
                put_case(f, "immure", "note");
                fputs(">\n      <skipped message=\"", f);
                imm_text_put_markup(f, r->gate->notes.v[i]);
                fputs("\"/>\n    </testcase>\n", f);
        }
        fputs("  </testsuite>\n", f);
}

void imm_gate_junit(const struct imm_gate_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const struct imm_gate *g = r->gate;
        struct suite *suites = suites_of(g, a);
        struct tally own = {
                .failures = g->ended.n, .errors = r->problems->n, .skipped = g->notes.n};
        struct tally all;

        own.tests = own.failures + own.errors + own.skipped;
        all = own;
        for (size_t i = 0; i < g->now->states.n; i++) {
                all.tests += suites[i].tally.tests;
                all.failures += suites[i].tally.failures;
                all.skipped += suites[i].tally.skipped;
                all.errors += suites[i].tally.errors;
        }
        fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", f);
        put_head(f, "<testsuites", "immure", NULL, &all);
        for (size_t i = 0; i < g->now->states.n; i++)
                put_suite(r, f, &suites[i], a);
        if (own.tests > 0)
                put_gate(r, f, &own, a);
        fputs("</testsuites>\n", f);
}
