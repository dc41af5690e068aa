/*
 * %-specifiers. Which letters there are depends on systemd's version and on the place; what they
 * say on the unit's name, the manager's kind and the root's files. An image that is not running has
 * no boot id and no kernel: such letters stay in the text, and the caller is told.
 */

#include "analyzer/unit/index.h"
#include "analyzer/unit/limits.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <sys/utsname.h>

struct expansion {
        const struct imm_manager *m;
        const struct imm_unit *u;
        const char *name, *instance; /* of the stand-in for a template */
        struct imm_arena *a;
};

/* One line of a file like os-release: the value without quotes; NULL if there is no such key */
static const char *env_value(const char *text, const char *key, struct imm_arena *a) {
        size_t n = strlen(key);

        for (const char *l = text; *l; l += strcspn(l, "\n"), l += *l == '\n') {
                const char *v, *end;
                char *to, *t, quote = 0;

                if (strncmp(l, key, n) != 0 || l[n] != '=')
                        continue;
                v = l + n + 1;
                end = v + strcspn(v, "\r\n");
                if (v < end && (*v == '"' || *v == '\''))
                        quote = *v++;
                to = t = imm_alloc(a, (size_t)(end - v) + 1);
                for (; v < end && *v != quote; v++) {
                        if (*v == '\\' && quote != '\'' && v + 1 < end)
                                v++;
                        *t++ = *v;
                }
                return to;
        }
        return NULL;
}

static const char *file_text(const struct expansion *x, const char *path) {
        struct imm_blob b;

        if (imm_root_read(x->m->root, path, IMM_CONFIG_FILE_MAX, x->a, &b, NULL) < 0)
                return NULL;
        return b.data;
}

static int os_release(const struct expansion *x, const char *key, const char **ret) {
        const char *text = file_text(x, "/etc/os-release"), *v;

        if (!text)
                text = file_text(x, "/usr/lib/os-release");
        if (!text)
                return -EINVAL;
        v = env_value(text, key, x->a);
        *ret = v ? v : "";
        return 0;
}

static int machine_id(const struct expansion *x, const char **ret) {
        const char *text = file_text(x, "/etc/machine-id");

        /* made at the first boot where it is not there yet */
        if (!text || strspn(text, "0123456789abcdefABCDEF") != 32)
                return -ENXIO;
        *ret = imm_strndup(x->a, text, 32);
        return 0;
}

static int boot_id(const struct expansion *x, const char **ret) {
        const char *text = NULL;
        char *id, *to;

        if (imm_root_is_host(x->m->root))
                text = file_text(x, "/proc/sys/kernel/random/boot_id");
        if (!text)
                return -ENXIO;
        id = to = imm_alloc(x->a, strlen(text) + 1);
        for (; *text && *text != '\n'; text++)
                if (*text != '-')
                        *to++ = *text;
        *ret = id;
        return 0;
}

static int hostname(const struct expansion *x, const char **ret) {
        struct utsname un;
        const char *text;

        if (imm_root_is_host(x->m->root) && uname(&un) == 0) {
                *ret = imm_strdup(x->a, un.nodename);
                return 0;
        }
        text = file_text(x, "/etc/hostname");
        for (const char *l = text; l && *l; l += strcspn(l, "\n"), l += *l == '\n') {
                size_t n;

                l += strspn(l, " \t\r");
                n = strcspn(l, " \t\r\n");
                if (n == 0 || *l == '#')
                        continue;
                *ret = imm_strndup(x->a, l, n);
                return 0;
        }
        return -ENXIO;
}

static int short_hostname(const struct expansion *x, const char **ret) {
        int r = hostname(x, ret);

        if (r == 0)
                *ret = imm_strndup(x->a, *ret, strcspn(*ret, "."));
        return r;
}

static int pretty_hostname(const struct expansion *x, const char **ret) {
        const char *text = file_text(x, "/etc/machine-info"), *v;

        v = text ? env_value(text, "PRETTY_HOSTNAME", x->a) : NULL;
        if (!v || !*v)
                return short_hostname(x, ret);
        *ret = v;
        return 0;
}

static int kernel_release(const struct expansion *x, const char **ret) {
        struct utsname un;

        if (!imm_root_is_host(x->m->root) || uname(&un) < 0)
                return -ENXIO;
        *ret = imm_strdup(x->a, un.release);
        return 0;
}

