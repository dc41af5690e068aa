#include "audit/redact.h"

#include "base/text.h"

#include <ctype.h>
#include <strings.h>

static const char mark[] = "(redacted)";

/* Ends of a name that say what its value is, '-' standing for any separator. */
static const struct {
        const char *end;
        size_t n;
        bool whole; /* behind a separator or by itself, not inside a word */
        bool key;   /* the value is as often the file that holds it */
} secret_names[] = {
#define NAME(end, whole, key) \
        { end, sizeof(end) - 1, whole, key }
        NAME("password", false, false),
        NAME("passwd", false, false),
        NAME("passphrase", false, false),
        NAME("passcode", false, false),
        NAME("passwort", false, false),
        NAME("secret", false, false),
        NAME("token", false, false),
        NAME("credential", true, true),
        NAME("credentials", true, true),
        NAME("pass", true, false),
        NAME("dbpass", false, false),
        NAME("userpass", false, false),
        NAME("pwd", true, false),
        NAME("pw", true, false),
        NAME("psk", true, true),
        NAME("apikey", false, true),
        NAME("authkey", false, true),
        NAME("secretkey", false, true),
        NAME("privatekey", false, true),
        NAME("api-key", false, true),
        NAME("auth-key", false, true),
        NAME("access-key", false, true),
        NAME("secret-key", false, true),
        NAME("private-key", false, true),
        NAME("master-key", false, true),
        NAME("account-key", false, true),
        NAME("encryption-key", false, true),
        NAME("signing-key", false, true),
        NAME("shared-key", false, true),
        NAME("session-key", false, true),
        NAME("license-key", false, true),
#undef NAME
};

/* Headers, whose value goes on to the end of the word */
static const char *const secret_headers[] = {
        "authorization", "proxy-authorization", "cookie", "set-cookie"};

/* Tokens that are known by how they begin */
static const struct {
        const char *begin;
        size_t min; /* of what follows */
} tokens[] = {
        {"ghp_", 20},
        {"gho_", 20},
        {"ghs_", 20},
        {"ghu_", 20},
        {"github_pat_", 20},
        {"glpat-", 16},
        {"xoxb-", 10},
        {"xoxp-", 10},
        {"xoxa-", 10},
        {"hvs.", 20},
        {"AGE-SECRET-KEY-1", 20},
        {"AKIA", 16},
        {"npm_", 30},
        {"eyJhbGciOi", 20},
};

/* Options that are a password in one program and a port in the next */
static const struct {
        const char *program, *option;
        char behind;   /* the password follows this character; 0: it is all */
        bool attached; /* -pWORD; else (or as well) the next word */
        bool apart;
} program_options[] = {
        {"curl", "-u", ':', true, true},
        {"curl", "--user", ':', false, true},
        {"curl", "-U", ':', true, true},
        {"curl", "--proxy-user", ':', false, true},
        {"mysql", "-p", 0, true, false},
        {"mysqldump", "-p", 0, true, false},
        {"mysqladmin", "-p", 0, true, false},
        {"mariadb", "-p", 0, true, false},
        {"mariadb-dump", "-p", 0, true, false},
        {"mariadb-admin", "-p", 0, true, false},
        {"sshpass", "-p", 0, true, true},
        {"redis-cli", "-a", 0, false, true},
        {"ldapsearch", "-w", 0, true, true},
        {"ldapadd", "-w", 0, true, true},
        {"ldapmodify", "-w", 0, true, true},
        {"smbclient", "-U", '%', true, true},
        {"mosquitto_pub", "-P", 0, false, true},
        {"mosquitto_sub", "-P", 0, false, true},
        {"ipmitool", "-P", 0, true, true},
};

struct redactor {
        struct imm_arena *a;
        const char *at;   /* the next character that is not copied yet */
        char *out, *to;   /* NULL until something is secret */
        const char *from; /* the whole */
        bool command;
        bool env;            /* behind env: assignments until the program */
        const char *program; /* the last word that is one of program_options */
        size_t n_program;
};

/* ---- what is a secret ---- */

