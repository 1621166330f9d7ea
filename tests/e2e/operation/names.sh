# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Names of namespaces, what resolves inside, and what is printed of names that others chose.
# hooks: any

# ---- DNS

host_resolver_is() { # ADDR
	printf '# stub\nnameserver %s\nsearch example.com\n' "$1" > /etc/resolv.conf
}

systemd_asks() { # ADDR...
	mkdir -p /run/systemd/resolve
	printf 'nameserver %s\n' "$@" > /run/systemd/resolve/resolv.conf
	echo 'search example.com' >> /run/systemd/resolve/resolv.conf
}

test_where_the_hosts_resolver_is_a_loopback_address_those_that_it_asks_are_used_inside() {
	host_resolver_is 127.0.0.53
	systemd_asks 127.0.0.1 2001:db8::53 203.0.113.53
	up
	is "$(head -n1 /etc/netns/ns1/resolv.conf | cut -d' ' -f1-4)" '# made by ebpfnet' "header"
	must ebpfnet exec ns1 -- grep -v '^#' /etc/resolv.conf
	is "$out" $'nameserver 203.0.113.53\nsearch example.com' "resolv.conf inside"
	must ip netns exec ns2 grep 203.0.113.53 /etc/resolv.conf
	must ebpfnet up
	is "$out" 'already up, nothing to change' "up again"
	must ebpfnet ns del ns1
	[ ! -e /etc/netns/ns1 ] || fail "left: $(find /etc/netns/ns1)"
	must ebpfnet down
	[ ! -e /etc/netns ] && [ ! -e /run/ebpfnet ] || fail "left: $(find /etc/netns /run/ebpfnet)"
}

test_it_follows_the_hosts_resolver() {
	host_resolver_is 127.0.0.53
	systemd_asks 203.0.113.53
	up
	systemd_asks 203.0.113.54
	must ebpfnet ns add x
	must ebpfnet exec ns1 -- grep 203.0.113.54 /etc/resolv.conf
	host_resolver_is 203.0.113.55
	must ebpfnet up
	[ ! -L /etc/netns/ns1/resolv.conf ] || fail "the link is left"
	must ebpfnet exec ns1 -- grep 203.0.113.55 /etc/resolv.conf
	must ebpfnet status
}

test_a_resolver_that_is_reached_is_left_as_it_is() {
	host_resolver_is 203.0.113.53
	systemd_asks 203.0.113.54
	up
	[ ! -e /etc/netns/ns1/resolv.conf ] || fail "resolv.conf was made"
	is "$err" "" "what up warned of"
}

test_where_no_resolver_is_known_one_line_says_so() {
	host_resolver_is 127.0.0.1
	up
	is "$(grep -c 'no DNS inside: the host.s resolver 127.0.0.1' $T/err)" 1 "lines about it"
	is "$(wc -l < $T/err)" 1 "warnings"
	must ebpfnet up
	is "$err" "" "up that changes nothing"
}

test_an_attached_namespace_is_told_and_nothing_is_written() {
	host_resolver_is 127.0.0.53
	systemd_asks 203.0.113.53
	up
	ip netns add mine
	must ebpfnet attach mine
	like "$out" 'DNS inside mine: .*`nameserver 203.0.113.53`'
	[ ! -e /etc/netns/mine/resolv.conf ] || fail "resolv.conf was made"
}

test_a_resolv_conf_of_the_operators_stays() {
	host_resolver_is 127.0.0.53
	systemd_asks 203.0.113.53
	mkdir -p /etc/netns/ns1
	echo 'nameserver 203.0.113.99' > /etc/netns/ns1/resolv.conf
	up
	must ebpfnet status
	must ebpfnet down
	is "$(< /etc/netns/ns1/resolv.conf)" 'nameserver 203.0.113.99' "file"
}

# ---- folders that cannot be written

# As on an image that is read-only.
read_only() { # FOLDER
	mount --bind "$1" "$1"
	mount -o remount,bind,ro "$1"
}

