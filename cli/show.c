/* immure show: one unit as the manager would have it, with the origin of every setting. */

#include "analyzer/settings/settings.h"
#include "cli/access.h"
#include "cli/judged.h"
#include "cli/live.h"
#include "cli/needs.h"
#include "report/scan/scan.h"

#include <errno.h>
#include <fnmatch.h>
#include <unistd.h>

static struct {
        struct imm_strv properties;
        const char *emit;
        bool origins, closure;
} asked;

static int add_properties(struct imm_cli *cli, const char *value) {
        char *copy = imm_strdup(cli->arena, value), *save = NULL;

        for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save))
                imm_strv_add(cli->arena, &asked.properties, w);
        if (asked.properties.n == 0)
                return imm_err_set(&cli->err, -EINVAL, "--property= needs the name of a property");
        return 0;
}

static const struct imm_option options[] = {
        {"property", 'p', "NAME[,…]",
                "Print these properties as systemctl show does (globs are taken)", IMM_OPTION_CALL,
                NULL, add_properties},
        {"emit", 0, "unit", "Print one unit file that stands for all files of the unit",
                IMM_OPTION_STRING, &asked.emit, NULL},
        {"closure", 0, NULL, "Count what the service sees beyond its needs: walks the root",
                IMM_OPTION_FLAG, &asked.closure, NULL},
        {"origins", 0, NULL, "With --emit=unit: say where each line comes from", IMM_OPTION_FLAG,
                &asked.origins, NULL},
        {NULL},
};

/* ---- output that somebody else wrote ---- */

/* A file gets the bytes as they are, a terminal only what can be read. */
struct sink {
        FILE *f;
        char *text;
        size_t n;
};

static FILE *sink_open(struct sink *s) {
        if (!isatty(STDOUT_FILENO))
                return s->f = stdout;
        s->f = open_memstream(&s->text, &s->n);
        if (!s->f)
                imm_oom();
        return s->f;
}

static void sink_close(struct sink *s) {
        char *save = NULL;

        if (s->f == stdout)
                return;
        if (fclose(s->f) != 0)
                imm_oom();
        save = s->text;
        for (char *line; (line = strsep(&save, "\n"));) {
                imm_text_put(stdout, line);
                if (save)
                        putchar('\n');
        }
        free(s->text);
}

/* ---- --property ---- */

static bool wanted(const char *name) {
        for (size_t i = 0; i < asked.properties.n; i++)
                if (fnmatch(asked.properties.v[i], name, 0) == 0)
                        return true;
        return false;
}

/* Is it asked for by its very name? What a glob merely covers is left out without a word. */
static bool named(const char *name) {
        return imm_strv_has(&asked.properties, name);
}

static void show_properties(struct imm_cli *cli, struct imm_settings *s) {
        struct sink out = {0};
        FILE *f = sink_open(&out);
        const char *name;

        for (size_t i = 0; (name = imm_property_name(s, i)); i++)
                if (wanted(name) && imm_property_write(s, name, f) == -ENODATA && named(name) &&
                        !cli->quiet)
                        fprintf(stderr, "immure: %s= cannot be known from files\n", name);
        sink_close(&out);
}

/* ---- --emit=unit ---- */

static int emit(struct imm_cli *cli, struct imm_settings *s) {
        struct sink out = {0};
        int r;

        r = imm_unit_flatten(s, asked.origins, sink_open(&out));
        sink_close(&out);
        if (r == -EBADMSG || s->load == IMM_LOAD_MASKED)
                (void)imm_cli_fail(cli, 0,
                        &(struct imm_err){.code = r,
                                .msg = imm_printf(cli->arena, "%s: %s, nothing to flatten%s%s",
                                        s->unit->name, imm_load_name(s->load),
                                        s->load_message ? ": " : "",
                                        s->load_message ? s->load_message : "")});
        return imm_cli_done(cli);
}

/* ---- which settings a unit has ---- */

