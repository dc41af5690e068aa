#include "cli/audit.h"
#include "cli/output.h"
#include "cli/revision.h"
#include "cli/snapshot.h"
#include "report/gate/gate.h"
#include "report/report.h"
#include "rules/waiver.h"

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

struct check {
        struct imm_waivers *waivers;
        struct imm_rulebook *rules; /* of the last target: for titles and lists */
        const char *project;        /* folder with .immure, or NULL */
        int status;                 /* the gravest of 2, 3, 4 that came up; 0 */
};

/* 2 (configuration) before 3 (unreadable) before 4 (nothing) */
static void note_status(struct check *c, int status) {
        if (status != IMM_EXIT_OK && status != IMM_EXIT_NO &&
                (c->status == IMM_EXIT_OK || status < c->status))
                c->status = status;
}

/* ---- what is judged ---- */

/* A drop-in stands for its unit: "a/x.service.d/10.conf" is "a/x.service" */
static const char *unit_of_dropin(struct imm_cli *cli, const char *path) {
        const char *slash = strrchr(path, '/');
        char *dir;

        if (!slash || !imm_ends_with(path, ".conf"))
                return path;
        dir = imm_strndup(cli->arena, path, (size_t)(slash - path));
        if (!imm_ends_with(dir, ".d"))
                return path;
        dir[strlen(dir) - 2] = 0;
        return imm_unit_name_type(strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir) ==
                               IMM_UNIT_TYPE_INVALID
                       ? path
                       : dir;
}

static void take_arguments(struct imm_cli *cli) {
        const char **args = imm_alloc_array(cli->arena, cli->n_args + 1, sizeof(*args));
        struct imm_map seen = {0};
        size_t n = 0;

        for (size_t i = 0; i < cli->n_args; i++) {
                const char *name = unit_of_dropin(cli, cli->args[i]);

                if (imm_map_has(&seen, name))
                        continue;
                imm_map_put(cli->arena, &seen, name, cli);
                args[n++] = name;
        }
        cli->args = args;
        cli->n_args = n;
}

