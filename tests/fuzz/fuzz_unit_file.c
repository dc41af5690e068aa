/* The syntax of unit files, the words of each value, and specifiers in it. */

#include "analyzer/unit/limits.h"
#include "analyzer/unit/syntax.h"
#include "analyzer/unit/words.h"
#include "tests/fuzz/fuzz.h"

#include <assert.h>

static void take_apart(struct imm_arena *a, const char *value) {
        static const unsigned flags[] = {
                0,
                IMM_WORDS_UNQUOTE | IMM_WORDS_CUNESCAPE,
                IMM_WORDS_UNQUOTE | IMM_WORDS_RELAX | IMM_WORDS_UNESCAPE_RELAX,
                IMM_WORDS_KEEP_QUOTE | IMM_WORDS_UNESCAPE_SEPARATORS,
                IMM_WORDS_DONT_COALESCE | IMM_WORDS_UNQUOTE,
                IMM_WORDS_RETAIN_ESCAPE | IMM_WORDS_KEEP_QUOTE,
                IMM_WORDS_UNQUOTE | IMM_WORDS_CUNESCAPE | IMM_WORDS_UNESCAPE_RELAX |
                        IMM_WORDS_RELAX | IMM_WORDS_DONT_COALESCE,
        };
        const char *w;

        for (size_t i = 0; i < IMM_ELEMENTSOF(flags); i++)
                for (unsigned colon = 0; colon < 2; colon++) {
                        const char *p = value;

                        while (imm_word_next(&p, colon ? ":" : NULL, flags[i], a, &w) > 0) {
                                assert(strlen(w) <= strlen(value));
                                assert(!p || (p >= value && p <= value + strlen(value)));
                        }
                }
        if (imm_unescape(value, true, a, &w) == 0)
                assert(strlen(w) <= strlen(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const unsigned versions[] = {247, 252, 257};
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

        for (size_t v = 0; v < IMM_ELEMENTSOF(versions); v++) {
                struct imm_syntax syntax = {
                        v == 1 ? NULL : imm_unit_sections(IMM_UNIT_SERVICE), versions[v]};
                struct imm_unit_file f = {.path = "fuzz.service"};
                char *text = malloc(size + 1); /* a block of its own: reads beyond are seen */

                if (!text)
                        return 0;
                memcpy(text, data, size);
                text[size] = 0;
                imm_syntax_parse(&syntax, text, size, a, &f);
                free(text);
                assert(f.diags.n <= IMM_FILE_DIAGS_MAX + 1);
                for (size_t i = 0; i < f.n_assignments; i++) {
                        const struct imm_assignment *as = &f.assignments[i];

                        assert(*as->key && as->line > 0);
                        assert(!strpbrk(as->key, "=\n\r"));
                        assert(imm_utf8_valid(as->value, strlen(as->value)));
                        assert(strlen(as->value) <= IMM_UNIT_LINE_MAX);
                        if (v == 0 && strlen(as->value) < 4096)
                                take_apart(a, as->value);
                }
        }
        return 0;
}
