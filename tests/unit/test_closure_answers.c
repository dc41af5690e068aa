/* Whole answers that one run leaves for the next: whatever happens to the root in between, the next
 * run must say what one without them says. */

#include "analyzer/closure/answers/answers.h"
#include "tests/unit/tree.h"

#include <fcntl.h>
#include <time.h>

static time_t later, since; /* later than all that a test does */
static unsigned long seed = 20240229;

static unsigned dice(unsigned n) {
        seed = seed * 6364136223846793005UL + 1442695040888963407UL;
        return (unsigned)(seed >> 33) % n;
}

static const char *const units[] = {"plain.service", "shell.service", "loader.service",
        "hidden.service", "empty.service", "moved.service", "session.service", "many.service"};

static const char *const unit_texts[] = {
        "[Service]\nExecStart=/usr/bin/tool --config=/etc/tool.conf /srv/data\n"
        "WorkingDirectory=-/srv\nStateDirectory=tool\n",
        "[Service]\nExecStart=/bin/sh -c 'other; . /etc/other.sh; tool /etc/tool.conf'\n"
        "Environment=PATH=/opt/bin:/usr/local/bin:/usr/bin\n",
        "[Service]\nEnvironmentFile=-/etc/default/loader\nExecStart=/usr/bin/elf\n"
        "ExecStop=/usr/bin/env other\n",
        "[Service]\nExecStart=/usr/bin/elf /etc/tool.conf\nInaccessiblePaths=-/opt/lib "
        "-/etc/tool.conf\nProtectHome=yes\n",
        "[Service]\nExecStart=/usr/bin/other\nTemporaryFileSystem=/opt:ro\nProtectSystem=strict\n",
        "[Service]\nExecStart=tool\nBindReadOnlyPaths=-/srv:/etc/other.d\nReadOnlyPaths=/usr\n",
        "[Service]\nExecStart=/usr/bin/elf\nPAMName=login\n",
        "[Service]\nExecStart=/usr/bin/tool\nEnvironmentFile=/etc/default/*.env\n"
        "LoadCredential=key:/etc/key\n",
};

/* What a mutation may hit: all that a search can pass, and some that none does */
static const char *const places[] = {"usr/bin/tool", "usr/bin/other", "usr/bin/elf", "usr/bin/env",
        "usr/bin/sh", "usr/bin/first", "opt/bin/tool", "opt/bin/other", "opt/bin", "opt/bin/first",
        "usr/local/bin/other", "usr/local/bin/tool", "usr/local/bin", "usr/sbin/tool",
        "etc/tool.conf", "etc/other.sh", "etc/other.d", "etc/other.d/part", "etc/default/loader",
        "etc/default/a.env", "etc/default/b.env", "etc/default", "etc/key", "etc/nsswitch.conf",
        "etc/ld.so.preload", "etc/pam.d/login", "srv", "srv/data", "srv/data/file",
        "usr/lib/libc.so.6", "lib/libc.so.6", "opt/lib/libc.so.6", "opt/lib/libcmocka.so.0",
        "usr/lib/libcmocka.so.0", "usr/lib/x86_64-linux-gnu/libc.so.6", "usr/lib/x86_64-linux-gnu",
        "opt/lib", "opt", "usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v2/libc.so.6",
        "lib64/libc.so.6", "lib64/ld-linux-x86-64.so.2", "lib64", "etc/ld.so.cache",
        "usr/lib/security/pam_a.so", "home/user/file", "var/lib/tool", "etc/hosts", "etc/passwd",
        "lib", "bin", "etc/systemd/system/plain.service.d/more.conf",
        "etc/systemd/system/loader.service", "etc/systemd/system/hidden.service",
        "etc/systemd/system/shell.service"};

static const char *const targets[] = {"/usr/bin/tool", "other", "../srv", "/opt", "/usr/lib",
        "/nowhere", "/etc/tool.conf", "/usr/bin/elf", ".", "/usr/bin"};

