#pragma once

#include "audit/difference.h"

void imm_judges_compare(struct imm_arena *arena, const struct imm_snapshot *a,
        const struct imm_snapshot *b, struct imm_judges *ret);
/* Did both sides judge by the same immure and the same @rule of @card (NULL: all of its rules)? */
bool imm_judges_agree(const struct imm_judges *j, const char *card, const char *rule);

/*
 * What of @before's closure @after lacks, and the reverse, as changes of @to (in @a): an upgraded
 * package is one change, not a removal and an addition of each of its files. Then what the sandbox
 * hides now, and no longer.
 */
void imm_difference_closure(struct imm_arena *a, struct imm_unit_difference *to,
        const struct imm_state *before, const struct imm_state *after);
