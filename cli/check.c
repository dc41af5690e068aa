#include "cli/check.h"
#include "cli/output.h"
#include "cli/revision.h"
#include "cli/snapshot.h"
#include "report/gate/gate.h"
#include "report/report.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

/* `immure check`: the gate before a merge. */

enum format { TEXT, JSON, SARIF, JUNIT, GITHUB, GITLAB, MARKDOWN, FORMAT_N };

static struct {
        struct imm_gate_options gate;
        enum format format;
        const char *output, *baseline, *write_baseline, *base, *policy;
} arg = {.gate = {IMM_SEVERITY_HIGH, -1, -1}};

static int set_figure(struct imm_cli *cli, const char *name, const char *value, int *to) {
        *to = imm_tenths_parse(value);
        if (*to < 0 || *to > 100)
                return imm_err_set(&cli->err, -EINVAL,
                        "--%s='%s': expected a figure from 0.0 to 10.0", name, value);
        return 0;
}

static int set_max_exposure(struct imm_cli *cli, const char *value) {
        return set_figure(cli, "max-exposure", value, &arg.gate.max_exposure);
}

static int set_max_reach(struct imm_cli *cli, const char *value) {
        return set_figure(cli, "max-reach", value, &arg.gate.max_reach);
}

static int set_fail_on(struct imm_cli *cli, const char *value) {
        if (!imm_severity_parse(value, &arg.gate.fail_on))
                return imm_err_set(&cli->err, -EINVAL,
                        "--fail-on='%s': expected info, low, medium, high or critical", value);
        return 0;
}

static int set_format(struct imm_cli *cli, const char *value) {
        static const char *const names[FORMAT_N] = {
                "text", "json", "sarif", "junit", "github", "gitlab", "markdown"};

        for (int i = 0; i < FORMAT_N; i++)
                if (imm_streq(names[i], value)) {
                        arg.format = (enum format)i;
                        return 0;
                }
        return imm_err_set(&cli->err, -EINVAL,
                "--format='%s': expected text, json, sarif, junit, github, gitlab or markdown",
                value);
}

static const struct imm_option options[] = {
        {"fail-on", 0, "SEVERITY", "The least severity that fails (default: high)", IMM_OPTION_CALL,
                NULL, set_fail_on},
        {"max-exposure", 0, "X.Y", "Fail units above this exposure", IMM_OPTION_CALL, NULL,
                set_max_exposure},
        {"max-reach", 0, "X.Y", "Fail units above this reach", IMM_OPTION_CALL, NULL,
                set_max_reach},
        {"baseline", 0, "FILE", "Only what is worse than this baseline fails", IMM_OPTION_STRING,
                &arg.baseline, NULL},
        {"write-baseline", 0, "FILE", "Write the present state as a baseline", IMM_OPTION_STRING,
                &arg.write_baseline, NULL},
        {"base", 0, "REV", "Compare with the same files at this git revision", IMM_OPTION_STRING,
                &arg.base, NULL},
        {"security-policy", 0, "FILE", "Weights of a systemd-analyze policy (JSON)",
                IMM_OPTION_STRING, &arg.policy, NULL},
        {"format", 0, "FORMAT", "text, json, sarif, junit, github, gitlab, markdown",
                IMM_OPTION_CALL, NULL, set_format},
        {"output", 'o', "FILE", "Write to FILE, whole or not at all", IMM_OPTION_STRING,
                &arg.output, NULL},
        {0},
};

/* ---- waivers ---- */

static const char *waivers_of(struct imm_cli *cli, const char *folder) {
        return imm_printf(cli->arena, "%s/.immure/waivers", folder);
}

