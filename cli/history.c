#include "audit/difference.h"
#include "cli/snapshot.h"

#include <time.h>

/* `immure history`: runs and their trend; one unit's story; who brought a setting in; reports of
 * other hosts. */

static struct {
        bool blame;
        const char *host;
} arg;

static const struct imm_option options[] = {
        {"blame", 0, NULL, "For each setting and finding: the run in which it appeared",
                IMM_OPTION_FLAG, &arg.blame, NULL},
        {"host", 0, "NAME", "Only runs of this host", IMM_OPTION_STRING, &arg.host, NULL},
        {0},
};

static const char *when(struct imm_arena *a, int64_t seconds) {
        time_t t = (time_t)seconds;
        char text[32] = "";
        struct tm tm;

        if (gmtime_r(&t, &tm))
                (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
        return imm_strdup(a, text);
}

static const char *mean(struct imm_arena *a, int hundredths) {
        return hundredths < 0 ? "–" : imm_printf(a, "%d.%02d", hundredths / 100, hundredths % 100);
}

static void put_run(struct imm_json *j, const struct imm_run *r) {
        imm_json_object(j, NULL);
        imm_json_int(j, "id", r->id);
        imm_json_int(j, "time", r->time);
        imm_json_string(j, "host", r->host);
        imm_json_string(j, "root", r->root);
        imm_json_uint(j, "systemd", r->systemd);
        imm_json_uint(j, "units", r->units);
        imm_json_bool(j, "partial", r->partial);
        imm_json_object(j, "findings");
        for (int i = IMM_SEVERITY_N - 1; i >= 0; i--)
                imm_json_uint(j, imm_severity_name((enum imm_severity)i), r->findings[i]);
        imm_json_end(j);
        imm_json_end(j);
}

static void print_runs(struct imm_cli *cli, const struct imm_run *runs, size_t n) {
        struct imm_arena *a = cli->arena;

        if (cli->json != IMM_JSON_OFF) {
                struct imm_json j = imm_json_on(stdout, cli->json);

                imm_json_object(&j, NULL);
                imm_json_string(&j, "schema", "immure.history/1");
                imm_json_array(&j, "runs");
                for (size_t i = 0; i < n; i++)
                        put_run(&j, &runs[i]);
                imm_json_end(&j);
                imm_json_end(&j);
                return;
        }
        if (n == 0) {
                puts("No runs yet: `immure record` stores one.");
                return;
        }
        if (cli->legend)
                printf("%s%6s  %-16s  %6s  %8s  %8s  %8s  %s%s\n", imm_cli_tone(cli, IMM_TONE_BOLD),
                        "RUN", "TIME (UTC)", "UNITS", "EXPOSURE", "REACH", "FINDINGS",
                        "HOST AND ROOT", imm_cli_plain(cli));
        for (size_t i = 0; i < n; i++) {
                const struct imm_run *r = &runs[i];
                unsigned findings =
                        r->findings[IMM_SEVERITY_CRITICAL] + r->findings[IMM_SEVERITY_HIGH] +
                        r->findings[IMM_SEVERITY_MEDIUM] + r->findings[IMM_SEVERITY_LOW];

                printf("%6lld  %-16s  %6u  %8s  %8s  %8u  ", (long long)r->id, when(a, r->time),
                        r->units, mean(a, r->exposure), mean(a, r->reach), findings);
                imm_text_put(stdout, r->host);
                putchar(' ');
                imm_text_put(stdout, r->root);
                puts(r->partial ? "  (partial)" : "");
        }
}

/* ---- one unit over time ---- */

static struct imm_difference *step(struct imm_snapshot *before, struct imm_snapshot *after) {
        struct imm_snapshot none = {0};

        return imm_difference_of(before ? before : &none, after ? after : &none);
}

static void put_step(
        struct imm_json *j, const struct imm_unit_run *u, const struct imm_difference *d) {
        imm_json_object(j, NULL);
        imm_json_int(j, "run", u->run.id);
        imm_json_int(j, "time", u->run.time);
        imm_json_string(
                j, "verdict", d->units.n ? imm_verdict_name(d->units.v[0]->verdict) : "same");
        imm_difference_json(d, j);
        imm_json_end(j);
}

static void print_step(
        struct imm_cli *cli, const struct imm_unit_run *u, const struct imm_difference *d) {
        const struct imm_state *s = u->snapshot ? u->snapshot->states.v[0] : NULL;
        const struct imm_unit_difference *c = d->units.n ? d->units.v[0] : NULL;

        printf("%srun %lld%s  %s  %-8s exposure %s, reach %s\n", imm_cli_tone(cli, IMM_TONE_BOLD),
                (long long)u->run.id, imm_cli_plain(cli), when(cli->arena, u->run.time),
                c ? imm_verdict_name(c->verdict) : "same",
                s && s->exposure >= 0 ? imm_tenths_text(cli->arena, s->exposure) : "–",
                s && s->reach >= 0 ? imm_tenths_text(cli->arena, s->reach) : "–");
        if (!c || !c->before || !c->after)
                return;
        imm_array_foreach (i, &c->settings) {
                fputs("    ", stdout);
                imm_text_put(stdout, i->name);
                fputs(": ", stdout);
                imm_text_put(stdout, i->before ? i->before : "–");
                fputs(" → ", stdout);
                imm_text_put(stdout, i->after ? i->after : "–");
                putchar('\n');
        }
        imm_array_foreach (f, &c->fresh)
                printf("    new finding: %s\n", imm_text_escape(cli->arena, (*f)->rule));
        imm_array_foreach (f, &c->fixed)
                printf("    fixed: %s\n", imm_text_escape(cli->arena, (*f)->rule));
}

static void print_story(
        struct imm_cli *cli, const char *unit, const struct imm_unit_run *list, size_t n) {
        struct imm_json j = imm_json_on(stdout, cli->json);
        struct imm_snapshot *before = NULL;

        if (cli->json != IMM_JSON_OFF) {
                imm_json_object(&j, NULL);
                imm_json_string(&j, "schema", "immure.history/1");
                imm_json_string(&j, "unit", unit);
                imm_json_array(&j, "steps");
        }
        for (size_t i = 0; i < n; i++) {
                imm_cleanup(imm_difference_free) struct imm_difference *d =
                        step(before, list[i].snapshot);

                if (cli->json != IMM_JSON_OFF)
                        put_step(&j, &list[i], d);
                else
                        print_step(cli, &list[i], d);
                before = list[i].snapshot;
        }
        if (cli->json != IMM_JSON_OFF) {
                imm_json_end(&j);
                imm_json_end(&j);
        }
}

/* ---- blame: since which run is it so? ---- */

static bool has_setting(const struct imm_snapshot *s, const struct imm_state_setting *what) {
        if (!s)
                return false;
        imm_array_foreach (i, &s->states.v[0]->settings)
                if (imm_streq(i->name, what->name))
                        return imm_streq(i->value ? i->value : "", what->value ? what->value : "");
        return false;
}

static bool has_finding(struct imm_arena *a, const struct imm_snapshot *s, const char *unit,
        const struct imm_state_finding *what) {
        if (!s)
                return false;
        imm_array_foreach (i, &s->states.v[0]->findings)
                if (imm_streq(imm_finding_key(a, unit, i), imm_finding_key(a, unit, what)))
                        return true;
        return false;
}

static void print_since(struct imm_cli *cli, const struct imm_unit_run *since, const char *what,
        const char *name, const char *value) {
        const struct imm_state *s = since->snapshot->states.v[0];

        printf("%6lld  %-16s  %-20s  %-8s ", (long long)since->run.id,
                when(cli->arena, since->run.time),
                s->package ? imm_text_escape(cli->arena, s->package) : "", what);
        imm_text_put(stdout, name);
        if (value) {
                putchar('=');
                imm_text_put(stdout, value);
        }
        putchar('\n');
}

static void print_blame(
        struct imm_cli *cli, const char *unit, const struct imm_unit_run *list, size_t n) {
        const struct imm_snapshot *last = n ? list[n - 1].snapshot : NULL;

        if (!last) {
                puts("The unit is not there in the last run.");
                return;
        }
        if (cli->legend)
                printf("%s%6s  %-16s  %-20s  %s%s\n", imm_cli_tone(cli, IMM_TONE_BOLD), "SINCE",
                        "TIME (UTC)", "PACKAGE", "WHAT", imm_cli_plain(cli));
        imm_array_foreach (i, &last->states.v[0]->settings) {
                size_t k = n - 1;

                while (k > 0 && has_setting(list[k - 1].snapshot, i))
                        k--;
                print_since(cli, &list[k], "setting", i->name, i->value ? i->value : "");
        }
        imm_array_foreach (i, &last->states.v[0]->findings) {
                size_t k = n - 1;

                while (k > 0 && has_finding(cli->arena, list[k - 1].snapshot, unit, i))
                        k--;
                print_since(cli, &list[k], "finding", i->rule, NULL);
        }
}

static int story(struct imm_cli *cli, struct imm_history *h, const char *unit) {
        struct imm_unit_run *list = NULL;
        size_t n = 0;
        int r;

        if (!strchr(unit, '.'))
                unit = imm_printf(cli->arena, "%s.service", unit);
        r = imm_history_unit(h, unit, arg.host, cli->root_dir, cli->arena, &list, &n, &cli->err);
        if (r < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        if (n == 0 || (n == 1 && !list[0].snapshot))
                return imm_cli_usage(cli, "no run knows a unit '%s'", unit);
        if (arg.blame)
                print_blame(cli, unit, list, n);
        else
                print_story(cli, unit, list, n);
        for (size_t i = 0; i < n; i++)
                imm_snapshot_free(list[i].snapshot);
        return imm_cli_done(cli);
}

static int import(struct imm_cli *cli) {
        imm_cleanup(imm_history_free) struct imm_history *h = NULL;
        int r, worst = IMM_EXIT_OK;

        if (cli->n_args < 2)
                return imm_cli_usage(cli,
                        "import needs the JSON reports to merge (immure report --format=json)");
        r = imm_cli_history(cli, IMM_HISTORY_WRITE, &h);
        if (r != IMM_EXIT_OK)
                return r;
        for (size_t i = 1; i < cli->n_args; i++) {
                imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = NULL;
                int64_t id = 0;

                r = imm_cli_snapshot_file(cli, cli->args[i], &s);
                if (r == IMM_EXIT_OK && imm_history_record(h, s, &id, &cli->err) < 0)
                        r = imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
                if (r == IMM_EXIT_OK && !cli->quiet)
                        printf("run %lld: %s\n", (long long)id,
                                imm_text_escape(cli->arena, cli->args[i]));
                imm_err_done(&cli->err);
                if (r > worst)
                        worst = r;
        }
        return worst;
}

static int run(struct imm_cli *cli) {
        imm_cleanup(imm_history_free) struct imm_history *h = NULL;
        struct imm_run *runs = NULL;
        size_t n = 0;
        int r;

        if (cli->n_args > 0 && imm_streq(cli->args[0], "import"))
                return import(cli);
        if (cli->n_args > 1)
                return imm_cli_usage(cli, "history takes one unit");
        r = imm_cli_history(cli, IMM_HISTORY_READ, &h);
        if (r != IMM_EXIT_OK)
                return r;
        if (cli->n_args == 1) {
                if (!h)
                        return imm_cli_usage(
                                cli, "there is no history yet; `immure record` makes one");
                return story(cli, h, cli->args[0]);
        }
        if (h && imm_history_runs(h, arg.host, cli->root_dir, cli->arena, &runs, &n, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        print_runs(cli, runs, n);
        return imm_cli_done(cli);
}

const struct imm_verb imm_verb_history = {
        .name = "history",
        .arguments = "[UNIT | import FILE…]",
        .summary = "Recorded runs, or one unit's story over them",
        .details = "With --root= or --host= only the runs of that root or host. `import` merges "
                   "JSON reports of other hosts.",
        .options = options,
        .run = run,
};