static const char *const texts[] = {"#!/usr/bin/first\n/etc/other.sh\n", "#!/bin/sh\nother\n",
        "#!/usr/bin/env tool\n", "/srv/data /usr/bin/other\n", "PATH=/opt/bin:/usr/bin\n",
        "LD_LIBRARY_PATH=/opt/lib:/lib\n", "LD_PRELOAD=/opt/lib/libc.so.6\n", "passwd: files a\n",
        "/opt/lib/libcmocka.so.0\n", "auth required pam_a.so\n", "tool:x:7:7::/srv:/bin/sh\n",
        "[Service]\nExecStartPre=/usr/bin/other /etc/key\n",
        "[Service]\nExecStart=\nExecStart=/usr/bin/first\nEnvironment=LD_LIBRARY_PATH=/opt/lib\n",
        "[Service]\nExecStart=/usr/bin/elf\nRootDirectory=/srv\n"};

/* ---- a run ---- */

static const char *need_text(const struct imm_need *n, struct imm_arena *a) {
        const char *links = "";

        for (size_t i = 0; i < n->links.n; i++)
                links = imm_printf(a, "%s %s", links, n->links.v[i]);
        return imm_printf(a, "%s|%s|%s|%s|%s|%s|%u|%u|%d|%u|%s|%d%d%d%d%d", n->path,
                n->host_path ? n->host_path : "-", n->name, n->reason, n->hidden ? n->hidden : "-",
                links, n->kind, n->confidence, n->by, n->setting,
                n->by == IMM_NEED_BY_UNIT ? imm_origin_text(&n->origin, a) : "", n->exists, n->tree,
                n->created, n->optional, n->visible);
}

static void say(FILE *f, const struct imm_closure *c, struct imm_arena *a) {
        fprintf(f, "%u %d\n", c->kind, c->view != NULL);
        for (size_t i = 0; i < c->roots.n; i++)
                fprintf(f, " %s\n", c->roots.v[i]);
        imm_array_foreach (d, &c->diags)
                fprintf(f, "%u %s:%u %s %s\n", d->level, d->file ? d->file : "-", d->line, d->code,
                        d->message);
        for (size_t i = 0; i < c->n; i++)
                fprintf(f, "%s\n", need_text(&c->v[i], a));
}

/* What all services need; @reuse: with what earlier runs have left. @ret_held: how many answers
 * of theirs were given */
static char *run(bool reuse, const char *tag, size_t *ret_held) {
        struct imm_manager_options o = {.version = 257};
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_root *root;
        struct imm_manager *m;
        struct imm_closures *c;
        char *text = NULL;
        size_t size, held = 0;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        assert_int_equal(imm_root_open(&root, tree, NULL), 0);
        assert_int_equal(imm_manager_open(&m, root, &o, NULL), 0);
        c = imm_closures_of(m);
        if (reuse)
                imm_closures_reuse(c, tree_path("cache/elf"), tag, since);
        for (size_t i = 0; i < IMM_ELEMENTSOF(units); i++) {
                struct imm_unit *u;

                assert_int_equal(imm_manager_unit(m, units[i], &u, NULL), 0);
                fprintf(f, "== %s\n", u->name);
                say(f, imm_closure_of(m, u), a);
        }
        if (c->answers)
                imm_array_foreach (e, &c->answers->units)
                        held += ((const struct old *)e->value)->holds;
        if (reuse)
                imm_closures_keep(c);
        imm_manager_free(m);
        imm_root_free(root);
        assert_int_equal(fclose(f), 0);
        if (ret_held)
                *ret_held = held;
        return text;
}

static size_t compare(void) {
        size_t held;
        imm_auto_free char *cold = run(false, NULL, NULL), *warm = run(true, "1", &held);

        assert_string_equal(warm, cold);
        return held;
}

/* ---- the root ---- */

static void put_unit(size_t i) {
        char path[PATH_MAX];

        (void)snprintf(path, sizeof(path), "usr/lib/systemd/system/%s", units[i]);
        tree_file(path, unit_texts[i]);
}

