/*
 * SARIF 2.1.0. Every rule is listed, so that trackers can close what was fixed; the fingerprint is
 * of rule, unit and subject, not of the line; URIs are relative, as the files were given.
 */

#include "audit/owner.h"
#include "report/gate/gate.h"

static const char *level(enum imm_severity s) {
        return s >= IMM_SEVERITY_HIGH ? "error" : s == IMM_SEVERITY_MEDIUM ? "warning" : "note";
}

/* What code scanning sorts by: the scale of CVSS */
static const char *security_severity(enum imm_severity s) {
        static const char *const figures[] = {"0.0", "3.0", "5.5", "8.0", "9.5"};

        return figures[s];
}

static void text(struct imm_json *j, const char *key, const char *value) {
        imm_json_object(j, key);
        imm_json_string(j, "text", value);
        imm_json_end(j);
}

static const char *rule_id(const struct imm_state_finding *f, struct imm_arena *a) {
        return imm_printf(
                a, "%s/%s", f->scorecard ? f->scorecard : "immure", f->rule ? f->rule : "finding");
}

static void put_rule(struct imm_json *j, const char *id, const char *title,
        const struct imm_rule *rule, enum imm_severity s, struct imm_arena *a) {
        const char *why = rule && rule->description ? rule->description : title;
        const char *help = rule && rule->not_when
                                   ? imm_printf(a, "%s\nWhen not: %s", why, rule->not_when)
                                   : why;

        imm_json_object(j, NULL);
        imm_json_string(j, "id", id);
        text(j, "shortDescription", title);
        text(j, "fullDescription", why);
        imm_json_object(j, "help");
        imm_json_string(j, "text", help);
        imm_json_string(j, "markdown", imm_text_escape(a, help));
        imm_json_end(j);
        imm_json_object(j, "defaultConfiguration");
        imm_json_string(j, "level", level(s));
        imm_json_end(j);
        imm_json_object(j, "properties");
        imm_json_string(j, "security-severity", security_severity(s));
        imm_json_array(j, "tags");
        imm_json_string(j, NULL, "security");
        imm_json_string(j, NULL, "systemd");
        imm_json_end(j);
        imm_json_end(j);
        imm_json_end(j);
}

/* Those of the rulebook, then those that only findings name (of the unit files themselves) */
static void put_rules(const struct imm_gate_report *r, struct imm_json *j, struct imm_map *index,
        struct imm_arena *a) {
        imm_json_array(j, "rules");
        for (size_t c = 0; r->rules && c < r->rules->n_cards; c++) {
                const struct imm_scorecard *card = r->rules->cards[c];

                for (size_t i = 0; i < card->n_rules; i++) {
                        const struct imm_rule *rule = card->rules[i];
                        const char *id = imm_printf(a, "%s/%s", card->name, rule->id);

                        if (imm_map_has(index, id))
                                continue;
                        imm_map_put(a, index, id, (void *)(uintptr_t)index->n);
                        put_rule(j, id, rule->title ? rule->title : rule->id, rule, rule->severity,
                                a);
                }
        }
        imm_array_foreach (i, &r->gate->items) {
                const char *id = rule_id(i->finding, a);

                if (imm_map_has(index, id))
                        continue;
                imm_map_put(a, index, id, (void *)(uintptr_t)index->n);
                put_rule(j, id, i->finding->rule ? i->finding->rule : id, NULL,
                        i->finding->severity, a);
        }
        imm_json_end(j);
}

/*
 * A path as a URI: relative to the repository, or for what lies outside of it a file's own. What is
 * no unreserved character or slash is escaped.
 */
