# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# The vocabulary of rule sets (rules/NAME.sh), inside a lab: the same network made by a bridge or by ebpfnet, and the
# host's firewalls. Nothing of it is seen outside: their configuration, state, logs, sockets and processes are those of
# the lab.

# shellcheck disable=SC2034 # used by rule sets
HOST=172.31.13.55 GATEWAY=192.168.1.1 NS1=192.168.1.10 NS2=192.168.1.11 A=203.0.113.10 B=203.0.113.11

# ---- the network, with the published ports that connections.py tries. The inside device has the same name with either

# The provider sends packets for addresses inside here, as anybody on the same wire can.
addresses_inside_are_routed_here() {
	ip -n isp route add 192.168.1.0/24 via $HOST
}

namespaces_on_a_bridge() {
	local n
	ip link add ebpfnet0 type bridge
	ip address add $GATEWAY/24 dev ebpfnet0
	ip link set ebpfnet0 up
	# frames that are bridged are not for iptables, even if br_netfilter is loaded on this machine
	[ ! -e /proc/sys/net/bridge ] || sysctl -qw net.bridge.bridge-nf-call-iptables=0
	sysctl -qw net.ipv4.ip_forward=1
	for n in 0 1; do
		ip netns add ns$((n + 1))
		ip link add veth$n type veth peer name ceth$n netns ns$((n + 1))
		ip link set veth$n master ebpfnet0 up
		ip -n ns$((n + 1)) -batch - <<-END
			link set lo up
			address add 192.168.1.$((10 + n))/24 dev ceth$n
			link set ceth$n up
			route add default via $GATEWAY
		END
	done
}

# In a table of its own, as rule sets replace those of iptables.
translate() { # DEVICE-IN DEVICE-OUT, where packets of outside come in and packets for outside leave
	nft -f - <<-END
		table ip network {
			map tcp_ports {
				type inet_service : ipv4_addr . inet_service
				elements = { 8080 : $NS1 . 80, 8081 : $NS2 . 80, 8082 : $NS1 . 82 }
			}
			map udp_ports {
				type inet_service : ipv4_addr . inet_service
				elements = { 5353 : $NS1 . 53 }
			}
			chain prerouting {
				type nat hook prerouting priority -100
				iifname $1 ip daddr $HOST dnat ip to tcp dport map @tcp_ports
				iifname $1 ip daddr $HOST dnat ip to udp dport map @udp_ports
			}
			chain postrouting {
				type nat hook postrouting priority 100
				ip saddr 192.168.1.0/24 oifname $2 snat to $HOST
				ip saddr 192.168.1.0/24 oifname "ebpfnet0" ct status dnat snat to $HOST
			}
		}
	END
}

# As Docker has it with docker0.
network_of_bridge() {
	namespaces_on_a_bridge
	translate '{ "eth0", "ebpfnet0" }' '"eth0"'
}

# The host routes, and another router translates: what its rules see is what they see of ebpfnet's packets.
network_of_router() {
	namespaces_on_a_bridge
	addresses_inside_are_routed_here
	export -f translate
	export HOST NS1 NS2
	ip netns exec isp bash -ec 'translate "\"wan\"" "\"wan\""'
}

network_of_ebpfnet() { # WAY HOOK
	ebpfnet up -q --hook "$2" --forwarding "$1"
	ebpfnet set ask-again 1
	publish
}

# Of a build that knows only one way.
network_of_ebpfnet_as_it_is() { # HOOK
	ebpfnet up -q --hook "$1"
	publish
}

publish() {
	addresses_inside_are_routed_here
	ebpfnet expose ns1 8080:80
	ebpfnet expose ns2 8081:80
	ebpfnet expose ns1 8082:82
	ebpfnet expose ns1 5353:53/udp
}

