/*
 * Policies of the bus and of polkit: the same bytes as configuration of the bus, service file,
 * actions, rules and sections; then questions of callers. The first byte says how old polkit is.
 */

#include "analyzer/bus/bus.h"
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/immure-fuzz-XXXXXX";

static const char *const folders[] = {"etc", "usr", "usr/share", "usr/share/dbus-1",
        "usr/share/dbus-1/system.d", "usr/share/dbus-1/system-services", "usr/share/polkit-1",
        "usr/share/polkit-1/actions", "usr/share/polkit-1/rules.d", "usr/libexec", "etc/polkit-1",
        "etc/polkit-1/localauthority", "etc/polkit-1/localauthority/50-local.d"};
static const char *const files[] = {"usr/share/dbus-1/system.conf",
        "usr/share/dbus-1/system.d/a.conf", "usr/share/dbus-1/system-services/a.service",
        "usr/share/polkit-1/actions/a.policy", "usr/share/polkit-1/rules.d/50-a.rules",
        "etc/polkit-1/localauthority/50-local.d/a.pkla",
        "etc/polkit-1/localauthority/50-local.d/b.pkla"};
static const char *const kept[] = {"etc/passwd", "etc/group", "usr/libexec/polkitd"};

static const char *path_of(const char *name) {
        static char path[200];

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        return path;
}

static void put(const char *name, const void *data, size_t size) {
        FILE *f = fopen(path_of(name), "we");

        assert(f && fwrite(data, 1, size, f) == size);
        assert(fclose(f) == 0);
}

static void clean(void) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(files); i++)
                (void)unlink(path_of(files[i]));
        for (size_t i = 0; i < IMM_ELEMENTSOF(kept); i++)
                (void)unlink(path_of(kept[i]));
        for (size_t i = IMM_ELEMENTSOF(folders); i-- > 0;)
                (void)rmdir(path_of(folders[i]));
        (void)rmdir(dir);
}

static void setup(void) {
        static const char passwd[] = "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n";
        static const char group[] = "root:x:0:\nalice:x:1000:\nnet:x:50:alice\n";

        if (!imm_after(dir, "/tmp/immure-fuzz-XXXXXX"))
                return;
        assert(mkdtemp(dir));
        for (size_t i = 0; i < IMM_ELEMENTSOF(folders); i++)
                assert(mkdir(path_of(folders[i]), 0755) == 0);
        put("etc/passwd", passwd, strlen(passwd));
        put("etc/group", group, strlen(group));
        (void)atexit(clean);
}

static void ask(struct imm_bus *b, struct imm_bus_peer *peer, struct imm_arena *a) {
        static const char *const calls[] = {"org.a:.I.M:.set", "org.a:.I.M",
                "org.freedesktop.systemd1:.Manager.StartTransientUnit:.manage-units"};
        struct imm_strv because = {0};

        for (size_t i = 0; i < IMM_ELEMENTSOF(calls); i++) {
                int quick = imm_bus_may_call(b, peer, calls[i], NULL, NULL);

                assert(quick >= -1 && quick <= 1);
                assert(imm_bus_may_call(b, peer, calls[i], a, &because) == quick);
        }
        (void)imm_polkit_grants(b, peer, "org.a.set", a, &because);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_cleanup(imm_root_free) struct imm_root *root = NULL;
        imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
        struct imm_manager_options options = {.version = 257};
        static const char old[] = "/polkit-1/localauthority";
        const gid_t net = 50;
        bool is_old = size > 0 && data[0] == 'o';
        struct imm_bus *b;

        setup();
        if (size > 0) {
                data++;
                size--;
        }
        put("usr/libexec/polkitd", old, is_old ? strlen(old) : 0);
        for (size_t i = 0; i < IMM_ELEMENTSOF(files); i++)
                put(files[i], data, size);
        assert(imm_root_open(&root, dir, NULL) == 0);
        assert(imm_manager_open(&m, root, &options, NULL) == 0);
        b = imm_bus_of(m);
        ask(b, imm_bus_peer_of(b, 0, 0, NULL, 0, NULL), a);
        ask(b, imm_bus_peer_of(b, 1000, 1000, &net, 1, NULL), a);
        ask(b, imm_bus_peer_of(b, 61000, 61000, NULL, 0, "made"), a);
        return 0;
}
