/* Command lines, and who runs them: users, groups, capabilities, namespaces, credentials. */

#include "analyzer/settings/numbers.h"
#include "analyzer/settings/parse/parse.h"
#include "analyzer/unit/words.h"

#include <limits.h>
#include <linux/securebits.h>
#include <sched.h>
#include <strings.h>

/* ---- Exec lines ---- */

/* The marks before the program's name; each counts once, + ! !! exclude each other */
static const char *command_marks(const char *s, unsigned *ret) {
        static const unsigned privileges =
                IMM_COMMAND_FULLY_PRIVILEGED | IMM_COMMAND_NO_SETUID | IMM_COMMAND_AMBIENT_MAGIC;
        unsigned flags = 0;

        for (;; s++)
                if (*s == '-' && !(flags & IMM_COMMAND_IGNORE_FAILURE))
                        flags |= IMM_COMMAND_IGNORE_FAILURE;
                else if (*s == '@' && !(flags & IMM_COMMAND_ARGV0))
                        flags |= IMM_COMMAND_ARGV0;
                else if (*s == ':' && !(flags & IMM_COMMAND_NO_ENV_EXPAND))
                        flags |= IMM_COMMAND_NO_ENV_EXPAND;
                else if (*s == '+' && !(flags & privileges))
                        flags |= IMM_COMMAND_FULLY_PRIVILEGED;
                else if (*s == '!' && !(flags & privileges))
                        flags |= IMM_COMMAND_NO_SETUID;
                else if (*s == '!' && (flags & privileges) == IMM_COMMAND_NO_SETUID) {
                        flags &= ~IMM_COMMAND_NO_SETUID;
                        flags |= IMM_COMMAND_AMBIENT_MAGIC;
                } else
                        break;
        *ret = flags;
        return s;
}

static bool is_directory_name(const char *path, unsigned version) {
        if (imm_ends_with(path, "/"))
                return true;
        return version >= 257 && (imm_streq(path, ".") || imm_streq(path, "..") ||
                                         imm_ends_with(path, "/.") || imm_ends_with(path, "/.."));
}

/* What is wrong with the program's name; NULL if nothing */
static const char *program_fault(const char *path, unsigned version) {
        if (*path == '\0')
                return "there is no program";
        if (!imm_is_safe_string(path))
                return "the program's name has special characters";
        if (is_directory_name(path, version))
                return "the program's name is that of a directory";
        if (*path == '/' ? version >= 248 && !imm_path_is_valid(path, version)
                         : !imm_filename_is_valid(path))
                return "the program is neither an absolute path nor a plain name";
        return NULL;
}

static bool at_semicolon(const char *s) {
        return s[0] == ';' && (s[1] == '\0' || strchr(IMM_WHITESPACE, s[1]));
}

/* The arguments from *s on, up to the end or a lone ";". NULL, or what is wrong. */
static const char *arguments(
        struct imm_parse *p, const char **s, struct imm_command_item *item, bool *ret_semicolon) {
        *ret_semicolon = false;
        while (*s && **s) {
                const char *word, *text;
                int r;

                if (at_semicolon(*s)) {
                        *s += 1 + strspn(*s + 1, IMM_WHITESPACE);
                        *ret_semicolon = true;
                        break;
                }
                if (**s == '\\' && at_semicolon(*s + 1)) {
                        *s += 2 + strspn(*s + 2, IMM_WHITESPACE);
                        imm_strv_add(p->a, &item->argv, ";");
                        continue;
                }
                r = imm_word_next_lenient(
                        s, NULL, IMM_WORDS_UNQUOTE | IMM_WORDS_CUNESCAPE, p->a, &word, NULL);
                if (r < 0)
                        return "a quote is not closed";
                if (r == 0)
                        break;
                if (!imm_parse_expand(p, word, &text))
                        return "the specifiers of an argument are not known";
                imm_strv_add(p->a, &item->argv, text);
        }
        return item->argv.n > 0 ? NULL : "there is no zeroth argument";
}

