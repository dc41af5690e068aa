/* immure mounts: what a service has mounted where, and the setting that made it so. */

#include "analyzer/sandbox/sandbox.h"
#include "cli/live.h"
#include "report/scan/scan.h"
#include "rules/snapshot.h"

#include <errno.h>

/* ---- the words of a mount ---- */

static const struct {
        unsigned flag;
        const char *text;
} flags[] = {
        {IMM_MOUNT_RDONLY, "ro"},
        {IMM_MOUNT_NOSUID, "nosuid"},
        {IMM_MOUNT_NODEV, "nodev"},
        {IMM_MOUNT_NOEXEC, "noexec"},
};

static char *flags_text(struct imm_arena *a, const struct imm_mount *m) {
        char *s = imm_strdup(a, m->flags & IMM_MOUNT_RDONLY ? "ro" : "rw");

        for (size_t i = 1; i < IMM_ELEMENTSOF(flags); i++)
                if (m->flags & flags[i].flag)
                        s = imm_printf(a, "%s,%s", s, flags[i].text);
        return s;
}

static char *what_text(
        struct imm_arena *a, const struct imm_mount_table *t, const struct imm_mount *m) {
        if (m->inaccessible)
                return imm_strdup(a, "inaccessible");
        if (m->of_host)
                return imm_strdup(a, "the host's");
        if (!imm_streq(m->fstype, "bind"))
                return imm_printf(a, "new %s%s%s%s", m->fstype, m->options ? " (" : "",
                        m->options ? m->options : "", m->options ? ")" : "");
        if (imm_streq(m->source, m->path))
                return t->root_directory ? imm_printf(a, "the host's %s", m->source)
                                         : imm_strdup(a, "itself");
        return imm_printf(a, "from %s", imm_path_of_process(m->source, a));
}

static char *cause_text(struct imm_arena *a, const struct imm_mount *m) {
        if (m->setting == IMM_SETTING_N)
                return m->why ? imm_printf(a, "systemd: %s", m->why) : NULL;
        return imm_printf(
                a, "%s=  %s", imm_setting_info(m->setting)->name, imm_origin_text(&m->origin, a));
}

/* ---- what goes wrong, and what to do ---- */

