# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# What an attached namespace is called, and how its container's runtime finds it again.
#
# hooks: any

ID=4bd24103022f00b54bd24103022f00b54bd24103022f00b54bd24103022f00b5
LONG=cni-46246b7d-3571-4b1c-9fa1-0123456789ab

names() {
	ebpfnet ns list --json | json '" ".join(n["name"] for n in j["namespaces"])'
}

test_fault_28_namespaces_of_processes_are_called_by_their_ids() {
	local first
	up
	start_guest
	first=$guest
	must ebpfnet attach "/proc/$first/ns/net"
	start_guest
	cd /proc
	must ebpfnet attach "$guest/ns/net" # a relative path
	cd /
	is "$(names)" "ns1 ns2 pid$first pid$guest" "names"
	must ebpfnet status # each is found from here, too
	must ebpfnet exec "pid$guest" -- ping -n -c1 -W1 $NS1
}

test_fault_28_a_long_name_is_shortened_to_one_of_its_own() {
	up
	ip netns add $LONG
	ip netns add ${LONG%b}c
	must ebpfnet attach $LONG
	must ebpfnet attach /var/run/netns/${LONG%b}c
	is "$(names | wc -w)" 4 "names"
	like "$(names)" ' cni-4624-[0-9a-f]{6} cni-4624-[0-9a-f]{6}$'
	must ip netns exec $LONG ping -n -c1 -W1 ns1 # by its hosts file
	must ebpfnet exec "$(names | cut -d' ' -f3)" -- ping -n -c1 -W1 ns2
	must ebpfnet detach "$(names | cut -d' ' -f3)"
	must_not test -e /etc/netns/$LONG
}

test_fault_28_a_name_that_is_not_used_may_be_of_any_length() {
	local path
	up
	ip netns add $LONG
	must ebpfnet attach $LONG --name web
	pings $LONG $NS1
	path=/run/$(printf 'long%.0s' $(seq 25))
	start_guest
	touch "$path"
	mount --bind "/proc/$guest/ns/net" "$path"
	must ebpfnet attach "$path" --name far
	must ebpfnet status
	misused 'cannot attach .*: the name is too long' ebpfnet attach "$(printf 'n%.0s' $(seq 250))"
	misused 'cannot attach .*: the path is longer than 191 characters' \
		ebpfnet attach "/run/$(printf 'n%.0s' $(seq 250))" --name x
}

test_fault_28_ids_and_labels_are_kept_and_found() {
	local line
	up
	start_guest
	must ebpfnet attach "$guest" --id $ID --label 'web shop'
	line=$(ebpfnet ns list --json | json '[n for n in j["namespaces"] if n["id"]][0]')
	like "$line" "'label': 'web shop', 'id': '$ID'"
	like "$(ebpfnet ns list)" "^4bd24103-[0-9a-f]{6} .* web shop +$ID"
	start_guest
	refused "id $ID is attached already, as 4bd24103-" ebpfnet attach "$guest" --id $ID --name other
	must ebpfnet attach "$guest" --id other --name box
	must ebpfnet up
	must ebpfnet detach --id $ID
	is "$(names)" "ns1 ns2 box" "names"
	refused "no namespace with the id $ID; .ebpfnet ns list. shows them" ebpfnet detach --id $ID
	refused '' ebpfnet detach --id "${ID}0"
	must ebpfnet detach --id other
}

test_fault_28_ids_and_labels_that_cannot_be_kept_are_refused() {
	local bad
	up
	start_guest
	for bad in "" "${ID}0" "a b" $'\e[31m'; do
		misused '^ebpfnet: --id: ' ebpfnet attach "$guest" --id "$bad"
	done
	for bad in "" "$ID" $'two\nlines' $'\e[31m'; do
		misused '^ebpfnet: --label: ' ebpfnet attach "$guest" --label "$bad"
	done
	misused 'detach needs a name, --id ID, or --gone' ebpfnet detach
	misused 'detach needs a name, --id ID, or --gone' ebpfnet detach box --id x
	misused 'ns add takes no --id' ebpfnet ns add x --id y
}

test_fault_28_what_is_no_namespace_is_refused_in_one_line() {
	up
	mkfifo /run/pipe
	refused "that is the host's own network namespace" ebpfnet attach /proc/self/ns/net
	refused "that is the host's own network namespace" ebpfnet attach /proc/1/ns/net
	refused 'is not a network namespace' ebpfnet attach /run/pipe
	refused 'is not a network namespace' ebpfnet attach /proc/self/ns/mnt
	refused 'cannot attach /nowhere/net: No such file' ebpfnet attach /nowhere/net
	refused 'no network namespace' ebpfnet attach ./nothing
	misused "that is no namespace's name" ebpfnet attach ..
	misused "that is no namespace's name" ebpfnet attach ''
}
