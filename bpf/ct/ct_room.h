/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Find room for a new flow (docs/dev/capacity.md): sweep what has expired, and when room is short end a flow that
 * yields.
 *
 *   its account has its share  -> the free list; in a full table the flow, of whomever, that yields first
 *   it has no more             -> the flow of the same account that yields first
 */
#ifndef EBPFNET_BPF_CT_CT_ROOM_H
#define EBPFNET_BPF_CT_CT_ROOM_H

#include "ct/ct_slot.h"

#define CONN_SWEEP 2		/* slots checked per new flow: expired flows must not outnumber live ones */
#define ROOM_SEARCH 512		/* slots searched for room, at most */
#define ROOM_SEARCH_AGAIN 32	/* the same if this second's last search of the account was in vain */
#define ROOM_CHOICE 8		/* of so many flows that yield, the first goes */
#define ROOM_ATTEMPTS 16		/* searches, if other CPUs take what was found */

/* The account whose flow needs room, and the kind of room. */
struct room_for {
	__u32 account;		/* usage_account() */
	__u32 client;		/* ACCOUNT_PORTMAP: outside_peer_bucket() */
	_Bool port;		/* an external port of its own */
	_Bool udp;		/* which no other flow may have */
};

/* Which share a new flow exceeds. */
enum room_share {
	SHARE_LEFT,		/* none */
	SHARE_OF_CLIENT,
	SHARE_OF_PORTS,
	SHARE_OF_UDP_PORTS,
	SHARE_OF_FLOWS,
};

/* A search through map conns from turn .start on: by ct_scan_slot(), or slot by slot. */
struct room_search {
	struct room_for who;
	enum room_share over;	/* flows that would not help with it do not yield; SHARE_LEFT: anybody's do */
	__u32 start, looked;
	__u32 room;		/* slot for the caller, CONN_BUSY; NO_SLOT */
	__u32 best, best_word, best_order; /* the flow that yields first: slot, state word, ct_yield_order() */
	__u8 choices;		/* how many yield */
	_Bool sweep;		/* only delete what has expired */
};

/* PERCPU_ARRAY: too large for the stack. */
PERCPU_SCRATCH(struct room_search, room_scratch)

/* True if ending that flow makes the room that is wanted. */
static __always_inline _Bool room_is_made_by(const struct room_search *s, const struct conn *c)
{
	if (s->over == SHARE_LEFT)
		return 1;
	if (usage_account(&c->orig, c->endpoint, c->portmap) != s->who.account)
		return 0;
	switch (s->over) {
	case SHARE_OF_CLIENT:
		return outside_peer_bucket(c->orig.src) == s->who.client;
	case SHARE_OF_PORTS:
		return !c->portmap && !usage_is_further_peer(c);
	case SHARE_OF_UDP_PORTS:
		return !c->portmap && !usage_is_further_peer(c) && c->orig.proto == L4_UDP;
	default:
		return 1;
	}
}

/* Delete a flow that has ended. Returns 1 if its slot is the caller's. */
static __always_inline long room_collect(struct room_search *s, __u32 slot, union conn_word w, _Bool wanted)
{
	if (!slot_unlink(slot, w.word))
		return 0;
	if (!wanted)
		return !slot_free(slot);
	s->room = slot;
	return 1;
}

/* bpf_loop callback: look at a slot. Returns 1 to end the search. */
static long room_look(__u32 i, void *unused)
{
	struct room_search *s = room_scratch_get();
	struct config *cfg = config_get();
	struct conn_alloc *a = conn_alloc_get();
	__u32 slot, used, order, patience;
	union conn_word w;
	struct conn *c;
	_Bool wanted;

	if (!s || !cfg || !a)
		return 1;
	used = a->never_used < cfg->max_flows ? a->never_used : cfg->max_flows;
	if (i >= (s->sweep ? used : ct_scan_turns(used))) /* all were looked at */
		return 1;
	s->looked = i + 1;
	slot = s->start + i;
	if (!s->sweep)
		slot = ct_scan_slot(slot, used);
	else if (slot >= used)
		slot -= used;
	c = slot < used ? conn_get(slot) : NULL;
	if (!c)
		return 0;
	w = conn_word(c);
	if (!conn_live(w))
		return 0;
	wanted = !s->sweep && room_is_made_by(s, c);
	/* an account that wants room exists: nothing to ask for each of its flows */
	if (conn_expired(c, w.state, cfg, now_s()) || (s->over == SHARE_LEFT && !flow_owner_exists(c)))
		return room_collect(s, slot, w, wanted);
	/* at its own share a namespace's flow has the least timeout first: it chose itself how many it opens */
	patience = s->over == SHARE_LEFT || s->who.account & (ACCOUNT_PORTMAP | ACCOUNT_FORWARDED) ? 0 :
												     CT_TIMEOUT_MIN_S;
	order = wanted ? ct_yield_order(ct_yield(w.state), ct_idle(c->seen, now_s()), patience) : 0;
	if (!order)
		return 0;
	if (order > s->best_order) {
		s->best_order = order;
		s->best = slot;
		s->best_word = w.word;
	}
	return ++s->choices >= ROOM_CHOICE;
}

