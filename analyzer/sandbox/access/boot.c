/*
 * What booting adds to the root's files: systemd-tmpfiles-setup.service creates, copies, removes
 * and adjusts what tmpfiles.d asks for, on disk and in the fresh /run and /tmp. Read once, only
 * the lines that decide about names, types, modes, owners and ACLs. Source: tmpfiles.d(5).
 */

#include "analyzer/sandbox/access/boot-private.h"

enum { FILE_MAX = 1024 * 1024, FIELDS = 7, ACL_X_SINCE = 254, EXACT_SINCE = 249 };

struct reader {
        struct imm_manager *m;
        struct imm_boot *boot;
        struct imm_arena *a;
        struct imm_map folders; /* where links on the way lead */
};

/* The field at *p, unquoted; false at the end of the line */
static bool field(char **p, char **ret) {
        char *s = *p, *out, quote = 0;

        while (*s == ' ' || *s == '\t')
                s++;
        if (!*s)
                return false;
        *ret = out = s;
        for (; *s && (quote || (*s != ' ' && *s != '\t')); s++) {
                if (quote ? *s == quote : *s == '"' || *s == '\'') {
                        quote = quote ? 0 : *s;
                        continue;
                }
                if (*s == '\\' && s[1])
                        s++;
                *out++ = *s;
        }
        if (*s)
                s++;
        *p = s;
        *out = '\0';
        return true;
}

/* The specifiers that paths there really have; NULL for a line with any other */
static const char *expand(const struct reader *r, const char *s) {
        static const struct {
                char letter;
                const char *text;
        } known[] = {{'t', "/run"}, {'S', "/var/lib"}, {'C', "/var/cache"}, {'L', "/var/log"},
                {'T', "/tmp"}, {'V', "/var/tmp"}, {'h', "/root"}, {'u', "root"}, {'g', "root"},
                {'U', "0"}, {'G', "0"}, {'%', "%"}};
        const char *out = "";

        for (;;) {
                const char *at = strchrnul(s, '%'), *text = NULL;

                out = imm_printf(r->a, "%s%.*s", out, (int)(at - s), s);
                if (!*at)
                        return out;
                for (size_t i = 0; i < IMM_ELEMENTSOF(known); i++)
                        if (known[i].letter == at[1])
                                text = known[i].text;
                if (!text)
                        return NULL;
                out = imm_printf(r->a, "%s%s", out, text);
                s = at + 2;
        }
}

static bool is_set(const char *s) {
        return s && !imm_streq(s, "-") && *s;
}

static void set_mode(struct imm_boot_item *i, const char *s) {
        if (!is_set(s))
                return;
        for (; *s == '~' || *s == ':'; s++) {
                i->mode_at_creation |= *s == ':';
                i->masked |= *s == '~';
        }
        i->has_mode = true;
        for (i->mode = 0; *s >= '0' && *s <= '7'; s++)
                i->mode = (i->mode * 8 + (mode_t)(*s - '0')) & 07777;
}

/* False for an owner that the root does not know: systemd-tmpfiles leaves such a line out. */
static bool set_owner(
        const struct reader *r, struct imm_boot_item *i, const char *user, const char *group) {
        unsigned long long n;

        if (is_set(user)) {
                const struct imm_user *u;

                i->owner_at_creation |= *user == ':';
                user += *user == ':';
                u = imm_user_by_name(r->m->users, user);
                if (!u && !imm_streq(user, "root") && !imm_parse_u64(user, &n))
                        return false;
                i->has_uid = true;
                i->uid = u ? u->uid : imm_parse_u64(user, &n) ? (uid_t)n : 0;
        }
        if (is_set(group)) {
                const struct imm_group *g;

                i->owner_at_creation |= *group == ':';
                group += *group == ':';
                g = imm_group_by_name(r->m->users, group);
                if (!g && !imm_streq(group, "root") && !imm_parse_u64(group, &n))
                        return false;
                i->has_gid = true;
                i->gid = g ? g->gid : imm_parse_u64(group, &n) ? (gid_t)n : 0;
        }
        return true;
}

static bool set_type(struct imm_boot_item *i, const char *type) {
        static const struct {
                char letter;
                mode_t type, mode;
                bool creates;
        } types[] = {
                {'d', S_IFDIR, 0755, true},
                {'D', S_IFDIR, 0755, true},
                {'v', S_IFDIR, 0755, true},
                {'q', S_IFDIR, 0755, true},
                {'Q', S_IFDIR, 0755, true},
                {'f', S_IFREG, 0644, true},
                {'F', S_IFREG, 0644, true},
                {'p', S_IFIFO, 0644, true},
                {'L', S_IFLNK, 0777, true},
                {'c', S_IFCHR, 0644, true},
                {'b', S_IFBLK, 0644, true},
                {'C', 0, 0, true},
        };

        if (strchr(type + 1, '^')) /* from a credential */
                return false;
        for (size_t k = 0; k < IMM_ELEMENTSOF(types); k++) {
                if (types[k].letter != *type)
                        continue;
                i->type = types[k].type;
                i->mode = types[k].mode;
                i->creates = types[k].creates;
                i->replaces = strchr(type + 1, '+') && i->type == S_IFLNK;
                i->exact = strchr(type + 1, '=') && i->type != 0;
                return true;
        }
        return false;
}

