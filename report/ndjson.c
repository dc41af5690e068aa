#include "report/report.h"

struct where {
        FILE *f;
        const struct imm_report *r;
        const char *unit;
};

static void line(const struct where *w, const struct imm_change *c) {
        struct imm_json j = imm_json_on(w->f, IMM_JSON_SHORT);

        imm_json_object(&j, NULL);
        imm_json_string(&j, "host", w->r->now->host);
        imm_json_string(&j, "unit", w->unit);
        imm_json_string(&j, "what", c->what);
        imm_json_string(&j, "name", c->name);
        imm_json_string(&j, "before", c->before);
        imm_json_string(&j, "after", c->after);
        imm_json_string(&j, "verdict", imm_verdict_name(c->verdict));
        imm_json_end(&j);
}

static void finding(const struct where *w, const struct imm_state_finding *f, bool fresh) {
        struct imm_change c = {
                .what = "finding",
                .name = f->rule,
                .before = fresh ? NULL : imm_severity_name(f->severity),
                .after = fresh ? imm_severity_name(f->severity) : NULL,
                .verdict = fresh ? IMM_VERDICT_WORSE : IMM_VERDICT_BETTER,
        };

        line(w, &c);
}

void imm_report_ndjson(const struct imm_report *r, FILE *f) {
        if (!r->changes)
                return;
        imm_array_foreach (p, &r->changes->units) {
                const struct imm_unit_difference *u = *p;
                struct where w = {f, r, u->unit};

                if (!u->before || !u->after)
                        line(&w, &(struct imm_change){"unit", u->unit, u->before ? "there" : NULL,
                                         u->after ? "there" : NULL, u->verdict});
                imm_array_foreach (c, &u->scores)
                        line(&w, c);
                imm_array_foreach (c, &u->settings)
                        line(&w, c);
                imm_array_foreach (c, &u->checks)
                        line(&w, c);
                imm_array_foreach (c, &u->mounts)
                        line(&w, c);
                imm_array_foreach (c, &u->access)
                        line(&w, c);
                imm_array_foreach (c, &u->closure)
                        line(&w, c);
                imm_array_foreach (p_, &u->fresh)
                        finding(&w, *p_, true);
                imm_array_foreach (p_, &u->fixed)
                        finding(&w, *p_, false);
        }
}
