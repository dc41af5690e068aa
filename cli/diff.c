#include "audit/difference.h"
#include "cli/snapshot.h"

#include <errno.h>
#include <sys/stat.h>

/* `immure diff [A [B]]`: what changed, and whether for the worse. */

static struct { bool only_worse; } arg;

static int set_fail_on(struct imm_cli *cli, const char *value) {
        if (imm_streq(value, "worse"))
                arg.only_worse = true;
        else if (imm_streq(value, "any"))
                arg.only_worse = false;
        else
                return imm_err_set(
                        &cli->err, -EINVAL, "--fail-on='%s': expected 'worse' or 'any'", value);
        return 0;
}

static const struct imm_option options[] = {
        {"fail-on", 0, "WHAT", "What ends with status 1: any difference (any, default), or worse",
                IMM_OPTION_CALL, NULL, set_fail_on},
        {0},
};

static enum imm_tone tone_of(enum imm_verdict v) {
        return v == IMM_VERDICT_WORSE    ? IMM_TONE_BAD
               : v == IMM_VERDICT_BETTER ? IMM_TONE_GOOD
                                         : IMM_TONE_FAINT;
}

static void print_change(const struct imm_cli *cli, const struct imm_change *c) {
        const char *before, *after;

        imm_change_sides(cli->arena, c, &before, &after);
        printf("  %s%-8s%s %-8s ", imm_cli_tone(cli, tone_of(c->verdict)),
                imm_verdict_name(c->verdict), imm_cli_plain(cli), c->what);
        imm_text_put(stdout, c->name);
        fputs(": ", stdout);
        imm_text_put(stdout, before ? before : "–");
        fputs(" → ", stdout);
        imm_text_put(stdout, after ? after : "–");
        putchar('\n');
}

static void print_finding(
        const struct imm_cli *cli, const struct imm_state_finding *f, enum imm_verdict v) {
        printf("  %s%-8s%s finding  ", imm_cli_tone(cli, tone_of(v)),
                v == IMM_VERDICT_WORSE ? "new" : "fixed", imm_cli_plain(cli));
        imm_text_put(stdout, f->scorecard ? f->scorecard : "?");
        putchar('/');
        imm_text_put(stdout, f->rule ? f->rule : "?");
        printf(" (%s)", imm_severity_name(f->severity));
        if (f->evidence.n > 0) {
                fputs(": ", stdout);
                imm_text_put(stdout, f->evidence.v[0]);
        }
        putchar('\n');
}

/* Each by itself, but for remarks and for what a unit that came or went brought with it: numbers */
static void print_findings(const struct imm_cli *cli, const struct imm_unit_difference *u,
        const struct imm_state_finding *const *v, size_t n, enum imm_verdict verdict) {
        bool whole = !u->before || !u->after;
        unsigned counts[IMM_SEVERITY_N] = {0};
        const char *comma = " ";

        for (size_t i = 0; i < n; i++)
                if (whole || v[i]->severity == IMM_SEVERITY_INFO)
                        counts[v[i]->severity]++;
                else
                        print_finding(cli, v[i], verdict);
        for (int s = IMM_SEVERITY_N - 1; s >= 0; s--) {
                if (counts[s] == 0)
                        continue;
                if (*comma == ' ')
                        printf("  %s%-8s%s findings", imm_cli_tone(cli, IMM_TONE_FAINT),
                                whole                          ? imm_verdict_name(u->verdict)
                                : verdict == IMM_VERDICT_WORSE ? "new"
                                                               : "fixed",
                                imm_cli_plain(cli));
                printf("%s%u %s", comma, counts[s], imm_severity_name((enum imm_severity)s));
                comma = ", ";
        }
        if (*comma == ',')
                putchar('\n');
}

/* Is there a row above this one, of a directory that it is in, that says the same? */
static bool is_said(const struct imm_unit_difference *u, const struct imm_change *c) {
        for (const struct imm_change *p = u->access.v; p < c; p++)
                if (imm_path_is_inside(c->name, p->name) &&
                        imm_streq(p->before ? p->before : "", c->before ? c->before : "") &&
                        imm_streq(p->after ? p->after : "", c->after ? c->after : ""))
                        return true;
        return false;
}

