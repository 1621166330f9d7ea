/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Whole packets through the real programs (BPF_PROG_TEST_RUN): every byte that comes out, the
 * verdict, and every counter that rose.
 *
 * A test program has network and mount namespaces of its own, where it sets up the small host below,
 * and fills the maps with the functions that `ebpfnet` itself uses. Each test begins with empty
 * tables and counters; after each, the flow table is checked for slots and keys that got lost.
 *
 *	network 1: 192.168.1.0/24, gw0 192.168.1.1     network 2: 192.168.2.0/24, gw1 192.168.2.1
 *	  veth0 NS1, veth1 NS2, veth2 NS3 (spoof=allow)  veth3 NS4
 *	eth0: 172.31.13.55/20 and .56, the uplink; default via 172.31.0.1
 *	eth1: 198.51.100.1/24, unmanaged: without the programs
 *	shape, shapep: the shaper, for tests that limit a port
 */
#ifndef EBPFNET_TESTS_HARNESS_H
#define EBPFNET_TESTS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ebpfnet/abi.h>
#include <ebpfnet/counters.h>
#include <user/lib/dataplane/dataplane.h>

#include "packet.h"

#define NS1 "192.168.1.10"
#define NS2 "192.168.1.11"
#define NS3 "192.168.1.12"
#define NS4 "192.168.2.10"
#define NS_GONE "192.168.1.13" /* once add_port_without_device() has made it */
#define GW "192.168.1.1"
#define UPLINK "172.31.13.55"
#define UPLINK_SECOND "172.31.13.56"
#define NEXT_HOP "172.31.0.1"
#define NEXT_HOP2 "172.31.0.2"
#define SERVER "203.0.113.10"
#define SERVER2 "203.0.113.11"

#define NS1_MAC "02:42:c0:a8:01:0a"
#define NS2_MAC "02:42:c0:a8:01:0b"
#define NS3_MAC "02:42:c0:a8:01:0c"
#define NS4_MAC "02:42:c0:a8:02:0a"
#define NS_GONE_MAC "02:42:c0:a8:01:0d"
#define GW_MAC "02:42:c0:a8:01:01"
#define UPLINK_MAC "06:00:ac:1f:0d:37"
#define ISP_MAC "06:00:ac:1f:00:01"
#define ISP2_MAC "06:00:ac:1f:00:02"
#define BROADCAST "ff:ff:ff:ff:ff:ff"
#define STRANGER_MAC "02:00:00:00:00:99"

/* Destinations with special routes. */
#define IN_BLACKHOLE "203.0.113.65"
#define IN_UNREACHABLE "203.0.113.81"
#define IN_PROHIBITED "203.0.113.97"
#define IN_NO_ROUTE "203.0.113.113"
#define BEHIND_MTU_1000 "203.0.113.129"
#define BEHIND_UNMANAGED "198.51.100.10"
#define BEHIND_NEXT_HOP2 "203.0.113.150"

/* The usual ends of a frame. */
#define NS1_TO_GW .smac = NS1_MAC, .dmac = GW_MAC
#define NS2_TO_GW .smac = NS2_MAC, .dmac = GW_MAC
#define NS3_TO_GW .smac = NS3_MAC, .dmac = GW_MAC
#define GW_TO_NS1 .smac = GW_MAC, .dmac = NS1_MAC
#define GW_TO_NS2 .smac = GW_MAC, .dmac = NS2_MAC
#define NS1_TO_NS2 .smac = NS1_MAC, .dmac = NS2_MAC
#define NS1_TO_NS3 .smac = NS1_MAC, .dmac = NS3_MAC
#define FROM_ISP .smac = ISP_MAC, .dmac = UPLINK_MAC
#define ON_LO .smac = "00:00:00:00:00:00", .dmac = "00:00:00:00:00:00"

enum device {
	DEV_LO,
	DEV_NS1,
	DEV_NS2,
	DEV_NS3,
	DEV_NS4,
	DEV_GW,
	DEV_GW_PEER,
	DEV_UPLINK,
	DEV_UNMANAGED,
	DEV_SHAPER,
	DEV_SHAPER_PEER,
	DEVICES,
};

