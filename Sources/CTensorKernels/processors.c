// The affinity mask: its type and macros are not importable into Swift.
#define _GNU_SOURCE
#include "CTensorKernels.h"

#include <sched.h>
#include <unistd.h>

int ctk_processors_in_affinity(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return (int)sysconf(_SC_NPROCESSORS_ONLN);
    return CPU_COUNT(&set);
}
