#include "rules/rules-private.h"

#include <errno.h>
#include <stdio.h>

/*
 * The search path: built-in rules first, then the directories from the least to the most specific.
 * A file replaces the one of the same name, a link to /dev/null (or an empty file) masks it, and
 * NAME.rule.d/ holds drop-ins, of which the same holds among themselves.
 */

enum { RULE_FILE_MAX = 256 * 1024 };

static const char *const usual_directories[] = {
        "/etc/immure/rules",
        "/run/immure/rules",
        "/usr/local/share/immure/rules",
        "/usr/share/immure/rules",
        NULL,
};

#define BUILTIN_SHARE "/usr/share/immure/"
#define BUILTIN_PREFIX BUILTIN_SHARE "rules/"

/* A rule (or scorecard.conf) on its way: its file and its drop-ins */
struct found {
        const char *name; /* "UMask.rule" */
        struct imm_rule_source fragment;
        struct imm_map dropins; /* file name -> struct imm_rule_source, size 0: masked */
};

struct folder {
        const char *name;
        struct imm_map files; /* file name -> struct found */
};

struct load {
        const struct imm_root *root;
        struct imm_arena *a;
        struct imm_rulebook *book;
        struct imm_map folders;
        struct imm_profiles *profiles;
};

static struct folder *folder_of(struct load *l, const char *name) {
        struct folder *f = imm_map_get(&l->folders, name);

        if (!f) {
                f = imm_new(l->a, struct folder);
                f->name = name;
                imm_map_put(l->a, &l->folders, name, f);
        }
        return f;
}

static struct found *file_of(struct load *l, struct folder *folder, const char *name) {
        struct found *f = imm_map_get(&folder->files, name);

        if (!f) {
                f = imm_new(l->a, struct found);
                f->name = name;
                imm_map_put(l->a, &folder->files, name, f);
        }
        return f;
}

static void say(struct load *l, const char *path, int r) {
        imm_diag_add(l->a, &l->book->diags, IMM_DIAG_ERROR, "broken-rule", path, 0, NULL,
                "cannot be read: %s", strerror(-r));
}

/* A masked or unreadable file is empty. */
static struct imm_rule_source read_source(struct load *l, const char *path) {
        struct imm_rule_source s = {.path = path, .text = ""};
        const char *target;
        struct imm_blob blob;
        int r;

        if (imm_root_readlink(l->root, path, l->a, &target) == 0 && imm_streq(target, "/dev/null"))
                return s;
        r = imm_root_read(l->root, path, RULE_FILE_MAX, l->a, &blob, NULL);
        if (r < 0)
                say(l, path, r);
        else {
                s.text = blob.data;
                s.size = blob.size;
        }
        return s;
}

static void add_dropins(struct load *l, struct found *f, const char *dir) {
        struct imm_dirent *entries;
        size_t n;
        int r = imm_root_list(l->root, dir, l->a, &entries, &n);

        if (r < 0) {
                say(l, dir, r);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                struct imm_rule_source *s;

                if (!imm_ends_with(entries[i].name, ".conf"))
                        continue;
                s = imm_new(l->a, struct imm_rule_source);
                *s = read_source(l, imm_printf(l->a, "%s/%s", dir, entries[i].name));
                imm_map_put(l->a, &f->dropins, entries[i].name, s);
        }
}

static bool is_rule_file(const char *name) {
        return imm_ends_with(name, ".rule") || imm_streq(name, "scorecard.conf");
}

static void add_directory(struct load *l, struct folder *folder, const char *dir) {
        struct imm_dirent *entries;
        size_t n;
        int r = imm_root_list(l->root, dir, l->a, &entries, &n);

        if (r < 0) {
                say(l, dir, r);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                const char *name = entries[i].name;
                const char *path = imm_printf(l->a, "%s/%s", dir, name);

                if (is_rule_file(name))
                        file_of(l, folder, name)->fragment = read_source(l, path);
                else if (imm_ends_with(name, ".rule.d") || imm_ends_with(name, ".conf.d"))
                        add_dropins(l,
                                file_of(l, folder, imm_strndup(l->a, name, strlen(name) - 2)),
                                path);
        }
}

