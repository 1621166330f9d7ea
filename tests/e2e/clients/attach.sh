# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# attach and detach, as a script calls them that starts containers.
#
# hooks: any

test_attach_does_all_at_once_and_says_it_in_json() {
	up
	ip netns add box
	must ebpfnet attach box --dev eth0 --mac 02:00:00:00:00:09 --mtu 1400 --addr 192.168.1.50 --id 7f3a --label web \
		--publish 8080:80 --publish 8081:81 --publish $HOST:5353:53/udp --json
	is "$(json '[(n["name"], n["addr"], n["mac"], n["ns_dev"], n["label"], n["id"]) for n in j["namespaces"]]' <<< "$out")" \
		"[('7f3a', '192.168.1.50', '02:00:00:00:00:09', 'eth0', 'web', '7f3a')]" "who is attached"
	is "$(json '[(p["text"], p["proto"], p["to"]) for p in j["published"]]' <<< "$out")" \
		"[('*:8080-8081', 'tcp', '192.168.1.50:80-81'), ('$HOST:5353', 'udp', '192.168.1.50:53')]" "what is published"
	like "$(ip -n box -o link show eth0)" 'mtu 1400'
	serve box tcp 80
	reaches internet tcp $HOST 8080 $INTERNET
}

chosen() { # protocols and ports, sorted
	json 'sorted((p["proto"], n) for p in j["published"] for n in range(p["first"], p["last"] + 1))' <<< "$out"
}

test_attach_chooses_ports_of_the_host() {
	up
	echo '40000 40003' > /proc/sys/net/ipv4/ip_local_port_range
	ip netns add a
	ip netns add b
	serve host tcp 40001
	must ebpfnet attach a --publish 0:80 --publish 0:90 --json
	is "$(chosen)" "[('tcp', 40002), ('tcp', 40003)]" "the first ports"
	must ebpfnet attach b --publish 0:80/udp --publish 0:80 --json
	is "$(chosen)" "[('tcp', 40000), ('udp', 40000)]" "the next ports: those taken are skipped"
	must ebpfnet detach b
	must ebpfnet detach a
	must ebpfnet attach a --publish 0:80
	is "$(grep published <<< "$out")" "published 40002:80" "what is said of a port that is chosen"
	refused 'no port of the host from 40000 to 40003 is free' ebpfnet attach b --publish 0:80 --publish 0:81 --publish 0:82
}

test_attach_is_all_or_nothing() {
	up
	ip netns add box
	serve host tcp 8090
	refused 'cannot publish tcp 8090' ebpfnet attach box --publish 8080:80 --publish 8090:80
	refused 'want the same port' ebpfnet attach box --publish 8080:80 --publish 8080:81
	misused 'cannot read --publish' ebpfnet attach box --publish 8080:0
	misused 'takes no --publish' ebpfnet ns add box --publish 80
	must ebpfnet attach box --publish 8080:80
}

test_detach_gone_detaches_those_that_are() {
	up
	ip netns add a
	ip netns add b
	must ebpfnet attach a --publish 8080:80
	must ebpfnet attach b --publish 8081:80
	ip netns del a
	must_be_unhealthy
	must ebpfnet detach --gone
	like "$out" 'detached 1 namespace that is gone'
	is "$(ebpfnet exposed --json | json '[p["ns"] for p in j["published"]]')" "['b']" "who publishes"
	must ebpfnet status
	must ebpfnet detach --gone
	like "$out" 'detached 0 namespaces that are gone'
	misused 'needs a name, --id ID, or --gone' ebpfnet detach --gone b
	misused 'needs a name, --id ID, or --gone' ebpfnet detach
}
