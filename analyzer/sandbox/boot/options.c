#include "analyzer/sandbox/boot/options.h"

enum { NSUID = IMM_MOUNT_NOSUID, NDEV = IMM_MOUNT_NODEV, NEXEC = IMM_MOUNT_NOEXEC };

/* clang-format off */
static const struct {
        const char *word;
        unsigned set, clear;
} option_words[] = {
        { "ro", IMM_MOUNT_RDONLY, 0 }, { "rw", 0, IMM_MOUNT_RDONLY },
        { "nosuid", NSUID, 0 },        { "suid", 0, NSUID },
        { "nodev", NDEV, 0 },          { "dev", 0, NDEV },
        { "noexec", NEXEC, 0 },        { "exec", 0, NEXEC },
        { "user", NSUID | NDEV | NEXEC, 0 }, { "users", NSUID | NDEV | NEXEC, 0 },
        { "owner", NSUID | NDEV, 0 },  { "group", NSUID | NDEV, 0 },
        { "defaults", 0, NSUID | NDEV | NEXEC | IMM_MOUNT_RDONLY },
};
/* clang-format on */

const char *imm_mount_option(const char *options, const char *name, struct imm_arena *a) {
        const char *found = NULL;

        while (*options) {
                size_t n = strcspn(options, ","), k = strlen(name);

                if (n >= k && strncmp(options, name, k) == 0 && (n == k || options[k] == '='))
                        found = n == k ? "" : imm_strndup(a, options + k + 1, n - k - 1);
                options += n;
                options += *options == ',';
        }
        return found;
}

bool imm_mount_options_end_on(const char *options, const char *yes, const char *no) {
        bool last = false;

        while (*options) {
                size_t n = strcspn(options, ",");

                if (n == strlen(yes) && strncmp(options, yes, n) == 0)
                        last = true;
                else if (n == strlen(no) && strncmp(options, no, n) == 0)
                        last = false;
                options += n;
                options += *options == ',';
        }
        return last;
}

unsigned imm_mount_options_flags(const char *options) {
        unsigned flags = 0;

        while (*options) {
                size_t n = strcspn(options, ",");

                for (size_t i = 0; i < IMM_ELEMENTSOF(option_words); i++)
                        if (strlen(option_words[i].word) == n &&
                                strncmp(options, option_words[i].word, n) == 0)
                                flags = (flags | option_words[i].set) & ~option_words[i].clear;
                options += n;
                options += *options == ',';
        }
        return flags;
}