static int by_name(const void *a, const void *b) {
        return strcmp(
                ((const struct imm_map_entry *)a)->key, ((const struct imm_map_entry *)b)->key);
}

/* ---- profiles: NAME.conf in profiles/ beside rules/ ---- */

static void take_profile(struct load *l, const char *file, const struct imm_rule_source *source) {
        struct imm_rule_source *s = imm_new(l->a, struct imm_rule_source);

        *s = *source;
        imm_map_put(l->a, &l->profiles->sources,
                imm_strndup(l->a, file, strlen(file) - strlen(".conf")), s);
}

static void add_profiles(struct load *l, const char *rules_dir) {
        const char *slash = strrchr(rules_dir, '/');
        const char *dir =
                imm_printf(l->a, "%.*s/profiles", slash ? (int)(slash - rules_dir) : 0, rules_dir);
        struct imm_dirent *entries;
        size_t n;
        int r = imm_root_list(l->root, dir, l->a, &entries, &n);

        if (r < 0 && r != -ENOENT)
                say(l, dir, r);
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (imm_ends_with(entries[i].name, ".conf") && entries[i].type != DT_DIR) {
                        struct imm_rule_source s =
                                read_source(l, imm_printf(l->a, "%s/%s", dir, entries[i].name));

                        take_profile(l, entries[i].name, &s);
                }
}

static void free_manager(void *m) {
        imm_manager_free(m);
}

static void free_root(void *root) {
        imm_root_free(root);
}

/* Of the host: only what a profile says itself is ever compared. */
static struct imm_manager *manager_of(struct imm_profiles *all) {
        struct imm_manager_options options = {.version = all->version};
        struct imm_root *root = NULL;
        struct imm_manager *m = NULL;

        if (imm_root_open(&root, "/", NULL) < 0)
                return NULL;
        imm_arena_defer(all->a, free_root, root);
        if (imm_manager_open(&m, root, &options, NULL) < 0)
                return NULL;
        imm_arena_defer(all->a, free_manager, m);
        return m;
}

const struct imm_profile *imm_profile_find(struct imm_profiles *all, const char *name) {
        const struct imm_rule_source *source = imm_map_get(&all->sources, name);
        struct imm_profile *p = imm_map_get(&all->read, name);

        if (p || !source || source->size == 0)
                return p;
        if (!all->manager)
                all->manager = manager_of(all);
        if (!all->manager)
                return NULL;
        p = imm_profile_read(name, source, all->manager, all->a, all->diags);
        imm_map_put(all->a, &all->read, name, p);
        return p;
}

static int by_profile(const void *a, const void *b) {
        return strcmp(((const struct imm_profile_file *)a)->name,
                ((const struct imm_profile_file *)b)->name);
}

/* Those that no mask took away, for listing */
static void list_profiles(struct load *l) {
        const struct imm_map *all = &l->profiles->sources;
        struct imm_profile_file *list = imm_alloc_array(l->a, all->n, sizeof(*list));

        for (size_t i = 0; i < all->n; i++) {
                const struct imm_rule_source *s = all->v[i].value;

                if (s->size > 0)
                        list[l->book->n_profiles++] = (struct imm_profile_file){
                                all->v[i].key, s->path, imm_strndup(l->a, s->text, s->size)};
        }
        if (l->book->n_profiles > 1)
                qsort(list, l->book->n_profiles, sizeof(*list), by_profile);
        l->book->profiles = list;
}

static void add_search_directory(struct load *l, const char *dir) {
        struct imm_dirent *entries;
        size_t n;
        int r = imm_root_list(l->root, dir, l->a, &entries, &n);

        if (r < 0 && r != -ENOENT)
                say(l, dir, r);
        if (r < 0)
                return;
        for (size_t i = 0; i < n; i++)
                if (entries[i].type == DT_DIR || entries[i].type == DT_LNK)
                        add_directory(l, folder_of(l, entries[i].name),
                                imm_printf(l->a, "%s/%s", dir, entries[i].name));
}

