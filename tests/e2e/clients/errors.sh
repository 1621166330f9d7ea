# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# What a runtime may get wrong: each is answered with CNI's error object, and nothing is left behind.
#
# hooks: any
source "$TOP/tests/lib/cni.sh"

test_a_missing_variable_is_named() {
	local verb
	container a
	unchanged_from
	for verb in ADD CHECK DEL; do
		cni_fails 4 'CNI_CONTAINERID is missing' $verb "" /run/netns/a "$(conf)"
		IFNAME='' cni_fails 4 'CNI_IFNAME is missing' $verb id-a /run/netns/a "$(conf)"
		PLUGINS='' cni_fails 4 'CNI_PATH is missing' $verb id-a /run/netns/a "$(conf)"
	done
	cni_fails 4 'CNI_NETNS is missing' ADD id-a "" "$(conf)"
	cni_fails 4 'CNI_NETNS is missing' CHECK id-a "" "$(conf)"
	PLUGINS='' cni_fails 4 'CNI_PATH is missing' STATUS "" "" "$(conf)"
	cni_fails 4 "CNI_COMMAND 'add' is unknown" add id-a /run/netns/a "$(conf)"
	cni_fails 4 "CNI_COMMAND 'REMOVE' is unknown" REMOVE id-a /run/netns/a "$(conf)"
	unchanged
}

test_a_bad_variable_is_refused() {
	local name
	container a
	unchanged_from
	for name in -a a/b '../a' 'a b' $'a\nb'; do
		cni_fails 4 'is not an id' ADD "$name" /run/netns/a "$(conf)"
	done
	for name in a/b 'a b' a:b . .. lo sixteencharacters; do
		IFNAME=$name cni_fails 4 'is not the name of a device' ADD id-a /run/netns/a "$(conf)"
	done
	ARGS='X=y' cni_fails 4 'CNI_ARGS has X, which is unknown' ADD id-a /run/netns/a "$(conf)"
	ARGS='IgnoreUnknown=0;X=y' cni_fails 4 'CNI_ARGS has X' ADD id-a /run/netns/a "$(conf)"
	ARGS='IP=10.91.0' cni_fails 4 'is not an IPv4 address' ADD id-a /run/netns/a "$(conf)"
	ARGS='IP=fd00::1' cni_fails 4 'is not an IPv4 address' ADD id-a /run/netns/a "$(conf)"
	ARGS='MAC=ff:ff:ff:ff:ff:ff' cni_fails 4 "is not a station's" ADD id-a /run/netns/a "$(conf)"
	unchanged
	ARGS=';;IgnoreUnknown=true;;K8S_POD_UID=7;' plug a
}

test_a_bad_namespace_is_refused() {
	local long
	container a
	long=/run/$(printf 'x%.0s' {1..200})
	unchanged_from
	cni_fails 3 'is not a network namespace' ADD id-a /run/netns/none "$(conf)"
	cni_fails 4 'is not a network namespace' ADD id-a /proc/self/ns/mnt "$(conf)"
	cni_fails 4 'is not a network namespace' ADD id-a /etc/passwd "$(conf)"
	cni_fails 4 'is not a network namespace' ADD id-a /run "$(conf)"
	cni_fails 4 'is not a network namespace' ADD id-a "$long" "$(conf)"
	cni_fails 100 "the host's own network namespace" ADD id-a /proc/1/ns/net "$(conf)"
	cni_fails 100 "the host's own network namespace" ADD id-a /proc/self/ns/net "$(conf)"
	unchanged
}

