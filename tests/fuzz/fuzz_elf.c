/* ELF files: headers, dynamic section, notes, symbols. */

#include "analyzer/closure/elf/elffile.h"
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_auto_close int fd = memfd_create("elf", MFD_CLOEXEC);
        struct imm_elf_symbols symbols = {0};
        struct imm_elf e = {0};
        const char *why = NULL;
        int k;

        assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
        k = imm_elf_read(fd, size, a, &e, &why);
        assert(k == 0 || k == -ENOEXEC || (k == -EBADMSG && why));
        why = NULL;
        k = imm_elf_read_symbols(fd, size, a, &symbols, &why);
        assert(k == 0 || k == -ENOEXEC || k == -EFBIG || (k == -EBADMSG && why));
        for (size_t i = 0; i < symbols.imports.n; i++)
                assert(*symbols.imports.v[i]);
        return 0;
}
