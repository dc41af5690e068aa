/* JUnit XML: a test suite per unit, a test case per finding that fails, is known or was accepted.
 */

#include "audit/owner.h"
#include "report/gate/gate.h"

/* Text and attributes alike; what XML 1.0 cannot hold comes out as imm_text_escape() writes it. */
static void xml(FILE *f, const char *text, struct imm_arena *a) {
        for (const char *s = imm_text_escape(a, text ? text : ""); *s; s++)
                switch (*s) {
                case '&':
                        fputs("&amp;", f);
                        break;
                case '<':
                        fputs("&lt;", f);
                        break;
                case '>':
                        fputs("&gt;", f);
                        break;
                case '"':
                        fputs("&quot;", f);
                        break;
                case '\'':
                        fputs("&apos;", f);
                        break;
                default:
                        putc(*s, f);
                }
}

struct tally {
        size_t tests, failures, skipped, errors;
};

static bool of_unit(const struct imm_gate_item *i, const struct imm_state *s) {
        return i->unit == s;
}

static struct tally count(const struct imm_gate *g, const struct imm_state *s) {
        struct tally t = {0};

        imm_array_foreach (i, &g->items) {
                if (!of_unit(i, s) || i->state == IMM_GATE_BELOW)
                        continue;
                t.tests++;
                t.failures += i->state == IMM_GATE_FAILS;
                t.skipped += i->state != IMM_GATE_FAILS;
        }
        imm_array_foreach (e, &g->excesses)
                if (e->unit == s)
                        t.tests++, t.failures++;
        t.errors = s->errors.n > 0;
        t.tests += t.errors;
        if (t.tests == 0)
                t.tests = 1; /* a clean unit is a passed test, not nothing */
        return t;
}

static void put_case(FILE *f, const struct imm_state *s, const char *name, struct imm_arena *a) {
        fputs("    <testcase classname=\"", f);
        xml(f, s->unit, a);
        fputs("\" name=\"", f);
        xml(f, name, a);
        putc('"', f);
}

static void put_item(const struct imm_gate_report *r, FILE *f, const struct imm_gate_item *i,
        struct imm_arena *a) {
        const struct imm_state_finding *x = i->finding;

        put_case(f, i->unit,
                imm_printf(a, "%s/%s", x->scorecard ? x->scorecard : "immure",
                        x->rule ? x->rule : "finding"),
                a);
        if (x->file) {
                fputs(" file=\"", f);
                xml(f, imm_gate_relative(x->file), a);
                fprintf(f, "\" line=\"%u\"", x->line);
        }
        fputs(">\n", f);
        if (i->state == IMM_GATE_FAILS) {
                fprintf(f, "      <failure type=\"%s\" message=\"", imm_severity_name(x->severity));
                xml(f, imm_gate_title(r, x), a);
                fputs("\">", f);
                for (size_t k = 0; k < x->evidence.n; k++) {
                        xml(f, x->evidence.v[k], a);
                        putc('\n', f);
                }
                if (x->remedy) {
                        fputs("Remedy: ", f);
                        xml(f, x->remedy, a);
                        putc('\n', f);
                }
                if (x->owner) {
                        fputs("Owner: ", f);
                        xml(f, imm_owner_line(i->unit, x, a), a);
                }
                fputs("</failure>\n", f);
        } else {
                fputs("      <skipped message=\"", f);
                xml(f, i->state == IMM_GATE_ACCEPTED ? x->suppressed : "known in the baseline", a);
                fputs("\"/>\n", f);
        }
        fputs("    </testcase>\n", f);
}

static void put_suite(
        const struct imm_gate_report *r, FILE *f, const struct imm_state *s, struct imm_arena *a) {
        const struct imm_gate *g = r->gate;
        struct tally t = count(g, s);

        fputs("  <testsuite name=\"", f);
        xml(f, s->unit, a);
        fprintf(f, "\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n", t.tests,
                t.failures, t.errors, t.skipped);
        if (t.failures + t.skipped + t.errors == 0) {
                put_case(f, s, "gate", a);
                fputs("/>\n", f);
        }
        imm_array_foreach (i, &g->items)
                if (of_unit(i, s) && i->state != IMM_GATE_BELOW)
                        put_item(r, f, i, a);
        imm_array_foreach (e, &g->excesses) {
                if (e->unit != s)
                        continue;
                put_case(f, s, e->figure, a);
                fprintf(f,
                        ">\n      <failure type=\"limit\" message=\"%s %d.%d is above %d.%d\"/>\n  "
                        "  </testcase>\n",
                        e->figure, e->value / 10, e->value % 10, e->limit / 10, e->limit % 10);
        }
        if (t.errors) {
                put_case(f, s, "read", a);
                fputs(">\n      <error message=\"", f);
                xml(f, s->errors.v[0], a);
                fputs("\"/>\n    </testcase>\n", f);
        }
        fputs("  </testsuite>\n", f);
}

void imm_gate_junit(const struct imm_gate_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const struct imm_gate *g = r->gate;
        struct tally all = {0};

        imm_array_foreach (s, &g->now->states) {
                struct tally t = count(g, *s);

                all.tests += t.tests;
                all.failures += t.failures;
                all.skipped += t.skipped;
                all.errors += t.errors;
        }
        fprintf(f,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"immure\" "
                "tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n",
                all.tests, all.failures, all.errors, all.skipped);
        imm_array_foreach (s, &g->now->states)
                put_suite(r, f, *s, a);
        fputs("</testsuites>\n", f);
}
