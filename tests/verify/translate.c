// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A flow's two directions undo each other: for every key, every translation, every zone. */
#include "kernel.h"

#include "bpf/ct/ct_create.h"

static _Bool key_same(struct flow_key a, struct flow_key b)
{
	return addr_eq(a.src, b.src) && addr_eq(a.dst, b.dst) && a.sport_h == b.sport_h &&
	       a.dport_h == b.dport_h && a.zone == b.zone && a.proto == b.proto && a.scope == b.scope;
}

static struct nat_tuple tuple(struct flow f)
{
	return (struct nat_tuple){ f.src, f.dst, f.sport_h, f.dport_h };
}

/* As the parser makes them: an ICMP query has its identifier in both places. */
static void given_a_new_flow(struct ct_new n)
{
	GIVEN(n.key.scope == KEY_APDF && n.scope == KEY_APDF && n.key.zone <= EBPFNET_ZONE_HOST);
	GIVEN(n.key.proto != L4_ICMP || n.key.sport_h == n.key.dport_h);
}

void equal_keys_are_equal_in_each_field(struct flow_key a, struct flow_key b)
{
	PROVE(flow_key_eq(&a, &b) == key_same(a, b));
}

void the_reply_key_is_the_translation_turned_round(struct nat_tuple t, __u16 net,
						   enum l4proto proto)
{
	struct flow_key key = nat_reply_key(&t, net, proto);

	PROVE(addr_eq(key.src, t.dst) && addr_eq(key.dst, t.src));
	PROVE(key.dport_h == t.sport_h);
	PROVE(key.sport_h == (proto == L4_ICMP ? t.sport_h : t.dport_h));
	PROVE(key.zone == net && key.proto == proto && key.scope == KEY_APDF);
}

/* A packet translated, answered, and the answer translated is an answer to the packet as it was. */
void a_reply_is_translated_back(struct ct_new n, __u32 slot, struct conn c)
{
	struct ct_create_state m = { .new = n };
	struct nat_tuple t;

	given_a_new_flow(n);
	table.conn = c;
	ct_fill(&m, slot);
	t = tuple(m.reply);
	PROVE(key_same(nat_reply_key(&t, m.reply.answer_zone, n.key.proto), n.key));
	PROVE(m.original.dir == FLOW_ORIGINAL && m.reply.dir == FLOW_REPLY);
	PROVE(m.original.conn == slot && m.reply.conn == slot);
}

/* And answers to that answer are found under the key that ct_create() enters it by. */
void the_translation_is_what_the_flow_says(struct ct_new n, __u32 slot, struct conn c)
{
	struct ct_create_state m = { .new = n };
	struct nat_tuple t;

	given_a_new_flow(n);
	table.conn = c;
	ct_fill(&m, slot);
	t = tuple(m.original);
	PROVE(key_same(nat_reply_key(&t, m.original.answer_zone, n.key.proto),
		       nat_reply_key(&n.t, n.answer_zone, n.key.proto)));
}
