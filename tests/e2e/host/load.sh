# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# The host's rules under load: a stream as fast as it goes while rules close it, open it, or concern others, counted
# where it arrives; and thousands of connections on few tuples.
#
# hooks: any
source "$TOP/tests/lib/rules.sh"

ANY_NEW=("iifname ebpfnet0 accept" "ip daddr $NS1 accept")

# ---- a stream

# Counts the packets of a stream where they arrive.
count_at() { # NAMESPACE PORT
	on "$1" nft -f - <<-END
		table ip arrived {
			counter seen { }
			chain in { type filter hook prerouting priority -400; tcp dport $2 counter name seen; }
		}
	END
}

arrived() { # NAMESPACE
	on "$1" nft -j list counter ip arrived seen | grep -oP '"packets": \K[0-9]+'
}

flows_at() { # NAMESPACE MORE_THAN
	[ "$(arrived "$1")" -gt "$2" ]
}

# After the rule is there, and what was under way has arrived, nothing more does. Removed, the stream goes on.
closed_and_opened() { # NAMESPACE RULE...
	local before after i rule
	for i in {1..5}; do
		must nft -e -a insert rule ip host forward "${@:2}" drop
		rule=$(grep -oP 'handle \K[0-9]+' <<< "$out")
		sleep 0.05
		before=$(arrived "$1")
		sleep 0.3
		after=$(arrived "$1")
		is $((after - before)) 0 "packets that have passed a closed rule, at change $i"
		must nft delete rule ip host forward handle "$rule"
		soon flows_at "$1" $((after + 1000))
		must nft add rule ip host forward ip daddr 198.51.100.$i drop # of others
	done
}

# FROM sends to ADDR until it is stopped.
stream() { # FROM ADDR PORT
	on "$1" "$WIRE" copy "$2" "$3" 1000000000000 > $T/copy.out 2>&1 &
	copy=$!
}

test_a_stream_obeys_each_change_of_the_rules() {
	up
	serve internet tcp 7000
	serve ns1 tcp 5000
	must ebpfnet expose ns1 5000
	count_at internet 7000
	count_at ns1 5000
	rules "${ANY_NEW[@]}"
	stream ns1 $INTERNET 7000
	soon flows_at internet 1000
	closed_and_opened internet ip daddr $INTERNET
	kill -0 $copy || fail "the stream out broke: $(< $T/copy.out)"
	kill $copy
	stream internet $HOST 5000
	soon flows_at ns1 1000
	closed_and_opened ns1 ip daddr $NS1
	kill -0 $copy || fail "the stream in broke: $(< $T/copy.out)"
	kill $copy
	none_is_invalid
}

# ---- connections

# 4,000 each way in each mode, from 40 ports: each tuple is used again a hundred times, within the time that the host's
# conntrack would keep the last connection on it. Some carry more than the window that it has seen.
connect_often() { # MODE
	rules "${ANY_NEW[@]}"
	probe '
	import threading
	def serve(where, port):
	    server = where.listener(port)
	    def accept():
	        while True:
	            peer, _ = server.accept()
	            size = int(peer.recv(100))
	            peer.sendall(b"x" * size)
	            peer.close() # it has TIME-WAIT, and lets the same port begin again
	    threading.Thread(target=accept, daemon=True).start()
	def connect(where, to, count):
	    for i in range(count):
	        sock = where.tcp(41000 + i % 40)
	        sock.settimeout(SOON)
	        sock.connect(to)
	        size, got = 200000 if i % 20 == 0 else 5, 0
	        sock.sendall(b"%d" % size)
	        while more := sock.recv(100000):
	            got += len(more)
	        equal(got, size, "octets that connection %d receives" % i)
	        sock.close()
	serve(internet, 7100)
	serve(ns1, 5100)
	connect(ns1, (SERVER, 7100), 4000)
	connect(internet, (HOST, 5100), 4000)
	'
	none_is_invalid
}

test_connections_on_reused_tuples_are_valid_to_the_host() {
	up
	must ebpfnet expose ns1 5100
	sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
	each_mode connect_often
}

# Also the answers of one that begins within the epoch of the last, by whose path they could go past the rules.
test_each_connection_on_a_reused_tuple_is_asked_about_in_both_directions() {
	local asked
	up
	rules "${ANY_NEW[@]}"
	must ebpfnet set forwarding ask
	probe '
	server = internet.listener(7100)
	for _ in range(50):
	    client = ns1.tcp(41000)
	    client.connect((SERVER, 7100))
	    peer, _ = server.accept()
	    for one, other in (client, peer), (peer, client):
	        for _ in range(5):
	            one.sendall(b"hello")
	            equal(other.recv(100), b"hello", "what is said")
	    peer.close() # it has TIME-WAIT, and lets the same port begin again
	    equal(client.recv(1), b"", "the end of what the server says")
	    client.close()
	'
	none_is_invalid
	asked=$(counter to_rules)
	[ "$asked" -ge 100 ] || fail "of 50 connections $asked packets went through the rules"
}
