#include "analyzer/closure/closure.h"
#include "analyzer/sandbox/start/preflight.h"
#include "base/crew.h"
#include "rules/rules-private.h"

/*
 * The audit: every unit by every scorecard asked for. Units are handed out in small batches to a
 * few threads; each writes to its own arena, so nothing is locked. Settings and sandboxes are not
 * kept: a unit that is read again costs little, 50,000 units in memory a lot. Whoever wants more of
 * a unit than its judgement asks while they are there (imm_audit_options.judged).
 */

enum { BATCH = 8 };

struct worker {
        struct imm_arena *arena;   /* of the audit */
        struct imm_arena *scratch; /* for one unit's settings and sandbox */
        const struct imm_value **defaults[IMM_UNIT_TYPE_N]; /* made when first needed */
};

struct work {
        struct imm_audit *audit;
        const struct imm_audit_options *options;
        struct imm_map places; /* those that rules ask about: path -> struct imm_site */
        struct worker *workers;
};

/* A process of its own is what a scorecard judges. */
static bool has_process(enum imm_unit_type t) {
        return t == IMM_UNIT_SERVICE || t == IMM_UNIT_SOCKET || t == IMM_UNIT_MOUNT ||
               t == IMM_UNIT_SWAP;
}

/*
 * Does anything run in the unit's sandbox? Of a socket only its own commands do; mount(8) and
 * swapon(8) are systemd's business, and whoever shut them in would have no mount.
 */
static bool runs_something(const struct imm_settings *s, enum imm_unit_type t) {
        static const enum imm_setting commands[] = {IMM_SETTING_SOCKET_EXEC_START_PRE,
                IMM_SETTING_SOCKET_EXEC_START_POST, IMM_SETTING_EXEC_STOP_PRE,
                IMM_SETTING_SOCKET_EXEC_STOP_POST};

        for (size_t i = 0; t == IMM_UNIT_SOCKET && i < IMM_ELEMENTSOF(commands); i++)
                if (imm_setting(s, commands[i])->commands.n > 0)
                        return true;
        return t == IMM_UNIT_SERVICE;
}

/*
 * Can it fail to start all the same? Its sockets are given to somebody; mount(8) and swapon(8) are
 * executed with its settings; what it is to start is not there.
 */
static bool may_fail(struct imm_facts *facts, enum imm_unit_type t) {
        const struct imm_settings *s = facts->settings;

        return t == IMM_UNIT_MOUNT || t == IMM_UNIT_SWAP ||
               (t == IMM_UNIT_SOCKET && (imm_setting_string(s, IMM_SETTING_SOCKET_USER) ||
                                                imm_setting_string(s, IMM_SETTING_SOCKET_GROUP))) ||
               imm_preflight_lacks_trigger(facts->manager, s, imm_facts_memory(facts));
}

static bool is_judged_by(
        const struct imm_scorecard *card, const struct imm_audited *u, struct imm_facts *facts) {
        const struct imm_settings *s = facts->settings;

        if (card->all_units)
                return u->load != IMM_LOAD_NOT_FOUND && u->load != IMM_LOAD_MASKED;
        if (u->load != IMM_LOAD_LOADED)
                return false;
        return (has_process(u->unit->type) &&
                       (card->settings_only || runs_something(s, u->unit->type))) ||
               (card->asks_start && may_fail(facts, u->unit->type));
}

/* Strings of files outlive settings, those made while they were read do not. */
static void keep_diags(const struct imm_diags *from, struct imm_audited *u, struct imm_arena *a) {
        imm_array_foreach (d, from) {
                struct imm_diag *copy;

                if (d->level < IMM_DIAG_WARNING)
                        continue;
                copy = imm_array_push(a, &u->diags);
                *copy = *d;
                copy->message = imm_strdup(a, d->message);
        }
}

