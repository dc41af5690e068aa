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
        const struct imm_gate_report *r, const struct imm_gate_group *g, struct imm_arena *a) {
        const struct imm_state_finding *x = g->items[0]->finding;
        const char *s = imm_printf(a, "%s: %s", imm_gate_units(g, a), imm_gate_title(r, x));

        for (size_t k = 0; k < x->evidence.n; k++)
                s = imm_printf(a, "%s\n%s", s, x->evidence.v[k]);
        if (x->remedy)
                s = imm_printf(a, "%s\nRemedy: %s", s, x->remedy);
        if (x->owner)
                s = imm_printf(a, "%s\nOwner: %s", s, imm_owner_line(g->items[0]->unit, x, a));
        return x->suppressed ? imm_printf(a, "%s\nAccepted: %s", s, x->suppressed) : s;
}

/* Whoever reads these lines finds "file=PATH,line=N::" in them: a title would stand between. It is
 * the message's beginning then. */
static void command(const struct imm_gate_report *r, FILE *f, const char *level, const char *file,
        unsigned line, const char *title) {
        fprintf(f, "::%s ", level);
        if (imm_gate_in_repository(r, file)) {
                fputs("file=", f);
                escaped(f, file, true);
                fprintf(f, ",line=%u::", line ? line : 1);
                escaped(f, title, false);
                fputs(": ", f);
                return;
        }
        fputs("title=", f);
        escaped(f, title, true);
        fputs("::", f);
        if (file) {
                escaped(f, file, false);
                fprintf(f, ":%u: ", line ? line : 1);
        }
}

static const char *level_of(const struct imm_gate_item *i) {
        if (i->state == IMM_GATE_FAILS)
                return "error";
        if (i->state == IMM_GATE_ACCEPTED)
                return "notice";
        if (i->state == IMM_GATE_KNOWN || i->finding->severity == IMM_SEVERITY_INFO)
                return NULL;
        return "warning";
}

static void line(FILE *f, const char *text) {
        escaped(f, text, false);
        putc('\n', f);
}

void imm_gate_github(const struct imm_gate_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const struct imm_gate *g = r->gate;
        struct imm_gate_groups groups;

        imm_array_foreach (p, r->problems) {
                command(r, f, "error", p->file, p->line, "not judged");
                line(f, p->message);
        }
        imm_gate_group(r, true, true, a, &groups);
        for (size_t i = 0; i < groups.n; i++) {
                const struct imm_state_finding *x = groups.v[i].items[0]->finding;
                const char *level = level_of(groups.v[i].items[0]);

                if (!level)
                        continue;
                command(r, f, level, x->file, x->line, x->rule ? x->rule : "finding");
                line(f, body(r, &groups.v[i], a));
        }
        imm_array_foreach (e, &g->excesses) {
                command(r, f, "error", e->unit->path, 1, e->figure);
                line(f, imm_printf(a, "%s: %s %d.%d is above %d.%d", e->unit->unit, e->figure,
                                e->value / 10, e->value % 10, e->limit / 10, e->limit % 10));
        }
        for (size_t i = 0; i < g->ended.n; i++) {
                command(r, f, "error", NULL, 0, "waiver");
                line(f, g->ended.v[i]);
        }
        for (size_t i = 0; i < g->notes.n; i++) {
                command(r, f, "notice", NULL, 0, "immure");
                line(f, g->notes.v[i]);
        }
}
