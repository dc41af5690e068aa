#include "analyzer/closure/closure-private.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <strings.h>

/*
 * What texts name. A script's commands and absolute paths are likely, what a configuration file
 * names is possible: nothing is run, and a word with an expansion in it is left out, unless a shell
 * script says by itself what that is. Only what exists in the root counts.
 */

enum { TEXT_MAX = 1 << 20, PATHS_MAX = 4096 };

static bool is_path_byte(char c) {
        return isalnum((unsigned char)c) || (c && strchr("/._-+@%~=", c)) ||
               (unsigned char)c >= 0x80;
}

/* A directory that is somebody's own, not one that everything lies in: all of it is needed. */
static bool is_own_directory(const char *path) {
        static const char *const shared[] = {"/etc/default", "/usr/bin", "/usr/sbin", "/usr/lib",
                "/usr/share", "/usr/local", "/usr/include", "/usr/libexec", "/usr/lib64",
                "/usr/src", "/var/lib", "/var/log", "/var/cache", "/var/spool", "/var/tmp",
                "/var/mail", "/var/opt", "/var/backups", "/usr/local/bin", "/usr/local/sbin",
                "/usr/local/lib", "/nix/store", "/etc/systemd", "/etc/init.d"};
        unsigned parts = 0;

        for (const char *s = path; *s; s++)
                parts += s[0] == '/' && s[1] && s[1] != '/';
        for (size_t i = 0; i < IMM_ELEMENTSOF(shared); i++)
                if (imm_streq(path, shared[i]))
                        return false;
        return parts >= 2 && !imm_after(path, "/home/");
}

void need_named(struct builder *b, const char *path, enum imm_confidence sure, const char *reason,
        int by, bool look_inside) {
        struct want w = {.name = path,
                .kind = IMM_NEED_CONFIG,
                .confidence = sure,
                .reason = reason,
                .by = by};
        struct place p;
        bool fresh;
        int k;

        if (imm_streq(path, "/") || imm_path_made_at_run_time(path) || strlen(path) > 1024)
                return;
        if (view_find(&b->view, b->cwd, path, &p) < 0 &&
                (!b->hides || view_find(&b->plain, b->cwd, path, &p) < 0))
                return;
        if (!p.node || (!S_ISREG(p.node->mode) && !S_ISDIR(p.node->mode)) || imm_streq(p.path, "/"))
                return;
        if (S_ISREG(p.node->mode) && (p.node->mode & 0111) && sure <= IMM_LIKELY) {
                w.kind = IMM_NEED_COMMAND;
                (void)follow_program(b, &w, false);
                return;
        }
        if (S_ISDIR(p.node->mode)) {
                if (strcspn(path + 1, "/") == strlen(path + 1))
                        return; /* /etc: says nothing */
                w.tree = is_own_directory(p.path);
        }
        k = need_file(b, &w, false, &p, &fresh);
        if (k >= 0 && look_inside && S_ISREG(p.node->mode))
                scan_config(b, p.node, k);
}

void need_command(struct builder *b, const char *name, int by) {
        const char *slash = strchr(name, '/');

        if (!*name || strlen(name) > NAME_MAX || (slash && slash != name) ||
                imm_path_made_at_run_time(name))
                return;
        (void)follow_program(b,
                &(struct want){.name = name,
                        .kind = IMM_NEED_COMMAND,
                        .confidence = IMM_LIKELY,
                        .reason = "run by the script",
                        .by = by},
                false);
}

static bool is_text(const struct imm_blob *t) {
        return !memchr(t->data, 0, t->size < 4096 ? t->size : 4096);
}

static bool read_text(
        struct builder *b, struct node *n, struct imm_arena *a, struct imm_blob *ret) {
        if (node_knows(&n->elf_known) && n->script.data) {
                *ret = n->script;
                return is_text(ret);
        }
        node_minds_content(n);
        return n->size <= TEXT_MAX && node_read(b->c, n, TEXT_MAX, a, ret) == 0 && is_text(ret);
}

void scan_paths(struct builder *b, const char *text, enum scan_flags flags,
        enum imm_confidence sure, const char *reason, int by) {
        const char *stops = flags & SCAN_COMMENTS ? "/#" : "/";
        struct imm_map seen = {0};

        for (const char *s = text; seen.n < PATHS_MAX && *(s += strcspn(s, stops));) {
                size_t n = 0;
                char *path;

                if (*s == '#') {
                        bool comment = s == text || isspace((unsigned char)s[-1]);

                        s = comment ? strchrnul(s, '\n') : s + 1;
                        continue;
                }
                if (s[1] == '/' || s[1] == '*' ||
                        (s > text && (is_path_byte(s[-1]) || strchr("$}*)", s[-1])) &&
                                s[-1] != '=')) {
                        s++;
                        continue;
                }
                while (is_path_byte(s[n]))
                        n++;
                if (n > 1 && n < 1024 && !strchr("$*?[{`", s[n] ? s[n] : ' ')) {
                        path = imm_strndup(b->arena, s, n);
                        while (n > 1 && strchr("/.=", path[n - 1]))
                                path[--n] = 0;
                        if (n > 1 && !imm_map_has(&seen, path)) {
                                imm_map_put(b->arena, &seen, path, path);
                                need_named(b, path, sure, reason, by, flags & SCAN_INSIDE);
                        }
                        n = strlen(path);
                }
                s += n > 0 ? n : 1;
        }
}

/* A page is what a program writes or serves: what it tells of is no need. */
static bool is_page(const char *text) {
        return strncasecmp(text, "<!doctype html", strlen("<!doctype html")) == 0 ||
               strncasecmp(text, "<html", strlen("<html")) == 0;
}

