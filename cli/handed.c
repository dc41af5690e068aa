/* Descriptors that a service gets from outside: they bypass its mounts, so they are said beside
 * them. */

#include "cli/access.h"

void imm_cli_handed_json(struct imm_json *j, const struct imm_handed_list *l, struct imm_arena *a) {
        imm_json_array(j, "handed");
        imm_array_foreach (h, l) {
                imm_json_object(j, NULL);
                imm_json_string(j, "by", h->what);
                imm_json_string(j, "setting", imm_setting_info(h->setting)->name);
                imm_json_string(j, "path", h->path);
                imm_json_bool(j, "read", h->read);
                imm_json_bool(j, "write", h->write);
                imm_json_string(j, "origin", imm_origin_text(&h->origin, a));
                imm_json_end(j);
        }
        imm_json_end(j);
}

void imm_cli_handed_line(const struct imm_handed *h, struct imm_arena *a) {
        imm_text_put(
                stdout, imm_printf(a, "%s by %s %s (%s%s%s)", h->path ? h->path : "descriptors",
                                h->what, imm_origin_text(&h->origin, a), h->read ? "read" : "",
                                h->read && h->write ? ", " : "", h->write ? "write" : ""));
        putchar('\n');
}