static bool applies(const struct imm_settings *s, enum imm_setting id) {
        static const struct {
                const char *group;
                unsigned types;
        } groups[] = {
                {"Unit", ~0U},
                {"Install", ~0U},
                {"Exec", 1U << IMM_UNIT_SERVICE | 1U << IMM_UNIT_SOCKET | 1U << IMM_UNIT_MOUNT |
                                 1U << IMM_UNIT_SWAP},
                {"CGroup", 1U << IMM_UNIT_SERVICE | 1U << IMM_UNIT_SOCKET | 1U << IMM_UNIT_MOUNT |
                                   1U << IMM_UNIT_SWAP | 1U << IMM_UNIT_SLICE |
                                   1U << IMM_UNIT_SCOPE},
                {"Kill", 1U << IMM_UNIT_SERVICE | 1U << IMM_UNIT_SOCKET | 1U << IMM_UNIT_MOUNT |
                                 1U << IMM_UNIT_SWAP | 1U << IMM_UNIT_SCOPE},
                {"Service", 1U << IMM_UNIT_SERVICE},
                {"Socket", 1U << IMM_UNIT_SOCKET},
                {"Mount", 1U << IMM_UNIT_MOUNT},
                {"Automount", 1U << IMM_UNIT_AUTOMOUNT},
                {"Swap", 1U << IMM_UNIT_SWAP},
                {"Slice", 1U << IMM_UNIT_SLICE},
                {"Scope", 1U << IMM_UNIT_SCOPE},
                {"Timer", 1U << IMM_UNIT_TIMER},
                {"Path", 1U << IMM_UNIT_PATH},
        };
        const struct imm_setting_info *info = imm_setting_info(id);

        if (!imm_setting_known(id, s->version))
                return false;
        for (size_t i = 0; i < IMM_ELEMENTSOF(groups); i++)
                if (imm_streq(groups[i].group, info->section))
                        return (groups[i].types & 1U << s->unit->type) != 0;
        return false;
}

/* ---- --json ---- */

static void json_settings(struct imm_json *j, const struct imm_settings *s, struct imm_arena *a) {
        imm_json_object(j, "settings");
        for (enum imm_setting id = 0; id < IMM_SETTING_N; id++) {
                const struct imm_value *v = imm_setting(s, id);

                if (!applies(s, id))
                        continue;
                imm_json_object(j, imm_setting_info(id)->name);
                imm_json_string(j, "value", imm_value_text(id, v, a));
                imm_report_origin_json(j, "origin", &v->origin);
                imm_json_end(j);
        }
        imm_json_end(j);
}

static void json_lost(struct imm_json *j, const struct imm_settings *s) {
        static const char *const how[] = {
                [IMM_LOST_OVERRIDDEN] = "overridden",
                [IMM_LOST_RESET] = "reset",
                [IMM_LOST_IGNORED] = "ignored",
        };

        imm_json_array(j, "superseded");
        imm_array_foreach (l, &s->superseded) {
                imm_json_object(j, NULL);
                imm_json_string(j, "name", l->assignment->key);
                imm_json_string(j, "value", l->assignment->value);
                imm_json_string(j, "how", how[l->how]);
                imm_json_string(j, "file", l->file->path);
                imm_json_uint(j, "line", l->assignment->line);
                if (l->how != IMM_LOST_IGNORED)
                        imm_report_origin_json(j, "origin", &l->by);
                imm_json_end(j);
        }
        imm_json_end(j);
}

static void json_diags(struct imm_json *j, const struct imm_diags *d) {
        imm_array_foreach (i, d) {
                imm_json_object(j, NULL);
                imm_json_string(j, "level", imm_diag_level_name(i->level));
                imm_json_string(j, "code", i->code);
                imm_json_string(j, "setting", i->setting);
                imm_json_string(j, "file", i->file);
                if (i->line)
                        imm_json_uint(j, "line", i->line);
                else
                        imm_json_null(j, "line");
                imm_json_string(j, "message", i->message);
                imm_json_end(j);
        }
}

