#include "analyzer/unit/syntax.h"

#include "analyzer/unit/limits.h"
#include "analyzer/unit/words.h"

#include <errno.h>

const char *const *imm_unit_sections(enum imm_unit_type t) {
        static const char *const sections[][4] = {
                [IMM_UNIT_SERVICE] = {"Unit", "Service", "Install"},
                [IMM_UNIT_SOCKET] = {"Unit", "Socket", "Install"},
                [IMM_UNIT_TARGET] = {"Unit", "Target", "Install"},
                [IMM_UNIT_DEVICE] = {"Unit", "Device", "Install"},
                [IMM_UNIT_MOUNT] = {"Unit", "Mount", "Install"},
                [IMM_UNIT_AUTOMOUNT] = {"Unit", "Automount", "Install"},
                [IMM_UNIT_SWAP] = {"Unit", "Swap", "Install"},
                [IMM_UNIT_TIMER] = {"Unit", "Timer", "Install"},
                [IMM_UNIT_PATH] = {"Unit", "Path", "Install"},
                [IMM_UNIT_SLICE] = {"Unit", "Slice", "Install"},
                [IMM_UNIT_SCOPE] = {"Unit", "Scope", "Install"},
        };

        return sections[t];
}

struct parser {
        const struct imm_syntax *syntax;
        struct imm_arena *a;
        struct imm_unit_file *file;
        IMM_ARRAY(struct imm_assignment) found; /* on the heap while it grows */
        const char *section;                    /* NULL: none, or one that is skipped */
        bool skipped;
        const char *unknown; /* a section that is skipped and of which nothing was said yet */
        unsigned unknown_line;
        unsigned section_line;
        size_t bytes; /* of the strings to keep */
};

/* @what, and the text that it is about, if there is one */
static void say(struct parser *p, enum imm_diag_level level, const char *code, unsigned line,
        const char *what, const char *text) {
        struct imm_diags *d = &p->file->diags;

        if (d->n > IMM_FILE_DIAGS_MAX)
                return;
        if (d->n == IMM_FILE_DIAGS_MAX)
                imm_diag_add(p->a, d, IMM_DIAG_WARNING, "more", p->file->path, line, NULL,
                        "there is more of this kind in the file, not listed");
        else
                imm_diag_add(p->a, d, level, code, p->file->path, line, NULL, "%s%s%.200s%s", what,
                        text ? ": " : "", text ? text : "",
                        text && strlen(text) > 200 ? "..." : "");
}

/*
 * systemd's idea of UTF-8 is stricter than the Unicode standard's: noncharacters are refused too.
 * @end is where the text ends.
 */
