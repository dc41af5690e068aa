#include "audit/difference.h"
#include "cli/audit.h"
#include "cli/check.h"
#include "rules/snapshot.h"

void imm_check_status(struct imm_check_run *c, int status) {
        if (status != IMM_EXIT_OK && status != IMM_EXIT_NO &&
                (c->status == IMM_EXIT_OK || status < c->status))
                c->status = status;
}

void imm_check_problem(struct imm_check_run *c, const char *file, unsigned line, const char *text) {
        const char *key = imm_printf(c->arena, "%s\n%u\n%s", file ? file : "", line, text);

        if (imm_map_has(&c->told, key))
                return;
        imm_map_put(c->arena, &c->told, key, c);
        imm_diag_add(c->arena, &c->problems, IMM_DIAG_UNREADABLE, "problem",
                file ? imm_strdup(c->arena, file) : NULL, line, NULL, "%s", text);
}

void imm_check_problems(struct imm_check_run *c, const struct imm_diags *from, int least) {
        imm_array_foreach (d, from)
                if ((int)d->level >= least)
                        imm_check_problem(c, d->file, d->line, d->message);
}

void imm_check_done(struct imm_check_run *c) {
        imm_array_foreach (s, &c->targets)
                imm_snapshot_free(*s);
        c->targets.n = 0;
        c->rules = imm_rulebook_free(c->rules);
}

/* ---- one target: all units as one systemd version would run them ---- */

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

static void move_back(const struct imm_check_run *c, struct imm_snapshot *s) {
        imm_array_foreach (p, &s->states) {
                const char *rest =
                        c->moved_from && (*p)->path ? imm_after((*p)->path, c->moved_from) : NULL;

                if (rest)
                        (*p)->path = imm_printf(s->arena, "%s%s", c->moved_to, rest);
        }
}

static void problems_of_unit(
        struct imm_cli *cli, struct imm_check_run *c, const struct imm_audited *u) {
        size_t n = c->problems.n;

        if (u->load == IMM_LOAD_NOT_FOUND && imm_cli_is_named(cli, u->unit) &&
                imm_cli_is_nowhere(cli, u->unit))
                imm_check_problem(c, u->unit->given_by_path ? u->unit->fragment : NULL, 0,
                        imm_printf(cli->arena, "unit '%s' is nowhere", u->unit->name));
        imm_check_problems(c, &u->unit->diags, IMM_DIAG_UNREADABLE);
        imm_check_problems(c, &u->judged->diags, IMM_DIAG_UNREADABLE);
        for (size_t i = 0; i < u->judged->n_files; i++)
                imm_check_problems(c, &u->judged->files[i]->diags, IMM_DIAG_UNREADABLE);
        imm_check_problems(c, &u->diags, IMM_DIAG_UNREADABLE);
        if (u->partial && c->problems.n == n)
                imm_check_problem(c, u->unit->fragment, 0, "a file of the unit cannot be read");
}

static void take(struct imm_cli *cli, struct imm_check_run *c, struct imm_cli_audit *a,
        struct imm_waivers *waivers) {
        struct imm_snapshot *s = imm_steal(a->snapshot);

        s->partial |= cli->partial;
        s->immure = IMM_VERSION;
        move_back(c, s);
        tell_apart(s);
        *imm_array_push(c->arena, &c->targets) = s;
        imm_check_problems(c, &a->rules->diags, IMM_DIAG_ERROR);
        imm_check_problems(c, &cli->manager->diags, IMM_DIAG_UNREADABLE);
        for (size_t i = 0; i < a->audit->n_units; i++) {
                problems_of_unit(cli, c, &a->audit->units[i]);
                if (waivers)
                        imm_waivers_add_unit(waivers, a->audit->units[i].unit);
        }
        imm_array_foreach (glob, &a->unlike)
                imm_check_problem(
                        c, NULL, 0, imm_printf(cli->arena, "there is no unit like '%s'", *glob));
        if (a->audit->n_units == 0)
                imm_check_problem(c, NULL, 0, "there is no unit to judge");
}

