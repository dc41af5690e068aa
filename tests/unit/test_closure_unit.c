/* Whole units: programs, scripts, what the sandbox hides, what it shows beyond need, packages. */

#include "analyzer/closure/closure-private.h"
#include "tests/unit/tree.h"

#include <endian.h>
#include <linux/capability.h>
#include <sys/xattr.h>

struct world {
        struct imm_arena *arena;
        struct imm_root *root;
        struct imm_manager *m;
};

static void script(const char *rel, const char *text) {
        tree_file(rel, text);
        assert_int_equal(chmod(tree_path(rel), 0755), 0);
}

/* A root with a few programs; they are scripts of an interpreter that is no script and no ELF file
 */
static int root_make(void **state) {
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

static struct world *world_new(void) {
        struct imm_manager_options o = {.version = 257};
        struct world *w = imm_xcalloc(1, sizeof(*w));

        w->arena = imm_arena_new();
        assert_int_equal(imm_root_open(&w->root, tree, NULL), 0);
        assert_int_equal(imm_manager_open(&w->m, w->root, &o, NULL), 0);
        return w;
}

static void world_free(struct world *w) {
        imm_manager_free(w->m);
        imm_root_free(w->root);
        imm_arena_free(w->arena);
        free(w);
}

static struct imm_unit *unit(struct world *w, const char *name) {
        struct imm_unit *u = NULL;

        assert_int_equal(imm_manager_unit(w->m, name, &u, NULL), 0);
        return u;
}

static const struct imm_need *need(const struct imm_closure *c, const char *path) {
        for (size_t i = 0; i < c->n; i++)
                if (imm_streq(c->v[i].path, path))
                        return &c->v[i];
        return NULL;
}

static void service(const char *text) {
        tree_file("etc/systemd/system/x.service", text);
}

#define assert_need(closure, path_, confidence_, visible_) \
        do { \
                const struct imm_need *n_ = need((closure), (path_)); \
                assert_non_null(n_); \
                assert_int_equal(n_->confidence, (confidence_)); \
                assert_int_equal(n_->visible, (visible_)); \
        } while (0)

TEST(a_script_brings_its_interpreter_and_likely_its_commands) {
        struct imm_closure *c;
        struct world *w;

        script("usr/bin/x", "#!/bin/sh -e\nmyls() { :; }\nmyls\nif ls /etc/foo.conf; then echo "
                            "/etc/nothing; fi\n"
                            "case $1 in ls) python3 -c 1 ;; esac\n# ls /etc/comment\n");
        service("[Service]\nExecStart=/bin/x\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_int_equal(c->kind, IMM_CLOSURE_FILES);
        assert_need(c, "/usr/bin/x", IMM_CERTAIN, 1);
        assert_string_equal(need(c, "/usr/bin/x")->links.v[0], "/bin");
        assert_need(c, "/usr/bin/sh", IMM_CERTAIN, 1);
        assert_int_equal(need(c, "/usr/bin/sh")->kind, IMM_NEED_INTERPRETER);
        assert_need(c, "/usr/bin/ls", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/python3.11", IMM_LIKELY, 1);
        assert_need(c, "/etc/foo.conf", IMM_LIKELY, 1);
        assert_null(need(c, "/etc/comment"));
        assert_null(need(c, "/etc/nothing"));
        assert_ptr_equal(c, imm_closure_of(w->m, unit(w, "x.service")));
        world_free(w);
}

/* What stands in quotes is no less run; what follows is no less a command. */
TEST(commands_within_quotes_are_found_and_those_behind) {
        struct imm_closure *c;
        struct world *w;

        script("usr/bin/one", "program");
        script("usr/bin/two", "program");
        script("usr/bin/three", "program");
        script("usr/bin/four", "program");
        script("usr/bin/five", "program");
        script("usr/bin/six", "program");
        script("usr/bin/seven", "program");
        script("usr/bin/never", "program");
        tree_file("usr/share/never", "");
        service("[Service]\nExecStart=/bin/sh -c 'A=\"$$(one; echo \")\") never\" two \"`three"
                " never`never \" && four; B=$$(five) six \"$$(echo a)/usr/share/never\" | "
                "seven'\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/six", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/seven", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/never"));
        assert_null(need(c, "/usr/share/never"));
        world_free(w);
}

TEST(environment_files_may_be_a_pattern) {
        struct imm_closure *c;
        struct world *w;

        tree_file("etc/env/a/1.conf", "X=/etc/foo.conf\n");
        tree_file("etc/env/b/2.conf", "X=/etc/foo.key\n");
        tree_file("etc/env/b/.hidden.conf", "X=/etc/comment\n");
        tree_file("etc/env/b/other", "X=/etc/comment\n");
        service("[Service]\nEnvironmentFile=/etc/env/*/*.conf\nEnvironmentFile=/etc/none/*\n"
                "EnvironmentFile=-/etc/none/?\nExecStart=/bin/ls $X\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_need(c, "/etc/env/a/1.conf", IMM_LIKELY, 1);
        assert_need(c, "/etc/env/b/2.conf", IMM_LIKELY, 1);
        assert_null(need(c, "/etc/env/b/other"));
        assert_null(need(c, "/etc/env/b/.hidden.conf"));
        assert_need(c, "/etc/foo.key", IMM_LIKELY, 1); /* the last one counts */
        assert_null(need(c, "/etc/foo.conf"));
        assert_need(c, "/etc/none/*", IMM_LIKELY, 0);
        assert_null(need(c, "/etc/none/?"));
        world_free(w);
}

/* Read by systemd before there is a sandbox, so that hiding it changes nothing */
TEST(a_pam_session_brings_its_files_and_modules) {
        struct imm_closure *c;
        struct world *w;

        tree_file("etc/pam.d/login", "# none\nauth required pam_one.so conf=/x\n@include common\n"
                                     "-session [success=1 default=ignore] pam_gone.so\n"
                                     "session include login\nsession substack more\n");
        tree_file("etc/pam.d/common", "account required /opt/pam_two.so\n");
        tree_file("usr/lib/pam.d/more",
                "session optional pam_three.so\npassword required pam_lost.so\n");
        tree_file("usr/lib/x86_64-linux-gnu/security/pam_one.so", "");
        tree_file("usr/lib/security/pam_three.so", "");
        tree_file("opt/pam_two.so", "");
        service("[Service]\nPAMName=login\nInaccessiblePaths=/etc/pam.d\nExecStart=/bin/ls\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_need(c, "/etc/pam.d/login", IMM_LIKELY, 1);
        assert_need(c, "/etc/pam.d/common", IMM_LIKELY, 1);
        assert_need(c, "/usr/lib/pam.d/more", IMM_LIKELY, 1);
        assert_need(c, "/usr/lib/x86_64-linux-gnu/security/pam_one.so", IMM_LIKELY, 1);
        assert_need(c, "/usr/lib/security/pam_three.so", IMM_LIKELY, 1);
        assert_need(c, "/opt/pam_two.so", IMM_LIKELY, 1);
        assert_need(c, "pam_lost.so", IMM_POSSIBLE, 0);
        assert_null(need(c, "pam_gone.so"));
        world_free(w);
}

TEST(env_is_followed_to_what_it_starts) {
        struct imm_closure *c;
        struct world *w;

        script("usr/bin/x", "#!/usr/bin/env -S python3 -u\nopen('/etc/foo.conf')\n");
        script("usr/bin/y", "#!/usr/bin/env nothere\n");
        service("[Service]\nExecStartPre=/bin/y\nExecStart=/bin/x\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_need(c, "/usr/bin/env", IMM_CERTAIN, 1);
        assert_need(c, "/usr/bin/python3.11", IMM_CERTAIN, 1);
        assert_need(c, "/etc/foo.conf", IMM_LIKELY, 1);
        assert_need(c, "nothere", IMM_CERTAIN, 0);
        world_free(w);
}

TEST(env_cuts_its_words_as_it_does) {
        static const struct {
                const char *line, *missing; /* NULL: it is python */
        } lines[] = {
                {"-S python3 -u", NULL},
                {"-S FOO=bar \"python3\" -u", NULL},
                {"-S'python3'", NULL},
                {"-S -u FOO --chdir / -i python3", NULL},
                {"-iS python3", NULL},
                {"--split-string=pyt\\\\hon3", "pyt\\hon3"},
                {"-vS \"not here\" python3", "not here"},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(lines); i++) {
                struct world *w;
                struct imm_closure *c;
                char text[256];

                (void)snprintf(text, sizeof(text), "#!/usr/bin/env %s\n", lines[i].line);
                script("usr/bin/x", text);
                service("[Service]\nExecStartPre=env -u FOO ls\nExecStart=/bin/x\n");
                w = world_new();
                c = imm_closure_of(w->m, unit(w, "x.service"));
                assert_need(c, "/usr/bin/ls", IMM_LIKELY, 1);
                if (lines[i].missing)
                        assert_need(c, lines[i].missing, IMM_CERTAIN, 0);
                else
                        assert_need(c, "/usr/bin/python3.11", IMM_CERTAIN, 1);
                world_free(w);
        }
}

TEST(arguments_name_configuration_and_that_names_more) {
        struct imm_closure *c;
        struct world *w;

        service("[Service]\nType=exec\nEnvironmentFile=/etc/default/foo\nEnvironmentFile=-/etc/"
                "default/bar\n"
                "ExecStart=/bin/ls --config=/etc/foo.conf --output=/var/lib/foo/page $OPTIONS "
                "/etc/absent\nStateDirectory=foo "
                "new\n");
        tree_file("var/lib/foo/page", "<!DOCTYPE html>\n<p>it reads /etc/told\n");
        tree_file("etc/told", "");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_need(c, "/etc/default/foo", IMM_LIKELY, 1);
        assert_null(need(c, "/etc/default/bar"));
        assert_need(c, "/etc/foo.conf", IMM_LIKELY, 1);
        assert_need(c, "/etc/foo.key", IMM_LIKELY, 1);
        assert_null(need(c, "/etc/comment"));
        assert_null(need(c, "/etc/told")); /* a page is what it writes */
        assert_null(need(c, "/etc/absent"));
        assert_need(c, "/var/lib/foo", IMM_LIKELY, 1);
        assert_true(need(c, "/var/lib/foo")->tree);
        assert_need(c, "/var/lib/new", IMM_LIKELY, 1);
        assert_true(need(c, "/var/lib/new")->created);
        assert_int_equal(need(c, "/etc/foo.conf")->by, 1);
        world_free(w);
}

TEST(what_the_sandbox_hides_is_missing) {
        struct imm_closure *c;
        struct world *w;

        script("usr/bin/x", "#!/usr/bin/python3\nopen('/etc/foo.conf')\n");
        service("[Service]\nExecStart=/bin/x\nInaccessiblePaths=/usr/lib/python3.11\n"
                "TemporaryFileSystem=/etc\nBindReadOnlyPaths=/etc/default\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_true(c->has_view);
        assert_need(c, "/usr/bin/python3.11", IMM_CERTAIN, 1);
        assert_need(c, "/usr/lib/python3.11", IMM_LIKELY, 0);
        assert_non_null(strstr(need(c, "/usr/lib/python3.11")->hidden, "InaccessiblePaths="));
        assert_need(c, "/etc/foo.conf", IMM_LIKELY, 0);
        assert_true(need(c, "/etc/foo.conf")->exists);
        world_free(w);
}

TEST(what_one_command_sees_and_another_does_not_is_missing) {
        static const struct {
                const char *lines;
                int visible;
        } cases[] = {
                {"ExecStartPre=+/bin/ls\nExecStart=/bin/ls", 0},
                {"ExecStart=/bin/ls\nExecStartPost=+/bin/ls", 0},
                {"ExecStart=+/bin/ls\nExecStopPost=-/bin/ls", 1},
                {"ExecStart=+/bin/ls", 1},
                {"ExecStartPre=+/bin/script\nExecStart=/bin/script", 0},
        };

        script("usr/bin/script", "#!/bin/ls\n");

        for (size_t i = 0; i < IMM_ELEMENTSOF(cases); i++) {
                struct imm_closure *c;
                struct world *w;
                char text[256];

                (void)snprintf(text, sizeof(text), "[Service]\nInaccessiblePaths=/usr/bin/ls\n%s\n",
                        cases[i].lines);
                service(text);
                w = world_new();
                c = imm_closure_of(w->m, unit(w, "x.service"));
                assert_need(c, "/usr/bin/ls", IMM_CERTAIN, cases[i].visible);
                world_free(w);
        }
}

TEST(files_are_looked_up_where_the_service_finds_them) {
        struct imm_closure *c;
        struct world *w;

        script("srv/other/usr/bin/x", "#!/bin/sh\ncat /etc/inside\n");
        script("srv/other/bin/sh", "interpreter");
        tree_file("srv/other/etc/inside", "");
        tree_file("srv/data/file", "");
        service("[Service]\nExecStart=/usr/bin/x /mnt/file\nRootDirectory=/srv/other\n"
                "BindPaths=/srv/data:/mnt\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_need(c, "/usr/bin/x", IMM_CERTAIN, 1);
        assert_string_equal(need(c, "/usr/bin/x")->host_path, "/srv/other/usr/bin/x");
        assert_need(c, "/bin/sh", IMM_CERTAIN, 1);
        assert_need(c, "/etc/inside", IMM_LIKELY, 1);
        assert_string_equal(need(c, "/mnt/file")->host_path, "/srv/data/file");
        world_free(w);
}

TEST(a_namespace_that_fails_leaves_all_unknown) {
        struct imm_closure *c;
        struct imm_excess x;
        struct world *w;

        service("[Service]\nExecStart=/bin/ls\nReadOnlyPaths=/not/there\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_false(c->has_view);
        assert_need(c, "/usr/bin/ls", IMM_CERTAIN, -1);
        imm_excess_compute(w->m, unit(w, "x.service"), c, 0, w->arena, &x);
        assert_false(x.known);
        world_free(w);
}

/* sss may know the user: who that is decides what is seen. */
TEST(a_user_that_may_be_anybody_leaves_excess_unknown) {
        struct imm_unneeded unneeded;
        struct imm_closure *c;
        struct imm_excess x;
        struct world *w;

        tree_file("etc/nsswitch.conf", "passwd: files sss\n");
        service("[Service]\nExecStart=/bin/ls\nUser=somebody\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_need(c, "/usr/bin/ls", IMM_CERTAIN, 1);
        imm_excess_compute(w->m, unit(w, "x.service"), c, 0, w->arena, &x);
        assert_false(x.known);
        imm_unneeded_compute(w->m, unit(w, "x.service"), c, &unneeded);
        assert_false(unneeded.known);
        world_free(w);
}

/* Of @paths, those of installed things, as an audit of all units counts them */
static uint64_t installed(const struct imm_strv *paths) {
        uint64_t n = 0;

        for (size_t i = 0; i < paths->n; i++)
                n += imm_after(paths->v[i], "/usr/") || imm_after(paths->v[i], "/etc/");
        return n;
}

TEST(an_audit_counts_what_is_installed) {
        static const char *const texts[] = {
                "[Service]\nExecStart=/bin/ls\n",
                "[Service]\nExecStart=/bin/ls\nInaccessiblePaths=/etc\n",
                "[Service]\nExecStart=/bin/ls\nTemporaryFileSystem=/var\n",
                "[Service]\nExecStart=/bin/ls\nBindPaths=/usr/lib:/mnt\n",
        };
        struct imm_excess all, some;
        struct world *w;

        tree_dir("mnt");
        tree_file("etc/thing.conf", "x\n");
        tree_file("srv/data/1", "x\n");
        for (size_t i = 0; i < IMM_ELEMENTSOF(texts); i++) {
                struct imm_closure *c;

                service(texts[i]);
                w = world_new();
                c = imm_closure_of(w->m, unit(w, "x.service"));
                imm_excess_compute(w->m, unit(w, "x.service"), c, IMM_EXCESS_PATHS, w->arena, &all);
                imm_excess_compute(w->m, unit(w, "x.service"), c,
                        IMM_EXCESS_SYSTEM | IMM_EXCESS_GROUPS, w->arena, &some);
                assert_true(some.known);
                assert_int_equal(some.excess, installed(&all.paths));
                assert_int_equal(some.visible, some.excess + 1); /* the program */
                assert_true(some.excess < all.excess && some.groups.n > 0);
                world_free(w);
        }
}

/* What a service has for its own root counts wherever it lies. */
TEST(a_root_of_its_own_is_counted_whole) {
        struct imm_excess all, some;
        struct imm_closure *c;
        struct world *w;

        script("srv/jail/ls", "program");
        tree_file("srv/jail/home/letter", "x\n");
        service("[Service]\nExecStart=/ls\nRootDirectory=/srv/jail\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        imm_excess_compute(w->m, unit(w, "x.service"), c, 0, w->arena, &all);
        imm_excess_compute(w->m, unit(w, "x.service"), c, IMM_EXCESS_SYSTEM, w->arena, &some);
        assert_true(some.known);
        assert_int_equal(some.visible, all.visible);
        assert_true(some.visible >= 2);
        world_free(w);
}

TEST(what_is_seen_is_counted_once) {
        static const char *const texts[] = {
                "[Service]\nExecStart=/bin/ls\n",
                "[Service]\nExecStart=/bin/ls\nInaccessiblePaths=/var/lib/foo\n",
                "[Service]\nExecStart=/bin/ls\nBindPaths=/var/lib/foo:/mnt\n",
                ("[Service]\nExecStart=/bin/ls\nTemporaryFileSystem=/var\n"
                 "BindPaths=/var/lib/foo:/mnt\n"),
                "[Service]\nExecStart=/bin/ls\nTemporaryFileSystem=/var\nBindPaths=/var/lib/foo\n",
                "[Service]\nExecStart=/bin/ls\nTemporaryFileSystem=/var\n",
        };
        static const int less[] = {0, 2, 0, 0, 0, 2};
        uint64_t all = 0;

        tree_dir("mnt");
        tree_file(
                "var/lib/dpkg/info/foo.list", "/.\n/lib\n/lib/python3.11/os.py\n/var/lib/foo/a\n");
        for (size_t i = 0; i < IMM_ELEMENTSOF(texts); i++) {
                struct imm_closure *c;
                struct imm_excess x;
                struct world *w;

                service(texts[i]);
                w = world_new();
                c = imm_closure_of(w->m, unit(w, "x.service"));
                imm_excess_compute(w->m, unit(w, "x.service"), c,
                        IMM_EXCESS_PATHS | IMM_EXCESS_GROUPS, w->arena, &x);
                assert_true(x.known);
                if (i == 0)
                        all = x.visible;
                if (i < 3)
                        assert_int_equal(x.visible, all - (uint64_t)less[i]);
                assert_int_equal(x.paths.n, x.excess);
                assert_int_equal(x.excess, x.visible - 1); /* all but the program */
                assert_int_equal(
                        imm_strv_has(&x.paths, "/var/lib/foo/a"), i != 1 && i != 3 && i != 5);
                assert_int_equal(imm_strv_has(&x.paths, "/mnt/a"), i == 3);
                world_free(w);
        }
}

TEST(files_belong_to_packages) {
        struct imm_closures *c;
        struct world *w;

        tree_file("var/lib/dpkg/info/python:amd64.list",
                "/.\n/lib\n/lib/python3.11\n/lib/python3.11/os.py\n/bin/sh\n");
        tree_file("var/lib/dpkg/info/dash.list", "/bin/sh\n/bin/ls\n");
        tree_file("var/lib/dpkg/diversions", "/bin/sh\n/bin/sh.distrib\ndash\n");
        tree_file("usr/bin/sh.distrib", "");
        w = world_new();
        c = imm_closures_of(w->m);
        assert_string_equal(imm_package_of(c, "/usr/lib/python3.11/os.py"), "python");
        assert_string_equal(imm_package_of(c, "/usr/bin/sh"), "dash");
        assert_string_equal(imm_package_of(c, "/usr/bin/sh.distrib"), "python");
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

#define N "0000000000000000000000000000000"
static void nix_store(void) {
        tree_file("nix/store/" N "a-prog/bin/prog", "uses /nix/store/" N "b-lib/lib");
        tree_file("nix/store/" N "b-lib/lib", "");
        tree_file("nix/store/" N "c-unused/x", "");
        tree_file("nix/store/" N "d-conf", "/nix/store/" N "c-unused");
        tree_file("nix/store/" N "f-sys/sw/bin/tool", "/nix/store/" N "b-lib");
        tree_file("nix/store/.links/x", "");
        tree_link("/nix/store/" N "f-sys", "nix/var/nix/profiles/system-1-link");
        tree_link("system-1-link", "nix/var/nix/profiles/system");
}

TEST(nix_closures_are_of_what_exec_lines_name) {
        struct imm_closure *c;
        struct imm_excess x;
        struct world *w;

        nix_store();
        service("[Service]\nExecStart=/nix/store/" N "a-prog/bin/prog\nEnvironment=X=/nix/store/" N
                "d-conf\nExecStop=/nix/store/" N "c-unused/x\nExecStop=\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_int_equal(c->kind, IMM_CLOSURE_NIX);
        assert_int_equal(c->roots.n, 1);
        assert_int_equal(c->n, 2);
        assert_need(c, "/nix/store/" N "b-lib", IMM_CERTAIN, 1);
        imm_excess_compute(w->m, unit(w, "x.service"), c, IMM_EXCESS_PATHS, w->arena, &x);
        assert_int_equal(x.visible, 5);
        assert_int_equal(x.excess, 3);
        c = imm_closure_compute(w->m, unit(w, "x.service"), IMM_CLOSURE_FULL_UNIT, w->arena);
        assert_int_equal(c->n, 4);
        world_free(w);
}

TEST(nix_links_lead_to_the_store) {
        struct imm_closure *c;
        struct world *w;

        nix_store();
        tree_link("/nix/store/" N "a-prog", "home/u/result");
        service("[Service]\nExecCondition=/home/u/result/bin/prog --x=/nix/store/" N
                "d-conf,y\nExecStart=/run/current-system/sw/bin/tool\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_int_equal(c->roots.n, 3);
        assert_true(imm_strv_has(&c->roots, "/nix/store/" N "a-prog"));
        assert_true(imm_strv_has(&c->roots, "/nix/store/" N "d-conf"));
        assert_true(imm_strv_has(&c->roots, "/nix/store/" N "f-sys"));
        assert_int_equal(c->n, 5);
        world_free(w);
}

TEST(nix_paths_that_are_hidden_or_gone_are_missing) {
        struct imm_closure *c;
        struct imm_excess x;
        struct world *w;

        nix_store();
        service("[Service]\nExecStart=/nix/store/" N "a-prog/bin/prog /nix/store/" N
                "g-gone\nTemporaryFileSystem=/nix/store\nBindReadOnlyPaths=/nix/store/" N
                "a-prog /nix/store/" N "c-unused\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_int_equal(c->n, 3);
        assert_need(c, "/nix/store/" N "a-prog", IMM_CERTAIN, 1);
        assert_need(c, "/nix/store/" N "b-lib", IMM_CERTAIN, 0);
        assert_need(c, "/nix/store/" N "g-gone", IMM_CERTAIN, 0);
        assert_int_equal(c->dangling.n, 1);
        imm_excess_compute(w->m, unit(w, "x.service"), c, IMM_EXCESS_PATHS, w->arena, &x);
        assert_int_equal(x.visible, 2);
        assert_int_equal(x.excess, 1);
        world_free(w);
}

/* A path with folders beyond the limit tells when it is read. */
TEST(without_a_database_only_the_closures_own_paths_are_read) {
        static char deep[1024] = "nix/store/0000000000000000000000000000000c-deep";
        const struct imm_closure *c;
        struct imm_excess x;
        struct world *w;

        for (char *end = deep + strlen(deep); end < deep + 600; end += 2)
                memcpy(end, "/d", 3);
        tree_dir(deep);
        tree_file("nix/store/0000000000000000000000000000000a-program/bin/x",
                "/nix/store/0000000000000000000000000000000b-library");
        tree_file("nix/store/0000000000000000000000000000000b-library", "nothing");
        service("[Service]\nExecStart=/nix/store/0000000000000000000000000000000a-program/bin/x\n");
        tree_file("etc/systemd/system/y.service",
                "[Service]\nExecStart=/nix/store/0000000000000000000000000000000c-deep/x\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_int_equal(c->kind, IMM_CLOSURE_NIX);
        assert_int_equal(c->n, 2);
        imm_excess_compute(w->m, unit(w, "x.service"), c, IMM_EXCESS_PATHS, w->arena, &x);
        assert_int_equal(x.visible, 3);
        assert_int_equal(c->diags.n, 0);
        assert_int_equal(imm_closures_diags(imm_closures_of(w->m))->n, 0);
        c = imm_closure_of(w->m, unit(w, "y.service"));
        assert_true(c->diags.n > 0);
        world_free(w);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, root_make, tree_remove)

/* Is what was found at @path in the plain root found by a service with these lines as well? */
static bool holds_for(const char *path, const char *lines) {
        const struct imm_sandbox *s;
        struct found_by by = {0};
        struct imm_closures *c;
        struct learner *t;
        struct place p;
        struct view v;
        struct world *w;
        char text[256];
        bool holds;

        (void)snprintf(text, sizeof(text), "[Service]\nExecStart=/bin/ls\n%s\n", lines);
        service(text);
        w = world_new();
        c = imm_closures_of(w->m);
        t = learner_take(c);
        assert_int_equal(view_find(&t->view, NULL, path, &p), 0);
        learner_tell(c, t, &by);
        learner_give(c, t);
        s = imm_sandbox_view_of(w->m, unit(w, "x.service"));
        view_init(&v, c, &s->tried[s->main], "", w->arena);
        holds = view_relies(&v, &by);
        world_free(w);
        return holds;
}

TEST(what_was_found_once_holds_where_the_same_is_seen) {
        static const char plain[] = "/usr/lib/python3.11/os.py",
                          dots[] = "/usr/bin/../lib/python3.11/os.py",
                          linked[] = "/bin/../lib/python3.11/os.py";

        assert_true(holds_for(plain, "PrivateTmp=yes"));
        assert_true(holds_for(plain, "ReadOnlyPaths=/usr"));
        assert_true(holds_for(plain, "TemporaryFileSystem=/usr/bin"));
        assert_false(holds_for(plain, "TemporaryFileSystem=/usr"));
        assert_false(holds_for(plain, "InaccessiblePaths=/usr/lib/python3.11/os.py"));
        assert_true(holds_for(dots, "PrivateTmp=yes"));
        assert_true(holds_for(dots, "InaccessiblePaths=/usr/bin/ls"));
        assert_false(holds_for(dots, "InaccessiblePaths=/usr/bin"));
        assert_false(holds_for(dots, "TemporaryFileSystem=/usr/lib/python3.11"));
        assert_false(holds_for(linked, "InaccessiblePaths=/usr/bin"));
        assert_true(holds_for(linked, "InaccessiblePaths=/etc/foo.conf"));
}

/* The file @host of this machine, as @rel */
static void copy_of(const char *host, const char *rel) {
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

/* Does this program, started by the service, take its libc from LD_LIBRARY_PATH? */
static bool heeds_library_path(const char *line, mode_t mode) {
        const struct imm_closure *c;
        char text[256];
        struct world *w;
        bool heeds;

        assert_int_equal(chmod(tree_path("usr/bin/prog"), mode), 0);
        (void)snprintf(text, sizeof(text),
                "[Service]\nEnvironment=LD_LIBRARY_PATH=/opt/own\nExecStart=/usr/bin/prog\n%s\n",
                line);
        service(text);
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_non_null(need(c, "/usr/bin/prog"));
        heeds = need(c, "/opt/own/libc.so.6") != NULL;
        assert_int_equal(heeds, need(c, "libc.so.6") == NULL);
        world_free(w);
        return heeds;
}

/* Gives the file CAP_NET_RAW; false: that cannot be done here */
static bool may_give_capabilities(const char *rel) {
        struct vfs_cap_data caps = {.magic_etc = htole32(VFS_CAP_REVISION_2 | 1)};

        caps.data[0].permitted = htole32(1U << CAP_NET_RAW);
        return setxattr(tree_path(rel), "security.capability", &caps, XATTR_CAPS_SZ_2, 0) == 0;
}

TEST(a_program_that_gains_privileges_distrusts_its_environment) {
        const char *loader;
        const struct imm_elf *e;
        struct world *w;

        assert_int_equal(chmod(tree_path(""), 0755), 0); /* the service's user is no owner */
        copy_of("/proc/self/exe", "usr/bin/prog");
        tree_file("opt/own/libc.so.6", "");
        tree_file("etc/passwd", "root:x:0:0::/:/bin/sh\nother:x:4711:4711::/:/bin/sh\n");
        tree_file("etc/group", "root:x:0:\nother:x:4711:\n");
        w = world_new();
        e = node_elf(imm_closures_of(w->m), node_get(imm_closures_of(w->m), "/usr/bin/prog"));
        if (!e || !e->interpreter || !imm_strv_has(&e->needed, "libc.so.6")) {
                world_free(w);
                skip();
        }
        loader = imm_after(e->interpreter, "/lib/");
        copy_of(e->interpreter,
                loader ? imm_printf(w->arena, "usr/lib/%s", loader) : e->interpreter + 1);
        world_free(w);
        assert_true(heeds_library_path("User=other", 0755));
        assert_false(heeds_library_path("User=other", 04755));
        assert_true(heeds_library_path("User=other\nNoNewPrivileges=yes", 04755));
        assert_false(heeds_library_path("User=other\nUnsetEnvironment=LD_LIBRARY_PATH", 0755));
        assert_false(heeds_library_path("UnsetEnvironment=LD_LIBRARY_PATH=/opt/own", 0755));
        assert_true(heeds_library_path("UnsetEnvironment=LD_LIBRARY_PATH=/opt", 0755));
        if (!may_give_capabilities("usr/bin/prog"))
                skip();
        assert_true(heeds_library_path("User=root", 0755)); /* who has them anyway gains none */
        assert_false(heeds_library_path("User=other", 0755));
        assert_false(heeds_library_path("User=other\nNoNewPrivileges=yes", 0755));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(a_script_brings_its_interpreter_and_likely_its_commands),
                CASE(commands_within_quotes_are_found_and_those_behind),
                CASE(environment_files_may_be_a_pattern),
                CASE(a_pam_session_brings_its_files_and_modules),
                CASE(env_is_followed_to_what_it_starts),
                CASE(env_cuts_its_words_as_it_does),
                CASE(arguments_name_configuration_and_that_names_more),
                CASE(what_the_sandbox_hides_is_missing),
                CASE(what_one_command_sees_and_another_does_not_is_missing),
                CASE(files_are_looked_up_where_the_service_finds_them),
                CASE(a_namespace_that_fails_leaves_all_unknown),
                CASE(a_user_that_may_be_anybody_leaves_excess_unknown),
                CASE(an_audit_counts_what_is_installed),
                CASE(a_root_of_its_own_is_counted_whole),
                CASE(what_is_seen_is_counted_once),
                CASE(files_belong_to_packages),
                CASE(packages_of_alpine_and_arch),
                CASE(a_package_database_that_cannot_be_read_is_told),
                CASE(lines_have_owners),
                CASE(a_given_file_is_the_repositorys),
                CASE(nix_closures_are_of_what_exec_lines_name),
                CASE(without_a_database_only_the_closures_own_paths_are_read),
                CASE(nix_links_lead_to_the_store),
                CASE(nix_paths_that_are_hidden_or_gone_are_missing),
                CASE(a_program_that_gains_privileges_distrusts_its_environment),
                CASE(what_was_found_once_holds_where_the_same_is_seen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
