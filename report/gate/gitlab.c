/* GitLab's code quality report: an array of issues. */

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

static void put(const struct imm_gate_report *r, struct imm_json *j, const struct imm_gate_item *i,
        struct imm_arena *a) {
        const struct imm_state_finding *x = i->finding;
        char fingerprint[65];

        imm_gate_fingerprint(i->key, fingerprint);
        imm_json_object(j, NULL);
        imm_json_string(
                j, "description", imm_printf(a, "%s: %s", i->unit->unit, imm_gate_title(r, x)));
        imm_json_string(j, "check_name",
                imm_printf(a, "%s/%s", x->scorecard ? x->scorecard : "immure",
                        x->rule ? x->rule : "finding"));
        imm_json_string(j, "fingerprint", fingerprint);
        imm_json_string(j, "severity", severity(x->severity));
        imm_json_object(j, "content");
        imm_json_string(j, "body", body(i, a));
        imm_json_end(j);
        imm_json_object(j, "location");
        imm_json_string(j, "path", imm_gate_relative(x->file ? x->file : i->unit->unit));
        imm_json_object(j, "lines");
        imm_json_uint(j, "begin", x->line ? x->line : 1);
        imm_json_end(j);
        imm_json_end(j);
        imm_json_end(j);
}

void imm_gate_gitlab(const struct imm_gate_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_json j = imm_json_on(f, IMM_JSON_PRETTY);

        imm_json_array(&j, NULL);
        imm_array_foreach (i, &r->gate->items)
                if (i->state != IMM_GATE_ACCEPTED && imm_gate_in_repository(i->finding->file) &&
                        (i->finding->severity > IMM_SEVERITY_INFO || i->state == IMM_GATE_FAILS))
                        put(r, &j, i, a);
        imm_json_end(&j);
}
