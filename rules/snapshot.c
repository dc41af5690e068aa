#include "rules/snapshot.h"

#include "analyzer/closure/closure.h"
#include "base/crew.h"
#include "rules/rules-private.h"

#include <inttypes.h>

/*
 * A place for each area that design and rules speak of: system directories, configuration and
 * secrets, homes, shared temporary files, other services' state, devices, kernel entries, control
 * sockets, where code may be put.
 */
const char *const imm_areas[] = {
        "/",
        "/boot",
        "/dev",
        "/dev/kmsg",
        "/dev/mem",
        "/dev/sda",
        "/dev/shm",
        "/etc",
        "/etc/cron.d",
        "/etc/ld.so.preload",
        "/etc/passwd",
        "/etc/shadow",
        "/etc/ssh",
        "/etc/ssl/private",
        "/etc/sudoers",
        "/etc/systemd/system",
        "/home",
        "/media",
        "/mnt",
        "/opt",
        "/proc",
        "/proc/1/environ",
        "/proc/kcore",
        "/proc/sys",
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/root",
        "/run",
        "/run/containerd/containerd.sock",
        "/run/dbus/system_bus_socket",
        "/run/docker.sock",
        "/run/libvirt/libvirt-sock",
        "/run/podman/podman.sock",
        "/run/systemd/journal/socket",
        "/run/systemd/private",
        "/run/systemd/system",
        "/run/user",
        "/srv",
        "/sys",
        "/sys/fs/bpf",
        "/sys/fs/cgroup",
        "/sys/kernel/debug",
        "/sys/kernel/tracing",
        "/sys/module",
        "/tmp",
        "/usr",
        "/usr/bin",
        "/usr/lib",
        "/usr/lib/systemd/system",
        "/usr/local",
        "/usr/local/bin",
        "/usr/sbin",
        "/usr/share",
        "/var",
        "/var/backups",
        "/var/cache",
        "/var/lib",
        "/var/lib/dpkg",
        "/var/lib/systemd",
        "/var/log",
        "/var/log/journal",
        "/var/mail",
        "/var/spool",
        "/var/spool/cron",
        "/var/tmp",
        NULL,
};

static const char *copy(struct imm_snapshot *to, const char *s) {
        return !s || to->borrows ? s : imm_strdup(to->arena, s);
}

/* @before is what was copied last: files and names repeat in a row. */
static const char *copy_again(struct imm_snapshot *to, const char *s, const char *before) {
        return s && before && imm_streq(s, before) ? before : copy(to, s);
}

static void copy_all(struct imm_snapshot *to, struct imm_strv *l, const struct imm_strv *from) {
        if (l->n == 0 && from->n > 0) { /* room for all, and none to spare */
                l->cap = from->n + 1;
                l->v = imm_alloc_array(to->arena, l->cap, sizeof(*l->v));
        }
        for (size_t i = 0; i < from->n; i++)
                imm_strv_add(to->arena, l, copy(to, from->v[i]));
}

/* As in `show --json`: an implied value names the setting that implies it, and where that stands.
 */
static struct imm_source_ref source_of(struct imm_snapshot *to, const struct imm_origin *o) {
        struct imm_source_ref r = {.kind = "default"};

        switch (o->kind) {
        case IMM_ORIGIN_DEFAULT:
                break;
        case IMM_ORIGIN_FILE:
                r = (struct imm_source_ref){"file", NULL, copy(to, o->file), o->line};
                break;
        case IMM_ORIGIN_MANAGER:
                r = (struct imm_source_ref){"manager", NULL, copy(to, o->file), o->line};
                break;
        case IMM_ORIGIN_IMPLIED:
                r.kind = "implied";
                r.by = o->by < IMM_SETTING_N ? imm_setting_info(o->by)->name : NULL;
                /* to the line that began it; the chain is as short as the settings are few */
                for (unsigned depth = 0; o->via && depth < 8; depth++) {
                        o = o->via;
                        if (o->kind != IMM_ORIGIN_IMPLIED) {
                                r.file = copy(to, o->file);
                                r.line = o->line;
                                break;
                        }
                }
                break;
        }
        return r;
}

