/*
 * A report of another host: read, compared with itself and with one of the same names, written,
 * read again: what was written is the same.
 */

#include "audit/difference.h"
#include "base/json.h"
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const char fixed[] =
        "{\"schema\":\"immure.report/1\",\"units\":[{\"unit\":\"a.service\",\"load\":\"loaded\","
        "\"exposure\":\"5.0\",\"settings\":{\"User\":{\"value\":\"a\"}},"
        "\"checks\":[{\"id\":\"c\",\"set\":true}],\"mounts\":[{\"path\":\"/\"}],"
        "\"access\":[{\"path\":\"/\",\"read\":true}],"
        "\"closure\":{\"kind\":\"files\",\"paths\":[{\"path\":\"/a1\",\"package\":\"p\"}]},"
        "\"findings\":[{\"rule\":\"r\",\"severity\":\"high\"}]}]}";

static char *written(const struct imm_snapshot *s, const struct imm_difference *d, size_t *n) {
        char *text = NULL;
        FILE *f = open_memstream(&text, n);
        struct imm_json j = imm_json_on(f, IMM_JSON_SHORT);

        if (s)
                imm_snapshot_json(s, &j);
        else {
                imm_json_object(&j, NULL);
                imm_difference_json(d, &j);
                imm_json_end(&j);
        }
        assert(fclose(f) == 0);
        return text;
}

static void compare(const struct imm_snapshot *a, const struct imm_snapshot *b) {
        imm_cleanup(imm_difference_free) struct imm_difference *d = imm_difference_of(a, b);
        size_t n;

        free(written(NULL, d, &n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = NULL, *other = NULL, *again = NULL;
        imm_err_auto err = IMM_ERR_INIT;
        char *first, *second;
        size_t n, k;

        if (imm_snapshot_from_json(&s, (const char *)data, size, "fuzz", &err) < 0)
                return 0;
        assert(imm_snapshot_from_json(&other, fixed, sizeof(fixed) - 1, "fixed", NULL) == 0);
        compare(s, other);
        compare(other, s);
        compare(s, s);
        first = written(s, NULL, &n);
        assert(imm_snapshot_from_json(&again, first, n, "written", NULL) == 0);
        second = written(again, NULL, &k);
        assert(n == k && memcmp(first, second, n) == 0);
        free(first);
        free(second);
        return 0;
}
