#include "audit/owner.h"
#include "report/gate/gate.h"

static void strings(struct imm_json *j, const char *key, const struct imm_strv *l) {
        imm_json_array(j, key);
        for (size_t i = 0; i < l->n; i++)
                imm_json_string(j, NULL, l->v[i]);
        imm_json_end(j);
}

static void figure(struct imm_json *j, const char *key, int tenths) {
        char text[16];

        (void)snprintf(text, sizeof(text), "%d.%d", tenths / 10, tenths % 10);
        imm_json_string(j, key, tenths < 0 ? NULL : text);
}

static void waiver(struct imm_json *j, const struct imm_waiver *w, struct imm_arena *a) {
        imm_json_object(j, "waiver");
        imm_json_string(j, "file", w->file);
        imm_json_uint(j, "line", w->line);
        imm_json_string(j, "reason", w->reason);
        imm_json_string(j, "owner", w->owner);
        imm_json_string(j, "until", imm_day_text(a, w->until));
        imm_json_bool(j, "in_source", w->in_source);
        imm_json_end(j);
}

static void finding(const struct imm_gate_report *r, const struct imm_gate_item *i,
        struct imm_json *j, struct imm_arena *a, const void *data) {
        const struct imm_state_finding *x = i->finding;
        char fingerprint[65];

        (void)r;
        (void)data;
        imm_gate_fingerprint(i->key, fingerprint);
        imm_json_object(j, NULL);
        imm_json_string(j, "unit", i->unit->unit);
        imm_json_string(j, "rule", x->rule);
        imm_json_string(j, "scorecard", x->scorecard);
        imm_json_string(j, "setting", x->setting);
        imm_json_string(j, "severity", imm_severity_name(x->severity));
        imm_json_string(j, "confidence", x->confidence);
        strings(j, "evidence", &x->evidence);
        imm_json_string(j, "remedy", x->remedy);
        imm_json_string(j, "file", x->file);
        if (x->line)
                imm_json_uint(j, "line", x->line);
        else
                imm_json_null(j, "line");
        imm_owner_json(i->unit, x, j);
        imm_json_string(j, "state", imm_gate_state_name(i->state));
        imm_json_string(j, "suppressed", x->suppressed);
        if (i->waiver)
                waiver(j, i->waiver, a);
        imm_json_string(j, "fingerprint", fingerprint);
        imm_json_end(j);
}

void imm_gate_json(const struct imm_gate_report *r, bool pretty, FILE *f) {
        struct imm_json json = imm_json_on(f, pretty ? IMM_JSON_PRETTY : IMM_JSON_SHORT),
                        *j = &json;
        const struct imm_gate *g = r->gate;

        imm_json_object(j, NULL);
        imm_json_string(j, "schema", "immure.check/1");
        imm_json_bool(j, "passed", imm_gate_passed(r));
        imm_json_string(j, "verdict", imm_gate_verdict(r));
        imm_json_bool(j, "partial", g->now->partial);
        imm_json_array(j, "systemd");
        for (size_t i = 0; i < r->n_systemd; i++)
                imm_json_uint(j, NULL, r->systemd[i]);
        imm_json_end(j);
        imm_json_string(j, "compared", g->difference ? imm_verdict_name(g->verdict) : NULL);
        imm_json_string(j, "fail_on", imm_severity_name(g->options.fail_on));
        imm_json_array(j, "units");
        imm_array_foreach (p, &g->now->states) {
                imm_json_object(j, NULL);
                imm_json_string(j, "unit", (*p)->unit);
                imm_json_string(j, "path", (*p)->path);
                imm_json_string(j, "load", (*p)->load);
                figure(j, "exposure", (*p)->exposure);
                figure(j, "reach", (*p)->reach);
                strings(j, "errors", &(*p)->errors);
                imm_json_end(j);
        }
        imm_json_end(j);
        imm_json_array(j, "findings");
        imm_gate_items(r, j, finding, NULL);
        imm_json_end(j);
        imm_json_array(j, "excesses");
        imm_array_foreach (e, &g->excesses) {
                imm_json_object(j, NULL);
                imm_json_string(j, "unit", e->unit->unit);
                imm_json_string(j, "figure", e->figure);
                figure(j, "value", e->value);
                figure(j, "limit", e->limit);
                imm_json_bool(j, "of_baseline", e->of_baseline);
                imm_json_end(j);
        }
        imm_json_end(j);
        strings(j, "ended_waivers", &g->ended);
        strings(j, "notes", &g->notes);
        imm_json_array(j, "problems");
        imm_array_foreach (p, r->problems) {
                imm_json_object(j, NULL);
                imm_json_string(j, "file", p->file);
                if (p->line)
                        imm_json_uint(j, "line", p->line);
                else
                        imm_json_null(j, "line");
                imm_json_string(j, "message", p->message);
                imm_json_end(j);
        }
        imm_json_end(j);
        if (g->difference) {
                imm_json_object(j, "changes");
                imm_difference_json(g->difference, j);
                imm_json_end(j);
        }
        imm_json_end(j);
}
