#include "base/confidence.h"

const char *imm_confidence_name(enum imm_confidence c) {
        static const char *const names[IMM_CONFIDENCE_N] = {"certain", "likely", "possible"};

        return names[c];
}
