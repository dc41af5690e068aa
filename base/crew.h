#pragma once

/* Many items, several threads: each takes the next few until none is left. */

#include <stddef.h>

enum { IMM_CREW_MAX = 64 };

/* How many workers imm_crew_run() has for @n items at most; at least 1. */
unsigned imm_crew_size(size_t n, size_t batch, unsigned jobs);

/*
 * Calls @item once for each index below @n, @batch in a row by the same worker, from 0 on below
 * imm_crew_size(): for what each has for itself (an arena). Returns when all is done. Fewer threads
 * than wished, down to the caller's own, do the same work.
 */
void imm_crew_run(size_t n, size_t batch, unsigned jobs,
        void (*item)(void *data, unsigned worker, size_t i), void *data);
