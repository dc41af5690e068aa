/* Workflow commands of GitHub Actions: annotations, only on lines of the repository. */

#include "audit/owner.h"
#include "report/gate/gate.h"

static void escaped(FILE *f, const char *text, bool property) {
        for (const char *s = text; *s; s++)
                if (*s == '%')
                        fputs("%25", f);
                else if (*s == '\r')
                        fputs("%0D", f);
                else if (*s == '\n')
                        fputs("%0A", f);
                else if (property && *s == ':')
                        fputs("%3A", f);
                else if (property && *s == ',')
                        fputs("%2C", f);
                else {
                        char one[2] = {*s, 0};

                        if ((unsigned char)*s < 0x20 || *s == 0x7f)
                                imm_text_put(f, one);
                        else
                                putc(*s, f);
                }
}

static const char *body(
        const struct imm_gate_report *r, const struct imm_gate_item *i, struct imm_arena *a) {
        const struct imm_state_finding *x = i->finding;
        const char *s = imm_printf(a, "%s: %s", i->unit->unit, imm_gate_title(r, x));

        for (size_t k = 0; k < x->evidence.n; k++)
                s = imm_printf(a, "%s\n%s", s, x->evidence.v[k]);
        if (x->remedy)
                s = imm_printf(a, "%s\nRemedy: %s", s, x->remedy);
        return x->owner ? imm_printf(a, "%s\nOwner: %s", s, imm_owner_line(i->unit, x, a)) : s;
}

void imm_gate_github(const struct imm_gate_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const struct imm_gate *g = r->gate;

        imm_array_foreach (i, &g->items) {
                const struct imm_state_finding *x = i->finding;

                if (i->state == IMM_GATE_ACCEPTED || i->state == IMM_GATE_KNOWN)
                        continue;
                if (x->severity == IMM_SEVERITY_INFO && i->state != IMM_GATE_FAILS)
                        continue;
                fputs(i->state == IMM_GATE_FAILS ? "::error " : "::warning ", f);
                if (imm_gate_in_repository(x->file)) {
                        fputs("file=", f);
                        escaped(f, x->file, true);
                        fprintf(f, ",line=%u,", x->line ? x->line : 1);
                }
                fputs("title=", f);
                escaped(f, x->rule ? x->rule : "finding", true);
                fputs("::", f);
                escaped(f, body(r, i, a), false);
                putc('\n', f);
        }
        imm_array_foreach (e, &g->excesses) {
                fputs("::error ", f);
                if (imm_gate_in_repository(e->unit->path)) {
                        fputs("file=", f);
                        escaped(f, e->unit->path, true);
                        fputs(",line=1,", f);
                }
                fprintf(f, "title=%s::", e->figure);
                escaped(f, e->unit->unit, false);
                fprintf(f, ": %s %d.%d is above %d.%d\n", e->figure, e->value / 10, e->value % 10,
                        e->limit / 10, e->limit % 10);
        }
        for (size_t i = 0; i < g->ended.n; i++) {
                fputs("::error title=waiver::", f);
                escaped(f, g->ended.v[i], false);
                putc('\n', f);
        }
}
