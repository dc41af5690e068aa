#include "tui/keys.h"

#include <string.h>

const struct imm_action_info imm_actions[IMM_ACTION_N] = {
#define ACTION(id, keys, where, bar, label, help) \
        [IMM_ACTION_##id] = {keys, where, bar, label, help},
#include "tui/actions.def"
#undef ACTION
};

static const struct {
        const char *name;
        int key;
} named[] = {
        {"up", IMM_KEY_UP},
        {"down", IMM_KEY_DOWN},
        {"left", IMM_KEY_LEFT},
        {"right", IMM_KEY_RIGHT},
        {"pgup", IMM_KEY_PGUP},
        {"pgdn", IMM_KEY_PGDN},
        {"home", IMM_KEY_HOME},
        {"end", IMM_KEY_END},
        {"enter", IMM_KEY_ENTER},
        {"esc", IMM_KEY_ESC},
        {"tab", IMM_KEY_TAB},
        {"backtab", IMM_KEY_BACKTAB},
        {"backspace", IMM_KEY_BACKSPACE},
        {"delete", IMM_KEY_DELETE},
        {"space", ' '},
        {"f1", IMM_KEY_F1},
        {"f5", IMM_KEY_F5},
};

int imm_key_by_name(const char *name, size_t n) {
        for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
                if (strlen(named[i].name) == n && memcmp(named[i].name, name, n) == 0)
                        return named[i].key;
        if (n == 6 && memcmp(name, "ctrl-", 5) == 0)
                return name[5] & 0x1f;
        return n == 1 ? (unsigned char)name[0] : IMM_KEY_NONE;
}

enum imm_action imm_action_of_key(int key) {
        for (enum imm_action a = IMM_ACTION_NONE + 1; a < IMM_ACTION_N; a++)
                for (const char *s = imm_actions[a].keys; *s;) {
                        size_t n = strcspn(s, " ");

                        if (imm_key_by_name(s, n) == key)
                                return a;
                        s += n + strspn(s + n, " ");
                }
        return IMM_ACTION_NONE;
}
