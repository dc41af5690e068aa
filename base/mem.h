#pragma once

/*
 * Memory: arenas, growable arrays in them, and the cleanup attribute for handles.
 *
 * What is parsed or derived for one audit dies together, so it lives in arenas and nobody frees
 * single objects. An arena is used by one thread at a time. Running out of memory ends the process
 * (exit status 3, after the hook): an audit cut short at a random allocation has no honest result,
 * and what must survive (the history) is protected by transactions, not by code after malloc().
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct imm_arena;

struct imm_arena *imm_arena_new(void);
/* One that several threads take memory from, at a lock's price; the arrays in it are not shared */
struct imm_arena *imm_arena_new_shared(void);
struct imm_arena *imm_arena_free(struct imm_arena *a); /* accepts NULL, returns NULL */
/* Everything in it goes, its largest piece of memory stays for what comes next. */
void imm_arena_reset(struct imm_arena *a);

/* Zeroed memory, aligned for any type; never NULL. @n may be 0. */
void *imm_alloc(struct imm_arena *a, size_t n) __attribute__((malloc, returns_nonnull));
/* The same with any content: for what is written over at once, as by read(2) */
void *imm_alloc_raw(struct imm_arena *a, size_t n) __attribute__((malloc, returns_nonnull));
/* @n objects of @size bytes, checked for overflow. */
void *imm_alloc_array(struct imm_arena *a, size_t n, size_t size)
        __attribute__((malloc, returns_nonnull));
#define imm_new(a, type) ((type *)imm_alloc((a), sizeof(type)))

char *imm_strdup(struct imm_arena *a, const char *s);
char *imm_strndup(struct imm_arena *a, const char *s, size_t n); /* @n bytes, all of them */
char *imm_printf(struct imm_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *imm_vprintf(struct imm_arena *a, const char *fmt, va_list ap)
        __attribute__((format(printf, 2, 0)));
size_t imm_arena_size(const struct imm_arena *a); /* bytes taken from the system */
/* Does @p point to something that was taken from @a? */
bool imm_arena_has(const struct imm_arena *a, const void *p);

/* @done(@data) is called when the arena is freed, the last one first and before its memory goes:
 * for handles and locks that live as long as what they belong to. */
void imm_arena_defer(struct imm_arena *a, void (*done)(void *data), void *data);

/* Called once before the process ends for lack of memory (to restore a terminal); may be NULL. */
void imm_on_oom(void (*hook)(void));
_Noreturn void imm_oom(void);

/* Heap memory that ends the process on failure; for what outlives or never enters an arena. */
void *imm_xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *imm_xrealloc(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *imm_xstrdup(const char *s) __attribute__((malloc, returns_nonnull));

/*
 * A growable array in an arena: struct { ... } with v, n, cap. Declare IMM_ARRAY(T) x; and
 * *imm_array_push(arena, &x) = item; The items move when it grows: keep indices, not pointers.
 */
#define IMM_ARRAY(type) \
        struct { \
                type *v; \
                size_t n, cap; \
        }
void *imm_array_grow(struct imm_arena *a, void *v, size_t n, size_t *cap, size_t size);
#define imm_array_push(a, array) \
        ({ \
                __typeof__(array) arr_ = (array); \
                if (arr_->n == arr_->cap) \
                        arr_->v = imm_array_grow( \
                                (a), arr_->v, arr_->n, &arr_->cap, sizeof(*arr_->v)); \
                &arr_->v[arr_->n++]; \
        })
/* Room for @count in all, and no more, where that is known before */
#define imm_array_reserve(a, array, count) \
        ({ \
                __typeof__(array) arr_ = (array); \
                size_t cap_ = (count) / 2 + (count) % 2; \
                if ((count) > arr_->cap) { \
                        arr_->v = imm_array_grow((a), arr_->v, arr_->n, &cap_, sizeof(*arr_->v)); \
                        arr_->cap = cap_; \
                } \
        })
/*
 * The index of the first of @n sorted items of @size bytes that is not before @key, @n if all are;
 * @compare as bsearch(3) has it.
 */
size_t imm_first_not_before(const void *key, const void *v, size_t n, size_t size,
        int (*compare)(const void *key, const void *item));
#define imm_array_foreach(item, array) \
        for (__typeof__((array)->v + 0) item = (array)->v; \
                (array)->n > 0 && item < (array)->v + (array)->n; item++)

#define IMM_DEFINE_CLEANUP(type, func) \
        static inline void func##p(type *p) { \
                if (*p) \
                        func(*p); \
        }
#define imm_cleanup(func) __attribute__((cleanup(func##p)))

#define imm_steal(ptr) \
        ({ \
                __typeof__(ptr) *pp_ = &(ptr), p_ = *pp_; \
                *pp_ = NULL; \
                p_; \
        })

IMM_DEFINE_CLEANUP(struct imm_arena *, imm_arena_free)

static inline void imm_freep(void *p) {
        free(*(void **)p);
}
#define imm_auto_free __attribute__((cleanup(imm_freep)))

/* File descriptors: -1 is none. */
static inline void imm_closep(int *fd) {
        if (*fd >= 0)
                (void)close(*fd);
}
#define imm_auto_close __attribute__((cleanup(imm_closep)))
static inline int imm_steal_fd(int *fd) {
        int r = *fd;

        *fd = -1;
        return r;
}

#define IMM_ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))
