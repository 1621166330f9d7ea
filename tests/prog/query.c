// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* ICMP queries (RFC 5508 section 3): asked from inside, answered from outside, and never the other way. */
#include "lib/harness.h"

static const struct {
	uint8_t request, reply;
} queries[] = { { ECHO, ECHO_REPLY }, { TIMESTAMP, TIMESTAMP_REPLY } };

#define OUT NS1_TO_GW, .src = NS1, .dst = SERVER, .proto = ICMP
#define IN FROM_ISP, .src = SERVER, .dst = UPLINK, .proto = ICMP

/* The one who is asked may himself ask, by chance with the same identifier: that is for the host. */
static void a_request_from_outside_is_no_answer(void **s)
{
	struct frame *f;
	size_t i;

	for (i = 0; i < 2; i++) {
		ns1_sends(frame(OUT, .type = queries[i].request, .id = i));
		f = frame(IN, .type = queries[i].request, .id = i);
		uplink_gets(f);
		expect_left_alone(f);
		expect_state(i, CONN_UNREPLIED);
		uplink_gets(frame(IN, .type = queries[i].reply, .id = i));
		expect_outcome(INTO_PORT);
		expect_counted(COUNT_unmasqueraded);
		expect_state(i, CONN_REPLIED);
	}
}

static void an_answer_that_nobody_asked_for_begins_no_flow(void **s)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		ns1_sends(frame(OUT, .type = queries[i].reply, .id = i));
		expect_dropped(COUNT_no_flow);
		ns1_sends(frame(OUT, .type = queries[i].request, .id = i));
		expect_outcome(SENT);
	}
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_request_from_outside_is_no_answer),
		spec(an_answer_that_nobody_asked_for_begins_no_flow),
	};

	return run_specs("query", specs);
}
