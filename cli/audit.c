#include "cli/audit.h"

#include <errno.h>
#include <unistd.h>

int imm_cli_rules(struct imm_cli *cli, struct imm_cli_audit *a) {
        imm_cleanup(imm_root_free) struct imm_root *host = NULL;
        struct imm_rules_options options = {
                .version = cli->manager->version,
                .policy = a->policy,
                .analysed = cli->root,
        };

        if (a->policy &&
                access(a->policy, R_OK) < 0) /* figures without it are none that were asked for */
                return imm_cli_usage(cli, "--security-policy='%s': %s", a->policy, strerror(errno));
        if (imm_root_open(&host, NULL, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        options.root = host;
        if (a->project)
                options.project = imm_printf(cli->arena, "%s/.immure/rules", a->project);
        a->rules = imm_rules_load(&options);
        a->broken_rules = imm_rules_broken(a->rules);
        imm_cli_diags(cli, &a->rules->diags);
        a->n_cards = cli->scorecards.n ? cli->scorecards.n : a->rules->n_cards;
        a->cards = imm_alloc_array(cli->arena, a->n_cards, sizeof(*a->cards));
        for (size_t i = 0; i < a->n_cards; i++) {
                const char *name = cli->scorecards.n ? cli->scorecards.v[i] : NULL;

                a->cards[i] = name ? imm_scorecard_by_name(a->rules, name) : a->rules->cards[i];
                if (!a->cards[i])
                        return imm_cli_usage(
                                cli, "--scorecard='%s': there is no such scorecard", name);
        }
        return IMM_EXIT_OK;
}

/* Files and lines are shared by many units: each diagnostic is said once. */
static void say(struct imm_cli *cli, struct imm_map *said, const struct imm_diags *d) {
        imm_array_foreach (i, d) {
                const struct imm_diags one = {.v = i, .n = 1, .cap = 1};
                const char *key;

                if (i->level == IMM_DIAG_UNREADABLE)
                        cli->partial = true;
                if (i->level < IMM_DIAG_WARNING)
                        continue;
                key = imm_printf(
                        cli->arena, "%s\n%u\n%s", i->file ? i->file : "", i->line, i->message);
                if (imm_map_has(said, key))
                        continue;
                imm_map_put(cli->arena, said, key, cli);
                imm_cli_diags(cli, &one);
        }
}

static bool is_missing(struct imm_cli *cli, const struct imm_audited *u) {
        return u->load == IMM_LOAD_NOT_FOUND && imm_cli_is_named(cli, u->unit) &&
               imm_cli_is_nowhere(cli, u->unit);
}

static void say_about(struct imm_cli *cli, struct imm_map *said, const struct imm_audited *u) {
        if (u->partial)
                cli->partial = true;
        say(cli, said, &u->unit->diags);
        if (u->judged != u->unit)
                say(cli, said, &u->judged->diags);
        for (size_t i = 0; i < u->judged->n_files; i++)
                say(cli, said, &u->judged->files[i]->diags);
        say(cli, said, &u->diags);
        if (is_missing(cli, u) && !cli->silent) {
                fputs("immure: unit '", stderr);
                imm_text_put(stderr, u->unit->name);
                fputs("' is nowhere\n", stderr);
        }
}

/* A pattern that is misspelt must not pass for one that was judged. */
static void find_unlike(struct imm_cli *cli, struct imm_cli_audit *a) {
        for (size_t i = 0; i < cli->n_args; i++) {
                imm_err_auto err = IMM_ERR_INIT;

                if (!imm_cli_is_glob(cli->args[i]) || imm_cli_glob_matches(cli, cli->args[i]))
                        continue;
                imm_strv_add(cli->arena, &a->unlike, cli->args[i]);
                (void)imm_err_set(&err, -ENOENT, "there is no unit like '%s'", cli->args[i]);
                (void)imm_cli_fail(cli, IMM_EXIT_USAGE, &err);
                a->missing = true;
        }
}

int imm_cli_audit(struct imm_cli *cli, struct imm_cli_audit *a, bool all_types) {
        struct imm_audit_options options = {
                .cards = a->cards, .n_cards = a->n_cards, .jobs = cli->jobs};
        struct imm_map said = {0};
        struct imm_unit **units;
        size_t n;
        int r = imm_cli_units(cli, cli->args, cli->n_args, all_types, &units, &n);

        if (r != IMM_EXIT_OK)
                return r;
        if (a->want_snapshot)
                a->snapshot = imm_snapshot_judge(
                        cli->manager, a->rules, units, n, &options, &a->what, &a->audit);
        else
                a->audit = imm_audit_run(cli->manager, a->rules, units, n, &options);
        (void)fflush(stdout);
        say(cli, &said, &cli->manager->diags);
        if (n > 0)
                find_unlike(cli, a);
        for (size_t i = 0; i < n; i++) {
                say_about(cli, &said, &a->audit->units[i]);
                a->missing |= is_missing(cli, &a->audit->units[i]);
        }
        return IMM_EXIT_OK;
}

int imm_cli_audit_status(struct imm_cli *cli, const struct imm_cli_audit *a) {
        if (a->broken_rules || a->missing)
                return IMM_EXIT_USAGE;
        if (cli->partial)
                return IMM_EXIT_PARTIAL;
        if (a->audit->n_units > 0)
                return IMM_EXIT_OK;
        imm_err_auto err = IMM_ERR_INIT;

        (void)imm_err_set(&err, -ENOENT,
                cli->n_args ? "no unit of that name in '%s'" : "no units in '%s'",
                imm_root_path(cli->root));
        return imm_cli_fail(cli, IMM_EXIT_NOTHING, &err);
}

void imm_cli_audit_done(struct imm_cli_audit *a) {
        imm_snapshot_free(a->snapshot);
        imm_audit_free(a->audit);
        imm_rulebook_free(a->rules);
}
