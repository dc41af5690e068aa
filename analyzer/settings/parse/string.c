/* Text: single strings and lists of words that are no paths. */

#include "analyzer/settings/numbers.h"
#include "analyzer/settings/parse/parse.h"
#include "analyzer/unit/words.h"

#include <limits.h>

bool imm_is_safe_string(const char *s) {
        for (; *s; s++)
                if ((*s > 0 && *s < ' ') || strchr("\"'\\\x7f", *s))
                        return false;
        return true;
}

bool imm_fdname_is_valid(const char *s) {
        size_t n = 0;

        for (; s[n]; n++)
                if (s[n] < ' ' || s[n] >= 127 || s[n] == ':')
                        return false;
        return n <= 255;
}

static enum imm_parsed take(struct imm_parse *p, const char *s) {
        imm_parse_value(p)->string = s;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_plain_string(struct imm_parse *p, const char *value) {
        return *value == '\0' ? imm_parse_emptied(p) : take(p, value);
}

enum imm_parsed imm_parse_string(struct imm_parse *p, const char *value) {
        const char *s;

        if (!imm_parse_expand(p, value, &s))
                return imm_parse_ignore(p, "the specifiers of '%s' are not known", value);
        if (*s == '\0')
                return imm_parse_emptied(p);
        return take(p, s);
}

/* SELinuxContext= and its kin; a - in front stays */
enum imm_parsed imm_parse_label(struct imm_parse *p, const char *value) {
        bool ignore = *value == '-';
        const char *s;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (!imm_parse_expand(p, value + ignore, &s))
                return ignore ? imm_parse_ignore(p, "the specifiers of '%s' are not known", value)
                              : imm_parse_refuse(p, "the specifiers of '%s' are not known", value);
        return take(p, ignore ? imm_printf(p->a, "-%s", s) : s);
}

enum imm_parsed imm_parse_log_namespace(struct imm_parse *p, const char *value) {
        static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ:-_.\\@";
        const char *s;
        size_t n;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (!imm_parse_expand(p, value, &s))
                return imm_parse_ignore(p, "the specifiers of '%s' are not known", value);
        n = strlen(s);
        if (!imm_filename_is_valid(s) || n > NAME_MAX - 33 || strspn(s, allowed) != n ||
                !imm_is_safe_string(s) || strpbrk(s, "*?["))
                return imm_parse_ignore(p, "'%s' is no name for a log namespace", s);
        return take(p, s);
}

static bool is_bus_name(const char *s) {
        bool unique = *s == ':', dot = true, any = false;
        size_t n = strlen(s);

        if (n == 0 || n > 255)
                return false;
        for (s += unique; *s; s++) {
                if (*s == '.') {
                        if (dot)
                                return false;
                        any = dot = true;
                        continue;
                }
                if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_' ||
                            *s == '-' || ((!dot || unique) && *s >= '0' && *s <= '9')))
                        return false;
                dot = false;
        }
        return !dot && any;
}

enum imm_parsed imm_parse_bus_name(struct imm_parse *p, const char *value) {
        const char *s;

        if (!imm_parse_expand(p, value, &s))
                return imm_parse_ignore(p, "the specifiers of '%s' are not known", value);
        if (!is_bus_name(s))
                return imm_parse_ignore(p, "'%s' is no bus name", s);
        return take(p, s);
}

/* The architectures that have a personality: the native one and its 32-bit sister */
enum imm_parsed imm_parse_personality(struct imm_parse *p, const char *value) {
        static const char *const known[] = {
#if defined(__x86_64__)
                "x86-64",
                "x86"
#elif defined(__aarch64__)
                "arm64",
                "arm"
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
                "ppc64-le",
                "ppc-le"
#elif defined(__s390x__)
                "s390x",
                "s390"
#elif defined(__riscv)
                "riscv64"
#else
                "x86"
#endif
        };

        if (*value == '\0')
                return imm_parse_emptied(p);
        for (size_t i = 0; i < IMM_ELEMENTSOF(known); i++)
                if (imm_streq(value, known[i]))
                        return take(p, value);
        return imm_parse_ignore(p, "'%s' is no personality of this machine", value);
}

static bool is_unit_name(const char *s) {
        return imm_unit_name_type(s) != IMM_UNIT_TYPE_INVALID;
}

