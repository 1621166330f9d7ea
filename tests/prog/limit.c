// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Limited ports: their packets wait in a class of the shaper, or depart later, and are else as those of others. */
#include <stdlib.h>
#include <time.h>

#include "lib/harness.h"

#define ASK NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53
#define ASKED .smac = NS1_MAC, .dmac = GW_MAC, .src = UPLINK, .dst = SERVER, .sport = 4000, .dport = 53, .ttl = 63
#define ANSWER FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 53, .dport = 4000
#define ANSWERED GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 53, .dport = 4000, .ttl = 63
#define TO_NS2 NS1_TO_NS2, .src = NS1, .dst = NS2, .sport = 1, .dport = 2

static void expect_out(enum outcome outcome, struct frame *f, enum counter counter)
{
	expect_outcome(outcome);
	expect_packet(f);
	expect_counted(counter);
}

/* ---- out ---- */

static void what_is_sent_outside_waits_and_then_leaves(void **s)
{
	int i;

	limit_port(DEV_NS1, PORT_LIMIT_OUT);
	for (i = 0; i < 6; i++) { /* more than the caches need */
		ns1_sends(frame(ASK));
		expect_waiting(DEV_NS1, PORT_LIMIT_OUT);
		comes_out_of_shaper();
		expect_out(SENT, frame(ASKED), COUNT_masqueraded);
		uplink_gets(frame(ANSWER));
		expect_out(INTO_PORT, frame(ANSWERED), COUNT_unmasqueraded);
	}
	expect_live_flows(1);
}

static void what_is_sent_to_the_host_waits(void **s)
{
	struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = GW, .sport = 4000, .dport = 53);

	limit_port(DEV_NS1, PORT_LIMIT_OUT);
	ns1_sends(f);
	expect_waiting(DEV_NS1, PORT_LIMIT_OUT);
	comes_out_of_shaper();
	expect_out(INTO_HOST, f, COUNT_to_host);
	assert_true(carries_nothing());
}

static void an_answer_to_a_loopback_address_waits(void **s)
{
	publish("127.0.0.1", UDP, 5000, 5000, 3000);
	lo_gets(frame(ON_LO, .src = "127.0.0.1", .dst = "127.0.0.1", .sport = 999, .dport = 5000));
	limit_port(DEV_NS1, PORT_LIMIT_OUT);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = GW, .sport = 3000, .dport = 999));
	expect_waiting(DEV_NS1, PORT_LIMIT_OUT);
	comes_out_of_shaper();
	expect_out(INTO_HOST, frame(NS1_TO_GW, .src = "127.0.0.1", .dst = "127.0.0.1", .sport = 5000, .dport = 999),
		   COUNT_published_out);
}

/* The mark by which the uplink's program knows it is the one thing that it takes along. */
static void a_hairpinned_datagram_waits_for_both(void **s)
{
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 6000, .dport = 53));
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 6001, .dport = 53));
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, .sport = 6001, .dport = 6000));
	limit_port(DEV_NS1, PORT_LIMIT_OUT);
	limit_port(DEV_NS2, PORT_LIMIT_IN);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .sport = 6000, .dport = 6001));
	expect_waiting(DEV_NS1, PORT_LIMIT_OUT);
	comes_out_of_shaper();
	expect_out(INTO_HOST, frame(NS1_TO_GW, .src = UPLINK, .dst = UPLINK, .sport = 6000, .dport = 6001),
		   COUNT_hairpinned);
	comes_in_again();
	expect_waiting(DEV_NS2, PORT_LIMIT_IN);
	comes_out_of_shaper();
	expect_out(INTO_PORT, frame(GW_TO_NS2, .src = UPLINK, .dst = NS2, .sport = 6000, .dport = 6001, .ttl = 63),
		   COUNT_unmasqueraded);
}

/* They are few, and a switch copies them. */
static void arp_broadcasts_and_icmp_errors_do_not_wait(void **s)
{
	limit_port(DEV_NS1, PORT_LIMITED);
	ns1_sends(arp(.smac = NS1_MAC, .dmac = BROADCAST, .op = ARP_REQUEST, .sender_mac = NS1_MAC, .sender = NS1,
		      .target = GW));
	expect_outcome(SENT);
	expect_counted(COUNT_arp_answered);
	ns1_sends(ethernet(NS1_MAC, BROADCAST, 0x88b5, "experimental"));
	expect_counted(COUNT_flooded);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 1, .dport = 2, .ttl = 1));
	expect_outcome(SENT);
	expect_counted(COUNT_refused_ttl_exceeded);
}

/* ---- in ---- */

