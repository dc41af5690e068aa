/*
 * The whole way: the same bytes as a unit, as its drop-in and as an instance's socket, judged by
 * all scorecards with mounts, access and closure. The first byte chooses systemd's version.
 */

#include "rules/snapshot.h"
#include "rules/waiver.h"
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/immure-fuzz-XXXXXX";
static struct imm_rulebook *books[4];
static const unsigned versions[] = {247, 252, 254, 257};

static const char *const folders[] = {"bin", "dev", "etc", "etc/systemd", "etc/systemd/system",
        "etc/systemd/system/a.service.d", "home", "home/alice", "opt", "proc", "root", "run", "srv",
        "sys", "tmp", "usr", "usr/bin", "var", "var/lib", "var/log", "var/tmp", "var/lib/private"};
static const char *const units[] = {"etc/systemd/system/a.service",
        "etc/systemd/system/a.service.d/b.conf", "etc/systemd/system/a@.service",
        "etc/systemd/system/a.socket"};

static const char *path_of(const char *name) {
        static char path[200];

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        return path;
}

static void put(const char *name, const void *data, size_t size, mode_t mode) {
        FILE *f = fopen(path_of(name), "we");

        assert(f && fwrite(data, 1, size, f) == size);
        assert(fclose(f) == 0 && chmod(path_of(name), mode) == 0);
}

static int drop(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static void clean(void) {
        (void)nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS);
        for (size_t i = 0; i < IMM_ELEMENTSOF(books); i++)
                imm_rulebook_free(books[i]);
}

static void setup(void) {
        static const char passwd[] =
                "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/\n";
        static const char script[] = "#!/bin/sh\ncat /etc/passwd\n";
        static const char *const none[] = {NULL};

        if (!imm_after(dir, "/tmp/immure-fuzz-XXXXXX"))
                return;
        assert(mkdtemp(dir));
        (void)atexit(clean);
        for (size_t i = 0; i < IMM_ELEMENTSOF(folders); i++)
                assert(mkdir(path_of(folders[i]), 0755) == 0);
        put("etc/passwd", passwd, strlen(passwd), 0644);
        put("etc/group", "root:x:0:\n", 10, 0644);
        put("bin/sh", script, strlen(script), 0755);
        assert(symlink("/var/lib", path_of("srv/link")) == 0);
        assert(symlink("loop", path_of("srv/loop")) == 0);
        for (size_t i = 0; i < IMM_ELEMENTSOF(books); i++) {
                struct imm_rules_options o = {.version = versions[i], .directories = none};

                books[i] = imm_rules_load(&o);
                assert(!imm_rules_broken(books[i]));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        imm_cleanup(imm_root_free) struct imm_root *root = NULL;
        imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
        imm_cleanup(imm_waivers_free) struct imm_waivers *waivers = NULL;
        imm_cleanup(imm_audit_free) struct imm_audit *audit = NULL;
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = NULL;
        struct imm_audit_options options = {0};
        struct imm_manager_options how = {0};
        size_t which = size > 0 ? data[0] % IMM_ELEMENTSOF(versions) : 0;
        struct imm_unit **list;
        size_t n;

        setup();
        if (size > 0) {
                data++;
                size--;
        }
        for (size_t i = 0; i < IMM_ELEMENTSOF(units); i++)
                put(units[i], data, size, 0644);
        how.version = versions[which];
        assert(imm_root_open(&root, dir, NULL) == 0);
        assert(imm_manager_open(&m, root, &how, NULL) == 0);
        assert(imm_manager_load_all(m, 1, NULL) == 0);
        n = m->n_list; /* judging may load more */
        list = imm_alloc_array(m->arena, n, sizeof(*list));
        memcpy(list, m->list, n * sizeof(*list));
        assert(n >= 3);
        s = imm_snapshot_judge(m, books[which], list, n, &options,
                &(struct imm_snapshot_options){.parts = IMM_SNAPSHOT_ALL | IMM_SNAPSHOT_DEFAULTS},
                &audit);
        assert(s->states.n == n);
        waivers = imm_waivers_new();
        for (size_t i = 0; i < n; i++)
                imm_waivers_add_unit(waivers, list[i]);
        imm_waivers_apply(waivers, s, 20000);
        return 0;
}