static void add_builtins(struct load *l) {
        for (size_t i = 0; i < imm_builtins_n; i++) {
                const struct imm_builtin *b = &imm_builtins[i];
                const char *slash = strchr(b->path, '/');
                struct imm_rule_source s = {
                        imm_printf(l->a, BUILTIN_PREFIX "%s", b->path), b->text, strlen(b->text)};
                struct folder *folder;

                if (imm_after(b->path, "profiles/")) {
                        s.path = imm_printf(l->a, BUILTIN_SHARE "%s", b->path);
                        take_profile(l, slash + 1, &s);
                        continue;
                }
                folder = folder_of(l, imm_strndup(l->a, b->path, (size_t)(slash - b->path)));

                file_of(l, folder, slash + 1)->fragment = s;
        }
}

/* ---- from files to scorecards ---- */

/* The fragment, then the drop-ins by name; none of them masked */
static struct imm_rule_source *sources_of(struct load *l, struct found *f, size_t *ret_n) {
        struct imm_rule_source *s = imm_alloc_array(l->a, f->dropins.n + 1, sizeof(*s));
        size_t n = 0;

        if (f->fragment.size > 0)
                s[n++] = f->fragment;
        if (f->dropins.n > 1)
                qsort(f->dropins.v, f->dropins.n, sizeof(*f->dropins.v), by_name);
        for (size_t i = 0; n > 0 && i < f->dropins.n; i++) {
                struct imm_rule_source *d = f->dropins.v[i].value;

                if (d->size > 0)
                        s[n++] = *d;
        }
        *ret_n = n;
        return s;
}

static int by_id(const void *a, const void *b) {
        const struct imm_rule *x = *(struct imm_rule *const *)a, *y = *(struct imm_rule *const *)b;
        int r = strcmp(x->id, y->id);

        return r ? r : strcmp(x->name, y->name);
}

static void note_asked(struct imm_scorecard *card) {
        card->settings_only = true;
        for (size_t i = 0; i < card->n_rules; i++)
                for (size_t k = 0; k < card->rules[i]->n_steps; k++)
                        for (size_t m = 0; m < card->rules[i]->steps[k].n_clauses; m++) {
                                const struct imm_condition *c =
                                        card->rules[i]->steps[k].clauses[m].condition;

                                card->settings_only &= c->needs <= IMM_NEEDS_SETTINGS;
                                card->asks_start |= c->holds == imm_condition_fails_to_start;
                        }
}

static void link_replaced(struct load *l, struct imm_scorecard *card) {
        for (size_t i = 0; i < card->n_rules; i++)
                for (size_t k = 0; k < card->rules[i]->replaces.n; k++)
                        for (size_t m = 0; m < card->n_rules; m++) {
                                struct imm_rule *r = card->rules[m], **more;

                                if (m == i || !imm_streq(r->name, card->rules[i]->replaces.v[k]))
                                        continue;
                                more = imm_alloc_array(l->a, r->n_replaced_by + 1, sizeof(*more));
                                if (r->n_replaced_by > 0)
                                        memcpy(more, r->replaced_by,
                                                r->n_replaced_by * sizeof(*more));
                                more[r->n_replaced_by++] = card->rules[i];
                                r->replaced_by = more;
                        }
}

static struct imm_scorecard *card_of(struct load *l, struct folder *folder) {
        struct imm_scorecard *card = imm_new(l->a, struct imm_scorecard);

        card->name = card->title = folder->name;
        card->rules = imm_alloc_array(l->a, folder->files.n, sizeof(*card->rules));
        for (size_t i = 0; i < folder->files.n; i++) {
                struct found *f = folder->files.v[i].value;
                size_t n;
                struct imm_rule_source *s = sources_of(l, f, &n);
                struct imm_rule *r;

                if (n == 0)
                        continue;
                if (imm_streq(f->name, "scorecard.conf")) {
                        imm_scorecard_build(card, s, n, l->book);
                        continue;
                }
                r = imm_rule_build(imm_strndup(l->a, f->name, strlen(f->name) - 5), s, n,
                        l->book->version, l->profiles, l->a, &l->book->diags);
                if (r)
                        card->rules[card->n_rules++] = r;
        }
        if (card->n_rules > 1)
                qsort(card->rules, card->n_rules, sizeof(*card->rules), by_id);
        link_replaced(l, card);
        note_asked(card);
        return card;
}

