#include "analyzer/closure/nix/nix-private.h"

static int mount_compare(const void *path, const void *mount) {
        return strcmp(path, ((const struct imm_mount *)mount)->path);
}

/* What is mounted at or below the store's entries: names that are there, and those masked */
static void mounted(const struct imm_mount_table *t, const char *store, struct imm_arena *a,
        struct imm_strv *shown, struct imm_strv *masked) {
        const char *prefix = imm_printf(a, "%s/", imm_streq(store, "/") ? "" : store);

        for (size_t i = imm_first_not_before(prefix, t->v, t->n, sizeof(*t->v), mount_compare);
                i < t->n; i++) {
                const char *name = imm_after(t->v[i].path, prefix);
                size_t n;

                if (!name)
                        break;
                n = strcspn(name, "/");
                if (n == 0 || nix_name_length(name) != n)
                        continue;
                if (name[n])
                        imm_strv_add(a, shown, imm_strndup(a, name, n));
                else
                        imm_strv_add(a, t->v[i].inaccessible ? masked : shown, name);
        }
        imm_strv_sort_unique(masked);
}

static bool has(const struct imm_strv *l, const char *name) {
        return l->n > 0 && bsearch(&name, l->v, l->n, sizeof(*l->v), imm_by_text);
}

void nix_visible(
        struct nix *x, const struct imm_mount_table *t, struct imm_arena *a, struct imm_strv *ret) {
        struct view v;
        struct imm_strv shown = {0}, masked = {0};
        const struct imm_dirent *e = NULL;
        struct imm_dirent *other;
        struct place p;
        bool own; /* the root's own store: its entries were checked */
        size_t n = 0;

        view_init(&v, x->c, t, "", a);
        *ret = (struct imm_strv){0};
        if (view_find(&v, NULL, NIX_STORE, &p) < 0)
                return;
        mounted(t, p.path, a, &shown, &masked);
        own = p.node && imm_streq(p.node->host, NIX_STORE);
        if (own)
                e = nix_entries(x, &n);
        else if (p.node && imm_root_list(x->c->root, p.node->host, a, &other, &n) == 0)
                e = other;
        ret->cap = n + 1;
        ret->v = imm_alloc_array(a, ret->cap, sizeof(*ret->v));
        for (size_t i = 0; i < n; i++)
                if ((own || nix_is_name(e[i].name)) && !has(&masked, e[i].name))
                        ret->v[ret->n++] = e[i].name;
        for (size_t i = 0; i < shown.n; i++)
                if (!has(&masked, shown.v[i]))
                        imm_strv_add(a, ret, shown.v[i]);
        if (shown.n > 0)
                imm_strv_sort_unique(ret);
}
