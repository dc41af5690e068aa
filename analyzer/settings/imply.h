#pragma once

/* Private to this room: what a unit's settings imply, and which units systemd refuses. */

#include "analyzer/settings/parse/parse.h"

/* After all assignments: changes values and, where the unit is refused, s->load. */
void imm_imply(struct imm_parse *p, struct imm_settings *s);

/* verify.c: combinations that systemd refuses */
void imm_verify(struct imm_parse *p, struct imm_settings *s);
