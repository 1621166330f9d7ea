# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# The vocabulary of e2e tests. tests/lib/one sources this inside a fresh lab, then the test's file,
# then calls its function. $HOOK is how programs are to be attached.

# shellcheck disable=SC2034 # used by the tests
HOST=172.31.13.55 GATEWAY=192.168.1.1 NS1=192.168.1.10 NS2=192.168.1.11
INTERNET=203.0.113.10 INTERNET2=203.0.113.11
PINS=/sys/fs/bpf/ebpfnet
WIRE=$TOP/tests/lib/wire.py
CRAFT=$TOP/tests/lib/craft.py
T=/run/test
mkdir -p $T

fail() {
	echo "$*" >&2
	exit 1
}

skip() {
	echo "$*" >&2
	exit 77
}

# ---- running and judging

# Runs a command; its output and status are in $out, $err and $status.
run() {
	status=0
	"$@" > $T/out 2> $T/err || status=$?
	out=$(< $T/out)
	err=$(< $T/err)
}

must() {
	run "$@"
	[ "$status" = 0 ] || fail "status $status: $*"$'\n'"$out"$'\n'"$err"
}

must_not() {
	run "$@"
	[ "$status" != 0 ] || fail "should have failed: $*"$'\n'"$out"
}

# `status` says in its own status that something is wrong.
must_be_unhealthy() {
	run ebpfnet status
	[ "$status" = 3 ] || fail "status $status: ebpfnet status"$'\n'"$out"$'\n'"$err"
}

is() { # ACTUAL WANTED WHAT
	[ "$1" = "$2" ] || fail "$3: is \"$1\", should be \"$2\""
}

like() { # TEXT REGEX
	grep -qE -- "$2" <<< "$1" || fail "not found: $2"$'\n'"in: $1"
}

unlike() {
	! grep -qE -- "$2" <<< "$1" || fail "must not be there: $2"$'\n'"in: $1"
}

# Tries a command for up to 10 s. For the effects of another process, never for those of ebpfnet itself.
soon() {
	local end=$((SECONDS + 10))
	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -le $end ] || fail "never came true: $*"
		sleep 0.02
	done
}

# Starts a process in a network namespace of its own, which has no name; $guest is its id.
start_guest() {
	unshare -n sleep 60 &
	guest=$!
	soon is_elsewhere "$guest"
}

