#include "analyzer/closure/nix/nix-private.h"

#include <endian.h>
#include <errno.h>
#include <md5.h>
#include <sha1.h>
#include <sha2.h>

/*
 * A path that was added to a store, and not built, has no references, whatever its contents name;
 * likewise one whose hash was known before it was made. Its own name tells: it is the hash of what
 * it holds. (Of builtins.toFile, and of builds that are named by their contents, also of what they
 * refer to.) A path that holds its own hash is not looked at: that is of a build.
 */

enum { BUFFER = 64 * 1024, DEPTH_MAX = 200, HASHED = 20, DIGEST_MAX = SHA512_DIGEST_LENGTH };
/* Bytes for all paths together: beyond it cannot be told, and for the rarer algorithms it is built
 */
static const uint64_t BYTES_MAX = UINT64_C(4) << 30, BYTES_MAX_RARE = UINT64_C(1) << 30;

enum pass { COMMON, RARE }; /* SHA-256; then all others at once */

struct hashes {
        enum pass pass;
        SHA2_CTX sha256, sha512;
        MD5_CTX md5;
        SHA1_CTX sha1;
};

struct archive { /* NAR, Nix's own: of everything, lengths before it and padded to eight bytes */
        struct nix *x;
        struct imm_arena *arena;
        struct hashes nar;
        struct hashes flat; /* of a single file: its bytes alone */
};

static void hashes_start(struct hashes *h, enum pass pass) {
        h->pass = pass;
        SHA256Init(&h->sha256);
        SHA512Init(&h->sha512);
        MD5Init(&h->md5);
        SHA1Init(&h->sha1);
}

static void hashes_add(struct hashes *h, const void *data, size_t n) {
        if (h->pass == COMMON) {
                SHA256Update(&h->sha256, data, n);
                return;
        }
        SHA512Update(&h->sha512, data, n);
        MD5Update(&h->md5, data, n);
        SHA1Update(&h->sha1, data, n);
}

static void put(struct archive *a, const void *data, size_t n) {
        static const uint8_t zeroes[8];
        uint64_t length = htole64(n);

        hashes_add(&a->nar, &length, sizeof(length));
        hashes_add(&a->nar, data, n);
        hashes_add(&a->nar, zeroes, (8 - n % 8) % 8);
}

static void put_text(struct archive *a, const char *s) {
        put(a, s, strlen(s));
}

