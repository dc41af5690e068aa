#include "cli/audit.h"
#include "cli/check.h"

#include "rules/waiver.h"

#include <errno.h>

/* `immure rules`: the rules in force and where each comes from; one explained; files looked over.
 */

static struct { bool validate; } arg;

static const struct imm_option options[] = {
        {"validate", 0, NULL,
                "The arguments are rule files, profiles, waivers: tell each mistake with file and "
                "line",
                IMM_OPTION_FLAG, &arg.validate},
        {0},
};

/* ---- all ---- */

static void put_strings(struct imm_json *j, const char *key, const struct imm_strv *l) {
        imm_json_array(j, key);
        for (size_t i = 0; i < l->n; i++)
                imm_json_string(j, NULL, l->v[i]);
        imm_json_end(j);
}

static void put(struct imm_json *j, const struct imm_scorecard *card, const struct imm_rule *r) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_strv asks = {0};

        imm_json_object(j, NULL);
        imm_json_string(j, "rule", r->id);
        imm_json_string(j, "scorecard", card->name);
        imm_json_string(j, "title", r->title);
        imm_json_string(j, "severity", imm_severity_name(r->severity));
        imm_json_uint(j, "weight", r->weight);
        imm_json_string(j, "why", r->description);
        imm_rule_asks(r, a, &asks);
        put_strings(j, "evidence", &asks);
        imm_json_array(j, "remedy");
        for (size_t i = 0; i < r->n_remedies; i++)
                imm_json_string(j, NULL,
                        imm_printf(a, "%s=%s", r->remedies[i].setting, r->remedies[i].value));
        imm_json_end(j);
        imm_json_string(j, "do", r->advice);
        imm_json_string(j, "not_when", r->not_when);
        put_strings(j, "files", &r->files);
        put_strings(j, "documentation", &r->documentation);
        imm_json_end(j);
}

static bool names(const struct imm_scorecard *card, const struct imm_rule *r, const char *name) {
        const char *rest = imm_after(name, card->name);

        return imm_streq(r->id, name) || imm_streq(r->name, name) ||
               (rest && *rest == '/' && imm_streq(r->id, rest + 1));
}

static bool names_profile(const struct imm_profile_file *p, const char *name) {
        const char *rest = imm_after(name, "profiles/");

        return imm_streq(rest ? rest : name, p->name);
}

/* All of them, or those that the arguments name */
static void put_all(const struct imm_cli *cli, const struct imm_cli_audit *a) {
        struct imm_json j = imm_json_on(stdout, cli->json);

        imm_json_object(&j, NULL);
        imm_json_string(&j, "schema", "immure.rules/1");
        imm_json_uint(&j, "systemd", a->rules->version);
        imm_json_array(&j, "rules");
        for (size_t c = 0; c < a->n_cards; c++)
                for (size_t i = 0; i < a->cards[c]->n_rules; i++) {
                        bool wanted = cli->n_args == 0;

                        for (size_t k = 0; k < cli->n_args; k++)
                                wanted |= names(a->cards[c], a->cards[c]->rules[i], cli->args[k]);
                        if (wanted)
                                put(&j, a->cards[c], a->cards[c]->rules[i]);
                }
        imm_json_end(&j);
        imm_json_array(&j, "profiles");
        for (size_t i = 0; i < a->rules->n_profiles; i++) {
                bool wanted = cli->n_args == 0;

                for (size_t k = 0; k < cli->n_args; k++)
                        wanted |= names_profile(&a->rules->profiles[i], cli->args[k]);
                if (!wanted)
                        continue;
                imm_json_object(&j, NULL);
                imm_json_string(&j, "profile", a->rules->profiles[i].name);
                imm_json_string(&j, "file", a->rules->profiles[i].path);
                imm_json_end(&j);
        }
        imm_json_end(&j);
        imm_json_end(&j);
}

