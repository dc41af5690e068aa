/* Paths, alone and in lists, with the prefixes and options that each setting knows. */

#include "analyzer/settings/parse/parse.h"
#include "analyzer/unit/words.h"

#include <limits.h>

bool imm_filename_is_valid(const char *name) {
        size_t n = strlen(name);

        return n > 0 && n <= NAME_MAX && !strchr(name, '/') && !imm_streq(name, ".") &&
               !imm_streq(name, "..");
}

bool imm_path_is_valid(const char *path, unsigned version) {
        size_t n = strlen(path);

        if (n == 0 || n >= PATH_MAX)
                return false;
        if (version < 248)
                return true;
        for (const char *s = path; *s;) {
                size_t k = strcspn(s, "/");

                if (k > NAME_MAX)
                        return false;
                s += k;
                s += strspn(s, "/");
        }
        return true;
}

bool imm_path_is_normalized(const char *path, unsigned version) {
        if (!imm_path_is_valid(path, version))
                return false;
        for (const char *s = path; *s;) {
                size_t k = strcspn(s, "/");

                if ((k == 0 && s != path) || (k == 1 && s[0] == '.') ||
                        (k == 2 && s[0] == '.' && s[1] == '.'))
                        return false;
                s += k + (s[k] == '/');
        }
        return true;
}

const char *imm_path_simplify(
        const char *path, bool keep_dots, unsigned version, struct imm_arena *a) {
        char *out = imm_alloc(a, strlen(path) + 2), *o = out;
        const char *s = path;
        bool absolute = *s == '/', start = true;

        if (absolute)
                *o++ = '/';
        while (*s) {
                size_t k;

                s += strspn(s, "/");
                k = strcspn(s, "/");
                if (k == 0 || (k == 1 && s[0] == '.' && !keep_dots)) {
                        s += k;
                        continue;
                }
                /* .. of the root is the root; up to 254 it stays and is refused later */
                if (absolute && start && version >= 255 && k == 2 && s[0] == '.' && s[1] == '.') {
                        s += k;
                        continue;
                }
                if (!start)
                        *o++ = '/';
                start = false;
                memcpy(o, s, k);
                o += k;
                s += k;
        }
        if (o == out)
                *o++ = '.';
        *o = '\0';
        return out;
}

const char *imm_path_clean(const char *path, unsigned checks, unsigned version, struct imm_arena *a,
        const char **ret_why) {
        const char *clean;

        *ret_why = "it is not UTF-8";
        if (!imm_utf8_valid(path, strlen(path)))
                return NULL;
        *ret_why = "the path is not absolute";
        if ((checks & IMM_PATH_ABSOLUTE) && *path != '/')
                return NULL;
        *ret_why = "the path is absolute";
        if ((checks & IMM_PATH_RELATIVE) && *path == '/')
                return NULL;

        clean = *path == '\0' ? path : imm_path_simplify(path, false, version, a);
        *ret_why = "the path is empty or too long";
        if (!imm_path_is_valid(clean, version))
                return NULL;
        *ret_why = "the path has '.' or '..' in it";
        if (!imm_path_is_normalized(clean, version))
                return NULL;
        *ret_why = "the path is below an API file system";
        if (version >= 257 && (checks & (IMM_PATH_NOT_API | IMM_PATH_NOT_API_DEV)) &&
                (imm_path_below(clean, "/sys") || imm_path_below(clean, "/proc") ||
                        ((checks & IMM_PATH_NOT_API) && imm_path_below(clean, "/dev"))))
                return NULL;
        return clean;
}

/* Specifiers and form of one path; NULL after the diagnostic for the word */
const char *imm_parse_path_word(struct imm_parse *p, const char *word, unsigned checks) {
        const char *expanded, *path, *why;

        if (!imm_parse_expand_path(p, word, &expanded)) {
                imm_parse_skip(p, "the specifiers of '%s' are not known", word);
                return NULL;
        }
        path = imm_path_clean(expanded, checks, p->version, p->a, &why);
        if (!path)
                imm_parse_skip(p, "'%s': %s", expanded, why);
        return path;
}

enum imm_parsed imm_parse_path(struct imm_parse *p, const char *value) {
        bool fatal = (p->row->flags & IMM_SETTING_FATAL) != 0;
        const char *expanded, *path, *why = "its specifiers are not known";

