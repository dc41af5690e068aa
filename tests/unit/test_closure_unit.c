/* What a unit needs: programs, scripts, what they name, what the sandbox hides of it. */

#include "tests/unit/closure.h"

#include <endian.h>
#include <linux/capability.h>
#include <sys/xattr.h>

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
        assert_non_null(c->view);
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
        assert_null(c->view);
        assert_need(c, "/usr/bin/ls", IMM_CERTAIN, -1);
        imm_excess_compute(w->m, unit(w, "x.service"), c, 0, w->arena, &x);
        assert_false(x.known);
        world_free(w);
}

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

TEST(a_link_at_the_top_leads_over_what_a_service_may_not_see) {
        struct imm_closure *c;
        struct world *w;

        tree_dir("opt");
        tree_link("opt/../usr/bin", "commands");
        tree_file("etc/systemd/system/y.service",
                "[Service]\nEnvironment=PATH=/commands\nExecStart=/usr/bin/sh -c ls\n");
        service("[Service]\nEnvironment=PATH=/commands\nInaccessiblePaths=/opt\n"
                "ExecStart=/usr/bin/sh -c ls\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "y.service"));
        assert_need(c, "/usr/bin/ls", IMM_LIKELY, 1);
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_need(c, "/usr/bin/ls", IMM_LIKELY, 0);
        world_free(w);
}

TEST(directories_of_many_units_are_moved_alike) {
        struct world *w;

        for (unsigned i = 0; i < 20; i++) {
                char name[64], text[128];

                (void)snprintf(name, sizeof(name), "etc/systemd/system/x%u.service", i);
                (void)snprintf(text, sizeof(text),
                        "[Service]\nDynamicUser=yes\nStateDirectory=x%u\nExecStart=/bin/ls\n", i);
                tree_file(name, text);
        }
        w = world_new();
        for (unsigned i = 0; i < 20; i++) {
                const struct imm_need *n;

                n = need(imm_closure_of(w->m, unit(w, imm_printf(w->arena, "x%u.service", i))),
                        imm_printf(w->arena, "/var/lib/private/x%u", i));
                assert_non_null(n);
                assert_string_equal(n->links.v[0], imm_printf(w->arena, "/var/lib/x%u", i));
        }
        world_free(w);
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

static void starts(const char *line, const char *program, bool does) {
        const struct imm_closure *c;
        struct world *w;
        char text[400];

        script("usr/bin/inner", "program");
        assert_true(snprintf(text, sizeof(text), "[Service]\nExecStart=%s\n", line) > 0);
        service(text);
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        if (does != (need(c, program) != NULL))
                print_error("%s\n", line);
        if (does)
                assert_need(c, program, IMM_LIKELY, 1);
        else
                assert_null(need(c, program));
        world_free(w);
}

TEST(programs_that_start_others_are_looked_through) {
        static const char *const wrappers[] = {"nice", "timeout", "flock", "setpriv", "su",
                "systemd-cat", "ionice", "ld-linux-x86-64.so.2"};
        static const char inner[] = "/usr/bin/inner";

        for (size_t i = 0; i < IMM_ELEMENTSOF(wrappers); i++) {
                char rel[64];

                assert_true(snprintf(rel, sizeof(rel), "usr/bin/%s", wrappers[i]) > 0);
                script(rel, "program");
        }
        starts("/bin/nice -n 5 inner x", inner, true);
        starts("timeout -k 5 30 nice ionice -c3 inner", inner, true);
        starts("/bin/flock -w 3 /run/x inner", inner, true);
        starts("/bin/flock /run/x -c 'inner x'", inner, true);
        starts("/bin/setpriv --reuid x --clear-groups -- inner", inner, true);
        starts("/bin/su -s /bin/sh nobody -c 'A=inner; $$A'", inner, true);
        starts("/bin/systemd-cat -t inner sh -c 'exec inner'", inner, true);
        starts("/bin/env -S 'A=1 -u B inner -x'", inner, true);
        starts("/bin/env A=1 timeout 3 inner", inner, true);
        starts("/bin/ld-linux-x86-64.so.2 --preload /x.so --library-path /y /usr/bin/inner", inner,
                true);
        starts("/bin/sh -c 'for i in inner; do $$i; done'", inner, true);
        starts("/bin/sh -c 'A=inner; exec $A'", inner,
                true); /* the shell's, for systemd's are words */
        starts("/bin/env $WORDS\nEnvironment='WORDS=B=1 inner -x'", inner, true);
        starts("/bin/env ${WORDS}\nEnvironment='WORDS=B=1 inner -x'", inner, false);
        starts("/bin/timeout inner", inner, false);
        starts("/bin/nice -n inner ls", inner, false);
        starts("/bin/ls inner", inner, false);
        starts("/bin/systemd-cat -t inner ls", inner, false);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(a_script_brings_its_interpreter_and_likely_its_commands),
                CASE(environment_files_may_be_a_pattern),
                CASE(a_pam_session_brings_its_files_and_modules),
                CASE(env_is_followed_to_what_it_starts),
                CASE(env_cuts_its_words_as_it_does),
                CASE(arguments_name_configuration_and_that_names_more),
                CASE(what_the_sandbox_hides_is_missing),
                CASE(what_one_command_sees_and_another_does_not_is_missing),
                CASE(files_are_looked_up_where_the_service_finds_them),
                CASE(a_namespace_that_fails_leaves_all_unknown),
                CASE(what_was_found_once_holds_where_the_same_is_seen),
                CASE(a_link_at_the_top_leads_over_what_a_service_may_not_see),
                CASE(directories_of_many_units_are_moved_alike),
                CASE(a_program_that_gains_privileges_distrusts_its_environment),
                CASE(programs_that_start_others_are_looked_through),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
