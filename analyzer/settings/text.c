/* Values as a unit file would say them, and origins, for people. */

#include "analyzer/settings/numbers.h"
#include "analyzer/settings/parse/parse.h"
#include "analyzer/settings/registry.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/securebits.h>
#include <stdio.h>

/* ---- numbers ---- */

static void put_usec(FILE *f, uint64_t usec) {
        static const struct {
                const char *unit;
                uint64_t usec;
        } units[] = {{"y", UINT64_C(31557600000000)}, {"month", UINT64_C(2629800000000)},
                {"w", UINT64_C(604800000000)}, {"d", UINT64_C(86400000000)},
                {"h", UINT64_C(3600000000)}, {"min", UINT64_C(60000000)}, {"s", 1000000},
                {"ms", 1000}, {"us", 1}};
        const char *space = "";

        if (usec == UINT64_MAX) {
                fputs("infinity", f);
                return;
        }
        if (usec == 0)
                fputs("0", f);
        for (size_t i = 0; i < IMM_ELEMENTSOF(units) && usec > 0; i++)
                if (usec >= units[i].usec) {
                        fprintf(f, "%s%" PRIu64 "%s", space, usec / units[i].usec, units[i].unit);
                        usec %= units[i].usec;
                        space = " ";
                }
}

static void put_permyriad(FILE *f, uint64_t n) {
        if (n % 100 == 0)
                fprintf(f, "%" PRIu64 "%%", n / 100);
        else
                fprintf(f, "%" PRIu64 ".%02" PRIu64 "%%", n / 100, n % 100);
}

static void put_secure_bits(FILE *f, uint64_t bits) {
        static const struct {
                unsigned bit;
                const char *word;
        } words[] = {{SECURE_KEEP_CAPS, "keep-caps"}, {SECURE_KEEP_CAPS_LOCKED, "keep-caps-locked"},
                {SECURE_NO_SETUID_FIXUP, "no-setuid-fixup"},
                {SECURE_NO_SETUID_FIXUP_LOCKED, "no-setuid-fixup-locked"},
                {SECURE_NOROOT, "noroot"}, {SECURE_NOROOT_LOCKED, "noroot-locked"}};
        const char *space = "";

        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                if (bits & UINT64_C(1) << words[i].bit) {
                        fprintf(f, "%s%s", space, words[i].word);
                        space = " ";
                }
}

static void put_controllers(FILE *f, uint64_t mask) {
        const char *space = "";

        for (size_t i = 0; imm_controller_name(i); i++)
                if (mask & UINT64_C(1) << i) {
                        fprintf(f, "%s%s", space, imm_controller_name(i));
                        space = " ";
                }
}

static void put_signal(FILE *f, uint64_t n) {
        const char *name = n <= 64 ? imm_signal_name((int)n) : NULL;

        if (name)
                fprintf(f, "SIG%s", name);
        else
                fprintf(f, "%" PRIu64, n);
}

/* How a number is written depends on what it counts: its parser says. */
static void put_number(FILE *f, const struct imm_setting_row *row, const struct imm_value *v) {
        if (v->relative)
                put_permyriad(f, v->number);
        else if (row->parser == imm_parse_mode)
                fprintf(f, "%04" PRIo64, v->number);
        else if (row->parser == imm_parse_signal)
                put_signal(f, v->number);
        else if (row->parser == imm_parse_secure_bits)
                put_secure_bits(f, v->number);
        else if (row->parser == imm_parse_controllers || !row->parser ||
                 row->parser == imm_parse_none)
                put_controllers(f, v->number);
        else if (row->parser == imm_parse_coredump_filter)
                fprintf(f, "0x%" PRIx64, v->number);
        else if (v->number == UINT64_MAX)
                fputs(row->parser == imm_parse_memory || row->parser == imm_parse_tasks_max ||
                                        row->parser == imm_parse_nsec
                                ? "infinity"
                                : "",
                        f);
        else if (row->parser == imm_parse_cpu_quota)
                put_permyriad(f, v->number / 100);
        else if (row->parser == imm_parse_cpu_weight && v->number == 0)
                fputs("idle", f);
        else
                fprintf(f, "%" PRIu64, v->number);
}

