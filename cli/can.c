/* immure can: what one service may do at a path, and why. */

#include "analyzer/sandbox/sandbox.h"
#include "cli/access.h"
#include "cli/live.h"

#include <errno.h>

/* The first argument behind the unit is a mode if it is a mode's word: paths are absolute. */
int imm_cli_mode(const char *word) {
        for (int i = 0; i < IMM_MODE_N; i++)
                if (imm_streq(word, imm_mode_name((enum imm_mode)i)))
                        return i;
        return -1;
}

int imm_cli_paths(struct imm_cli *cli, const char *const *paths, size_t n) {
        if (n == 0)
                return imm_cli_usage(cli, "%s needs a path", cli->verb->name);
        for (size_t i = 0; i < n; i++)
                if (paths[i][0] != '/')
                        return imm_cli_usage(cli,
                                "'%s' is no absolute path, and no mode (read, write, execute, "
                                "connect)",
                                paths[i]);
        return IMM_EXIT_OK;
}

static void json_strings(struct imm_json *j, const char *key, const struct imm_strv *l) {
        imm_json_array(j, key);
        for (size_t i = 0; i < l->n; i++)
                imm_json_string(j, NULL, l->v[i]);
        imm_json_end(j);
}

void imm_cli_access_json(struct imm_json *j, const struct imm_access *a) {
        imm_json_tristate(j, "exists", a->exists);
        for (enum imm_mode i = 0; i < IMM_MODE_N; i++)
                imm_json_tristate(j, imm_mode_name(i), a->allowed[i]);
        imm_json_string(j, "level", a->level_known ? imm_level_name(a->level) : NULL);
        imm_json_tristate(j, "new_executable", a->new_executable);
        json_strings(j, "because", &a->because);
        json_strings(j, "assumes", &a->assumes);
}

struct question {
        const char *path;
        struct imm_access main, widest;
        bool wider;
        const struct imm_live_access
                *kernel; /* what a running service is answered; NULL: not asked */
};

static bool same(const struct imm_access *a, const struct imm_access *b) {
        return a->exists == b->exists && memcmp(a->allowed, b->allowed, sizeof(a->allowed)) == 0 &&
               a->level == b->level && a->level_known == b->level_known &&
               a->new_executable == b->new_executable;
}

/* connect is asked of sockets only: what is none takes no part in "all" */
static bool all_yes(const struct imm_access *a, int mode) {
        if (mode >= 0)
                return a->allowed[mode] == 1;
        return a->allowed[IMM_MODE_READ] == 1 && a->allowed[IMM_MODE_WRITE] == 1 &&
               a->allowed[IMM_MODE_EXECUTE] == 1 && a->allowed[IMM_MODE_CONNECT] != 0;
}

static void json_handed(struct imm_json *j, const struct imm_handed_list *l, struct imm_arena *a) {
        imm_json_array(j, "handed");
        imm_array_foreach (h, l) {
                imm_json_object(j, NULL);
                imm_json_string(j, "by", h->what);
                imm_json_string(j, "setting", imm_setting_info(h->setting)->name);
                imm_json_string(j, "path", h->path);
                imm_json_bool(j, "read", h->read);
                imm_json_bool(j, "write", h->write);
                imm_json_string(j, "origin", imm_origin_text(&h->origin, a));
                imm_json_end(j);
        }
        imm_json_end(j);
}

static void print_json(struct imm_cli *cli, struct imm_unit *u, const struct question *q, size_t n,
        const struct imm_handed_list *handed, const struct imm_cli_live *live) {
        const struct imm_sandbox *sb = imm_sandbox_of(cli->manager, u);
        const struct imm_mount_table *t = sb->mounts + sb->main;
        struct imm_json j = imm_json_on(stdout, cli->json);

        imm_json_object(&j, NULL);
        imm_json_string(&j, "schema", "immure.can/1");
        imm_json_string(&j, "root", imm_root_path(cli->root));
        imm_json_uint(&j, "systemd", cli->manager->version);
        imm_json_string(&j, "unit", u->name);
        imm_json_string(&j, "load", imm_load_name(imm_settings_of(cli->manager, u)->load));
        imm_json_string(&j, "outcome", imm_outcome_name(t->outcome));
        imm_json_string(&j, "culprit", t->culprit);
        imm_json_array(&j, "results");
        for (size_t i = 0; i < n; i++) {
                imm_json_object(&j, NULL);
                imm_json_string(&j, "path", q[i].path);
                imm_cli_access_json(&j, &q[i].main);
                if (q[i].wider) {
                        imm_json_object(&j, "widest");
                        imm_json_string(&j, "path", q[i].path);
                        imm_cli_access_json(&j, &q[i].widest);
                        imm_json_end(&j);
                }
                if (q[i].kernel)
                        imm_cli_live_access_json(&j, q[i].kernel);
                imm_json_end(&j);
        }
        imm_json_end(&j);
        json_handed(&j, handed, cli->arena);
        if (cli->live)
                imm_cli_live_json(&j, live);
        imm_json_end(&j);
}

static const char *word(int answer) {
        return answer == 1 ? "yes" : answer == 0 ? "no" : "unknown";
}

static void print_line(const char *line) {
        fputs("        ", stdout);
        imm_text_put(stdout, line);
        putchar('\n');
}

/* Is this line about another mode than the one asked for? */
static bool about_other(const char *line, int mode) {
        for (int i = 0; mode >= 0 && i < IMM_MODE_N; i++) {
                const char *rest = imm_after(line, imm_mode_name((enum imm_mode)i));

                if (i != mode && rest && *rest == ':')
                        return true;
        }
        return false;
}