        if (!imm_parse_expand_path(p, value, &expanded))
                path = NULL;
        else if (*expanded == '\0')
                return imm_parse_emptied(p);
        else
                path = imm_path_clean(expanded, IMM_PATH_ABSOLUTE, p->version, p->a, &why);
        p->error = p->version < 248 && strlen(value) >= PATH_MAX;
        if (!path)
                return fatal ? imm_parse_refuse(p, "'%s': %s", value, why)
                             : imm_parse_ignore(p, "'%s': %s", value, why);
        imm_parse_value(p)->string = path;
        return IMM_PARSED_TAKEN;
}

/* PIDFile=: below /run when it is relative */
enum imm_parsed imm_parse_pid_file(struct imm_parse *p, const char *value) {
        const char *expanded, *path, *why, *rest;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (!imm_parse_expand_path(p, value, &expanded))
                return imm_parse_ignore(p, "the specifiers of '%s' are not known", value);
        if (*expanded != '/') {
                const char *run;

                if (!imm_parse_expand(p, "%t", &run) || *run == '%')
                        run = "/run";
                expanded = imm_printf(p->a, "%s/%s", run, expanded);
        }
        path = imm_path_clean(
                expanded, IMM_PATH_ABSOLUTE | IMM_PATH_NOT_API, p->version, p->a, &why);
        p->error = true; /* what this one finds is returned as it is, and stops the loading */
        if (!path)
                return imm_parse_refuse(p, "'%s': %s", expanded, why);
        rest = imm_after(path, "/var/run/");
        imm_parse_value(p)->string = rest ? imm_printf(p->a, "/run/%s", rest) : path;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_working_directory(struct imm_parse *p, const char *value) {
        bool missing_ok = *value == '-';
        const char *path = value + missing_ok, *expanded, *clean, *why = "its specifiers are wrong";

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (!imm_streq(path, "~")) {
                clean = imm_parse_expand_path(p, path, &expanded)
                                ? imm_path_clean(
                                          expanded, IMM_PATH_ABSOLUTE, p->version, p->a, &why)
                                : NULL;
                if (!clean)
                        return missing_ok ? imm_parse_ignore(p, "'%s': %s", value, why)
                                          : imm_parse_refuse(p, "'%s': %s", value, why);
                path = clean;
        }
        imm_parse_value(p)->string = missing_ok ? imm_printf(p->a, "-%s", path) : path;
        return IMM_PARSED_TAKEN;
}

/* ReadWritePaths= and its kin */
enum imm_parsed imm_parse_paths(struct imm_parse *p, const char *value) {
        const char *word;
        size_t taken = 0;

        if (*value == '\0')
                return imm_parse_emptied(p);
        while (imm_parse_word(p, &value, NULL, IMM_WORDS_UNQUOTE, &word)) {
                struct imm_path_item item = {.origin = p->origin};

                if (*word == '-') {
                        item.ignore_missing = true;
                        word++;
                }
                if (*word == '+') {
                        item.in_root = true;
                        word++;
                }
                item.path = imm_parse_path_word(p, word, IMM_PATH_ABSOLUTE);
                if (!item.path)
                        continue;
                *imm_array_push(p->a, &imm_parse_value(p)->paths) = item;
                taken++;
        }
        return imm_parse_taken(p, taken);
}

enum imm_parsed imm_parse_env_files(struct imm_parse *p, const char *value) {
        struct imm_path_item item = {.origin = p->origin};
        const char *expanded, *why;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (!imm_parse_expand_path(p, value, &expanded))
                return imm_parse_ignore(p, "the specifiers of '%s' are not known", value);
        item.ignore_missing = *expanded == '-';
        item.path = imm_path_clean(
                expanded + item.ignore_missing, IMM_PATH_ABSOLUTE, p->version, p->a, &why);
        if (!item.path)
                return imm_parse_ignore(p, "'%s': %s", expanded, why);
        *imm_array_push(p->a, &imm_parse_value(p)->paths) = item;
        return IMM_PARSED_TAKEN;
}

/* Lists of plain absolute paths: one bad word ends the line */
static enum imm_parsed path_list(
        struct imm_parse *p, const char *value, const char *separators, unsigned flags) {
        const char *word, *path;
        size_t taken = 0;

