#include "base/json.h"

#include "base/text.h"

#include <assert.h>
#include <inttypes.h>

enum { DEPTH_MAX = 60 };

struct imm_json imm_json_on(FILE *f, enum imm_json_format format) {
        return (struct imm_json){.f = f, .pretty = format == IMM_JSON_PRETTY};
}

static void put_escaped(FILE *f, unsigned char c) {
        static const char short_form[] = {
                ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

        if (c == '"' || c == '\\')
                fprintf(f, "\\%c", c);
        else if (c < sizeof(short_form) && short_form[c])
                fprintf(f, "\\%c", short_form[c]);
        else
                fprintf(f, "\\u%04x", c);
}

static size_t utf8_length(const char *s, size_t n) {
        for (size_t k = 2; k <= 4 && k <= n; k++)
                if (imm_utf8_valid(s, k))
                        return k;
        return 0;
}

/* Bytes that stand for themselves */
static const bool is_plain[256] = {
        [' ' ... '!'] = true, ['#' ... '['] = true, [']' ... '~'] = true};

static void put_string(FILE *f, const char *s) {
        size_t n = strlen(s);

        putc_unlocked('"', f);
        while (n > 0) {
                size_t plain = 0;
                unsigned char c;

                while (plain < n && is_plain[(unsigned char)s[plain]])
                        plain++;
                if (plain > 0) {
                        fwrite_unlocked(s, 1, plain, f);
                        s += plain;
                        n -= plain;
                        continue;
                }
                c = (unsigned char)*s;
                if (c < 0x80) {
                        put_escaped(f, c);
                        plain = 1;
                } else {
                        plain = utf8_length(s, n);
                        if (plain > 0)
                                fwrite_unlocked(s, 1, plain, f);
                        else {
                                fputs_unlocked("\\ufffd", f);
                                plain = 1;
                        }
                }
                s += plain;
                n -= plain;
        }
        putc_unlocked('"', f);
}

static void indent(struct imm_json *j) {
        static const char blanks[] = "\n                                        "
                                     "                                                "
                                     "                                        ";

        _Static_assert(sizeof(blanks) > 2 * DEPTH_MAX + 1, "one line for all depths");
        if (j->pretty)
                fwrite_unlocked(blanks, 1, 1 + 2 * (size_t)j->depth, j->f);
}

static void begin_value(struct imm_json *j, const char *key) {
        uint64_t bit = UINT64_C(1) << j->depth;

        if (j->depth > 0) {
                if (j->begun & bit)
                        putc_unlocked(',', j->f);
                j->begun |= bit;
                indent(j);
                assert(!key == !(j->open & bit));
        }
        if (key) {
                put_string(j->f, key);
                fwrite_unlocked(": ", 1, j->pretty ? 2 : 1, j->f);
        }
}

static void open_container(struct imm_json *j, const char *key, bool object) {
        begin_value(j, key);
        putc_unlocked(object ? '{' : '[', j->f);
        assert(j->depth < DEPTH_MAX);
        j->depth++;
        j->open = (j->open & ~(UINT64_C(1) << j->depth)) | (uint64_t)object << j->depth;
        j->begun &= ~(UINT64_C(1) << j->depth);
}

void imm_json_object(struct imm_json *j, const char *key) {
        open_container(j, key, true);
}

void imm_json_array(struct imm_json *j, const char *key) {
        open_container(j, key, false);
}

void imm_json_end(struct imm_json *j) {
        uint64_t bit = UINT64_C(1) << j->depth;
        bool begun = j->begun & bit, object = j->open & bit;

        assert(j->depth > 0);
        j->depth--;
        if (begun)
                indent(j);
        putc_unlocked(object ? '}' : ']', j->f);
        if (j->depth == 0)
                putc_unlocked('\n', j->f);
}

void imm_json_string(struct imm_json *j, const char *key, const char *value) {
        begin_value(j, key);
        if (value)
                put_string(j->f, value);
        else
                fputs_unlocked("null", j->f);
}

void imm_json_int(struct imm_json *j, const char *key, int64_t value) {
        begin_value(j, key);
        fprintf(j->f, "%" PRIi64, value);
}

void imm_json_uint(struct imm_json *j, const char *key, uint64_t value) {
        char digits[20], *p = digits + sizeof(digits);

        begin_value(j, key);
        do
                *--p = (char)('0' + value % 10);
        while ((value /= 10) > 0);
        fwrite_unlocked(p, 1, (size_t)(digits + sizeof(digits) - p), j->f);
}

void imm_json_raw(struct imm_json *j, const char *key, const char *text, size_t n) {
        begin_value(j, key);
        fwrite_unlocked(text, 1, n, j->f);
}

struct imm_json imm_json_part(const struct imm_json *j, FILE *f) {
        struct imm_json part = *j;

        part.f = f;
        part.begun |= UINT64_C(1) << j->depth;
        return part;
}

void imm_json_append(struct imm_json *j, const char *text, size_t n) {
        uint64_t bit = UINT64_C(1) << j->depth;

        if (n == 0)
                return;
        if (!(j->begun & bit)) { /* the first has none before it */
                text++;
                n--;
        }
        j->begun |= bit;
        fwrite_unlocked(text, 1, n, j->f);
}

void imm_json_bool(struct imm_json *j, const char *key, bool value) {
        begin_value(j, key);
        fputs_unlocked(value ? "true" : "false", j->f);
}

void imm_json_null(struct imm_json *j, const char *key) {
        begin_value(j, key);
        fputs_unlocked("null", j->f);
}

void imm_json_tristate(struct imm_json *j, const char *key, int value) {
        if (value < 0)
                imm_json_null(j, key);
        else
                imm_json_bool(j, key, value > 0);
}
