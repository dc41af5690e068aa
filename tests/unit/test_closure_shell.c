/* What a shell script runs and names, and what is only text in it. */

#include "tests/unit/closure.h"

static struct world *w;

/* What x.service needs, that runs @text; the programs are there, and a file of the same names. */
static const struct imm_closure *needs_of(const char *text) {
        static const char *const programs[] = {
                "one", "two", "three", "four", "five", "six", "seven", "never"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(programs); i++) {
                char rel[64];

                assert_true(snprintf(rel, sizeof(rel), "usr/bin/%s", programs[i]) > 0);
                script(rel, "program");
                assert_true(snprintf(rel, sizeof(rel), "usr/share/x/%s", programs[i]) > 0);
                tree_file(rel, "");
        }
        script("usr/bin/x", text);
        service("[Service]\nExecStart=/bin/x\n");
        w = world_new();
        return imm_closure_of(w->m, unit(w, "x.service"));
}

/* What stands in quotes is no less run; what follows is no less a command. */
TEST(commands_within_quotes_are_found_and_those_behind) {
        const struct imm_closure *c = needs_of(
                "#!/bin/sh\nA=\"$(one; echo \")\") never\" two \"`three never`never \" && four; "
                "B=$(five) six \"$(echo a)/usr/share/x/never\" | seven\n");

        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/six", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/seven", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/never"));
        assert_null(need(c, "/usr/share/x/never"));
        world_free(w);
}

TEST(a_here_document_is_no_command_but_may_name_files) {
        const struct imm_closure *c =
                needs_of("#!/bin/sh\none <<EOF\nnever gonna\n/usr/share/x/one\nEOF\n"
                         "two <<-'A' <<\"B\"\n\tnever\n\tA\nnever\nB\nthree\n"
                         "X=\"`four << EOF\nnever\nEOF`\"\nfive\n");

        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/share/x/one", IMM_POSSIBLE, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/never"));
        world_free(w);
}

/* Nor are lines within quotes, but those that a shell is given */
TEST(lines_within_quotes_are_text_and_those_of_a_shell_are_a_script) {
        const struct imm_closure *c =
                needs_of("#!/bin/sh\necho \"usage:\n\tnever FILE\n\"; one\n"
                         "two 'x\nnever /usr/share/x/two\n'\nA='\nnever'\n"
                         "/usr/bin/env sh -c \". /usr/share/x/three ; \\\nfour \\\n  -x ; five\"\n"
                         "six -c 'never'\n");

        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/share/x/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/share/x/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/six", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/never"));
        world_free(w);
}

TEST(arithmetic_and_redirections_are_no_commands) {
        const struct imm_closure *c =
                needs_of("#!/bin/sh\nA=$((never - 1)) one\necho \"$((`two` / 2))\"\n"
                         "> /usr/share/x/three three\nfour >&2 never\n: $((1 << never))\nfive\n");

        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/share/x/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/never"));
        world_free(w);
}

/* What is not closed costs its line, no more: the rest is read as ever. */
TEST(what_is_never_closed_ends_with_its_line) {
        const struct imm_closure *c = needs_of("#!/bin/sh\none 'never\ntwo \"never\n"
                                               "three <<GONE\nfour `never\nfive\n");

        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        world_free(w);
}

/* The time is linear in the text, whatever it is: minutes otherwise */
TEST(hostile_scripts_are_read_once) {
        static const char *const parts[] = {"'\n", "\"\n", "<<A\n", "<<-'", "$((", "`",
                "case a in ", "sh -c '", "\"`", ";;", "f() {\n"};
        size_t size = 900000;
        char *text = imm_xcalloc(1, size + 64);

        for (size_t i = 0; i < IMM_ELEMENTSOF(parts); i++) {
                size_t n = strlen(parts[i]);

                strncpy(text, "#!/bin/sh\n", 11);
                for (size_t at = 10; at + n < size; at += n)
                        memcpy(text + at, parts[i], n + 1);
                assert_non_null(needs_of(text));
                world_free(w);
        }
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(commands_within_quotes_are_found_and_those_behind),
                CASE(a_here_document_is_no_command_but_may_name_files),
                CASE(lines_within_quotes_are_text_and_those_of_a_shell_are_a_script),
                CASE(arithmetic_and_redirections_are_no_commands),
                CASE(what_is_never_closed_ends_with_its_line),
                CASE(hostile_scripts_are_read_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