        if (*value == '\0' && (p->row->flags & IMM_SETTING_RESETS))
                return imm_parse_emptied(p);
        while (imm_parse_word(p, &value, separators, flags, &word)) {
                path = imm_parse_path_word(p, word, IMM_PATH_ABSOLUTE);
                if (!path && (p->row->flags & IMM_SETTING_RESETS))
                        break;
                if (!path) /* RequiresMountsFor= goes on */
                        continue;
                imm_parse_add_string(p, imm_parse_value(p), path);
                taken++;
        }
        return imm_parse_taken(p, taken);
}

enum imm_parsed imm_parse_path_words(struct imm_parse *p, const char *value) {
        return path_list(p, value, NULL, IMM_WORDS_UNQUOTE);
}

enum imm_parsed imm_parse_colon_paths(struct imm_parse *p, const char *value) {
        return path_list(p, value, ":", IMM_WORDS_DONT_COALESCE);
}

/* A whole line is one path; the same one twice counts once */
enum imm_parsed imm_parse_bpf_paths(struct imm_parse *p, const char *value) {
        struct imm_value *v;
        const char *path;

        if (*value == '\0')
                return imm_parse_emptied(p);
        path = imm_parse_path_word(p, value, IMM_PATH_ABSOLUTE);
        if (!path)
                return IMM_PARSED_IGNORED;
        if (imm_parse_find(p, p->id, path) != SIZE_MAX)
                return IMM_PARSED_TAKEN;
        v = imm_parse_value(p);
        imm_parse_remember(p, p->id, path, v->strings.n);
        imm_parse_add_string(p, v, path);
        return IMM_PARSED_TAKEN;
}

/* TemporaryFileSystem=PATH:OPTIONS */
enum imm_parsed imm_parse_tmpfs(struct imm_parse *p, const char *value) {
        const char *word;
        size_t taken = 0;

        if (*value == '\0')
                return imm_parse_emptied(p);
        while (imm_parse_word(p, &value, NULL, IMM_WORDS_UNQUOTE, &word)) {
                struct imm_tmpfs_item item = {.origin = p->origin};
                const char *rest = word, *path;

                if (!imm_parse_word(p, &rest, ":", IMM_WORDS_DONT_COALESCE, &path))
                        continue;
                item.path = imm_parse_path_word(p, path, IMM_PATH_ABSOLUTE);
                if (!item.path)
                        continue;
                item.options = rest ? rest : "";
                *imm_array_push(p->a, &imm_parse_value(p)->tmpfs) = item;
                taken++;
        }
        return imm_parse_taken(p, taken);
}

static size_t bind_order(struct imm_parse *p) {
        return imm_parse_peek(p, IMM_SETTING_BIND_PATHS)->binds.n +
               imm_parse_peek(p, IMM_SETTING_BIND_READ_ONLY_PATHS)->binds.n;
}

/*
 * Bind(ReadOnly)Paths=SOURCE:DESTINATION:OPTIONS. Both fill one list in systemd, so an empty one
 * empties both. Colons and white space end a part; quotes keep them, which makes "a:b" one path.
 */
enum imm_parsed imm_parse_binds(struct imm_parse *p, const char *value) {
        static const unsigned flags = IMM_WORDS_UNQUOTE | IMM_WORDS_DONT_COALESCE;
        static const char separators[] = ":" IMM_WHITESPACE;
        bool read_only = p->id == IMM_SETTING_BIND_READ_ONLY_PATHS;
        const char *s = value, *word, *expanded, *why;
        size_t taken = 0;

