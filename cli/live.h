#pragma once

/* --live: the running service beside the prediction, for the verbs that answer about one unit. */

#include "analyzer/host/host.h"
#include "cli/cli.h"

struct imm_cli_live {
        struct imm_live live;
        struct imm_live_differences differences;
};

/* Asks and compares; into cli->arena. For cli->live alone. */
void imm_cli_live(struct imm_cli *cli, struct imm_unit *u, struct imm_cli_live *ret);
void imm_cli_live_text(struct imm_cli *cli, const struct imm_cli_live *l);
void imm_cli_live_json(struct imm_json *j, const struct imm_cli_live *l); /* "live": {...} */

/*
 * The kernel's own answers at @paths for the running main process, one each; NULL where it could
 * not be asked: @l says why then.
 */
const struct imm_live_access *imm_cli_live_access(
        struct imm_cli *cli, struct imm_cli_live *l, const char *const *paths, size_t n);
/* One line where the kernel says something else than the prediction for the main process. */
void imm_cli_live_access_text(struct imm_cli *cli, const struct imm_live_access *kernel,
        const struct imm_access *predicted);
void imm_cli_live_access_json(struct imm_json *j, const struct imm_live_access *kernel);
