# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Packets of limited namespaces: each kind passes, none too early, and others do not wait.
#
# hooks: any

SHAPER=ebpfnet-shape

all_limited() {
	up
	must ebpfnet limit ns1 in 50mbit out 50mbit
	must ebpfnet limit ns2 in 50mbit out 50mbit
}

# Packets that have waited in a class.
waited() { # CLASS
	tc -s class show dev $SHAPER classid "$1" | sed -nE 's/^ Sent [0-9]+ bytes ([0-9]+) pkt.*/\1/p'
}

test_every_kind_of_traffic_passes() {
	all_limited
	pings ns1 8.8.8.8
	pings ns1 $NS2
	pings ns1 $GATEWAY
	pings host $NS1
	pings ns1 $NS2 -s 30000 # in fragments
	pings ns1 $INTERNET -s 30000
	pings host $NS1 -s 30000
	serve internet tcp 80
	serve internet udp 53
	reaches ns1 tcp $INTERNET 80 $HOST
	reaches ns1 udp $INTERNET 53 $HOST
	serve ns1 tcp 3000
	serve ns1 udp 3000
	must ebpfnet expose ns1 5000:3000
	must ebpfnet expose ns1 5000:3000/udp
	must ebpfnet expose ns1 127.0.0.1:6000:3000
	reaches internet tcp $HOST 5000 $INTERNET
	reaches internet udp $HOST 5000 $INTERNET
	reaches host tcp $HOST 5000 $HOST
	reaches host tcp 127.0.0.1 6000 $GATEWAY
	reaches ns2 tcp $HOST 5000 $HOST # hairpin
	reaches ns2 udp $HOST 5000 $HOST
	reaches ns2 tcp $NS1 3000 $NS2
	unreached ns1 udp $INTERNET 9 refused # by an ICMP error
	unreached ns1 tcp $NS2 9 refused
	is "$(ebpfnet stats --json | json '[d for d in j["drops"] if d["count"]]')" "[]" "drops"
	must ebpfnet status
}

test_a_capture_on_the_gateway_device_shows_what_waits() {
	all_limited
	hear host ebpfnet0 icmp
	pings host $NS1
	heard host ebpfnet0
	is "$(grep -c 'echo request' <<< "$heard")" 1 "requests that are shown"
	pings host $NS1
}

# The host's mark and priority do not enter the namespace, and those of the queue do not leave with the packet.
test_no_trace_of_the_queue_stays_with_a_packet() {
	up
	must ebpfnet limit ns1 in 50mbit out 50mbit
	on ns1 iptables -A INPUT -m mark ! --mark 0 -j DROP
	iptables -A INPUT -m mark ! --mark 0 -j DROP
	on isp iptables -t raw -A PREROUTING -m mark ! --mark 0 -j DROP
	must on host ping -n -c1 -W1 -m 7 $NS1
	pings ns1 8.8.8.8
	pings ns1 $GATEWAY
}

test_only_limited_namespaces_wait() {
	up
	must ebpfnet ns add three
	must ebpfnet limit ns1 in 50mbit out 50mbit
	pings ns2 8.8.8.8
	pings ns2 $GATEWAY
	pings host $NS2
	pings ns2 192.168.1.12
	is "$(< /sys/class/net/$SHAPER/statistics/tx_packets)" 0 "packets of others in the shaper"
	pings ns2 $NS1
	is "$(waited 1:1) $(waited 1:2)" "1 1" "packets of the limited one"
	is "$(< /sys/class/net/$SHAPER/statistics/tx_packets)" 2 "packets in the shaper"
	pings ns1 8.8.8.8
	is "$(waited 1:1) $(waited 1:2)" "2 2" "packets of the limited one"
}

test_between_limited_namespaces_each_packet_waits_for_both() {
	all_limited
	pings ns1 $NS2
	is "$(waited 1:1) $(waited 1:2) $(waited 1:3) $(waited 1:4)" "1 1 1 1" "packets in each class"
}

