/* Origins in JSON, one form for all verbs. */

#include "analyzer/settings/settings.h"
#include "cli/cli.h"

void imm_cli_json_origin(struct imm_json *j, const struct imm_origin *o) {
        static const char *const kinds[] = {
                [IMM_ORIGIN_DEFAULT] = "default",
                [IMM_ORIGIN_FILE] = "file",
                [IMM_ORIGIN_IMPLIED] = "implied",
                [IMM_ORIGIN_MANAGER] = "manager",
        };

        imm_json_object(j, "origin");
        imm_json_string(j, "kind", kinds[o->kind]);
        if (o->kind == IMM_ORIGIN_IMPLIED) {
                imm_json_string(
                        j, "by", o->by < IMM_SETTING_N ? imm_setting_info(o->by)->name : NULL);
                if (o->via)
                        imm_cli_json_origin(j, o->via);
        } else if (o->kind != IMM_ORIGIN_DEFAULT && o->file) {
                imm_json_string(j, "file", o->file);
                imm_json_uint(j, "line", o->line);
        }
        imm_json_end(j);
}