enum imm_parsed imm_parse_slice(struct imm_parse *p, const char *value) {
        const char *s;

        if (!imm_parse_expand(p, value, &s))
                return imm_parse_ignore(p, "the specifiers of '%s' are not known", value);
        if (imm_unit_name_type(s) != IMM_UNIT_SLICE || imm_ends_with(s, "@.slice"))
                return imm_parse_ignore(p, "'%s' is no name of a slice", s);
        return take(p, s);
}

/* Dependencies: names of units, never reset */
enum imm_parsed imm_parse_units(struct imm_parse *p, const char *value) {
        bool sockets = p->id == IMM_SETTING_SOCKETS;
        const char *word, *name;
        size_t taken = 0;

        while (imm_parse_word(p, &value, NULL, sockets ? 0 : IMM_WORDS_RETAIN_ESCAPE, &word)) {
                if (imm_unit_expand(p->m, p->u, IMM_SPECIFIERS_NAME, word, p->a, &name) < 0) {
                        imm_parse_skip(p, "the specifiers of '%s' are not known", word);
                        continue;
                }
                if (!is_unit_name(name) || (sockets && !imm_ends_with(name, ".socket"))) {
                        imm_parse_skip(p, "'%s' is no name of a unit", name);
                        continue;
                }
                imm_parse_add_string(p, imm_parse_value(p), name);
                taken++;
        }
        return imm_parse_taken(p, taken);
}

/* Documentation=: a page or an address */
static bool is_documentation(const char *s) {
        static const char *const kinds[] = {"http://", "https://", "file:/", "info:", "man:"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(kinds); i++) {
                const char *rest = imm_after(s, kinds[i]);

                if (!rest || *rest == '\0')
                        continue;
                while ((unsigned char)*rest < 128 && *rest != '\0')
                        rest++;
                return *rest == '\0';
        }
        return false;
}

enum imm_parsed imm_parse_words(struct imm_parse *p, const char *value) {
        const char *s, *word;
        size_t taken = 0;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (!imm_parse_expand(p, value, &s))
                return imm_parse_ignore(p, "the specifiers of '%s' are not known", value);
        while (imm_parse_word(p, &s, NULL, IMM_WORDS_UNQUOTE | IMM_WORDS_RETAIN_ESCAPE, &word)) {
                if (!is_documentation(word)) {
                        imm_parse_skip(p, "'%s' is no address of documentation", word);
                        continue;
                }
                imm_parse_add_string(p, imm_parse_value(p), word);
                taken++;
        }
        return imm_parse_taken(p, taken);
}

/* What goes to the firmware: short and plain; a service's RebootArgument= is not looked at */
enum imm_parsed imm_parse_reboot_argument(struct imm_parse *p, const char *value) {
        enum { MAX = 255 };
        const char *s = value;

        if (*value != '\0' && !imm_parse_expand(p, value, &s))
                return imm_parse_ignore(p, "the specifiers of '%s' are not known", value);
        if (p->version >= 248) {
                for (const char *c = s; *c; c++)
                        if ((unsigned char)*c >= 128)
                                return imm_parse_ignore(p, "'%s' is not plain ASCII", value);
                if (strlen(s) > MAX)
                        return imm_parse_ignore(p, "it is too long for the kernel");
        }
        return imm_parse_string(p, value);
}

static size_t base64_length(const char *s, bool *ret_valid) {
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        size_t n = 0, padding = 0;
        bool valid = true;

        for (; *s; s++) {
                if (strchr(" \t\n\r", *s))
                        continue;
                if (*s == '=')
                        padding++;
                else if (padding > 0 || !strchr(digits, *s))
                        valid = false;
                n++;
        }
        *ret_valid = valid && n % 4 == 0 && padding <= 2;
        return n;
}

/* RootHash= and RootHashSignature=: a path, or at least 128 bits in hexadecimal; base64:... */
enum imm_parsed imm_parse_root_hash(struct imm_parse *p, const char *value) {
        const char *data = imm_after(value, "base64:");
        size_t n = strspn(value, "0123456789abcdefABCDEF");
        bool valid = true;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (*value == '/')
                return imm_parse_path(p, value);
        if (p->id == IMM_SETTING_ROOT_HASH)
                valid = n >= 32 && n % 2 == 0 && value[n] == '\0';
        else if (!data || base64_length(data, &valid) == 0)
                valid = false;
        if (!valid)
                return imm_parse_ignore(p, "'%s' is neither a path nor a hash", value);
        return imm_parse_plain_string(p, value);
}

