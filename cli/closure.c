/* immure closure: which files a service needs and why, what it lacks, what it sees beyond that. */

#include "analyzer/closure/closure.h"
#include "base/crew.h"
#include "cli/needs.h"
#include "report/scan/scan.h"

#include <errno.h>
#include <inttypes.h>

static struct {
        bool full_unit, excess, no_excess;
        struct imm_strv why;
} asked;

static const struct imm_option options[] = {
        {"why", 0, "PATH", "Only what leads to these paths, from the unit on", IMM_OPTION_STRINGS,
                &asked.why, NULL},
        {"full-unit", 0, NULL, "Nix: the store paths of all settings, not only of Exec lines",
                IMM_OPTION_FLAG, &asked.full_unit, NULL},
        {"excess", 0, NULL,
                "With --json and several units: list what is not needed, not only count it",
                IMM_OPTION_FLAG, &asked.excess, NULL},
        {"no-excess", 0, NULL, "Only the needs, and what of them is missing: much sooner there",
                IMM_OPTION_FLAG, &asked.no_excess, NULL},
        {NULL},
};

/* ---- text ---- */

static void put_need(struct imm_cli *cli, const struct imm_need *n, unsigned depth) {
        struct imm_arena *a = cli->arena;
        const char *tone = imm_need_is_missing(n) ? imm_cli_tone(cli, IMM_TONE_BAD) : "";

        printf("%*s%s", (int)(2 * depth), "", tone);
        imm_text_put(stdout, n->path);
        fputs(*tone ? imm_cli_plain(cli) : "", stdout);
        printf("  %s%s: ", imm_cli_tone(cli, IMM_TONE_FAINT), imm_confidence_name(n->confidence));
        imm_text_put(stdout, n->reason);
        if (n->by == IMM_NEED_BY_UNIT && n->origin.file)
                imm_text_put(stdout, imm_printf(a, " (%s)", imm_origin_text(&n->origin, a)));
        fputs(imm_cli_plain(cli), stdout);
        if (imm_need_is_missing(n)) {
                printf("  %smissing", imm_cli_tone(cli, IMM_TONE_BAD));
                if (n->hidden)
                        imm_text_put(stdout, imm_printf(a, ": %s", n->hidden));
                fputs(imm_cli_plain(cli), stdout);
        }
        putchar('\n');
}

/* What --why= names, as it is written and where links lead in the root */
static struct imm_strv asked_paths(const struct imm_cli *cli, struct imm_arena *a) {
        struct imm_strv all = {0};
        const char *real;

        for (size_t i = 0; i < asked.why.n; i++) {
                imm_strv_add(a, &all, asked.why.v[i]);
                if (*asked.why.v[i] == '/' &&
                        imm_root_realpath(cli->root, asked.why.v[i], a, &real) == 0)
                        imm_strv_add(a, &all, real);
        }
        return all;
}

/* Which needs are printed: all, or those that lead to what --why= names */
static bool *chosen(const struct imm_cli *cli, const struct imm_closure *c, struct imm_arena *a,
        bool *ret_any) {
        bool *show = imm_alloc_array(a, c->n + 1, sizeof(*show));
        const struct imm_strv why = asked_paths(cli, a);

        *ret_any = asked.why.n == 0;
        for (size_t i = 0; i < c->n; i++) {
                const struct imm_need *n = &c->v[i];

                if (asked.why.n == 0) {
                        show[i] = true;
                        continue;
                }
                if (!imm_strv_has(&why, n->path) && !imm_strv_has(&why, n->name)) {
                        bool link = false;

                        for (size_t k = 0; k < n->links.n; k++)
                                link |= imm_strv_has(&why, n->links.v[k]);
                        if (!link)
                                continue;
                }
                *ret_any = true;
                for (int k = (int)i; k >= 0 && !show[k]; k = c->v[k].by)
                        show[k] = true;
        }
        return show;
}

