#include "analyzer/closure/closure-private.h"

#include <errno.h>

/*
 * /etc/ld.so.cache, as ldconfig writes it: a table of names and paths, perhaps after an older table
 * that counts only by itself. Numbers are in the byte order of the target; of an older table alone
 * nothing tells it, and little endian is taken.
 */

enum {
        CACHE_MAX = 64 << 20,
        HEADER = 48,
        ENTRY = 24,
        OLD_HEADER = 16,
        OLD_ENTRY = 12,
        EXTENSION_MAGIC = (int)0xeaa42174,
        SECTION_HWCAPS = 1,
};
static const char magic[] = "glibc-ld.so.cache1.1", old_magic[] = "ld.so-1.7.0";
static const uint64_t NAMED = UINT64_C(1) << 62; /* the hwcap field is an index into the section */

struct row {
        const char *name;
        size_t order;
        struct ldcache_entry entry;
};

struct ldcache {
        struct row *rows; /* by name, then in order of the file */
        struct ldcache_entry *entries;
        size_t n;
};

struct text {
        const char *p;
        size_t n;
        bool big;
};

static uint64_t get(const struct text *t, size_t at, unsigned bytes) {
        uint64_t v = 0;

        for (unsigned i = 0; i < bytes; i++)
                v |= (uint64_t)(unsigned char)t->p[at + (t->big ? bytes - 1 - i : i)] << (8 * i);
        return v;
}

static const char *string_at(const struct text *t, uint64_t at) {
        return at < t->n ? t->p + at : NULL; /* the blob has a NUL behind it */
}

/* The names of the glibc-hwcaps directories, from the extension behind the strings */
static void read_levels(const struct text *t, struct imm_arena *a, struct imm_strv *ret) {
        uint64_t at = get(t, 32, 4), n;

        if (at == 0 || at > t->n - 8 || get(t, at, 4) != (uint32_t)EXTENSION_MAGIC)
                return;
        n = get(t, at + 4, 4);
        for (uint64_t i = 0; i < n && at + 8 + (i + 1) * 16 <= t->n; i++) {
                size_t section = at + 8 + i * 16;
                uint64_t from = get(t, section + 8, 4), size = get(t, section + 12, 4);

                if (get(t, section, 4) != SECTION_HWCAPS || from > t->n || size > t->n - from)
                        continue;
                for (uint64_t k = 0; k + 4 <= size; k += 4) {
                        const char *s = string_at(t, get(t, from + k, 4));

                        imm_strv_add(a, ret, s ? s : "");
                }
        }
}

static int name_compare(const void *name, const void *row) {
        return strcmp(name, ((const struct row *)row)->name);
}

static int by_name(const void *a, const void *b) {
        const struct row *x = a, *y = b;
        int k = strcmp(x->name, y->name);

        return k ? k : x->order < y->order ? -1 : 1;
}

static void add_row(
        struct ldcache *to, const char *name, const char *path, struct ldcache_entry e) {
        if (!name || !path)
                return;
        e.path = path;
        to->rows[to->n] = (struct row){name, to->n, e};
        to->n++;
}

/* The older table, which counts where no other one follows: `ldconfig -c old`. It has no hwcaps. */
static void parse_old(struct text t, uint64_t n, struct imm_arena *a, struct ldcache *ret) {
        struct text strings = {t.p + OLD_HEADER + n * OLD_ENTRY, t.n - OLD_HEADER - n * OLD_ENTRY};

        ret->rows = imm_alloc_array(a, n, sizeof(*ret->rows));
        for (uint64_t i = 0; i < n; i++) {
                size_t at = OLD_HEADER + i * OLD_ENTRY;

                add_row(ret, string_at(&strings, get(&t, at + 4, 4)),
                        string_at(&strings, get(&t, at + 8, 4)),
                        (struct ldcache_entry){.flags = (int32_t)get(&t, at, 4)});
        }
}

