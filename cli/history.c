#include "audit/difference.h"
#include "cli/snapshot.h"

#include <time.h>

/* `immure history`: runs and their trend; one unit's story; who brought a setting in; reports of
 * other hosts. */

static struct {
        bool blame, secrets;
        const char *host;
} arg;

static const struct imm_option options[] = {
        {"blame", 0, NULL, "For each setting and finding: the run in which it appeared",
                IMM_OPTION_FLAG, &arg.blame, NULL},
        {"host", 0, "NAME", "Only runs of this host", IMM_OPTION_STRING, &arg.host, NULL},
        {"secrets", 0, NULL, "Show secrets that were stored; with import, store them",
                IMM_OPTION_FLAG, &arg.secrets, NULL},
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

static void put_mean(struct imm_json *j, const char *key, int hundredths) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

        imm_json_string(j, key, hundredths < 0 ? NULL : mean(a, hundredths));
}

static void put_run(struct imm_json *j, const struct imm_run *r) {
        imm_json_object(j, NULL);
        imm_json_int(j, "id", r->id);
        imm_json_int(j, "time", r->time);
        imm_json_string(j, "host", r->host);
        imm_json_string(j, "root", r->root);
        imm_json_string(j, "scope", r->scope);
        imm_json_string(j, "immure", r->immure);
        imm_json_uint(j, "systemd", r->systemd);
        imm_json_uint(j, "units", r->units);
        imm_json_bool(j, "partial", r->partial);
        put_mean(j, "exposure", r->exposure);
        put_mean(j, "reach", r->reach);
        imm_json_object(j, "findings");
        for (int i = IMM_SEVERITY_N - 1; i >= 0; i--)
                imm_json_uint(j, imm_severity_name((enum imm_severity)i), r->findings[i]);
        imm_json_end(j);
        imm_json_end(j);
}

static const char no_runs[] = "No runs yet: `immure record` stores one.";

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
                puts(no_runs);
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
                if (!imm_streq(r->scope, "system")) {
                        putchar(' ');
                        imm_text_put(stdout, r->scope);
                }
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

static void print_value(const char *s) {
        imm_text_put(stdout, s ? s : "–");
}

static void print_names(const char *what, const struct imm_state_finding *const *v, size_t n) {
        size_t remarks = 0;

        for (size_t i = 0; i < n; i++)
                if (v[i]->severity == IMM_SEVERITY_INFO)
                        remarks++;
                else {
                        printf("    %s: ", what);
                        print_value(v[i]->rule);
                        printf(" (%s)\n", imm_severity_name(v[i]->severity));
                }
        if (remarks)
                printf("    %s: %zu remark%s\n", what, remarks, remarks > 1 ? "s" : "");
}

static void print_step(
        struct imm_cli *cli, const struct imm_unit_run *u, const struct imm_difference *d) {
        const struct imm_state *s = u->snapshot ? u->snapshot->states.v[0] : NULL;
        const struct imm_unit_difference *c = d->units.n ? d->units.v[0] : NULL;

        printf("%srun %lld%s  %s  %-8s exposure %s, reach %s", imm_cli_tone(cli, IMM_TONE_BOLD),
                (long long)u->run.id, imm_cli_plain(cli), when(cli->arena, u->run.time),
                c ? imm_verdict_name(c->verdict) : "same",
                s && s->exposure >= 0 ? imm_tenths_text(cli->arena, s->exposure) : "–",
                s && s->reach >= 0 ? imm_tenths_text(cli->arena, s->reach) : "–");
        if (s && s->package) {
                fputs(", ", stdout);
                print_value(s->package);
        }
        putchar('\n');
        if (!c || !c->before || !c->after)
                return;
        imm_array_foreach (i, &c->settings) {
                const char *before, *after;

                imm_change_sides(cli->arena, i, &before, &after);
                fputs("    ", stdout);
                print_value(i->name);
                fputs(": ", stdout);
                print_value(before);
                fputs(" → ", stdout);
                print_value(after);
                putchar('\n');
        }
        print_names("new", c->fresh.v, c->fresh.n);
        print_names("fixed", c->fixed.v, c->fixed.n);
        if (c->access.n + c->mounts.n + c->closure.n > 0)
                printf("    %zu places, %zu mounts, %zu needed files differ (immure diff %lld)\n",
                        c->access.n, c->mounts.n, c->closure.n, (long long)u->run.id);
}