static int by_card(const void *a, const void *b) {
        return strcmp((*(struct imm_scorecard *const *)a)->name,
                (*(struct imm_scorecard *const *)b)->name);
}

static void make_cards(struct load *l) {
        struct imm_rulebook *book = l->book;

        book->cards = imm_alloc_array(l->a, l->folders.n, sizeof(*book->cards));
        for (size_t i = 0; i < l->folders.n; i++) {
                struct imm_scorecard *card = card_of(l, l->folders.v[i].value);

                if (card->n_rules > 0)
                        book->cards[book->n_cards++] = card;
        }
        if (book->n_cards > 1)
                qsort(book->cards, book->n_cards, sizeof(*book->cards), by_card);
}

/* ---- policies of systemd-analyze ---- */

static void apply_policy(struct load *l, const struct imm_root *root, const char *path) {
        struct imm_scorecard *card = imm_scorecard_by_name(l->book, "systemd");
        struct imm_blob blob;
        int r = imm_root_read(root, path, RULE_FILE_MAX * 4, l->a, &blob, NULL);

        if (r < 0)
                say(l, path, r);
        else if (card)
                imm_policy_apply(l->book, card, path, blob.data, blob.size);
}

/* systemd-analyze takes the first of these that is there, if it knows policies at all. */
static void apply_own_policy(struct load *l, const struct imm_root *analysed) {
        static const char *const places[] = {
                "/etc/systemd/systemd-analyze-security.policy",
                "/run/systemd/systemd-analyze-security.policy",
                "/usr/local/lib/systemd/systemd-analyze-security.policy",
                "/usr/lib/systemd/systemd-analyze-security.policy",
        };
        struct stat st;

        if (l->book->version < 250)
                return;
        for (size_t i = 0; i < IMM_ELEMENTSOF(places); i++)
                if (imm_root_stat(analysed, places[i], &st) == 0) {
                        apply_policy(l, analysed, places[i]);
                        return;
                }
}

static void policies(struct load *l, const struct imm_rules_options *options) {
        imm_cleanup(imm_root_free) struct imm_root *host = NULL;
        imm_auto_free char *path = NULL;

        if (!options->policy) {
                if (options->analysed)
                        apply_own_policy(l, options->analysed);
                return;
        }
        path = realpath(options->policy, NULL);
        if (!path || imm_root_open(&host, NULL, NULL) < 0)
                say(l, options->policy, path ? -EIO : -errno);
        else
                apply_policy(l, host, imm_strdup(l->a, path));
}

/* ---- the whole ---- */

struct imm_rulebook *imm_rules_load(const struct imm_rules_options *options) {
        struct imm_arena *a = imm_arena_new();
        struct load l = {.root = options->root, .a = a};
        const char *const *dirs = options->directories ? options->directories : usual_directories;
        size_t n = 0;

        l.book = imm_new(a, struct imm_rulebook);
        *l.book = (struct imm_rulebook){
                .version = options->version, .arena = a, .stand_in = "instance"};
        l.profiles = imm_new(a, struct imm_profiles);
        *l.profiles =
                (struct imm_profiles){.version = options->version, .a = a, .diags = &l.book->diags};
        add_builtins(&l);
        while (dirs[n])
                n++;
        while (l.root && n > 0) {
                add_profiles(&l, dirs[--n]);
                add_search_directory(&l, dirs[n]);
        }
        if (l.root && options->project) {
                add_profiles(&l, options->project);
                add_search_directory(&l, options->project);
        }
        list_profiles(&l);
        make_cards(&l);
        policies(&l, options);
        return l.book;
}

struct imm_rulebook *imm_rulebook_free(struct imm_rulebook *b) {
        if (b)
                imm_arena_free(b->arena);
        return NULL;
}

struct imm_scorecard *imm_scorecard_by_name(const struct imm_rulebook *b, const char *name) {
        for (size_t i = 0; i < b->n_cards; i++)
                if (imm_streq(b->cards[i]->name, name))
                        return b->cards[i];
        return NULL;
}

bool imm_rules_broken(const struct imm_rulebook *b) {
        return b->diags.n > 0;
}
