#pragma once

#include "cli/cli.h"

struct imm_cli_judged;

/* What `show` says of a unit beyond its settings: figures, findings, identity. An imm_exit. */
int imm_cli_judged_open(struct imm_cli *cli, struct imm_cli_judged **ret);
struct imm_cli_judged *imm_cli_judged_free(struct imm_cli_judged *j);
/* Members of the unit's object: exposure, rating, reach, findings. */
void imm_cli_judged_json(struct imm_cli_judged *w, struct imm_unit *u, struct imm_json *j);
/* "Runs as" and "Findings", worst first. */
void imm_cli_judged_text(struct imm_cli_judged *w, struct imm_unit *u);