static void print_story(
        struct imm_cli *cli, struct imm_json *j, const struct imm_unit_run *list, size_t n) {
        struct imm_snapshot *before = NULL;

        for (size_t i = 0; i < n; i++) {
                imm_cleanup(imm_difference_free) struct imm_difference *d =
                        step(before, list[i].snapshot);

                if (j)
                        put_step(j, &list[i], d);
                else
                        print_step(cli, &list[i], d);
                before = list[i].snapshot;
        }
}

/* ---- blame: since which run is it so? ---- */

struct since {
        const struct imm_unit_run *run;
        const char *what, *name, *value;
};

static bool has_setting(const struct imm_snapshot *s, const struct imm_state_setting *what) {
        if (!s)
                return false;
        imm_array_foreach (i, &s->states.v[0]->settings)
                if (imm_streq(i->name, what->name))
                        return imm_streq(i->value ? i->value : "", what->value ? what->value : "");
        return false;
}

static bool has_finding(const struct imm_snapshot *s, const char *key) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

        if (!s)
                return false;
        imm_array_foreach (i, &s->states.v[0]->findings)
                if (imm_streq(imm_finding_key(a, s->states.v[0]->unit, i), key))
                        return true;
        return false;
}

static void print_since(struct imm_cli *cli, struct imm_json *j, const struct since *i) {
        const struct imm_state *s = i->run->snapshot->states.v[0];

        if (j) {
                imm_json_object(j, NULL);
                imm_json_string(j, "what", i->what);
                imm_json_string(j, "name", i->name);
                imm_json_string(j, "value", i->value);
                imm_json_int(j, "run", i->run->run.id);
                imm_json_int(j, "time", i->run->run.time);
                imm_json_string(j, "package", s->package);
                imm_json_end(j);
                return;
        }
        printf("%6lld  %-16s  %-20s  %-8s ", (long long)i->run->run.id,
                when(cli->arena, i->run->run.time),
                s->package ? imm_text_escape(cli->arena, s->package) : "", i->what);
        print_value(i->name);
        if (i->value) {
                putchar('=');
                print_value(i->value);
        }
        putchar('\n');
}

static void print_blame(
        struct imm_cli *cli, struct imm_json *j, const struct imm_unit_run *list, size_t n) {
        const struct imm_snapshot *last = list[n - 1].snapshot;
        const struct imm_state *now = last ? last->states.v[0] : NULL;

        if (!now) {
                if (!j)
                        puts("The unit is not there in the last run.");
                return;
        }
        if (!j && cli->legend)
                printf("%s%6s  %-16s  %-20s  %s%s\n", imm_cli_tone(cli, IMM_TONE_BOLD), "SINCE",
                        "TIME (UTC)", "PACKAGE", "WHAT", imm_cli_plain(cli));
        imm_array_foreach (i, &now->settings) {
                size_t k = n - 1;

                while (k > 0 && has_setting(list[k - 1].snapshot, i))
                        k--;
                print_since(cli, j,
                        &(struct since){&list[k], "setting", i->name, i->value ? i->value : ""});
        }
        imm_array_foreach (i, &now->findings) {
                const char *key = imm_finding_key(cli->arena, now->unit, i);
                size_t k = n - 1;

                if (!j && i->severity == IMM_SEVERITY_INFO)
                        continue; /* remarks, there are many: --json has them */
                while (k > 0 && has_finding(list[k - 1].snapshot, key))
                        k--;
                print_since(cli, j, &(struct since){&list[k], "finding", i->rule, NULL});
        }
}

/* ---- a unit's story, at each place (host, root, manager) that has it ---- */

static bool same_place(const struct imm_run *a, const struct imm_run *b) {
        return imm_streq(a->host, b->host) && imm_streq(a->root, b->root) &&
               imm_streq(a->scope, b->scope);
}

static void open_place(struct imm_cli *cli, struct imm_json *j, const struct imm_run *r) {
        if (j) {
                imm_json_object(j, NULL);
                imm_json_string(j, "host", r->host);
                imm_json_string(j, "root", r->root);
                imm_json_string(j, "scope", r->scope);
                imm_json_array(j, arg.blame ? "blame" : "steps");
                return;
        }
        if (!cli->legend)
                return;
        print_value(*r->host ? r->host : "?");
        putchar(' ');
        print_value(r->root);
        putchar('\n');
}

