#include "analyzer/closure/nix/nix-private.h"

#include <errno.h>

/*
 * What lies in a store's directory. Of 50,000 entries the kernel alone takes longer to tell than a
 * database for a closure: whoever is going to ask has them listed by a thread meanwhile.
 */

/* ---- a list of an earlier run: what the directory's own times say that it still holds ---- */

enum { KEPT_MAX = 64 << 20 };

static const char kept_prefix[] = "store";

static const char *kept_path(const struct imm_closures *c, struct nix_listing *l) {
        return kept_beside(c->cache_path, kept_prefix, &l->st, l->arena);
}

static const char *kept_head(const struct imm_closures *c, struct nix_listing *l) {
        return imm_printf(l->arena, "immure nix store 1 %s %llx %llx %lld.%09ld %lld.%09ld\n",
                c->cache_tag, (unsigned long long)l->st.st_dev, (unsigned long long)l->st.st_ino,
                (long long)l->st.st_mtim.tv_sec, l->st.st_mtim.tv_nsec,
                (long long)l->st.st_ctim.tv_sec, l->st.st_ctim.tv_nsec);
}

/* Names, each with its type and a NUL, sorted, as nix_listing_keep() wrote them */
static bool kept_get(const struct imm_closures *c, struct nix_listing *l) {
        const char *head = kept_head(c, l), *p, *end;
        size_t n = 0, lines = 0;
        unsigned char *text = kept_read(kept_path(c, l), KEPT_MAX, l->arena, &n);

        if (!text || n < strlen(head) || memcmp(text, head, strlen(head)) != 0 || text[n - 1] != 0)
                return false;
        p = (const char *)text + strlen(head);
        end = (const char *)text + n;
        for (const char *s = p; (s = memchr(s, 0, (size_t)(end - s))); s++)
                lines++;
        l->v = imm_alloc_array(l->arena, lines + 1, sizeof(*l->v));
        for (; p < end; p += strlen(p) + 1) {
                if (strlen(p) < NIX_HASH + 3)
                        return l->n = 0, false;
                l->v[l->n++] = (struct imm_dirent){.name = p + 1, .type = (unsigned char)*p};
        }
        return true;
}

void nix_listing_keep(const struct imm_closures *c, struct nix_listing *l) {
        imm_auto_free char *text = NULL;
        size_t size = 0;
        FILE *f;

        if (!l->fresh)
                return;
        f = open_memstream(&text, &size);
        if (!f)
                imm_oom();
        (void)fputs(kept_head(c, l), f);
        for (size_t i = 0; i < l->n; i++) {
                (void)fputc(l->v[i].type, f);
                (void)fwrite(l->v[i].name, 1, strlen(l->v[i].name) + 1, f);
        }
        if (fclose(f) != 0)
                imm_oom();
        if (size <= KEPT_MAX)
                kept_write(kept_path(c, l), text, size, l->arena);
        kept_tidy(c->cache_path, kept_prefix, c->since, l->arena);
}

/* ---- the directory itself ---- */

/* Can its times tell whether it changes? Not if that was just now, nor on somebody's image. */
static bool is_keepable(const struct imm_closures *c, struct nix_listing *l) {
        return c->cache_path && imm_root_stat(c->root, NIX_STORE, &l->st) == 0 &&
               S_ISDIR(l->st.st_mode) && l->st.st_dev == kept_device() &&
               l->st.st_ctim.tv_sec < c->since;
}

enum { WORTH_KEEPING = 1000 }; /* entries: less is listed as fast */

static void list(const struct imm_closures *c, struct nix_listing *l) {
        bool keepable = is_keepable(c, l);
        struct stat now;
        int k;

        if (keepable && kept_get(c, l))
                return;
        /* .links, trash and the like are no store paths */
        k = imm_root_list_wanted(
                c->root, NIX_STORE, nix_is_name, c->threads, l->arena, &l->v, &l->n);
        if (k < 0) {
                l->error = k == -ENOENT ? 0 : k;
                return;
        }
        l->fresh = keepable && l->n >= WORTH_KEEPING &&
                   imm_root_stat(c->root, NIX_STORE, &now) == 0 && now.st_ino == l->st.st_ino &&
                   now.st_ctim.tv_sec == l->st.st_ctim.tv_sec &&
                   now.st_ctim.tv_nsec == l->st.st_ctim.tv_nsec;
}

/* ---- by a thread, before it is asked for ---- */

struct nix_ahead {
        pthread_t thread;
        struct imm_closures *c;
        struct nix_listing listing;
};

static void *run(void *data) {
        struct nix_ahead *a = data;

        list(a->c, &a->listing);
        return NULL;
}

static void free_arena(void *arena) {
        imm_arena_free(arena);
}

void nix_list_ahead(struct imm_closures *c) {
        struct nix_ahead *a;
        struct stat st;

        if (c->nix_ahead || c->threads < 2 || imm_root_stat(c->root, NIX_STORE, &st) < 0)
                return;
        a = imm_new(c->arena, struct nix_ahead);
        a->c = c;
        a->listing.arena = imm_arena_new();
        imm_arena_defer(c->arena, free_arena, a->listing.arena);
        if (pthread_create(&a->thread, NULL, run, a) == 0)
                c->nix_ahead = a;
}

void nix_ahead_wait(struct imm_closures *c, struct nix_listing *ret) {
        struct nix_ahead *a = c->nix_ahead;

        c->nix_ahead = NULL;
        if (!a)
                return;
        (void)pthread_join(a->thread, NULL);
        if (ret)
                *ret = a->listing;
}

void nix_list(struct imm_closures *c, struct nix_listing *ret) {
        *ret = (struct nix_listing){.arena = c->arena};
        if (c->nix_ahead)
                nix_ahead_wait(c, ret);
        else
                list(c, ret);
}
