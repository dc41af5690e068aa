/* immure can: what one service may do at a path, and why. */

#include "cli/access.h"
#include "cli/live.h"
#include "report/scan/scan.h"

#include <errno.h>

/* The first argument behind the unit is a mode if it is a mode's word: paths are absolute. */
static int mode_of(const char *word) {
        for (int i = 0; i < IMM_MODE_N; i++)
                if (imm_streq(word, imm_mode_name((enum imm_mode)i)))
                        return i;
        return -1;
}

static int place_of(struct imm_cli *cli, const char *arg, const struct imm_cli_asked *asked,
        struct imm_cli_place *ret) {
        const char *problem, *path = imm_after(arg, "unix:");

        ret->text = path && *path == '/' && !asked->listen ? path : arg;
        ret->is_address = asked->listen || (*ret->text != '/' && imm_net_is_address(arg));
        if (!ret->is_address && *ret->text != '/')
                return imm_cli_usage(cli,
                        "'%s' is no absolute path, no address such as tcp:127.0.0.1:80, and no "
                        "mode (read, write, execute, connect, listen)",
                        arg);
        if (!ret->is_address)
                return IMM_EXIT_OK;
        if (asked->mode != IMM_MODE_CONNECT)
                return imm_cli_usage(
                        cli, "'%s' is an address: say connect or listen before it", arg);
        if (imm_net_parse(arg, asked->listen ? IMM_NET_LISTEN : IMM_NET_CONNECT, &ret->address,
                    &problem) < 0)
                return imm_cli_usage(cli, "'%s': %s", arg, problem);
        return IMM_EXIT_OK;
}

int imm_cli_places(struct imm_cli *cli, const char **args, size_t n, struct imm_cli_asked *ret) {
        int r = IMM_EXIT_OK;

        *ret = (struct imm_cli_asked){.mode = n > 0 ? mode_of(args[0]) : -1};
        if (n > 0 && imm_streq(args[0], "listen")) {
                ret->listen = true;
                ret->mode = IMM_MODE_CONNECT;
        }
        if (ret->mode >= 0) {
                args++;
                n--;
        }
        if (n == 0)
                return imm_cli_usage(cli, "%s needs a path", cli->verb->name);
        ret->places = imm_alloc_array(cli->arena, n, sizeof(*ret->places));
        ret->n = n;
        for (size_t i = 0; i < n && r == IMM_EXIT_OK; i++)
                r = place_of(cli, args[i], ret, ret->places + i);
        return r;
}

void imm_cli_answer(struct imm_cli *cli, struct imm_unit *u, const struct imm_cli_asked *asked,
        const struct imm_cli_place *place, bool widest, unsigned because, struct imm_arena *a,
        struct imm_access *ret) {
        enum imm_net_verb verb = asked->listen ? IMM_NET_LISTEN : IMM_NET_CONNECT;
        enum imm_command_kind main = imm_sandbox_of(cli->manager, u)->main;
        struct imm_net_access net;

        if (!place->is_address) {
                if (widest)
                        imm_access_widest(cli->manager, u, place->text, because, a, ret);
                else
                        imm_access_compute(cli->manager, u, main, place->text, because, a, ret);
                return;
        }
        if (widest)
                imm_net_access_widest(cli->manager, u, verb, &place->address, because, a, &net);
        else
                imm_net_access_compute(
                        cli->manager, u, main, verb, &place->address, because, a, &net);
        *ret = (struct imm_access){.exists = -1,
                .allowed = {-1, -1, -1, net.allowed},
                .new_executable = -1,
                .because = net.because,
                .assumes = net.assumes};
}

static void json_strings(struct imm_json *j, const char *key, const struct imm_strv *l) {
        imm_json_array(j, key);
        for (size_t i = 0; i < l->n; i++)
                imm_json_string(j, NULL, l->v[i]);
        imm_json_end(j);
}