enum imm_parsed imm_parse_commands(struct imm_parse *p, const char *value) {
        const char *s = value, *word, *path, *fault;
        bool semicolon;
        size_t taken = 0;

        if (*value == '\0')
                return imm_parse_emptied(p);
        do {
                struct imm_command_item item = {.origin = p->origin};
                int r = s ? imm_word_next_lenient(&s, NULL, IMM_WORDS_UNQUOTE | IMM_WORDS_CUNESCAPE,
                                    p->a, &word, NULL)
                          : 0;

                semicolon = false;
                if (r < 0)
                        imm_parse_skip(p, "a quote is not closed");
                if (r <= 0)
                        break;
                if (imm_streq(word, ";")) {
                        semicolon = true;
                        continue;
                }
                word = command_marks(word, &item.flags);
                if (!imm_parse_expand_path(p, word, &path))
                        fault = "the specifiers of the program are not known";
                else
                        fault = program_fault(path, p->version);
                if (!fault) {
                        if (!(item.flags & IMM_COMMAND_ARGV0))
                                imm_strv_add(p->a, &item.argv, path);
                        fault = arguments(p, &s, &item, &semicolon);
                }
                if (fault && !(item.flags & IMM_COMMAND_IGNORE_FAILURE))
                        return imm_parse_refuse(p, "'%s': %s", value, fault);
                if (fault) {
                        imm_parse_skip(p, "'%s': %s", value, fault);
                        break;
                }
                item.path = imm_path_simplify(path, p->version < 248, p->version, p->a);
                *imm_array_push(p->a, &imm_parse_value(p)->commands) = item;
                taken++;
        } while (semicolon);
        return imm_parse_taken(p, taken);
}

/* ---- users and groups ---- */

static bool is_digits(const char *s) {
        return *s != '\0' && s[strspn(s, "0123456789")] == '\0';
}

/* As lenient as systemd: a number that can be an id, or nearly anything that is no number */
static bool is_user_name(const char *s) {
        size_t n = strlen(s);
        uint64_t id;

        if (is_digits(s) && (s[0] != '0' || n == 1) && imm_text_uint(s, UINT32_MAX - 1, &id))
                return id != 65535;
        if (n == 0 || s[0] == ' ' || s[n - 1] == ' ' || !imm_utf8_valid(s, n) || strpbrk(s, ":/") ||
                is_digits(s) || (s[0] == '-' && (n == 1 || is_digits(s + 1))) ||
                imm_streq(s, ".") || imm_streq(s, ".."))
                return false;
        for (; *s; s++)
                if ((*s > 0 && *s < ' ') || *s == 127)
                        return false;
        return true;
}