static int at_place(struct imm_cli *cli, struct imm_history *h, const char *unit,
        const struct imm_run *r, struct imm_json *j, bool *found) {
        const struct imm_run_place place = {r->host, r->root, r->scope};
        struct imm_unit_run *list = NULL;
        size_t n = 0;

        if (imm_history_unit(h, unit, &place, cli->arena, &list, &n, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        while (n > 0 && !list->snapshot) { /* runs before it was there */
                list++;
                n--;
        }
        if (n == 0)
                return IMM_EXIT_OK;
        for (size_t i = 0; i < n && !arg.secrets; i++)
                if (list[i].snapshot)
                        imm_snapshot_redact(list[i].snapshot);
        if (!j && *found && cli->legend)
                putchar('\n');
        *found = true;
        open_place(cli, j, r);
        if (arg.blame)
                print_blame(cli, j, list, n);
        else
                print_story(cli, j, list, n);
        if (j) {
                imm_json_end(j);
                imm_json_end(j);
        }
        for (size_t i = 0; i < n; i++)
                imm_snapshot_free(list[i].snapshot);
        return IMM_EXIT_OK;
}

/* @h: NULL if there is no history yet, which is no error of the one who asks */
static int story(struct imm_cli *cli, struct imm_history *h, const char *unit,
        const struct imm_run *runs, size_t n) {
        struct imm_json out = imm_json_on(stdout, cli->json);
        struct imm_json *j = cli->json != IMM_JSON_OFF ? &out : NULL;
        bool found = false;
        int r = IMM_EXIT_OK;

        if (!strchr(unit, '.'))
                unit = imm_printf(cli->arena, "%s.service", unit);
        if (j) {
                imm_json_object(j, NULL);
                imm_json_string(j, "schema", "immure.history/1");
                imm_json_string(j, "unit", unit);
                imm_json_array(j, "places");
        }
        for (size_t i = 0; r == IMM_EXIT_OK && i < n; i++) {
                bool met = false;

                for (size_t k = 0; k < i && !met; k++)
                        met = same_place(&runs[k], &runs[i]);
                if (!met)
                        r = at_place(cli, h, unit, &runs[i], j, &found);
        }
        if (j) {
                imm_json_end(j);
                imm_json_end(j);
        }
        if (!h && !j)
                puts(no_runs);
        if (r == IMM_EXIT_OK && h && !found)
                return imm_cli_usage(cli, "no run knows a unit '%s'", unit);
        return r == IMM_EXIT_OK ? imm_cli_done(cli) : r;
}

static int import(struct imm_cli *cli) {
        imm_cleanup(imm_history_free) struct imm_history *h = NULL;
        int r, worst = IMM_EXIT_OK;

        if (cli->n_args < 2)
                return imm_cli_usage(cli,
                        "import needs the JSON reports to merge (immure report --format=json)");
        for (size_t i = 1; i < cli->n_args; i++) {
                imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = NULL;
                bool known = false;
                int64_t id = 0;

                r = imm_cli_snapshot_file(cli, cli->args[i], &s);
                /* a report that cannot be read makes no database */
                if (r == IMM_EXIT_OK && !h)
                        r = imm_cli_history(cli, IMM_HISTORY_WRITE, &h);
                if (r == IMM_EXIT_OK && !arg.secrets)
                        imm_snapshot_redact(s);
                if (r == IMM_EXIT_OK && imm_history_merge(h, s, &id, &known, &cli->err) < 0)
                        r = imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
                if (r == IMM_EXIT_OK && !cli->quiet)
                        printf("run %lld: %s%s\n", (long long)id,
                                imm_text_escape(cli->arena, cli->args[i]),
                                known ? " (was there already)" : "");
                imm_err_done(&cli->err);
                if (r > worst)
                        worst = r;
        }
        return worst;
}

static int run(struct imm_cli *cli) {
        imm_cleanup(imm_history_free) struct imm_history *h = NULL;
        struct imm_run_place place = {.host = arg.host};
        imm_auto_free char *real = NULL;
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
        real = cli->root_dir ? realpath(cli->root_dir, NULL) : NULL;
        place.root = real ? real : cli->root_dir;
        if (h && imm_history_runs(h, &place, cli->arena, &runs, &n, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        if (cli->n_args == 1)
                return story(cli, h, cli->args[0], runs, n);
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
