/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Mutated packets through the loaded programs (BPF_PROG_TEST_RUN), and the properties of each.
 *
 *	seeds.c		well-formed packets of every kind, many of them of live flows
 *	mutate.c	mutations
 *	world.c		the small host of tests/prog, with another configuration each time
 *	main.c		one packet after another; reports of broken properties
 *	view.c		a reading of packets that shares nothing with include/ebpfnet/core/parse.h
 *	check*.c	properties of a packet that went through
 *	owners.c	the last sender by an external port, who gets the answer
 *	table.c		properties of the flow table
 *
 * A world is a few thousand packets on a fresh host. All of its inputs follow from (seed, number of the
 * world), but for external ports, which the kernel's random numbers choose.
 */
#ifndef EBPFNET_TESTS_FUZZ_PROG_H
#define EBPFNET_TESTS_FUZZ_PROG_H

#include "tests/prog/lib/internal.h"

/* ---- chance ---- */

void chance_begin(uint64_t seed, uint64_t world);
uint32_t chance(uint32_t n);			/* 0 to n - 1 */
#define one_in(n) (chance(n) == 0)
#define one_of(first, ...)                                            \
	({                                                            \
		__typeof__((first) + 0) all_[] = { first, __VA_ARGS__ };    \
		all_[chance(sizeof(all_) / sizeof(all_[0]))];         \
	})

/* ---- a packet, sent at a hook ---- */

struct shot {
	enum hook hook;
	enum device dev;
	struct frame in;
	uint16_t gso_size;
	bool forwarded;			/* egress: it came in by another device */
	bool ours;			/* uplink, uplink_out: it has the mark of packets that the programs sent */
};

/* Where it went, as far as BPF_PROG_TEST_RUN reports it. */
enum went {
	WENT_ON,			/* to the next program, or the stack */
	WENT_NOWHERE,
	WENT_PORT,			/* into a namespace */
	WENT_HOST,			/* up into the host */
	WENT_OUT,			/* out of a device as if the host sent it */
	WENT_UPLINK,			/* out, and with the programs' mark */
	WENT_ROUND,			/* with the programs' mark, re-injected at the uplink */
	WENT_ASTRAY,			/* no known verdict */
};

struct outcome_of {
	struct frame out;
	enum went went;
	enum counter counted;		/* the one of PASSES and DROPS that rose */
	int counts;			/* by how much all of them rose */
	enum counter early;		/* what the XDP prefilter counted before; COUNTERS: it let it pass */
};

/* ---- a frame, read ---- */

struct view {
	const uint8_t *b;
	uint32_t len;
	uint16_t eth;
	bool ip;			/* IPv4, with a header that may be believed; else nothing below is set */
	uint32_t ihl, l4, end;		/* offsets of the transport header and of the packet's end */
	uint16_t frag;
	uint8_t proto, ttl;
	const uint8_t *src, *dst;
	enum { NO_L4, PORTS, QUERY, ERROR } kind;
	uint16_t sport, dport;		/* QUERY: the identifier in both */
};

struct view view_of(const uint8_t *bytes, uint32_t len);
struct view view_embedded(const struct view *error);	/* as a frame: .b + ETH_LEN is the embedded header */
uint16_t get16(const uint8_t *at);
void set16(uint8_t *at, uint16_t value);
uint32_t check_at(const struct view *v);		/* offset of the transport checksum, 0: none */
/* By how much a checksum is wrong, in ones' complement: 0 if it is right. */
uint16_t ip_wrong_by(const struct view *v);
uint16_t l4_wrong_by(const struct view *v);
/* Puts all checksums right: of the header, the transport, and of the header embedded in an ICMP error. */
void fix_checks(struct frame *f);
bool has_source_route_option(const struct view *v);

/* ---- the world ---- */

#define ENDPOINTS 4

struct endpoint_of {
	enum device dev;
	const char *addr, *mac, *gw_mac;
	uint16_t net;
};
extern const struct endpoint_of all_endpoints[ENDPOINTS];

struct world {
	uint64_t number;
	struct config cfg;
	bool spoof;			/* NS3 has spoof=allow */
	bool aged;			/* time has passed */
	bool forwarding_off;		/* the kernel does not say where to */
	struct portmap portmaps[8];
	uint32_t rule_ids[8];
	int rules_count;
	bool udp_published_once[65536];	/* external ports that a rule had, or has */
	bool succeeded;			/* an endpoint, by another */
	uint32_t endpoint[DEVICES];	/* its id now; 0: it is gone */
};
extern struct world world;

#define FEW_PORTS 64			/* external ports of a world that runs out of them */

/* A further peer's flow may outlive its mapping: time has passed, or the table or the external ports were used up. */
static inline bool flows_outlive_mappings(void)
{
	return world.aged || world.cfg.max_flows < FLOWS || world.cfg.port_max_h - world.cfg.port_min_h < FEW_PORTS;
}

void world_begin(uint64_t seed, uint64_t number);
void world_change(void);		/* something a command, or time, does */
bool is_private(const uint8_t *addr);
bool is_hosts(const uint8_t *addr);	/* an address of the host's on the uplink */
const struct endpoint_of *endpoint_at(const uint8_t *addr);

/* ---- live flows, as packets that went through ---- */

struct live {
	struct shot sent;
	struct frame out;
	enum went went;
	enum counter counted;
};
void live_forget(void);
void live_note(const struct shot *s, const struct outcome_of *o);
const struct live *live_any(void);	/* NULL: none yet */

void seed(struct shot *s);
void mutate(struct shot *s);

/* ---- properties; NULL, or the broken one ---- */

const char *check_packet(const struct shot *s, const struct outcome_of *o);
const char *check_switched(const struct shot *s, const struct outcome_of *o);
const char *check_translated(const struct shot *s, const struct view *in, const struct view *out,
			     const struct outcome_of *o);
const char *check_error_translated(const struct shot *s, const struct view *in,
				   const struct view *out, const struct outcome_of *o);
const char *check_error_sent(const struct shot *s, const struct view *in, const struct view *out);
const char *check_table(void);
void owners_forget(void);
const char *check_owner(const struct shot *s, const struct view *in, const struct view *out,
			const struct outcome_of *o);

#define MUST(what)                            \
	do {                                  \
		if (!(what))                  \
			return "not: " #what; \
	} while (0)

/* Multicast, or the broadcast to all; class E is unicast. */
static inline bool is_group(const uint8_t *addr)
{
	return (addr[0] & 0xf0) == 224 || (addr[0] & addr[1] & addr[2] & addr[3]) == 255;
}

#endif
