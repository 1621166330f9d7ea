/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Statistics that stay valid on a machine with other load: medians, and ratios of measurements adjacent in time, which
 * the same load disturbs. A value of 0 was not measured.
 */
#ifndef EBPFNET_BENCH_SAMPLE_H
#define EBPFNET_BENCH_SAMPLE_H

#include <stddef.h>

#define SAMPLES_MAX 100

/* Median of the measured values; 0: there is none. */
double sample_median(const double *values, size_t count);

/* Half of the interquartile range. */
double sample_spread(const double *values, size_t count);

/* out[i] = a[i] / b[i], or 0 if one of them was not measured. */
void sample_ratios(const double *a, const double *b, size_t count, double *out);

#endif