/* What asks for a need: another one, or the unit, which stands behind them all */
static int asker(const struct imm_closure *c, int i) {
        return c->v[i].by == IMM_NEED_BY_UNIT ? (int)c->n : c->v[i].by;
}

/* Each need below the one that asks for it: the first of those, then its own, then the next */
static void put_tree(struct imm_cli *cli, const struct imm_closure *c, const bool *show) {
        const int unit = (int)c->n;
        int *first = imm_alloc_array(cli->arena, c->n + 1, sizeof(*first));
        int *next = imm_alloc_array(cli->arena, c->n + 1, sizeof(*next));
        unsigned depth = 1;

        for (int i = 0; i <= unit; i++)
                first[i] = next[i] = -1;
        for (int i = unit - 1; i >= 0; i--)
                if (show[i]) {
                        next[i] = first[asker(c, i)];
                        first[asker(c, i)] = i;
                }
        for (int i = first[unit]; i >= 0;) {
                put_need(cli, &c->v[i], depth);
                if (first[i] >= 0) {
                        i = first[i];
                        depth++;
                        continue;
                }
                for (; i != unit && next[i] < 0; depth--)
                        i = asker(c, i);
                i = next[i];
        }
}

static void put_missing(struct imm_cli *cli, const struct imm_closure *c) {
        bool any = false;

        for (size_t i = 0; i < c->n; i++) {
                if (!imm_need_is_missing(&c->v[i]))
                        continue;
                if (!any)
                        printf("\n%smissing%s: needed, and not there for the service\n",
                                imm_cli_tone(cli, IMM_TONE_BOLD), imm_cli_plain(cli));
                any = true;
                put_need(cli, &c->v[i], 1);
        }
}

static void put_excess(
        struct imm_cli *cli, const struct imm_closure *c, const struct imm_excess *x) {
        struct imm_arena *a = cli->arena;

        printf("\n%sexcess%s: ", imm_cli_tone(cli, IMM_TONE_BOLD), imm_cli_plain(cli));
        if (!x->known) {
                puts("unknown: what it sees cannot be known");
                return;
        }
        if (c->kind == IMM_CLOSURE_NIX) {
                printf("%" PRIu64 " of %" PRIu64 " visible store paths are not needed\n", x->excess,
                        x->visible);
                return;
        }
        printf("%" PRIu64 " of %" PRIu64 " visible files (%s of %s) are not needed\n", x->excess,
                x->visible, imm_cli_bytes(a, x->excess_bytes), imm_cli_bytes(a, x->visible_bytes));
        for (size_t i = 0; i < x->groups.n; i++) {
                const struct imm_excess_group *g = &x->groups.v[i];

                printf("  %10s  %6" PRIu64 " files  ", imm_cli_bytes(a, g->bytes), g->files);
                imm_text_put(stdout, g->name);
                putchar('\n');
        }
        if (x->all_groups > x->groups.n)
                printf("  and %zu packages and places more\n", x->all_groups - x->groups.n);
}

static void put_not_loaded(const struct imm_settings *s) {
        const char *message = s->load_message ? s->load_message : s->unit->load_message;

        printf("  %s%s", imm_load_name(s->load), message ? ": " : "");
        imm_text_put(stdout, message ? message : "");
        putchar('\n');
}

