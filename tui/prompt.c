/* The prompt: a line that one types into, and what becomes of it. */

#include "tui/model-private.h"

static void filter_changed(struct imm_tui *t) {
        imm_tui_set(&t->filter, t->input);
        t->list = (struct imm_scroll){0};
        imm_tui_rows(t);
}

static void filter_left(struct imm_tui *t) {
        imm_tui_set(&t->filter, "");
        imm_tui_rows(t);
}

static void search(struct imm_tui *t, const char *text) {
        if (*text)
                imm_tui_set(&t->search, text);
        imm_tui_find(t, 1, *text != 0); /* nothing: the same again */
}

/* What cannot be tried stays to be mended, with the reason above it. */
static void edit(struct imm_tui *t, const char *text) {
        if (!imm_unit_edit(t, text, true))
                imm_prompt_open(t, IMM_PROMPT_EDIT, text);
}

static void add(struct imm_tui *t, const char *text) {
        if (!imm_unit_edit(t, text, false))
                imm_prompt_open(t, IMM_PROMPT_ADD, text);
}

static void save(struct imm_tui *t, const char *text) {
        imm_unit_save(t, text, false);
}

static void replace(struct imm_tui *t, const char *text) {
        if (imm_streq(text, "yes") || imm_streq(text, "y"))
                imm_unit_save(t, t->edited, true);
        else
                imm_tui_say(t, true, "nothing was written");
}

/* ---- completion ---- */

/* What could stand at input[from] up to the place where one types */
struct words {
        size_t from;
        struct imm_strv list;
        const char *behind; /* what follows a word that is the only one */
};

/* The name of a setting, then one of its values */
static bool setting_words(struct imm_tui *t, struct words *ret) {
        const char *sign = memchr(t->input, '=', t->input_at);
        struct imm_about about = {0};

        if (!sign) {
                ret->behind = "=";
                imm_array_foreach (s, &t->as_is->settings)
                        imm_strv_add(t->frame, &ret->list, s->name);
                return true;
        }
        ret->from = (size_t)(sign - t->input) + 1;
        ret->behind = "";
        if (t->world.about(t->world.data, imm_strndup(t->frame, t->input, ret->from - 1), t->frame,
                    &about))
                ret->list = about.values;
        return about.values.n > 0;
}

/* What there is for the service in the folder that was typed */
static bool path_words(struct imm_tui *t, struct words *ret) {
        const char *slash = memrchr(t->input, '/', t->input_at), *folder;
        imm_err_auto err = IMM_ERR_INIT;
        struct imm_place *places = NULL;
        size_t n = 0;

        if (!slash)
                return false;
        ret->from = (size_t)(slash - t->input) + 1;
        ret->behind = "";
        folder = slash == t->input ? "/" : imm_strndup(t->frame, t->input, ret->from - 1);
        if (t->world.list(t->world.data, t->as_is->unit, imm_trial_dropin(t, t->frame), folder,
                    t->frame, &places, &n, &err) < 0)
                return false;
        for (size_t i = 0; i < n; i++)
                imm_strv_add(t->frame, &ret->list,
                        imm_printf(
                                t->frame, "%s%s", places[i].name, places[i].directory ? "/" : ""));
        return true;
}

static const struct kind {
        const char *label;
        void (*changed)(struct imm_tui *t);
        void (*enter)(struct imm_tui *t, const char *text);
        void (*left)(struct imm_tui *t);
        bool (*candidates)(struct imm_tui *t, struct words *ret); /* what Tab completes to */
} kinds[IMM_PROMPT_N] = {
        [IMM_PROMPT_FILTER] = {"Filter: ", filter_changed, NULL, filter_left},
        [IMM_PROMPT_SEARCH] = {"Search: ", NULL, search, NULL},
        [IMM_PROMPT_EDIT] = {"Try: ", NULL, edit, NULL, setting_words},
        [IMM_PROMPT_ADD] = {"Try Setting=value: ", NULL, add, NULL, setting_words},
        [IMM_PROMPT_SAVE] = {"Write drop-in to: ", NULL, save, NULL},
        [IMM_PROMPT_REPLACE] = {"exists; replace it (yes, no)? ", NULL, replace, NULL},
        [IMM_PROMPT_ASK] = {"Path: ", NULL, imm_unit_ask, NULL, path_words},
};

