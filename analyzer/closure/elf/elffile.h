#pragma once

/*
 * ELF files: what the kernel, the dynamic loader and a reader of symbols want to know.
 *
 * An own reader of the few tables needed, on a descriptor: files may be hostile, so every offset is
 * checked against the file, every count is bounded, and nothing is mapped (a file that shrinks
 * while it is read is an error, not a signal). Sources: elf(5), the gABI, systemd's dlopen metadata
 * note specification.
 */

#include "base/text.h"

#include <stdint.h>

enum imm_dlopen_priority { IMM_DLOPEN_REQUIRED, IMM_DLOPEN_RECOMMENDED, IMM_DLOPEN_SUGGESTED };

struct imm_elf_dlopen {
        struct imm_strv sonames; /* in order of preference: the first that is there is taken */
        const char *feature, *description; /* NULL if not told */
        enum imm_dlopen_priority priority;
};

struct imm_elf_version { /* a version that is needed of a library */
        const char *file, *version;
        bool weak;
};

struct imm_elf {
        unsigned char bits; /* 32, 64 */
        bool big_endian, dynamic;
        uint16_t machine, type;                             /* EM_*, ET_* */
        uint32_t flags;                                     /* e_flags */
        const char *interpreter, *soname, *rpath, *runpath; /* NULL if there is none */
        struct imm_strv needed, auxiliary, filter;
        uint64_t flags_1;          /* DT_FLAGS_1 */
        bool executable_stack;     /* PT_GNU_STACK asks for it */
        uint64_t mapped, writable; /* bytes of its segments in memory, in whole pages; of one that
                                      was kept from an earlier run: 0 */
        bool text_relocations;     /* DT_TEXTREL: the loader writes into the code */
        struct imm_elf_dlopen *dlopen;
        size_t n_dlopen;
};

/*
 * Reads the headers, the dynamic section and the notes. 0; -ENOEXEC (no ELF file at all); -EBADMSG
 * (*ret_why says what is broken, in @a); -EIO and its kin.
 */
int imm_elf_read(
        int fd, uint64_t size, struct imm_arena *a, struct imm_elf *ret, const char **ret_why);

/*
 * The dynamic symbols: those asked of others (imports) and given to others (exports), names only,
 * sorted and unique; and the versions needed and defined. NULL where not wanted. As above; also
 * -EFBIG for more than a million symbols.
 */
struct imm_elf_symbols {
        struct imm_strv imports, exports;
        struct imm_elf_version *versions;
        size_t n_versions;
        struct imm_strv defined_versions;
};
int imm_elf_read_symbols(int fd, uint64_t size, struct imm_arena *a, struct imm_elf_symbols *ret,
        const char **ret_why);

/*
 * imm_elf_read(), and all imports one by one as well, for a question to many files: what is defined
 * is not read. What imports are broken are left out without a word. @head is what the caller has
 * read of the file's beginning, most tables lie there; @scratch is what is needed meanwhile.
 */
enum { ELF_HEAD_MAX = 16384 };
int imm_elf_read_imports(int fd, uint64_t size, const unsigned char *head, size_t n_head,
        struct imm_arena *a, struct imm_arena *scratch,
        void (*import)(void *data, const char *name), void *data, struct imm_elf *ret,
        const char **ret_why);
