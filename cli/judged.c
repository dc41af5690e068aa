#include "cli/judged.h"

#include "analyzer/sandbox/sandbox.h"
#include "audit/owner.h"
#include "base/map.h"
#include "cli/audit.h"
#include "rules/snapshot.h"

struct imm_cli_judged {
        struct imm_cli *cli;
        struct imm_cli_audit audit;
        struct imm_snapshot *states;
};

int imm_cli_judged_open(struct imm_cli *cli, struct imm_cli_judged **ret) {
        struct imm_cli_judged *w = imm_xcalloc(1, sizeof(*w));
        int r;

        w->cli = cli;
        w->states = imm_snapshot_new();
        r = imm_cli_rules(cli, &w->audit);
        if (r != IMM_EXIT_OK) {
                imm_cli_judged_free(w);
                return r;
        }
        *ret = w;
        return IMM_EXIT_OK;
}

struct imm_cli_judged *imm_cli_judged_free(struct imm_cli_judged *w) {
        if (!w)
                return NULL;
        imm_cli_audit_done(&w->audit);
        imm_snapshot_free(w->states);
        free(w);
        return NULL;
}

static struct imm_state *judge(struct imm_cli_judged *w, struct imm_unit *u) {
        struct imm_audit_options options = {
                .cards = w->audit.cards, .n_cards = w->audit.n_cards, .jobs = 1};
        struct imm_audit *one = imm_audit_run(w->cli->manager, w->audit.rules, &u, 1, &options);
        struct imm_state *s = imm_snapshot_add_unit(w->states, one, &one->units[0], 0);

        imm_audit_free(one);
        imm_snapshot_sort(w->states);
        return imm_snapshot_find(w->states, u->name) ?: s;
}

void imm_cli_judged_json(struct imm_cli_judged *w, struct imm_unit *u, struct imm_json *j) {
        const struct imm_state *s = judge(w, u);

        imm_json_string(j, "exposure", imm_tenths_text(w->cli->arena, s->exposure));
        imm_json_string(j, "rating", s->rating);
        imm_json_string(j, "reach", imm_tenths_text(w->cli->arena, s->reach));
        imm_findings_json(s, j);
}

/* Each file that findings point to, once: whose it is, and where its lines are overridden */
static void owners(const struct imm_cli *cli, const struct imm_state *s) {
        struct imm_map seen = {0};

        imm_array_foreach (f, &s->findings) {
                if (!f->file || !f->owner || f->severity == IMM_SEVERITY_INFO ||
                        imm_map_has(&seen, f->file))
                        continue;
                if (seen.n == 0)
                        printf("\n%sOwners of these lines%s\n", imm_cli_tone(cli, IMM_TONE_BOLD),
                                imm_cli_plain(cli));
                imm_map_put(cli->arena, &seen, f->file, cli->arena);
                fputs("  ", stdout);
                imm_text_put(stdout, f->file);
                fputs(": ", stdout);
                imm_text_put(stdout, imm_owner_line(s, f, cli->arena));
                putchar('\n');
        }
}

enum { FEW = 4 }; /* capabilities that are named */

/* Capabilities and ids in a line or two */
static void identity(struct imm_cli_judged *w, struct imm_unit *u) {
        const struct imm_sandbox *b = imm_sandbox_of(w->cli->manager, u);
        const struct imm_identity *id = &b->identity[b->main];
        unsigned n = (unsigned)__builtin_popcountll(id->cap_effective);

        printf("\n%sRuns as%s\n  ", imm_cli_tone(w->cli, IMM_TONE_BOLD), imm_cli_plain(w->cli));
        if (id->dynamic)
                fputs("a user of its own, made at start", stdout);
        else {
                imm_text_put(stdout, id->user ? id->user : "user");
                printf(" (uid %u, gid %u)", id->uid, id->gid);
        }
        printf(", %s%s%s\n",
                n == 0     ? "no capabilities"
                : n <= FEW ? imm_caps_text(id->cap_effective, w->cli->arena)
                           : imm_printf(w->cli->arena, "%u effective capabilities", n),
                id->no_new_privileges ? ", no new privileges" : "",
                id->userns != IMM_USERNS_NONE ? ", in a user namespace" : "");
        if (id->why) {
                fputs("  ", stdout);
                imm_text_put(stdout, id->why);
                putchar('\n');
        }
}

void imm_cli_judged_text(struct imm_cli_judged *w, struct imm_unit *u) {
        const struct imm_state *s = judge(w, u);
        const struct imm_cli *cli = w->cli;
        size_t infos = 0;

        if (u->type == IMM_UNIT_SERVICE)
                identity(w, u);
        printf("\n%sFindings%s", imm_cli_tone(cli, IMM_TONE_BOLD), imm_cli_plain(cli));
        if (s->exposure >= 0)
                printf("  exposure %s", imm_tenths_text(cli->arena, s->exposure));
        if (s->reach >= 0)
                printf("%sreach %s", s->exposure >= 0 ? ", " : "  ",
                        imm_tenths_text(cli->arena, s->reach));
        puts(s->findings.n == 0 ? "\n  none" : "");
        imm_array_foreach (f, &s->findings) {
                enum imm_tone tone = f->severity >= IMM_SEVERITY_HIGH     ? IMM_TONE_BAD
                                     : f->severity == IMM_SEVERITY_MEDIUM ? IMM_TONE_FAIR
                                                                          : IMM_TONE_FAINT;

                if (f->severity == IMM_SEVERITY_INFO) {
                        infos++;
                        continue;
                }
                imm_text_put(stdout, f->file ? f->file : s->unit);
                printf(":%u: %s%s%s: ", f->line, imm_cli_tone(cli, tone),
                        imm_severity_name(f->severity), imm_cli_plain(cli));
                imm_text_put(stdout, f->scorecard ? f->scorecard : "");
                putchar('/');
                imm_text_put(stdout, f->rule ? f->rule : "");
                if (f->evidence.n > 0) {
                        fputs(": ", stdout);
                        imm_text_put(stdout, f->evidence.v[0]);
                }
                putchar('\n');
        }
        if (infos > 0)
                printf("and %zu notes (immure show --json has them)\n", infos);
        owners(cli, s);
}
