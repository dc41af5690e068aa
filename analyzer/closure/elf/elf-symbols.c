#include "analyzer/closure/elf/elf-private.h"

#include <errno.h>

/* The table of dynamic symbols: where it lies and how many there are. */
struct table {
        uint64_t offset, n, strings, strings_size;
};

/* Section headers say it best, and nearly every file has them. */
static int from_sections(struct elf_reader *r, struct table *t) {
        const unsigned want = r->is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
        const unsigned entry = r->is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
        unsigned char *p;
        int k;

        if (r->section_size != want || r->n_sections == 0)
                return 0;
        k = elf_load(r, r->section_offset, (uint64_t)r->n_sections * want, &p);
        if (k < 0) {
                r->why = NULL; /* stripped of them: the loader does not care */
                return 0;
        }
        for (unsigned i = 0; i < r->n_sections; i++, p += want)
                if (elf_get(r, p + 4, 4) == SHT_DYNSYM) {
                        t->n = elf_get(r, p + (r->is64 ? 32 : 20), r->is64 ? 8 : 4) / entry;
                        return 1;
                }
        return 0;
}

static int from_hash(struct elf_reader *r, struct table *t) {
        unsigned char head[8];
        uint64_t address, offset;
        int k;

        if (!elf_dynamic(r, DT_HASH, &address))
                return 0;
        k = elf_offset_of(r, address, &offset, NULL);
        if (k < 0)
                return k;
        k = elf_pread(r, offset, head, sizeof(head));
        if (k < 0)
                return k;
        t->n = elf_get(r, head + 4, 4);
        return 1;
}

/*
 * A GNU hash table does not count the symbols: they end with the chain of the highest bucket. An
 * empty one says nothing of those that come before; linkers put the strings right behind them.
 */
static int from_gnu_hash(struct elf_reader *r, struct table *t, uint64_t symbols) {
        const unsigned entry = r->is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
        unsigned char head[16], *buckets;
        uint64_t address, offset, strings, n_buckets, first, last = 0;
        int k;

        if (elf_dynamic(r, DT_STRTAB, &strings) && strings > symbols)
                t->n = (strings - symbols) / entry;
        if (!elf_dynamic(r, DT_GNU_HASH, &address))
                return 0;
        k = elf_offset_of(r, address, &offset, NULL);
        if (k < 0)
                return k;
        k = elf_pread(r, offset, head, sizeof(head));
        if (k < 0)
                return k;
        n_buckets = elf_get(r, head, 4);
        first = elf_get(r, head + 4, 4);
        offset += 16 + elf_get(r, head + 8, 4) * (r->is64 ? 8 : 4);
        k = elf_load(r, offset, n_buckets * 4, &buckets);
        if (k < 0)
                return k;
        for (uint64_t i = 0; i < n_buckets; i++) {
                uint64_t b = elf_get(r, buckets + 4 * i, 4);

                if (b > last)
                        last = b;
        }
        if (last < first)
                return 0;
        offset += n_buckets * 4;
        for (; last - first < ELF_SYMBOLS_MAX; last++) {
                unsigned char link[4];

                k = elf_pread(r, offset + (last - first) * 4, link, 4);
                if (k < 0)
                        return k;
                if (elf_get(r, link, 4) & 1)
                        break;
        }
        if (last + 1 > t->n)
                t->n = last + 1;
        return 0;
}

static int find_strings(struct elf_reader *r, struct table *t) {
        uint64_t symbols, strings;
        int k;

        if (!elf_dynamic(r, DT_SYMTAB, &symbols) || !elf_dynamic(r, DT_STRTAB, &strings))
                return 1;
        k = elf_offset_of(r, symbols, &t->offset, NULL);
        if (k == 0)
                k = elf_offset_of(r, strings, &t->strings, &t->strings_size);
        if (k < 0)
                return k;
        (void)(elf_dynamic(r, DT_STRSZ, &strings) && strings < t->strings_size &&
                (t->strings_size = strings));
        return 0;
}

