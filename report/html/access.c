/* What one unit meets: its mounts as a tree, and what it can do, area by area. */

#include "report/html/html-private.h"

/* ---- mounts ---- */

/* The depth of a path below its nearest ancestors in the (sorted) table that are shown */
static unsigned depth_of(const struct imm_state *s, size_t at) {
        unsigned depth = 0;

        for (size_t i = 0; i < at; i++) {
                const char *p = s->mounts.v[i].path;

                if (!p || !s->mounts.v[at].path || (!s->mounts.v[i].setting && p[1]))
                        continue;
                if (imm_path_is_inside(s->mounts.v[at].path, p))
                        depth++;
        }
        return depth;
}

static void mount(const struct imm_state *s, size_t i, FILE *f) {
        const struct imm_state_mount *m = &s->mounts.v[i];

        fprintf(f, "%*s", (int)(2 * depth_of(s, i)), "");
        imm_text_put_markup(f, m->path);
        fprintf(f, "  %s%s%s%s", m->read_only ? "ro" : "<b class=w>rw</b>",
                m->nosuid ? ",nosuid" : "", m->nodev ? ",nodev" : "", m->noexec ? ",noexec" : "");
        if (m->fstype && !imm_streq(m->fstype, "bind")) {
                putc(' ', f);
                imm_text_put_markup(f, m->fstype);
        } else if (m->source && m->path && !imm_streq(m->source, m->path)) {
                fputs(" ← ", f);
                imm_text_put_markup(f, m->source);
        }
        if (m->setting) {
                fputs("  <i>", f);
                imm_text_put_markup(f, m->setting);
                fputs("=</i>", f);
        }
        putc('\n', f);
}

void imm_html_mounts(const struct imm_state *s, FILE *f) {
        size_t own = 0;

        if (s->outcome && !imm_streq(s->outcome, "ok")) {
                fputs("<p class=b>Starting it would fail: ", f);
                imm_text_put_markup(f, s->outcome);
                fputs("</p>\n", f);
        }
        imm_array_foreach (m, &s->mounts)
                own += m->setting != NULL;
        if (s->mounts.n == 0)
                return;
        fputs("<h3>Mounts</h3>\n", f);
        if (own == 0) {
                fputs("<p class=faint>No setting mounts anything: it sees the host's own file "
                      "systems.</p>\n",
                        f);
                return;
        }
        fputs("<pre>", f);
        for (size_t i = 0; i < s->mounts.n; i++) {
                const char *path = s->mounts.v[i].path;

                if (s->mounts.v[i].setting || (path && !path[1]))
                        mount(s, i, f);
        }
        fputs("<i>and the host's own:", f);
        imm_array_foreach (m, &s->mounts)
                if (!m->setting && m->path && m->path[1]) {
                        putc(' ', f);
                        imm_text_put_markup(f, m->path);
                }
        fputs("</i></pre>\n", f);
}

/* ---- access ---- */

static const struct area {
        const char *name;
        const char *const *tops; /* what lies below belongs to it; the longest top wins */
} areas[] = {
#define TOPS(...) \
        (const char *const[]) { \
                __VA_ARGS__, NULL \
        }
        {"Secrets", TOPS("/etc/shadow", "/etc/ssh", "/etc/ssl/private", "/etc/sudoers",
                            "/proc/1/environ", "/var/backups", "/run/credentials")},
        {"Starting", TOPS("/boot", "/etc/cron.d", "/etc/ld.so.preload", "/etc/systemd",
                             "/run/systemd/system", "/usr/lib/systemd", "/usr/bin", "/usr/sbin",
                             "/usr/lib", "/usr/local")},
        {"System", TOPS("/", "/etc", "/opt", "/usr")},
        {"Homes", TOPS("/home", "/root", "/run/user")},
        {"State", TOPS("/media", "/mnt", "/srv", "/var")},
        {"Temporary", TOPS("/dev/shm", "/run", "/tmp", "/var/tmp")},
        {"Devices", TOPS("/dev")},
        {"Kernel", TOPS("/proc", "/sys")},
        {"Sockets", TOPS("/run/containerd", "/run/dbus", "/run/docker.sock", "/run/libvirt",
                            "/run/podman", "/run/systemd/journal", "/run/systemd/private",
                            "/run/systemd/io.system.ManagedOOM", "/run/systemd/notify",
                            "/run/systemd/userdb", "/run/varlink")},
#undef TOPS
};

