/* OpenFile=PATH:NAME:OPTIONS, kept as systemd writes it: what goes without saying left out */

#include "analyzer/settings/parse/parse.h"
#include "analyzer/unit/words.h"

#include <errno.h>
#include <string.h>

static const char *const option_names[] = {"read-only", "append", "truncate", "graceful"};
enum { READ_ONLY = 1, APPEND = 2, TRUNCATE = 4, GRACEFUL = 8 };

/* The options' bits; -EINVAL and *ret_why where systemd refuses them */
static int options_of(const char *s, struct imm_arena *a, const char **ret_why) {
        const char *word;
        int bits = 0, ways;

        while (imm_word_next(&s, ",", 0, a, &word) > 0) {
                size_t i = 0;

                while (i < IMM_ELEMENTSOF(option_names) && !imm_streq(option_names[i], word))
                        i++;
                if (i == IMM_ELEMENTSOF(option_names) || (bits & 1 << i)) {
                        *ret_why = imm_printf(
                                a, "'%s' is no option of an open file, or said twice", word);
                        return -EINVAL;
                }
                bits |= 1 << i;
        }
        ways = bits & (READ_ONLY | APPEND | TRUNCATE);
        if (ways & (ways - 1)) {
                *ret_why = "of read-only, append and truncate only one can be";
                return -EINVAL;
        }
        return bits;
}

/* The last name of a path, which the descriptor gets unless told otherwise; NULL: it has none */
static const char *last_name(const char *path, struct imm_arena *a) {
        const char *clean = imm_path_simplify(path, false, 257, a), *slash = strrchr(clean, '/');

        return slash && slash[1] && !imm_streq(slash + 1, "..") ? slash + 1 : NULL;
}

bool imm_open_file_read(
        const char *text, struct imm_arena *a, struct imm_open_file *ret, const char **ret_why) {
        static const unsigned flags = IMM_WORDS_DONT_COALESCE | IMM_WORDS_CUNESCAPE;
        const char *part[3] = {NULL, NULL, NULL}, *s = text;
        int bits;

        for (size_t i = 0; i < IMM_ELEMENTSOF(part); i++)
                if (imm_word_next(&s, ":", flags, a, &part[i]) <= 0)
                        break;
        *ret_why = imm_printf(a, "'%s' is not PATH, PATH:NAME or PATH:NAME:OPTIONS", text);
        if (!part[0] || *part[0] != '/' || !imm_path_is_valid(part[0], 257) || (s && *s))
                return false;
        bits = options_of(part[2] ? part[2] : "", a, ret_why);
        if (bits < 0)
                return false;
        *ret = (struct imm_open_file){.path = part[0],
                .name = part[1] && *part[1] ? part[1] : last_name(part[0], a),
                .options = part[2],
                .read_only = bits & READ_ONLY,
                .graceful = bits & GRACEFUL};
        if (ret->name && imm_fdname_is_valid(ret->name)) {
                ret->options = "";
                for (size_t i = 0; i < IMM_ELEMENTSOF(option_names); i++)
                        if (bits & 1 << i)
                                ret->options = imm_printf(a, "%s%s%s", ret->options,
                                        *ret->options ? "," : "", option_names[i]);
                return true;
        }
        *ret_why = imm_printf(a, "'%s' gives the descriptor no valid name", text);
        return false;
}

/* What would end a part, or not be seen, as \xNN */
static const char *escaped(const char *s, struct imm_arena *a) {
        char *out = imm_alloc(a, strlen(s) * 4 + 1), *o = out;
        static const char digits[] = "0123456789abcdef";

        for (; *s; s++) {
                unsigned char c = (unsigned char)*s;

                if (c >= ' ' && c < 127 && c != '\\' && c != ':') {
                        *o++ = *s;
                        continue;
                }
                *o++ = '\\';
                *o++ = 'x';
                *o++ = digits[c >> 4];
                *o++ = digits[c & 15];
        }
        *o = '\0';
        return out;
}

enum imm_parsed imm_parse_open_file(struct imm_parse *p, const char *value) {
        const char *why, *last, *name;
        struct imm_open_file o;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (!imm_open_file_read(value, p->a, &o, &why))
                return imm_parse_ignore(p, "%s", why);
        last = last_name(o.path, p->a);
        name = last && imm_streq(last, o.name) ? "" : escaped(o.name, p->a);
        imm_parse_add_string(p, imm_parse_value(p),
                imm_printf(p->a, "%s%s%s%s%s", escaped(o.path, p->a),
                        *name || *o.options ? ":" : "", name, *o.options ? ":" : "", o.options));
        return IMM_PARSED_TAKEN;
}
