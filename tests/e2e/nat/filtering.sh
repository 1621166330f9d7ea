# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# UDP leaves by one external port for all peers (RFC 4787 REQ-1), and `set filtering` says who may answer.
#
# hooks: any

test_one_external_port_for_all_peers() {
	local mode server port=40000 seen
	up
	serve internet udp 7000 $INTERNET
	serve internet udp 7001 $INTERNET
	start another on internet "$WIRE" serve udp 7000 $INTERNET2
	for mode in port address endpoint; do
		must ebpfnet set filtering $mode
		port=$((port + 10)) seen=""
		reaches ns2 udp $INTERNET 7000 $HOST $port # so that ns1 needs another one
		for server in "$INTERNET 7000" "$INTERNET 7001" "$INTERNET2 7000"; do
			# shellcheck disable=SC2086 # address and port
			reaches ns1 udp $server $HOST $port
			seen+="${out##* } "
		done
		is "$seen" "${seen%% *} ${seen%% *} ${seen%% *} " "external ports with filtering $mode"
		[ "${seen%% *}" != $port ] || fail "two namespaces share an external port"
	done
}

# Peers that get through to ns1's port 40000, which has sent to $INTERNET:7000 only: "same port other".
who_gets_in() {
	local from result=""
	hear ns1 ceth0 -Q in "udp dst port 40000"
	for from in "$INTERNET 7000" "$INTERNET 7001" "$INTERNET2 7000"; do
		# shellcheck disable=SC2086 # address and port
		on internet python3 - $from $HOST <<-'END'
			import socket, sys
			s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
			s.bind((sys.argv[1], int(sys.argv[2])))
			s.sendto(b"hello", (sys.argv[3], 40000))
		END
	done
	heard ns1 ceth0
	for from in "$INTERNET.7000" "$INTERNET.7001" "$INTERNET2.7000"; do
		grep -qF "$from >" <<< "$heard" && result+="in " || result+="out "
	done
	echo "$result"
}

has_flow() {
	ebpfnet flows | grep -qF "$1"
}

test_filtering_says_who_may_answer() {
	up
	is "$(ebpfnet get filtering)" port "filtering by default"
	on ns1 python3 -c "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('0.0.0.0', 40000))
s.sendto(b'hello', ('$INTERNET', 7000))
time.sleep(20)" &
	soon has_flow "$NS1:40000"
	is "$(who_gets_in)" "in out out " "port"
	must ebpfnet set filtering endpoint
	is "$(who_gets_in)" "in in in " "endpoint"
	must ebpfnet set filtering port
	is "$(who_gets_in)" "in out out " "port again"
}
