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

static struct imm_arena *arena;

static void note(void *data, const char *name, const char *value) {
        const char **all = data;

        *all = imm_printf(arena, "%s%s<%s>", *all, name, value);
}

static const char *assignments(const char *text, unsigned version) {
        const char *all = "";

        read_environment_text(text, version, arena, note, &all);
        return all;
}

TEST(environment_files_are_read_as_systemd_does) {
        static const struct {
                const char *text, *want;
        } rows[] = {
                {"A=1\nB=2", "A<1>B<2>"},
                {"# C=1\n;D=1\n  A = x y  \nE\n=1\n", "A<x y>"},
                {"A='1 2'3 \nB=\"a\\$b\\c\\\nd\"\n", "A<1 23>B<a$b\\cd>"},
                {"A=b'c'\"d\"\nB='a' 'b'", "A<b'c'\"d\">B<ab>"},
                {"A=x\\\ny\nB=\\e\\ \\n\n", "A<xy>B<e n>"},
                {"A=1\r\nB=2\r", "A<1>B<2>"},
                {"A='1\n2'\nB=\"x", "A<1\n2>B<x>"},
                {"export A=1\nB=x # y\nC=\n", "export A<1>B<x # y>C<>"},
                {"A=\\", "A<>"},
                {"A=x  \\\n", "A<x  >"},
                {"", ""},
        };

        arena = imm_arena_new();
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++)
                assert_string_equal(assignments(rows[i].text, 257), rows[i].want);
        assert_string_equal(assignments("# x\\\nA=1\n", 253), "");
        assert_string_equal(assignments("# x\\\nA=1\n", 254), "A<1>");
        imm_arena_free(arena);
}

TEST(a_script_that_its_interpreter_may_not_read_is_missing) {
        static const char *const users[] = {
                "User=other", "User=root", "User=other\nAmbientCapabilities=CAP_DAC_READ_SEARCH"};

        assert_int_equal(chmod(tree_path(""), 0755), 0);
        tree_file("etc/passwd", "root:x:0:0::/:/bin/sh\nother:x:4711:4711::/:/bin/sh\n");
        tree_file("etc/group", "root:x:0:\nother:x:4711:\n");
        script("usr/bin/secret", "#!/bin/sh\n");
        assert_int_equal(chmod(tree_path("usr/bin/secret"), 0711), 0);
        if (geteuid() != 0)
                skip(); /* then it is not root's */
        for (size_t i = 0; i < IMM_ELEMENTSOF(users); i++) {
                struct imm_closure *c;
                char text[256];
                struct world *w;

                (void)snprintf(
                        text, sizeof(text), "[Service]\nExecStart=/usr/bin/secret\n%s\n", users[i]);
                service(text);
                w = world_new();
                c = imm_closure_of(w->m, unit(w, "x.service"));
                assert_need(c, "/usr/bin/secret", IMM_CERTAIN, i > 0);
                world_free(w);
        }
}

TEST(env_gives_what_it_starts_other_variables) {
        make_tools();
        assert_string_equal(taken_from("", "/usr/bin/env -u X PATH=/opt/a:/usr/bin tool"), "a");
        assert_string_equal(
                taken_from("Environment=PATH=/opt/b:/usr/bin", "/usr/bin/env X=1 tool"), "b");
        assert_string_equal(
                taken_from("Environment=PATH=/opt/b:/usr/bin", "/usr/bin/env -i wrap"), "");
}

/* Gigabytes and minutes otherwise */
TEST(an_argument_of_dollar_signs_is_read_once) {
        static const char head[] = "[Service]\nExecStart=/bin/ls x";
        enum { SIGNS = 900000 };
        imm_auto_free char *text = imm_xcalloc(sizeof(head) + SIGNS + 1, 1);
        struct world *w;

        make_tools();
        memcpy(text, head, sizeof(head));
        memset(text + sizeof(head) - 1, '$', SIGNS);
        service(text);
        w = world_new();
        assert_non_null(need(imm_closure_of(w->m, unit(w, "x.service")), "/usr/bin/ls"));
        world_free(w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(the_search_path_of_a_script_is_the_last_that_is_set),
                CASE(the_command_itself_is_not_looked_for_in_the_environment),
                CASE(variables_of_the_manager_can_be_taken_back),
                CASE(environment_files_are_read_as_systemd_does),
                CASE(a_script_that_its_interpreter_may_not_read_is_missing),
                CASE(an_argument_of_dollar_signs_is_read_once),
                CASE(env_gives_what_it_starts_other_variables),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
