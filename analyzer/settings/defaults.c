/*
 * Defaults: what holds where no unit file says anything. The rows of settings.def, what differs by
 * systemd version, manager and unit type, and what system.conf or user.conf say (manager.c).
 */

#include "analyzer/settings/manager.h"
#include "analyzer/settings/registry.h"

static const struct imm_value builtin[IMM_SETTING_N] = {
#define SETTING(i, n, g, t, s, u, p, f, w, d) \
        [IMM_SETTING_##i] = {.type = IMM_VALUE_##t, .number = d},
#include "analyzer/settings/settings.def"
};

#define ALL_TYPES (~0U)
#define ONLY(t) (1U << IMM_UNIT_##t)
#define SYSTEM (1U << IMM_SCOPE_SYSTEM)
#define USER (1U << IMM_SCOPE_USER | 1U << IMM_SCOPE_GLOBAL)
#define BOTH (SYSTEM | USER)

/* The first row that fits counts. */
static const struct {
        enum imm_setting id;
        unsigned until; /* version; 0: all */
        unsigned scopes, types;
        struct imm_value value;
} special[] = {
        /* the API file systems and the mount namespace were plain booleans */
        {IMM_SETTING_MOUNT_APIVFS, 247, BOTH, ALL_TYPES, {.type = IMM_VALUE_TRISTATE, .number = 0}},
        {IMM_SETTING_PRIVATE_MOUNTS, 253, BOTH, ALL_TYPES,
                {.type = IMM_VALUE_TRISTATE, .number = 0}},
        {IMM_SETTING_IGNORE_ON_ISOLATE, 0, BOTH,
                ONLY(MOUNT) | ONLY(SWAP) | ONLY(SLICE) | ONLY(SCOPE) | ONLY(AUTOMOUNT) |
                        ONLY(DEVICE),
                {.type = IMM_VALUE_BOOL, .number = 1}},
        /* user@.service has 100 from 250 on, and its manager adds as much for its units */
        {IMM_SETTING_OOM_SCORE_ADJUST, 249, USER, ALL_TYPES,
                {.type = IMM_VALUE_SIGNED, .number = 0}},
        {IMM_SETTING_OOM_SCORE_ADJUST, 0, USER, ALL_TYPES,
                {.type = IMM_VALUE_SIGNED, .number = 200}},
        {IMM_SETTING_KEYRING_MODE, 0, SYSTEM, ONLY(SERVICE), {.type = IMM_VALUE_ENUM, .number = 1}},
        {IMM_SETTING_KEYRING_MODE, 0, SYSTEM, ALL_TYPES, {.type = IMM_VALUE_ENUM, .number = 2}},
        {IMM_SETTING_STANDARD_INPUT, 0, BOTH, ALL_TYPES,
                {.type = IMM_VALUE_STRING, .string = "null"}},
        {IMM_SETTING_STANDARD_OUTPUT, 0, BOTH, ALL_TYPES,
                {.type = IMM_VALUE_STRING, .string = "journal"}},
        {IMM_SETTING_STANDARD_ERROR, 0, BOTH, ALL_TYPES,
                {.type = IMM_VALUE_STRING, .string = "inherit"}},
        /* 15% of the tasks that the machine can have; slices have no limit */
        {IMM_SETTING_TASKS_MAX, 0, BOTH, ~ONLY(SLICE),
                {.type = IMM_VALUE_NUMBER, .number = 1500, .relative = true}},
};

const struct imm_value *imm_setting_default(const struct imm_manager *m, enum imm_unit_type type,
        unsigned version, enum imm_setting id) {
        const struct imm_value *v = imm_manager_default(m, type, id);

        if (v)
                return v;
        for (size_t i = 0; i < IMM_ELEMENTSOF(special); i++)
                if (special[i].id == id && (special[i].until == 0 || version <= special[i].until) &&
                        (special[i].scopes & 1U << m->scope) && (special[i].types & 1U << type))
                        return &special[i].value;
        return &builtin[id];
}