static void print_access(const struct imm_cli *cli, const struct imm_unit_difference *u) {
        size_t n = 0;

        imm_array_foreach (c, &u->access)
                if (!is_said(u, c))
                        print_change(cli, c);
                else
                        n++;
        if (n > 0)
                printf("  %s%-8s%s access   and the same for %zu places below\n",
                        imm_cli_tone(cli, IMM_TONE_FAINT), "", imm_cli_plain(cli), n);
}

static void print_unit(const struct imm_cli *cli, const struct imm_unit_difference *u) {
        printf("%s%-8s%s %s", imm_cli_tone(cli, tone_of(u->verdict)), imm_verdict_name(u->verdict),
                imm_cli_plain(cli), imm_cli_tone(cli, IMM_TONE_BOLD));
        imm_text_put(stdout, u->unit);
        printf("%s\n", imm_cli_plain(cli));
        imm_array_foreach (c, &u->scores)
                print_change(cli, c);
        print_findings(cli, u, u->fresh.v, u->fresh.n, IMM_VERDICT_WORSE);
        print_findings(cli, u, u->fixed.v, u->fixed.n, IMM_VERDICT_BETTER);
        imm_array_foreach (c, &u->settings)
                print_change(cli, c);
        print_access(cli, u);
        imm_array_foreach (c, &u->mounts)
                print_change(cli, c);
        imm_array_foreach (c, &u->closure)
                print_change(cli, c);
        imm_array_foreach (c, &u->checks)
                print_change(cli, c);
}

static void print(const struct imm_cli *cli, const struct imm_difference *d) {
        const char *note;

        if (cli->json != IMM_JSON_OFF) {
                struct imm_json j = imm_json_on(stdout, cli->json);

                imm_json_object(&j, NULL);
                imm_json_string(&j, "schema", "immure.diff/1");
                imm_judges_json(&d->judges, &j);
                imm_difference_json(d, &j);
                imm_json_end(&j);
                return;
        }
        imm_array_foreach (u, &d->units)
                print_unit(cli, *u);
        note = imm_judges_note(&d->judges, cli->arena);
        if (cli->legend && note && d->units.n > 0) {
                fputs("\nnote: ", stdout);
                imm_text_put(stdout, note);
                putchar('\n');
        }
        if (cli->legend)
                printf("%s%zu worse, %zu better, %zu changed, %zu new, %zu gone\n",
                        d->units.n ? "\n" : "", d->counts[IMM_VERDICT_WORSE],
                        d->counts[IMM_VERDICT_BETTER], d->counts[IMM_VERDICT_CHANGED],
                        d->counts[IMM_VERDICT_NEW], d->counts[IMM_VERDICT_GONE]);
}

/*
 * The last run of the database and the one before it of the same host, root and scope; where the
 * call says which root or scope, the last two of that.
 */
