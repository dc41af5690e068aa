#include "analyzer/settings/parse/parse.h"
#include "base/map.h"

/*
 * RootImagePolicy= and its kin: "PARTITION=FLAG+FLAG:...", "=FLAGS" for those not named, or one of
 * three signs alone. Without specifiers; what cannot be read keeps the unit from being loaded.
 * Source: systemd.image-policy(7), and the lab with 254 and 257.
 */

enum { LAST_KNOWN = 257 }; /* later ones may know more words */

static bool is_one_of(const char *s, size_t n, const char *const *words, size_t n_words) {
        for (size_t i = 0; i < n_words; i++)
                if (strncmp(words[i], s, n) == 0 && !words[i][n])
                        return true;
        return false;
}

static bool is_partition(const char *s, size_t n, unsigned version) {
        static const char *const names[] = {"root", "usr", "home", "srv", "esp", "xbootldr", "swap",
                "root-verity", "root-verity-sig", "usr-verity", "usr-verity-sig", "tmp", "var"};

        return n == 0 || version > LAST_KNOWN || is_one_of(s, n, names, IMM_ELEMENTSOF(names));
}

static bool is_flag(const char *s, size_t n, unsigned version) {
        static const char *const names[] = {"verity", "signed", "encrypted", "unprotected",
                "unused", "absent", "open", "ignore", "read-only-on", "read-only-off", "growfs-on",
                "growfs-off"};

        return n > 0 && (version > LAST_KNOWN || is_one_of(s, n, names, IMM_ELEMENTSOF(names)));
}

/* Without the blanks around it */
static const char *trim(const char *s, size_t *n) {
        while (*n > 0 && strchr(" \t", s[*n - 1]))
                --*n;
        while (*n > 0 && strchr(" \t", *s)) {
                s++;
                --*n;
        }
        return s;
}

static bool are_flags(const char *s, size_t n, unsigned version) {
        s = trim(s, &n);
        while (n > 0) {
                const char *plus = memchr(s, '+', n);
                size_t k = plus ? (size_t)(plus - s) : n, word_n = k;
                const char *word = trim(s, &word_n);

                if (!is_flag(word, word_n, version) || k + 1 == n)
                        return false;
                s += plus ? k + 1 : k;
                n -= plus ? k + 1 : k;
        }
        return true;
}

/* One item; NULL, or what is wrong with it */
static const char *item(struct imm_parse *p, struct imm_map *seen, const char *s, size_t n) {
        const char *equals = memchr(s, '=', n), *name;
        size_t name_n;

        if (!equals)
                return "has a part without '='";
        name_n = (size_t)(equals - s);
        name = trim(s, &name_n);
        if (!is_partition(name, name_n, p->version))
                return "names a partition that is not known";
        name = imm_strndup(p->a, name, name_n);
        if (imm_map_has(seen, name))
                return "names a partition twice";
        imm_map_put(p->a, seen, name, seen);
        return are_flags(equals + 1, (size_t)(s + n - equals - 1), p->version)
                       ? NULL
                       : "names a flag that is not known";
}

enum imm_parsed imm_parse_image_policy(struct imm_parse *p, const char *value) {
        struct imm_map seen = {0};

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (!strchr("*-~", value[0]) || value[1])
                for (const char *s = value;; s++) {
                        size_t n = strcspn(s, ":");
                        const char *wrong = item(p, &seen, s, n);

                        if (wrong) {
                                p->error = true;
                                return imm_parse_refuse(p, "'%s' %s", value, wrong);
                        }
                        s += n;
                        if (!*s)
                                break;
                }
        imm_parse_value(p)->string = value;
        return IMM_PARSED_TAKEN;
}
