#pragma once

#include "audit/difference.h"

/*
 * What of @before's closure @after lacks, and the reverse, as changes of @to (in @a): an upgraded
 * package is one change, not a removal and an addition of each of its files. Then what the sandbox
 * hides now, and no longer.
 */
void imm_difference_closure(struct imm_arena *a, struct imm_unit_difference *to,
        const struct imm_state *before, const struct imm_state *after);