/* ---- the environment ---- */

static size_t name_length(const char *s) {
        static const char allowed[] =
                "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

        return *s >= '0' && *s <= '9' ? 0 : strspn(s, allowed);
}

static bool is_env_name(const char *s) {
        size_t n = name_length(s);

        return n > 0 && s[n] == '\0';
}

static bool is_env_assignment(const char *s) {
        size_t n = name_length(s);

        return n > 0 && s[n] == '=' && imm_utf8_valid(s, strlen(s));
}

enum imm_parsed imm_parse_environ(struct imm_parse *p, const char *value) {
        const char *word, *text, *name;
        size_t taken = 0;

        if (*value == '\0')
                return imm_parse_emptied(p);
        while (imm_parse_word(p, &value, NULL, IMM_WORDS_CUNESCAPE | IMM_WORDS_UNQUOTE, &word)) {
                struct imm_value *v;
                size_t place;

                if (!imm_parse_expand(p, word, &text) || !is_env_assignment(text)) {
                        imm_parse_skip(p, "'%s' is no assignment", word);
                        continue;
                }
                v = imm_parse_value(p);
                taken++;
                /* The same name again takes the place of the first. */
                name = imm_strndup(p->a, text, name_length(text));
                place = imm_parse_find(p, p->id, name);
                if (place != SIZE_MAX) {
                        v->strings.v[place] =
                                (struct imm_string_item){.text = text, .origin = p->origin};
                        continue;
                }
                imm_parse_remember(p, p->id, name, v->strings.n);
                imm_parse_add_string(p, v, text);
        }
        return imm_parse_taken(p, taken);
}

/* A list without duplicates; @accept says what is valid */
static enum imm_parsed set_of(struct imm_parse *p, const char *value, unsigned flags,
        bool (*accept)(const char *s), const char *what) {
        const char *word, *text;
        size_t taken = 0;

        if (*value == '\0')
                return imm_parse_emptied(p);
        while (imm_parse_word(p, &value, NULL, flags, &word)) {
                struct imm_value *v;

                if (!imm_parse_expand(p, word, &text) || !accept(text)) {
                        imm_parse_skip(p, "'%s' is no %s", word, what);
                        continue;
                }
                v = imm_parse_value(p);
                taken++;
                if (imm_parse_find(p, p->id, text) != SIZE_MAX)
                        continue;
                imm_parse_remember(p, p->id, text, v->strings.n);
                imm_parse_add_string(p, v, text);
        }
        return imm_parse_taken(p, taken);
}

enum imm_parsed imm_parse_pass_environ(struct imm_parse *p, const char *value) {
        return set_of(p, value, IMM_WORDS_UNQUOTE, is_env_name, "name of a variable");
}

static bool is_env_name_or_assignment(const char *s) {
        return is_env_name(s) || is_env_assignment(s);
}

enum imm_parsed imm_parse_unset_environ(struct imm_parse *p, const char *value) {
        return set_of(p, value, IMM_WORDS_CUNESCAPE | IMM_WORDS_UNQUOTE, is_env_name_or_assignment,
                "name or assignment of a variable");
}

static bool is_log_field(const char *s) {
        static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
        size_t n = strspn(s, allowed);

        return n > 0 && n <= 64 && s[n] == '=' && *s != '_' && !(*s >= '0' && *s <= '9');
}

enum imm_parsed imm_parse_log_fields(struct imm_parse *p, const char *value) {
        const char *word, *text;
        size_t taken = 0;

        if (*value == '\0')
                return imm_parse_emptied(p);
        while (imm_parse_word(p, &value, NULL, IMM_WORDS_CUNESCAPE | IMM_WORDS_UNQUOTE, &word)) {
                if (!imm_parse_expand(p, word, &text) || !is_log_field(text)) {
                        imm_parse_skip(p, "'%s' is no log field", word);
                        continue;
                }
                imm_parse_add_string(p, imm_parse_value(p), text);
                taken++;
        }
        return imm_parse_taken(p, taken);
}

