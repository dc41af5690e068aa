/* What a shell script runs and names, and what is only text in it. */

#include "tests/unit/script.h"

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
                "case a in ", "sh -c '", "\"`", ";;", "f() {\n", "${a:-", "${a%", "$(dirname ",
                "${a%*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab}\na=${a}aa\n"};
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

/* What a variable holds is known where the text says it in plain words. */
TEST(variables_hold_what_the_script_sets_them_to) {
        const struct imm_closure *c = needs_of(
                "#!/bin/sh\nDAEMON=/bin/one\nNAME=two\n"
                "DIR=/usr/share/x; CONF=$DIR/one ; OPTS=\"--config $DIR/two -v\"\n"
                "[ -x \"$DAEMON\" ] || exit 0\n"
                "\"/bin/${NAME}\" $OPTS <\"$CONF\"\n"
                "${THREE:-three} ${DIR:+never}\n: ${FOUR:=four}\n$FOUR -x\n"
                "ALL='five -c'; $ALL\n\"$ALL\"\nLONG=/bin/six.sh; ${LONG%.sh} ${LONG##*/}\n"
                "eval \"seven $X\"\n$UNKNOWN/usr/share/x/never $1/never '$NAME'\n");

        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/six", IMM_LIKELY, 1);
        assert_need(c, "/usr/share/x/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/share/x/two", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/share/x/never"));
        assert_null(need(c, "/usr/bin/never"));
        world_free(w);
}

TEST(what_is_set_last_counts_and_a_branch_adds_to_it) {
        const struct imm_closure *c =
                needs_of("#!/bin/sh\nA=never\nA=one\n$A\nB=two\nif test x; then B=three; fi\n$B\n"
                         "C=four\n[ -x /bin/y ] && C=five\n$C\nD=never; D=$(echo x); $D\n"
                         "E=never; read E; $E\nF=never; unset F; $F\n"
                         "for p in six seven /usr/share/x/one; do $p; cat $p; done\nexport "
                         "G=never; G=; $G\n");

        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/six", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/seven", IMM_LIKELY, 1);
        assert_need(c, "/usr/share/x/one", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/never"));
        world_free(w);
}

TEST(what_a_sourced_file_sets_holds_and_so_does_path) {
        const struct imm_closure *c;

        script("opt/x/bin/deep", "program");
        script("opt/x/bin/other", "program");
        tree_file("etc/default/x", "DAEMON=/opt/x/bin/deep\nEXTRA=/usr/share/x/one\n");
        tree_file("opt/x/lib.sh", "start() { $DAEMON \"$@\"; }\n");
        c = needs_of("#!/bin/sh\n. /etc/default/x\nLIB=/opt/x; . $LIB/lib.sh\nstart $EXTRA\n"
                     "PATH=/opt/x/bin:$PATH\nexport PATH\nother ; one\n"
                     "PATH=/nowhere; two\n");
        assert_need(c, "/etc/default/x", IMM_LIKELY, 1);
        assert_need(c, "/opt/x/lib.sh", IMM_LIKELY, 1);
        assert_need(c, "/opt/x/bin/deep", IMM_LIKELY, 1);
        assert_need(c, "/opt/x/bin/other", IMM_LIKELY, 1);
        assert_need(c, "/usr/share/x/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/two"));
        world_free(w);
}

/* Before a command's name it is set for that command alone. */
TEST(what_is_set_for_one_command_ends_with_it) {
        const struct imm_closure *c;

        script("opt/x/bin/eight", "program");
        script("opt/x/bin/nine", "program");
        c = needs_of("#!/bin/sh\nPATH= command -V one >/dev/null\ntwo\n"
                     "PATH=/opt/x/bin eight; nine\nA=three\nA=never B=never echo $A; $A\n"
                     "A=$(four)\nB=five; C=six\n$B && $C\ncase $X in\n"
                     "*) D=seven ;;\nesac\nLANG=C $D\n");
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/opt/x/bin/eight", IMM_LIKELY, 1);
        assert_null(need(c, "/opt/x/bin/nine"));
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/six", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/seven", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/never"));
        world_free(w);
}