static void json_unit(struct imm_cli *cli, struct imm_json *j, const struct imm_settings *s,
        struct imm_cli_judged *w) {
        const struct imm_unit *u = s->unit;

        imm_json_string(j, "unit", u->name);
        imm_json_array(j, "names");
        for (size_t i = 0; i < u->names.n; i++)
                imm_json_string(j, NULL, u->names.v[i]);
        imm_json_end(j);
        imm_json_string(j, "path", u->fragment ? u->fragment : u->obstacle);
        imm_json_array(j, "dropins");
        for (size_t i = 0; i < u->dropins.n; i++)
                imm_json_string(j, NULL, u->dropins.v[i]);
        imm_json_end(j);
        imm_json_string(j, "load", imm_load_name(s->load));
        if (s->load_message || u->load_message)
                imm_json_string(j, "message", s->load_message ? s->load_message : u->load_message);
        if (w)
                imm_cli_judged_json(w, s->unit, j);
        json_settings(j, s, cli->arena);
        json_lost(j, s);
        if (s->load == IMM_LOAD_LOADED) {
                struct imm_handed_list handed;
                struct imm_cli_needs needs;

                imm_handed_compute(cli->manager, s->unit, cli->arena, &handed);
                imm_cli_handed_json(j, &handed, cli->arena);
                imm_cli_needs(cli, s->unit, asked.closure, cli->arena, &needs);
                imm_cli_needs_json(j, &needs, asked.closure);
        }
        imm_json_array(j, "diagnostics");
        json_diags(j, &u->diags);
        json_diags(j, &s->diags);
        imm_json_end(j);
        if (cli->live) {
                struct imm_cli_live live = {0};

                imm_cli_live(cli, s->unit, &live);
                imm_cli_live_json(j, &live);
        }
}

static void show_json(
        struct imm_cli *cli, struct imm_settings **units, size_t n, struct imm_cli_judged *w) {
        struct imm_json j = imm_json_on(stdout, cli->json);

        imm_json_object(&j, NULL);
        imm_report_head_json(&j, "immure.show/1", cli->manager);
        if (imm_cli_names_one(cli))
                json_unit(cli, &j, units[0], w);
        else {
                imm_json_array(&j, "units");
                for (size_t i = 0; i < n; i++) {
                        imm_json_object(&j, NULL);
                        json_unit(cli, &j, units[i], w);
                        imm_json_end(&j);
                }
                imm_json_end(&j);
        }
        imm_json_end(&j);
}

/* ---- text ---- */

static void put_head(struct imm_cli *cli, const char *label, const char *text) {
        printf("%s%10s%s  ", imm_cli_tone(cli, IMM_TONE_FAINT), label, imm_cli_plain(cli));
        imm_text_put(stdout, text);
        putchar('\n');
}

static void text_head(struct imm_cli *cli, const struct imm_settings *s) {
        const struct imm_unit *u = s->unit;
        const char *about = imm_setting_string(s, IMM_SETTING_DESCRIPTION),
                   *message = s->load_message ? s->load_message : u->load_message;

        fputs(imm_cli_tone(cli, IMM_TONE_BOLD), stdout);
        imm_text_put(stdout, u->name);
        fputs(imm_cli_plain(cli), stdout);
        if (about) {
                fputs("  ", stdout);
                imm_text_put(stdout, about);
        }
        putchar('\n');
        for (size_t i = 1; i < u->names.n; i++)
                put_head(cli, i == 1 ? "also" : "", u->names.v[i]);
        if (u->fragment)
                put_head(cli, "file", u->fragment);
        for (size_t i = 0; i < u->dropins.n; i++)
                put_head(cli, i == 0 ? "drop-ins" : "", u->dropins.v[i]);
        put_head(cli, "load",
                s->load != IMM_LOAD_LOADED && message
                        ? imm_printf(cli->arena, "%s: %s", imm_load_name(s->load), message)
                        : imm_load_name(s->load));
        put_head(cli, "systemd",
                imm_printf(cli->arena, "%u (%s)", cli->manager->version,
                        imm_report_version_source(cli->manager)));
}

/* The head names the files in full, so a setting needs no more than the file's own name. */
static const char *short_path(const struct imm_settings *s, const char *path) {
        const char *slash = strrchr(path, '/');
        size_t n = 0;

        for (size_t i = 0; slash && i < s->unit->n_files; i++) {
                const char *other = strrchr(s->unit->files[i]->path, '/');

                n += other && imm_streq(other, slash);
        }
        return n == 1 ? slash + 1 : path;
}

static const char *origin_text(
        struct imm_cli *cli, const struct imm_settings *s, const struct imm_origin *o) {
        struct imm_origin file;

        if (o->kind == IMM_ORIGIN_IMPLIED && o->via && o->by < IMM_SETTING_N &&
                o->via->kind != IMM_ORIGIN_DEFAULT)
                return imm_printf(cli->arena, "implied by %s= (%s)", imm_setting_info(o->by)->name,
                        origin_text(cli, s, o->via));
        if (o->kind != IMM_ORIGIN_FILE || !o->file)
                return imm_origin_text(o, cli->arena);
        file = *o;
        file.file = short_path(s, o->file);
        return imm_origin_text(&file, cli->arena);
}

