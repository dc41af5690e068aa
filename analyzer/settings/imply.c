/* Implications: what systemd makes of the settings once all files were read. */

#include "analyzer/settings/imply.h"

void imm_imply(struct imm_parse *p, struct imm_settings *s) {
        (void)p;
        (void)s;
}
