#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <unistd.h>

static int set_json(struct imm_cli *cli, const char *v) {
        if (!v)
                cli->json = isatty(STDOUT_FILENO) ? IMM_JSON_PRETTY : IMM_JSON_SHORT;
        else if (imm_streq(v, "pretty"))
                cli->json = IMM_JSON_PRETTY;
        else if (imm_streq(v, "short"))
                cli->json = IMM_JSON_SHORT;
        else if (imm_streq(v, "off"))
                cli->json = IMM_JSON_OFF;
        else
                return imm_err_set(
                        &cli->err, -EINVAL, "--json='%s': expected 'pretty', 'short' or 'off'", v);
        return 0;
}

static int set_system(struct imm_cli *cli, const char *v) {
        cli->scope = IMM_SCOPE_SYSTEM;
        return 0;
}

static int set_user(struct imm_cli *cli, const char *v) {
        cli->scope = IMM_SCOPE_USER;
        return 0;
}

static int set_global(struct imm_cli *cli, const char *v) {
        cli->scope = IMM_SCOPE_GLOBAL;
        return 0;
}

/* As packages and tools write it too: "252", "v252", "252.39-1~deb12u1" are one */
static bool parse_version(struct imm_arena *a, const char *s, unsigned long long *ret) {
        if (*s == 'v')
                s++;
        size_t n = strspn(s, "0123456789");

        return (!s[n] || strchr(".-~+", s[n])) && imm_parse_u64(imm_strndup(a, s, n), ret);
}

static int set_versions(struct imm_cli *cli, const char *v) {
        imm_auto_free char *copy = imm_xstrdup(v);
        char *save = NULL;

        for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
                unsigned long long n;
                char *name;

                if (!parse_version(cli->arena, w, &n) || n < IMM_VERSION_OLDEST)
                        return imm_err_set(&cli->err, -EINVAL,
                                "--systemd-version='%s': expected a version from %d on, such as "
                                "252",
                                w, IMM_VERSION_OLDEST);
                if (n > IMM_VERSION_LATEST)
                        return imm_err_set(&cli->err, -EINVAL,
                                "--systemd-version='%s': the newest that immure knows is %d", w,
                                IMM_VERSION_LATEST);
                name = imm_printf(cli->arena, "%llu", n);
                if (!imm_strv_has(&cli->versions, name))
                        imm_strv_add(cli->arena, &cli->versions, name);
        }
        if (cli->versions.n == 0)
                return imm_err_set(&cli->err, -EINVAL, "--systemd-version= needs a version");
        return 0;
}

/* The common options point into one call's imm_cli, so the table is made for it. */
enum { COMMON_MAX = 20 };

static void common_options(struct imm_cli *c, struct imm_option o[COMMON_MAX]) {
        const struct imm_option rows[] = {
                {"root", 0, "DIR", "Analyse the root file system at DIR instead of this host",
                        IMM_OPTION_STRING, &c->root_dir, NULL},
                {"system", 0, NULL, "Units of the system manager (default)", IMM_OPTION_CALL, NULL,
                        set_system},
                {"user", 0, NULL, "Units of a user's manager", IMM_OPTION_CALL, NULL, set_user},
                {"global", 0, NULL, "Units of all users' managers", IMM_OPTION_CALL, NULL,
                        set_global},
                {"uid", 0, "NAME", "The user whose manager --user means", IMM_OPTION_STRING,
                        &c->user, NULL},
                {"systemd-version", 0, "N", "Judge as systemd N would (default: the root's own)",
                        IMM_OPTION_CALL, NULL, set_versions},
                {"scorecard", 0, "NAME", "Only these scorecards (comma-separated)",
                        IMM_OPTION_STRINGS, &c->scorecards, NULL},
                {"json", 0, "[FORMAT]", "Print JSON: pretty, short or off", IMM_OPTION_CALL, NULL,
                        set_json},
                {"live", 0, NULL, "Ask the running manager too", IMM_OPTION_FLAG, &c->live, NULL},
                {"db", 0, "PATH", "The history's database", IMM_OPTION_STRING, &c->db, NULL},
                {"jobs", 'j', "N", "Threads to use (default: one per CPU)", IMM_OPTION_UNSIGNED,
                        &c->jobs, NULL},
                {"no-legend", 0, NULL, "No header and no summary", IMM_OPTION_OFF, &c->legend,
                        NULL},
                {"no-pager", 0, NULL, "Do not pipe output into a pager", IMM_OPTION_OFF, &c->pager,
                        NULL},
                {"quiet", 'q', NULL, "No notes and warnings on stderr", IMM_OPTION_FLAG, &c->quiet,
                        NULL},
                {NULL},
        };

        memcpy(o, rows, sizeof(rows));
}

