#include "cli/snapshot.h"

#include "cli/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

enum { REPORT_MAX = 1 << 30 };

const char *imm_cli_host(struct imm_cli *cli) {
        struct imm_blob b = {0};
        struct utsname u;
        const char *end;

        if (imm_root_is_host(cli->root))
                return uname(&u) == 0 ? imm_strdup(cli->arena, u.nodename) : "";
        if (imm_root_read(cli->root, "/etc/hostname", 4096, cli->arena, &b, NULL) < 0)
                return "";
        end = b.data + strcspn(b.data, " \t\n");
        return imm_strndup(cli->arena, b.data, (size_t)(end - b.data));
}

struct imm_run_place imm_cli_run_place(struct imm_cli *cli) {
        static const char *const scopes[] = {[IMM_SCOPE_SYSTEM] = "system",
                [IMM_SCOPE_USER] = "user",
                [IMM_SCOPE_GLOBAL] = "global"};
        const struct imm_manager *m = cli->manager;
        imm_auto_free char *real = realpath(imm_root_path(cli->root), NULL);

        return (struct imm_run_place){
                .host = imm_cli_host(cli),
                .root = imm_strdup(cli->arena, real ? real : imm_root_path(cli->root)),
                .scope = m->scope == IMM_SCOPE_USER && m->user
                                 ? imm_printf(cli->arena, "user %s", m->user->name)
                                 : scopes[m->scope],
        };
}

int imm_cli_snapshot(struct imm_cli *cli, unsigned parts, bool args, struct imm_snapshot **ret) {
        const struct imm_snapshot_options what = {.parts = parts};

        return imm_cli_snapshot_with(cli, &what, args, ret);
}

int imm_cli_snapshot_with(struct imm_cli *cli, const struct imm_snapshot_options *what, bool args,
        struct imm_snapshot **ret) {
        struct imm_cli_audit a = {.want_snapshot = true, .what = *what};
        size_t n_args = cli->n_args;
        struct imm_snapshot *s;
        int r = cli->manager ? IMM_EXIT_OK : imm_cli_open(cli);

        if (!args)
                cli->n_args = 0;
        if (r == IMM_EXIT_OK)
                r = imm_cli_rules(cli, &a);
        if (r == IMM_EXIT_OK)
                r = imm_cli_audit(cli, &a, false);
        if (r == IMM_EXIT_OK)
                r = imm_cli_audit_status(cli, &a);
        cli->n_args = n_args;
        if (r == IMM_EXIT_OK || r == IMM_EXIT_PARTIAL || r == IMM_EXIT_NOTHING ||
                (a.missing && !a.broken_rules)) {
                struct imm_run_place place = imm_cli_run_place(cli);

                s = imm_steal(a.snapshot);
                s->host = imm_strdup(s->arena, place.host);
                s->root = imm_strdup(s->arena, place.root);
                s->scope = imm_strdup(s->arena, place.scope);
                s->time = (int64_t)time(NULL);
                s->immure = IMM_VERSION;
                s->partial |= r == IMM_EXIT_PARTIAL;
                *ret = s;
        }
        imm_cli_audit_done(&a);
        return r;
}

int imm_cli_history(struct imm_cli *cli, enum imm_history_mode mode, struct imm_history **ret) {
        const char *path = cli->db ? cli->db : imm_history_default_path(cli->arena);
        int r;

        if (path && !*path) /* SQLite would take a database of the moment for it */
                return imm_cli_usage(cli, "--db= needs the path of a database");
        if (!path && mode == IMM_HISTORY_READ) /* nobody can have recorded anything there */
                return IMM_EXIT_OK;
        if (!path)
                return imm_cli_usage(cli, "there is no home folder for a history; say --db=PATH");
        r = imm_history_open(ret, path, mode, &cli->err);
        if (r == -ENOENT && mode == IMM_HISTORY_READ && cli->err.code == 0)
                return IMM_EXIT_OK;
        if (r < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        imm_history_use_threads(*ret, cli->jobs);
        return IMM_EXIT_OK;
}

int imm_cli_snapshot_file(struct imm_cli *cli, const char *path, struct imm_snapshot **ret) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_cleanup(imm_root_free) struct imm_root *host = NULL;
        imm_auto_free char *full = realpath(path, NULL);
        struct imm_blob b = {0};
        int r = full ? 0 : -errno;

        if (r == 0)
                r = imm_root_open(&host, "/", &cli->err);
        if (r == 0)
                r = imm_root_read(host, full, REPORT_MAX, a, &b, NULL);
        if (r < 0) {
                (void)imm_err_set(&cli->err, r, "cannot read '%s': %s", path, strerror(-r));
                return imm_cli_fail(
                        cli, r == -ENOENT ? IMM_EXIT_USAGE : IMM_EXIT_PARTIAL, &cli->err);
        }
        if (imm_snapshot_from_json(ret, b.data, b.size, path, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_USAGE, &cli->err);
        return IMM_EXIT_OK;
}

static int other_root(
        struct imm_cli *cli, const char *dir, unsigned parts, struct imm_snapshot **ret) {
        struct imm_cli other = *cli;
        int r;

        other.root_dir = dir;
        other.root = NULL;
        other.manager = NULL;
        other.partial = false;
        r = imm_cli_snapshot(&other, parts, false, ret);
        cli->err = other.err;
        cli->partial |= other.partial;
        imm_manager_free(other.manager);
        imm_root_free(other.root);
        return r;
}

int imm_cli_snapshot_named(
        struct imm_cli *cli, const char *arg, struct imm_history *h, struct imm_snapshot **ret) {
        unsigned long long run;
        struct stat st;
        int r;

        if (imm_streq(arg, "now"))
                return imm_cli_snapshot(cli, IMM_SNAPSHOT_ALL, false, ret);
        if (imm_parse_u64(arg, &run)) {
                if (!h)
                        return imm_cli_usage(cli,
                                "there is no history, so no run %s; `immure record` makes one",
                                arg);
                r = imm_history_load(h, (int64_t)run, ret, &cli->err);
                if (r < 0)
                        return imm_cli_fail(
                                cli, r == -ENOENT ? IMM_EXIT_USAGE : IMM_EXIT_PARTIAL, &cli->err);
                return IMM_EXIT_OK;
        }
        if (stat(arg, &st) == 0 && S_ISDIR(st.st_mode))
                return other_root(cli, arg, IMM_SNAPSHOT_ALL, ret);
        return imm_cli_snapshot_file(cli, arg, ret);
}

int imm_cli_last_run(struct imm_cli *cli, struct imm_history *h, int64_t before, int64_t *ret) {
        struct imm_run_place place;
        struct imm_run *runs = NULL;
        size_t n = 0;

        *ret = 0;
        if (!h)
                return IMM_EXIT_OK;
        place = imm_cli_run_place(cli);
        if (imm_history_runs(h, &place, cli->arena, &runs, &n, &cli->err) < 0)
                return imm_cli_fail(cli, IMM_EXIT_PARTIAL, &cli->err);
        while (n > 0 && before != 0 && runs[n - 1].id >= before)
                n--;
        if (n > 0)
                *ret = runs[n - 1].id;
        return IMM_EXIT_OK;
}
