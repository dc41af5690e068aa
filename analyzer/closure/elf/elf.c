#include "analyzer/closure/elf/elf-private.h"

#include <errno.h>
#include <jansson.h>

int elf_bad(struct elf_reader *r, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        if (!r->why)
                r->why = imm_vprintf(r->arena, fmt, ap);
        va_end(ap);
        return -EBADMSG;
}

static int read_fully(struct elf_reader *r, uint64_t offset, void *buf, size_t n) {
        size_t done = 0;

        while (done < n) {
                ssize_t k = pread(r->fd, (char *)buf + done, n - done, (off_t)(offset + done));

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        return elf_bad(r, "shrank while it was read");
                done += (size_t)k;
        }
        return 0;
}

int elf_pread(struct elf_reader *r, uint64_t offset, void *buf, size_t n) {
        int k;

        if (n > r->size || offset > r->size - n)
                return elf_bad(r, "cut short: %zu bytes at offset %llu lie behind its end", n,
                        (unsigned long long)offset);
        if (offset < r->n_head && n <= r->n_head - offset) {
                memcpy(buf, r->head + offset, n);
                return 0;
        }
        if (n > sizeof(r->window))
                return read_fully(r, offset, buf, n);
        if (offset < r->window_at || offset + n > r->window_at + r->window_n) {
                r->window_at = offset - offset % 512;
                if (offset + n > r->window_at + sizeof(r->window))
                        r->window_at = offset;
                r->window_n = sizeof(r->window);
                if (r->window_n > r->size - r->window_at)
                        r->window_n = (size_t)(r->size - r->window_at);
                k = read_fully(r, r->window_at, r->window, r->window_n);
                if (k < 0) {
                        r->window_n = 0;
                        return k;
                }
        }
        memcpy(buf, r->window + (offset - r->window_at), n);
        return 0;
}

int elf_load(struct elf_reader *r, uint64_t offset, uint64_t n, unsigned char **ret) {
        unsigned char *p;
        int k;

        if (n > ELF_TABLE_MAX)
                return elf_bad(r, "a table of %llu bytes", (unsigned long long)n);
        if (n > r->size || offset > r->size - n)
                return elf_bad(r, "a table lies behind its end");
        p = imm_alloc_raw(r->arena, n + 1);
        k = elf_pread(r, offset, p, n);
        if (k < 0)
                return k;
        p[n] = 0;
        *ret = p;
        return 0;
}

/* Where @address of the loaded image lies in the file, and how many bytes of its segment follow. */
int elf_offset_of(struct elf_reader *r, uint64_t address, uint64_t *ret, uint64_t *ret_left) {
        for (size_t i = 0; i < r->n_segments; i++) {
                const struct elf_segment *s = &r->segments[i];
                uint64_t delta = address - s->address;

                if (s->type != PT_LOAD || address < s->address || delta >= s->file_size)
                        continue;
                if (s->offset > UINT64_MAX - delta)
                        break;
                *ret = s->offset + delta;
                if (ret_left)
                        *ret_left = s->file_size - delta;
                return 0;
        }
        return elf_bad(r, "address 0x%llx is in no segment", (unsigned long long)address);
}

int elf_string(struct elf_reader *r, uint64_t table, uint64_t index, const char **ret) {
        char buf[ELF_LIST_MAX];
        uint64_t offset;
        size_t n = 0;
        int k;

        if (index > r->size || table > r->size - index)
                return elf_bad(r, "a string lies behind its end");
        offset = table + index;
        while (n < sizeof(buf)) {
                size_t step = 64;

                if (step > r->size - offset - n)
                        step = (size_t)(r->size - offset - n);
                if (step == 0)
                        return elf_bad(r, "a string without end");
                k = elf_pread(r, offset + n, buf + n, step);
                if (k < 0)
                        return k;
                n += step;
                if (memchr(buf + n - step, 0, step)) {
                        *ret = imm_strdup(r->arena, buf);
                        return 0;
                }
        }
        return elf_bad(r, "a string of more than %d bytes", ELF_LIST_MAX);
}

bool elf_dynamic(const struct elf_reader *r, uint64_t tag, uint64_t *ret) {
        for (size_t i = r->n_dynamic; i-- > 0;)
                if (r->dynamic[i].tag == tag) {
                        if (ret)
                                *ret = r->dynamic[i].value;
                        return true;
                }
        return false;
}

