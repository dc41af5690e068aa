#pragma once

/* What units need, lack and see beyond that, in a few figures: for show and scan. */

#include "analyzer/closure/closure.h"
#include "cli/cli.h"

struct imm_cli_needs {
        const struct imm_closure *closure; /* NULL: the unit is not loaded, and needs nothing */
        size_t certain, missing;           /* of what is needed */
        struct imm_excess excess;          /* known only where it was asked for */
};

/* @excess: what is seen without need too, which walks the root once for all units. */
void imm_cli_needs(struct imm_cli *cli, struct imm_unit *u, bool excess, struct imm_arena *a,
        struct imm_cli_needs *ret);
/* The same of @n units, by several threads; *ret lives in cli->arena. */
void imm_cli_needs_of_all(
        struct imm_cli *cli, struct imm_unit *const *units, size_t n, struct imm_cli_needs *ret);

/* show's part: in text a few lines, in JSON the member "closure" */
void imm_cli_needs_text(struct imm_cli *cli, const struct imm_cli_needs *needs, bool excess);
void imm_cli_needs_json(struct imm_json *j, const struct imm_cli_needs *needs, bool excess);
/* The member "missing": what is needed and not seen; null where the sandbox is not known */
void imm_cli_missing_json(struct imm_json *j, const struct imm_closure *c);
/* "1.2 GiB" */
const char *imm_cli_bytes(struct imm_arena *a, uint64_t n);
