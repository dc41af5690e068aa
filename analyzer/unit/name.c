#include "analyzer/unit/name.h"

#include "analyzer/unit/limits.h"

static const char *const type_names[] = {
        [IMM_UNIT_SERVICE] = "service",
        [IMM_UNIT_SOCKET] = "socket",
        [IMM_UNIT_TARGET] = "target",
        [IMM_UNIT_DEVICE] = "device",
        [IMM_UNIT_MOUNT] = "mount",
        [IMM_UNIT_AUTOMOUNT] = "automount",
        [IMM_UNIT_SWAP] = "swap",
        [IMM_UNIT_TIMER] = "timer",
        [IMM_UNIT_PATH] = "path",
        [IMM_UNIT_SLICE] = "slice",
        [IMM_UNIT_SCOPE] = "scope",
};
_Static_assert(IMM_ELEMENTSOF(type_names) == IMM_UNIT_TYPE_N, "a name for each type");

const char *imm_unit_type_name(enum imm_unit_type t) {
        return t < IMM_UNIT_TYPE_N ? type_names[t] : NULL;
}

enum imm_unit_type imm_unit_type_by_name(const char *word) {
        for (unsigned t = 0; t < IMM_UNIT_TYPE_N; t++)
                if (type_names[t][0] == *word && imm_streq(type_names[t], word))
                        return (enum imm_unit_type)t;
        return IMM_UNIT_TYPE_INVALID;
}

const char *imm_load_name(enum imm_load load) {
        static const char *const names[] = {
                [IMM_LOAD_LOADED] = "loaded",
                [IMM_LOAD_MASKED] = "masked",
                [IMM_LOAD_NOT_FOUND] = "not-found",
                [IMM_LOAD_BAD_SETTING] = "bad-setting",
                [IMM_LOAD_ERROR] = "error",
        };

        return names[load];
}

/* clang-format off */
static const bool name_chars[256] = {
        ['0' ... '9'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true,
        [':'] = true, ['-'] = true, ['_'] = true, ['.'] = true, ['\\'] = true, ['@'] = true,
};
/* clang-format on */

enum imm_name_kind imm_unit_name_kind(const char *name) {
        const char *dot = NULL, *at = NULL, *odd = NULL, *p;

        for (p = name; *p; p++) {
                if (*p == '.')
                        dot = p;
                else if (*p == '@')
                        at = at ? at : p;
                else if (!name_chars[(unsigned char)*p] && !odd)
                        odd = p;
        }
        if (!dot || dot == name || p - name >= IMM_UNIT_NAME_MAX || (odd && odd < dot) ||
                imm_unit_type_by_name(dot + 1) == IMM_UNIT_TYPE_INVALID || at == name)
                return IMM_NAME_INVALID;
        return !at ? IMM_NAME_PLAIN : dot == at + 1 ? IMM_NAME_TEMPLATE : IMM_NAME_INSTANCE;
}

enum imm_unit_type imm_unit_name_type(const char *name) {
        if (imm_unit_name_kind(name) == IMM_NAME_INVALID)
                return IMM_UNIT_TYPE_INVALID;
        return imm_unit_type_by_name(strrchr(name, '.') + 1);
}

bool imm_unit_type_may_alias(enum imm_unit_type t) {
        return t == IMM_UNIT_DEVICE || imm_unit_type_may_template(t);
}

bool imm_unit_type_may_template(enum imm_unit_type t) {
        return t == IMM_UNIT_SERVICE || t == IMM_UNIT_SOCKET || t == IMM_UNIT_TARGET ||
               t == IMM_UNIT_TIMER || t == IMM_UNIT_PATH;
}

const char *imm_unit_name_prefix(const char *name, struct imm_arena *a) {
        const char *end = strchr(name, '@');

        if (!end)
                end = strrchr(name, '.');
        return imm_strndup(a, name, (size_t)(end - name));
}

const char *imm_unit_name_instance(const char *name, struct imm_arena *a) {
        const char *at = strchr(name, '@');

        return at ? imm_strndup(a, at + 1, (size_t)(strrchr(name, '.') - at - 1)) : NULL;
}

const char *imm_unit_name_template(const char *name, struct imm_arena *a) {
        const char *at = strchr(name, '@');

        return imm_printf(a, "%.*s%s", (int)(at - name + 1), name, strrchr(name, '.'));
}

const char *imm_unit_name_replace(const char *name, const char *instance, struct imm_arena *a) {
        const char *at = strchr(name, '@'), *n;

        n = imm_printf(a, "%.*s%s%s", (int)(at - name + 1), name, instance, strrchr(name, '.'));
        return imm_unit_name_kind(n) == IMM_NAME_INSTANCE ? n : NULL;
}

static int hex(char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
}

const char *imm_unit_name_unescape(const char *text, struct imm_arena *a) {
        char *to = imm_alloc(a, strlen(text) + 1), *t = to;

        for (; *text; text++) {
                if (*text == '-')
                        *t++ = '/';
                else if (*text == '\\') {
                        int high, low;

                        if (text[1] != 'x')
                                return NULL;
                        high = hex(text[2]);
                        low = high < 0 ? -1 : hex(text[3]);
                        if (low < 0)
                                return NULL;
                        *t++ = (char)(high << 4 | low);
                        text += 3;
                } else
                        *t++ = *text;
        }
        return to;
}

/* No empty, "." or ".." component */
static bool is_normalized(const char *path) {
        while (*path) {
                size_t n;

                if (*path == '/')
                        path++;
                n = strcspn(path, "/");
                if (n == 0 || (n == 1 && path[0] == '.') ||
                        (n == 2 && path[0] == '.' && path[1] == '.'))
                        return false;
                path += n;
        }
        return true;
}

const char *imm_unit_name_path(const char *text, struct imm_arena *a) {
        const char *w;

        if (!*text)
                return NULL;
        if (imm_streq(text, "-"))
                return "/";
        w = imm_unit_name_unescape(text, a);
        if (!w || *w == '/' || !is_normalized(w) || imm_ends_with(w, "/"))
                return NULL;
        return imm_printf(a, "/%s", w);
}

const char *imm_unit_name_escape(const char *s, struct imm_arena *a) {
        static const char plain[] =
                "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:_.";
        static const char digits[] = "0123456789abcdef";
        char *out = imm_alloc(a, strlen(s) * 4 + 1), *o = out;

        for (const char *c = s; *c; c++)
                if (*c == '/')
                        *o++ = '-';
                else if (strchr(plain, *c) && !(*c == '.' && c == s))
                        *o++ = *c;
                else {
                        *o++ = '\\';
                        *o++ = 'x';
                        *o++ = digits[(unsigned char)*c >> 4];
                        *o++ = digits[*c & 15];
                }
        return out;
}

const char *imm_unit_name_of_path(const char *path, struct imm_arena *a) {
        path += strspn(path, "/");
        return *path == '\0' ? "-" : imm_unit_name_escape(path, a);
}