/* NULL: a number stands for it */
static const char *enum_word(const struct imm_setting_row *row, uint64_t n) {
        const char *const *words = row->info.words;

        /* "yes" is understood by every version, the word that it stands for is not */
        if ((row->flags & IMM_SETTING_BOOLEAN_TOO) && n == 1)
                return "yes";
        for (size_t i = 0; words[i]; i++)
                if (i == n)
                        return words[i][0] || i == 0 ? words[i] : NULL;
        return n != IMM_MINUS_ONE ? NULL : "";
}

static void put_limit(FILE *f, const struct imm_setting_row *row, const struct imm_limit *l) {
        const uint64_t n[] = {l->soft, l->hard};

        (void)row;
        for (size_t i = 0; i < (l->soft == l->hard ? 1 : 2); i++) {
                fputs(i > 0 ? ":" : "", f);
                if (n[i] == UINT64_MAX)
                        fputs("infinity", f);
                else
                        fprintf(f, "%" PRIu64, n[i]);
        }
}

/* ---- words ---- */

/* A word that the syntax would split or change is quoted */
static void put_word(FILE *f, const char *s, const char *more) {
        bool plain = *s != '\0' && !strpbrk(s, " \t\n\r\"'\\") && !strpbrk(s, more);

        if (plain) {
                fputs(s, f);
                return;
        }
        fputc('"', f);
        for (; *s; s++)
                if (*s == '\n')
                        fputs("\\n", f);
                else {
                        if (*s == '"' || *s == '\\')
                                fputc('\\', f);
                        fputc(*s, f);
                }
        fputc('"', f);
}

static void put_strings(FILE *f, const struct imm_value *v, bool quote) {
        for (size_t i = 0; i < v->strings.n; i++) {
                fputs(i > 0 ? " " : "", f);
                if (quote)
                        put_word(f, v->strings.v[i].text, "");
                else
                        fputs(v->strings.v[i].text, f);
        }
}

static void put_command(FILE *f, const struct imm_command_item *c) {
        static const struct {
                unsigned flag;
                const char *mark;
        } marks[] = {{IMM_COMMAND_IGNORE_FAILURE, "-"}, {IMM_COMMAND_ARGV0, "@"},
                {IMM_COMMAND_NO_ENV_EXPAND, ":"}, {IMM_COMMAND_FULLY_PRIVILEGED, "+"},
                {IMM_COMMAND_NO_SETUID, "!"}, {IMM_COMMAND_AMBIENT_MAGIC, "!!"},
                {IMM_COMMAND_VIA_SHELL, "|"}};
        size_t first = c->flags & IMM_COMMAND_ARGV0 ? 0 : 1;

        for (size_t i = 0; i < IMM_ELEMENTSOF(marks); i++)
                if (c->flags & marks[i].flag)
                        fputs(marks[i].mark, f);
        fputs(c->path, f);
        for (size_t i = first; i < c->argv.n; i++) {
                fputc(' ', f);
                if (imm_streq(c->argv.v[i], ";"))
                        fputs("\\;", f);
                else
                        put_word(f, c->argv.v[i], "");
        }
}

static void put_ip(FILE *f, const struct imm_ip_item *x) {
        char text[INET6_ADDRSTRLEN];

        fprintf(f, "%s/%u", inet_ntop(x->family, x->address, text, sizeof(text)), x->prefix);
}

static void put_socket_bind(FILE *f, const struct imm_socket_bind_item *x) {
        if (x->family != AF_UNSPEC)
                fputs(x->family == AF_INET ? "ipv4:" : "ipv6:", f);
        if (x->protocol != 0)
                fputs(x->protocol == IPPROTO_TCP ? "tcp:" : "udp:", f);
        if (x->n_ports == 0)
                fputs("any", f);
        else if (x->n_ports == 1)
                fprintf(f, "%u", x->port_min);
        else
                fprintf(f, "%u-%u", x->port_min, x->port_min + x->n_ports - 1);
}

static void put_caps(FILE *f, uint64_t caps) {
        const char *space = "";
        bool invert = __builtin_popcountll(caps) > 20;

        if (invert) {
                fputc('~', f);
                caps = IMM_CAPS_ALL & ~caps;
        }
        for (unsigned i = 0; imm_cap_name(i); i++)
                if (caps & UINT64_C(1) << i) {
                        fputs(space, f);
                        for (const char *s = imm_cap_name(i); *s; s++)
                                fputc(*s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s, f);
                        space = " ";
                }
}

