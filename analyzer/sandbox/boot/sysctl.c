#include "analyzer/sandbox/boot/sysctl.h"

#include "analyzer/sandbox/boot/units.h"

#include "base/map.h"

#include <fnmatch.h>

enum { CONF_MAX = 1 << 20, VALUE_MAX = 4096 };

/* What the files say of one key */
struct sought {
        const char *key;
        struct imm_arena *a;
        bool named;        /* by itself: patterns leave it alone then */
        const char *value; /* of the last line that names it; NULL: it is to be left alone */
        struct imm_strv globs, values; /* the patterns that match, the last one last */
};

/* "net.ipv4.x" and "net/ipv4/x" are the same; the first separator says which it is. */
static const char *normal(char *name) {
        if (name[strcspn(name, "./")] == '.')
                for (char *s = name; *s; s++)
                        *s = *s == '.' ? '/' : *s == '/' ? '.' : *s;
        return name + (*name == '/');
}

static char *strip(char *s) {
        static const char blanks[] = " \t\r";
        size_t n;

        s += strspn(s, blanks);
        for (n = strlen(s); n > 0 && strchr(blanks, s[n - 1]); n--)
                ;
        s[n] = 0;
        return s;
}

static void forget_glob(struct sought *k, const char *pattern) {
        for (size_t i = 0; i < k->globs.n; i++)
                if (imm_streq(k->globs.v[i], pattern))
                        k->values.v[i] = NULL;
}

static void add_glob(struct sought *k, const char *pattern, const char *value) {
        if (fnmatch(pattern, k->key, FNM_PATHNAME | FNM_PERIOD) != 0)
                return;
        for (size_t i = 0; i < k->globs.n; i++)
                if (imm_streq(k->globs.v[i], pattern) && k->values.v[i] && value &&
                        imm_streq(k->values.v[i], value))
                        return; /* said again, it stays where it was */
        forget_glob(k, pattern);
        imm_strv_add(k->a, &k->globs, imm_strdup(k->a, pattern));
        imm_strv_add(k->a, &k->values, value ? imm_strdup(k->a, value) : NULL);
}

static void read_line(struct sought *k, char *line) {
        char *value;
        const char *name;

        line = strip(line);
        if (!*line || *line == '#' || *line == ';')
                return;
        value = strchr(line, '=');
        if (!value && *line != '-')
                return;
        line += *line == '-'; /* a failure is ignored; without a value: patterns leave it alone */
        if (value) {
                *value++ = 0;
                value = strip(value);
        }
        name = normal(strip(line));
        if (strpbrk(name, "*?["))
                add_glob(k, name, value);
        else if (imm_streq(name, k->key)) {
                k->named = true;
                k->value = value ? imm_strdup(k->a, value) : NULL;
        }
}

static void read_conf(const struct imm_root *r, const char *path, struct sought *k) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_blob b;
        char *s, *line;

        if (imm_root_read(r, path, CONF_MAX, a, &b, NULL) < 0)
                return;
        for (s = imm_strndup(a, b.data, b.size); (line = strsep(&s, "\n"));)
                read_line(k, line);
}

/* Of files of one name the first folder's counts, and they are read in the order of their names. */
static void read_all(const struct imm_root *r, struct imm_arena *a, struct sought *k) {
        static const char *const folders[] = {"/etc/sysctl.d", "/run/sysctl.d",
                "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"};
        struct imm_map files = {0}; /* name -> path */
        struct imm_strv names = {0};

        for (size_t i = 0; i < IMM_ELEMENTSOF(folders); i++) {
                struct imm_dirent *e;
                size_t n;

                if (imm_root_list(r, folders[i], a, &e, &n) < 0)
                        continue;
                for (size_t j = 0; j < n; j++)
                        if (imm_ends_with(e[j].name, ".conf") && !imm_map_has(&files, e[j].name)) {
                                imm_map_put(a, &files, e[j].name,
                                        imm_printf(a, "%s/%s", folders[i], e[j].name));
                                imm_strv_add(a, &names, e[j].name);
                        }
        }
        imm_strv_sort_unique(&names);
        for (size_t i = 0; i < names.n; i++)
                read_conf(r, imm_map_get(&files, names.v[i]), k);
}

static const char *configured(const struct imm_root *r, const char *key, struct imm_arena *a) {
        struct sought k = {.key = key, .a = a};

        if (imm_mount_unit_masked(r, "/etc/systemd/system/systemd-sysctl.service", a))
                return NULL;
        read_all(r, a, &k);
        if (k.named)
                return k.value;
        for (size_t i = k.values.n; i > 0; i--)
                if (k.values.v[i - 1])
                        return k.values.v[i - 1];
        return NULL;
}

const char *imm_sysctl(const struct imm_root *r, const char *key, struct imm_arena *a) {
        struct imm_blob b;

        if (imm_root_is_running(r) &&
                imm_root_read(r, imm_printf(a, "/proc/sys/%s", key), VALUE_MAX, a, &b, NULL) == 0)
                return imm_strndup(a, b.data, strcspn(b.data, "\n"));
        return configured(r, key, a);
}

unsigned imm_sysctl_number(
        const struct imm_root *r, const char *key, unsigned max, unsigned otherwise) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *value = imm_sysctl(r, key, a);
        unsigned long n;
        char *end;

        if (!value || *value < '0' || *value > '9')
                return otherwise;
        n = strtoul(value, &end, 0);
        return (!*end || *end == ' ' || *end == '\t') && n <= max ? (unsigned)n : otherwise;
}