static bool is_name(char c) {
        return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool same(char c, char in_table) {
        return in_table == '-' ? c == '-' || c == '_' || c == '.'
                               : tolower((unsigned char)c) == in_table;
}

/* Could it? Most names do not, and there are very many of them. */
static bool may_name_secret(const char *name, size_t n) {
        static const char ends[][3] = {
                "rd", "wd", "se", "de", "rt", "et", "en", "al", "ls", "ss", "pw", "sk", "ey"};
        const uint32_t last = 1 << ('d' - 'a') | 1 << ('e' - 'a') | 1 << ('t' - 'a') |
                              1 << ('n' - 'a') | 1 << ('l' - 'a') | 1 << ('s' - 'a') |
                              1 << ('w' - 'a') | 1 << ('k' - 'a') | 1 << ('y' - 'a');
        unsigned char c = n >= 2 ? (unsigned char)((name[n - 1] | 0x20) - 'a') : 255;

        if (c >= 26 || !(last >> c & 1))
                return false;
        for (size_t i = 0; i < IMM_ELEMENTSOF(ends); i++)
                if ((name[n - 1] | 0x20) == ends[i][1] && (name[n - 2] | 0x20) == ends[i][0])
                        return true;
        return false;
}

/* Does the name end in one of those? @ret_key: the value may be a file. */
static bool names_secret(const char *name, size_t n, bool *ret_key) {
        for (size_t i = 0; may_name_secret(name, n) && i < IMM_ELEMENTSOF(secret_names); i++) {
                const char *end = secret_names[i].end;
                size_t k = secret_names[i].n, at;

                if (k > n || !same(name[n - 1], end[k - 1]))
                        continue;
                for (at = 0; at < k && same(name[n - k + at], end[at]); at++)
                        ;
                if (at < k ||
                        (secret_names[i].whole && n > k && isalnum((unsigned char)name[n - k - 1])))
                        continue;
                if (n >= 5 && strncasecmp(name, "--no-", 5) == 0)
                        return false;
                *ret_key = secret_names[i].key;
                return true;
        }
        return false;
}

static bool is_header(const char *name, size_t n) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(secret_headers); i++)
                if (strlen(secret_headers[i]) == n && strncasecmp(name, secret_headers[i], n) == 0)
                        return true;
        return false;
}

static bool is_variable(const char *name, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!isupper((unsigned char)name[i]) && name[i] != '_' &&
                        (i == 0 || !isdigit((unsigned char)name[i])))
                        return false;
        return n > 0;
}

static bool is_path(const char *v, size_t n) {
        static const char *const tops[] = {"/etc/", "/run/", "/var/", "/usr/", "/home/", "/root/",
                "/opt/", "/srv/", "/mnt/", "/tmp/", "/dev/", "/proc/", "/nix/", "/lib", "file:"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(tops); i++)
                if (n >= strlen(tops[i]) && strncmp(v, tops[i], strlen(tops[i])) == 0)
                        return true;
        return false;
}

/* Switches, variables and files stand for a secret or turn something on: they are none. */
static bool is_harmless(const char *v, size_t n, bool key) {
        static const char *const words[] = {"yes", "no", "true", "false", "on", "off", "none", "0",
                "1", "auto", "always", "never", "ask", "required", "optional", "prompt", "stdin",
                "-"};

        if (n == 0 || (v[0] == '$' && n > 1 && v[1] != '$') || (v[0] == '%' && n > 1) ||
                (v[0] == '<' && v[n - 1] == '>') || is_path(v, n))
                return true;
        if (key && (strchr("/.~", v[0]) || (n > 4 && strncmp(v + n - 4, ".pem", 4) == 0)))
                return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                if (strlen(words[i]) == n && strncasecmp(v, words[i], n) == 0)
                        return true;
        return false;
}

/* ---- copying ---- */

/* Replaces [@v, @end) */
static void hide(struct redactor *r, const char *v, const char *end) {
        if (end <= v || v < r->at)
                return;
        if (!r->out) /* each mark takes the place of one character or more */
                r->out = r->to = imm_alloc(r->a, strlen(r->from) * sizeof(mark) + 1);
        r->to = mempcpy(r->to, r->at, (size_t)(v - r->at));
        r->to = mempcpy(r->to, mark, sizeof(mark) - 1);
        r->at = end;
}

/* The end of a value: of its quotes if it stands in some, else of the word. @*v moves behind the
 * quote. What was hidden before stays as it is: NULL. */
