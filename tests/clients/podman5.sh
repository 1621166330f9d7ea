# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
# podman 5 and netavark of Debian 13, in a root of that release, with what `make install` puts there.

# root: trixie
source "$TOP/tests/clients/lib_podman"

# Debian 13, with the lab's /run, /sys and /proc.
begin() {
	local dir
	debian trixie
	make -s -C "$TOP" install DESTDIR=$ROOT > $T/install 2>&1 || fail "$(< $T/install)"
	for dir in /proc /sys /dev /run; do mount --rbind $dir $ROOT$dir; done
	cat > $ROOT/etc/containers/containers.conf <<-END
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		runtime = "runc"
		[containers]
		log_driver = "k8s-file"
	END
	start debian unshare -m --propagation unchanged sh -c "cd $ROOT && pivot_root . old && mount --make-rprivate /old && umount -l /old && echo ready && exec sleep 100000"
	root /run/image
	tar -C /run/image -c . | pod import - box > /dev/null 2>&1
}

pod() {
	in_debian podman "$@"
}

network() { # NAME SUBNET [OPTIONS...]
	must pod network create --driver ebpfnet --subnet "$2" "${@:3}" "$1"
}

# Networks go with their last container.
all_gone() {
	must pod rm -f -t 0 -a
	nothing_left
	is "$(ebpfnet network list --json | json 'j["networks"]')" "[]" networks
}

test_published_ports_tcp_udp_ranges_and_host_addresses() {
	begin
	network blue 10.91.0.0/24
	published_ports
	all_gone
}

test_restart_reload_and_a_killed_container() {
	begin
	network blue 10.91.0.0/24
	restarts
	all_gone
}

test_static_address_mac_mtu_and_interface_name() {
	begin
	network blue 10.91.0.0/24 --gateway 10.91.0.254 -o mtu=1400
	must pod run --rm --network blue:ip=10.91.0.77,mac=02:11:22:33:44:55,interface_name=net0,alias=w --cap-add net_raw box \
		sh -c 'ip -o addr show net0; ip -o link show net0; ip route; ping -c1 -W1 8.8.8.8'
	like "$out" 'inet 10.91.0.77/24'
	like "$out" 'mtu 1400'
	like "$out" '02:11:22:33:44:55'
	like "$out" 'default via 10.91.0.254'
	all_gone
}

test_several_networks_and_an_internal_one() {
	begin
	must pod network create --driver ebpfnet one
	must pod network create --driver ebpfnet two
	must pod network create --driver ebpfnet --internal inner
	must pod run -d --name two --network two box nc -ll -p 80 -e echo two
	must pod run -d --name inner --network inner -p 8081:80 box nc -ll -p 80 -e echo inner
	must pod run -d --name web --network one,two,inner -p 8080:80 box nc -ll -p 80 -e echo web
	hears internet $HOST 8080 web
	is "$(address two > /dev/null && pod exec web sh -c "nc -w 2 $(address two) 80 < /dev/null")" two "who is in another network"
	is "$(pod exec web sh -c "nc -w 2 $(address inner) 80 < /dev/null")" inner "who is in an internal one"
	not_heard internet $HOST 8081
	must pod network connect one two
	must pod network disconnect one two
	must pod network disconnect two web
	must pod network disconnect one web
	must pod network connect two web
	hears internet $HOST 8080 web
	must_not pod run --rm --network inner --cap-add net_raw box ping -c1 -W1 8.8.8.8
	all_gone
	must pod network rm one two inner
	network one 10.95.0.0/24
	must pod run --rm --network one box ip -o addr
	like "$out" '10\.95\.0\.'
	all_gone
}

test_containers_find_each_other_by_name() {
	begin
	network blue 10.91.0.0/24
	network green 10.92.0.0/24 --internal
	network mute 10.93.0.0/24 --disable-dns
	is "$(pod network inspect blue --format '{{.DNSEnabled}}')" true "DNS of blue"
	must pod run -d --name web --network blue:alias=www --network green box sleep 1000
	must pod run --rm --network blue box nslookup web
	like "$out" "$(pod inspect web --format '{{.NetworkSettings.Networks.blue.IPAddress}}')"
	must pod run --rm --network blue --cap-add net_raw box ping -c1 -W1 www
	must pod run --rm --network green --cap-add net_raw box ping -c1 -W1 web.dns.podman
	must_not pod run --rm --network mute box nslookup web
	must pod restart -t 0 web
	must pod run --rm --network blue --cap-add net_raw box ping -c1 -W1 web
	kill -9 "$(< /run/ebpfnet-dns/aardvark.pid)"
	must pod run --rm --network blue --cap-add net_raw box ping -c1 -W1 web
	must pod rm -f -t 0 web
	must_not pod run --rm --network blue box nslookup web
	all_gone
	[ ! -e /run/ebpfnet-dns ] || fail "files are left: $(ls /run/ebpfnet-dns)"
	! pgrep -x aardvark-dns || fail "a server is left"
}

test_what_cannot_be_had_is_told() {
	begin
	must_not pod network create --driver ebpfnet --ipv6 six
	like "$err" 'IPv6'
	must_not pod network create --driver ebpfnet -o vlan=7 seven
	like "$err" 'option vlan is not supported'
	must_not pod network create --driver ebpfnet --subnet 172.31.0.0/24 taken
	like "$err" 'overlaps the route to 172.31.0.0/20'
	network blue 10.91.0.0/24
	must pod run -d --name web --network blue -p 8080:80 box sleep 1000
	must_not pod run --rm --network blue -p 8080:80 box true
	serve host tcp 8090
	must_not pod run --rm --network blue -p 8090:80 box true
	all_gone
}

test_a_pod() {
	begin
	network blue 10.91.0.0/24
	must pod pod create --name pod --network blue -p 8181:81 --infra-image box --infra-command '/bin/sleep 1000'
	must pod run -d --pod pod box nc -ll -p 81 -e echo pod
	hears internet $HOST 8181 pod
	must pod pod rm -f -t 0 pod
	all_gone
}

# netavark alone, as it is called by podman.
test_netavark_calls_us() {
	begin
	ip netns add a
	cat > /run/request <<-END
		{"container_id": "2d0fe608dc86", "container_name": "web", "port_mappings": [{"container_port": 80, "host_ip": "",
		 "host_port": 8080, "protocol": "tcp", "range": 1}], "networks": {"blue": {"static_ips": ["10.91.0.7"],
		 "interface_name": "eth0", "aliases": ["w"]}}, "network_info": {"blue": {"name": "blue", "id": "53ce4390", "driver":
		 "ebpfnet", "subnets": [{"subnet": "10.91.0.0/24", "gateway": "10.91.0.1"}], "ipv6_enabled": false, "internal": false,
		 "dns_enabled": true, "options": {}, "ipam_options": {"driver": "host-local"}}}}
	END
	netavark() {
		in_debian sh -c "exec /usr/lib/podman/netavark --config /run --plugin-directory /usr/local/libexec/netavark $1 /run/netns/a < /run/request"
	}
	must netavark setup
	is "$(json 'j["blue"]["interfaces"]["eth0"]["subnets"][0]["ipnet"]' <<< "$out")" 10.91.0.7/24 address
	serve a tcp 80
	reaches internet tcp $HOST 8080 $INTERNET
	must netavark setup
	must netavark teardown
	must netavark teardown
	all_gone
}