static const struct {
        const char *what, *remedy;
} failures[IMM_OUTCOME_N] = {
        [IMM_OUTCOME_NOT_LOADABLE] = {"systemd does not load it", NULL},
        [IMM_OUTCOME_NAMESPACE_FAILURE] = {"its mounts cannot be set up (226/NAMESPACE)",
                "make the path exist, take the line away, or begin the path with '-'"},
        [IMM_OUTCOME_EXEC_FAILURE] = {"its program cannot be executed (203/EXEC)",
                "make the program visible and executable in this sandbox"},
        [IMM_OUTCOME_CHDIR_FAILURE] = {"its working directory cannot be entered (200/CHDIR)",
                "make the directory visible to its user, or begin WorkingDirectory= with '-'"},
        [IMM_OUTCOME_USER_FAILURE] = {"its user cannot be had (217/USER)",
                "add the user, by sysusers.d for instance"},
        [IMM_OUTCOME_GROUP_FAILURE] = {"its groups cannot be had (216/GROUP)",
                "add the group, by sysusers.d for instance"},
        [IMM_OUTCOME_CREDENTIALS_FAILURE] = {"a credential cannot be loaded (243/CREDENTIALS)",
                "make the file exist, or give a default by SetCredential="},
        [IMM_OUTCOME_CHROOT_FAILURE] = {"its root cannot be entered (210/CHROOT)",
                "make the directory exist"},
        [IMM_OUTCOME_CAPABILITIES_FAILURE] = {"its capabilities cannot be set (218/CAPABILITIES)",
                "take away what needs privileges that this manager lacks"},
        [IMM_OUTCOME_NETWORK_FAILURE] = {"its network namespace cannot be had (225/NETWORK)",
                "make what NetworkNamespacePath= names, before the service starts"},
        [IMM_OUTCOME_STATE_DIRECTORY_FAILURE] = {"a directory of its own cannot be made",
                "move away what stands in its place"},
        [IMM_OUTCOME_STDIN_FAILURE] = {"its standard input cannot be opened (208/STDIN)",
                "make the file exist"},
        [IMM_OUTCOME_STDOUT_FAILURE] = {"its standard output cannot be opened (209/STDOUT)",
                "make the directory exist"},
        [IMM_OUTCOME_STDERR_FAILURE] = {"its standard error cannot be opened (222/STDERR)",
                "make the directory exist"},
        [IMM_OUTCOME_FDS_FAILURE] = {"its descriptors cannot be had (202/FDS)",
                "make the file of OpenFile= exist, or say :graceful; raise LimitNOFILE="},
        [IMM_OUTCOME_SETSCHEDULER_FAILURE] = {"its CPU scheduling is refused (214/SETSCHEDULER)",
                "take CPUSchedulingPolicy= away, or let the user (LimitRTPRIO= of user@.service)"},
        [IMM_OUTCOME_IOPRIO_FAILURE] = {"its I/O scheduling is refused (211/IOPRIO)",
                "take IOSchedulingClass= away"},
        [IMM_OUTCOME_PAM_FAILURE] = {"PAM has no file for it (224/PAM)",
                "install the file, or take PAMName= away"},
        [IMM_OUTCOME_CPU_AFFINITY_FAILURE] = {"its processors cannot be had (215/CPUAFFINITY)",
                "name processors that the machine has in CPUAffinity="},
        [IMM_OUTCOME_NUMA_POLICY_FAILURE] = {"its memory policy is refused (242/NUMA_POLICY)",
                "name memory nodes that the machine has in NUMAMask="},
        [IMM_OUTCOME_SOCKET_FAILURE] = {"no socket is there for its streams",
                "add the socket unit that starts it, or name another stream"},
        [IMM_OUTCOME_FILTER_FAILURE] = {"a program for its packets is not there",
                "pin it before the service starts, or take the line away"},
        [IMM_OUTCOME_ENVIRONMENT_FAILURE] = {"its environment cannot be read",
                "make the file exist, or begin its path with '-'"},
        [IMM_OUTCOME_DYNAMIC_USER_FAILURE] = {"its user cannot be made",
                "give it a name of letters, digits, '_' and '-', of at most 31 characters"},
        [IMM_OUTCOME_TRIGGER_FAILURE] = {"the unit that it is to start is not there",
                "install that unit, or name another"},
        [IMM_OUTCOME_MOUNT_POINT_FAILURE] = {"there is a link on the way of its mount point",
                "name the place that the link leads to in Where="},
        [IMM_OUTCOME_MOUNT_FAILURE] = {"mount(8) fails (32)",
                "make What= exist, or install the program for its type"},
        [IMM_OUTCOME_SWAP_FAILURE] = {"swapon(8) fails (255)", "make What= exist"},
        [IMM_OUTCOME_UNKNOWN] = {"whether it starts cannot be known from files", NULL},
};

static void put_failure(struct imm_cli *cli, const struct imm_mount_table *t) {
        const struct imm_origin *o = &t->culprit_origin;

        printf("  %s%s%s", imm_cli_tone(cli, IMM_TONE_BAD), failures[t->outcome].what,
                imm_cli_plain(cli));
        if (t->culprit) {
                fputs(": ", stdout);
                imm_text_put(stdout, t->culprit);
        }
        if (t->culprit_source) {
                fputs(", where ", stdout);
                imm_text_put(stdout, t->culprit_source);
                fputs(" was to be mounted", stdout);
        }
        if (o->file || o->kind == IMM_ORIGIN_IMPLIED) {
                fputs("  ", stdout);
                imm_text_put(stdout, imm_origin_text(o, cli->arena));
        }
        putchar('\n');
        if (failures[t->outcome].remedy)
                printf("  what helps: %s\n", failures[t->outcome].remedy);
}

/* ---- text: a tree ---- */

enum { PATH_WIDTH = 40, FLAGS_WIDTH = 24, WHAT_WIDTH = 28 };

static void put_padded(const char *text, size_t width) {
        size_t n = imm_text_width(text);

        imm_text_put(stdout, text);
        printf("%*s", n < width ? (int)(width - n) : 0, "");
}

