// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Which external port is tried next: for every range, sender's port, random number and attempt. */
#include "bpf/nat.h"
#include "verify.h"

#define MOST_PORTS 32768 /* of one parity */

static _Bool inside(__u16 port, __u16 first, __u16 last)
{
	return port >= first && port <= last;
}

void a_candidate_is_in_the_range(__u16 want, __u32 attempt, __u32 random, __u16 first, __u16 last)
{
	__u16 port = nat_candidate(want, attempt, random, first, last);

	GIVEN(first <= last && attempt < NAT_ATTEMPTS);
	PROVE(inside(port, first, last) || (attempt == 0 && want < 1024 && port == want));
}

/* RFC 4787 REQ-3: well-known ports from well-known ports, others from others. */
void a_candidate_is_of_the_senders_class(__u16 want, __u32 attempt, __u32 random, __u16 min,
					 __u16 max)
{
	enum l4proto proto;
	__u16 first, last;

	GIVEN(1024 <= min && min <= max && attempt < NAT_ATTEMPTS && proto != L4_ICMP);
	nat_range(want, proto, min, max, &first, &last);
	PROVE(first <= last);
	PROVE((nat_candidate(want, attempt, random, first, last) < 1024) == (want < 1024));
}

void an_identifier_may_be_any_number(__u16 want, __u16 min, __u16 max)
{
	__u16 first, last;

	nat_range(want, L4_ICMP, min, max, &first, &last);
	PROVE(first == 0 && last == 65535);
}

/* REQ-4. A range of one port may have none of the sender's parity. */
void parity_is_kept_as_long_as_it_is_asked_for(__u16 want, __u32 attempt, __u32 random, __u16 first,
					       __u16 last)
{
	__u16 port = nat_candidate(want, attempt, random, first, last);

	GIVEN(first <= last && attempt < NAT_ATTEMPTS_PARITY);
	GIVEN(first != last || ((first ^ want) & 1) == 0);
	PROVE(((port ^ want) & 1) == 0);
}

void the_first_attempt_is_the_senders_own_port(__u16 want, __u32 random, __u16 first, __u16 last)
{
	GIVEN(inside(want, first, last) || want < 1024);
	PROVE(nat_candidate(want, 0, random, first, last) == want);
}

/*
 * Attempts a and b stand at the same place exactly if `ports` divides the step (b - a) times: it
 * does not, unless all were visited in between.
 */
void attempts_are_never_a_whole_turn_apart(__u16 ports, __u8 apart)
{
	GIVEN(ports <= MOST_PORTS);
	GIVEN(0 < apart && apart < NAT_ATTEMPTS_PARITY && apart < ports);
	PROVE(nat_leap(apart, ports) != 0);
}

/* From wherever it begins, attempts that leap to different places try different ports. */
void different_leaps_are_different_ports(__u32 start, __u32 a, __u32 b, __u16 base, __u32 ports)
{
	GIVEN(0 < ports && ports <= MOST_PORTS && base + 2 * (ports - 1) <= 65535);
	GIVEN(start < ports && a < ports && b < ports && a != b);
	PROVE(nat_place(base, ports, start, a) != nat_place(base, ports, start, b));
}

/* The search ends after NAT_ATTEMPTS, and of a small range it has passed over no port. */
void of_few_ports_each_is_tried(__u8 ports, __u8 start, __u16 free)
{
	GIVEN(0 < ports && ports <= 4 && start < ports && free < 2 * ports && free % 2 == 0);
	PROVE(free == nat_place(0, ports, start, nat_leap(1, ports)) ||
	      free == nat_place(0, ports, start, nat_leap(2, ports)) ||
	      free == nat_place(0, ports, start, nat_leap(3, ports)) ||
	      free == nat_place(0, ports, start, nat_leap(4, ports)));
}
