# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Output for people, for programs, and for bpftool.
#
# hooks: any

with_something_to_show() {
	up
	serve internet tcp 7000
	serve ns1 tcp 5000
	must ebpfnet expose ns1 5000
	must ebpfnet expose ns2 8000-8009:3000/udp
	reaches ns1 tcp $INTERNET 7000 $HOST 40000
	reaches internet tcp $HOST 5000 $INTERNET 12345
	must on ns1 "$WIRE" frame ceth0 src=02:66:66:66:66:66
}

test_status() {
	with_something_to_show
	must ebpfnet status
	for what in "network +192.168.1.0/24" "gateway +$GATEWAY on ebpfnet0" "eth0, masquerading as $HOST" \
		"attached by $HOOK" "ns1 +$NS1 +02:eb:c0:a8:01:0a +veth0 +ceth0" "ns2 +$NS2" \
		'\*:5000 +tcp' '\*:8000-8009 +udp' "spoofed_mac +1" "all well"; do
		like "$out" "$what"
	done
}

test_status_reports_problems() {
	up
	ip netns del ns2
	ip link del ebpfnet0
	echo 0 > /proc/sys/net/ipv4/ip_forward
	must_be_unhealthy
	like "$out" 'ns2 .* gone'
	like "$out" 'gateway device ebpfnet0 is gone'
	unlike "$out" 'all well'
}

test_flows() {
	with_something_to_show
	must ebpfnet flows
	like "$out" "tcp +closing +ns1 +$NS1:40000 +$INTERNET:7000 +from $HOST:40000 +[34] min"
	like "$out" "tcp +closing +ns1 +$INTERNET:12345 +$HOST:5000 +to $NS1:5000 +[34] min"
	like "$out" '^2 flows; limit: 65,536'
}

# The memory is that which the kernel reports for the two maps, however many flows there are.
test_status_shows_the_flow_tables_memory() {
	local bytes
	up --flows 1024
	bytes=$(for map in flows conns; do bpftool -j map show pinned $PINS/$map; done |
		python3 -c 'import json, sys; print(sum(json.loads(line)["bytes_memlock"] for line in sys.stdin))')
	is "$(ebpfnet status --json | json 'j["flows_memory_bytes"]')" "$bytes" "bytes of the flow table"
	must ebpfnet status
	like "$out" '^flows +0 of 1,024 \(0\.3 MB\)$'
}

test_fdb() {
	up
	must ebpfnet fdb
	like "$out" '02:eb:c0:a8:01:01 .*\(host\) +gateway'
	like "$out" '02:eb:c0:a8:01:0a +veth0 +ns1 +static'
	like "$out" '3 addresses'
}

test_stats() {
	with_something_to_show
	must ebpfnet stats
	like "$out" 'masqueraded +[0-9]+ +sent out of an uplink, translated'
	like "$out" 'spoofed_mac +1 '
	like "$out" 'packets passed, 0 refused, 1 dropped'
}

test_exposed() {
	with_something_to_show
	must ebpfnet exposed
	like "$out" "\*:5000 +tcp +1 +ns1 +$NS1:5000"
	like "$out" "\*:8000-8009 +udp +10 +ns2 +$NS2:3000-3009"
	like "$out" '11 ports in 2 mappings'
}

test_tables_are_aligned() {
	up
	must ebpfnet ns add much-longer
	must ebpfnet ns list
	is "$(grep -E '^ *(ns1|ns2|much-longer) ' <<< "$out" | grep -bo '192\.168' | wc -l)" 3 "rows"
	is "$(grep -E '^ *(ns1|ns2|much-longer) ' <<< "$out" | awk '{ print index($0, "192.168") }' | sort -u | wc -l)" \
		1 "columns where addresses begin"
}

test_colour_on_a_terminal_only() {
	up
	must ebpfnet status
	unlike "$out" $'\e'
	must env TERM=xterm script -qec 'ebpfnet status' /dev/null
	like "$out" $'\e\\['
	must env TERM=xterm NO_COLOR=1 script -qec 'ebpfnet status' /dev/null
	unlike "$out" $'\e'
}

test_json_of_each() {
	local what
	with_something_to_show
	for what in status flows fdb stats exposed "ns list" get; do
		# shellcheck disable=SC2086 # two words
		must ebpfnet $what --json
		is "$(json 'type(j).__name__ in ("dict", "list") and len(j) > 0' <<< "$out")" True "JSON of $what"
		is "$err" "" "stderr of $what --json"
	done
	is "$(ebpfnet flows --json | json 'sorted((f["src"], f["to_src"], f["to_dst"]) for f in j["flows"])[0]')" \
		"('$NS1:40000', '$HOST:40000', '$INTERNET:7000')" "a flow"
	is "$(ebpfnet exposed --json | json '[(p["first"], p["last"], p["to_first"], p["ns"]) for p in j["published"]][1]')" \
		"(8000, 8009, 3000, 'ns2')" "a range"
	is "$(ebpfnet get --json | json 'j["fdb_age_s"]')" 300 "fdb-age"
}

test_json_when_empty() {
	local what
	up --ns only
	must ebpfnet ns del only
	for what in status flows fdb stats exposed "ns list"; do
		# shellcheck disable=SC2086 # two words
		must ebpfnet $what --json
		json True <<< "$out" > /dev/null || fail "no JSON: $what: $out"
	done
	is "$(ebpfnet exposed --json | json 'j["published"]')" "[]" published
}

# Named fields in every map: no map is shown as hexadecimal bytes.
test_bpftool_shows_named_fields() {
	local map
	with_something_to_show
	for map in $PINS/*; do
		[ -f "$map" ] || continue
		must bpftool -j map dump pinned "$map"
		is "$(json 'j["error"] if "error" in j else all("formatted" in e for e in j)' <<< "$out")" True \
			"fields in ${map##*/}"
	done
	must bpftool map dump pinned $PINS/flows
	like "$out" '"sport_h": 40000'
	must bpftool map dump pinned $PINS/conns
	must bpftool map dump pinned $PINS/ports
	like "$out" '"name": "ns1"'
	must bpftool map dump pinned $PINS/counters
	like "$out" '"spoofed_mac": [0-9]'
}

test_set_and_get() {
	up
	must ebpfnet set timeout-udp 500
	must ebpfnet get timeout-udp
	is "$out" 500 timeout-udp
	must ebpfnet set ports 40000-40001
	serve internet udp 7000
	reaches ns1 udp $INTERNET 7000 $HOST 50000
	reaches ns2 udp $INTERNET 7000 $HOST 50000
	like "${out#* }" '^4000[01]$'
	must ebpfnet get
	like "$out" 'ports +40000-40001'
}

test_a_flow_expires() {
	up
	serve internet udp 7000
	reaches ns1 udp $INTERNET 7000 $HOST 40000
	is "$(ebpfnet flows --json | json 'len(j["flows"])')" 1 flows
	must ebpfnet set timeout-udp 1
	must ebpfnet set timeout-udp-unreplied 1
	sleep 2.2
	is "$(ebpfnet flows --json | json 'len(j["flows"])')" 0 "flows after the timeout"
	hear ns1 ceth0 -Q in udp
	run on internet "$WIRE" ask udp $HOST 40000 7000
	heard ns1 ceth0
	is "$heard" "" "what came through an expired flow"
}
