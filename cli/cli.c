#include "cli/cli.h"

#include "analyzer/closure/closure.h"
#include "analyzer/unit/name.h"
#include "base/crew.h"
#include "report/scan/scan.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        TOGETHER_MIN = 16, /* below, threads cost more than they spare */
        SETTLE_BATCH = 8,
};

int imm_cli_fail(struct imm_cli *cli, int status, const struct imm_err *err) {
        if (err && !cli->silent) {
                (void)fflush(stdout);
                fputs("immure: ", stderr);
                imm_text_put(stderr, imm_err_text(err));
                putc('\n', stderr);
        }
        return status;
}

int imm_cli_usage(struct imm_cli *cli, const char *fmt, ...) {
        imm_err_auto err = IMM_ERR_INIT;
        va_list ap;

        va_start(ap, fmt);
        (void)imm_err_set(&err, -EINVAL, "%s", imm_vprintf(cli->arena, fmt, ap));
        va_end(ap);
        return imm_cli_fail(cli, IMM_EXIT_USAGE, &err);
}

void imm_cli_diags(struct imm_cli *cli, const struct imm_diags *d) {
        imm_array_foreach (i, d) {
                if (i->level == IMM_DIAG_UNREADABLE)
                        cli->partial = true;
                if (cli->silent || (cli->quiet && i->level < IMM_DIAG_ERROR))
                        continue;
                if (i->file) {
                        imm_text_put(stderr, i->file);
                        fprintf(stderr, ":%u: ", i->line ? i->line : 1);
                }
                fprintf(stderr, "%s: ", imm_diag_level_name(i->level));
                imm_text_put(stderr, i->message);
                putc('\n', stderr);
        }
}

