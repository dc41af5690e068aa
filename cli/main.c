#include "cli/options.h"

#include <errno.h>
#include <locale.h>
#include <sched.h>
#include <unistd.h>

#define VERB(name) extern const struct imm_verb imm_verb_##name;
#include "cli/verbs.def"
#undef VERB

/* In the order of --help; the first one is meant when no verb is given. */
const struct imm_verb *const imm_verbs[] = {
#define VERB(name) &imm_verb_##name,
#include "cli/verbs.def"
#undef VERB
        NULL,
};

static unsigned cpus(void) {
        cpu_set_t set;

        return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static bool may_color(void) {
        const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

        return isatty(STDOUT_FILENO) && !(no && *no) && term && !imm_streq(term, "dumb");
}

/* What was printed must have arrived: a full disk is not success. */
static int flush(struct imm_cli *cli, int status) {
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;
        if (errno == EPIPE)
                return status;
        return imm_cli_fail(cli, IMM_EXIT_PARTIAL,
                &(struct imm_err){.code = -errno, .msg = (char[]){"cannot write the output"}});
}

/*
 * A long document to a pipe is worth few calls: stdio takes the pipe's block size, a page. What is
 * said beside it goes line by line, which those of another process do not cut.
 */
static void buffer_output(void) {
        static char buffer[256 * 1024];

        if (!isatty(STDOUT_FILENO))
                (void)setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
        (void)setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
}

int main(int argc, char **argv) {
        struct imm_cli cli = {
                .legend = true,
                .pager = true,
                .json = IMM_JSON_OFF,
                .jobs = cpus(),
                .color = may_color(),
                .arena = imm_arena_new(),
        };
        int r, status = IMM_EXIT_OK;

        (void)setlocale(LC_CTYPE, "");
        buffer_output();
        r = imm_options_parse(&cli, argc, argv);
        if (r < 0)
                status = imm_cli_fail(&cli, IMM_EXIT_USAGE, &cli.err);
        else if (r == 0)
                status = cli.verb->run(&cli);
        status = flush(&cli, status);
        imm_cli_cache_keep(&cli);
        imm_manager_free(cli.manager);
        imm_root_free(cli.root);
        imm_err_done(&cli.err);
        imm_arena_free(cli.arena);
        return status;
}