static void print_question(struct imm_cli *cli, const struct question *q, int mode) {
        const struct imm_access *a = &q->widest;
        bool yes = all_yes(a, mode);

        fputs(imm_cli_tone(cli, yes ? IMM_TONE_BAD : IMM_TONE_GOOD), stdout);
        imm_text_put(stdout, q->path);
        fputs(imm_cli_plain(cli), stdout);
        fputs(": ", stdout);
        for (int i = 0; i < IMM_MODE_N; i++)
                if (mode >= 0 ? i == mode : i != IMM_MODE_CONNECT || a->allowed[i] >= 0)
                        printf("%s%s %s", mode < 0 && i > 0 ? ", " : "",
                                imm_mode_name((enum imm_mode)i), word(a->allowed[i]));
        if (a->level_known)
                printf(" (%s)", imm_level_name(a->level));
        putchar('\n');
        if (cli->quiet)
                return;
        for (size_t i = 0; i < a->because.n; i++)
                if (!about_other(a->because.v[i], mode))
                        print_line(a->because.v[i]);
        for (size_t i = 0; i < a->assumes.n; i++)
                print_line(
                        imm_printf(cli->arena, "assumes that %s changes nothing", a->assumes.v[i]));
        if (q->kernel)
                imm_cli_live_access_text(cli, q->kernel, &q->main);
}

static void print_handed(struct imm_cli *cli, const struct imm_handed_list *l) {
        if (cli->quiet)
                return;
        imm_array_foreach (h, l) {
                fputs("handed in: ", stdout);
                imm_text_put(stdout,
                        imm_printf(cli->arena, "%s by %s %s (%s%s%s)",
                                h->path ? h->path : "descriptors", h->what,
                                imm_origin_text(&h->origin, cli->arena), h->read ? "read" : "",
                                h->read && h->write ? ", " : "", h->write ? "write" : ""));
                putchar('\n');
        }
}

static void ask_kernel(struct imm_cli *cli, struct imm_unit *u, struct question *q, size_t n,
        struct imm_cli_live *live) {
        const char **paths = imm_alloc_array(cli->arena, n, sizeof(*paths));
        const struct imm_live_access *answers;

        imm_cli_live(cli, u, live);
        for (size_t i = 0; i < n; i++)
                paths[i] = q[i].path;
        answers = imm_cli_live_access(cli, live, paths, n);
        for (size_t i = 0; answers && i < n; i++)
                q[i].kernel = answers + i;
}

static int run(struct imm_cli *cli) {
        struct imm_handed_list handed = {0};
        struct imm_cli_live live = {0};
        struct imm_unit *u = NULL;
        struct imm_settings *s;
        struct question *q;
        bool yes = true;
        int r, mode = -1;
        size_t first = 1;

        if (cli->n_args == 0)
                return imm_cli_usage(cli, "can needs a unit and a path");
        if (cli->n_args > 1 && (mode = imm_cli_mode(cli->args[1])) >= 0)
                first = 2;
        r = imm_cli_paths(cli, cli->args + first, cli->n_args > first ? cli->n_args - first : 0);
        if (r == IMM_EXIT_OK)
                r = imm_cli_open(cli);
        if (r == IMM_EXIT_OK)
                r = imm_cli_unit(cli, cli->args[0], &u);
        if (r != IMM_EXIT_OK)
                return r;
        s = imm_settings_of(cli->manager, u);
        imm_cli_diags(cli, &u->diags);
        q = imm_alloc_array(cli->arena, cli->n_args, sizeof(*q));
        for (size_t i = first; i < cli->n_args; i++) {
                struct question *this = q + (i - first);

                this->path = cli->args[i];
                imm_access_compute(cli->manager, u, imm_sandbox_of(cli->manager, u)->main,
                        this->path, true, cli->arena, &this->main);
                imm_access_widest(cli->manager, u, this->path, true, cli->arena, &this->widest);
                this->wider = !same(&this->main, &this->widest);
                yes &= all_yes(&this->widest, mode);
        }
        imm_handed_compute(cli->manager, u, cli->arena, &handed);
        if (cli->live)
                ask_kernel(cli, u, q, cli->n_args - first, &live);
        if (cli->json != IMM_JSON_OFF)
                print_json(cli, u, q, cli->n_args - first, &handed, &live);
        else {
                for (size_t i = 0; i < cli->n_args - first; i++)
                        print_question(cli, q + i, mode);
                print_handed(cli, &handed);
                if (cli->live)
                        imm_cli_live_text(cli, &live);
        }
        if (s->load == IMM_LOAD_NOT_FOUND) {
                if (cli->json == IMM_JSON_OFF)
                        return imm_cli_usage(cli, "unit '%s' not found", u->name);
                return IMM_EXIT_USAGE;
        }
        if (cli->partial)
                return IMM_EXIT_PARTIAL;
        return yes ? IMM_EXIT_OK : IMM_EXIT_NO;
}

const struct imm_verb imm_verb_can = {
        .name = "can",
        .arguments = "UNIT [read|write|execute|connect] PATH…",
        .summary = "What a service may do at a path, and why",
        .details = "Without a mode all are answered. The answer is that of the command that can do "
                   "most.\nExit status 0: yes to all that was asked; 1: not.\n"
                   "With --live the kernel is asked too, as the running main process.",
        .live = true,
        .run = run,
};