static void settings(struct imm_snapshot *to, struct imm_state *s, const struct imm_facts *facts,
        unsigned parts) {
        const struct imm_settings *from = facts->settings;

        for (enum imm_setting id = 0; id < IMM_SETTING_N; id++) {
                const struct imm_value *v = imm_fact(facts, id);

                if (!v->set && !(parts & IMM_SNAPSHOT_DEFAULTS))
                        continue;
                /* of what nothing sets, only the sandbox's own settings are worth a line */
                if (!v->set && (v->type == IMM_VALUE_RAW || !imm_setting_known(id, from->version) ||
                                       !imm_streq(imm_setting_info(id)->section, "Exec")))
                        continue;
                *imm_array_push(to->arena, &s->settings) = (struct imm_state_setting){
                        .name = imm_setting_info(id)->name,
                        .value = imm_value_text(id, v, to->arena),
                        .origin = source_of(to, &v->origin),
                };
        }
}

static void checks(struct imm_snapshot *to, struct imm_state *s, const struct imm_audit *a,
        const struct imm_audited *u) {
        for (size_t c = 0; c < a->n_cards; c++) {
                const struct imm_scorecard *card = a->cards[c];
                const struct imm_judgement *j = &u->judgements[c];

                if (!imm_streq(card->name, "systemd") || !j->scored)
                        continue;
                for (size_t i = 0; i < card->n_rules; i++) {
                        enum imm_check_state state = j->checks[i].state;
                        unsigned tenths = 0;
                        bool applies;

                        if (state == IMM_CHECK_UNMATCHED)
                                continue;
                        applies = imm_check_share(card, j, i, &tenths);
                        *imm_array_push(to->arena, &s->checks) = (struct imm_state_check){
                                .id = copy(to, card->rules[i]->id),
                                .set = state == IMM_CHECK_GOOD  ? 1
                                       : state == IMM_CHECK_BAD ? 0
                                                                : -1,
                                .exposure = applies ? (int)tenths : -1,
                        };
                }
        }
}

static int figure(const struct imm_audit *a, const struct imm_audited *u, const char *card) {
        const struct imm_judgement *j = imm_judgement_of(a, u, card);

        return j && j->scored ? j->figure : -1;
}

struct imm_state_mount imm_state_mount_of(const struct imm_mount *m, struct imm_arena *a) {
        return (struct imm_state_mount){
                .path = imm_path_of_process(m->path, a),
                .source = imm_path_of_process(m->source, a),
                .fstype = imm_mount_type(m),
                .read_only = m->flags & IMM_MOUNT_RDONLY,
                .nosuid = m->flags & IMM_MOUNT_NOSUID,
                .nodev = m->flags & IMM_MOUNT_NODEV,
                .noexec = m->flags & IMM_MOUNT_NOEXEC,
                .setting = m->setting < IMM_SETTING_N ? imm_setting_info(m->setting)->name : NULL,
        };
}

static void mounts(struct imm_snapshot *to, struct imm_state *s, const struct imm_mount_table *t) {
        s->outcome = imm_outcome_name(t->outcome);
        imm_array_foreach (m, t) {
                struct imm_state_mount plain = imm_state_mount_of(m, to->arena);

                plain.path = copy(to, plain.path);
                plain.source = copy(to, plain.source);
                plain.fstype = copy(to, plain.fstype);
                plain.origin = source_of(to, &m->origin);
                *imm_array_push(to->arena, &s->mounts) = plain;
        }
}

static void place(struct imm_snapshot *to, struct imm_state *s, struct imm_manager *m,
        struct imm_unit *u, const char *path, struct imm_arena *scratch) {
        struct imm_access a;

        imm_access_widest(m, u, path, 0, scratch, &a);
        *imm_array_push(to->arena, &s->access) = (struct imm_state_access){
                .path = path, /* of imm_areas: there for ever */
                .exists = a.exists,
                .read = a.allowed[IMM_MODE_READ],
                .write = a.allowed[IMM_MODE_WRITE],
                .execute = a.allowed[IMM_MODE_EXECUTE],
                .connect = a.allowed[IMM_MODE_CONNECT],
                .level = a.level_known ? imm_level_name(a.level) : NULL,
        };
}

static void areas(
        struct imm_snapshot *to, struct imm_state *s, struct imm_manager *m, struct imm_unit *u) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();

        for (const char *const *p = imm_areas; *p; p++)
                place(to, s, m, u, *p, scratch);
}

