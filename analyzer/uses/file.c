#include "analyzer/closure/elf/elffile.h"
#include "analyzer/uses/uses-private.h"

#include <elf.h>
#include <errno.h>

/*
 * What a file says by itself: the functions it imports, the paths in its data. Each file is read
 * once a run, however many units use it.
 */

enum {
        BINARY_MAX = 48 << 20, /* of a program whose data is searched */
        SCRIPT_MAX = 1 << 20,
        STRINGS_MAX = 1024,
        STRING_MAX = 200,
};

struct imm_use_files {
        pthread_mutex_t lock;
        struct imm_map map; /* host path -> struct file */
        struct imm_arena *arena;
};

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static void files_done(void *data) {
        struct imm_use_files *f = data;

        (void)pthread_mutex_destroy(&f->lock);
        imm_arena_free(f->arena);
}

static struct imm_use_files *files_of(struct imm_manager *m) {
        (void)pthread_mutex_lock(&opening);
        if (!m->use_files) {
                m->use_files = imm_new(m->arena, struct imm_use_files);
                m->use_files->arena = imm_arena_new();
                (void)pthread_mutex_init(&m->use_files->lock, NULL);
                imm_arena_defer(m->arena, files_done, m->use_files);
        }
        (void)pthread_mutex_unlock(&opening);
        return m->use_files;
}

const struct symbol symbols[] = {
#define SYMBOL(function, facility, strength, calls, object) \
        {#function, IMM_FACILITY_##facility, calls, strength, object},
#include "analyzer/uses/symbols.def"
#undef SYMBOL
};
const size_t n_symbols = IMM_ELEMENTSOF(symbols);

/* Both lists are sorted: one walk over them */
static void match_imports(struct file *f, const struct imm_strv *imports, struct imm_arena *a) {
        size_t k = 0;

        f->imports = imm_alloc_array(a, n_symbols, sizeof(*f->imports));
        for (size_t i = 0; i < imports->n && k < n_symbols; i++) {
                while (k < n_symbols && strcmp(symbols[k].name, imports->v[i]) < 0)
                        k++;
                if (k < n_symbols && imm_streq(symbols[k].name, imports->v[i]))
                        f->imports[f->n_imports++] = &symbols[k];
        }
}

static int by_string(const void *a, const void *b) {
        return strcmp(a, *(const char *const *)b);
}

static bool imports_one(const struct imm_strv *imports, const char *const *names) {
        for (; imports->n > 0 && *names; names++)
                if (bsearch(*names, imports->v, imports->n, sizeof(*imports->v), by_string))
                        return true;
        return false;
}

/* It waits for connections from the network: not only on local sockets */
static bool serves_network(const struct imm_strv *imports) {
        static const char *const listens[] = {"listen", NULL};
        static const char *const accepts[] = {"accept", "accept4", NULL};
        static const char *const addresses[] = {"inet_ntop", "inet_ntoa", "inet_addr", "inet_pton",
                "inet_aton", "getnameinfo", "getaddrinfo", NULL};
        static const char *const names[] = {"bind", NULL};

        return imports_one(imports, listens) && imports_one(imports, accepts) &&
               imports_one(imports, addresses) && imports_one(imports, names);
}

/* Root's daemons that become another user give up groups first, then the user. */
static const char *drops_privileges(const struct imm_strv *imports) {
        static const char *const groups[] = {"initgroups", "setgroups"};
        static const char *const users[] = {"setuid", "setresuid", "setreuid", NULL};

        if (!imports_one(imports, users))
                return NULL;
        for (size_t i = 0; i < IMM_ELEMENTSOF(groups); i++)
                if (imports_one(imports, (const char *const[]){groups[i], NULL}))
                        return groups[i];
        /* one that is locked up as well, and looks its user up */
        return imports_one(imports, (const char *const[]){"chroot", NULL}) &&
                               imports_one(imports, (const char *const[]){"setgid", NULL}) &&
                               imports_one(imports, (const char *const[]){"getpwnam", NULL})
                       ? "chroot"
                       : NULL;
}

/* Logins, and what starts jobs for users: the programs are theirs, in their homes */
static bool opens_sessions(const struct imm_strv *imports) {
        static const char *const runs[] = {
                "execv", "execve", "execvp", "execl", "execle", "execlp", "execvpe", NULL};

        return imports_one(imports, (const char *const[]){"pam_open_session", NULL}) &&
               imports_one(imports, runs);
}

static bool has_import(const struct imm_strv *imports, const char *prefix) {
        for (size_t i = 0; i < imports->n; i++)
                if (imm_after(imports->v[i], prefix))
                        return true;
        return false;
}

/* ---- paths in data ---- */

static bool is_path_byte(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c && strchr("/._-+@%*#", c));
}

