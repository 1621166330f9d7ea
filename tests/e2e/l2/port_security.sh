# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Port security: a namespace sends from its own MAC and addresses only.
#
# hooks: any

# Each drop has a reason, and is counted once.
dropped_as() { # REASON COUNT
	is "$(counter "$1")" "$2" "drops counted as $1"
	like "$(ebpfnet stats)" "$1 +$2 "
	is "$(ebpfnet stats --json | json 'j["dropped"]')" "$2" "all drops"
}

test_foreign_mac_is_dropped() {
	up
	hear ns2 ceth1 ether proto 0x88b5
	must on ns1 "$WIRE" frame ceth0 src=02:66:66:66:66:66
	heard ns2 ceth1
	is "$heard" "" "what came through"
	dropped_as spoofed_mac 1
}

test_spoof_allow_lets_it_pass() {
	up
	must ebpfnet ns add free --spoof allow
	on free ip address add 192.168.1.66/24 dev ceth2
	pings free $NS1 -I 192.168.1.66
	must ebpfnet ns add bound --spoof deny
	on bound ip address add 192.168.1.67/24 dev ceth3
	no_pings bound $NS1 -I 192.168.1.67
}

test_every_drop_has_a_name_and_a_meaning() {
	up
	is "$(ebpfnet stats --json | json 'all(d["name"] and d["text"] for d in j["drops"])')" True "each drop"
	is "$(ebpfnet stats --json | json 'len(j["drops"]) >= 20')" True "number of reasons"
}
