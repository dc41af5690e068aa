#include "base/pieces.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { BLOCK = 2 << 20, SIZES = 8 };
_Static_assert(IMM_PIECE_MIN << (SIZES - 1) == IMM_PIECE_MAX, "a list for each size");

struct piece {
        struct piece *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct piece *given[SIZES]; /* back, by size */
static unsigned char *block;       /* what is left of the last one */
static size_t left;

static unsigned list_of(size_t size) {
        return (unsigned)(__builtin_ctzl(size) - __builtin_ctzl(IMM_PIECE_MIN));
}

/* Blocks lie on their own boundaries: only so one huge page backs each. */
static void *take_block(void) {
        unsigned char *p =
                mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        size_t before;

        if (p == MAP_FAILED)
                return NULL;
        before = -(uintptr_t)p % BLOCK;
        if (before > 0)
                (void)munmap(p, before);
        (void)munmap(p + before + BLOCK, BLOCK - before);
        (void)madvise(p + before, BLOCK, MADV_HUGEPAGE);
        return p + before;
}

static void give(void *piece, size_t size) {
        struct piece *p = piece;
        struct piece **list = &given[list_of(size)];

        p->next = *list;
        *list = p;
}

/* The rest of the last block is too small: it is cut up for smaller ones. */
static void cut_up(void) {
        for (size_t size = IMM_PIECE_MAX; size >= IMM_PIECE_MIN; size /= 2)
                for (; left >= size; left -= size, block += size)
                        give(block, size);
}

void *imm_piece_take(size_t size) {
        struct piece **list = &given[list_of(size)], *p;

        (void)pthread_mutex_lock(&lock);
        p = *list;
        if (p)
                *list = p->next;
        else {
                if (left < size) {
                        cut_up();
                        block = take_block();
                        left = block ? BLOCK : 0;
                }
                if (left >= size) {
                        p = (struct piece *)(void *)block;
                        block += size;
                        left -= size;
                }
        }
        (void)pthread_mutex_unlock(&lock);
        return p;
}

void imm_piece_give(void *piece, size_t size) {
        (void)pthread_mutex_lock(&lock);
        give(piece, size);
        (void)pthread_mutex_unlock(&lock);
}
