#pragma once

/*
 * A fuzz target is LLVMFuzzerTestOneInput. With clang -fsanitize=fuzzer it is fuzzed; otherwise the
 * main here replays the files named on the command line, or all files of the folders named.
 */

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifndef IMM_FUZZING
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static int replay_file(const char *path) {
        FILE *f = fopen(path, "re");
        uint8_t *data = NULL;
        size_t n = 0, cap = 0;

        if (!f) {
                perror(path);
                return 1;
        }
        do {
                cap = cap ? cap * 2 : 4096;
                data = realloc(data, cap);
                if (!data)
                        abort();
                n += fread(data + n, 1, cap - n, f);
        } while (n == cap);
        (void)fclose(f);
        /* exactly as large as it is, so that a sanitizer sees each byte too many */
        data = realloc(data, n ? n : 1);
        if (!data)
                abort();
        (void)LLVMFuzzerTestOneInput(data, n);
        free(data);
        return 0;
}

int main(int argc, char **argv) {
        int failed = 0;

        for (int i = 1; i < argc; i++) {
                DIR *d = opendir(argv[i]);
                struct dirent *e;

                if (!d) {
                        failed |= replay_file(argv[i]);
                        continue;
                }
                while ((e = readdir(d))) {
                        char path[8192];

                        if (e->d_name[0] == '.')
                                continue;
                        if (snprintf(path, sizeof(path), "%s/%s", argv[i], e->d_name) <
                                (int)sizeof(path))
                                failed |= replay_file(path);
                }
                (void)closedir(d);
        }
        return failed;
}
#endif
