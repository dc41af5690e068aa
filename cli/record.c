#include "analyzer/host/libsystemd.h"
#include "audit/difference.h"
#include "cli/snapshot.h"

#include <errno.h>
#include <syslog.h>

/* `immure record`: analyses and stores a run. */

static struct {
        unsigned keep;
        bool journal, secrets;
} arg;

static const struct imm_option options[] = {
        {"keep", 0, "N", "Drop all but the newest N runs of each host and root",
                IMM_OPTION_UNSIGNED, &arg.keep, NULL},
        {"journal", 0, NULL, "Write new findings to the journal, a structured entry each",
                IMM_OPTION_FLAG, &arg.journal, NULL},
        {"secrets", 0, NULL, "Store secrets too: values of Environment= and the like",
                IMM_OPTION_FLAG, &arg.secrets, NULL},
        {0},
};

static int priority(enum imm_severity s) {
        static const int priorities[] = {[IMM_SEVERITY_INFO] = LOG_INFO,
                [IMM_SEVERITY_LOW] = LOG_NOTICE,
                [IMM_SEVERITY_MEDIUM] = LOG_WARNING,
                [IMM_SEVERITY_HIGH] = LOG_ERR,
                [IMM_SEVERITY_CRITICAL] = LOG_CRIT};

        return priorities[s];
}

static int send_finding(const char *unit, const struct imm_state_finding *f) {
        const char *evidence = f->evidence.n ? f->evidence.v[0] : "";

        return imm_sd.journal_send("MESSAGE=%s: new finding %s (%s): %s", unit, f->rule,
                imm_severity_name(f->severity), evidence,
                "MESSAGE_ID=6f0c2d4e5b7a4c1f9e83a1b2c3d4e5f6", "PRIORITY=%i", priority(f->severity),
                "IMMURE_UNIT=%s", unit, "IMMURE_RULE=%s", f->rule, "IMMURE_SCORECARD=%s",
                f->scorecard, "IMMURE_SEVERITY=%s", imm_severity_name(f->severity),
                "IMMURE_SETTING=%s", f->setting ? f->setting : "", "IMMURE_EVIDENCE=%s", evidence,
                "IMMURE_REMEDY=%s", f->remedy ? f->remedy : "", NULL);
}

static int tell_journal(const struct imm_difference *d, struct imm_err *err) {
        int r = imm_sd_load(err);

        if (r < 0)
                return r;
        imm_array_foreach (p, &d->units)
                imm_array_foreach (f, &(*p)->fresh) {
                        if ((*f)->severity == IMM_SEVERITY_INFO)
                                continue; /* a remark is no news */
                        r = send_finding((*p)->unit, *f);
                        if (r < 0)
                                return imm_err_set(err, r,
                                        "cannot write to the journal; is systemd-journald "
                                        "running?");
                }
        return 0;
}

/* The document of the run; without one: nothing was stored */
static void print_json(struct imm_cli *cli, const struct imm_snapshot *s, int64_t run, int64_t last,
        const struct imm_difference *d) {
        struct imm_json j = imm_json_on(stdout, cli->json);

        imm_json_object(&j, NULL);
        imm_json_string(&j, "schema", "immure.record/1");
        if (run)
                imm_json_int(&j, "id", run);
        else
                imm_json_null(&j, "id");
        imm_json_string(&j, "host", s->host);
        imm_json_string(&j, "root", s->root);
        imm_json_uint(&j, "units", s->states.n);
        imm_json_bool(&j, "partial", s->partial);
        if (d) {
                imm_json_int(&j, "since", last);
                imm_judges_json(&d->judges, &j);
                for (int v = IMM_VERDICT_CHANGED; v <= IMM_VERDICT_GONE; v++)
                        imm_json_uint(&j, imm_verdict_name(v), d->counts[v]);
        } else
                imm_json_null(&j, "since");
        imm_json_end(&j);
}

