/* The flattened unit: exactly what it says, and that it loads as the same unit. */

#include "analyzer/settings/settings.h"
#include "tests/unit/tree.h"

#define ETC "etc/systemd/system/"

struct world {
        struct imm_root *root;
        struct imm_manager *m;
};

static struct world open_world(unsigned version) {
        struct imm_manager_options o = {.version = version};
        struct world w = {0};

        assert_int_equal(imm_root_open(&w.root, tree, NULL), 0);
        assert_int_equal(imm_manager_open(&w.m, w.root, &o, NULL), 0);
        return w;
}

static void close_world(struct world *w) {
        imm_manager_free(w->m);
        imm_root_free(w->root);
}
#define world_auto __attribute__((cleanup(close_world))) struct world

static struct imm_settings *settings(struct world *w, const char *name) {
        struct imm_unit *u = NULL;

        assert_int_equal(imm_manager_unit(w->m, name, &u, NULL), 0);
        return imm_settings_of(w->m, u);
}

static void tree_clear(void) {
        assert_int_equal(tree_remove(NULL), 0);
        assert_int_equal(mkdir(tree, 0755), 0);
}

/* What @write puts into a stream */
#define WRITTEN(f, write) \
        ({ \
                char *text_ = NULL; \
                size_t n_ = 0; \
                FILE *f = open_memstream(&text_, &n_); \
                assert_non_null(f); \
                write; \
                assert_int_equal(fclose(f), 0); \
                text_; \
        })

static char *flattened(struct world *w, const char *name, bool origins) {
        return WRITTEN(f, assert_int_equal(imm_unit_flatten(settings(w, name), origins, f), 0));
}

/* All that systemctl would say of it, but for where its files lie */
static char *properties(struct world *w, const char *name) {
        struct imm_settings *s = settings(w, name);
        const char *p;

        return WRITTEN(
                f, for (size_t i = 0; (p = imm_property_name(s, i)); i++) {
                        if (!imm_streq(p, "FragmentPath") && !imm_streq(p, "DropInPaths"))
                                (void)imm_property_write(s, p, f);
                });
}

/* @name as its files stand, then with the flattened unit in their place: no difference */
static void check_same(unsigned version, const char *name) {
        imm_auto_free char *before = NULL, *after = NULL, *file = NULL;

        for (int origins = 0; origins <= 1; origins++) {
                world_auto w = open_world(version);

                free(before);
                free(file);
                before = properties(&w, name);
                file = flattened(&w, name, origins);
        }
        tree_clear();
        {
                imm_auto_free char *path = NULL;

                assert_true(asprintf(&path, ETC "%s", name) > 0);
                tree_file(path, file);
        }
        world_auto w = open_world(version);
        after = properties(&w, name);
        assert_string_equal(after, before);
        assert_non_null(strstr(after, "LoadState="));
}

TEST(lines_in_order_by_section) {
        world_auto w = {0};
        imm_auto_free char *text = NULL;

        tree_file(ETC "a.service",
                "[Unit]\nDescription=A\n[Service]\nExecStart=/bin/true \\\n  x\nUser=nobody\n"
                "X-Own=1\nNewSetting=2\n");
        tree_file(ETC "a.service.d/1.conf",
                "[Unit]\nAfter=b.service\n[Service]\nUser=daemon\nReadOnlyPaths=/a\n");
        tree_file(ETC "a.service.d/2.conf", "[Service]\nReadOnlyPaths=\nReadOnlyPaths=/b\\\n");
        w = open_world(257);
        text = flattened(&w, "a.service", false);
        assert_string_equal(text,
                "# a.service, flattened by immure for systemd 257: all its files in one\n"
                "#     /etc/systemd/system/a.service\n"
                "#     /etc/systemd/system/a.service.d/1.conf\n"
                "#     /etc/systemd/system/a.service.d/2.conf\n"
                "\n[Unit]\nDescription=A\nAfter=b.service\n"
                "\n[Service]\nExecStart=/bin/true    x\nX-Own=1\nNewSetting=2\nUser=daemon\n"
                "ReadOnlyPaths=\nReadOnlyPaths=/b\n");
}