/* The settings as a table: defaults, made once for each type, with the unit's own over them */
static const struct imm_value *const *table_of(struct worker *w, const struct imm_settings *s) {
        const struct imm_settings none = {
                .manager = s->manager, .unit = s->unit, .version = s->version};
        const struct imm_value ***defaults = &w->defaults[s->unit->type];
        const struct imm_value **values, *own;
        enum imm_setting id;

        if (!*defaults) {
                *defaults = imm_alloc_array(w->arena, IMM_SETTING_N, sizeof(**defaults));
                for (int i = 0; i < IMM_SETTING_N; i++)
                        (*defaults)[i] = imm_setting(&none, (enum imm_setting)i);
        }
        values = imm_alloc_array(w->scratch, IMM_SETTING_N, sizeof(*values));
        memcpy(values, *defaults, IMM_SETTING_N * sizeof(*values));
        for (size_t i = 0; (own = imm_setting_own(s, i, &id)); i++)
                values[id] = own;
        return values;
}

/* One to be asked for its sandbox too, where that is not one that was only assumed */
static void lend_sandbox(struct imm_facts *facts) {
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++)
                if (facts->sandbox->has[k] && facts->sandbox->mounts[k].assumed)
                        return;
        facts->unit->sandbox = facts->sandbox;
}

void imm_facts_open(struct imm_facts *f, const struct imm_audit *audit, const struct imm_unit *u,
        struct imm_arena *scratch) {
        struct imm_unit *copy = imm_new(scratch, struct imm_unit);

        *copy = *u;
        copy->arena = scratch;
        *f = (struct imm_facts){.manager = audit->manager, .unit = copy, .scratch = scratch};
        f->settings = imm_settings_of(audit->manager, copy);
        if (audit->settings_only || f->settings->load != IMM_LOAD_LOADED || !has_process(u->type))
                return;
        f->sandbox = imm_sandbox_assume(audit->manager, f->settings, scratch);
        if (!copy->sandbox)
                lend_sandbox(f);
}

static void judge_unit(void *data, unsigned worker, size_t i) {
        struct work *work = data;
        struct worker *w = &work->workers[worker];
        struct imm_audit *audit = work->audit;
        struct imm_audited *u = &audit->units[i];
        struct imm_facts facts;
        const struct imm_settings *s;

        if (!w->scratch)
                w->scratch = imm_arena_new();
        imm_facts_open(&facts, audit, u->judged, w->scratch);
        s = facts.settings;
        facts.values = table_of(w, s);
        facts.places = &work->places;
        u->load = s->load;
        u->load_message = s->load_message ? imm_strdup(w->arena, s->load_message) : NULL;
        u->partial = u->unit->unreadable || u->judged->unreadable;
        u->judgements = imm_alloc_array(w->arena, audit->n_cards, sizeof(*u->judgements));
        keep_diags(&s->diags, u, w->arena);
        for (size_t k = 0; k < audit->n_cards; k++)
                if (is_judged_by(audit->cards[k], u, &facts))
                        imm_judge(audit->cards[k], &facts, w->arena, &u->judgements[k]);
        if (work->options->judged)
                work->options->judged(work->options->data, worker, audit, u, &facts);
        imm_arena_reset(w->scratch);
}

static struct imm_arena *add_arena(struct imm_audit *audit) {
        return audit->arenas[audit->n_arenas++] = imm_arena_new();
}

/* Where the places that rules ask about lie in the root: once, before anything is judged */
static void find_places(struct imm_audit *audit, struct imm_map *to) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct imm_arena *a = audit->arenas[0];

        for (size_t i = 0; i < audit->n_cards; i++) {
                struct imm_strv paths = {0};

                imm_scorecard_paths(audit->cards[i], scratch, &paths);
                for (size_t k = 0; k < paths.n; k++) {
                        struct imm_site *p;

                        if (imm_map_has(to, paths.v[k]))
                                continue;
                        p = imm_new(a, struct imm_site);
                        imm_site_find(audit->manager, paths.v[k], a, p);
                        imm_map_put(a, to, paths.v[k], p);
                }
        }
}

