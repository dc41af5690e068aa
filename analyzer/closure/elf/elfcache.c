#include "analyzer/closure/elf/elfcache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { CACHE_MAX = 128 << 20, RECORDS_MAX = 200000 };

static const char magic[] = "immure elf cache 2\n";

struct record {
        const unsigned char *p; /* behind the key */
        size_t n;
};

struct elfcache {
        const char *path, *tag;
        struct imm_arena *arena;
        struct imm_map records; /* key -> struct record */
        dev_t trusted;
        time_t since;
};

/* ---- what tells a file from any other ---- */

static const char *key_of(const struct node *n, struct imm_arena *a) {
        return imm_printf(a, "%llx.%llx.%llx.%llx.%lx.%llx.%lx", (unsigned long long)n->dev,
                (unsigned long long)n->ino, (unsigned long long)n->size,
                (unsigned long long)n->mtime.tv_sec, (unsigned long)n->mtime.tv_nsec,
                (unsigned long long)n->ctime.tv_sec, (unsigned long)n->ctime.tv_nsec);
}

/* ---- numbers and strings, one behind the other ---- */

struct reading {
        const unsigned char *p;
        size_t n;
        struct imm_arena *arena;
        bool broken;
};

static uint64_t get_number(struct reading *r) {
        uint64_t v = 0;

        if (r->n < sizeof(v)) {
                r->broken = true;
                return 0;
        }
        memcpy(&v, r->p, sizeof(v));
        r->p += sizeof(v);
        r->n -= sizeof(v);
        return v;
}

/* Its length plus one; 0 is none */
static const char *get_string(struct reading *r) {
        uint64_t n = get_number(r);
        const char *s;

        if (n == 0 || r->broken)
                return NULL;
        if (n > r->n || r->p[n - 1] != '\0' || memchr(r->p, 0, n) != r->p + n - 1) {
                r->broken = true;
                return NULL;
        }
        s = imm_strdup(r->arena, (const char *)r->p);
        r->p += n;
        r->n -= n;
        return s;
}

static void get_strings(struct reading *r, struct imm_strv *ret) {
        for (uint64_t n = get_number(r); n > 0 && !r->broken; n--) {
                const char *s = get_string(r);

                if (s)
                        imm_strv_add(r->arena, ret, s);
                else
                        r->broken = true;
        }
}

static void put_number(FILE *f, uint64_t v) {
        (void)fwrite(&v, sizeof(v), 1, f);
}

static void put_string(FILE *f, const char *s) {
        size_t n = s ? strlen(s) + 1 : 0;

        put_number(f, n);
        if (s)
                (void)fwrite(s, 1, n, f);
}

static void put_strings(FILE *f, const struct imm_strv *l) {
        put_number(f, l->n);
        for (size_t i = 0; i < l->n; i++)
                put_string(f, l->v[i]);
}

/* ---- a record ---- */

static void get_elf(struct reading *r, struct imm_elf *e) {
        uint64_t n;

        e->bits = (unsigned char)get_number(r);
        e->big_endian = get_number(r) != 0;
        e->dynamic = get_number(r) != 0;
        e->machine = (uint16_t)get_number(r);
        e->type = (uint16_t)get_number(r);
        e->flags = (uint32_t)get_number(r);
        e->interpreter = get_string(r);
        e->soname = get_string(r);
        e->rpath = get_string(r);
        e->runpath = get_string(r);
        get_strings(r, &e->needed);
        get_strings(r, &e->auxiliary);
        get_strings(r, &e->filter);
        e->flags_1 = get_number(r);
        e->executable_stack = get_number(r) != 0;
        e->text_relocations = get_number(r) != 0;
        n = get_number(r);
        if (n > r->n) /* each takes more than a byte */
                r->broken = true;
        if (r->broken || n == 0)
                return;
        e->dlopen = imm_alloc_array(r->arena, n, sizeof(*e->dlopen));
        for (; e->n_dlopen < n && !r->broken; e->n_dlopen++) {
                struct imm_elf_dlopen *d = &e->dlopen[e->n_dlopen];

                get_strings(r, &d->sonames);
                d->feature = get_string(r);
                d->description = get_string(r);
                d->priority = (enum imm_dlopen_priority)get_number(r);
                if (d->priority > IMM_DLOPEN_SUGGESTED)
                        r->broken = true;
        }
}

static void put_elf(FILE *f, const struct imm_elf *e) {
        put_number(f, e->bits);
        put_number(f, e->big_endian);
        put_number(f, e->dynamic);
        put_number(f, e->machine);
        put_number(f, e->type);
        put_number(f, e->flags);
        put_string(f, e->interpreter);
        put_string(f, e->soname);
        put_string(f, e->rpath);
        put_string(f, e->runpath);
        put_strings(f, &e->needed);
        put_strings(f, &e->auxiliary);
        put_strings(f, &e->filter);
        put_number(f, e->flags_1);
        put_number(f, e->executable_stack);
        put_number(f, e->text_relocations);
        put_number(f, e->n_dlopen);
        for (size_t i = 0; i < e->n_dlopen; i++) {
                put_strings(f, &e->dlopen[i].sonames);
                put_string(f, e->dlopen[i].feature);
                put_string(f, e->dlopen[i].description);
                put_number(f, e->dlopen[i].priority);
        }
}

