# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Acts as dockerd does with a network driver: sends one call after the other as HTTP, and moves devices itself.

DRIVER=NetworkDriver
KEPT=/var/lib/ebpfnet/networks

# Ids as Docker has them: 64 hexadecimal digits.
id() { # WORD
	sha256sum <<< "$1" | cut -d' ' -f1
}

# The name that ebpfnet gives to a network.
name_of() { id "$1" | cut -c1-12; }

request() { # METHOD [BODY]
	local LC_ALL=C text=${2-}
	printf 'POST /%s HTTP/1.1\r\nHost: \r\nContent-Length: %d\r\n\r\n%s' "$1" "${#text}" "$text"
}

# One connection, on which that is sent. $code and $body are those of the last answer; $out is all of it.
talk() { # FILE
	run ebpfnet docker < "$1"
	is "$status$err" 0 "status and errors of ebpfnet docker"
	code=$(grep -ao 'HTTP/1.1 [0-9]*' $T/out | tail -n1 | cut -d' ' -f2)
	body=$(tail -n1 $T/out)
}

ask() { # METHOD [BODY]
	request "$@" > $T/request
	talk $T/request
}

asked() { # METHOD [BODY]
	ask "$@"
	is "$code" 200 "code of $1 ${2-}: $out"$'\n'
	unlike "$body" '"Err"'
}

# An error in Docker's form, whose text matches.
ask_fails() { # CODE REGEX METHOD BODY
	ask "${@:3}"
	is "$code" "$1" "code of $3 $4: $out"$'\n'
	like "$(json 'j["Err"]' <<< "$body")" "$2"
}

# ---- bodies. OPTIONS are those of `docker network create -o`, as JSON

define() { # NETWORK SUBNET [OPTIONS [MORE]]
	echo '{"NetworkID":"'"$(id "$1")"'","Options":{"com.docker.network.enable_ipv6":false,'"${4-}"'"com.docker.network.generic":{'"${3-}"'}},
		"IPv4Data":[{"AddressSpace":"LocalDefault","Gateway":"'"${2%.*}.1/${2#*/}"'","Pool":"'"$2"'"}],"IPv6Data":[]}'
}

ids() { # NETWORK ENDPOINT
	echo '"NetworkID":"'"$(id "$1")"'","EndpointID":"'"$(id "$2")"'"'
}

interface() { # NETWORK ENDPOINT ADDR [MAC]
	echo "{$(ids "$1" "$2"),"'"Options":null,"Interface":{"Address":"'"$3/24"'","AddressIPv6":"","MacAddress":"'"${4-}"'"}}'
}

# Port mappings: ports blue a 8080:80 53:53/udp 127.0.0.1:70:80 0:80 7000-7009:80
ports() { # NETWORK ENDPOINT MAPPING...
	python3 -c '
import json, sys
def mapping(text):
    text, _, proto = text.partition("/")
    *ip, host, inside = text.split(":")
    first, _, last = host.partition("-")
    return {"Proto": {"": 6, "udp": 17, "sctp": 132}[proto], "IP": "", "Port": int(inside), "HostIP": "".join(ip),
            "HostPort": int(first), "HostPortEnd": int(last or first)}
print("{%s,%s}" % (sys.argv[1], "\"Options\":" + json.dumps({"com.docker.network.endpoint.exposedports": [],
      "com.docker.network.portmap": [mapping(t) for t in sys.argv[2:]]})))' "$(ids "$1" "$2")" "${@:3}"
}

# ---- what Docker does

create_network() { # NETWORK SUBNET [OPTIONS]
	asked $DRIVER.CreateNetwork "$(define "$@")"
}

create_endpoint() { # NETWORK ENDPOINT ADDR [MAC]
	asked $DRIVER.CreateEndpoint "$(interface "$@")"
}

# $device is the one to be moved.
join() { # NETWORK ENDPOINT
	asked $DRIVER.Join "{$(ids "$1" "$2"),\"SandboxKey\":\"/var/run/netns/$2\",\"Options\":{}}"
	device=$(json 'j["InterfaceName"]["SrcName"]' <<< "$body")
}

# The container's namespace comes now.
move() { # ENDPOINT ADDR [eth0]
	local gateway
	gateway=$(json 'j["Gateway"]' <<< "$body")
	ip netns add "$1"
	ip link set "$device" netns "$1"
	ip -n "$1" link set "$device" name "${3-eth0}"
	ip -n "$1" address add "$2/24" dev "${3-eth0}"
	ip -n "$1" link set "${3-eth0}" up
	[ -z "$gateway" ] || ip -n "$1" route add default via "$gateway"
	soon on "$1" ping -n -c1 -W1 "${2%.*}.1" # a new device lets packets through a moment later
}

publish() { # NETWORK ENDPOINT MAPPING...
	asked $DRIVER.ProgramExternalConnectivity "$(ports "$@")"
}

# `docker run` of a container, a name of a namespace.
run_container() { # NETWORK NAME ADDR [MAPPING...]
	create_endpoint "$1" "$2" "$3"
	join "$1" "$2"
	move "$2" "$3"
	publish "$1" "$2" "${@:4}"
}

leave() { # NETWORK ENDPOINT
	asked $DRIVER.RevokeExternalConnectivity "{$(ids "$1" "$2")}"
	asked $DRIVER.Leave "{$(ids "$1" "$2")}"
}

delete_endpoint() { # NETWORK ENDPOINT
	asked $DRIVER.DeleteEndpoint "{$(ids "$1" "$2")}"
}

# The container has ended, and with it its namespace.
remove_container() { # NETWORK NAME
	ip netns del "$2"
	leave "$@"
	delete_endpoint "$@"
}

delete_network() { # NETWORK
	asked $DRIVER.DeleteNetwork "{\"NetworkID\":\"$(id "$1")\"}"
}

# All that a call may change. A new device has its carrier a moment later.
everything() {
	soon eval '! ip -o link show | grep -q NO-CARRIER'
	snapshot
	ebpfnet ns list --json 2>&1 || true
	ebpfnet exposed --json 2>&1 || true
	ebpfnet network list --json 2>&1 || true
}

published() {
	ebpfnet exposed --json | json '[(p["text"], p["to"]) for p in j["published"]]'
}

attached() { # their addresses
	ebpfnet ns list --json | json '[n["addr"] for n in j["namespaces"]]'
}
