// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdlib.h>

#include "bench/sample.h"

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sort the values that were measured. Returns their number. */
static size_t sorted(const double *values, size_t count, double out[SAMPLES_MAX])
{
	size_t i, n = 0;

	for (i = 0; i < count && n < SAMPLES_MAX; i++)
		if (values[i] > 0)
			out[n++] = values[i];
	qsort(out, n, sizeof(*out), by_size);
	return n;
}

double sample_median(const double *values, size_t count)
{
	double in_order[SAMPLES_MAX];
	size_t n = sorted(values, count, in_order);

	return n ? (in_order[(n - 1) / 2] + in_order[n / 2]) / 2 : 0;
}

double sample_spread(const double *values, size_t count)
{
	double in_order[SAMPLES_MAX];
	size_t n = sorted(values, count, in_order);

	return n ? (in_order[n - 1 - n / 4] - in_order[n / 4]) / 2 : 0;
}

void sample_ratios(const double *a, const double *b, size_t count, double *out)
{
	size_t i;

	for (i = 0; i < count; i++)
		out[i] = a[i] > 0 && b[i] > 0 ? a[i] / b[i] : 0;
}