/* Run a search from where the last one with that cursor ended. Not exact if two CPUs do at once: they overlap. */
static __always_inline void room_run(struct room_search *s, __u32 *cursor, __u32 slots)
{
	s->start = *(volatile __u32 *)cursor;
	bpf_loop(slots, room_look, NULL, 0);
	*(volatile __u32 *)cursor = s->start + s->looked;
}

/* Check the next slots for flows that have expired. */
__noinline int room_sweep(void)
{
	struct conn_alloc *a = conn_alloc_get();
	struct room_search *s = room_scratch_get();

	if (!a || !s)
		return 0;
	s->over = SHARE_LEFT;
	s->looked = 0;
	s->sweep = 1;
	if (a->sweep >= a->never_used)
		*(volatile __u32 *)&a->sweep = 0;
	room_run(s, &a->sweep, CONN_SWEEP);
	return 0;
}

/*
 * Search for room: for .who, whose share .over is exceeded; SHARE_LEFT: the table is full. Sets .room, a slot of the
 * caller's, for from the free list a flood would take it; NO_SLOT: none found. Returns 0 if another CPU was faster.
 */
__noinline int room_search_once(void)
{
	struct conn_alloc *a = conn_alloc_get();
	struct room_search *s = room_scratch_get();
	struct usage *u;
	__u32 slots = ROOM_SEARCH;

	if (!a || !s)
		return 1;
	s->room = NO_SLOT;
	s->best_order = s->choices = s->looked = s->sweep = 0;
	u = s->over == SHARE_LEFT ? NULL : usage_get(s->who.account);
	if (u && u->searched == now_s())
		slots = ROOM_SEARCH_AGAIN;
	room_run(s, u ? &u->cursor : &a->cursor, slots);
	if (s->room != NO_SLOT)
		return 1;
	if (!s->best_order) {
		if (u)
			u->searched = now_s();
		return 1;
	}
	if (!slot_unlink(s->best, s->best_word)) {
		/* another CPU searches here too */
		*(volatile __u32 *)(u ? &u->cursor : &a->cursor) += bpf_get_prandom_u32() % ROOM_SEARCH_AGAIN;
		return 0;
	}
	count(COUNT_flow_evicted);
	s->room = s->best;
	return 1;
}

static __always_inline void room_find(void)
{
	int i;

	for (i = 0; i < ROOM_ATTEMPTS && !room_search_once(); i++)
		;
}

/* Which share of the flows of a published port one more of a client would exceed. */
static __always_inline enum room_share room_share_outside(const struct usage *u, __u32 client, __u32 live,
							  const struct config *cfg)
{
	struct outside_peer *peer = outside_peer_get(client);

	if (!peer || !share_of_outside(u->flows, 0, live, cfg->max_flows))
		return SHARE_OF_FLOWS;
	return share_of_outside(u->flows, peer->opened, live, cfg->max_flows) ? SHARE_LEFT : SHARE_OF_CLIENT;
}

/* Which share one more flow would exceed. */
static __always_inline enum room_share room_share(const struct room_for *who, const struct config *cfg)
{
	__u32 ports = (__u32)cfg->port_max_h - cfg->port_min_h + 1, live, udp_ports;
	struct usage *u = usage_get(who->account); /* NULL: the host, or a namespace that is gone */
	struct conn_alloc *a = conn_alloc_get();

	if (!u || !a)
		return SHARE_LEFT;
	live = a->live > 0 ? a->live : 0;
	udp_ports = a->udp_ports > 0 ? a->udp_ports : 0;
	if (who->account & ACCOUNT_PORTMAP)
		return room_share_outside(u, who->client, live, cfg);
	if (who->udp && !share_of_ports(u->udp_ports, udp_ports, ports))
		return SHARE_OF_UDP_PORTS;
	if (who->port && u->ports >= cfg->max_ports_ns)
		return SHARE_OF_PORTS;
	return share_of_namespace(u->flows, cfg->max_flows_ns, live, cfg->max_flows) ? SHARE_LEFT : SHARE_OF_FLOWS;
}

#endif