static size_t area_of(const char *path) {
        size_t best = 0, length = 0;

        for (size_t i = 0; i < IMM_ELEMENTSOF(areas); i++)
                for (const char *const *t = areas[i].tops; *t; t++)
                        if (imm_path_below(path, *t) && strlen(*t) > length) {
                                length = strlen(*t);
                                best = i;
                        }
        return best;
}

enum level { ABSENT, WRITES, READS, NOTHING, UNKNOWN };

static enum level level_of(const struct imm_state_access *a) {
        if (a->exists == 0)
                return ABSENT;
        if (a->write == 1 || a->connect == 1)
                return WRITES;
        if (a->read == 1)
                return READS;
        return a->write < 0 || a->read < 0 ? UNKNOWN : NOTHING;
}

/* Told by a directory above it in the same area? The list is sorted: directories come first. */
static bool is_told(const struct imm_state *s, const struct imm_state_access *a, size_t area) {
        const struct imm_state_access *nearest = NULL;

        for (const struct imm_state_access *p = s->access.v; p < a; p++)
                if (p->path && imm_path_below(a->path, p->path) && area_of(p->path) == area)
                        nearest = p;
        return nearest && level_of(nearest) == level_of(a);
}

static void cell(
        const struct imm_state *s, size_t area, enum level level, const char *tone, FILE *f) {
        const char *space = "";

        fprintf(f, "<td class=\"p %s\">", tone);
        imm_array_foreach (a, &s->access)
                if (a->path && level_of(a) == level && area_of(a->path) == area &&
                        !is_told(s, a, area)) {
                        fputs(space, f);
                        imm_text_put_markup(f, a->path);
                        space = " ";
                }
}

/* What is not known is no less told than what is. */
static void unknown(const struct imm_state *s, bool all, FILE *f) {
        const char *begin = "<p class=faint>Not known: <code>";

        if (all) {
                fputs("<p class=faint>Not known.</p>\n", f);
                return;
        }
        imm_array_foreach (a, &s->access)
                if (a->path && level_of(a) == UNKNOWN && !is_told(s, a, area_of(a->path))) {
                        fputs(begin, f);
                        imm_text_put_markup(f, a->path);
                        begin = " ";
                }
        if (*begin == ' ')
                fputs("</code></p>\n", f);
}

void imm_html_access(const struct imm_state *s, FILE *f) {
        bool any[IMM_ELEMENTSOF(areas)] = {false}, some = false;

        if (s->access.n == 0)
                return;
        imm_array_foreach (a, &s->access)
                if (a->path && level_of(a) != ABSENT && level_of(a) != UNKNOWN)
                        some = any[area_of(a->path)] = true;
        if (!some) {
                fputs("<h3>Access</h3>\n", f);
                unknown(s, true, f);
                return;
        }
        fputs("<h3>Access</h3>\n<table class=area><thead><tr><th><th>writes, connects<th>reads"
              "<th>sees nothing of</thead><tbody>\n",
                f);
        for (size_t i = 0; i < IMM_ELEMENTSOF(areas); i++) {
                if (!any[i])
                        continue;
                fprintf(f, "<tr><th>%s", areas[i].name);
                cell(s, i, WRITES, "b", f);
                cell(s, i, READS, "w", f);
                cell(s, i, NOTHING, "g", f);
                putc('\n', f);
        }
        fputs("</tbody></table>\n", f);
        unknown(s, false, f);
}