static bool optional(const struct imm_option *o) {
        return o->metavar && o->metavar[0] == '[';
}

static int apply(struct imm_cli *cli, const struct imm_option *o, const char *v) {
        unsigned long long n;

        switch (o->kind) {
        case IMM_OPTION_FLAG:
                *(bool *)o->to = true;
                return 0;
        case IMM_OPTION_OFF:
                *(bool *)o->to = false;
                return 0;
        case IMM_OPTION_STRING:
                *(const char **)o->to = v;
                return 0;
        case IMM_OPTION_STRINGS: {
                char *copy = imm_strdup(cli->arena, v), *save = NULL;

                for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save))
                        imm_strv_add(cli->arena, o->to, w);
                return 0;
        }
        case IMM_OPTION_UNSIGNED:
                if (!imm_parse_u64(v, &n) || n == 0 || n > 100000)
                        return imm_err_set(&cli->err, -EINVAL,
                                "--%s='%s': expected a number from 1 on", o->name, v);
                *(unsigned *)o->to = (unsigned)n;
                return 0;
        case IMM_OPTION_CALL:
                return o->parse(cli, v);
        }
        return 0;
}

static const struct imm_verb *verb_by_name(const char *name) {
        for (const struct imm_verb *const *v = imm_verbs; *v; v++)
                if (imm_streq((*v)->name, name))
                        return *v;
        return NULL;
}

static size_t count(const struct imm_option *o) {
        size_t n = 0;

        while (o && o[n].name)
                n++;
        return n;
}

/*
 * The verb decides which options exist, and it may stand behind some of them: it is the first
 * argument that is not an option and not the value of one. Found in a first pass over all options
 * of all verbs.
 */
static const struct imm_verb *find_verb(
        struct imm_cli *cli, int argc, char **argv, const struct imm_option *common, int *ret_at) {
        for (int i = 1; i < argc; i++) {
                const char *s = argv[i];

                if (imm_streq(s, "--"))
                        break;
                if (s[0] != '-' || !s[1]) {
                        const struct imm_verb *v = verb_by_name(s);

                        *ret_at = v ? i : 0;
                        return v;
                }
                if (strchr(s, '='))
                        continue;
                /* "--root DIR": skip the value */
                for (const struct imm_verb *const *v = imm_verbs;; v++) {
                        const struct imm_option *o = *v ? (*v)->options : common;

                        for (; o && o->name; o++)
                                if (o->metavar && !optional(o) &&
                                        ((s[1] == '-' && imm_streq(s + 2, o->name)) ||
                                                (s[1] == o->letter && o->letter && !s[2])))
                                        break;
                        if (o && o->name) {
                                i++;
                                break;
                        }
                        if (!*v)
                                break;
                }
        }
        return NULL;
}

static int parse_with(
        struct imm_cli *cli, int argc, char **argv, const struct imm_option *all, size_t n) {
        struct option *longs = imm_alloc_array(cli->arena, n + 3, sizeof(*longs));
        char *shorts = imm_alloc(cli->arena, 2 * n + 3), *s = shorts;

        *s++ = ':';
        for (size_t i = 0; i < n; i++) {
                longs[i] = (struct option){all[i].name,
                        !all[i].metavar     ? no_argument
                        : optional(&all[i]) ? optional_argument
                                            : required_argument,
                        NULL, 256 + (int)i};
                if (all[i].letter) {
                        *s++ = all[i].letter;
                        if (all[i].metavar)
                                *s++ = ':';
                }
        }
        longs[n] = (struct option){"help", no_argument, NULL, 'h'};
        longs[n + 1] = (struct option){"version", no_argument, NULL, 'V'};
        *s++ = 'h';
        opterr = 0;
        optind = 0;
        for (;;) {
                int c = getopt_long(argc, argv, shorts, longs, NULL), r;
                const struct imm_option *o = NULL;

                if (c < 0)
                        return 0;
                if (c == 'h')
                        return 1;
                if (c == 'V')
                        return 2;
                /* letters of one word are several options: argv may still be at the first of them
                 */
                if (c == '?' && optopt != 0 && optopt < 256)
                        return imm_err_set(&cli->err, -EINVAL,
                                "unknown option '-%c'; see immure --help", optopt);
                if (c == '?' || c == ':')
                        return imm_err_set(&cli->err, -EINVAL,
                                c == ':' ? "option '%s' needs a value"
                                : optopt >= 256
                                        ? "option '%s' takes no value"
                                        : "unknown or ambiguous option '%s'; see immure --help",
                                argv[optind - 1]);
                for (size_t i = 0; i < n && !o; i++)
                        if (c == 256 + (int)i || (all[i].letter && c == all[i].letter))
                                o = &all[i];
                r = apply(cli, o, optarg);
                if (r < 0)
                        return r;
        }
}

