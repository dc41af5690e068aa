#pragma once

#include "cli/cli.h"

/*
 * The files of a repository as they were at a revision, in a temporary folder: read through
 * libgit2, so nothing of the repository (hooks, filters, drivers) is executed.
 */
struct imm_revision {
        char *top;     /* the work tree, absolute, with a slash at its end */
        char *folder;  /* temporary, absolute: what corresponds to it */
        char *inside;  /* of it, what corresponds to the working directory */
        int back;      /* descriptor of the working directory while the other one is entered; -1 */
        int hold;      /* while it is open the folder stays; -1 */
        pid_t cleaner; /* who removes it then, however this process ends; 0 */
};
#define IMM_REVISION_NONE ((struct imm_revision){.back = -1, .hold = -1})

/*
 * Writes out the folders of @paths (relative, or absolute inside the repository) at @revision;
 * those that are folders themselves with all that is below them. Negative with @err.
 */
int imm_revision_open(struct imm_revision *r, const char *revision, const char *const *paths,
        size_t n, struct imm_err *err);
/* Removes the folder; accepts what was never opened. */
void imm_revision_close(struct imm_revision *r);

/* Where @path lies in it; NULL for what is not in the repository */
const char *imm_revision_path(const struct imm_revision *r, const char *path, struct imm_arena *a);

/* Between these two, relative paths mean the old files. */
int imm_revision_enter(struct imm_revision *r, struct imm_err *err);
void imm_revision_leave(struct imm_revision *r);