# A limit lets no more through in a time, by the kernel's clock, than it says. The sender sends far more.
no_more_than() { # BITS FROM TO ADDR
	must "$CRAFT" <<- END
		import socket, struct, threading, time
		SO_TIMESTAMPNS = 35
		took, ended = [], threading.Event()
		s = place("$3").socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
		s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
		s.bind(("", 7000))
		s.settimeout(0.5)
		c = place("$2").socket(socket.AF_INET, socket.SOCK_DGRAM)
		c.connect(("$4", 7000))
		end = time.monotonic() + 1
		def send():
		    while time.monotonic() < end:
		        c.send(bytes(1200))
		threading.Thread(target=send, daemon=True).start()
		try:
		    while True:
		        data, extra, _, _ = s.recvmsg(2000, 100)
		        sec, ns = struct.unpack("qq", extra[0][2])
		        took.append((sec + ns / 1e9, len(data) + 42))
		except TimeoutError:
		    pass
		assert len(took) > 20, took
		start, size = took[0][0], 0
		for now, n in took:
		    size += n
		    allowed = $1 / 8 * (now - start) + 2 * 32768  # once the burst, once for queues on the way
		    assert size <= allowed, f"{size} bytes in {now - start} s, {allowed} at most"
	END
}

test_no_more_is_sent_than_the_limit() {
	up
	must ebpfnet limit ns1 out 8mbit
	no_more_than 8000000 ns1 internet $INTERNET
	no_more_than 8000000 ns1 ns2 $NS2
	no_more_than 8000000 ns1 host $GATEWAY
}

test_no_more_is_received_than_the_limit() {
	up
	must ebpfnet limit ns1 in 8mbit
	must ebpfnet expose ns1 7000/udp
	no_more_than 8000000 internet ns1 $HOST
	no_more_than 8000000 ns2 ns1 $NS1
	no_more_than 8000000 host ns1 $NS1
	like "$(ebpfnet limit)" '^ns1 +8mbit +- +[1-9][0-9,]* +0'
}

test_a_stream_survives_limits_that_come_change_and_go() {
	local rate transfer
	up
	start numbers on internet "$TOP/tests/lib/stream.py" receive 9000
	start sender on ns1 "$TOP/tests/lib/stream.py" send $INTERNET 9000
	start transfer on internet "$TOP/tests/lib/transfer.py" serve 5001
	on ns1 "$TOP/tests/lib/transfer.py" run $INTERNET 5001 2 > $T/run.out 2>&1 &
	transfer=$!
	for rate in 50mbit 20mbit 90mbit none 50mbit none; do
		must ebpfnet limit ns1 out $rate
		must ebpfnet limit ns1 in $rate
		soon on ns1 ping -n -c1 -W2 $GATEWAY # the stream may have filled the queue
	done
	wait $transfer || fail "$(< $T/run.out)"
	stop sender
	stop numbers
	is "$(wc -l < $T/run.out)" 4 "transfers: $(< $T/run.out)"
}

test_bytes_arrive_as_they_were_sent() {
	all_limited
	must ebpfnet limit ns1 in 400mbit out 400mbit
	start transfer on internet "$TOP/tests/lib/transfer.py" serve 5001
	must on ns1 "$TOP/tests/lib/transfer.py" run $INTERNET 5001 8
	is "$(wc -l <<< "$out")" 4 "transfers: $out"
}

# A process of the host that may send frames (CAP_NET_RAW) reaches nobody by the shaper's devices.
test_frames_that_others_send_into_the_shaper_go_nowhere() {
	up
	must ebpfnet limit ns1 in 50mbit out 50mbit
	pings ns1 $NS2
	must python3 - <<- 'END'
		import socket
		frame = bytes.fromhex("02ebc0a8010b" "02ebc0a8010a" "0800") + bytes(60)
		for dev in "ebpfnet-shape", "ebpfnet-shapep":
		    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		    s.bind((dev, 0))
		    for mark in range(8):
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 0x10000 + mark)
		        s.send(frame)
	END
	is "$(counter unknown_ifindex)" 8 "frames that came out and are dropped"
	must ebpfnet status
}

# Packets that wait when their limit ends leave at once.
test_no_datagram_is_lost_when_a_limit_ends() {
	local rate
	up
	start numbers on internet "$TOP/tests/lib/stream.py" receive 9000
	start sender on ns1 "$TOP/tests/lib/stream.py" send $INTERNET 9000
	for rate in 50mbit 20mbit none 50mbit none; do
		must ebpfnet limit ns1 out $rate
		pings ns1 8.8.8.8
	done
	stop sender
	stop numbers
	is "$(tail -n1 $T/numbers.out)" "$(tail -n1 $T/sender.out)" "datagrams that arrived"
}
