// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Which external port a flow gets, when others have or are promised the one it asks for. */
#include <unistd.h>

#include "lib/harness.h"

#define OUT NS1_TO_GW, .src = NS1, .dst = SERVER
#define NS2_OUT NS2_TO_GW, .src = NS2, .dst = SERVER
#define EVERY_ADDRESS "0.0.0.0"

static uint16_t external_port(void)
{
	expect_outcome(SENT);
	return frame_u16(output(), ETH_LEN + IP_LEN);
}

/* One busy client has 45 % of all ports, and they lie in one run, as ephemeral ports do. */
static void a_run_of_ports_in_use_is_no_obstacle(void **s)
{
	struct config cfg = config_now();
	uint16_t port;

	cfg.port_min_h = 5000;
	cfg.port_max_h = 5999;
	configure(&cfg);
	for (port = 5000; port < 5450; port++) {
		ns1_sends(frame(OUT, .sport = port, .dport = 53));
		assert_int_equal(external_port(), port);
	}
	for (port = 5000; port < 5080; port++) {
		ns2_sends(frame(NS2_OUT, .sport = port, .dport = 53));
		assert_in_range(external_port(), 5450, 5999);
		expect_counted(COUNT_masqueraded, COUNT_flow_new, COUNT_src_port_remapped);
	}
}

/* ---- a SYN to a port that is mapped (RFC 5382 REQ-4) ---- */

#define STRANGERS_SYN FROM_ISP, .src = SERVER2, .dst = UPLINK, .proto = TCP, .sport = 7, .flags = SYN

static void a_strangers_syn_to_a_mapped_port_is_not_answered(void **s)
{
	struct frame *syn = frame(STRANGERS_SYN, .dport = 4000);

	uplink_gets(syn);
	expect_left_alone(syn);
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	uplink_gets(syn);
	expect_dropped(COUNT_unsolicited);
	/* another port, another protocol, no SYN: the host's own affair */
	uplink_gets(frame(STRANGERS_SYN, .dport = 4001));
	expect_counted(COUNT_not_ours);
	uplink_gets(frame(FROM_ISP, .src = SERVER2, .dst = UPLINK, .sport = 7, .dport = 4000));
	expect_counted(COUNT_not_ours);
	uplink_gets(frame(FROM_ISP, .src = SERVER2, .dst = UPLINK, .proto = TCP, .sport = 7,
			  .dport = 4000, .flags = ACK));
	expect_counted(COUNT_not_ours);
}

static void until_the_last_flow_of_that_port_has_ended(void **s)
{
	int i;

	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 81, .flags = SYN));
	age_flows(100000);
	for (i = 0; i < 4; i++) /* each looks at two slots */
		ns2_sends(frame(NS2_OUT, .sport = 5000 + i, .dport = 53));
	uplink_gets(frame(STRANGERS_SYN, .dport = 4000));
	expect_counted(COUNT_not_ours);
}

static void the_hosts_own_server_is_called_all_the_same(void **s)
{
	int server = host_socket(TCP, UPLINK, 4000, NULL, 0);

	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	assert_int_not_equal(external_port(), 4000);
	close(server);
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 81, .flags = SYN));
	assert_int_equal(external_port(), 4000);
	server = host_socket(TCP, UPLINK, 4000, NULL, 0);
	uplink_gets(frame(STRANGERS_SYN, .dport = 4000));
	expect_counted(COUNT_not_ours);
	close(server);
}

/* ---- ports that are published ---- */

static void calls_out_as_published(uint16_t sport)
{
	ns1_sends(frame(OUT, .sport = sport, .dport = 53));
	assert_int_equal(external_port(), sport);
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
}

static void gets_another(enum device from, struct frame *f)
{
	uint16_t wanted = frame_u16(f, ETH_LEN + IP_LEN);

	run(HOOK_PORT, from, f);
	assert_int_not_equal(external_port(), wanted);
	expect_counted(COUNT_masqueraded, COUNT_flow_new, COUNT_src_port_remapped);
}

/* A DNS server asks others, a SIP server calls: who is called back is the one who is published. */
static void a_published_server_calls_out_from_its_port(void **s)
{
	static const char *const on[] = { UPLINK, EVERY_ADDRESS };
	size_t i;

	for (i = 0; i < 2; i++) {
		uint16_t port = 5000 + 100 * i;

		publish(on[i], UDP, port, port + 10, port);
		gets_another(DEV_NS2, frame(NS2_OUT, .sport = port, .dport = 53));
		gets_another(DEV_NS2, frame(NS2_OUT, .sport = port + 10, .dport = 53));
		calls_out_as_published(port);
		calls_out_as_published(port + 10);
	}
}

/* The published port leads to another of its sockets. */
static void nobody_else_calls_out_from_it(void **s)
{
	publish(UPLINK, UDP, 5000, 5010, 5001);
	publish(EVERY_ADDRESS, UDP, 6000, 6000, 3000);
	gets_another(DEV_NS1, frame(OUT, .sport = 5000, .dport = 53));
	gets_another(DEV_NS1, frame(OUT, .sport = 5005, .dport = 53));
	gets_another(DEV_NS1, frame(OUT, .sport = 6000, .dport = 53));
	gets_another(DEV_NS2, frame(NS2_OUT, .sport = 6000, .dport = 53));
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_run_of_ports_in_use_is_no_obstacle),
		spec(a_strangers_syn_to_a_mapped_port_is_not_answered),
		spec(until_the_last_flow_of_that_port_has_ended),
		spec(the_hosts_own_server_is_called_all_the_same),
		spec(a_published_server_calls_out_from_its_port),
		spec(nobody_else_calls_out_from_it),
	};

	return run_specs("ports", specs);
}
