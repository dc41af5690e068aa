#include "analyzer/sandbox/boot/sysctl.h"
#include "analyzer/sandbox/network/network-private.h"

#include <pthread.h>

/* What the root's files say of the machine's network: the first port that anybody may bind, and
 * whether its systemd can filter sockets with BPF programs of libbpf. */

enum { LIBRARY_MAX = 64 << 20, PORT_MAX = 65535, PORT_START = 1024 };

/* ---- libbpf ---- */

static int built_with_bpf(const struct imm_root *r, const char *folder, struct imm_arena *a) {
        static const char word[] = "BPF_FRAMEWORK";
        struct imm_dirent *e;
        size_t n;

        if (imm_root_list(r, folder, a, &e, &n) < 0)
                return -1;
        for (size_t i = 0; i < n; i++) {
                struct imm_blob b;
                const char *at;

                if (!imm_after(e[i].name, "libsystemd-shared-") ||
                        !imm_ends_with(e[i].name, ".so") ||
                        imm_root_read(r, imm_printf(a, "%s/%s", folder, e[i].name), LIBRARY_MAX, a,
                                &b, NULL) < 0)
                        continue;
                for (const char *s = b.data;
                        (at = memmem(s, (size_t)(b.data + b.size - s), word, sizeof(word) - 1));
                        s = at + 1)
                        if (at > b.data && (at[-1] == '+' || at[-1] == '-'))
                                return at[-1] == '+';
        }
        return -1;
}

/* The folders of libraries; those of an architecture, as Debian has them, below /usr/lib */
static void library_folders(const struct imm_root *r, struct imm_arena *a, struct imm_strv *to) {
        struct imm_dirent *e;
        size_t n;

        imm_strv_add(a, to, "/usr/lib");
        imm_strv_add(a, to, "/usr/lib64");
        imm_strv_add(a, to, "/lib64");
        if (imm_root_list(r, "/usr/lib", a, &e, &n) == 0)
                for (size_t i = 0; i < n; i++)
                        if (strstr(e[i].name, "-linux-"))
                                imm_strv_add(a, to, imm_printf(a, "/usr/lib/%s", e[i].name));
}

/* 1: SocketBind*= and RestrictNetworkInterfaces= have their effect; 0: none, and the service starts
 * without a word; -1: that systemd is not in the root */
static int bpf_framework(const struct imm_root *r) {
        static const char *const names[] = {"libbpf.so.1", "libbpf.so.0"};
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_strv folders = {0};
        int built = -1;

        library_folders(r, a, &folders);
        for (size_t i = 0; i < folders.n && built < 0; i++)
                built = built_with_bpf(r, imm_printf(a, "%s/systemd", folders.v[i]), a);
        if (built != 1)
                return built;
        for (size_t i = 0; i < folders.n; i++)
                for (size_t k = 0; k < IMM_ELEMENTSOF(names); k++) {
                        struct stat st;

                        if (imm_root_stat(r, imm_printf(a, "%s/%s", folders.v[i], names[k]), &st) ==
                                0)
                                return 1;
                }
        return 0;
}

/* ---- both, once per manager ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void arena_done(void *data) {
        imm_arena_free(data);
}

static struct imm_network *network_of(struct imm_manager *m) {
        if (!m->network) {
                m->network = imm_new(m->arena, struct imm_network);
                m->network->port_start = imm_sysctl_number(
                        m->root, "net/ipv4/ip_unprivileged_port_start", PORT_MAX, PORT_START);
                m->network->bpf = IMM_NETWORK_NOT_ASKED;
                m->network->arena = imm_arena_new();
                imm_arena_defer(m->arena, arena_done, m->network->arena);
        }
        return m->network;
}

unsigned imm_network_port_start(struct imm_manager *m) {
        unsigned start;

        (void)pthread_mutex_lock(&lock);
        start = network_of(m)->port_start;
        (void)pthread_mutex_unlock(&lock);
        return start;
}

int imm_network_bpf_framework(struct imm_manager *m) {
        struct imm_network *n;
        int bpf;

        (void)pthread_mutex_lock(&lock);
        n = network_of(m);
        if (n->bpf == IMM_NETWORK_NOT_ASKED)
                n->bpf = bpf_framework(m->root);
        bpf = n->bpf;
        (void)pthread_mutex_unlock(&lock);
        return bpf;
}

static struct imm_settings *read_slice(struct imm_manager *m, const char *name) {
        struct imm_unit *u = NULL;

        if (imm_manager_unit(m, name, &u, NULL) < 0)
                return NULL;
        return imm_settings_compute(m, u, m->version, m->network->arena);
}

struct imm_settings *imm_network_slice(struct imm_manager *m, const char *name) {
        struct imm_settings *s;
        struct imm_network *n;

        (void)pthread_mutex_lock(&lock);
        n = network_of(m);
        s = imm_map_get(&n->slices, name);
        if (!s && !imm_map_has(&n->slices, name)) {
                s = read_slice(m, name);
                imm_map_put(n->arena, &n->slices, imm_strdup(n->arena, name), s);
        }
        (void)pthread_mutex_unlock(&lock);
        return s;
}