TEST(a_command_that_runs_another_is_looked_through) {
        const struct imm_closure *c = needs_of(
                "#!/bin/sh\nexec nice -n 10 timeout -k 5 30s env -u HOME A=b one never\n"
                "flock -w 3 /run/x two never\nfind /etc -name 'never' -exec three never {} \\;\n"
                "echo | xargs -0 -n 1 four\nsetpriv --reuid never --groups=x -- five\n"
                "runuser -u never -- six -c never\nflock /run/x -c 'seven never'\n"
                "command -v never && command -p one\ntrap 'one' EXIT\nexec -a never two\n");

        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/six", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/seven", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/never"));
        world_free(w);
}

TEST(where_the_script_lies_and_what_it_looks_for_is_known) {
        const struct imm_closure *c;

        tree_file("usr/bin/lib.sh", "one\n");
        script("usr/bin/dirname", "program");
        script("usr/bin/which", "program");
        c = needs_of("#!/bin/sh\nHERE=$(dirname \"$0\")\n. \"$HERE/lib.sh\"\nD=$(which two); "
                     "$D\nE=\"$(command -v three)\"\n\"$(dirname $(readlink -f $0))/four\" -x\n"
                     "F=$(dirname $1)/never; $F; G=$(echo $(five)); $(basename /x/six)\n"
                     "cat $(dirname /usr/share/x/one)/two `dirname never`\n");
        assert_need(c, "/usr/bin/lib.sh", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/dirname", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/six", IMM_LIKELY, 1);
        assert_need(c, "/usr/share/x/two", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/never"));
        world_free(w);
}

/* A library beside the script, by what scripts do to find it */
static void finds_beside(const char *text) {
        const struct imm_closure *c;
        char whole[512];

        assert_true(snprintf(whole, sizeof(whole), "#!/bin/bash\n%s", text) < 512);
        tree_file("usr/bin/lib/a.sh", "one\n. \"$(dirname \"${BASH_SOURCE[0]}\")\"/b.sh\n");
        tree_file("usr/bin/lib/b.sh", "two\n");
        c = needs_of(whole);
        if (!need(c, "/usr/bin/one") || !need(c, "/usr/bin/two"))
                fail_msg("%s", text);
        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        world_free(w);
}

TEST(what_lies_beside_a_script_is_found_as_scripts_do) {
        static const char *const texts[] = {
                ". `dirname \"$0\"`/lib/a.sh\n",
                "D=`dirname $0`\n. $D/lib/a.sh\n",
                "source \"$(dirname -- \"${BASH_SOURCE[0]}\")/lib/a.sh\"\n",
                "source ${BASH_SOURCE%/*}/lib/a.sh\n",
                "D=$(cd \"$(dirname \"$0\")\" && pwd)\n. $D/lib/a.sh\n",
                "D=\"$( cd -- \"$( dirname -- \"${BASH_SOURCE[0]}\" )\" &> /dev/null && pwd -P "
                ")\"\n"
                "source \"$D/lib/a.sh\"\n",
                "D=`cd $(dirname $0) >/dev/null 2>&1; pwd`\n. $D/lib/a.sh\n",
                "cd \"$(dirname \"$0\")\" || exit 1\n. ./lib/a.sh\n",
                "cd /usr/bin\ncd lib\n. ../lib/./a.sh\n",
                "(cd /nowhere; ls)\ncd /usr; . bin/lib/a.sh\n",
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(texts); i++)
                finds_beside(texts[i]);
}

/* Where the service starts, which a script that another one runs need not share */
TEST(a_script_begins_in_the_working_directory) {
        const struct imm_closure *c;

        tree_file("opt/x/lib/a.sh", "one\n");
        script("opt/x/two", "program");
        script("opt/x/never", "program");
        script("usr/bin/x", "#!/bin/sh\n. ./lib/a.sh\n./two\ninner\n");
        script("usr/bin/one", "program");
        script("usr/bin/inner", "#!/bin/sh\n./never\n");
        service("[Service]\nWorkingDirectory=/opt/x\nExecStart=/bin/x\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/opt/x/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/inner", IMM_LIKELY, 1);
        assert_null(need(c, "/opt/x/never"));
        world_free(w);
}

/* What it cannot know it does not say. */
TEST(a_directory_that_is_not_known_leads_nowhere) {
        const struct imm_closure *c;

        script("srv/never", "program");
        c = needs_of("#!/bin/sh\ncd /srv\ncd $X\n./never\ncd /srv && ! true || cd /usr\n./never\n"
                     "[ -d /srv ] && cd /srv\n./never\nif true; then cd /srv; fi; ./never\n"
                     "cd /; cd -; srv/never\n(cd /srv; ./one)\n./never\n"
                     "A=\"/srv/$X\"; ${A%/*}/never\nB=\"/srv $X\"; $B/never; \"$B\"\n");
        assert_null(need(c, "/srv/never"));
        world_free(w);
}

TEST(a_value_is_known_up_to_what_is_not) {
        const struct imm_closure *c =
                needs_of("#!/bin/bash\nA=\"one -x $X two\"; $A\nB=(three \"$Y\")\n"
                         "four() { :; }\ncommand four\nexec five $X\nC=\"$X six\"; $C\n"
                         "D=\"sev$X\"; $D\n");

        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/two"));
        assert_null(need(c, "/usr/bin/six"));
        assert_null(need(c, "/usr/bin/seven"));
        world_free(w);
}

/* $0 is the name that it was started by, a link perhaps; dirname(1) and basename(1) leave out
 * slashes at the end. */
TEST(a_link_to_a_script_is_not_where_it_lies) {
        const struct imm_closure *c;

        tree_file("usr/share/y/lib.sh", "one\n");
        tree_file("usr/share/y/beside.sh", "never\n");
        tree_file("usr/bin/beside.sh", "two\n");
        script("usr/share/y/run", "#!/bin/sh\n. \"$(dirname \"$(readlink -f \"$0\")\")/lib.sh\"\n"
                                  ". ${0%/*}/beside.sh\n$(basename /usr/bin/three/)\n"
                                  "$(dirname /usr/)bin/four $(dirname /usr/share/x//)/y/lib.sh\n");
        tree_link("../share/y/run", "usr/bin/linked");
        c = needs_of("#!/bin/sh\nlinked\n/bin/linked\n");
        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/never"));
        world_free(w);
}

TEST(options_with_values_of_their_own_take_no_word) {
        const struct imm_closure *c = needs_of(
                "#!/bin/sh\nls | xargs -i one {}\nls | xargs -I % two %\nls | xargs --replace "
                "three\n"
                "sudo A=b four\nfind . -execdir five {} +\nunshare --propagation never six\n"
                "function seven {\n:\n}\nseven\n");

        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/six", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/seven"));
        assert_null(need(c, "/usr/bin/never"));
        world_free(w);
}

