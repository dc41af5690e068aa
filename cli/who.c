/* immure who: which services may do something at a path. */

#include "base/crew.h"
#include "cli/access.h"
#include "report/scan/scan.h"

#include <fnmatch.h>
#include <sys/capability.h>

static struct {
        struct imm_strv units, users, groups, capabilities, levels;
        bool all, why, unknown;
} asked;

static const struct imm_option options[] = {
        {"unit", 'u', "GLOB", "Only units whose name matches", IMM_OPTION_STRINGS, &asked.units,
                NULL},
        {"run-as", 0, "USER", "Only services that run as this user (name, glob or number)",
                IMM_OPTION_STRINGS, &asked.users, NULL},
        {"group", 0, "GROUP", "Only services that have this group (name, glob or number)",
                IMM_OPTION_STRINGS, &asked.groups, NULL},
        {"capability", 0, "CAP", "Only services that have this capability in effect",
                IMM_OPTION_STRINGS, &asked.capabilities, NULL},
        {"level", 0, "LEVEL", "Only this access: readable, special, sticky or writable",
                IMM_OPTION_STRINGS, &asked.levels, NULL},
        {"unknown", 0, NULL, "Those too of which it cannot be known", IMM_OPTION_FLAG,
                &asked.unknown, NULL},
        {"all", 'a', NULL, "Units of all types, not only services", IMM_OPTION_FLAG, &asked.all,
                NULL},
        {"why", 0, NULL, "Say the reasons", IMM_OPTION_FLAG, &asked.why, NULL},
        {NULL},
};

enum verdict { NO, YES, UNKNOWN, NOT_STARTED, VERDICT_N };

struct answer {
        enum verdict verdict;
        const char *user;
        struct imm_access access;
};

/* All paths asked of all units, by a few threads that take the next units each */
struct job {
        struct imm_cli *cli;
        struct imm_unit **units;
        size_t n;
        struct imm_cli_asked places;
        bool because;
        struct answer *answers; /* those of the first path, then of the second ... */
        uint64_t capabilities;  /* of --capability= */
};

struct worker {
        struct job *job;
        struct imm_arena *arena; /* what the answers are made of; lives as long as they */
};

static bool matches(const struct imm_strv *globs, const char *s) {
        for (size_t i = 0; i < globs->n; i++)
                if (s && fnmatch(globs->v[i], s, 0) == 0)
                        return true;
        return globs->n == 0;
}

static enum verdict judge(const struct imm_access *a, int mode) {
        bool unknown = a->exists < 0;

        if (asked.levels.n > 0) {
                if (!a->level_known)
                        return UNKNOWN;
                if (!matches(&asked.levels, imm_level_name(a->level)))
                        return NO;
        }
        if (mode >= 0)
                return a->allowed[mode] < 0 ? UNKNOWN : a->allowed[mode] == 1 ? YES : NO;
        for (size_t i = 0; i < IMM_MODE_N; i++) {
                if (a->allowed[i] == 1)
                        return YES;
                /* what is no socket cannot be connected to, and is not asked */
                unknown |= a->allowed[i] < 0 && i != IMM_MODE_CONNECT;
        }
        return unknown ? UNKNOWN : NO;
}

static bool matches_id(const struct imm_strv *globs, const char *name, unsigned id) {
        char number[16];

        (void)snprintf(number, sizeof(number), "%u", id);
        return matches(globs, name) || matches(globs, number);
}

static bool has_group(const struct imm_manager *m, const struct imm_identity *id) {
        for (size_t i = 0; i <= id->n_groups; i++) {
                gid_t gid = i == 0 ? id->gid : id->groups[i - 1];
                const struct imm_group *g = imm_group_by_gid(m->users, gid);

                if (matches_id(&asked.groups, g ? g->name : gid == 0 ? "root" : NULL, gid))
                        return true;
        }
        return false;
}

/* Is the unit one of those that are asked? */
static bool selected(const struct job *job, const struct imm_identity *id) {
        return (asked.users.n == 0 || matches_id(&asked.users, id->user, id->uid)) &&
               (asked.groups.n == 0 || has_group(job->cli->manager, id)) &&
               (job->capabilities & ~id->cap_effective) == 0;
}

