#pragma once

/*
 * A small root for a test: tree_file("etc/passwd", "..."), removed at the end. In /tmp, or where
 * that is a file system of its own in /var/tmp: only of the machine's own one is anything kept.
 */

#include "tests/unit/test.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char tree[] = "/var/tmp/immure-test-XXXXXX";

static inline const char *tree_path(const char *rel) {
        static char path[2 * PATH_MAX];

        (void)snprintf(path, sizeof(path), "%s/%s", tree, rel);
        return path;
}

/* All directories above @rel */
static inline void tree_parents(const char *rel) {
        char part[PATH_MAX];

        (void)snprintf(part, sizeof(part), "%s", rel);
        for (char *p = strchr(part, '/'); p; p = strchr(p + 1, '/')) {
                *p = 0;
                assert_true(mkdir(tree_path(part), 0755) == 0 || errno == EEXIST);
                *p = '/';
        }
}

static inline void tree_bytes(const char *rel, const char *data, size_t n) {
        FILE *f;

        tree_parents(rel);
        f = fopen(tree_path(rel), "we");
        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, n, f), n);
        assert_int_equal(fclose(f), 0);
}

static inline void tree_file(const char *rel, const char *text) {
        tree_bytes(rel, text, strlen(text));
}

static inline void tree_link(const char *target, const char *rel) {
        tree_parents(rel);
        assert_int_equal(symlink(target, tree_path(rel)), 0);
}

static inline void tree_dir(const char *rel) {
        tree_parents(rel);
        assert_int_equal(mkdir(tree_path(rel), 0755), 0);
}

static inline int tree_drop(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static inline int tree_make(void **state) {
        struct stat root, tmp;
        bool own = stat("/", &root) == 0 && stat("/tmp", &tmp) == 0 && tmp.st_dev != root.st_dev;

        (void)snprintf(tree, sizeof(tree), "%s/immure-test-XXXXXX", own ? "/var/tmp" : "/tmp");
        return mkdtemp(tree) ? 0 : -1;
}

static inline int tree_remove(void **state) {
        return nftw(tree, tree_drop, 16, FTW_DEPTH | FTW_PHYS);
}
