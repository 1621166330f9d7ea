# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# What a container that a runtime has attached reaches, and by what it is reached.
#
# hooks: any
source "$TOP/tests/lib/cni.sh"

# With the kind of hook that is to be tested.
begin() {
	up --ns none
	container "$@"
}

test_published_ports_are_reached_from_outside_and_from_the_host() {
	begin a b
	plug a "$(ports 8080:80 $HOST:5353:53/udp 9000:9000 9001:9001)"
	plug b
	serve a tcp 80
	serve a udp 53
	serve a tcp 9001
	reaches internet tcp $HOST 8080 $INTERNET
	reaches internet udp $HOST 5353 $INTERNET
	reaches internet tcp $HOST 9001 $INTERNET
	must on host "$WIRE" ask tcp $HOST 8080
	must on b "$WIRE" ask tcp $HOST 8080
	unplug a
	unreached internet tcp $HOST 8080 refused
}

test_a_port_of_127_0_0_1_is_the_hosts_alone() {
	begin a b
	plug a "$(ports 127.0.0.1:7070:80 8080:80)"
	plug b
	serve a tcp 80
	must on host "$WIRE" ask tcp 127.0.0.1 7070
	must on host "$WIRE" ask tcp 127.0.0.1 8080
	unreached internet tcp $HOST 7070 refused
	unreached b tcp $HOST 7070 refused
	unplug a
	unreached host tcp 127.0.0.1 7070 refused
}

test_containers_reach_each_other_and_not_those_of_another_network() {
	begin a b c
	plug a
	plug b
	plug c '"name": "green", "subnet": "10.92.0.0/24"'
	pings a 10.91.0.11
	no_pings a 10.92.0.10
	no_pings c 10.91.0.10
	pings c 8.8.8.8
}

test_no_flow_of_a_former_container_reaches_the_next() {
	begin a b
	plug a "$(ports 8080:80)"
	serve a tcp 80
	converse internet tcp $HOST 8080
	say hello
	ip netns pids a | xargs kill -9
	ip netns del a # its connection keeps it alive for a minute
	plug b "$(ports 8080:80)"
	serve b tcp 80
	reaches internet tcp $HOST 8080 $INTERNET
}