enum imm_parsed imm_parse_user(struct imm_parse *p, const char *value) {
        const char *s;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (!imm_parse_expand(p, value, &s))
                return imm_parse_refuse(p, "the specifiers of '%s' are not known", value);
        if (!is_user_name(s))
                return imm_parse_refuse(p, "'%s' is no name or number of a user or group", s);
        imm_parse_value(p)->string = s;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_groups(struct imm_parse *p, const char *value) {
        const char *word, *s;
        int r;

        if (*value == '\0')
                return imm_parse_emptied(p);
        while ((r = imm_word_next(&value, NULL, 0, p->a, &word)) > 0) {
                if (!imm_parse_expand(p, word, &s) || !is_user_name(s))
                        return imm_parse_refuse(p, "'%s' is no name or number of a group", word);
                imm_parse_add_string(p, imm_parse_value(p), s);
        }
        if (r < 0)
                return imm_parse_refuse(p, "'%s' cannot be split into words", value);
        return IMM_PARSED_TAKEN;
}

/* ---- capabilities ---- */

static const char *const cap_names[] = {"cap_chown", "cap_dac_override", "cap_dac_read_search",
        "cap_fowner", "cap_fsetid", "cap_kill", "cap_setgid", "cap_setuid", "cap_setpcap",
        "cap_linux_immutable", "cap_net_bind_service", "cap_net_broadcast", "cap_net_admin",
        "cap_net_raw", "cap_ipc_lock", "cap_ipc_owner", "cap_sys_module", "cap_sys_rawio",
        "cap_sys_chroot", "cap_sys_ptrace", "cap_sys_pacct", "cap_sys_admin", "cap_sys_boot",
        "cap_sys_nice", "cap_sys_resource", "cap_sys_time", "cap_sys_tty_config", "cap_mknod",
        "cap_lease", "cap_audit_write", "cap_audit_control", "cap_setfcap", "cap_mac_override",
        "cap_mac_admin", "cap_syslog", "cap_wake_alarm", "cap_block_suspend", "cap_audit_read",
        "cap_perfmon", "cap_bpf", "cap_checkpoint_restore"};
_Static_assert((UINT64_C(1) << IMM_ELEMENTSOF(cap_names)) - 1 == IMM_CAPS_ALL, "one name each");

const char *imm_cap_name(unsigned cap) {
        return cap < IMM_ELEMENTSOF(cap_names) ? cap_names[cap] : NULL;
}

int imm_cap_by_name(const char *name, unsigned version) {
        int64_t n;

        if (imm_text_int(name, INT32_MIN, INT32_MAX, &n))
                return n >= 0 && n <= (version < 254 ? 63 : 62) ? (int)n : -1;
        for (size_t i = 0; i < IMM_ELEMENTSOF(cap_names); i++)
                if (strcasecmp(name, cap_names[i]) == 0)
                        return (int)i;
        return -1;
}

/*
 * Sets merge; "" and "~" (and words that are all unknown) replace. While lines are read a set that
 * nobody touched has all 64 bits: only then the first list replaces too.
 */
enum imm_parsed imm_parse_caps(struct imm_parse *p, const char *value) {
        bool invert = *value == '~';
        uint64_t none = p->id == IMM_SETTING_CAPABILITY_BOUNDING_SET ? UINT64_MAX : 0, sum = 0, old;
        const char *s = value + invert, *word;
        struct imm_value *v;