/* A filter of hundreds of calls: how many, and the lines that make it */
static const char *filter_text(
        struct imm_cli *cli, const struct imm_settings *s, enum imm_setting id) {
        const struct imm_value *v = imm_setting(s, id);
        struct imm_map lost = {0};
        char *lines = NULL;

        imm_array_foreach (l, &s->superseded)
                imm_map_put(cli->arena, &lost,
                        imm_printf(cli->arena, "%p", (const void *)l->assignment), &lost);
        for (size_t i = 0; i < s->unit->n_files; i++)
                for (size_t k = 0; k < s->unit->files[i]->n_assignments; k++) {
                        const struct imm_assignment *a = &s->unit->files[i]->assignments[k];

                        if (imm_streq(a->key, imm_setting_info(id)->name) && *a->value &&
                                !imm_map_has(&lost, imm_printf(cli->arena, "%p", (const void *)a)))
                                lines = imm_printf(cli->arena, "%s%s%s", lines ? lines : "",
                                        lines ? ", " : "", a->value);
                }
        return imm_printf(cli->arena, "%s%s%zu %s", lines ? lines : "", lines ? " : " : "",
                v->syscalls.n, v->allow_list ? "allowed" : "denied");
}

enum { VALUE_WIDTH = 40, FILTER_SHORT = 8 };

static void text_setting(
        struct imm_cli *cli, const struct imm_settings *s, enum imm_setting id, int name_width) {
        const struct imm_value *v = imm_setting(s, id);
        const char *value = v->type == IMM_VALUE_SYSCALLS && v->syscalls.n > FILTER_SHORT
                                    ? filter_text(cli, s, id)
                                    : imm_value_text(id, v, cli->arena);
        size_t width = imm_text_width(value ? value : "");

        printf("  %-*s  ", name_width, imm_setting_info(id)->name);
        imm_text_put(stdout, value ? value : "");
        printf("%*s  %s", width < VALUE_WIDTH ? (int)(VALUE_WIDTH - width) : 0, "",
                imm_cli_tone(cli, IMM_TONE_FAINT));
        imm_text_put(stdout, origin_text(cli, s, &v->origin));
        printf("%s\n", imm_cli_plain(cli));
}

/* The settings that something says, by what they are about */
static void text_settings(struct imm_cli *cli, const struct imm_settings *s) {
        static const struct {
                const char *group, *title;
        } groups[] = {
                {"Unit", "Unit"},
                {"Service", "Service"},
                {"Socket", "Socket"},
                {"Mount", "Mount"},
                {"Automount", "Automount"},
                {"Swap", "Swap"},
                {"Timer", "Timer"},
                {"Path", "Path"},
                {"Slice", "Slice"},
                {"Scope", "Scope"},
                {"Exec", "Execution"},
                {"CGroup", "Resources"},
                {"Kill", "Killing"},
                {"Install", "Install"},
        };
        int width = 0;

        for (enum imm_setting id = 0; id < IMM_SETTING_N; id++)
                if (imm_setting(s, id)->set && applies(s, id) &&
                        (int)strlen(imm_setting_info(id)->name) > width)
                        width = (int)strlen(imm_setting_info(id)->name);
        for (size_t i = 0; i < IMM_ELEMENTSOF(groups); i++) {
                bool some = false;

                for (enum imm_setting id = 0; id < IMM_SETTING_N; id++) {
                        if (!imm_streq(imm_setting_info(id)->section, groups[i].group) ||
                                !imm_setting(s, id)->set || !applies(s, id))
                                continue;
                        if (!some)
                                printf("\n%s%s%s\n", imm_cli_tone(cli, IMM_TONE_BOLD),
                                        groups[i].title, imm_cli_plain(cli));
                        some = true;
                        text_setting(cli, s, id, width);
                }
        }
}

static void text_handed(struct imm_cli *cli, const struct imm_settings *s) {
        struct imm_handed_list handed;

        imm_handed_compute(cli->manager, s->unit, cli->arena, &handed);
        if (handed.n > 0)
                printf("\n%sHanded in%s\n", imm_cli_tone(cli, IMM_TONE_BOLD), imm_cli_plain(cli));
        imm_array_foreach (h, &handed) {
                fputs("  ", stdout);
                imm_cli_handed_line(h, cli->arena);
        }
}

