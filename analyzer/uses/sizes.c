#include "analyzer/uses/uses-private.h"

#include <ctype.h>
#include <inttypes.h>

/* Sizes of memory that a command or a configuration lets a program fill. */

/* "256M", "2g", "1GiB", "134217728": in bytes; 0 if it is no size */
uint64_t memory_size(const char *text) {
        static const char units[] = "kmgt";
        uint64_t n = 0;
        const char *unit;

        if (!isdigit((unsigned char)*text))
                return 0;
        for (; isdigit((unsigned char)*text); text++)
                if (__builtin_mul_overflow(n, 10, &n) ||
                        __builtin_add_overflow(n, (uint64_t)(*text - '0'), &n))
                        return 0;
        unit = *text ? strchr(units, tolower((unsigned char)*text)) : NULL;
        if (!unit)
                return *text ? 0 : n;
        if (strspn(text + 1, "iIbB") != strlen(text + 1))
                return 0;
        for (const char *at = units; at <= unit; at++)
                if (__builtin_mul_overflow(n, 1024, &n))
                        return 0;
        return n;
}

static void fills(struct collector *c, const char *key, const char *size, const char *from) {
        if (memory_size(size) > 0)
                use_add(c, IMM_FACILITY_MEMORY, PART, NULL, size, "%s: %s %s", from, key, size);
}

/* A line's key or an option, and one of its words */
void use_size(struct collector *c, const char *daemon, const char *key, const char *value,
        const char *from) {
        static const struct {
                const char *daemon, *key; /* a part of its name; "": any */
                const char *unit;         /* of a mere number */
        } rows[] = {
                {"", "innodb_buffer_pool_size", ""},
                {"", "innodb-buffer-pool-size", ""},
                {"", "shared_buffers", ""},
                {"", "maxmemory", ""},
                {"", "--maxmemory", ""},
                {"", "--max-old-space-size", "M"},
                {"", "--innodb-buffer-pool-size", ""},
                {"", "cacheSizeGB", "G"},
                {"", "--wiredTigerCacheSizeGB", "G"},
                {"memcached", "-m", "M"},
        };
        const char *rest = imm_after(value, "malloc,");

        if (rest) { /* varnishd's storage */
                fills(c, key, imm_strndup(c->a, rest, strcspn(rest, ",")), from);
                return;
        }
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++)
                if (strcasecmp(rows[i].key, key) == 0 && strstr(daemon, rows[i].daemon))
                        fills(c, key,
                                imm_printf(c->a, "%s%s", value,
                                        strspn(value, "0123456789") == strlen(value) ? rows[i].unit
                                                                                     : ""),
                                from);
}

void use_files(struct collector *c, const char *daemon, const char *key, const char *value,
        const char *from) {
        static const struct {
                const char *daemon, *key; /* a part of its name */
                enum strength strength;
                unsigned each; /* files of one of what is counted */
        } rows[] = {
                {"haproxy", "maxconn", MUST, 2},
                {"memcached", "-c", DOES, 1},
                {"redis-", "maxclients", PART, 1}, /* one program of many names */
                {"valkey-", "maxclients", PART, 1},
                {"nginx", "worker_connections", PART, 1},
                {"mariadbd", "open_files_limit", PART, 1},
                {"mysqld", "open_files_limit", PART, 1},
                {"unbound", "outgoing-range", PART, 1},
                {"lighttpd", "server.max-fds", PART, 1},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                uint64_t n = strcasecmp(rows[i].key, key) == 0 && strstr(daemon, rows[i].daemon)
                                     ? memory_size(value)
                                     : 0;

                if (n > 0 && n < 1 << 30)
                        use_add(c, IMM_FACILITY_FILES, rows[i].strength, NULL,
                                imm_printf(c->a, "%" PRIu64, n * rows[i].each), "%s: %s %s", from,
                                key, value);
        }
}

/* "-Xms512m -Xmx2g": of an option's words, which have no blank, or a variable's */
void use_heap(struct collector *c, const char *words, const char *from) {
        static const char *const options[] = {"-Xms", "-Xmx"};

        for (const char *at = words; *at; at += strcspn(at, " "), at += strspn(at, " "))
                for (size_t i = 0; i < IMM_ELEMENTSOF(options); i++) {
                        const char *size = imm_after(at, options[i]);

                        if (size)
                                fills(c, options[i], imm_strndup(c->a, size, strcspn(size, " ")),
                                        from);
                }
}