void imm_prompt_open(struct imm_tui *t, enum imm_prompt kind, const char *text) {
        t->prompt = kind;
        imm_tui_set(&t->input, text);
        t->input_at = strlen(text);
}

const char *imm_prompt_bar(const struct imm_tui *t) {
        return kinds[t->prompt].candidates ? "Enter does it  Tab completes  Esc leaves it"
                                           : "Enter does it  Esc leaves it";
}

const char *imm_prompt_label(const struct imm_tui *t, struct imm_arena *a) {
        if (t->prompt == IMM_PROMPT_REPLACE)
                return imm_printf(a, "%s %s", t->edited, kinds[t->prompt].label);
        return kinds[t->prompt].label;
}

static size_t before(const char *s, size_t at) {
        while (at > 0 && (s[--at] & 0xc0) == 0x80)
                ;
        return at;
}

static size_t behind(const char *s, size_t at) {
        if (s[at])
                at++;
        while ((s[at] & 0xc0) == 0x80)
                at++;
        return at;
}

static void cut(struct imm_tui *t, size_t from, size_t to) {
        memmove(t->input + from, t->input + to, strlen(t->input + to) + 1);
        t->input_at = from;
        if (kinds[t->prompt].changed)
                kinds[t->prompt].changed(t);
}

/* A code point as UTF-8; its length */
static size_t encode(int c, char to[5]) {
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};

        for (size_t i = n; i-- > 1; c >>= 6)
                to[i] = (char)(0x80 | (c & 0x3f));
        to[0] = (char)(first[n] | c);
        to[n] = 0;
        return n;
}

static void type(struct imm_tui *t, int key) {
        imm_auto_free char *fresh = NULL;
        char utf8[5] = "";
        size_t n = encode(key, utf8);

        if (strlen(t->input) > 4096)
                return;
        if (asprintf(&fresh, "%.*s%s%s", (int)t->input_at, t->input, utf8, t->input + t->input_at) <
                0)
                imm_oom();
        imm_tui_set(&t->input, fresh);
        t->input_at += n;
        if (kinds[t->prompt].changed)
                kinds[t->prompt].changed(t);
}

/* @from up to the place where one types becomes @text */
static void put(struct imm_tui *t, size_t from, const char *text) {
        imm_auto_free char *fresh = NULL;

        if (asprintf(&fresh, "%.*s%s%s", (int)from, t->input, text, t->input + t->input_at) < 0)
                imm_oom();
        imm_tui_set(&t->input, fresh);
        t->input_at = from + strlen(text);
}

static bool starts(const char *word, const char *typed, size_t n) {
        return strncasecmp(word, typed, n) == 0;
}

enum { CANDIDATES_SHOWN = 40 };

const char *imm_words(struct imm_arena *a, const struct imm_strv *words, size_t most) {
        const char *s = "";

        for (size_t i = 0; i < words->n && i < most; i++)
                s = imm_printf(a, "%s%s%s", s, i ? "  " : "", words->v[i]);
        return words->n > most ? imm_printf(a, "%s  and %zu more", s, words->n - most) : s;
}

/* Several are possible: they are shown, and there is no more to do */
static void show_candidates(struct imm_tui *t, const struct imm_strv *fits) {
        imm_tui_say(t, false, "%s", imm_words(t->frame, fits, CANDIDATES_SHOWN));
}

