# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# ufw enable, while connections are running
#
# A bridge's connections were tracked for their NAT already: they are established, and go on. Those of ebpfnet are new
# to the host when its first rule asks for their state: what ufw allows goes on, and the rest has to begin again.

needs=ufw
rules() {
	begin_ufw nft
	ufw route allow proto tcp to $NS1 port 80
}
change() {
	ufw --force enable
}
expect=""
expect_changed="new-out=silent"
expect_ebpfnet_changed="kept-udp=silent kept-out=silent"