static int count_symbols(struct elf_reader *r, struct table *t) {
        uint64_t symbols;
        int k;

        if (!elf_dynamic(r, DT_SYMTAB, &symbols))
                return 1;
        k = from_sections(r, t);
        if (k == 0)
                k = from_hash(r, t);
        if (k == 0)
                k = from_gnu_hash(r, t, symbols);
        return k < 0 ? k : 0;
}

/* 1: there is none */
static int find_table(struct elf_reader *r, struct table *t) {
        int k = find_strings(r, t);

        return k == 0 ? count_symbols(r, t) : k;
}

static const char *name_at(const struct table *t, const char *strings, uint64_t i) {
        /* elf_load() put a NUL behind them: no name runs out of the table */
        return i < t->strings_size ? strings + i : "";
}

static int read_symbols(struct elf_reader *r, const struct table *t, const char *strings,
        struct imm_elf_symbols *s) {
        const unsigned entry = r->is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
        unsigned char *p;
        int k;

        if (t->n > ELF_SYMBOLS_MAX) {
                (void)elf_bad(r, "%llu dynamic symbols", (unsigned long long)t->n);
                return -EFBIG;
        }
        k = elf_load(r, t->offset, t->n * entry, &p);
        if (k < 0)
                return k;
        for (uint64_t i = 0; i < t->n; i++, p += entry) {
                const char *name = name_at(t, strings, elf_get(r, p, 4));

                if (!*name)
                        continue;
                if (elf_get(r, p + (r->is64 ? 6 : 14), 2) == SHN_UNDEF)
                        imm_strv_add(r->arena, &s->imports, name);
                else
                        imm_strv_add(r->arena, &s->exports, name);
        }
        imm_strv_sort_unique(&s->imports);
        imm_strv_sort_unique(&s->exports);
        return 0;
}

/* A chain of records: the first at DT_@tag, each says how far the next one is. */
static int read_needed_versions(struct elf_reader *r, const struct table *t, const char *strings,
        struct imm_elf_symbols *s) {
        uint64_t address, offset, n = 0;
        size_t cap = 0;

        if (!elf_dynamic(r, DT_VERNEED, &address) || !elf_dynamic(r, DT_VERNEEDNUM, &n))
                return 0;
        if (elf_offset_of(r, address, &offset, NULL) < 0)
                return -EBADMSG;
        for (uint64_t i = 0; i < n && i < ELF_DYNAMIC_MAX; i++) {
                unsigned char need[16], aux[16];
                uint64_t at, next, count;

                if (elf_pread(r, offset, need, 16) < 0)
                        return -EBADMSG;
                count = elf_get(r, need + 2, 2);
                at = offset + elf_get(r, need + 8, 4);
                for (uint64_t j = 0; j < count; j++) {
                        if (elf_pread(r, at, aux, 16) < 0)
                                return -EBADMSG;
                        if (s->n_versions >= ELF_DYNAMIC_MAX)
                                return elf_bad(r, "too many versions");
                        if (s->n_versions == cap)
                                s->versions = imm_array_grow(r->arena, s->versions, s->n_versions,
                                        &cap, sizeof(*s->versions));
                        s->versions[s->n_versions++] = (struct imm_elf_version){
                                .file = name_at(t, strings, elf_get(r, need + 4, 4)),
                                .version = name_at(t, strings, elf_get(r, aux + 8, 4)),
                                .weak = elf_get(r, aux + 4, 2) & VER_FLG_WEAK,
                        };
                        if (elf_get(r, aux + 12, 4) == 0)
                                break;
                        at += elf_get(r, aux + 12, 4);
                }
                next = elf_get(r, need + 12, 4);
                if (next == 0)
                        break;
                offset += next;
        }
        return 0;
}

