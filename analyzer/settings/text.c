/* Values and origins as text. */

#include "analyzer/settings/registry.h"

#include <inttypes.h>

char *imm_value_text(enum imm_setting id, const struct imm_value *v, struct imm_arena *a) {
        (void)id;
        return imm_printf(a, "%" PRIu64, v->number);
}

char *imm_origin_text(const struct imm_origin *o, struct imm_arena *a) {
        switch (o->kind) {
        case IMM_ORIGIN_DEFAULT:
                return imm_strdup(a, "default");
        case IMM_ORIGIN_FILE:
        case IMM_ORIGIN_MANAGER:
                return imm_printf(a, "%s:%u", o->file, o->line);
        case IMM_ORIGIN_IMPLIED:
                return o->via && o->via->kind != IMM_ORIGIN_DEFAULT
                               ? imm_printf(a, "implied by %s= (%s)", imm_setting_info(o->by)->name,
                                         imm_origin_text(o->via, a))
                               : imm_printf(a, "implied by %s=", imm_setting_info(o->by)->name);
        }
        return imm_strdup(a, "");
}