static int read_segments(struct elf_reader *r, uint64_t offset, unsigned size, unsigned n) {
        const unsigned want = r->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
        unsigned char *p;
        int k;

        if (n == 0)
                return 0;
        if (size != want || n > ELF_HEADERS_MAX)
                return elf_bad(r, "%u program headers of %u bytes", n, size);
        k = elf_load(r, offset, (uint64_t)n * size, &p);
        if (k < 0)
                return k;
        r->segments = imm_alloc_array(r->arena, n, sizeof(*r->segments));
        r->n_segments = n;
        for (unsigned i = 0; i < n; i++, p += size) {
                struct elf_segment *s = &r->segments[i];

                s->type = (uint32_t)elf_get(r, p, 4);
                if (r->is64) {
                        s->flags = (uint32_t)elf_get(r, p + 4, 4);
                        s->offset = elf_get(r, p + 8, 8);
                        s->address = elf_get(r, p + 16, 8);
                        s->file_size = elf_get(r, p + 32, 8);
                        s->memory_size = elf_get(r, p + 40, 8);
                } else {
                        s->offset = elf_get(r, p + 4, 4);
                        s->address = elf_get(r, p + 8, 4);
                        s->file_size = elf_get(r, p + 16, 4);
                        s->memory_size = elf_get(r, p + 20, 4);
                        s->flags = (uint32_t)elf_get(r, p + 24, 4);
                }
        }
        return 0;
}

static int read_dynamic(struct elf_reader *r) {
        const unsigned word = r->is64 ? 8 : 4;
        const struct elf_segment *s = NULL;
        unsigned char *p;
        uint64_t n;
        int k;

        for (size_t i = 0; i < r->n_segments; i++)
                if (r->segments[i].type == PT_DYNAMIC)
                        s = &r->segments[i];
        if (!s || s->file_size == 0) /* split debug files have one without content */
                return 0;
        n = s->file_size / (2 * word);
        if (n > ELF_DYNAMIC_MAX)
                return elf_bad(r, "%llu dynamic entries", (unsigned long long)n);
        k = elf_load(r, s->offset, n * 2 * word, &p);
        if (k < 0)
                return k;
        r->dynamic = imm_alloc_array(r->arena, n, sizeof(*r->dynamic));
        for (uint64_t i = 0; i < n; i++, p += 2 * word) {
                uint64_t tag = elf_get(r, p, word);

                if (tag == DT_NULL)
                        break;
                r->dynamic[r->n_dynamic++] = (struct elf_dyn){tag, elf_get(r, p + word, word)};
        }
        return 0;
}

int elf_open(struct elf_reader *r) {
        unsigned char h[sizeof(Elf64_Ehdr)] = {0};
        unsigned at;
        int k;

        if (r->size < sizeof(Elf32_Ehdr))
                return -ENOEXEC;
        k = elf_pread(r, 0, h, r->size < sizeof(h) ? sizeof(Elf32_Ehdr) : sizeof(h));
        if (k < 0)
                return k;
        if (memcmp(h, ELFMAG, SELFMAG) != 0)
                return -ENOEXEC;
        if ((h[EI_CLASS] != ELFCLASS32 && h[EI_CLASS] != ELFCLASS64) ||
                (h[EI_DATA] != ELFDATA2LSB && h[EI_DATA] != ELFDATA2MSB))
                return elf_bad(r, "an ELF header of unknown class or byte order");
        r->is64 = h[EI_CLASS] == ELFCLASS64;
        r->big = h[EI_DATA] == ELFDATA2MSB;
        if (r->is64 && r->size < sizeof(Elf64_Ehdr))
                return elf_bad(r, "an ELF header cut short");
        r->type = (uint16_t)elf_get(r, h + 16, 2);
        r->machine = (uint16_t)elf_get(r, h + 18, 2);
        at = r->is64 ? 48 : 36;
        r->flags = (uint32_t)elf_get(r, h + at, 4);
        r->section_offset = elf_get(r, h + (r->is64 ? 40 : 32), r->is64 ? 8 : 4);
        r->section_size = (unsigned)elf_get(r, h + at + 10, 2);
        r->n_sections = (unsigned)elf_get(r, h + at + 12, 2);
        k = read_segments(r, elf_get(r, h + (r->is64 ? 32 : 28), r->is64 ? 8 : 4),
                (unsigned)elf_get(r, h + at + 6, 2), (unsigned)elf_get(r, h + at + 8, 2));
        if (k < 0)
                return k;
        return read_dynamic(r);
}

