#include "analyzer/bus/bus-private.h"

#include <errno.h>

/*
 * Authorisations of old polkits (before 0.106: Debian 11 and older), pklocalauthority(8): key files
 * *.pkla that say what identities get for actions. Newer ones read the same files where a program
 * for that is installed, which a rule of theirs asks (pkla-check-authorization(8)).
 */

enum { FILE_MAX = 1024 * 1024, ENTRIES_MAX = 20000 };

/* '*' and '?' alone, in linear time for each star */
static bool matches(const char *pattern, const char *text) {
        const char *star = NULL, *from = NULL;

        while (*text) {
                if (*pattern == '*') {
                        star = ++pattern;
                        from = text;
                } else if (*pattern == '?' || *pattern == *text) {
                        pattern++;
                        text++;
                } else if (star) {
                        pattern = star;
                        text = ++from;
                } else
                        return false;
        }
        return pattern[strspn(pattern, "*")] == '\0';
}

static bool any_matches(const struct imm_strv *patterns, const char *text) {
        for (size_t i = 0; i < patterns->n; i++)
                if (matches(patterns->v[i], text))
                        return true;
        return false;
}

/* ---- files ---- */

struct reading {
        struct imm_bus *b;
        const char *file;
        unsigned line;
        struct imm_map groups; /* name -> struct imm_polkit_entry */
        IMM_ARRAY(struct imm_polkit_entry *) entries;
        struct imm_polkit_entry *at;
};

static void add_list(struct reading *r, struct imm_strv *to, const char *text) {
        *to = (struct imm_strv){0};
        while (*text) {
                size_t n = strcspn(text, ";");

                imm_strv_add(r->b->arena, to, imm_strndup(r->b->arena, text, n));
                text += n + (text[n] == ';');
        }
}

static void add_key(struct reading *r, const char *key, const char *value) {
        struct imm_polkit_entry *e = r->at;

        if (imm_streq(key, "Identity")) {
                add_list(r, &e->identities, value);
                for (size_t i = 0; i < e->identities.n; i++) {
                        const char *user = imm_after(e->identities.v[i], "unix-user:");

                        if (user) /* a user made with its service is worth knowing by this name */
                                imm_map_put(r->b->arena, &r->b->texts, user, NULL);
                }
        } else if (imm_streq(key, "Action"))
                add_list(r, &e->actions, value);
        else if (imm_streq(key, "ResultAny"))
                e->result = imm_strdup(r->b->arena, value);
        else if (imm_streq(key, "ResultInactive") || imm_streq(key, "ResultActive"))
                e->other_results = true;
        if (imm_streq(key, "ResultAny"))
                e->line = r->line;
}

static void open_group(struct reading *r, const char *name, struct imm_arena *scratch) {
        r->at = imm_map_get(&r->groups, name);
        if (r->at)
                return;
        r->at = imm_new(r->b->arena, struct imm_polkit_entry);
        *r->at = (struct imm_polkit_entry){.file = r->file, .line = r->line};
        imm_map_put(scratch, &r->groups, imm_strdup(scratch, name), r->at);
        *imm_array_push(scratch, &r->entries) = r->at;
}

static char *trim(char *s) {
        size_t n;

        s += strspn(s, " \t\r");
        for (n = strlen(s); n > 0 && strchr(" \t\r", s[n - 1]); n--)
                s[n - 1] = '\0';
        return s;
}

/* NULL, or what makes the whole file be left out */
static const char *read_line(struct reading *r, char *line, struct imm_arena *scratch) {
        char *eq, *s = trim(line);
        size_t n = strlen(s);

        if (!*s || *s == '#')
                return NULL;
        if (*s == '[') {
                if (n < 3 || s[n - 1] != ']')
                        return "a broken section header";
                s[n - 1] = '\0';
                open_group(r, s + 1, scratch);
                return NULL;
        }
        eq = strchr(s, '=');
        if (!eq || eq == s)
                return "a line that is no assignment";
        if (!r->at)
                return "an assignment before any section";
        *eq = '\0';
        add_key(r, trim(s), trim(eq + 1));
        return NULL;
}

