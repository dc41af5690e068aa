#pragma once

/*
 * libgit2, which one option of one verb asks for: it brings a dozen libraries (TLS, Kerberos) that
 * every start would wait for, and is loaded when a revision is read. git_NAME() is imm_git.NAME().
 */

#include "base/err.h"

#include <git2.h>

#define IMM_GIT_FUNCTIONS(X) \
        X(blob_free) \
        X(blob_lookup) \
        X(blob_rawcontent) \
        X(blob_rawsize) \
        X(commit_free) \
        X(commit_lookup) \
        X(commit_tree) \
        X(error_last) \
        X(libgit2_init) \
        X(libgit2_opts) \
        X(libgit2_shutdown) \
        X(merge_base) \
        X(object_free) \
        X(object_id) \
        X(repository_free) \
        X(repository_is_shallow) \
        X(repository_open_ext) \
        X(repository_workdir) \
        X(revparse_single) \
        X(tree_dup) \
        X(tree_entry_byindex) \
        X(tree_entry_bypath) \
        X(tree_entry_filemode) \
        X(tree_entry_free) \
        X(tree_entry_id) \
        X(tree_entry_name) \
        X(tree_entry_type) \
        X(tree_entrycount) \
        X(tree_free) \
        X(tree_lookup)

struct imm_git {
#define IMM_GIT_MEMBER(name) __typeof__(&git_##name) name;
        IMM_GIT_FUNCTIONS(IMM_GIT_MEMBER)
#undef IMM_GIT_MEMBER
};
extern struct imm_git imm_git;

/* Once, before any of them is called */
int imm_git_load(struct imm_err *err);
