# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A plugin that is killed at any call, as by a runtime that runs out of patience: the runtime asks again, or has it
# undone, and all is as it should be.
#
# hooks: any
source "$TOP/tests/lib/interrupted.sh"
source "$TOP/tests/lib/cni.sh"

# A call as a command, for strace. The configuration comes from a file.
call() { # VERB NAME
	cat > $T/call <<-END
		#!/bin/sh
		CNI_COMMAND=$1 CNI_CONTAINERID=id-$2 CNI_NETNS=/run/netns/$2 CNI_IFNAME=eth0 CNI_PATH=/x exec ebpfnet < $T/conf
	END
	chmod +x $T/call
}

nobody() { :; }

somebody() { plug a "$(ports 8080:80 8081:81)"; }

a_is_attached() { # AFTER
	local addr
	cni ADD id-a /run/netns/a "$(< $T/conf)"
	is "$status" 0 "status of the same ADD after $1 ($out)"
	addr=$(json 'j["ips"][0]["address"].split("/")[0]' <<< "$out")
	pings a 8.8.8.8
	pings b "$addr"
	is "$(ebpfnet exposed --json | json '[(p["text"], p["to"].split(":")[1]) for p in j["published"]]')" \
		"[('*:8080-8081', '80-81')]" "what is published after $1"
	must ebpfnet status
}

# Every second time the runtime gives up, and sends DEL.
call_converges() { # PREPARE SYSCALL VERB
	local idle n all turn=0
	up --ns none
	container a b
	conf "$(ports 8080:80 8081:81)" > $T/conf
	plug b '"runtimeConfig": {"ips": ["10.91.0.99"]}'
	call "$3" a
	somebody # lo's program is loaded once, and stays
	unplug a
	idle=$(everything)
	$1
	all=$(moments "$2" $T/call)
	[ -n "$all" ] || fail "$3 never calls $2"
	unplug a
	is "$(diff <(echo "$idle") <(everything))" "" "what DEL leaves"
	# shellcheck disable=SC2086 # words
	for n in $(share $all); do
		$1
		kill_at "$2" "$n" $T/call
		if [ $((turn++ % 2)) = 0 ]; then
			a_is_attached "$2 $n of $3"
		fi
		unplug a
		is "$(diff <(echo "$idle") <(everything))" "" "what is left after $2 $n of $3"
	done
	pings b 8.8.8.8
	must ebpfnet status
}

test_add_at_each_bpf_call() { call_converges nobody bpf ADD; }
test_add_at_each_netlink_message() { call_converges nobody sendto ADD; }
test_add_at_each_symlink() { call_converges nobody symlink ADD; }
test_add_at_each_file() { call_converges nobody openat ADD; }
test_del_at_each_bpf_call() { call_converges somebody bpf DEL; }
test_del_at_each_netlink_message() { call_converges somebody sendto DEL; }
test_del_at_each_unlink() { call_converges somebody unlink DEL; }

# With limits, whose queues go with the last of them.
limited_call_converges() { # SYSCALL VERB
	local idle n all turn=0
	up --ns none
	container a b
	conf '"runtimeConfig": {"bandwidth": {"ingressRate": 1000000, "ingressBurst": 80000}}' > $T/conf
	plug b '"runtimeConfig": {"ips": ["10.91.0.99"]}'
	call ADD a
	must $T/call # the shaper's program is loaded once, and stays
	call "$2" a
	[ "$2" = ADD ] || all=$(moments "$1" $T/call)
	unplug a
	idle=$(everything)
	[ "$2" = DEL ] || all=$(moments "$1" $T/call)
	unplug a
	# shellcheck disable=SC2086 # words
	for n in $(share $all); do
		[ "$2" = ADD ] || plug a "$(cut -c2- $T/conf | sed 's/}$//')"
		kill_at "$1" "$n" $T/call
		if [ $((turn++ % 2)) = 0 ] && [ "$2" = ADD ]; then
			must $T/call
			is "$(tc class show dev ebpfnet-shape | wc -l)" 1 "queues after $1 $n of $2"
			must ebpfnet status
		fi
		unplug a
		is "$(diff <(echo "$idle") <(everything))" "" "what is left after $1 $n of $2"
	done
	must ebpfnet status
}

test_add_with_a_limit_at_each_bpf_call() { limited_call_converges bpf ADD; }
test_add_with_a_limit_at_each_netlink_message() { limited_call_converges sendto ADD; }
test_del_with_a_limit_at_each_bpf_call() { limited_call_converges bpf DEL; }
test_del_with_a_limit_at_each_netlink_message() { limited_call_converges sendto DEL; }

# From nothing: host, network and container.
test_the_first_add_at_each_bpf_call() {
	local before n all
	container a
	before=$(everything)
	conf "$(ports 8080:80)" > $T/conf
	call ADD a
	all=$(moments bpf $T/call)
	must ebpfnet down
	STEP=64
	# shellcheck disable=SC2086 # words
	for n in $(share $all); do
		kill_at bpf "$n" $T/call
		must $T/call
		pings a 8.8.8.8
		run ebpfnet status --json
		is "$status" 0 "status after bpf $n: $(json 'j["problems"]' <<< "$out")"
		must ebpfnet down
		is "$(diff <(echo "$before") <(everything))" "" "what is left after bpf $n"
	done
}

# ---- the same of netavark, whose network comes and goes with its container

netavark_call() { # setup|teardown
	printf '#!/bin/sh\nexec ebpfnet %s /run/netns/a < %s\n' "$1" $T/request > $T/call
	chmod +x $T/call
}

set_up_a() { must ebpfnet setup /run/netns/a < $T/request; }

tear_down_a() { must ebpfnet teardown /run/netns/a < $T/request; }

netavark_converges() { # PREPARE SYSCALL setup|teardown
	local idle n all turn=0
	source "$TOP/tests/lib/netavark.sh"
	up --ns none
	container a b
	plug b '"name": "other", "subnet": "10.92.0.0/24"'
	request a 10.91.0.7 "$(net)" '8080:80+2' > $T/request
	netavark_call "$3"
	set_up_a # lo's program is loaded once, and stays
	tear_down_a
	idle=$(everything)
	$1
	all=$(moments "$2" $T/call)
	[ -n "$all" ] || fail "$3 never calls $2"
	tear_down_a
	is "$(diff <(echo "$idle") <(everything))" "" "what teardown leaves"
	# shellcheck disable=SC2086 # words
	for n in $(share $all); do
		$1
		kill_at "$2" "$n" $T/call
		if [ $((turn++ % 2)) = 0 ]; then
			set_up_a
			pings a 8.8.8.8
			is "$(published)" "*:8080-8081 tcp -> 10.91.0.7:80-81" "what is published after $2 $n of $3"
			must ebpfnet status
		fi
		tear_down_a
		is "$(diff <(echo "$idle") <(everything))" "" "what is left after $2 $n of $3"
	done
	pings b 8.8.8.8
	must ebpfnet status
}

test_setup_at_each_bpf_call() { netavark_converges nobody bpf setup; }
test_setup_at_each_netlink_message() { netavark_converges nobody sendto setup; }
test_teardown_at_each_bpf_call() { netavark_converges set_up_a bpf teardown; }
test_teardown_at_each_netlink_message() { netavark_converges set_up_a sendto teardown; }
