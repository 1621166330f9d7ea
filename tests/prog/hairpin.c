// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * From a namespace to the external port of another one (RFC 4787 REQ-9): out by the one's mapping, in
 * by the other's.
 */
#include <unistd.h>

#include "lib/harness.h"

#define ONE NS1_TO_GW, .src = NS1, .dst = UPLINK, .sport = 6000, .dport = 6001
#define TWO NS2_TO_GW, .src = NS2, .dst = UPLINK, .sport = 6001, .dport = 6000

/* Both have a mapping, by asking a server; their external ports are their own. */
static void both_are_mapped(void)
{
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 6000, .dport = 53));
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 6001, .dport = 53));
}

static void expect_turned(struct frame *f)
{
	expect_outcome(INTO_HOST);
	expect_packet(f);
	expect_counted(COUNT_hairpinned, COUNT_flow_new);
}

static void expect_arrived(struct frame *f)
{
	expect_outcome(INTO_PORT);
	expect_packet(f);
	expect_counted(COUNT_unmasqueraded);
}

static void one_mapping_reaches_another(void **s)
{
	both_are_mapped();
	ns1_sends(frame(ONE));
	expect_turned(frame(NS1_TO_GW, .src = UPLINK, .dst = UPLINK, .sport = 6000, .dport = 6001));
	ns2_sends(frame(TWO));
	expect_turned(frame(NS2_TO_GW, .src = UPLINK, .dst = UPLINK, .sport = 6001, .dport = 6000));
	/* one router is crossed: the TTL is counted once */
	comes_in_again();
	expect_arrived(frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 6001, .dport = 6000,
			     .ttl = 63));
	/* and now the flows are known */
	ns1_sends(frame(ONE));
	expect_counted(COUNT_hairpinned);
	comes_in_again();
	expect_arrived(frame(GW_TO_NS2, .src = UPLINK, .dst = NS2, .sport = 6000, .dport = 6001,
			     .ttl = 63));
	expect_live_flows(4);
}

/* As for any peer outside: a peer that was not sent to is filtered, and the packet does not reach the host. */
static void a_mapping_filters_them_too(void **s)
{
	both_are_mapped();
	ns1_sends(frame(ONE));
	comes_in_again();
	expect_dropped(COUNT_unsolicited);
}

static void with_endpoint_filtering_every_peer_gets_in(void **s)
{
	struct config cfg = config_now();

	cfg.filtering = FILTER_ENDPOINT;
	configure(&cfg);
	both_are_mapped();
	ns1_sends(frame(ONE));
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_hairpinned);
	comes_in_again();
	expect_arrived(frame(GW_TO_NS2, .src = UPLINK, .dst = NS2, .sport = 6000, .dport = 6001,
			     .ttl = 63));
	expect_live_flows(2);
}

/* RFC 1122 3.3.4.2: the same packet off the wire is a forgery. */
static void a_packet_from_outside_with_the_hosts_address_is_a_martian(void **s)
{
	both_are_mapped();
	ns1_sends(frame(ONE));
	uplink_gets(frame(FROM_ISP, .src = UPLINK, .dst = UPLINK, .sport = 6001, .dport = 6000));
	expect_dropped(COUNT_martian);
}

static void the_port_of_an_expired_mapping_is_the_hosts_again(void **s)
{
	both_are_mapped();
	age_flows(100000);
	ns1_sends(frame(ONE));
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_to_host);
}

/* Sent to before it was there, or not: the service may have come later than the mapping. */
static void a_service_of_the_hosts_is_preferred_to_a_mapping(void **s)
{
	struct frame *question = frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .sport = 6000, .dport = 6001);
	int service;

	both_are_mapped();
	ns1_sends(question);
	service = host_socket(UDP, "0.0.0.0", 6001, NULL, 0);
	ns1_sends(question);
	expect_outcome(INTO_HOST);
	expect_packet(question);
	expect_counted(COUNT_to_host);
	close(service);
	ns1_sends(question);
	expect_counted(COUNT_hairpinned);
}

static void a_ttl_of_one_is_not_hairpinned(void **s)
{
	both_are_mapped();
	ns1_sends(frame(ONE, .ttl = 1));
	expect_outcome(SENT);
	expect_counted(COUNT_refused_ttl_exceeded);
}

static void an_icmp_error_is_hairpinned_too(void **s)
{
	both_are_mapped();
	ns1_sends(frame(ONE));
	ns2_sends(frame(TWO));
	comes_in_again();
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .proto = ICMP, .type = UNREACHABLE,
			.code = 3,
			.inner = frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 6001,
				       .dport = 6000, .ttl = 63)));
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_hairpinned);
	comes_in_again();
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS2, .src = UPLINK, .dst = NS2, .proto = ICMP,
			    .type = UNREACHABLE, .code = 3, .ttl = 63,
			    .inner = frame(TWO, .ttl = 63)));
	expect_counted(COUNT_icmp_translated);
}

/* A published port sees the sender as the outside would: by the port of its mapping. */
static void a_published_port_sees_the_senders_mapping(void **s)
{
	uint16_t external;

	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 6001, .dport = 53));
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 6001, .dport = 53));
	external = frame_u16(output(), ETH_LEN + IP_LEN);
	assert_int_not_equal(external, 6001);
	publish(UPLINK, UDP, 5000, 5000, 3000);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, .sport = 6001, .dport = 5000));
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = external, .dport = 3000,
			    .ttl = 63));
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(one_mapping_reaches_another),
		spec(a_mapping_filters_them_too),
		spec(with_endpoint_filtering_every_peer_gets_in),
		spec(a_packet_from_outside_with_the_hosts_address_is_a_martian),
		spec(the_port_of_an_expired_mapping_is_the_hosts_again),
		spec(a_ttl_of_one_is_not_hairpinned),
		spec(an_icmp_error_is_hairpinned_too),
		spec(a_published_port_sees_the_senders_mapping),
		spec(a_service_of_the_hosts_is_preferred_to_a_mapping),
	};

	return run_specs("hairpin", specs);
}