/* The architecture that the root's own programs are for */
static int architecture(const struct expansion *x, const char **ret) {
        static const struct {
                uint16_t machine;
                unsigned char class; /* 0: either */
                unsigned char data;
                const char *name;
        } table[] = {
                {EM_X86_64, 0, 0, "x86-64"},
                {EM_386, 0, 0, "x86"},
                {EM_AARCH64, 0, ELFDATA2LSB, "arm64"},
                {EM_AARCH64, 0, ELFDATA2MSB, "arm64-be"},
                {EM_ARM, 0, ELFDATA2LSB, "arm"},
                {EM_ARM, 0, ELFDATA2MSB, "arm-be"},
                {EM_PPC64, 0, ELFDATA2LSB, "ppc64-le"},
                {EM_PPC64, 0, ELFDATA2MSB, "ppc64"},
                {EM_PPC, 0, 0, "ppc"},
                {EM_S390, ELFCLASS64, 0, "s390x"},
                {EM_S390, ELFCLASS32, 0, "s390"},
                {EM_RISCV, ELFCLASS64, 0, "riscv64"},
                {EM_RISCV, ELFCLASS32, 0, "riscv32"},
                {EM_MIPS, ELFCLASS64, ELFDATA2LSB, "mips64-le"},
                {EM_MIPS, ELFCLASS32, ELFDATA2LSB, "mips-le"},
                {258 /* EM_LOONGARCH */, 0, 0, "loongarch64"},
        };
        static const char *const programs[] = {
                "/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/sbin/init", "/bin/sh"};
        unsigned char h[20];

        for (size_t i = 0; i < IMM_ELEMENTSOF(programs); i++) {
                imm_auto_close int fd = imm_root_open_file(x->m->root, programs[i], NULL);
                unsigned machine;

                if (fd < 0 || read(fd, h, sizeof(h)) != (ssize_t)sizeof(h) ||
                        memcmp(h, ELFMAG, SELFMAG) != 0)
                        continue;
                machine = h[EI_DATA] == ELFDATA2MSB ? (unsigned)(h[18] << 8 | h[19])
                                                    : (unsigned)(h[19] << 8 | h[18]);
                for (size_t k = 0; k < IMM_ELEMENTSOF(table); k++)
                        if (table[k].machine == machine &&
                                (!table[k].class || table[k].class == h[EI_CLASS]) &&
                                (!table[k].data || table[k].data == h[EI_DATA])) {
                                *ret = table[k].name;
                                return 0;
                        }
        }
        return -ENXIO;
}

static const char *prefix(const struct expansion *x) {
        return imm_unit_name_prefix(x->name, x->a);
}

static const char *last_component(const struct expansion *x) {
        const char *p = prefix(x), *dash = strrchr(p, '-');

        return dash ? dash + 1 : p;
}

static int or_invalid(const char *s, const char **ret) {
        *ret = s;
        return s ? 0 : -EINVAL;
}

static int of_name(const struct expansion *x, char c, const char **ret) {
        const char *instance = x->instance ? x->instance : "";

        switch (c) {
        case 'n':
                return or_invalid(x->name, ret);
        case 'N':
                return or_invalid(
                        imm_strndup(x->a, x->name, (size_t)(strrchr(x->name, '.') - x->name)), ret);
        case 'p':
                return or_invalid(prefix(x), ret);
        case 'P':
                return or_invalid(imm_unit_name_unescape(prefix(x), x->a), ret);
        case 'i':
                return or_invalid(instance, ret);
        case 'I':
                return or_invalid(imm_unit_name_unescape(instance, x->a), ret);
        case 'j':
                return or_invalid(last_component(x), ret);
        case 'J':
                return or_invalid(imm_unit_name_unescape(last_component(x), x->a), ret);
        default: /* f */
                return or_invalid(
                        imm_unit_name_path(x->instance ? x->instance : prefix(x), x->a), ret);
        }
}

