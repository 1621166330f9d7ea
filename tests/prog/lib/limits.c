// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Limits of ports. */
#include <time.h>

#include <user/lib/store/map.h>

#include "internal.h"

void limit_port(enum device dev, uint16_t which)
{
	const struct limit limit = { .rate = 1000000, .horizon_ns = 50000000 };
	struct config cfg;
	struct limit ignored;
	struct port port;

	assert_int_equal(store_port(&h.state, ifindex_of(dev), &port, &ignored), 0);
	assert_int_equal(store_port_limit(&h.state, ifindex_of(dev), (port.flags & PORT_LIMITED) | which, &limit), 0);
	cfg = config_now();
	cfg.shaper_ifindex = ifindex_of(DEV_SHAPER);
	configure(&cfg);
}

void use_up_limit(enum device dev, uint64_t ns)
{
	uint32_t ifindex = ifindex_of(dev);
	struct limit limit;
	struct timespec now;

	assert_int_equal(map_get(&h.state, MAP_LIMITS, &ifindex, &limit), 0);
	clock_gettime(CLOCK_MONOTONIC, &now);
	limit.full = now.tv_sec * 1000000000ull + now.tv_nsec + ns;
	assert_int_equal(map_put(&h.state, MAP_LIMITS, &ifindex, &limit), 0);
}

uint32_t class_of_port(enum device dev, uint16_t which)
{
	struct limit ignored;
	struct port port;

	assert_int_equal(store_port(&h.state, ifindex_of(dev), &port, &ignored), 0);
	return ebpfnet_shaper_class(port.number, which);
}
