# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A second provider: eth1 with SECOND, behind a router of its own that leads to the same internet.

SECOND=198.51.100.2
second_provider() {
	ip link add eth1 type veth peer name lan2 netns isp
	ip -n isp address add 198.51.100.1/24 dev lan2
	ip -n isp link set lan2 up
	ip address add $SECOND/24 dev eth1
	ip link set eth1 up
	echo 2 > /proc/sys/net/ipv4/conf/eth1/rp_filter
	ip route add default via 198.51.100.1 table 100
	soon ping -n -c1 -W1 198.51.100.1
}
