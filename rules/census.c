#include "rules/rules-private.h"

#include <pthread.h>
#include <strings.h>
#include <sys/capability.h>

/*
 * Who else runs as that user? Counted once for a manager, by the lines that decide about it alone:
 * thousands of units need not be understood for that. Where only some units were asked for, all of
 * the root's are looked through, in a manager of their own that goes again.
 */

struct service {
        const char *name;
        uint64_t caps; /* that its processes keep: of root the bounding set, else the ambient one */
};

struct services {
        struct service *v;
        size_t n, cap;
};

struct imm_census {
        struct imm_map users; /* key of a user -> struct services, sorted */
        struct imm_programs *programs;
};

static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

/* A number where the root knows one: two names may be one user */
static const char *key_of(const struct imm_manager *m, const char *user, struct imm_arena *a) {
        const struct imm_user *u = imm_user_by_name(m->users, user);
        unsigned long long n;

        if (imm_streq(user, "root"))
                return "0";
        if (u)
                return imm_printf(a, "%u", u->uid);
        return imm_parse_u64(user, &n) ? imm_printf(a, "%llu", n) : user;
}

static bool is_yes(const char *s) {
        static const char *const words[] = {"1", "yes", "y", "true", "t", "on"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                if (strcasecmp(s, words[i]) == 0)
                        return true;
        return false;
}

/* One more line of a list of capabilities: "~" takes away, nothing empties */
static uint64_t add_caps(uint64_t caps, bool first, const char *value) {
        bool invert = *value == '~';
        uint64_t named = 0;

        if (!*value)
                return 0;
        for (const char *s = value + invert; *s;) {
                size_t n = strcspn(s, " \t");
                char word[64];
                cap_value_t cap;

                if (n > 0 && n < sizeof(word)) {
                        memcpy(word, s, n);
                        word[n] = 0;
                        if (cap_from_name(word, &cap) == 0 && cap < 64)
                                named |= UINT64_C(1) << cap;
                }
                s += n;
                s += strspn(s, " \t");
        }
        if (invert)
                return (first ? UINT64_MAX : caps) & ~named;
        return (first ? 0 : caps) | named;
}

/* What decides about a service's user and what others of it may do to its processes */
struct decisive {
        const char *user; /* NULL: one of its own */
        uint64_t bounding, ambient;
};

static struct decisive read_lines(
        struct imm_manager *m, const struct imm_unit *u, struct imm_arena *scratch) {
        struct decisive d = {.bounding = UINT64_MAX};
        bool dynamic = false, first[2] = {true, true};
        const char *user = NULL, *expanded;

        for (size_t f = 0; f < u->n_files; f++)
                for (size_t i = 0; i < u->files[f]->n_assignments; i++) {
                        const struct imm_assignment *at = &u->files[f]->assignments[i];

                        if (!imm_streq(at->section, "Service"))
                                continue;
                        if (imm_streq(at->key, "User"))
                                user = *at->value ? at->value : NULL;
                        else if (imm_streq(at->key, "DynamicUser"))
                                dynamic = is_yes(at->value);
                        else if (imm_streq(at->key, "CapabilityBoundingSet")) {
                                d.bounding = add_caps(d.bounding, first[0], at->value);
                                first[0] = false;
                        } else if (imm_streq(at->key, "AmbientCapabilities")) {
                                d.ambient = add_caps(d.ambient, first[1], at->value);
                                first[1] = false;
                        }
                }
        if (user && strchr(user, '%') &&
                imm_unit_expand(m, u, IMM_SPECIFIERS_FULL, user, scratch, &expanded) == 0)
                user = expanded;
        d.user = user ? user : dynamic ? NULL : "root";
        return d;
}

static void count(struct imm_manager *m, struct imm_arena *a, struct imm_census *to) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();

        for (size_t i = 0; i < m->n_list; i++) {
                const struct imm_unit *u = m->list[i];
                struct services *services;
                struct decisive d;
                const char *key;

                if (u->type != IMM_UNIT_SERVICE || u->load != IMM_LOAD_LOADED)
                        continue;
                d = read_lines(m, u, scratch);
                key = d.user ? key_of(m, d.user, scratch) : "";
                imm_programs_note(m, to->programs, u, key, a, scratch);
                if (!d.user)
                        continue;
                services = imm_map_get(&to->users, key);
                if (!services) {
                        services = imm_new(a, struct services);
                        imm_map_put(a, &to->users, imm_strdup(a, key), services);
                }
                *imm_array_push(a, services) = (struct service){imm_strdup(a, u->name),
                        imm_streq(key, "0") ? d.bounding : d.ambient & d.bounding};
        }
}

static void count_all(struct imm_manager *m, struct imm_census *to) {
        const struct imm_manager_options options = {
                .scope = m->scope, .version = m->version, .user = m->user ? m->user->name : NULL};
        imm_cleanup(imm_manager_free) struct imm_manager *all = NULL;

        if (m->complete) {
                count(m, m->arena, to);
                return;
        }
        if (imm_manager_open(&all, m->root, &options, NULL) == 0 &&
                imm_manager_load_all(all, 1, NULL) == 0)
                count(all, m->arena, to);
}

static const struct imm_census *census_of(struct imm_manager *m) {
        struct imm_census *c;

        (void)pthread_mutex_lock(&counting);
        c = m->census;
        if (!c) {
                c = imm_new(m->arena, struct imm_census);
                c->programs = imm_programs_new(m->arena);
                count_all(m, c);
                m->census = c;
        }
        (void)pthread_mutex_unlock(&counting);
        return c;
}

/* An instance is no other than its template. */
bool imm_census_is_itself(const struct imm_unit *u, const char *name) {
        const char *at = u->instance ? strchr(u->name, '@') : NULL, *other;

        if (imm_streq(u->name, name))
                return true;
        other = at ? strchr(name, '@') : NULL;
        return other && at - u->name == other - name &&
               strncmp(u->name, name, (size_t)(at - u->name)) == 0 &&
               (other[1] == '.' || at[1] == '.' ||
                       strncmp(at + 1, "test_instance.", strlen("test_instance.")) == 0);
}

/* Their capabilities must not be more than its own, unless it may trace whatever it likes. */
static bool may_trace(const struct imm_identity *id, const struct service *other) {
        return id->cap_effective >> CAP_SYS_PTRACE & 1 ||
               (other->caps & IMM_CAPS_ALL & ~id->cap_effective) == 0;
}

const struct imm_programs *imm_census_programs(struct imm_facts *facts) {
        return census_of(facts->manager)->programs;
}

size_t imm_census_others(
        struct imm_facts *facts, const struct imm_identity *id, bool traced, struct imm_strv *ret) {
        struct imm_arena *a = imm_facts_memory(facts);
        const char *key = id->dynamic ? id->user : imm_printf(a, "%u", id->uid);
        const struct services *all =
                key ? imm_map_get(&census_of(facts->manager)->users, key) : NULL;
        size_t n = 0;

        for (size_t i = 0; all && i < all->n; i++) {
                if (imm_census_is_itself(facts->unit, all->v[i].name) ||
                        (traced && !may_trace(id, &all->v[i])))
                        continue;
                n++;
                if (!ret)
                        break;
                imm_strv_add(a, ret, all->v[i].name);
        }
        return n;
}