static int make(void **state) {
        FILE *f = fopen("/proc/self/exe", "re");
        static char own[64 << 20];
        size_t n;

        assert_non_null(f);
        since = later = time(NULL) + 3600;
        n = fread(own, 1, sizeof(own), f);
        assert_int_equal(fclose(f), 0);
        (void)tree_make(state);
        tree_bytes("elf", own, n);
        tree_file("usr/bin/first", "#!/usr/bin/elf\n");
        tree_file("usr/bin/tool", "#!/bin/sh\nother /etc/tool.conf\n");
        tree_file("usr/bin/other", "#!/usr/bin/env first\n");
        tree_file("etc/default/a.env", "PATH=/usr/bin\n");
        for (size_t i = 0; i < IMM_ELEMENTSOF(units); i++)
                put_unit(i);
        tree_link("usr/bin", "bin");
        tree_dir("cache");
        tree_dir("etc/systemd/system");
        return 0;
}

static int drop(void **state) {
        return tree_remove(state);
}

static bool keeps_content(void) {
        struct stat st, root;

        assert_int_equal(stat("/", &root), 0);
        assert_int_equal(stat(tree, &st), 0);
        return st.st_dev == root.st_dev;
}

static void remove_all(const char *path) {
        (void)nftw(path, tree_drop, 16, FTW_DEPTH | FTW_PHYS);
}

static bool is_link(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/*
 * Makes the folders above @path. False where one of them is a link: a link of the tree, to /usr/bin
 * say, leads out of it here, and nothing is ever changed there.
 */
static bool make_parents(const char *path) {
        char part[2 * PATH_MAX];

        (void)snprintf(part, sizeof(part), "%s", path);
        for (char *p = strchr(part + strlen(tree) + 1, '/'); p; p = strchr(p + 1, '/')) {
                *p = 0;
                if (is_link(part))
                        return false;
                (void)mkdir(part, 0755);
                *p = '/';
        }
        return true;
}

/* Never the same size twice: two changes within a tick of the clock must be told apart, which
 * outside of this test what changed just now not being kept sees to. */
static void write_text(const char *path, const char *text) {
        static int size = 1;
        FILE *f;
        int fd;

        if (is_link(path))
                (void)unlink(path);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0)
                return;
        assert_int_equal(fchmod(fd, dice(3) ? 0755 : 0644), 0);
        f = fdopen(fd, "w");
        assert_non_null(f);
        fprintf(f, "%s%*s\n", text, size++, "");
        assert_int_equal(fclose(f), 0);
}

/* Another file of the same size, mode and time of modification, as a package manager may bring it
 */
static void replace(const char *path) {
        char other[3 * PATH_MAX], text[4096];
        struct stat st;
        size_t n;
        FILE *f = lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;

        if (!f)
                return;
        n = fread(text, 1, sizeof(text), f);
        assert_int_equal(fclose(f), 0);
        for (size_t i = 3; i < n; i++)
                if (text[i] == '/' && n < sizeof(text)) {
                        text[i + 1] = text[i + 1] == 'o' ? 'u' : 'o';
                        break;
                }
        (void)snprintf(other, sizeof(other), "%s.new", path);
        f = fopen(other, "we");
        if (!f)
                return;
        (void)fwrite(text, 1, n, f);
        assert_int_equal(fclose(f), 0);
        (void)chmod(other, st.st_mode & 07777);
        (void)utimensat(AT_FDCWD, other, (struct timespec[]){st.st_atim, st.st_mtim}, 0);
        (void)rename(other, path);
}

