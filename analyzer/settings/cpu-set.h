#pragma once

/* Sets of CPUs and of memory nodes: CPUAffinity=, NUMAMask=, AllowedCPUs= */

#include "analyzer/settings/settings.h"

enum { IMM_CPUS_MAX = 8192 };

/* "0-3,5 7", into @set (IMM_CPUS_MAX bytes); false for what is no such list */
bool imm_cpu_set_add(unsigned char *set, const char *s);
/* All that the value's lines name, words apart; is there any list at all? */
bool imm_cpu_set_of(const struct imm_value *v, unsigned char *set);
