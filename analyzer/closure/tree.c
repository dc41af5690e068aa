#include "analyzer/closure/elf/elfcache.h"

#include <errno.h>
#include <fcntl.h>

enum { BINPRM_BUF_SIZE = 256, /* what the kernel looks at of a first line */ TEXT_MAX = 1 << 20 };

/*
 * Most of what is asked for is not there: each of a PATH's directories is asked for every command.
 * A directory that missed a few times is listed once.
 */
enum { MISSES = 6, OPEN_MAX = 200 };
struct folder {
        unsigned misses;
        bool listed;
        struct imm_map names;
        int fd; /* -1: not opened */
};

static struct node nowhere = {.host = "", .error = -ENOENT, .folder = -1};

/* Where it is told by which files an answer was found, each that is missing has a name. */
static struct node *absent(struct tree_part *t, const char *host) {
        struct node *n = imm_new(t->arena, struct node);

        *n = nowhere;
        n->host = imm_strdup(t->arena, host);
        return n;
}

/* Many files lie in few directories: these stay open. Not the top, whose entries may be elsewhere.
 */
static int open_folder(struct imm_closures *c, const char *path) {
        int fd;

        if (!path[1] || __atomic_load_n(&c->n_open, __ATOMIC_RELAXED) >= OPEN_MAX)
                return -1;
        fd = imm_root_open_path(c->root, path, O_DIRECTORY | O_NOFOLLOW);
        if (fd >= 0)
                (void)__atomic_fetch_add(&c->n_open, 1, __ATOMIC_RELAXED);
        return fd;
}

static const char *folder_path(struct imm_arena *a, const char *host, const char *slash) {
        return slash == host ? "/" : imm_strndup(a, host, (size_t)(slash - host));
}

static struct folder *folder_of(
        struct imm_closures *c, struct tree_part *t, const char *host, const char *slash) {
        struct folder *f =
                imm_map_get_n(&t->folders, host, slash == host ? 1 : (size_t)(slash - host));

        if (!f) {
                const char *path = folder_path(t->arena, host, slash);

                f = imm_new(t->arena, struct folder);
                f->fd = open_folder(c, path);
                imm_map_put(t->arena, &t->folders, path, f);
        }
        return f;
}

static void free_part(void *data) {
        struct tree_part *t = data;

        t->arena = imm_arena_free(t->arena);
}

void tree_init(struct imm_closures *c) {
        for (size_t i = 0; i < TREE_PARTS; i++) {
                struct tree_part *t = &c->tree[i];

                (void)pthread_mutex_init(&t->lock, NULL);
                t->arena = imm_arena_new();
                imm_arena_defer(c->arena, free_part, t);
        }
}

void tree_done(struct imm_closures *c) {
        for (size_t i = 0; i < TREE_PARTS; i++) {
                imm_array_foreach (e, &c->tree[i].folders) {
                        const struct folder *f = e->value;

                        if (f->fd >= 0)
                                (void)close(f->fd);
                }
                (void)pthread_mutex_destroy(&c->tree[i].lock);
        }
}

/* The part that @host lies in, by its directory */
static struct tree_part *part_of(struct imm_closures *c, const char *host) {
        const char *slash = strrchr(host, '/');

        return &c->tree[imm_map_hash(host, slash ? (size_t)(slash - host) : 0) % TREE_PARTS];
}

/* What the file system says, without a lock: others look elsewhere meanwhile. */
static int look_up(struct imm_closures *c, int folder, const char *host, struct stat *ret) {
        return folder >= 0 ? imm_root_lstat_in(folder, strrchr(host, '/') + 1, ret)
                           : imm_root_lstat(c->root, host, ret);
}

static struct node *node_of(struct imm_closures *c, struct tree_part *t, int folder,
        const char *host, int error, const struct stat *st) {
        struct node *n = imm_new(t->arena, struct node);

        n->host = imm_strdup(t->arena, host);
        n->folder = folder;
        if (folder >= 0)
                n->name = strrchr(n->host, '/') + 1;
        n->error = error;
        if (n->error < 0)
                return n;
        n->mode = st->st_mode;
        n->uid = st->st_uid;
        n->gid = st->st_gid;
        n->dev = st->st_dev;
        n->ino = st->st_ino;
        n->size = st->st_size > 0 ? (uint64_t)st->st_size : 0;
        n->mtime = st->st_mtim;
        n->ctime = st->st_ctim;
        if (S_ISLNK(st->st_mode))
                n->error = n->folder >= 0
                                   ? imm_root_readlink_in(n->folder, n->name, t->arena, &n->target)
                                   : imm_root_readlink(c->root, host, t->arena, &n->target);
        return n;
}

