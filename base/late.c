#include "base/late.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

int imm_late_load(const char *library, const struct imm_late *functions, size_t n, const char *what,
        struct imm_err *err) {
        void *opened = dlopen(library, RTLD_NOW | RTLD_LOCAL);

        if (!opened)
                return imm_err_set(err, -ENOPKG, "%s %s, which cannot be loaded: %s", what, library,
                        dlerror());
        for (size_t i = 0; i < n; i++) {
                void *function = dlsym(opened, functions[i].name);

                if (!function)
                        return imm_err_set(
                                err, -ENOPKG, "%s has no %s()", library, functions[i].name);
                memcpy(functions[i].at, &function, sizeof(function)); /* as dlsym(3) wants it */
        }
        return 0;
}
