/* Properties of the mount namespace: roots, binds, the unit's directories, images. */

#include "analyzer/settings/properties/properties-private.h"

#include <errno.h>

static bool has_root(const struct imm_show *w) {
        const char *dir = imm_setting_string(w->s, IMM_SETTING_ROOT_DIRECTORY);

        return (dir && !imm_streq(dir, "/") && *dir) ||
               imm_setting_string(w->s, IMM_SETTING_ROOT_IMAGE);
}

/* 247 reads MountAPIVFS= and forgets that it was set. */
static bool mount_apivfs(const struct imm_show *w) {
        uint64_t n = imm_setting_number(w->s, IMM_SETTING_MOUNT_APIVFS);

        if (w->s->version >= 248 && n <= 1)
                return n == 1;
        return has_root(w);
}

int imm_show_mount_apivfs(struct imm_show *w) {
        return imm_show_text(w, mount_apivfs(w) ? "yes" : "no");
}

int imm_show_bind_log_sockets(struct imm_show *w) {
        bool yes;

        if (imm_setting_string(w->s, IMM_SETTING_LOG_NAMESPACE))
                yes = true;
        else if (w->v->number <= 1)
                yes = w->v->number == 1;
        else
                yes = mount_apivfs(w) ||
                      (has_root(w) && imm_setting_bool(w->s, IMM_SETTING_PRIVATE_DEVICES));
        return imm_show_text(w, yes ? "yes" : "no");
}

int imm_show_binds(struct imm_show *w) {
        bool some = false;

        fprintf(w->f, "%s=", w->p->name);
        imm_array_foreach (b, &w->v->binds) {
                fprintf(w->f, "%s%s%s:%s%s", some ? " " : "", b->ignore_missing ? "-" : "",
                        b->source, b->destination, b->recursive ? ":rbind" : "");
                some = true;
        }
        putc('\n', w->f);
        return 0;
}

int imm_show_tmpfs(struct imm_show *w) {
        bool some = false;

        fprintf(w->f, "%s=", w->p->name);
        imm_array_foreach (t, &w->v->tmpfs) {
                fprintf(w->f, "%s%s%s%s", some ? " " : "", t->path,
                        t->options && *t->options ? ":" : "", t->options ? t->options : "");
                some = true;
        }
        putc('\n', w->f);
        return 0;
}

/* From 250 on the settings keep the paths sorted (without the prefix "private/"). */
int imm_show_directories(struct imm_show *w) {
        size_t n = w->v->directories.n;
        imm_auto_free const char **words = imm_xcalloc(n + 1, sizeof(*words));

        for (size_t i = 0; i < n; i++)
                words[i] = w->v->directories.v[i].path;
        return imm_show_words(w, words, n, false);
}

/* Paths without a link are told with an empty one. */
int imm_show_directory_symlinks(struct imm_show *w) {
        size_t n = w->v->directories.n;
        const struct imm_directory_item *v = w->v->directories.v;

        for (size_t i = 0; i < n; i++) {
                for (size_t k = 0; k < v[i].symlinks.n; k++)
                        imm_show_line(w, "%s:%s", v[i].path, v[i].symlinks.v[k]);
                if (v[i].symlinks.n == 0 && w->s->version >= 257)
                        imm_show_line(w, "%s:", v[i].path);
        }
        return 0;
}

int imm_show_mount_flags(struct imm_show *w) {
        return imm_show_word(w);
}

/* A path is told by one property, what is no path (hexadecimal, base64:...) by the other. */
static int hash_path(struct imm_show *w) {
        const char *s = w->v->string;

        return imm_show_text(w, s && *s == '/' ? s : "");
}

/* Less than 128 bits are refused. */
int imm_show_root_hash(struct imm_show *w) {
        const char *s = w->v->string ? w->v->string : "";
        size_t n = strspn(s, "0123456789abcdefABCDEF");

        return imm_show_text(w, n >= 32 && n % 2 == 0 && s[n] == '\0' ? s : "");
}

int imm_show_root_hash_path(struct imm_show *w) {
        return hash_path(w);
}

int imm_show_root_hash_signature(struct imm_show *w) {
        const char *s = w->v->string ? imm_after(w->v->string, "base64:") : NULL;

        return imm_show_text(w, s);
}

int imm_show_root_hash_signature_path(struct imm_show *w) {
        return hash_path(w);
}

/* A policy is told in a normal form; only what is the same in every form is known here. */
int imm_show_image_policy(struct imm_show *w) {
        const char *s = w->v->string;

        if (!s)
                return imm_show_text(w,
                        "root=verity+signed+encrypted+unprotected+absent:"
                        "usr=verity+signed+encrypted+unprotected+absent:"
                        "home=encrypted+unprotected+absent:srv=encrypted+unprotected+absent:"
                        "tmp=encrypted+unprotected+absent:var=encrypted+unprotected+absent");
        if (imm_streq(s, "*") || imm_streq(s, "-") || imm_streq(s, "~"))
                return imm_show_text(w, s);
        return -ENODATA;
}

int imm_show_images(struct imm_show *w) {
        if (w->v->strings.n > 0)
                return -ENODATA;
        return imm_show_text(w, "");
}

/* Up to 248 systemctl could not print them, an empty list included. */
int imm_show_root_image_options(struct imm_show *w) {
        if (w->s->version <= 247)
                return imm_show_text(w, "[unprintable]");
        return w->v->strings.n > 0 ? -ENODATA : 0;
}
