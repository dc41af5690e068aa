#include "analyzer/closure/closure-private.h"

#include <pthread.h>

#ifdef __x86_64__
#include <cpuid.h>

static uint64_t enabled_state(void) { /* what the kernel saves of the registers: XCR0 */
        unsigned low, high;

        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        return (uint64_t)high << 32 | low;
}

/* The levels of the x86-64 psABI, as glibc's ld.so decides them. */
static void find_out(struct cpu *cpu) {
        enum {
                SSE3 = 1 << 0,
                SSSE3 = 1 << 9,
                CX16 = 1 << 13,
                SSE41 = 1 << 19,
                SSE42 = 1 << 20,
                POPCNT = 1 << 23,
                FMA = 1 << 12,
                MOVBE = 1 << 22,
                OSXSAVE = 1 << 27,
                AVX = 1 << 28,
                F16C = 1 << 29
        };
        enum {
                BMI1 = 1 << 3,
                AVX2 = 1 << 5,
                BMI2 = 1 << 8,
                F = 1 << 16,
                DQ = 1 << 17,
                CD = 1 << 28,
                BW = 1 << 30,
                LAHF = 1 << 0,
                LZCNT = 1 << 5
        };
        const unsigned two = SSE3 | SSSE3 | CX16 | SSE41 | SSE42 | POPCNT;
        const unsigned three = FMA | MOVBE | OSXSAVE | AVX | F16C, three7 = BMI1 | AVX2 | BMI2;
        unsigned a, b, c, d, one_c, seven_b = 0, ext_c = 0, vendor;
        uint64_t state = 0;

        cpu->level = 1;
        cpu->platform = "x86_64";
        if (!__get_cpuid(0, &a, &vendor, &c, &d) || !__get_cpuid(1, &a, &b, &one_c, &d))
                return;
        if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
                seven_b = b;
        if (__get_cpuid(0x80000001, &a, &b, &c, &d))
                ext_c = c;
        if (one_c & OSXSAVE)
                state = enabled_state();
        if ((one_c & two) != two || !(ext_c & LAHF))
                return;
        cpu->level = 2;
        if ((one_c & three) != three || (seven_b & three7) != three7 || !(ext_c & LZCNT) ||
                (state & 6) != 6)
                return;
        cpu->level = 3;
        if (vendor == signature_INTEL_ebx)
                cpu->platform = "haswell";
        if ((seven_b & (F | DQ | CD | BW)) == (F | DQ | CD | BW) && seven_b >> 31 &&
                (state & 0xe6) == 0xe6) {
                cpu->level = 4;
                cpu->avx512_1 = vendor == signature_INTEL_ebx;
        }
}
#else
static void find_out(struct cpu *cpu) {
        *cpu = (struct cpu){0};
}
#endif

static struct cpu here;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find_out_here(void) {
        find_out(&here);
}

const struct cpu *cpu_here(void) {
        pthread_once(&once, find_out_here);
        return &here;
}
