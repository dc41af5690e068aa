#pragma once

/* An audit as a plain value: what reports, the history and differences are made of. */

#include "audit/snapshot.h"
#include "rules/rules.h"

enum imm_snapshot_parts {
        IMM_SNAPSHOT_MOUNTS = 1 << 0,
        IMM_SNAPSHOT_ACCESS = 1 << 1,
        IMM_SNAPSHOT_CLOSURE = 1 << 2,
        IMM_SNAPSHOT_DEFAULTS = 1 << 3, /* settings that nothing sets, too */
        /* what a gate compares; a repository's files have no root to look into */
        IMM_SNAPSHOT_GATE = 0,
        IMM_SNAPSHOT_ALL = IMM_SNAPSHOT_MOUNTS | IMM_SNAPSHOT_ACCESS | IMM_SNAPSHOT_CLOSURE,
};

/* What to put into a snapshot */
struct imm_snapshot_options {
        unsigned parts;
        /*
         * Asked of each state when it is made, by the worker that made it; it is sorted, and its
         * strings may be replaced by others in @a. True: *@ret says what knows it, and only that
         * and its figures are kept. NULL: all is kept.
         */
        bool (*known)(void *data, unsigned worker, struct imm_state *s, struct imm_arena *a,
                struct imm_known_state *ret);
        void *data;
};

/*
 * Judges @units as imm_audit_run() does and makes the snapshot of all of them in the same go, so
 * that what is found out about a unit is found out once. The snapshot borrows nothing: it outlives
 * the audit, which is returned too. Host and time are the caller's to set: nothing here reads a
 * clock.
 */
struct imm_snapshot *imm_snapshot_judge(struct imm_manager *m, const struct imm_rulebook *rules,
        struct imm_unit **units, size_t n_units, const struct imm_audit_options *options,
        const struct imm_snapshot_options *what, struct imm_audit **ret_audit);

/* One unit of @a as a state of @to */
struct imm_state *imm_snapshot_add_unit(struct imm_snapshot *to, const struct imm_audit *a,
        const struct imm_audited *u, unsigned parts);

/* A mount as views tell it; its strings are borrowed, its origin is the caller's to add. */
struct imm_mount;
struct imm_state_mount imm_state_mount_of(const struct imm_mount *m, struct imm_arena *a);

/* The places at which every unit's access is summed up, NULL-terminated: one for each area that
 * matters. */
extern const char *const imm_areas[];
