#include "analyzer/sandbox/access/access-private.h"

static const char *const level_names[] = {
        [IMM_LEVEL_NONE] = "none",
        [IMM_LEVEL_READABLE] = "readable",
        [IMM_LEVEL_SPECIAL] = "special",
        [IMM_LEVEL_STICKY] = "sticky",
        [IMM_LEVEL_WRITABLE] = "writable",
};

const char *imm_level_name(enum imm_level l) {
        return level_names[l];
}

static const char *const mode_names[IMM_MODE_N] = {
        [IMM_MODE_READ] = "read",
        [IMM_MODE_WRITE] = "write",
        [IMM_MODE_EXECUTE] = "execute",
        [IMM_MODE_CONNECT] = "connect",
};

const char *imm_mode_name(enum imm_mode m) {
        return mode_names[m];
}

/* /proc and /sys themselves, where procfs and sysfs are mounted */
static bool is_kernel_top(const struct imm_spot *spot) {
        static const struct {
                const char *path, *fstype;
        } tops[] = {{"/proc", "proc"}, {"/sys", "sysfs"}};

        if (!spot->mount || !imm_streq(spot->mount->path, spot->path))
                return false;
        for (size_t i = 0; i < IMM_ELEMENTSOF(tops); i++)
                if (imm_streq(spot->path, tops[i].path) &&
                        (imm_streq(spot->mount->fstype, tops[i].fstype) ||
                                (spot->mount->host_path &&
                                        imm_streq(spot->mount->host_path, tops[i].path))))
                        return true;
        return false;
}

static void set_level(const struct imm_spot *spot, struct imm_access *a) {
        const int *allowed = a->allowed;
        mode_t mode = spot->node.mode;
        bool usable =
                allowed[IMM_MODE_READ] || allowed[IMM_MODE_WRITE] || allowed[IMM_MODE_EXECUTE];

        a->level_known = true;
        if (is_kernel_top(spot))
                a->level = IMM_LEVEL_SPECIAL;
        else if (S_ISLNK(mode))
                a->level = IMM_LEVEL_READABLE;
        else if (S_ISDIR(mode)) {
                a->level = usable ? IMM_LEVEL_READABLE : IMM_LEVEL_NONE;
                if (allowed[IMM_MODE_WRITE])
                        a->level = mode & S_ISVTX ? IMM_LEVEL_STICKY : IMM_LEVEL_WRITABLE;
        } else if (allowed[IMM_MODE_WRITE])
                a->level = S_ISREG(mode) ? IMM_LEVEL_WRITABLE : IMM_LEVEL_SPECIAL;
        else
                a->level = allowed[IMM_MODE_READ] ? IMM_LEVEL_READABLE : IMM_LEVEL_NONE;
}

static void unknown(struct imm_access *ret) {
        ret->exists = -1;
        ret->new_executable = -1;
        ret->level = IMM_LEVEL_NONE;
        ret->level_known = false;
        for (size_t i = 0; i < IMM_MODE_N; i++)
                ret->allowed[i] = -1;
}

/* A new file in the directory, made executable by its maker, can be run where noexec is not set. */
static int new_executable(const struct imm_spot *at, const struct imm_access *a) {
        if (!S_ISDIR(at->node.mode) || a->allowed[IMM_MODE_WRITE] != 1)
                return 0;
        return at->node.api == IMM_API_PLAIN && !(at->mount && at->mount->flags & IMM_MOUNT_NOEXEC);
}

void imm_assumes_unknown(const struct imm_settings *s, struct imm_arena *a, struct imm_strv *to) {
        for (size_t i = 0; i < s->unknown.n; i++)
                imm_strv_add(a, to, s->unknown.v[i]);
}

/* What is not modelled and could make any answer smaller: each word once */
static void add_assumptions(const struct imm_settings *s, const struct imm_mount_table *t,
        struct imm_arena *arena, struct imm_access *ret) {
        static const struct {
                enum imm_setting id;
                const char *text;
        } opaque[] = {
                {IMM_SETTING_APP_ARMOR_PROFILE, "AppArmorProfile="},
                {IMM_SETTING_SELINUX_CONTEXT, "SELinuxContext="},
                {IMM_SETTING_SMACK_PROCESS_LABEL, "SmackProcessLabel="},
                {IMM_SETTING_RESTRICT_FILE_SYSTEMS, "RestrictFileSystems="},
                {IMM_SETTING_BPF_PROGRAM, "BPFProgram="},
                {IMM_SETTING_PAM_NAME, "PAMName="},
                {IMM_SETTING_ROOT_IMAGE, "RootImage="},
                {IMM_SETTING_MOUNT_IMAGES, "MountImages="},
                {IMM_SETTING_EXTENSION_IMAGES, "ExtensionImages="},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(opaque); i++)
                if (imm_setting(s, opaque[i].id)->set &&
                        !imm_strv_has(&ret->assumes, opaque[i].text))
                        imm_strv_add(arena, &ret->assumes, opaque[i].text);
        for (size_t i = 0; i < t->assumes.n; i++)
                if (!imm_strv_has(&ret->assumes, t->assumes.v[i]))
                        imm_strv_add(arena, &ret->assumes, imm_strdup(arena, t->assumes.v[i]));
        imm_assumes_unknown(s, arena, &ret->assumes);
}

