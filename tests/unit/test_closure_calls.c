/* What scripts of other languages than the shell run. */

#include "tests/unit/script.h"

#include <elf.h>

/* Other languages say in their own way what they run. */
TEST(calls_of_python_and_perl_run_programs) {
        const struct imm_closure *c = needs_of(
                "#!/usr/bin/python3\nimport subprocess, os\n# os.system('never')\n"
                "subprocess.run(['one', '-x'], check=True)\nos.system(\"two --now | three\")\n"
                "subprocess.check_output(\n    [\n        'four'])\nmy_os.system('never')\n"
                "os.execvp(sys.argv[1], ['never'])\nos.popen(f'five {never}')\n"
                "os.system(f'{never} never')\nshutil.which('/usr/bin/six')\nprint('never')\n");

        runs(c, "one two three four five six");

        script("usr/bin/perl", "interpreter");
        c = needs_of(
                "#!/usr/bin/perl\nsystem(\"one\", $x); system 'two -a';\nmy $a = `three -b`;\n"
                "exec(\"four $never\") or die;\n@l = qx{five};\nopen(my $f, '-|', 'six', 'x');\n"
                "# system('never');\nsystem($never, 'never');\nprint \"`never`\";\n");
        runs(c, "one two three four five six");
}

TEST(calls_are_given_variables) {
        const struct imm_closure *c =
                needs_of("#!/usr/bin/python3\nfrom subprocess import run\nimport subprocess\n"
                         "A = ['one', '-x']\nrun(A)\nclass X:\n  def f(self):\n"
                         "    self.cmd = [\n      \"two\", 'x']\n    r = subprocess.run(self.cmd + "
                         "['y'], check=True)\n"
                         "B = 'three -a | four'\nC = 'never'\nif B == 'never': pass\n"
                         "subprocess.check_output(B, shell=True)\nsubprocess.run(C(), "
                         "x)\nrun(C.x)\nprint(C)\n"
                         "D = x('never')\nrun(D)\nr = run(['five'])\n"
                         "E = 'six'\nif D:\n  E = 'seven'\nrun(E)\n");

        runs(c, "one two three four five six seven");

        script("usr/bin/perl", "interpreter");
        c = needs_of("#!/usr/bin/perl\nmy @a = ('one', '-x');\nsystem(@a) == 0 or die;\n"
                     "our $b = \"two $x\";\nexec($b);\n$c = 'never';\nprint $c;\n"
                     "if ($d == 'never') {}\nsystem($d);\nsystem(\"$c\");\n");
        runs(c, "one two");
}

/* What is followed of one script: 2,000 calls, a name or command of 1,000 bytes */
TEST(calls_are_bounded) {
        imm_auto_free char *text = imm_xcalloc(1, 100000);
        char *s = stpcpy(text, "#!/usr/bin/python3\n");

        for (unsigned i = 0; i < 1998; i++)
                s = stpcpy(s, "subprocess.run(x)\n");
        s = stpcpy(s, "subprocess.run('one");
        s = (char *)memset(s, ' ', 997) + 997; /* with "one" as many as are read */
        s = stpcpy(s, "')\nsubprocess.run('two')\nsubprocess.run('never')\n");
        runs(needs_of(text), "one two");

        s = stpcpy(text, "#!/usr/bin/python3\nsubprocess.run('never");
        s = (char *)memset(s, ' ', 996) + 996;
        (void)stpcpy(s, "')\nsubprocess.run('one')\n");
        runs(needs_of(text), "one");
}

static void perl_of(uint16_t machine) {
        struct {
                Elf64_Ehdr head;
                Elf64_Phdr load;
        } elf = {
                .head = {.e_type = ET_EXEC,
                        .e_machine = machine,
                        .e_version = EV_CURRENT,
                        .e_phoff = sizeof(elf.head),
                        .e_ehsize = sizeof(elf.head),
                        .e_phentsize = sizeof(elf.load),
                        .e_phnum = 1},
                .load = {.p_type = PT_LOAD, .p_flags = PF_R | PF_X},
        };

        elf.load.p_filesz = elf.load.p_memsz = sizeof(elf);
        memcpy(elf.head.e_ident,
                ((const unsigned char[EI_NIDENT]){
                        0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT}),
                EI_NIDENT);
        tree_bytes("usr/bin/perl", (const char *)&elf, sizeof(elf));
        assert_int_equal(chmod(tree_path("usr/bin/perl"), 0755), 0);
}

TEST(an_interpreter_has_the_library_of_its_machine) {
        const struct imm_closure *c;

        perl_of(EM_AARCH64);
        tree_file("usr/lib/aarch64-linux-gnu/perl-base/strict.pm", "");
        tree_file("usr/lib/x86_64-linux-gnu/perl-base/strict.pm", "");
        c = needs_of("#!/usr/bin/perl\nprint 1;\n");
        assert_need(c, "/usr/lib/aarch64-linux-gnu/perl-base", IMM_LIKELY, 1);
        assert_null(need(c, "/usr/lib/x86_64-linux-gnu/perl-base"));
        world_free(w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(calls_of_python_and_perl_run_programs),
                CASE(an_interpreter_has_the_library_of_its_machine),
                CASE(calls_are_given_variables),
                CASE(calls_are_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
