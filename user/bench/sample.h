/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is to be believed of measurements on a machine that does something else now and then: medians, and ratios
 * of neighbours in time, since what disturbs one disturbs the other. A value of 0 was not measured.
 */
#ifndef EBPFNET_BENCH_SAMPLE_H
#define EBPFNET_BENCH_SAMPLE_H

#include <stddef.h>

#define SAMPLES_MAX 100

/* Of the values there are; 0: there is none. */
double sample_median(const double *values, size_t count);

/* Half of what lies between the quartiles. */
double sample_spread(const double *values, size_t count);

/* out[i] = a[i] / b[i], or 0 where one of them was not measured. */
void sample_ratios(const double *a, const double *b, size_t count, double *out);

#endif