/* Who owns a file, and what a unit needs, is asked by threads: it is opened before them. */
static void open_closures(struct imm_audit *audit) {
        (void)imm_closures_of(audit->manager);
}

unsigned imm_audit_workers(size_t n_units, unsigned jobs) {
        return imm_crew_size(n_units, BATCH, jobs);
}

static void run_all(struct imm_audit *audit, const struct imm_audit_options *options) {
        unsigned n = imm_audit_workers(audit->n_units, options->jobs);
        struct work work = {.audit = audit, .options = options};

        find_places(audit, &work.places);
        open_closures(audit);
        work.workers = imm_alloc_array(audit->arenas[0], n, sizeof(*work.workers));
        for (unsigned i = 0; i < n; i++)
                work.workers[i].arena = add_arena(audit);
        imm_crew_run(audit->n_units, BATCH, options->jobs, judge_unit, &work);
        for (unsigned i = 0; i < n; i++)
                imm_arena_free(work.workers[i].scratch);
}

/* Templates are judged through an instance, as systemd-analyze does it. */
static struct imm_unit *judged_for(
        struct imm_audit *audit, struct imm_unit *u, struct imm_arena *a) {
        const char *at = strchr(u->name, '@');
        struct imm_unit *instance = NULL;

        if (!u->instance || *u->instance || !at || u->given_by_path ||
                u->load == IMM_LOAD_NOT_FOUND)
                return u;
        if (imm_manager_unit(audit->manager,
                    imm_printf(a, "%.*s@%s%s", (int)(at - u->name), u->name, audit->rules->stand_in,
                            at + 1),
                    &instance, NULL) < 0)
                return u;
        return instance;
}

struct imm_audit *imm_audit_run(struct imm_manager *m, const struct imm_rulebook *rules,
        struct imm_unit **units, size_t n_units, const struct imm_audit_options *options) {
        struct imm_arena *a = imm_arena_new();
        struct imm_audit *audit = imm_new(a, struct imm_audit);
        unsigned jobs = imm_audit_workers(n_units, options->jobs);

        imm_manager_find_not_analysed(m);
        *audit = (struct imm_audit){.manager = m, .rules = rules, .n_units = n_units};
        audit->arenas = imm_alloc_array(a, (size_t)jobs + 2, sizeof(*audit->arenas));
        audit->arenas[audit->n_arenas++] = a;
        audit->n_cards = options->cards ? options->n_cards : rules->n_cards;
        audit->cards = imm_alloc_array(a, audit->n_cards, sizeof(*audit->cards));
        for (size_t i = 0; i < audit->n_cards; i++)
                audit->cards[i] = options->cards ? options->cards[i] : rules->cards[i];
        audit->settings_only = true;
        for (size_t i = 0; i < audit->n_cards; i++)
                audit->settings_only &= audit->cards[i]->settings_only;
        audit->units = imm_alloc_array(a, n_units, sizeof(*audit->units));
        for (size_t i = 0; i < n_units; i++)
                audit->units[i] = (struct imm_audited){
                        .unit = units[i], .judged = judged_for(audit, units[i], a)};
        run_all(audit, options);
        return audit;
}

struct imm_audit *imm_audit_free(struct imm_audit *a) {
        if (!a)
                return NULL;
        for (size_t i = a->n_arenas; i-- > 0;) /* the first holds the audit itself */
                if (i > 0)
                        imm_arena_free(a->arenas[i]);
        imm_arena_free(a->arenas[0]);
        return NULL;
}

const struct imm_judgement *imm_judgement_of(
        const struct imm_audit *a, const struct imm_audited *u, const char *card) {
        for (size_t i = 0; i < a->n_cards; i++)
                if (imm_streq(a->cards[i]->name, card))
                        return u->judgements[i].scored ? &u->judgements[i] : NULL;
        return NULL;
}