static void put_mount(struct imm_cli *cli, const struct imm_mount_table *t,
        const struct imm_mount *m, const char *name, const char *indent) {
        const char *cause = cause_text(cli->arena, m);
        const char *tone = m->inaccessible               ? imm_cli_tone(cli, IMM_TONE_GOOD)
                           : m->flags & IMM_MOUNT_RDONLY ? ""
                                                         : imm_cli_tone(cli, IMM_TONE_FAIR);

        fputs(tone, stdout);
        put_padded(imm_printf(cli->arena, "%s%s", indent, name), PATH_WIDTH);
        fputs(*tone ? imm_cli_plain(cli) : "", stdout);
        printf("  ");
        put_padded(flags_text(cli->arena, m), FLAGS_WIDTH);
        printf("  ");
        put_padded(what_text(cli->arena, t, m), cause ? WHAT_WIDTH : 0);
        if (cause) {
                printf("  %s", imm_cli_tone(cli, IMM_TONE_FAINT));
                imm_text_put(stdout, cause);
                fputs(imm_cli_plain(cli), stdout);
        }
        putchar('\n');
}

/* What of @path is not said by the line of the mount above it */
static const char *name_below(struct imm_arena *a, const char *path, const char *over) {
        const char *name = imm_path_of_process(path, a),
                   *rest = imm_after(name, imm_path_of_process(over, a));

        return rest && *rest == '/' ? rest : name;
}

/* Entries stand in order of their paths, so what is below one follows it, mostly: '-' and '.' sort
 * before '/'. */
static void put_below(
        struct imm_cli *cli, const struct imm_mount_table *t, size_t top, const char *indent) {
        const char *over = t->v[top].path;

        for (size_t i = 0; i < t->n; i++) {
                const struct imm_mount *m = &t->v[i];
                bool nearest = i != top && imm_path_is_inside(m->path, over);

                for (size_t k = 0; nearest && k < t->n; k++)
                        if (k != top && k != i && imm_path_is_inside(t->v[k].path, over) &&
                                imm_path_is_inside(m->path, t->v[k].path))
                                nearest = false;
                if (!nearest)
                        continue;
                put_mount(cli, t, m, name_below(cli->arena, m->path, over), indent);
                put_below(cli, t, i, imm_printf(cli->arena, "%s  ", indent));
        }
}

static void put_losers(struct imm_cli *cli, const struct imm_mount_table *t) {
        bool any = false;

        imm_array_foreach (l, &t->losers) {
                if (l->origin.kind != IMM_ORIGIN_FILE)
                        continue;
                if (!any)
                        printf("\n%swithout effect%s\n", imm_cli_tone(cli, IMM_TONE_BOLD),
                                imm_cli_plain(cli));
                any = true;
                printf("  %s=", imm_setting_info(l->setting)->name);
                imm_text_put(stdout, l->path);
                printf("  %s", imm_cli_tone(cli, IMM_TONE_FAINT));
                imm_text_put(stdout, imm_origin_text(&l->origin, cli->arena));
                printf("%s: ", imm_cli_plain(cli));
                imm_text_put(stdout, l->why);
                putchar('\n');
        }
}

/* What is not modelled and could change the table */
static struct imm_strv all_assumes(
        struct imm_cli *cli, struct imm_unit *u, const struct imm_mount_table *t) {
        struct imm_strv all = {0};

        for (size_t i = 0; i < t->assumes.n; i++)
                imm_strv_add(cli->arena, &all, t->assumes.v[i]);
        imm_assumes_unknown(imm_settings_of(cli->manager, u), cli->arena, &all);
        return all;
}

static void mounts_text(struct imm_cli *cli, struct imm_unit *u) {
        const struct imm_sandbox *sb = imm_sandbox_of(cli->manager, u);
        const struct imm_mount_table *t = &sb->mounts[sb->main];
        struct imm_strv assumes = all_assumes(cli, u, t);

        fputs(imm_cli_tone(cli, IMM_TONE_BOLD), stdout);
        imm_text_put(stdout, u->name);
        printf("%s  systemd %u (%s)\n", imm_cli_plain(cli), cli->manager->version,
                imm_report_version_source(cli->manager));
        if (t->outcome != IMM_OUTCOME_OK)
                put_failure(cli, t);
        else if (!t->has_namespace)
                puts("  no mount namespace: it sees the host's own mounts");
        if (t->n > 0) {
                put_mount(cli, t, &t->v[0], "/", "");
                put_below(cli, t, 0, "");
        }
        put_losers(cli, t);
        for (size_t i = 0; i < assumes.n; i++) {
                fputs(i == 0 ? "\nnot modelled: " : ", ", stdout);
                imm_text_put(stdout, assumes.v[i]);
        }
        if (assumes.n > 0)
                putchar('\n');
        if (cli->live) {
                struct imm_cli_live live = {0};

                imm_cli_live(cli, u, &live);
                imm_cli_live_text(cli, &live);
        }
}

