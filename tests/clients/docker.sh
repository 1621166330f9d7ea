# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
# docker.io 20.10, with ebpfnet as its network driver.

DATA=/var/lib/docker

# The socket of ebpfnet-docker.socket, without systemd.
driver() {
	mkdir -p /run/docker/plugins
	systemd-socket-activate --accept --inetd --listen /run/docker/plugins/ebpfnet.sock "$(command -v ebpfnet)" docker 2> $T/driver &
	soon test -S /run/docker/plugins/ebpfnet.sock
}

# Where all networks are ebpfnet's, Docker needs none of its own, and no rules.
OURS_ALONE="--bridge=none --iptables=false --ip-forward=false --ip-masq=false"

daemon() { # [OPTIONS...]
	# shellcheck disable=SC2086 # words
	dockerd -H unix:///run/dk/socket --data-root $DATA --exec-root /run/dk/exec -p /run/dk/pid --storage-driver vfs \
		${*:-$OURS_ALONE} > /run/dk/log 2>&1 &
	daemon=$!
	soon docker version
}

# SIGNAL: TERM lets it go in order.
end_daemon() { # SIGNAL
	local containerd
	containerd=$(< /run/dk/exec/containerd/containerd.pid)
	kill -"$1" $daemon
	wait $daemon 2> /dev/null || true
	kill -KILL "$containerd" 2> /dev/null || true # of one that ended in order it has gone, too
	soon eval "! kill -0 $containerd"
	rm -f /run/dk/pid /run/dk/socket /run/dk/exec/containerd/containerd.pid
}

# dockerd with an image, and without networks.
begin_docker() { # [OPTIONS of dockerd...]
	export DOCKER_HOST=unix:///run/dk/socket PATH=/usr/bin:$PATH
	mkdir -p $DATA /run/dk
	mount -t tmpfs tmpfs $DATA
	root /run/dk/image
	driver
	daemon "$@"
	tar -C /run/dk/image -c . | docker import - box > /dev/null
}

begin() {
	begin_docker
	must docker network create -d ebpfnet --subnet 10.92.0.0/24 blue
}

end() {
	docker rm -f $(docker ps -aq) > /dev/null 2>&1 || true
	must docker network rm blue
	nothing_left
	end_daemon TERM
}

test_published_ports_tcp_udp_ranges_and_host_addresses() {
	local netns
	begin
	must docker run -d --name web --network blue -p 8080:80 -p 9000-9009:9000-9009 -p $HOST:7070:70 -p 127.0.0.1:6060:80 -p 5353:53/udp -p 8000-8005:80 -p 80 box \
		sh -c 'nc -ll -p 80 -e echo web & nc -ll -p 9005 -e echo range & nc -ll -p 70 -e echo one & sleep 1000'
	hears internet $HOST 8080 web
	hears internet $HOST 8000 web
	hears internet $HOST 9005 range
	hears internet $HOST 7070 one
	hears host $HOST 8080 web
	hears host 127.0.0.1 6060 web
	not_heard internet $HOST 6060
	hears internet $HOST "$(ebpfnet exposed --json | json '[p["first"] for p in j["published"] if p["first"] >= 32768][0]')" web
	netns=/run/netns/of-web
	touch $netns
	mount --bind "$(docker inspect web --format '{{.NetworkSettings.SandboxKey}}')" $netns
	serve of-web udp 53
	reaches internet udp $HOST 5353 $INTERNET
	umount $netns
	rm $netns
	must docker run --rm --network blue box sh -c 'ping -c1 -W1 8.8.8.8 && nc -w 2 web 80 < /dev/null' # Docker's own DNS
	like "$out" '^web$'
	must docker rm -f web
	not_heard internet $HOST 8080
	end
}

