/* Properties of the standard streams and of what is logged. */

#include "analyzer/settings/properties/properties-private.h"

#include <inttypes.h>

int imm_show_stdio(struct imm_show *w) {
        const char *s = w->v->string ? w->v->string : "";

        return imm_show_line(w, "%.*s", (int)strcspn(s, ":"), s);
}

int imm_show_stdio_name(struct imm_show *w) {
        const char *s = w->v->string ? w->v->string : "", *name = imm_after(s, "fd:");

        if (!name && imm_streq(s, "fd"))
                name = w->p->setting == IMM_SETTING_STANDARD_INPUT    ? "stdin"
                       : w->p->setting == IMM_SETTING_STANDARD_OUTPUT ? "stdout"
                                                                      : "stderr";
        return imm_show_text(w, name);
}

static void put_base64(FILE *f, const char *data, size_t n) {
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

        for (size_t i = 0; i < n; i += 3) {
                uint32_t x = (uint32_t)(unsigned char)data[i] << 16;

                if (i + 1 < n)
                        x |= (uint32_t)(unsigned char)data[i + 1] << 8;
                if (i + 2 < n)
                        x |= (unsigned char)data[i + 2];
                putc(digits[x >> 18 & 63], f);
                putc(digits[x >> 12 & 63], f);
                putc(i + 1 < n ? digits[x >> 6 & 63] : '=', f);
                putc(i + 2 < n ? digits[x & 63] : '=', f);
        }
}

/* A line of StandardInputText= or StandardInputData=, and when it was read */
struct input {
        const struct imm_string_item *line;
        size_t file;
        bool text;
};

static int by_line(const void *a, const void *b) {
        const struct input *x = a, *y = b;

        if (x->file != y->file)
                return x->file < y->file ? -1 : 1;
        return (x->line->origin.line > y->line->origin.line) -
               (x->line->origin.line < y->line->origin.line);
}

static size_t add_input(struct imm_show *w, struct input *to, enum imm_setting id, bool text) {
        const struct imm_value *v = imm_show_get(w, id);
        const struct imm_unit *u = w->s->unit;
        size_t file = 0;

        for (size_t i = 0; i < v->strings.n; i++) {
                while (file < u->n_files && v->strings.v[i].origin.file != u->files[file]->path)
                        file++;
                to[i] = (struct input){&v->strings.v[i], file, text};
        }
        return v->strings.n;
}

/* The text, or what the base64 stands for, behind the @n bytes at @to */
static size_t decode(char *to, const struct input *in) {
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        size_t n = 0, bits = 0;
        uint32_t x = 0;

        if (in->text) {
                n = strlen(in->line->text);
                memcpy(to, in->line->text, n);
                to[n] = '\n';
                return n + 1;
        }
        for (const char *c = in->line->text; *c && *c != '='; c++) {
                const char *d = strchr(digits, *c);

                if (!d)
                        continue;
                x = x << 6 | (uint32_t)(d - digits);
                bits += 6;
                if (bits >= 8) {
                        bits -= 8;
                        to[n++] = (char)(x >> bits & 0xff);
                }
        }
        return n;
}

int imm_show_input_data(struct imm_show *w) {
        size_t n = imm_show_get(w, IMM_SETTING_STANDARD_INPUT_TEXT)->strings.n +
                   imm_show_get(w, IMM_SETTING_STANDARD_INPUT_DATA)->strings.n,
               size = 1, k;
        imm_auto_free struct input *in = imm_xcalloc(n + 1, sizeof(*in));
        imm_auto_free char *data = NULL;

        k = add_input(w, in, IMM_SETTING_STANDARD_INPUT_TEXT, true);
        (void)add_input(w, in + k, IMM_SETTING_STANDARD_INPUT_DATA, false);
        qsort(in, n, sizeof(*in), by_line);
        for (size_t i = 0; i < n; i++)
                size += strlen(in[i].line->text) + 1;
        data = imm_xcalloc(size, 1);
        size = 0;
        for (size_t i = 0; i < n; i++)
                size += decode(data + size, &in[i]);
        fprintf(w->f, "%s=", w->p->name);
        put_base64(w->f, data, size);
        putc('\n', w->f);
        return 0;
}

int imm_show_syslog_priority(struct imm_show *w) {
        return imm_show_line(w, "%" PRIu64,
                imm_setting_number(w->s, IMM_SETTING_SYSLOG_FACILITY) << 3 |
                        imm_setting_number(w->s, IMM_SETTING_SYSLOG_LEVEL));
}

int imm_show_log_extra_fields(struct imm_show *w) {
        fprintf(w->f, "%s=", w->p->name);
        imm_array_foreach (s, &w->v->strings)
                fprintf(w->f, "%s%s", s == w->v->strings.v ? "" : " ", s->text);
        putc('\n', w->f);
        return 0;
}

/* Two sets: what is let through, what is not */
int imm_show_log_patterns(struct imm_show *w) {
        size_t n = w->v->strings.n;
        imm_auto_free const char **sorted = imm_xcalloc(n + 1, sizeof(*sorted));

        for (size_t i = 0; i < n; i++)
                sorted[i] = w->v->strings.v[i].text;
        qsort(sorted, n, sizeof(*sorted), imm_by_text);
        for (size_t i = 0; i < n; i++)
                if (i == 0 || !imm_streq(sorted[i], sorted[i - 1]))
                        imm_show_line(w, "%s", sorted[i]);
        return 0;
}

int imm_show_lines(struct imm_show *w) {
        imm_array_foreach (s, &w->v->strings)
                imm_show_line(w, "%s", s->text);
        return 0;
}