static void closure(
        struct imm_snapshot *to, struct imm_state *s, struct imm_manager *m, struct imm_unit *u) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct imm_closure *c = imm_closure_of(m, u);
        struct imm_excess e = {0};

        s->closure_kind = c->kind == IMM_CLOSURE_NIX ? "nix" : "files";
        imm_array_foreach (n, c) {
                *imm_array_push(to->arena, &s->needs) = (struct imm_state_need){
                        .path = copy(to, n->path),
                        .reason = copy(to, n->reason),
                        .confidence = imm_confidence_name(n->confidence),
                        .package = n->host_path ? copy(to, imm_package_of(imm_closures_of(m),
                                                                   n->host_path))
                                                : NULL,
                };
                if (imm_need_is_missing(n))
                        imm_strv_add(to->arena, &s->missing, copy(to, n->path));
        }
        imm_excess_compute(m, u, c, IMM_EXCESS_GROUPS | IMM_EXCESS_SYSTEM, scratch, &e);
        if (!e.known)
                return;
        s->visible = (int64_t)e.visible;
        imm_array_foreach (g, &e.groups)
                imm_strv_add(to->arena, &s->excess, copy(to, g->name));
}

/* What rules say themselves is copied once for many findings: by where it was copied from. */
struct words {
        struct imm_arena *arena;
        struct {
                const char *from, *copy;
        } v[512];
};

static const char *word(struct imm_snapshot *to, struct words *w, const char *s) {
        size_t at = ((uintptr_t)s >> 3 ^ (uintptr_t)s >> 12) % IMM_ELEMENTSOF(w->v);

        if (!s || to->borrows)
                return s;
        if (w->v[at].from != s) {
                w->v[at].from = s;
                w->v[at].copy = imm_strdup(w->arena, s);
        }
        return w->v[at].copy;
}

static void findings(struct imm_snapshot *to, struct words *w, struct imm_state *s,
        const struct imm_audit *a, const struct imm_audited *u, struct imm_facts *facts) {
        struct imm_finding *list = NULL;
        size_t n = 0;

        imm_findings_with(a, u, facts, facts->scratch, &list, &n);
        imm_array_reserve(to->arena, &s->findings, s->findings.n + n);
        for (size_t i = 0; i < n; i++) {
                struct imm_state_finding *f = imm_array_push(to->arena, &s->findings);
                const struct imm_state_finding none = {0}, *before = i > 0 ? f - 1 : &none;

                *f = (struct imm_state_finding){
                        .rule = word(to, w, list[i].rule->id),
                        .scorecard = word(to, w, list[i].card->name),
                        .setting = copy_again(to, list[i].setting, before->setting),
                        .severity = list[i].severity,
                        .confidence = imm_confidence_name(list[i].confidence),
                        .remedy = list[i].remedy == list[i].rule->remedy
                                          ? word(to, w, list[i].remedy)
                                          : copy(to, list[i].remedy),
                        .file = copy_again(to, list[i].file, before->file),
                        .line = list[i].line,
                        .subject = copy(to, list[i].subject),
                };
                copy_all(to, &f->evidence, &list[i].evidence);
        }
}

/* What could not be read, and why a unit is refused */
static void told(struct imm_snapshot *to, struct imm_state *s, const struct imm_diags *d) {
        imm_array_foreach (i, d) {
                const char *text = copy(to, i->message);

                if (i->level == IMM_DIAG_UNREADABLE || i->level == IMM_DIAG_ERROR)
                        imm_strv_add(to->arena, &s->errors,
                                i->file ? imm_printf(to->arena, "%s:%u: %s", i->file,
                                                  i->line ? i->line : 1, text)
                                        : text);
        }
}

static void told_by_files(
        struct imm_snapshot *to, struct imm_state *s, const struct imm_audited *u) {
        told(to, s, &u->unit->diags);
        if (u->judged != u->unit)
                told(to, s, &u->judged->diags);
        for (size_t i = 0; i < u->judged->n_files; i++)
                told(to, s, &u->judged->files[i]->diags);
        told(to, s, &u->diags);
}

static void refused_at(
        struct imm_snapshot *to, struct imm_state_finding *f, const struct imm_diag *d) {
        f->file = d->file ? copy(to, d->file) : f->file;
        f->line = d->line ? d->line : f->line;
}

