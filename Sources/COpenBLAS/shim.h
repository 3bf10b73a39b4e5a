// OpenBLAS's CBLAS interface and its thread control.
#include <cblas.h>
#include <stddef.h>

// LAPACK as Fortran exports it, which has no header: all by reference, matrices by columns, a length behind the rest
// for each text.

/// Singular values of the m x n matrix a, which is overwritten; with jobz "N" u and vt are not touched.
void dgesdd_(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s, double *u,
             const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork, int *iwork, int *info,
             size_t jobz_length);

/// The LQ factorisation of the m x n matrix a: L in its lower triangle, the rest describes Q.
void dgelqf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work, const int *lwork,
             int *info);