test_text_that_is_no_configuration_is_refused() {
	local text
	container a
	unchanged_from
	for text in '' ' ' '{' '{"cniVersion"' '[]' '"x"' '7' 'null' '{}}' '{} {}' "{'a': 1}" '{"a": 1,}' '{"a": NaN}' \
		$'{"a": "\xff"}' '// {}' '{"a": "b" "c"}'; do
		cni_fails 6 'the configuration' ADD id-a /run/netns/a "$text"
	done
	cni_fails 6 'the configuration' ADD id-a /run/netns/a "$(printf '[%.0s' {1..2000})"
	cni_fails 6 'the configuration is no JSON' ADD id-a /run/netns/a \
		'{"cniVersion": "1.0.0", "name": "blue", "x": '"$(printf '[%.0s' {1..40})$(printf ']%.0s' {1..40})"'}'
	python3 -c 'print("{\"cniVersion\": \"1.0.0\", \"name\": \"blue\", \"x\": \"%s\"}" % ("x" * (1 << 20)))' > $T/huge
	cni_fails 5 'is longer than 1048576 bytes' ADD id-a /run/netns/a "$(< $T/huge)"
	unchanged
}

test_a_member_of_another_type_is_named() {
	local member
	container a
	unchanged_from
	# the others are in tests/unit/cni.c
	for member in '"name": 7' '"name": ""' '"name": "../x"' '"name": null' '"subnet": "127.0.0.0/8"' '"gateway": "10.92.0.1"' \
		'"range": "10.92.0.0/24"' '"mtu": 67' \
		'"ipam": {"type": "host-local"}' '"runtimeConfig": {"portMappings": [{"hostPort": 80}]}'; do
		cni_fails '(7|100)' '.' ADD id-a /run/netns/a "$(conf "$member")"
	done
	unchanged
}

test_a_name_that_is_taken_inside_is_told() {
	container a
	ip -n a link add eth0 type veth peer name x
	cni_refuses 100 'has a device eth0 already' ADD id-a /run/netns/a "$(conf)"
}

test_the_last_address_is_told() {
	local n
	container a b c
	plug a '"subnet": "10.91.0.0/30"'
	cni_refuses 100 'has no free address' ADD id-b /run/netns/b "$(conf '"subnet": "10.91.0.0/30"')"
	unplug a '"subnet": "10.91.0.0/30"'
	plug b '"subnet": "10.91.0.0/30"'
}

test_a_port_that_is_not_free_is_told_with_who_has_it() {
	container a b
	plug a "$(ports 8080:80 5000:5000/udp)"
	serve host tcp 8090
	cni_refuses 100 'cannot publish tcp 8090: wire.py .pid' ADD id-b /run/netns/b "$(conf "$(ports 8081:80 8090:80)")"
	cni_refuses 100 '8080:80 is published already, to id-a' ADD id-b /run/netns/b "$(conf "$(ports 8081:80 8080:80)")"
	cni_refuses 100 'is published already, to id-a' ADD id-b /run/netns/b "$(conf "$(ports $HOST:5000:53/udp)")"
	cni_refuses 100 'is not an address of this host' ADD id-b /run/netns/b "$(conf "$(ports 203.0.113.77:8081:80)")"
	cni_refuses 100 'want the same port' ADD id-b /run/netns/b "$(conf "$(ports 8081:80 8081:81)")"
	cni_refuses 100 'want the same port' ADD id-b /run/netns/b "$(conf "$(ports 8081:80 $HOST:8081:80)")"
	plug b "$(ports 8081:80 8081:80)"
}

test_a_bpffs_that_is_not_there_is_told() {
	container a
	umount /sys/fs/bpf
	cni ADD id-a /run/netns/a "$(conf)"
	is "$status" 1 "status without a bpffs"
	like "$(json 'j["msg"]' <<< "$out")" 'is not a bpffs; mount'
}

test_a_network_of_another_namespace_is_not_touched() {
	up
	container a other
	run nsenter --net=/run/netns/other env CNI_COMMAND=ADD CNI_CONTAINERID=x CNI_NETNS=/run/netns/a CNI_IFNAME=eth0 CNI_PATH=/x \
		ebpfnet <<< "$(conf)"
	is "$status" 1 "status in another namespace"
	like "$(json 'j["msg"]' <<< "$out")" 'is of a network in another network namespace'
	must ebpfnet status
}