/* It does not get so far that the question arises; what cannot be known at all is another thing. */
static bool fails(const struct imm_sandbox *sb) {
        enum imm_outcome o = sb->mounts[sb->main].outcome;

        return o != IMM_OUTCOME_OK && o != IMM_OUTCOME_UNKNOWN;
}

/* A unit's sandbox is large and asked once: it goes with the unit's turn. */
static void ask(const struct worker *w, size_t i) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_manager *m = w->job->cli->manager;
        struct imm_unit *u = w->job->units[i];
        const struct imm_identity *id;

        if (!matches(&asked.units, u->name))
                return;
        u->sandbox = imm_sandbox_compute(m, u, a);
        id = &u->sandbox->identity[u->sandbox->main];
        if (selected(w->job, id))
                for (size_t k = 0; k < w->job->places.n; k++) {
                        struct answer *to = w->job->answers + k * w->job->n + i;
                        const struct imm_cli_asked *p = &w->job->places;

                        imm_cli_answer(w->job->cli, u, p, p->places + k, true, 0, a, &to->access);
                        to->verdict = judge(&to->access, p->mode);
                        if (to->verdict == UNKNOWN && fails(u->sandbox))
                                to->verdict = NOT_STARTED;
                        if (to->verdict == NO || to->verdict == NOT_STARTED)
                                continue;
                        to->user = id->user ? imm_strdup(w->arena, id->user) : NULL;
                        if (w->job->because)
                                imm_cli_answer(w->job->cli, u, p, p->places + k, true,
                                        IMM_BECAUSE_ALL, w->arena, &to->access);
                }
        u->sandbox = NULL;
}

static void ask_one(void *data, unsigned worker, size_t i) {
        const struct worker *workers = data;

        ask(&workers[worker], i);
}

static void arena_done(void *data) {
        imm_arena_free(data);
}

static void ask_all(struct job *job) {
        enum { BATCH = 16 };
        unsigned size = imm_crew_size(job->n, BATCH, job->cli->jobs);
        struct worker *w = imm_alloc_array(job->cli->arena, size, sizeof(*w));

        for (unsigned i = 0; i < size; i++) {
                w[i] = (struct worker){.job = job, .arena = imm_arena_new()};
                imm_arena_defer(job->cli->arena, arena_done, w[i].arena);
        }
        imm_crew_run(job->n, BATCH, job->cli->jobs, ask_one, w);
}

static const char *mode_name(const struct job *job) {
        if (job->places.listen)
                return "listen";
        return job->places.mode < 0 ? NULL : imm_mode_name((enum imm_mode)job->places.mode);
}

static void json_units(struct imm_json *j, const struct job *job, size_t path, const char *key,
        enum verdict verdict) {
        imm_json_array(j, key);
        for (size_t i = 0; i < job->n; i++) {
                const struct answer *a = job->answers + path * job->n + i;

                if (a->verdict != verdict)
                        continue;
                imm_json_object(j, NULL);
                imm_json_string(j, "unit", job->units[i]->name);
                imm_json_string(j, "user", a->user);
                imm_cli_access_json(j, &job->places, job->places.places + path, &a->access);
                imm_json_end(j);
        }
        imm_json_end(j);
}

static void json_path(struct imm_json *j, const struct job *job, size_t path) {
        imm_json_string(j, "path", job->places.places[path].text);
        imm_json_string(j, "mode", mode_name(job));
        json_units(j, job, path, "units", YES);
        json_units(j, job, path, "unknown", UNKNOWN);
}

static const char *answer_text(const struct job *job, size_t path, const struct answer *a) {
        if (a->verdict == UNKNOWN)
                return "cannot be known";
        if (a->access.level_known)
                return imm_level_name(a->access.level);
        return job->places.places[path].is_address ? "yes" : "unknown";
}

static void print_answer(const struct job *job, size_t path, size_t i) {
        const struct answer *a = job->answers + path * job->n + i;

        imm_text_put(stdout, job->units[i]->name);
        printf("  %s%s", answer_text(job, path, a), a->user ? "  as " : "");
        if (a->user)
                imm_text_put(stdout, a->user);
        putchar('\n');
        for (size_t k = 0; k < a->access.because.n; k++) {
                fputs("        ", stdout);
                imm_text_put(stdout, a->access.because.v[k]);
                putchar('\n');
        }
}

