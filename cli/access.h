#pragma once

/* What the verbs about access (can, who) share. */

#include "analyzer/sandbox/sandbox.h"
#include "cli/cli.h"

/* The imm_mode that a word names, or -1 */
int imm_cli_mode(const char *word);
/* Arguments that must be absolute paths, one at least: an imm_exit, its message already said. */
int imm_cli_paths(struct imm_cli *cli, const char *const *paths, size_t n);
/* The fields of an answer, into the object that is open */
void imm_cli_access_json(struct imm_json *j, const struct imm_access *a);