static void closure_text(struct imm_cli *cli, struct imm_unit *u, const struct imm_closure *c,
        const struct imm_excess *x) {
        const struct imm_settings *s = imm_settings_of(cli->manager, u);
        size_t sure = 0;
        bool any;
        const bool *show = chosen(cli, c, cli->arena, &any);

        for (size_t i = 0; i < c->n; i++)
                sure += c->v[i].confidence == IMM_CERTAIN;
        fputs(imm_cli_tone(cli, IMM_TONE_BOLD), stdout);
        imm_text_put(stdout, u->name);
        fputs(imm_cli_plain(cli), stdout);
        if (s->load != IMM_LOAD_LOADED) {
                put_not_loaded(s);
                return;
        }
        printf("  %zu %s needed, %zu for certain\n", c->n,
                c->kind == IMM_CLOSURE_NIX ? "store paths" : "files and directories", sure);
        put_tree(cli, c, show);
        if (asked.why.n > 0) {
                if (!any)
                        puts("  not needed, as far as files tell");
                return;
        }
        if (c->hops.n > 0) {
                puts("\nlinks lead through");
                for (size_t i = 0; i < c->hops.n; i++) {
                        fputs("  ", stdout);
                        imm_text_put(stdout, c->hops.v[i]);
                        putchar('\n');
                }
        }
        put_missing(cli, c);
        if (!asked.no_excess)
                put_excess(cli, c, x);
}

/* ---- --json ---- */

static void json_strings(struct imm_json *j, const char *key, const struct imm_strv *l) {
        imm_json_array(j, key);
        for (size_t i = 0; i < l->n; i++)
                imm_json_string(j, NULL, l->v[i]);
        imm_json_end(j);
}

static void json_need(struct imm_cli *cli, struct imm_json *j, const struct imm_closure *c,
        const struct imm_need *n) {
        imm_json_object(j, NULL);
        imm_json_string(j, "path", n->path);
        imm_json_string(j, "reason", n->reason);
        imm_json_string(j, "confidence", imm_confidence_name(n->confidence));
        imm_json_string(j, "kind", imm_need_kind_name(n->kind));
        imm_json_string(j, "by", n->by == IMM_NEED_BY_UNIT ? NULL : c->v[n->by].path);
        if (n->by == IMM_NEED_BY_UNIT) {
                imm_json_string(j, "setting",
                        n->setting < IMM_SETTING_N ? imm_setting_info(n->setting)->name : NULL);
                imm_report_origin_json(j, "origin", &n->origin);
        }
        imm_json_bool(j, "exists", n->exists);
        imm_json_tristate(j, "visible", n->visible);
        if (n->hidden)
                imm_json_string(j, "hidden", n->hidden);
        if (n->links.n > 0)
                json_strings(j, "links", &n->links);
        if (n->tree)
                imm_json_bool(j, "tree", true);
        if (c->kind == IMM_CLOSURE_FILES) {
                if (n->host_path && !imm_streq(n->host_path, n->path))
                        imm_json_string(j, "host_path", n->host_path);
                imm_json_string(j, "package",
                        n->host_path ? imm_package_of(imm_closures_of(cli->manager), n->host_path)
                                     : NULL);
        }
        imm_json_end(j);
}

/* All services of a machine would list all its files as often. */
static bool lists_excess(const struct imm_cli *cli) {
        return imm_cli_names_one(cli) || asked.excess;
}

static void json_excess(struct imm_cli *cli, struct imm_json *j, const struct imm_closure *c,
        const struct imm_excess *x) {
        if (!x->known) {
                imm_json_null(j, "visible");
                imm_json_null(j, "excess_count");
                imm_json_null(j, "excess");
                return;
        }
        imm_json_uint(j, "visible", x->visible);
        imm_json_uint(j, "excess_count", x->excess);
        if (lists_excess(cli)) {
                imm_json_array(j, "excess");
                imm_json_strings(j, x->below ? x->below : "", x->paths.v, x->paths.n);
                imm_json_end(j);
        }
        if (c->kind == IMM_CLOSURE_NIX)
                return;
        imm_json_uint(j, "visible_bytes", x->visible_bytes);
        imm_json_uint(j, "excess_bytes", x->excess_bytes);
        imm_json_array(j, "excess_by_package");
        imm_array_foreach (g, &x->groups) {
                imm_json_object(j, NULL);
                imm_json_string(j, "name", g->name);
                imm_json_uint(j, "files", g->files);
                imm_json_uint(j, "bytes", g->bytes);
                imm_json_end(j);
        }
        imm_json_end(j);
}

