#pragma once

/* Reading an ELF file piece by piece: what elf.c and elf-symbols.c share. */

#include "analyzer/closure/elf/elffile.h"

#include <elf.h>

/* More than any linker writes; a file that says more is refused. */
enum {
        ELF_HEADERS_MAX = 4096,
        ELF_DYNAMIC_MAX = 65536,
        ELF_NOTES_MAX = 1 << 20,
        ELF_STRING_MAX = 4096,
        ELF_LIST_MAX = 32768, /* an RPATH of many store paths is long */
        ELF_SYMBOLS_MAX = 1 << 20,
        ELF_TABLE_MAX = 256 << 20,
};

struct elf_segment {
        uint32_t type, flags;
        uint64_t offset, address, file_size, memory_size;
};

struct elf_reader {
        int fd;
        uint64_t size;
        struct imm_arena *arena;
        bool is64, big;
        uint16_t machine, type;
        uint32_t flags;
        uint64_t section_offset;
        unsigned section_size, n_sections;
        struct elf_segment *segments;
        size_t n_segments;
        struct elf_dyn {
                uint64_t tag, value;
        } * dynamic;
        size_t n_dynamic;
        const char *why;
        const unsigned char *head; /* the file's first bytes, or none */
        size_t n_head;
        unsigned char window[16384]; /* what was read last: tables lie close together */
        uint64_t window_at;
        size_t window_n;
};

int elf_open(struct elf_reader *r); /* fd, size and arena are set: the headers and dynamic table */
int elf_bad(struct elf_reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int elf_pread(struct elf_reader *r, uint64_t offset, void *buf, size_t n);
int elf_load(struct elf_reader *r, uint64_t offset, uint64_t n, unsigned char **ret);
/* Here, so that the loops over symbols have it as a load: @bytes is a constant with each caller. */
static inline uint64_t elf_get(const struct elf_reader *r, const unsigned char *p, unsigned bytes) {
        uint64_t v = 0;

        for (unsigned i = 0; i < bytes; i++)
                v |= (uint64_t)p[r->big ? bytes - 1 - i : i] << (8 * i);
        return v;
}
int elf_offset_of(struct elf_reader *r, uint64_t address, uint64_t *ret, uint64_t *ret_left);
int elf_string(struct elf_reader *r, uint64_t table, uint64_t index, const char **ret);
bool elf_dynamic(const struct elf_reader *r, uint64_t tag, uint64_t *ret); /* the last one */
/* The names of undefined dynamic symbols, one by one */
int elf_each_import(struct elf_reader *r, void (*import)(void *data, const char *name), void *data);
