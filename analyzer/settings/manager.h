#pragma once

/* Private to this room: system.conf and user.conf as defaults of units. */

#include "analyzer/settings/settings.h"

/* What the manager's configuration says for units of @type; NULL if nothing. */
const struct imm_value *imm_manager_default(
        const struct imm_manager *m, enum imm_unit_type type, enum imm_setting id);