# The command that opens the port, as an operator types it. It is printed when the port is published.
type_what_expose_prints() {
	local said
	ebpfnet unexpose ns1 8080
	said=$(ebpfnet expose ns1 8080:80 2>&1)
	[[ $said == *"to allow this: "* ]] || { echo "expose printed no command: $said" >&2 && return 1; }
	said=${said#*to allow this: }
	bash -ec "${said%%$'\n'*}"
}

# ---- ufw

# The lab's own /etc says which iptables it is.
iptables_is() { # nft|legacy
	local name
	for name in {ip,ip6}tables{,-save,-restore}; do
		ln -sfn "/usr/sbin/${name/tables/tables-$1}" "/etc/alternatives/$name"
	done
}

# As it is after its installation. IPv6: none in the lab, and half the time.
begin_ufw() { # nft|legacy
	iptables_is "$1"
	rm -rf /etc/ufw/*.rules /etc/ufw/*.init
	cp /usr/share/ufw/iptables/*.rules /usr/share/ufw/*.init /usr/share/ufw/ufw.conf /etc/ufw/
	chmod 640 /etc/ufw/*.rules /etc/ufw/*.init
	cat > /etc/default/ufw <<-END
		IPV6=no
		DEFAULT_INPUT_POLICY="DROP"
		DEFAULT_OUTPUT_POLICY="ACCEPT"
		DEFAULT_FORWARD_POLICY="DROP"
		DEFAULT_APPLICATION_POLICY="SKIP"
		MANAGE_BUILTINS=no
		IPT_SYSCTL=/etc/ufw/sysctl.conf
		IPT_MODULES=""
	END
}

# ---- firewalld

# As it is after its installation, and its own D-Bus, which starts nothing by itself. Modules of the kernel belong to
# the machine: they stay.
begin_firewalld() {
	rm -rf /etc/firewalld
	mkdir -p /etc/firewalld /run/dbus
	cat > /etc/firewalld/firewalld.conf <<-END
		DefaultZone=public
		CleanupModulesOnExit=no
		FirewallBackend=nftables
	END
	cat > /run/dbus.conf <<-END
		<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
			"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
		<busconfig>
			<type>system</type>
			<listen>unix:path=/run/dbus/system_bus_socket</listen>
			<auth>EXTERNAL</auth>
			<policy context="default">
				<allow own="*"/>
				<allow send_destination="*"/>
				<allow receive_sender="*"/>
			</policy>
		</busconfig>
	END
	dbus-daemon --config-file=/run/dbus.conf --fork --nopidfile > /run/dbus.log 2>&1
}

start_firewalld() {
	local end=$((SECONDS + 30))
	firewalld --nofork --nopid > /run/firewalld.log 2>&1 &
	until firewall-cmd -q --state 2> /dev/null; do
		[ $SECONDS -le $end ] || { cat /run/firewalld.log >&2 && return 1; }
		sleep 0.05
	done
}

# ---- what Docker 20.10 to 27 makes for a bridge that no container is on

docker_rules() { # IPTABLES
	sysctl -qw net.ipv4.ip_forward=1
	"$1"-restore <<-END
		*nat
		:DOCKER - [0:0]
		-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
		-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
		-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
		-A DOCKER -i docker0 -j RETURN
		COMMIT
		*filter
		:FORWARD DROP [0:0]
		:DOCKER - [0:0]
		:DOCKER-ISOLATION-STAGE-1 - [0:0]
		:DOCKER-ISOLATION-STAGE-2 - [0:0]
		:DOCKER-USER - [0:0]
		-A FORWARD -j DOCKER-USER
		-A FORWARD -j DOCKER-ISOLATION-STAGE-1
		-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		-A FORWARD -o docker0 -j DOCKER
		-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
		-A FORWARD -i docker0 -o docker0 -j ACCEPT
		-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
		-A DOCKER-ISOLATION-STAGE-1 -j RETURN
		-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
		-A DOCKER-ISOLATION-STAGE-2 -j RETURN
		-A DOCKER-USER -j RETURN
		COMMIT
	END
}