static int find_last_two(
        struct imm_cli *cli, struct imm_history *h, int64_t *ret_before, int64_t *ret_last) {
        struct imm_run_place place = {0};
        struct imm_run *runs = NULL, *last;
        size_t n = 0;

        if (cli->root_dir || cli->user || cli->scope != IMM_SCOPE_SYSTEM) {
                int r = imm_cli_open(cli);

                if (r != IMM_EXIT_OK)
                        return r;
                place = imm_cli_run_place(cli);
        }
        if (h && imm_history_runs(h, &place, cli->arena, &runs, &n, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        if (n == 0)
                return IMM_EXIT_OK;
        last = &runs[n - 1];
        *ret_last = last->id;
        for (size_t i = n - 1; i-- > 0;)
                if (imm_streq(runs[i].host, last->host) && imm_streq(runs[i].root, last->root) &&
                        imm_streq(runs[i].scope, last->scope)) {
                        *ret_before = runs[i].id;
                        break;
                }
        return IMM_EXIT_OK;
}

static int last_two(struct imm_cli *cli, struct imm_history *h, struct imm_snapshot **a,
        struct imm_snapshot **b) {
        int64_t last = 0, before = 0;
        int r = find_last_two(cli, h, &before, &last);

        if (r != IMM_EXIT_OK)
                return r;
        if (!before) {
                imm_err_auto err = IMM_ERR_INIT;

                (void)imm_err_set(&err, -ENOENT,
                        "there are no two runs of one host and root to compare; `immure record` "
                        "makes one");
                return imm_cli_fail(cli, IMM_EXIT_NOTHING, &err);
        }
        if (imm_history_load_pair(h, before, last, a, b, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        return IMM_EXIT_OK;
}

/* Two runs by their numbers: what is the same in both is not even read. Else nothing is done. */
static int two_runs(struct imm_cli *cli, struct imm_history *h, struct imm_snapshot **a,
        struct imm_snapshot **b) {
        unsigned long long x, y;
        int r;

        if (!h || !imm_parse_u64(cli->args[0], &x) || !imm_parse_u64(cli->args[1], &y) || x == y)
                return IMM_EXIT_OK;
        r = imm_history_load_pair(h, (int64_t)x, (int64_t)y, a, b, &cli->err);
        if (r < 0)
                return imm_cli_fail(
                        cli, r == -ENOENT ? IMM_EXIT_USAGE : IMM_EXIT_PARTIAL, &cli->err);
        return IMM_EXIT_OK;
}

/*
 * "A against now": of the root that A is of, if the call names none and that root is a folder of
 * this machine; for the files of two roots have nothing to do with each other.
 */
static const char *now_of(struct imm_cli *cli, const struct imm_snapshot *a) {
        struct stat st;

        if (!cli->root_dir && a->root && *a->root == '/' && a->root[1] && stat(a->root, &st) == 0 &&
                S_ISDIR(st.st_mode))
                return a->root;
        return "now";
}

static int take(struct imm_cli *cli, const char *name, struct imm_history *h,
        struct imm_snapshot **ret, int *status) {
        int r = imm_cli_snapshot_named(cli, name, h, ret);

        if (r == IMM_EXIT_NOTHING)
                return r;
        if (r == IMM_EXIT_PARTIAL)
                *status = r;
        return *ret ? IMM_EXIT_OK : r;
}

static int run(struct imm_cli *cli) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *a = NULL, *b = NULL;
        imm_cleanup(imm_difference_free) struct imm_difference *d = NULL;
        imm_cleanup(imm_history_free) struct imm_history *h = NULL;
        int r, status = IMM_EXIT_OK;

        if (cli->n_args > 2)
                return imm_cli_usage(cli, "diff compares two: runs, JSON reports, roots, or 'now'");
        r = imm_cli_history(cli, IMM_HISTORY_READ, &h);
        if (r == IMM_EXIT_OK && cli->n_args == 0)
                r = last_two(cli, h, &a, &b);
        if (r == IMM_EXIT_OK && cli->n_args == 2)
                r = two_runs(cli, h, &a, &b);
        if (r == IMM_EXIT_OK && cli->n_args > 0 && !a)
                r = take(cli, cli->args[0], h, &a, &status);
        if (r == IMM_EXIT_OK && cli->n_args > 0 && !b)
                r = take(cli, cli->n_args > 1 ? cli->args[1] : now_of(cli, a), h, &b, &status);
        if (r == IMM_EXIT_NOTHING && cli->json != IMM_JSON_OFF)
                print(cli, &(struct imm_difference){0}); /* the document all the same */
        if (r != IMM_EXIT_OK)
                return r;
        imm_snapshot_redact(a); /* what is stored is redacted: so is what it is compared with */
        imm_snapshot_redact(b);
        d = imm_difference_of(a, b);
        print(cli, d);
        if (status != IMM_EXIT_OK || cli->partial)
                return IMM_EXIT_PARTIAL;
        return (arg.only_worse ? d->counts[IMM_VERDICT_WORSE] : d->units.n) ? IMM_EXIT_NO
                                                                            : IMM_EXIT_OK;
}

const struct imm_verb imm_verb_diff = {
        .name = "diff",
        .arguments = "[A [B]]",
        .summary = "What changed between runs, reports, roots or now",
        .details = "A and B: a run's number, a JSON report, the folder of a root, or 'now'. "
                   "Without B: A against now.\n"
                   "Without both: the last run (with --root=, of that root) against the one "
                   "before it of the same host and root.",
        .options = options,
        .run = run,
};