        while (imm_parse_word(p, &s, NULL,
                IMM_WORDS_UNQUOTE | (p->version >= 254 ? IMM_WORDS_RELAX : 0U), &word)) {
                int cap = imm_cap_by_name(word, p->version);

                if (cap < 0)
                        imm_parse_skip(p, "'%s' is no capability", word);
                else
                        sum |= UINT64_C(1) << cap;
        }
        old = p->values[p->id] ? p->values[p->id]->number : none;
        v = imm_parse_value(p);
        if (sum == 0 || old == none) {
                v->number = invert ? ~sum : sum;
                p->replaces = true;
        } else
                v->number = invert ? old & ~sum : old | sum;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_secure_bits(struct imm_parse *p, const char *value) {
        static const struct {
                const char *word;
                unsigned bit;
        } words[] = {{"keep-caps", SECURE_KEEP_CAPS}, {"keep-caps-locked", SECURE_KEEP_CAPS_LOCKED},
                {"no-setuid-fixup", SECURE_NO_SETUID_FIXUP},
                {"no-setuid-fixup-locked", SECURE_NO_SETUID_FIXUP_LOCKED},
                {"noroot", SECURE_NOROOT}, {"noroot-locked", SECURE_NOROOT_LOCKED}};
        uint64_t bits = 0;
        const char *word;

        while (imm_parse_word(p, &value, NULL, IMM_WORDS_UNQUOTE, &word)) {
                size_t i = 0;

                while (i < IMM_ELEMENTSOF(words) && !imm_streq(words[i].word, word))
                        i++;
                if (i == IMM_ELEMENTSOF(words))
                        imm_parse_skip(p, "'%s' is no secure bit", word);
                else
                        bits |= UINT64_C(1) << words[i].bit;
        }
        imm_parse_value(p)->number = bits; /* each line stands for itself */
        return IMM_PARSED_TAKEN;
}

/* ---- namespaces ---- */

static const struct {
        const char *name;
        uint64_t flag;
} namespaces[] = {{"cgroup", CLONE_NEWCGROUP}, {"ipc", CLONE_NEWIPC}, {"net", CLONE_NEWNET},
        {"mnt", CLONE_NEWNS}, {"pid", CLONE_NEWPID}, {"user", CLONE_NEWUSER},
        {"uts", CLONE_NEWUTS}};

const char *imm_namespace_name(size_t i, uint64_t *ret_flag) {
        if (i >= IMM_ELEMENTSOF(namespaces))
                return NULL;
        *ret_flag = namespaces[i].flag;
        return namespaces[i].name;
}

/* The number is what may be created: a boolean sets all of it, words add or (~) take away. */
enum imm_parsed imm_parse_namespaces(struct imm_parse *p, const char *value) {
        bool b, invert, first = !p->values[p->id];
        uint64_t flags = 0;
        struct imm_value *v;
        const char *word;
        int r;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (imm_text_bool(value, &b)) {
                imm_parse_value(p)->number = b ? 0 : IMM_NAMESPACES_ALL;
                p->replaces = true;
                return IMM_PARSED_TAKEN;
        }
        invert = *value == '~';
        value += invert;
        while ((r = imm_word_next(&value, NULL, 0, p->a, &word)) > 0) {
                size_t i = 0;

                /* known and then of no effect: not one of the seven that are restricted */
                if (p->version >= 252 && imm_streq(word, "time")) {
                        flags |= IMM_NAMESPACE_TIME;
                        continue;
                }
                while (i < IMM_ELEMENTSOF(namespaces) && !imm_streq(namespaces[i].name, word))
                        i++;
                if (i == IMM_ELEMENTSOF(namespaces))
                        return imm_parse_ignore(p, "'%s' is no kind of namespace", word);
                flags |= namespaces[i].flag;
        }
        if (r < 0)
                return imm_parse_ignore(p, "it cannot be split into words");
        v = imm_parse_value(p);
        if (first)
                v->number = invert ? IMM_NAMESPACES_ALL & ~flags : flags;
        else
                v->number = invert ? v->number & ~flags : v->number | flags;
        return IMM_PARSED_TAKEN;
}

/* ---- credentials ---- */

static bool is_credential_name(const char *s) {
        return imm_filename_is_valid(s) && imm_fdname_is_valid(s);
}

static bool is_encrypted(enum imm_setting id) {
        return id == IMM_SETTING_LOAD_CREDENTIAL_ENCRYPTED ||
               id == IMM_SETTING_SET_CREDENTIAL_ENCRYPTED;
}

/* The plain and the encrypted setting are one list in systemd */
static enum imm_setting credential_sister(enum imm_setting id) {
        switch (id) {
        case IMM_SETTING_LOAD_CREDENTIAL:
                return IMM_SETTING_LOAD_CREDENTIAL_ENCRYPTED;
        case IMM_SETTING_LOAD_CREDENTIAL_ENCRYPTED:
                return IMM_SETTING_LOAD_CREDENTIAL;
        case IMM_SETTING_SET_CREDENTIAL:
                return IMM_SETTING_SET_CREDENTIAL_ENCRYPTED;
        case IMM_SETTING_SET_CREDENTIAL_ENCRYPTED:
                return IMM_SETTING_SET_CREDENTIAL;
        default:
                return id;
        }
}

static enum imm_parsed reset_credentials(struct imm_parse *p) {
        imm_parse_reset(p, p->id);
        imm_parse_reset(p, credential_sister(p->id));
        return IMM_PARSED_RESET;
}

/* A credential with the same id is replaced, also that of the sister setting. */
static enum imm_parsed put_credential(
        struct imm_parse *p, const char *id, const char *source, bool unique) {
        struct imm_credential_item item = {
                .id = id, .source = source, .encrypted = is_encrypted(p->id), .origin = p->origin};
        enum imm_setting sister = credential_sister(p->id);
        struct imm_value *v = imm_parse_value(p);
        size_t place = unique ? imm_parse_find(p, p->id, id) : SIZE_MAX;