static void mutate(void) {
        char path[2 * PATH_MAX], other[2 * PATH_MAX];
        const unsigned what = dice(10);

        (void)snprintf(path, sizeof(path), "%s", tree_path(places[dice(IMM_ELEMENTSOF(places))]));
        (void)snprintf(other, sizeof(other), "%s", tree_path(places[dice(IMM_ELEMENTSOF(places))]));
        if (!make_parents(path) || !make_parents(other))
                return;
        switch (what) {
        case 0:
        case 1:
        case 2:
                write_text(path, texts[dice(IMM_ELEMENTSOF(texts))]);
                break;
        case 3:
                remove_all(path);
                break;
        case 4:
                (void)mkdir(path, 0755);
                break;
        case 5:
                (void)unlink(path);
                (void)symlink(targets[dice(IMM_ELEMENTSOF(targets))], path);
                break;
        case 6:
                (void)unlink(path);
                (void)link(tree_path("elf"), path);
                break;
        case 7:
                if (!is_link(path))
                        (void)chmod(path, dice(2) ? 0644 : dice(2) ? 0755 : 04755);
                break;
        case 8:
                (void)rename(path, other);
                break;
        default:
                replace(path);
        }
}

/* ---- the tests ---- */

TEST(a_second_run_is_answered_by_the_first) {
        size_t held;

        (void)compare();
        held = compare();
        /* all but those whose answer depends on what lies in a folder: PAM's modules, a pattern */
        assert_int_equal(held, keeps_content() ? IMM_ELEMENTSOF(units) - 2 : held);
}

TEST(whatever_changes_the_answer_is_that_of_a_first_run) {
        size_t held = 0;

        for (unsigned i = 0; i < 400; i++) {
                for (unsigned k = dice(4); k > 0; k--)
                        mutate();
                held += compare();
        }
        if (keeps_content())
                assert_true(held > 100);
}

/* The first service says @text meanwhile; @change is what the next run must see. */
static void sees(const char *text, void (*change)(void)) {
        tree_file("usr/lib/systemd/system/plain.service", text);
        (void)compare();
        (void)compare();
        change();
        (void)compare();
        put_unit(0);
}

/* Each of these is seen although no folder's or file's own times tell of it. */
static void turn_link(void) {
        assert_int_equal(unlink(tree_path("srv/now")), 0);
        tree_link("two", "srv/now");
}

TEST(a_link_above_that_leads_elsewhere_is_seen) {
        tree_file("srv/one/run", "#!/usr/bin/first\n");
        tree_file("srv/two/run", "#!/usr/bin/other\n");
        assert_int_equal(chmod(tree_path("srv/one/run"), 0755), 0);
        assert_int_equal(chmod(tree_path("srv/two/run"), 0755), 0);
        tree_link("one", "srv/now");
        sees("[Service]\nExecStart=/srv/now/run\n", turn_link);
}

static void show_another(void) {
        tree_file("srv/shown/part", "#!/usr/bin/other\n");
        assert_int_equal(chmod(tree_path("srv/shown/part"), 0755), 0);
}

TEST(a_mount_that_shows_another_folder_is_seen) {
        tree_file("etc/over/part", "#!/usr/bin/first\n");
        assert_int_equal(chmod(tree_path("etc/over/part"), 0755), 0);
        sees("[Service]\nExecStart=/etc/over/part\nBindReadOnlyPaths=-/srv/shown:/etc/over\n",
                show_another);
}

static void link_elf(const char *rel) {
        char path[2 * PATH_MAX];

        (void)snprintf(path, sizeof(path), "%s", tree_path(rel));
        assert_int_equal(link(tree_path("elf"), path), 0);
}

static void make_it_root(void) {
        tree_file("etc/passwd", "root:x:0:0::/root:/bin/sh\ntool:x:0:0::/srv:/bin/sh\n");
}

TEST(a_user_that_becomes_another_is_seen) {
        link_elf("usr/bin/raised");
        assert_int_equal(chmod(tree_path("elf"), 04755), 0);
        tree_dir("opt/lib");
        link_elf("opt/lib/libc.so.6");
        tree_file("etc/passwd", "root:x:0:0::/root:/bin/sh\ntool:x:7:7::/srv:/bin/sh\n");
        sees("[Service]\nExecStart=/usr/bin/raised\nUser=tool\n"
             "Environment=LD_LIBRARY_PATH=/opt/lib\n",
                make_it_root);
        assert_int_equal(chmod(tree_path("elf"), 0755), 0);
}

