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

static unsigned loud(struct world *w, enum imm_setting setting) {
        struct imm_settings *s = imm_settings_of(w->m, unit(w, "x.service"));
        struct imm_denials found;
        unsigned n = 0;

        imm_denials_compute(w->m, s, imm_sandbox_assume(w->m, s, w->arena), w->arena, &found);
        for (size_t i = 0; i < found.n; i++)
                n += found.v[i].setting == setting && !found.v[i].remark;
        return n;
}

/* How full /home is cannot be told where it is hidden; what / says of it is enough where it is a
 * part of that. */
TEST(only_file_systems_of_their_own_are_measured) {
        struct world *w;

        service("[Service]\nExecStart=/usr/bin/glances\nProtectHome=yes\n");
        script("usr/bin/glances", "program");
        tree_dir("home");
        w = world_new();
        assert_int_equal(loud(w, IMM_SETTING_PROTECT_HOME), 0);
        world_free(w);
        tree_file(
                "etc/fstab", "/dev/sda1 / ext4 defaults 0 1\n/dev/sda2 /home ext4 defaults 0 2\n");
        w = world_new();
        assert_int_equal(loud(w, IMM_SETTING_PROTECT_HOME), 1);
        world_free(w);
        assert_int_equal(unlink(tree_path("etc/fstab")), 0);
}

/* "start-stop-daemon --start --chuid USER" of an init script */
TEST(init_scripts_become_users) {
        static const struct {
                const char *line;
                bool becomes;
        } rows[] = {{"--start --chuid daemon --exec /usr/bin/ls", true},
                {"-S -c daemon -x /usr/bin/ls", true},
                {"--start --chuid=daemon --exec /usr/bin/ls", true},
                {"--start --exec /usr/bin/ls", false}, {"--stop --chuid daemon", false},
                {"--start --chdir / --exec /usr/bin/ls", false}};

        service("[Service]\nExecStart=/usr/bin/x start\n");
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                char text[200];
                struct world *w;

                (void)snprintf(
                        text, sizeof(text), "#!/bin/sh\nstart-stop-daemon %s\n", rows[i].line);
                script("usr/bin/x", text);
                w = world_new();
                assert_int_equal(uses(w, IMM_FACILITY_SWITCH_USER), rows[i].becomes);
                world_free(w);
        }
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
                CASE(only_file_systems_of_their_own_are_measured),
                CASE(init_scripts_become_users),
                CASE(hostile_texts_are_read_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