static void what_comes_from_outside_waits(void **s)
{
	int i;

	ns1_sends(frame(ASK));
	limit_port(DEV_NS1, PORT_LIMIT_IN);
	for (i = 0; i < 6; i++) {
		ns1_sends(frame(ASK));
		expect_outcome(SENT);
		expect_counted(COUNT_masqueraded);
		uplink_gets(frame(ANSWER));
		expect_waiting(DEV_NS1, PORT_LIMIT_IN);
		comes_out_of_shaper();
		expect_out(INTO_PORT, frame(ANSWERED), COUNT_unmasqueraded);
		assert_true(carries_nothing());
	}
}

static void what_comes_to_a_published_port_waits(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	limit_port(DEV_NS1, PORT_LIMIT_IN);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000));
	expect_waiting(DEV_NS1, PORT_LIMIT_IN);
	comes_out_of_shaper();
	expect_out(INTO_PORT, frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 999, .dport = 3000, .ttl = 63),
		   COUNT_published_in);
}

/* From the shaper it is delivered as from an uplink: by an ingress. */
static void what_the_host_sends_waits(void **s)
{
	struct frame *f = frame(GW_TO_NS1, .src = GW, .dst = NS1, .sport = 1, .dport = 2);
	int i;

	limit_port(DEV_NS1, PORT_LIMIT_IN);
	for (i = 0; i < 3; i++) {
		host_sends(f);
		expect_waiting(DEV_NS1, PORT_LIMIT_IN);
		comes_out_of_shaper();
		expect_out(INTO_PORT, f, COUNT_switched);
	}
}

static void what_the_host_sends_to_a_loopback_address_waits(void **s)
{
	publish("127.0.0.1", UDP, 5000, 5000, 3000);
	limit_port(DEV_NS1, PORT_LIMIT_IN);
	lo_gets(frame(ON_LO, .src = "127.0.0.1", .dst = "127.0.0.1", .sport = 999, .dport = 5000));
	expect_waiting(DEV_NS1, PORT_LIMIT_IN);
	comes_out_of_shaper();
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .sport = 999, .dport = 3000));
}

/* ---- both ---- */

static void between_namespaces_both_limits_hold(void **s)
{
	int i;

	limit_port(DEV_NS1, PORT_LIMIT_OUT);
	limit_port(DEV_NS2, PORT_LIMIT_IN);
	for (i = 0; i < 3; i++) {
		ns1_sends(frame(TO_NS2));
		expect_waiting(DEV_NS1, PORT_LIMIT_OUT);
		comes_out_of_shaper();
		expect_waiting(DEV_NS2, PORT_LIMIT_IN);
		comes_out_of_shaper();
		expect_out(INTO_PORT, frame(TO_NS2), COUNT_switched);
	}
}

static void only_the_limited_wait(void **s)
{
	limit_port(DEV_NS1, PORT_LIMITED);
	run_repeatedly(HOOK_PORT, DEV_NS2, frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 4001, .dport = 53));
	expect_outcome(SENT);
	expect_counted(COUNT_masqueraded);
	run_repeatedly(HOOK_UPLINK, DEV_UPLINK,
		       frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 53, .dport = 4001));
	expect_outcome(INTO_PORT);
	expect_counted(COUNT_unmasqueraded);
	ns2_sends(frame(.smac = NS2_MAC, .dmac = NS3_MAC, .src = NS2, .dst = NS3, .sport = 1, .dport = 2));
	expect_outcome(INTO_PORT);
	expect_counted(COUNT_switched);
}

/* The caches have entries of the time before it. */
static void a_limit_holds_for_flows_that_are_there(void **s)
{
	run_repeatedly(HOOK_PORT, DEV_NS1, frame(ASK));
	run_repeatedly(HOOK_UPLINK, DEV_UPLINK, frame(ANSWER));
	run_repeatedly(HOOK_PORT, DEV_NS1, frame(TO_NS2));
	limit_port(DEV_NS1, PORT_LIMITED);
	ns1_sends(frame(ASK));
	expect_waiting(DEV_NS1, PORT_LIMIT_OUT);
	uplink_gets(frame(ANSWER));
	expect_waiting(DEV_NS1, PORT_LIMIT_IN);
	ns1_sends(frame(TO_NS2));
	expect_waiting(DEV_NS1, PORT_LIMIT_OUT);
	limit_port(DEV_NS2, PORT_LIMIT_IN);
	run_repeatedly(HOOK_PORT, DEV_NS3, frame(.smac = NS3_MAC, .dmac = NS2_MAC, .src = NS3, .dst = NS2));
	expect_waiting(DEV_NS2, PORT_LIMIT_IN);
}

/* ---- the shaper's far end ---- */

static void what_did_not_wait_goes_nowhere(void **s)
{
	run(HOOK_SHAPER, DEV_SHAPER_PEER, frame(TO_NS2));
	expect_dropped(COUNT_unknown_ifindex);
	run_given(HOOK_SHAPER, DEV_SHAPER_PEER, frame(TO_NS2), (struct given){ .cb = config_now().mark + 1 });
	expect_dropped(COUNT_unknown_ifindex);
}

