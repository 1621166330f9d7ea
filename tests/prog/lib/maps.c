// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The maps of the programs under test: filled, emptied, looked at. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <user/lib/store/map.h>

#include "fragments.h"
#include "internal.h"

static const uint32_t zero;

struct ipaddr address(const char *text)
{
	struct ipaddr addr;

	assert_int_equal(inet_pton(AF_INET, text, &addr), 1);
	return addr;
}

struct config config_now(void)
{
	struct config cfg;

	assert_int_equal(store_config(&h.state, &cfg), 0);
	return cfg;
}

void configure(const struct config *cfg)
{
	assert_int_equal(store_config_set(&h.state, cfg), 0);
}

/* A flow's stamp is the time plus the generation: more than any test takes, in seconds. */
#define GENERATION_STEP 1000

void next_generation(void)
{
	struct config cfg = config_now();

	cfg.gen += GENERATION_STEP;
	configure(&cfg);
}

uint32_t publish(const char *on, uint8_t proto, uint16_t first, uint16_t last, uint16_t to_first)
{
	struct portmap portmap = {
		.name = "ns1",
		.addr = address(on),
		.to = address(NS1),
		.first_h = first,
		.last_h = last,
		.to_first_h = to_first,
		.net = 1,
		.endpoint = 1,
		.proto = proto,
	};
	static uint32_t id;

	assert_int_equal(store_portmaps_add(&h.state, ++id, &portmap, 1), 0);
	return id;
}

void give_portmap_to(uint32_t id, uint32_t endpoint)
{
	struct portmap portmap;

	assert_int_equal(store_portmap(&h.state, id, &portmap), 0);
	assert_int_equal(store_portmap_del(&h.state, id), 0);
	portmap.endpoint = endpoint;
	assert_int_equal(store_portmaps_add(&h.state, id + 1000, &portmap, 1), 0);
}

void forget_network(uint16_t id)
{
	struct network none = {};

	assert_int_equal(store_network_set(&h.state, id, &none), 0);
}

void forget_port(enum device dev)
{
	assert_int_equal(store_port_del(&h.state, ifindex_of(dev)), 0);
}

static void change_port(enum device dev, uint32_t endpoint, uint16_t flags)
{
	uint32_t ifindex = ifindex_of(dev);
	struct port port;

	assert_int_equal(map_get(&h.state, MAP_PORTS, &ifindex, &port), 0);
	port.endpoint = endpoint;
	port.flags = flags;
	assert_int_equal(store_port_set(&h.state, ifindex, &port), 0);
}

void leave_port_out(enum device dev)
{
	uint32_t net = 1, ifindex = ifindex_of(dev), at;
	struct network n;
	struct port p, after;

	assert_int_equal(map_get(&h.state, MAP_PORTS, &ifindex, &p), 0);
	assert_int_equal(store_network(&h.state, net, &n), 0);
	if (n.first_port == ifindex) {
		n.first_port = p.next;
		assert_int_equal(store_network_set(&h.state, net, &n), 0);
		return;
	}
	for (at = n.first_port; at; at = after.next) {
		assert_int_equal(map_get(&h.state, MAP_PORTS, &at, &after), 0);
		if (after.next != ifindex)
			continue;
		after.next = p.next;
		assert_int_equal(map_put(&h.state, MAP_PORTS, &at, &after), 0);
	}
}

void replace_endpoint(enum device dev)
{
	change_port(dev, 100 + dev, 0);
}

void allow_spoofing(enum device dev)
{
	change_port(dev, dev, PORT_SPOOF_ALLOW);
}

struct fdb_entry fdb_entry_of(const char *mac)
{
	struct fdb_key key = { .net = 1 };
	struct fdb_entry e = {};

	mac_parse(mac, key.mac);
	assert_int_equal(map_get(&h.state, MAP_FDB_LEARNED, &key, &e), 0);
	return e;
}

static int age_entry(const void *key, const void *value, void *arg)
{
	struct fdb_entry e = *(const struct fdb_entry *)value;

	e.seen -= *(uint32_t *)arg;
	return map_put(&h.state, MAP_FDB_LEARNED, key, &e);
}

void age_fdb(uint32_t seconds)
{
	assert_int_equal(map_each(&h.state, MAP_FDB_LEARNED, age_entry, &seconds), 0);
}

void age_ipv6(uint32_t seconds)
{
	struct ipv6_key key, *last = NULL;
	struct ipv6_owner o;

	for (; !bpf_map_get_next_key(h.ipv6_learned, last, &key); last = &key) {
		assert_int_equal(bpf_map_lookup_elem(h.ipv6_learned, &key, &o), 0);
		o.seen -= seconds;
		o.dad -= seconds;
		assert_int_equal(bpf_map_update_elem(h.ipv6_learned, &key, &o, 0), 0);
	}
}

