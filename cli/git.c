#include "cli/git.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

struct imm_git imm_git;

int imm_git_load(struct imm_err *err) {
        static const struct {
                const char *name;
                void *at; /* a pointer to a function of any type */
        } functions[] = {
#define IMM_GIT_ROW(name) {"git_" #name, &imm_git.name},
                IMM_GIT_FUNCTIONS(IMM_GIT_ROW)
#undef IMM_GIT_ROW
        };
        void *library = dlopen(IMM_LIBGIT2, RTLD_NOW | RTLD_LOCAL);

        if (!library)
                return imm_err_set(err, -ENOPKG,
                        "git repositories are read by %s, which cannot be "
                        "loaded: %s",
                        IMM_LIBGIT2, dlerror());
        for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
                void *function = dlsym(library, functions[i].name);

                if (!function)
                        return imm_err_set(
                                err, -ENOPKG, "%s has no %s()", IMM_LIBGIT2, functions[i].name);
                memcpy(functions[i].at, &function, sizeof(function)); /* as dlsym(3) wants it */
        }
        return 0;
}