/* All bytes of the file, which must be as many as its size says */
static int read_file(struct archive *a, int fd, uint64_t size) {
        uint8_t *buffer;

        if (size > BYTES_MAX || a->x->hashed + size > BYTES_MAX)
                return -EFBIG;
        a->x->hashed += size;
        buffer = imm_alloc(a->arena, BUFFER);
        while (size > 0) {
                ssize_t k = read(fd, buffer, size < BUFFER ? (size_t)size : BUFFER);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return k < 0 ? -errno : -EIO;
                hashes_add(&a->nar, buffer, (size_t)k);
                hashes_add(&a->flat, buffer, (size_t)k);
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
        hashes_add(&a->nar, &length, sizeof(length));
        k = read_file(a, fd, (uint64_t)st.st_size);
        hashes_add(&a->nar, zeroes, (8 - (size_t)st.st_size % 8) % 8);
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

static const char *in_hex(const uint8_t *v, size_t n, struct imm_arena *a) {
        static const char digits[] = "0123456789abcdef";
        char *s = imm_alloc(a, 2 * n + 1);

        for (size_t i = 0; i < n; i++) {
                s[2 * i] = digits[v[i] >> 4];
                s[2 * i + 1] = digits[v[i] & 15];
        }
        s[2 * n] = 0;
        return s;
}

static void sha256_of(const char *text, uint8_t ret[static SHA256_DIGEST_LENGTH]) {
        SHA2_CTX sha;

        SHA256Init(&sha);
        SHA256Update(&sha, (const uint8_t *)text, strlen(text));
        SHA256Final(ret, &sha);
}

/* The hash of a store path is that of what it is, folded to 160 bits, in Nix's own digits. */
static bool is_path_of(const char *path, const char *type, const char *hash, struct imm_arena *a) {
        static const char digits[] = "0123456789abcdfghijklmnpqrsvwxyz";
        const char *name = path + strlen(NIX_STORE "/");
        uint8_t folded[HASHED + 1] = {0}, d[SHA256_DIGEST_LENGTH];

        sha256_of(
                imm_printf(a, "%s:sha256:%s:" NIX_STORE ":%s", type, hash, name + NIX_HASH + 1), d);
        for (size_t i = 0; i < sizeof(d); i++)
                folded[i % HASHED] ^= d[i];
        for (size_t i = 0; i < NIX_HASH; i++) {
                size_t bit = (NIX_HASH - 1 - i) * 5;
                unsigned two = folded[bit / 8] | (unsigned)folded[bit / 8 + 1] << 8;

                if (name[i] != digits[two >> bit % 8 & 31])
                        return false;
        }
        return true;
}

/* What a fetch was to give: @how is "sha1:" or "r:sha1:" */
static bool is_fixed(const char *path, const char *how, const char *hash, struct imm_arena *a) {
        uint8_t d[SHA256_DIGEST_LENGTH];

        sha256_of(imm_printf(a, "fixed:out:%s%s:", how, hash), d);
        return is_path_of(path, "output:out", in_hex(d, sizeof(d), a), a);
}

static bool is_fixed_by_rare(
        const char *path, const char *mode, struct hashes *h, struct imm_arena *a) {
        uint8_t d[DIGEST_MAX];

        MD5Final(d, &h->md5);
        if (is_fixed(path, imm_printf(a, "%smd5:", mode), in_hex(d, MD5_DIGEST_LENGTH, a), a))
                return true;
        SHA1Final(d, &h->sha1);
        if (is_fixed(path, imm_printf(a, "%ssha1:", mode), in_hex(d, SHA1_DIGEST_LENGTH, a), a))
                return true;
        SHA512Final(d, &h->sha512);
        return is_fixed(
                path, imm_printf(a, "%ssha512:", mode), in_hex(d, SHA512_DIGEST_LENGTH, a), a);
}

static int by_path(const void *a, const void *b) {
        return strcmp((*(struct nix_path *const *)a)->path, (*(struct nix_path *const *)b)->path);
}

/* Of how many references each set is tried; of more all or none. Texts are few, trees many. */
enum { SETS_OF_TEXT = 12, SETS_OF_TREE = 6 };

/* Is its name made of @type, the hash and some of what it names? Those are its references then. */
static bool names_some(const struct nix_path *p, const char *type, unsigned max, const char *hash,
        struct nix_path **refs, size_t *n, struct imm_arena *a) {
        unsigned all;

        if (*n > 1)
                qsort(refs, *n, sizeof(*refs), by_path);
        all = *n <= max ? (1U << *n) - 1 : 1;
        for (unsigned set = 0; set <= all; set++) {
                imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
                const char *made_of = type;
                size_t left = 0;

                for (size_t i = 0; i < *n; i++)
                        if (*n > max ? set : set >> i & 1)
                                made_of = imm_printf(scratch, "%s:%s", made_of, refs[i]->path);
                if (!is_path_of(p->path, made_of, hash, scratch))
                        continue;
                for (size_t i = 0; i < *n; i++)
                        if (*n > max ? set : set >> i & 1)
                                refs[left++] = refs[i];
                *n = left;
                return true;
        }
        return false;
}

static int hash_all(struct archive *a, const struct nix_path *p, mode_t mode, enum pass pass) {
        hashes_start(&a->nar, pass);
        hashes_start(&a->flat, pass);
        put_text(a, "nix-archive-1");
        return put_node(a, p->path, (unsigned char)IFTODT(mode), 0);
}

static bool is_added(struct archive *a, const struct nix_path *p, mode_t mode,
        struct nix_path **refs, size_t *n) {
        const char *hash;
        uint8_t d[SHA256_DIGEST_LENGTH];

        SHA256Final(d, &a->nar.sha256);
        /* added: without references; built and then named by its contents: with some */
        hash = in_hex(d, sizeof(d), a->arena);
        if (names_some(p, "source", SETS_OF_TREE, hash, refs, n, a->arena))
                return true;
        if (!S_ISREG(mode))
                return false;
        SHA256Final(d, &a->flat.sha256);
        hash = in_hex(d, sizeof(d), a->arena);
        if (is_fixed(p->path, "sha256:", hash, a->arena))
                return *n = 0, true;
        /* builtins.toFile: of the paths that its text names those that the evaluation knew of */
        return !(mode & S_IXUSR) && names_some(p, "text", SETS_OF_TEXT, hash, refs, n, a->arena);
}

int nix_added(struct nix *x, const struct nix_path *p, struct nix_path **refs, size_t *n) {
        imm_cleanup(imm_arena_free) struct imm_arena *arena = imm_arena_new();
        struct archive a = {.x = x, .arena = arena};
        struct stat st;
        int k;

        if (imm_root_lstat(x->c->root, p->path, &st) < 0)
                return -ENOENT;
        k = hash_all(&a, p, st.st_mode, COMMON);
        if (k < 0 || is_added(&a, p, st.st_mode, refs, n))
                return k;
        if (x->hashed > BYTES_MAX_RARE || hash_all(&a, p, st.st_mode, RARE) < 0)
                return 0;
        if (is_fixed_by_rare(p->path, "r:", &a.nar, arena) ||
                (S_ISREG(st.st_mode) && is_fixed_by_rare(p->path, "", &a.flat, arena)))
                *n = 0;
        return 0;
}
