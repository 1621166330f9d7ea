// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ebpfnet/core/ct_state.h>
#include "unit.h"

#define TCP_PSH 0x08
#define SYNACK (TCP_SYN | TCP_ACK)
#define FINACK (TCP_FIN | TCP_ACK)

/* The states that a TCP flow may be in, as columns. */
#define TCP_STATES 6
#define SS CONN_SYN_SENT
#define SR CONN_SYN_RECV
#define ES CONN_ESTABLISHED
#define FW CONN_FIN_WAIT
#define CL CONN_CLOSING
#define RS CONN_RESET

static const enum conn_state tcp_states[TCP_STATES] = { SS, SR, ES, FW, CL, RS };

#define ORIG (1 << FLOW_ORIGINAL)
#define REPLY (1 << FLOW_REPLY)
#define BOTH (ORIG | REPLY)

/* Flags; and what becomes of the bits that say who sent FIN: kept, cleared, this side's added. */
#define F TCP_FIN
#define S TCP_SYN
#define R TCP_RST
enum fin_bits { K, C, A };

/* The sides that sent a FIN before the packet, as a set of the values that `fin` may have. */
#define ANY 0x0f
#define NOBODY (1 << 0)
#define SOMEBODY (ANY & ~NOBODY)
#define NOT_REPLY (1 << 0 | 1 << 1)
#define REPLY_HAS (ANY & ~NOT_REPLY)
#define NOT_ORIG (1 << 0 | 1 << 2)
#define ORIG_HAS (ANY & ~NOT_ORIG)

/*
 * The whole of it: a packet with the flags `set` and without `clear`, in one of the directions
 * `dir`, when those of `fins` have sent a FIN.
 */
static const struct row {
	uint8_t set, clear, dir, fins;
	enum conn_state next[TCP_STATES];
	enum fin_bits fin[TCP_STATES];
} rows[] = {
	{ R, 0, BOTH, ANY, { RS, RS, RS, RS, RS, RS }, { K, K, K, K, K, K } },
	{ S, R, ORIG, ANY, { SS, SR, ES, FW, SS, SS }, { C, K, K, K, C, C } },
	{ S, R, REPLY, ANY, { SR, SR, ES, FW, CL, RS }, { K, K, K, K, K, K } },
	{ F, R | S, ORIG, NOT_REPLY, { SS, FW, FW, FW, FW, RS }, { A, A, A, A, A, K } },
	{ F, R | S, ORIG, REPLY_HAS, { CL, CL, CL, CL, CL, RS }, { A, A, A, A, A, K } },
	{ F, R | S, REPLY, NOT_ORIG, { FW, SR, FW, FW, FW, RS }, { A, A, A, A, A, K } },
	{ F, R | S, REPLY, ORIG_HAS, { CL, CL, CL, CL, CL, RS }, { A, A, A, A, A, K } },
	{ 0, R | S | F, ORIG, NOBODY, { SS, ES, ES, FW, CL, RS }, { K, K, K, K, K, K } },
	{ 0, R | S | F, ORIG, SOMEBODY, { SS, FW, ES, FW, CL, RS }, { K, K, K, K, K, K } },
	{ 0, R | S | F, REPLY, NOBODY, { ES, SR, ES, FW, CL, RS }, { K, K, K, K, K, K } },
	{ 0, R | S | F, REPLY, SOMEBODY, { FW, SR, ES, FW, CL, RS }, { K, K, K, K, K, K } },
};

static bool row_is_for(const struct row *row, enum flow_dir dir, uint8_t flags, uint8_t fin)
{
	return (flags & row->set) == row->set && !(flags & row->clear) && row->dir & 1 << dir &&
	       row->fins & 1 << fin;
}

static const struct row *find_row(enum flow_dir dir, uint8_t flags, uint8_t fin)
{
	const struct row *found = NULL;
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		if (row_is_for(&rows[i], dir, flags, fin)) {
			assert_null(found);
			found = &rows[i];
		}
	assert_non_null(found);
	return found;
}

static void check_column(const struct row *row, size_t i, enum flow_dir dir, uint8_t flags,
			 uint8_t fin)
{
	uint8_t want = row->fin[i] == C ? 0 : row->fin[i] == A ? fin | 1 << dir : fin;
	uint8_t got = fin;
	enum conn_state next = ct_next(tcp_states[i], L4_TCP, dir, flags, 0, &got);

	if (next != row->next[i] || got != want)
		fail_msg("state %d, dir %d, flags 0x%02x, fin %d: state %d, fin %d; not %d, %d",
			 tcp_states[i], dir, flags, fin, next, got, row->next[i], want);
}

