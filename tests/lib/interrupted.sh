# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A command that is killed at any moment leaves a state that the next `up` or `down` repairs. strace kills it as it
# enters a system call: each call that changes something, one after the other. The command runs on one CPU, so that
# it loads with one thread: strace counts calls per thread.

CHANGES='MAP_UPDATE|MAP_DELETE|OBJ_PIN|LINK_CREATE|LINK_UPDATE|LINK_DETACH|RTM_NEW|RTM_DEL|RTM_SET|O_CREAT|O_WRONLY'

# Any CPU that this test may run on.
one_cpu() {
	local cpus
	mapfile -t cpus < <(taskset -c -p $$ | sed 's/.*: //; s/,/\n/g' | awk -F- '{ for (c = $1; c <= $NF; c++) print c }')
	echo "${cpus[$$ % ${#cpus[@]}]}"
}

CPU=$(one_cpu)

# The calls of a command, by their number from 1 on, that change something. A command without any is a failed test.
moments() { # SYSCALL CMD...
	must taskset -c "$CPU" strace -f -qq -o $T/trace -e "trace=$1" "${@:2}"
	changing "$1" $T/trace || fail "${*:2} never calls $1"
}

# A call that fails changes nothing. A write to a sysctl is repeated by the kernel (ERESTART) while another process
# has the lock of all devices.
changing() { # SYSCALL TRACE
	sed -i '/ERESTART/d' "$2"
	case $1 in
	bpf | sendto | openat) grep -nE "$CHANGES" "$2" ;;
	*) grep -n '' "$2" ;;
	esac | grep -v ' = -1 ' | cut -d: -f1 # with pipefail: false if there is none
}

kill_at() { # SYSCALL N CMD...
	local status=0
	taskset -c "$CPU" strace -f -qq -o /dev/null -e "inject=$1:signal=KILL:when=$2" "${@:3}" > $T/killed 2>&1 || status=$?
	is $status 137 "status of a killed ${*:3} ($1 $2)"
}

# Packets that programs passed on; counter() takes many times as long.
passed_on() {
	bpftool map dump pinned $PINS/counters | awk '/"not_ours":/ { n += $2 } END { print n }'
}

# Each program that is attached to an uplink counts a packet that it passes on, once.
programs_run_once() {
	local before
	pings host 172.31.0.1
	before=$(passed_on)
	pings host 172.31.0.1
	echo $(($(passed_on) - before)) # the request on its way out, the answer on its way in
}

# A frame for all goes along the list of ports: each is in it, once.
lists_each_port() { # AFTER
	bpftool map dump pinned $PINS/ports > $T/ports
	bpftool map dump pinned $PINS/networks > $T/networks
	is "$(awk '/"next":|"first_port":/ && $2 + 0 { print $2 + 0 }' $T/ports $T/networks | sort -n | xargs)" \
		"$(awk '/"key":/ { print $2 + 0 }' $T/ports | sort -n | xargs)" "ports in the list$1"
}

works() {
	pings ns1 $NS2
	pings ns1 8.8.8.8
	pings host $NS1
	like "$(ebpfnet status --json | tr -d ' \n')" '"problems":\[\]'
	lists_each_port "$1"
	[ "$(programs_run_once)" = 2 ] || is "$(programs_run_once)" 2 "programs that saw a ping of the host's$1"
}

# Nothing was left behind, nor taken away.
is_as_before() {
	is "$(diff <(echo "$before") <(snapshot))" "" "what was left, or taken$1"
}

# Of the moments `make test` tries KILLS (two) at equal distances, and where both kinds of hook are tried, by the other
# those between; `make faults` tries all.
share() { # MOMENT...
	local kills=${KILLS-2} between=0 i
	[ "${FAULT_KILLS-}" != all ] && [ "$kills" -le $# ] || kills=$#
	[ "$HOOK" = tcx ] || between=1
	for ((i = 0; i < kills; i++)); do
		echo "${@:(2 * i + between) * $# / (2 * kills) + 1:1}"
	done
}

# PREPARE makes the network that CMD is killed in; `up` makes it whole, `down` ends it: every second
# time `down` comes at once.
converges() { # PREPARE SYSCALL CMD...
	local before n all turn=0
	before=$(snapshot)
	$1
	all=$(moments "${@:2}")
	must ebpfnet down
	is_as_before " at all"
	# shellcheck disable=SC2086 # words
	for n in $(share $all); do
		$1
		kill_at "$2" "$n" "${@:3}"
		if [ $((turn++ % 2)) = 0 ]; then
			up
			works " after $2 $n of ${*:3}"
		fi
		must ebpfnet down
		is_as_before " after $2 $n of ${*:3}"
	done
}

# A client's call, the command $T/call, that is killed. PREPARE makes the state that it finds; the client then has all
# undone by UNDO, and every second time first has it done again by AGAIN " after ...", which looks at what came of it.
call_converges() { # SYSCALL NAME PREPARE AGAIN UNDO
	local idle n all turn=0
	idle=$(everything)
	$3
	all=$(moments "$1" $T/call)
	$5
	is "$(diff <(echo "$idle") <(everything))" "" "what is left of $2"
	# shellcheck disable=SC2086 # words
	for n in $(share $all); do
		$3
		kill_at "$1" "$n" $T/call
		[ $((turn++ % 2)) != 0 ] || $4 " after $1 $n of $2"
		$5
		is "$(diff <(echo "$idle") <(everything))" "" "what is left after $1 $n of $2"
	done
	must ebpfnet status
}

nothing() { :; }

three() {
	up
	must ebpfnet ns add three
}

up_converges() { # SYSCALL
	converges nothing "$1" ebpfnet up --hook "$HOOK"
}