static int read_interpreter(struct elf_reader *r, struct imm_elf *e) {
        for (size_t i = 0; i < r->n_segments; i++) {
                const struct elf_segment *s = &r->segments[i];
                unsigned char *p;
                int k;

                if (s->type != PT_INTERP)
                        continue;
                if (s->file_size < 2 || s->file_size > ELF_STRING_MAX)
                        return elf_bad(r, "an interpreter's name of %llu bytes",
                                (unsigned long long)s->file_size);
                k = elf_load(r, s->offset, s->file_size, &p);
                if (k < 0)
                        return k;
                if (p[s->file_size - 1] != 0)
                        return elf_bad(r, "an interpreter's name without end");
                e->interpreter = (const char *)p;
                return 0; /* the kernel takes the first */
        }
        return 0;
}

static int read_names(struct elf_reader *r, struct imm_elf *e) {
        uint64_t address, table;
        int k;

        if (r->n_dynamic == 0)
                return 0;
        if (!elf_dynamic(r, DT_STRTAB, &address))
                return elf_bad(r, "a dynamic section without strings");
        k = elf_offset_of(r, address, &table, NULL);
        if (k < 0)
                return k;
        for (size_t i = 0; i < r->n_dynamic; i++) {
                const char *s;

                switch (r->dynamic[i].tag) {
                case DT_NEEDED:
                case DT_SONAME:
                case DT_RPATH:
                case DT_RUNPATH:
                case DT_AUXILIARY:
                case DT_FILTER:
                        break;
                case DT_FLAGS_1:
                        e->flags_1 = r->dynamic[i].value;
                        continue;
                case DT_FLAGS:
                        e->text_relocations |= (r->dynamic[i].value & DF_TEXTREL) != 0;
                        continue;
                case DT_TEXTREL:
                        e->text_relocations = true;
                        continue;
                default:
                        continue;
                }
                k = elf_string(r, table, r->dynamic[i].value, &s);
                if (k < 0)
                        return k;
                switch (r->dynamic[i].tag) {
                case DT_NEEDED:
                        imm_strv_add(r->arena, &e->needed, s);
                        break;
                case DT_SONAME:
                        e->soname = s;
                        break;
                case DT_RPATH:
                        e->rpath = s;
                        break;
                case DT_RUNPATH:
                        e->runpath = s;
                        break;
                case DT_AUXILIARY:
                        imm_strv_add(r->arena, &e->auxiliary, s);
                        break;
                default:
                        imm_strv_add(r->arena, &e->filter, s);
                }
        }
        return 0;
}

/* ---- notes: which libraries the program may load by itself ---- */

enum { NOTE_DLOPEN = 0x407c0c0a, DLOPEN_MAX = 4096 };

static enum imm_dlopen_priority priority_of(const char *word) {
        if (word && imm_streq(word, "required"))
                return IMM_DLOPEN_REQUIRED;
        if (word && imm_streq(word, "suggested"))
                return IMM_DLOPEN_SUGGESTED;
        return IMM_DLOPEN_RECOMMENDED; /* what the specification says of a missing one */
}

static void add_dlopen(struct elf_reader *r, struct imm_elf *e, json_t *item, size_t *cap) {
        struct imm_elf_dlopen d = {0};
        const char *feature, *description;
        json_t *name;
        size_t i;

        json_array_foreach(json_object_get(item, "soname"), i, name) {
                const char *s = json_string_value(name);

                if (s && *s && i < 64)
                        imm_strv_add(r->arena, &d.sonames, imm_strdup(r->arena, s));
        }
        if (d.sonames.n == 0 || e->n_dlopen >= DLOPEN_MAX)
                return;
        feature = json_string_value(json_object_get(item, "feature"));
        description = json_string_value(json_object_get(item, "description"));
        d.feature = feature ? imm_strdup(r->arena, feature) : NULL;
        d.description = description ? imm_strdup(r->arena, description) : NULL;
        d.priority = priority_of(json_string_value(json_object_get(item, "priority")));
        if (e->n_dlopen == *cap)
                e->dlopen =
                        imm_array_grow(r->arena, e->dlopen, e->n_dlopen, cap, sizeof(*e->dlopen));
        e->dlopen[e->n_dlopen++] = d;
}

