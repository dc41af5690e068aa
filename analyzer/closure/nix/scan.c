#include "analyzer/closure/nix/nix-private.h"

#include <errno.h>

/*
 * References as Nix finds them: the hash part of a store path, anywhere in what a NAR archive of
 * the path would hold: file contents, targets of links, names of entries. In the archive each of
 * these stands between length fields, which have bytes that no hash has; so they can be searched
 * one by one.
 */

enum { BUFFER = 256 * 1024, DEPTH_MAX = 200, DERIVATION_MAX = 64 << 20 };

struct scan {
        struct nix *x;
        struct imm_diags *diags;
        struct imm_arena *arena;
        void (*found)(void *data, const struct imm_dirent *entry);
        void *data;
        bool is_digit[256];
        unsigned char *buffer;
        uint64_t *seen; /* a bit per entry: each is told once */
};

static void hit(struct scan *s, const unsigned char *hash) {
        const struct imm_dirent *e = nix_entry_by_hash(s->x, (const char *)hash);
        size_t i;

        if (!e)
                return;
        i = (size_t)(e - s->x->listing.v);
        if (s->seen[i / 64] & UINT64_C(1) << (i % 64))
                return;
        s->seen[i / 64] |= UINT64_C(1) << (i % 64);
        s->found(s->data, e);
}

/* A window of 32 is looked at from its end, so that most bytes are never looked at. */
static void search(struct scan *s, const unsigned char *p, size_t n) {
        size_t i = 0;

        while (i + NIX_HASH <= n) {
                size_t j = NIX_HASH;

                while (j > 0 && s->is_digit[p[i + j - 1]])
                        j--;
                if (j > 0) {
                        i += j;
                        continue;
                }
                hit(s, p + i);
                i++;
                while (i + NIX_HASH <= n && s->is_digit[p[i + NIX_HASH - 1]]) {
                        hit(s, p + i); /* a longer run: its start is known to be digits */
                        i++;
                }
        }
}

static void unreadable(struct scan *s, const char *path, int error) {
        imm_diag_add(s->x->arena, s->diags, IMM_DIAG_UNREADABLE, "unreadable",
                imm_strdup(s->x->arena, path), 0, NULL, "cannot be searched for references: %s",
                strerror(-error));
}

/*
 * A derivation is no output of a build: Nix takes its references from what it says, which are its
 * second and third list (inputs), not the outputs in the first. @n bytes of it are left to search.
 */
static const unsigned char *inputs_of(const unsigned char *p, size_t *n) {
        const unsigned char *end = p + *n, *from = NULL;
        unsigned depth = 0, lists = 0;
        bool quoted = false;

        if (*n < 7 || memcmp(p, "Derive(", 7) != 0)
                return p;
        for (p += 7; p < end && lists < 3; p++) {
                if (quoted && *p == '\\')
                        p++;
                else if (*p == '"')
                        quoted = !quoted;
                else if (!quoted && *p == '[')
                        depth++;
                else if (!quoted && *p == ']' && depth > 0 && --depth == 0 && ++lists == 1)
                        from = p;
        }
        if (!from || p > end)
                return end - *n;
        *n = (size_t)(p - from);
        return from;
}

static void scan_derivation(struct scan *s, const char *path) {
        struct imm_blob b;
        int k = imm_root_read(s->x->c->root, path, DERIVATION_MAX, s->arena, &b, NULL);
        const unsigned char *p;

        if (k < 0) {
                unreadable(s, path, k);
                return;
        }
        p = inputs_of((const unsigned char *)b.data, &b.size);
        search(s, p, b.size);
}

static void scan_file(struct scan *s, const char *path) {
        imm_auto_close int fd = imm_root_open_file(s->x->c->root, path, NULL);
        size_t kept = 0;

        if (fd < 0) {
                unreadable(s, path, fd);
                return;
        }
        for (;;) {
                ssize_t k = read(fd, s->buffer + kept, BUFFER - kept);
                size_t n;

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        unreadable(s, path, -errno);
                if (k <= 0)
                        return;
                n = kept + (size_t)k;
                search(s, s->buffer, n);
                kept = n < NIX_HASH - 1 ? n : NIX_HASH - 1; /* a hash may go on in the next piece */
                memmove(s->buffer, s->buffer + n - kept, kept);
        }
}

static void scan_entry(struct scan *s, const char *path, unsigned char type, unsigned depth) {
        struct imm_dirent *e;
        const char *target;
        size_t n;
        int k = 0;

        switch (type) {
        case DT_REG:
                scan_file(s, path);
                return;
        case DT_LNK:
                k = imm_root_readlink(s->x->c->root, path, s->arena, &target);
                if (k == 0)
                        search(s, (const unsigned char *)target, strlen(target));
                break;
        case DT_DIR:
                k = depth > DEPTH_MAX ? -ELOOP
                                      : imm_root_list(s->x->c->root, path, s->arena, &e, &n);
                for (size_t i = 0; k == 0 && i < n; i++) {
                        search(s, (const unsigned char *)e[i].name, strlen(e[i].name));
                        scan_entry(s, imm_printf(s->arena, "%s/%s", path, e[i].name), e[i].type,
                                depth + 1);
                }
                break;
        default:
                return; /* a store path has nothing else */
        }
        if (k < 0)
                unreadable(s, path, k);
}

void nix_scan(struct nix *x, const struct nix_path *p, struct imm_diags *diags,
        void (*found)(void *data, const struct imm_dirent *entry), void *data) {
        imm_cleanup(imm_arena_free) struct imm_arena *arena = imm_arena_new();
        struct scan s = {.x = x, .diags = diags, .arena = arena, .found = found, .data = data};
        struct stat st;
        size_t n;
        int k = imm_root_lstat(x->c->root, p->path, &st);

        (void)nix_entries(x, &n);
        s.seen = imm_alloc_array(arena, n / 64 + 1, sizeof(*s.seen));
        s.buffer = imm_alloc(arena, BUFFER);
        for (unsigned d = 0; d < 256; d++)
                s.is_digit[d] = nix_is_base32((unsigned char)d);
        if (k < 0)
                unreadable(&s, p->path, k);
        else if (S_ISREG(st.st_mode) && imm_ends_with(p->path, ".drv"))
                scan_derivation(&s, p->path);
        else
                scan_entry(&s, p->path, (unsigned char)IFTODT(st.st_mode), 0);
}
