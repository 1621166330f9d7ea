// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Paths that are kept with flows (bpf/fast/path.h), while one CPU resolves them and another reads them: no packet gets
 * half a path, and no flow gets another's.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <user/lib/store/map.h>

#include "flow.h"

#define READERS 2

/* A packet that is sent again and again, and what came of it. */
struct reader {
	pthread_t thread;
	int cpu;
	struct frame packet;
	const char *wrong;		/* the first that was */
	long into_port, macs;		/* packets, and how many had another destination MAC than the one before */
	uint8_t mac[6];			/* it; of two_ports_swap: what it must be */
};

static _Atomic bool done;

static void *on_cpu(struct reader *r, void (*check)(struct reader *, const uint8_t *out))
{
	struct frame out;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(r->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	while (!done && !r->wrong)
		if (run_beside(HOOK_UPLINK, DEV_UPLINK, &r->packet, &out)) {
			r->into_port++;
			check(r, out.bytes);
		}
	return NULL;
}

/* The MAC addresses of this test have five equal bytes at their end. */
static void mac_is_whole(struct reader *r, const uint8_t *out)
{
	if (memcmp(out + 1, out + 2, 4))
		r->wrong = "parts of two MAC addresses";
	r->macs += memcmp(r->mac, out, 6) != 0;
	memcpy(r->mac, out, 6);
}

static void *read_whole(void *arg)
{
	return on_cpu(arg, mac_is_whole);
}

static void start(struct reader *readers, void *(*body)(void *))
{
	int i;

	done = false;
	for (i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i].thread, NULL, body, &readers[i]), 0);
}

/* at_least: packets that each has sent, or nothing raced. */
static void end(struct reader *readers, long at_least)
{
	int i;

	done = true;
	for (i = 0; i < READERS; i++)
		pthread_join(readers[i].thread, NULL);
	for (i = 0; i < READERS; i++) {
		if (readers[i].wrong)
			fail_msg("%s, after %ld packets", readers[i].wrong, readers[i].into_port);
		assert_true(readers[i].into_port >= at_least);
	}
}

/* Two CPUs send packets of one flow to a namespace whose MAC address changes all the time. */
static void no_packet_gets_half_a_path(void **s)
{
	struct frame f = *frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000);
	struct reader readers[READERS] = { { .cpu = 0, .packet = f }, { .cpu = 1, .packet = f } };
	uint32_t ifindex = ifindex_of(DEV_NS1);
	struct port port;
	int turn;

	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	uplink_gets(&f);
	expect_outcome(INTO_PORT);
	assert_int_equal(map_get(state(), MAP_PORTS, &ifindex, &port), 0);
	for (turn = 0; turn < 100000; turn++) {
		memset(port.mac + 1, turn, 5);
		assert_int_equal(map_put(state(), MAP_PORTS, &ifindex, &port), 0);
		next_generation();
		if (!turn)
			start(readers, read_whole);
	}
	end(readers, 1000);
	assert_true(readers[0].macs + readers[1].macs > 1000);
	remember_port(DEV_NS1);
}

static void mac_is_its_own(struct reader *r, const uint8_t *out)
{
	if (memcmp(r->mac, out, 6))
		r->wrong = "the path of another flow";
}

static void *read_own(void *arg)
{
	return on_cpu(arg, mac_is_its_own);
}

/*
 * Two flows, each to a namespace of its own, end and begin again all the time: the kernel gives the memory of the one
 * to the other.
 */
static void no_flow_gets_the_path_of_another(void **s)
{
	static const uint8_t ns1[] = { 0x02, 0x42, 0xc0, 0xa8, 0x01, 0x0a };
	static const uint8_t ns2[] = { 0x02, 0x42, 0xc0, 0xa8, 0x01, 0x0b };
	struct reader readers[READERS] = { { .cpu = 0 }, { .cpu = 1 } };
	struct portmap portmaps[READERS];
	uint32_t id[READERS], next = 1000;
	int turn, i;

	readers[0].packet = *frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000);
	readers[1].packet = *frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5001);
	memcpy(readers[0].mac, ns1, 6);
	memcpy(readers[1].mac, ns2, 6);
	for (i = 0; i < READERS; i++) {
		id[i] = publish("0.0.0.0", UDP, 5000 + i, 5000 + i, 3000);
		assert_int_equal(store_portmap(state(), id[i], &portmaps[i]), 0);
	}
	portmaps[1].to = address(NS2);
	portmaps[1].endpoint = DEV_NS2;
	for (turn = 0; turn < 500; turn++) {
		for (i = 0; i < READERS; i++) {
			assert_int_equal(store_portmap_del(state(), id[i]), 0);
			id[i] = next++;
			assert_int_equal(store_portmaps_add(state(), id[i], &portmaps[i], 1), 0);
		}
		if (!turn)
			start(readers, read_own);
	}
	end(readers, 500);
}

/* Another CPU has just used entries, in an epoch that this CPU does not know yet: they are not filled in anew. */
static void an_entry_of_a_later_epoch_is_in_use(void **s)
{
	struct frame *f = frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000);
	struct flow_path all, p;
	uint32_t at, later = 0;
	char pin[256];
	int fd;

	snprintf(pin, sizeof(pin), "%s/paths", state()->dir);
	fd = bpf_obj_get(pin);
	assert_true(fd >= 0);
	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	for (at = 0; at < 3; at++)
		uplink_gets(f);
	for (at = 0; at < EBPFNET_PATHS; at++) {
		assert_int_equal(bpf_map_lookup_elem(fd, &at, &p), 0);
		later = p.used > later ? p.used : later;
	}
	assert_true(later > PATH_BUSY); /* or there was no path */
	all = (struct flow_path){ .ifindex = 12345, .used = later + 60 };
	for (at = 0; at < EBPFNET_PATHS; at++)
		assert_int_equal(bpf_map_update_elem(fd, &at, &all, 0), 0);
	next_generation();
	for (at = 0; at < 3; at++) {
		uplink_gets(f);
		expect_outcome(INTO_PORT);
	}
	for (at = 0; at < EBPFNET_PATHS; at++) {
		assert_int_equal(bpf_map_lookup_elem(fd, &at, &p), 0);
		assert_memory_equal(&p, &all, sizeof(p));
	}
	all = (struct flow_path){};
	for (at = 0; at < EBPFNET_PATHS; at++)
		assert_int_equal(bpf_map_update_elem(fd, &at, &all, 0), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest specs[] = {
		spec(no_packet_gets_half_a_path),
		spec(no_flow_gets_the_path_of_another),
		spec(an_entry_of_a_later_epoch_is_in_use),
	};

	return run_specs("path", specs);
}