/* Every state, direction, set of flags (ECE, CWR, URG too) and who sent FIN before. */
static void tcp_follows_the_table(void **state)
{
	uint32_t dir, flags, fin;
	size_t i;

	for (dir = FLOW_ORIGINAL; dir <= FLOW_REPLY; dir++)
		for (flags = 0; flags < 256; flags++)
			for (fin = 0; fin < 4; fin++)
				for (i = 0; i < TCP_STATES; i++)
					check_column(find_row(dir, flags, fin), i, dir, flags, fin);
}

/* ---- a few connections from their beginning to their end ---- */

struct flow_of_test {
	enum conn_state state;
	uint8_t fin;
};

static struct flow_of_test begin(uint8_t flags)
{
	assert_true(ct_may_create(L4_TCP, flags));
	return (struct flow_of_test){ ct_first_state(L4_TCP), 0 };
}

static void packet(struct flow_of_test *f, enum flow_dir dir, uint8_t flags, enum conn_state want)
{
	f->state = ct_next(f->state, L4_TCP, dir, flags, 0, &f->fin);
	assert_int_equal(f->state, want);
}

static struct flow_of_test establish(void)
{
	struct flow_of_test f = begin(TCP_SYN);

	packet(&f, FLOW_REPLY, SYNACK, CONN_SYN_RECV);
	packet(&f, FLOW_ORIGINAL, TCP_ACK, CONN_ESTABLISHED);
	return f;
}

static void handshake_establishes(void **state)
{
	struct flow_of_test f = begin(TCP_SYN);

	assert_int_equal(f.state, CONN_SYN_SENT);
	packet(&f, FLOW_ORIGINAL, TCP_SYN, CONN_SYN_SENT); /* sent again */
	packet(&f, FLOW_REPLY, SYNACK, CONN_SYN_RECV);
	packet(&f, FLOW_REPLY, SYNACK, CONN_SYN_RECV);
	packet(&f, FLOW_ORIGINAL, TCP_ACK, CONN_ESTABLISHED);
	packet(&f, FLOW_REPLY, TCP_ACK | TCP_PSH, CONN_ESTABLISHED);
}

static void syn_without_answer_stays_half_open(void **state)
{
	struct flow_of_test f = begin(TCP_SYN);

	packet(&f, FLOW_ORIGINAL, TCP_SYN, CONN_SYN_SENT);
	packet(&f, FLOW_ORIGINAL, TCP_ACK, CONN_SYN_SENT);
}

/* RFC 9293 3.5, RFC 5382 REQ-2 */
static void simultaneous_open_establishes(void **state)
{
	struct flow_of_test f = begin(TCP_SYN);

	packet(&f, FLOW_REPLY, TCP_SYN, CONN_SYN_RECV);
	packet(&f, FLOW_ORIGINAL, SYNACK, CONN_SYN_RECV);
	packet(&f, FLOW_REPLY, SYNACK, CONN_SYN_RECV);
	packet(&f, FLOW_ORIGINAL, TCP_ACK, CONN_ESTABLISHED);
}

static void either_side_may_close_first(void **state)
{
	struct flow_of_test f = establish();

	packet(&f, FLOW_ORIGINAL, FINACK, CONN_FIN_WAIT);
	packet(&f, FLOW_REPLY, TCP_ACK, CONN_FIN_WAIT); /* half closed: data still comes */
	packet(&f, FLOW_ORIGINAL, FINACK, CONN_FIN_WAIT); /* sent again */
	packet(&f, FLOW_REPLY, FINACK, CONN_CLOSING);
	packet(&f, FLOW_ORIGINAL, TCP_ACK, CONN_CLOSING);

	f = establish();
	packet(&f, FLOW_REPLY, FINACK, CONN_FIN_WAIT);
	packet(&f, FLOW_REPLY, FINACK, CONN_FIN_WAIT);
	packet(&f, FLOW_ORIGINAL, FINACK, CONN_CLOSING);
}