test_with_a_read_only_etc_there_is_a_network() {
	read_only /etc
	up
	like "$err" 'warning: names of other namespaces do not resolve inside ns1: .*[Rr]ead-only'
	pings ns1 $NS2
	pings ns1 8.8.8.8
	must ebpfnet up
	is "$out$err" 'already up, nothing to change' "up again"
	must ebpfnet status
	must ebpfnet ns del ns2
	must ebpfnet down
}

test_with_a_read_only_run_one_line_says_so_and_nothing_is_half_done() {
	up
	mount -o remount,bind,ro /run/netns
	refused '/run/netns.*[Rr]ead-only' ebpfnet ns add x
	refused '/run/netns.*[Rr]ead-only' ebpfnet ns del ns1
	refused '/run/netns.*[Rr]ead-only' ebpfnet down
	must ebpfnet status
	mount -o remount,bind,rw /run/netns
	must ebpfnet down
	mount -o remount,bind,ro /run/netns
	refused '/run/netns.*[Rr]ead-only' ebpfnet up
	must ebpfnet up --ns none
}

test_files_are_for_all_to_read_whatever_the_umask() {
	(umask 077 && ebpfnet up)
	is "$(stat -c %a /run/ebpfnet /run/ebpfnet/hosts | tr '\n' ' ')" '755 644 ' "modes"
	must setpriv --reuid 1000 --clear-groups cat /etc/netns/ns1/hosts
}

# ---- namespaces that are there before

test_up_takes_namespaces_that_are_there_and_unused() {
	ip netns add ns1
	ip netns add ns2
	up
	like "$out" 'namespace ns1 was there, unused, and is attached'
	is "$(ebpfnet ns list --json | json '[n["origin"] for n in j["namespaces"]]')" "['attached', 'attached']" origin
	pings ns1 $NS2
	pings ns2 8.8.8.8
	must ebpfnet up
	is "$out" 'already up, nothing to change' "up again"
	must ebpfnet down
	must ip netns exec ns1 ip link show lo
	unlike "$(ip -n ns1 -br link)" ceth0
}

test_up_takes_a_named_one_and_makes_the_other() {
	ip netns add mine
	up --ns mine --ns new
	pings mine 192.168.1.11
	must ebpfnet down
	[ -e /run/netns/mine ] && [ ! -e /run/netns/new ] || fail "left: $(ls /run/netns)"
}

test_up_does_not_touch_a_namespace_in_use() {
	local pid
	ip netns add ns1
	ip -n ns1 link add some type veth peer name emos
	refused 'namespace ns1 .*in use \(device (some|emos) is in it\).*--ns none' ebpfnet up
	ip -n ns1 link del some
	ip -n ns1 address add 203.0.113.7/32 dev lo
	refused 'namespace ns1 .*in use \(an address on lo' ebpfnet up
	ip -n ns1 address del 203.0.113.7/32 dev lo
	ip netns exec ns1 sleep 600 & # somebody's, without a network on purpose
	pid=$!
	soon grep -q sleep /proc/$pid/comm
	refused "namespace ns1 .*in use \(process $pid is in it\)" ebpfnet up
	kill $pid
	wait $pid || true
	touch /run/netns/plain
	refused '/run/netns/plain is there already and no namespace' ebpfnet up --ns plain
	up
}

test_up_without_namespaces_and_attach_later() {
	ip netns add ns1
	up --ns none
	is "$(ebpfnet ns list --json | json 'len(j["namespaces"])')" 0 "namespaces"
	must ebpfnet up
	is "$out" 'already up, nothing to change' "up again"
	must ebpfnet attach ns1
	pings ns1 8.8.8.8
	must ebpfnet down
	[ -e /run/netns/ns1 ] || fail "ns1 is gone"
}

# ---- names

test_a_name_that_means_something_else_is_refused() {
	local bad
	for bad in gateway localhost none 192.0.2.1 '#x' -x 'a b' 'a$b' "a'b" 'a*' .x; do
		misused 'name' ebpfnet up --ns x --ns "$bad"
	done
	up
	for bad in gateway Localhost none 192.0.2.1 '#x' 'a=b' 'a b' 'a;b'; do
		misused 'name' ebpfnet ns add "$bad"
	done
	misused 'name' ebpfnet ns add -- -x
	ip netns add '#y'
	refused 'name' ebpfnet attach '#y'
	must ebpfnet attach '#y' --name y
	must ebpfnet ns add cni-0.a_b+c@d
}