TEST(a_script_below_a_root_directory_lies_in_that) {
        struct imm_closure *c;

        tree_dir("srv/r/usr/bin");
        script("srv/r/bin/sh", "interpreter");
        script("srv/r/bin/one", "program");
        script("srv/r/bin/x", "#!/bin/sh\n. $(dirname $0)/lib.sh\n");
        tree_file("srv/r/bin/lib.sh", "one\n");
        service("[Service]\nExecStart=/bin/x\nRootDirectory=/srv/r\n");
        w = world_new();
        c = imm_closure_of(w->m, unit(w, "x.service"));
        assert_need(c, "/bin/lib.sh", IMM_LIKELY, 1);
        assert_need(c, "/bin/one", IMM_LIKELY, 1);
        world_free(w);
}

TEST(run_parts_runs_what_lies_there_and_lists_what_is_read) {
        const struct imm_closure *c;

        script("etc/x.d/10-one", "#!/bin/sh\ntwo\n");
        tree_file("etc/x.d/never", "never\n");
        tree_file("lib/y.d/20-hook", "three\nHOOK=four\n");
        tree_file("lib/y.d/.never", "never\n");
        c = needs_of(
                "#!/bin/sh\nrun-parts /etc/x.d\n"
                "for h in $(run-parts --lsbsysinit --list /lib/y.d 2>/dev/null); do . $h; done\n"
                "$HOOK\n");
        assert_need(c, "/etc/x.d/10-one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/never"));
        world_free(w);
}