/* Where a packet went, by TC_ACT_* and by mark and priority afterwards. */
enum outcome {
	PASSED,		/* to the next program, or the stack */
	DROPPED,
	INTO_PORT,	/* into a namespace: mark and priority are cleared */
	INTO_HOST,	/* up the stack, by the gateway device or by lo */
	SENT,		/* out of a device: mark and priority stay */
};

/* ---- one packet ---- */

void run(enum hook hook, enum device dev, const struct frame *in);

/* Metadata of a packet. */
struct given {
	uint16_t gso_size;		/* not 0: a GSO packet, which the device segments */
	enum device forwarded_from;	/* not lo: the host forwards it */
	uint32_t cb;			/* the word of skb->cb with the mark of a re-injected packet */
};

void run_given(enum hook hook, enum device dev, const struct frame *in, struct given given);

/* The same packet so many times that every cache has it, and the fast path takes the last ones: all come out alike. */
void run_repeatedly(enum hook hook, enum device dev, const struct frame *in);

#define ns1_sends(f) run(HOOK_PORT, DEV_NS1, f)
#define ns2_sends(f) run(HOOK_PORT, DEV_NS2, f)
#define ns3_sends(f) run(HOOK_PORT, DEV_NS3, f)
#define host_sends(f) run(HOOK_GATEWAY, DEV_GW, f)
#define uplink_gets(f) run(HOOK_UPLINK, DEV_UPLINK, f)
#define lo_gets(f) run(HOOK_LO, DEV_LO, f)
/* Before uplink_gets(): XDP. It passes or drops. */
#define xdp_gets(f) run_xdp(HOOK_UPLINK_XDP, DEV_UPLINK, f)
#define generic_xdp_gets(f) run_xdp(HOOK_UPLINK_XDPGENERIC, DEV_UPLINK, f)
void run_xdp(enum hook hook, enum device dev, const struct frame *in);

/* The same, called by several threads at a time. True: the packet left by a device, as *after. */
bool run_beside(enum hook hook, enum device dev, const struct frame *in, struct frame *after);

/* The packet that came out last enters by the uplink, with the mark that it left with. */
void comes_in_again(void);

/* The packet that came out last has waited in the shaper, and comes out of it with what it took along. */
void comes_out_of_shaper(void);

/* The packet that came out last, and the time at which it is to depart; 0: at once. */
const struct frame *output(void);
uint64_t departure(void);
/* Nothing that programs have written in skb->cb is left there. */
bool carries_nothing(void);

#define expect_outcome(outcome) expect_outcome_at(outcome, __FILE__, __LINE__)
#define expect_packet(frame) expect_packet_at(frame, __FILE__, __LINE__)
/* These counters rose by one (named twice: by two), and no other did. */
/* It was sent into the shaper's queue for what a port sends (PORT_LIMIT_OUT) or receives, and not counted yet. */
#define expect_waiting(port, which) expect_waiting_at(port, which, __FILE__, __LINE__)
#define expect_counted(...) \
	expect_counted_at((const enum counter[]){ __VA_ARGS__, COUNTERS }, __FILE__, __LINE__)
#define expect_dropped(...)              \
	do {                             \
		expect_outcome(DROPPED); \
		expect_counted(__VA_ARGS__); \
	} while (0)
/* Passed unchanged, and counted as not_ours. */
#define expect_left_alone(frame)                 \
	do {                                     \
		expect_outcome(PASSED);          \
		expect_packet(frame);            \
		expect_counted(COUNT_not_ours);  \
	} while (0)
/* How many copies left by each of DEV_NS1 to DEV_NS4: the original is not among them. */
int copies_to(enum device port);
#define expect_copies(ns1, ns2, ns3, ns4) \
	expect_copies_at((const int[]){ ns1, ns2, ns3, ns4 }, __FILE__, __LINE__)

