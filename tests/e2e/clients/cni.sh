# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# ebpfnet as a CNI plugin: each verb, each version, and what is asked for an attachment.
#
# hooks: any
source "$TOP/tests/lib/cni.sh"

published() { # a line for each mapping
	ebpfnet exposed --json | json '"\n".join("%s %s -> %s" % (p["text"], p["proto"], p["to"]) for p in j["published"])'
}

test_add_needs_no_other_command() {
	container a
	cni_must ADD id-a /run/netns/a "$(conf "$(ports 8080:80)")"
	is "$(json 'j["ips"][0]["address"], j["ips"][0]["gateway"]' <<< "$out")" "('10.91.0.10/24', '10.91.0.1')" address
	is "$(json '[(i["name"], i.get("sandbox")) for i in j["interfaces"]]' <<< "$out")" \
		"[('veth0', None), ('eth0', '/run/netns/a')]" interfaces
	is "$(json 'j["routes"]' <<< "$out")" "[{'dst': '0.0.0.0/0', 'gw': '10.91.0.1'}]" routes
	pings a 8.8.8.8
	serve a tcp 80
	reaches internet tcp $HOST 8080 $INTERNET
	must ebpfnet status
}

test_add_works_where_up_was_run() {
	up
	container a
	plug a
	pings a 10.91.0.1
	pings a 8.8.8.8
	pings ns1 $NS2
	unplug a
	must ebpfnet status
}

test_a_result_has_the_form_of_the_version_that_is_asked_for() {
	local version
	container a
	for version in 0.3.0 0.3.1 0.4.0 1.0.0 1.1.0; do
		cni_must ADD id-a /run/netns/a "$(conf '"cniVersion": "'$version'"')"
		is "$(json 'j["cniVersion"]' <<< "$out")" $version version
		case $version in
		0.*) is "$(json 'j["ips"][0]["version"]' <<< "$out")" 4 "version of the address, of $version" ;;
		*) is "$(json '"version" in j["ips"][0]' <<< "$out")" False "version of the address, of $version" ;;
		esac
		is "$(json 'j["ips"][0]["interface"]' <<< "$out")" 1 "interface of the address"
	done
}

test_version_names_those_that_are_known() {
	cni_must VERSION "" "" '{"cniVersion": "0.4.0"}'
	is "$(json 'j["cniVersion"], j["supportedVersions"][0], j["supportedVersions"][-1]' <<< "$out")" \
		"('0.4.0', '0.3.0', '1.1.0')" versions
	cni_must VERSION "" "" '{"cniVersion": "9.9.9"}'
	is "$(json 'j["cniVersion"]' <<< "$out")" 1.1.0 "version for one that is unknown"
}

test_versions_that_are_unknown_are_refused() {
	local version
	container a
	unchanged_from
	for version in '"0.1.0"' '"0.2.0"' '"1.2.0"' '"1"' '"0.4.0 "' '""' null; do
		cni_fails 1 "cniVersion '.*' is not supported" ADD id-a /run/netns/a "$(conf '"cniVersion": '"$version")"
	done
	cni_fails 1 "CHECK came with CNI 0.4.0" CHECK id-a /run/netns/a "$(conf '"cniVersion": "0.3.1", "prevResult": {}')"
	cni_fails 1 "GC came with CNI 1.1.0" GC "" "" "$(conf '"cni.dev/valid-attachments": []')"
	cni_fails 1 "STATUS came with CNI 1.1.0" STATUS "" "" "$(conf)"
	unchanged
}

test_the_same_add_again_says_the_same_and_changes_nothing() {
	local before first
	container a
	plug a "$(ports 8080:80 8081:81)"
	first=$out
	before=$(snapshot)
	plug a "$(ports 8080:80 8081:81)"
	is "$out" "$first" "the second result"
	is "$(diff <(echo "$before") <(snapshot))" "" "what the second ADD has changed"
	is "$(published)" "*:8080-8081 tcp -> 10.91.0.10:80-81" "what is published"
}

