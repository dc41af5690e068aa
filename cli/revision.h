#pragma once

#include "cli/cli.h"

/*
 * The files of a repository as they were at a revision, in a temporary folder: read through
 * libgit2, so nothing of the repository (hooks, filters, drivers) is executed.
 */
struct imm_revision {
        char *folder; /* temporary; its content stands as below the working directory */
        int back;     /* descriptor of the working directory; -1 */
};

/*
 * Writes out the folders of @paths (relative, or absolute inside the repository) at @revision and
 * goes there, so that relative paths mean the old files. -ENOENT and the like with @err.
 */
int imm_revision_enter(struct imm_revision *r, const char *revision, const char *const *paths,
        size_t n, struct imm_err *err);
/* Goes back and removes the folder; accepts what was never entered. */
void imm_revision_leave(struct imm_revision *r);
