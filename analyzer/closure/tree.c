#include "analyzer/closure/elf/elfcache.h"

#include <errno.h>
#include <fcntl.h>

enum { BINPRM_BUF_SIZE = 256, /* what the kernel looks at of a first line */ TEXT_MAX = 1 << 20 };

static struct node *known_node(struct imm_closures *c, const char *host) {
        struct node *n;

        (void)pthread_rwlock_rdlock(&c->nodes_lock);
        n = imm_map_get(&c->nodes, host);
        (void)pthread_rwlock_unlock(&c->nodes_lock);
        return n;
}

/*
 * Most of what is asked for is not there: each of a PATH's directories is asked for every command.
 * A directory that missed a few times is listed once.
 */
enum { MISSES = 6, OPEN_MAX = 200 };
struct folder {
        unsigned misses;
        bool listed;
        struct imm_map names;
        int fd; /* plus one; 0: not opened, -1: not to be */
};

static struct node nowhere = {.host = "", .error = -ENOENT, .folder = -1};

/* Where it is told by which files an answer was found, each that is missing has a name. */
static struct node *absent(struct imm_closures *c, const char *host) {
        struct node *n = imm_new(c->arena, struct node);

        *n = nowhere;
        n->host = imm_strdup(c->arena, host);
        return n;
}

/* Many files lie in few directories: these stay open. Not the top, whose entries may be elsewhere.
 */
static void open_folder(struct imm_closures *c, struct folder *f, const char *path) {
        int fd = c->n_open < OPEN_MAX && path[1]
                         ? imm_root_open_path(c->root, path, O_DIRECTORY | O_NOFOLLOW)
                         : -1;

        f->fd = fd < 0 ? -1 : fd + 1;
        c->n_open += fd >= 0;
}

static struct folder *folder_of(struct imm_closures *c, const char *host, const char *slash) {
        const char *path =
                slash == host ? "/" : imm_strndup(c->arena, host, (size_t)(slash - host));
        struct folder *f = imm_map_get(&c->folders, path);

        if (!f) {
                f = imm_new(c->arena, struct folder);
                imm_map_put(c->arena, &c->folders, path, f);
                open_folder(c, f, path);
        }
        return f;
}

void close_folders(struct imm_closures *c) {
        imm_array_foreach (e, &c->folders) {
                struct folder *f = e->value;

                if (f->fd > 0)
                        (void)close(f->fd - 1);
        }
}

/* What the file system says, without a lock: others look elsewhere meanwhile. */
static int look_up(struct imm_closures *c, int folder, const char *host, struct stat *ret) {
        return folder >= 0 ? imm_root_lstat_in(folder, strrchr(host, '/') + 1, ret)
                           : imm_root_lstat(c->root, host, ret);
}

static struct node *node_of(
        struct imm_closures *c, int folder, const char *host, int error, const struct stat *st) {
        struct node *n = imm_new(c->arena, struct node);

        n->host = imm_strdup(c->arena, host);
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
                                   ? imm_root_readlink_in(n->folder, n->name, c->arena, &n->target)
                                   : imm_root_readlink(c->root, host, c->arena, &n->target);
        return n;
}

static void missed(struct imm_closures *c, struct folder *f, const char *host, const char *slash) {
        struct imm_dirent *e = NULL;
        size_t n = 0;
        int r;

        if (++f->misses != MISSES)
                return;
        r = imm_root_list(c->root,
                slash == host ? "/" : imm_strndup(c->arena, host, (size_t)(slash - host)), c->arena,
                &e, &n);
        f->listed = r == 0 || r == -ENOENT || r == -ENOTDIR;
        for (size_t i = 0; r == 0 && i < n; i++)
                imm_map_put(c->arena, &f->names, e[i].name, f);
}

/* Is it known, by a list of its folder, that there is no such file? Else where that is open. */
static bool is_missing(struct imm_closures *c, const char *host, struct folder **ret, int *folder) {
        const char *slash = strrchr(host, '/');
        struct folder *f = NULL;
        CLOSURES_LOCKED(c);

        if (slash && slash[1])
                f = folder_of(c, host, slash);
        *ret = f;
        *folder = f && f->fd > 0 ? f->fd - 1 : -1;
        return f && f->listed && !imm_map_has(&f->names, slash + 1);
}

struct node *node_get(struct imm_closures *c, const char *host) {
        struct node *n = known_node(c, host), *had;
        struct folder *f;
        struct stat st;
        bool missing;
        int folder, error;

        if (n)
                return n;
        missing = is_missing(c, host, &f, &folder);
        if (missing && !c->cache_path)
                return &nowhere;
        error = missing ? -ENOENT : look_up(c, folder, host, &st);
        CLOSURES_LOCKED(c);
        had = known_node(c, host); /* another thread may have been here meanwhile */
        if (had)
                return had;
        n = missing ? absent(c, host) : node_of(c, folder, host, error, &st);
        (void)pthread_rwlock_wrlock(&c->nodes_lock);
        n->number = (unsigned)c->nodes.n;
        imm_map_put(c->arena, &c->nodes, n->host, n);
        (void)pthread_rwlock_unlock(&c->nodes_lock);
        if (f && !missing && (n->error == -ENOENT || n->error == -ENOTDIR))
                missed(c, f, host, strrchr(host, '/'));
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