/* The directories above are made as needed; they are no more than that. */
static void add_parents(const struct reader *r, const char *path) {
        for (const char *slash = strrchr(path, '/'); slash && slash > path;) {
                struct imm_boot_item *i;

                path = imm_strndup(r->a, path, (size_t)(slash - path));
                if (imm_map_has(&r->boot->items, path))
                        return;
                i = imm_new(r->a, struct imm_boot_item);
                *i = (struct imm_boot_item){.type = S_IFDIR, .mode = 0755, .creates = true};
                imm_map_put(r->a, &r->boot->parents, path, i);
                slash = strrchr(path, '/');
        }
}

/* Lines that take away or adjust; their paths may be patterns. */
static void read_change(const struct reader *r, char *const f[], const char *path) {
        struct imm_boot_change c = {.what = *f[0], .more = strchr(f[0] + 1, '+'), .pattern = path};

        c.plain = strcspn(path, "*?[\\");
        if (strchr("zmZe", c.what)) {
                set_mode(&c.item, f[2]);
                if (!set_owner(r, &c.item, f[3], f[4]))
                        return;
        } else if (strchr("aA", c.what)) {
                /* a line that asks for X is none before that was known */
                if (!f[6] || !is_set(f[6]) || (r->m->version < ACL_X_SINCE && strchr(f[6], 'X')))
                        return;
                c.acl = f[6];
        }
        *imm_array_push(r->a, &r->boot->changes) = c;
}

/* Of what: false where there is nothing to link to or to copy */
static bool set_source(
        const struct reader *r, struct imm_boot_item *i, char *const f[], const char *path) {
        const char *from = f[6] && is_set(f[6]) ? expand(r, f[6])
                                                : imm_printf(r->a, "/usr/share/factory%s", path);
        const char *at = from;
        struct stat st;

        if (!from)
                return false;
        if (i->type == S_IFLNK) {
                i->target = from;
                if (!strchr(f[0] + 1, '?'))
                        return true;
                if (*from != '/')
                        at = imm_printf(
                                r->a, "%.*s/%s", (int)(strrchr(path, '/') - path), path, from);
        } else
                i->copy = from;
        return imm_root_stat(r->m->root, at, &st) == 0;
}

/* A line with a modifier that this systemd does not know is left out. */
static bool is_known(const struct reader *r, const char *type) {
        return r->m->version >= EXACT_SINCE || !strchr(type + 1, '=');
}

/*
 * Links on the way to it are followed, as systemd-tmpfiles does, so that it is found where it is
 * made; of a pattern those before its first star.
 */
static const char *behind_links(struct reader *r, const char *path) {
        const char *end = path + strcspn(path, "*?[\\"), *dir, *real;

        while (end > path && *--end != '/')
                ;
        if (end == path || imm_after(path, "/run/") || imm_after(path, "/dev/") ||
                imm_after(path, "/proc/") || imm_after(path, "/sys/"))
                return path;
        dir = imm_strndup(r->a, path, (size_t)(end - path));
        real = imm_map_get(&r->folders, dir);
        if (!real) {
                const char *top = dir;

                while (imm_root_realpath(r->m->root, *top ? top : "/", r->a, &real) < 0)
                        top = imm_strndup(r->a, top, (size_t)(strrchr(top, '/') - top));
                real = imm_printf(
                        r->a, "%s%s", imm_streq(real, "/") ? "" : real, dir + strlen(top));
                imm_map_put(r->a, &r->folders, dir, imm_strdup(r->a, real));
        }
        return imm_printf(r->a, "%s%s", real, end);
}

static void read_line(struct reader *r, char *line) {
        char *f[FIELDS] = {NULL}, *p = line;
        struct imm_boot_item *i;
        const char *path;
        size_t n = 0;

        while (n < FIELDS && field(&p, &f[n]))
                n++;
        if (n < 2 || *f[0] == '#' || !is_known(r, f[0]))
                return;
        path = expand(r, f[1]);
        if (!path || *path != '/')
                return;
        if (imm_after(path, "/var/run/"))
                path += strlen("/var");
        if (imm_streq(path, "/run/nologin")) /* gone when the boot is over */
                return;
        path = behind_links(r, path);
        if (strchr("rRDzmZaAe", *f[0]))
                read_change(r, f, path);
        i = imm_new(r->a, struct imm_boot_item);
        if (!set_type(i, f[0]) || imm_map_has(&r->boot->items, path))
                return;
        set_mode(i, f[2]);
        if (!set_owner(r, i, f[3], f[4]))
                return;
        if ((i->type == S_IFLNK || i->type == 0) && !set_source(r, i, f, path))
                return;
        imm_map_put(r->a, &r->boot->items, path, i);
        if (i->copy)
                imm_strv_add(r->a, &r->boot->copies, path);
        if (i->creates)
                add_parents(r, path);
}

