#include "rules/rules-private.h"

/*
 * Conditions on what the service can really do at places of the root. Each place is looked at once
 * a unit, however many rules ask. A place that the root does not have is no access.
 */

struct imm_arena *imm_facts_memory(const struct imm_facts *facts) {
        return facts->scratch ? facts->scratch : facts->arena ? facts->arena : facts->unit->arena;
}

const struct imm_sandbox *imm_facts_sandbox(struct imm_facts *facts) {
        if (!facts->sandbox)
                facts->sandbox = imm_sandbox_assume(
                        facts->manager, facts->settings, imm_facts_memory(facts));
        return facts->sandbox;
}

/* What is below the home of the main command's user, if anybody has one */
static const char *at_home(struct imm_facts *facts, const char *path) {
        const struct imm_sandbox *sb = imm_facts_sandbox(facts);
        const struct imm_user *u =
                imm_user_by_uid(facts->manager->users, sb->identity[sb->main].uid);

        if (!imm_is_of_home(path))
                return path;
        if (!u || !u->home || *u->home != '/')
                return "/.no-home";
        return imm_printf(imm_facts_memory(facts), "%s%s", u->home, path + 1);
}

static const struct imm_site *place_of(struct imm_facts *facts, const char *path) {
        const struct imm_site *known = facts->places ? imm_map_get(facts->places, path) : NULL;
        struct imm_site *found;

        if (known)
                return known;
        found = imm_new(imm_facts_memory(facts), struct imm_site);
        imm_site_find(facts->manager, path, imm_facts_memory(facts), found);
        return found;
}

const struct imm_site_access *imm_facts_look(struct imm_facts *facts, const char *path) {
        struct imm_site_access *seen = imm_map_get(&facts->seen, path);

        if (seen)
                return seen;
        seen = imm_new(imm_facts_memory(facts), struct imm_site_access);
        imm_site_access(facts->manager, facts->settings, imm_facts_sandbox(facts),
                place_of(facts, path), imm_facts_memory(facts), seen);
        imm_map_put(imm_facts_memory(facts), &facts->seen, path, seen);
        return seen;
}

static bool allows_family(struct imm_facts *facts, const char *family) {
        const struct imm_value *v = imm_fact(facts, IMM_SETTING_RESTRICT_ADDRESS_FAMILIES);
        bool named = false;

        for (size_t i = 0; i < v->strings.n; i++)
                named |= imm_streq(v->strings.v[i].text, family);
        return named == v->allow_list;
}

/* Can commands of that kind make a socket of that family and connect it at all? */
static bool has_sockets(struct imm_facts *facts, enum imm_command_kind kind) {
        return kind == IMM_KIND_PRIVILEGED ||
               (allows_family(facts, "AF_UNIX") && imm_facts_call_left(facts, "socket") &&
                       imm_facts_call_left(facts, "connect"));
}

int imm_facts_connects(struct imm_facts *facts, enum imm_command_kind kind, const char *path) {
        struct imm_sandbox one = *imm_facts_sandbox(facts);
        struct imm_site_access seen;
        bool only = true;

        if (!one.has[kind] || !has_sockets(facts, kind))
                return 0;
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++) {
                only &= k == kind || !one.has[k];
                one.has[k] = k == kind;
        }
        if (only)
                return imm_facts_look(facts, path)->allowed[IMM_MODE_CONNECT];
        imm_site_access(facts->manager, facts->settings, &one, place_of(facts, path),
                imm_facts_memory(facts), &seen);
        return seen.allowed[IMM_MODE_CONNECT];
}

void imm_facts_say(struct imm_facts *facts, const char *verb, const char *path,
        const struct imm_site_access *seen, enum imm_mode mode) {
        const char *at = seen->seen_at[mode] ? seen->seen_at[mode] : path;
        struct imm_access why = {0};
        struct imm_unit as; /* as if it could start, like the answer itself; and computed already */

        if (!facts->arena)
                return;
        as = *facts->unit;
        as.settings = facts->settings;
        (void)imm_facts_sandbox(facts);
        as.sandbox = facts->sandbox;
        if (imm_streq(at, path))
                imm_evidence_add(facts, IMM_SETTING_N, "can %s %s", verb, path);
        else
                imm_evidence_add(facts, IMM_SETTING_N, "can %s %s, as %s", verb, path, at);
        imm_access_widest(facts->manager, &as, at, 1U << mode, facts->arena, &why);
        for (size_t i = 0; i < why.because.n; i++)
                imm_evidence_add(facts, IMM_SETTING_N, "%s", why.because.v[i]);
}

enum what { ALLOWED, PART, OTHERS, WHOLE, NEW_EXECUTABLE };

