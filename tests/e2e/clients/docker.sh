# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Docker's network driver: what dockerd asks for in the life of networks and containers, and what packets do then.
#
# hooks: any
source "$TOP/tests/lib/docker.sh"

# With the kind of hook that is to be tested.
begin() {
	up --ns none
	create_network blue 10.92.0.0/24
}

test_docker_a_whole_life() {
	local idle
	up --ns none
	idle=$(everything | grep -v /progs/lo) # loaded once, and stays
	asked Plugin.Activate
	is "$body" '{"Implements":["NetworkDriver"]}' "what it implements"
	asked $DRIVER.GetCapabilities
	is "$(json 'j["Scope"]' <<< "$body")" local "scope"
	create_network blue 10.92.0.0/24
	create_endpoint blue a 10.92.0.2
	is "$body" '{"Interface":{"MacAddress":"02:eb:0a:5c:00:02"}}' "what Docker has not chosen"
	is "$(ebpfnet ns list --json | json 'j["namespaces"][0]["state"]')" waiting "state before Docker moves the device"
	join blue a
	is "$body" '{"InterfaceName":{"SrcName":"'"$device"'","DstPrefix":"eth"},"Gateway":"10.92.0.1","StaticRoutes":[],"DisableGatewayService":false}' "how to set it up"
	must ebpfnet status
	move a 10.92.0.2
	publish blue a 8080:80 $HOST:5353:53/udp
	asked $DRIVER.EndpointOperInfo "{$(ids blue a)}"
	serve a tcp 80
	serve a udp 53
	reaches internet tcp $HOST 8080 $INTERNET
	reaches internet udp $HOST 5353 $INTERNET
	must on host "$WIRE" ask tcp 127.0.0.1 8080
	pings a 8.8.8.8
	must ebpfnet status
	is "$(ebpfnet ns list --json | json 'j["namespaces"][0]["state"]')" up "state"
	must ebpfnet exec "$(id a)" -- ip -o link show eth0
	asked $DRIVER.RevokeExternalConnectivity "{$(ids blue a)}"
	unreached internet tcp $HOST 8080 refused
	pings a 8.8.8.8
	asked $DRIVER.Leave "{$(ids blue a)}"
	delete_endpoint blue a
	must_not ip -n a link show eth0
	ip netns del a
	delete_network blue
	is "$(diff <(echo "$idle") <(everything | grep -v /progs/lo))" "" "what is left"
}

# As systemd and inetd hand a connection over.
test_docker_internal_network_mtu_mac_and_isolation() {
	up --ns none
	asked $DRIVER.CreateNetwork "$(define blue 10.92.0.0/24 '"com.docker.network.driver.mtu":"1400"' '"com.docker.network.internal":true,')"
	create_endpoint blue a 10.92.0.2 02:11:22:33:44:55
	is "$body" '{"Interface":{}}' "what Docker has not chosen"
	join blue a
	is "$(json 'j["Gateway"], j["DisableGatewayService"]' <<< "$body")" "('', True)" "gateway"
	move a 10.92.0.2
	like "$(ip -n a link show eth0)" 'mtu 1400'
	like "$(ip -n a link show eth0)" '02:11:22:33:44:55'
	ip -n a route add default via 10.92.0.1
	no_pings a 8.8.8.8
	ask_fails 200 'is internal' $DRIVER.ProgramExternalConnectivity "$(ports blue a 8080:80)"
	create_network green 10.93.0.0/24 '"isolated":"true"'
	run_container green b 10.93.0.2
	pings b 8.8.8.8
	no_pings b 10.92.0.2
	like "$(ebpfnet network show "$(name_of green)")" isolated
}

# --ipam-driver null
test_docker_a_container_in_two_networks() {
	begin
	create_network green 10.93.0.0/24
	run_container blue a 10.92.0.2 8080:80
	create_endpoint green a2 10.93.0.2
	join green a2
	ip link set "$device" netns a
	ip -n a link set "$device" name eth1
	ip -n a address add 10.93.0.2/24 dev eth1
	ip -n a link set eth1 up
	soon on a ping -n -c1 -W1 10.93.0.1
	run_container green b 10.93.0.3
	pings b 10.93.0.2
	pings a 8.8.8.8
	must ebpfnet status
	leave green a2
	delete_endpoint green a2
	must_not ip -n a link show eth1
	pings a 8.8.8.8
	ip netns del a
	leave blue a
	delete_endpoint blue a
	is "$(attached)" "['10.93.0.3']" "who is attached"
}

# As libnetwork does: Leave, then the device is brought back, then DeleteEndpoint.
test_docker_a_container_that_lives_is_disconnected() {
	begin
	run_container blue a 10.92.0.2 8080:80
	leave blue a
	ip -n a link set eth0 down
	ip -n a link set eth0 name "$device"
	ip -n a link set "$device" netns 1
	must ebpfnet status
	delete_endpoint blue a
	must_not ip link show "$device"
	run_container blue b 10.92.0.2 8080:80
	pings b 8.8.8.8
}