static void new_connection_on_the_tuple_of_a_closed_one(void **state)
{
	struct flow_of_test f = establish();

	packet(&f, FLOW_ORIGINAL, FINACK, CONN_FIN_WAIT);
	packet(&f, FLOW_REPLY, FINACK, CONN_CLOSING);
	packet(&f, FLOW_ORIGINAL, TCP_SYN, CONN_SYN_SENT);
	packet(&f, FLOW_REPLY, SYNACK, CONN_SYN_RECV);
	packet(&f, FLOW_ORIGINAL, TCP_ACK, CONN_ESTABLISHED);
	packet(&f, FLOW_REPLY, FINACK, CONN_FIN_WAIT); /* the old one's FINs do not count */
}

static void new_connection_on_the_tuple_of_a_reset_one(void **state)
{
	struct flow_of_test f = establish();

	packet(&f, FLOW_REPLY, TCP_RST, CONN_RESET);
	packet(&f, FLOW_REPLY, TCP_ACK, CONN_RESET);
	packet(&f, FLOW_REPLY, TCP_SYN, CONN_RESET);
	packet(&f, FLOW_ORIGINAL, FINACK, CONN_RESET);
	packet(&f, FLOW_ORIGINAL, TCP_SYN, CONN_SYN_SENT);
	packet(&f, FLOW_REPLY, TCP_RST | TCP_ACK, CONN_RESET); /* refused */
}

/* But one ACK that nobody answers holds no slot for hours. */
static void connection_without_its_syn_is_picked_up_once_answered(void **state)
{
	struct flow_of_test f = begin(TCP_ACK | TCP_PSH);

	assert_int_equal(f.state, CONN_SYN_SENT);
	packet(&f, FLOW_ORIGINAL, TCP_ACK, CONN_SYN_SENT);
	packet(&f, FLOW_REPLY, TCP_ACK, CONN_ESTABLISHED);
}

/* ---- the first packet ---- */

static void only_a_syn_or_an_ack_begins_a_tcp_flow(void **state)
{
	/* of all sets of FIN, SYN, RST and ACK; the other flags do not matter */
	static const uint8_t may[] = { TCP_SYN, TCP_ACK, FINACK };
	static const uint8_t kept = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK;
	uint32_t flags;

	for (flags = 0; flags < 256; flags++)
		assert_int_equal(ct_may_create(L4_TCP, flags), memchr(may, flags & kept, sizeof(may)) != NULL);
}

static void other_protocols_begin_with_any_packet(void **state)
{
	uint32_t proto, flags;

	for (proto = 0; proto < 256; proto++)
		for (flags = 0; flags < 256 && proto != L4_TCP; flags++) {
			assert_true(ct_may_create(proto, flags));
			assert_int_equal(ct_first_state(proto), CONN_UNREPLIED);
		}
}

/* ---- a table that fills up ---- */

static void times_are_whole_until_three_quarters_are_used(void **state)
{
	assert_int_equal(ct_under_pressure(240, 0, 100000), 240);
	assert_int_equal(ct_under_pressure(240, 75000, 100000), 240);
	assert_in_range(ct_under_pressure(240, 75010, 100000), 230, 239);
	assert_in_range(ct_under_pressure(240, 87500, 100000), 120, 125);
	assert_int_equal(ct_under_pressure(240, 100000, 100000), CT_TIMEOUT_MIN_S);
	assert_int_equal(ct_under_pressure(240, 200000, 100000), CT_TIMEOUT_MIN_S);
}

static void pressure_only_shortens_and_leaves_a_little(void **state)
{
	uint32_t seconds, used, max, got;
	int i;

	for (i = 0; i < 200000; i++) {
		seconds = random_in(0, 31536000);
		max = random_in(1, 16777216);
		used = random_in(0, 2 * max);
		got = ct_under_pressure(seconds, used, max);
		assert_true(got <= seconds);
		assert_true(got >= (seconds < CT_TIMEOUT_MIN_S ? seconds : CT_TIMEOUT_MIN_S));
	}
}

static void what_is_relied_on_never_yields(void **state)
{
	assert_int_equal(ct_yield(CONN_ESTABLISHED), YIELD_NEVER);
	assert_int_equal(ct_yield(CONN_FIN_WAIT), YIELD_NEVER); /* half closed: data may still come */
	assert_int_equal(ct_yield(CONN_ASSURED), YIELD_NEVER);
	assert_int_equal(ct_yield(CONN_FREE), YIELD_NEVER);
	assert_int_equal(ct_yield(CONN_BUSY), YIELD_NEVER);
	assert_int_equal(ct_yield_order(YIELD_NEVER, 1000000, 0), 0);
}