static int answer(const struct imm_site_access *seen, enum what what, enum imm_mode mode) {
        int pair = mode == IMM_MODE_WRITE;

        switch (what) {
        case ALLOWED:
                return seen->allowed[mode];
        case PART:
                return seen->part[pair];
        case OTHERS:
                return seen->others[pair];
        case WHOLE:
                return seen->whole[pair];
        case NEW_EXECUTABLE:
                return seen->new_executable;
        }
        return -1;
}

static enum imm_truth any_of(struct imm_facts *facts, const struct imm_argument *argument,
        enum what what, enum imm_mode mode, const char *verb) {
        enum imm_truth truth = IMM_NO;

        for (size_t i = 0; i < argument->words.n; i++) {
                const char *path = at_home(facts, argument->words.v[i]);
                const struct imm_site_access *seen = imm_facts_look(facts, path);
                int a = answer(seen, what, mode);

                if (a == 1) {
                        imm_facts_say(facts, verb, path, seen, mode);
                        return IMM_YES;
                }
                if (a == -1)
                        truth = IMM_DONT_KNOW;
        }
        if (truth == IMM_DONT_KNOW)
                imm_evidence_add(facts, IMM_SETTING_N,
                        "whether it can %s %s cannot be known from files", verb,
                        argument->words.v[0]);
        return truth;
}

#define PATH_CONDITION(slug, what, mode, verb) \
        enum imm_truth imm_condition_##slug( \
                struct imm_facts *facts, const struct imm_argument *argument) { \
                return any_of(facts, argument, what, mode, verb); \
        }

PATH_CONDITION(can_execute, ALLOWED, IMM_MODE_EXECUTE, "execute")
PATH_CONDITION(can_read, ALLOWED, IMM_MODE_READ, "read")
PATH_CONDITION(can_read_others, OTHERS, IMM_MODE_READ, "read what belongs to others in")
PATH_CONDITION(can_read_part, PART, IMM_MODE_READ, "read a part of")
PATH_CONDITION(can_read_whole, WHOLE, IMM_MODE_READ, "read all of")
PATH_CONDITION(can_write, ALLOWED, IMM_MODE_WRITE, "write")
PATH_CONDITION(can_write_others, OTHERS, IMM_MODE_WRITE, "write what belongs to others in")
PATH_CONDITION(can_write_part, PART, IMM_MODE_WRITE, "write a part of")
PATH_CONDITION(can_write_whole, WHOLE, IMM_MODE_WRITE, "write all of")
PATH_CONDITION(
        writable_and_executable, NEW_EXECUTABLE, IMM_MODE_WRITE, "make a program and execute it in")

static int any_connects(struct imm_facts *facts, const char *path) {
        int best = 0;

        for (enum imm_command_kind k = 0; k < IMM_KIND_N && best != 1; k++) {
                int r = imm_facts_connects(facts, k, path);

                if (r != 0)
                        best = r;
        }
        return best;
}

/* Sockets are there when somebody listens: one that is not known is none, but see CanReach=. */
enum imm_truth imm_condition_can_connect(
        struct imm_facts *facts, const struct imm_argument *argument) {
        for (size_t i = 0; i < argument->words.n; i++) {
                const char *path = argument->words.v[i];

                if (any_connects(facts, path) != 1)
                        continue;
                imm_facts_say(
                        facts, "connect to", path, imm_facts_look(facts, path), IMM_MODE_CONNECT);
                return IMM_YES;
        }
        return IMM_NO;
}

/* What is not there yet is hidden where a setting names it: it will be, when the unit starts. */
static bool will_be_hidden(struct imm_facts *facts, const char *path) {
        const struct imm_value *v = imm_fact(facts, IMM_SETTING_INACCESSIBLE_PATHS);

        if (imm_facts_sandbox(facts)->has[IMM_KIND_PRIVILEGED])
                return false;
        imm_array_foreach (i, &v->paths) {
                const char *rest = imm_after(path, i->path);

                if (rest && (!*rest || *rest == '/'))
                        return true;
        }
        return false;
}

enum imm_truth imm_condition_can_reach(
        struct imm_facts *facts, const struct imm_argument *argument) {
        for (size_t i = 0; i < argument->words.n; i++) {
                const char *path = argument->words.v[i];

                if (imm_facts_look(facts, path)->allowed[IMM_MODE_CONNECT] == 0 ||
                        any_connects(facts, path) == 0 || will_be_hidden(facts, path))
                        continue;
                imm_evidence_add(facts, IMM_SETTING_N, "sees the place of %s", path);
                return IMM_YES;
        }
        return IMM_NO;
}

enum imm_truth imm_condition_root_has(
        struct imm_facts *facts, const struct imm_argument *argument) {
        for (size_t i = 0; i < argument->words.n; i++) {
                const struct imm_site *place = place_of(facts, argument->words.v[i]);

                if (!place->file || place->unknown)
                        continue;
                imm_evidence_add(facts, IMM_SETTING_N, "the root has %s", argument->words.v[i]);
                return IMM_YES;
        }
        return IMM_NO;
}
