#include "report/scan/scan.h"

#include <limits.h>

/* The document "immure.scan/1". */

void imm_report_origin_json(struct imm_json *j, const char *key, const struct imm_origin *o) {
        static const char *const kinds[] = {
                [IMM_ORIGIN_DEFAULT] = "default",
                [IMM_ORIGIN_FILE] = "file",
                [IMM_ORIGIN_IMPLIED] = "implied",
                [IMM_ORIGIN_MANAGER] = "manager",
        };
        enum imm_origin_kind kind = o ? o->kind : IMM_ORIGIN_DEFAULT;

        imm_json_object(j, key);
        imm_json_string(j, "kind", kinds[kind]);
        if (kind == IMM_ORIGIN_IMPLIED) {
                imm_json_string(
                        j, "by", o->by < IMM_SETTING_N ? imm_setting_info(o->by)->name : NULL);
                if (o->via)
                        imm_report_origin_json(j, "origin", o->via);
        } else if (kind != IMM_ORIGIN_DEFAULT && o->file) {
                imm_json_string(j, "file", o->file);
                imm_json_uint(j, "line", o->line);
        }
        imm_json_end(j);
}

static const char *tenths(char buf[8], unsigned figure) {
        (void)snprintf(buf, 8, "%u.%u", figure / 10 % 1000, figure % 10);
        return buf;
}

/*
 * Most checks of most units are alike: the same rule, the same outcome, the same file. Such pieces
 * are made once and then copied, and a unit's checks are written at once, which is what makes the
 * document of many units cheap.
 */
struct piece {
        int set;
        unsigned share; /* UINT_MAX: none */
        char *text;     /* all but the origin and the end */
        size_t n;
};
enum { PIECES = 8 }; /* of a rule: there are hardly more outcomes */

struct writer {
        struct imm_json *j;
        const struct imm_audit *audit;
        struct piece *pieces;        /* PIECES for each rule of the scorecard systemd */
        struct imm_json_text origin; /* the last one */
        char *buf;                   /* a unit's checks */
        size_t n, cap;
};

static void members(struct imm_json *j, const struct imm_rule *rule, int set, unsigned share) {
        char buf[8];

        imm_json_string(j, "id", rule->id);
        imm_json_tristate(j, "set", set);
        imm_json_string(j, "exposure", share == UINT_MAX ? NULL : tenths(buf, share));
}

static void put(struct writer *w, const char *text, size_t n) {
        if (w->cap - w->n < n) {
                w->cap = (w->n + n) * 2;
                w->buf = imm_xrealloc(w->buf, w->cap, 1);
        }
        memcpy(w->buf + w->n, text, n);
        w->n += n;
}

static void put_text(struct writer *w, const char *text) {
        put(w, text, strlen(text));
}

/* A document written into memory: *ret without its newline */
static FILE *open_text(char **ret, size_t *ret_n) {
        FILE *f = open_memstream(ret, ret_n);

        if (!f)
                imm_oom();
        return f;
}

static void close_text(FILE *f) {
        if (fclose(f) != 0)
                imm_oom();
}

static const struct piece *piece_of(
        struct writer *w, size_t i, const struct imm_rule *rule, int set, unsigned share) {
        struct piece *p = &w->pieces[i * PIECES], *last = p + PIECES - 1;
        struct imm_json j;
        FILE *f;

        for (; p < last && p->text; p++)
                if (p->set == set && p->share == share)
                        return p;
        free(p->text); /* the last place is used again and again */
        f = open_text(&p->text, &p->n);
        j = imm_json_on(f, IMM_JSON_SHORT);
        imm_json_object(&j, NULL);
        members(&j, rule, set, share);
        imm_json_end(&j);
        close_text(f);
        p->n -= strlen("}\n");
        p->set = set;
        p->share = share;
        return p;
}

static void put_origin(struct writer *w, const struct imm_origin *o) {
        struct imm_json j = {.text = &w->origin};

        w->origin.n = 0;
        imm_report_origin_json(&j, NULL, o);
        put(w, w->origin.v, w->origin.n - (w->origin.v[w->origin.n - 1] == '\n'));
}

