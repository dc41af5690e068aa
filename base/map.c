#include "base/map.h"

static uint64_t mix(uint64_t h, uint64_t word) {
        h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
        return h ^ h >> 29;
}

/* Eight bytes at a time: keys are mostly paths, and long */
uint64_t imm_map_hash(const char *s, size_t n) {
        uint64_t h = n, word = 0;
        size_t at = 0;

        for (; n - at >= sizeof(word); at += sizeof(word)) {
                memcpy(&word, s + at, sizeof(word));
                h = mix(h, word);
        }
        word = 0;
        for (; at < n; at++)
                word = word << 8 | (unsigned char)s[at];
        h = mix(mix(h, word), n);
        return h ^ h >> 32;
}

/* A slot holds the entry's place plus one, and above it half of the hash: 0 is free. That half says
 * where the slot is, so that a larger map needs no key for it. */
#define PLACE(slot) ((uint32_t)(slot))
#define MARK(h) ((h)&0xffffffff00000000ULL)

static size_t first_slot(const struct imm_map *m, uint64_t h) {
        return (h >> 32) & (m->n_slots - 1);
}

/* A key that is looked for: @n bytes of text, behind which anything may follow */
struct key {
        const char *s;
        size_t n;
        uint64_t h;
};

static struct key key_of(const char *s, size_t n) {
        return (struct key){s, n, imm_map_hash(s, n)};
}

static bool is(const struct imm_map_entry *e, const struct key *k) {
        return strncmp(e->key, k->s, k->n) == 0 && !e->key[k->n];
}

/* The slot of @k, or the free one where it belongs */
static size_t slot_of(const struct imm_map *m, const struct key *k) {
        size_t i = first_slot(m, k->h);

        while (m->slots[i] &&
                (MARK(m->slots[i]) != MARK(k->h) || !is(&m->v[PLACE(m->slots[i]) - 1], k)))
                i = (i + 1) & (m->n_slots - 1);
        return i;
}

static struct imm_map_entry *find(const struct imm_map *m, const struct key *k) {
        uint64_t at;

        if (m->n == 0)
                return NULL;
        at = m->slots[slot_of(m, k)];
        return at ? &m->v[PLACE(at) - 1] : NULL;
}

void *imm_map_get_n(const struct imm_map *m, const char *key, size_t n) {
        struct imm_map_entry *e = NULL;

        if (m->n > 0) {
                const struct key k = key_of(key, n);

                e = find(m, &k);
        }
        return e ? e->value : NULL;
}

void *imm_map_get(const struct imm_map *m, const char *key) {
        return m->n > 0 ? imm_map_get_n(m, key, strlen(key)) : NULL;
}

bool imm_map_has(const struct imm_map *m, const char *key) {
        struct key k;

        if (m->n == 0)
                return false;
        k = key_of(key, strlen(key));
        return find(m, &k) != NULL;
}

static void rehash(struct imm_arena *a, struct imm_map *m, size_t n_slots) {
        const uint64_t *slots = m->slots;
        const size_t n = m->n_slots;

        m->n_slots = n_slots;
        m->slots = imm_alloc_array(a, m->n_slots, sizeof(*m->slots));
        for (size_t i = 0; i < n; i++) {
                size_t at = first_slot(m, slots[i]);

                if (!slots[i])
                        continue;
                while (m->slots[at])
                        at = (at + 1) & (m->n_slots - 1);
                m->slots[at] = slots[i];
        }
}

void imm_map_reserve(struct imm_arena *a, struct imm_map *m, size_t n) {
        size_t n_slots = m->n_slots ? m->n_slots : 16;

        while (n_slots < n * 2)
                n_slots *= 2;
        if (n_slots > m->n_slots)
                rehash(a, m, n_slots);
        if (n > m->cap) {
                struct imm_map_entry *v = imm_alloc_array(a, n, sizeof(*v));

                if (m->n > 0)
                        memcpy(v, m->v, m->n * sizeof(*v));
                m->v = v;
                m->cap = n;
        }
}

void imm_map_put(struct imm_arena *a, struct imm_map *m, const char *key, void *value) {
        const struct key k = key_of(key, strlen(key));
        struct imm_map_entry *e = find(m, &k);

        if (e) {
                e->value = value;
                return;
        }
        if ((m->n + 1) * 2 > m->n_slots)
                rehash(a, m, m->n_slots ? m->n_slots * 2 : 16);
        *imm_array_push(a, m) = (struct imm_map_entry){key, value};
        m->slots[slot_of(m, &k)] = MARK(k.h) | m->n;
}