void imm_cli_access_json(struct imm_json *j, const struct imm_cli_asked *asked,
        const struct imm_cli_place *place, const struct imm_access *a) {
        imm_json_tristate(j, "exists", a->exists);
        for (enum imm_mode i = 0; i < IMM_MODE_CONNECT; i++)
                imm_json_tristate(j, imm_mode_name(i), a->allowed[i]);
        imm_json_tristate(j, "connect", asked->listen ? -1 : a->allowed[IMM_MODE_CONNECT]);
        if (place->is_address)
                imm_json_tristate(j, "listen", asked->listen ? a->allowed[IMM_MODE_CONNECT] : -1);
        imm_json_string(j, "level", a->level_known ? imm_level_name(a->level) : NULL);
        imm_json_tristate(j, "new_executable", a->new_executable);
        json_strings(j, "because", &a->because);
        json_strings(j, "assumes", &a->assumes);
}

struct question {
        const struct imm_cli_place *place;
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

static void print_json(struct imm_cli *cli, struct imm_unit *u, const struct imm_cli_asked *asked,
        const struct question *q, const struct imm_handed_list *handed,
        const struct imm_cli_live *live) {
        const struct imm_sandbox *sb = imm_sandbox_of(cli->manager, u);
        const struct imm_mount_table *t = sb->mounts + sb->main;
        struct imm_json j = imm_json_on(stdout, cli->json);

        imm_json_object(&j, NULL);
        imm_report_head_json(&j, "immure.can/1", cli->manager);
        imm_json_string(&j, "unit", u->name);
        imm_json_string(&j, "load", imm_load_name(imm_settings_of(cli->manager, u)->load));
        imm_json_string(&j, "outcome", imm_outcome_name(t->outcome));
        imm_json_string(&j, "culprit", t->culprit);
        imm_json_array(&j, "results");
        for (size_t i = 0; i < asked->n; i++) {
                imm_json_object(&j, NULL);
                imm_json_string(&j, "path", q[i].place->text);
                imm_cli_access_json(&j, asked, q[i].place, &q[i].main);
                if (q[i].wider) {
                        imm_json_object(&j, "widest");
                        imm_json_string(&j, "path", q[i].place->text);
                        imm_cli_access_json(&j, asked, q[i].place, &q[i].widest);
                        imm_json_end(&j);
                }
                if (q[i].kernel)
                        imm_cli_live_access_json(&j, q[i].kernel);
                imm_json_end(&j);
        }
        imm_json_end(&j);
        imm_cli_handed_json(&j, handed, cli->arena);
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

static void print_question(
        struct imm_cli *cli, const struct imm_cli_asked *asked, const struct question *q) {
        int mode = asked->mode;
        const struct imm_access *a = &q->widest;
        bool yes = all_yes(a, mode);

        fputs(imm_cli_tone(cli, yes ? IMM_TONE_BAD : IMM_TONE_GOOD), stdout);
        imm_text_put(stdout, q->place->text);
        fputs(imm_cli_plain(cli), stdout);
        fputs(": ", stdout);
        for (int i = 0; i < IMM_MODE_N; i++)
                if (mode >= 0 ? i == mode : i != IMM_MODE_CONNECT || a->allowed[i] >= 0)
                        printf("%s%s %s", mode < 0 && i > 0 ? ", " : "",
                                asked->listen ? "listen" : imm_mode_name((enum imm_mode)i),
                                word(a->allowed[i]));
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
                imm_cli_handed_line(h, cli->arena);
        }
}

static void ask_kernel(struct imm_cli *cli, struct imm_unit *u, struct question *q, size_t n,
        struct imm_cli_live *live) {
        const char **paths = imm_alloc_array(cli->arena, n, sizeof(*paths));
        const struct imm_live_access *answers;
        size_t k = 0;

        imm_cli_live(cli, u, live);
        for (size_t i = 0; i < n; i++)
                if (!q[i].place->is_address)
                        paths[k++] = q[i].place->text;
        answers = imm_cli_live_access(cli, live, paths, k);
        for (size_t i = 0; answers && i < n; i++)
                if (!q[i].place->is_address)
                        q[i].kernel = answers++;
}

/* @path without links, as far as it is there; NULL: it leads somewhere that cannot be told */
static const char *without_links(const struct imm_cli *cli, const char *path) {
        struct imm_arena *a = cli->arena;
        const char *real, *at = path;
        struct stat st;

        while (imm_root_realpath(cli->root, at, a, &real) < 0) {
                const char *slash = strrchr(at, '/');

                if (imm_root_lstat(cli->root, at, &st) == 0 && S_ISLNK(st.st_mode))
                        return NULL;
                if (!slash || slash == at)
                        return path;
                at = imm_strndup(a, at, (size_t)(slash - at));
        }
        return imm_printf(a, "%s%s", imm_streq(real, "/") ? "" : real, path + strlen(at));
}

/*
 * Can units that share namespaces with this one matter there? They decide about /tmp, about the
 * network, and where nothing but PrivateTmp= calls for a namespace, about parts of /run.
 */
static bool is_shared(const struct imm_cli *cli, const struct imm_cli_place *place) {
        static const char *const folders[] = {"/tmp", "/var/tmp", "/run"};
        const char *real = place->is_address ? NULL : without_links(cli, place->text);

        if (!real)
                return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(folders); i++) {
                const char *rest = imm_after(real, folders[i]);

                if (rest && (*rest == '/' || *rest == 0))
                        return true;
        }
        return false;
}

