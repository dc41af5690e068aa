/* Units of NixOS: the store paths that they name, see and lack. */

#include "base/crew.h"
#include "tests/unit/closure.h"

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

TEST(nix_the_store_may_be_a_link) {
        imm_auto_free char *plain = NULL;
        struct imm_closure *c;
        struct world *w;

        nix_store();
        tree_file("nix/store/" N "g-unit/x.service",
                "[Service]\nExecStart=/home/u/result/bin/prog\n");
        tree_dir("data");
        plain = imm_xstrdup(tree_path("nix"));
        assert_int_equal(rename(plain, tree_path("data/nix")), 0);
        tree_link("data/nix", "nix");
        tree_link("/nix/store/" N "a-prog", "home/u/result");
        tree_link("/nix/store/" N "g-unit/x.service", "etc/systemd/system/x.service");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_int_equal(c->kind, IMM_CLOSURE_NIX);
        assert_int_equal(c->roots.n, 1);
        assert_need(c, "/nix/store/" N "b-lib", IMM_CERTAIN, 1);
        c = imm_closure_compute(w->m, unit(w, "x.service"), IMM_CLOSURE_FULL_UNIT, w->arena);
        assert_int_equal(c->roots.n, 2);
        assert_true(imm_strv_has(&c->roots, "/nix/store/" N "g-unit"));
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

enum { MANY = 300 };

struct many {
        struct world *w;
        struct imm_unit *units[MANY];
};

static void compute_one(void *data, unsigned worker, size_t i) {
        struct many *m = data;

        (void)imm_closure_of(m->w->m, m->units[i]);
}

/* Several threads name and follow paths of one store. */
TEST(nix_closures_of_many_units_at_once) {
        struct many m;
        char path[128], text[256];

        for (unsigned i = 0; i < MANY; i++) {
                assert_true(snprintf(path, sizeof(path), "nix/store/%032u-p/bin/x", i) > 0);
                assert_true(snprintf(text, sizeof(text), "/nix/store/%032u-p", (i + 1) % MANY) > 0);
                tree_file(path, text);
                assert_true(snprintf(path, sizeof(path), "etc/systemd/system/u%u.service", i) > 0);
                assert_true(snprintf(text, sizeof(text),
                                    "[Service]\nExecStart=/%s /nix/store/%032u-p/y\n",
                                    "nix/store/00000000000000000000000000000000-p/bin/x", i) > 0);
                tree_file(path, text);
        }
        m.w = world_new();
        for (unsigned i = 0; i < MANY; i++) {
                assert_true(snprintf(path, sizeof(path), "u%u.service", i) > 0);
                m.units[i] = unit(m.w, path);
                (void)imm_settings_of(m.w->m, m.units[i]);
        }
        imm_crew_run(MANY, 1, 8, compute_one, &m);
        for (unsigned i = 0; i < MANY; i++) {
                const struct imm_closure *c = imm_closure_of(m.w->m, m.units[i]);

                assert_int_equal(c->kind, IMM_CLOSURE_NIX);
                assert_int_equal(c->roots.n, i == 0 ? 1 : 2);
                assert_int_equal(c->n, MANY);
        }
        world_free(m.w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(nix_closures_are_of_what_exec_lines_name),
                CASE(nix_links_lead_to_the_store),
                CASE(nix_the_store_may_be_a_link),
                CASE(nix_paths_that_are_hidden_or_gone_are_missing),
                CASE(without_a_database_only_the_closures_own_paths_are_read),
                CASE(nix_closures_of_many_units_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
