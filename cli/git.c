#include "cli/git.h"

#include "base/late.h"

struct imm_git imm_git;

int imm_git_load(struct imm_err *err) {
        static const struct imm_late functions[] = {
#define IMM_GIT_ROW(name) {"git_" #name, &imm_git.name},
                IMM_GIT_FUNCTIONS(IMM_GIT_ROW)
#undef IMM_GIT_ROW
        };

        return imm_late_load(IMM_LIBGIT2, functions, sizeof(functions) / sizeof(*functions),
                "git repositories are read by", err);
}
