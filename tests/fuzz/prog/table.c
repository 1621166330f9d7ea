// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The flow table between two packets: every slot is in use, free or was never used, every flow has its
 * two keys and no key is nobody's, a UDP port is one endpoint's, and what is counted is right.
 */
#include <string.h>

#include <bpf/bpf.h>
#include <user/lib/store/map.h>

#include <ebpfnet/core/nat.h>
#include "fuzz.h"

static struct conn conns[FLOWS];
static bool has_key[FLOWS][2];
static uint32_t usage_flows[256];	/* by endpoint id */

struct entry {
	struct flow_key key;
	struct flow f;
};
static struct entry entries[2 * FLOWS];
static int entry_count;

static int keep_entry(const void *key, const void *value, void *arg)
{
	struct entry *e = &entries[entry_count];

	if (entry_count == 2 * FLOWS)
		return 1;
	memcpy(&e->key, key, sizeof(e->key));
	memcpy(&e->f, value, sizeof(e->f));
	entry_count++;
	return 0;
}

static const char *read_table(struct conn_alloc *a)
{
	uint32_t slot, used;

	MUST(!store_conn_alloc(&h.state, a));
	MUST(a->never_used <= world.cfg.max_flows);
	MUST(a->live >= 0 && (uint32_t)a->live <= a->never_used);
	used = a->never_used;
	for (slot = 0; slot < used; slot++)
		MUST(!bpf_map_lookup_elem(h.state.fd[MAP_CONNS], &slot, &conns[slot]));
	entry_count = 0;
	MUST(!map_each(&h.state, MAP_FLOWS, keep_entry, NULL));
	return NULL;
}

static const char *check_slots(const struct conn_alloc *a)
{
	uint32_t slot, live = 0, free_slots = 0, next;

	memset(usage_flows, 0, sizeof(usage_flows));
	for (slot = 0; slot < a->never_used; slot++) {
		const struct conn *c = &conns[slot];

		MUST(c->state != CONN_BUSY && c->state < CONN_STATES);
		if (c->state == CONN_FREE)
			continue;
		live++;
		MUST((c->orig.proto == L4_TCP) ==
		     (c->state >= CONN_SYN_SENT && c->state <= CONN_RESET));
		if (c->orig.zone != EBPFNET_ZONE_OUTSIDE && c->endpoint < 256)
			usage_flows[c->endpoint]++;
	}
	for (next = a->free_head; next; next = conns[next - 1].portmap) {
		MUST(next <= a->never_used && conns[next - 1].state == CONN_FREE);
		MUST(++free_slots <= a->never_used);
	}
	MUST(live == (uint32_t)a->live);
	MUST(live + free_slots == a->never_used);
	return NULL;
}

static const char *check_keys(void)
{
	int i;

	memset(has_key, 0, sizeof(has_key));
	for (i = 0; i < entry_count; i++) {
		const struct entry *e = &entries[i];
		struct flow_key want;
		struct conn *c;

		MUST(e->f.conn < FLOWS && e->f.dir <= FLOW_REPLY);
		c = &conns[e->f.conn];
		MUST(c->state != CONN_FREE);
		MUST(!has_key[e->f.conn][e->f.dir]);
		has_key[e->f.conn][e->f.dir] = true;
		if (e->f.dir == FLOW_ORIGINAL) {
			want = nat_stored_key(&c->orig);
			MUST(flow_key_eq(&want, &e->key));
		}
	}
	return NULL;
}

static const char *check_pairs(const struct conn_alloc *a)
{
	uint32_t slot;

	for (slot = 0; slot < a->never_used; slot++)
		if (conns[slot].state != CONN_FREE)
			MUST(has_key[slot][0] && has_key[slot][1]);
	MUST(entry_count == 2 * a->live);
	return NULL;
}

/*
 * The way back of a flow of a namespace's UDP socket, whose mapping is there. A port that is published ends the mapping
 * that has it, and not the conversations that their peers have accepted.
 */
static bool is_udp_answer(const struct entry *e)
{
	const struct conn *c = &conns[e->f.conn];

	return e->f.dir == FLOW_REPLY && e->key.proto == L4_UDP && !c->portmap && c->endpoint &&
	       e->key.zone == EBPFNET_ZONE_OUTSIDE && !flows_outlive_mappings() &&
	       !world.udp_published_once[e->key.dport_h];
}

static bool same_socket(const struct entry *a, const struct entry *b)
{
	return conns[a->f.conn].endpoint == conns[b->f.conn].endpoint &&
	       !memcmp(&a->f.dst, &b->f.dst, 4) && a->f.dport_h == b->f.dport_h;
}

/* RFC 4787 REQ-1: all that a socket sends has one external port. */
static const char *check_mappings(void)
{
	const struct entry *m, *e;

	for (m = entries; m < entries + entry_count; m++) {
		if (conns[m->f.conn].orig.scope != KEY_EIM || !is_udp_answer(m))
			continue;
		for (e = entries; e < entries + entry_count; e++)
			if (is_udp_answer(e) && same_socket(m, e))
				MUST(e->key.dport_h == m->key.dport_h &&
				     !memcmp(&e->key.dst, &m->key.dst, 4));
	}
	return NULL;
}

static const char *check_usage(void)
{
	enum device dev;

	for (dev = DEV_NS1; dev <= DEV_NS4; dev++) {
		uint32_t id = world.endpoint[dev];
		struct usage u;

		if (map_get(&h.state, MAP_USAGE, &id, &u))
			continue;
		MUST(u.flows == usage_flows[id]);
		MUST(u.ports <= u.flows);
		MUST(u.flows <= world.cfg.max_flows_ns);
	}
	return NULL;
}

const char *check_table(void)
{
	struct conn_alloc a;
	const char *broken = read_table(&a);

	if (!broken)
		broken = check_slots(&a);
	if (!broken)
		broken = check_keys();
	if (!broken)
		broken = check_pairs(&a);
	if (!broken)
		broken = check_mappings();
	return broken ? broken : check_usage();
}