/* A directory of the manager: the system's, or below the user's home */
static int of_directory(const struct expansion *x, char c, const char **ret) {
        static const struct {
                char c;
                const char *system, *user, *user_old; /* _old: before 254 */
        } table[] = {
                {'t', "/run", NULL, NULL},
                {'S', "/var/lib", ".local/state", ".config"},
                {'C', "/var/cache", ".cache", NULL},
                {'L', "/var/log", ".local/state/log", ".config/log"},
                {'E', "/etc", ".config", NULL},
                {'D', "/usr/share", ".local/share", NULL},
        };
        const struct imm_user *user = x->m->user;

        for (size_t i = 0; i < IMM_ELEMENTSOF(table); i++) {
                const char *below = table[i].user;

                if (table[i].c != c)
                        continue;
                if (x->m->scope == IMM_SCOPE_SYSTEM)
                        return or_invalid(table[i].system, ret);
                if (!user)
                        return -ENXIO;
                if (table[i].user_old && x->m->version < 254)
                        below = table[i].user_old;
                *ret = below ? imm_printf(x->a, "%s/%s", user->home, below)
                             : imm_printf(x->a, "/run/user/%u", user->uid);
                return 0;
        }
        return -EINVAL;
}

static int of_user(const struct expansion *x, char c, const char **ret) {
        struct imm_user root = {.name = "root", .home = "/root", .shell = "/bin/sh"};
        const struct imm_user *user = x->m->user ? x->m->user : &root;
        const struct imm_group *group;
        struct stat st;

        /* the manager knows its root user without a database; bash, if it is there, since 249 */
        if (c == 's' && x->m->version >= 249 && imm_root_stat(x->m->root, "/bin/bash", &st) == 0)
                root.shell = "/bin/bash";

        if (x->m->scope == IMM_SCOPE_GLOBAL)
                return strchr("hs", c) ? -ENXIO : -EINVAL;
        switch (c) {
        case 'u':
                return or_invalid(user->name, ret);
        case 'U':
                return or_invalid(imm_printf(x->a, "%u", user->uid), ret);
        case 'G':
                return or_invalid(imm_printf(x->a, "%u", user->gid), ret);
        case 'g':
                group = imm_group_by_gid(x->m->users, user->gid);
                return or_invalid(user->gid == 0 ? "root"
                                  : group        ? group->name
                                                 : imm_printf(x->a, "%u", user->gid),
                        ret);
        case 'h':
                return or_invalid(user->home, ret);
        default: /* s */
                return or_invalid(user->shell, ret);
        }
}

static bool has_slice(const struct imm_unit *u) {
        for (size_t i = 0; i < u->n_files; i++)
                for (size_t k = 0; k < u->files[i]->n_assignments; k++)
                        if (imm_streq(u->files[i]->assignments[k].key, "Slice"))
                                return true;
        return false;
}

/*
 * Where the unit is in the tree of control groups. When settings are read the default slice is not
 * chosen yet, so a service stands right below the root; a Slice= read before it would count.
 */
static int of_cgroup(const struct expansion *x, char c, const char **ret) {
        const char *root = "";

        if (x->m->scope != IMM_SCOPE_SYSTEM) {
                if (!x->m->user)
                        return -ENXIO;
                root = imm_printf(x->a, "/user.slice/user-%u.slice/user@%u.service",
                        x->m->user->uid, x->m->user->uid);
        }
        if (c != 'R' && (has_slice(x->u) || x->u->type == IMM_UNIT_SLICE))
                return -ENXIO;
        *ret = c == 'c' ? imm_printf(x->a, "%s/%s", root, x->name) : root;
        return 0;
}

static int of_fragment(const struct expansion *x, char c, const char **ret) {
        const char *path = x->u->fragment, *slash;

        if (!path)
                return -EINVAL;
        if (x->u->given_by_path) { /* a path of the host */
                imm_auto_free char *real = realpath(path, NULL);

                if (!real)
                        return -EINVAL;
                path = imm_strdup(x->a, real);
        } else if (imm_root_realpath(x->m->root, path, x->a, &path) < 0)
                return -EINVAL;
        slash = strrchr(path, '/');
        if (c == 'Y')
                path = !slash          ? "."
                       : slash == path ? "/"
                                       : imm_strndup(x->a, path, (size_t)(slash - path));
        *ret = path;
        return 0;
}

