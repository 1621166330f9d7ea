# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# The host's rules change, again and again, while flows pass them: what is closed stays closed whatever else changes, and
# what is open goes on.
#
# hooks: any
source "$TOP/tests/lib/rules.sh"

# ---- one end has said all it has to say, the other goes on

half_closed() { # MODE
	rules 'iifname ebpfnet0 accept'
	probe '
	server = internet.listener(7100, SERVER)
	def connected():
	    sock, peer = ns1.connected(server)
	    for one, other in (sock, peer), (peer, sock):
	        one.sendall(b"hello")
	        equal(other.recv(100), b"hello", "what is said first")
	    return sock, peer
	def goes_on(one, other):
	    for i in range(8):
	        sh("nft", "add", "rule", "ip", "host", "forward", "ip", "daddr", "198.51.100.1", "drop")
	        one.sendall(b"x" * 20000)
	        got = 0
	        while got < 20000:
	            data = other.recv(20000)
	            must(data, "the connection ended")
	            got += len(data)
	        sleep(0.03)
	def ends(one, other):
	    one.shutdown(socket.SHUT_WR)
	    equal(other.recv(1), b"", "the end of what one says")
	(a, b), (c, d) = connected(), connected()
	ends(a, b)
	ends(d, c)
	if "'"$1"'" == "ask":
	    sleep(11) # longer than an entry of conntrack lives whose connection has ended
	goes_on(b, a)
	goes_on(c, d)
	'
	none_is_invalid
}

test_a_half_closed_connection_goes_on() {
	up
	sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
	each_mode half_closed
}

# ---- the ruleset is replaced a thousand times a second

# Before each exchange of a connection, both ends of which are here: another table comes and goes, in one transaction;
# now and then the rules themselves do, by nft. Prints how many there were.
replace_and_talk() {
	probe '
	import struct
	nft = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) # NETLINK_NETFILTER
	nft.bind((0, 0))
	def message(kind, flags, family, number, attributes=b""):
	    body = struct.pack("!BBH", family, 0, number) + attributes
	    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body
	name = struct.pack("=HH", 8, 1) + b"odd\0"
	batch = (message(16, 1, 0, 10) + message(10 << 8, 0x401, 2, 0, name) + # of NFNL_SUBSYS_NFTABLES: NEWTABLE
	         message((10 << 8) + 2, 5, 2, 0, name) + message(17, 1, 0, 10)) # DELTABLE, with an acknowledgement
	sock, peer = ns1.connected(internet.listener(7100, SERVER))
	for one in sock, peer:
	    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
	begin, count = time.monotonic(), 0
	while count < 3000 and time.monotonic() < begin + 5:
	    nft.send(batch)
	    answer = nft.recv(1 << 16)
	    must(answer[4:6] == b"\2\0" and answer[16:20] == bytes(4), "nft refuses: %r" % answer)
	    count += 1
	    if count % 100 == 0:
	        sh("nft", "-f", "'$T'/again")
	    for one, other in (sock, peer), (peer, sock):
	        one.sendall(b"x")
	        must(other.recv(1), "the connection ended")
	print(count)
	'
}

# What a namespace goes on sending by flows that a rule has closed, and whoever hears it.
closed_flows() {
	cat > $T/closed.py <<-END
		hears, sends = (internet.udp(7200, SERVER2), ns1.udp(42200))
		sock, peer = ns1.connected(internet.listener(7200, SERVER2))
		seen_as(sends, hears)
		sock.sendall(b"open")
		equal(peer.recv(9), b"open", "what is said before")
		sh("nft", "-f", "$T/closing")
		hears.sock.setblocking(False)
		peer.setblocking(False)
		sock.setblocking(False)
		sleep(0.1)
		def heard():
		    for one in peer, hears.sock:
		        try:
		            return one.recv(100)
		        except BlockingIOError:
		            pass
		while heard(): pass
		print("ready", flush=True)
		sent, opened = 0, False
		while True:
		    if not opened and os.path.exists("$T/opened"):
		        opened = True
		        print("closed until then", sent, flush=True)
		    sends.tell(b"closed", (SERVER2, 7200))
		    if sent < 1000:
		        sock.send(b"closed")
		    sent += 1
		    text = heard()
		    if text:
		        must(opened, "a closed flow passed")
		        print("open", flush=True)
		        break
		    sleep(0.002)
	END
	start closed bash -c "exec $CRAFT < $T/closed.py"
}

still_closed() { # AFTER
	sleep 0.15
	kill -0 "$(< $T/closed.pid)" 2> /dev/null || fail "$(< $T/closed.err), after $1"
}

test_what_is_closed_stays_closed_and_what_is_open_goes_on() {
	local asked begin bound
	up
	serve internet tcp 7000
	rules "ip daddr $INTERNET2 accept" 'iifname ebpfnet0 accept'
	sed "s/ct state established/ip daddr $INTERNET2 drop\n&/" $T/rules > $T/drops
	{ echo 'delete table ip host'; cat $T/drops; } | tee $T/closing > $T/again
	must ebpfnet set forwarding ask
	closed_flows
	asked=$(counter rules_asked)
	begin=$(date +%s%3N)
	replace_and_talk
	# each exchange changes the rules once, and each hundredth twice; what is closed asks every 100 ms besides
	asked=$(($(counter rules_asked) - asked)) bound=$(((out + out / 100 + ($(date +%s%3N) - begin) / 100 + 5) * 3))
	still_closed "$out changes"
	[ $asked -le $bound ] || fail "$asked copies in $out changes: more than $bound, one for each of three directions"
	[ $asked -ge $out ] || fail "only $asked copies in $out changes"
	must on ns1 "$WIRE" copy $INTERNET 7000 30000000
	none_is_invalid
	# whatever else changes
	ip route add 198.51.100.0/24 via 172.31.0.1
	still_closed "a route"
	ip route del 198.51.100.0/24
	must ebpfnet expose ns2 9000
	must ebpfnet unexpose ns2 9000
	still_closed "published ports"
	must ebpfnet set ask-again 1
	sleep 1.2
	still_closed "a second, in which rules are asked about"
	must ebpfnet set forwarding stack
	still_closed "set forwarding stack"
	must ebpfnet set forwarding ask
	still_closed "set forwarding ask"
	must nft add table ip odd
	must nft delete table ip odd
	still_closed "another table"
	touch $T/opened
	soon grep -q 'closed until' $T/closed.out
	must nft delete table ip host
	soon grep -q '^open' $T/closed.out
}
