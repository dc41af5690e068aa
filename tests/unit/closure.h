#pragma once

/* A root with a few programs, and the closure of one of its units. */

#include "analyzer/closure/closure-private.h"
#include "tests/unit/tree.h"

struct world {
        struct imm_arena *arena;
        struct imm_root *root;
        struct imm_manager *m;
};

static inline void script(const char *rel, const char *text) {
        tree_file(rel, text);
        assert_int_equal(chmod(tree_path(rel), 0755), 0);
}

/* The file @host of this machine, as @rel */
static inline void copy_of(const char *host, const char *rel) {
        enum { MAX = 64 << 20 };
        char *p = malloc(MAX);
        FILE *f = fopen(host, "re");
        size_t n;

        assert_non_null(p);
        assert_non_null(f);
        n = fread(p, 1, MAX, f);
        assert_int_equal(fclose(f), 0);
        tree_bytes(rel, p, n);
        free(p);
}

/* A root with a few programs; they are scripts of an interpreter that is no script and no ELF file
 */
static inline int root_make(void **state) {
        (void)tree_make(state);
        tree_dir("usr");
        tree_link("usr/bin", "bin");
        tree_link("usr/lib", "lib");
        script("usr/bin/sh", "interpreter");
        script("usr/bin/ls", "program");
        script("usr/bin/env", "program");
        script("usr/bin/python3.11", "interpreter");
        tree_link("python3.11", "usr/bin/python3");
        tree_file("usr/lib/python3.11/os.py", "");
        tree_file("etc/foo.conf", "data = /var/lib/foo\n# /etc/comment\nkey=/etc/foo.key\n");
        tree_file("etc/foo.key", "secret");
        tree_file("etc/comment", "");
        tree_file("var/lib/foo/a", "12345");
        tree_file("var/lib/foo/b", "12345");
        tree_file("etc/default/foo", "OPTIONS=\"--key /etc/foo.key\"\n");
        return 0;
}

static inline struct world *world_new(void) {
        struct imm_manager_options o = {.version = 257};
        struct world *w = imm_xcalloc(1, sizeof(*w));

        w->arena = imm_arena_new();
        assert_int_equal(imm_root_open(&w->root, tree, NULL), 0);
        assert_int_equal(imm_manager_open(&w->m, w->root, &o, NULL), 0);
        return w;
}

static inline void world_free(struct world *w) {
        imm_manager_free(w->m);
        imm_root_free(w->root);
        imm_arena_free(w->arena);
        free(w);
}

static inline struct imm_unit *unit(struct world *w, const char *name) {
        struct imm_unit *u = NULL;

        assert_int_equal(imm_manager_unit(w->m, name, &u, NULL), 0);
        return u;
}

static inline const struct imm_need *need(const struct imm_closure *c, const char *path) {
        for (size_t i = 0; i < c->n; i++)
                if (imm_streq(c->v[i].path, path))
                        return &c->v[i];
        return NULL;
}

static inline void service(const char *text) {
        tree_file("etc/systemd/system/x.service", text);
}

#define assert_need(closure, path_, confidence_, visible_) \
        do { \
                const struct imm_need *n_ = need((closure), (path_)); \
                assert_non_null(n_); \
                assert_int_equal(n_->confidence, (confidence_)); \
                assert_int_equal(n_->visible, (visible_)); \
        } while (0)

#define CASE(name) cmocka_unit_test_setup_teardown(name, root_make, tree_remove)
