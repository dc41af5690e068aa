/*
 * calls - which system calls the kernel takes from this process, in each ABI: a line a call, NAME
 * native 32-bit, each a word: left, blocked (a filter killed or refused it), or none (the kernel
 * has no such call). Arguments are ones that no call does anything with.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
        const char *name;
        int native, other;
} calls[] = {
        {"add_key", 248, 286},
        {"bpf", 321, 357},
        {"delete_module", 176, 129},
        {"finit_module", 313, 350},
        {"init_module", 175, 128},
        {"io_uring_setup", 425, 425},
        {"kcmp", 312, 349},
        {"kexec_file_load", 320, -1},
        {"kexec_load", 246, 283},
        {"keyctl", 250, 288},
        {"mount", 165, 21},
        {"move_mount", 429, 429},
        {"open_tree", 428, 428},
        {"perf_event_open", 298, 336},
        {"pidfd_getfd", 438, 438},
        {"pivot_root", 155, 217},
        {"process_vm_readv", 310, 347},
        {"process_vm_writev", 311, 348},
        {"ptrace", 101, 26},
        {"request_key", 249, 287},
        {"setns", 308, 346},
        {"umount", -1, 22},
        {"umount2", 166, 52},
        {"userfaultfd", 323, 374},
};

static long call_other(int number, long a) {
        long r;

        __asm__ volatile("int $0x80"
                         : "=a"(r)
                         : "a"((long)number), "b"(a), "c"(a), "d"(a), "S"(a), "D"(a)
                         : "memory", "r8", "r9", "r10", "r11");
        return r;
}

static const char *try(int number, int other) {
        long r;
        int status;
        pid_t pid;

        if (number < 0)
                return "none";
        pid = fork();
        if (pid == 0) {
                r = other ? call_other(number, -1) : syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
                if (!other && r < 0)
                        r = -errno;
                _exit(r == -EPERM ? 1 : r == -ENOSYS ? 2 : r == -EUCLEAN ? 3 : 0);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
                return "unknown";
        if (!WIFEXITED(status))
                return "blocked";
        return WEXITSTATUS(status) == 2 ? "none" : WEXITSTATUS(status) ? "blocked" : "left";
}

int main(void) {
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
                printf("%s %s %s\n", calls[i].name, try(calls[i].native, 0),
                        try(calls[i].other, 1));
        return 0;
}