test_the_same_add_again_mends_what_is_broken() {
	container a
	plug a "$(ports 8080:80)"
	ip -n a address flush dev eth0
	must ebpfnet unexpose id-a
	plug a "$(ports 8080:80)"
	pings a 8.8.8.8
	is "$(published)" "*:8080 tcp -> 10.91.0.10:80" "what is published"
}

test_another_request_for_the_same_attachment_is_refused() {
	container a b
	plug a
	cni_refuses 100 "with another network namespace" ADD id-a /run/netns/b "$(conf)"
	cni_refuses 100 "with another address" ADD id-a /run/netns/a "$(conf '"runtimeConfig": {"ips": ["10.91.0.77"]}')"
	cni_refuses 100 "with another MAC" ADD id-a /run/netns/a "$(conf '"runtimeConfig": {"mac": "02:00:00:00:00:07"}')"
	cni_refuses 100 "attached already, as id-a" ADD id-b /run/netns/a "$(conf)"
	pings a 8.8.8.8
}

test_a_network_that_is_there_otherwise_is_refused() {
	container a b
	plug a
	cni_refuses 100 "network blue is there already with another subnet" ADD id-b /run/netns/b \
		"$(conf '"subnet": "10.92.0.0/24"')"
	cni_refuses 100 "overlaps 10.91.0.0/24 of network blue" ADD id-b /run/netns/b "$(conf '"name": "green"')"
}

test_del_works_whatever_is_left() {
	local before
	container a b c
	plug a "$(ports 8080:80)"
	plug b
	plug c
	unplug a "$(ports 8080:80)"
	unplug a
	cni_must DEL id-a "" "$(conf)"
	cni_must DEL id-b "" "$(conf)"
	ip netns del c
	cni_must DEL id-c /run/netns/c "$(conf)"
	cni_must DEL nobody /run/netns/a "$(conf)"
	is "$(ebpfnet ns list --json | json 'j["namespaces"]')" "[]" "who is attached"
	is "$(published)" "" "what is published"
	is "$(ip -n a -o link | grep -vE ': (lo|tunl0|gre0|gretap0|erspan0|ip_vti0|ip6_vti0|sit0|ip6tnl0|ip6gre0)[:@]')" "" "devices inside"
	must ebpfnet down
	before=$(snapshot)
	cni_must DEL id-a /run/netns/a "$(conf)"
	is "$(diff <(echo "$before") <(snapshot))" "" "what DEL makes where nothing is up"
}