/* Directories whose names are worth keeping */
static bool is_of_interest(const char *s) {
        static const char *const tops[] = {"/dev/", "/proc/", "/sys/", "/etc/", "/usr/", "/bin/",
                "/sbin/", "/tmp/", "/var/", "/home/", "/root/", "/run/", "/srv/", "/boot/"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(tops); i++)
                if (imm_after(s, tops[i]))
                        return true;
        return false;
}

static void find_paths(
        struct file *f, const char *data, size_t n, bool script, struct imm_arena *a) {
        struct imm_map seen = {0};
        const char *end = data + n, *s = data;

        while (f->strings.n < STRINGS_MAX && (s = memchr(s, '/', (size_t)(end - s)))) {
                char before = s > data ? s[-1] : 0;
                char text[STRING_MAX + 1];
                size_t k = 0;

                if (before && !strchr(script ? " \t\n\"'=:(<>`,&|;" : " \"'=:(<>`,&|;", before)) {
                        s++;
                        continue;
                }
                while (s + k < end && k < STRING_MAX && is_path_byte(s[k])) {
                        text[k] = s[k];
                        k++;
                }
                text[k] = 0;
                if (k > 4 && is_of_interest(text) && !imm_map_has(&seen, text)) {
                        char *copy = imm_strndup(a, text, k);

                        imm_map_put(a, &seen, copy, copy);
                        imm_strv_add(a, &f->strings, copy);
                }
                s += k > 0 ? k : 1;
        }
}

static bool is_word_end(char c) {
        return !c || strchr(" \t\n;|&()`\"'", c);
}

/* Where a command may stand: at a line's beginning, or behind what ends another */
static bool runs_command(const char *data, size_t n, const char *name) {
        size_t length = strlen(name);

        for (const char *s = data; (s = memmem(s, n - (size_t)(s - data), name, length)); s++) {
                const char *before = s;

                if (!is_word_end(s[length]))
                        continue;
                while (before > data && (is_path_byte(before[-1]) && before[-1] != '@'))
                        before--; /* its folder */
                if (before < s && s[-1] != '/')
                        continue;
                while (before > data && strchr(" \t", before[-1]))
                        before--;
                if (before == data || strchr("\n;|&(`", before[-1]))
                        return true;
        }
        return false;
}

static bool names_shell(const char *line, size_t n) {
        static const char *const shells[] = {"/sh", "/bash", "/dash", "/ksh", " sh", " bash"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(shells); i++) {
                const char *at = memmem(line, n, shells[i], strlen(shells[i]));

                if (at && (at + strlen(shells[i]) == line + n ||
                                  strchr(" \t-", at[strlen(shells[i])])))
                        return true;
        }
        return false;
}

/* NAME=`command` */
static bool has_ticks(const char *line, size_t n) {
        const char *tick = memchr(line, '`', n);

        return tick && tick > line && strchr("=\"", tick[-1]) &&
               memchr(tick + 1, '`', n - (size_t)(tick + 1 - line));
}

static bool is_of_shell(const char *data, size_t n) {
        const char *first = memchr(data, '\n', n);

        return imm_after(data, "#!") && first && names_shell(data, (size_t)(first - data));
}

/* By the shell itself, in lines that are no comments */
static bool is_piping(const char *data, size_t n) {
        const char *end = data + n, *first = memchr(data, '\n', n);

        if (!is_of_shell(data, n))
                return false;
        for (const char *line = first + 1, *stop; line < end; line = stop + 1) {
                size_t k;

                stop = memchr(line, '\n', (size_t)(end - line));
                stop = stop ? stop : end;
                k = (size_t)(stop - line);
                if (line[strspn(line, " \t")] != '#' &&
                        (memmem(line, k, "$(", 2) || memmem(line, k, " | ", 3) ||
                                has_ticks(line, k)) &&
                        !memmem(line, k, "$((", 3))
                        return true;
        }
        return false;
}

/* Words that a program has for who starts it as somebody else */
static const char *says_root(const char *data, size_t n) {
        static const char *const texts[] = {"must be run as root", "must run as root",
                "eed to be run as root", "ust be root", "not superuser", "eed to be root",
                "intended to be run as root", "must be started as root"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(texts); i++)
                if (memmem(data, n, texts[i], strlen(texts[i])))
                        return "must be started by root";
        return NULL;
}

/* ---- words of scripts ---- */

