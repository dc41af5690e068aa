#include "report/scan/scan.h"

/* The document "immure.scan/1". */

void imm_report_origin_json(struct imm_json *j, const char *key, const struct imm_origin *o) {
        imm_json_object(j, key);
        switch (o ? o->kind : IMM_ORIGIN_DEFAULT) {
        case IMM_ORIGIN_FILE:
        case IMM_ORIGIN_MANAGER:
                imm_json_string(j, "kind", o->kind == IMM_ORIGIN_FILE ? "file" : "manager");
                imm_json_string(j, "file", o->file);
                imm_json_uint(j, "line", o->line);
                break;
        case IMM_ORIGIN_IMPLIED:
                imm_json_string(j, "kind", "implied");
                imm_json_string(
                        j, "by", o->by < IMM_SETTING_N ? imm_setting_info(o->by)->name : NULL);
                imm_report_origin_json(j, "origin", o->via);
                break;
        case IMM_ORIGIN_DEFAULT:
                imm_json_string(j, "kind", "default");
                break;
        }
        imm_json_end(j);
}

static const char *tenths(char buf[8], unsigned figure) {
        (void)snprintf(buf, 8, "%u.%u", figure / 10 % 1000, figure % 10);
        return buf;
}

static void check(struct imm_json *j, const struct imm_audit *a, const struct imm_audited *u,
        const struct imm_scorecard *card, const struct imm_judgement *judgement, size_t i) {
        const struct imm_check *c = &judgement->checks[i];
        enum imm_setting id;
        unsigned share;
        char buf[8];

        if (c->state == IMM_CHECK_UNMATCHED)
                return;
        imm_json_object(j, NULL);
        imm_json_string(j, "id", card->rules[i]->id);
        imm_json_tristate(
                j, "set", c->state == IMM_CHECK_NOT_APPLICABLE ? -1 : c->state == IMM_CHECK_GOOD);
        imm_json_string(j, "exposure",
                imm_check_share(card, judgement, i, &share) ? tenths(buf, share) : NULL);
        imm_report_origin_json(j, "origin",
                imm_rule_origin(card->rules[i], imm_settings_of(a->manager, u->judged), &id));
        imm_json_end(j);
}

static void figures(struct imm_json *j, const struct imm_audit *a, const struct imm_audited *u) {
        for (size_t i = 0; i < a->n_cards; i++) {
                const struct imm_scorecard *card = a->cards[i];
                const struct imm_judgement *judgement = &u->judgements[i];
                bool systemd = imm_streq(card->name, "systemd");
                bool scored = judgement->scored && judgement->weight_sum > 0;
                char buf[8];

                if (!card->figure)
                        continue;
                imm_json_string(j, systemd ? "exposure" : card->name,
                        scored ? tenths(buf, judgement->figure) : NULL);
                if (systemd)
                        imm_json_string(j, "rating", imm_judgement_rating(card, judgement));
        }
}

static void checks(struct imm_json *j, const struct imm_audit *a, const struct imm_audited *u) {
        for (size_t i = 0; i < a->n_cards; i++) {
                if (!imm_streq(a->cards[i]->name, "systemd"))
                        continue;
                imm_json_array(j, "checks");
                for (size_t k = 0; u->judgements[i].scored && k < a->cards[i]->n_rules; k++)
                        check(j, a, u, a->cards[i], &u->judgements[i], k);
                imm_json_end(j);
        }
}

static void findings(struct imm_json *j, const struct imm_audit *a, const struct imm_audited *u) {
        unsigned counts[IMM_SEVERITY_N];

        imm_findings_count(a, u, counts);
        imm_json_object(j, "findings");
        for (int s = IMM_SEVERITY_N; s-- > 0;)
                imm_json_uint(j, imm_severity_name((enum imm_severity)s), counts[s]);
        imm_json_end(j);
}

static void strings(struct imm_json *j, const char *key, const struct imm_strv *l, size_t from) {
        imm_json_array(j, key);
        for (size_t i = from; i < l->n; i++)
                imm_json_string(j, NULL, l->v[i]);
        imm_json_end(j);
}

static void unit(struct imm_json *j, const struct imm_audit *a, const struct imm_audited *u,
        const char *change) {
        imm_json_object(j, NULL);
        imm_json_string(j, "unit", u->unit->name);
        imm_json_string(j, "path", u->unit->fragment);
        strings(j, "dropins", &u->unit->dropins, 0);
        imm_json_string(j, "load", imm_load_name(u->load));
        if (u->load_message)
                imm_json_string(j, "load_message", u->load_message);
        if (u->partial)
                imm_json_bool(j, "partial", true);
        if (u->unit->names.n > 1)
                strings(j, "aliases", &u->unit->names, 1);
        if (u->judged != u->unit)
                imm_json_string(j, "judged_as", u->judged->name);
        figures(j, a, u);
        findings(j, a, u);
        if (change)
                imm_json_string(j, "change", change);
        checks(j, a, u);
        imm_json_end(j);
}

void imm_report_scan_json(
        const struct imm_audit *a, const char *const *changes, struct imm_json *j) {
        static const char *const sources[] = {
                [IMM_VERSION_ASKED] = "asked",
                [IMM_VERSION_ROOT] = "root",
                [IMM_VERSION_NEWEST] = "newest",
        };
        const struct imm_manager *m = a->manager;

        imm_json_object(j, NULL);
        imm_json_string(j, "schema", "immure.scan/1");
        imm_json_string(j, "root", imm_root_path(m->root));
        imm_json_uint(j, "systemd", m->version);
        imm_json_string(j, "systemd_source", sources[m->version_source]);
        imm_json_array(j, "units");
        for (size_t i = 0; i < a->n_units; i++)
                unit(j, a, &a->units[i], changes ? changes[i] : NULL);
        imm_json_end(j);
        strings(j, "not_analysed", &m->not_analysed, 0);
        imm_json_end(j);
}
