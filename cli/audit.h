#pragma once

/* What the verbs that judge have in common: rules, scorecards, and what to say about units. */

#include "cli/cli.h"
#include "rules/snapshot.h"

struct imm_cli_audit {
        const char *policy;  /* --security-policy=; NULL: the root's own, if there is one */
        const char *project; /* folder whose .immure/rules count too (check alone); or NULL */
        struct imm_rulebook *rules;
        struct imm_audit *audit;
        const struct imm_scorecard **cards;
        size_t n_cards;
        /* What imm_cli_audit() makes beside the audit, if it is wanted; the caller's to free */
        bool want_snapshot;
        struct imm_snapshot_options what;
        struct imm_snapshot *snapshot;
        struct imm_strv unlike;     /* globs that are like no unit, beside what is there */
        bool broken_rules, missing; /* exit status 2: a rule file, a unit that is nowhere */
};

/* Loads the rules for cli->manager and chooses the scorecards. An imm_exit; said already. */
int imm_cli_rules(struct imm_cli *cli, struct imm_cli_audit *a);
/* Judges the units of the arguments; says what is odd about them on stderr. An imm_exit. */
int imm_cli_audit(struct imm_cli *cli, struct imm_cli_audit *a, bool all_types);
/* The exit status of a verb that printed the audit: 2, 3, 4 or 0. */
int imm_cli_audit_status(struct imm_cli *cli, const struct imm_cli_audit *a);
void imm_cli_audit_done(struct imm_cli_audit *a);