        if (*value == '\0') {
                imm_parse_reset(p, IMM_SETTING_BIND_PATHS);
                imm_parse_reset(p, IMM_SETTING_BIND_READ_ONLY_PATHS);
                return IMM_PARSED_RESET;
        }
        while (imm_parse_word(p, &s, separators, flags, &word)) {
                struct imm_bind_item item = {
                        .read_only = read_only, .recursive = true, .origin = p->origin};

                if (!imm_parse_expand_path(p, word, &expanded)) {
                        imm_parse_skip(p, "the specifiers of '%s' are not known", word);
                        continue;
                }
                item.ignore_missing = *expanded == '-';
                item.source = imm_path_clean(
                        expanded + item.ignore_missing, IMM_PATH_ABSOLUTE, p->version, p->a, &why);
                if (!item.source) {
                        imm_parse_skip(p, "'%s': %s", expanded, why);
                        continue;
                }
                item.destination = item.source;
                if (s && s[-1] == ':') {
                        if (!imm_parse_word(p, &s, separators, flags, &word)) {
                                if (!p->partly)
                                        imm_parse_skip(p, "nothing stands behind '%s:'", expanded);
                                continue;
                        }
                        item.destination = imm_parse_path_word(p, word, IMM_PATH_ABSOLUTE);
                        if (!item.destination)
                                continue;
                        if (s && s[-1] == ':') {
                                if (!imm_parse_word(p, &s, NULL, IMM_WORDS_UNQUOTE, &word))
                                        word = "";
                                if (imm_streq(word, "norbind"))
                                        item.recursive = false;
                                else if (*word != '\0' && !imm_streq(word, "rbind")) {
                                        imm_parse_skip(p, "'%s' is no option of a bind", word);
                                        continue;
                                }
                        }
                }
                item.order = bind_order(p);
                *imm_array_push(p->a, &imm_parse_value(p)->binds) = item;
                taken++;
        }
        return imm_parse_taken(p, taken);
}

/* The parts of DIRECTORY:SYMLINK:FLAGS as that version takes them apart */
static bool directory_parts(struct imm_parse *p, const char *word, const char *ret[3], size_t max) {
        unsigned flags = IMM_WORDS_CUNESCAPE | IMM_WORDS_UNESCAPE_SEPARATORS;

        if (p->version >= 257)
                flags |= IMM_WORDS_DONT_COALESCE; /* so that the symlink may be left out */
        for (size_t i = 0; i < max; i++) {
                int r = imm_word_next(&word, ":", flags, p->a, &ret[i]);

                if (r < 0 || (r == 0 && i == 0))
                        return false;
                if (r == 0)
                        break;
        }
        return true;
}

/* StateDirectory= and its kin */
enum imm_parsed imm_parse_directories(struct imm_parse *p, const char *value) {
        bool parts = p->version >= 250;
        const char *word;
        size_t taken = 0;

        if (*value == '\0')
                return imm_parse_emptied(p);
        while (imm_parse_word(p, &value, NULL,
                IMM_WORDS_UNQUOTE | (parts ? IMM_WORDS_RETAIN_ESCAPE : 0U), &word)) {
                const char *part[3] = {word, NULL, NULL}, *path, *symlink = NULL;
                struct imm_value *v;
                struct imm_directory_item *item;
                size_t place;
                bool read_only = false;

                if (parts && !directory_parts(p, word, part, p->version >= 257 ? 3 : 2)) {
                        imm_parse_skip(p, "'%s' cannot be taken apart", word);
                        break;
                }
                path = imm_parse_path_word(p, part[0], IMM_PATH_RELATIVE);
                if (!path)
                        continue;
                if (imm_path_below(path, "private")) {
                        imm_parse_skip(p, "'%s': 'private' is systemd's own", path);
                        continue;
                }
                if (part[1] && *part[1]) {
                        if (p->id == IMM_SETTING_CONFIGURATION_DIRECTORY) {
                                imm_parse_skip(p, "'%s': it can have no symlink", word);
                                continue;
                        }
                        symlink = imm_parse_path_word(p, part[1], IMM_PATH_RELATIVE);
                        if (!symlink)
                                continue;
                }
                if (part[2] && *part[2]) {
                        read_only = imm_streq(part[2], "ro");
                        if (!read_only) {
                                imm_parse_skip(p, "'%s' is no flag of a directory", part[2]);
                                continue;
                        }
                }

                v = imm_parse_value(p);
                taken++;
                /* Before 250 it was a plain list */
                place = parts ? imm_parse_find(p, p->id, path) : SIZE_MAX;
                if (place == SIZE_MAX) {
                        place = v->directories.n;
                        *imm_array_push(p->a, &v->directories) =
                                (struct imm_directory_item){.path = path, .origin = p->origin};
                        imm_parse_remember(p, p->id, path, place);
                }
                item = &v->directories.v[place];
                if (symlink)
                        imm_strv_add(p->a, &item->symlinks, symlink);
                item->read_only |= read_only;
        }
        return imm_parse_taken(p, taken);
}

/* Path conditions, and the paths of path units: the text with its marks */
static enum imm_parsed marked_path(struct imm_parse *p, const char *value, const char *marks) {
        const char *start = value, *path;

