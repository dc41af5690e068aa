/* What a script's text says that it does, and what reading it costs. */

#include "analyzer/uses/uses.h"
#include "tests/unit/closure.h"

static bool uses(struct world *w, enum imm_facility f) {
        struct imm_settings *s = imm_settings_of(w->m, unit(w, "x.service"));
        struct imm_uses found = {0};

        imm_uses_compute(w->m, s, w->arena, &found);
        for (size_t i = 0; i < found.n; i++)
                if (found.v[i].facility == f)
                        return true;
        return false;
}

TEST(words_of_comments_do_nothing) {
        struct world *w;

        service("[Service]\nExecStart=/usr/bin/x\n");
        script("usr/bin/x", "#!/usr/bin/python3\n# import zmq and import zmq\nimport os\n");
        w = world_new();
        assert_false(uses(w, IMM_FACILITY_NETLINK));
        world_free(w);
        script("usr/bin/x", "#!/usr/bin/python3\n# import zmq, import zmq\nimport zmq\n");
        w = world_new();
        assert_true(uses(w, IMM_FACILITY_NETLINK));
        world_free(w);
}

/* The time is linear in the text, whatever it is: minutes otherwise */
TEST(hostile_texts_are_read_once) {
        static const char *const parts[] = {"import zmq ", "AF_CAN ", "import smbus ", "sudo ",
                "exec exec", "/run/x/", "mail|", "`mail`"};
        size_t size = 1000000;
        char *text = imm_xcalloc(1, size + 64);

        service("[Service]\nExecStart=/usr/bin/x\n");
        for (size_t i = 0; i < IMM_ELEMENTSOF(parts); i++) {
                size_t n = strlen(parts[i]);
                struct world *w;

                memcpy(text, "#!/bin/sh\n# ", 13);
                for (size_t at = 12; at + n < size; at += n)
                        memcpy(text + at, parts[i], n + 1);
                script("usr/bin/x", text);
                w = world_new();
                assert_false(uses(w, IMM_FACILITY_NETLINK));
                world_free(w);
        }
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(words_of_comments_do_nothing),
                CASE(hostile_texts_are_read_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
