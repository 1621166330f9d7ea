# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A container runtime that calls ebpfnet as a CNI plugin: by the environment, with a configuration on standard input.

# The configuration of network blue, and what is to be otherwise: conf '"mtu": 1400' '"cniVersion": "0.4.0"'
conf() {
	python3 -c '
import json, sys
c = {"cniVersion": "1.0.0", "name": "blue", "type": "ebpfnet", "subnet": "10.91.0.0/24"}
for more in sys.argv[1:]: c.update(json.loads("{%s}" % more))
print(json.dumps(c))' "$@"
}

# runtimeConfig with port mappings: ports 8080:80 172.31.13.55:53:53/udp
ports() {
	python3 -c '
import json, sys
def mapping(text):
    text, _, protocol = text.partition("/")
    *ip, host, inside = text.split(":")
    return dict({"hostPort": int(host), "containerPort": int(inside), "protocol": protocol or "tcp"},
                **({"hostIP": ip[0]} if ip else {}))
print("\"runtimeConfig\": " + json.dumps({"portMappings": [mapping(t) for t in sys.argv[1:]]}))' "$@"
}

# $IFNAME (eth0) and $ARGS (none) of the call. Output and status are in $out and $status.
cni() { # VERB ID NETNS CONFIGURATION
	run env CNI_COMMAND="$1" CNI_CONTAINERID="$2" CNI_NETNS="$3" CNI_IFNAME="${IFNAME-eth0}" \
		CNI_PATH="${PLUGINS-$T/cni}" CNI_ARGS="${ARGS-}" ebpfnet <<< "$4"
}

cni_must() {
	cni "$@"
	[ "$status" = 0 ] || fail "status $status: $1 $2"$'\n'"$out"$'\n'"$err"
}

# An error object with that code, or one of (7|100), whose text matches; a status other than 0.
cni_fails() { # CODE REGEX VERB ID NETNS CONFIGURATION
	cni "${@:3}"
	[ "$status" != 0 ] || fail "should have failed: $3 $4"$'\n'"$out"
	[[ $(json 'j["code"]' <<< "$out") =~ ^$1$ ]] || fail "code of $3 $4 should be $1: $out"
	like "$(json 'j["msg"]' <<< "$out")" "$2"
	is "$err" "" "standard error"
}

# All that a call may change.
everything() {
	snapshot
	ebpfnet ns list --json 2>&1 || true
	ebpfnet exposed --json 2>&1 || true
	ebpfnet network list --json 2>&1 || true
}

# Between unchanged_from() and unchanged() nothing changes. A look at everything takes a second.
unchanged_from() { everything > $T/everything; }

unchanged() { is "$(diff $T/everything <(everything))" "" "what has changed"; }

# The same, and nothing has changed.
cni_refuses() {
	local before
	before=$(everything)
	cni_fails "$@"
	is "$(diff <(echo "$before") <(everything))" "" "what a refused $3 has changed"
}

# A container: a network namespace with a name, in which nothing is up.
container() { # NAME...
	local name
	for name; do ip netns add "$name"; done
}

# ADD to blue. Prints nothing.
plug() { # NAME [MORE...]
	cni_must ADD "id-$1" "/run/netns/$1" "$(conf "${@:2}")"
}

unplug() { # NAME [MORE...]
	cni_must DEL "id-$1" "/run/netns/$1" "$(conf "${@:2}")"
}

# The configuration with the result of ADD, which the runtime remembers.
remembering() { # RESULT [MORE...]
	conf '"prevResult": '"$1" "${@:2}"
}
