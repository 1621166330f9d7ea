# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Docker's network driver: how it is connected, and what single calls bring.
#
# hooks: any
source "$TOP/tests/lib/docker.sh"

begin() {
	up --ns none
	create_network blue 10.92.0.0/24
}

test_docker_several_calls_on_one_connection() {
	begin
	{
		request Plugin.Activate
		request $DRIVER.CreateEndpoint "$(interface blue a 10.92.0.2)"
		printf 'POST /%s.CreateEndpoint HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n' $DRIVER
		interface blue b 10.92.0.3 | python3 -c '
import sys
for c in sys.stdin.read(): print("1\r\n%s\r\n" % c, end="")
print("0\r\n\r\n", end="")'
		request $DRIVER.DeleteEndpoint "{$(ids blue a)}" | sed 's/^Host: /Connection: close/'
		request $DRIVER.CreateEndpoint "$(interface blue c 10.92.0.4)"
	} > $T/request
	talk $T/request
	is "$(grep -ao 'HTTP/1.1 200 OK' $T/out | wc -l)" 4 "answers: what follows Connection: close is not read"
	is "$(attached)" "['10.92.0.3']" "who is attached"
}

test_docker_the_connection_may_be_a_socket() {
	local how
	command -v systemd-socket-activate > /dev/null || skip "no systemd-socket-activate here, of package systemd"
	begin
	for how in --inetd ''; do
		start activate sh -c 'echo ready; exec systemd-socket-activate --accept '"$how"' --listen '$T/sock' "$(command -v ebpfnet)" docker'
		soon test -S $T/sock
		must curl -s --unix-socket $T/sock -X POST --data '' http://x/Plugin.Activate http://x/$DRIVER.GetCapabilities
		like "$out" NetworkDriver
		like "$out" local
		stop activate
		rm -f $T/sock
	done
}

test_docker_ranges_chosen_ports_and_host_addresses() {
	begin
	run_container blue a 10.92.0.2 9000:9000 9001:9001 9002:9002 127.0.0.1:6000:80 $HOST:7000:80
	is "$(published)" "[('*:9000-9002', '10.92.0.2:9000-9002'), ('127.0.0.1:6000', '10.92.0.2:80'), ('$HOST:7000', '10.92.0.2:80')]" "what is published"
	serve host tcp 8001
	run_container blue b 10.92.0.3 8001-8009:80
	is "$(ebpfnet exposed --json | json '[p["text"] for p in j["published"] if p["to"].startswith("10.92.0.3:")]')" \
		"['*:8002']" "the first port of the range that is free"
	publish blue b 8001-8009:80
	is "$(ebpfnet exposed --json | json 'len(j["published"])')" 4 "mappings after the same call again"
	run_container blue c 10.92.0.4 0:80 0:81
	publish blue c 0:80 0:81
	is "$(ebpfnet exposed --json | json 'len([p for p in j["published"] if p["to"].startswith("10.92.0.4:") and p["first"] > 1023])')" \
		2 "ports that were chosen"
}

test_docker_a_port_that_is_not_free_is_refused_with_its_owner() {
	begin
	run_container blue a 10.92.0.2 8080:80
	create_endpoint blue b 10.92.0.3
	join blue b
	serve host tcp 8090
	serve host tcp 8091
	ask_fails 200 'published already' $DRIVER.ProgramExternalConnectivity "$(ports blue b 8081:80 8080:80)"
	ask_fails 200 'wire.py .*bound to 0.0.0.0:8090' $DRIVER.ProgramExternalConnectivity "$(ports blue b 8081:80 8090:80)"
	ask_fails 200 'bound to 0.0.0.0:8090' $DRIVER.ProgramExternalConnectivity "$(ports blue b 8081:80 8090-8091:80)"
	ask_fails 200 'neither tcp nor udp' $DRIVER.ProgramExternalConnectivity "$(ports blue b 8081:80/sctp)"
	is "$(published)" "[('*:8080', '10.92.0.2:80')]" "what is published"
}

test_docker_a_device_of_the_host_that_is_called_as_ours_would_be() {
	begin
	ip link add ceth0 type veth peer name other
	run_container blue a 10.92.0.2
	is "$device" ceth1 "device that waited on the host"
	pings a 8.8.8.8
	must ip link show ceth0
}

test_docker_addresses_are_chosen_if_docker_has_none() {
	up --ns none
	asked $DRIVER.CreateNetwork '{"NetworkID":"'"$(id blue)"'","Options":null,"IPv4Data":[{"Pool":"0.0.0.0/0","Gateway":""}],"IPv6Data":null}'
	asked $DRIVER.CreateEndpoint "{$(ids blue a),"'"Interface":{"Address":"","AddressIPv6":"","MacAddress":""}}'
	is "$(json 'j["Interface"]["Address"]' <<< "$body")" 10.89.0.10/24 "address"
}
