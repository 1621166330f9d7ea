# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Payloads arrive as they were sent, wherever checksums are computed and segments made (docs/dev/faults.md, row 8).
# INTEGRITY_MIB (16) go each way on each path, by TCP and by UDP in bursts of UDP_SEGMENT; `make
# integrity` sends 1024. The receiver's kernel counts a wrong checksum (InCsumErrors) only where it was
# completed on the path: therefore the offloads are switched off.
#
# hooks: any

TRANSFER=$TOP/tests/lib/transfer.py
: "${INTEGRITY_MIB:=16}"

# One word for each counter of wrong checksums that is not 0, in all namespaces.
wrong_sums() {
	local where
	for where in host isp internet ns1 ns2; do
		on $where cat /proc/net/snmp /proc/net/netstat | awk -v where=$where '
			$1 in head { split(head[$1], name)
				for (i = 2; i <= NF; i++) if (name[i] == "InCsumErrors" && $i) print where "/" $1 $i }
			{ head[$1] = $0 }'
	done
}

transfer() { # PATH FROM ADDR PORT
	run timeout 900 nsenter --net="/run/netns/$2" "$TRANSFER" run "$3" "$4" "$INTEGRITY_MIB"
	[ "$status" = 0 ] || fail "$1: $out$err"
	echo "$1: $out"
}

arrives_whole() {
	touch /run/netns/host
	mount --bind /proc/self/ns/net /run/netns/host
	must ebpfnet expose ns1 5000/tcp
	must ebpfnet expose ns1 5000/udp
	start server-internet on internet "$TRANSFER" serve 7000
	start server-ns1 on ns1 "$TRANSFER" serve 5000
	is "$(wrong_sums)" "" "wrong checksums before"
	transfer "masquerade" ns1 $INTERNET 7000
	transfer "published port" internet $HOST 5000
	transfer "published port, from a namespace" ns2 $HOST 5000
	transfer "published port, from the host" host $HOST 5000
	transfer "namespace to namespace" ns2 $NS1 5000
	transfer "host to namespace" host $NS1 5000
	is "$(wrong_sums)" "" "wrong checksums"
}

offload() { # WHERE DEV FEATURE on|off ...
	on "$1" ethtool -K "${@:2}" > /dev/null 2>&1 || fail "no ethtool -K ${*:2} in $1"
}

nothing_offloaded() { # WHERE DEV
	offload "$1" "$2" tx off sg off tso off gso off gro off rx off
}

inside() { # offload|nothing_offloaded [WHAT]
	"$1" ns1 ceth0 "${@:2}"
	"$1" ns2 ceth1 "${@:2}"
	"$1" host veth0 "${@:2}"
	"$1" host veth1 "${@:2}"
}

gateway() {
	"$1" host ebpfnet0 "${@:2}"
	"$1" host ebpfnet0p "${@:2}"
}

outside() {
	"$1" isp lan "${@:2}"
	"$1" isp wan "${@:2}"
	"$1" internet eth0 "${@:2}"
}

everywhere() {
	inside "$@"
	gateway "$@"
	"$1" host eth0 "${@:2}"
	outside "$@"
}

test_fault_08_offloads_as_they_are() {
	up
	arrives_whole
}

test_fault_08_offloads_off_inside() {
	up
	inside nothing_offloaded
	arrives_whole
}

test_fault_08_offloads_off_on_the_uplink() {
	up
	nothing_offloaded host eth0
	arrives_whole
}

test_fault_08_offloads_off_outside() {
	up
	outside nothing_offloaded
	arrives_whole
}

test_fault_08_offloads_off_everywhere() {
	up
	everywhere nothing_offloaded
	arrives_whole
}

# The kernel cuts GSO packets after the programs, and leaves the checksums to the device.
test_fault_08_software_segmentation() {
	up
	everywhere offload tso off tx-udp-segmentation off
	arrives_whole
}

# Checksums complete before and after, packets merged between: what comes in is translated merged.
test_fault_08_packets_merged_by_gro() {
	up
	everywhere nothing_offloaded
	everywhere offload gro on
	arrives_whole
}

# As a NIC merges them: GRO on, checksums left to the device.
test_fault_08_packets_merged_and_checksums_offloaded() {
	up
	everywhere offload gro on rx-udp-gro-forwarding on
	arrives_whole
}
