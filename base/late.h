#pragma once

/*
 * Libraries that few runs ask for. Whatever a program is linked to is searched for, mapped and
 * relocated at each start; these are opened when the first of their functions is needed.
 */

#include "base/err.h"

#include <stddef.h>

struct imm_late {
        const char *name; /* of the function in the library */
        void *at;         /* a pointer to a function of any type, which is set */
};

/* Opens @library ("libgit2.so.1.5"), which stays, and finds all @n functions in it, or fails with
 * -ENOPKG; @what says who asks: "git repositories are read by". */
int imm_late_load(const char *library, const struct imm_late *functions, size_t n, const char *what,
        struct imm_err *err);