static void json_unit(struct imm_cli *cli, struct imm_json *j, struct imm_arena *a,
        struct imm_unit *u, const struct imm_closure *c, const struct imm_excess *x) {
        bool any;
        const bool *show = chosen(cli, c, a, &any);

        imm_json_string(j, "unit", u->name);
        imm_json_string(j, "load", imm_load_name(imm_settings_of(cli->manager, u)->load));
        imm_json_string(j, "kind", c->kind == IMM_CLOSURE_NIX ? "nix" : "files");
        json_strings(j, "roots", &c->roots);
        imm_json_array(j, "paths");
        for (size_t i = 0; i < c->n; i++)
                if (show[i])
                        json_need(cli, j, c, &c->v[i]);
        imm_json_end(j);
        imm_json_uint(j, "needed", c->n);
        json_excess(cli, j, c, x);
        imm_cli_missing_json(j, c);
        if (c->kind == IMM_CLOSURE_NIX) {
                json_strings(j, "not_in_store", &c->dangling);
                json_strings(j, "links_through", &c->hops);
        }
}

/* ---- the verb ---- */

struct result {
        struct imm_unit *unit;
        struct imm_closure *closure;
        struct imm_excess excess;
        struct imm_json_text text;
        const struct result *same; /* an earlier one of the same unit, by another of its names */
};

/* The results stay when the threads are gone: each has memory of its own. */
struct job {
        struct imm_cli *cli;
        struct result *results;
        size_t n;
        unsigned want;               /* of what is not needed */
        const struct imm_json *json; /* within its array; NULL: text, or one document */
        struct imm_arena *arenas[IMM_CREW_MAX];
};

static bool asks_excess(const struct imm_cli *cli) {
        return !asked.no_excess && (asked.why.n == 0 || cli->json != IMM_JSON_OFF);
}

static void find_needs(void *data, unsigned worker, size_t i) {
        struct job *job = data;
        struct imm_cli *cli = job->cli;
        struct result *r = &job->results[i];

        if (r->same)
                return;
        r->closure = asked.full_unit ? imm_closure_compute(cli->manager, r->unit,
                                               IMM_CLOSURE_FULL_UNIT, job->arenas[worker])
                                     : imm_closure_of(cli->manager, r->unit);
}

static void find_excess(void *data, unsigned worker, size_t i) {
        struct job *job = data;
        struct imm_cli *cli = job->cli;
        struct result *r = &job->results[i];

        if (r->same)
                return;
        imm_excess_compute(
                cli->manager, r->unit, r->closure, job->want, job->arenas[worker], &r->excess);
}

static void write_json(void *data, unsigned worker, size_t i) {
        struct job *job = data;
        struct result *r = &job->results[i];
        struct imm_json part = imm_json_part(job->json, &r->text);

        imm_json_object(&part, NULL);
        json_unit(job->cli, &part, job->arenas[worker], r->unit, r->closure, &r->excess);
        imm_json_end(&part);
}

static void drop_arena(void *arena) {
        imm_arena_free(arena);
}

/* No two threads may compute one unit, which several names can mean. */
static void find_same(struct imm_cli *cli, struct result *results, size_t n) {
        struct imm_map first = {0};

        for (size_t i = 0; i < n; i++) {
                const char *key = imm_printf(cli->arena, "%p", (void *)results[i].unit);

                results[i].same = imm_map_get(&first, key);
                if (!results[i].same)
                        imm_map_put(cli->arena, &first, key, &results[i]);
        }
}

static bool any_files(const struct job *job) {
        for (size_t i = 0; i < job->n; i++)
                if (!job->results[i].same && job->results[i].closure->kind == IMM_CLOSURE_FILES &&
                        job->results[i].closure->view)
                        return true;
        return false;
}