static bool judge_target(struct imm_cli *cli, struct imm_check_run *c, const char *version,
        struct imm_waivers *waivers) {
        struct imm_cli one = *cli;
        struct imm_cli_audit a = {.policy = c->policy,
                .project = c->project,
                .want_snapshot = true,
                .what = {.parts = IMM_SNAPSHOT_GATE}};
        size_t n = c->targets.n;
        int r;

        one.versions = (struct imm_strv){0};
        one.root = NULL;
        one.manager = NULL;
        one.partial = false;
        if (version)
                imm_strv_add(cli->arena, &one.versions, version);
        r = imm_cli_open(&one);
        if (r == IMM_EXIT_OK && n == 0)
                imm_cli_say_version(&one);
        if (r == IMM_EXIT_OK)
                r = imm_cli_rules(&one, &a);
        if (r == IMM_EXIT_OK)
                r = imm_cli_audit(&one, &a, false);
        if (r == IMM_EXIT_OK) {
                r = imm_cli_audit_status(&one, &a);
                take(&one, c, &a, waivers);
        }
        imm_check_status(c, r);
        imm_rulebook_free(c->rules);
        c->rules = imm_steal(a.rules);
        imm_cli_audit_done(&a);
        imm_manager_free(one.manager);
        imm_root_free(one.root);
        imm_err_done(&one.err);
        return c->targets.n > n;
}

/* ---- several targets: the worst of them, and which ones ---- */

/* A finding of the merged state, and the targets that have it */
struct merged {
        struct imm_state_finding finding;
        struct imm_strv versions;
};

struct merge {
        struct imm_arena *a;
        struct imm_map known; /* key and ordinal -> struct merged */
};

static void merge_finding(struct merge *m, struct imm_map *counts, const struct imm_state *s,
        const struct imm_state_finding *f, const char *version) {
        const char *key = imm_finding_key(m->a, s->unit, f);
        size_t nth = (size_t)(uintptr_t)imm_map_get(counts, key);
        struct merged *x;

        imm_map_put(m->a, counts, key, (void *)(uintptr_t)(nth + 1));
        key = imm_printf(m->a, "%s\n%zu", key, nth);
        x = imm_map_get(&m->known, key);
        if (!x) {
                x = imm_new(m->a, struct merged);
                x->finding = *f;
                imm_map_put(m->a, &m->known, key, x);
        } else if (f->severity > x->finding.severity)
                x->finding = *f;
        imm_strv_add(m->a, &x->versions, version);
}

static const char *list_of(struct imm_arena *a, const struct imm_strv *v) {
        const char *s = v->v[0];

        for (size_t i = 1; i < v->n; i++)
                s = imm_printf(a, "%s, %s", s, v->v[i]);
        return s;
}

/* The same unit of all targets into the first one's state */
static void merge_unit(struct imm_snapshot *to, struct imm_state *s, const struct imm_check_run *c,
        const struct imm_strv *versions) {
        struct merge m = {.a = to->arena};
        size_t n = 0;

        for (size_t i = 0; i < c->targets.n; i++) {
                const struct imm_state *t = imm_snapshot_find(c->targets.v[i], s->unit);
                struct imm_map counts = {0};

                if (!t)
                        continue;
                n++;
                if (t->exposure > s->exposure)
                        s->exposure = t->exposure;
                if (t->reach > s->reach)
                        s->reach = t->reach;
                imm_array_foreach (f, &t->findings)
                        merge_finding(&m, &counts, s, f, versions->v[i]);
        }
        s->findings.n = 0;
        for (size_t i = 0; i < m.known.n; i++) {
                const struct merged *x = m.known.v[i].value;
                struct imm_state_finding *f = imm_array_push(to->arena, &s->findings);

                *f = x->finding;
                if (x->versions.n == n)
                        continue;
                f->evidence = (struct imm_strv){0};
                for (size_t k = 0; k < x->finding.evidence.n; k++)
                        imm_strv_add(to->arena, &f->evidence, x->finding.evidence.v[k]);
                imm_strv_add(to->arena, &f->evidence,
                        imm_printf(to->arena, "with systemd %s", list_of(to->arena, &x->versions)));
        }
}

struct imm_snapshot *imm_check_judge(
        struct imm_cli *cli, struct imm_check_run *c, struct imm_waivers *waivers) {
        size_t n = cli->versions.n ? cli->versions.n : 1;
        struct imm_snapshot *first;

        for (size_t i = 0; i < n; i++)
                if (!judge_target(cli, c, cli->versions.n ? cli->versions.v[i] : NULL,
                            i == 0 ? waivers : NULL))
                        return NULL;
        first = c->targets.v[0];
        if (n == 1)
                return first;
        for (size_t i = 1; i < n; i++)
                first->partial |= c->targets.v[i]->partial;
        imm_array_foreach (s, &first->states)
                merge_unit(first, *s, c, &cli->versions);
        imm_snapshot_sort(first);
        return first;
}