static int read_defined_versions(struct elf_reader *r, const struct table *t, const char *strings,
        struct imm_elf_symbols *s) {
        uint64_t address, offset, n = 0;

        if (!elf_dynamic(r, DT_VERDEF, &address) || !elf_dynamic(r, DT_VERDEFNUM, &n))
                return 0;
        if (elf_offset_of(r, address, &offset, NULL) < 0)
                return -EBADMSG;
        for (uint64_t i = 0; i < n && i < ELF_DYNAMIC_MAX; i++) {
                unsigned char def[20], aux[8];
                uint64_t next;

                if (elf_pread(r, offset, def, 20) < 0 ||
                        elf_pread(r, offset + elf_get(r, def + 12, 4), aux, 8) < 0)
                        return -EBADMSG;
                imm_strv_add(
                        r->arena, &s->defined_versions, name_at(t, strings, elf_get(r, aux, 4)));
                next = elf_get(r, def + 16, 4);
                if (next == 0)
                        break;
                offset += next;
        }
        imm_strv_sort_unique(&s->defined_versions);
        return 0;
}

int imm_elf_read_symbols(int fd, uint64_t size, struct imm_arena *a, struct imm_elf_symbols *ret,
        const char **ret_why) {
        struct elf_reader r = {.fd = fd, .size = size, .arena = a};
        struct imm_elf_symbols s = {0};
        struct table t = {0};
        unsigned char *strings;
        int k = elf_open(&r);

        if (k == 0)
                k = find_table(&r, &t);
        if (k == 0)
                k = elf_load(&r, t.strings, t.strings_size, &strings);
        if (k == 0)
                k = read_symbols(&r, &t, (const char *)strings, &s);
        if (k == 0)
                k = read_needed_versions(&r, &t, (const char *)strings, &s);
        if (k == 0)
                k = read_defined_versions(&r, &t, (const char *)strings, &s);
        if (k < 0) {
                *ret_why = r.why;
                return k;
        }
        *ret = s; /* 1: no dynamic symbols at all */
        return 0;
}

/* ---- imports alone ---- */

/* Linkers put what is not defined before what the GNU hash table finds. 0: there is none. */
static uint64_t first_defined(struct elf_reader *r) {
        unsigned char head[8];
        uint64_t address, offset, first;

        if (!elf_dynamic(r, DT_GNU_HASH, &address) ||
                elf_offset_of(r, address, &offset, NULL) < 0 ||
                elf_pread(r, offset, head, sizeof(head)) < 0)
                return 0;
        first = elf_get(r, head + 4, 4);
        return first > 1 ? first : 0;
}

/* The names of undefined symbols lie close together: that part of the strings is read. */
static int read_imports(struct elf_reader *r, struct table *t,
        void (*import)(void *data, const char *name), void *data) {
        const unsigned entry = r->is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
        uint64_t low = UINT64_MAX, high = 0;
        unsigned char *symbols, *p, *strings;
        int k;

        if (t->n > ELF_SYMBOLS_MAX)
                return -EFBIG;
        k = elf_load(r, t->offset, t->n * entry, &symbols);
        if (k < 0)
                return k;
        p = symbols;
        for (uint64_t i = 0; i < t->n; i++, p += entry) {
                uint64_t name = elf_get(r, p, 4);

                if (name == 0 || name >= t->strings_size ||
                        elf_get(r, p + (r->is64 ? 6 : 14), 2) != SHN_UNDEF)
                        continue;
                low = name < low ? name : low;
                high = name > high ? name : high;
        }
        if (high == 0)
                return 0;
        high = t->strings_size - high > ELF_STRING_MAX ? high + ELF_STRING_MAX : t->strings_size;
        k = elf_load(r, t->strings + low, high - low, &strings);
        if (k < 0)
                return k;
        p = symbols;
        for (uint64_t i = 0; i < t->n; i++, p += entry) {
                uint64_t name = elf_get(r, p, 4);

                if (name >= low && name < high &&
                        elf_get(r, p + (r->is64 ? 6 : 14), 2) == SHN_UNDEF)
                        import(data, (const char *)strings + (name - low));
        }
        return 0;
}

int elf_each_import(
        struct elf_reader *r, void (*import)(void *data, const char *name), void *data) {
        struct table t = {0};
        int k = find_strings(r, &t);

        if (k == 0) {
                t.n = first_defined(r);
                if (t.n == 0)
                        k = count_symbols(r, &t);
        }
        if (k == 0)
                k = read_imports(r, &t, import, data);
        return k < 0 ? k : 0;
}
