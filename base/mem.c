#include "base/mem.h"
#include "base/pieces.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Small first, so that a unit's arena costs little; doubling up to IMM_PIECE_MAX, so that big ones
 * are few. What is not of such a size (an object with a chunk of its own) comes from malloc(); and
 * so does everything where a sanitizer watches who uses freed memory.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PIECES false
#elif defined(__has_feature)
#define PIECES (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define PIECES true
#endif

struct chunk {
        struct chunk *next;
        size_t size, used;
        bool piece; /* with its head, one of pieces.h */
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
        pthread_mutex_t *lock; /* of a shared one; else NULL */
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

        a->next_size = IMM_PIECE_MIN;
        return a;
}

struct imm_arena *imm_arena_new_shared(void) {
        struct imm_arena *a = imm_arena_new();

        a->lock = imm_xcalloc(1, sizeof(pthread_mutex_t));
        (void)pthread_mutex_init(a->lock, NULL);
        return a;
}

static void lock(struct imm_arena *a) {
        if (a->lock)
                (void)pthread_mutex_lock(a->lock);
}

static void unlock(struct imm_arena *a) {
        if (a->lock)
                (void)pthread_mutex_unlock(a->lock);
}

static void chunk_free(struct chunk *c) {
        if (c->piece)
                imm_piece_give(c, sizeof(*c) + c->size);
        else
                free(c);
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

                chunk_free(a->head);
                a->head = next;
        }
        if (a->lock)
                (void)pthread_mutex_destroy(a->lock);
        free(a->lock);
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
                        chunk_free(keep);
                        keep = next;
                } else {
                        keep->next = next->next;
                        a->total -= sizeof(*next) + next->size;
                        chunk_free(next);
                }
        }
        keep->used = 0;
}

static struct chunk *chunk_new(struct imm_arena *a, size_t n) {
        size_t size = a->next_size - sizeof(struct chunk);
        bool piece = PIECES && size >= n;
        struct chunk *c;

        if (a->next_size < IMM_PIECE_MAX)
                a->next_size *= 2;
        if (size < n)
                size = n;
        if (size > SIZE_MAX - sizeof(*c))
                imm_oom();
        c = piece ? imm_piece_take(sizeof(*c) + size) : malloc(sizeof(*c) + size);
        if (!c)
                imm_oom();
        c->piece = piece;
        c->size = size;
        c->used = 0;
        a->total += sizeof(*c) + size;
        return c;
}

static void *take(struct imm_arena *a, size_t n) {
        const size_t align = _Alignof(max_align_t);
        struct chunk *c;
        void *p;

        if (n > SIZE_MAX - align)
                imm_oom();
        n = (n + align - 1) & ~(align - 1);
        lock(a);
        c = a->head;
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
        unlock(a);
        return p;
}

void *imm_alloc(struct imm_arena *a, size_t n) {
        return memset(take(a, n), 0, n);
}

void *imm_alloc_raw(struct imm_arena *a, size_t n) {
        return take(a, n);
}

void *imm_alloc_array(struct imm_arena *a, size_t n, size_t size) {
        size_t bytes;

        if (__builtin_mul_overflow(n, size, &bytes))
                imm_oom();
        return imm_alloc(a, bytes);
}

char *imm_strndup(struct imm_arena *a, const char *s, size_t n) {
        char *p = take(a, n + 1);

        memcpy(p, s, n);
        p[n] = 0;
        return p;
}

char *imm_strdup(struct imm_arena *a, const char *s) {
        return imm_strndup(a, s, strlen(s));
}

struct line {
        char text[256]; /* nearly all of them fit */
        size_t n;
};

static bool put(struct line *l, const char *s, size_t n) {
        if (n > sizeof(l->text) - l->n)
                return false;
        memcpy(l->text + l->n, s, n);
        l->n += n;
        return true;
}

static bool put_number(struct line *l, size_t value, bool negative) {
        char digits[24], *p = digits + sizeof(digits);

        do
                *--p = (char)('0' + value % 10);
        while ((value /= 10) > 0);
        if (negative)
                *--p = '-';
        return put(l, p, (size_t)(digits + sizeof(digits) - p));
}