static void compute_all(struct job *job) {
        struct imm_cli *cli = job->cli;
        struct result *results = job->results;

        find_same(cli, results, job->n);
        for (unsigned i = 0; i < imm_crew_size(job->n, 1, cli->jobs); i++) {
                job->arenas[i] = imm_arena_new();
                imm_arena_defer(cli->arena, drop_arena, job->arenas[i]);
        }
        imm_crew_run(job->n, 1, cli->jobs, find_needs, job);
        if (asks_excess(cli)) {
                if (any_files(job)) /* all threads walk, before they ask */
                        imm_excess_prepare(cli->manager, job->want);
                imm_crew_run(job->n, 1, cli->jobs, find_excess, job);
        }
        for (size_t i = 0; i < job->n; i++) {
                if (results[i].same) {
                        results[i].closure = results[i].same->closure;
                        results[i].excess = results[i].same->excess;
                } else
                        imm_cli_diags(cli, &results[i].closure->diags);
        }
}

static void put_json(struct job *job) {
        struct imm_cli *cli = job->cli;
        struct imm_json j = imm_json_on(stdout, cli->json);

        imm_json_object(&j, NULL);
        imm_report_head_json(&j, "immure.closure/1", cli->manager);
        if (imm_cli_names_one(cli)) {
                struct result *r = &job->results[0];

                json_unit(cli, &j, cli->arena, r->unit, r->closure, &r->excess);
        } else {
                imm_json_array(&j, "units");
                job->json = &j;
                imm_crew_run(job->n, 1, cli->jobs, write_json, job);
                for (size_t i = 0; i < job->n; i++) {
                        imm_json_append(&j, job->results[i].text.v, job->results[i].text.n);
                        free(job->results[i].text.v);
                }
                imm_json_end(&j);
        }
        imm_json_end(&j);
}

static int closure(struct imm_cli *cli) {
        struct job job = {.cli = cli};
        struct imm_unit **units;
        bool missing;
        int r;

        if (cli->n_args == 0)
                return imm_cli_usage(cli,
                        "closure needs the name of a unit, or '*.service'; see immure closure "
                        "--help");
        if (asked.excess && asked.no_excess)
                return imm_cli_usage(cli, "--excess and --no-excess ask for opposite things");
        r = imm_cli_open(cli);
        if (r != IMM_EXIT_OK)
                return r;
        if (asks_excess(cli))
                imm_excess_ahead(cli->manager);
        job.want = cli->json == IMM_JSON_OFF || !lists_excess(cli)
                           ? IMM_EXCESS_LARGEST
                           : IMM_EXCESS_PATHS | IMM_EXCESS_GROUPS;
        r = imm_cli_named(cli, &units, &job.n, &missing);
        if (r != IMM_EXIT_OK)
                return r;
        job.results = imm_alloc_array(cli->arena, job.n + 1, sizeof(*job.results));
        for (size_t i = 0; i < job.n; i++)
                job.results[i].unit = units[i];
        compute_all(&job);
        imm_cli_diags(cli, imm_closures_diags(imm_closures_of(cli->manager)));
        imm_cli_say_version(cli);
        imm_cli_unseen(cli);
        if (cli->json != IMM_JSON_OFF)
                put_json(&job);
        for (size_t i = 0; i < job.n && cli->json == IMM_JSON_OFF; i++) {
                if (i > 0)
                        putchar('\n');
                closure_text(
                        cli, job.results[i].unit, job.results[i].closure, &job.results[i].excess);
        }
        return imm_cli_named_done(cli, job.n, missing);
}

const struct imm_verb imm_verb_closure = {
        .name = "closure",
        .arguments = "UNIT|GLOB…",
        .summary = "The files a service needs, with reasons; what it lacks, what it sees beyond",
        .details = "certain: the kernel and the dynamic loader map it, or the store's closure has "
                   "it.\nlikely: scripts, arguments, name services and the like ask for it.\n"
                   "possible: named in a configuration file.\nOn Nix the needs are whole store "
                   "paths.",
        .options = options,
        .run = closure,
};
