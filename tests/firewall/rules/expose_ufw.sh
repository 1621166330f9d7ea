# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# ufw enable, and the command that expose prints for it
#
# It opens the published port, and nothing else.

needs="ufw"
ways="stack ask"
rules() {
	begin_ufw nft
	ufw --force enable
}
change() {
	type_what_expose_prints
}
expect="in-a=silent in-b=silent in-udp=silent in-ns2=silent in-closed=silent out-tcp=silent out-udp=silent
	out-closed=silent hairpin=silent own-port=silent ns-host=silent a-host=silent"
expect_changed="new-a=passes new-b=passes"
