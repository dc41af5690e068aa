/* What a unit sees beyond its needs, and how it is counted. */

#include "tests/unit/closure.h"

#include <sys/xattr.h>

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

/* How much the main process sees of a root with a directory that only its owner may search */
static uint64_t seen_by(const char *lines, mode_t program) {
        const struct imm_identity *id;
        struct imm_sandbox *sandbox;
        struct imm_identity main;
        struct imm_closure *c;
        struct imm_excess x;
        struct world *w;

        service(lines);
        assert_int_equal(chmod(tree_path("usr/bin/ls"), program), 0);
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        imm_excess_compute(w->m, unit(w, "x.service"), c, 0, w->arena, &x);
        assert_true(x.known);
        imm_sandbox_main_identity(w->m, unit(w, "x.service"), c->view, w->arena, &main);
        sandbox = imm_sandbox_of(w->m, unit(w, "x.service"));
        id = &sandbox->identity[sandbox->main];
        assert_int_equal(sandbox->mounts[sandbox->main].outcome, IMM_OUTCOME_OK);
        assert_int_equal(id->uid, main.uid);
        assert_int_equal(id->set_id, main.set_id);
        assert_int_equal(id->undumpable, main.undumpable);
        assert_true(id->cap_effective == main.cap_effective);
        world_free(w);
        return x.visible;
}

TEST(who_looks_is_who_the_program_makes_of_its_caller) {
        static const char root[] = "[Service]\nExecStart=/bin/ls\n",
                          other[] = "[Service]\nExecStart=/bin/ls\nUser=other\n",
                          kept[] = "[Service]\nExecStart=/bin/ls\nUser=other\n"
                                   "NoNewPrivileges=yes\n",
                          early[] = "[Service]\nExecStartPre=!/bin/sh\nExecStart=/bin/ls\n"
                                    "User=other\n";
        const struct imm_elf *e;
        const char *loader;
        struct world *w;
        uint64_t all;

        copy_of("/proc/self/exe", "usr/bin/ls"); /* a script has no use for its set-id bits */
        w = world_new();
        e = node_elf(imm_closures_of(w->m), node_get(imm_closures_of(w->m), "/usr/bin/ls"));
        assert_true(e && e->interpreter);
        loader = imm_after(e->interpreter, "/lib/");
        loader = loader ? imm_printf(w->arena, "usr/lib/%s", loader) : e->interpreter + 1;
        copy_of(e->interpreter, loader);
        assert_int_equal(chmod(tree_path(loader), 0755), 0);
        world_free(w);
        assert_int_equal(chmod(tree_path(""), 0755), 0);
        tree_file("etc/passwd", "root:x:0:0::/:/bin/sh\nother:x:4711:4711::/:/bin/sh\n");
        tree_file("etc/group", "root:x:0:\nother:x:4711:\n");
        tree_file("srv/closed/1", "");
        tree_file("srv/closed/2", "");
        assert_int_equal(chmod(tree_path("srv/closed"), 0700), 0);
        all = seen_by(root, 0755);
        assert_int_equal(seen_by(other, 0755), all - 2);
        assert_int_equal(seen_by(other, 04755), all);
        assert_int_equal(seen_by(kept, 04755), all - 2);
        assert_int_equal(seen_by(early, 0755), all - 2);
}