static bool is_utf8(const char *s, const char *end) {
        const unsigned char *p = (const unsigned char *)s, *e = (const unsigned char *)end;

        while (p < e) {
                unsigned n, c;

                if (*p < 0x80) {
                        p++;
                        continue;
                }
                n = *p >= 0xf0 && *p < 0xf8   ? 3
                    : *p >= 0xe0 && *p < 0xf0 ? 2
                    : *p >= 0xc0 && *p < 0xe0 ? 1
                                              : 0;
                if (n == 0 || (size_t)(e - p) <= n)
                        return false;
                c = *p & (0x3fu >> n);
                for (unsigned i = 1; i <= n; i++) {
                        if ((p[i] & 0xc0) != 0x80)
                                return false;
                        c = c << 6 | (p[i] & 0x3f);
                }
                if (c < (n == 1          ? 0x80u
                                : n == 2 ? 0x800u
                                         : 0x10000u) ||
                        c >= 0x110000 || (c & 0xfffff800) == 0xd800 ||
                        (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe)
                        return false;
                p += n + 1;
        }
        return true;
}

static char *skip_space(char *s) {
        return s + strspn(s, IMM_WHITESPACE);
}

/* Cuts white space off the end; @s is not empty and starts with none */
static char *cut_space(char *s, char *end) {
        while (end > s && strchr(IMM_WHITESPACE, end[-1]))
                end--;
        *end = 0;
        return end;
}

static bool is_known_section(const char *const *sections, const char *name) {
        if (!sections)
                return true;
        for (; *sections; sections++)
                if (imm_streq(*sections, name))
                        return true;
        return false;
}

/* Said of the first line that is lost by it: without its header it would belong to another one. */
static void tell_unknown(struct parser *p, unsigned line) {
        if (p->unknown)
                say(p, IMM_DIAG_WARNING, "unknown-section", line,
                        line == p->unknown_line ? "unknown section, ignored"
                                                : "ignored as all of an unknown section",
                        p->unknown);
        p->unknown = NULL;
}

static int section_header(struct parser *p, char *l, char *end, unsigned line) {
        tell_unknown(p, p->unknown_line);
        if (end[-1] != ']') {
                say(p, IMM_DIAG_ERROR, "section-header", line, "section header without ']'", l);
                return -EBADMSG;
        }
        end[-1] = 0;
        l++;
        if (p->syntax->version >= 248)
                for (const char *c = l; *c; c++)
                        if ((*c > 0 && *c < ' ') || strchr("\"'\\\x7f", *c)) {
                                say(p, IMM_DIAG_ERROR, "section-header", line,
                                        "bad characters in section header", l);
                                return -EBADMSG;
                        }
        p->skipped = !is_known_section(p->syntax->sections, l);
        if (p->skipped) {
                p->unknown = imm_after(l, "X-") ? NULL : imm_strdup(p->a, l);
                p->unknown_line = line;
                p->section = NULL;
                p->section_line = 0;
                return 0;
        }
        p->section = imm_strdup(p->a, l);
        p->section_line = line;
        return 0;
}

/* One logical line, @l to @end, its key standing in @line */
static int logical_line(struct parser *p, char *l, char *end, unsigned line) {
        char *eq, *value;

        l = skip_space(l);
        if (!*l)
                return 0;
        end = cut_space(l, end);
        if (!is_utf8(l, end)) {
                say(p, IMM_DIAG_ERROR, "not-utf8", line, "not valid UTF-8", l);
                return -EILSEQ;
        }
        if (*l == '[')
                return section_header(p, l, end, line);
        if (p->syntax->sections && !p->section) {
                tell_unknown(p, line);
                if (!p->skipped)
                        say(p, IMM_DIAG_WARNING, "no-section", line,
                                "assignment outside of a section, ignored", l);
                return 0;
        }
        eq = strchr(l, '=');
        if (!eq) {
                say(p, IMM_DIAG_WARNING, "no-assignment", line, "no '=', line ignored", l);
                return 0;
        }
        if (eq == l) {
                say(p, IMM_DIAG_WARNING, "no-key", line, "no key before '=', line ignored", l);
                return 0;
        }
        *eq = 0;
        value = skip_space(eq + 1);
        p->bytes += (size_t)(cut_space(l, eq) - l) + (size_t)(end - value) + 2;
        if (p->found.n == p->found.cap) {
                p->found.cap = p->found.cap ? p->found.cap * 2 : 64;
                p->found.v = imm_xrealloc(p->found.v, p->found.cap, sizeof(*p->found.v));
        }
        p->found.v[p->found.n++] =
                (struct imm_assignment){p->section, l, value, line, p->section_line};
        return 0;
}

/* Behind the end of a line: "\n", "\r", "\r\n", each perhaps with a NUL ... are one end */
static size_t end_of_line(const char *p, const char *end) {
        enum { NL = 1, CR = 2, NUL = 4 };
        unsigned seen = 0;
        size_t n = 0;

        for (; p + n < end && !(seen & NUL); n++) {
                unsigned k = p[n] == '\n' ? NL : p[n] == '\r' ? CR : p[n] == 0 ? NUL : 0;

                if (k == 0 || (seen & k))
                        break;
                seen |= k;
        }
        return n;
}

/* The assignments and their strings, copied together and to size */
static void keep(struct parser *p) {
        struct imm_unit_file *f = p->file;
        char *to;

        if (p->found.n == 0)
                return;
        to = imm_alloc(p->a, p->bytes);
        f->assignments = imm_alloc_array(p->a, p->found.n, sizeof(*f->assignments));
        f->n_assignments = p->found.n;
        for (size_t i = 0; i < p->found.n; i++) {
                struct imm_assignment *as = &f->assignments[i];
                size_t n;

                *as = p->found.v[i];
                n = strlen(as->key) + 1;
                as->key = memcpy(to, as->key, n);
                to += n;
                n = strlen(as->value) + 1;
                as->value = memcpy(to, as->value, n);
                to += n;
        }
}

/* "# immure: ..." is kept for those who give such comments a meaning (waivers) */
static void keep_remark(struct parser *p, const char *comment, unsigned line) {
        const char *text = imm_after(comment + strspn(comment, " \t"), "immure:");
        struct imm_unit_file *f = p->file;

        if (!text)
                return;
        if ((f->n_remarks & (f->n_remarks - 1)) == 0) { /* full at every power of two */
                struct imm_remark *v =
                        imm_alloc_array(p->a, f->n_remarks ? 2 * f->n_remarks : 1, sizeof(*v));

                if (f->n_remarks > 0)
                        memcpy(v, f->remarks, f->n_remarks * sizeof(*v));
                f->remarks = v;
        }
        text += strspn(text, " \t");
        f->remarks[f->n_remarks++] = (struct imm_remark){imm_strdup(p->a, text), line};
}

static int too_long(struct parser *p, unsigned line) {
        say(p, IMM_DIAG_ERROR, "line-too-long", line, "line is longer than 1 MiB", NULL);
        return -ENOBUFS;
}

/* Does it end with a backslash that is not itself escaped? */
static bool goes_on(const char *s, const char *end) {
        bool odd = false;

        while (end > s && *--end == '\\')
                odd = !odd;
        return odd;
}

static int parse(struct parser *p, char *text, size_t size) {
        char *next = text, *end = text + size;
        char *joined = NULL, *joined_end = NULL; /* put together where its first line stands */
        unsigned line = 0, first_line = 0;
        bool bom_seen = false;
        int r;

        while (next < end) {
                char *l = next, *e = l + strcspn(l, "\n\r"), *first;

                line++;
                next = e + end_of_line(e, end);
                if (e - l >= IMM_UNIT_LINE_MAX)
                        return too_long(p, line);
                *e = 0;
                first = skip_space(l);
                if (*first == '#' || *first == ';') {
                        keep_remark(p, first + 1, line);
                        continue;
                }
                if (!bom_seen && imm_after(l, "\xef\xbb\xbf")) {
                        bom_seen = true;
                        l += 3;
                }
                if (joined) {
                        size_t n = (size_t)(e - l);

                        if ((size_t)(joined_end - joined) + n > IMM_UNIT_LINE_MAX)
                                return too_long(p, first_line);
                        l = memmove(joined_end, l, n);
                        joined_end += n;
                } else {
                        joined = l;
                        joined_end = e;
                        first_line = line;
                }
                *joined_end = 0;
                if (goes_on(l, joined_end)) {
                        joined_end[-1] = ' ';
                        continue;
                }
                r = logical_line(p, joined, joined_end, first_line);
                if (r < 0)
                        return r;
                joined = NULL;
        }
        return joined ? logical_line(p, joined, joined_end, first_line) : 0;
}

void imm_syntax_parse(const struct imm_syntax *s, char *text, size_t size, struct imm_arena *a,
        struct imm_unit_file *ret) {
        struct parser p = {.syntax = s, .a = a, .file = ret};

        ret->status = parse(&p, text, size);
        tell_unknown(&p, p.unknown_line);
        keep(&p);
        free(p.found.v);
}
