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

somebody() { plug a "$(ports 8080:80 8081:81)"; }

detach_a() { unplug a; }

a_is_attached() { # AFTER
	local addr
	cni ADD id-a /run/netns/a "$(< $T/conf)"
	is "$status" 0 "status of the same ADD$1 ($out)"
	addr=$(json 'j["ips"][0]["address"].split("/")[0]' <<< "$out")
	pings a 8.8.8.8
	pings b "$addr"
	is "$(ebpfnet exposed --json | json '[(p["text"], p["to"].split(":")[1]) for p in j["published"]]')" \
		"[('*:8080-8081', '80-81')]" "what is published$1"
	must ebpfnet status
}

cni_converges() { # PREPARE SYSCALL VERB
	up --ns none
	container a b
	conf "$(ports 8080:80 8081:81)" > $T/conf
	plug b '"runtimeConfig": {"ips": ["10.91.0.99"]}'
	call "$3" a
	somebody # lo's program is loaded once, and stays
	unplug a
	call_converges "$2" "$3" "$1" a_is_attached detach_a
	pings b 8.8.8.8
}

test_add_at_each_bpf_call() { cni_converges nothing bpf ADD; }
test_add_at_each_netlink_message() { cni_converges nothing sendto ADD; }
test_add_at_each_symlink() { cni_converges nothing symlink ADD; }
test_add_at_each_file() { cni_converges nothing openat ADD; }
test_del_at_each_bpf_call() { cni_converges somebody bpf DEL; }
test_del_at_each_netlink_message() { cni_converges somebody sendto DEL; }
test_del_at_each_unlink() { cni_converges somebody unlink DEL; }

# With limits, whose queues go with the last of them.
limited() { plug a "$(cut -c2- $T/conf | sed 's/}$//')"; }

a_has_its_limit() { # AFTER
	must $T/call
	is "$(tc class show dev ebpfnet-shape | wc -l)" 1 "queues$1"
	must ebpfnet status
}

limited_converges() { # SYSCALL VERB PREPARE AGAIN
	up --ns none
	container a b
	conf '"runtimeConfig": {"bandwidth": {"ingressRate": 1000000, "ingressBurst": 80000}}' > $T/conf
	plug b '"runtimeConfig": {"ips": ["10.91.0.99"]}'
	call "$2" a
	limited # the shaper's program is loaded once, and stays
	unplug a
	call_converges "$@" detach_a
}

test_add_with_a_limit_at_each_bpf_call() { limited_converges bpf ADD nothing a_has_its_limit; }
test_add_with_a_limit_at_each_netlink_message() { limited_converges sendto ADD nothing a_has_its_limit; }
test_del_with_a_limit_at_each_bpf_call() { limited_converges bpf DEL limited nothing; }
test_del_with_a_limit_at_each_netlink_message() { limited_converges sendto DEL limited nothing; }

# From nothing: host, network and container.
test_the_first_add_at_each_bpf_call() {
	local before n all
	container a
	before=$(everything)
	conf "$(ports 8080:80)" > $T/conf
	call ADD a
	all=$(moments bpf $T/call)
	must ebpfnet down
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

a_is_set_up() { # AFTER
	set_up_a
	pings a 8.8.8.8
	is "$(published)" "*:8080-8081 tcp -> 10.91.0.7:80-81" "what is published$1"
	must ebpfnet status
}

netavark_converges() { # PREPARE SYSCALL setup|teardown
	source "$TOP/tests/lib/netavark.sh"
	up --ns none
	container a b
	plug b '"name": "other", "subnet": "10.92.0.0/24"'
	request a 10.91.0.7 "$(net)" '8080:80+2' > $T/request
	netavark_call "$3"
	set_up_a # lo's program is loaded once, and stays
	tear_down_a
	call_converges "$2" "$3" "$1" a_is_set_up tear_down_a
	pings b 8.8.8.8
}

test_setup_at_each_bpf_call() { netavark_converges nothing bpf setup; }
test_setup_at_each_netlink_message() { netavark_converges nothing sendto setup; }
test_teardown_at_each_bpf_call() { netavark_converges set_up_a bpf teardown; }
test_teardown_at_each_netlink_message() { netavark_converges set_up_a sendto teardown; }