static const struct script_word script_words[] = {
#define SCRIPT(text_, facility_, strength_, calls_, object_, why_) \
        {.text = text_, \
                .facility = IMM_FACILITY_##facility_, \
                .strength = strength_, \
                .calls = calls_, \
                .object = object_, \
                .why = why_},
#include "analyzer/uses/scripts.def"
#undef SCRIPT
};

static bool is_name_byte(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
}

/* In a line that is no comment, as a whole word */
static bool says_word(const char *data, size_t n, const char *text) {
        size_t length = strlen(text);

        for (const char *s = data; (s = memmem(s, n - (size_t)(s - data), text, length)); s++) {
                const char *line = s;

                if ((s > data && is_name_byte(s[-1])) ||
                        (is_name_byte(text[length - 1]) && is_name_byte(s[length])))
                        continue;
                while (line > data && line[-1] != '\n')
                        line--;
                line += strspn(line, " \t");
                if (*line != '#' && *line != '*' && strncmp(line, "//", 2) != 0)
                        return true;
                s = memchr(s, '\n', n - (size_t)(s - data)); /* each line is looked back at once */
                if (!s)
                        return false;
        }
        return false;
}

static void find_words(struct file *f, const char *data, size_t n, struct imm_arena *a) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(script_words); i++)
                if (says_word(data, n, script_words[i].text)) {
                        if (!f->words)
                                f->words = imm_alloc(
                                        a, IMM_ELEMENTSOF(script_words) * sizeof(*f->words));
                        f->words[f->n_words++] = &script_words[i];
                }
}