/* Values of values grow: what is too much is not known, and takes no time. */
TEST(variables_that_grow_end) {
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        fputs("#!/bin/sh\nA=xx\n", f);
        for (unsigned i = 0; i < 2000; i++)
                fputs("A=$A$A$A; test x && A=$A/${A:-${A:-${A:-$A}}}; for i in $A $A 1 2; do "
                      "A=$i$A; "
                      "done; . /bin/x; eval \"$A\"\n",
                        f);
        fputs("one\n", f);
        assert_int_equal(fclose(f), 0);
        assert_need(needs_of(text), "/usr/bin/one", IMM_LIKELY, 1);
        free(text);
        world_free(w);
}

/* Nor do they take all memory where each word is many, or time where patterns are tried. */
TEST(expansions_of_many_values_are_bounded) {
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        fputs("#!/bin/sh\none\n", f);
        for (int i = 0; i < 16; i++)
                fprintf(f, "test x && A=%.*s; test x && B=%02d%04000d\n", i + 1, "aaaaaaaaaaaaaaaa",
                        i, 0);
        for (unsigned i = 0; i < 400; i++) {
                fputs("two ${B#*0*1} $B", f);
                for (unsigned k = 0; k < 500; k++)
                        fputs("$A", f);
                fputs("\n", f);
        }
        fputs("three\n", f);
        assert_int_equal(fclose(f), 0);
        assert_need(needs_of(text), "/usr/bin/three", IMM_LIKELY, 1);
        free(text);
        world_free(w);
}

