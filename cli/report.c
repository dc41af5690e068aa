#include "report/report.h"
#include "cli/output.h"
#include "cli/snapshot.h"

#include <errno.h>

/* `immure report`: the audit of now, beside the last run, in one of the formats. */

enum format { HTML, JSON, MARKDOWN, OPENMETRICS, NDJSON, FORMAT_N };

static struct {
        bool has_format;
        enum format format;
        const char *output;
        const char *since; /* "last", "previous" or a number */
        bool secrets;
} arg;

static int set_format(struct imm_cli *cli, const char *value) {
        static const char *const names[FORMAT_N] = {
                "html", "json", "markdown", "openmetrics", "ndjson"};

        for (int i = 0; i < FORMAT_N; i++)
                if (imm_streq(names[i], value)) {
                        arg.format = (enum format)i;
                        arg.has_format = true;
                        return 0;
                }
        return imm_err_set(&cli->err, -EINVAL,
                "--format='%s': expected html, json, markdown, openmetrics or ndjson", value);
}

static int set_since(struct imm_cli *cli, const char *value) {
        unsigned long long id;

        if (!imm_streq(value, "last") && !imm_streq(value, "previous") &&
                (!imm_parse_u64(value, &id) || id == 0 || id > INT64_MAX))
                return imm_err_set(&cli->err, -EINVAL,
                        "--since='%s': expected a run's number, 'last' or 'previous'", value);
        arg.since = value;
        return 0;
}

static const struct imm_option options[] = {
        {"format", 0, "FORMAT",
                "html (default), json, markdown, openmetrics, ndjson (changes only)",
                IMM_OPTION_CALL, NULL, set_format},
        {"output", 'o', "FILE", "Write to FILE, whole or not at all", IMM_OPTION_STRING,
                &arg.output, NULL},
        {"since", 0, "RUN", "Compare with this run, or 'previous': the one before the last",
                IMM_OPTION_CALL, NULL, set_since},
        {"secrets", 0, NULL, "Show secrets: values of Environment= and the like", IMM_OPTION_FLAG,
                &arg.secrets, NULL},
        {0},
};

static int past(struct imm_cli *cli, struct imm_history *h, struct imm_snapshot **ret,
        struct imm_report *to) {
        struct imm_report_run *points;
        struct imm_run *runs = NULL;
        struct imm_run_place place;
        unsigned long long asked = 0;
        int64_t id;
        size_t n = 0;
        int r;

        (void)imm_parse_u64(arg.since ? arg.since : "", &asked);
        id = (int64_t)asked;
        if (!h)
                return id ? imm_cli_usage(cli, "there is no history, so no run %s", arg.since)
                          : IMM_EXIT_OK;
        r = id ? IMM_EXIT_OK : imm_cli_last_run(cli, h, 0, &id);
        if (r == IMM_EXIT_OK && id && !asked && arg.since && imm_streq(arg.since, "previous"))
                r = imm_cli_last_run(cli, h, id, &id);
        if (r != IMM_EXIT_OK || !id)
                return r;
        r = imm_history_load(h, id, ret, &cli->err);
        if (r < 0)
                return imm_cli_fail(
                        cli, r == -ENOENT ? IMM_EXIT_USAGE : IMM_EXIT_PARTIAL, &cli->err);
        place = (struct imm_run_place){(*ret)->host, (*ret)->root, (*ret)->scope};
        if (imm_history_runs(h, &place, cli->arena, &runs, &n, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        points = imm_alloc_array(cli->arena, n, sizeof(*points));
        for (size_t i = 0; i < n; i++) {
                points[i] = (struct imm_report_run){
                        .id = runs[i].id,
                        .time = runs[i].time,
                        .exposure = runs[i].exposure,
                        .reach = runs[i].reach,
                        .units = runs[i].units,
                };
                memcpy(points[i].findings, runs[i].findings, sizeof(points[i].findings));
        }
        to->runs = points;
        to->n_runs = n;
        return IMM_EXIT_OK;
}

static void write_report(struct imm_cli *cli, const struct imm_report *r, FILE *f) {
        switch (arg.format) {
        case JSON:
                imm_report_json(r, cli->json == IMM_JSON_PRETTY, f);
                break;
        case MARKDOWN:
                imm_report_markdown(r, f);
                break;
        case OPENMETRICS:
                imm_report_openmetrics(r, f);
                break;
        case NDJSON:
                imm_report_ndjson(r, f);
                break;
        default:
                imm_report_html(r, f);
        }
}

/* Of a report on some units the others are no news. */
static void keep_named(struct imm_snapshot *before, const struct imm_snapshot *now) {
        size_t n = 0;

        for (size_t i = 0; i < before->states.n; i++)
                if (imm_snapshot_find(now, before->states.v[i]->unit))
                        before->states.v[n++] = before->states.v[i];
        before->states.n = n;
}

static int run(struct imm_cli *cli) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *now = NULL, *before = NULL;
        imm_cleanup(imm_difference_free) struct imm_difference *d = NULL;
        imm_cleanup(imm_history_free) struct imm_history *h = NULL;
        struct imm_report report = {0};
        struct imm_output o;
        int r, status;

        if (cli->json != IMM_JSON_OFF && !arg.has_format)
                arg.format = JSON;
        r = imm_cli_snapshot(cli, IMM_SNAPSHOT_ALL, true, &now);
        if (!now)
                return r;
        status = r;
        if (!arg.secrets)
                imm_snapshot_redact(now);
        r = imm_cli_history(cli, IMM_HISTORY_READ, &h);
        if (r == IMM_EXIT_OK)
                r = past(cli, h, &before, &report);
        if (r == IMM_EXIT_PARTIAL) { /* said; what is now is told all the same */
                before = imm_snapshot_free(before);
                now->partial = cli->partial = true;
        } else if (r != IMM_EXIT_OK)
                return r;
        if (before && !arg.secrets) /* it may be stored with them */
                imm_snapshot_redact(before);
        if (before && cli->n_args > 0)
                keep_named(before, now);
        report.now = now;
        report.before = before;
        if (before)
                report.changes = d = imm_difference_of(before, now);
        if (imm_output_open(&o, arg.output, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        write_report(cli, &report, o.f);
        if (imm_output_close(&o, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        return status != IMM_EXIT_OK ? status : imm_cli_done(cli);
}

const struct imm_verb imm_verb_report = {
        .name = "report",
        .arguments = "[UNIT…]",
        .summary = "The audit as HTML, JSON, Markdown or metrics",
        .options = options,
        .run = run,
};
