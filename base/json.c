#include "base/json.h"

#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>

enum { DEPTH_MAX = 60 };

struct imm_json imm_json_on(FILE *f, enum imm_json_format format) {
        return (struct imm_json){.f = f, .pretty = format == IMM_JSON_PRETTY};
}

/* Through stdio each small piece would cost a call: what goes to memory is copied there. */
static void put_memory(struct imm_json_text *t, const char *s, size_t n) {
        if (t->cap - t->n < n) {
                t->cap = t->cap * 2 > t->n + n ? t->cap * 2 : t->n + n + 4096;
                t->v = imm_xrealloc(t->v, t->cap, 1);
        }
        memcpy(t->v + t->n, s, n);
        t->n += n;
}

static void put(struct imm_json *j, const char *s, size_t n) {
        if (j->text)
                put_memory(j->text, s, n);
        else if (n == 1) /* a mark between values: half of all calls */
                (void)putc_unlocked(*s, j->f);
        else
                fwrite_unlocked(s, 1, n, j->f);
}

static void put_escaped(struct imm_json *j, unsigned char c) {
        static const char short_form[] = {
                ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
        char text[8] = {'\\', (char)c};

        if (c != '"' && c != '\\') {
                if (c < sizeof(short_form) && short_form[c])
                        text[1] = short_form[c];
                else
                        (void)snprintf(text, sizeof(text), "\\u%04x", c);
        }
        put(j, text, strlen(text));
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

/* Of eight bytes: none below a blank, no quote, backslash or DEL, and nothing behind ASCII */
static bool are_plain(uint64_t bytes) {
        const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
        uint64_t low = bytes - ones * ' ', quote = (bytes ^ ones * '"') - ones,
                 backslash = (bytes ^ ones * '\\') - ones, del = (bytes ^ ones * 0x7f) - ones;

        return !((bytes | low | quote | backslash | del) & high);
}

/* How many of the @n bytes at @s stand for themselves, up to the first that does not */
static size_t plain_length(const char *s, size_t n) {
        uint64_t bytes;
        size_t i = 0;

        for (; n - i >= sizeof(bytes); i += sizeof(bytes)) {
                memcpy(&bytes, s + i, sizeof(bytes));
                if (!are_plain(bytes))
                        break;
        }
        while (i < n && is_plain[(unsigned char)s[i]])
                i++;
        return i;
}

static void put_text(struct imm_json *j, const char *s) {
        size_t n = strlen(s);

        while (n > 0) {
                size_t plain = plain_length(s, n);
                unsigned char c;

                if (plain > 0) {
                        put(j, s, plain);
                        s += plain;
                        n -= plain;
                        continue;
                }
                c = (unsigned char)*s;
                if (c < 0x80) {
                        put_escaped(j, c);
                        plain = 1;
                } else {
                        plain = utf8_length(s, n);
                        if (plain > 0)
                                put(j, s, plain);
                        else {
                                put(j, "\\ufffd", 6);
                                plain = 1;
                        }
                }
                s += plain;
                n -= plain;
        }
}

static void put_string(struct imm_json *j, const char *s) {
        put(j, "\"", 1);
        put_text(j, s);
        put(j, "\"", 1);
}

static void indent(struct imm_json *j) {
        static const char blanks[] = "\n                                        "
                                     "                                                "
                                     "                                        ";

        _Static_assert(sizeof(blanks) > 2 * DEPTH_MAX + 1, "one line for all depths");
        if (j->pretty)
                put(j, blanks, 1 + 2 * (size_t)j->depth);
}

static void begin_value(struct imm_json *j, const char *key) {
        uint64_t bit = UINT64_C(1) << j->depth;

        if (j->depth > 0) {
                if (j->begun & bit)
                        put(j, ",", 1);
                j->begun |= bit;
                indent(j);
                assert(!key == !(j->open & bit));
        }
        if (key) {
                put_string(j, key);
                put(j, ": ", j->pretty ? 2 : 1);
        }
}

static void open_container(struct imm_json *j, const char *key, bool object) {
        begin_value(j, key);
        put(j, object ? "{" : "[", 1);
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
        put(j, object ? "}" : "]", 1);
        if (j->depth == 0)
                put(j, "\n", 1);
}

void imm_json_string(struct imm_json *j, const char *key, const char *value) {
        begin_value(j, key);
        if (value)
                put_string(j, value);
        else
                put(j, "null", 4);
}

void imm_json_int(struct imm_json *j, const char *key, int64_t value) {
        char digits[24];

        begin_value(j, key);
        put(j, digits, (size_t)snprintf(digits, sizeof(digits), "%" PRIi64, value));
}

void imm_json_uint(struct imm_json *j, const char *key, uint64_t value) {
        char digits[20], *p = digits + sizeof(digits);

        begin_value(j, key);
        do
                *--p = (char)('0' + value % 10);
        while ((value /= 10) > 0);
        put(j, p, (size_t)(digits + sizeof(digits) - p));
}

void imm_json_raw(struct imm_json *j, const char *key, const char *text, size_t n) {
        begin_value(j, key);
        put(j, text, n);
}

struct imm_json imm_json_part(const struct imm_json *j, struct imm_json_text *text) {
        struct imm_json part = *j;

        part.text = text;
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
        put(j, text, n);
}

void imm_json_strings(struct imm_json *j, const char *start, const char *const *v, size_t n) {
        enum { AHEAD = 16, LINES_MAX = 1 << 16 };
        struct imm_json_text before = {0}, lines = {0};
        struct imm_json part = imm_json_part(j, &before);

        begin_value(&part, NULL);
        put(&part, "\"", 1);
        put_text(&part, start);
        part.text = &lines;
        for (size_t i = 0; i < n; i++) {
                /* they lie in memory anywhere: each is waited for otherwise */
                if (n - i > AHEAD)
                        __builtin_prefetch(v[i + AHEAD]);
                put(&part, before.v, before.n);
                put_text(&part, v[i]);
                put(&part, "\"", 1);
                if (lines.n >= LINES_MAX || i + 1 == n) {
                        imm_json_append(j, lines.v, lines.n);
                        lines.n = 0;
                }
        }
        free(before.v);
        free(lines.v);
}

void imm_json_bool(struct imm_json *j, const char *key, bool value) {
        begin_value(j, key);
        put(j, value ? "true" : "false", value ? 4 : 5);
}

void imm_json_null(struct imm_json *j, const char *key) {
        begin_value(j, key);
        put(j, "null", 4);
}

void imm_json_tristate(struct imm_json *j, const char *key, int value) {
        if (value < 0)
                imm_json_null(j, key);
        else
                imm_json_bool(j, key, value > 0);
}
