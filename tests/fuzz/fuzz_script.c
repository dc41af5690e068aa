/* Texts that closures are read from: shell, other scripts, configuration, loader caches, #! lines;
 * and what uses take from a script, lists of processors and credentials. */

#include "analyzer/closure/closure-private.h"
#include "analyzer/sandbox/mounts/plan.h"
#include "analyzer/settings/cpu-set.h"
#include "analyzer/uses/uses-private.h"
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static char dir[] = "/tmp/immure-fuzz-XXXXXX";

static void put(const char *name, const void *data, size_t size, mode_t mode) {
        char path[128];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        f = fopen(path, "we");
        assert(f && fwrite(data, 1, size, f) == size);
        assert(fclose(f) == 0 && chmod(path, mode) == 0);
}

static void clean(void) {
        static const char *const names[] = {"script", "sh", "ls", "conf", "ld.so.cache", ""};
        char path[128];

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
                (void)remove(path);
        }
}

static void setup(void) {
        if (imm_after(dir, "/tmp/immure-fuzz-XXXXXX")) {
                assert(mkdtemp(dir));
                put("sh", "x", 1, 0755);
                put("ls", "#!/sh\nls /conf\n", 15, 0755);
                put("conf", "/ls /script\n", 12, 0644);
                (void)atexit(clean);
        }
}

/* The same bytes as a text of each language, whatever their first line says */
static void read_as_other_texts(struct builder *b, const char *text, size_t size, int by) {
        static const char *const languages[] = {"python3", "perl", "ruby", "php", "node"};
        unsigned char set[IMM_CPUS_MAX] = {0};
        struct file f = {0};

        for (size_t i = 0; i < IMM_ELEMENTSOF(languages); i++)
                scan_calls(b, text, languages[i], by);
        find_execs(&f, text, size, b->arena);
        (void)imm_cpu_set_add(set, text);
        (void)imm_credential_is_sealed(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct imm_closures c; /* the arena frees what is in it, and so must go first */
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_cleanup(imm_root_free) struct imm_root *root = NULL;
        struct imm_closure closure = {0};
        struct builder b = {.c = &c, .closure = &closure, .arena = a, .setting = IMM_SETTING_N};
        struct want w = {.name = "/script", .reason = "", .by = IMM_NEED_BY_UNIT};
        size_t n;
        int k;

        setup();
        put("script", data, size, 0755);
        put("ld.so.cache", data, size, 0644);
        assert(imm_root_open(&root, dir, NULL) == 0);
        closures_init(&c, root, a);
        view_init(&b.view, &c, NULL, "", a);
        view_init(&b.plain, &c, NULL, "", a);
        imm_strv_add(a, &b.path.dirs, "/");
        k = follow_program(&b, &w, true);
        assert(k >= 0);
        scan_shell(&b, imm_strndup(a, (const char *)data, size), "/usr/bin/x", k);
        scan_paths(&b, imm_strndup(a, (const char *)data, size), SCAN_COMMENTS | SCAN_INSIDE,
                IMM_POSSIBLE, "", k);
        read_as_other_texts(&b, imm_strndup(a, (const char *)data, size), size, k);
        for (size_t i = 0; i < closure.n; i++)
                assert(closure.v[i].by < (int)i);
        if (node_ldcache(&c, node_get(&c, "/ld.so.cache")))
                (void)ldcache_find(node_get(&c, "/ld.so.cache")->cache, "libc.so.6", &n);
        closures_done(&c);
        return 0;
}
