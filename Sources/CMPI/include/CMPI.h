// Open MPI, loaded while the program runs: nothing links it, and only who is started by mpirun needs it.
//
// One thread makes all calls. One operation is under way at a time: a start function begins it, CMPI_isDone says
// whether it has ended. Errors of MPI end all processes of the run, as is its default.
#ifndef CMPI_H
#define CMPI_H

#include <stddef.h>

/// Loads libmpi and initialises it. NULL, or why that was not possible: a text that stays.
const char *CMPI_begin(void);

/// This process's number among those of the run, from 0, and how many there are.
int CMPI_rank(void);
int CMPI_count(void);

/// Part r of `from`, `count` floats, goes to rank r; part r of `to` comes from rank r. MPI_Ialltoall.
void CMPI_startExchange(const float *from, float *to, int count);

/// Rank r's part r of `values`, `count` floats, comes to all. MPI_Iallgather in place.
void CMPI_startSpread(float *values, int count);

/// `count` doubles of each rank, in the ranks' order, come to all.
void CMPI_startGathering(const double *own, double *all, int count);

/// Rank 0's bytes come to all.
void CMPI_startBroadcast(void *bytes, int count);

/// counts[r] floats of rank r come to rank 0, to `all` + places[r]. The other ranks' `all`, `counts` and `places` are
/// not looked at.
void CMPI_startCollecting(const float *own, int count, float *all, const int counts[], const int places[]);

/// Goes on with the operation under way; not 0 where it has ended.
int CMPI_isDone(void);

/// Ends this process's part in the run; every rank calls it.
void CMPI_end(void);

/// Ends all processes of the run at once, with this exit status.
void CMPI_abort(int status);

#endif
