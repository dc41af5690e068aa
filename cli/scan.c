#include "report/scan/scan.h"
#include "cli/audit.h"
#include "cli/needs.h"
#include "cli/snapshot.h"

#include <errno.h>

/* `immure scan`: every unit with its figures, worst first. */

static struct {
        bool all, closure;
        const char *policy;
        enum imm_scan_sort sort;
} arg;

static int set_sort(struct imm_cli *cli, const char *value) {
        static const char *const names[IMM_SCAN_SORT_N] = {
                [IMM_SCAN_BY_EXPOSURE] = "exposure",
                [IMM_SCAN_BY_REACH] = "reach",
                [IMM_SCAN_BY_FINDINGS] = "findings",
                [IMM_SCAN_BY_NAME] = "name",
        };

        for (int i = 0; i < IMM_SCAN_SORT_N; i++)
                if (imm_streq(names[i], value)) {
                        arg.sort = (enum imm_scan_sort)i;
                        return 0;
                }
        return imm_err_set(&cli->err, -EINVAL,
                "--sort='%s': expected 'exposure', 'reach', 'findings' or 'name'", value);
}

static const struct imm_option options[] = {
        {"all", 'a', NULL, "Units of other types than services too", IMM_OPTION_FLAG, &arg.all},
        {"closure", 0, NULL, "What each needs, lacks and sees beyond that: walks the root",
                IMM_OPTION_FLAG, &arg.closure},
        {"sort", 0, "WORD", "Order: exposure (default), reach, findings, name", IMM_OPTION_CALL,
                .parse = set_sort},
        {"security-policy", 0, "FILE", "Weights of a systemd-analyze policy (JSON)",
                IMM_OPTION_STRING, &arg.policy},
        {0},
};

static int by_unit(const void *name, const void *figures) {
        return strcmp(name, ((const struct imm_unit_figures *)figures)->unit);
}

static const char *delta(
        struct imm_arena *a, const char *text, const char *name, int before, int after) {
        int by = after - before;

        if (by == 0 || before < 0 || after < 0)
                return text;
        return imm_printf(a, "%s%s%s %c%d.%d", text, *text ? ", " : "", name, by < 0 ? '-' : '+',
                abs(by) / 10, abs(by) % 10);
}

static int figure(const struct imm_cli_audit *a, const struct imm_audited *u, const char *card) {
        const struct imm_judgement *j = imm_judgement_of(a->audit, u, card);

        return j && j->scored ? j->figure : -1;
}

/* What became of a unit since the last run, in a word or two; NULL: nothing that its line shows */
static const char *change_of(struct imm_cli *cli, const struct imm_cli_audit *a,
        const struct imm_audited *u, const struct imm_unit_figures *before) {
        const char *text = "", *load = imm_load_name(u->load);

        if (u->unit->given_by_path) /* no unit of the host's, so none that a run knows */
                return NULL;
        if (!before) /* runs know services alone */
                return u->unit->type == IMM_UNIT_SERVICE ? "new" : NULL;
        if (before->load && !imm_streq(before->load, load))
                text = imm_printf(cli->arena, "was %s", before->load);
        text = delta(cli->arena, text, "reach", before->reach, figure(a, u, "reach"));
        text = delta(cli->arena, text, "exposure", before->exposure, figure(a, u, "systemd"));
        return *text ? text : NULL;
}

/*
 * The figures are compared, not all that is known about a unit: a scan must stay quick, and `diff`
 * has the rest. Without a history, or with one that cannot be read, there is nothing to compare
 * with; that is told only where --db= asked for it.
 */
static const char *const *changes(struct imm_cli *cli, const struct imm_cli_audit *a) {
        imm_cleanup(imm_history_free) struct imm_history *h = NULL;
        imm_err_auto err = IMM_ERR_INIT;
        struct imm_unit_figures *before = NULL;
        const char *path, **list;
        struct imm_run_place place;
        struct imm_run *runs = NULL;
        size_t n = 0, n_runs = 0;
        int r;

        path = cli->db ? cli->db : imm_history_default_path(cli->arena);
        if (!path)
                return NULL;
        place = imm_cli_run_place(cli);
        r = imm_history_open(&h, path, IMM_HISTORY_READ, &err);
        if (r >= 0)
                r = imm_history_runs(h, &place, cli->arena, &runs, &n_runs, &err);
        if (r >= 0 && n_runs > 0)
                r = imm_history_figures(h, runs[n_runs - 1].id, cli->arena, &before, &n, &err);
        if (r < 0 && cli->db && err.code)
                (void)imm_cli_fail(cli, IMM_EXIT_PARTIAL, &err);
        if (r < 0 && cli->db && err.code)
                cli->partial = true;
        if (r < 0 || n_runs == 0)
                return NULL;
        list = imm_alloc_array(cli->arena, a->audit->n_units, sizeof(*list));
        for (size_t i = 0; i < a->audit->n_units; i++) {
                const struct imm_audited *u = &a->audit->units[i];

                list[i] = change_of(cli, a, u,
                        n ? bsearch(u->unit->name, before, n, sizeof(*before), by_unit) : NULL);
        }
        return list;
}

static const struct imm_scan_closure *closures(struct imm_cli *cli, const struct imm_audit *a) {
        struct imm_scan_closure *list = imm_alloc_array(cli->arena, a->n_units, sizeof(*list));
        struct imm_cli_needs *needs = imm_alloc_array(cli->arena, a->n_units, sizeof(*needs));
        struct imm_unit **units = imm_alloc_array(cli->arena, a->n_units, sizeof(*units));

        for (size_t i = 0; i < a->n_units; i++)
                if (a->units[i].load == IMM_LOAD_LOADED)
                        units[i] = a->units[i].judged;
        imm_cli_needs_of_all(cli, units, a->n_units, needs);
        for (size_t i = 0; i < a->n_units; i++) {
                const struct imm_cli_needs *n = &needs[i];

                if (n->closure)
                        list[i] = (struct imm_scan_closure){
                                .known = true,
                                .has_view = n->excess.known,
                                .of_files = n->closure->kind == IMM_CLOSURE_FILES,
                                .needed = n->closure->n,
                                .missing = n->missing,
                                .visible = n->excess.visible,
                                .excess = n->excess.excess,
                                .excess_bytes = n->excess.excess_bytes,
                        };
        }
        return list;
}

static void print(struct imm_cli *cli, const struct imm_cli_audit *a) {
        const struct imm_scan_options table = {
                .sort = arg.sort,
                .legend = cli->legend,
                .color = cli->color,
                .changes = changes(cli, a),
                .closures = arg.closure ? closures(cli, a->audit) : NULL,
        };
        struct imm_json j = imm_json_on(stdout, cli->json);

        if (cli->json != IMM_JSON_OFF)
                imm_report_scan_json(a->audit, &table, &j);
        else if (a->audit->n_units > 0)
                imm_report_table(a->audit, &table, stdout);
}

static int run(struct imm_cli *cli) {
        struct imm_cli_audit a = {.policy = arg.policy};
        int r = imm_cli_open(cli);

        if (r == IMM_EXIT_OK)
                r = imm_cli_rules(cli, &a);
        if (r == IMM_EXIT_OK)
                r = imm_cli_audit(cli, &a, arg.all);
        if (r == IMM_EXIT_OK) {
                print(cli, &a);
                r = imm_cli_audit_status(cli, &a);
        }
        imm_cli_audit_done(&a);
        return r;
}

const struct imm_verb imm_verb_scan = {
        .name = "scan",
        .arguments = "[UNIT|FILE…]",
        .summary = "All services with their figures, worst first",
        .options = options,
        .run = run,
};