TEST(origins_and_what_lost) {
        world_auto w = {0};
        imm_auto_free char *text = NULL;

        tree_file(ETC "a.service", "[Service]\nExecStart=/bin/true\nUser=nobody\n");
        tree_file(ETC "a.service.d/1.conf", "[Service]\nUser=daemon\nPrivateTmp=perhaps\n");
        w = open_world(257);
        text = flattened(&w, "a.service", true);
        assert_non_null(strstr(text,
                "# /etc/systemd/system/a.service:2\nExecStart=/bin/true\n"
                "# User=nobody  (/etc/systemd/system/a.service:3, overridden by "
                "/etc/systemd/system/a.service.d/1.conf:2)\n"
                "# /etc/systemd/system/a.service.d/1.conf:2\nUser=daemon\n"
                "# PrivateTmp=perhaps  (/etc/systemd/system/a.service.d/1.conf:3, ignored)\n"));
}

TEST(a_fatal_line_of_a_dropin_does_not_refuse_the_unit) {
        tree_file(ETC "a.service", "[Service]\nExecStart=/bin/true\n");
        tree_file(ETC "a.service.d/1.conf",
                "[Service]\nPrivateTmp=yes\nUser=00\nPrivateDevices=yes\n[Unit]\nDescription=x\n");
        check_same(257, "a.service");
}

TEST(a_refused_unit_stays_refused) {
        tree_file(ETC "a.service", "[Service]\nExecStart=/bin/true\nUser=00\n");
        tree_file(ETC "a.service.d/1.conf", "[Service]\nUser=nobody\n");
        check_same(257, "a.service");
}

TEST(backslashes_and_specifiers) {
        tree_file(ETC "t@.service",
                "[Service]\nExecStart=/bin/echo %i %% %y %Y %%y \"a \\\" b\" \\x41 \\ \n"
                "Environment=A=b\\ \nReadOnlyPaths=/%i\nStateDirectory=%p/%j\n");
        tree_file(ETC "t@i.service.d/1.conf", "[Service]\nEnvironment=\"B=%n\"\n");
        check_same(257, "t@i.service");
}

TEST(lines_that_leave_traces) {
        world_auto w = {0};
        imm_auto_free char *text = NULL;

        tree_file(ETC "a.service", "[Service]\nExecStart=/bin/true\nDelegate=yes\nTimeoutSec=5\n");
        tree_file(ETC "a.service.d/1.conf", "[Service]\nDelegate=pids\nTimeoutSec=7\n");
        w = open_world(257);
        text = flattened(&w, "a.service", false);
        assert_non_null(strstr(text, "Delegate=yes\nTimeoutSec=5\nDelegate=pids\nTimeoutSec=7\n"));
}

TEST(lists_that_add_up_and_reset) {
        for (unsigned version = 247; version <= 257; version += 5) {
                tree_clear();
                tree_file(ETC "a.service",
                        "[Service]\nType=oneshot\nExecStart=/bin/a\nExecStart=/bin/b\n"
                        "CapabilityBoundingSet=CAP_KILL\nSystemCallFilter=@system-service\n"
                        "RestrictNamespaces=yes\nDeviceAllow=/dev/null r\nIPAddressDeny=any\n"
                        "Environment=A=1 B=2\nBindPaths=/a:/b\nTimeoutSec=5\n");
                tree_file(ETC "a.service.d/1.conf",
                        "[Service]\nExecStart=\nExecStart=/bin/c\nCapabilityBoundingSet=~CAP_KILL\n"
                        "SystemCallFilter=~@mount:EPERM\nRestrictNamespaces=~user\n"
                        "DeviceAllow=char-rtc\nIPAddressDeny=\nEnvironment=A=3\n"
                        "BindReadOnlyPaths=\nTimeoutStartSec=7\n");
                check_same(version, "a.service");
        }
}

TEST(what_cannot_be_flattened) {
        world_auto w = {0};
        imm_auto_free char *text = NULL;
        FILE *f = fopen("/dev/null", "w");

        assert_non_null(f);
        tree_file(ETC "error.service", "[Service\nExecStart=/bin/true\n");
        tree_file(ETC "masked.service", "");
        w = open_world(257);
        assert_int_equal(imm_unit_flatten(settings(&w, "nosuch.service"), false, f), -ENOENT);
        assert_int_equal(imm_unit_flatten(settings(&w, "error.service"), false, f), -EBADMSG);
        text = flattened(&w, "masked.service", true); /* an empty file is a mask */
        assert_string_equal(text, "");
        (void)fclose(f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, tree_make, tree_remove)
RUN(T(lines_in_order_by_section), T(origins_and_what_lost),
        T(a_fatal_line_of_a_dropin_does_not_refuse_the_unit), T(a_refused_unit_stays_refused),
        T(backslashes_and_specifiers), T(lines_that_leave_traces), T(lists_that_add_up_and_reset),
        T(what_cannot_be_flattened))
