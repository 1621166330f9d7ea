// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Protocols without ports (GRE, ESP, SCTP, tunnels): one flow for each address outside. */
#include "flow.h"

#define GRE_OUT OUT, .proto = GRE
#define GRE_IN IN, .proto = GRE
#define NS2_GRE NS2_TO_GW, .src = NS2, .dst = SERVER, .proto = GRE
#define HOSTS_GRE .smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK, .dst = SERVER, .proto = GRE

#define host_leaves(f) run(HOOK_UPLINK_OUT, DEV_UPLINK, f)

static void expect_in(struct frame *f)
{
	expect_outcome(INTO_PORT);
	expect_packet(f);
	expect_counted(COUNT_unmasqueraded);
}

static void gre_goes_out_and_its_answer_comes_in(void **s)
{
	ns1_sends(frame(GRE_OUT));
	expect_outcome(SENT);
	expect_packet(frame(NS1_TO_GW, .src = UPLINK, .dst = SERVER, .proto = GRE, .ttl = 63));
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
	expect_state(0, CONN_UNREPLIED);
	uplink_gets(frame(GRE_IN));
	expect_in(frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .proto = GRE, .ttl = 63));
	expect_state(0, CONN_REPLIED);
	/* nobody else's, and no other protocol's */
	uplink_gets(frame(FROM_ISP, .src = SERVER2, .dst = UPLINK, .proto = GRE));
	expect_counted(COUNT_not_ours);
	uplink_gets(frame(IN, .proto = SCTP));
	expect_counted(COUNT_not_ours);
}

static void a_second_namespace_is_told_that_there_is_no_room(void **s)
{
	struct frame *f = frame(NS2_GRE);

	ns1_sends(frame(GRE_OUT));
	ns2_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS2, .src = GW, .dst = NS2, .proto = ICMP, .type = UNREACHABLE,
			    .code = 13, .tos = 0xc0, .no_ip_id = true, .quote = f, .quote_len = 28));
	expect_counted(COUNT_icmp_sent, COUNT_flow_refused);
	/* with another address outside there is */
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER2, .proto = GRE));
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
}

static void an_error_about_it_comes_in(void **s)
{
	ns1_sends(frame(GRE_OUT));
	uplink_gets(frame(IN, .proto = ICMP, .type = UNREACHABLE, .code = 2,
			  .quote = frame(NS1_TO_GW, .src = UPLINK, .dst = SERVER, .proto = GRE)));
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .proto = ICMP, .type = UNREACHABLE,
			    .code = 2, .ttl = 63, .quote = frame(GRE_OUT)));
	expect_counted(COUNT_icmp_translated);
}

/* There is no other port to give: who comes second would have to go without, and that is never the host. */
static void the_host_goes_first(void **s)
{
	struct frame *answer = frame(GRE_IN);

	ns1_sends(frame(GRE_OUT));
	host_leaves(frame(HOSTS_GRE));
	expect_outcome(PASSED);
	expect_packet(frame(HOSTS_GRE));
	uplink_gets(answer);
	expect_left_alone(answer);
	ns1_sends(frame(GRE_OUT));
	expect_counted(COUNT_icmp_sent, COUNT_flow_refused);
	uplink_gets(answer);
	expect_left_alone(answer);
	/* until it has been silent for long enough */
	age_flows(100000);
	ns1_sends(frame(GRE_OUT));
	expect_outcome(SENT);
	uplink_gets(answer);
	expect_outcome(INTO_PORT);
}

static void what_the_host_sends_to_a_group_is_no_flow(void **s)
{
	struct frame *f = frame(.smac = UPLINK_MAC, .dmac = "01:00:5e:00:00:12", .src = UPLINK,
				.dst = "224.0.0.18", .proto = 112);

	host_leaves(f);
	expect_left_alone(f);
	expect_live_flows(0);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(gre_goes_out_and_its_answer_comes_in),
		spec(a_second_namespace_is_told_that_there_is_no_room),
		spec(an_error_about_it_comes_in),
		spec(the_host_goes_first),
		spec(what_the_host_sends_to_a_group_is_no_flow),
	};

	return run_specs("by_address", specs);
}