static const char *value_end(const char **v, const char *stop) {
        const char *s = *v, *end;
        char quote = 0;

        if (*s == '\\' && (s[1] == '"' || s[1] == '\''))
                s++;
        if (*s == '"' || *s == '\'')
                quote = *s++;
        if (imm_after(s, mark))
                return NULL;
        for (end = s; *end; end++) {
                if (quote ? *end == quote : strchr(stop, *end) != NULL)
                        break;
                if (*end == '\\' && end[1] && !(quote && end[1] == quote && end[-1] != '\\'))
                        end++;
        }
        *v = s;
        return end;
}

static void hide_value(struct redactor *r, const char *v, const char *stop, bool key) {
        const char *end = value_end(&v, stop);

        if (end && !is_harmless(v, (size_t)(end - v), key))
                hide(r, v, end);
}

static const char stops[] = " \t\n\"'`;&|)<>,}";
static const char word_stops[] = " \t\n\"'`";

/* ---- places ---- */

/* scheme://USER:PASSWORD@HOST; @s behind the slashes */
static void url(struct redactor *r, const char *s) {
        const char *end = s + strcspn(s, " \t\n\"'`/?#<>"), *at = NULL, *colon;

        for (const char *p = s; p < end; p++)
                if (*p == '@')
                        at = p;
        if (!at) { /* a slash in a password should not be, and is */
                end = s + strcspn(s, " \t\n\"'`?#<>");
                at = memchr(s, '@', (size_t)(end - s));
                colon = memchr(s, ':', (size_t)(end - s));
                if (!at || !colon || colon > at || isdigit((unsigned char)colon[1]))
                        return;
        }
        colon = memchr(s, ':', (size_t)(at - s));
        if (colon) {
                if (!imm_after(colon + 1, mark) &&
                        !(colon[1] == '$' && colon[2] != '$' && colon + 1 < at))
                        hide(r, colon + 1, at);
        } else if (at - s >= 20) /* no user's name: a token */
                hide(r, s, at);
}

/* A name [s, end) that begins a word or stands behind a separator */
static void name(struct redactor *r, const char *s, const char *end) {
        size_t n = (size_t)(end - s);
        const char *v = end;
        bool key = false, dashed = *s == '-', secret = names_secret(s, n, &key);

        if (*v == '\\' && (v[1] == '"' || v[1] == '\''))
                v++;
        if (r->command && (*v == '"' || *v == '\'') && (v[1] == ':' || v[1] == '='))
                v++; /* {"password": "..."} */
        if (*v == '=') {
                if (secret)
                        hide_value(r, v + 1, stops, key);
                else if (r->command && (r->env || is_variable(s, n)))
                        hide_value(r, v + 1, word_stops, false);
                return;
        }
        if (!r->command)
                return;
        if (*v == ':' && v[1] != '/' && (secret || is_header(s, n))) {
                v++;
                v += strspn(v, " ");
                hide_value(r, v, is_header(s, n) ? "\"'`\n" : stops, true);
                return;
        }
        if (secret && dashed && (*v == ' ' || *v == '\t')) {
                v += strspn(v, " \t");
                if (*v != '-')
                        hide_value(r, v, word_stops, key);
        }
}

static void token(struct redactor *r, const char *s) {
        if (!r->command || !strchr("gxhAne", *s)) /* what they begin with */
                return;
        for (size_t i = 0; i < IMM_ELEMENTSOF(tokens); i++) {
                const char *rest = imm_after(s, tokens[i].begin), *end = rest;

                while (rest && is_name(*end))
                        end++;
                if (rest && (size_t)(end - rest) >= tokens[i].min)
                        hide(r, s, end);
        }
}

/* The option of a program that is known to take a password with it */
static void program_option(struct redactor *r, const char *s) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(program_options); i++) {
                const char *v = imm_after(s, program_options[i].option), *end;

                if (!v || strlen(program_options[i].program) != r->n_program ||
                        strncmp(program_options[i].program, r->program, r->n_program) != 0)
                        continue;
                if (*v == ' ' && program_options[i].apart)
                        v += strspn(v, " ");
                else if (*v == '=' && program_options[i].option[1] == '-')
                        v++;
                else if (!*v || *v == ' ' || !program_options[i].attached)
                        continue;
                end = value_end(&v, " \t\n\"'`;|&");
                if (end && program_options[i].behind) {
                        v = memchr(v, program_options[i].behind, (size_t)(end - v));
                        v = v ? v + 1 : end;
                }
                if (end && !imm_after(v, mark) && !is_harmless(v, (size_t)(end - v), false))
                        hide(r, v, end);
                if (!program_options[i].behind) /* sshpass -p PASSWORD ssh -p PORT */
                        r->program = NULL;
                return;
        }
}

