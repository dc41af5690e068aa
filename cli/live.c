#include "cli/live.h"

void imm_cli_live(struct imm_cli *cli, struct imm_unit *u, struct imm_cli_live *ret) {
        imm_live_of(cli->manager, u, cli->arena, &ret->live);
        imm_live_compare(cli->manager, u, &ret->live, cli->arena, &ret->differences);
}

static void put(const char *text) {
        imm_text_put(stdout, text);
}

static void put_state(struct imm_cli *cli, const struct imm_live *l) {
        printf("\n%slive%s  ", imm_cli_tone(cli, IMM_TONE_BOLD), imm_cli_plain(cli));
        if (!l->manager_seen)
                puts("not seen");
        else if (l->process_seen) {
                put(l->active);
                printf(" (");
                put(l->sub);
                printf("), main process %d\n", l->process.pid);
        } else {
                put(l->active);
                puts(l->loaded ? ": no main process to compare with"
                               : ": the manager has not loaded it, there is nothing to compare "
                                 "with");
        }
}

static void put_difference(struct imm_cli *cli, const struct imm_live_difference *d) {
        printf("  %s%s ", imm_cli_tone(cli, IMM_TONE_BAD), imm_live_kind_name(d));
        put(d->what);
        printf("%s\n    predicted: ", imm_cli_plain(cli));
        put(*d->predicted ? d->predicted : "(empty)");
        fputs("\n    running:   ", stdout);
        put(*d->running ? d->running : "(empty)");
        printf("\n    %s", imm_cli_tone(cli, IMM_TONE_FAINT));
        put(d->reason);
        printf("%s\n", imm_cli_plain(cli));
}

void imm_cli_live_text(struct imm_cli *cli, const struct imm_cli_live *l) {
        put_state(cli, &l->live);
        imm_array_foreach (d, &l->differences)
                put_difference(cli, d);
        if (l->differences.n == 0 && l->live.process_seen)
                puts(l->live.unseen.n == 0 ? "  as predicted"
                                           : "  as predicted, as far as could be seen");
        for (size_t i = 0; i < l->live.unseen.n; i++) {
                fputs("  not seen: ", stdout);
                put(l->live.unseen.v[i]);
                putchar('\n');
        }
}

void imm_cli_live_json(struct imm_json *j, const struct imm_cli_live *l) {
        imm_json_object(j, "live");
        imm_json_tristate(j, "loaded", l->live.manager_seen ? l->live.loaded : -1);
        imm_json_string(j, "active", l->live.active);
        imm_json_string(j, "sub", l->live.sub);
        imm_json_tristate(
                j, "need_daemon_reload", l->live.loaded ? l->live.need_daemon_reload : -1);
        if (l->live.process_seen)
                imm_json_int(j, "pid", l->live.process.pid);
        else
                imm_json_null(j, "pid");
        imm_json_array(j, "differences");
        imm_array_foreach (d, &l->differences) {
                imm_json_object(j, NULL);
                imm_json_string(j, "kind", imm_live_kind_name(d));
                imm_json_string(j, "what", d->what);
                imm_json_string(j, "predicted", d->predicted);
                imm_json_string(j, "running", d->running);
                imm_json_string(j, "reason", d->reason);
                imm_json_end(j);
        }
        imm_json_end(j);
        imm_json_array(j, "unseen");
        for (size_t i = 0; i < l->live.unseen.n; i++)
                imm_json_string(j, NULL, l->live.unseen.v[i]);
        imm_json_end(j);
        imm_json_end(j);
}

/* ---- the kernel's answers ---- */

const struct imm_live_access *imm_cli_live_access(
        struct imm_cli *cli, struct imm_cli_live *l, const char *const *paths, size_t n) {
        struct imm_live_access *all = imm_alloc_array(cli->arena, n, sizeof(*all));
        imm_err_auto err = IMM_ERR_INIT;

        if (!l->live.process_seen)
                return NULL;
        if (imm_live_access(&l->live.process, paths, n, all, &err) < 0) {
                imm_strv_add(
                        cli->arena, &l->live.unseen, imm_strdup(cli->arena, imm_err_text(&err)));
                return NULL;
        }
        return all;
}

static const char *word(int answer) {
        return answer == 1 ? "yes" : answer == 0 ? "no" : "unknown";
}

void imm_cli_live_access_text(struct imm_cli *cli, const struct imm_live_access *kernel,
        const struct imm_access *predicted) {
        if (kernel->exists >= 0 && predicted->exists >= 0 && kernel->exists != predicted->exists)
                printf("        %slive: the kernel says that it %s%s\n",
                        imm_cli_tone(cli, IMM_TONE_BAD),
                        kernel->exists ? "exists" : "does not exist", imm_cli_plain(cli));
        for (enum imm_mode i = 0; i < IMM_MODE_N; i++)
                if (kernel->allowed[i] >= 0 && predicted->allowed[i] >= 0 &&
                        kernel->allowed[i] != predicted->allowed[i])
                        printf("        %slive: the kernel says %s to %s of the main process, "
                               "predicted "
                               "%s%s\n",
                                imm_cli_tone(cli, IMM_TONE_BAD), word(kernel->allowed[i]),
                                imm_mode_name(i), word(predicted->allowed[i]), imm_cli_plain(cli));
}

void imm_cli_live_access_json(struct imm_json *j, const struct imm_live_access *kernel) {
        imm_json_object(j, "live");
        imm_json_tristate(j, "exists", kernel->exists);
        for (enum imm_mode i = 0; i < IMM_MODE_N; i++)
                imm_json_tristate(j, imm_mode_name(i), kernel->allowed[i]);
        imm_json_end(j);
}