test_names_of_others_resolve_in_a_namespace_attached_by_its_process() {
	up
	start_guest
	must ebpfnet attach "$guest" --name guest
	must ebpfnet exec guest -- getent hosts ns1
	like "$out" "^$NS1 +ns1"
	must ebpfnet exec ns1 -- getent hosts guest
	must ebpfnet detach guest
	[ ! -e /etc/netns/guest ] || fail "left: $(find /etc/netns/guest)"
}

# One by its process under a name that `ip netns` has for another one: both find their files in /etc/netns/NAME.
two_share_a_folder() {
	up
	ip netns add x
	start_guest
	must ebpfnet attach x --name y
	must ebpfnet attach "$guest" --name x
	must ip netns exec x getent hosts ns1
	must ebpfnet exec x -- getent hosts ns1
	must ebpfnet exec y -- getent hosts ns1
}

test_the_last_of_two_that_share_a_folder_in_etc_removes_it() {
	local order
	for order in "x y" "y x"; do
		two_share_a_folder
		must ebpfnet detach "${order% *}"
		must ebpfnet exec "${order#* }" -- getent hosts ns1
		must ebpfnet status
		must ebpfnet detach "${order#* }"
		must_not test -e /etc/netns/x
		must ebpfnet down
		ip netns del x
	done
	two_share_a_folder
	must ebpfnet down
	must_not test -e /etc/netns
}

test_a_namespace_in_a_folder_below_has_files_under_its_own_name() {
	up
	mkdir -p /run/netns/pod
	touch /run/netns/pod/one
	unshare --net=/run/netns/pod/one true
	must ebpfnet attach /run/netns/pod/one --name one
	must test -L /etc/netns/one/hosts
	must ebpfnet exec one -- getent hosts ns1
	must ebpfnet detach one
	must_not test -e /etc/netns/one
	must_not test -e /etc/netns/pod
}

has_raw_control() {
	LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f\x80-\x9f]' "$@"
}

test_control_characters_do_not_reach_the_terminal() {
	local bad=$'x\e]0;y\a\x9b31m\r\n' cmd
	up
	for cmd in "ns add" "ns del" "exec" "expose ns1" "unexpose" "attach" "detach" "set" "up --uplink" "up --ns" \
		"--bpffs" "status --bpffs" "no-such" "up --flows" "up --hook" "ns"; do
		# shellcheck disable=SC2086 # words
		run ebpfnet $cmd "$bad" "$bad"
		[ "$status" != 0 ] || fail "accepted: $cmd"
		! has_raw_control $T/out $T/err || fail "of: $cmd: $(cat -v $T/out $T/err)"
	done
}

test_the_name_of_a_device_is_escaped_in_tables_and_json() {
	local bad=$'e\e[31m\xff' line
	ip link add "$bad" type veth peer name other
	ip address add 198.51.100.7/24 dev "$bad"
	ip link set other up
	ip link set "$bad" up
	up --uplink eth0 --uplink "$bad"
	for line in status 'status --json' 'up --dry-run' 'down --dry-run'; do
		# shellcheck disable=SC2086 # words
		run ebpfnet $line
		! has_raw_control $T/out $T/err || fail "of: $line: $(cat -v $T/out)"
	done
	must ebpfnet status
	like "$out" 'e\\x1b\[31m\\xff'
	ebpfnet status --json | python3 -c 'import json, sys; json.load(sys.stdin)' || fail "no JSON"
}

test_a_terminal_without_colours_gets_none() {
	local with
	up
	coloured() { # VARIABLE=VALUE...
		env "$@" script -qec 'ebpfnet status' /dev/null < /dev/null | grep -c $'\e\\[' || true
	}
	with=$(coloured TERM=xterm NO_COLOR=)
	[ "$with" != 0 ] || fail "no colours on a terminal that has some"
	is "$(coloured TERM=dumb)" 0 "coloured lines of a dumb terminal"
	is "$(coloured TERM=xterm NO_COLOR=1)" 0 "coloured lines with NO_COLOR"
}
