# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# The JSON of every command is what docs/json.md says, member by member.
#
# hooks: any

# Sets $out to the differences, and to the lists that had no rows.
as_documented() { # "COMMAND" [MEMBER...]
	# shellcheck disable=SC2086 # two words
	run ebpfnet $1 --json
	[ "$status" = 0 ] || [ "$status" = "${wanted-0}" ] || fail "status $status: ebpfnet $1 --json, $err"
	cp $T/out $T/json
	run "$TOP/tests/lib/json_check.py" "$@" < $T/json
	is "$status" 0 "what differs from docs/json.md, of $1: $out$err"
}

# Of each kind of row there is one.
something_of_each() {
	ip netns add own
	up --uplink eth0
	must ebpfnet attach own
	serve internet tcp 7000
	serve internet udp 7000
	must ebpfnet expose ns1 5000
	must ebpfnet expose ns2 $HOST:8000-8009:3000/udp
	must ebpfnet limit ns2 in 100mbit
	reaches ns1 tcp $INTERNET 7000 $HOST
	reaches ns2 udp $INTERNET 7000 $HOST
	pings ns1 8.8.8.8
	must on ns1 "$WIRE" frame ceth0 src=02:66:66:66:66:66
	ip link add other0 type veth peer name other1
	ip link set other0 up
	ip address add 10.9.0.1/24 dev other0
}

test_each_command_prints_what_the_document_says() {
	local what
	something_of_each
	for what in "ns list" exposed limit flows fdb stats get; do
		as_documented "$what"
		is "$out" "" "lists of $what without rows"
	done
	as_documented status
	is "$out" "empty: status.problems" "lists of status without rows"
	must ebpfnet set ports 40000-40000
	wanted=3 as_documented status
	is "$out" "" "lists of status without rows"
}

test_a_single_setting_is_the_member_that_all_settings_have() {
	up
	as_documented get
	cp $T/json $T/all
	for key in timeout-udp fdb-age flows-per-namespace filtering forwarding; do
		run ebpfnet get $key --json
		is "$(json 'all(j[k] == v for k, v in json.load(open("'$T/all'")).items() if k in j) and len(j)' <<< "$out")" 1 \
			"members of get $key"
	done
	must ebpfnet get ports --json
	is "$(json 'sorted(j)' <<< "$out")" "['ports_first', 'ports_last']" "members of get ports"
}

test_status_of_nothing_is_an_object_too() {
	run ebpfnet status --json
	is "$status" 1 "status, when nothing is up"
	is "$(wc -l < $T/err)" 1 "lines of error, $err"
	is "$(json 'j["state"], j["healthy"], [p["fix"] for p in j["problems"]]' <<< "$out")" \
		"('down', False, ['ebpfnet up'])" "status of nothing"
	wanted=1 as_documented status
}

# One thing has one set of members, and one state, whichever command shows it.
test_a_namespace_is_the_same_in_every_command() {
	something_of_each
	ip -n ns2 link set ceth1 down
	ip netns del own
	is "$(ebpfnet status --json | json 'j["namespaces"]')" "$(ebpfnet ns list --json | json 'j["namespaces"]')" \
		"namespaces of status and of ns list"
	is "$(ebpfnet ns list --json | json '[n["state"] for n in j["namespaces"]]')" "['up', 'broken', 'gone']" states
	is "$(ebpfnet status --json | json 'j["published"]')" "$(ebpfnet exposed --json | json 'j["published"]')" \
		"published ports of status and of exposed"
	is "$(ebpfnet status --json | json 'j["drops"]')" "$(ebpfnet stats --json | json 'j["drops"]')" \
		"drops of status and of stats"
	is "$(ebpfnet status --json | json 'j["flows_count"], j["flows_limit"]')" \
		"$(ebpfnet flows --json | json 'j["flows_count"], j["flows_limit"]')" "flows of status and of flows"
}
