// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/store/map.h"

int store_counters(const struct store *s, struct counters *out)
{
	int cpus = libbpf_num_possible_cpus(), cpu, r;
	_cleanup_free_ struct counters *each = NULL;
	uint64_t *sum = (uint64_t *)out;
	size_t i;

	if (cpus < 0)
		return log_err(cpus, "cannot count the CPUs: %s", strerror(-cpus));
	each = calloc(cpus, sizeof(*each));
	if (!each)
		return log_err(-ENOMEM, "no memory for the counters");
	r = map_get_only(s, MAP_COUNTERS, each);
	if (r)
		return r;
	memset(out, 0, sizeof(*out));
	for (cpu = 0; cpu < cpus; cpu++)
		for (i = 0; i < COUNTERS; i++)
			sum[i] += ((const uint64_t *)&each[cpu])[i];
	return 0;
}
