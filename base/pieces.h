#pragma once

/*
 * What arenas are made of: pieces of memory, powers of two in size, cut off blocks that the kernel
 * is asked to back by huge pages. An audit takes tens of thousands of them, most of them to its
 * end; a fault for each of their pages would be a tenth of its time. A piece that is given back
 * serves the next of its size. Any thread may take and give.
 */

#include <stddef.h>

enum { IMM_PIECE_MIN = 2048, IMM_PIECE_MAX = 256 * 1024 };

/* @size: one of these powers of two. The content is anything. NULL: there is no more. */
void *imm_piece_take(size_t size);
void imm_piece_give(void *piece, size_t size);