void give_ipv6(enum device dev, const char *addr)
{
	uint32_t ifindex = ifindex_of(dev);
	struct ipv6_addr list[EBPFNET_GIVEN_IPV6] = {};
	struct port p;

	assert_int_equal(inet_pton(AF_INET6, addr, list), 1);
	assert_int_equal(map_get(&h.state, MAP_PORTS, &ifindex, &p), 0);
	assert_int_equal(store_ipv6_give(&h.state, &p, list), 0);
}

struct conn conn_at(uint32_t slot)
{
	struct conn c;

	assert_int_equal(bpf_map_lookup_elem(h.state.fd[MAP_CONNS], &slot, &c), 0);
	return c;
}

static struct conn_alloc alloc_now(void)
{
	struct conn_alloc a;

	assert_int_equal(store_conn_alloc(&h.state, &a), 0);
	return a;
}

int live_flows(void)
{
	return alloc_now().live;
}

void expect_live_flows(int count)
{
	assert_int_equal(live_flows(), count);
}

static int is_unchecked(const void *key, const void *value, void *arg)
{
	return ((const struct flow *)value)->checked < *(uint32_t *)arg;
}

bool flows_are_checked(void)
{
	uint32_t stamp = config_now().gen + store_now() - GENERATION_STEP / 2;

	return !map_each(&h.state, MAP_FLOWS, is_unchecked, &stamp);
}

static int unstamp(const void *key, const void *value, void *unused)
{
	struct flow f = *(const struct flow *)value;

	f.checked = 0;
	return bpf_map_update_elem(h.state.fd[MAP_FLOWS], key, &f, BPF_EXIST);
}

void unstamp_flows(void)
{
	assert_int_equal(map_each(&h.state, MAP_FLOWS, unstamp, NULL), 0);
}

static int is_stamped(const void *key, const void *value, void *unused)
{
	return ((const struct flow *)value)->checked != 0;
}

bool flows_are_stamped(void)
{
	return map_each(&h.state, MAP_FLOWS, is_stamped, NULL);
}

static int age_flow(const void *key, const void *value, void *arg)
{
	struct flow f = *(const struct flow *)value;

	f.checked -= *(uint32_t *)arg;
	return bpf_map_update_elem(h.state.fd[MAP_FLOWS], key, &f, BPF_EXIST);
}

static struct bpf_map_info info_of(int fd)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	return info;
}

/* Zeros every element of an array. */
static void empty_array(int fd)
{
	struct bpf_map_info info = info_of(fd);
	uint32_t i;
	void *none;

	none = calloc(libbpf_num_possible_cpus(), (info.value_size + 7) / 8 * 8);
	assert_non_null(none);
	for (i = 0; i < info.max_entries; i++)
		assert_int_equal(bpf_map_update_elem(fd, &i, none, 0), 0);
	free(none);
}

void forget_caches(void)
{
	enum hook hook;

	for (hook = 0; hook < HOOKS; hook++)
		if (h.flow_cache[hook] > 0)
			empty_array(h.flow_cache[hook]);
}

void forget_qdiscs(void)
{
	empty_array(h.fq_table);
}

static void age_flow_table(uint32_t seconds)
{
	uint32_t slot, used = alloc_now().never_used;

	for (slot = 0; slot < used; slot++) {
		struct conn c = conn_at(slot);

		c.seen -= seconds;
		if (c.orig.proto != L4_TCP)
			c.fin -= seconds; /* time of the first reply */
		assert_int_equal(bpf_map_update_elem(h.state.fd[MAP_CONNS], &slot, &c, BPF_ANY), 0);
	}
	assert_int_equal(map_each(&h.state, MAP_FLOWS, age_flow, &seconds), 0);
}

/* Of ports that are held down. */
static void age_hold_down(uint32_t seconds)
{
	struct hold_down held;
	uint32_t i;

	for (i = 0; i < info_of(h.hold_down).max_entries; i++) {
		assert_int_equal(bpf_map_lookup_elem(h.hold_down, &i, &held), 0);
		if (!held.endpoint)
			continue;
		held.since -= seconds;
		assert_int_equal(bpf_map_update_elem(h.hold_down, &i, &held, BPF_ANY), 0);
	}
}

void age_flows(uint32_t seconds)
{
	age_flow_table(seconds);
	age_hold_down(seconds);
	forget_caches();
}

void expire_flows(void)
{
	age_flow_table(100000);
}

