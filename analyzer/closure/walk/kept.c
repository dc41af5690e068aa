#include "analyzer/closure/walk/walk-private.h"

/*
 * What lay in each directory, left for the next run: names and types alone. The times of a
 * directory tell whether any of that has changed, on the file system of this machine; of the files
 * themselves they tell nothing, so that nothing of them is kept.
 */

#define KEPT_MAGIC "immure walk 1\n\0" /* sixteen bytes with the NUL */
#define KEPT_PREFIX "walk"
enum { KEPT_MAX = 1 << 30, WORTH_KEEPING = 200 /* directories: less is listed as fast */ };

struct kept_head {
        char magic[16];
        uint64_t sum; /* of all behind it */
        uint64_t n_text, n_folders, n_entries;
};

static const char *kept_path(
        struct imm_closures *c, const struct seen_folder *top, struct imm_arena *a) {
        const struct stat st = {.st_dev = top->dev, .st_ino = top->ino};

        return kept_beside(c->cache_path, KEPT_PREFIX, &st, a);
}

/* ---- reading it ---- */

/* The part of @n things of @size bytes, and @p goes behind it; NULL: there are less */
static const void *part(const unsigned char **p, size_t *left, uint64_t n, size_t size) {
        const unsigned char *at = *p;

        if (n > *left / size)
                return NULL;
        *p += n * size;
        *left -= n * size;
        return at;
}

static bool are_sound(const struct kept_walk *k) {
        for (size_t i = 0; i < k->n_folders; i++) {
                const struct kept_folder *f = &k->folders[i];

                if (f->first > k->n_entries || f->n > k->n_entries - f->first)
                        return false;
        }
        for (size_t i = 0; i < k->n_entries; i++)
                if (k->entries[i].name >= k->n_text || k->entries[i].below > k->n_folders ||
                        k->entries[i].type > DT_WHT)
                        return false;
        return true;
}

const struct kept_walk *walk_kept(
        struct imm_closures *c, const struct seen_folder *top, struct imm_arena *a) {
        struct kept_walk *k;
        const unsigned char *p;
        struct kept_head h;
        size_t n = 0;

        if (!c->cache_path || (dev_t)top->dev != kept_device())
                return NULL;
        p = kept_read(kept_path(c, top, a), KEPT_MAX, a, &n);
        if (!p || n < sizeof(h))
                return NULL;
        memcpy(&h, p, sizeof(h));
        p += sizeof(h);
        n -= sizeof(h);
        if (memcmp(h.magic, KEPT_MAGIC, sizeof(h.magic)) != 0 || h.sum != kept_sum(p, n))
                return NULL;
        k = imm_new(a, struct kept_walk);
        k->folders = part(&p, &n, h.n_folders, sizeof(*k->folders));
        k->entries = part(&p, &n, h.n_entries, sizeof(*k->entries));
        k->text = part(&p, &n, h.n_text, 1);
        if (!k->folders || !k->entries || !k->text || n > 0 || h.n_folders == 0 || h.n_text == 0 ||
                k->text[h.n_text - 1] != 0 || !imm_streq(k->text, c->cache_tag))
                return NULL;
        k->n_folders = h.n_folders;
        k->n_entries = h.n_entries;
        k->n_text = h.n_text;
        return are_sound(k) ? k : NULL;
}

const struct kept_folder *kept_folder(const struct kept_walk *k, const struct listing *l) {
        const struct kept_folder *f = k && l->kept ? &k->folders[l->kept - 1] : NULL;

        return f && memcmp(&f->seen, &l->seen, sizeof(f->seen)) == 0 ? f : NULL;
}

/* ---- writing it ---- */

struct writing {
        const struct walk *w;
        struct imm_arena *arena;
        IMM_ARRAY(char) text;
        struct kept_folder *folders;
        struct kept_entry *entries;
        size_t n_entries;
};

static uint32_t put_text(struct writing *k, const char *s) {
        const size_t n = strlen(s) + 1, at = k->text.n;

        while (k->text.cap < at + n)
                k->text.v = imm_array_grow(k->arena, k->text.v, at, &k->text.cap, 1);
        memcpy(k->text.v + at, s, n);
        k->text.n += n;
        return (uint32_t)at;
}

/* Would its times tell? Not if it changed just now. */
static bool is_known_again(
        const struct imm_closures *c, const struct seen_folder *f, uint64_t trusted) {
        return f->dev == trusted && f->ctime < c->since;
}

static void put_folder(
        struct imm_closures *c, struct writing *k, uint32_t number, uint64_t trusted) {
        const struct walk *w = k->w;
        const struct walked_folder *f = &w->folders[number];
        struct kept_folder *put = &k->folders[number];

        put->first = (uint32_t)k->n_entries;
        if (is_known_again(c, &f->seen, trusted))
                put->seen = f->seen;
        for (size_t i = f->node + 1; i < w->v[f->node].end; i = w->v[i].end) {
                k->entries[k->n_entries++] = (struct kept_entry){
                        .name = put_text(k, w->v[i].name),
                        .below = w->v[i].folder,
                        .type = IFTODT(w->v[i].mode),
                };
                put->n++;
        }
}

static bool is_worth_it(const struct imm_closures *c, const struct walk *w) {
        const uint64_t trusted = kept_device();

        if (w->kind != WALK_ALL || w->n_folders < WORTH_KEEPING || w->n > UINT32_MAX / 64)
                return false;
        for (size_t i = 0; i < w->n_folders; i++)
                if (w->folders[i].fresh && is_known_again(c, &w->folders[i].seen, trusted))
                        return true;
        return false;
}

void walk_keep(struct imm_closures *c, const struct walk *w) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = NULL;
        const uint64_t trusted = kept_device();
        struct kept_head h = {.magic = KEPT_MAGIC, .n_folders = w->n_folders};
        struct writing k = {.w = w};
        unsigned char *data, *at;
        size_t n;

        if (!c->cache_path || !is_worth_it(c, w))
                return;
        k.arena = a = imm_arena_new();
        k.folders = imm_alloc_array(a, w->n_folders, sizeof(*k.folders));
        k.entries = imm_alloc_array(a, w->n, sizeof(*k.entries));
        (void)put_text(&k, c->cache_tag);
        for (uint32_t i = 0; i < w->n_folders; i++)
                put_folder(c, &k, i, trusted);
        h.n_entries = k.n_entries;
        h.n_text = k.text.n;
        n = sizeof(h) + h.n_folders * sizeof(*k.folders) + h.n_entries * sizeof(*k.entries) +
            h.n_text;
        if (n > KEPT_MAX)
                return;
        data = at = imm_alloc(a, n);
        at += sizeof(h);
        memcpy(at, k.folders, h.n_folders * sizeof(*k.folders));
        at += h.n_folders * sizeof(*k.folders);
        memcpy(at, k.entries, h.n_entries * sizeof(*k.entries));
        at += h.n_entries * sizeof(*k.entries);
        memcpy(at, k.text.v, h.n_text);
        h.sum = kept_sum(data + sizeof(h), n - sizeof(h));
        memcpy(data, &h, sizeof(h));
        kept_write(kept_path(c, &w->folders[0].seen, a), data, n, a);
        kept_tidy(c->cache_path, KEPT_PREFIX, c->since, a);
}