static void missed(
        struct imm_closures *c, struct tree_part *t, struct folder *f, const char *host) {
        struct imm_dirent *e = NULL;
        size_t n = 0;
        int r;

        if (++f->misses != MISSES)
                return;
        r = imm_root_list(
                c->root, folder_path(t->arena, host, strrchr(host, '/')), t->arena, &e, &n);
        f->listed = r == 0 || r == -ENOENT || r == -ENOTDIR;
        for (size_t i = 0; r == 0 && i < n; i++)
                imm_map_put(t->arena, &f->names, e[i].name, f);
}

static struct node *add_node(struct imm_closures *c, struct tree_part *t, struct node *n) {
        n->number = __atomic_fetch_add(&c->n_nodes, 1, __ATOMIC_RELAXED);
        imm_map_put(t->arena, &t->nodes, n->host, n);
        return n;
}

/*
 * What is known of @host, or what a list of its folder says: NULL where the file system must be
 * asked, which is done without a lock. Then *ret is its folder, NULL at the top.
 */
static struct node *known_node(
        struct imm_closures *c, struct tree_part *t, const char *host, struct folder **ret) {
        struct node *n = imm_map_get(&t->nodes, host);
        const char *slash = strrchr(host, '/');

        *ret = NULL;
        if (n)
                return n;
        if (slash && slash[1])
                *ret = folder_of(c, t, host, slash);
        if (!*ret || !(*ret)->listed || imm_map_has(&(*ret)->names, slash + 1))
                return NULL;
        return c->cache_path ? add_node(c, t, absent(t, host)) : &nowhere;
}

struct node *node_get(struct imm_closures *c, const char *host) {
        struct tree_part *t = part_of(c, host);
        struct folder *f;
        struct stat st;
        struct node *n;
        int folder, error;

        (void)pthread_mutex_lock(&t->lock);
        n = known_node(c, t, host, &f);
        folder = f ? f->fd : -1;
        (void)pthread_mutex_unlock(&t->lock);
        if (n)
                return n;
        error = look_up(c, folder, host, &st);
        (void)pthread_mutex_lock(&t->lock);
        n = imm_map_get(&t->nodes, host); /* another thread may have been here meanwhile */
        if (!n) {
                n = add_node(c, t, node_of(c, t, folder, host, error, &st));
                if (f && (n->error == -ENOENT || n->error == -ENOTDIR))
                        missed(c, t, f, host);
        }
        (void)pthread_mutex_unlock(&t->lock);
        return n;
}

/* ---- contents ---- */

static void free_reader(void *data) {
        struct file_reader *r = data;

        r->arena = imm_arena_free(r->arena);
}

/* What a file's tables are read to is soon as large as the largest of them: it is used again. */
static struct imm_arena *scratch_take(struct imm_closures *c) {
        struct imm_arena *a = NULL;

        (void)pthread_mutex_lock(&c->scratch_lock);
        if (c->n_scratch > 0)
                a = c->scratch[--c->n_scratch];
        (void)pthread_mutex_unlock(&c->scratch_lock);
        return a ? a : imm_arena_new();
}

static void scratch_give(struct imm_closures *c, struct imm_arena *a) {
        imm_arena_reset(a);
        (void)pthread_mutex_lock(&c->scratch_lock);
        if (c->n_scratch < READERS)
                c->scratch[c->n_scratch++] = imm_steal(a);
        (void)pthread_mutex_unlock(&c->scratch_lock);
        imm_arena_free(a);
}

static struct stat seen(const struct node *n) {
        return (struct stat){.st_dev = n->dev, .st_ino = n->ino, .st_mode = n->mode};
}