static void text_needs(struct imm_cli *cli, const struct imm_settings *s) {
        struct imm_cli_needs needs;

        imm_cli_needs(cli, s->unit, asked.closure, cli->arena, &needs);
        imm_cli_needs_text(cli, &needs, asked.closure);
}

static void show_text(struct imm_cli *cli, struct imm_settings *s, struct imm_cli_judged *w) {
        text_head(cli, s);
        if (s->load == IMM_LOAD_LOADED || s->load == IMM_LOAD_BAD_SETTING)
                text_settings(cli, s);
        if (s->load == IMM_LOAD_LOADED)
                text_handed(cli, s);
        if (s->load == IMM_LOAD_LOADED)
                text_needs(cli, s);
        if (w && s->load == IMM_LOAD_LOADED)
                imm_cli_judged_text(w, s->unit);
        if (cli->live) {
                struct imm_cli_live live = {0};

                imm_cli_live(cli, s->unit, &live);
                imm_cli_live_text(cli, &live);
        }
}

/* ---- the verb ---- */

static int check_usage(struct imm_cli *cli) {
        if (cli->n_args == 0)
                return imm_cli_usage(cli,
                        "show needs the name of a unit, or '*.service'; see immure show --help");
        if (asked.emit && !imm_streq(asked.emit, "unit"))
                return imm_cli_usage(cli, "--emit='%s': only 'unit' can be emitted", asked.emit);
        if (asked.origins && !asked.emit)
                return imm_cli_usage(cli, "--origins goes with --emit=unit");
        if (asked.emit && (asked.properties.n > 0 || cli->json != IMM_JSON_OFF))
                return imm_cli_usage(cli, "--emit=unit goes with neither --property nor --json");
        if (cli->live && (asked.emit || asked.properties.n > 0))
                return imm_cli_usage(cli, "--live goes with neither --emit nor --property");
        if (asked.properties.n > 0 && cli->json != IMM_JSON_OFF)
                return imm_cli_usage(cli, "--property prints lines: it does not go with --json");
        return IMM_EXIT_OK;
}

static int show(struct imm_cli *cli) {
        struct imm_settings **list;
        struct imm_cli_judged *judged = NULL;
        struct imm_unit **units;
        bool missing;
        size_t n;
        int r, status = IMM_EXIT_OK;

        r = check_usage(cli);
        if (r == IMM_EXIT_OK)
                r = imm_cli_open(cli);
        if (r != IMM_EXIT_OK)
                return r;

        r = imm_cli_named(cli, &units, &n, &missing);
        if (r != IMM_EXIT_OK)
                return r;
        if (asked.emit && n > 1)
                return imm_cli_usage(cli, "--emit=unit takes one unit at a time");
        list = imm_alloc_array(cli->arena, n + 1, sizeof(*list));
        for (size_t i = 0; i < n; i++)
                list[i] = imm_settings_of(cli->manager, units[i]);
        imm_cli_unseen(cli);
        if (!asked.emit && asked.properties.n == 0) {
                r = imm_cli_judged_open(cli, &judged);
                if (r != IMM_EXIT_OK)
                        return r;
        }
        if (cli->json != IMM_JSON_OFF)
                show_json(cli, list, n, judged);
        for (size_t i = 0; i < n && cli->json == IMM_JSON_OFF; i++) {
                if (i > 0)
                        putchar('\n');
                if (asked.emit)
                        status = emit(cli, list[i]);
                else if (asked.properties.n > 0)
                        show_properties(cli, list[i]);
                else
                        show_text(cli, list[i], judged);
        }
        imm_cli_judged_free(judged);
        r = imm_cli_named_done(cli, n, missing);
        return status && !missing ? status : r;
}

const struct imm_verb imm_verb_show = {
        .name = "show",
        .arguments = "UNIT|GLOB…",
        .summary = "A unit's effective settings, each with its origin",
        .details = "With --property= exactly the lines of systemctl show for the unit when it is "
                   "loaded and not started.\n"
                   "With --emit=unit one unit file that behaves as fragment and drop-ins together.",
        .options = options,
        .live = true,
        .run = show,
};