static const char *uri(const struct imm_gate_report *r, const char *path, struct imm_arena *a) {
        static const char plain[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/@+,=";
        char *out, *to;

        path = imm_gate_relative(r, path);
        out = to = imm_alloc(a, 3 * strlen(path) + 8);
        if (*path == '/')
                to = stpcpy(to, "file://");
        else if (strchr(path, ':') && strcspn(path, ":") < strcspn(path, "/")) { /* not a scheme */
                *to++ = '.';
                *to++ = '/';
        }
        for (; *path; path++)
                if (strchr(plain, *path))
                        *to++ = *path;
                else
                        to += snprintf(to, 4, "%%%02X", (unsigned char)*path);
        return out;
}

static void put_place(const struct imm_gate_report *r, struct imm_json *j, const char *file,
        unsigned line, struct imm_arena *a) {
        imm_json_object(j, "physicalLocation");
        imm_json_object(j, "artifactLocation");
        imm_json_string(j, "uri", uri(r, file, a));
        imm_json_end(j);
        imm_json_object(j, "region");
        imm_json_uint(j, "startLine", line ? line : 1);
        imm_json_end(j);
        imm_json_end(j);
}

static void put_notification(const struct imm_gate_report *r, struct imm_json *j, const char *level,
        const char *file, unsigned line, const char *message, struct imm_arena *a) {
        imm_json_object(j, NULL);
        imm_json_string(j, "level", level);
        text(j, "message", message);
        if (file) {
                imm_json_array(j, "locations");
                imm_json_object(j, NULL);
                put_place(r, j, file, line, a);
                imm_json_end(j);
                imm_json_end(j);
        }
        imm_json_end(j);
}

static void put_location(const struct imm_gate_report *r, struct imm_json *j, const char *file,
        unsigned line, const char *unit, struct imm_arena *a) {
        imm_json_array(j, "locations");
        imm_json_object(j, NULL);
        if (file)
                put_place(r, j, file, line, a);
        imm_json_array(j, "logicalLocations");
        imm_json_object(j, NULL);
        imm_json_string(j, "name", unit);
        imm_json_string(j, "kind", "module");
        imm_json_end(j);
        imm_json_end(j);
        imm_json_end(j);
        imm_json_end(j);
}

static const char *message(
        const struct imm_gate_report *r, const struct imm_gate_item *i, struct imm_arena *a) {
        const struct imm_state_finding *x = i->finding;
        const char *s = imm_printf(a, "%s: %s", i->unit->unit, imm_gate_title(r, x));

        for (size_t k = 0; k < x->evidence.n; k++)
                s = imm_printf(a, "%s\n%s", s, x->evidence.v[k]);
        if (x->remedy)
                s = imm_printf(a, "%s\nRemedy: %s", s, x->remedy);
        if (x->owner)
                s = imm_printf(a, "%s\nOwner: %s", s, imm_owner_line(i->unit, x, a));
        return imm_strdup(a, s);
}

static void put_suppressions(const struct imm_gate_report *r, struct imm_json *j,
        const struct imm_gate_item *i, struct imm_arena *a) {
        imm_json_array(j, "suppressions");
        if (i->state == IMM_GATE_ACCEPTED) {
                imm_json_object(j, NULL);
                imm_json_string(
                        j, "kind", i->finding->suppressed_in_source ? "inSource" : "external");
                imm_json_string(j, "status", "accepted");
                imm_json_string(j, "justification", i->finding->suppressed);
                if (i->waiver) {
                        imm_json_object(j, "location");
                        put_place(r, j, i->waiver->file, i->waiver->line, a);
                        imm_json_end(j);
                        imm_json_object(j, "properties");
                        imm_json_string(j, "until", imm_day_text(a, i->waiver->until));
                        if (i->waiver->owner)
                                imm_json_string(j, "owner", i->waiver->owner);
                        imm_json_end(j);
                }
                imm_json_end(j);
        }
        imm_json_end(j);
}

/* Remarks are no alerts, unless somebody made them fail or spoke of them in a waiver. */
static bool is_result(const struct imm_gate_item *i) {
        return i->finding->severity > IMM_SEVERITY_INFO || i->state == IMM_GATE_FAILS ||
               i->state == IMM_GATE_ACCEPTED;
}

/* @index: rule -> its number */
static void put_result(const struct imm_gate_report *r, const struct imm_gate_item *i,
        struct imm_json *j, struct imm_arena *a, const void *index) {
        const struct imm_state_finding *x = i->finding;
        const char *id = rule_id(x, a);
        char fingerprint[65];

        if (!is_result(i))
                return;
        imm_gate_fingerprint(i->key, fingerprint);
        imm_json_object(j, NULL);
        imm_json_string(j, "ruleId", id);
        imm_json_uint(j, "ruleIndex", (uintptr_t)imm_map_get(index, id));
        imm_json_string(j, "level", level(x->severity));
        text(j, "message", message(r, i, a));
        put_location(r, j, x->file, x->line, i->unit->unit, a);
        imm_json_object(j, "partialFingerprints");
        imm_json_string(j, "immure/v1", fingerprint);
        imm_json_end(j);
        if (r->gate->before)
                imm_json_string(
                        j, "baselineState", i->state == IMM_GATE_KNOWN ? "unchanged" : "new");
        put_suppressions(r, j, i, a);
        imm_json_object(j, "properties");
        imm_json_string(j, "severity", imm_severity_name(x->severity));
        imm_json_string(j, "security-severity", security_severity(x->severity));
        if (x->confidence)
                imm_json_string(j, "confidence", x->confidence);
        imm_owner_json(i->unit, x, j);
        imm_json_end(j);
        imm_json_end(j);
}

static void put_notifications(
        const struct imm_gate_report *r, struct imm_json *j, struct imm_arena *a) {
        const struct imm_gate *g = r->gate;

        imm_json_array(j, "invocations");
        imm_json_object(j, NULL);
        imm_json_bool(j, "executionSuccessful", r->complete);
        imm_json_array(j, "toolExecutionNotifications");
        imm_array_foreach (p, r->problems)
                put_notification(r, j, "error", p->file, p->line, p->message, a);
        imm_array_foreach (e, &g->excesses)
                put_notification(r, j, "error", e->unit->path, 1,
                        imm_printf(a, "%s: %s %d.%d is above %d.%d", e->unit->unit, e->figure,
                                e->value / 10, e->value % 10, e->limit / 10, e->limit % 10),
                        a);
        for (size_t i = 0; i < g->ended.n; i++)
                put_notification(r, j, "error", NULL, 0, g->ended.v[i], a);
        for (size_t i = 0; i < g->notes.n; i++)
                put_notification(r, j, "note", NULL, 0, g->notes.v[i], a);
        imm_json_end(j);
        imm_json_end(j);
        imm_json_end(j);
}

void imm_gate_sarif(const struct imm_gate_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_json json = imm_json_on(f, IMM_JSON_PRETTY), *j = &json;
        struct imm_map index = {0};

        imm_json_object(j, NULL);
        imm_json_string(j, "$schema",
                "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
                "sarif-schema-2.1.0.json");
        imm_json_string(j, "version", "2.1.0");
        imm_json_array(j, "runs");
        imm_json_object(j, NULL);
        imm_json_object(j, "tool");
        imm_json_object(j, "driver");
        imm_json_string(j, "name", "immure");
        imm_json_string(j, "version", r->version);
        put_rules(r, j, &index, a);
        imm_json_end(j);
        imm_json_end(j);
        put_notifications(r, j, a);
        imm_json_string(j, "columnKind", "utf16CodeUnits");
        imm_json_array(j, "results");
        imm_gate_items(r, j, put_result, &index);
        imm_json_end(j);
        imm_json_end(j);
        imm_json_end(j);
        imm_json_end(j);
}