static bool is_folder(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The nearest folder above the first file that has a .immure, not beyond its repository */
static const char *find_project(struct imm_cli *cli) {
        imm_auto_free char *full = NULL;
        char *dir;

        if (cli->n_args == 0 || !strchr(cli->args[0], '.'))
                return NULL;
        full = realpath(cli->args[0], NULL);
        if (!full)
                return NULL;
        dir = imm_strdup(cli->arena, full);
        for (char *slash; (slash = strrchr(dir, '/')) && slash != dir;) {
                *slash = 0;
                if (is_folder(imm_printf(cli->arena, "%s/.immure", dir)))
                        return dir;
                if (is_folder(imm_printf(cli->arena, "%s/.git", dir)))
                        return NULL;
        }
        return NULL;
}

/* Files of one name in several folders are known by their paths. */
static void tell_apart(struct imm_snapshot *s) {
        size_t same;

        for (size_t i = 0; i < s->states.n; i += same) {
                const char *name = s->states.v[i]->unit;

                for (same = 1;
                        i + same < s->states.n && imm_streq(s->states.v[i + same]->unit, name);)
                        same++;
                for (size_t k = i; same > 1 && k < i + same; k++)
                        if (s->states.v[k]->path)
                                s->states.v[k]->unit = s->states.v[k]->path;
        }
        imm_snapshot_sort(s);
}

/* ---- one target: all units as one systemd version would run them ---- */

static int judge_target(struct imm_cli *cli, struct check *c, const char *version, bool waivers,
        struct imm_snapshot **ret) {
        struct imm_cli one = *cli;
        struct imm_cli_audit a = {.policy = arg.policy, .project = c->project};
        int r;

        one.versions = (struct imm_strv){0};
        one.root = NULL;
        one.manager = NULL;
        one.partial = false;
        if (version)
                imm_strv_add(cli->arena, &one.versions, version);
        r = imm_cli_open(&one);
        if (r == IMM_EXIT_OK)
                r = imm_cli_rules(&one, &a);
        if (r == IMM_EXIT_OK)
                r = imm_cli_audit(&one, &a, false);
        if (r == IMM_EXIT_OK) {
                r = imm_cli_audit_status(&one, &a);
                *ret = imm_snapshot_of(a.audit, IMM_SNAPSHOT_GATE, cli->jobs);
                (*ret)->partial |= one.partial;
                tell_apart(*ret);
                for (size_t i = 0; waivers && i < a.audit->n_units; i++)
                        imm_waivers_add_unit(c->waivers, a.audit->units[i].unit);
        }
        note_status(c, r);
        imm_rulebook_free(c->rules);
        c->rules = imm_steal(a.rules);
        imm_cli_audit_done(&a);
        imm_manager_free(one.manager);
        imm_root_free(one.root);
        imm_err_done(&one.err);
        return r;
}

/* ---- several targets: the worst of them, and which ones ---- */

static void merge_state(struct imm_snapshot *to, struct imm_state *s, const struct imm_state *more,
        const char *version) {
        if (more->exposure > s->exposure)
                s->exposure = more->exposure;
        if (more->reach > s->reach)
                s->reach = more->reach;
        imm_array_foreach (f, &more->findings) {
                const char *key = imm_finding_key(to->arena, s->unit, f);
                bool known = false;

                imm_array_foreach (g, &s->findings)
                        if (!known && imm_streq(imm_finding_key(to->arena, s->unit, g), key)) {
                                known = true;
                                if (f->severity > g->severity)
                                        g->severity = f->severity;
                        }
                if (!known) {
                        struct imm_state_finding *x = imm_array_push(to->arena, &s->findings);

                        *x = *f;
                        x->evidence = (struct imm_strv){0};
                        for (size_t i = 0; i < f->evidence.n; i++)
                                imm_strv_add(to->arena, &x->evidence, f->evidence.v[i]);
                        imm_strv_add(to->arena, &x->evidence,
                                imm_printf(to->arena, "with systemd %s", version));
                }
        }
}

/* The snapshots of later targets must live as long as the first: their strings are borrowed. */
static void merge(struct imm_snapshot *to, const struct imm_snapshot *more, const char *version) {
        imm_array_foreach (p, &more->states) {
                struct imm_state *s = imm_snapshot_find(to, (*p)->unit);

                if (s)
                        merge_state(to, s, *p, version);
        }
        to->partial |= more->partial;
        imm_snapshot_sort(to);
}

struct targets {
        struct imm_snapshot **v;
        size_t n;
};

static struct imm_snapshot *judge(
        struct imm_cli *cli, struct check *c, bool waivers, struct targets *t) {
        size_t n = cli->versions.n ? cli->versions.n : 1;

        t->v = imm_alloc_array(cli->arena, n, sizeof(struct imm_snapshot *));
        for (size_t i = 0; i < n; i++) {
                struct imm_snapshot *s = NULL;

                (void)judge_target(
                        cli, c, cli->versions.n ? cli->versions.v[i] : NULL, waivers && i == 0, &s);
                if (!s)
                        return NULL;
                t->v[t->n++] = s;
                if (i > 0)
                        merge(t->v[0], s, cli->versions.v[i]);
        }
        return t->v[0];
}

static void free_targets(struct targets *t) {
        for (size_t i = 0; i < t->n; i++)
                imm_snapshot_free(t->v[i]);
        t->n = 0;
}

/* ---- waivers and baseline ---- */

static int load_waivers(struct imm_cli *cli, struct check *c) {
        imm_cleanup(imm_root_free) struct imm_root *host = NULL;

        if (imm_root_open(&host, NULL, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        imm_waivers_add_folder(c->waivers, host, "/etc/immure/waivers");
        if (c->project) {
                imm_waivers_add_folder(
                        c->waivers, host, imm_printf(cli->arena, "%s/.immure/waivers", c->project));
                if (!cli->quiet)
                        fprintf(stderr, "immure: policy of the repository: %s/.immure\n",
                                imm_text_escape(cli->arena, c->project));
        }
        return IMM_EXIT_OK;
}

static struct imm_snapshot *load_before(struct imm_cli *cli, struct check *c, struct targets *t) {
        imm_err_auto err = IMM_ERR_INIT;
        struct imm_snapshot *s = NULL;
        struct imm_revision rev;
        struct check old = {.waivers = c->waivers, .project = c->project};

        if (arg.baseline) {
                int r = imm_cli_snapshot_file(cli, arg.baseline, &s);

                if (r != IMM_EXIT_OK) {
                        note_status(c, IMM_EXIT_USAGE);
                        return NULL;
                }
                t->v = imm_alloc_array(cli->arena, 1, sizeof(struct imm_snapshot *));
                t->v[t->n++] = s;
                return s;
        }
        if (!arg.base)
                return NULL;
        if (imm_revision_enter(&rev, arg.base, cli->args, cli->n_args, &err) < 0) {
                note_status(c, imm_cli_fail(cli, IMM_EXIT_USAGE, &err));
                return NULL;
        }
        {
                struct imm_cli quiet = *cli;

                quiet.quiet = true; /* what is odd about the old files is no news */
                s = judge(&quiet, &old, false, t);
        }
        imm_revision_leave(&rev);
        imm_rulebook_free(old.rules);
        /* files that were not there yet make units that are new, not an error */
        for (size_t i = 0; s && i < s->states.n;)
                if (imm_streq(s->states.v[i]->load, "not-found")) {
                        memmove(&s->states.v[i], &s->states.v[i + 1],
                                (s->states.n - i - 1) * sizeof(*s->states.v));
                        s->states.n--;
                } else
                        i++;
        if (!s)
                note_status(c, IMM_EXIT_PARTIAL);
        return s;
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

static int decide(struct imm_cli *cli, struct check *c, struct imm_snapshot *now,
        const struct imm_snapshot *before, int today) {
        imm_cleanup(imm_gate_free) struct imm_gate *g =
                imm_gate_of(now, before, c->waivers, today, &arg.gate);
        struct imm_gate_report report = {.gate = g,
                .rules = c->rules,
                .version = IMM_VERSION,
                .color = cli->color && !arg.output};
        bool written = false;

        if (arg.write_baseline) {
                note_status(c, write_baseline(cli, now));
                written = true;
        } else
                note_status(c, write_gate(cli, &report));
        if (c->status != IMM_EXIT_OK)
                return c->status;
        return g->fails && !written ? IMM_EXIT_NO : IMM_EXIT_OK;
}

static int run(struct imm_cli *cli) {
        imm_cleanup(imm_waivers_free) struct imm_waivers *waivers = imm_waivers_new();
        struct check c = {.waivers = waivers};
        struct targets targets = {0}, old = {0};
        struct imm_snapshot *now, *before;
        int today = (int)(time(NULL) / 86400), r;

        if (arg.baseline && arg.base)
                return imm_cli_usage(
                        cli, "--baseline= and --base= are two answers to one question; give one");
        if (arg.base && cli->n_args == 0)
                return imm_cli_usage(cli, "--base= needs the files to compare");
        if (cli->json != IMM_JSON_OFF && arg.format == TEXT)
                arg.format = JSON;
        take_arguments(cli);
        c.project = find_project(cli);
        r = load_waivers(cli, &c);
        if (r != IMM_EXIT_OK)
                return r;
        now = judge(cli, &c, true, &targets);
        r = c.status;
        if (now) {
                imm_cli_diags(cli, &waivers->diags);
                if (waivers->diags.n > 0)
                        note_status(&c, IMM_EXIT_USAGE);
                imm_waivers_apply(waivers, now, today);
                before = load_before(cli, &c, &old);
                r = decide(cli, &c, now, before, today);
        }
        free_targets(&targets);
        free_targets(&old);
        imm_rulebook_free(c.rules);
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
        .run = run,
};
