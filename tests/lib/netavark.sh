# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# netavark that calls ebpfnet as a plugin: by a word, with JSON on standard input, as recorded from podman 5.4 and
# netavark 1.14.
source "$TOP/tests/lib/cni.sh" # everything(), unchanged(), container()

# Network blue, and what is to be otherwise: net '"internal": true' '"options": {"mtu": "1400"}'
net() {
	python3 -c '
import json, sys
n = {"name": "blue", "id": "b" * 64, "driver": "ebpfnet", "network_interface": "", "created": "2026-01-01T00:00:00Z",
     "subnets": [{"subnet": "10.91.0.0/24", "gateway": "10.91.0.1"}], "ipv6_enabled": False, "internal": False,
     "dns_enabled": False, "ipam_options": {"driver": "host-local"}, "options": {}, "labels": {"a": "b"}}
for more in sys.argv[1:]: n.update(json.loads("{%s}" % more))
print(json.dumps(n))' "$@"
}

green() {
	net '"name": "green", "id": "9876"' '"subnets": [{"subnet": "10.92.0.0/24", "gateway": "10.92.0.1"}]' "$@"
}

# A request for a container: request NAME ADDR [NETWORK [PORTS [OPTIONS]]]. PORTS: 8080:80 172.31.13.55:53:53/udp, with
# +N behind for a range of N; OPTIONS: more members of network_options.
request() {
	python3 -c '
import json, sys
def mapping(text):
    text, _, length = text.partition("+")
    text, _, protocol = text.partition("/")
    *ip, host, inside = text.split(":")
    return {"container_port": int(inside), "host_ip": ip[0] if ip else "", "host_port": int(host),
            "protocol": protocol or "tcp", "range": int(length or 1)}
name, addr, network, ports, more = sys.argv[1:]
options = {"aliases": [name + "-alias"], "interface_name": "eth0", "static_ips": [addr], "static_mac": None}
options.update(json.loads("{%s}" % more))
print(json.dumps({"container_id": "id-" + name, "container_name": name, "network": json.loads(network),
                  "port_mappings": [mapping(p) for p in ports.split()] or None, "network_options": options}))' \
		"$1" "$2" "${3:-$(net)}" "${4-}" "${5-}"
}

# Output and status are in $out, $err and $status.
netavark() { # VERB [NETNS] < JSON
	run ebpfnet "$@"
}

netavark_must() { # JSON VERB [NETNS]
	netavark "${@:2}" <<< "$1"
	[ "$status" = 0 ] || fail "status $status: ${*:2}"$'\n'"$out"$'\n'"$err"
}

# An error object whose text matches; status 1.
netavark_fails() { # REGEX JSON VERB [NETNS]
	netavark "${@:3}" <<< "$2"
	is "$status" 1 "status of ${*:3}, which said $out$err"
	like "$(json 'j["error"]' <<< "$out")" "$1"
	is "$err" "" "standard error"
}

# The same, and nothing has changed.
netavark_refuses() {
	local before
	before=$(everything)
	netavark_fails "$@"
	is "$(diff <(echo "$before") <(everything))" "" "what a refused $3 has changed"
}

setup() { # NAME ADDR [NETWORK [PORTS [OPTIONS]]]
	netavark_must "$(request "$@")" setup "/run/netns/$1"
}

teardown() { # the same
	netavark_must "$(request "$@")" teardown "/run/netns/$1"
	is "$out" "" "what teardown says"
}

published() { # a line for each mapping
	ebpfnet exposed --json | json '"\n".join("%s %s -> %s" % (p["text"], p["proto"], p["to"]) for p in j["published"])'
}

networks() {
	ebpfnet network list --json | json 'sorted(n["name"] for n in j["networks"])'
}
