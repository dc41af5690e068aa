#include "analyzer/closure/elfcache.h"

#include <errno.h>
#include <fcntl.h>

static struct node *known_node(struct imm_closures *c, const char *host) {
        struct node *n;

        (void)pthread_rwlock_rdlock(&c->nodes_lock);
        n = imm_map_get(&c->nodes, host);
        (void)pthread_rwlock_unlock(&c->nodes_lock);
        return n;
}

static struct node *look_at(struct imm_closures *c, const char *host) {
        struct node *n = imm_new(c->arena, struct node);
        struct stat st;

        n->host = imm_strdup(c->arena, host);
        n->error = imm_root_lstat(c->root, host, &st);
        if (n->error < 0)
                return n;
        n->mode = st.st_mode;
        n->uid = st.st_uid;
        n->gid = st.st_gid;
        n->dev = st.st_dev;
        n->ino = st.st_ino;
        n->size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
        n->mtime = st.st_mtim;
        n->ctime = st.st_ctim;
        if (S_ISLNK(st.st_mode))
                n->error = imm_root_readlink(c->root, host, c->arena, &n->target);
        return n;
}

struct node *node_get(struct imm_closures *c, const char *host) {
        struct node *n = known_node(c, host);

        if (n)
                return n;
        CLOSURES_LOCKED(c);
        n = known_node(c, host); /* another thread may have been here meanwhile */
        if (n)
                return n;
        n = look_at(c, host);
        (void)pthread_rwlock_wrlock(&c->nodes_lock);
        imm_map_put(c->arena, &c->nodes, n->host, n);
        (void)pthread_rwlock_unlock(&c->nodes_lock);
        return n;
}

/* Reads its ELF tables and, of a script, the first line; both with one opening. */
static void look_into(struct imm_closures *c, struct node *n) {
        imm_auto_close int fd = -1;
        struct imm_elf *e;
        struct stat st;
        char head[256]; /* BINPRM_BUF_SIZE: what the kernel looks at */
        ssize_t k;

        n->elf_error = n->error ? n->error : S_ISREG(n->mode) ? 0 : -EINVAL;
        if (n->elf_error < 0)
                return;
        fd = imm_root_open_file(c->root, n->host, &st);
        if (fd < 0) {
                n->elf_error = fd;
                return;
        }
        k = pread(fd, head, sizeof(head), 0);
        if (k >= 2 && head[0] == '#' && head[1] == '!') {
                size_t len = 2;

                while (len < (size_t)k && head[len] != '\n' && head[len])
                        len++;
                n->shebang = imm_strndup(c->arena, head + 2, len - 2);
        }
        if (k < 4 || memcmp(head, "\177ELF", 4) != 0) {
                n->elf_error = k < 0 ? -EIO : -ENOEXEC;
                return;
        }
        e = imm_new(c->arena, struct imm_elf);
        n->elf_error = imm_elf_read(fd, (uint64_t)st.st_size, c->arena, e, &n->elf_why);
        if (n->elf_error == 0)
                n->elf = e;
}

static void know_content(struct imm_closures *c, struct node *n) {
        if (node_knows(&n->elf_known))
                return;
        CLOSURES_LOCKED(c);
        if (n->elf_known)
                return;
        if (!c->elfcache && c->cache_path)
                c->elfcache = elfcache_open(c->cache_path, c->cache_tag, c->arena);
        if (!elfcache_get(c->elfcache, n, c->arena))
                look_into(c, n);
        node_learned(&n->elf_known);
}

const struct imm_elf *node_elf(struct imm_closures *c, struct node *n) {
        know_content(c, n);
        return n->elf;
}

const char *node_shebang(struct imm_closures *c, struct node *n) {
        know_content(c, n);
        return n->shebang;
}

enum { TEXT_MAX = 1 << 20 };

const char *node_text(struct imm_closures *c, struct node *n) {
        struct imm_blob b;

        if (node_knows(&n->text_known))
                return n->text;
        CLOSURES_LOCKED(c);
        if (n->text_known)
                return n->text;
        n->text = imm_root_read(c->root, n->host, TEXT_MAX, c->arena, &b, NULL) < 0 ? "" : b.data;
        node_learned(&n->text_known);
        return n->text;
}