int imm_cli_open(struct imm_cli *cli) {
        struct imm_manager_options options = {
                .scope = cli->scope,
                .user = cli->user,
                .unit_path = cli->root_dir ? NULL : getenv("SYSTEMD_UNIT_PATH"),
        };
        unsigned long long version = 0;

        /* better no answer than one that did not ask whom it was told to ask */
        if (cli->live && !cli->verb->live)
                return imm_cli_usage(cli,
                        "%s answers from files alone; mounts, can and show take --live",
                        cli->verb->name);
        if (cli->live && cli->root_dir)
                return imm_cli_usage(cli, "--live asks the running host, which --root= is not");
        if (cli->versions.n > 0 && imm_parse_u64(cli->versions.v[0], &version))
                options.version = (unsigned)version;
        if (imm_root_open(&cli->root, cli->root_dir, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_USAGE, &cli->err);
        if (cli->live && !imm_root_is_running(cli->root))
                return imm_cli_usage(cli, "--live: no systemd runs here that could be asked");
        if (imm_manager_open(&cli->manager, cli->root, &options, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_USAGE, &cli->err);
        imm_closures_threads(imm_closures_of(cli->manager), cli->jobs);
        imm_cli_cache_use(cli);
        return IMM_EXIT_OK;
}

void imm_cli_unseen(struct imm_cli *cli) {
        imm_array_foreach (i, &cli->manager->diags) {
                const struct imm_diags one = {.v = i, .n = 1, .cap = 1};

                if (i->level == IMM_DIAG_UNREADABLE)
                        imm_cli_diags(cli, &one);
        }
}

void imm_cli_say_version(struct imm_cli *cli) {
        const struct imm_manager *m = cli->manager;

        if (cli->quiet || cli->silent || cli->json != IMM_JSON_OFF ||
                m->version_source == IMM_VERSION_ASKED ||
                (m->version_source == IMM_VERSION_ROOT && m->version >= IMM_VERSION_OLDEST &&
                        m->version <= IMM_VERSION_LATEST))
                return;
        fprintf(stderr, "immure: judged as systemd %u does (%s)\n", m->version,
                imm_report_version_source(m));
}

static bool is_file(struct imm_cli *cli, const char *path) {
        struct stat st;

        return stat(imm_unit_file_to_read(path, cli->arena), &st) == 0 && !S_ISDIR(st.st_mode);
}

int imm_cli_unit(struct imm_cli *cli, const char *arg, struct imm_unit **ret) {
        struct imm_unit *u = NULL;
        int r;

        if (!strchr(arg, '/')) {
                r = imm_manager_unit(cli->manager, arg, &u, &cli->err);
                if (r < 0)
                        return imm_cli_fail(cli, IMM_EXIT_USAGE, &cli->err);
                if (u->load != IMM_LOAD_NOT_FOUND || !is_file(cli, arg)) {
                        *ret = u;
                        return IMM_EXIT_OK;
                }
        }
        r = imm_manager_unit_file(cli->manager, arg, &u, &cli->err);
        if (r < 0)
                return imm_cli_fail(cli, IMM_EXIT_USAGE, &cli->err);
        *ret = u;
        return IMM_EXIT_OK;
}

bool imm_cli_is_glob(const char *arg) {
        return !strchr(arg, '/') && strpbrk(arg, "*?[");
}

bool imm_cli_glob_matches(const struct imm_cli *cli, const char *glob) {
        for (size_t i = 0; i < cli->manager->n_list; i++)
                if (fnmatch(glob, cli->manager->list[i]->name, 0) == 0)
                        return true;
        return false;
}

bool imm_cli_is_named(struct imm_cli *cli, const struct imm_unit *u) {
        for (size_t i = 0; i < cli->n_args && !u->given_by_path; i++) {
                imm_err_auto err = IMM_ERR_INIT;
                struct imm_unit *x = NULL;

                if (!strpbrk(cli->args[i], "/*?[") &&
                        imm_manager_unit(cli->manager, cli->args[i], &x, &err) == 0 &&
                        imm_streq(x->name, u->name))
                        return true;
        }
        return u->given_by_path;
}

/* What makes two arguments the same unit. Files of one name in two folders are two units. */
static const char *identity(struct imm_cli *cli, const struct imm_unit *u) {
        imm_auto_free char *real = NULL;

        if (!u->given_by_path)
                return u->name;
        real = realpath(u->fragment, NULL);
        return imm_printf(cli->arena, "%s\n%s", real ? real : u->fragment, u->name);
}

/* One argument's units, appended; each unit once */
static int add_units(struct imm_cli *cli, const char *arg, struct imm_map *seen,
        struct imm_unit **list, size_t *n) {
        struct imm_manager *m = cli->manager;
        struct imm_unit *u = NULL;
        const char *key;
        int r;

        if (imm_cli_is_glob(arg)) {
                for (size_t i = 0; i < m->n_list; i++)
                        if (fnmatch(arg, m->list[i]->name, 0) == 0 &&
                                !imm_map_has(seen, m->list[i]->name)) {
                                imm_map_put(cli->arena, seen, m->list[i]->name, m->list[i]);
                                list[(*n)++] = m->list[i];
                        }
                return IMM_EXIT_OK;
        }
        r = imm_cli_unit(cli, arg, &u);
        if (r != IMM_EXIT_OK)
                return r;
        key = identity(cli, u);
        if (!imm_map_has(seen, key)) {
                imm_map_put(cli->arena, seen, key, u);
                list[(*n)++] = u;
        }
        return IMM_EXIT_OK;
}

int imm_cli_units(struct imm_cli *cli, const char *const *args, size_t n_args, bool all_types,
        struct imm_unit ***ret, size_t *ret_n) {
        struct imm_manager *m = cli->manager;
        struct imm_map seen = {0};
        struct imm_unit **list;
        bool need_all = n_args == 0;
        size_t n = 0;
        int r;

        for (size_t i = 0; i < n_args; i++)
                need_all |= imm_cli_is_glob(args[i]);
        if (need_all && imm_manager_load_all(m, cli->jobs, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        list = imm_alloc_array(cli->arena, m->n_list + n_args + 1, sizeof(*list));
        if (n_args == 0) {
                for (size_t i = 0; i < m->n_list; i++)
                        if (all_types || m->list[i]->type == IMM_UNIT_SERVICE)
                                list[n++] = m->list[i];
        }
        for (size_t i = 0; i < n_args; i++) {
                r = add_units(cli, args[i], &seen, list, &n);
                if (r != IMM_EXIT_OK)
                        return r;
        }
        *ret = list;
        *ret_n = n;
        return IMM_EXIT_OK;
}

bool imm_cli_names_one(const struct imm_cli *cli) {
        return cli->n_args == 1 && !imm_cli_is_glob(cli->args[0]);
}

bool imm_cli_is_nowhere(struct imm_cli *cli, const struct imm_unit *u) {
        bool known = u->given_by_path || !cli->manager->blind;

        cli->partial |= !known;
        return known;
}

static void say_absent(struct imm_cli *cli, const char *how, const char *name, bool *ret_missing) {
        *ret_missing = true;
        (void)imm_cli_fail(cli, 0,
                &(struct imm_err){.code = -ENOENT,
                        .msg = imm_printf(cli->arena, "there is no unit %s'%s'", how, name)});
}

/* Many names: their files are read together. */
static void load_together(struct imm_cli *cli) {
        struct imm_strv names = {0};

        for (size_t i = 0; i < cli->n_args; i++)
                if (imm_unit_name_kind(cli->args[i]) != IMM_NAME_INVALID)
                        imm_strv_add(cli->arena, &names, cli->args[i]);
        if (names.n >= TOGETHER_MIN)
                imm_manager_load_names(cli->manager, &names, cli->jobs);
}

static int by_address(const void *a, const void *b) {
        const struct imm_unit *const *x = a, *const *y = b;

        return *x < *y ? -1 : *x > *y;
}

struct settling {
        struct imm_manager *m;
        struct imm_unit **units; /* by address: one that is named twice is settled once */
};

static void settle(void *data, unsigned worker, size_t i) {
        struct settling *work = data;

        if (i == 0 || work->units[i] != work->units[i - 1])
                (void)imm_settings_of(work->m, work->units[i]);
}

static void settle_all(struct imm_cli *cli, struct imm_unit *const *units, size_t n) {
        struct settling work = {cli->manager, NULL};

        if (n < TOGETHER_MIN)
                return;
        work.units = imm_alloc_array(cli->arena, n, sizeof(struct imm_unit *));
        memcpy(work.units, units, n * sizeof(struct imm_unit *));
        qsort(work.units, n, sizeof(struct imm_unit *), by_address);
        imm_crew_run(n, SETTLE_BATCH, cli->jobs, settle, &work);
}

int imm_cli_named(struct imm_cli *cli, struct imm_unit ***ret, size_t *ret_n, bool *ret_missing) {
        IMM_ARRAY(struct imm_unit *) list = {0};

        *ret_missing = false;
        load_together(cli);
        for (size_t i = 0; i < cli->n_args; i++) {
                struct imm_unit *one, **units = &one;
                size_t n = 1;
                int r = imm_cli_is_glob(cli->args[i])
                                ? imm_cli_units(cli, &cli->args[i], 1, true, &units, &n)
                                : imm_cli_unit(cli, cli->args[i], &one);

                if (r != IMM_EXIT_OK)
                        return r;
                if (n == 0)
                        say_absent(cli, "like ", cli->args[i], ret_missing);
                for (size_t k = 0; k < n; k++)
                        *imm_array_push(cli->arena, &list) = units[k];
        }
        settle_all(cli, list.v, list.n);
        imm_array_foreach (u, &list) {
                struct imm_settings *s = imm_settings_of(cli->manager, *u);

                cli->partial |= (*u)->unreadable;
                imm_cli_diags(cli, &(*u)->diags);
                imm_cli_diags(cli, &s->diags);
                if (s->load == IMM_LOAD_NOT_FOUND && imm_cli_is_named(cli, *u) &&
                        imm_cli_is_nowhere(cli, *u))
                        say_absent(cli, "", (*u)->name, ret_missing);
        }
        *ret = list.v;
        *ret_n = list.n;
        return IMM_EXIT_OK;
}

int imm_cli_named_done(const struct imm_cli *cli, size_t n, bool missing) {
        return n == 0 ? IMM_EXIT_NOTHING : missing ? IMM_EXIT_USAGE : imm_cli_done(cli);
}

const char *imm_cli_tone(const struct imm_cli *cli, enum imm_tone tone) {
        static const char *const codes[] = {
                [IMM_TONE_GOOD] = "\033[32m",
                [IMM_TONE_FAIR] = "\033[33m",
                [IMM_TONE_BAD] = "\033[1;31m",
                [IMM_TONE_FAINT] = "\033[90m",
                [IMM_TONE_BOLD] = "\033[1m",
        };

        return cli->color ? codes[tone] : "";
}

const char *imm_cli_plain(const struct imm_cli *cli) {
        return cli->color ? "\033[0m" : "";
}

unsigned imm_cli_width(void) {
        struct winsize w;

        return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}