static void refused(struct imm_snapshot *to, struct imm_state *s, const struct imm_audited *u) {
        struct imm_state_finding *f;

        if (u->load != IMM_LOAD_BAD_SETTING && u->load != IMM_LOAD_ERROR)
                return;
        f = imm_array_push(to->arena, &s->findings);
        *f = (struct imm_state_finding){
                .rule = imm_load_name(u->load),
                .scorecard = "breakage",
                .severity = IMM_SEVERITY_CRITICAL,
                .confidence = imm_confidence_name(IMM_CERTAIN),
                .file = s->path,
                .line = 1,
        };
        imm_array_foreach (i, &u->diags) {
                if (i->level != IMM_DIAG_ERROR)
                        continue;
                f->setting = copy(to, i->setting);
                refused_at(to, f, i);
                imm_strv_add(to->arena, &f->evidence, copy(to, i->message));
        }
        if (f->evidence.n == 0 && u->judged->n_files > 0) /* its syntax: of that only the line */
                imm_array_foreach (i, &u->judged->files[0]->diags)
                        if (i->level == IMM_DIAG_ERROR)
                                refused_at(to, f, i);
        if (f->evidence.n == 0)
                imm_strv_add(to->arena, &f->evidence,
                        u->load_message ? copy(to, u->load_message) : "systemd refuses this unit");
}

/* Each line has an owner, and of the unit's own file it is told beside the unit. */
static void owners(struct imm_snapshot *to, struct imm_state *s, const struct imm_audit *a,
        const struct imm_audited *u) {
        struct imm_closures *c = imm_closures_of(a->manager);
        const char *file = NULL, *owner = NULL; /* mostly that of the finding before */

        imm_array_foreach (f, &s->findings) {
                struct imm_owner o;

                if (!f->file)
                        continue;
                if (f->file == file) {
                        f->owner = owner;
                        continue;
                }
                o = imm_owner_of(c, u->unit, f->file);
                f->owner = owner = imm_owner_text(&o, to->arena);
                file = f->file;
        }
        if (s->path && !u->unit->given_by_path) {
                struct imm_owner o = imm_owner_of(c, u->unit, s->path);

                if (o.kind == IMM_OWNER_PACKAGE)
                        s->package = imm_after(imm_owner_text(&o, to->arena), "package ");
        }
}

static struct imm_state *add_unit(struct imm_snapshot *to, struct words *w,
        const struct imm_audit *a, const struct imm_audited *u, unsigned parts,
        struct imm_facts *facts) {
        struct imm_manager *m = a->manager;
        struct imm_state *s = imm_snapshot_add(to, u->unit->name);
        bool loaded = u->load == IMM_LOAD_LOADED;

        s->path = copy(to, u->unit->fragment ? u->unit->fragment : u->unit->obstacle);
        s->load = imm_load_name(u->load);
        s->load_message = copy(to, u->load_message);
        copy_all(to, &s->dropins, &u->unit->dropins);
        s->exposure = figure(a, u, "systemd");
        s->reach = figure(a, u, "reach");
        for (size_t c = 0; c < a->n_cards; c++)
                if (imm_streq(a->cards[c]->name, "systemd"))
                        s->rating = copy(to, imm_judgement_rating(a->cards[c], &u->judgements[c]));
        told_by_files(to, s, u);
        refused(to, s, u);
        if (loaded) {
                settings(to, s, facts, parts);
                checks(to, s, a, u);
        }
        findings(to, w, s, a, u, facts);
        owners(to, s, a, u);
        if (!loaded || u->unit->type != IMM_UNIT_SERVICE)
                return s;
        if (parts & IMM_SNAPSHOT_MOUNTS) {
                struct imm_sandbox *b = imm_sandbox_of(m, facts->unit);

                mounts(to, s, &b->mounts[b->main]);
        }
        if (parts & IMM_SNAPSHOT_ACCESS)
                areas(to, s, m, facts->unit);
        if (parts & IMM_SNAPSHOT_CLOSURE)
                closure(to, s, m, facts->unit);
        return s;
}

struct imm_state *imm_snapshot_add_unit(struct imm_snapshot *to, const struct imm_audit *a,
        const struct imm_audited *u, unsigned parts) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct words words = {.arena = to->arena};
        struct imm_facts facts;

        imm_facts_open(&facts, a, u->judged, scratch);
        return add_unit(to, &words, a, u, parts, &facts);
}