/* Since which version there is this letter, and whether names may have it; 0: never */
static unsigned since(char c, bool names_only) {
        if (strchr("inNpjabBHlmovwWgGuU", c))
                return 1;
        if (strchr("AM", c))
                return 248;
        if (c == 'q')
                return 250;
        if (names_only)
                return 0;
        if (strchr("IJPfcrRCELSthsTV", c))
                return 1;
        if (c == 'd')
                return 249;
        if (c == 'y' || c == 'Y')
                return 250;
        return c == 'D' ? 255 : 0;
}

static int value_of(const struct expansion *x, char c, const char **ret) {
        switch (c) {
        case 'n':
        case 'N':
        case 'p':
        case 'P':
        case 'i':
        case 'I':
        case 'j':
        case 'J':
        case 'f':
                return of_name(x, c, ret);
        case 't':
        case 'S':
        case 'C':
        case 'L':
        case 'E':
        case 'D':
                return of_directory(x, c, ret);
        case 'd':
                if (of_directory(x, 't', ret) < 0)
                        return -ENXIO;
                *ret = imm_printf(x->a, "%s/credentials/%s", *ret, x->name);
                return 0;
        case 'T':
                return or_invalid("/tmp", ret);
        case 'V':
                return or_invalid("/var/tmp", ret);
        case 'c':
        case 'r':
        case 'R':
                return of_cgroup(x, c, ret);
        case 'y':
        case 'Y':
                return of_fragment(x, c, ret);
        case 'a':
                return architecture(x, ret);
        case 'b':
                return boot_id(x, ret);
        case 'm':
                return machine_id(x, ret);
        case 'H':
                return hostname(x, ret);
        case 'l':
                return short_hostname(x, ret);
        case 'q':
                return pretty_hostname(x, ret);
        case 'v':
                return kernel_release(x, ret);
        case 'o':
                return os_release(x, "ID", ret);
        case 'w':
                return os_release(x, "VERSION_ID", ret);
        case 'W':
                return os_release(x, "VARIANT_ID", ret);
        case 'B':
                return os_release(x, "BUILD_ID", ret);
        case 'M':
                return os_release(x, "IMAGE_ID", ret);
        case 'A':
                return os_release(x, "IMAGE_VERSION", ret);
        default:
                return of_user(x, c, ret);
        }
}

static bool is_alnum(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct text {
        struct imm_arena *a;
        IMM_ARRAY(char) v;
};

static void put(struct text *t, const char *s, size_t n) {
        if (t->v.cap - t->v.n < n + 1) {
                size_t cap = (t->v.n + n + 1) * 2;
                char *fresh = imm_alloc(t->a, cap);

                if (t->v.n > 0)
                        memcpy(fresh, t->v.v, t->v.n);
                t->v.v = fresh;
                t->v.cap = cap;
        }
        memcpy(t->v.v + t->v.n, s, n);
        t->v.n += n;
        t->v.v[t->v.n] = 0;
}

int imm_unit_expand(const struct imm_manager *m, const struct imm_unit *u,
        enum imm_specifiers table, const char *text, struct imm_arena *a, const char **ret) {
        struct expansion x = {m, u, u->name, u->instance, a};
        struct text out = {.a = a};
        int outcome = 0;

        if (!strchr(text, '%')) {
                *ret = text;
                return 0;
        }
        if (u->instance && !*u->instance) {
                x.instance = imm_stand_in(m->version);
                x.name = imm_unit_name_replace(u->name, x.instance, a);
                if (!x.name)
                        return -EINVAL;
        }
        put(&out, "", 0);
        for (const char *p = text; *p;) {
                size_t n = strcspn(p, "%");
                const char *v = NULL;
                unsigned version;
                int r;

                put(&out, p, n);
                p += n;
                if (!*p)
                        break;
                if (!p[1] || p[1] == '%') { /* one at the end is itself */
                        put(&out, "%", 1);
                        p += p[1] ? 2 : 1;
                        continue;
                }
                if (!is_alnum(p[1])) {
                        put(&out, p, 2);
                        p += 2;
                        continue;
                }
                version = since(p[1], table == IMM_SPECIFIERS_NAME);
                if (version == 0 || m->version < version)
                        return -EINVAL;
                r = value_of(&x, p[1], &v);
                if (r == -ENXIO) {
                        outcome = r;
                        put(&out, p, 2);
                } else if (r < 0)
                        return r;
                else
                        put(&out, v, strlen(v));
                p += 2;
        }
        *ret = out.v.v;
        return outcome;
}
