/*
 * Values as systemctl writes them: the basic types. The words for "no limit" and "not set" go by
 * the property's name there; here each row names the format that fits.
 */

#include "analyzer/settings/properties/properties-private.h"

#include <errno.h>
#include <inttypes.h>

int imm_show_line(struct imm_show *w, const char *fmt, ...) {
        va_list ap;

        fprintf(w->f, "%s=", w->p->name);
        va_start(ap, fmt);
        vfprintf(w->f, fmt, ap);
        va_end(ap);
        putc('\n', w->f);
        return 0;
}

int imm_show_text(struct imm_show *w, const char *text) {
        if (!text)
                text = "";
        return imm_show_line(w, "%s", strchr(text, '\n') ? "[unprintable]" : text);
}

/* ---- quoting ---- */

/* Length of the character at @s; 0 for a byte that is part of none */
static size_t character(const char *s) {
        unsigned char c = (unsigned char)*s;
        size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

        return strnlen(s, n) == n && imm_utf8_valid(s, n) ? n : 0;
}

static bool control(char c) {
        return ((unsigned char)c < ' ') || c == 127;
}

/* Up to 247 blanks and all that is not ASCII were quoted too, and only line breaks and tabs
 * escaped. */
static bool needs_quotes(const char *s, unsigned version) {
        for (size_t n; *s; s += n) {
                n = character(s);
                if (n == 0 || control(*s) || strchr(" \"\\`$*?['()<>|&;!", *s))
                        return true;
                if (version <= 247 && n > 1)
                        return true;
        }
        return false;
}

static void put_escape(FILE *f, char c) {
        static const char letters[] = "\a\b\f\n\r\t\v", names[] = "abfnrtv";
        const char *l = c ? strchr(letters, c) : NULL;

        if (l)
                fprintf(f, "\\%c", names[l - letters]);
        else
                fprintf(f, "\\%03o", (unsigned char)c);
}

static void put_quoted(FILE *f, const char *s, unsigned version) {
        if (!needs_quotes(s, version)) {
                fputs(s, f);
                return;
        }
        putc('"', f);
        for (size_t n; *s; s += n) {
                n = version <= 247 ? 1 : character(s);
                if (n == 0 || (version > 247 ? control(*s) : *s == '\n' || *s == '\t')) {
                        put_escape(f, *s);
                        n = 1;
                        continue;
                }
                if (strchr("\"\\`$", *s))
                        putc('\\', f);
                fwrite(s, 1, n, f);
        }
        putc('"', f);
}

int imm_show_words(struct imm_show *w, const char *const *words, size_t n, bool sorted) {
        imm_auto_free const char **copy = NULL;

        if (sorted && n > 1) {
                copy = imm_xcalloc(n, sizeof(*copy));
                memcpy(copy, words, n * sizeof(*copy));
                qsort(copy, n, sizeof(*copy), imm_by_text);
                words = copy;
        }
        fprintf(w->f, "%s=", w->p->name);
        for (size_t i = 0; i < n; i++) {
                if (i > 0)
                        putc(' ', w->f);
                put_quoted(w->f, words[i], w->s->version);
        }
        putc('\n', w->f);
        return 0;
}

static int words_of_strings(struct imm_show *w, bool sorted) {
        size_t n = w->v->strings.n;
        imm_auto_free const char **words = imm_xcalloc(n + 1, sizeof(*words));

        for (size_t i = 0; i < n; i++)
                words[i] = w->v->strings.v[i].text;
        return imm_show_words(w, words, n, sorted);
}

int imm_show_strings(struct imm_show *w) {
        return words_of_strings(w, false);
}

int imm_show_sorted(struct imm_show *w) {
        return words_of_strings(w, true);
}

int imm_show_paths(struct imm_show *w) {
        size_t n = w->v->paths.n;
        imm_auto_free char **words = imm_xcalloc(n + 1, sizeof(*words));
        int r;

        for (size_t i = 0; i < n; i++) {
                const struct imm_path_item *p = &w->v->paths.v[i];

                if (asprintf(&words[i], "%s%s%s", p->ignore_missing ? "-" : "",
                            p->in_root ? "+" : "", p->path) < 0)
                        imm_oom();
        }
        r = imm_show_words(w, (const char *const *)words, n, false);
        for (size_t i = 0; i < n; i++)
                free(words[i]);
        return r;
}

/* ---- plain values ---- */

