#pragma once

/*
 * The history: snapshots kept in an SQLite database.
 *
 * A run is one transaction: it is there whole or not at all. Unit states and their parts are stored
 * once under the digest of their content, so an unchanged unit costs a few bytes a night. A
 * database that is not ours, or was made by a newer immure, is never written to. SQL is known in
 * this folder only.
 */

#include "audit/snapshot.h"

struct imm_history;

enum imm_history_mode {
        IMM_HISTORY_READ,  /* -ENOENT if there is none; nothing is made */
        IMM_HISTORY_WRITE, /* made if it is not there, with its folder; migrated if it is older */
};

/*
 * -ENOENT: no database (READ only; @err is not set). Else a negative errno with @err: -EINVAL for a
 * file that is not a history or too new, -EROFS, -EACCES, -ENOSPC, -EBUSY (locked by somebody for
 * half a minute), -EIO.
 */
int imm_history_open(struct imm_history **ret, const char *path, enum imm_history_mode mode,
        struct imm_err *err);
struct imm_history *imm_history_free(struct imm_history *h);
IMM_DEFINE_CLEANUP(struct imm_history *, imm_history_free)

/* How many may work on what is stored; 1 if nothing is said */
void imm_history_use_threads(struct imm_history *h, unsigned jobs);

/* /var/lib/immure/history.db for root, else $XDG_STATE_HOME/immure/history.db; in @a; NULL without
 * a home. */
const char *imm_history_default_path(struct imm_arena *a);

/* What runs are of; NULL: any. Only runs of one place are compared without being asked to. */
struct imm_run_place {
        const char *host, *root, *scope;
};

/*
 * What the last run of a place is known to have, for who makes an audit of it: a state that is as
 * it was need not be kept until it is recorded. May be asked by several workers at once.
 */
struct imm_known;
int imm_history_known(struct imm_history *h, const struct imm_run_place *place,
        struct imm_known **ret, struct imm_err *err);
struct imm_known *imm_known_free(struct imm_known *k);
IMM_DEFINE_CLEANUP(struct imm_known *, imm_known_free)
/* @s, sorted and as it would be recorded. True: it is known, and @ret says as what. */
bool imm_known_state(struct imm_known *k, unsigned worker, const struct imm_state *s,
        struct imm_known_state *ret);

/* Stores @s as one run. Waits for other recorders; on failure nothing of it is there. -ESTALE
 * without @err: what a state was known by is gone meanwhile; it takes the whole state. */
int imm_history_record(
        struct imm_history *h, const struct imm_snapshot *s, int64_t *ret_run, struct imm_err *err);

/* As imm_history_record(), for what may be there already: a run of the same place and time that
 * says the same stays as it is, and is told. */
int imm_history_merge(struct imm_history *h, const struct imm_snapshot *s, int64_t *ret_run,
        bool *ret_known, struct imm_err *err);

struct imm_run {
        int64_t id, time;
        const char *host, *root, *scope, *immure;
        unsigned systemd, units;
        bool partial;
        int exposure, reach; /* means, in hundredths; -1: nothing scored */
        unsigned findings[IMM_SEVERITY_N];
};

/* Complete runs, oldest first. In @a. */
int imm_history_runs(struct imm_history *h, const struct imm_run_place *place, struct imm_arena *a,
        struct imm_run **ret, size_t *ret_n, struct imm_err *err);

/* A run's snapshot. -ENOENT with @err if there is no such run. */
int imm_history_load(
        struct imm_history *h, int64_t run, struct imm_snapshot **ret, struct imm_err *err);

/* Two runs' snapshots without what is the same in both (units, lists of a unit, findings): all that
 * a difference needs. */
int imm_history_load_pair(struct imm_history *h, int64_t a, int64_t b, struct imm_snapshot **ret_a,
        struct imm_snapshot **ret_b, struct imm_err *err);

/* The figures of a run's units, sorted by name. In @a. */
struct imm_unit_figures {
        const char *unit, *load;
        int exposure, reach; /* tenths, -1: none */
};
int imm_history_figures(struct imm_history *h, int64_t run, struct imm_arena *a,
        struct imm_unit_figures **ret, size_t *ret_n, struct imm_err *err);

/* One unit's states over time at one place, oldest first: each with the first run in which it was
 * so. */
struct imm_unit_run {
        struct imm_run run;
        struct imm_snapshot *snapshot; /* of this one unit; NULL: it was not there */
};
int imm_history_unit(struct imm_history *h, const char *unit, const struct imm_run_place *place,
        struct imm_arena *a, struct imm_unit_run **ret, size_t *ret_n, struct imm_err *err);

/* Keeps the newest @keep runs of each place, drops the others and what only they used. */
int imm_history_prune(
        struct imm_history *h, unsigned keep, unsigned *ret_dropped, struct imm_err *err);