static void flows_yield_by_state_and_then_by_age(void **state)
{
	static const enum conn_state order[] = { CONN_REPLIED, CONN_UNREPLIED, CONN_CLOSING };
	size_t i;

	for (i = 0; i + 1 < COUNT(order); i++)
		assert_true(ct_yield_order(ct_yield(order[i]), UINT32_MAX, 0) <
			    ct_yield_order(ct_yield(order[i + 1]), 0, 0));
	assert_int_equal(ct_yield(CONN_SYN_RECV), ct_yield(CONN_REPLIED));
	assert_int_equal(ct_yield(CONN_SYN_SENT), ct_yield(CONN_UNREPLIED));
	assert_int_equal(ct_yield(CONN_RESET), ct_yield(CONN_CLOSING));
	assert_true(ct_yield_order(YIELD_REPLIED, 0, 0) > 0);
	assert_true(ct_yield_order(YIELD_REPLIED, 1, 0) > ct_yield_order(YIELD_REPLIED, 0, 0));
	assert_int_equal(ct_yield_order(YIELD_UNREPLIED, 4, 5), 0);
	assert_true(ct_yield_order(YIELD_UNREPLIED, 5, 5) > 0);
	assert_true(ct_yield_order(YIELD_CLOSING, 0, 5) > 0);
}

/* ---- other protocols ---- */

static void a_reply_makes_replied_and_nothing_unmakes_it(void **state)
{
	uint32_t proto, flags;
	uint8_t fin;

	for (proto = 0; proto < 256; proto++)
		for (flags = 0; flags < 256 && proto != L4_TCP; flags++) {
			fin = 0;
			assert_int_equal(ct_next(CONN_UNREPLIED, proto, FLOW_ORIGINAL, flags, 7000, &fin),
					 CONN_UNREPLIED);
			assert_int_equal(ct_next(CONN_UNREPLIED, proto, FLOW_REPLY, flags, 7000, &fin),
					 CONN_REPLIED);
			assert_int_equal(ct_next(CONN_REPLIED, proto, FLOW_ORIGINAL, flags, 7001, &fin),
					 CONN_REPLIED);
			assert_int_equal(ct_next(CONN_REPLIED, proto, FLOW_REPLY, flags, 7050, &fin),
					 CONN_REPLIED);
			assert_int_equal(ct_next(CONN_REPLIED, proto, FLOW_ORIGINAL, flags, 7002, &fin),
					 CONN_ASSURED);
			assert_int_equal(ct_next(CONN_ASSURED, proto, flags & 1, flags, 7002 + flags, &fin),
					 CONN_ASSURED);
		}
}

/* ---- settled ---- */

static void settled_are_answered_and_established(void **state)
{
	int s;

	for (s = CONN_FREE; s < CONN_STATES; s++) {
		assert_int_equal(ct_settled(s), s == CONN_REPLIED || s == CONN_ASSURED || s == CONN_ESTABLISHED);
		assert_int_equal(ct_steady(s, FLOW_REPLY), ct_settled(s));
		assert_int_equal(ct_steady(s, FLOW_ORIGINAL), ct_settled(s) || s == CONN_UNREPLIED);
	}
}

/* What FLOW_STEADY promises: such a packet need not tell the state machine. */
static void packet_of_a_steady_flow_without_syn_fin_rst_changes_nothing(void **state)
{
	static const uint8_t tells = TCP_SYN | TCP_FIN | TCP_RST;
	uint32_t dir, flags;
	uint8_t fin = 0;

	for (dir = FLOW_ORIGINAL; dir <= FLOW_REPLY; dir++)
		for (flags = 0; flags < 256; flags++) {
			if (!(flags & tells))
				assert_int_equal(ct_next(CONN_ESTABLISHED, L4_TCP, dir, flags, 9, &fin),
						 CONN_ESTABLISHED);
			assert_int_equal(ct_next(CONN_ASSURED, L4_UDP, dir, flags, 9, &fin), CONN_ASSURED);
			assert_int_equal(ct_next(CONN_UNREPLIED, L4_UDP, FLOW_ORIGINAL, flags, 9, &fin),
					 CONN_UNREPLIED);
			assert_int_equal(fin, 0);
		}
}

/* ---- timeouts ---- */