static const char *const folders[] = {
        "/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/usr/lib/tmpfiles.d"};

static int by_key(const void *a, const void *b) {
        return strcmp(
                ((const struct imm_map_entry *)a)->key, ((const struct imm_map_entry *)b)->key);
}

static void read_all(struct reader *r) {
        struct imm_map files = {0};
        struct imm_dirent *e;
        struct imm_blob blob;
        size_t n;

        for (size_t d = 0; d < IMM_ELEMENTSOF(folders); d++) {
                if (imm_root_list(r->m->root, folders[d], r->a, &e, &n) < 0)
                        continue;
                for (size_t i = 0; i < n; i++)
                        if (imm_ends_with(e[i].name, ".conf") && !imm_map_has(&files, e[i].name))
                                imm_map_put(r->a, &files, e[i].name,
                                        imm_printf(r->a, "%s/%s", folders[d], e[i].name));
        }
        if (files.n > 0)
                qsort(files.v, files.n, sizeof(*files.v), by_key);
        for (size_t i = 0; i < files.n; i++) {
                char *text, *save = NULL;

                if (imm_root_read(r->m->root, files.v[i].value, FILE_MAX, r->a, &blob, NULL) < 0)
                        continue;
                text = imm_strndup(r->a, blob.data, blob.size);
                for (char *line = strtok_r(text, "\n", &save); line;
                        line = strtok_r(NULL, "\n", &save))
                        read_line(r, line);
        }
}

void imm_boot_read(struct imm_manager *m, struct imm_arena *a, struct imm_boot *ret) {
        static const char *const service =
                "/usr/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service";
        struct reader r = {.m = m, .boot = ret, .a = a};
        struct stat st;

        ret->a = a;
        ret->users = m->users;
        ret->root = m->root;
        /* the running host has been booted already */
        if (imm_root_is_running(m->root) ||
                (imm_root_lstat(m->root, service, &st) < 0 &&
                        imm_root_lstat(m->root, service + strlen("/usr"), &st) < 0))
                return;
        read_all(&r);
}

static void create(const struct imm_boot_item *i, struct imm_node *n) {
        *n = (struct imm_node){
                .mode = i->type | i->mode,
                .uid = i->uid,
                .gid = i->gid,
                .target = i->target,
                .below = n->below,
                .api = n->api,
        };
}

const char *imm_boot_copied(const struct imm_boot *boot, const char *path, const char **ret_top) {
        for (size_t i = 0; i < boot->copies.n; i++) {
                const struct imm_boot_item *item;
                const char *top = boot->copies.v[i], *rest = imm_after(path, top);

                if (!rest || (*rest && *rest != '/'))
                        continue;
                item = imm_map_get(&boot->items, top);
                *ret_top = top;
                return imm_printf(boot->a, "%s%s", item->copy, rest);
        }
        return NULL;
}

void imm_boot_own_copy(
        const struct imm_boot *boot, const char *top, const char *path, struct imm_node *n) {
        struct imm_boot_item whole = *(const struct imm_boot_item *)imm_map_get(&boot->items, top);

        n->acl = NULL;
        n->caps = NULL;
        if (!imm_streq(top, path))
                whole.has_mode = false;
        imm_boot_own(boot, &whole, n);
}

static void make(const struct imm_boot *boot, const char *path, struct imm_node *n) {
        const struct imm_boot_item *i = imm_map_get(&boot->items, path);

        if (!i && n->state != IMM_NODE_PRESENT)
                i = imm_map_get(&boot->parents, path);
        if (!i || i->copy)
                return;
        if (n->state != IMM_NODE_PRESENT) {
                if (i->creates)
                        create(i, n);
                return;
        }
        if ((i->replaces && !S_ISLNK(n->mode)) || (i->exact && (n->mode & S_IFMT) != i->type)) {
                create(i, n);
                return;
        }
        if (S_ISLNK(n->mode) || (i->type && (n->mode & S_IFMT) != i->type))
                return;
        imm_boot_own(boot, i, n);
}

void imm_boot_apply(const struct imm_boot *boot, const char *path, struct imm_node *n) {
        if (imm_boot_removes(boot, path, n))
                *n = (struct imm_node){.state = IMM_NODE_ABSENT};
        make(boot, path, n);
        imm_boot_adjust(boot, path, n);
}