        for (; *marks; marks++)
                value += *value == *marks;
        path = imm_parse_path_word(p, value, IMM_PATH_ABSOLUTE);
        if (!path)
                return IMM_PARSED_IGNORED;
        imm_parse_add_string(p, imm_parse_value(p),
                imm_printf(p->a, "%.*s%s", (int)(value - start), start, path));
        return IMM_PARSED_TAKEN;
}

/* All Condition...= are one list in systemd, and all Assert...= another: an empty one empties it.
 */
enum imm_parsed imm_parse_reset_kin(struct imm_parse *p, const char *prefix) {
        for (size_t id = 0; id < IMM_SETTING_N; id++)
                if (p->values[id] && imm_setting_rows[id].info.list &&
                        imm_setting_rows[id].group == p->row->group &&
                        imm_after(imm_setting_rows[id].info.name, prefix))
                        imm_parse_reset(p, (enum imm_setting)id);
        return IMM_PARSED_RESET;
}

static const char *condition_kin(const struct imm_parse *p) {
        return *p->row->info.name == 'C' ? "Condition" : "Assert";
}

enum imm_parsed imm_parse_condition_path(struct imm_parse *p, const char *value) {
        if (*value == '\0')
                return imm_parse_reset_kin(p, condition_kin(p));
        return marked_path(p, value, "|!");
}

enum imm_parsed imm_parse_condition(struct imm_parse *p, const char *value) {
        const char *start = value, *text;

        if (*value == '\0')
                return imm_parse_reset_kin(p, condition_kin(p));
        for (const char *mark = "|!"; *mark; mark++)
                if (*value == *mark)
                        value += 1 + strspn(value + 1, IMM_WHITESPACE);
        if (!imm_parse_expand(p, value, &text))
                return imm_parse_ignore(p, "the specifiers of '%s' are not known", value);
        imm_parse_add_string(p, imm_parse_value(p),
                imm_printf(p->a, "%s%s%s", *start == '|' ? "|" : "",
                        memchr(start, '!', (size_t)(value - start)) ? "!" : "", text));
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_path_spec(struct imm_parse *p, const char *value) {
        if (*value == '\0')
                return imm_parse_reset_kin(p, "");
        return marked_path(p, value, "");
}

/* MountImages=, ExtensionImages=: source and destination checked, the tuple kept as it is */
enum imm_parsed imm_parse_images(struct imm_parse *p, const char *value) {
        bool mount = p->id == IMM_SETTING_MOUNT_IMAGES;
        const char *word;
        size_t taken = 0;

        if (*value == '\0')
                return imm_parse_emptied(p);
        while (imm_parse_word(
                p, &value, NULL, IMM_WORDS_UNQUOTE | IMM_WORDS_RETAIN_ESCAPE, &word)) {
                static const unsigned flags = IMM_WORDS_CUNESCAPE | IMM_WORDS_UNESCAPE_SEPARATORS;
                unsigned checks =
                        IMM_PATH_ABSOLUTE | (mount ? IMM_PATH_NOT_API_DEV : IMM_PATH_NOT_API);
                const char *rest = word, *source, *destination = NULL, *path;
                bool permissive;

                if (!imm_parse_word(p, &rest, ":", flags, &source))
                        continue;
                permissive = *source == '-';
                source = imm_parse_path_word(p, source + permissive, checks);
                if (!source)
                        continue;
                path = source;
                if (mount) {
                        if (!imm_parse_word(p, &rest, ":", flags, &destination) ||
                                *destination == '\0') {
                                imm_parse_skip(p, "'%s' has no destination", word);
                                continue;
                        }
                        destination = imm_parse_path_word(p, destination, checks);
                        if (!destination)
                                continue;
                        path = imm_printf(p->a, "%s:%s", source, destination);
                }
                imm_parse_add_string(p, imm_parse_value(p),
                        imm_printf(p->a, "%s%s%s%s", permissive ? "-" : "", path,
                                rest && *rest ? ":" : "", rest ? rest : ""));
                taken++;
        }
        return imm_parse_taken(p, taken);
}