static int load_waivers(struct imm_cli *cli, struct imm_waivers *w, const char *project) {
        imm_cleanup(imm_root_free) struct imm_root *host = NULL;

        if (imm_root_open(&host, NULL, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        imm_waivers_add_folder(w, host, "/etc/immure/waivers");
        if (project)
                imm_waivers_add_folder(w, host, waivers_of(cli, project));
        return IMM_EXIT_OK;
}

/* ---- what it is compared with ---- */

struct compared {
        struct imm_check_run then; /* of --base= */
        struct imm_waivers *waivers;
        struct imm_revision rev;
        struct imm_snapshot *baseline;
        const char **args; /* those of then: with the files that are gone */
        size_t n_args;
};

static void failed(struct imm_cli *cli, struct imm_check_run *c, int status, struct imm_err *err) {
        imm_check_problem(c, NULL, 0, imm_err_text(err));
        imm_check_status(c, imm_cli_fail(cli, status, err));
}

static struct imm_snapshot *read_baseline(
        struct imm_cli *cli, struct imm_check_run *c, struct compared *b) {
        int r = imm_cli_snapshot_file(cli, arg.baseline, &b->baseline);

        if (r == IMM_EXIT_OK)
                return b->baseline;
        imm_check_problem(c, arg.baseline, 0, "the baseline cannot be used");
        imm_check_status(c, IMM_EXIT_USAGE);
        return NULL;
}

/* Files that were not there yet make units that are new, not an error. */
static void drop_missing(struct imm_snapshot *s) {
        size_t n = 0;

        imm_array_foreach (p, &s->states)
                if (!imm_streq((*p)->load, "not-found"))
                        s->states.v[n++] = *p;
        s->states.n = n;
}

static struct imm_snapshot *judge_base(
        struct imm_cli *cli, struct imm_check_run *c, struct compared *b, int today) {
        imm_err_auto err = IMM_ERR_INIT;
        imm_auto_free char *here = NULL;
        struct imm_cli quiet = *cli;
        struct imm_snapshot *s;

        b->then = (struct imm_check_run){.policy = c->policy,
                .project = c->project,
                .arena = cli->arena,
                .moved_from = imm_printf(cli->arena, "%s/", b->rev.folder),
                .moved_to = b->rev.top};
        b->waivers = imm_waivers_new();
        quiet.quiet = quiet.silent = true; /* what is odd about the old files is no news */
        quiet.args = imm_alloc_array(cli->arena, b->n_args + 1, sizeof(*quiet.args));
        for (size_t i = 0; i < b->n_args; i++)
                quiet.args[i] = *b->args[i] == '/'
                                        ? imm_revision_path(&b->rev, b->args[i], cli->arena)
                                        : b->args[i];
        quiet.n_args = b->n_args;
        /* the old files are entered, the root stays where it is */
        if (cli->root_dir && (here = realpath(cli->root_dir, NULL)))
                quiet.root_dir = here;
        if (imm_revision_enter(&b->rev, &err) < 0) {
                failed(cli, c, IMM_EXIT_PARTIAL, &err);
                return NULL;
        }
        s = imm_check_judge(&quiet, &b->then, b->waivers);
        imm_revision_leave(&b->rev);
        if (!s) {
                imm_check_problem(c, NULL, 0, "the files of that revision cannot be judged");
                imm_check_status(c, IMM_EXIT_PARTIAL);
                return NULL;
        }
        (void)load_waivers(&quiet, b->waivers,
                c->project ? imm_revision_path(&b->rev, c->project, cli->arena) : NULL);
        imm_waivers_apply(b->waivers, s, today);
        drop_missing(s);
        return s;
}

/* Writes the old files out, for they decide which arguments are files that are gone. */
static int open_base(struct imm_cli *cli, struct imm_check_run *c, struct compared *b) {
        imm_err_auto err = IMM_ERR_INIT;
        struct imm_strv files = {0}, present = {0};
        const char **paths = imm_alloc_array(cli->arena, cli->n_args + 2, sizeof(*paths));
        size_t n = 0;
        int r;

        for (size_t i = 0; i < cli->n_args; i++)
                paths[n++] = cli->args[i];
        if (c->project)
                paths[n++] = waivers_of(cli, c->project);
        r = imm_revision_open(&b->rev, arg.base, paths, n, &err);
        if (r < 0) {
                failed(cli, c, r == -EINVAL ? IMM_EXIT_USAGE : IMM_EXIT_PARTIAL, &err);
                return c->status;
        }
        imm_check_files(cli, NULL, cli->args, cli->n_args, &b->rev, &files);
        for (size_t i = 0; i < files.n; i++) {
                const char *then = imm_revision_path(&b->rev, files.v[i], cli->arena);

                if (imm_check_is_there(cli->arena, files.v[i]) || !then ||
                        !imm_check_is_there(cli->arena, then))
                        imm_strv_add(cli->arena, &present, files.v[i]);
        }
        b->args = files.v;
        b->n_args = files.n;
        cli->args = present.v;
        cli->n_args = present.n;
        return IMM_EXIT_OK;
}

static void close_compared(struct compared *b) {
        imm_check_done(&b->then);
        imm_waivers_free(b->waivers);
        imm_snapshot_free(b->baseline);
        imm_revision_close(&b->rev);
}

/* ---- output ---- */

static int write_gate(struct imm_cli *cli, const struct imm_gate_report *r) {
        struct imm_output o;

        if (imm_output_open(&o, arg.output, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        switch (arg.format) {
        case JSON:
                imm_gate_json(r, cli->json != IMM_JSON_SHORT, o.f);
                break;
        case SARIF:
                imm_gate_sarif(r, o.f);
                break;
        case JUNIT:
                imm_gate_junit(r, o.f);
                break;
        case GITHUB:
                imm_gate_github(r, o.f);
                break;
        case GITLAB:
                imm_gate_gitlab(r, o.f);
                break;
        case MARKDOWN:
                imm_gate_markdown(r, o.f);
                break;
        default:
                imm_gate_text(r, o.f);
        }
        if (imm_output_close(&o, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        return IMM_EXIT_OK;
}

static int write_baseline(struct imm_cli *cli, const struct imm_snapshot *s) {
        struct imm_report r = {.now = s};
        struct imm_output o;

        if (imm_output_open(&o, arg.write_baseline, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        imm_report_json(&r, true, o.f);
        if (imm_output_close(&o, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        return IMM_EXIT_OK;
}

static int decide(struct imm_cli *cli, struct imm_check_run *c, struct imm_waivers *waivers,
        struct imm_snapshot *now, const struct imm_snapshot *before, int today) {
        imm_cleanup(imm_gate_free) struct imm_gate *g =
                imm_gate_of(now, before, waivers, today, &arg.gate);
        struct imm_gate_report report = {.gate = g,
                .rules = c->rules,
                .problems = &c->problems,
                .complete = c->status == IMM_EXIT_OK,
                .version = IMM_VERSION,
                .repository = imm_check_repository(cli),
                .given = cli->args,
                .color = cli->color && !arg.output,
                .jobs = cli->jobs};
        unsigned *systemd;

        systemd = imm_alloc_array(cli->arena, c->targets.n, sizeof(*systemd));
        imm_array_foreach (s, &c->targets)
                if ((*s)->systemd)
                        systemd[report.n_systemd++] = (*s)->systemd;
        report.systemd = systemd;
        for (size_t i = 0; i < c->notes.n; i++)
                imm_strv_add(g->arena, &g->notes, c->notes.v[i]);
        imm_strv_sort_unique(&g->notes);
        if (arg.write_baseline)
                imm_check_status(c, write_baseline(cli, now));
        else
                imm_check_status(c, write_gate(cli, &report));
        if (c->status != IMM_EXIT_OK)
                return c->status;
        return g->fails && !arg.write_baseline ? IMM_EXIT_NO : IMM_EXIT_OK;
}

/* With the waivers of now, in files and inline */
static int gate(struct imm_cli *cli, struct imm_check_run *c, struct compared *b,
        struct imm_waivers *waivers, bool asked) {
        int today = (int)(time(NULL) / 86400);
        const struct imm_snapshot *before = NULL;
        struct imm_snapshot *now;

        if (asked && cli->n_args == 0) /* all of them are gone, or there were none */
                *imm_array_push(c->arena, &c->targets) = now = imm_snapshot_new();
        else
                now = imm_check_judge(cli, c, waivers);
        if (!now)
                return c->status;
        imm_cli_diags(cli, &waivers->diags);
        imm_check_problems(c, &waivers->diags, IMM_DIAG_ERROR);
        if (waivers->diags.n > 0)
                imm_check_status(c, IMM_EXIT_USAGE);
        imm_waivers_apply(waivers, now, today);
        if (arg.baseline)
                before = read_baseline(cli, c, b);
        else if (b->rev.folder)
                before = judge_base(cli, c, b, today);
        return decide(cli, c, waivers, now, before, today);
}

static int run(struct imm_cli *cli) {
        imm_cleanup(imm_waivers_free) struct imm_waivers *waivers = imm_waivers_new();
        struct imm_check_run c = {.policy = arg.policy, .arena = cli->arena};
        struct compared b = {.rev = IMM_REVISION_NONE};
        struct imm_strv files = {0};
        bool asked = cli->n_args > 0;
        int r;

        if (arg.baseline && arg.base)
                return imm_cli_usage(
                        cli, "--baseline= and --base= are two answers to one question; give one");
        for (size_t i = 0; i < cli->n_args; i++)
                if (imm_streq(cli->args[i], "-"))
                        return imm_cli_usage(
                                cli, "'-': a unit is known by its file's name; give a file");
        if (arg.base && !asked)
                return imm_cli_usage(cli, "--base= needs the files to compare");
        if (cli->json != IMM_JSON_OFF && arg.format == TEXT)
                arg.format = JSON;
        imm_check_files(cli, &c, cli->args, cli->n_args, NULL, &files);
        r = imm_check_project(cli, &files, &c.project);
        if (r != IMM_EXIT_OK)
                return r;
        if (c.project && !cli->quiet)
                fprintf(stderr, "immure: policy of the repository: %s/.immure\n",
                        imm_text_escape(cli->arena, c.project));
        if (arg.base && open_base(cli, &c, &b) != IMM_EXIT_OK)
                arg.base = NULL; /* said; the files are judged all the same, and nothing passes */
        if (!b.rev.folder) {
                cli->args = files.v;
                cli->n_args = files.n;
        }
        r = load_waivers(cli, waivers, c.project);
        if (r == IMM_EXIT_OK && asked && cli->n_args == 0 && b.n_args == 0) {
                imm_err_auto err = IMM_ERR_INIT;

                (void)imm_err_set(&err, -ENOENT, "there is no unit file in what was named");
                failed(cli, &c, IMM_EXIT_NOTHING, &err);
        }
        if (r == IMM_EXIT_OK)
                r = gate(cli, &c, &b, waivers, asked);
        close_compared(&b);
        imm_check_done(&c);
        return r;
}

const struct imm_verb imm_verb_check = {
        .name = "check",
        .arguments = "[UNIT|FILE…]",
        .summary = "The gate: findings against thresholds, waivers and a baseline",
        .details = "Files need not be installed; FILE.d/ beside them is read. With several "
                   "--systemd-version=N,N each target is judged.\n"
                   "Exit status 1: something fails. A gate never passes because something could "
                   "not be read (3).",
        .options = options,
        .targets = true,
        .run = run,
};