static bool is_result(const char *s) {
        static const char *const words[] = {
                "no", "yes", "auth_self", "auth_admin", "auth_self_keep", "auth_admin_keep"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                if (imm_streq(s, words[i]))
                        return true;
        return false;
}

static void diagnose(struct reading *r, unsigned line, const char *why) {
        imm_diag_add(r->b->arena, &r->b->diags, IMM_DIAG_WARNING, "broken-policy", r->file, line,
                NULL, "polkit leaves this out: %s", why);
}

/* Later files come after all earlier ones, whose order each further file turns round. */
static void keep(struct reading *r, struct imm_polkit_entries *to) {
        for (size_t i = 0; i < to->n / 2; i++) {
                struct imm_polkit_entry *e = to->v[i];

                to->v[i] = to->v[to->n - 1 - i];
                to->v[to->n - 1 - i] = e;
        }
        imm_array_foreach (e, &r->entries) {
                if ((*e)->identities.n == 0 || (*e)->actions.n == 0 ||
                        (!(*e)->result && !(*e)->other_results))
                        diagnose(r, (*e)->line, "no identity, no action or no result");
                else if ((*e)->result && !is_result((*e)->result))
                        diagnose(r, (*e)->line, "no result that it knows");
                else if (to->n < ENTRIES_MAX)
                        *imm_array_push(r->b->arena, to) = *e;
        }
}

void imm_polkit_entries_read(struct imm_bus *b, const char *file, const char *text, size_t size,
        struct imm_polkit_entries *to) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct reading r = {.b = b, .file = imm_strdup(b->arena, file)};
        char *copy = imm_strndup(scratch, text, size), *next;
        const char *why;

        for (char *line = copy; line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                r.line++;
                why = read_line(&r, line, scratch);
                if (why) {
                        diagnose(&r, r.line, why);
                        return;
                }
        }
        keep(&r, to);
}

/* ---- directories: by name, of equal ones that in /var before that in /etc ---- */

struct folder {
        const char *name, *path;
        int rank;
};

static int by_name(const void *a, const void *b) {
        const struct folder *x = a, *y = b;
        int r = strcmp(x->name, y->name);

        return r ? r : x->rank - y->rank;
}

static void read_folder(struct imm_bus *b, const char *path) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct imm_polkit_entries *to = imm_array_push(b->arena, &b->authority);
        struct imm_dirent *entries;
        size_t n;

        *to = (struct imm_polkit_entries){0};
        if (imm_root_list(b->m->root, path, scratch, &entries, &n) < 0)
                return;
        for (size_t i = 0; i < n; i++) { /* sorted by name */
                const char *file = imm_printf(scratch, "%s/%s", path, entries[i].name);
                struct imm_blob blob;
                int r;

                if (!imm_ends_with(entries[i].name, ".pkla") || entries[i].name[0] == '.')
                        continue;
                r = imm_root_read(b->m->root, file, FILE_MAX, scratch, &blob, NULL);
                if (r >= 0)
                        imm_polkit_entries_read(b, file, blob.data, blob.size, to);
                else if (r != -ENOENT)
                        imm_diag_add(b->arena, &b->diags, IMM_DIAG_UNREADABLE, "unreadable-policy",
                                imm_strdup(b->arena, file), 0, NULL,
                                "polkit's policy cannot be read: %s", strerror(-r));
        }
}

void imm_polkit_authority_read(struct imm_bus *b) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        static const char *const tops[] = {
                "/var/lib/polkit-1/localauthority", "/etc/polkit-1/localauthority"};
        IMM_ARRAY(struct folder) folders = {0};

        for (int i = 0; i < 2; i++) {
                struct imm_dirent *entries;
                size_t n;

                if (imm_root_list(b->m->root, tops[i], scratch, &entries, &n) < 0)
                        continue;
                for (size_t k = 0; k < n; k++)
                        *imm_array_push(scratch, &folders) = (struct folder){entries[k].name,
                                imm_printf(scratch, "%s/%s", tops[i], entries[k].name), i};
        }
        if (folders.n > 1)
                qsort(folders.v, folders.n, sizeof(*folders.v), by_name);
        imm_array_foreach (f, &folders)
                read_folder(b, f->path);
}

/* ---- what is said about a caller without a session ---- */

/* In each folder the last one that fits is taken, of folders the last that gives a result. */
static void look(const struct imm_bus *b, const char *identity, const char *action,
        const struct imm_polkit_entry **ret) {
        imm_array_foreach (folder, &b->authority) {
                const struct imm_polkit_entry *last = NULL;

                imm_array_foreach (e, folder) {
                        if (any_matches(&(*e)->actions, action) &&
                                any_matches(&(*e)->identities, identity))
                                last = *e;
                }
                if (last && last->result)
                        *ret = last;
        }
}

const struct imm_polkit_entry *imm_polkit_authority_says(const struct imm_bus *b,
        const struct imm_bus_peer *peer, const char *action, struct imm_arena *a) {
        const struct imm_polkit_entry *said = NULL;
        const struct imm_user *u = imm_user_by_uid(b->m->users, peer->uid);
        const struct imm_group *own = u ? imm_group_by_gid(b->m->users, u->gid) : NULL;

        if (b->authority.n == 0)
                return NULL;
        if (!b->old_polkit)
                look(b, "default", action, &said);
        if (own)
                look(b, imm_printf(a, "unix-group:%s", own->name), action, &said);
        for (size_t i = 0; i < peer->user_groups.n; i++)
                if (!own || !imm_streq(peer->user_groups.v[i], own->name))
                        look(b, imm_printf(a, "unix-group:%s", peer->user_groups.v[i]), action,
                                &said);
        if (peer->user)
                look(b, imm_printf(a, "unix-user:%s", peer->user), action, &said);
        return said;
}