static int parse_new(struct text t, struct imm_arena *a, struct ldcache *ret) {
        struct imm_strv levels = {0};
        uint64_t n;

        t.big = (t.p[28] & 3) == 3;
        n = get(&t, 20, 4);
        if (n > (t.n - HEADER) / ENTRY)
                return -EBADMSG;
        read_levels(&t, a, &levels);
        ret->rows = imm_alloc_array(a, n, sizeof(*ret->rows));
        for (uint64_t i = 0; i < n; i++) {
                size_t at = HEADER + i * ENTRY;
                struct ldcache_entry e = {
                        .flags = (int32_t)get(&t, at, 4), .hwcap = get(&t, at + 16, 8)};

                if (e.hwcap & NAMED) {
                        uint64_t index = e.hwcap & UINT32_MAX;

                        e.level = index < levels.n ? levels.v[index] : "";
                }
                add_row(ret, string_at(&t, get(&t, at + 4, 4)), string_at(&t, get(&t, at + 8, 4)),
                        e);
        }
        return 0;
}

static bool is_new(const struct text *t) {
        return t->n >= HEADER && memcmp(t->p, magic, sizeof(magic) - 1) == 0;
}

static int parse(struct text t, struct imm_arena *a, struct ldcache *ret) {
        if (is_new(&t))
                return parse_new(t, a, ret);
        if (t.n >= OLD_HEADER && memcmp(t.p, old_magic, sizeof(old_magic) - 1) == 0) {
                uint64_t n = get(&t, 12, 4);
                size_t skip = OLD_HEADER + n * OLD_ENTRY, aligned = (skip + 7) & ~(size_t)7;
                struct text rest = aligned < t.n ? (struct text){t.p + aligned, t.n - aligned}
                                                 : (struct text){"", 0};

                if (n > t.n || skip > t.n)
                        return -EBADMSG;
                if (is_new(&rest))
                        return parse_new(rest, a, ret);
                parse_old(t, n, a, ret);
                return 0;
        }
        return -EBADMSG;
}

/* ... and sorted by the libraries' names */
static int read_cache(struct text t, struct imm_arena *a, struct ldcache *ret) {
        int k = parse(t, a, ret);

        if (k < 0)
                return k;
        if (ret->n > 0)
                qsort(ret->rows, ret->n, sizeof(*ret->rows), by_name);
        ret->entries = imm_alloc_array(a, ret->n, sizeof(*ret->entries));
        for (size_t i = 0; i < ret->n; i++)
                ret->entries[i] = ret->rows[i].entry;
        return 0;
}

const struct ldcache *node_ldcache(struct imm_closures *c, struct node *n) {
        struct ldcache *cache;
        struct imm_blob blob;
        int k;

        if (node_knows(&n->cache_known))
                return n->cache;
        CLOSURES_LOCKED(c);
        if (n->cache_known)
                return n->cache;
        cache = imm_new(c->arena, struct ldcache);
        k = node_read(c, n, CACHE_MAX, c->arena, &blob);
        if (k == 0)
                k = read_cache((struct text){.p = blob.data, .n = blob.size}, c->arena, cache);
        if (k == 0)
                n->cache = cache;
        else
                imm_diag_add(c->arena, &c->diags,
                        k == -EBADMSG ? IMM_DIAG_WARNING : IMM_DIAG_UNREADABLE, "loader-cache",
                        n->host, 0, NULL, "cannot be read as a loader cache: %s", strerror(-k));
        node_learned(&n->cache_known);
        return n->cache;
}

const struct ldcache_entry *ldcache_find(
        const struct ldcache *cache, const char *name, size_t *ret_n) {
        size_t low = imm_first_not_before(
                       name, cache->rows, cache->n, sizeof(*cache->rows), name_compare),
               high;

        for (high = low; high < cache->n && imm_streq(cache->rows[high].name, name); high++)
                ;
        *ret_n = high - low;
        return high > low ? cache->entries + low : NULL;
}