static bool put_int(struct line *l, int value) {
        return put_number(l, value < 0 ? -(size_t)value : (size_t)value, value < 0);
}

/* One conversion, which @s begins with behind its '%': its length; 0: not one of the plain ones */
static size_t put_one(struct line *l, const char *s, va_list *ap) {
        const char *text;
        int n;

        switch (*s) {
        case '.':
                if (s[1] != '*' || s[2] != 's')
                        return 0;
                n = va_arg(*ap, int);
                text = va_arg(*ap, const char *);
                return n >= 0 && text && put(l, text, strnlen(text, (size_t)n)) ? 3 : 0;
        case '%':
                return put(l, "%", 1);
        case 's':
                text = va_arg(*ap, const char *);
                return text && put(l, text, strlen(text));
        case 'u':
                return put_number(l, va_arg(*ap, unsigned), false);
        case 'd':
                return put_int(l, va_arg(*ap, int));
        case 'z':
                return s[1] == 'u' && put_number(l, va_arg(*ap, size_t), false) ? 2 : 0;
        default:
                return 0;
        }
}

/* Texts are made by the million, nearly all of plain conversions. False: of others, or too long. */
static bool format_plainly(struct line *l, const char *fmt, va_list *ap) {
        while (*fmt) {
                const char *end = strchrnul(fmt, '%');
                size_t n;

                if (!put(l, fmt, (size_t)(end - fmt)))
                        return false;
                if (!*end)
                        break;
                n = put_one(l, end + 1, ap);
                if (n == 0)
                        return false;
                fmt = end + 1 + n;
        }
        return true;
}

char *imm_vprintf(struct imm_arena *a, const char *fmt, va_list ap) {
        struct line line;
        char first[256];
        va_list again;
        bool plain;
        char *p;
        int n;

        line.n = 0;
        va_copy(again, ap);
        plain = format_plainly(&line, fmt, &again);
        va_end(again);
        if (plain)
                return imm_strndup(a, line.text, line.n);
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

bool imm_arena_has(const struct imm_arena *a, const void *p) {
        const uintptr_t at = (uintptr_t)p;

        for (const struct chunk *c = a->head; c; c = c->next)
                if (at - (uintptr_t)c->data < c->used)
                        return true;
        return false;
}

size_t imm_arena_size(const struct imm_arena *a) {
        return a->total;
}

void imm_arena_defer(struct imm_arena *a, void (*done)(void *data), void *data) {
        struct deferred *d = imm_new(a, struct deferred);

        lock(a);
        *d = (struct deferred){a->deferred, done, data};
        a->deferred = d;
        unlock(a);
}

/* The last thing that was taken grows where it lies, as far as there is room. */
static bool grow_in_place(struct imm_arena *a, const void *v, size_t had, size_t wanted) {
        const size_t align = _Alignof(max_align_t);
        const unsigned char *p = v;
        struct chunk *c;
        bool can;

        had = (had + align - 1) & ~(align - 1);
        wanted = (wanted + align - 1) & ~(align - 1);
        lock(a);
        c = a->head;
        can = c && p >= c->data && p + had == c->data + c->used &&
              wanted - had <= c->size - c->used;
        if (can) {
                memset(c->data + c->used, 0, wanted - had);
                c->used += wanted - had;
        }
        unlock(a);
        return can;
}

void *imm_array_grow(struct imm_arena *a, void *v, size_t n, size_t *cap, size_t size) {
        size_t fresh = *cap ? *cap * 2 : 4, bytes;
        void *p;

        if (*cap && !__builtin_mul_overflow(fresh, size, &bytes) &&
                grow_in_place(a, v, *cap * size, bytes)) {
                *cap = fresh;
                return v;
        }
        p = imm_alloc_array(a, fresh, size);
        if (n > 0)
                memcpy(p, v, n * size);
        *cap = fresh;
        return p;
}

size_t imm_first_not_before(const void *key, const void *v, size_t n, size_t size,
        int (*compare)(const void *key, const void *item)) {
        size_t low = 0, high = n;

        while (low < high) {
                size_t mid = low + (high - low) / 2;

                if (compare(key, (const char *)v + mid * size) > 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        return low;
}
