/* system.conf and user.conf. */

#include "analyzer/settings/manager.h"

void imm_manager_defaults_load(struct imm_manager *m) {
        (void)m;
}

const struct imm_value *imm_manager_default(
        const struct imm_manager *m, enum imm_unit_type type, enum imm_setting id) {
        (void)m;
        (void)type;
        (void)id;
        return NULL;
}
