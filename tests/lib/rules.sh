# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# The host's own rules at FORWARD, for tests of what passes them (`ebpfnet set forwarding`).

# shellcheck disable=SC2034 # used by the tests
INSIDE_PASSES='iifname ebpfnet0 accept'

# Established and invalid as in most sets, and what is given; all else is dropped.
rules() { # RULE...
	{
		echo 'table ip host {'
		echo ' chain forward { type filter hook forward priority 0; policy drop;'
		echo '  ct state invalid counter name invalid drop'
		echo '  ct state established,related accept'
		printf '  %s\n' "$@"
		echo ' }'
		echo ' counter invalid { }'
		echo '}'
	} > $T/rules
	nft delete table ip host 2> /dev/null || :
	must nft -f $T/rules
}

invalid() {
	nft -j list counter ip host invalid | grep -oP '"packets": \K[0-9]+'
}

none_is_invalid() {
	is "$(invalid)" 0 "packets that are INVALID to the host's conntrack"
}

each_mode() { # FUNCTION
	local mode
	for mode in stack ask; do
		must ebpfnet set forwarding $mode
		"$1" "$mode"
	done
}

# Each of the modes, and from each to another, under a connection.
changes_of_mode_end_no_connection() { # FROM ADDR PORT
	local mode
	rules "$INSIDE_PASSES"
	must ebpfnet set forwarding ask
	WIRE_TIMEOUT=10 converse "$1" tcp "$2" "$3"
	say first
	for mode in stack ask fast ask stack fast; do
		must ebpfnet set forwarding $mode
		say "$mode-1"
		must nft add rule ip host forward ip daddr 198.51.100.7 drop # asked about anew
		say "$mode-2"
		sleep 0.1
		say "$mode-3"
	done
	none_is_invalid
}

# A datagram of many fragments, and back.
large_datagram() { # FROM ADDR PORT
	must on "$1" python3 -c '
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(3)
sock.connect((sys.argv[1], int(sys.argv[2])))
sock.send(bytes(range(250)) * 80)
sys.exit(sock.recv(1 << 16) != bytes(range(250)) * 80)' "$2" "$3"
}
