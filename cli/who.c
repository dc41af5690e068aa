/* immure who: which services may do something at a path. */

#include "cli/access.h"

#include <fnmatch.h>
#include <pthread.h>

static struct {
        struct imm_strv units, users, levels;
        bool all, why;
} asked;

static const struct imm_option options[] = {
        {"unit", 'u', "GLOB", "Only units whose name matches", IMM_OPTION_STRINGS, &asked.units,
                NULL},
        {"run-as", 0, "USER", "Only services that run as this user (globs are taken)",
                IMM_OPTION_STRINGS, &asked.users, NULL},
        {"level", 0, "LEVEL", "Only this access: readable, special, sticky or writable",
                IMM_OPTION_STRINGS, &asked.levels, NULL},
        {"all", 'a', NULL, "Units of all types, not only services", IMM_OPTION_FLAG, &asked.all,
                NULL},
        {"why", 0, NULL, "Say the reasons", IMM_OPTION_FLAG, &asked.why, NULL},
        {NULL},
};

struct answer {
        bool in; /* the unit is part of the answer */
        const char *user;
        struct imm_access access;
};

/* All paths asked of all units, by a few threads that take the next units each */
struct job {
        struct imm_cli *cli;
        struct imm_unit **units;
        size_t n, next;
        struct imm_cli_asked places;
        bool because;
        struct answer *answers; /* those of the first path, then of the second ... */
};

struct worker {
        pthread_t thread;
        struct job *job;
        struct imm_arena *arena; /* what the answers are made of; lives as long as they */
};

static bool matches(const struct imm_strv *globs, const char *s) {
        for (size_t i = 0; i < globs->n; i++)
                if (s && fnmatch(globs->v[i], s, 0) == 0)
                        return true;
        return globs->n == 0;
}

static bool wanted(const struct imm_access *a, int mode) {
        if (asked.levels.n > 0 &&
                !(a->level_known && matches(&asked.levels, imm_level_name(a->level))))
                return false;
        if (mode >= 0)
                return a->allowed[mode] == 1;
        for (size_t i = 0; i < IMM_MODE_N; i++)
                if (a->allowed[i] == 1)
                        return true;
        return false;
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
        if (matches(&asked.users, id->user))
                for (size_t k = 0; k < w->job->places.n; k++) {
                        struct answer *to = w->job->answers + k * w->job->n + i;
                        const struct imm_cli_asked *p = &w->job->places;

                        imm_cli_answer(
                                w->job->cli, u, p, p->places + k, true, false, a, &to->access);
                        to->in = wanted(&to->access, p->mode);
                        if (!to->in)
                                continue;
                        to->user = id->user ? imm_strdup(w->arena, id->user) : NULL;
                        if (w->job->because)
                                imm_cli_answer(w->job->cli, u, p, p->places + k, true, true,
                                        w->arena, &to->access);
                }
        u->sandbox = NULL;
}

static void *work(void *data) {
        const struct worker *w = data;
        struct job *job = w->job;
        enum { STEP = 16 };

        for (;;) {
                size_t i = __atomic_fetch_add(&job->next, STEP, __ATOMIC_RELAXED);

                if (i >= job->n)
                        return NULL;
                for (size_t k = i; k < job->n && k < i + STEP; k++)
                        ask(w, k);
        }
}

enum { MAX_THREADS = 64 };

static void arena_done(void *data) {
        imm_arena_free(data);
}

static void ask_all(struct job *job) {
        size_t limit = job->cli->jobs < MAX_THREADS ? job->cli->jobs : MAX_THREADS, n = 0;
        struct worker *w = imm_alloc_array(job->cli->arena, limit, sizeof(*w));

        for (size_t i = 0; i < limit; i++) {
                w[i] = (struct worker){.job = job, .arena = imm_arena_new()};
                imm_arena_defer(job->cli->arena, arena_done, w[i].arena);
        }
        while (n + 1 < limit && pthread_create(&w[n + 1].thread, NULL, work, &w[n + 1]) == 0)
                n++;
        (void)work(&w[0]);
        for (; n > 0; n--)
                (void)pthread_join(w[n].thread, NULL);
}

static const char *mode_name(const struct job *job) {
        if (job->places.listen)
                return "listen";
        return job->places.mode < 0 ? NULL : imm_mode_name((enum imm_mode)job->places.mode);
}

static void json_path(struct imm_json *j, const struct job *job, size_t path) {
        imm_json_string(j, "path", job->places.places[path].text);
        imm_json_string(j, "mode", mode_name(job));
        imm_json_array(j, "units");
        for (size_t i = 0; i < job->n; i++) {
                const struct answer *a = job->answers + path * job->n + i;

                if (!a->in)
                        continue;
                imm_json_object(j, NULL);
                imm_json_string(j, "unit", job->units[i]->name);
                imm_json_string(j, "user", a->user);
                imm_cli_access_json(j, &job->places, job->places.places + path, &a->access);
                imm_json_end(j);
        }
        imm_json_end(j);
}

static void print_path(const struct job *job, size_t path) {
        struct imm_cli *cli = job->cli;
        size_t n = 0;

        for (size_t i = 0; i < job->n; i++) {
                const struct answer *a = job->answers + path * job->n + i;

                if (!a->in)
                        continue;
                n++;
                imm_text_put(stdout, job->units[i]->name);
                printf("  %s%s",
                        a->access.level_known                 ? imm_level_name(a->access.level)
                        : job->places.places[path].is_address ? "yes"
                                                              : "unknown",
                        a->user ? "  as " : "");
                if (a->user)
                        imm_text_put(stdout, a->user);
                putchar('\n');
                for (size_t k = 0; k < a->access.because.n; k++) {
                        fputs("        ", stdout);
                        imm_text_put(stdout, a->access.because.v[k]);
                        putchar('\n');
                }
        }
        if (!cli->legend)
                return;
        printf("%s%zu of %zu units can %s ", imm_cli_tone(cli, IMM_TONE_FAINT), n, job->n,
                mode_name(job) ? mode_name(job) : "use");
        imm_text_put(stdout, job->places.places[path].text);
        printf("%s\n", imm_cli_plain(cli));
}

/* One path: its answer is the document; several: a list of such answers */
static void print_json(const struct job *job) {
        struct imm_json j = imm_json_on(stdout, job->cli->json);
        bool several = job->places.n > 1;

        imm_json_object(&j, NULL);
        imm_json_string(&j, "schema", "immure.who/1");
        imm_json_string(&j, "root", imm_root_path(job->cli->root));
        imm_json_uint(&j, "systemd", job->cli->manager->version);
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

static int run(struct imm_cli *cli) {
        struct job job = {.cli = cli, .because = cli->json != IMM_JSON_OFF || asked.why};
        int r = imm_cli_places(cli, cli->args, cli->n_args, &job.places);

        if (r == IMM_EXIT_OK)
                r = imm_cli_open(cli);
        if (r == IMM_EXIT_OK)
                r = imm_cli_units(cli, NULL, 0, asked.all, &job.units, &job.n);
        if (r != IMM_EXIT_OK)
                return r;
        if (job.n == 0) {
                (void)imm_cli_fail(
                        cli, 0, &(struct imm_err){.msg = (char[]){"there are no units to ask"}});
                return IMM_EXIT_NOTHING;
        }
        for (size_t i = 0; i < job.n; i++)
                if (job.units[i]->unreadable)
                        cli->partial = true;
        job.answers = imm_alloc_array(cli->arena, job.n * job.places.n, sizeof(*job.answers));
        ask_all(&job);
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
