/* Whose a file is, by the databases of packages and by where it lies. */

#include "tests/unit/closure.h"

TEST(files_belong_to_packages) {
        struct imm_closures *c;
        struct world *w;

        tree_file("var/lib/dpkg/info/python:amd64.list",
                "/.\n/lib\n/lib/python3.11\n/lib/python3.11/os.py\n/bin/sh\n/usr/bin/env\n");
        tree_file("var/lib/dpkg/info/dash.list", "/bin/sh\n/bin/ls\n");
        tree_file("var/lib/dpkg/info/zenv.list", "/usr/bin/env\n"); /* behind the other one */
        tree_file("var/lib/dpkg/diversions",
                "/bin/sh\n/bin/sh.distrib\ndash\n/usr/bin/env\n/usr/bin/env.distrib\nzenv\n");
        tree_file("usr/bin/sh.distrib", "");
        tree_file("usr/bin/env.distrib", "");
        for (unsigned walked = 0; walked < 2; walked++) {
                w = world_new();
                c = imm_closures_of(w->m);
                if (walked)
                        imm_excess_prepare(w->m, IMM_EXCESS_GROUPS);
                assert_string_equal(imm_package_of(c, "/usr/lib/python3.11/os.py"), "python");
                assert_string_equal(imm_package_of(c, "/usr/bin/sh"), "dash");
                assert_string_equal(imm_package_of(c, "/usr/bin/sh.distrib"), "python");
                assert_string_equal(imm_package_of(c, "/usr/bin/env"), "zenv");
                assert_string_equal(imm_package_of(c, "/usr/bin/env.distrib"), "python");
                assert_null(imm_package_of(c, "/etc/foo.conf"));
                world_free(w);
        }
}

/* However many threads read the lists: of several packages the first one has the file. */
TEST(lists_are_read_side_by_side) {
        struct imm_closures *c;
        struct world *w;

        for (unsigned i = 0; i < 200; i++) {
                char list[64], text[128];

                (void)snprintf(text, sizeof(text), "usr/lib/p%03u/f", i);
                tree_file(text, "");
                (void)snprintf(list, sizeof(list), "var/lib/dpkg/info/p%03u.list", i);
                (void)snprintf(text, sizeof(text),
                        "/.\n/usr/bin/ls\n/bin/sh\n/lib/p%03u/f\n/usr/bin/python3", i);
                tree_file(list, text);
        }
        tree_link("../../gone", "var/lib/dpkg/info/aaa.list");
        tree_link("../../../../etc/aab", "var/lib/dpkg/info/aab.list");
        tree_file("etc/aab", "/usr/bin/env\n");
        w = world_new();
        c = imm_closures_of(w->m);
        imm_closures_threads(c, 4);
        imm_excess_prepare(w->m, IMM_EXCESS_GROUPS);
        assert_string_equal(imm_package_of(c, "/usr/bin/ls"), "p000");
        assert_string_equal(imm_package_of(c, "/usr/bin/sh"), "p000");
        assert_string_equal(imm_package_of(c, "/usr/bin/python3"), "p000");
        assert_string_equal(imm_package_of(c, "/usr/bin/env"), "aab");
        assert_string_equal(imm_package_of(c, "/usr/lib/p117/f"), "p117");
        assert_null(imm_package_of(c, "/etc/foo.conf"));
        world_free(w);
}

TEST(packages_of_alpine_and_arch) {
        struct imm_closures *c;
        struct world *w;

        tree_file("lib/apk/db/installed", "C:Q1\nP:busybox\nV:1\nF:bin\nR:ls\na:0:0:755\nF:etc\nR:"
                                          "foo.conf\n\nP:other\nF:etc\nR:foo.key\n");
        tree_file("var/lib/pacman/local/bash-5.2.15-1/files",
                "%FILES%\nusr/\nusr/bin/\nusr/bin/sh\n\n%BACKUP%\netc/x\tabc\n");
        w = world_new();
        c = imm_closures_of(w->m);
        assert_string_equal(imm_package_of(c, "/usr/bin/ls"), "busybox");
        assert_string_equal(imm_package_of(c, "/etc/foo.conf"), "busybox");
        assert_string_equal(imm_package_of(c, "/etc/foo.key"), "other");
        assert_string_equal(imm_package_of(c, "/usr/bin/sh"), "bash");
        world_free(w);
}

/* One long name of a directory, and a thousand times that it has a file: 16 GB as paths */
TEST(a_package_database_of_hostile_size_is_told_and_done_with) {
        enum { DIRECTORY = 16 << 20, FILES = 1000 };
        imm_auto_free char *text = imm_xcalloc(1, DIRECTORY + 8 * FILES + 256);
        struct imm_closures *c;
        struct world *w;
        char *s;

        s = stpcpy(text, "P:long\nF:");
        memset(s, 'd', DIRECTORY);
        s += DIRECTORY;
        for (unsigned i = 0; i < FILES; i++)
                s = stpcpy(s, "\nR:f");
        (void)stpcpy(s, "\nP:short\nF:etc\nR:foo\n");
        tree_file("lib/apk/db/installed", text);
        tree_file("var/lib/pacman/local/huge-1-1/files", "");
        assert_int_equal(
                truncate(tree_path("var/lib/pacman/local/huge-1-1/files"), INT64_C(1) << 40), 0);
        w = world_new();
        c = imm_closures_of(w->m);
        assert_string_equal(imm_package_of(c, "/etc/foo"), "short");
        assert_int_equal(c->diags.n, 1);
        assert_non_null(strstr(c->diags.v[0].message, "more than 512 MB"));
        world_free(w);
}

