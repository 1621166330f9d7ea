# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# Docker's rules and ufw together: ufw route allow proto tcp from A to INSIDE port 80
#
# FORWARD drops, by either's policy, and what ufw accepts passes. DOCKER-USER comes before ufw.

needs="ufw iptables-nft-restore"
rules() {
	docker_rules iptables-nft
	begin_ufw nft
	ufw --force enable
	ufw route allow proto tcp from $A to $NS1 port 80
}
change() {
	iptables-nft -I DOCKER-USER -s $A -o ebpfnet0 -j DROP
}
expect="in-b=silent in-udp=silent in-ns2=silent in-closed=silent out-tcp=silent out-udp=silent
	out-closed=silent hairpin=silent own-port=silent ns-host=silent a-host=silent"
expect_changed="kept-a=silent new-a=silent"
