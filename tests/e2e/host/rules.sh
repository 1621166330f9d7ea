# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Packets between a namespace and the outside pass the host's own FORWARD rules: all of them (stack), or the first of
# each direction and copies (ask).

# The host's rules: established and invalid as in most sets, and what is given.
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

each_mode() { # FUNCTION
	local mode
	for mode in stack ask; do
		must ebpfnet set forwarding $mode
		"$1" "$mode"
	done
}

out_and_in() { # MODE
	rules 'iifname ebpfnet0 oifname eth0 tcp dport 7000 accept' 'iifname eth0 oifname ebpfnet0 ip daddr '$NS1' accept'
	reaches ns1 tcp $INTERNET 7000 $HOST
	unreached ns1 tcp $INTERNET 7001 silent
	unreached ns1 udp $INTERNET 7000 silent
	reaches internet tcp $HOST 8080 $INTERNET
	reaches internet udp $HOST 8080 $INTERNET
	rules
	unreached ns1 tcp $INTERNET 7000 silent
	unreached internet tcp $HOST 8080 silent
	unreached internet udp $HOST 8080 silent
	nft delete table ip host
	reaches ns1 tcp $INTERNET 7001 $HOST
	reaches ns1 udp $INTERNET 7000 $HOST
	reaches internet tcp $HOST 8080 $INTERNET
}

test_what_the_rules_let_by_passes_and_nothing_else() {
	up
	serve internet tcp 7000
	serve internet tcp 7001
	serve internet udp 7000
	serve ns1 tcp 80
	serve ns1 udp 80
	must ebpfnet expose ns1 8080:80
	must ebpfnet expose ns1 8080:80/udp
	each_mode out_and_in
}
