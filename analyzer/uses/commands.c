#include "analyzer/uses/uses-private.h"

/* Which command of the unit a file of its closure is for. */

int program_of(const struct imm_closure *cl, int need) {
        while (need >= 0 &&
                (cl->v[need].kind == IMM_NEED_LIBRARY || cl->v[need].kind == IMM_NEED_LOADER ||
                        cl->v[need].kind == IMM_NEED_MODULE))
                need = cl->v[need].by;
        return need;
}

static int unit_need_of(const struct imm_closure *cl, int need) {
        while (need >= 0 && cl->v[need].by >= 0)
                need = cl->v[need].by;
        return need;
}

/* The command of the unit that a need is for */
static const struct imm_command_item *command_of(
        const struct collector *c, const struct imm_need *top) {
        const struct imm_value *v;

        if (top->setting >= IMM_SETTING_N)
                return NULL;
        v = imm_setting(c->s, top->setting);
        for (size_t i = 0; v->type == IMM_VALUE_COMMANDS && i < v->commands.n; i++)
                if (v->commands.v[i].origin.line == top->origin.line &&
                        v->commands.v[i].origin.file == top->origin.file)
                        return &v->commands.v[i];
        return NULL;
}

/* The main command that runs this file: the closure has a program once, with its first command. */
const struct imm_command_item *main_command_of(
        const struct collector *c, const struct imm_need *n) {
        const struct imm_value *v = imm_setting(c->s, IMM_SETTING_EXEC_START);

        if (!n->name || n->kind == IMM_NEED_LIBRARY || n->kind == IMM_NEED_CONFIG ||
                n->kind == IMM_NEED_MODULE)
                return NULL;
        for (size_t i = 0; i < v->commands.n; i++)
                if (imm_streq(imm_base_name(v->commands.v[i].path), imm_base_name(n->name)))
                        return &v->commands.v[i];
        return NULL;
}

/* ... or one of those that it is for */
static const struct imm_command_item *main_command(const struct collector *c, int need) {
        const struct imm_command_item *cmd = NULL;

        for (; need >= 0 && !cmd; need = c->closure->v[need].by)
                cmd = main_command_of(c, &c->closure->v[need]);
        return cmd;
}

/* ... of all that name one of the files on the way, the one that the need is for */
static const struct imm_command_item *command_naming(
        const struct collector *c, int need, enum imm_setting *ret) {
        static const enum imm_setting settings[] = {
                IMM_SETTING_EXEC_START, IMM_SETTING_EXEC_START_PRE, IMM_SETTING_EXEC_START_POST};

        for (; need >= 0; need = c->closure->v[need].by)
                for (size_t s = 0; s < IMM_ELEMENTSOF(settings); s++) {
                        const struct imm_value *v = imm_setting(c->s, settings[s]);

                        for (size_t i = 0; i < v->commands.n; i++)
                                for (size_t k = 1; k < v->commands.v[i].argv.n; k++)
                                        if (c->closure->v[need].name &&
                                                imm_streq(v->commands.v[i].argv.v[k],
                                                        c->closure->v[need].name)) {
                                                *ret = settings[s];
                                                return &v->commands.v[i];
                                        }
                }
        return NULL;
}

/* Which command a need is for, and of which setting that is */
const struct imm_command_item *command_for(
        const struct collector *c, int need, enum imm_setting *ret) {
        const struct imm_need *top = &c->closure->v[unit_need_of(c->closure, need)];
        const struct imm_command_item *cmd = main_command(c, need);

        *ret = cmd ? IMM_SETTING_EXEC_START : top->setting;
        if (!cmd)
                cmd = command_naming(c, need, ret);
        return cmd ? cmd : command_of(c, top);
}

void set_command(struct collector *c, const struct imm_command_item *cmd, bool main_one) {
        c->kind = IMM_KIND_PLAIN;
        c->optional = cmd && (cmd->flags & IMM_COMMAND_IGNORE_FAILURE) && !main_one;
        if (!cmd)
                return;
        c->kind = imm_command_kind_of(
                c->s, main_one ? IMM_SETTING_EXEC_START : IMM_SETTING_EXEC_START_PRE, cmd);
}
