// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* ICMP errors that the gateway itself sends: when, what they embed, how many a second. */
#include <unistd.h>

#include "lib/harness.h"

#define INSIDE NS1_TO_GW, .src = NS1, .dst = SERVER

static char large[1400];

static void expect_refused(const struct frame *f, uint8_t type, uint8_t code, uint16_t mtu,
			   enum counter why)
{
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = type,
			    .code = code, .seq = mtu, .tos = 0xc0, .no_ip_id = true, .inner = f,
			    .inner_len = 28));
	expect_counted(why);
	expect_live_flows(0);
}

static void an_expired_ttl_is_answered_with_time_exceeded(void **s)
{
	struct frame *f = frame(INSIDE, .sport = 4000, .dport = 53, .ttl = 1);

	ns1_sends(f);
	expect_refused(f, TIME_EXCEEDED, 0, 0, COUNT_refused_ttl_exceeded);
	f = frame(INSIDE, .proto = ICMP, .type = ECHO, .id = 7, .ttl = 1);
	ns1_sends(f);
	expect_refused(f, TIME_EXCEEDED, 0, 0, COUNT_refused_ttl_exceeded);
	f = frame(INSIDE, .proto = TCP, .sport = 1, .dport = 2, .flags = SYN, .ttl = 1);
	ns1_sends(f);
	expect_refused(f, TIME_EXCEEDED, 0, 0, COUNT_refused_ttl_exceeded);
}

static void time_exceeded_is_sent_for_a_known_flow_too(void **s)
{
	struct frame *f = frame(INSIDE, .sport = 4000, .dport = 53, .ttl = 1);

	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	ns1_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = TIME_EXCEEDED,
			    .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 28));
	expect_counted(COUNT_refused_ttl_exceeded);
}

static void time_exceeded_is_sent_to_the_outside_too(void **s)
{
	struct frame *f =
		frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 53, .dport = 4000, .ttl = 1);

	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	uplink_gets(f);
	expect_outcome(SENT);
	expect_packet(frame(.smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK, .dst = SERVER,
			    .proto = ICMP, .type = TIME_EXCEEDED, .tos = 0xc0, .no_ip_id = true,
			    .inner = f, .inner_len = 28));
	expect_counted(COUNT_refused_ttl_exceeded);
}

static void a_packet_of_any_length_is_embedded(void **s)
{
	struct frame *f =
		frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1, .payload = "", .payload_len = 0);

	ns1_sends(f);
	expect_refused(f, TIME_EXCEEDED, 0, 0, COUNT_refused_ttl_exceeded);
	f = frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1, .payload = "x", .trailer = 17);
	ns1_sends(f);
	expect_refused(f, TIME_EXCEEDED, 0, 0, COUNT_refused_ttl_exceeded);
	f = frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1, .payload = large,
		  .payload_len = sizeof(large));
	ns1_sends(f);
	expect_refused(f, TIME_EXCEEDED, 0, 0, COUNT_refused_ttl_exceeded);
	run_given(HOOK_PORT, DEV_NS1, f, (struct given){ .gso_size = 700 });
	expect_refused(f, TIME_EXCEEDED, 0, 0, COUNT_refused_ttl_exceeded);
}

static void ip_options_are_embedded_with_their_header(void **s)
{
	struct frame *f = frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1, .options_len = 40,
				.options = "\7\x27\4abcdefghijklmnopqrstuvwxyzABCDEFGHIJ");

	ns1_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = TIME_EXCEEDED,
			    .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 68));
}

/* RFC 1812 4.3.2.5: internetwork control, with the type of service of the packet. */
static void the_type_of_service_is_kept_the_precedence_raised(void **s)
{
	struct frame *f = frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1, .tos = 0x3b);

	ns1_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = TIME_EXCEEDED,
			    .tos = 0xda, .no_ip_id = true, .inner = f, .inner_len = 28));
}

static void a_packet_with_df_is_answered_with_the_mtu(void **s)
{
	struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = BEHIND_MTU_1000, .sport = 1,
				.dport = 2, .frag = DONT_FRAGMENT, .payload = large,
				.payload_len = 1000 - 28 + 1);

	ns1_sends(f);
	expect_refused(f, UNREACHABLE, 4, 1000, COUNT_refused_too_big);
}