static void parse_dlopen(
        struct elf_reader *r, struct imm_elf *e, const char *text, size_t n, size_t *cap) {
        json_t *list, *item;
        size_t i;

        n = strnlen(text, n);
        list = json_loadb(text, n, 0, NULL);
        json_array_foreach(list, i, item) add_dlopen(r, e, item, cap);
        json_decref(list);
}

/* Odd notes are no reason to refuse a file: the loader does not read them either. */
static void read_notes(struct elf_reader *r, struct imm_elf *e) {
        size_t cap = 0;

        for (size_t i = 0; i < r->n_segments; i++) {
                const struct elf_segment *s = &r->segments[i];
                const char *why = r->why;
                unsigned char *p;
                uint64_t left = s->file_size;

                if (s->type != PT_NOTE || left > ELF_NOTES_MAX)
                        continue;
                if (elf_load(r, s->offset, left, &p) < 0) {
                        r->why = why;
                        continue;
                }
                while (left >= 12) {
                        uint64_t name = elf_get(r, p, 4), size = elf_get(r, p + 4, 4);
                        uint64_t padded = (name + 3) & ~UINT64_C(3);
                        uint64_t whole = 12 + padded + ((size + 3) & ~UINT64_C(3));

                        if (12 + padded + size > left)
                                break;
                        if (elf_get(r, p + 8, 4) == NOTE_DLOPEN && name == 4 &&
                                memcmp(p + 12, "FDO", 4) == 0)
                                parse_dlopen(r, e, (const char *)p + 12 + padded, size, &cap);
                        if (whole >= left)
                                break;
                        p += whole;
                        left -= whole;
                }
        }
}

/* In pages of the smallest size, so that it is never too much */
static void add_sizes(const struct elf_reader *r, struct imm_elf *e) {
        const uint64_t page = 4096, most = UINT64_C(1) << 46;

        for (size_t i = 0; i < r->n_segments; i++) {
                const struct elf_segment *s = &r->segments[i];
                uint64_t size;

                if (s->type != PT_LOAD || s->memory_size > most)
                        continue;
                size = (s->address % page + s->memory_size + page - 1) / page * page;
                e->mapped += size;
                if (s->flags & PF_W)
                        e->writable += size;
        }
}

int imm_elf_read(
        int fd, uint64_t size, struct imm_arena *a, struct imm_elf *ret, const char **ret_why) {
        return imm_elf_read_imports(fd, size, NULL, 0, a, NULL, NULL, NULL, ret, ret_why);
}

int imm_elf_read_imports(int fd, uint64_t size, const unsigned char *head, size_t n_head,
        struct imm_arena *a, struct imm_arena *scratch,
        void (*import)(void *data, const char *name), void *data, struct imm_elf *ret,
        const char **ret_why) {
        struct elf_reader r = {.fd = fd, .size = size, .arena = a, .head = head, .n_head = n_head};
        struct imm_elf e = {0};
        int k = elf_open(&r);

        if (k == 0)
                k = read_interpreter(&r, &e);
        if (k == 0)
                k = read_names(&r, &e);
        if (k < 0) {
                *ret_why = r.why;
                return k;
        }
        read_notes(&r, &e);
        e.bits = r.is64 ? 64 : 32;
        e.big_endian = r.big;
        e.machine = r.machine;
        e.type = r.type;
        e.flags = r.flags;
        e.dynamic = r.n_dynamic > 0;
        if (e.runpath) /* ld.so(8): with DT_RUNPATH, DT_RPATH is ignored */
                e.rpath = NULL;
        for (size_t i = 0; i < r.n_segments; i++)
                if (r.segments[i].type == PT_GNU_STACK && (r.segments[i].flags & PF_X))
                        e.executable_stack = true;
        add_sizes(&r, &e);
        if (import && e.dynamic) {
                r.arena = scratch;
                (void)elf_each_import(&r, import, data);
        }
        *ret = e;
        return 0;
}
