#include "report/gate/gate.h"

#include <sha256.h>

static const struct imm_rule *rule_of(
        const struct imm_gate_report *r, const struct imm_state_finding *f) {
        struct imm_scorecard *card =
                r->rules && f->scorecard ? imm_scorecard_by_name(r->rules, f->scorecard) : NULL;

        for (size_t i = 0; card && f->rule && i < card->n_rules; i++)
                if (imm_streq(card->rules[i]->id, f->rule))
                        return card->rules[i];
        return NULL;
}

const char *imm_gate_title(const struct imm_gate_report *r, const struct imm_state_finding *f) {
        const struct imm_rule *rule = rule_of(r, f);

        if (rule && rule->title)
                return rule->title;
        return f->evidence.n > 0 ? f->evidence.v[0] : f->rule ? f->rule : "finding";
}

void imm_gate_fingerprint(const char *key, char ret[65]) {
        static const char digits[] = "0123456789abcdef";
        unsigned char d[SHA256_DIGEST_LENGTH];
        SHA256_CTX c;

        SHA256Init(&c);
        SHA256Update(&c, (const uint8_t *)key, strlen(key));
        SHA256Final(d, &c);
        for (size_t i = 0; i < sizeof(d); i++) {
                ret[2 * i] = digits[d[i] >> 4];
                ret[2 * i + 1] = digits[d[i] & 15];
        }
        ret[64] = 0;
}

const char *imm_gate_relative(const char *path) {
        const char *rest;

        while ((rest = imm_after(path, "./")))
                path = rest + strspn(rest, "/");
        return path;
}

bool imm_gate_in_repository(const char *path) {
        if (!path)
                return false;
        path = imm_gate_relative(path);
        return *path && *path != '/' && !imm_streq(path, "..") && !imm_after(path, "../") &&
               !strstr(path, "/../");
}
