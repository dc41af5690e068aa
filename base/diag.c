#include "base/diag.h"

void imm_diag_add(struct imm_arena *a, struct imm_diags *to, enum imm_diag_level level,
        const char *code, const char *file, unsigned line, const char *setting, const char *fmt,
        ...) {
        va_list ap;
        char *message;

        va_start(ap, fmt);
        message = imm_vprintf(a, fmt, ap);
        va_end(ap);
        *imm_array_push(a, to) = (struct imm_diag){
                .level = level,
                .line = line,
                .file = file,
                .setting = setting,
                .code = code,
                .message = message,
        };
}

const char *imm_diag_level_name(enum imm_diag_level level) {
        static const char *const names[] = {
                [IMM_DIAG_NOTE] = "note",
                [IMM_DIAG_WARNING] = "warning",
                [IMM_DIAG_ERROR] = "error",
                [IMM_DIAG_UNREADABLE] = "unreadable",
        };

        return names[level];
}