static void add_doubt(const struct imm_spot *at, struct imm_arena *a, struct imm_access *ret) {
        if (at->node.doubt && !imm_strv_has(&ret->assumes, at->node.doubt))
                imm_strv_add(a, &ret->assumes, at->node.doubt);
}

/* The modes of what stands at the end of the links; false where it cannot be known */
static void judge_all(const struct imm_walk *w, const struct imm_spot *at, struct imm_verdict v[],
        struct imm_access *ret) {
        for (enum imm_mode i = 0; i < IMM_MODE_N; i++) {
                v[i] = imm_access_judge(w, at, i);
                ret->allowed[i] = v[i].answer;
        }
        ret->new_executable = new_executable(at, ret);
}

void imm_access_compute(struct imm_manager *m, struct imm_unit *u, enum imm_command_kind kind,
        const char *path, unsigned because, struct imm_arena *a, struct imm_access *ret) {
        const struct imm_sandbox *sb = imm_sandbox_of(m, u);
        struct imm_settings *s = imm_settings_of(m, u);
        struct imm_verdict v[IMM_MODE_N] = {0};
        struct imm_walk w = {.m = m,
                .s = s,
                .table = sb->mounts + kind,
                .id = sb->identity + kind,
                .program = sb->program[kind],
                .a = a,
                .flips = because & IMM_BECAUSE_FLIPS};
        struct imm_spot link, at;

        *ret = (struct imm_access){0};
        if (because)
                add_assumptions(s, w.table, a, ret);
        unknown(ret);
        if (w.table->outcome != IMM_OUTCOME_OK) {
                if (because)
                        imm_access_explain_outcome(&w, ret);
                return;
        }
        imm_walk_to(&w, path, false, &link);
        at = link;
        if (link.end == IMM_WALK_FOUND && S_ISLNK(link.node.mode))
                imm_walk_to(&w, path, true, &at);
        if (link.end != IMM_WALK_UNKNOWN) {
                ret->exists = link.end == IMM_WALK_FOUND;
                if (at.end == IMM_WALK_FOUND)
                        judge_all(&w, &at, v, ret);
                else if (at.end != IMM_WALK_UNKNOWN) {
                        for (size_t i = 0; i < IMM_MODE_CONNECT; i++)
                                ret->allowed[i] = 0;
                        ret->new_executable = 0;
                }
                if (!ret->exists)
                        ret->level_known = true;
                else if (S_ISLNK(link.node.mode) || at.end == IMM_WALK_FOUND)
                        set_level(&link, ret);
        }
        if (because) {
                add_doubt(&link, a, ret);
                add_doubt(&at, a, ret);
                imm_access_explain(&w, path, &at, v, because, ret);
        }
}

void imm_access_in(struct imm_manager *m, struct imm_settings *s, const struct imm_sandbox *sb,
        enum imm_command_kind kind, const char *path, struct imm_arena *a, struct imm_access *ret) {
        struct imm_verdict v[IMM_MODE_N] = {0};
        struct imm_walk w = {.m = m,
                .s = s,
                .table = sb->mounts + kind,
                .id = sb->identity + kind,
                .program = sb->program[kind],
                .a = a};
        struct imm_spot at;

        *ret = (struct imm_access){0};
        unknown(ret);
        if (w.table->n == 0)
                return;
        imm_walk_to(&w, path, true, &at);
        if (at.end == IMM_WALK_UNKNOWN)
                return;
        ret->exists = at.end == IMM_WALK_FOUND;
        if (ret->exists)
                judge_all(&w, &at, v, ret);
        else
                for (size_t i = 0; i < IMM_MODE_CONNECT; i++)
                        ret->allowed[i] = 0;
}

static int wider(int a, int b) {
        /* yes is wider than not known, which is wider than no */
        return a == 1 || b == 1 ? 1 : a == -1 || b == -1 ? -1 : 0;
}

void imm_access_widest(struct imm_manager *m, struct imm_unit *u, const char *path,
        unsigned because, struct imm_arena *a, struct imm_access *ret) {
        const struct imm_sandbox *sb = imm_sandbox_of(m, u);

        imm_access_compute(m, u, sb->main, path, because, a, ret);
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++) {
                struct imm_access other;
                bool more = false;

                if (!sb->has[k] || k == sb->main)
                        continue;
                imm_access_compute(m, u, k, path, because, a, &other);
                for (size_t i = 0; i < IMM_MODE_N; i++) {
                        int both = wider(ret->allowed[i], other.allowed[i]);

                        more |= both == 1 && ret->allowed[i] != 1;
                        if (i != IMM_MODE_CONNECT || ret->allowed[i] != -1 || both == 1)
                                ret->allowed[i] = both;
                }
                ret->exists = wider(ret->exists, other.exists);
                ret->new_executable = wider(ret->new_executable, other.new_executable);
                if (other.level_known && (!ret->level_known || other.level > ret->level)) {
                        ret->level = other.level;
                        ret->level_known = true;
                }
                if (more && because) {
                        imm_strv_add(a, &ret->because,
                                imm_printf(a, "commands with '%s' can do more:",
                                        k == IMM_KIND_PRIVILEGED  ? "+"
                                        : k == IMM_KIND_NO_SETUID ? "!"
                                        : k == IMM_KIND_AMBIENT   ? "!!"
                                                                  : "no prefix"));
                        for (size_t i = 0; i < other.because.n; i++)
                                imm_strv_add(a, &ret->because, other.because.v[i]);
                }
        }
}