test_check_finds_what_was_tampered_with() {
	local result
	container a
	plug a "$(ports 8080:80)"
	result=$out
	cni_must CHECK id-a /run/netns/a "$(remembering "$result" "$(ports 8080:80)")"
	cni_fails 7 'needs prevResult' CHECK id-a /run/netns/a "$(conf)"
	cni_fails 100 'not attached' CHECK id-b /run/netns/a "$(remembering "$result")"
	cni_fails 100 'another address than prevResult' CHECK id-a /run/netns/a "$(remembering "${result//10.91.0.10/10.91.0.12}")"
	cni_fails 100 'another MAC address than' CHECK id-a /run/netns/a "$(remembering "${result//02:eb/02:ec}")"
	ip -n a address flush dev eth0
	cni_fails 100 'its address is gone' CHECK id-a /run/netns/a "$(remembering "$result")"
	plug a "$(ports 8080:80)"
	ip -n a link set eth0 address 02:00:00:00:00:01
	cni_fails 100 'MAC address of its device was changed' CHECK id-a /run/netns/a "$(remembering "$result")"
	plug a "$(ports 8080:80)"
	must ebpfnet unexpose id-a 8080:80
	cni_fails 100 'port mappings are not published' CHECK id-a /run/netns/a "$(remembering "$result" "$(ports 8080:80)")"
	plug a "$(ports 8080:80)"
	cni_must CHECK id-a /run/netns/a "$(remembering "$result" "$(ports 8080:80)")"
	ip link del veth0
	cni_fails 100 'veth0 of namespace id-a is gone' CHECK id-a /run/netns/a "$(remembering "$result")"
}

test_gc_keeps_what_is_valid() {
	local valid='"cniVersion": "1.1.0", "cni.dev/valid-attachments": [{"containerID": "id-a", "ifname": "eth0"}]'
	container a b c d
	plug a
	plug b "$(ports 8080:80)"
	plug c '"name": "green", "subnet": "10.92.0.0/24"'
	must ebpfnet attach d --network blue
	cni_refuses 7 'GC needs cni.dev/valid-attachments' GC "" "" "$(conf '"cniVersion": "1.1.0"')"
	cni_must GC "" "" "$(conf "$valid")"
	is "$(ebpfnet ns list --json | json 'sorted(n["name"] for n in j["namespaces"])')" "['d', 'id-a', 'id-c']" "who is left"
	pings a 8.8.8.8
	cni_must GC "" "" "$(conf "$valid" '"name": "unknown"')"
	cni_must GC "" "" "$(conf '"cniVersion": "1.1.0", "cni.dev/valid-attachments": []')"
	is "$(ebpfnet ns list --json | json 'sorted(n["name"] for n in j["namespaces"])')" "['d', 'id-c']" "who is left"
}

test_status_says_whether_add_would_work() {
	cni_must STATUS "" "" "$(conf '"cniVersion": "1.1.0"')"
	is "$out" "" "what STATUS says"
	umount /sys/fs/bpf
	cni_fails 50 'is not a bpffs' STATUS "" "" "$(conf '"cniVersion": "1.1.0"')"
	must_not ebpfnet status
}

test_address_and_mac_are_those_that_are_asked_for() {
	container a b c
	plug a '"runtimeConfig": {"ips": ["10.91.0.77/24"], "mac": "02:11:22:33:44:55"}'
	is "$(json 'j["ips"][0]["address"], j["interfaces"][1]["mac"]' <<< "$out")" "('10.91.0.77/24', '02:11:22:33:44:55')" answer
	is "$(ip -n a -j address show eth0 | json 'j[0]["address"], j[0]["addr_info"][0]["local"]')" \
		"('02:11:22:33:44:55', '10.91.0.77')" "what is inside"
	pings a 8.8.8.8
	ARGS='IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=web;X=y;MAC=02:11:22:33:44:66;IP=10.91.0.78' plug b
	is "$(json 'j["ips"][0]["address"], j["interfaces"][1]["mac"]' <<< "$out")" "('10.91.0.78/24', '02:11:22:33:44:66')" answer
	pings b 10.91.0.77
	cni_refuses 100 'in use by namespace id-a' ADD id-c /run/netns/c "$(conf '"runtimeConfig": {"ips": ["10.91.0.77"]}')"
	cni_refuses 100 'MAC address is in use by namespace id-a' ADD id-c /run/netns/c "$(conf '"runtimeConfig": {"mac": "02:11:22:33:44:55"}')"
	cni_refuses 100 'outside the subnet' ADD id-c /run/netns/c "$(conf '"runtimeConfig": {"ips": ["10.92.0.7"]}')"
}

test_a_person_calls_a_container_by_its_name() {
	local name
	container a b
	ARGS='K8S_POD_NAMESPACE=web;K8S_POD_NAME=web' cni_must ADD 7aa41ccd5aa3a23fa4b5a4b8b7e6e4ef7aa41ccd5aa3a23fa4b5a4b8b7e6e4ef \
		/run/netns/a "$(conf)"
	ARGS='K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db' plug b
	must ebpfnet expose web 9000:80
	must ebpfnet expose db 9001:80
	is "$(published)" "*:9000 tcp -> 10.91.0.10:80
*:9001 tcp -> 10.91.0.11:80" "what is published"
	must ebpfnet exec web -- true
	must ebpfnet unexpose web
	is "$(published)" "*:9001 tcp -> 10.91.0.11:80" "what is published"
	refused 'no namespace nobody' ebpfnet expose nobody 9002:80
}

test_aliases_are_in_the_hosts_file() {
	container a b
	ARGS='K8S_POD_NAMESPACE=web;K8S_POD_NAME=web' plug a '"runtimeConfig": {"aliases": {"blue": ["www", "shop"], "green": ["no"]}}'
	plug b
	like "$(ip netns exec b cat /etc/hosts)" '^10.91.0.10 +id-a web www shop$'
	is "$(ip netns exec b getent hosts shop | cut -d' ' -f1)" 10.91.0.10 "shop's address"
	cni_refuses 7 "alias 'a b' is not the name of a host" ADD id-c /run/netns/b "$(conf '"runtimeConfig": {"aliases": {"blue": ["a b"]}}')"
}

# As kubelet has it: a burst of 256 MB.
bandwidth() { # LIMITS
	conf "\"runtimeConfig\": {\"bandwidth\": {$1}}"
}

limits() { ebpfnet limit --json | json '[(l["ns"], l["in_bits"], l["out_bits"]) for l in j["limits"]]'; }

test_a_container_has_the_limits_that_its_runtime_asks_for() {
	local both='"ingressRate": 1000000, "ingressBurst": 2147483647, "egressRate": 2000000, "egressBurst": 80000'
	container a b
	plug b
	cni_must ADD id-a /run/netns/a "$(bandwidth "$both")"
	is "$(limits)" "[('id-a', 1000000, 2000000)]" "limits"
	like "$(tc class show dev ebpfnet-shape)" 'rate 2Mbit ceil 2Mbit burst 10000b'
	cni_must CHECK id-a /run/netns/a "$(remembering "$out" "\"runtimeConfig\": {\"bandwidth\": {$both}}")"
	pings a 8.8.8.8
	pings b "$(ip -n a -4 -o address show eth0 | sed -E 's,.*inet ([0-9.]+)/.*,\1,')"
	cni_must ADD id-a /run/netns/a "$(bandwidth "$both")"
	cni_fails 100 'another limit' ADD id-a /run/netns/a "$(bandwidth '"ingressRate": 3000000, "ingressBurst": 80000')"
	cni_fails 100 'another limit' CHECK id-a /run/netns/a \
		"$(remembering "$out" '"runtimeConfig": {"bandwidth": {"egressRate": 3000000, "egressBurst": 8}}')"
	is "$(limits)" "[('id-a', 1000000, 2000000)]" "limits"
	unplug a
	is "$(limits)" "[]" "limits after DEL"
	[ ! -e /sys/class/net/ebpfnet-shape ] || fail "a shaper without limits"
	must ebpfnet status
}

test_check_sees_that_a_limit_is_not_kept() {
	local limit='"runtimeConfig": {"bandwidth": {"ingressRate": 1000000, "ingressBurst": 80000}}' result
	container a
	cni_must ADD id-a /run/netns/a "$(conf "$limit")"
	result=$out
	tc qdisc del dev ebpfnet-shape root
	cni_fails 100 'is not HTB' CHECK id-a /run/netns/a "$(remembering "$result" "$limit")"
	cni_must ADD id-a /run/netns/a "$(conf "$limit")"
	cni_must CHECK id-a /run/netns/a "$(remembering "$result" "$limit")"
}

test_what_cannot_be_had_is_refused() {
	container a
	unchanged_from
	cni_fails 7 'egressRate 9999 is less than 10000' ADD id-a /run/netns/a "$(bandwidth '"egressRate": 9999, "egressBurst": 1')"
	cni_fails 7 'ingressRate needs ingressBurst' ADD id-a /run/netns/a "$(bandwidth '"ingressRate": 20000')"
	cni_fails 2 'shapedSubnets' ADD id-a /run/netns/a "$(bandwidth '"shapedSubnets": ["10.0.0.0/8"]')"
	cni_fails 2 "protocol 'sctp'" ADD id-a /run/netns/a "$(conf "$(ports 80:80/sctp)")"
	cni_fails 2 "hostIP '::1'" ADD id-a /run/netns/a "$(conf '"runtimeConfig": {"portMappings": [{"hostPort": 1, "containerPort": 2, "hostIP": "::1"}]}')"
	cni_fails 2 'runtimeConfig.ips has 2 addresses' ADD id-a /run/netns/a "$(conf '"runtimeConfig": {"ips": ["10.91.0.7", "fd00::7"]}')"
	cni_fails 2 'ipMasq: false' ADD id-a /run/netns/a "$(conf '"ipMasq": false')"
	cni_fails 2 'vlan is not supported' ADD id-a /run/netns/a "$(conf '"vlan": 7')"
	cni_fails 2 'promiscMode is not supported' ADD id-a /run/netns/a "$(conf '"promiscMode": true')"
	unchanged
	plug a '"runtimeConfig": {"bandwidth": {"ingressRate": 0, "egressRate": 0}}' '"ipMasq": true, "vlan": 0'
}

test_a_network_has_the_options_of_its_configuration() {
	container a b c
	plug a '"gateway": "10.91.0.254", "range": "10.91.0.64/26", "mtu": 1400'
	is "$(json 'j["ips"][0]["address"], j["ips"][0]["gateway"]' <<< "$out")" "('10.91.0.64/24', '10.91.0.254')" address
	like "$(ip -n a -o link show eth0)" 'mtu 1400'
	pings a 8.8.8.8
	plug b '"name": "inner", "ipam": {"subnet": "10.92.0.0/24"}, "internal": true'  '"subnet": ""'
	is "$(json 'j["ips"][0].get("gateway"), j["routes"]' <<< "$out")" "(None, [])" "gateway and routes of an internal network"
	no_pings b 8.8.8.8
	cni_refuses 100 'network inner is internal' ADD id-c /run/netns/c \
		"$(conf '"name": "inner", "subnet": "10.92.0.0/24", "internal": true' "$(ports 80:80)")"
}

test_a_container_is_in_two_networks() {
	local green='"name": "green", "subnet": "10.92.0.0/24"'
	container a b
	plug a
	IFNAME=eth1 plug a "$green"
	is "$(json '[i["name"] for i in j["interfaces"]], j["routes"]' <<< "$out")" "(['veth1', 'eth1'], [])" "second result"
	plug b "$green"
	pings a 8.8.8.8
	pings b 10.92.0.10
	IFNAME=eth2 cni_refuses 100 'is in network green already' ADD id-a /run/netns/a "$(conf "$green")"
	IFNAME=eth2 cni_refuses 100 'leads to another network' ADD id-a /run/netns/a \
		"$(conf '"name": "red", "subnet": "10.93.0.0/24"' "$(ports 80:80)")"
	unplug a
	pings b 10.92.0.10
	IFNAME=eth1 unplug a "$green"
	no_pings b 10.92.0.10
	is "$(ebpfnet ns list --json | json '[n["name"] for n in j["namespaces"]]')" "['id-b']" "who is attached"
}

test_a_plugin_before_us_keeps_its_part_of_the_result() {
	local before='{"cniVersion": "1.0.0", "interfaces": [{"name": "lo0"}], "ips": [{"address": "10.1.1.1/24", "interface": 0}],
		"routes": [{"dst": "10.2.0.0/16"}], "dns": {"nameservers": ["10.1.1.2"]}}'
	container a
	cni_must ADD id-a /run/netns/a "$(remembering "$before" '"dns": {"nameservers": ["9.9.9.9"]}')"
	is "$(json '[i["name"] for i in j["interfaces"]], [(i["address"], i["interface"]) for i in j["ips"]]' <<< "$out")" \
		"(['lo0', 'veth0', 'eth0'], [('10.1.1.1/24', 0), ('10.91.0.10/24', 2)])" result
	is "$(json '[r["dst"] for r in j["routes"]], j["dns"]' <<< "$out")" \
		"(['10.2.0.0/16', '0.0.0.0/0'], {'nameservers': ['10.1.1.2']})" result
	container b
	plug b '"dns": {"nameservers": ["9.9.9.9"]}'
	is "$(json 'j["dns"]' <<< "$out")" "{'nameservers': ['9.9.9.9']}" "dns of the configuration"
}