/* A word begins: is it a program that is known, or env? */
static void word(struct redactor *r, const char *s) {
        const char *end = s + strcspn(s, " \t\n\"'`;|&"), *slash = end;
        size_t n;

        while (slash > s && slash[-1] != '/')
                slash--;
        n = (size_t)(end - slash);
        if (r->env && *s != '-' && !memchr(s, '=', (size_t)(end - s)))
                r->env = false;
        if (n == 3 && strncmp(slash, "env", 3) == 0)
                r->env = true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(program_options); i++)
                if (strlen(program_options[i].program) == n &&
                        strncmp(slash, program_options[i].program, n) == 0) {
                        r->program = slash;
                        r->n_program = n;
                        return;
                }
        if (r->program && *s == '-')
                program_option(r, s);
}

/* Most texts hold nothing of the kind, and there are very many of them: one look at each. */
static bool may_hold(const char *s, bool command) {
        bool key;

        if (command)
                return strpbrk(s, "=:-_") != NULL;
        for (const char *at = s; (at = strchr(at, ':')); at++)
                if (at[1] == '/' && at[2] == '/')
                        return true;
        for (const char *at = s; (at = strchr(at, '=')); at++) {
                const char *from = at;

                if (at == s || !may_name_secret(at - 2 >= s ? at - 2 : s, at - 2 >= s ? 2 : 1))
                        continue;
                while (from > s && is_name(from[-1]))
                        from--;
                if (from < at && names_secret(from, (size_t)(at - from), &key))
                        return true;
        }
        return false;
}

static const char *redact(struct imm_arena *a, const char *s, bool command) {
        struct redactor r = {.a = a, .at = s, .from = s, .command = command};

        if (!s || !may_hold(s, command))
                return s;
        for (const char *p = s; *p;) {
                bool begins = p == s || strchr(" \t\n\"'`;|&", p[-1]);
                const char *end = p;

                if (command && begins && !strchr(" \t\n\"'`;|&", *p))
                        word(&r, p);
                if (command && strchr(";|&", *p))
                        r.program = NULL, r.env = false;
                if (p < r.at) { /* a part of what is hidden */
                        p = r.at;
                        continue;
                }
                if (imm_after(p, "://")) {
                        url(&r, p + 3);
                        p += 3;
                        continue;
                }
                while (is_name(*end))
                        end++;
                if (end == p) {
                        p++;
                        continue;
                }
                if (begins || strchr("=?,({[", p[-1])) {
                        token(&r, p);
                        if (p >= r.at)
                                name(&r, p, end);
                } else if (p[-1] == '@' || p[-1] == ':')
                        token(&r, p);
                p = end;
        }
        if (!r.out)
                return s;
        (void)stpcpy(r.to, r.at);
        return r.out;
}

const char *imm_redact_command(struct imm_arena *a, const char *s) {
        return redact(a, s, true);
}

const char *imm_redact_text(struct imm_arena *a, const char *s) {
        return redact(a, s, false);
}

const char *imm_redact_assignments(struct imm_arena *a, const char *s) {
        char *out = imm_alloc(a, strlen(s) * (sizeof(mark) + 1) + 1), *to = out;

        for (const char *p = s; *p;) {
                char quote = 0;
                const char *end, *equals = NULL;

                if (*p == ' ') {
                        *to++ = *p++;
                        continue;
                }
                if (*p == '"' || *p == '\'')
                        quote = *p++;
                for (end = p; *end && (quote ? *end != quote : *end != ' '); end++) {
                        if (!equals && *end == '=')
                                equals = end;
                        if (*end == '\\' && end[1])
                                end++;
                }
                if (equals) {
                        to = mempcpy(to, p, (size_t)(equals + 1 - p));
                        to = mempcpy(to, mark, sizeof(mark) - 1);
                } else
                        to = mempcpy(to, p, (size_t)(end - p));
                p = *end ? end + (quote != 0) : end;
        }
        *to = 0;
        return out;
}
