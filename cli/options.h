#pragma once

#include "cli/cli.h"

/* Parses argv by the common table and the verb's. 0; -EINVAL with cli->err; 1: --help or --version
 * was answered. */
int imm_options_parse(struct imm_cli *cli, int argc, char **argv);
void imm_options_help(const struct imm_cli *cli, const struct imm_verb *const *verbs, FILE *f);

/* All verbs, NULL-terminated; the first is the one without a name on the command line. */
extern const struct imm_verb *const imm_verbs[];