static int open_node(struct imm_closures *c, const struct node *n, struct stat *ret) {
        const struct stat st = seen(n);

        return n->folder >= 0 ? imm_root_open_file_in(n->folder, n->name, &st, ret)
                              : imm_root_open_file(c->root, n->host, ret);
}

int node_read(struct imm_closures *c, struct node *n, size_t max, struct imm_arena *a,
        struct imm_blob *ret) {
        const struct stat st = seen(n);

        if (n->error < 0)
                return n->error;
        node_minds_content(n);
        return n->folder >= 0 ? imm_root_read_in(n->folder, n->name, &st, max, a, ret)
                              : imm_root_read(c->root, n->host, max, a, ret, NULL);
}

/* Locked for the caller. Whoever holds it must not ask for c->lock. */
static struct file_reader *reader_of(struct imm_closures *c, const struct node *n) {
        struct file_reader *r = &c->readers[(uintptr_t)n / sizeof(*n) % READERS];

        {
                CLOSURES_LOCKED(c);

                if (!c->elfcache && c->cache_path)
                        c->elfcache =
                                elfcache_open(c->cache_path, c->cache_tag, c->since, c->arena);
                if (!r->arena) {
                        r->arena = imm_arena_new();
                        imm_arena_defer(c->arena, free_reader, r);
                }
        }
        (void)pthread_mutex_lock(&r->lock);
        return r;
}

/* Reads its ELF tables or, of a script, the first line and what else came with it, with one
 * opening. */
static void look_into(struct imm_closures *c, struct file_reader *in, struct node *n) {
        imm_auto_close int fd = -1;
        unsigned char head[ELF_HEAD_MAX];
        struct imm_arena *scratch;
        struct imm_elf *e;
        struct stat st;
        ssize_t k;

        n->elf_error = n->error ? n->error : S_ISREG(n->mode) ? 0 : -EINVAL;
        if (n->elf_error < 0)
                return;
        fd = open_node(c, n, &st);
        if (fd < 0) {
                n->elf_error = fd;
                return;
        }
        k = pread(fd, head, sizeof(head), 0);
        if (k >= 2 && head[0] == '#' && head[1] == '!') {
                size_t len = 2;

                while (len < (size_t)k && len < BINPRM_BUF_SIZE && head[len] != '\n' && head[len])
                        len++;
                n->shebang = imm_strndup(in->arena, (const char *)head + 2, len - 2);
                if (k == st.st_size)
                        n->script = (struct imm_blob){
                                imm_strndup(in->arena, (const char *)head, (size_t)k), (size_t)k};
        }
        if (k < 4 || memcmp(head, "\177ELF", 4) != 0) {
                n->elf_error = k < 0 ? -EIO : -ENOEXEC;
                return;
        }
        e = imm_new(in->arena, struct imm_elf);
        scratch = scratch_take(c);
        n->elf_error = imm_elf_read_imports(fd, (uint64_t)st.st_size, head, (size_t)k, in->arena,
                scratch, note_nss_import, &n->nss, e, &n->elf_why);
        if (n->elf_error == 0)
                n->elf = e;
        scratch_give(c, scratch);
}

static void know_content(struct imm_closures *c, struct node *n) {
        struct file_reader *in;

        if (node_knows(&n->elf_known))
                return;
        node_minds_content(n);
        in = reader_of(c, n);
        if (!n->elf_known) {
                if (!elfcache_get(c->elfcache, n, in->arena))
                        look_into(c, in, n);
                node_learned(&n->elf_known);
        }
        (void)pthread_mutex_unlock(&in->lock);
}

const struct imm_elf *node_elf(struct imm_closures *c, struct node *n) {
        know_content(c, n);
        return n->elf;
}

const char *node_shebang(struct imm_closures *c, struct node *n) {
        know_content(c, n);
        return n->shebang;
}

unsigned node_nss(struct imm_closures *c, struct node *n) {
        know_content(c, n);
        return n->nss;
}

const char *node_text(struct imm_closures *c, struct node *n) {
        struct imm_blob b;

        if (node_knows(&n->text_known))
                return n->text;
        CLOSURES_LOCKED(c);
        if (n->text_known)
                return n->text;
        n->text = node_read(c, n, TEXT_MAX, c->arena, &b) < 0 ? "" : b.data;
        node_learned(&n->text_known);
        return n->text;
}