static void age_array(int fd, void (*age)(void *value, unsigned int ms), uint32_t ms)
{
	struct bpf_map_info info = info_of(fd);
	void *value = malloc(info.value_size);
	uint32_t i;

	assert_non_null(value);
	for (i = 0; i < info.max_entries; i++) {
		assert_int_equal(bpf_map_lookup_elem(fd, &i, value), 0);
		age(value, ms);
		assert_int_equal(bpf_map_update_elem(fd, &i, value, 0), 0);
	}
	free(value);
}

void age_fragments(uint32_t ms)
{
	age_array(h.frags, fragments_age_bucket, ms);
	age_array(h.fragq, fragments_age_queue, ms);
}

struct icmp_budget {
	uint32_t second, sent;
};

/* Of every sender. */
static void set_icmp_budgets(struct icmp_budget budget)
{
	struct icmp_budget all[libbpf_num_possible_cpus()];
	uint32_t i;

	for (i = 0; i < (uint32_t)libbpf_num_possible_cpus(); i++)
		all[i] = budget;
	for (i = 0; i < info_of(h.icmp_budget).max_entries; i++)
		assert_int_equal(bpf_map_update_elem(h.icmp_budget, &i, all, BPF_ANY), 0);
}

void leave_icmp_budget(uint32_t errors, uint32_t seconds_ago)
{
	uint32_t now = store_now(), second = now;

	/*
	 * From the beginning of a second on, so that the test is over before the next one. The
	 * programs' clock is the coarse one, and a tick late.
	 */
	while ((now = store_now()) == second)
		usleep(1000);
	usleep(50000);
	set_icmp_budgets((struct icmp_budget){ .second = now - seconds_ago, .sent = 1000 - errors });
}

/* ---- before and after each test ---- */

static void fill_icmp_budget(void)
{
	set_icmp_budgets((struct icmp_budget){});
}

static int delete_it(const void *key, const void *value, void *arg)
{
	return map_del(&h.state, *(enum map_id *)arg, key);
}

static void empty(enum map_id id)
{
	assert_int_equal(map_each(&h.state, id, delete_it, &id), 0);
}

static void empty_ipv6(void)
{
	struct ipv6_key key;

	while (!bpf_map_get_next_key(h.ipv6_learned, NULL, &key))
		assert_int_equal(bpf_map_delete_elem(h.ipv6_learned, &key), 0);
}

static void empty_neigh(void)
{
	struct endpoint_key key;

	while (!bpf_map_get_next_key(h.neigh, NULL, &key))
		assert_int_equal(bpf_map_delete_elem(h.neigh, &key), 0);
}

/* The whole of map tcp_ports_in_use, in one call. */
static uint32_t ports[65536], mapped[65536];

static void empty_tcp_mapped(void)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t count = 65536, i;

	for (i = 0; i < count; i++)
		ports[i] = i;
	memset(mapped, 0, sizeof(mapped));
	assert_int_equal(bpf_map_update_batch(h.tcp_ports_in_use, ports, mapped, &count, &opts), 0);
}

static int count_down(const void *key, const void *value, void *arg)
{
	const struct flow *f = value;
	struct conn c = conn_at(f->conn);

	if (f->dir == FLOW_ORIGINAL && c.orig.proto == L4_TCP && !c.portmap)
		mapped[f->sport_h]--;
	return 0;
}

/* The count of flows of each port is right. */
static void check_tcp_mapped(void)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t count = 65536, at, i;

	assert_int_equal(bpf_map_lookup_batch(h.tcp_ports_in_use, NULL, &at, ports, mapped, &count, &opts), 0);
	assert_int_equal(count, 65536);
	assert_int_equal(map_each(&h.state, MAP_FLOWS, count_down, NULL), 0);
	for (i = 0; i < count; i++)
		assert_int_equal(mapped[i], 0);
}

/* Every slot for a fragment is free or used. */
static void check_fragq(void)
{
	void *value = malloc(info_of(h.fragq).value_size);

	assert_non_null(value);
	assert_int_equal(bpf_map_lookup_elem(h.fragq, &zero, value), 0);
	assert_false(fragments_any_slot_busy(value));
	free(value);
}

static void empty_flows(void)
{
	uint32_t slot, used = alloc_now().never_used;
	static const struct conn_alloc none;
	static const struct conn free_slot;

	empty(MAP_FLOWS);
	for (slot = 0; slot < used && slot < FLOWS; slot++)
		assert_int_equal(bpf_map_update_elem(h.state.fd[MAP_CONNS], &slot, &free_slot, 0),
				 0);
	assert_int_equal(bpf_map_update_elem(h.state.fd[MAP_CONN_ALLOC], &zero, &none, 0), 0);
}