static void print_row(const struct imm_cli *cli, const char *name, const char *severity,
        const char *weight, const char *from) {
        int pad = 52 - (int)imm_text_width(name);

        imm_text_put(stdout, name);
        printf("%*s  %-8s  %6s  ", pad > 0 ? pad : 0, "", severity, weight);
        imm_text_put(stdout, from);
        putchar('\n');
}

static void print_all(const struct imm_cli *cli, const struct imm_cli_audit *a) {
        if (cli->legend)
                printf("%s%-52s  %-8s  %6s  %s%s\n", imm_cli_tone(cli, IMM_TONE_BOLD), "RULE",
                        "SEVERITY", "WEIGHT", "FROM", imm_cli_plain(cli));
        for (size_t c = 0; c < a->n_cards; c++)
                for (size_t i = 0; i < a->cards[c]->n_rules; i++) {
                        const struct imm_rule *r = a->cards[c]->rules[i];

                        print_row(cli, imm_printf(cli->arena, "%s/%s", a->cards[c]->name, r->id),
                                imm_severity_name(r->severity),
                                imm_printf(cli->arena, "%llu", (unsigned long long)r->weight),
                                r->files.n ? r->files.v[r->files.n - 1] : "");
                }
        for (size_t i = 0; cli->scorecards.n == 0 && i < a->rules->n_profiles; i++)
                print_row(cli, imm_printf(cli->arena, "profiles/%s", a->rules->profiles[i].name),
                        "-", "-", a->rules->profiles[i].path);
}

/* ---- one ---- */

static void put_text(const struct imm_cli *cli, const char *s) {
        for (const char *end; *s; s = *end ? end + 1 : end) {
                end = strchrnul(s, '\n');
                fputs("  ", stdout);
                imm_text_put(stdout, imm_strndup(cli->arena, s, (size_t)(end - s)));
                putchar('\n');
        }
}

static void heading(const struct imm_cli *cli, const char *title, bool any) {
        if (any)
                printf("\n%s%s%s\n", imm_cli_tone(cli, IMM_TONE_BOLD), title, imm_cli_plain(cli));
}

static void section(const struct imm_cli *cli, const char *title, const char *text) {
        heading(cli, title, text && *text);
        if (text)
                put_text(cli, text);
}

static void explain(
        const struct imm_cli *cli, const struct imm_scorecard *card, const struct imm_rule *r) {
        struct imm_strv asks = {0};

        printf("%s%s/%s%s: ", imm_cli_tone(cli, IMM_TONE_BOLD), card->name,
                imm_text_escape(cli->arena, r->id), imm_cli_plain(cli));
        imm_text_put(stdout, r->title ? r->title : "");
        printf("\n\n  severity  %s\n  weight    %llu\n", imm_severity_name(r->severity),
                (unsigned long long)r->weight);
        for (size_t i = 0; i < r->files.n; i++)
                printf("  %s  %s\n", i == 0 ? "from    " : "        ",
                        imm_text_escape(cli->arena, r->files.v[i]));
        for (size_t i = 0; i < r->documentation.n; i++)
                printf("  %s  %s\n", i == 0 ? "see     " : "        ",
                        imm_text_escape(cli->arena, r->documentation.v[i]));
        section(cli, "Why", r->description);
        imm_rule_asks(r, cli->arena, &asks);
        heading(cli, "Evidence", asks.n > 0);
        for (size_t i = 0; i < asks.n; i++)
                put_text(cli, asks.v[i]);
        heading(cli, "Remedy", r->n_remedies > 0 || r->advice);
        for (size_t i = 0; i < r->n_remedies; i++)
                put_text(cli, imm_printf(cli->arena, "%s=%s", r->remedies[i].setting,
                                      r->remedies[i].value));
        if (r->advice)
                put_text(cli, r->advice);
        section(cli, "When not", r->not_when);
        section(cli, "The rule itself", r->text);
}

