# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Containers come and go, at the same time, and some without a word.
#
# hooks: any
source "$TOP/tests/lib/cni.sh"

names() {
	ebpfnet ns list --json | json 'sorted(n["name"] for n in j["namespaces"])'
}

address() { # NAME
	ebpfnet ns list --json | json '[n["addr"] for n in j["namespaces"] if n["name"] == "'"$1"'"][0]'
}

# The network of conf(), with nobody in it.
empty_network() {
	container first
	plug first
	unplug first
}

test_who_died_without_a_word_leaves_no_port_and_no_name() {
	container a b
	plug a "$(ports 8080:80)"
	ip netns del a
	plug b "$(ports 8080:80)"
	is "$(names)" "['id-b']" "who is attached"
	serve b tcp 80
	reaches internet tcp $HOST 8080 $INTERNET
	must ebpfnet status
}

test_a_new_container_may_have_the_id_of_one_that_died() {
	container a
	plug a "$(ports 8080:80)"
	ip netns del a
	container a
	plug a "$(ports 8080:80)"
	pings a 8.8.8.8
	is "$(names)" "['id-a']" "who is attached"
}

# The kernel removes a namespace a moment after its last user has gone.
test_who_dies_at_this_moment_is_dead() {
	local n
	for n in $(seq 20); do
		container "c$n"
		plug "c$n" "$(ports 8080:80)"
		ip netns del "c$n"
	done
	container last
	plug last "$(ports 8080:80)"
	is "$(names)" "['id-last']" "who is attached"
}

test_who_lives_is_not_taken_for_dead() {
	start_guest
	must env CNI_COMMAND=ADD CNI_CONTAINERID=guest CNI_NETNS="/proc/$guest/ns/net" CNI_IFNAME=eth0 CNI_PATH=/x ebpfnet <<< "$(conf)"
	container a b
	plug a
	umount /run/netns/a # somebody else still has it open
	ip -n b link show > /dev/null
	plug b
	is "$(names)" "['guest', 'id-b']" "who is attached"
	nsenter -t "$guest" -n ping -n -c1 -W1 8.8.8.8 > /dev/null
}

test_addresses_go_round() {
	container a b c
	plug a
	is "$(address id-a)" 10.91.0.10 "first address"
	unplug a
	plug b
	is "$(address id-b)" 10.91.0.11 "second address"
	unplug b
	plug a
	is "$(address id-a)" 10.91.0.12 "third address"
	# people go on from the lowest
	must ebpfnet attach c --network blue
	is "$(address c)" 10.91.0.10 "address of one that was attached by hand"
}

test_addresses_begin_again_behind_the_last() {
	local n small='"subnet": "10.91.0.0/24", "range": "10.91.0.8/30"'
	container a
	for n in 8 9 10 11 8; do
		plug a "$small"
		is "$(address id-a)" 10.91.0.$n "address"
		unplug a "$small"
	done
}

test_a_failed_add_leaves_nothing() {
	local before
	container a b
	before=$(everything)
	serve host tcp 8090
	cni_fails 100 'cannot publish' ADD id-a /run/netns/a "$(conf "$(ports 8080:80 8090:80)")"
	is "$(diff <(echo "$before") <(everything))" "" "what a failed ADD leaves where nothing was up"
	plug b
	cni_refuses 100 'cannot publish' ADD id-a /run/netns/a "$(conf "$(ports 8080:80 8090:80)")"
	cni_refuses 100 'cannot publish' ADD id-a /run/netns/a "$(conf '"name": "green", "subnet": "10.92.0.0/24"' "$(ports 8090:80)")"
	plug a "$(ports 8080:80)"
	pings a 8.8.8.8
}

test_a_thousand_ports_are_one_range() {
	local list
	container a
	mapfile -t list < <(for p in $(seq 20000 20999 | shuf); do echo $p:$((p - 10000)); done)
	plug a "$(ports "${list[@]}")"
	is "$(ebpfnet exposed --json | json '[(p["text"], p["to"]) for p in j["published"]]')" \
		"[('*:20000-20999', '10.91.0.10:10000-10999')]" "what is published"
	unplug a
	is "$(ebpfnet exposed --json | json 'j["published"]')" "[]" "what is published"
}

# As podman does, before it calls a plugin.
test_a_port_that_podman_reserves_is_published() {
	local podman=$T/podman
	container a b
	cat > "$podman" <<-'END'
		import ctypes, socket, subprocess, sys
		ctypes.CDLL(None).prctl(15, b"podman", 0, 0, 0)
		s = socket.socket()
		s.bind(("0.0.0.0", 8080))
		s.listen()
		sys.exit(subprocess.call(sys.argv[1:]))
	END
	run env CNI_COMMAND=ADD CNI_CONTAINERID=id-a CNI_NETNS=/run/netns/a CNI_IFNAME=eth0 CNI_PATH=/x \
		python3 "$podman" ebpfnet <<< "$(conf "$(ports 8080:80)")"
	is "$status" 0 "status with a port that podman reserves ($out$err)"
	sed -i 's/b"podman"/b"pod"/; s/8080/8081/' "$podman"
	run env CNI_COMMAND=ADD CNI_CONTAINERID=id-b CNI_NETNS=/run/netns/b CNI_IFNAME=eth0 CNI_PATH=/x \
		python3 "$podman" ebpfnet <<< "$(conf "$(ports 8081:80)")"
	is "$status" 1 "status with a port that another parent has"
	like "$(json 'j["msg"]' <<< "$out")" 'cannot publish tcp 8081: pod '
}

# From nothing: one of them makes host and network for all.
test_fifty_come_and_go_at_once() {
	local n pids=() addresses
	for n in $(seq 50); do echo "netns add c$n"; done | ip -batch -
	for n in $(seq 50); do
		env CNI_COMMAND=ADD CNI_CONTAINERID="id-$n" CNI_NETNS="/run/netns/c$n" CNI_IFNAME=eth0 CNI_PATH=/x \
			ebpfnet <<< "$(conf "$(ports $((7000 + n)):80)")" > "$T/add$n" 2>&1 &
		pids+=($!)
	done
	for n in "${pids[@]}"; do wait "$n" || fail "an ADD failed: $(grep -h msg $T/add* | head -n1)"; done
	addresses=$(cat $T/add* | grep -o '"address":"[^"]*"' | sort -u | wc -l)
	is "$addresses" 50 "different addresses"
	pings c50 8.8.8.8
	must ebpfnet status
	pids=()
	for n in $(seq 50); do
		env CNI_COMMAND=DEL CNI_CONTAINERID="id-$n" CNI_NETNS="/run/netns/c$n" CNI_IFNAME=eth0 CNI_PATH=/x \
			ebpfnet <<< "$(conf)" > "$T/del$n" 2>&1 &
		pids+=($!)
	done
	for n in "${pids[@]}"; do wait "$n" || fail "a DEL failed: $(cat $T/del*)"; done
	is "$(names)" "[]" "who is attached"
	is "$(ebpfnet exposed --json | json 'j["published"]')" "[]" "what is published"
	is "$(ip -o link show type veth | grep -c 'veth[0-9]')" 0 "devices"
}
