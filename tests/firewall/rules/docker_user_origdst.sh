# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# Docker's rules, and in DOCKER-USER a published port dropped by its number outside (--ctorigdstport)
#
# To the host's connection tracking a connection to a port that ebpfnet publishes has one number: that inside. A rule by
# the number outside matches a bridge's, and not these: name the address and the port inside.

needs=iptables-nft-restore
rules() {
	docker_rules iptables-nft
	iptables-nft -I DOCKER-USER -i ebpfnet0 -j ACCEPT
	iptables-nft -I DOCKER-USER -o ebpfnet0 -j ACCEPT
	iptables-nft -I DOCKER-USER -p tcp -m conntrack --ctorigdstport 8081 --ctdir ORIGINAL -j DROP
}
change() {
	iptables-nft -I DOCKER-USER -i eth0 -d $NS1 -p tcp --dport 80 -j DROP
}
expect="in-ns2=silent"
expect_changed="kept-a=silent kept-b=silent new-a=silent new-b=silent"
expect_ebpfnet="in-ns2=passes"
