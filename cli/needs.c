#include "cli/needs.h"

#include "base/crew.h"

#include <inttypes.h>

/* ---- figures ---- */

void imm_cli_needs(struct imm_cli *cli, struct imm_unit *u, bool excess, struct imm_arena *a,
        struct imm_cli_needs *ret) {
        struct imm_cli_needs n = {0};

        if (imm_settings_of(cli->manager, u)->load == IMM_LOAD_LOADED) {
                n.closure = imm_closure_of(cli->manager, u);
                imm_array_foreach (need, n.closure) {
                        n.certain += need->confidence == IMM_CERTAIN;
                        n.missing += imm_need_is_missing(need);
                }
                if (excess)
                        imm_excess_compute(cli->manager, u, n.closure, 0, a, &n.excess);
        }
        *ret = n;
}

struct job {
        struct imm_cli *cli;
        struct imm_unit *const *units;
        struct imm_cli_needs *needs;
        struct imm_arena *arenas[IMM_CREW_MAX];
};

static void find_needs(void *data, unsigned worker, size_t i) {
        struct job *job = data;

        if (job->units[i])
                imm_cli_needs(job->cli, job->units[i], false, job->arenas[worker], &job->needs[i]);
}

static void find_excess(void *data, unsigned worker, size_t i) {
        struct job *job = data;

        if (job->units[i])
                imm_cli_needs(job->cli, job->units[i], true, job->arenas[worker], &job->needs[i]);
}

static bool any_files(const struct imm_cli_needs *needs, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (needs[i].closure && needs[i].closure->kind == IMM_CLOSURE_FILES &&
                        needs[i].closure->view)
                        return true;
        return false;
}

static void drop_arena(void *arena) {
        imm_arena_free(arena);
}

void imm_cli_needs_of_all(
        struct imm_cli *cli, struct imm_unit *const *units, size_t n, struct imm_cli_needs *ret) {
        struct job job = {.cli = cli, .units = units, .needs = ret};

        for (unsigned i = 0; i < imm_crew_size(n, 1, cli->jobs); i++) {
                job.arenas[i] = imm_arena_new();
                imm_arena_defer(cli->arena, drop_arena, job.arenas[i]);
        }
        imm_crew_run(n, 1, cli->jobs, find_needs, &job);
        if (any_files(ret, n)) /* all threads walk, before they ask */
                imm_excess_prepare(cli->manager, 0);
        imm_crew_run(n, 1, cli->jobs, find_excess, &job);
}

const char *imm_cli_bytes(struct imm_arena *a, uint64_t n) {
        static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
        size_t u = 0;
        uint64_t whole = n, rest = 0;

        while (whole >= 1024 && u + 1 < IMM_ELEMENTSOF(units)) {
                rest = whole % 1024;
                whole /= 1024;
                u++;
        }
        if (u == 0 || whole >= 100)
                return imm_printf(a, "%" PRIu64 " %s", whole, units[u]);
        return imm_printf(a, "%" PRIu64 ".%" PRIu64 " %s", whole, rest * 10 / 1024, units[u]);
}

/* ---- text ---- */

enum { MISSING_SHOWN = 10 };

static void put_missing(struct imm_cli *cli, const struct imm_closure *c) {
        size_t shown = 0, more = 0;

        imm_array_foreach (n, c) {
                if (!imm_need_is_missing(n))
                        continue;
                if (shown == MISSING_SHOWN) {
                        more++;
                        continue;
                }
                shown++;
                printf("  %smissing%s  ", imm_cli_tone(cli, IMM_TONE_BAD), imm_cli_plain(cli));
                imm_text_put(stdout, n->path);
                printf("  %s", imm_confidence_name(n->confidence));
                if (n->hidden) {
                        fputs(": ", stdout);
                        imm_text_put(stdout, n->hidden);
                }
                putchar('\n');
        }
        if (more > 0)
                printf("  and %zu more\n", more);
}

static void put_excess(struct imm_cli *cli, const struct imm_cli_needs *needs) {
        const struct imm_excess *x = &needs->excess;

        if (!x->known)
                puts("  what it sees beyond that is unknown: its mount namespace cannot be set up "
                     "or known");
        else if (needs->closure->kind == IMM_CLOSURE_NIX)
                printf("  excess   %" PRIu64 " of %" PRIu64 " visible store paths\n", x->excess,
                        x->visible);
        else
                printf("  excess   %" PRIu64 " of %" PRIu64 " visible files, %s of %s\n", x->excess,
                        x->visible, imm_cli_bytes(cli->arena, x->excess_bytes),
                        imm_cli_bytes(cli->arena, x->visible_bytes));
}

void imm_cli_needs_text(struct imm_cli *cli, const struct imm_cli_needs *needs, bool excess) {
        const struct imm_closure *c = needs->closure;

        if (!c || c->n == 0)
                return;
        printf("\n%sNeeds%s\n  needed   %zu %s, %zu for certain\n",
                imm_cli_tone(cli, IMM_TONE_BOLD), imm_cli_plain(cli), c->n,
                c->kind == IMM_CLOSURE_NIX ? "store paths" : "files and directories",
                needs->certain);
        put_missing(cli, c);
        if (excess)
                put_excess(cli, needs);
}

/* ---- JSON ---- */

void imm_cli_missing_json(struct imm_json *j, const struct imm_closure *c) {
        if (!c->view) {
                imm_json_null(j, "missing");
                return;
        }
        imm_json_array(j, "missing");
        imm_array_foreach (n, c) {
                if (!imm_need_is_missing(n))
                        continue;
                imm_json_object(j, NULL);
                imm_json_string(j, "path", n->path);
                imm_json_string(j, "confidence", imm_confidence_name(n->confidence));
                imm_json_string(j, "why", n->hidden);
                imm_json_bool(j, "exists", n->exists);
                imm_json_bool(j, "optional", n->optional);
                imm_json_end(j);
        }
        imm_json_end(j);
}

static void json_excess(struct imm_json *j, const struct imm_cli_needs *needs) {
        static const char *const unknown[] = {"visible", "excess_count"};
        const struct imm_excess *x = &needs->excess;

        for (size_t i = 0; !x->known && i < IMM_ELEMENTSOF(unknown); i++)
                imm_json_null(j, unknown[i]);
        if (!x->known)
                return;
        imm_json_uint(j, "visible", x->visible);
        imm_json_uint(j, "excess_count", x->excess);
        if (needs->closure->kind == IMM_CLOSURE_NIX)
                return;
        imm_json_uint(j, "visible_bytes", x->visible_bytes);
        imm_json_uint(j, "excess_bytes", x->excess_bytes);
}

void imm_cli_needs_json(struct imm_json *j, const struct imm_cli_needs *needs, bool excess) {
        const struct imm_closure *c = needs->closure;

        if (!c) {
                imm_json_null(j, "closure");
                return;
        }
        imm_json_object(j, "closure");
        imm_json_string(j, "kind", c->kind == IMM_CLOSURE_NIX ? "nix" : "files");
        imm_json_uint(j, "needed", c->n);
        imm_json_uint(j, "certain", needs->certain);
        imm_cli_missing_json(j, c);
        if (excess)
                json_excess(j, needs);
        imm_json_end(j);
}