        if (unique && sister != p->id && p->values[sister]) {
                size_t other = imm_parse_find(p, sister, id);

                if (other != SIZE_MAX) {
                        p->values[sister]->credentials.v[other].id = NULL;
                        imm_parse_remember(p, sister, id, SIZE_MAX);
                }
        }
        if (place == SIZE_MAX) {
                imm_parse_remember(p, p->id, id, v->credentials.n);
                *imm_array_push(p->a, &v->credentials) = item;
        } else
                v->credentials.v[place] = item;
        return IMM_PARSED_TAKEN;
}

static const char *credential_id(struct imm_parse *p, const char **s) {
        const char *word, *id;

        if (imm_word_next(s, ":", IMM_WORDS_DONT_COALESCE, p->a, &word) <= 0 ||
                !imm_parse_expand(p, word, &id))
                return NULL;
        return id;
}

enum imm_parsed imm_parse_load_credential(struct imm_parse *p, const char *value) {
        const char *s = value, *id, *source;

        if (*value == '\0')
                return reset_credentials(p);
        id = credential_id(p, &s);
        if (!id || !is_credential_name(id))
                return imm_parse_ignore(p, "'%s' has no valid name of a credential", value);
        if (!s || *s == '\0') {
                if (p->version < 250)
                        return imm_parse_ignore(p, "'%s' has no source", value);
                source = id;
        } else {

                if (!imm_parse_expand_path(p, s, &source))
                        return imm_parse_ignore(p, "the specifiers of '%s' are not known", s);
                if (*source == '/' ? !imm_path_is_normalized(source, p->version)
                                   : !is_credential_name(source))
                        return imm_parse_ignore(p, "'%s' is no source of a credential", source);
        }
        return put_credential(p, id, source, p->version >= 250);
}

enum imm_parsed imm_parse_set_credential(struct imm_parse *p, const char *value) {
        const char *s = value, *id, *data;

        if (*value == '\0')
                return reset_credentials(p);
        id = credential_id(p, &s);
        if (!s || (p->version >= 250 && *s == '\0'))
                return imm_parse_ignore(p, "'%s' has no data", value);
        if (!id || !is_credential_name(id))
                return imm_parse_ignore(p, "'%s' has no valid name of a credential", value);
        data = s;
        if (is_encrypted(p->id)) {
                static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                             "0123456789+/=" IMM_WHITESPACE;

                if (s[strspn(s, base64)] != '\0')
                        return imm_parse_ignore(p, "the data are not Base64");
        } else if (imm_unescape(s, false, p->a, &data) < 0) {
                /* a NUL is fine here, though no text can hold it: keep it as it is written */
                if (!strstr(s, "\\0") && !strstr(s, "\\x00"))
                        return imm_parse_ignore(p, "its escapes are not known");
                data = s;
        }
        return put_credential(p, id, data, true);
}

static bool is_credential_glob(const char *s, struct imm_arena *a) {
        size_t n = strcspn(s, "*?[]");

        if (*s == '\0')
                return false;
        if (s[n] == '\0')
                return is_credential_name(s);
        if (!imm_streq(s + n, "*") || n > NAME_MAX + 1)
                return false;
        return n == 0 || is_credential_name(imm_strndup(a, s, n));
}

/* ImportCredential=GLOB, since 257 GLOB:NEW-NAME */
enum imm_parsed imm_parse_import_credential(struct imm_parse *p, const char *value) {
        const char *s = value, *glob;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (p->version < 257) {
                s = NULL;
                if (!imm_parse_expand(p, value, &glob))
                        glob = NULL;
        } else
                glob = credential_id(p, &s);
        if (!glob || !is_credential_glob(glob, p->a))
                return imm_parse_ignore(p, "'%s' is no name and no pattern of names", value);
        if (s && *s && !is_credential_name(s))
                return imm_parse_ignore(p, "'%s' is no name of a credential", s);
        if (imm_parse_find(p, p->id, value) != SIZE_MAX)
                return IMM_PARSED_TAKEN;
        imm_parse_remember(p, p->id, value, 0);
        *imm_array_push(p->a, &imm_parse_value(p)->credentials) = (struct imm_credential_item){
                .id = glob, .source = s && *s ? s : NULL, .origin = p->origin};
        return IMM_PARSED_TAKEN;
}
