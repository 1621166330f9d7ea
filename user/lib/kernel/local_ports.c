// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdio.h>

#include "lib/kernel/local_ports.h"

void local_port_range(uint16_t *min_h, uint16_t *max_h)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned int min, max;

	*min_h = 32768;
	*max_h = 60999;
	if (!f)
		return;
	if (fscanf(f, "%u %u", &min, &max) == 2 && min && min <= max && max <= 65535) {
		*min_h = min;
		*max_h = max;
	}
	fclose(f);
}
