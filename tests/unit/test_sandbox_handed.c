/* Descriptors handed in: whose sockets they are, and what else comes from outside. */

#include "analyzer/sandbox/sandbox.h"
#include "tests/unit/tree.h"

static struct imm_root *root;

static int make(void **state) {
        static const struct {
                const char *name, *text;
        } units[] = {
                {"front.socket", "[Socket]\nListenStream=/run/front\nService=worker.service\n"},
                {"worker.socket", "[Socket]\nListenStream=/run/worker\n"},
                {"each.socket", "[Socket]\nListenStream=80\nAccept=yes\n"},
                {"third.socket", "[Socket]\nListenFIFO=/run/fifo\n"},
                {"front.service", "[Service]\nExecStart=/x\n"},
                {"each.service", "[Service]\nExecStart=/x\n"},
                {"each@.service", "[Service]\nExecStart=/x\nStandardInput=socket\n"},
                {"worker.service",
                        "[Service]\nExecStart=/x\nSockets=third.socket\nPAMName=login\n"
                        "OpenFile=/etc/a:name:read-only\nStandardOutput=append:/var/log/x\n"
                        "FileDescriptorStoreMax=4\n"},
        };
        struct imm_err err = IMM_ERR_INIT;

        if (tree_make(state) < 0)
                return -1;
        for (size_t i = 0; i < IMM_ELEMENTSOF(units); i++) {
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

                tree_file(imm_printf(a, "etc/systemd/system/%s", units[i].name), units[i].text);
        }
        tree_link("worker.service", "etc/systemd/system/other.service");
        return imm_root_open(&root, tree, &err);
}

static int drop(void **state) {
        root = imm_root_free(root);
        return tree_remove(state);
}

/* "by path rw" of each, in order */
static const char *handed(struct imm_arena *a, const char *unit) {
        const struct imm_manager_options options = {.version = 257};
        imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
        struct imm_handed_list l;
        const char *text = "";
        struct imm_unit *u;

        assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
        assert_int_equal(imm_manager_unit(m, unit, &u, NULL), 0);
        imm_handed_compute(m, u, a, &l);
        imm_array_foreach (h, &l) {
                assert_non_null(h->origin.file);
                text = imm_printf(a, "%s%s%s %s %s%s", text, *text ? ", " : "", h->what,
                        h->path ? h->path : "-", h->read ? "r" : "", h->write ? "w" : "");
        }
        return text;
}

TEST(sockets) {
        static const struct {
                const char *unit, *want;
        } rows[] = {
                {"front.service", ""}, /* its namesake serves another */
                {"each.service", ""},  /* ... or an instance for each connection */
                {"each@7.service", "StandardInput= - rw, each.socket 80 rw"},
                {"worker.service",
                        "OpenFile= /etc/a r, StandardOutput= /var/log/x w, "
                        "worker.socket /run/worker rw, front.socket /run/front rw, "
                        "third.socket /run/fifo rw, FileDescriptorStoreMax= - rw, PAMName= - rw"},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

                assert_string_equal(handed(a, rows[i].unit), rows[i].want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sockets),
        };

        return cmocka_run_group_tests(tests, make, drop);
}