/* NULL: some of them */
static const char *namespaces_word(uint64_t allowed) {
        return allowed == IMM_NAMESPACES_ALL ? "no" : allowed == 0 ? "yes" : NULL;
}

static void put_namespaces(FILE *f, uint64_t allowed) {
        const char *space = "", *name;
        uint64_t flag;

        for (size_t i = 0; (name = imm_namespace_name(i, &flag)); i++)
                if (allowed & flag) {
                        fprintf(f, "%s%s", space, name);
                        space = " ";
                }
}

static void put_syscalls(FILE *f, const struct imm_value *v) {
        if (!v->filter)
                return;
        if (!v->allow_list)
                fputc('~', f);
        for (size_t i = 0; i < v->syscalls.n; i++) {
                const struct imm_syscall_item *x = &v->syscalls.v[i];

                fprintf(f, "%s%s", i > 0 ? " " : "", x->name);
                if (x->error == IMM_SYSCALL_KILL)
                        fputs(":kill", f);
                else if (x->error == IMM_SYSCALL_ERRNO_0)
                        fputs(":0", f);
                else if (x->error > 0 && imm_errno_name(x->error))
                        fprintf(f, ":%s", imm_errno_name(x->error));
                else if (x->error > 0)
                        fprintf(f, ":%d", x->error);
        }
}

/* ---- lists of items with parts ---- */

static void put_directory(FILE *f, const struct imm_directory_item *x) {
        const char *flags = x->read_only ? ":ro" : "";

        put_word(f, x->path, ":");
        for (size_t i = 0; i < x->symlinks.n; i++) {
                if (i > 0) { /* each further link names the directory again */
                        fputc(' ', f);
                        put_word(f, x->path, ":");
                }
                fputc(':', f);
                put_word(f, x->symlinks.v[i], ":");
                if (i + 1 < x->symlinks.n)
                        fputs(flags, f);
        }
        fputs(x->symlinks.n == 0 && x->read_only ? "::ro" : flags, f);
}

static void put_credential(FILE *f, const struct imm_credential_item *x) {
        fputs(x->id, f);
        if (x->source)
                fprintf(f, ":%s", x->source);
}

static void put_list(FILE *f, const struct imm_value *v) {
        bool lines = v->type == IMM_VALUE_COMMANDS || v->type == IMM_VALUE_DEVICES;

        for (size_t i = 0; i < v->paths.n; i++) { /* every list has its length in one place */
                fputs(i == 0 ? "" : lines ? " ; " : " ", f); /* a line each in the file */
                switch (v->type) {
                case IMM_VALUE_PATHS:
                        fputs(v->paths.v[i].ignore_missing ? "-" : "", f);
                        fputs(v->paths.v[i].in_root ? "+" : "", f);
                        put_word(f, v->paths.v[i].path, "");
                        break;
                case IMM_VALUE_BINDS:
                        fputs(v->binds.v[i].ignore_missing ? "-" : "", f);
                        put_word(f, v->binds.v[i].source, ":");
                        if (!imm_streq(v->binds.v[i].source, v->binds.v[i].destination) ||
                                !v->binds.v[i].recursive) {
                                fputc(':', f);
                                put_word(f, v->binds.v[i].destination, ":");
                        }
                        fputs(v->binds.v[i].recursive ? "" : ":norbind", f);
                        break;
                case IMM_VALUE_TMPFS:
                        put_word(f, v->tmpfs.v[i].path, ":");
                        if (*v->tmpfs.v[i].options)
                                fprintf(f, ":%s", v->tmpfs.v[i].options);
                        break;
                case IMM_VALUE_DIRECTORIES:
                        put_directory(f, &v->directories.v[i]);
                        break;
                case IMM_VALUE_COMMANDS:
                        put_command(f, &v->commands.v[i]);
                        break;
                case IMM_VALUE_CREDENTIALS:
                        put_credential(f, &v->credentials.v[i]);
                        break;
                case IMM_VALUE_DEVICES:
                        fprintf(f, "%s %s%s%s", v->devices.v[i].node, v->devices.v[i].r ? "r" : "",
                                v->devices.v[i].w ? "w" : "", v->devices.v[i].m ? "m" : "");
                        break;
                case IMM_VALUE_IPS:
                        put_ip(f, &v->ips.v[i]);
                        break;
                case IMM_VALUE_SOCKET_BINDS:
                        put_socket_bind(f, &v->socket_binds.v[i]);
                        break;
                default:
                        break;
                }
        }
}