/* As in a shell: as far as it is clear; what there is where it is not */
static void complete(struct imm_tui *t) {
        const struct kind *k = &kinds[t->prompt];
        struct imm_strv fits = {0};
        struct words w = {0};
        const char *typed;
        size_t n, common;

        if (!k->candidates)
                return;
        if (!k->candidates(t, &w)) {
                imm_tui_say(t, true, "there is no list to complete this from");
                return;
        }
        typed = t->input + w.from;
        n = t->input_at - w.from;
        for (size_t i = 0; i < w.list.n; i++)
                if (starts(w.list.v[i], typed, n))
                        imm_strv_add(t->frame, &fits, w.list.v[i]);
        if (fits.n == 0) { /* then those that have it somewhere */
                for (size_t i = 0; i < w.list.n; i++)
                        if (strcasestr(w.list.v[i], imm_strndup(t->frame, typed, n)))
                                imm_strv_add(t->frame, &fits, w.list.v[i]);
                if (fits.n == 0)
                        imm_tui_say(t, true, "nothing starts so");
                else if (fits.n > 1)
                        show_candidates(t, &fits);
        }
        if (fits.n == 1) {
                put(t, w.from, imm_printf(t->frame, "%s%s", fits.v[0], w.behind));
                return;
        }
        if (fits.n == 0 || !starts(fits.v[0], typed, n))
                return;
        common = strlen(fits.v[0]);
        for (size_t i = 1; i < fits.n; i++)
                while (!starts(fits.v[i], fits.v[0], common))
                        common--;
        while (common > n && (fits.v[0][common] & 0xc0) == 0x80)
                common--;
        put(t, w.from, imm_strndup(t->frame, fits.v[0], common));
        show_candidates(t, &fits);
}

static void enter(struct imm_tui *t) {
        const struct kind *k = &kinds[t->prompt];
        const char *text = imm_strdup(t->arena, t->input);

        t->prompt = IMM_PROMPT_NONE;
        if (k->enter)
                k->enter(t, text);
}

static void leave(struct imm_tui *t) {
        const struct kind *k = &kinds[t->prompt];

        t->prompt = IMM_PROMPT_NONE;
        if (k->left)
                k->left(t);
}

void imm_prompt_key(struct imm_tui *t, int key) {
        size_t n = strlen(t->input);

        switch (key) {
        case IMM_KEY_ENTER:
                enter(t);
                break;
        case IMM_KEY_ESC:
                leave(t);
                break;
        case IMM_KEY_TAB:
                complete(t);
                break;
        case IMM_KEY_BACKSPACE:
        case 0x7f:
        case 8:
                cut(t, before(t->input, t->input_at), t->input_at);
                break;
        case IMM_KEY_DELETE:
                cut(t, t->input_at, behind(t->input, t->input_at));
                t->input_at = t->input_at < n ? t->input_at : n;
                break;
        case 0x15: /* ctrl-u, as in a shell */
                cut(t, 0, t->input_at);
                break;
        case 0x17: /* ctrl-w */
                n = t->input_at;
                while (n > 0 && strchr(" /=", t->input[n - 1]))
                        n--;
                while (n > 0 && !strchr(" /=", t->input[n - 1]))
                        n--;
                cut(t, n, t->input_at);
                break;
        case IMM_KEY_LEFT:
                t->input_at = before(t->input, t->input_at);
                break;
        case IMM_KEY_RIGHT:
                t->input_at = behind(t->input, t->input_at);
                break;
        case IMM_KEY_HOME:
        case 1: /* ctrl-a */
                t->input_at = 0;
                break;
        case IMM_KEY_END:
        case 5: /* ctrl-e */
                t->input_at = n;
                break;
        case IMM_KEY_UP:
        case IMM_KEY_DOWN:
                if (t->prompt == IMM_PROMPT_FILTER) /* the list can be walked meanwhile */
                        imm_tui_move(t, key == IMM_KEY_UP ? -1 : 1);
                break;
        default:
                if (key >= 0x20 && key < 0x110000 && (key < 0xd800 || key > 0xdfff))
                        type(t, key);
        }
}