TEST(a_package_database_that_cannot_be_read_is_told) {
        static const char *const files[] = {"var/lib/rpm/Packages.db", "var/lib/rpm/rpmdb.sqlite"};
        static const enum imm_diag_level levels[] = {IMM_DIAG_WARNING, IMM_DIAG_UNREADABLE};

        for (size_t i = 0; i < IMM_ELEMENTSOF(files); i++) {
                struct imm_closures *c;
                struct world *w;

                tree_file(files[i], "no database, whatever its name says");
                w = world_new();
                c = imm_closures_of(w->m);
                assert_null(imm_package_of(c, "/usr/bin/ls"));
                assert_int_equal(c->diags.n, 1);
                assert_int_equal(c->diags.v[0].level, levels[i]);
                assert_non_null(strstr(c->diags.v[0].file, files[i]));
                world_free(w);
        }
}

static void assert_owner(struct world *w, const char *file, const char *expected) {
        struct imm_owner o = imm_owner_of(imm_closures_of(w->m), unit(w, "x.service"), file);

        assert_string_equal(imm_owner_text(&o, w->arena), expected);
}

TEST(lines_have_owners) {
        /* sum of "[Manager]\n" */
        static const char status[] =
                "Package: systemd\nStatus: install ok installed\nConffiles:\n"
                " /etc/systemd/system.conf d9c2005c5a49863e8f72b95b18004ac9\n"
                " /etc/systemd/user.conf d9c2005c5a49863e8f72b95b18004ac9\nVersion: 252-1\n\n"
                "Package: foo\nVersion: 1:2.0~rc1-3\n";
        struct world *w;

        tree_file("var/lib/dpkg/status", status);
        tree_file("var/lib/dpkg/info/foo:amd64.list", "/lib/systemd/system/x.service\n");
        tree_file("var/lib/dpkg/info/systemd.list",
                "/etc/systemd/system.conf\n/etc/systemd/user.conf\n");
        tree_file("usr/lib/systemd/system/x.service", "[Service]\nExecStart=/bin/ls\n");
        tree_file("usr/lib/systemd/system/nobodys.service", "");
        tree_file("usr/local/lib/systemd/system/y.service", "");
        tree_file("etc/systemd/system.conf", "[Manager]\n");
        tree_file("etc/systemd/user.conf", "[Manager]\n# changed\n");
        tree_file("etc/systemd/system/x.service.d/a.conf", "");
        tree_link("/lib/systemd/system/x.service", "etc/systemd/system/alias.service");
        tree_file("run/systemd/generator.late/z.service", "");
        tree_file("run/systemd/system/x.service.d/b.conf", "");
        tree_file("home/alice/.config/systemd/user/u.service", "");
        tree_file("nix/store/00000000000000000000000000000000-unit-n.service/n.service", "");
        w = world_new();
        assert_owner(w, "/lib/systemd/system/x.service", "package foo 1:2.0~rc1-3");
        assert_owner(w, "/usr/lib/systemd/system/x.service", "package foo 1:2.0~rc1-3");
        assert_owner(w, "/etc/systemd/system/alias.service", "package foo 1:2.0~rc1-3");
        assert_owner(w, "/usr/lib/systemd/system/nobodys.service", "vendor");
        assert_owner(w, "/usr/local/lib/systemd/system/y.service", "administrator");
        assert_owner(w, "/etc/systemd/system.conf", "package systemd 252-1");
        assert_owner(w, "/etc/systemd/user.conf", "administrator systemd 252-1");
        assert_owner(w, "/etc/systemd/system/x.service.d/a.conf", "administrator");
        assert_owner(w, "/run/systemd/generator.late/z.service", "generator");
        assert_owner(w, "/run/systemd/system/x.service.d/b.conf", "runtime");
        assert_owner(w, "/home/alice/.config/systemd/user/u.service", "user");
        assert_owner(w, "/nix/store/00000000000000000000000000000000-unit-n.service/n.service",
                "store unit-n.service");
        world_free(w);
}

TEST(a_given_file_is_the_repositorys) {
        struct imm_unit *u = NULL;
        struct imm_owner o;
        struct world *w;

        tree_file("etc/systemd/system/x.service", "[Service]\nExecStart=/bin/ls\n");
        w = world_new();
        assert_int_equal(
                imm_manager_unit_file(w->m, tree_path("etc/systemd/system/x.service"), &u, NULL),
                0);
        o = imm_owner_of(imm_closures_of(w->m), u, u->fragment);
        assert_int_equal(o.kind, IMM_OWNER_REPOSITORY);
        world_free(w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(files_belong_to_packages),
                CASE(lists_are_read_side_by_side),
                CASE(packages_of_alpine_and_arch),
                CASE(a_package_database_of_hostile_size_is_told_and_done_with),
                CASE(a_package_database_that_cannot_be_read_is_told),
                CASE(lines_have_owners),
                CASE(a_given_file_is_the_repositorys),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
