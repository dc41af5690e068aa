#include "analyzer/uses/uses-private.h"

#include <ctype.h>

/*
 * Sections of a configuration that each share a folder, as rsync's and Samba's do: whether the
 * folder is written is said on another line.
 */

/* "read only", "Read_Only": by its letters alone; @n of @line */
static bool is_named(const char *line, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++) {
                if (isspace((unsigned char)line[i]) || line[i] == '_')
                        continue;
                if (!*name || tolower((unsigned char)line[i]) != *name++)
                        return false;
        }
        return !*name;
}

static bool is_yes(const char *value, size_t n) {
        static const char *const words[] = {"yes", "true", "1", "on"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                if (is_named(value, n, words[i]))
                        return true;
        return false;
}

static bool is_no(const char *value, size_t n) {
        static const char *const words[] = {"no", "false", "0", "off"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                if (is_named(value, n, words[i]))
                        return true;
        return false;
}

void use_section_end(struct collector *c, struct section *s) {
        if (s->path && s->written > 0)
                use_add(c, IMM_FACILITY_WRITE, PART, NULL, s->path, "%s: path %s, not read-only",
                        s->from, s->path);
        if (!s->named && s->written != 0)
                s->all_written = s->written;
        *s = (struct section){.all_written = s->all_written};
}

void use_section_line(struct collector *c, struct section *s, const char *line, size_t n,
        const char *file, unsigned number) {
        const char *end = line + n, *equals, *value;
        size_t k;

        while (line < end && isspace((unsigned char)*line))
                line++;
        if (line < end && *line == '[') {
                use_section_end(c, s);
                s->named = true;
                s->written = s->all_written;
                return;
        }
        equals = memchr(line, '=', (size_t)(end - line));
        if (!equals || n > 1024)
                return;
        k = (size_t)(equals - line);
        for (value = equals + 1; value < end && isspace((unsigned char)*value);)
                value++;
        while (end > value && isspace((unsigned char)end[-1]))
                end--;
        if (s->named && is_named(line, k, "path") && *value == '/' &&
                !memchr(value, '%', (size_t)(end - value))) {
                s->path = imm_strndup(c->a, value, (size_t)(end - value));
                s->from = imm_printf(c->a, "%s:%u", file, number);
        } else if (is_named(line, k, "readonly"))
                s->written = is_no(value, (size_t)(end - value)) ? 1 : -1;
        else if (is_named(line, k, "writable") || is_named(line, k, "writeable") ||
                 is_named(line, k, "writeok"))
                s->written = is_yes(value, (size_t)(end - value)) ? 1 : -1;
}
