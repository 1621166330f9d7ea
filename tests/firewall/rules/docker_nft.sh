# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# Docker's rules, by iptables-nft
#
# FORWARD drops what is not of Docker's own bridges, until DOCKER-USER accepts what comes from ebpfnet0 or goes there.

needs=iptables-nft-restore
rules() {
	docker_rules iptables-nft
}
change() {
	iptables-nft -I DOCKER-USER -i ebpfnet0 -j ACCEPT
	iptables-nft -I DOCKER-USER -o ebpfnet0 -j ACCEPT
}
expect="in-a=silent in-b=silent in-udp=silent in-ns2=silent in-closed=silent out-tcp=silent out-udp=silent out-ping=silent
	out-closed=silent hairpin=silent own-port=silent"
expect_changed="new-a=passes new-b=passes new-out=passes"