static int run(struct imm_cli *cli) {
        struct imm_handed_list handed = {0};
        struct imm_cli_live live = {0};
        struct imm_cli_asked asked;
        struct imm_unit *u = NULL;
        struct imm_settings *s;
        struct question *q;
        unsigned why = IMM_BECAUSE_ALL | (cli->quiet ? 0 : IMM_BECAUSE_FLIPS);
        bool yes = true;
        int r;

        if (cli->n_args == 0)
                return imm_cli_usage(cli, "can needs a unit and a path");
        r = imm_cli_places(cli, cli->args + 1, cli->n_args - 1, &asked);
        if (r == IMM_EXIT_OK)
                r = imm_cli_open(cli);
        if (r == IMM_EXIT_OK)
                r = imm_cli_unit(cli, cli->args[0], &u);
        if (r != IMM_EXIT_OK)
                return r;
        if (asked.mode >= 0 && cli->json == IMM_JSON_OFF)
                why &= IMM_BECAUSE_FLIPS | 1U << asked.mode;
        cli->manager->alone = !cli->live;
        for (size_t i = 0; i < asked.n; i++)
                cli->manager->alone &= !is_shared(cli, asked.places + i);
        s = imm_settings_of(cli->manager, u);
        cli->partial |= u->unreadable;
        imm_cli_diags(cli, &u->diags);
        imm_cli_diags(cli, &s->diags);
        imm_cli_say_version(cli);
        q = imm_alloc_array(cli->arena, asked.n, sizeof(*q));
        for (size_t i = 0; i < asked.n; i++) {
                q[i].place = asked.places + i;
                imm_cli_answer(cli, u, &asked, q[i].place, false, why, cli->arena, &q[i].main);
                imm_cli_answer(cli, u, &asked, q[i].place, true, why, cli->arena, &q[i].widest);
                q[i].wider = !same(&q[i].main, &q[i].widest);
                yes &= all_yes(&q[i].widest, asked.mode);
        }
        imm_cli_unseen(cli);
        imm_handed_compute(cli->manager, u, cli->arena, &handed);
        if (cli->live)
                ask_kernel(cli, u, q, asked.n, &live);
        if (cli->json != IMM_JSON_OFF)
                print_json(cli, u, &asked, q, &handed, &live);
        else {
                for (size_t i = 0; i < asked.n; i++)
                        print_question(cli, &asked, q + i);
                print_handed(cli, &handed);
                if (cli->live)
                        imm_cli_live_text(cli, &live);
        }
        if (s->load == IMM_LOAD_NOT_FOUND && imm_cli_is_nowhere(cli, u))
                return imm_cli_usage(cli, "there is no unit '%s'", u->name);
        if (cli->partial)
                return IMM_EXIT_PARTIAL;
        return yes ? IMM_EXIT_OK : IMM_EXIT_NO;
}

const struct imm_verb imm_verb_can = {
        .name = "can",
        .arguments = "UNIT [read|write|execute|connect|listen] PATH|ADDRESS…",
        .summary = "What a service may do at a path or an address, and why",
        .details = "Without a mode all are answered. The answer is that of the command that can do "
                   "most.\nAddresses: tcp:ADDRESS:PORT, udp:[ADDRESS]:PORT, unix:@NAME with "
                   "connect; also tcp:PORT with listen.\nExit status 0: yes to all that was asked; "
                   "1: not.\nWith --live the kernel is asked too, as the running main process.",
        .live = true,
        .run = run,
};
