#include "analyzer/closure/nix/nix-private.h"

#include <endian.h>
#include <errno.h>
#include <sha2.h>

/*
 * A path that was added to a store, and not built, has no references, whatever its contents name.
 * Its own name tells: it is the hash of what it holds. A path can hold no hash of itself, so what
 * does is not looked at; and what is large is taken to be built.
 */

enum { BUFFER = 64 * 1024, DEPTH_MAX = 200, HASHED = 20 };
static const uint64_t SIZE_MAX_HASHED = UINT64_C(64) << 20;

struct archive { /* NAR, Nix's own: of everything, lengths before it and padded to eight bytes */
        struct nix *x;
        struct imm_arena *arena;
        SHA2_CTX sha;
        uint64_t size;
};

struct digest {
        uint8_t v[SHA256_DIGEST_LENGTH];
};

static void put(struct archive *a, const void *data, size_t n) {
        static const uint8_t zeroes[8];
        uint64_t length = htole64(n);

        SHA256Update(&a->sha, (const uint8_t *)&length, sizeof(length));
        SHA256Update(&a->sha, data, n);
        SHA256Update(&a->sha, zeroes, (8 - n % 8) % 8);
}

static void put_text(struct archive *a, const char *s) {
        put(a, s, strlen(s));
}

/* All bytes of the file, which must be as many as its size says */
static int read_file(struct archive *a, int fd, uint64_t size) {
        uint8_t *buffer = imm_alloc(a->arena, BUFFER);

        a->size += size;
        if (a->size > SIZE_MAX_HASHED)
                return -EFBIG;
        while (size > 0) {
                ssize_t k = read(fd, buffer, size < BUFFER ? (size_t)size : BUFFER);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return k < 0 ? -errno : -EIO;
                SHA256Update(&a->sha, buffer, (size_t)k);
                size -= (uint64_t)k;
        }
        return 0;
}

static int put_file(struct archive *a, const char *path) {
        struct stat st;
        imm_auto_close int fd = imm_root_open_file(a->x->c->root, path, &st);
        static const uint8_t zeroes[8];
        uint64_t length;
        int k;

        if (fd < 0)
                return fd;
        put_text(a, "regular");
        if (st.st_mode & S_IXUSR) {
                put_text(a, "executable");
                put_text(a, "");
        }
        put_text(a, "contents");
        length = htole64((uint64_t)st.st_size);
        SHA256Update(&a->sha, (const uint8_t *)&length, sizeof(length));
        k = read_file(a, fd, (uint64_t)st.st_size);
        SHA256Update(&a->sha, zeroes, (8 - (size_t)st.st_size % 8) % 8);
        return k;
}

static int put_node(struct archive *a, const char *path, unsigned char type, unsigned depth);

static int put_directory(struct archive *a, const char *path, unsigned depth) {
        struct imm_dirent *e;
        size_t n;
        int k = depth > DEPTH_MAX ? -ELOOP : imm_root_list(a->x->c->root, path, a->arena, &e, &n);

        if (k < 0)
                return k;
        put_text(a, "directory");
        for (size_t i = 0; k == 0 && i < n; i++) {
                put_text(a, "entry");
                put_text(a, "(");
                put_text(a, "name");
                put_text(a, e[i].name);
                put_text(a, "node");
                k = put_node(
                        a, imm_printf(a->arena, "%s/%s", path, e[i].name), e[i].type, depth + 1);
                put_text(a, ")");
        }
        return k;
}

static int put_node(struct archive *a, const char *path, unsigned char type, unsigned depth) {
        const char *target;
        int k = -EINVAL; /* a store path has nothing else */

        put_text(a, "(");
        put_text(a, "type");
        if (type == DT_REG)
                k = put_file(a, path);
        else if (type == DT_DIR)
                k = put_directory(a, path, depth);
        else if (type == DT_LNK) {
                k = imm_root_readlink(a->x->c->root, path, a->arena, &target);
                put_text(a, "symlink");
                put_text(a, "target");
                if (k == 0)
                        put_text(a, target);
        }
        put_text(a, ")");
        return k;
}

static struct digest digest_of(SHA2_CTX *sha) {
        struct digest d;

        SHA256Final(d.v, sha);
        return d;
}

static const char *in_hex(const struct digest *d, struct imm_arena *a) {
        static const char digits[] = "0123456789abcdef";
        char *s = imm_alloc(a, 2 * sizeof(d->v) + 1);

        for (size_t i = 0; i < sizeof(d->v); i++) {
                s[2 * i] = digits[d->v[i] >> 4];
                s[2 * i + 1] = digits[d->v[i] & 15];
        }
        s[2 * sizeof(d->v)] = 0;
        return s;
}

/* The hash of a store path is that of what it is, folded to 160 bits, in Nix's own digits. */
static bool is_path_of(const char *path, const char *type, const char *hash, struct imm_arena *a) {
        static const char digits[] = "0123456789abcdfghijklmnpqrsvwxyz";
        const char *name = path + strlen(NIX_STORE "/"), *text;
        uint8_t folded[HASHED + 1] = {0};
        struct digest d;
        SHA2_CTX sha;

        text = imm_printf(a, "%s:sha256:%s:" NIX_STORE ":%s", type, hash, name + NIX_HASH + 1);
        SHA256Init(&sha);
        SHA256Update(&sha, (const uint8_t *)text, strlen(text));
        d = digest_of(&sha);
        for (size_t i = 0; i < sizeof(d.v); i++)
                folded[i % HASHED] ^= d.v[i];
        for (size_t i = 0; i < NIX_HASH; i++) {
                size_t bit = (NIX_HASH - 1 - i) * 5;
                unsigned two = folded[bit / 8] | (unsigned)folded[bit / 8 + 1] << 8;

                if (name[i] != digits[two >> bit % 8 & 31])
                        return false;
        }
        return true;
}

/* One file, as its bytes alone say: builtins.toFile, or what a fetch was to give */
static bool is_flat(struct archive *a, const char *path) {
        struct stat st;
        imm_auto_close int fd = imm_root_open_file(a->x->c->root, path, &st);
        struct digest d;
        const char *text;

        SHA256Init(&a->sha);
        if (fd < 0 || read_file(a, fd, (uint64_t)st.st_size) < 0)
                return false;
        d = digest_of(&a->sha);
        if (is_path_of(path, "text", in_hex(&d, a->arena), a->arena))
                return true;
        text = imm_printf(a->arena, "fixed:out:sha256:%s:", in_hex(&d, a->arena));
        SHA256Init(&a->sha);
        SHA256Update(&a->sha, (const uint8_t *)text, strlen(text));
        d = digest_of(&a->sha);
        return is_path_of(path, "output:out", in_hex(&d, a->arena), a->arena);
}

bool nix_is_source(struct nix *x, const struct nix_path *p) {
        imm_cleanup(imm_arena_free) struct imm_arena *arena = imm_arena_new();
        struct archive a = {.x = x, .arena = arena};
        struct digest d;
        struct stat st;

        if (imm_root_lstat(x->c->root, p->path, &st) < 0)
                return false;
        SHA256Init(&a.sha);
        put_text(&a, "nix-archive-1");
        if (put_node(&a, p->path, (unsigned char)IFTODT(st.st_mode), 0) < 0)
                return false;
        d = digest_of(&a.sha);
        if (is_path_of(p->path, "source", in_hex(&d, arena), arena))
                return true;
        a.size = 0;
        return S_ISREG(st.st_mode) && is_flat(&a, p->path);
}
