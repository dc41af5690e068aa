#include "rules/rules-private.h"

/* Findings: the checks that came out bad, with evidence, remedy and the line to change. */

static enum imm_severity severity_of(const struct imm_rule *rule, const struct imm_check *c) {
        if (c->step < rule->n_steps && rule->steps[c->step].severity >= 0)
                return (enum imm_severity)rule->steps[c->step].severity;
        return rule->severity;
}

static bool is_finding(const struct imm_check *c) {
        return c->state == IMM_CHECK_BAD || c->state == IMM_CHECK_UNKNOWN;
}

void imm_findings_count(
        const struct imm_audit *a, const struct imm_audited *u, unsigned counts[IMM_SEVERITY_N]) {
        memset(counts, 0, IMM_SEVERITY_N * sizeof(*counts));
        if (u->load == IMM_LOAD_BAD_SETTING || u->load == IMM_LOAD_ERROR)
                counts[IMM_SEVERITY_CRITICAL]++; /* that systemd refuses it, as the snapshot has */
        for (size_t i = 0; i < a->n_cards; i++)
                for (size_t k = 0; u->judgements[i].scored && k < a->cards[i]->n_rules; k++)
                        if (is_finding(&u->judgements[i].checks[k]))
                                counts[severity_of(
                                        a->cards[i]->rules[k], &u->judgements[i].checks[k])] +=
                                        u->judgements[i].checks[k].places
                                                ? u->judgements[i].checks[k].places
                                                : 1;
}

/* Where to point when no line sets it: the first ExecStart=, else the section, else the file */
static void point_at_command(const struct imm_unit *u, struct imm_finding *f) {
        const char *section = imm_unit_type_name(u->type);
        const struct imm_assignment *best = NULL;

        f->file = u->fragment;
        f->line = u->fragment ? 1 : 0;
        if (u->n_files == 0)
                return;
        f->file = u->files[0]->path;
        for (size_t i = 0; i < u->files[0]->n_assignments; i++) {
                const struct imm_assignment *at = &u->files[0]->assignments[i];

                if (strcasecmp(at->section, section) != 0)
                        continue;
                if (!best)
                        f->line = at->section_line;
                if (imm_streq(at->key, "ExecStart") && *at->value) {
                        best = at;
                        f->line = at->line;
                        return;
                }
        }
}

static void point(const struct imm_facts *facts, struct imm_finding *f) {
        enum imm_setting id;
        const struct imm_value *v = imm_rule_value(f->rule, facts, &id);
        const struct imm_origin *o = v ? &v->origin : NULL;

        if (o)
                f->setting = imm_setting_info(id)->name;
        for (; o && o->kind == IMM_ORIGIN_IMPLIED; o = o->via)
                ;
        if (o && (o->kind == IMM_ORIGIN_FILE || o->kind == IMM_ORIGIN_MANAGER)) {
                f->file = o->file;
                f->line = o->line;
        } else
                point_at_command(facts->unit, f);
}

struct findings {
        struct imm_arena *a;
        IMM_LIST(imm_finding) list;
};

static void at_place(
        const struct imm_finding *of, const struct imm_place *at, struct findings *to) {
        struct imm_finding *f = imm_array_push(to->a, &to->list);

        *f = *of;
        f->setting = at->setting ? at->setting : of->setting;
        f->file = at->file ? at->file : of->file;
        f->line = at->file ? at->line : of->line;
        f->remedy = at->remedy ? at->remedy : of->remedy;
        if (at->confidence >= 0 && at->confidence > (int)of->confidence)
                f->confidence = (enum imm_confidence)at->confidence;
        f->subject = at->subject;
        if (at->evidence.n > 0)
                f->evidence = at->evidence;
}

/* @facts: of the unit, with what other findings have asked already */
static void make(const struct imm_audit *a, const struct imm_audited *u, size_t card, size_t i,
        struct imm_facts *facts, struct findings *to) {
        const struct imm_check *c = &u->judgements[card].checks[i];
        struct imm_finding f = {.card = a->cards[card], .rule = a->cards[card]->rules[i]};

        f.severity = severity_of(f.rule, c);
        f.confidence = c->state == IMM_CHECK_UNKNOWN ? IMM_POSSIBLE : f.rule->confidence;
        f.remedy = f.rule->remedy;
        facts->places_found.n = 0;
        if (c->step < f.rule->n_steps)
                (void)imm_step_holds(&f.rule->steps[c->step], facts);
        imm_array_foreach (e, &facts->evidence) {
                if (e->text)
                        imm_strv_add(to->a, &f.evidence, e->text);
        }
        facts->evidence.n = 0;
        point(facts, &f);
        imm_array_foreach (at, &facts->places_found)
                at_place(&f, at, to);
        if (facts->places_found.n == 0)
                *imm_array_push(to->a, &to->list) = f;
}

static int worst_first(const void *a, const void *b) {
        const struct imm_finding *x = a, *y = b;
        int r = (int)y->severity - (int)x->severity;

        if (r == 0)
                r = strcmp(x->card->name, y->card->name);
        if (r == 0)
                r = strcmp(x->rule->id, y->rule->id);
        if (r == 0)
                r = strcmp(x->file ? x->file : "", y->file ? y->file : "");
        if (r == 0)
                r = (x->line > y->line) - (x->line < y->line);
        if (r == 0)
                r = strcmp(x->subject ? x->subject : "", y->subject ? y->subject : "");
        return r;
}

void imm_findings_with(const struct imm_audit *a, const struct imm_audited *u,
        struct imm_facts *facts, struct imm_arena *arena, struct imm_finding **ret, size_t *ret_n) {
        struct findings found = {.a = arena};

        facts->arena = arena;
        for (size_t i = 0; i < a->n_cards; i++)
                for (size_t k = 0; u->judgements[i].scored && k < a->cards[i]->n_rules; k++)
                        if (is_finding(&u->judgements[i].checks[k]))
                                make(a, u, i, k, facts, &found);
        *ret = found.list.v;
        *ret_n = found.list.n;
}

void imm_findings_of(const struct imm_audit *a, const struct imm_audited *u,
        struct imm_arena *arena, struct imm_finding **ret, size_t *ret_n) {
        struct imm_facts facts;

        imm_facts_open(&facts, a, u->judged, arena);
        imm_findings_with(a, u, &facts, arena, ret, ret_n);
        if (*ret_n > 1)
                qsort(*ret, *ret_n, sizeof(**ret), worst_first);
}
