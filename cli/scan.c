#include "report/scan/scan.h"
#include "cli/audit.h"

#include <errno.h>

/* `immure scan`: every unit with its figures, worst first. */

static struct {
        bool all;
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
        {"sort", 0, "WORD", "Order: exposure (default), reach, findings, name", IMM_OPTION_CALL,
                .parse = set_sort},
        {"security-policy", 0, "FILE", "Weights of a systemd-analyze policy (JSON)",
                IMM_OPTION_STRING, &arg.policy},
        {0},
};

static void print(struct imm_cli *cli, const struct imm_cli_audit *a) {
        const struct imm_scan_options table = {
                .sort = arg.sort, .legend = cli->legend, .color = cli->color};
        struct imm_json j = imm_json_on(stdout, cli->json);

        if (cli->json != IMM_JSON_OFF)
                imm_report_scan_json(a->audit, NULL, &j);
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