void scan_config(struct builder *b, struct node *n, int by) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = NULL;
        struct imm_blob t;

        if (imm_map_has(&b->scanned, n->host))
                return;
        imm_map_put(b->arena, &b->scanned, n->host, n);
        scratch = imm_arena_new();
        if (read_text(b, n, scratch, &t) && !is_page(t.data))
                scan_paths(b, t.data, SCAN_COMMENTS, IMM_POSSIBLE, "named in a configuration file",
                        by);
}

/* ---- scripts in general ---- */

bool script_text(struct builder *b, struct node *n, struct imm_arena *a, const char **ret) {
        struct imm_blob t;

        if (!read_text(b, n, a, &t))
                return false;
        *ret = t.data;
        return true;
}

/* Where a language's own library lies; %v is the interpreter's version as its name says it, %m the
 * folder of its machine. */
static const struct {
        const char *interpreter;
        const char *trees[8];
} libraries[] = {
        {"python", {"/usr/lib/python%v", "/usr/lib64/python%v", "/usr/lib/python3/dist-packages",
                           "/usr/local/lib/python%v"}},
        {"perl", {"/etc/perl", "/usr/share/perl", "/usr/share/perl5", "/usr/lib/%m/perl",
                         "/usr/lib/%m/perl5", "/usr/lib/%m/perl-base", "/usr/lib64/perl5"}},
        {"ruby", {"/usr/lib/ruby", "/usr/share/ruby", "/usr/share/rubygems-integration"}},
        {"node", {"/usr/share/nodejs", "/usr/lib/node_modules"}},
        {"php", {"/usr/share/php", "/usr/lib/php", "/etc/php"}},
};

/* Debian's name of the folder with a machine's libraries; NULL: none is known */
static const char *folder_of(const struct imm_elf *elf) {
        static const struct {
                uint16_t machine;
                unsigned char bits;
                bool big_endian;
                const char *folder;
        } machines[] = {
                {EM_X86_64, 64, false, "x86_64-linux-gnu"},
                {EM_386, 32, false, "i386-linux-gnu"},
                {EM_AARCH64, 64, false, "aarch64-linux-gnu"},
                {EM_ARM, 32, false, "arm-linux-gnueabihf"},
                {EM_PPC64, 64, false, "powerpc64le-linux-gnu"},
                {EM_S390, 64, true, "s390x-linux-gnu"},
                {EM_RISCV, 64, false, "riscv64-linux-gnu"},
                {EM_MIPS, 64, false, "mips64el-linux-gnuabi64"},
        };

        for (size_t i = 0; elf && i < IMM_ELEMENTSOF(machines); i++)
                if (elf->machine == machines[i].machine && elf->bits == machines[i].bits &&
                        elf->big_endian == machines[i].big_endian)
                        return machines[i].folder;
        return NULL;
}

void need_language(struct builder *b, const char *name, const struct imm_elf *elf, int by) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(libraries); i++) {
                const char *version = imm_after(name, libraries[i].interpreter);
                struct place p;

                if (!version || (*version && !isdigit((unsigned char)*version)))
                        continue;
                for (const char *const *t = libraries[i].trees; *t; t++) {
                        const char *token = strchr(*t, '%'), *path = *t;
                        const char *value = token && token[1] == 'm' ? folder_of(elf) : version;

                        if (!value)
                                continue;
                        if (token)
                                path = imm_printf(b->arena, "%.*s%s%s", (int)(token - *t), *t,
                                        value, token + 2);
                        (void)need_file(b,
                                &(struct want){.name = path,
                                        .kind = IMM_NEED_CONFIG,
                                        .confidence = IMM_LIKELY,
                                        .reason = "the interpreter's library",
                                        .by = by,
                                        .tree = true},
                                false, &p, NULL);
                }
        }
}

/* The last word of the first line that names a program: "python3" of "/usr/bin/env -S python3 -u"
 */
static const char *language_of(struct builder *b, const char *line) {
        const char *s = line, *name = "";

        while (*s) {
                size_t n = strcspn(s, " \t");
                const char *slash = memrchr(s, '/', n), *from = slash ? slash + 1 : s;
                const char *word = imm_strndup(b->arena, from, (size_t)(s + n - from));

                if (*word && *word != '-' && !imm_streq(word, "env"))
                        return word;
                s += n + strspn(s + n, " \t");
        }
        return name;
}

/* What $0 is: the path that the script is started by, a link perhaps, which PATH may have found. */
static const char *started_as(const struct builder *b, int by) {
        const struct imm_need *n = &b->closure->v[by];

        if (n->name && *n->name == '/')
                return n->name;
        for (size_t i = 0; n->name && i < n->links.n; i++)
                if (imm_streq(imm_base_name(n->links.v[i]), imm_base_name(n->name)))
                        return n->links.v[i];
        return n->path;
}

void scan_script(struct builder *b, struct node *n, const char *interpreter, int by) {
        static const char *const shells[] = {"sh", "bash", "dash", "ksh", "zsh", "ash", "busybox"};
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = NULL;
        const char *name = language_of(b, interpreter);
        struct imm_blob t;

        if (imm_map_has(&b->scanned, n->host))
                return;
        imm_map_put(b->arena, &b->scanned, n->host, n);
        scratch = imm_arena_new();
        if (!read_text(b, n, scratch, &t))
                return;
        for (size_t i = 0; i < IMM_ELEMENTSOF(shells); i++)
                if (imm_streq(name, shells[i])) {
                        scan_shell(b, t.data, started_as(b, by), by);
                        return;
                }
        scan_paths(b, t.data, SCAN_COMMENTS, IMM_LIKELY, "named in the script", by);
        scan_calls(b, t.data, name, by);
}