static int compare(struct imm_cli *cli, struct imm_history *h, const struct imm_snapshot *s,
        int64_t last, int64_t run) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *a = NULL, *b = NULL;
        imm_cleanup(imm_difference_free) struct imm_difference *d = NULL;

        if (imm_history_load_pair(h, last, run, &a, &b, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        d = imm_difference_of(a, b);
        if (cli->json != IMM_JSON_OFF)
                print_json(cli, s, run, last, d);
        else if (!cli->quiet) {
                const char *note = imm_judges_note(&d->judges, cli->arena);

                if (note) {
                        imm_text_put(stdout, note);
                        putchar('\n');
                }
                printf("since run %lld: %zu worse, %zu better, %zu changed, %zu new, %zu gone\n",
                        (long long)last, d->counts[IMM_VERDICT_WORSE],
                        d->counts[IMM_VERDICT_BETTER], d->counts[IMM_VERDICT_CHANGED],
                        d->counts[IMM_VERDICT_NEW], d->counts[IMM_VERDICT_GONE]);
        }
        if (arg.journal && tell_journal(d, &cli->err) < 0) {
                cli->partial = true;
                (void)imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        }
        return IMM_EXIT_OK;
}

static bool is_known(void *known, unsigned worker, struct imm_state *s, struct imm_arena *a,
        struct imm_known_state *ret) {
        if (!arg.secrets)
                imm_state_redact(s, a);
        return imm_known_state(known, worker, s, ret);
}

/* What the last run knows; without one, or where it cannot be read now, nothing is known. */
static struct imm_known *known(struct imm_cli *cli) {
        imm_cleanup(imm_history_free) struct imm_history *h = NULL;
        imm_err_auto err = IMM_ERR_INIT;
        const char *path = cli->db ? cli->db : imm_history_default_path(cli->arena);
        struct imm_run_place place = imm_cli_run_place(cli);
        struct imm_known *k = NULL;

        if (path && *path && imm_history_open(&h, path, IMM_HISTORY_READ, &err) >= 0)
                (void)imm_history_known(h, &place, &k, &err);
        return k;
}

/* All units, of which what is as it was the last time need not be kept; an imm_exit */
static int audit(struct imm_cli *cli, bool all, struct imm_snapshot **ret) {
        imm_cleanup(imm_known_free) struct imm_known *k = NULL;
        struct imm_snapshot_options what = {.parts = IMM_SNAPSHOT_ALL};
        int r = cli->manager ? IMM_EXIT_OK : imm_cli_open(cli);

        if (r != IMM_EXIT_OK)
                return r;
        if (!all)
                k = known(cli);
        if (k) {
                what.known = is_known;
                what.data = k;
        }
        r = imm_cli_snapshot_with(cli, &what, false, ret);
        if (*ret && !arg.secrets)
                imm_snapshot_redact(*ret);
        return r;
}

static int run(struct imm_cli *cli) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = NULL;
        imm_cleanup(imm_history_free) struct imm_history *h = NULL;
        int64_t last = 0, id = 0;
        unsigned dropped = 0;
        int r, status;

        if (cli->n_args > 0)
                return imm_cli_usage(cli, "record stores all units of a root; '%s' is one too many",
                        cli->args[0]);
        r = audit(cli, false, &s);
        if (s && r == IMM_EXIT_NOTHING && cli->json != IMM_JSON_OFF)
                print_json(cli, s, 0, 0, NULL);
        if (!s || r == IMM_EXIT_NOTHING)
                return r;
        status = r;
        r = imm_cli_history(cli, IMM_HISTORY_WRITE, &h);
        if (r == IMM_EXIT_OK)
                r = imm_cli_last_run(cli, h, 0, &last);
        if (r != IMM_EXIT_OK)
                return r;
        r = imm_history_record(h, s, &id, &cli->err);
        if (r == -ESTALE && cli->err.code == 0) { /* another recorder has dropped what was known */
                s = imm_snapshot_free(s);
                r = audit(cli, true, &s);
                if (!s)
                        return r;
                r = imm_history_record(h, s, &id, &cli->err);
        }
        if (r < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        r = IMM_EXIT_OK;
        if (cli->json == IMM_JSON_OFF && !cli->quiet)
                printf("run %lld: %zu units\n", (long long)id, s->states.n);
        if (last)
                r = compare(cli, h, s, last, id);
        else if (cli->json != IMM_JSON_OFF)
                print_json(cli, s, id, 0, NULL);
        if (r == IMM_EXIT_OK && arg.keep && imm_history_prune(h, arg.keep, &dropped, &cli->err) < 0)
                r = imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        if (dropped && cli->json == IMM_JSON_OFF && !cli->quiet)
                printf("dropped %u old runs\n", dropped);
        return r != IMM_EXIT_OK ? r : status != IMM_EXIT_OK ? status : imm_cli_done(cli);
}

const struct imm_verb imm_verb_record = {
        .name = "record",
        .arguments = "",
        .summary = "Analyse all services and store the result as a run",
        .options = options,
        .run = run,
};
