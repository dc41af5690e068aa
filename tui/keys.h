#pragma once

/* Keys as numbers: a code point, or one of these. The terminal makes them, the model eats them. */

#include <stdbool.h>
#include <stddef.h>

enum imm_key {
        IMM_KEY_NONE = -1,
        IMM_KEY_TAB = '\t',
        IMM_KEY_ENTER = '\n',
        IMM_KEY_ESC = 27,
        IMM_KEY_UP = 0x200000,
        IMM_KEY_DOWN,
        IMM_KEY_LEFT,
        IMM_KEY_RIGHT,
        IMM_KEY_PGUP,
        IMM_KEY_PGDN,
        IMM_KEY_HOME,
        IMM_KEY_END,
        IMM_KEY_BACKTAB,
        IMM_KEY_BACKSPACE,
        IMM_KEY_DELETE,
        IMM_KEY_F1,
        IMM_KEY_F5,
};

enum imm_action {
        IMM_ACTION_NONE,
#define ACTION(id, keys, where, bar, label, help) IMM_ACTION_##id,
#include "tui/actions.def"
#undef ACTION
        IMM_ACTION_N,
};

struct imm_action_info {
        const char *keys, *where, *bar, *label, *help;
};
extern const struct imm_action_info imm_actions[IMM_ACTION_N];

enum imm_action imm_action_of_key(int key);
/* "down", "ctrl-f", "/" -> key; IMM_KEY_NONE if there is no such name. */
int imm_key_by_name(const char *name, size_t n);
