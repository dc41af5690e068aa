#include "analyzer/host/libsystemd.h"

#include "base/late.h"

struct imm_sd imm_sd;

int imm_sd_load(struct imm_err *err) {
        static const struct imm_late functions[] = {
#define IMM_SD_ROW(name) {"sd_" #name, &imm_sd.name},
                IMM_SD_FUNCTIONS(IMM_SD_ROW)
#undef IMM_SD_ROW
        };

        if (imm_sd.journal_send) /* the last one */
                return 0;
        return imm_late_load("libsystemd.so.0", functions, sizeof(functions) / sizeof(*functions),
                "the manager and the journal are reached by", err);
}