int imm_show_fixed(struct imm_show *w) {
        return imm_show_text(w, w->p->text);
}

int imm_show_unknown(struct imm_show *w) {
        return -ENODATA;
}

int imm_show_string(struct imm_show *w) {
        return imm_show_text(w, w->v->string);
}

int imm_show_bool(struct imm_show *w) {
        return imm_show_text(w, w->v->number == 1 ? "yes" : "no");
}

int imm_show_word(struct imm_show *w) {
        const char *word = imm_setting_word(w->s, w->p->setting);

        return imm_show_text(w, word);
}

int imm_show_not_no(struct imm_show *w) {
        return imm_show_text(w, w->v->number != 0 ? "yes" : "no");
}

int imm_show_number(struct imm_show *w) {
        return imm_show_line(w, "%" PRIu64, w->v->number);
}

int imm_show_signed(struct imm_show *w) {
        return imm_show_line(w, "%" PRId64, (int64_t)w->v->number);
}

int imm_show_mode(struct imm_show *w) {
        return imm_show_line(w, "%04o", (unsigned)w->v->number);
}

static int or_word(struct imm_show *w, const char *word) {
        return w->v->number == UINT64_MAX ? imm_show_text(w, word) : imm_show_number(w);
}

int imm_show_unset(struct imm_show *w) {
        return or_word(w, "[not set]");
}

/* A share of the machine's memory is known to the machine alone. */
int imm_show_memory(struct imm_show *w) {
        return w->v->relative ? -ENODATA : or_word(w, "infinity");
}

/* Up to 254 systemctl did not know that these may have no limit too. */
int imm_show_startup_memory(struct imm_show *w) {
        return w->s->version < 255 && !w->v->relative ? imm_show_number(w) : imm_show_memory(w);
}

int imm_show_tasks_max(struct imm_show *w) {
        return imm_show_memory(w);
}

int imm_show_exit_status(struct imm_show *w) {
        return or_word(w, "[not set]");
}

int imm_show_no_counter(struct imm_show *w) {
        return imm_show_text(w, w->s->version >= 255 ? "[not set]" : "18446744073709551615");
}

/* ---- time ---- */

void imm_show_span(FILE *f, uint64_t usec) {
        static const struct {
                const char *suffix;
                uint64_t usec;
                int digits; /* behind the point, of its fraction in microseconds */
        } units[] = {
                {"y", UINT64_C(31557600000000), 0},
                {"month", UINT64_C(2629800000000), 0},
                {"w", UINT64_C(604800000000), 0},
                {"d", UINT64_C(86400000000), 0},
                {"h", UINT64_C(3600000000), 0},
                {"min", UINT64_C(60000000), 0},
                {"s", 1000000, 6},
                {"ms", 1000, 3},
                {"us", 1, 0},
        };
        bool some = false;

        if (usec == UINT64_MAX) {
                fputs("infinity", f);
                return;
        }
        if (usec == 0)
                putc('0', f);
        for (size_t i = 0; i < IMM_ELEMENTSOF(units) && usec > 0; i++) {
                uint64_t a = usec / units[i].usec, b = usec % units[i].usec;

                if (usec < units[i].usec)
                        continue;
                fprintf(f, "%s%" PRIu64, some ? " " : "", a);
                /* below a minute the rest is a fraction */
                if (b > 0 && units[i].digits > 0) {
                        fprintf(f, ".%0*" PRIu64, units[i].digits, b);
                        b = 0;
                }
                fputs(units[i].suffix, f);
                usec = b;
                some = true;
        }
}

int imm_show_usec(struct imm_show *w) {
        fprintf(w->f, "%s=", w->p->name);
        imm_show_span(w->f, w->v->number);
        putc('\n', w->f);
        return 0;
}

int imm_show_duration_unset(struct imm_show *w) {
        return w->v->number == UINT64_MAX ? imm_show_text(w, "[not set]") : imm_show_usec(w);
}

int imm_show_timeout_abort(struct imm_show *w) {
        if (!w->v->set)
                w->v = imm_show_get(w, IMM_SETTING_TIMEOUT_STOP_SEC);
        return imm_show_usec(w);
}

int imm_show_restart_kill_signal(struct imm_show *w) {
        if (w->v->number == 0)
                w->v = imm_show_get(w, IMM_SETTING_KILL_SIGNAL);
        return imm_show_number(w);
}
