#pragma once

/*
 * Errors: the channel for a job that could not be done (I/O, memory, a broken file of ours).
 *
 * A function that can fail so returns a negative errno and, where a person must understand the
 * failure, takes `struct imm_err *err` as its last parameter. It is set once, at the origin, names
 * the object in single quotes, and is left untouched on success. NULL is accepted everywhere.
 * Odd input is not an error but a diagnostic (base/diag.h); a bug is an assert().
 */

struct imm_err {
        int code;  /* negative errno; 0 while nothing failed */
        char *msg; /* one line without newline, owned; NULL while nothing failed */
};

#define IMM_ERR_INIT \
        { 0, NULL }

/* Records the first failure and returns @code: return imm_err_set(err, -errno, "open '%s'", p); */
int imm_err_set(struct imm_err *err, int code, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/* The message, or the errno's text where none was set. Valid as long as @err and unchanged. */
const char *imm_err_text(const struct imm_err *err);

/* Forgets the failure; @err can be used again. */
void imm_err_done(struct imm_err *err);

#define imm_err_auto __attribute__((cleanup(imm_err_done))) struct imm_err
