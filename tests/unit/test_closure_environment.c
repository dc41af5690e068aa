/* The variables that a service gets, as far as they decide which files are found. */

#include "tests/unit/closure.h"

/* Which of the folders /opt/a ... /opt/z the command `tool` is taken from; "" if from none */
static const char *taken_from(const char *settings, const char *command) {
        static char from[2];
        struct imm_closure *c;
        char text[512];
        struct world *w;

        (void)snprintf(text, sizeof(text), "[Service]\nExecStart=%s\n%s\n", command, settings);
        service(text);
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        from[0] = 0;
        for (char d = 'a'; d <= 'z'; d++) {
                char path[32];

                (void)snprintf(path, sizeof(path), "/opt/%c/tool", d);
                if (!need(c, path))
                        continue;
                assert_int_equal(from[0], 0);
                from[0] = d;
        }
        world_free(w);
        return from;
}

static void make_tools(void) {
        script("opt/a/tool", "#!/bin/sh\n");
        script("opt/b/tool", "#!/bin/sh\n");
        script("opt/c/tool", "#!/bin/sh\n");
        script("opt/d/tool", "#!/bin/sh\n");
        script("usr/bin/wrap", "#!/bin/sh\ntool\n");
}

TEST(the_search_path_of_a_script_is_the_last_that_is_set) {
        make_tools();
        assert_string_equal(taken_from("", "/usr/bin/wrap"), "");
        tree_file("etc/systemd/system.conf", "[Manager]\nDefaultEnvironment=PATH=/opt/a:/usr/bin\n"
                                             "ManagerEnvironment=PATH=/opt/b X=1\n");
        assert_string_equal(taken_from("", "/usr/bin/wrap"), "a");
        assert_string_equal(taken_from("ExecSearchPath=/opt/d:/usr/bin", "/usr/bin/wrap"), "d");
        assert_string_equal(taken_from("PassEnvironment=HOME PATH", "/usr/bin/wrap"), "b");
        assert_string_equal(
                taken_from("PassEnvironment=PATH\nExecSearchPath=/opt/d", "/usr/bin/wrap"), "b");
        assert_string_equal(
                taken_from("PassEnvironment=PATH\nEnvironment=PATH=/opt/c", "/usr/bin/wrap"), "c");
        tree_file("etc/env", "PATH=\"/opt/d\"\n");
        assert_string_equal(
                taken_from("EnvironmentFile=/etc/env\nEnvironment=PATH=/opt/c", "/usr/bin/wrap"),
                "d");
        assert_string_equal(taken_from("UnsetEnvironment=PATH", "/usr/bin/wrap"), "");
}

TEST(the_command_itself_is_not_looked_for_in_the_environment) {
        make_tools();
        script("usr/bin/tool", "#!/bin/sh\n");
        assert_string_equal(taken_from("Environment=PATH=/opt/a", "tool"), "");
        assert_string_equal(
                taken_from("Environment=PATH=/opt/a\nExecSearchPath=/opt/b:/usr/bin", "tool"), "b");
        assert_string_equal(
                taken_from("Environment=PATH=/opt/a\nExecSearchPath=/opt/b:/usr/bin", "wrap"), "a");
}

TEST(variables_of_the_manager_can_be_taken_back) {
        make_tools();
        tree_file("etc/systemd/system.conf", "[Manager]\nManagerEnvironment=PATH=/opt/b\n");
        tree_file("etc/systemd/system.conf.d/x.conf", "[Manager]\nDefaultEnvironment=PATH=/opt/a\n"
                                                      "DefaultEnvironment=\n");
        assert_string_equal(taken_from("", "/usr/bin/wrap"), ""); /* an empty one takes all back */
        assert_string_equal(taken_from("PassEnvironment=PATH", "/usr/bin/wrap"), "b");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(the_search_path_of_a_script_is_the_last_that_is_set),
                CASE(the_command_itself_is_not_looked_for_in_the_environment),
                CASE(variables_of_the_manager_can_be_taken_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
