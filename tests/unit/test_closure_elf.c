/* ELF files: a real one is read right, a broken one is refused and never read out of its bounds. */

#include "analyzer/closure/elf/elffile.h"
#include "tests/unit/tree.h"

#include <fcntl.h>
#include <sys/mman.h>

/* This test program itself is the sample. */
static unsigned char *self;
static size_t self_size;

static int load_self(void **state) {
        FILE *f = fopen("/proc/self/exe", "re");
        size_t cap = 16 << 20;

        assert_non_null(f);
        self = malloc(cap);
        assert_non_null(self);
        self_size = fread(self, 1, cap, f);
        assert_true(self_size > 1000 && self_size < cap);
        return fclose(f);
}

static int drop_self(void **state) {
        free(self);
        return 0;
}

static int file_of(const void *data, size_t n) {
        int fd = memfd_create("elf", MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, n), n);
        return fd;
}

static int read_elf(const void *data, size_t n, struct imm_arena *a, struct imm_elf *e) {
        imm_auto_close int fd = file_of(data, n);
        const char *why = NULL;
        int k = imm_elf_read(fd, n, a, e, &why);

        if (k == -EBADMSG)
                assert_non_null(why);
        return k;
}

TEST(a_program_tells_what_it_needs) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_elf e = {0};

        assert_int_equal(read_elf(self, self_size, a, &e), 0);
        assert_true(e.dynamic);
        assert_non_null(e.interpreter);
        assert_int_equal(e.interpreter[0], '/');
        assert_true(imm_strv_has(&e.needed, "libcmocka.so.0"));
        assert_true(e.needed.n >= 2);
}

TEST(symbols_are_those_asked_for_and_given) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_auto_close int fd = file_of(self, self_size);
        struct imm_elf_symbols s = {0};
        const char *why = NULL;
        bool glibc = false;

        assert_int_equal(imm_elf_read_symbols(fd, self_size, a, &s, &why), 0);
        assert_true(imm_strv_has(&s.imports, "memfd_create"));
        assert_false(imm_strv_has(&s.exports, "memfd_create"));
        for (size_t i = 0; i < s.n_versions; i++)
                glibc |= strstr(s.versions[i].file, "libc.") &&
                         imm_after(s.versions[i].version, "GLIBC_");
        assert_true(glibc || s.n_versions == 0);
}

/* Without section headers the hash table must do. */
TEST(symbols_are_found_without_sections) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_auto_close int fd = -1;
        struct imm_elf_symbols s = {0};
        const char *why = NULL;

        if (self[4] != 2)
                skip();
        memset(self + 58, 0, 6); /* e_shentsize, e_shnum, e_shstrndx */
        fd = file_of(self, self_size);
        assert_int_equal(imm_elf_read_symbols(fd, self_size, a, &s, &why), 0);
        assert_true(imm_strv_has(&s.imports, "memfd_create"));
}

TEST(what_is_no_elf_file_is_no_error_of_elf) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_elf e;

        assert_int_equal(read_elf("", 0, a, &e), -ENOEXEC);
        assert_int_equal(read_elf("#!/bin/sh\n", 10, a, &e), -ENOEXEC);
        assert_int_equal(read_elf("\177ELF", 4, a, &e), -ENOEXEC);
}

/* Cut short anywhere it is refused or read in part, and never hangs or crashes. */
TEST(a_file_cut_short_is_refused) {
        for (size_t n = 0; n < self_size; n += n < 4096 ? 1 : 4093) {
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                struct imm_elf e = {0};
                int k = read_elf(self, n, a, &e);

                assert_true(k == 0 || k == -ENOEXEC || k == -EBADMSG);
                if (n < 64)
                        assert_int_equal(k, n < 52 ? -ENOEXEC : -EBADMSG);
        }
}

static uint32_t random_next(uint32_t *x) {
        *x ^= *x << 13;
        *x ^= *x >> 17;
        return *x ^= *x << 5;
}

TEST(broken_tables_are_refused) {
        unsigned char *copy = malloc(self_size);
        uint32_t x = 12345;

        assert_non_null(copy);
        for (int round = 0; round < 1500; round++) {
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                imm_auto_close int fd = -1;
                struct imm_elf_symbols s = {0};
                struct imm_elf e = {0};
                const char *why = NULL;
                int k;

                memcpy(copy, self, self_size);
                for (int i = 0; i < 6; i++) /* mostly in the headers */
                        copy[4 + random_next(&x) % (round & 1 ? self_size - 4 : 1200)] =
                                (unsigned char)random_next(&x);
                k = read_elf(copy, self_size, a, &e);
                assert_true(k == 0 || k == -EBADMSG || k == -ENOEXEC);
                fd = file_of(copy, self_size);
                k = imm_elf_read_symbols(fd, self_size, a, &s, &why);
                assert_true(k == 0 || k == -EBADMSG || k == -ENOEXEC || k == -EFBIG);
        }
        free(copy);
}

/* A file that says it has four thousand million headers must not cost memory for them. */
TEST(counts_are_bounded) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        unsigned char *copy = malloc(self_size);
        struct imm_elf e;

        assert_non_null(copy);
        memcpy(copy, self, self_size);
        copy[self[4] == 2 ? 56 : 44] = copy[self[4] == 2 ? 57 : 45] = 0xff; /* e_phnum */
        assert_int_equal(read_elf(copy, self_size, a, &e), -EBADMSG);
        assert_true(imm_arena_size(a) < 1 << 20);
        free(copy);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_program_tells_what_it_needs),
                cmocka_unit_test(symbols_are_those_asked_for_and_given),
                cmocka_unit_test(what_is_no_elf_file_is_no_error_of_elf),
                cmocka_unit_test(a_file_cut_short_is_refused),
                cmocka_unit_test(broken_tables_are_refused),
                cmocka_unit_test(counts_are_bounded),
                cmocka_unit_test(symbols_are_found_without_sections),
        };

        return cmocka_run_group_tests(tests, load_self, drop_self);
}
