#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int imm_err_set(struct imm_err *err, int code, const char *fmt, ...) {
        va_list ap;

        if (!err || err->code)
                return code;
        err->code = code;
        va_start(ap, fmt);
        if (vasprintf(&err->msg, fmt, ap) < 0)
                err->msg = NULL;
        va_end(ap);
        return code;
}

const char *imm_err_text(const struct imm_err *err) {
        if (err->msg)
                return err->msg;
        return strerror(err->code < 0 ? -err->code : err->code);
}

void imm_err_done(struct imm_err *err) {
        free(err->msg);
        *err = (struct imm_err)IMM_ERR_INIT;
}
