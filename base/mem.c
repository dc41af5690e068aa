#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>

/* Small first, so that a unit's arena costs little; doubling up to here, so that big ones are few
 */
enum { CHUNK_FIRST = 2048, CHUNK_MAX = 256 * 1024 };

struct chunk {
        struct chunk *next;
        size_t size, used;
        _Alignas(max_align_t) unsigned char data[];
};

struct deferred {
        struct deferred *next;
        void (*done)(void *data);
        void *data;
};

struct imm_arena {
        struct chunk *head;
        struct deferred *deferred;
        size_t total;
        size_t next_size;
};

static void (*oom_hook)(void);

void imm_on_oom(void (*hook)(void)) {
        oom_hook = hook;
}

_Noreturn void imm_oom(void) {
        static const char text[] = "immure: out of memory\n";

        if (oom_hook)
                oom_hook();
        (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
        _exit(3);
}

void *imm_xcalloc(size_t n, size_t size) {
        void *p = calloc(n ? n : 1, size ? size : 1);

        if (!p)
                imm_oom();
        return p;
}

void *imm_xrealloc(void *p, size_t n, size_t size) {
        void *q = reallocarray(p, n ? n : 1, size ? size : 1);

        if (!q)
                imm_oom();
        return q;
}

char *imm_xstrdup(const char *s) {
        char *p = strdup(s);

        if (!p)
                imm_oom();
        return p;
}

struct imm_arena *imm_arena_new(void) {
        struct imm_arena *a = imm_xcalloc(1, sizeof(*a));

        a->next_size = CHUNK_FIRST;
        return a;
}

struct imm_arena *imm_arena_free(struct imm_arena *a) {
        if (!a)
                return NULL;
        while (a->deferred) {
                struct deferred *d = a->deferred;

                a->deferred = d->next;
                d->done(d->data);
        }
        while (a->head) {
                struct chunk *next = a->head->next;

                free(a->head);
                a->head = next;
        }
        free(a);
        return NULL;
}

void imm_arena_reset(struct imm_arena *a) {
        struct chunk *keep = a->head;

        assert(!a->deferred);
        if (!keep)
                return;
        while (keep->next) {
                struct chunk *next = keep->next;

                if (next->size > keep->size) {
                        a->head = next;
                        a->total -= sizeof(*keep) + keep->size;
                        free(keep);
                        keep = next;
                } else {
                        keep->next = next->next;
                        a->total -= sizeof(*next) + next->size;
                        free(next);
                }
        }
        keep->used = 0;
}

static struct chunk *chunk_new(struct imm_arena *a, size_t n) {
        size_t size = a->next_size;
        struct chunk *c;

        if (size < CHUNK_MAX)
                a->next_size = size * 2;
        if (size < n)
                size = n;
        if (size > SIZE_MAX - sizeof(*c))
                imm_oom();
        c = malloc(sizeof(*c) + size);
        if (!c)
                imm_oom();
        c->size = size;
        c->used = 0;
        a->total += sizeof(*c) + size;
        return c;
}

void *imm_alloc(struct imm_arena *a, size_t n) {
        const size_t align = _Alignof(max_align_t);
        struct chunk *c = a->head;
        void *p;

        if (n > SIZE_MAX - align)
                imm_oom();
        n = (n + align - 1) & ~(align - 1);
        if (!c || c->size - c->used < n) {
                struct chunk *fresh = chunk_new(a, n);

                /* a large object gets its own chunk behind the one still being filled */
                if (c && fresh->size == n && c->size - c->used > 64) {
                        fresh->next = c->next;
                        c->next = fresh;
                } else {
                        fresh->next = c;
                        a->head = fresh;
                }
                c = fresh;
        }
        p = c->data + c->used;
        c->used += n;
        return memset(p, 0, n);
}

void *imm_alloc_array(struct imm_arena *a, size_t n, size_t size) {
        size_t bytes;

        if (__builtin_mul_overflow(n, size, &bytes))
                imm_oom();
        return imm_alloc(a, bytes);
}

char *imm_strndup(struct imm_arena *a, const char *s, size_t n) {
        char *p = imm_alloc(a, n + 1);

        memcpy(p, s, n);
        return p;
}

char *imm_strdup(struct imm_arena *a, const char *s) {
        return imm_strndup(a, s, strlen(s));
}

char *imm_vprintf(struct imm_arena *a, const char *fmt, va_list ap) {
        char first[256]; /* nearly all of them fit: formatted once */
        va_list again;
        char *p;
        int n;

        va_copy(again, ap);
        n = vsnprintf(first, sizeof(first), fmt, again);
        va_end(again);
        if (n < 0)
                imm_oom();
        if ((size_t)n < sizeof(first))
                return imm_strndup(a, first, (size_t)n);
        p = imm_alloc(a, (size_t)n + 1);
        (void)vsnprintf(p, (size_t)n + 1, fmt, ap);
        return p;
}

char *imm_printf(struct imm_arena *a, const char *fmt, ...) {
        va_list ap;
        char *p;

        va_start(ap, fmt);
        p = imm_vprintf(a, fmt, ap);
        va_end(ap);
        return p;
}

size_t imm_arena_size(const struct imm_arena *a) {
        return a->total;
}

void imm_arena_defer(struct imm_arena *a, void (*done)(void *data), void *data) {
        struct deferred *d = imm_new(a, struct deferred);

        *d = (struct deferred){a->deferred, done, data};
        a->deferred = d;
}

void *imm_array_grow(struct imm_arena *a, void *v, size_t n, size_t *cap, size_t size) {
        size_t fresh = *cap ? *cap * 2 : 4;
        void *p = imm_alloc_array(a, fresh, size);

        if (n > 0)
                memcpy(p, v, n * size);
        *cap = fresh;
        return p;
}