/* Values that are one word known beforehand, as most are; NULL: it has to be written */
static const char *one_word(const struct imm_setting_row *row, const struct imm_value *v) {
        switch (v->type) {
        case IMM_VALUE_BOOL:
                return v->number == 1 ? "yes" : "no";
        case IMM_VALUE_TRISTATE:
                return v->number == IMM_MINUS_ONE ? "" : v->number == 1 ? "yes" : "no";
        case IMM_VALUE_ENUM:
                return enum_word(row, v->number);
        case IMM_VALUE_STRING:
                return v->string ? v->string : "";
        case IMM_VALUE_CAPS:
                return v->number == IMM_CAPS_ALL ? "~" : NULL;
        case IMM_VALUE_NAMESPACES:
                return namespaces_word(v->number & IMM_NAMESPACES_ALL);
        default:
                return NULL;
        }
}

static void put_value(FILE *f, const struct imm_setting_row *row, const struct imm_value *v) {
        switch (v->type) {
        case IMM_VALUE_ENUM: /* a word that has none */
                fprintf(f, "%" PRIu64, v->number);
                break;
        case IMM_VALUE_NUMBER:
                put_number(f, row, v);
                break;
        case IMM_VALUE_SIGNED:
                if (row->parser == imm_parse_syscall_errno && (int64_t)v->number > 0 &&
                        imm_errno_name((int)v->number))
                        fputs(imm_errno_name((int)v->number), f);
                else if (row->parser == imm_parse_syscall_errno)
                        fputs("kill", f);
                else if (v->set || v->number != IMM_MINUS_ONE)
                        fprintf(f, "%" PRId64, (int64_t)v->number);
                break;
        case IMM_VALUE_USEC:
                put_usec(f, v->number);
                break;
        case IMM_VALUE_LIMIT:
                if (v->set)
                        put_limit(f, row, &v->limit);
                break;
        case IMM_VALUE_STRINGS:
                put_strings(f, v, row->parser != imm_parse_log_patterns);
                break;
        case IMM_VALUE_RAW:
                put_strings(f, v, false);
                break;
        case IMM_VALUE_CAPS:
                put_caps(f, v->number);
                break;
        case IMM_VALUE_NAMESPACES:
                put_namespaces(f, v->number);
                break;
        case IMM_VALUE_SYSCALLS:
                put_syscalls(f, v);
                break;
        case IMM_VALUE_NAMES:
                if (v->filter && v->allow_list && v->strings.n == 0)
                        fputs("none", f);
                else if (v->filter && !v->allow_list)
                        fputc('~', f);
                put_strings(f, v, false);
                break;
        default:
                put_list(f, v);
                break;
        }
}

char *imm_value_text(enum imm_setting id, const struct imm_value *v, struct imm_arena *a) {
        const char *word = one_word(&imm_setting_rows[id], v);
        imm_auto_free char *buf = NULL;
        size_t n = 0;
        FILE *f;

        if (word)
                return imm_strdup(a, word);
        f = open_memstream(&buf, &n);
        if (!f)
                imm_oom();
        put_value(f, &imm_setting_rows[id], v);
        if (fclose(f) != 0)
                imm_oom();
        return imm_strndup(a, buf, n);
}

char *imm_origin_text(const struct imm_origin *o, struct imm_arena *a) {
        enum { CHAIN = 8 }; /* implications that lead to others; there are never more than three */
        char *text = NULL, *tail = NULL;
        size_t n = 0;

        for (; o && o->kind == IMM_ORIGIN_IMPLIED && n < CHAIN; o = o->via, n++) {
                const char *name = imm_setting_info(o->by)->name;

                text = text ? imm_printf(a, "%s (implied by %s=", text, name)
                            : imm_printf(a, "implied by %s=", name);
        }
        if (o && (o->kind == IMM_ORIGIN_FILE || o->kind == IMM_ORIGIN_MANAGER))
                tail = o->line > 0 ? imm_printf(a, "%s:%u", o->file, o->line)
                                   : imm_strdup(a, o->file ? o->file : "");
        if (!text)
                return tail ? tail : imm_strdup(a, "default");
        if (tail)
                text = imm_printf(a, "%s (%s", text, tail);
        for (size_t i = tail ? 0 : 1; i < n; i++)
                text = imm_printf(a, "%s)", text);
        return text;
}
