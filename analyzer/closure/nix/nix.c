#include "analyzer/closure/nix/nix-private.h"

#include <errno.h>

/* The store paths that a unit's Exec lines name, and what they refer to. */

/* What is known of the store is shared by all units: locked from the first name on. */
struct naming {
        struct builder *b;
        struct nix *x; /* NULL until a name is met: most roots have no store */
        struct imm_map seen;
        IMM_ARRAY(struct nix_path *) roots;
};

static struct nix *store(struct naming *n) {
        if (!n->x)
                n->x = nix_of(closures_lock(n->b->c));
        return n->x;
}

static void naming_donep(struct naming *n) {
        if (n->x)
                closures_unlockp(&n->b->c);
}

static void add_root(struct naming *n, struct nix_path *p, const char *reason) {
        struct builder *b = n->b;

        if (imm_map_has(&n->seen, p->path))
                return;
        imm_map_put(b->arena, &n->seen, p->path, p);
        imm_strv_add(b->arena, &b->closure->roots, p->path);
        *imm_array_push(b->arena, &n->roots) = p;
        *imm_array_push(b->arena, b->closure) = (struct imm_need){
                .path = p->path,
                .host_path = nix_path_exists(store(n), p) ? p->path : NULL,
                .name = p->path,
                .kind = IMM_NEED_STORE_PATH,
                .confidence = IMM_CERTAIN,
                .reason = reason,
                .by = IMM_NEED_BY_UNIT,
                .setting = b->setting,
                .origin = b->origin,
                .exists = nix_path_exists(store(n), p),
                .visible = -1,
        };
}

/* Every "/nix/store/HASH-NAME" in @text */
static void names_in(struct naming *n, const char *text, const char *reason) {
        static const char top[] = NIX_STORE "/";

        for (const char *s = text; (s = strstr(s, top)); s++) {
                const char *name = s + sizeof(top) - 1;
                size_t len = nix_name_length(name);
                struct nix_path *p;

                if (len == 0)
                        continue;
                p = nix_path_named(store(n), name, len);
                if (!p) {
                        p = nix_path_get(
                                store(n), imm_printf(n->b->arena, "%s%.*s", top, (int)len, name));
                        if (!imm_strv_has(&n->b->closure->dangling, p->path))
                                imm_strv_add(n->b->arena, &n->b->closure->dangling, p->path);
                }
                add_root(n, p, reason);
        }
}

/* The real path of the store, where /nix or the store itself is a link */
static bool is_store(struct builder *b, const char *path, size_t n) {
        struct place p;

        if (n == strlen(NIX_STORE) && memcmp(path, NIX_STORE, n) == 0)
                return true;
        return view_find(&b->plain, NULL, NIX_STORE, &p) == 0 && strlen(p.path) == n &&
               memcmp(path, p.path, n) == 0;
}

/* The store path that the real path @path lies in, or NULL */
static const char *store_path_of(struct builder *b, const char *path) {
        for (const char *name = path; (name = strchr(name, '/'));) {
                size_t above = (size_t)(name++ - path), len = nix_name_length(name);

                if (len > 0 && (!name[len] || name[len] == '/') && is_store(b, path, above))
                        return imm_printf(b->arena, NIX_STORE "/%.*s", (int)len, name);
        }
        return NULL;
}

/* What stands for these links only in the running system, and where an image has the same */
static const char *booted(struct builder *b, const char *path) {
        static const char *const links[] = {"/run/current-system", "/run/booted-system"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(links); i++) {
                const char *rest = imm_after(path, links[i]);

                if (rest && (!*rest || *rest == '/'))
                        return imm_printf(b->arena, "%s%s", imm_root_system(b->c->root), rest);
        }
        return NULL;
}

/* A path outside of the store that links lead into it: /run/current-system/sw/bin/x, result/bin/x
 */
static bool linked_in(struct naming *n, const char *path, const char *reason) {
        struct builder *b = n->b;
        const char *real, *end, *other;
        struct place p;
        int k;

        if (*path != '/' || imm_after(path, NIX_STORE "/"))
                return false;
        k = view_find(&b->plain, NULL, path, &p);
        if (k < 0) {
                other = booted(b, path);
                if (!other || view_find(&b->plain, NULL, other, &p) < 0)
                        return false;
        }
        real = store_path_of(b, p.path);
        if (!real)
                return false;
        for (size_t i = 0; i < p.links.n; i++) {
                end = store_path_of(b, p.links.v[i]);
                if (end && !imm_streq(end, real) && !imm_strv_has(&b->closure->hops, end))
                        imm_strv_add(b->arena, &b->closure->hops, end);
        }
        add_root(n, nix_path_get(store(n), real), reason);
        return true;
}

static void command_names(
        struct naming *n, enum imm_setting setting, const struct imm_command_item *cmd) {
        struct builder *b = n->b;
        const char *reason = imm_printf(b->arena, "named in %s=", imm_setting_info(setting)->name);

        b->setting = setting;
        b->origin = cmd->origin;
        if (cmd->path && *cmd->path) {
                names_in(n, cmd->path, reason);
                (void)linked_in(n, cmd->path, reason);
        }
        for (size_t i = 0; i < cmd->argv.n; i++) {
                const char *arg = cmd->argv.v[i], *path = strchr(arg, '/');

                names_in(n, arg, reason);
                /* links of /etc are the system's configuration, not the command's */
                if (path && i > 0 && !imm_after(path, "/etc/"))
                        (void)linked_in(n, path, reason);
        }
}

/*
 * The store path of the unit itself, which the confinement module counts: that of its file, and of
 * what NixOS builds for a unit that it changes by a drop-in. Other drop-ins are somebody else's.
 */