static void add_network(uint16_t id, const char *subnet, const char *gateway, const char *broadcast,
			const char *mac, uint32_t gw, uint32_t peer)
{
	struct network net = {
		.subnet = address(subnet),
		.mask = address("255.255.255.0"),
		.gateway = address(gateway),
		.broadcast = address(broadcast),
		.gw_ifindex = gw,
		.gw_peer = peer,
		.forwarding = FORWARDING_FAST,
	};

	mac_parse(mac, net.gw_mac);
	assert_int_equal(store_network_set(&h.state, id, &net), 0);
	assert_int_equal(store_gateway_set(&h.state, id, &net), 0);
}

static void add_port_at(uint32_t ifindex, uint32_t endpoint, const char *addr, const char *mac,
			uint16_t net, uint16_t flags)
{
	struct port port = {
		.addr = address(addr),
		.net = net,
		.endpoint = endpoint,
		.flags = flags,
		.number = endpoint - DEV_NS1,
	};

	snprintf(port.name, sizeof(port.name), "ns%u", endpoint);
	mac_parse(mac, port.mac);
	assert_int_equal(store_port_set(&h.state, ifindex, &port), 0);
}

static void add_port(enum device dev, const char *addr, const char *mac, uint16_t net,
		     uint16_t flags)
{
	add_port_at(ifindex_of(dev), dev, addr, mac, net, flags);
}

void remember_port(enum device dev)
{
	switch (dev) {
	case DEV_NS1:
		return add_port(DEV_NS1, NS1, NS1_MAC, 1, 0);
	case DEV_NS2:
		return add_port(DEV_NS2, NS2, NS2_MAC, 1, 0);
	case DEV_NS3:
		return add_port(DEV_NS3, NS3, NS3_MAC, 1, PORT_SPOOF_ALLOW);
	default:
		add_port(DEV_NS4, NS4, NS4_MAC, 2, 0);
	}
}

void add_port_without_device(void)
{
	add_port_at(9997, 200, NS_GONE, NS_GONE_MAC, 1, 0);
}

/* Endpoint ids are the device's number: NS1 is 1. */
_Static_assert(DEV_NS1 == 1, "publish() names endpoint 1");

static void fill_maps(void)
{
	static const struct uplink uplink = { .name = "eth0" };
	enum device dev;

	add_network(1, "192.168.1.0", GW, "192.168.1.255", GW_MAC, ifindex_of(DEV_GW),
		    ifindex_of(DEV_GW_PEER));
	/* no test uses its devices */
	add_network(2, "192.168.2.0", "192.168.2.1", "192.168.2.255", "02:42:c0:a8:02:01", 9999,
		    9998);
	for (dev = DEV_NS1; dev <= DEV_NS4; dev++)
		remember_port(dev);
	assert_int_equal(store_uplink_set(&h.state, ifindex_of(DEV_UPLINK), &uplink), 0);
}

int harness_reset(void **unused)
{
	static const enum map_id tables[] = { MAP_IPV6_GIVEN, MAP_PORTMAPS, MAP_PORTMAP_KEYS, MAP_FDB_LEARNED, MAP_FDB,
					      MAP_ENDPOINTS, MAP_PORTS, MAP_LIMITS, MAP_UPLINKS, MAP_GATEWAYS };
	struct config cfg = h.config;
	size_t i;

	cfg.gen = config_now().gen;
	empty_flows();
	empty_tcp_mapped();
	empty_neigh();
	empty_ipv6();
	empty_array(h.frags);
	empty_array(h.fragq);
	empty_array(h.hold_down);
	empty_array(h.outside_peers);
	fill_icmp_budget();
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		empty(tables[i]);
	configure(&cfg);
	assert_int_equal(store_account_add(&h.state, ACCOUNT_FORWARDED), 0);
	fill_maps();
	return 0;
}

static int count_one(const void *key, const void *value, void *arg)
{
	++*(int *)arg;
	return 0;
}

/* Every live flow has two keys, and every other slot that was ever used is on the free list. */
int harness_check(void **unused)
{
	struct conn_alloc a = alloc_now();
	uint32_t used = a.never_used < FLOWS ? a.never_used : FLOWS, free_slots = 0, next;
	int keys = 0;

	assert_int_equal(map_each(&h.state, MAP_FLOWS, count_one, &keys), 0);
	assert_int_equal(keys, 2 * a.live);
	for (next = a.free_head; next && free_slots <= used; free_slots++) {
		assert_int_equal(conn_at(next - 1).state, CONN_FREE);
		next = conn_at(next - 1).portmap;
	}
	assert_int_equal(a.live + free_slots, used);
	check_tcp_mapped();
	check_fragq();
	return 0;
}