/* ---- --json ---- */

static void json_mount(struct imm_cli *cli, struct imm_json *j, const struct imm_mount *m) {
        const struct imm_state_mount plain = imm_state_mount_of(m, cli->arena);

        imm_json_object(j, NULL);
        imm_mount_json(&plain, j);
        imm_json_bool(j, "host", m->of_host);
        if (m->options)
                imm_json_string(j, "options", m->options);
        imm_report_origin_json(j, "origin", &m->origin);
        if (m->why)
                imm_json_string(j, "why", m->why);
        imm_json_end(j);
}

static void json_unit(struct imm_cli *cli, struct imm_json *j, struct imm_unit *u) {
        const struct imm_sandbox *sb = imm_sandbox_of(cli->manager, u);
        const struct imm_mount_table *t = &sb->mounts[sb->main];
        struct imm_strv assumes = all_assumes(cli, u, t);

        imm_json_string(j, "unit", u->name);
        imm_json_string(j, "load", imm_load_name(imm_settings_of(cli->manager, u)->load));
        imm_json_string(j, "outcome", imm_outcome_name(t->outcome));
        if (t->culprit) {
                imm_json_object(j, "culprit");
                imm_json_string(j, "what", t->culprit);
                if (t->culprit_source)
                        imm_json_string(j, "source", t->culprit_source);
                imm_report_origin_json(j, "origin", &t->culprit_origin);
                imm_json_end(j);
        }
        imm_json_bool(j, "namespace", t->has_namespace);
        imm_json_array(j, "mounts");
        for (size_t i = 0; i < t->n; i++)
                json_mount(cli, j, &t->v[i]);
        imm_json_end(j);
        imm_json_array(j, "without_effect");
        imm_array_foreach (l, &t->losers) {
                imm_json_object(j, NULL);
                imm_json_string(j, "path", l->path);
                imm_json_string(j, "setting", imm_setting_info(l->setting)->name);
                imm_report_origin_json(j, "origin", &l->origin);
                imm_json_string(j, "why", l->why);
                imm_json_end(j);
        }
        imm_json_end(j);
        imm_json_array(j, "assumes");
        for (size_t i = 0; i < assumes.n; i++)
                imm_json_string(j, NULL, assumes.v[i]);
        imm_json_end(j);
        if (cli->live) {
                struct imm_cli_live live = {0};

                imm_cli_live(cli, u, &live);
                imm_cli_live_json(j, &live);
        }
}

static void mounts_json(struct imm_cli *cli, struct imm_unit **units, size_t n) {
        struct imm_json j = imm_json_on(stdout, cli->json);

        imm_json_object(&j, NULL);
        imm_report_head_json(&j, "immure.mounts/1", cli->manager);
        if (imm_cli_names_one(cli))
                json_unit(cli, &j, units[0]);
        else {
                imm_json_array(&j, "units");
                for (size_t i = 0; i < n; i++) {
                        imm_json_object(&j, NULL);
                        json_unit(cli, &j, units[i]);
                        imm_json_end(&j);
                }
                imm_json_end(&j);
        }
        imm_json_end(&j);
}

/* ---- the verb ---- */

static int mounts(struct imm_cli *cli) {
        struct imm_unit **units;
        bool missing;
        size_t n;
        int r;

        if (cli->n_args == 0)
                return imm_cli_usage(cli, "mounts needs the name of a unit, or '*.service'; see "
                                          "immure mounts --help");
        r = imm_cli_open(cli);
        if (r != IMM_EXIT_OK)
                return r;
        r = imm_cli_named(cli, &units, &n, &missing);
        if (r != IMM_EXIT_OK)
                return r;
        imm_cli_unseen(cli);
        if (cli->json != IMM_JSON_OFF)
                mounts_json(cli, units, n);
        for (size_t i = 0; i < n && cli->json == IMM_JSON_OFF; i++) {
                if (i > 0)
                        putchar('\n');
                mounts_text(cli, units[i]);
        }
        return imm_cli_named_done(cli, n, missing);
}

const struct imm_verb imm_verb_mounts = {
        .name = "mounts",
        .arguments = "UNIT|GLOB…",
        .summary = "What a service has mounted where, and the setting that made it so",
        .details = "The table is what a path really reaches when the service runs: covered mounts "
                   "are left out.\nEach line: path, flags, what stands there, the setting with its "
                   "line. With\n--live the running service is compared with it.",
        .live = true,
        .run = mounts,
};
