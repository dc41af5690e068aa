#pragma once

#include "audit/difference.h"

/*
 * Lists of networks, "10.0.0.0/8 ::1/128" (NULL: none), that allow: WORSE where @after has
 * addresses that @before had not, BETTER where it has fewer and none more, SAME for equal ones.
 * CHANGED: one of them is not understood.
 */
enum imm_verdict imm_addresses_compare(const char *before, const char *after);
