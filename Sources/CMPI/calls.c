#define _GNU_SOURCE
#include "CMPI.h"

// Debian keeps the header of the MPI that is chosen there; others pass a path to the compiler.
#if __has_include(<mpi.h>)
#include <mpi.h>
#elif __has_include(<mpi/mpi.h>)
#include <mpi/mpi.h>
#elif __has_include(<openmpi-x86_64/mpi.h>)
#include <openmpi-x86_64/mpi.h>
#endif

// Types and constants are Open MPI's: another MPI's are others.
#if defined(OPEN_MPI)

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    int (*init_thread)(int *, char ***, int, int *);
    int (*comm_rank)(MPI_Comm, int *);
    int (*comm_size)(MPI_Comm, int *);
    int (*ialltoall)(const void *, int, MPI_Datatype, void *, int, MPI_Datatype, MPI_Comm, MPI_Request *);
    int (*iallgather)(const void *, int, MPI_Datatype, void *, int, MPI_Datatype, MPI_Comm, MPI_Request *);
    int (*ibcast)(void *, int, MPI_Datatype, int, MPI_Comm, MPI_Request *);
    int (*igatherv)(const void *, int, MPI_Datatype, void *, const int[], const int[], MPI_Datatype, int, MPI_Comm,
                    MPI_Request *);
    int (*test)(MPI_Request *, int *, MPI_Status *);
    int (*finalize)(void);
    int (*abort)(MPI_Comm, int);
    MPI_Comm world;
    MPI_Datatype float_type, double_type, byte_type, empty_type;
    MPI_Request null_request;
} mpi;

static MPI_Request request;

/// 0 where the library lacks one of the names.
static int find_symbols(void *library) {
    const struct {
        const char *name;
        void *place;
    } symbols[] = {
        {"MPI_Init_thread", &mpi.init_thread},
        {"MPI_Comm_rank", &mpi.comm_rank},
        {"MPI_Comm_size", &mpi.comm_size},
        {"MPI_Ialltoall", &mpi.ialltoall},
        {"MPI_Iallgather", &mpi.iallgather},
        {"MPI_Ibcast", &mpi.ibcast},
        {"MPI_Igatherv", &mpi.igatherv},
        {"MPI_Test", &mpi.test},
        {"MPI_Finalize", &mpi.finalize},
        {"MPI_Abort", &mpi.abort},
        {"ompi_mpi_comm_world", &mpi.world},
        {"ompi_mpi_float", &mpi.float_type},
        {"ompi_mpi_double", &mpi.double_type},
        {"ompi_mpi_byte", &mpi.byte_type},
        {"ompi_mpi_datatype_null", &mpi.empty_type},
        {"ompi_request_null", &mpi.null_request},
    };
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *found = dlsym(library, symbols[i].name);
        if (!found) return 0;
        *(void **)symbols[i].place = found;
    }
    return 1;
}

const char *CMPI_begin(void) {
    static char reason[512];
    // Its plugins look for its symbols among everybody's.
    void *library = dlopen("libmpi.so.40", RTLD_NOW | RTLD_GLOBAL);
    if (!library) {
        snprintf(reason, sizeof reason, "Open MPI cannot be loaded: %s", dlerror());
        return reason;
    }
    if (!find_symbols(library)) return "libmpi.so.40 is another library than the Open MPI that this was built for";
    int provided;
    // Only one of our threads calls MPI.
    if (mpi.init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS || provided < MPI_THREAD_FUNNELED)
        return "Open MPI cannot be initialised";
    request = mpi.null_request;
    return NULL;
}

int CMPI_rank(void) {
    int rank = 0;
    mpi.comm_rank(mpi.world, &rank);
    return rank;
}

int CMPI_count(void) {
    int count = 1;
    mpi.comm_size(mpi.world, &count);
    return count;
}

void CMPI_startExchange(const float *from, float *to, int count) {
    mpi.ialltoall(from, count, mpi.float_type, to, count, mpi.float_type, mpi.world, &request);
}

void CMPI_startSpread(float *values, int count) {
    mpi.iallgather(MPI_IN_PLACE, 0, mpi.empty_type, values, count, mpi.float_type, mpi.world, &request);
}

void CMPI_startGathering(const double *own, double *all, int count) {
    mpi.iallgather(own, count, mpi.double_type, all, count, mpi.double_type, mpi.world, &request);
}

void CMPI_startBroadcast(void *bytes, int count) { mpi.ibcast(bytes, count, mpi.byte_type, 0, mpi.world, &request); }

void CMPI_startCollecting(const float *own, int count, float *all, const int counts[], const int places[]) {
    mpi.igatherv(own, count, mpi.float_type, all, counts, places, mpi.float_type, 0, mpi.world, &request);
}

int CMPI_isDone(void) {
    int done = 0;
    mpi.test(&request, &done, MPI_STATUS_IGNORE);
    return done;
}

void CMPI_end(void) { mpi.finalize(); }

void CMPI_abort(int status) {
    mpi.abort(mpi.world, status);
    _Exit(status);
}

#else

#include <stdlib.h>

const char *CMPI_begin(void) {
    return "this program was built without MPI, since Open MPI's header was not there: build it where libopenmpi-dev "
           "is "
           "installed, or start it without mpirun";
}
int CMPI_rank(void) { return 0; }
int CMPI_count(void) { return 1; }
void CMPI_startExchange(const float *from, float *to, int count) {}
void CMPI_startSpread(float *values, int count) {}
void CMPI_startGathering(const double *own, double *all, int count) {}
void CMPI_startBroadcast(void *bytes, int count) {}
void CMPI_startCollecting(const float *own, int count, float *all, const int counts[], const int places[]) {}
int CMPI_isDone(void) { return 1; }
void CMPI_end(void) {}
void CMPI_abort(int status) { _Exit(status); }

#endif