static void check(struct writer *w, const struct imm_scorecard *card,
        const struct imm_judgement *judgement, size_t i, const struct imm_origin *origin) {
        const struct imm_check *c = &judgement->checks[i];
        int set = c->state == IMM_CHECK_NOT_APPLICABLE ? -1 : c->state == IMM_CHECK_GOOD;
        const struct piece *p;
        unsigned share;

        if (c->state == IMM_CHECK_UNMATCHED)
                return;
        if (!imm_check_share(card, judgement, i, &share))
                share = UINT_MAX;
        if (w->j->pretty) {
                imm_json_object(w->j, NULL);
                members(w->j, card->rules[i], set, share);
                imm_report_origin_json(w->j, "origin", origin);
                imm_json_end(w->j);
                return;
        }
        p = piece_of(w, i, card->rules[i], set, share);
        put_text(w, w->n > 1 ? "," : "");
        put(w, p->text, p->n);
        put_text(w, ",\"origin\":");
        put_origin(w, origin);
        put_text(w, "}");
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

static void checks_of(
        struct writer *w, const struct imm_scorecard *card, const struct imm_judgement *judgement) {
        size_t next = 0;

        for (size_t k = 0; judgement->scored && k < card->n_rules; k++) {
                bool set = next < judgement->n_origins && judgement->origins[next].rule == k;

                check(w, card, judgement, k, set ? &judgement->origins[next].origin : NULL);
                next += set;
        }
}

static void checks(struct writer *w, const struct imm_audited *u) {
        for (size_t i = 0; i < w->audit->n_cards; i++) {
                const struct imm_scorecard *card = w->audit->cards[i];

                if (!imm_streq(card->name, "systemd"))
                        continue;
                if (w->j->pretty) {
                        imm_json_array(w->j, "checks");
                        checks_of(w, card, &u->judgements[i]);
                        imm_json_end(w->j);
                        continue;
                }
                w->n = 0;
                put_text(w, "[");
                checks_of(w, card, &u->judgements[i]);
                put_text(w, "]");
                imm_json_raw(w->j, "checks", w->buf, w->n);
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

static void number(struct imm_json *j, const char *key, bool known, uint64_t n) {
        if (known)
                imm_json_uint(j, key, n);
        else
                imm_json_null(j, key);
}

static void closure(struct imm_json *j, const struct imm_scan_closure *c) {
        if (!c->known) {
                imm_json_null(j, "closure");
                return;
        }
        imm_json_object(j, "closure");
        imm_json_uint(j, "needed", c->needed);
        number(j, "missing_count", c->has_view, c->missing);
        number(j, "visible", c->has_view, c->visible);
        number(j, "excess_count", c->has_view, c->excess);
        if (c->of_files)
                number(j, "excess_bytes", c->has_view, c->excess_bytes);
        imm_json_end(j);
}

static void unit(struct writer *w, const struct imm_audited *u, const char *change,
        const struct imm_scan_closure *needs) {
        const struct imm_audit *a = w->audit;
        struct imm_json *j = w->j;

        imm_json_object(j, NULL);
        imm_json_string(j, "unit", u->unit->name);
        imm_json_string(j, "path", u->unit->fragment ? u->unit->fragment : u->unit->obstacle);
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
        if (needs)
                closure(j, needs);
        checks(w, u);
        imm_json_end(j);
}

void imm_report_head_json(struct imm_json *j, const char *schema, const struct imm_manager *m) {
        static const char *const sources[] = {
                [IMM_VERSION_ASKED] = "asked",
                [IMM_VERSION_ROOT] = "root",
                [IMM_VERSION_NEWEST] = "newest",
        };

        imm_json_string(j, "schema", schema);
        imm_json_string(j, "root", imm_root_path(m->root));
        imm_json_uint(j, "systemd", m->version);
        imm_json_string(j, "systemd_source", sources[m->version_source]);
}

void imm_report_scan_json(
        const struct imm_audit *a, const struct imm_scan_options *o, struct imm_json *j) {
        const struct imm_manager *m = a->manager;
        struct writer w = {.j = j, .audit = a};
        size_t n = 0;

        for (size_t i = 0; i < a->n_cards; i++)
                if (imm_streq(a->cards[i]->name, "systemd"))
                        n = a->cards[i]->n_rules * PIECES;
        w.pieces = imm_xcalloc(n, sizeof(*w.pieces));
        imm_json_object(j, NULL);
        imm_report_head_json(j, "immure.scan/1", m);
        imm_json_array(j, "units");
        for (size_t i = 0; i < a->n_units; i++)
                unit(&w, &a->units[i], o->changes ? o->changes[i] : NULL,
                        o->closures ? &o->closures[i] : NULL);
        imm_json_end(j);
        strings(j, "not_analysed", &m->not_analysed, 0);
        imm_json_end(j);
        for (size_t i = 0; i < n; i++)
                free(w.pieces[i].text);
        free(w.pieces);
        free(w.origin.v);
        free(w.buf);
}
