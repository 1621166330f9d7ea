# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Requirements 14-19: TCP through a NAT (RFC 5382, RFC 7857). Both ends are made by hand, so that
# they send nothing by themselves.
#
# hooks: any

# RFC 5382 REQ-2: both sides send a SYN before either has seen the other's (RFC 9293, figure 8).
test_req_14_simultaneous_open() {
	up
	by_hand ns1
	probe '
	here, there = tcp_pair(6000)
	here.send("S")
	there.hears("S")
	there.send("S")
	here.hears("S", what="the SYN of the other side")
	here.send("SA", seq=here.seq - 1)
	there.hears("SA", what="the SYN+ACK of one side")
	there.send("SA", seq=there.seq - 1)
	here.hears("SA", what="the SYN+ACK of the other side")
	tcp_talk(here, there)
	shorten_all_but("timeout-tcp")
	tcp_talk(here, there)
	outlive(2)
	tcp_talk(there, here)
	'
}

# RFC 5382 REQ-4: the other side may be about to open, too. An error is allowed after 6 s, silence for ever.
test_req_15_an_unsolicited_syn_is_left_unanswered() {
	up
	by_hand ns1
	probe '
	here, there = tcp_connected(6000)
	half, _ = tcp_pair(6001)
	half.send("S")
	mapped = outside.hears(lambda p: p.proto == 6 and p.dst == PEER and p[TCP].flags == "S", "a SYN")[TCP].sport
	for port in there.dport, mapped:
	    Tcp(outside, PEER2, 7000, HOST, port).send("S")
	outside.does_not_hear(lambda p: p.dst == PEER2, "an answer to an unsolicited SYN", seconds=6)
	inside.does_not_hear(lambda p: p.src == PEER2, "an unsolicited SYN", seconds=0)
	tcp_talk(here, there)
	'
}

# RFC 5382 REQ-5: 2 h 4 min, so that it outlives keepalives (RFC 1122, 2 h).
test_req_16_established_idle_timeout() {
	up
	by_hand ns1
	probe '
	shorten_all_but("timeout-tcp")
	here, there = tcp_connected(6000)
	tcp_talk(here, there)
	outlive(2)
	there.send("PA", b"one")
	here.hears("PA", b"one", "data after two seconds")
	must(setting("timeout-tcp") >= 7440, "established: %d s" % setting("timeout-tcp"))
	set_clocks(1, "timeout-tcp")
	here, there = tcp_connected(6001)
	tcp_talk(here, there)
	outlive()
	there.send("PA", b"two")
	here.does_not_hear("PA", "data two seconds after a clock of one", b"two")
	'
}

# RFC 5382 REQ-5: the others, 4 min.
test_req_17_half_open_and_closing_idle_timeout() {
	up
	by_hand ns1
	probe '
	def three():
	    """Connections with one SYN, with both, with both FINs."""
	    pairs = [tcp_pair(next(ports)) for _ in range(3)]
	    for here, there in pairs[:2]:
	        here.send("S")
	        there.hears("S")
	    there.send("SA")
	    here.hears("SA")
	    tcp_open(*pairs[2])
	    tcp_close(*pairs[2])
	    return pairs
	def answers(pairs, judge):
	    (one, one_there), (two, two_there), (closed, closed_there) = pairs
	    one_there.send("SA")
	    judge(one)("SA", what="SYN+ACK for a SYN of two seconds ago")
	    two_there.send("SA", seq=two_there.seq - 1)
	    judge(two)("SA", what="a repeated SYN+ACK after two seconds")
	    closed_there.send("FA", seq=closed_there.seq - 1)
	    judge(closed)("FA", what="a repeated FIN after two seconds")
	ports = iter(range(6000, 6100))
	shorten_all_but("timeout-tcp-half-open", "timeout-tcp-closing")
	pairs = three()
	outlive(2)
	answers(pairs, lambda end: end.hears)
	for key in "timeout-tcp-half-open", "timeout-tcp-closing":
	    must(setting(key) >= 240, "%s: %d s" % (key, setting(key)))
	set_clocks(1, "timeout-tcp-half-open", "timeout-tcp-closing")
	pairs = three()
	outlive()
	answers(pairs, lambda end: end.does_not_hear)
	'
}

# RFC 7857 section 2.1: four minutes in which a RST may prove to be a forgery (RFC 5961 section 3).
test_req_18_a_reset_must_be_in_window_and_keeps_the_mapping() {
	up
	by_hand ns1
	probe '
	default = setting("timeout-tcp-reset")
	here, there = tcp_connected(6000)
	tcp_talk(here, there)
	set_clocks(1, "timeout-tcp-reset")
	for far in 1000000, -1000000:
	    there.send("R", seq=there.seq + far)
	    here.does_not_hear("R", "a RST out of window")
	    here.send("R", seq=here.seq + far)
	    there.does_not_hear("R", "a RST out of window")
	outlive()
	tcp_talk(there, here)

	here, there = tcp_connected(6001)
	tcp_talk(here, there)
	shorten_all_but("timeout-tcp-reset")
	set_clocks(240, "timeout-tcp-reset")
	there.send("R")
	here.hears("R", what="a RST in window")
	outlive(2)
	there.send("A")
	here.hears("A", what="a segment two seconds after a RST")
	must(default >= 240, "after a RST: %d s" % default)
	'
}

# RFC 9293 section 3.6.1: TIME-WAIT ends early for a new SYN. The new connection lives as long as any.
test_req_19_a_new_syn_on_a_closing_tuple() {
	up
	by_hand ns1
	must ebpfnet expose ns1 5000
	probe '
	def again(here, there):
	    here.seq += 100000
	    there.seq += 100000
	    tcp_open(here, there)
	    tcp_talk(here, there)
	def close(one, other):
	    tcp_close(one, other)
	def reset(one, other):
	    one.send("RA")
	    other.hears("RA")
	def masqueraded():
	    return tcp_pair(next(ports))
	def published():
	    return Tcp(outside, PEER, next(ports), HOST, 5000), Tcp(inside, NS1, 5000, PEER)
	ports = iter(range(6000, 6100))
	connections = []
	for make in masqueraded, published:
	    for end in close, reset:
	        for first in 0, 1:
	            ends = make()
	            tcp_open(*ends)
	            tcp_talk(*ends)
	            end(ends[first], ends[1 - first])
	            connections.append(ends)
	shorten_all_but("timeout-tcp", "timeout-tcp-closing", "timeout-tcp-reset")
	for ends in connections:
	    again(*ends)
	set_clocks(1, "timeout-tcp-closing", "timeout-tcp-reset")
	for ends in connections:
	    tcp_talk(*ends)
	outlive(2)
	for here, there in connections:
	    tcp_talk(there, here)
	'
}