is_elsewhere() { # PID
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# ---- the lab

# The uplink as it was, and the provider's end of it.
make_uplink_again() { # [index N]
	ip link add eth0 "$@" address 06:00:ac:1f:0d:37 mtu 9001 type veth peer name lan netns isp mtu 9001
	ip -n isp address add 172.31.0.1/20 dev lan
	ip -n isp link set lan up
	ip address add $HOST/20 dev eth0
	ip link set eth0 up
	ip route add default via 172.31.0.1
	soon ping -n -c1 -W1 172.31.0.1 # a new device lets packets through a moment later
}

# Another device of the host, eth1 with the address 10.9.0.1: to namespace lan2, 10.9.0.2.
second_card() {
	ip netns add lan2
	ip link add eth1 type veth peer name eth0 netns lan2
	ip address add 10.9.0.1/24 dev eth1
	ip link set eth1 up
	ip -n lan2 address add 10.9.0.2/24 dev eth0
	ip -n lan2 link set eth0 up
	soon ping -n -c1 -W1 10.9.0.2
}

# ---- ebpfnet

up() {
	must ebpfnet up --hook "$HOOK" "$@"
}

# The command is refused with one line that gives the reason, and changes nothing.
turned_down() { # STATUS REGEX CMD...
	local before
	before=$(snapshot)
	run "${@:3}"
	is "$status" "$1" "status of: ${*:3}"$'\n'"$out$err"$'\n'
	is "$(wc -l < $T/err)" 1 "lines of error, $(< $T/err)"
	like "$err" '^ebpfnet: '
	like "$err" "$2"
	is "$out" "" "standard output"
	[ "$before" = "$(snapshot)" ] || fail "changed something: ${*:3}"$'\n'"$(diff <(echo "$before") <(snapshot))"
}

# By the state of the network or of the host.
refused() { # REGEX CMD...
	turned_down 1 "$@"
}

# By the command line alone: an unknown word, a missing one, a bad value.
misused() { # REGEX CMD...
	turned_down 2 "$@"
}

# The sum over CPUs of a counter, or of everything counted in counters.h under a name.
counter() {
	bpftool -j map dump pinned $PINS/counters | python3 -c '
import json, sys
print(sum(cpu["value"][sys.argv[1]] for e in json.load(sys.stdin)[0:] for cpu in e["formatted"]["values"]))' "$1"
}

json() { # EXPRESSION of j, from the JSON that is standard input
	python3 -c 'import json, sys; j = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

snapshot() {
	"$TOP/tests/lib/snapshot"
}

# ---- traffic. FROM is "host" or a namespace

on() {
	if [ "$1" = host ]; then "${@:2}"; else nsenter --net="/run/netns/$1" "${@:2}"; fi
}

pings() { # FROM ADDR [OPTIONS]
	must on "$1" ping -n -c1 -W1 "${@:3}" "$2"
}

no_pings() {
	must_not on "$1" ping -n -c1 -W0.3 "${@:3}" "$2"
}

# Starts a command that prints "ready", and waits for that; it ends with the lab.
start() { # NAME CMD...
	"${@:2}" > "$T/$1.out" 2> "$T/$1.err" &
	echo $! > "$T/$1.pid"
	soon grep -q ready "$T/$1.out"
}

stop() { # NAME
	local pid
	pid=$(< "$T/$1.pid")
	kill "$pid" 2> /dev/null || true # some end by themselves
	wait "$pid" 2> /dev/null || true
}

serve() { # WHERE tcp|udp PORT [ADDR]
	start "serve-$1-$2-$3" on "$1" "$WIRE" serve "${@:2}"
}

# The server behind ADDR:PORT answers, and sees the client as WHOM.
reaches() { # FROM tcp|udp ADDR PORT WHOM [SPORT]
	must on "$1" "$WIRE" ask "$2" "$3" "$4" ${6+"$6"}
	is "${out% *}" "$5" "the client's address that the server at $3 sees"
}

unreached() { # FROM tcp|udp ADDR PORT refused|silent|unreachable
	local wait=3 # an answer may take its time, silence has to be waited for
	[ "$5" != silent ] || wait=0.4
	WIRE_TIMEOUT=$wait run on "$1" "$WIRE" ask "$2" "$3" "$4"
	case $status in 3) status=refused ;; 4) status=silent ;; 5) status=unreachable ;; esac
	is "$status" "$5" "asking $2 $3:$4 from $1, $out$err"
}

# Captures frames on a device until heard() is called, which puts them into $heard, with their Ethernet headers.
hear() { # WHERE DEV FILTER...
	on "$1" tcpdump -i "$2" -n -e -l --immediate-mode "${@:3}" > "$T/hear-$1-$2" 2> "$T/hear-$1-$2.err" &
	echo $! > "$T/hear-$1-$2.pid"
	soon grep -q 'listening on' "$T/hear-$1-$2.err"
}

heard() { # WHERE DEV
	sleep 0.1
	stop "hear-$1-$2"
	heard=$(< "$T/hear-$1-$2")
}

# One connection that stays: converse() begins it, each say() must come back through it.
converse() { # FROM tcp|udp ADDR PORT
	mkfifo $T/say
	on "$1" "$WIRE" talk "${@:2}" < $T/say > $T/talk.out 2> $T/talk.err &
	echo $! > $T/talk.pid
	exec {talk}> $T/say
	soon grep -q ready $T/talk.out
}

say() {
	echo "$1" >&"$talk"
	soon grep -qx "$1" $T/talk.out
}

say_in_vain() {
	echo "$1" >&"$talk"
	sleep 0.5
	! grep -qx "$1" $T/talk.out || fail "an answer came: $1"
}

# ---- packets by hand: see tests/lib/craft.py

probe() { # PYTHON
	must "$CRAFT" <<< "$1"
}

# Addresses outside where only a probe answers, and a namespace whose kernel drops the packets that the probe
# captures there (but for those of the gateway).
by_hand() { # NAMESPACE...
	local name
	ip -n isp route add blackhole 203.0.113.64/26
	for name in "$@"; do
		on "$name" iptables -A INPUT -i ceth+ ! -s $GATEWAY -j DROP
	done
}