static bool is_trusted(const struct elfcache *e, const struct node *n) {
        return n->error == 0 && S_ISREG(n->mode) && n->dev == e->trusted;
}

/*
 * Only what was read whole is kept: a file that could not be read may be readable the next time.
 * One that changed just now may change again without its times telling.
 */
static bool worth_keeping(const struct elfcache *e, const struct node *n) {
        return is_trusted(e, n) && n->elf_known && (n->elf || n->elf_error == -ENOEXEC) &&
               n->ctime.tv_sec < e->since;
}

static void put_node(FILE *f, const struct node *n) {
        put_number(f, n->elf != NULL);
        put_string(f, n->shebang);
        put_number(f, n->nss);
        if (n->elf)
                put_elf(f, n->elf);
}

bool elfcache_get(struct elfcache *e, struct node *n, struct imm_arena *a) {
        struct record *found;
        struct imm_elf *elf = NULL;
        struct reading r;
        const char *shebang;
        unsigned nss;

        if (!e || e->records.n == 0 || !is_trusted(e, n))
                return false;
        found = imm_map_get(&e->records, key_of(n, a));
        if (!found)
                return false;
        r = (struct reading){.p = found->p, .n = found->n, .arena = a};
        if (get_number(&r))
                elf = imm_new(a, struct imm_elf);
        shebang = get_string(&r);
        nss = (unsigned)get_number(&r);
        if (elf)
                get_elf(&r, elf);
        if (r.broken || r.n > 0)
                return false;
        n->elf = elf;
        n->elf_error = elf ? 0 : -ENOEXEC;
        n->shebang = shebang;
        n->nss = nss;
        return true;
}

/* ---- the file ---- */

static void parse(struct elfcache *e, const unsigned char *p, size_t n) {
        struct reading r = {.p = p, .n = n, .arena = e->arena};
        const char *tag;

        if (n < sizeof(magic) - 1 || memcmp(p, magic, sizeof(magic) - 1) != 0)
                return;
        r.p += sizeof(magic) - 1;
        r.n -= sizeof(magic) - 1;
        tag = get_string(&r);
        if (!tag || !imm_streq(tag, e->tag))
                return;
        while (r.n > 0 && !r.broken && e->records.n < RECORDS_MAX) {
                const char *key = get_string(&r);
                uint64_t size = get_number(&r);
                struct record *x;

                if (!key || r.broken || size > r.n)
                        return;
                x = imm_new(e->arena, struct record);
                *x = (struct record){.p = r.p, .n = size};
                imm_map_put(e->arena, &e->records, key, x);
                r.p += size;
                r.n -= size;
        }
}

struct elfcache *elfcache_open(
        const char *path, const char *tag, time_t since, struct imm_arena *a) {
        struct elfcache *e = imm_new(a, struct elfcache);
        unsigned char *p;
        size_t n = 0;

        *e = (struct elfcache){
                .path = path, .tag = tag, .since = since, .arena = a, .trusted = kept_device()};
        p = kept_read(path, CACHE_MAX, a, &n);
        if (p)
                parse(e, p, n);
        return e;
}

static void put_record(FILE *f, const char *key, const void *p, size_t n) {
        put_string(f, key);
        put_number(f, n);
        (void)fwrite(p, 1, n, f);
}

/* Of @nodes: how many were put that the cache did not have so */
static size_t put_nodes(
        FILE *f, const struct elfcache *e, const struct imm_map *nodes, struct imm_map *ret_put) {
        size_t fresh = 0;

        imm_array_foreach (entry, nodes) {
                const struct node *n = entry->value;
                imm_auto_free char *text = NULL;
                const struct record *old;
                const char *key;
                size_t size = 0;
                FILE *one;

                if (!worth_keeping(e, n) || ret_put->n >= RECORDS_MAX)
                        continue;
                key = key_of(n, e->arena);
                if (imm_map_has(ret_put, key))
                        continue; /* a second name of the same file */
                one = open_memstream(&text, &size);
                if (!one)
                        imm_oom();
                put_node(one, n);
                if (fclose(one) != 0)
                        imm_oom();
                imm_map_put(e->arena, ret_put, key, (void *)(uintptr_t)key);
                put_record(f, key, text, size);
                old = imm_map_get(&e->records, key);
                fresh += !old || old->n != size || memcmp(old->p, text, size) != 0;
        }
        return fresh;
}

void elfcache_save(const struct imm_closures *c) {
        struct elfcache *e = c->elfcache;
        imm_auto_free char *text = NULL;
        struct imm_map put = {0};
        size_t size = 0, fresh = 0;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                imm_oom();
        (void)fwrite(magic, 1, sizeof(magic) - 1, f);
        put_string(f, e->tag);
        for (size_t i = 0; i < TREE_PARTS; i++)
                fresh += put_nodes(f, e, &c->tree[i].nodes, &put);
        imm_array_foreach (old, &e->records) {
                const struct record *x = old->value;

                if (put.n < RECORDS_MAX && !imm_map_has(&put, old->key)) {
                        imm_map_put(e->arena, &put, old->key, old->value);
                        put_record(f, old->key, x->p, x->n);
                }
        }
        if (fclose(f) != 0)
                imm_oom();
        if (fresh > 0 && size <= CACHE_MAX)
                kept_write(e->path, text, size, e->arena);
}
