#pragma once

/* What the verbs of history have in common: an audit made now as a snapshot, and snapshots by name.
 */

#include "cli/cli.h"
#include "history/history.h"
#include "rules/snapshot.h"

/*
 * Analyses cli's root (all of its services, or those that the arguments name if @args) with host
 * and time filled in. An imm_exit: 0, 3 (something could not be read), 4 (nothing there) and 2 for
 * a unit that is nowhere come with a snapshot, others without; what there is to say is said.
 */
int imm_cli_snapshot(struct imm_cli *cli, unsigned parts, bool args, struct imm_snapshot **ret);
int imm_cli_snapshot_with(struct imm_cli *cli, const struct imm_snapshot_options *what, bool args,
        struct imm_snapshot **ret);

/* The host that cli's root is, by its /etc/hostname; the running one by what it calls itself. */
const char *imm_cli_host(struct imm_cli *cli);

/* What a run of cli's root is of: host, the root's real path, whose manager */
struct imm_run_place imm_cli_run_place(struct imm_cli *cli);

/* --db=, else the usual place. Opens it. READ: 0 with *ret NULL where there is none. An imm_exit.
 */
int imm_cli_history(struct imm_cli *cli, enum imm_history_mode mode, struct imm_history **ret);

/*
 * What an argument of `diff` means: "now", a run's number, a JSON report, or the folder of a root.
 * An imm_exit, as imm_cli_snapshot().
 */
int imm_cli_snapshot_named(
        struct imm_cli *cli, const char *arg, struct imm_history *h, struct imm_snapshot **ret);

/* Reads a JSON report. An imm_exit. */
int imm_cli_snapshot_file(struct imm_cli *cli, const char *path, struct imm_snapshot **ret);

/* The last run of this host and root before run @before (0: of all); *ret 0 if there is none. An
 * imm_exit. */
int imm_cli_last_run(struct imm_cli *cli, struct imm_history *h, int64_t before, int64_t *ret);
