#pragma once

#include "base/err.h"

#include <stdbool.h>

#include <stdio.h>

/*
 * -o FILE: written beside it under another name and renamed when it is whole, so that a reader
 * never meets half a report. @path NULL: stdout.
 */
struct imm_output {
        FILE *f;
        char *path, *temporary;
};
int imm_output_open(struct imm_output *o, const char *path, struct imm_err *err);
int imm_output_close(struct imm_output *o, struct imm_err *err); /* flushes, syncs, renames */
void imm_output_drop(struct imm_output *o); /* nothing of it stays; after a close it does nothing */
