// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <string.h>

#include <user/lib/store/map.h>

#include "fuzz.h"

const struct endpoint_of all_endpoints[ENDPOINTS] = {
	{ DEV_NS1, NS1, NS1_MAC, GW_MAC, 1 },
	{ DEV_NS2, NS2, NS2_MAC, GW_MAC, 1 },
	{ DEV_NS3, NS3, NS3_MAC, GW_MAC, 1 },
	{ DEV_NS4, NS4, NS4_MAC, "02:42:c0:a8:02:01", 2 },
};

struct world world;

static uint64_t state_of_chance;

/* splitmix64 */
static uint64_t next(void)
{
	uint64_t z = state_of_chance += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

void chance_begin(uint64_t seed, uint64_t number)
{
	state_of_chance = seed * 0x100000001b3ull + number;
	next();
}

uint32_t chance(uint32_t n)
{
	return next() % n;
}

bool is_private(const uint8_t *a)
{
	return a[0] == 192 && a[1] == 168 && (a[2] == 1 || a[2] == 2);
}

bool is_hosts(const uint8_t *a)
{
	return a[0] == 172 && a[1] == 31 && a[2] == 13 && (a[3] == 55 || a[3] == 56);
}

const struct endpoint_of *endpoint_at(const uint8_t *addr)
{
	int i;

	for (i = 0; i < ENDPOINTS; i++) {
		struct ipaddr a = address(all_endpoints[i].addr);

		if (!memcmp(&a, addr, 4))
			return &all_endpoints[i];
	}
	return NULL;
}

/* ---- rules ---- */

static void publish_to(const struct endpoint_of *to, const char *on, uint8_t proto, uint16_t first,
		       uint16_t last, uint16_t to_first)
{
	struct portmap portmap = {
		.name = "fuzz",
		.addr = address(on),
		.to = address(to->addr),
		.first_h = first,
		.last_h = last,
		.to_first_h = to_first,
		.net = to->net,
		.endpoint = world.endpoint[to->dev],
		.proto = proto,
	};
	static uint32_t id = 1000000;
	uint32_t port;

	assert_int_equal(store_portmaps_add(&h.state, ++id, &portmap, 1), 0);
	for (port = first; proto == UDP && port <= last; port++)
		world.udp_published_once[port] = true;
	world.rule_ids[world.rules_count] = id;
	world.portmaps[world.rules_count++] = portmap;
}

static void publish_some(void)
{
	publish_to(&all_endpoints[0], "0.0.0.0", TCP, 5000, 5003, 3000);
	publish_to(&all_endpoints[chance(ENDPOINTS)], "0.0.0.0", UDP, 5000, 5003, 5000);
	publish_to(&all_endpoints[chance(ENDPOINTS)], UPLINK, TCP, 80, 80, 8080);
	publish_to(&all_endpoints[1], UPLINK_SECOND, UDP, 53, 53, 53);
	publish_to(&all_endpoints[3], UPLINK_SECOND, TCP, 443, 443, 443);
}

static void unpublish(int i)
{
	assert_int_equal(store_portmap_del(&h.state, world.rule_ids[i]), 0);
	world.rules_count--;
	world.portmaps[i] = world.portmaps[world.rules_count];
	world.rule_ids[i] = world.rule_ids[world.rules_count];
}

static void unpublish_all(void)
{
	while (world.rules_count)
		unpublish(0);
}

/* As `ns del` does. */
static void unpublish_all_of(uint32_t endpoint)
{
	int i;

	for (i = world.rules_count - 1; i >= 0; i--)
		if (world.portmaps[i].endpoint == endpoint)
			unpublish(i);
}

/* ---- the host and its configuration ---- */

/* Small tables, few ports and low caps are what is run into. */
static void choose_config(void)
{
	struct config cfg = config_now();

	cfg.max_flows = one_of(FLOWS, FLOWS, 64, 16);
	cfg.filtering = one_of(FILTER_PORT, FILTER_ADDRESS, FILTER_ENDPOINT);
	cfg.hold_down_s = one_of(0, 120);
	if (one_in(3)) {
		cfg.port_min_h = 40000;
		cfg.port_max_h = 40000 + chance(FEW_PORTS);
	}
	if (one_in(4))
		cfg.max_flows_ns = 8;
	if (one_in(4))
		cfg.max_ports_ns = 4;
	configure(&cfg);
}

/* Never an id twice. */
static void another_endpoint(enum device dev)
{
	if (world.endpoint[dev] != dev)
		return;
	unpublish_all_of(world.endpoint[dev]);
	replace_endpoint(dev);
	world.endpoint[dev] = 100 + dev;
	world.succeeded = true;
}

void world_begin(uint64_t seed, uint64_t number)
{
	enum device dev;

	chance_begin(seed, number);
	assert_int_equal(harness_reset(NULL), 0);
	if (world.forwarding_off)
		set_forwarding(DEV_GW_PEER, 1);
	memset(&world, 0, sizeof(world));
	world.number = number;
	for (dev = DEV_NS1; dev <= DEV_NS4; dev++)
		world.endpoint[dev] = dev;
	world.spoof = one_in(2);
	if (!world.spoof)
		another_endpoint(DEV_NS3);
	world.succeeded = false; /* by now nobody had a flow */
	choose_config();
	if (!one_in(6))
		publish_some();
	if (one_in(4))
		add_port_without_device();
	if (one_in(12)) {
		world.forwarding_off = true;
		set_forwarding(DEV_GW_PEER, 0);
	}
	world.cfg = config_now();
	live_forget();
	owners_forget();
}

void world_change(void)
{
	static const uint32_t times[] = { 1, 6, 31, 61, 125, 301, 8000 };

	switch (chance(8)) {
	case 0:
		if (world.rules_count)
			unpublish(chance(world.rules_count));
		break;
	case 1:
		unpublish_all();
		publish_some();
		break;
	case 2:
		another_endpoint(one_of(DEV_NS1, DEV_NS2, DEV_NS4));
		break;
	case 3:
		next_generation();
		break;
	case 4:
		age_fdb(301);
		break;
	default:
		world.aged = true;
		age_flows(times[chance(sizeof(times) / sizeof(times[0]))]);
	}
	world.cfg = config_now();
}