static void routes_that_lead_nowhere_are_answered_with_an_icmp_error(void **s)
{
	struct frame *f =
		frame(NS1_TO_GW, .src = NS1, .dst = IN_UNREACHABLE, .sport = 1, .dport = 2);

	ns1_sends(f);
	expect_refused(f, UNREACHABLE, 13, 0, COUNT_refused_prohibited);
	f = frame(NS1_TO_GW, .src = NS1, .dst = IN_PROHIBITED, .sport = 1, .dport = 2);
	ns1_sends(f);
	expect_refused(f, UNREACHABLE, 13, 0, COUNT_refused_prohibited);
	f = frame(NS1_TO_GW, .src = NS1, .dst = BEHIND_UNMANAGED, .sport = 1, .dport = 2);
	ns1_sends(f);
	expect_refused(f, UNREACHABLE, 0, 0, COUNT_refused_egress_unmanaged);
}

static void refused_fib_lookups_are_answered_and_counted(void **s)
{
	struct frame *f = frame(INSIDE, .sport = 1, .dport = 2);

	set_forwarding(DEV_GW, 0);
	ns1_sends(f);
	set_forwarding(DEV_GW, 1);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = UNREACHABLE,
			    .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 28));
	expect_counted(COUNT_refused_forwarding_off, COUNT_fib_fwd_disabled);
}

/* RFC 1812 4.3.2.7. */
static void some_packets_are_dropped_without_an_icmp_error(void **s)
{
	/* a fragment but the first */
	ns1_sends(frame(INSIDE, .frag = MORE_FRAGMENTS, .payload = "eight..."));
	expect_outcome(SENT);
	ns1_sends(frame(INSIDE, .frag = 100, .ttl = 1));
	expect_dropped(COUNT_ttl_exceeded);
	/* an ICMP message that may be an error */
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = IN_PROHIBITED, .proto = ICMP,
			.type = PHOTURIS));
	expect_dropped(COUNT_prohibited);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = BEHIND_UNMANAGED, .proto = ICMP, .type = PHOTURIS));
	expect_dropped(COUNT_egress_unmanaged);
}

static void icmp_errors_are_rate_limited(void **s)
{
	leave_icmp_budget(1, 0);
	ns1_sends(frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1));
	expect_counted(COUNT_refused_ttl_exceeded);
	ns1_sends(frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1));
	expect_dropped(COUNT_ttl_exceeded, COUNT_icmp_limited);
	/* each sender has a budget of its own */
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 1, .dport = 2, .ttl = 1));
	expect_counted(COUNT_refused_ttl_exceeded);
	leave_icmp_budget(0, 1);
	ns1_sends(frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1));
	expect_counted(COUNT_refused_ttl_exceeded);
}

/* Path MTU discovery fails for good with one error that is not sent. */
static void an_error_with_the_path_mtu_is_not_rate_limited(void **s)
{
	leave_icmp_budget(0, 0);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = BEHIND_MTU_1000, .sport = 1, .dport = 2,
			.frag = DONT_FRAGMENT, .payload = large, .payload_len = 1000));
	expect_counted(COUNT_refused_too_big);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(an_expired_ttl_is_answered_with_time_exceeded),
		spec(time_exceeded_is_sent_for_a_known_flow_too),
		spec(time_exceeded_is_sent_to_the_outside_too),
		spec(a_packet_of_any_length_is_embedded),
		spec(ip_options_are_embedded_with_their_header),
		spec(the_type_of_service_is_kept_the_precedence_raised),
		spec(a_packet_with_df_is_answered_with_the_mtu),
		spec(routes_that_lead_nowhere_are_answered_with_an_icmp_error),
		spec(refused_fib_lookups_are_answered_and_counted),
		spec(some_packets_are_dropped_without_an_icmp_error),
		spec(icmp_errors_are_rate_limited),
		spec(an_error_with_the_path_mtu_is_not_rate_limited),
	};

	return run_specs("icmp_send", specs);
}