int imm_options_parse(struct imm_cli *cli, int argc, char **argv) {
        struct imm_option common[COMMON_MAX], *all;
        size_t n_common, n_own;
        int at = 0, r;

        common_options(cli, common);
        cli->verb = find_verb(cli, argc, argv, common, &at);
        if (at > 0) { /* take the verb out */
                memmove(argv + at, argv + at + 1, (size_t)(argc - at) * sizeof(*argv));
                argc--;
        }
        bool named = cli->verb;
        if (!cli->verb)
                cli->verb = imm_verbs[0];
        n_common = count(common);
        n_own = count(cli->verb->options);
        all = imm_alloc_array(cli->arena, n_common + n_own, sizeof(*all));
        if (n_own > 0)
                memcpy(all, cli->verb->options, n_own * sizeof(*all));
        memcpy(all + n_own, common, n_common * sizeof(*all));
        r = parse_with(cli, argc, argv, all, n_common + n_own);
        if (r == 0 && cli->versions.n > 1 && !cli->verb->targets)
                r = imm_err_set(&cli->err, -EINVAL,
                        "%s judges by one --systemd-version=; what fails or does nothing on some "
                        "of several, and on which: immure check --systemd-version=%s,%s",
                        cli->verb->name, cli->versions.v[0], cli->versions.v[1]);
        if (r < 0)
                return r;
        if (r == 1)
                imm_options_help(cli, named ? NULL : imm_verbs, stdout);
        if (r == 2)
                puts("immure " IMM_VERSION);
        cli->args = imm_alloc_array(cli->arena, (size_t)(argc - optind) + 1, sizeof(*cli->args));
        while (optind < argc)
                cli->args[cli->n_args++] = argv[optind++];
        return r > 0 ? 1 : 0;
}

static void help_options(const struct imm_option *o, FILE *f) {
        for (; o && o->name; o++) {
                const char *value = o->metavar ? o->metavar : "";
                const char *eq = !o->metavar ? "" : optional(o) ? "[=" : "=";
                int n = fprintf(f, "  %c%c%s --%s%s", o->letter ? '-' : ' ',
                        o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name, eq);

                fputs(optional(o) ? value + 1 : value, f);
                n += (int)imm_text_width(value) - (optional(o) ? 1 : 0);
                fprintf(f, "%*s %s\n", n < 30 ? 30 - n : 0, "", o->help);
        }
}

enum { SUMMARY_COLUMN = 40 };

void imm_options_help(const struct imm_cli *cli, const struct imm_verb *const *verbs, FILE *f) {
        struct imm_option common[COMMON_MAX];
        struct imm_cli blank = *cli;

        common_options(&blank, common);
        if (verbs) {
                fputs("immure [VERB] [OPTIONS…] [UNIT|FILE…]\n\n"
                      "What every systemd service of a root can really see, read, write and "
                      "execute.\n\n"
                      "Verbs:\n",
                        f);
                for (const struct imm_verb *const *v = verbs; *v; v++) {
                        int n = 3 + (int)(strlen((*v)->name) + imm_text_width((*v)->arguments));
                        bool fits = n < SUMMARY_COLUMN;

                        /* what is too long has a line of its own */
                        fprintf(f, "  %s %s%s%*s%s\n", (*v)->name, (*v)->arguments,
                                fits ? "" : "\n", fits ? SUMMARY_COLUMN - n : SUMMARY_COLUMN, "",
                                (*v)->summary);
                }
        } else {
                fprintf(f, "immure %s [OPTIONS…]%s%s\n\n%s\n", cli->verb->name,
                        *cli->verb->arguments ? " " : "", cli->verb->arguments, cli->verb->summary);
                if (cli->verb->details)
                        fprintf(f, "\n%s\n", cli->verb->details);
        }
        if (cli->verb->options && cli->verb->options->name) {
                fprintf(f, "\nOptions of %s:\n", cli->verb->name);
                help_options(cli->verb->options, f);
        }
        fputs("\nOptions:\n", f);
        help_options(common, f);
        fputs("  -h, --help                   This text\n"
              "      --version                Version of immure\n\n"
              "Exit status: 0 done; 1 the answer is no (can, check, diff); 2 usage or "
              "configuration error;\n"
              "3 something could not be read or written; 4 there was nothing to analyse.\n",
                f);
}
