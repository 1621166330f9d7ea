# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Docker's network driver when something ends without a word: host, container, dockerd, a call; and what is no request.
#
# hooks: any
source "$TOP/tests/lib/interrupted.sh"
source "$TOP/tests/lib/docker.sh"

# The kernel's memory is lost, and the files stay.
reboot() {
	mv $KEPT $T/kept
	must ebpfnet down
	mkdir -p ${KEPT%/*}
	mv $T/kept $KEPT
}

test_docker_networks_come_back_after_a_boot() {
	create_network blue 10.92.0.0/24 '"com.docker.network.driver.mtu":"1400"'
	create_network green 10.93.0.0/24
	run_container blue a 10.92.0.2 8080:80
	pings a 8.8.8.8
	ip netns del a
	reboot
	must_not ebpfnet ns list
	# dockerd first has what is gone removed, and then starts the container
	leave blue a
	delete_endpoint blue a
	run_container blue a 10.92.0.2 8080:80
	like "$(ip -n a link show eth0)" 'mtu 1400'
	pings a 8.8.8.8
	serve a tcp 80
	reaches internet tcp $HOST 8080 $INTERNET
	must ebpfnet up
	must ebpfnet network show "$(name_of green)"
	remove_container blue a
	delete_network blue
	delete_network green
	is "$(ls $KEPT 2>&1 | grep json || true)" "" "definitions"
}

test_docker_a_network_that_is_only_on_disk_is_deleted() {
	create_network blue 10.92.0.0/24
	reboot
	delete_network blue
	is "$(ls $KEPT 2>&1 | grep json || true)" "" "definitions"
	delete_network blue
	ask_fails 200 'no network' $DRIVER.CreateEndpoint "$(interface blue a 10.92.0.2)"
	must_not ip link show ebpfnet1
}

test_docker_who_died_without_leave_is_collected() {
	up --ns none
	create_network blue 10.92.0.0/24
	run_container blue a 10.92.0.2 8080:80
	ip netns del a
	run_container blue b 10.92.0.3 8080:80
	is "$(attached)" "['10.92.0.3']" "who is attached"
	pings b 8.8.8.8
	ip netns del b
	soon eval '! ip link show veth0'
	must_be_unhealthy
	like "$out" 'was deleted externally'
	must ebpfnet detach --gone
	must ebpfnet status
}

# They keep the namespace for another minute.
test_docker_connections_of_the_dead_do_not_keep_its_port() {
	up --ns none
	create_network blue 10.92.0.0/24
	run_container blue a 10.92.0.2 8080:80
	serve a tcp 80
	converse internet tcp $HOST 8080
	say hello
	ip netns pids a | xargs kill -9
	ip netns del a
	run_container blue b 10.92.0.3 8080:80
	is "$(attached)" "['10.92.0.3']" "who is attached"
}

# dockerd has lost its state: its IPAM gives the address to another one.
test_docker_who_was_forgotten_gives_its_address_back() {
	up --ns none
	create_network blue 10.92.0.0/24
	run_container blue a 10.92.0.2 8080:80
	create_endpoint blue b 10.92.0.3
	run_container blue c 10.92.0.2 8080:80
	create_endpoint blue d 10.92.0.3
	is "$(attached)" "['10.92.0.2', '10.92.0.3']" "who is attached"
	must_not ip -n a link show eth0
	pings c 8.8.8.8
	# but a person's namespace keeps its own
	must ebpfnet ns add person --network "$(name_of blue)" --addr 10.92.0.9
	ask_fails 200 'in use by namespace person' $DRIVER.CreateEndpoint "$(interface blue e 10.92.0.9)"
	ask_fails 200 'has namespaces: person' $DRIVER.DeleteNetwork "{\"NetworkID\":\"$(id blue)\"}"
	must ebpfnet ns del person
	delete_network blue # and what Docker has forgotten in it
	is "$(attached)" "[]" "who is attached"
	is "$(ip -o link show type veth | grep -cE ': (veth|ceth)[0-9]')" 0 "devices"
}

test_docker_who_waits_is_not_taken_for_dead() {
	up --ns none
	create_network blue 10.92.0.0/24
	create_endpoint blue a 10.92.0.2
	run_container blue b 10.92.0.3
	must ebpfnet up
	must ebpfnet detach --gone
	join blue a
	move a 10.92.0.2
	pings a 10.92.0.3
	must ebpfnet status
}

test_docker_the_same_call_again() {
	local call
	up --ns none
	for call in 1 2; do create_network blue 10.92.0.0/24; done
	ask_fails 200 'another subnet' $DRIVER.CreateNetwork "$(define blue 10.94.0.0/24)"
	for call in 1 2; do create_endpoint blue a 10.92.0.2; done
	ask_fails 200 'with another MAC address' $DRIVER.CreateEndpoint "$(interface blue a 10.92.0.2 02:00:00:00:00:01)"
	for call in 1 2; do join blue a; done
	move a 10.92.0.2
	for call in 1 2; do publish blue a 8080:80; done
	is "$(published)" "[('*:8080', '10.92.0.2:80')]" "what is published"
	for call in 1 2; do leave blue a; done
	for call in 1 2; do delete_endpoint blue a; done
	for call in 1 2; do delete_network blue; done
	ask_fails 200 'is not attached' $DRIVER.Join "{$(ids blue a)}"
}

test_docker_two_networks_whose_ids_begin_alike() {
	local first second
	first=$(printf 'a%.0s' {1..64})
	second=$(printf 'a%.0s' {1..63})b
	id() { echo "${!1-$(sha256sum <<< "$1" | cut -d' ' -f1)}"; }
	create_network first 10.92.0.0/24
	create_network second 10.93.0.0/24
	is "$(ebpfnet network list --json | json 'sorted(len(n["name"]) for n in j["networks"])')" "[12, 63]" "lengths of names"
	run_container second a 10.93.0.2
	pings a 8.8.8.8
}

test_docker_a_network_that_cannot_be_had_leaves_nothing() {
	local before
	before=$(everything)
	ask_fails 200 'overlaps the route' $DRIVER.CreateNetwork "$(define blue 172.31.0.0/20)"
	ask_fails 200 '\-o foo is not supported' $DRIVER.CreateNetwork "$(define blue 10.92.0.0/24 '"foo":"bar"')"
	ask_fails 200 'driver.mtu=x' $DRIVER.CreateNetwork "$(define blue 10.92.0.0/24 '"com.docker.network.driver.mtu":"x"')"
	ask_fails 200 'no IPv6' $DRIVER.CreateNetwork "$(define blue 10.92.0.0/24 '' '"com.docker.network.enable_ipv6":true,' | sed 's/"com.docker.network.enable_ipv6":false,//')"
	is "$(diff <(echo "$before") <(everything))" "" "what is left"
}

gives_up() {
	leave blue a
	delete_endpoint blue a
}

joined() {
	create_endpoint blue a 10.92.0.2
	join blue a
}

is_published() { # AFTER
	is "$(ebpfnet exposed --json | json '[p["text"] for p in j["published"] if p["to"].startswith("10.92.0.2:")]')" "['*:8080-8081']" "what is published$1"
}

is_unpublished() { # AFTER
	is "$(ebpfnet exposed --json | json '[p["text"] for p in j["published"]]')" "['*:9090']" "what is published$1"
}

published_before() {
	joined
	publish blue a 8080:80 8081:81
}

docker_call() { # METHOD BODY
	request "$@" > $T/call.request
	printf '#!/bin/sh\nexec ebpfnet docker < %s\n' $T/call.request > $T/call
	chmod +x $T/call
}

docker_converges() { # SYSCALL PREPARE METHOD BODY CHECK
	again() { # AFTER
		asked "$METHOD" "$BODY"
		$CHECK "$1"
		must ebpfnet status
	}
	local METHOD=$3 BODY=$4 CHECK=$5
	up --ns none
	create_network blue 10.92.0.0/24
	run_container blue b 10.92.0.99 9090:90 # lo's program is loaded, and stays
	docker_call "$3" "$4"
	call_converges "$1" "$3" "$2" again gives_up
	pings b 8.8.8.8
}

test_docker_create_endpoint_at_each_bpf_call() {
	docker_converges bpf nothing $DRIVER.CreateEndpoint "$(interface blue a 10.92.0.2)" nothing
}

test_docker_create_endpoint_at_each_netlink_message() {
	docker_converges sendto nothing $DRIVER.CreateEndpoint "$(interface blue a 10.92.0.2)" nothing
}

test_docker_program_at_each_bpf_call() {
	docker_converges bpf joined $DRIVER.ProgramExternalConnectivity "$(ports blue a 8080:80 8081:81)" is_published
}

test_docker_revoke_at_each_bpf_call() {
	docker_converges bpf published_before $DRIVER.RevokeExternalConnectivity "{$(ids blue a)}" is_unpublished
}

test_docker_delete_endpoint_at_each_bpf_call() {
	docker_converges bpf joined $DRIVER.DeleteEndpoint "{$(ids blue a)}" nothing
}

test_docker_create_network_at_each_bpf_call() {
	local n all
	up --ns none
	docker_call $DRIVER.CreateNetwork "$(define blue 10.92.0.0/24)"
	all=$(moments bpf $T/call)
	delete_network blue
	# shellcheck disable=SC2086 # words
	for n in $(share $all); do
		kill_at bpf "$n" $T/call
		asked $DRIVER.CreateNetwork "$(define blue 10.92.0.0/24)"
		run_container blue a 10.92.0.2
		pings a 8.8.8.8
		must ebpfnet status
		remove_container blue a
		delete_network blue
		is "$(ebpfnet network list --json | json '[n["name"] for n in j["networks"] if n["name"] != "default"]')" "[]" "networks after bpf $n"
	done
}

# ---- what is no request

refuses() { # CODE PRINTF-FORMAT
	# shellcheck disable=SC2059
	printf "$2" > $T/request
	talk $T/request
	is "$code" "$1" "code of $2"
	is "$(json 'sorted(j)' <<< "$body")" "['Err']" "its answer"
}

test_docker_what_is_no_request_gets_4xx_and_changes_nothing() {
	local before
	up --ns none
	before=$(everything)
	refuses 400 'nonsense\r\n\r\n'
	refuses 400 'POST /x\r\n\r\n'
	refuses 400 'POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n'
	refuses 400 'POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'
	refuses 400 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n'
	refuses 400 'POST / HTTP/1.1\r\nUpgrade: x\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n'
	refuses 404 'POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n'
	refuses 404 'POST /NetworkDriver.Nonsense HTTP/1.1\r\nContent-Length: 0\r\n\r\n'
	refuses 405 'GET /Plugin.Activate HTTP/1.1\r\n\r\n'
	refuses 413 'POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n'
	refuses 414 "POST /$(printf 'x%.0s' {1..200}) HTTP/1.1\\r\\n\\r\\n"
	refuses 431 "POST / HTTP/1.1\\r\\nX: $(printf 'x%.0s' {1..20000})\\r\\n\\r\\n"
	ask_fails 400 'is empty' $DRIVER.CreateNetwork ''
	ask_fails 400 'no JSON' $DRIVER.CreateNetwork '{"NetworkID":NaN}'
	ask_fails 400 'ends in the middle' $DRIVER.CreateNetwork "$(define blue 10.92.0.0/24 | head -c-3)"
	ask_fails 400 "NetworkID '' is not an id" $DRIVER.CreateNetwork '{}'
	ask_fails 400 "NetworkID '../../x' is not an id" $DRIVER.CreateNetwork '{"NetworkID":"../../x"}'
	ask_fails 400 "EndpointID 'x/y' is not an id" $DRIVER.DeleteEndpoint '{"NetworkID":"a","EndpointID":"x/y"}'
	ask_fails 400 'a text is expected' $DRIVER.CreateNetwork '{"NetworkID":7}'
	ask_fails 400 'a list is expected' $DRIVER.CreateNetwork '{"NetworkID":"a","IPv4Data":{}}'
	ask_fails 400 'is not an IPv4 address' $DRIVER.CreateEndpoint "$(interface blue a 10.92.0)"
	# one that hangs up in the middle
	request $DRIVER.CreateNetwork "$(define blue 10.92.0.0/24)" | head -c-1 > $T/request
	run ebpfnet docker < $T/request
	is "$status$out$err" 0 "what is said to one who has gone"
	is "$(diff <(echo "$before") <(everything))" "" "what has changed"
}

test_docker_a_body_that_goes_on_for_ever_is_cut_off() {
	{
		printf 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n'
		head -c 65536 /dev/zero
		for _ in {1..20}; do
			printf '\r\n10000\r\n'
			head -c 65536 /dev/zero
		done
	} > $T/request
	talk $T/request
	is "$code" 413 "code"
}

# Also one that sends a byte now and then.
test_docker_who_sends_nothing_more_is_given_up() {
	local pids=() n
	for n in silent half slow; do
		mkfifo $T/$n
		ebpfnet docker < $T/$n > $T/$n.out &
		pids+=($!)
	done
	exec 5> $T/silent 6> $T/half 7> $T/slow
	printf 'POST /Plugin.Activate HTTP/1.1\r\n' >&6
	printf 'POST /Plugin.Activate HTTP/1.1\r\nX: ' >&7
	while printf x >&7; do sleep 1; done 2> /dev/null &
	wait "${pids[@]}"
	is "$(cat $T/*.out)" "" "answers"
}
