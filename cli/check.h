#pragma once

/* The parts of `immure check`: which files, how they are judged, and what went wrong meanwhile. */

#include "audit/snapshot.h"
#include "base/map.h"
#include "cli/cli.h"
#include "rules/waiver.h"

struct imm_revision;

struct imm_check_run {
        /* Paths below the first are shown as below the second: an old revision's are; or NULL */
        const char *moved_from, *moved_to;
        const char *policy;         /* --security-policy=, or NULL */
        const char *project;        /* folder with .immure, absolute; or NULL */
        struct imm_rulebook *rules; /* of the last target: for titles and lists */
        struct imm_diags problems;  /* why the answer is not whole; strings in the arena */
        struct imm_map told;
        struct imm_strv notes; /* what was left out, for people; in the arena */
        int status;            /* the gravest of 2, 3, 4 that came up; 0 */
        struct imm_arena *arena;
        IMM_ARRAY(struct imm_snapshot *) targets; /* one for each version, strings are borrowed */
};

/* 2 (configuration) comes before 3 (unreadable), and that before 4 (nothing) */
void imm_check_status(struct imm_check_run *c, int status);
/* Remembers why the answer is not whole, each reason once. */
void imm_check_problem(struct imm_check_run *c, const char *file, unsigned line, const char *text);
void imm_check_problems(struct imm_check_run *c, const struct imm_diags *from, int least);
void imm_check_done(struct imm_check_run *c);

/* ---- check-files.c: arguments ---- */

/*
 * The unit files that @args mean, each once: folders stand for all unit files in and below them,
 * drop-ins for their unit. With @rev, those that the folders had then, too. A folder that cannot be
 * read is a problem of @c; what in it looks like a unit's and cannot be judged is a note. NULL:
 * nothing is said.
 */
void imm_check_files(struct imm_cli *cli, struct imm_check_run *c, const char *const *args,
        size_t n, const struct imm_revision *rev, struct imm_strv *ret);
/* Can @path be judged: is it there, or the template that an instance is read from? */
bool imm_check_is_there(struct imm_arena *a, const char *path);
/*
 * The folder whose .immure holds policy for @files, NULL if there is none: the nearest one above
 * each, not beyond its repository. Where there is no repository it must belong to root, to who
 * asks, or to the file's own owner: a folder that somebody else can write must never quiet a gate.
 * An imm_exit: files under two policies cannot be judged in one go, for one would be left out.
 */
int imm_check_project(struct imm_cli *cli, const struct imm_strv *files, const char **ret);
/* The same for the working directory, if that is in a repository */
const char *imm_check_project_here(struct imm_cli *cli);
/* The work tree around the working directory, absolute, without a trailing slash; or NULL */
const char *imm_check_repository(struct imm_cli *cli);

/* ---- check-judge.c: targets ---- */

/*
 * All units of cli->args by every --systemd-version=: the worst of them, with the versions that a
 * finding is of. @waivers: where comments of the unit files are added, or NULL. NULL after a usage
 * error, which is said.
 */
struct imm_snapshot *imm_check_judge(
        struct imm_cli *cli, struct imm_check_run *c, struct imm_waivers *waivers);
