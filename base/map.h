#pragma once

/*
 * A map from strings to pointers: open addressing, keys borrowed, no removal. Iteration goes in
 * order of insertion, so that output never depends on hashing.
 */

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

struct imm_map_entry {
        const char *key; /* borrowed: must live as long as the map */
        void *value;
};

struct imm_map {
        struct imm_map_entry *v; /* in order of insertion */
        size_t n, cap;
        uint64_t *slots; /* private */
        size_t n_slots;
};

/* The value, or NULL if the key is absent (or its value is NULL). */
void *imm_map_get(const struct imm_map *m, const char *key);
/* The same for the first @n bytes of @key, none of them NUL */
void *imm_map_get_n(const struct imm_map *m, const char *key, size_t n);
bool imm_map_has(const struct imm_map *m, const char *key);
/* Adds or replaces; memory comes from @a, always the same one for a map. */
void imm_map_put(struct imm_arena *a, struct imm_map *m, const char *key, void *value);
/* Makes room for @n entries in all, so that it need not grow on the way. */
void imm_map_reserve(struct imm_arena *a, struct imm_map *m, size_t n);
/* What a map makes of the first @n bytes of @s; for those who divide keys among several maps */
uint64_t imm_map_hash(const char *s, size_t n);
