#pragma once

/* Private to this room: what a unit's settings imply, and which units systemd refuses. */

#include "analyzer/settings/parse/parse.h"

/* After all assignments: changes values and, where the unit is refused, s->load. */
void imm_imply(struct imm_parse *p, struct imm_settings *s);

/* "/a-b/c" (normalised) as "a\x2db-c": what stands before the suffix of a mount unit's name */
const char *imm_unit_name_of_path(struct imm_arena *a, const char *path);

/* verify.c: combinations that systemd refuses */
void imm_verify(struct imm_parse *p, struct imm_settings *s);