static void unit_itself(struct naming *n, size_t f) {
        struct builder *b = n->b;
        const char *real;
        struct place p;

        if (view_find(&b->plain, NULL, b->u->files[f]->path, &p) < 0)
                return;
        real = store_path_of(b, p.path);
        if (!real || (f > 0 && !imm_after(real + strlen(NIX_STORE "/") + NIX_HASH, "-unit-")))
                return;
        b->setting = IMM_SETTING_N;
        b->origin = (struct imm_origin){
                .kind = IMM_ORIGIN_FILE, .line = 1, .file = b->u->files[f]->path};
        add_root(n, nix_path_get(store(n), real), "the unit itself");
}

/* All that the unit's files say, before and after specifiers, whether it took effect or not */
static void unit_names(struct naming *n) {
        struct builder *b = n->b;

        for (size_t f = 0; f < b->u->n_files; f++) {
                const struct imm_unit_file *file = b->u->files[f];

                unit_itself(n, f);
                for (size_t i = 0; i < file->n_assignments; i++) {
                        const struct imm_assignment *x = &file->assignments[i];
                        enum imm_setting id;
                        const char *text;

                        if (!strstr(x->value, NIX_STORE) && !strchr(x->value, '%'))
                                continue;
                        id = imm_setting_by_name(x->key);
                        b->setting = id;
                        b->origin = (struct imm_origin){
                                .kind = IMM_ORIGIN_FILE, .line = x->line, .file = file->path};
                        names_in(n, x->value, imm_printf(b->arena, "named in %s=", x->key));
                        if (imm_unit_expand(b->m, b->u, IMM_SPECIFIERS_FULL, x->value, b->arena,
                                    &text) == 0)
                                names_in(n, text, imm_printf(b->arena, "named in %s=", x->key));
                }
        }
}

/* ---- the closure ---- */

static void add_need(
        struct naming *n, struct nix_path *p, int by, const struct nix_path *referrer) {
        struct builder *b = n->b;

        *imm_array_push(b->arena, b->closure) = (struct imm_need){
                .path = p->path,
                .host_path = p->path,
                .name = p->path,
                .kind = IMM_NEED_STORE_PATH,
                .confidence = referrer->unsure ? IMM_LIKELY : b->closure->v[by].confidence,
                .reason = !referrer->searched ? "referenced, by the store's database"
                          : referrer->unsure
                                  ? "referenced, by its contents, if that was built and not added"
                                  : "referenced, by its contents",
                .by = by,
                .setting = IMM_SETTING_N,
                .exists = true,
                .visible = -1,
        };
}

static void follow_references(struct naming *n) {
        struct nix *x = store(n);
        struct imm_closure *c = n->b->closure;
        IMM_ARRAY(struct nix_path *) queue = {0};

        x->mark++;
        for (size_t i = 0; i < n->roots.n; i++)
                n->roots.v[i]->mark = x->mark;
        for (size_t i = 0; i < n->roots.n; i++)
                *imm_array_push(n->b->arena, &queue) = n->roots.v[i];
        for (size_t i = 0; i < queue.n; i++) {
                struct nix_path *p = queue.v[i];

                nix_references(x, p, &c->diags);
                for (size_t k = 0; k < p->n_refs; k++) {
                        struct nix_path *r = p->refs[k];

                        if (r->mark == x->mark)
                                continue;
                        r->mark = x->mark;
                        add_need(n, r, (int)i, p);
                        *imm_array_push(n->b->arena, &queue) = r;
                }
        }
        nix_tell(x, &c->diags);
}

/* ---- what of it the service sees ---- */

/* Many are looked up in a list of the store, a few one by one: that list can be long. */
enum { FEW = 1000 };

static void judge_visibility(struct builder *b) {
        const bool few = b->closure->n <= FEW;
        struct view v;
        struct imm_strv names = {0};

        view_init(&v, b->c, b->closure->view, "", b->arena);
        if (!few)
                nix_visible(nix_of(b->c), v.table, b->arena, &names);
        for (size_t i = 0; i < b->closure->n; i++) {
                struct imm_need *n = &b->closure->v[i];
                const char *name = n->path + strlen(NIX_STORE "/");
                struct place p;
                int k;

                if (few)
                        n->visible = view_has(&v, n->path);
                else
                        n->visible = names.n > 0 && bsearch(&name, names.v, names.n,
                                                            sizeof(*names.v), imm_by_text) != NULL;
                if (n->visible)
                        continue;
                k = view_find(&v, NULL, n->path, &p);
                n->hidden = n->exists && k < 0 ? hidden_by(b, &p, k) : "not in the store";
                if (n->exists && !nix_path_is_there(nix_of(b->c), n->path)) {
                        n->exists = false;
                        n->hidden = "not in the store, though its database has it";
                }
        }
}

bool unit_store_paths(struct builder *b, unsigned flags) {
        imm_cleanup(naming_done) struct naming n = {.b = b};

        view_init(&b->plain, b->c, NULL, "", b->arena);
        for (const enum imm_setting *s = imm_command_lists; *s != IMM_SETTING_N; s++) {
                const struct imm_value *v = imm_setting(b->settings, *s);

                for (size_t i = 0; v->type == IMM_VALUE_COMMANDS && i < v->commands.n; i++)
                        command_names(&n, *s, &v->commands.v[i]);
        }
        if (flags & IMM_CLOSURE_FULL_UNIT)
                unit_names(&n);
        if (n.roots.n == 0)
                return false;
        b->closure->kind = IMM_CLOSURE_NIX;
        follow_references(&n);
        if (b->closure->view)
                judge_visibility(b);
        return true;
}