static void print_path(const struct job *job, size_t path) {
        struct imm_cli *cli = job->cli;
        size_t n[VERDICT_N] = {0};

        for (size_t i = 0; i < job->n; i++) {
                enum verdict v = job->answers[path * job->n + i].verdict;

                n[v]++;
                if (v == YES || (v == UNKNOWN && asked.unknown))
                        print_answer(job, path, i);
        }
        if (!cli->legend)
                return;
        printf("%s%zu of %zu units can %s ", imm_cli_tone(cli, IMM_TONE_FAINT), n[YES], job->n,
                mode_name(job) ? mode_name(job) : "use");
        imm_text_put(stdout, job->places.places[path].text);
        if (n[NOT_STARTED] > 0)
                printf(", %zu do not start", n[NOT_STARTED]);
        if (n[UNKNOWN] > 0)
                printf(", of %zu it cannot be known%s", n[UNKNOWN],
                        asked.unknown ? "" : " (--unknown lists them)");
        printf("%s\n", imm_cli_plain(cli));
}

/* One path: its answer is the document; several: a list of such answers */
static void print_json(const struct job *job) {
        struct imm_json j = imm_json_on(stdout, job->cli->json);
        bool several = job->places.n > 1;

        imm_json_object(&j, NULL);
        imm_report_head_json(&j, "immure.who/1", job->cli->manager);
        if (several)
                imm_json_array(&j, "results");
        for (size_t i = 0; i < job->places.n; i++) {
                if (several)
                        imm_json_object(&j, NULL);
                json_path(&j, job, i);
                if (several)
                        imm_json_end(&j);
        }
        if (several)
                imm_json_end(&j);
        imm_json_end(&j);
}

static int check_filters(struct imm_cli *cli, struct job *job) {
        for (size_t i = 0; i < asked.capabilities.n; i++) {
                const char *name = asked.capabilities.v[i];
                cap_value_t cap;

                if (cap_from_name(imm_after(name, "cap_") || imm_after(name, "CAP_")
                                          ? name
                                          : imm_printf(cli->arena, "cap_%s", name),
                            &cap) < 0 ||
                        cap > 63)
                        return imm_cli_usage(cli, "there is no capability '%s'", name);
                job->capabilities |= UINT64_C(1) << cap;
        }
        for (size_t i = 0; i < asked.levels.n; i++) {
                bool known = false;

                for (enum imm_level l = 0; l <= IMM_LEVEL_WRITABLE; l++)
                        known |= imm_streq(asked.levels.v[i], imm_level_name(l));
                if (!known)
                        return imm_cli_usage(cli, "there is no level '%s'", asked.levels.v[i]);
        }
        return IMM_EXIT_OK;
}

static int run(struct imm_cli *cli) {
        struct job job = {.cli = cli, .because = cli->json != IMM_JSON_OFF || asked.why};
        int r = imm_cli_places(cli, cli->args, cli->n_args, &job.places);

        if (r == IMM_EXIT_OK)
                r = check_filters(cli, &job);
        if (r == IMM_EXIT_OK)
                r = imm_cli_open(cli);
        if (r == IMM_EXIT_OK)
                r = imm_cli_units(cli, NULL, 0, asked.all, &job.units, &job.n);
        if (r != IMM_EXIT_OK)
                return r;
        if (job.n == 0) {
                (void)imm_cli_fail(
                        cli, 0, &(struct imm_err){.msg = (char[]){"there are no units to ask"}});
                if (cli->json != IMM_JSON_OFF)
                        print_json(&job);
                return IMM_EXIT_NOTHING;
        }
        for (size_t i = 0; i < job.n; i++)
                if (job.units[i]->unreadable)
                        cli->partial = true;
        job.answers = imm_alloc_array(cli->arena, job.n * job.places.n, sizeof(*job.answers));
        imm_cli_say_version(cli);
        ask_all(&job);
        imm_cli_unseen(cli);
        if (cli->json != IMM_JSON_OFF)
                print_json(&job);
        for (size_t i = 0; cli->json == IMM_JSON_OFF && i < job.places.n; i++)
                print_path(&job, i);
        return imm_cli_done(cli);
}

const struct imm_verb imm_verb_who = {
        .name = "who",
        .arguments = "[read|write|execute|connect|listen] PATH|ADDRESS…",
        .summary = "Which services may do something at a path or an address",
        .details = "Without a mode: which may do anything at all there. The answer counts every "
                   "command of a unit.",
        .options = options,
        .run = run,
};
