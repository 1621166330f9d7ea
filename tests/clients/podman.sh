# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
# podman 4.3 with its CNI backend.
source "$TOP/tests/clients/lib_podman"

pod() {
	podman --root /run/pm/root --runroot /run/pm/run "$@"
}

begin() {
	mkdir -p /run/pm/root
	mount -t tmpfs tmpfs /run/pm/root
	cat > /run/pm/containers.conf <<-END
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		runtime = "runc"
		[network]
		network_backend = "cni"
		cni_plugin_dirs = ["/opt/cni/bin"]
		network_config_dir = "/etc/cni/net.d"
		[containers]
		log_driver = "k8s-file"
	END
	export CONTAINERS_CONF=/run/pm/containers.conf
	VERSION=0.4.0 network blue 10.91.0.0/24
	VERSION=0.4.0 network green 10.92.0.0/24
	root /run/pm/image
	tar -C /run/pm/image -c . | pod import - box > /dev/null 2>&1
}

test_published_ports_tcp_udp_ranges_and_host_addresses() {
	begin
	published_ports
	nothing_left
}

test_restart_reload_and_a_killed_container() {
	begin
	restarts
	must pod rm -f -t 0 -a
	nothing_left
}

test_static_address_and_mac_and_two_networks() {
	begin
	must pod run --rm --network blue --ip 10.91.0.77 --mac-address 02:11:22:33:44:55 --cap-add net_raw box \
		sh -c 'ip -o addr show eth0; ip -o link show eth0; ping -c1 -W1 8.8.8.8'
	like "$out" 'inet 10.91.0.77/24'
	like "$out" '02:11:22:33:44:55'
	must pod run -d --name green --network green box nc -ll -p 80 -e echo green
	must pod run --rm --network blue,green box sh -c "ip -o addr; nc -w 2 $(address green) 80 < /dev/null"
	like "$out" '10\.91\.0\.'
	like "$out" '10\.92\.0\.'
	like "$out" '^green$'
	must pod rm -f -t 0 -a
	nothing_left
}

test_a_port_that_is_not_free() {
	begin
	must pod run -d --name web --network blue -p 8080:80 box sleep 1000
	must_not pod run --rm --network blue -p 8080:80 box true
	serve host tcp 8090
	must_not pod run --rm --network blue -p 8090:80 box true
	must pod rm -f -t 0 -a
	nothing_left
}

test_a_pod() {
	begin
	must pod pod create --name pod --network blue -p 8181:81 --infra-image box --infra-command '/bin/sleep 1000'
	must pod run -d --pod pod box nc -ll -p 81 -e echo pod
	hears internet $HOST 8181 pod
	must pod pod rm -f -t 0 pod
	nothing_left
}