enum imm_parsed imm_parse_log_patterns(struct imm_parse *p, const char *value) {
        if (*value == '\0')
                return imm_parse_emptied(p);
        if (imm_streq(value, "~"))
                return imm_parse_ignore(p, "there is no pattern");
        imm_parse_add_string(p, imm_parse_value(p), value);
        return IMM_PARSED_TAKEN;
}

/* Exit statuses by name as systemd.exec(5) lists them, numbers, and signals */
static bool exit_status(const char *s, int *ret) {
        /* clang-format off */
        static const struct { const char *name; int status; } names[] = {
                {"SUCCESS", 0}, {"FAILURE", 1}, {"INVALIDARGUMENT", 2}, {"NOTIMPLEMENTED", 3},
                {"NOPERMISSION", 4}, {"NOTINSTALLED", 5}, {"NOTCONFIGURED", 6}, {"NOTRUNNING", 7},
                {"USAGE", 64}, {"DATAERR", 65}, {"NOINPUT", 66}, {"NOUSER", 67}, {"NOHOST", 68},
                {"UNAVAILABLE", 69}, {"SOFTWARE", 70}, {"OSERR", 71}, {"OSFILE", 72},
                {"CANTCREAT", 73}, {"IOERR", 74}, {"TEMPFAIL", 75}, {"PROTOCOL", 76},
                {"NOPERM", 77}, {"CONFIG", 78}, {"CHDIR", 200}, {"NICE", 201}, {"FDS", 202},
                {"EXEC", 203}, {"MEMORY", 204}, {"LIMITS", 205}, {"OOM_ADJUST", 206},
                {"SIGNAL_MASK", 207}, {"STDIN", 208}, {"STDOUT", 209}, {"CHROOT", 210},
                {"IOPRIO", 211}, {"TIMERSLACK", 212}, {"SECUREBITS", 213}, {"SETSCHEDULER", 214},
                {"CPUAFFINITY", 215}, {"GROUP", 216}, {"USER", 217}, {"CAPABILITIES", 218},
                {"CGROUP", 219}, {"SETSID", 220}, {"CONFIRM", 221}, {"STDERR", 222}, {"PAM", 224},
                {"NETWORK", 225}, {"NAMESPACE", 226}, {"NO_NEW_PRIVILEGES", 227},
                {"SECCOMP", 228}, {"SELINUX_CONTEXT", 229}, {"PERSONALITY", 230},
                {"APPARMOR", 231}, {"ADDRESS_FAMILIES", 232}, {"RUNTIME_DIRECTORY", 233},
                {"CHOWN", 235}, {"SMACK_PROCESS_LABEL", 236}, {"KEYRING", 237},
                {"STATE_DIRECTORY", 238}, {"CACHE_DIRECTORY", 239}, {"LOGS_DIRECTORY", 240},
                {"CONFIGURATION_DIRECTORY", 241}, {"NUMA_POLICY", 242}, {"CREDENTIALS", 243},
                {"BPF", 245}, {"EXCEPTION", 255}};
        /* clang-format on */
        uint64_t n;

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (imm_streq(names[i].name, s)) {
                        *ret = names[i].status;
                        return true;
                }
        if (!imm_text_uint(s, 255, &n))
                return false;
        *ret = (int)n;
        return true;
}

enum imm_parsed imm_parse_exit_statuses(struct imm_parse *p, const char *value) {
        const char *word, *text;
        size_t taken = 0;
        int n;

        if (*value == '\0')
                return imm_parse_emptied(p);
        while (imm_parse_word(p, &value, NULL, 0, &word)) {
                struct imm_value *v;

                if (exit_status(word, &n))
                        text = imm_printf(p->a, "%d", n);
                else if (imm_text_signal(word, &n))
                        text = imm_signal_name(n) ? imm_printf(p->a, "SIG%s", imm_signal_name(n))
                                                  : imm_printf(p->a, "SIGRTMIN+%d", n - 34);
                else {
                        imm_parse_skip(p, "'%s' is no exit status and no signal", word);
                        continue;
                }
                v = imm_parse_value(p);
                taken++;
                if (imm_parse_find(p, p->id, text) != SIZE_MAX)
                        continue;
                imm_parse_remember(p, p->id, text, v->strings.n);
                imm_parse_add_string(p, v, text);
        }
        return imm_parse_taken(p, taken);
}