static void a_port_that_has_gone_meanwhile_drops_what_waited(void **s)
{
	limit_port(DEV_NS2, PORT_LIMIT_IN);
	ns1_sends(frame(TO_NS2));
	expect_waiting(DEV_NS2, PORT_LIMIT_IN);
	far_link(DEV_NS2, false);
	comes_out_of_shaper();
	expect_dropped(COUNT_port_down);
	far_link(DEV_NS2, true);
}

/* ---- by departure time: where the kernel has fq ---- */

static void fq_at_the_uplink(void)
{
	if (system("tc qdisc replace dev eth0 root fq 2> /dev/null"))
		skip();
	limit_port(DEV_NS1, PORT_LIMIT_OUT);
	forget_qdiscs();
}

static void a_packet_departs_by_its_time_out_of_fq(void **s)
{
	struct timespec now;
	uint64_t before;

	fq_at_the_uplink();
	use_up_limit(DEV_NS1, 20000000);
	clock_gettime(CLOCK_MONOTONIC, &now);
	before = now.tv_sec * 1000000000ull + now.tv_nsec;
	ns1_sends(frame(ASK));
	expect_outcome(SENT);
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
	/* it was asked for 20 ms after a moment before this one */
	assert_in_range(departure(), before, before + 20000000);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = GW, .sport = 4000, .dport = 53));
	expect_waiting(DEV_NS1, PORT_LIMIT_OUT);
	host_command("tc qdisc del dev eth0 root");
}

static void too_much_for_fq_is_dropped(void **s)
{
	fq_at_the_uplink();
	use_up_limit(DEV_NS1, 1000000000);
	ns1_sends(frame(ASK));
	expect_outcome(DROPPED);
	expect_counted(COUNT_over_limit, COUNT_flow_new);
	host_command("tc qdisc del dev eth0 root");
}

static void each_packet_departs_after_the_one_before(void **s)
{
	uint64_t first;
	int i;

	fq_at_the_uplink();
	use_up_limit(DEV_NS1, 20000000);
	ns1_sends(frame(ASK));
	first = departure();
	assert_true(first);
	for (i = 1; i < 4; i++) {
		ns1_sends(frame(ASK));
		/* a byte takes a microsecond */
		assert_true(departure() - first == i * output()->len * 1000ull);
	}
	host_command("tc qdisc del dev eth0 root");
}

/* The administrator may replace it at any time. */
static void without_fq_a_packet_waits_in_the_shaper(void **s)
{
	fq_at_the_uplink();
	ns1_sends(frame(ASK));
	expect_outcome(SENT);
	host_command("tc qdisc replace dev eth0 root pfifo");
	forget_qdiscs();
	ns1_sends(frame(ASK));
	expect_waiting(DEV_NS1, PORT_LIMIT_OUT);
	host_command("tc qdisc del dev eth0 root");
}

static void with_mq_each_queue_has_to_have_fq(void **s)
{
	fq_at_the_uplink();
	host_command("tc qdisc replace dev eth0 root handle 8: mq");
	host_command("tc qdisc replace dev eth0 parent 8:1 fq; tc qdisc replace dev eth0 parent 8:2 fq");
	forget_qdiscs();
	ns1_sends(frame(ASK));
	expect_outcome(SENT);
	host_command("tc qdisc replace dev eth0 parent 8:2 pfifo");
	forget_qdiscs();
	ns1_sends(frame(ASK));
	expect_waiting(DEV_NS1, PORT_LIMIT_OUT);
	host_command("tc qdisc del dev eth0 root");
}

int main(void)
{
	const struct CMUnitTest specs[] = {
		spec(what_is_sent_outside_waits_and_then_leaves),
		spec(what_is_sent_to_the_host_waits),
		spec(an_answer_to_a_loopback_address_waits),
		spec(a_hairpinned_datagram_waits_for_both),
		spec(arp_broadcasts_and_icmp_errors_do_not_wait),
		spec(what_comes_from_outside_waits),
		spec(what_comes_to_a_published_port_waits),
		spec(what_the_host_sends_waits),
		spec(what_the_host_sends_to_a_loopback_address_waits),
		spec(between_namespaces_both_limits_hold),
		spec(only_the_limited_wait),
		spec(a_limit_holds_for_flows_that_are_there),
		spec(what_did_not_wait_goes_nowhere),
		spec(a_port_that_has_gone_meanwhile_drops_what_waited),
		spec(a_packet_departs_by_its_time_out_of_fq),
		spec(too_much_for_fq_is_dropped),
		spec(each_packet_departs_after_the_one_before),
		spec(without_fq_a_packet_waits_in_the_shaper),
		spec(with_mq_each_queue_has_to_have_fq),
	};

	return run_specs("limit", specs);
}