static size_t explain_profiles(
        const struct imm_cli *cli, const struct imm_cli_audit *a, const char *name) {
        size_t found = 0;

        for (size_t i = 0; i < a->rules->n_profiles; i++) {
                const struct imm_profile_file *p = &a->rules->profiles[i];

                if (!names_profile(p, name))
                        continue;
                found++;
                if (cli->json != IMM_JSON_OFF)
                        continue;
                printf("%sprofiles/%s%s\n\n  from      %s\n\n", imm_cli_tone(cli, IMM_TONE_BOLD),
                        imm_text_escape(cli->arena, p->name), imm_cli_plain(cli),
                        imm_text_escape(cli->arena, p->path));
                put_text(cli, p->text);
        }
        return found;
}

static int explain_all(struct imm_cli *cli, const struct imm_cli_audit *a) {
        for (size_t k = 0; k < cli->n_args; k++) {
                size_t found = explain_profiles(cli, a, cli->args[k]);

                for (size_t c = 0; c < a->n_cards; c++)
                        for (size_t i = 0; i < a->cards[c]->n_rules; i++) {
                                const struct imm_rule *r = a->cards[c]->rules[i];

                                if (!names(a->cards[c], r, cli->args[k]))
                                        continue;
                                if (cli->json == IMM_JSON_OFF)
                                        explain(cli, a->cards[c], r);
                                found++;
                        }
                if (found == 0)
                        return imm_cli_usage(cli,
                                "there is no rule '%s'; `immure rules` lists them", cli->args[k]);
        }
        if (cli->json != IMM_JSON_OFF)
                put_all(cli, a);
        return IMM_EXIT_OK;
}

/* ---- files ---- */

static int validate(struct imm_cli *cli) {
        imm_cleanup(imm_root_free) struct imm_root *host = NULL;
        imm_cleanup(imm_waivers_free) struct imm_waivers *w = imm_waivers_new();
        struct imm_diags d = {0};

        if (cli->n_args == 0)
                return imm_cli_usage(cli, "--validate needs the files");
        if (imm_root_open(&host, NULL, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        for (size_t i = 0; i < cli->n_args; i++) {
                imm_auto_free char *full = realpath(cli->args[i], NULL);

                if (!full) {
                        (void)imm_err_set(&cli->err, -errno, "cannot read '%s': %s", cli->args[i],
                                strerror(errno));
                        return imm_cli_fail(cli, IMM_EXIT_USAGE, &cli->err);
                }
                if (imm_ends_with(full, ".waiver"))
                        imm_waivers_add_file(w, host, full, cli->args[i]);
                else
                        imm_rule_validate(
                                host, full, cli->args[i], IMM_VERSION_LATEST, cli->arena, &d);
        }
        imm_cli_diags(cli, &d);
        imm_cli_diags(cli, &w->diags);
        d.n += w->diags.n;
        if (d.n == 0 && !cli->quiet)
                printf("%zu files, no mistake\n", cli->n_args);
        return d.n > 0 ? IMM_EXIT_USAGE : IMM_EXIT_OK;
}

static int run(struct imm_cli *cli) {
        struct imm_cli_audit a = {.project = imm_check_project_here(cli)};
        int r;

        if (arg.validate)
                return validate(cli);
        r = imm_cli_open(cli);
        if (r == IMM_EXIT_OK)
                r = imm_cli_rules(cli, &a);
        if (r == IMM_EXIT_OK && cli->n_args > 0)
                r = explain_all(cli, &a);
        else if (r == IMM_EXIT_OK && cli->json != IMM_JSON_OFF)
                put_all(cli, &a);
        else if (r == IMM_EXIT_OK)
                print_all(cli, &a);
        if (r == IMM_EXIT_OK && a.broken_rules)
                r = IMM_EXIT_USAGE;
        imm_cli_audit_done(&a);
        return r;
}

const struct imm_verb imm_verb_rules = {
        .name = "rules",
        .arguments = "[NAME… | --validate FILE…]",
        .summary = "The rules in force, with origin, severity and weight; one explained",
        .options = options,
        .run = run,
};