/* ---- standard streams: the word, or file:PATH and fd:NAME ---- */

static bool stream_word(const char *const *words, const char *value) {
        for (size_t i = 0; words[i]; i++)
                if (imm_streq(words[i], value))
                        return true;
        return false;
}

/* "file:" and its kin: NULL if it is none of them, "" after the diagnostic */
static const char *stream_file(struct imm_parse *p, const char *value, bool output) {
        static const struct {
                const char *prefix;
                unsigned since;
                bool output, fd;
        } kinds[] = {{"fd:", 0, false, true}, {"file:", 0, false, false},
                {"append:", 0, true, false}, {"truncate:", 248, true, false}};
        const char *rest = NULL, *text, *path, *why;
        size_t i;

        for (i = 0; i < IMM_ELEMENTSOF(kinds) && !rest; i++)
                if (p->version >= kinds[i].since && (output || !kinds[i].output))
                        rest = imm_after(value, kinds[i].prefix);
        if (!rest)
                return NULL;
        i--;
        if (!imm_parse_expand(p, rest, &text)) {
                (void)imm_parse_ignore(p, "the specifiers of '%s' are not known", rest);
                return "";
        }
        if (kinds[i].fd) {
                if (!imm_fdname_is_valid(text)) {
                        (void)imm_parse_ignore(p, "'%s' is no name of a descriptor", text);
                        return "";
                }
                return *text ? imm_printf(p->a, "fd:%s", text) : "fd";
        }
        path = imm_path_clean(text, IMM_PATH_ABSOLUTE, p->version, p->a, &why);
        if (!path) {
                (void)imm_parse_ignore(p, "'%s': %s", text, why);
                return "";
        }
        return imm_printf(p->a, "%s%s", kinds[i].prefix, path);
}

enum imm_parsed imm_parse_std_input(struct imm_parse *p, const char *value) {
        static const char *const words[] = {
                "null", "tty", "tty-force", "tty-fail", "socket", "fd", "data", "file", NULL};
        const char *s = stream_file(p, value, false);

        if (s)
                return *s ? take(p, s) : IMM_PARSED_IGNORED;
        if (!stream_word(words, value))
                return imm_parse_ignore(p, "'%s' is no standard input", value);
        return take(p, value);
}

enum imm_parsed imm_parse_std_output(struct imm_parse *p, const char *value) {
        static const char *const words[] = {"inherit", "null", "tty", "kmsg", "kmsg+console",
                "journal", "journal+console", "socket", "fd", "file", "append", NULL};
        const char *s = stream_file(p, value, true);

        if (s)
                return *s ? take(p, s) : IMM_PARSED_IGNORED;
        if (imm_streq(value, "syslog"))
                return take(p, "journal");
        if (imm_streq(value, "syslog+console"))
                return take(p, "journal+console");
        if (!stream_word(words, value) && !(imm_streq(value, "truncate") && p->version >= 248))
                return imm_parse_ignore(p, "'%s' is no standard output", value);
        return take(p, value);
}

/* StandardInputText= and StandardInputData= are one buffer in systemd */
static enum imm_parsed input(struct imm_parse *p, const char *value) {
        const char *s = value;

        if (*value == '\0') {
                imm_parse_reset(p, IMM_SETTING_STANDARD_INPUT_TEXT);
                imm_parse_reset(p, IMM_SETTING_STANDARD_INPUT_DATA);
                return IMM_PARSED_RESET;
        }
        if (p->id == IMM_SETTING_STANDARD_INPUT_TEXT &&
                (imm_unescape(value, false, p->a, &s) < 0 || !imm_parse_expand(p, s, &s)))
                return imm_parse_ignore(p, "its escapes or specifiers are not known");
        if (p->id == IMM_SETTING_STANDARD_INPUT_DATA) {
                bool valid;

                (void)base64_length(s, &valid);
                if (!valid)
                        return imm_parse_ignore(p, "it is no base64");
        }
        imm_parse_add_string(p, imm_parse_value(p), s);
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_input_text(struct imm_parse *p, const char *value) {
        return input(p, value);
}

enum imm_parsed imm_parse_input_data(struct imm_parse *p, const char *value) {
        return input(p, value);
}