/* Below a directory only those see anything who may search it: one class of its mode counts. */
TEST(what_is_closed_to_the_user_is_not_seen) {
        static const struct {
                const char *who;
                mode_t mode;
                bool seen;
        } rows[] = {
                {"User=owner\nCapabilityBoundingSet=", 0500, true},
                {"User=owner\nCapabilityBoundingSet=", 0077, false},
                {"User=other\nGroup=theirs", 0010, true},
                {"User=other\nGroup=theirs", 0707, false},
                {"User=other\nSupplementaryGroups=theirs", 0010, true},
                {"User=other\nSupplementaryGroups=theirs", 0707, false},
                {"User=other", 0001, true},
                {"User=other", 0770, false},
                {"User=other\nAmbientCapabilities=CAP_DAC_READ_SEARCH", 0000, true},
                {"User=other\nAmbientCapabilities=CAP_NET_RAW", 0700, false},
        };
        char text[256];

        assert_true(snprintf(text, sizeof(text),
                            "owner:x:%u:4712::/:/bin/sh\nother:x:4711:4712::/:/bin/sh\n",
                            geteuid()) > 0);
        tree_file("etc/passwd", text);
        assert_true(snprintf(text, sizeof(text), "theirs:x:%u:\nmine:x:4712:\n", getegid()) > 0);
        tree_file("etc/group", text);
        tree_file("srv/closed/in", "x\n");
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                struct imm_excess x;
                struct imm_closure *c;
                struct world *w;

                if (geteuid() != 0 && (rows[i].mode & 0500) != 0500)
                        continue; /* the test itself cannot list it */
                assert_int_equal(chmod(tree_path("srv/closed"), rows[i].mode), 0);
                assert_true(snprintf(text, sizeof(text), "[Service]\nExecStart=/bin/ls\n%s\n",
                                    rows[i].who) > 0);
                service(text);
                w = world_new();
                c = imm_closure_of(w->m, unit(w, "x.service"));
                imm_excess_compute(w->m, unit(w, "x.service"), c, IMM_EXCESS_PATHS, w->arena, &x);
                assert_true(x.known);
                if (imm_strv_has(&x.paths, "/srv/closed/in") != rows[i].seen)
                        fail_msg("%s: %o", rows[i].who, rows[i].mode);
                world_free(w);
        }
        assert_int_equal(chmod(tree_path("srv/closed"), 0700), 0);
}

/* An ACL lets in whom the mode keeps out. */
TEST(an_acl_decides_who_may_search) {
        static const struct {
                unsigned user, group, others; /* x, of: the user 4711, the owner's group, others */
                bool seen;
        } rows[] = {{1, 0, 0, true}, {0, 1, 0, false}, {1, 1, 0, true}};

        tree_file("etc/passwd", "other:x:4711:4712::/:/bin/sh\n");
        tree_file("etc/group", "mine:x:4712:\n");
        tree_file("srv/closed/in", "x\n");
        service("[Service]\nExecStart=/bin/ls\nUser=other\n");
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                const struct {
                        uint32_t version;
                        struct {
                                uint16_t tag, perm;
                                uint32_t id;
                        } entries[5];
                } acl = {2,
                        {{0x01, 7, UINT32_MAX}, {0x02, (uint16_t)rows[i].user, 4711},
                                {0x04, (uint16_t)rows[i].group, UINT32_MAX}, {0x10, 1, UINT32_MAX},
                                {0x20, (uint16_t)rows[i].others, UINT32_MAX}}};
                struct imm_excess x;
                struct imm_closure *c;
                struct world *w;

                if (setxattr(tree_path("srv/closed"), "system.posix_acl_access", &acl, sizeof(acl),
                            0) < 0)
                        skip(); /* no ACLs on this file system */
                w = world_new();
                c = imm_closure_of(w->m, unit(w, "x.service"));
                imm_excess_compute(w->m, unit(w, "x.service"), c, IMM_EXCESS_PATHS, w->arena, &x);
                if (imm_strv_has(&x.paths, "/srv/closed/in") != rows[i].seen)
                        fail_msg("row %zu", i);
                world_free(w);
        }
        assert_int_equal(removexattr(tree_path("srv/closed"), "system.posix_acl_access"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(a_user_that_may_be_anybody_leaves_excess_unknown),
                CASE(an_audit_counts_what_is_installed),
                CASE(a_root_of_its_own_is_counted_whole),
                CASE(what_is_seen_is_counted_once),
                CASE(who_looks_is_who_the_program_makes_of_its_caller),
                CASE(what_is_closed_to_the_user_is_not_seen),
                CASE(an_acl_decides_who_may_search),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