static char *kept_file(char *path, size_t size) {
        struct stat st;

        assert_int_equal(stat(tree, &st), 0);
        (void)snprintf(path, size, "%s/cache/closures-%llx-%llx", tree,
                (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
        return path;
}

static size_t load(const char *path, char **ret) {
        FILE *f = fopen(path, "re");
        size_t n;

        assert_non_null(f);
        *ret = malloc(1 << 22);
        assert_non_null(*ret);
        n = fread(*ret, 1, 1 << 22, f);
        assert_int_equal(fclose(f), 0);
        return n;
}

static void store(const char *path, const char *data, size_t n) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, n), n);
        assert_int_equal(close(fd), 0);
}

TEST(a_broken_file_changes_nothing) {
        char path[3 * PATH_MAX], *data;
        imm_auto_free char *cold = run(false, NULL, NULL);
        size_t n;

        (void)compare();
        (void)compare();
        n = load(kept_file(path, sizeof(path)), &data);
        for (unsigned i = 0; i < 200; i++) {
                imm_auto_free char *bad = malloc(n), *warm = NULL;
                size_t at = i < 64 ? i : dice((unsigned)n), left = dice(3) ? n : dice((unsigned)n);
                struct head *h = (struct head *)bad;

                assert_non_null(bad);
                memcpy(bad, data, n);
                for (unsigned k = 0; k < 4 && at + k < n; k++)
                        bad[at + k] = (char)dice(256);
                store(path, bad, left);
                warm = run(true, "1", NULL);
                assert_string_equal(warm, cold);
                /* and with a sum that says that it is right: nothing is read that is not there */
                if (left > sizeof(*h)) {
                        h->sum = kept_sum((unsigned char *)bad + sizeof(*h), left - sizeof(*h));
                        store(path, bad, left);
                        free(run(true, "1", NULL));
                }
        }
        store(path, data, n);
        free(data);
}

TEST(another_program_or_processor_has_its_own) {
        size_t held;
        imm_auto_free char *cold = run(false, NULL, NULL), *warm = NULL;

        (void)compare();
        warm = run(true, "another", &held);
        assert_string_equal(warm, cold);
        assert_int_equal(held, 0);
}

TEST(what_changed_just_now_is_not_kept) {
        imm_auto_free char *warm = NULL;
        size_t held;

        since = 0;
        tree_file("etc/tool.conf", "/usr/bin/first\n");
        (void)compare();
        warm = run(true, "1", &held);
        assert_int_equal(held, 0);
        since = later;
}

TEST(a_file_that_nobody_asks_for_goes_some_day) {
        char path[3 * PATH_MAX], other[4 * PATH_MAX];
        const struct timespec long_ago[] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

        kept_file(path, sizeof(path));
        (void)snprintf(other, sizeof(other), "%s/cache/closures-1-2", tree);
        (void)unlink(path);
        store(other, "x", 1);
        assert_int_equal(utimensat(AT_FDCWD, other, long_ago, 0), 0);
        (void)compare();
        if (keeps_content()) {
                assert_int_equal(access(path, F_OK), 0);
                assert_int_equal(access(other, F_OK), -1);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_second_run_is_answered_by_the_first),
                cmocka_unit_test(a_link_above_that_leads_elsewhere_is_seen),
                cmocka_unit_test(a_mount_that_shows_another_folder_is_seen),
                cmocka_unit_test(a_user_that_becomes_another_is_seen),
                cmocka_unit_test(a_broken_file_changes_nothing),
                cmocka_unit_test(another_program_or_processor_has_its_own),
                cmocka_unit_test(what_changed_just_now_is_not_kept),
                cmocka_unit_test(a_file_that_nobody_asks_for_goes_some_day),
                cmocka_unit_test(whatever_changes_the_answer_is_that_of_a_first_run),
        };

        return cmocka_run_group_tests(tests, make, drop);
}