TEST(patterns_mean_the_files_that_are_there) {
        const struct imm_closure *c;

        tree_file("etc/parts/a.sh", "one\n");
        tree_file("etc/parts/b.sh", "two\n");
        tree_file("etc/parts/.c.sh", "never\n");
        tree_file("etc/parts/d.txt", "never\n");
        tree_file("etc/conf/x1", "");
        tree_file("etc/other/y", "");
        c = needs_of("#!/bin/sh\nfor i in /etc/parts/*.sh; do . \"$i\"; done\nD=/etc\n"
                     "three $D/conf/x? '/etc/other/*' \"/etc/other/*\" /etc/*/y *.sh\n"
                     "[ $? = 0 ] && four \"$@\" $*\ncase x in *) five ;; esac\n");
        assert_need(c, "/etc/parts/a.sh", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        assert_need(c, "/etc/conf/x1", IMM_LIKELY, 1);
        assert_null(need(c, "/etc/other/y"));
        assert_null(need(c, "/usr/bin/never"));
        world_free(w);
}

/* Each lists a directory, and each cd makes a path longer. */
TEST(patterns_and_directories_are_bounded) {
        imm_auto_free char *text = NULL;
        const struct imm_closure *c;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        (void)fputs("#!/bin/sh\n", f);
        for (unsigned i = 0; i < 600; i++)
                (void)fprintf(f, "cat /etc/parts/p%u.*\n", i);
        for (unsigned i = 0; i < 3000; i++)
                (void)fputs("cd aa\n", f);
        (void)fputs("./never\n", f);
        assert_int_equal(fclose(f), 0);
        tree_file("etc/parts/p0.x", "");
        tree_file("etc/parts/p599.x", "");
        c = needs_of(text);
        assert_need(c, "/etc/parts/p0.x", IMM_LIKELY, 1);
        assert_null(need(c, "/etc/parts/p599.x"));
        world_free(w);
}

/* The whole of it on one line */
TEST(functions_on_a_line_run_commands) {
        const struct imm_closure *c =
                needs_of("#!/bin/bash\na() { one -x \"$*\"; two; }\nb ( ) ( three )\n"
                         "function c { four; }\nfunction d() { five; }\ne() if true; then six; fi\n"
                         "A=()\nseven\n");

        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/two", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/three", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/four", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/five", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/six", IMM_LIKELY, 1);
        assert_need(c, "/usr/bin/seven", IMM_LIKELY, 1);
        world_free(w);
}

/* They are looked up by halving: one out of order would be taken for a program. */
TEST(the_words_of_the_shell_are_in_order_and_no_programs) {
        static const char *const words[] = {
#define WORD(name, does) name,
#include "analyzer/closure/shell-words.def"
#undef WORD
        };
        static const char *const programs[] = {
                "echo", "false", "getopts", "kill", "printf", "pwd", "test", "umask", "wait"};
        const struct imm_closure *c;

        for (size_t i = 1; i < IMM_ELEMENTSOF(words); i++)
                assert_true(strcmp(words[i - 1], words[i]) < 0);
        for (size_t i = 0; i < IMM_ELEMENTSOF(programs); i++) {
                char rel[64];

                assert_true(snprintf(rel, sizeof(rel), "usr/bin/%s", programs[i]) > 0);
                script(rel, "program");
        }
        c = needs_of("#!/bin/sh\necho a; false; getopts a b\nkill 1; printf x; pwd\ntest -e x && "
                     "umask 022\nwait; one\n");
        for (size_t i = 0; i < IMM_ELEMENTSOF(programs); i++)
                assert_null(need(c, imm_printf(w->arena, "/usr/bin/%s", programs[i])));
        assert_need(c, "/usr/bin/one", IMM_LIKELY, 1);
        world_free(w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(the_words_of_the_shell_are_in_order_and_no_programs),
                CASE(commands_within_quotes_are_found_and_those_behind),
                CASE(a_here_document_is_no_command_but_may_name_files),
                CASE(lines_within_quotes_are_text_and_those_of_a_shell_are_a_script),
                CASE(arithmetic_and_redirections_are_no_commands),
                CASE(what_is_never_closed_ends_with_its_line),
                CASE(hostile_scripts_are_read_once),
                CASE(variables_hold_what_the_script_sets_them_to),
                CASE(what_is_set_last_counts_and_a_branch_adds_to_it),
                CASE(what_a_sourced_file_sets_holds_and_so_does_path),
                CASE(what_is_set_for_one_command_ends_with_it),
                CASE(a_command_that_runs_another_is_looked_through),
                CASE(variables_that_grow_end),
                CASE(expansions_of_many_values_are_bounded),
                CASE(where_the_script_lies_and_what_it_looks_for_is_known),
                CASE(what_lies_beside_a_script_is_found_as_scripts_do),
                CASE(a_script_begins_in_the_working_directory),
                CASE(a_directory_that_is_not_known_leads_nowhere),
                CASE(a_value_is_known_up_to_what_is_not),
                CASE(a_link_to_a_script_is_not_where_it_lies),
                CASE(a_script_below_a_root_directory_lies_in_that),
                CASE(options_with_values_of_their_own_take_no_word),
                CASE(run_parts_runs_what_lies_there_and_lists_what_is_read),
                CASE(patterns_mean_the_files_that_are_there),
                CASE(functions_on_a_line_run_commands),
                CASE(patterns_and_directories_are_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
