# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# Docker's rules, and in DOCKER-USER ebpfnet0 accepted and B dropped, by iptables-nft
#
# DOCKER-USER is obeyed. A rule put first there ends running connections, too.

needs=iptables-nft-restore
rules() {
	docker_rules iptables-nft
	iptables-nft -I DOCKER-USER -i ebpfnet0 -j ACCEPT
	iptables-nft -I DOCKER-USER -o ebpfnet0 -j ACCEPT
	iptables-nft -I DOCKER-USER -s $B -j DROP
}
change() {
	iptables-nft -I DOCKER-USER -s $A -o ebpfnet0 -p tcp --dport 80 -j DROP
}
expect="in-b=silent"
expect_changed="kept-a=silent new-a=silent"
