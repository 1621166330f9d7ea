# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
# hooks: any
#
# `bench` prints how fast this machine is with each contender, and leaves nothing behind. Speed is not asserted.

# A short one. Rows may be missing their figure if other work starves it; the rows themselves are there.
bench() { # [OPTION]
	run ebpfnet bench --ms 20 --repeats 1 "$@"
	[ "$status" = 0 ] || like "$err" 'was never measured'
}

is_as_before() {
	is "$(diff <(echo "$before") <(snapshot))" "" "what bench left, or took"
	is "$(processes)" "" "processes of bench"
}

processes() {
	ps -eo comm= | grep -x ebpfnet || true
}

no_processes() {
	[ -z "$(processes)" ]
}

# On this lab's host and in it, all that stands: itself, and one process for each contender.
all_stand() {
	[ "$(processes | wc -l)" -ge 6 ]
}

test_prints_every_row_and_leaves_nothing() {
	local path figure before
	before=$(snapshot)
	bench
	is_as_before
	for path in 'namespace - namespace' 'namespace - outside' 'outside - published port' 'host - namespace'; do
		for figure in 'TCP requests/s' 'TCP connections/s' 'UDP 64-byte frames/s' 'TCP stream, Mbit/s'; do
			like "$out" "^$path +$figure +[0-9,-]+ +[0-9,-]+ +[0-9,-]+ +[0-9.-]+ +[0-9.-]+ +[0-9.-]+\$"
		done
	done
	like "$out" '^path +figure +bare veth +kernel bridge +ebpfnet +x bridge'
	like "$out" '^Medians of 1'
	unlike "$out" 'iptables is unavailable'
}

test_json() {
	bench --json
	"$TOP/tests/lib/json_check.py" bench <<< "$out" || fail "it is not as in docs/json.md"
	is "$(json 'len(j["rows"]), len({(r["path"], r["figure"]) for r in j["rows"]})' <<< "$out")" "(16, 16)" rows
	is "$(json 'sorted({r["path"] for r in j["rows"]})' <<< "$out")" \
		"['host', 'masquerade', 'publish', 'switch']" paths
	is "$(json 'all(r[k] is None or r[k] > 0 for r in j["rows"] for k in ("veth", "bridge", "ebpfnet", "vs_bridge"))' \
		<<< "$out")" True "figures are positive"
	is "$(json 'all(r["veth"] is None for r in j["rows"] if r["path"] in ("masquerade", "publish"))' <<< "$out")" \
		True "no veth pair leads there"
	is "$(json 'j["repeats"], j["sample_ms"], j["without_iptables"]' <<< "$out")" "(1, 20, None)" "how it was measured"
}

# Same addresses, devices and port; and folders, of which some are there and some are not, that both write to.
test_beside_a_network_that_is_up() {
	local before hosts
	up --ns ns1 --ns other
	must ebpfnet expose ns1 15001
	before=$(snapshot)
	hosts=$(< /run/ebpfnet/hosts)
	bench
	is_as_before
	is "$(< /run/ebpfnet/hosts)" "$hosts" "names of this host's namespaces"
	pings ns1 $NS2
	is "$(ebpfnet status --json | json 'j["problems"]')" "[]" problems
}

test_pins_nothing_where_its_user_does() {
	mkdir $T/bpf
	mount -t bpf bpf $T/bpf
	EBPFNET_BPFFS=$T/bpf bench
	[ ! -e $T/bpf/ebpfnet ] || fail "pinned: $(ls $T/bpf/ebpfnet)"
}

test_killed_in_the_middle() {
	local before signal
	before=$(snapshot)
	for signal in KILL TERM INT; do
		# a shell's background job is deaf to INT
		env --default-signal=INT ebpfnet bench > $T/bench.out 2> $T/bench.err &
		soon all_stand
		kill -$signal $!
		wait $! && fail "ended well after $signal"
		soon no_processes
		is_as_before
	done
}

test_killed_while_it_builds() {
	local before n
	before=$(snapshot)
	for n in 0.02 0.05 0.1 0.2 0.3 0.5; do
		ebpfnet bench > $T/bench.out 2> $T/bench.err &
		sleep $n
		kill -KILL $!
		wait $! && fail "ended well after KILL"
		soon no_processes
		is_as_before
	done
}

# The process that all others end with.
test_its_first_process_is_killed() {
	local before status=0
	before=$(snapshot)
	ebpfnet bench > $T/bench.out 2> $T/bench.err &
	soon all_stand
	kill -KILL "$(pgrep -P $!)"
	wait $! || status=$?
	is $status 1 "status"
	like "$(< $T/bench.err)" 'killed'
	soon no_processes
	is_as_before
}

hide() { # PROGRAM: it is no program any more, in this lab
	mount --bind /dev/null "$(realpath "$(command -v "$1")")"
}

test_without_iptables() {
	hide iptables
	bench
	like "$out" 'iptables is unavailable: it is not installed'
	like "$out" '^namespace - outside +TCP requests/s +- +- +[0-9,-]+ +- +- +-$'
	bench --json
	is "$(json 'j["without_iptables"]' <<< "$out")" "it is not installed" "why"
	is "$(json '[r["bridge"] for r in j["rows"] if r["path"] == "publish"]' <<< "$out")" \
		"[None, None, None, None]" "the bridge on a path that needs rules"
}

test_with_iptables_that_fails() {
	printf '#!/bin/sh\necho "iptables: out of order" >&2\nexit 1\n' > /run/lab/bin/iptables
	chmod 755 /run/lab/bin/iptables
	bench
	like "$out" 'iptables is unavailable: `iptables` says: iptables: out of order$'
}

test_without_ip() {
	hide ip
	refused 'no `ip`; install iproute2' ebpfnet bench
}

test_with_ip_that_fails() {
	printf '#!/bin/sh\necho "RTNETLINK answers: No" >&2\necho more >&2\nexit 1\n' > /run/lab/bin/ip
	chmod 755 /run/lab/bin/ip
	run ebpfnet bench
	is "$status" 1 status
	is "$err" 'ebpfnet: cannot build the bare veth pair for the benchmark: `ip` says: RTNETLINK answers: No' error
}

test_not_root() {
	cp "$(command -v ebpfnet)" $T/ebpfnet
	chmod 755 $T/ebpfnet
	refused 'root' setpriv --reuid 65534 --regid 65534 --clear-groups $T/ebpfnet bench
	refused 'CAP_SYS_ADMIN' setpriv --bounding-set -sys_admin ebpfnet bench
}

test_numbers_that_are_malformed() {
	local bad
	for bad in 0 9 10001 x -1 ''; do
		misused '--ms.*from 10 to 10000' ebpfnet bench --ms "$bad"
	done
	for bad in 0 101 1x; do
		misused '--repeats.*from 1 to 100' ebpfnet bench --repeats "$bad"
	done
}