static const struct {
	enum conn_state state;
	enum l4proto proto;
	enum timeout_class class;
} timeouts[] = {
	{ CONN_UNREPLIED, L4_UDP, TIMEOUT_UDP_UNREPLIED },
	{ CONN_REPLIED, L4_UDP, TIMEOUT_UDP_REPLIED },
	{ CONN_ASSURED, L4_UDP, TIMEOUT_UDP_REPLIED },
	{ CONN_UNREPLIED, L4_ICMP, TIMEOUT_ICMP },
	{ CONN_REPLIED, L4_ICMP, TIMEOUT_ICMP },
	{ CONN_UNREPLIED, 47, TIMEOUT_OTHER },
	{ CONN_REPLIED, 47, TIMEOUT_OTHER },
	{ CONN_UNREPLIED, 132, TIMEOUT_OTHER },
	{ CONN_SYN_SENT, L4_TCP, TIMEOUT_TCP_HALF_OPEN },
	{ CONN_SYN_RECV, L4_TCP, TIMEOUT_TCP_HALF_OPEN },
	{ CONN_ESTABLISHED, L4_TCP, TIMEOUT_TCP_ESTABLISHED },
	{ CONN_FIN_WAIT, L4_TCP, TIMEOUT_TCP_CLOSING },
	{ CONN_CLOSING, L4_TCP, TIMEOUT_TCP_CLOSING },
	{ CONN_RESET, L4_TCP, TIMEOUT_TCP_RESET },
};

static void each_live_state_has_its_timeout(void **state)
{
	size_t i;

	for (i = 0; i < COUNT(timeouts); i++)
		assert_int_equal(ct_timeout_class(timeouts[i].state, timeouts[i].proto),
				 timeouts[i].class);
}

static void each_timeout_holds_in_some_state(void **state)
{
	uint32_t used = 0;
	size_t i;

	for (i = 0; i < COUNT(timeouts); i++)
		used |= 1 << ct_timeout_class(timeouts[i].state, timeouts[i].proto);
	assert_int_equal(used, (1 << TIMEOUT_CLASSES) - 1);
}

static void timeout_class_is_total(void **state)
{
	uint32_t s, proto;

	for (s = 0; s < 256; s++)
		for (proto = 0; proto < 256; proto++)
			assert_true(ct_timeout_class(s, proto) < TIMEOUT_CLASSES);
}

/* The clock shows whole seconds: 300 of them may be 299.1, and a timeout is a minimum. */
static void a_timeout_is_a_minimum(void **state)
{
	assert_false(ct_timeout_over(1000, 1299, 300));
	assert_false(ct_timeout_over(1000, 1300, 300));
	assert_true(ct_timeout_over(1000, 1301, 300));
	/* another CPU's clock is a tick behind */
	assert_false(ct_timeout_over(1000, 999, 0));
	assert_true(ct_timeout_over(0xfffffff0, 0x11, 32));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_follows_the_table),
		cmocka_unit_test(handshake_establishes),
		cmocka_unit_test(syn_without_answer_stays_half_open),
		cmocka_unit_test(simultaneous_open_establishes),
		cmocka_unit_test(either_side_may_close_first),
		cmocka_unit_test(new_connection_on_the_tuple_of_a_closed_one),
		cmocka_unit_test(new_connection_on_the_tuple_of_a_reset_one),
		cmocka_unit_test(connection_without_its_syn_is_picked_up_once_answered),
		cmocka_unit_test(only_a_syn_or_an_ack_begins_a_tcp_flow),
		cmocka_unit_test(other_protocols_begin_with_any_packet),
		cmocka_unit_test(a_reply_makes_replied_and_nothing_unmakes_it),
		cmocka_unit_test(settled_are_answered_and_established),
		cmocka_unit_test(packet_of_a_steady_flow_without_syn_fin_rst_changes_nothing),
		cmocka_unit_test(each_live_state_has_its_timeout),
		cmocka_unit_test(each_timeout_holds_in_some_state),
		cmocka_unit_test(timeout_class_is_total),
		cmocka_unit_test(times_are_whole_until_three_quarters_are_used),
		cmocka_unit_test(pressure_only_shortens_and_leaves_a_little),
		cmocka_unit_test(what_is_relied_on_never_yields),
		cmocka_unit_test(flows_yield_by_state_and_then_by_age),
		cmocka_unit_test(a_timeout_is_a_minimum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