/* ---- all units: each worker writes states of its own; they are put in order at the end ---- */

struct writer {
        struct imm_snapshot *to;
        struct imm_snapshot draft; /* of one state, until it is known whether that is known */
        struct words words;        /* in @to */
};

struct writers {
        const struct imm_snapshot_options *what;
        struct writer *v;
};

/* What is left of a state that is known */
static void add_known(
        struct imm_snapshot *to, const struct imm_state *of, const struct imm_known_state *known) {
        struct imm_state *s = imm_snapshot_add(to, of->unit);
        struct imm_known_state *k = imm_new(to->arena, struct imm_known_state);

        *k = *known;
        s->known = k;
        s->path = copy(to, of->path);
        s->load = of->load; /* a word of the program's own */
        s->exposure = of->exposure;
        s->reach = of->reach;
        s->visible = of->visible;
}

static void judged(void *data, unsigned worker, const struct imm_audit *a,
        const struct imm_audited *u, struct imm_facts *facts) {
        const struct writers *all = data;
        struct writer *w = &all->v[worker];
        const struct imm_snapshot_options *what = all->what;

        if (what->known) {
                struct imm_known_state known;
                struct imm_state *s;
                bool is_known;

                w->draft.states.n = w->draft.states.cap = 0;
                s = add_unit(&w->draft, &w->words, a, u, what->parts, facts);
                imm_state_sort(s);
                is_known = what->known(what->data, worker, s, w->draft.arena, &known);
                if (is_known)
                        add_known(w->to, s, &known);
                imm_arena_reset(w->draft.arena);
                if (is_known)
                        return;
        }
        (void)add_unit(w->to, &w->words, a, u, what->parts, facts);
}

static void drop_arena(void *arena) {
        imm_arena_free(arena);
}

/* The states of @from become @to's, with the memory that they lie in. */
static void take_states(struct imm_snapshot *to, struct imm_snapshot *from) {
        imm_array_foreach (s, &from->states)
                *imm_array_push(to->arena, &to->states) = *s;
        imm_arena_defer(to->arena, drop_arena, from->arena);
}

static void judges(struct imm_snapshot *to, const struct imm_audit *a) {
        for (size_t c = 0; c < a->n_cards; c++)
                for (size_t i = 0; i < a->cards[c]->n_rules; i++)
                        imm_strv_add(to->arena, &to->rules,
                                imm_printf(to->arena, "%s/%s %016" PRIx64, a->cards[c]->name,
                                        a->cards[c]->rules[i]->id, a->cards[c]->rules[i]->digest));
        imm_strv_sort_unique(&to->rules);
}

struct imm_snapshot *imm_snapshot_judge(struct imm_manager *m, const struct imm_rulebook *rules,
        struct imm_unit **units, size_t n_units, const struct imm_audit_options *options,
        const struct imm_snapshot_options *what, struct imm_audit **ret) {
        unsigned n = imm_audit_workers(n_units, options->jobs);
        imm_auto_free struct writer *v = imm_xcalloc(n, sizeof(*v));
        struct writers writers = {what, v};
        struct imm_audit_options how = *options;
        struct imm_snapshot *s;

        (void)imm_closures_of(m); /* whose lines they are is asked by all */
        for (unsigned i = 0; i < n; i++) {
                v[i].to = imm_snapshot_new();
                v[i].words.arena = v[i].to->arena;
                v[i].draft.arena = imm_arena_new();
                v[i].draft.borrows = true;
        }
        s = v[0].to;
        how.judged = judged;
        how.data = &writers;
        *ret = imm_audit_run(m, rules, units, n_units, &how);
        for (unsigned i = 0; i < n; i++) {
                imm_arena_free(v[i].draft.arena);
                if (i > 0)
                        take_states(s, v[i].to);
        }
        s->root = imm_strdup(s->arena, imm_root_path(m->root));
        s->systemd = m->version;
        for (size_t i = 0; i < n_units; i++)
                s->partial |= (*ret)->units[i].partial;
        judges(s, *ret);
        copy_all(s, &s->not_analysed, &m->not_analysed);
        imm_snapshot_sort(s);
        return s;
}