static bool runs_mailer(const char *data, size_t n) {
        static const char *const names[] = {
                "mail", "mailx", "sendmail", "bsd-mailx", "s-nail", "sudo", "pkexec"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (runs_command(data, n, names[i]))
                        return true;
        return false;
}

static bool runs_fetcher(const char *data, size_t n) {
        static const char *const names[] = {"curl", "wget"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (runs_command(data, n, names[i]))
                        return true;
        return false;
}

/* ---- Go ---- */

/* Its programs hold the names of their functions, and only of those that something calls. */
static bool go_serves(const char *data, size_t n) {
        static const char *const names[] = {"net/http.(*Server).Serve", "net.ListenUDP"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (memmem(data, n, names[i], strlen(names[i])))
                        return true;
        return false;
}

/* "go1.21.5" of the build's description: 21; 0 where it is not known */
static unsigned long go_minor(const char *data, size_t n) {
        const char *version = memmem(data, n, "\xff Go buildinf:", 14);

        if (!version || n - (size_t)(version - data) < 64)
                return 0;
        version = memmem(version, 64, "go1.", 4);
        return version ? strtoul(version + 4, NULL, 10) : 0;
}

/*
 * Package os raises the limit on files since 1.19; since 1.20.4 and 1.21 by prlimit(2). The poller
 * of the network is woken by a pipe, since 1.21 by an eventfd.
 */
static void of_go(struct file *f, const char *data, size_t n) {
        unsigned long minor = go_minor(data, n);

        f->serves = go_serves(data, n);
        f->raises_limits = minor == 19 ? "setrlimit" : NULL;
        f->wakes_by = minor >= 21 ? "eventfd2" : "pipe2";
}

/* ---- one file ---- */

static void read_data(struct imm_manager *m, struct file *f, size_t max, struct imm_arena *a) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct imm_blob b;

        if (imm_root_read(m->root, f->path, max, scratch, &b, NULL) < 0)
                return;
        if (f->elf && (memmem(b.data, b.size < 65536 ? b.size : 65536, "Go build ID", 11) ||
                              memmem(b.data, b.size, "\xff Go buildinf:", 14)))
                f->go = f->threads = true;
        if (f->go)
                of_go(f, b.data, b.size);
        f->wants_root = f->elf ? says_root(b.data, b.size) : NULL;
        f->packed = f->elf && memmem(b.data, b.size < 1024 ? b.size : 1024, "UPX!", 4);
        if (!f->elf) {
                find_execs(f, b.data, b.size, a);
                find_words(f, b.data, b.size, a);
                find_deeds(f, b.data, b.size, is_of_shell(b.data, b.size), a);
                f->pipes = is_piping(b.data, b.size);
                f->mails = imm_after(b.data, "#!") && runs_mailer(b.data, b.size);
                f->fetches = imm_after(b.data, "#!") && runs_fetcher(b.data, b.size);
        }
        if (!f->go)
                find_paths(f, b.data, b.size, !f->elf, a);
        f->notifies = memmem(b.data, b.size, "NOTIFY_SOCKET", 13) ||
                      memmem(b.data, b.size, "sd_notify", 9);
        f->pings |= memmem(b.data, b.size, "WATCHDOG=", 9) ||
                    memmem(b.data, b.size, "WATCHDOG_USEC", 13) ||
                    memmem(b.data, b.size, "sd_watchdog_enabled", 19);
}

static bool is_systemd(const struct imm_elf *e) {
        for (size_t i = 0; i < e->needed.n; i++)
                if (imm_after(e->needed.v[i], "libsystemd-shared-"))
                        return true;
        return false;
}

static void read_elf(struct file *f, int fd, uint64_t size, struct imm_arena *a) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct imm_elf_symbols s = {0};
        struct imm_elf e = {0};
        const char *why = NULL;

        if (imm_elf_read(fd, size, scratch, &e, &why) < 0)
                return;
        f->elf = f->known = true;
        f->bits32 = e.bits == 32;
        f->executable_stack = e.executable_stack;
        f->mapped = e.mapped;
        f->writable = e.writable;
        f->text_relocations = e.text_relocations;
        f->systemd = is_systemd(&e);
        if (imm_elf_read_symbols(fd, size, scratch, &s, &why) < 0)
                return;
        match_imports(f, &s.imports, a);
        f->serves = serves_network(&s.imports);
        f->waits = imports_one(&s.imports, (const char *const[]){"listen", NULL}) &&
                   imports_one(&s.imports, (const char *const[]){"bind", NULL});
        f->binds = imports_one(&s.imports, (const char *const[]){"bind", NULL});
        f->addresses =
                imports_one(&s.imports, (const char *const[]){"getaddrinfo", "gethostbyname",
                                                "inet_addr", "inet_aton", "inet_pton", NULL});
        f->asks_users =
                imports_one(&s.imports, (const char *const[]){"getpwnam", "getpwnam_r", "getpwuid",
                                                "getpwuid_r", "getgrnam", "getgrnam_r", "getgrgid",
                                                "getgrgid_r", "initgroups", "getgrouplist", NULL});
        f->drops = drops_privileges(&s.imports);
        f->sessions = opens_sessions(&s.imports);
        f->on_request = f->sessions ||
                        imports_one(&s.imports, (const char *const[]){"g_bus_own_name", NULL});
        f->glib_threads =
                imports_one(&s.imports, (const char *const[]){"g_bus_own_name", "g_thread_pool_new",
                                                "g_task_run_in_thread", NULL});
        f->connects = imports_one(
                &s.imports, (const char *const[]){"getaddrinfo", "gethostbyname", "gethostbyname2",
                                    "gethostbyname_r", "inet_pton", "getnameinfo", NULL});
        f->threads = imports_one(&s.imports, (const char *const[]){"pthread_create", NULL});
        f->notifies =
                has_import(&s.imports, "sd_notify") || has_import(&s.imports, "sd_pid_notify");
}

static struct file *look_at(struct imm_manager *m, const char *path, struct imm_arena *a) {
        struct file *f = imm_new(a, struct file);
        imm_auto_close int fd = -1;
        struct stat st = {0};
        char head[4] = "";

        f->path = imm_strdup(a, path);
        fd = imm_root_open_file(m->root, path, &st);
        if (fd < 0)
                return f;
        f->mode = st.st_mode;
        f->size = (uint64_t)st.st_size;
        if (pread(fd, head, sizeof(head), 0) == sizeof(head) && memcmp(head, ELFMAG, SELFMAG) == 0)
                read_elf(f, fd, f->size, a);
        else
                f->known = true;
        return f;
}

const struct file *file_of(struct imm_manager *m, const char *host_path, unsigned parts) {
        struct imm_use_files *all = files_of(m);
        struct file *f;

        (void)pthread_mutex_lock(&all->lock);
        f = imm_map_get(&all->map, host_path);
        if (!f) {
                f = look_at(m, host_path, all->arena);
                imm_map_put(all->arena, &all->map, f->path, f);
        }
        if ((parts & FILE_STRINGS) && !f->searched) {
                bool notifies = f->notifies;

                f->searched = true;
                if (f->known && f->size <= (f->elf ? BINARY_MAX : SCRIPT_MAX))
                        read_data(m, f, f->elf ? BINARY_MAX : SCRIPT_MAX, all->arena);
                f->notifies |= notifies || f->size > BINARY_MAX; /* not known: it may */
                f->pings |= f->size > BINARY_MAX;
        }
        (void)pthread_mutex_unlock(&all->lock);
        return f;
}
