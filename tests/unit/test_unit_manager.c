/* Loading: small trees, as systemd 247 to 257 were seen to load them (tests/lab/loading). */

#include "analyzer/unit/limits.h"
#include "analyzer/unit/unit.h"
#include "tests/unit/tree.h"

#define LIB "usr/lib/systemd/system/"
#define ETC "etc/systemd/system/"
#define SERVICE "[Service]\nExecStart=/bin/true\n"

struct world {
        struct imm_root *root;
        struct imm_manager *m;
};

static struct world open_world(unsigned version, const char *unit_path) {
        struct imm_manager_options o = {.version = version, .unit_path = unit_path};
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

static struct imm_unit *unit(struct world *w, const char *name) {
        struct imm_unit *u = NULL;

        assert_int_equal(imm_manager_unit(w->m, name, &u, NULL), 0);
        return u;
}

static void is_list(const struct imm_strv *l, const char *want) {
        char got[4096] = "";

        for (size_t i = 0; i < l->n; i++) {
                if (i)
                        strncat(got, " ", sizeof(got) - strlen(got) - 1);
                strncat(got, l->v[i], sizeof(got) - strlen(got) - 1);
        }
        assert_string_equal(got, want);
}

static bool has_diag(const struct imm_diags *d, const char *code) {
        for (size_t i = 0; i < d->n; i++)
                if (imm_streq(d->v[i].code, code))
                        return true;
        return false;
}

TEST(the_most_important_directory_wins) {
        world_auto w = {0};

        tree_file(LIB "a.service", SERVICE);
        tree_file("usr/local/lib/systemd/system/a.service", SERVICE);
        tree_file(LIB "b.service", SERVICE);
        tree_file(ETC "b.service", SERVICE);
        tree_file("etc/systemd/system.attached/c.service", SERVICE);
        tree_file("run/systemd/system/c.service", SERVICE);
        tree_file("run/systemd/generator/d.service", SERVICE);
        tree_file("run/systemd/generator.late/d.service", SERVICE);
        tree_file("opt/units/e.service", SERVICE);
        w = open_world(257, NULL);
        assert_string_equal(unit(&w, "a")->fragment, "/usr/local/lib/systemd/system/a.service");
        assert_string_equal(unit(&w, "b")->fragment, "/etc/systemd/system/b.service");
        assert_string_equal(unit(&w, "c")->fragment, "/etc/systemd/system.attached/c.service");
        assert_string_equal(unit(&w, "d")->fragment, "/run/systemd/generator/d.service");
        assert_int_equal(unit(&w, "e")->load, IMM_LOAD_NOT_FOUND);
}

TEST(the_unit_path_of_the_environment) {
        world_auto only = {0}, first = {0}, none = {0};

        tree_file(LIB "a.service", SERVICE);
        tree_file("opt/units/a.service", SERVICE);
        only = open_world(257, "/opt/units");
        is_list(&only.m->search_path, "/opt/units");
        first = open_world(257, "/opt/units:");
        is_list(&first.m->search_path, "/opt/units /usr/lib/systemd/system");
        none = open_world(257, "");
        is_list(&none.m->search_path, "");
        assert_int_equal(unit(&none, "a")->load, IMM_LOAD_NOT_FOUND);
}

TEST(units_lie_in_lib_on_old_debian) {
        world_auto old = {0}, new = {0};

        tree_file(LIB "a.service", SERVICE);
        tree_link("usr/lib", "lib");
        tree_file("etc/os-release", "NAME=x\nID=ubuntu\nID_LIKE=\"debian\"\n");
        old = open_world(252, NULL);
        assert_string_equal(unit(&old, "a")->fragment, "/lib/systemd/system/a.service");
        new = open_world(257, NULL);
        assert_string_equal(unit(&new, "a")->fragment, "/usr/lib/systemd/system/a.service");
}

TEST(aliases_are_links_within) {
        world_auto w = {0};

        tree_file(LIB "a.service", SERVICE);
        tree_link("a.service", LIB "b.service");
        tree_link("/usr/lib/systemd/system/b.service", ETC "c.service");
        tree_link("a.socket", ETC "wrong.service");
        tree_link("a.service", LIB "wrong.socket");
        tree_link("gone.service", ETC "dangling.service");
        tree_file(ETC "c.service.d/x.conf", SERVICE);
        w = open_world(257, NULL);
        assert_ptr_equal(unit(&w, "c"), unit(&w, "a"));
        is_list(&unit(&w, "a")->names, "a.service b.service c.service");
        is_list(&unit(&w, "a")->dropins, "/etc/systemd/system/c.service.d/x.conf");
        assert_int_equal(unit(&w, "dangling")->load, IMM_LOAD_NOT_FOUND);
        assert_int_equal(unit(&w, "wrong.socket")->load, IMM_LOAD_NOT_FOUND);
        assert_true(has_diag(&unit(&w, "wrong.socket")->diags, "bad-alias"));
        assert_false(unit(&w, "wrong.socket")->unreadable);
}

TEST(a_link_to_itself_is_no_loop_where_the_file_exists) {
        world_auto w = {0};

        tree_file(LIB "a.service", SERVICE);
        tree_link("/usr/lib/systemd/system/a.service", ETC "a.service");
        w = open_world(257, NULL);
        assert_int_equal(unit(&w, "a")->load, IMM_LOAD_LOADED);
        assert_string_equal(unit(&w, "a")->fragment, "/usr/lib/systemd/system/a.service");
        assert_int_equal(unit(&w, "a")->diags.n, 0);
}

TEST(linked_units_come_from_anywhere_in_the_root) {
        world_auto old = {0}, new = {0};

        tree_file("opt/x.service", SERVICE);
        tree_link("/opt/x.service", ETC "x.service");
        tree_link("../../../../../../opt/x.service", ETC "up.service");
        tree_link("/opt/none.service", ETC "none.service");
        new = open_world(252, NULL);
        assert_string_equal(unit(&new, "x")->fragment, "/etc/systemd/system/x.service");
        assert_int_equal(unit(&new, "up")->load, IMM_LOAD_LOADED);
        assert_int_equal(unit(&new, "none")->load, IMM_LOAD_NOT_FOUND);
        assert_null(unit(&new, "none")->fragment);
        old = open_world(247, NULL);
        assert_string_equal(unit(&old, "x")->fragment, "/opt/x.service");
}

TEST(masks) {
        world_auto old = {0}, new = {0};

        tree_link("/dev/null", ETC "null.service");
        tree_file(ETC "empty.service", "");
        tree_link("/opt/far", ETC "far.service");
        tree_link("/dev/null", "opt/far");
        tree_file(ETC "null.service.d/x.conf", SERVICE);
        tree_file(LIB "null.service", SERVICE);
        tree_link("/dev/zero", ETC "zero.service");
        tree_file(LIB "t@.service", SERVICE);
        tree_link("/dev/null", ETC "t@a.service");
        new = open_world(257, NULL);
        assert_int_equal(unit(&new, "null")->load, IMM_LOAD_MASKED);
        assert_string_equal(unit(&new, "null")->fragment, "/etc/systemd/system/null.service");
        assert_int_equal(unit(&new, "null")->dropins.n, 0);
        assert_int_equal(unit(&new, "empty")->load, IMM_LOAD_MASKED);
        assert_int_equal(unit(&new, "far")->load, IMM_LOAD_MASKED);
        assert_int_equal(unit(&new, "zero")->load, IMM_LOAD_MASKED);
        assert_true(has_diag(&unit(&new, "zero")->diags, "device"));
        assert_int_equal(unit(&new, "null")->diags.n, 0);
        assert_int_equal(unit(&new, "t@a")->load, IMM_LOAD_MASKED);
        assert_int_equal(unit(&new, "t@b")->load, IMM_LOAD_LOADED);
        old = open_world(252, NULL);
        assert_int_equal(unit(&old, "null")->dropins.n, 1);
}

TEST(templates_and_instances) {
        world_auto w = {0};
        struct imm_unit *u;

        tree_file(LIB "t@.service", SERVICE);
        tree_link("t@.service", LIB "alias@.service");
        tree_file(ETC "t@own.service", SERVICE);
        tree_file(LIB "t@.service.d/t.conf", SERVICE);
        tree_file(ETC "t@i.service.d/i.conf", SERVICE);
        tree_link("/usr/lib/systemd/system/t@.service",
                ETC "multi-user.target.wants/t@wanted.service");
        tree_link("/dev/null", ETC "multi-user.target.wants/t@masked.service");
        tree_link("/usr/lib/systemd/system/gone@.service", ETC "x.target.requires/gone@x.service");
        tree_file(LIB "user.service",
                "[Unit]\nWants=t@%p.service t@.service plain.service\n" SERVICE);
        w = open_world(257, NULL);
        assert_int_equal(imm_manager_load_all(w.m, 2, NULL), 0);
        assert_true(imm_map_has(&w.m->units, "t@.service"));
        assert_true(imm_map_has(&w.m->units, "t@own.service"));
        assert_true(imm_map_has(&w.m->units, "t@wanted.service"));
        assert_true(imm_map_has(&w.m->units, "t@user.service"));
        assert_false(imm_map_has(&w.m->units, "t@masked.service"));
        assert_false(imm_map_has(&w.m->units, "gone@x.service"));
        for (size_t i = 1; i < w.m->n_list; i++)
                assert_true(strcmp(w.m->list[i - 1]->name, w.m->list[i]->name) < 0);
        u = unit(&w, "alias@i");
        assert_string_equal(u->name, "t@i.service");
        is_list(&u->names, "t@i.service alias@i.service");
        is_list(&u->dropins, "/etc/systemd/system/t@i.service.d/i.conf "
                             "/usr/lib/systemd/system/t@.service.d/t.conf");
        assert_string_equal(u->instance, "i");
        assert_string_equal(unit(&w, "t@.service")->instance, "");
        is_list(&unit(&w, "t@.service")->dropins, "/usr/lib/systemd/system/t@.service.d/t.conf");
}

TEST(dropins_by_name_and_directory) {
        world_auto w = {0};
        struct imm_unit *u;

        tree_file(LIB "a-b-c.service", SERVICE);
        tree_file(LIB "a-.service.d/1.conf", SERVICE);
        tree_file(LIB "a-b-.service.d/2.conf", SERVICE);
        tree_file(LIB "a-b-c.service.d/3.conf", SERVICE);
        /* the directory beats specificity */
        tree_file(ETC "a-.service.d/3.conf", SERVICE);
        /* but the type's folder is the last */
        tree_file(ETC "service.d/2.conf", SERVICE);
        tree_file(ETC "service.d/4.conf", SERVICE);
        w = open_world(257, NULL);
        u = unit(&w, "a-b-c");
        is_list(&u->dropins, "/usr/lib/systemd/system/a-.service.d/1.conf "
                             "/usr/lib/systemd/system/a-b-.service.d/2.conf "
                             "/etc/systemd/system/a-.service.d/3.conf "
                             "/etc/systemd/system/service.d/4.conf");
        assert_int_equal(u->n_files, 5);
        assert_int_equal(u->diags.n, 2);
        assert_string_equal(u->diags.v[0].code, "hidden-dropin");
        assert_string_equal(u->diags.v[0].file, "/etc/systemd/system/service.d/2.conf");
        assert_non_null(
                strstr(u->diags.v[0].message, "/usr/lib/systemd/system/a-b-.service.d/2.conf"));
}

TEST(dead_dropins_stay_in_the_list) {
        world_auto w = {0};
        struct imm_unit *u;

        tree_file(LIB "a.service", SERVICE);
        tree_dir(LIB "a.service.d/dir.conf");
        tree_link("/nowhere", LIB "a.service.d/gone.conf");
        tree_link("loop.conf", LIB "a.service.d/loop.conf");
        tree_link("/dev/null", LIB "a.service.d/null.conf");
        tree_file(LIB "a.service.d/.hidden.conf", SERVICE);
        tree_file(LIB "a.service.d/x.conf~", SERVICE);
        tree_file(LIB "a.service.d/zero.conf", "");
        tree_file("opt/l.conf", SERVICE);
        tree_link("/opt/l.conf", LIB "a.service.d/link.conf");
        w = open_world(257, NULL);
        u = unit(&w, "a");
        assert_int_equal(u->dropins.n, 6);
        assert_int_equal(u->load, IMM_LOAD_LOADED);
        assert_int_equal(u->n_files, 3); /* itself, the directory that cannot be read, the link */
        assert_false(u->unreadable);
}

TEST(folders_that_are_links) {
        world_auto old = {0}, new = {0};

        tree_file(LIB "a.service", SERVICE);
        tree_file(LIB "b.service", SERVICE);
        tree_file("opt/d/x.conf", SERVICE);
        tree_link("/opt/d", ETC "a.service.d");
        tree_link("../../../opt/d", ETC "b.service.d");
        new = open_world(257, NULL);
        is_list(&unit(&new, "a")->dropins, "/opt/d/x.conf");
        is_list(&unit(&new, "b")->dropins, "/opt/d/x.conf");
        old = open_world(247, NULL);
        is_list(&unit(&old, "b")->dropins, "/opt/d/x.conf");
}

TEST(what_cannot_be_read_is_told_and_the_rest_goes_on) {
        world_auto w = {0};
        struct imm_unit *u;
        FILE *f;

        tree_file(LIB "good.service", SERVICE);
        tree_file(LIB "header.service", "[Service\n");
        tree_file(LIB "utf8.service", "[Service]\nExecStart=\xff\n");
        assert_int_equal(mkfifo(tree_path(LIB "fifo.service"), 0644), 0);
        assert_int_equal(mkfifo(tree_path("fifo"), 0644), 0);
        tree_link("/fifo", LIB "fifolink.service");
        tree_dir(LIB "dir.service");
        tree_link("loop.service", LIB "loop.service");
        tree_link("loop2.service", LIB "loop1.service");
        tree_link("loop1.service", LIB "loop2.service");
        tree_link("/loop", LIB "farloop.service");
        tree_link("loop", "loop");
        f = fopen(tree_path(LIB "big.service"), "we");
        assert_non_null(f);
        assert_int_equal(ftruncate(fileno(f), 300 * 1024 * 1024), 0);
        assert_int_equal(fclose(f), 0);
        w = open_world(257, NULL);
        assert_int_equal(imm_manager_load_all(w.m, 2, NULL), 0);
        assert_int_equal(unit(&w, "good")->load, IMM_LOAD_LOADED);
        assert_int_equal(unit(&w, "header")->load, IMM_LOAD_ERROR);
        assert_false(unit(&w, "header")->unreadable);
        assert_int_equal(unit(&w, "utf8")->load, IMM_LOAD_ERROR);
        assert_int_equal(unit(&w, "utf8")->files[0]->diags.v[0].line, 2);
        static const char *const unreadable[] = {"fifo", "fifolink", "dir", "big"};
        for (size_t i = 0; i < IMM_ELEMENTSOF(unreadable); i++) {
                u = unit(&w, unreadable[i]);
                assert_int_equal(u->load, IMM_LOAD_ERROR);
                assert_true(u->unreadable);
        }
        static const char *const loops[] = {"loop", "loop1", "loop2", "farloop"};
        for (size_t i = 0; i < IMM_ELEMENTSOF(loops); i++) {
                u = unit(&w, loops[i]);
                assert_int_equal(u->load, IMM_LOAD_NOT_FOUND);
                assert_true(u->unreadable);
                assert_true(u->diags.n > 0);
        }
}

TEST(links_do_not_leave_the_root) {
        world_auto w = {0};

        tree_link("../../../../../../../../../../../../../../../etc/passwd", LIB "out.service");
        tree_dir("etc");
        w = open_world(257, NULL);
        assert_int_equal(unit(&w, "out")->load, IMM_LOAD_NOT_FOUND);
}

TEST(ten_thousand_dropins) {
        world_auto w = {0};
        struct imm_unit *u;
        char name[64];

        tree_file(LIB "a.service", SERVICE);
        for (int i = 0; i < 10000; i++) {
                (void)snprintf(name, sizeof(name), LIB "a.service.d/%05d.conf", i);
                tree_file(name, "[Service]\nEnvironment=A=1\n");
        }
        w = open_world(257, NULL);
        u = unit(&w, "a");
        assert_int_equal(u->n_files, 10001);
        assert_int_equal(u->load, IMM_LOAD_LOADED);
}

TEST(shared_files_are_read_once) {
        world_auto w = {0};

        tree_file(LIB "t@.service", SERVICE);
        tree_file(LIB "service.d/x.conf", SERVICE);
        tree_file(LIB "a.service", SERVICE);
        w = open_world(257, NULL);
        assert_ptr_equal(unit(&w, "t@a")->files[0], unit(&w, "t@b")->files[0]);
        assert_ptr_equal(unit(&w, "t@a")->files[1], unit(&w, "a")->files[1]);
}

TEST(a_file_may_serve_two_types) {
        world_auto w = {0};
        struct imm_unit *u;

        tree_file(LIB "a.service", SERVICE);
        tree_file(LIB "a.socket", "[Socket]\nListenStream=1\n");
        tree_file(LIB "service.d/x.conf", "[Service]\nA=1\n[Socket]\nB=1\n");
        tree_link("/usr/lib/systemd/system/service.d", LIB "socket.d");
        w = open_world(257, NULL);
        u = unit(&w, "a");
        assert_string_equal(u->files[1]->assignments[0].key, "A");
        u = unit(&w, "a.socket");
        assert_int_equal(u->n_files, 2);
        assert_int_equal(u->files[1]->n_assignments, 1);
        assert_string_equal(u->files[1]->assignments[0].key, "B");
}

TEST(lib_is_read_where_it_is_a_directory) {
        world_auto unknown = {0}, known = {0};

        tree_file("lib/systemd/system/a.service", SERVICE);
        unknown = open_world(257, NULL);
        assert_int_equal(unit(&unknown, "a")->load, IMM_LOAD_LOADED);
        tree_file("usr/lib/systemd/libsystemd-shared-257.so", "");
        known = open_world(0, NULL);
        assert_int_equal(unit(&known, "a")->load, IMM_LOAD_NOT_FOUND);
        imm_manager_find_not_analysed(known.m);
        assert_int_equal(known.m->not_analysed.n, 1);
}

TEST(a_broken_unit_has_no_other_names) {
        world_auto w = {0};

        tree_file(LIB "a.service", "[Service\n");
        tree_link("a.service", LIB "b.service");
        tree_file(LIB "a.service.d/x.conf", SERVICE);
        w = open_world(257, NULL);
        is_list(&unit(&w, "a")->names, "a.service");
        is_list(&unit(&w, "b")->names, "b.service");
        assert_string_equal(unit(&w, "b")->name, "b.service");
        assert_int_equal(unit(&w, "b")->load, IMM_LOAD_ERROR);
        assert_int_equal(unit(&w, "a")->dropins.n, 0);
}

TEST(names) {
        world_auto w = {0};
        struct imm_err err = IMM_ERR_INIT;
        struct imm_unit *u;

        tree_dir("etc");
        w = open_world(257, NULL);
        assert_string_equal(unit(&w, "x")->name, "x.service");
        assert_string_equal(unit(&w, "x.y")->name, "x.y.service");
        assert_int_equal(unit(&w, "-.slice")->load, IMM_LOAD_LOADED);
        assert_int_equal(imm_manager_unit(w.m, "a/b", &u, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "'a/b'"));
        imm_err_done(&err);
        assert_int_equal(imm_unit_name_type("a@.timer"), IMM_UNIT_TIMER);
        assert_int_equal(imm_unit_name_type("@a.timer"), IMM_UNIT_TYPE_INVALID);
        assert_int_equal(imm_unit_name_type("a b.timer"), IMM_UNIT_TYPE_INVALID);
        assert_int_equal(imm_unit_name_type(".service"), IMM_UNIT_TYPE_INVALID);
}

TEST(the_manager_of_a_user) {
        struct imm_manager_options o = {.scope = IMM_SCOPE_USER, .version = 257};
        world_auto w = {0};
        const char *v;

        tree_file("etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/zsh\n"
                                "alice:x:1000:1000::/home/alice:/bin/bash\n");
        tree_file("home/alice/.config/systemd/user/a.service", SERVICE);
        tree_file("etc/systemd/user/a.service", SERVICE);
        tree_file("home/bob/.local/share/systemd/user/b.service", SERVICE);
        assert_int_equal(imm_root_open(&w.root, tree, NULL), 0);
        assert_int_equal(imm_manager_open(&w.m, w.root, &o, NULL), 0);
        assert_string_equal(w.m->user->name, "alice");
        assert_string_equal(unit(&w, "a")->fragment, "/home/alice/.config/systemd/user/a.service");
        assert_int_equal(imm_unit_expand(w.m, unit(&w, "a"), IMM_SPECIFIERS_FULL,
                                 "%h %u %U %s %t %S %C %E", w.m->arena, &v),
                0);
        assert_string_equal(v,
                "/home/alice alice 1000 /bin/bash /run/user/1000 /home/alice/.local/state "
                "/home/alice/.cache /home/alice/.config");
        imm_manager_free(w.m);
        o.user = "bob";
        assert_int_equal(imm_manager_open(&w.m, w.root, &o, NULL), 0);
        assert_int_equal(unit(&w, "b")->load, IMM_LOAD_LOADED);
}

TEST(what_is_not_analysed_is_said) {
        world_auto w = {0};

        tree_file("usr/lib/systemd/system-generators/gen", "x");
        tree_file("usr/lib/systemd/system-generators/off", "x");
        tree_link("/dev/null", "etc/systemd/system-generators/off");
        tree_file("etc/init.d/old", "#!/bin/sh\n");
        assert_int_equal(chmod(tree_path("etc/init.d/old"), 0755), 0);
        tree_file("etc/init.d/new", "#!/bin/sh\n");
        assert_int_equal(chmod(tree_path("etc/init.d/new"), 0755), 0);
        tree_file(LIB "new.service", SERVICE);
        tree_file("etc/containers/systemd/web.container", "x");
        tree_dir("var/lib/extensions/ext");
        w = open_world(257, NULL);
        for (unsigned again = 0; again < 2; again++)
                imm_manager_find_not_analysed(w.m);
        assert_int_equal(w.m->not_analysed.n, 4);
        assert_non_null(strstr(w.m->not_analysed.v[0], "system-generators/gen"));
        assert_non_null(strstr(w.m->not_analysed.v[1], "/etc/init.d/old"));
        assert_non_null(strstr(w.m->not_analysed.v[2], "/var/lib/extensions/ext"));
        assert_non_null(strstr(w.m->not_analysed.v[3], "web.container"));
}

TEST(specifiers) {
        world_auto w = {0}, old = {0};
        static const struct {
                const char *unit, *text, *want;
                int r;
        } e[] = {
                {"a-b@c\\x2dd.service", "%n|%N|%p|%i|%I|%j",
                        "a-b@c\\x2dd.service|a-b@c\\x2dd|a-b|"
                        "c\\x2dd|c-d|b"},
                {"a-b@c-d.service", "%f|%P|%J", "/c/d|a/b|b"},
                {"a-b.service", "%f|%i|%I", "/a/b||"},
                {"a.service", "%t %S %C %L %E %T %V %h %u %U %g %G",
                        "/run /var/lib /var/cache /var/log /etc /tmp /var/tmp /root root 0 root 0"},
                {"a.service", "%H %l %m %o %w",
                        "h.example h 0123456789abcdef0123456789abcdef deb 9"},
                {"a.service", "%W%B|%D|%d", "|/usr/share|/run/credentials/a.service"},
                {"a.service", "100%% 5% %_x", "100% 5% %_x"},
                {"a.service", "end%", "end%"},
                {"a.service", "%k", NULL, -EINVAL},
                {"a.service", "%b %n", "%b a.service", -ENXIO},
                {"a.service", "%y", "/opt/a.txt"},
                {"a.service", "%Y", "/opt"},
        };
        const char *v;

        tree_file("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        tree_file("etc/hostname", "# x\n h.example \n");
        tree_file("etc/os-release", "ID='deb'\nVERSION_ID=\"9\"\n");
        tree_file("opt/a.txt", SERVICE);
        tree_link("/opt/a.txt", ETC "a.service");
        w = open_world(257, NULL);
        for (size_t i = 0; i < IMM_ELEMENTSOF(e); i++) {
                assert_int_equal(imm_unit_expand(w.m, unit(&w, e[i].unit), IMM_SPECIFIERS_FULL,
                                         e[i].text, w.m->arena, &v),
                        e[i].r);
                if (e[i].want)
                        assert_string_equal(v, e[i].want);
        }
        assert_int_equal(
                imm_unit_expand(w.m, unit(&w, "a"), IMM_SPECIFIERS_NAME, "%t", w.m->arena, &v),
                -EINVAL);
        old = open_world(247, NULL);
        assert_int_equal(imm_unit_expand(old.m, unit(&old, "a"), IMM_SPECIFIERS_FULL, "%y",
                                 old.m->arena, &v),
                -EINVAL);
}

static struct imm_unit *given(struct world *w, const char *path) {
        struct imm_unit *u = NULL;

        assert_int_equal(imm_manager_unit_file(w->m, path, &u, NULL), 0);
        return u;
}

TEST(files_given_by_path) {
        world_auto w = {0};
        struct imm_unit *u;
        char cwd[PATH_MAX];

        tree_file("root/etc/systemd/system/x.service.d/installed.conf", SERVICE);
        tree_file("given/x.service", SERVICE);
        tree_file("given/x.service.d/a.conf", SERVICE);
        tree_file("given/service.d/all.conf", SERVICE);
        tree_file("given/t@.service", SERVICE);
        tree_file("given/a:b.service", SERVICE);
        assert_int_equal(mkfifo(tree_path("given/fifo.service"), 0644), 0);
        assert_non_null(getcwd(cwd, sizeof(cwd)));
        assert_int_equal(chdir(tree), 0);
        w = open_world(257, NULL);
        u = given(&w, "./given/x.service");
        assert_int_equal(u->load, IMM_LOAD_LOADED);
        assert_true(u->given_by_path);
        assert_string_equal(u->fragment, "./given/x.service");
        is_list(&u->dropins, "./given/x.service.d/a.conf ./given/service.d/all.conf");
        u = given(&w, "given/x.service:other.service");
        assert_string_equal(u->name, "other.service");
        assert_string_equal(u->fragment, "given/x.service");
        is_list(&u->dropins, "given/x.service.d/a.conf given/service.d/all.conf");
        assert_string_equal(given(&w, "given/a:b.service")->name, "a:b.service");
        assert_string_equal(given(&w, "given/t@.service:t@x.service")->instance, "x");
        assert_true(given(&w, "given/fifo.service")->unreadable);
        assert_int_equal(given(&w, "given/none.service")->load, IMM_LOAD_NOT_FOUND);
        assert_int_equal(imm_manager_unit_file(w.m, "given/x.txt", &u, NULL), -EINVAL);
        assert_int_equal(chdir(cwd), 0);
}

/* Threads walk the list while others ask for what is not in it. */
TEST(the_list_is_complete_once_all_are_loaded) {
        world_auto w = {0};
        struct imm_unit *const *list;
        struct imm_unit *u;
        size_t n;

        tree_file("etc/systemd/system/a.service", "[Service]\nExecStart=/bin/a\n");
        tree_file("etc/systemd/system/t@.service", "[Service]\nExecStart=/bin/a\n");
        w = open_world(257, NULL);
        u = unit(&w, "early.service");
        assert_int_equal(imm_manager_load_all(w.m, 2, NULL), 0);
        list = w.m->list;
        n = w.m->n_list;
        assert_ptr_equal(unit(&w, "early.service"), u);
        assert_int_equal(unit(&w, "a.socket")->load, IMM_LOAD_NOT_FOUND);
        u = unit(&w, "t@1.service");
        assert_int_equal(u->load, IMM_LOAD_LOADED);
        assert_ptr_equal(unit(&w, "t@1.service"), u);
        assert_ptr_equal(imm_manager_find(w.m, "t@1.service"), u);
        assert_ptr_equal(w.m->list, list);
        assert_int_equal(w.m->n_list, n);
}

#define T(name) cmocka_unit_test_setup_teardown(name, tree_make, tree_remove)
RUN(T(the_most_important_directory_wins), T(the_unit_path_of_the_environment),
        T(units_lie_in_lib_on_old_debian), T(aliases_are_links_within),
        T(a_link_to_itself_is_no_loop_where_the_file_exists),
        T(linked_units_come_from_anywhere_in_the_root), T(masks), T(templates_and_instances),
        T(dropins_by_name_and_directory), T(dead_dropins_stay_in_the_list),
        T(folders_that_are_links), T(what_cannot_be_read_is_told_and_the_rest_goes_on),
        T(links_do_not_leave_the_root), T(ten_thousand_dropins), T(shared_files_are_read_once),
        T(a_file_may_serve_two_types), T(lib_is_read_where_it_is_a_directory),
        T(a_broken_unit_has_no_other_names), T(names), T(the_manager_of_a_user),
        T(what_is_not_analysed_is_said), T(specifiers), T(files_given_by_path),
        T(the_list_is_complete_once_all_are_loaded))