void expect_outcome_at(enum outcome want, const char *file, int line);
void expect_waiting_at(enum device port, uint16_t which, const char *file, int line);
void expect_packet_at(const struct frame *want, const char *file, int line);
void expect_counted_at(const enum counter *want, const char *file, int line);
void expect_copies_at(const int *want, const char *file, int line);

/* ---- maps ---- */

/* The state that a `ebpfnet` command would have open. */
struct store *state(void);

struct config config_now(void);
void configure(const struct config *cfg);
/* Raises the configuration's generation: flows are checked again. */
void next_generation(void);

/* Publishes TCP or UDP ports first to last of an address ("0.0.0.0": all), to NS1; returns the mapping's id. */
uint32_t publish(const char *on, uint8_t proto, uint16_t first, uint16_t last, uint16_t to_first);

uint32_t ifindex_of(enum device dev);
struct ipaddr address(const char *text);
void give_portmap_to(uint32_t id, uint32_t endpoint);
void forget_network(uint16_t id);
void forget_port(enum device dev);		/* as `ns del` does */
void remember_port(enum device dev);		/* as `ns add` does, as it was at first */
void leave_port_out(enum device dev);		/* of the list of ports that floods go along */
void replace_endpoint(enum device dev);		/* another namespace gets NS1's (or ...) address and port */
void allow_spoofing(enum device dev);
void limit_port(enum device dev, uint16_t which);	/* PORT_LIMIT_*: a megabyte a second */
void use_up_limit(enum device dev, uint64_t ns);	/* as if it had sent so much that it must wait so long */
void add_port_without_device(void);		/* NS_GONE: its device was removed externally */

struct fdb_entry fdb_entry_of(const char *mac);	/* of network 1 */
void age_fdb(uint32_t seconds);
/* Lets time pass for all IPv6 addresses that were learned. */
void age_ipv6(uint32_t seconds);
void give_ipv6(enum device dev, const char *addr);	/* as --ipv6-addr does */

/* ---- flows; the first one of a test is in slot 0 ---- */

struct conn conn_at(uint32_t slot);
#define expect_state(slot, want) assert_int_equal(conn_at(slot).state, want)
void expect_live_flows(int count);
int live_flows(void);
/* Whether all were looked at since the configuration changed. */
bool flows_are_checked(void);
/* Empties the flow caches of all CPUs (bpf/fast/flow_cache.h). */
void forget_caches(void);
/* As after an epoch (bpf/kern/percpu_cache.h): what the port program knows of qdiscs is read again. */
void forget_qdiscs(void);
/* Lets time pass for all flows. */
void age_flows(uint32_t seconds);
/* Lets time pass for the fragments of datagrams that are not complete. */
void age_fragments(uint32_t ms);
/* Lets all flows expire at this moment: the caches still have them. */
void expire_flows(void);
/* As if all had been looked at when the configuration's generation was that one, and how many were. */
void unstamp_flows(void);
bool flows_are_stamped(void);

/* ---- the host around it ---- */

void host_command(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void set_forwarding(enum device dev, int on);
void host_link(enum device dev, bool up);	/* and waits until the programs can know it */
void far_link(enum device dev, bool up);	/* the same, of the device's other end: in a namespace */
void host_ipv6(enum device dev);	/* enables IPv6 there; without an address, so nothing is sent */
/* A socket of the host; port 0 or NULL: not bound, not connected. TCP without a peer listens. */
int host_socket(uint8_t proto, const char *addr, uint16_t port, const char *peer, uint16_t peer_port);
/* As if all ICMP errors of a second but so many had been sent, seconds_ago. */
void leave_icmp_budget(uint32_t errors, uint32_t seconds_ago);

/* ---- the program itself ---- */

int harness_setup(void **unused);	/* of the group */
int harness_reset(void **unused);	/* before each test */
int harness_check(void **unused);	/* after each test */

#define spec(test) cmocka_unit_test_setup_teardown(test, harness_reset, harness_check)
#define run_specs(name, specs) cmocka_run_group_tests_name(name, specs, harness_setup, NULL)

#endif
