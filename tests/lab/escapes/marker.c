/* What a preloaded library would do as soon as root runs any program: the marker that it is made
 * for. */
#include <fcntl.h>
#include <unistd.h>

__attribute__((constructor)) static void loaded(void) {
        if (getuid() == 0)
                (void)close(open(MARKER, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}