test_restart_of_containers_and_daemon() {
	local pid
	begin
	must docker run -d --name web --network blue --restart always -p 8080:80 box nc -ll -p 80 -e echo web
	hears internet $HOST 8080 web
	must docker restart -t 0 web
	hears internet $HOST 8080 web
	pid=$(docker inspect web --format '{{.State.Pid}}')
	[ "$pid" -gt 1 ] || fail "no pid: $pid"
	kill -9 "$pid"
	soon eval '[ "$(docker inspect web --format "{{.State.Running}} {{.RestartCount}}")" = "true 1" ]'
	hears internet $HOST 8080 web
	end_daemon TERM
	daemon
	hears internet $HOST 8080 web
	end
}

# The power goes: processes, and what the kernel had of the network.
test_a_boot_brings_networks_and_containers_back() {
	local pid kept=/var/lib/ebpfnet/networks
	begin
	must docker run -d --name web --network blue --restart always -p 8080:80 box nc -ll -p 80 -e echo web
	hears internet $HOST 8080 web
	pid=$(docker inspect web --format '{{.State.Pid}}')
	[ "$pid" -gt 1 ] || fail "no pid: $pid"
	end_daemon KILL
	kill -9 "$pid"
	mv $kept /run/dk/kept
	must ebpfnet down
	mkdir -p ${kept%/*}
	mv /run/dk/kept $kept
	umount /run/dk/exec/netns/* /run/docker/netns/* 2> /dev/null || true
	rm -rf /run/dk/exec
	daemon
	hears internet $HOST 8080 web
	end
}

test_static_address_mac_mtu_internal_and_two_networks() {
	begin
	must docker network create -d ebpfnet --subnet 10.93.0.0/24 -o com.docker.network.driver.mtu=1400 green
	must docker network create -d ebpfnet --subnet 10.94.0.0/24 --internal inner
	must docker run --rm --network green --ip 10.93.0.77 --mac-address 02:11:22:33:44:55 box \
		sh -c 'ip -o addr show eth0; ip -o link show eth0; ping -c1 -W1 8.8.8.8'
	like "$out" 'inet 10.93.0.77/24'
	like "$out" '02:11:22:33:44:55'
	like "$out" 'mtu 1400'
	must_not docker run --rm --network inner box ping -c1 -W1 8.8.8.8
	must docker run -d --name green --network green box nc -ll -p 80 -e echo green
	must docker run -d --name both --network blue -p 8080:80 box nc -ll -p 80 -e echo both
	must_not docker exec both nc -w 1 10.93.0.2 80
	must docker network connect green both
	must docker exec both sh -c 'nc -w 2 green 80 < /dev/null'
	is "$out" green "what the server of the other network says"
	hears internet $HOST 8080 both
	must docker network disconnect green both
	hears internet $HOST 8080 both
	docker rm -f both green > /dev/null
	must docker network rm green inner
	end
}

test_a_port_that_is_not_free_and_an_option_that_is_none() {
	begin
	must docker run -d --name web --network blue -p 8080:80 box sleep 1000
	must_not docker run --rm --network blue -p 8080:80 box true
	like "$err" 'published already'
	serve host tcp 8090
	must_not docker run --rm --network blue -p 8090:80 box true
	like "$err" 'is bound to 0.0.0.0:8090'
	must_not docker network create -d ebpfnet -o parent=eth0 red
	like "$err" 'parent is not supported'
	must_not docker network create -d ebpfnet --subnet 172.31.0.0/20 red
	like "$err" 'overlaps the route'
	end
}

test_twenty_at_once() {
	local n pids=()
	begin
	for n in $(seq 20); do
		docker run -d --network blue -p $((7000 + n)):80 box sleep 1000 > /dev/null 2> "$T/run$n" &
		pids+=($!)
	done
	for n in "${pids[@]}"; do wait "$n" || fail "a container did not start: $(cat $T/run*)"; done
	is "$(ebpfnet ns list --json | json 'len({n["addr"] for n in j["namespaces"]})')" 20 "addresses"
	must ebpfnet status
	end
}
