# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Addresses that another plugin chooses (host-local, static): it is run as the specification says.
#
# hooks: any
source "$TOP/tests/lib/cni.sh"

IPAM='"subnet": "", "ipam": {"type": "chooser", "x": [1]}'

# A plugin that gives ANSWER to ADD, or to what VERB says, with STATUS, and notes what it is asked.
chooser() { # ANSWER [VERB STATUS]
	mkdir -p $T/cni
	cat > $T/cni/chooser <<-END
		#!/bin/bash
		conf=\$(cat)
		echo "\$CNI_COMMAND \$CNI_CONTAINERID \$CNI_IFNAME" >> $T/asked
		echo "\$conf" > $T/asked-conf
		case \$CNI_COMMAND in
		${2-ADD}) echo '$1'; exit ${3-0} ;;
		esac
	END
	chmod +x $T/cni/chooser
	: > $T/asked
}

GOOD='{"cniVersion": "1.0.0", "ips": [{"address": "10.95.0.33/24", "gateway": "10.95.0.254"}], "routes": [{"dst": "0.0.0.0/0"},
	{"dst": "10.0.0.0/8", "gw": "10.95.0.254"}], "dns": {"nameservers": ["10.95.0.53"]}}'

test_an_ipam_plugin_chooses_the_address() {
	container a
	chooser "$GOOD"
	plug a "$IPAM"
	is "$(json 'j["ips"][0]["address"], j["ips"][0]["gateway"], j["dns"]' <<< "$out")" \
		"('10.95.0.33/24', '10.95.0.254', {'nameservers': ['10.95.0.53']})" "result"
	is "$(json '[r["dst"] for r in j["routes"]]' <<< "$out")" "['0.0.0.0/0', '10.0.0.0/8']" "routes"
	pings a 8.8.8.8
	is "$(< $T/asked)" "ADD id-a eth0" "what the plugin was asked"
	is "$(json 'j["name"], j["ipam"]["x"]' < $T/asked-conf)" "('blue', [1])" "what it was told"
	unplug a "$IPAM"
	is "$(tail -n1 $T/asked)" "DEL id-a eth0" "what the plugin was asked"
}

test_an_ipam_plugin_is_asked_once_for_one_attachment() {
	container a
	chooser "$GOOD"
	plug a "$IPAM"
	plug a "$IPAM"
	is "$(json 'j["ips"][0]["address"]' <<< "$out")" 10.95.0.33/24 "address"
	is "$(< $T/asked)" "ADD id-a eth0" "what the plugin was asked"
}

test_an_address_is_given_back_if_add_fails() {
	container a
	chooser "$GOOD"
	serve host tcp 8090
	cni_refuses 100 'cannot publish tcp 8090' ADD id-a /run/netns/a "$(conf "$IPAM" "$(ports 8090:80)")"
	is "$(< $T/asked)" "ADD id-a eth0
DEL id-a eth0" "what the plugin was asked"
}

test_an_ipam_plugin_that_fails_is_quoted() {
	container a
	unchanged_from
	cni_fails 7 'there is no plugin chooser in CNI_PATH' ADD id-a /run/netns/a "$(conf "$IPAM")"
	chooser '{"cniVersion": "1.0.0", "code": 42, "msg": "no addresses left", "details": "of 10"}' ADD 1
	cni_fails 42 '^chooser: no addresses left; of 10$' ADD id-a /run/netns/a "$(conf "$IPAM")"
	chooser '' ADD 7
	cni_fails 6 'chooser is empty' ADD id-a /run/netns/a "$(conf "$IPAM")"
	chooser 'no JSON' ADD 0
	cni_fails 6 'chooser is no JSON' ADD id-a /run/netns/a "$(conf "$IPAM")"
	printf '#!/bin/sh\nexit 3\n' > $T/cni/chooser
	cni_fails 100 'chooser failed with status 3' ADD id-a /run/netns/a "$(conf "$IPAM")"
	printf '#!/bin/sh\nkill -9 $$\n' > $T/cni/chooser
	cni_fails 100 'chooser failed with status 137' ADD id-a /run/netns/a "$(conf "$IPAM")"
	printf '#!/bin/sh\nhead -c 2000000 /dev/zero\n' > $T/cni/chooser
	cni_fails 5 'chooser is longer than' ADD id-a /run/netns/a "$(conf "$IPAM")"
	unchanged
}

test_an_answer_that_is_of_no_use_is_refused_and_given_back() {
	local answer
	container a
	unchanged_from
	for answer in '{}' '{"ips": []}' '{"ips": [{"address": "fd00::1/64"}]}' '{"ips": [{"address": "10.95.0.3/32"}]}' \
		'{"ips": [{"address": "10.95.0.3"}]}' '{"ips": [{"address": "10.95.0.3/24"}, {"address": "10.96.0.3/24"}]}' \
		'{"ips": [{"address": "10.95.0.3/24", "gateway": "x"}]}' '{"ips": [7]}' '{"ips": 7}' \
		'{"ips": [{"address": "10.95.0.3/24"}], "routes": [{"dst": "10.0.0.0/8", "gw": "10.95.0.9"}]}' \
		'{"ips": [{"address": "10.95.0.1/24"}]}' '{"ips": [{"address": "10.95.0.255/24"}]}'; do
		chooser "$answer"
		cni_fails '(2|6|100)' . ADD id-a /run/netns/a "$(conf "$IPAM")"
		is "$(tail -n1 $T/asked)" "DEL id-a eth0" "what the plugin was asked at last, after $answer"
	done
	unchanged
}

test_the_other_verbs_are_passed_on() {
	local result new='"cniVersion": "1.1.0"'
	container a
	chooser "$GOOD"
	plug a "$IPAM"
	result=$out
	cni_must CHECK id-a /run/netns/a "$(remembering "$result" "$IPAM")"
	cni_must STATUS "" "" "$(conf "$IPAM" "$new")"
	cni_must GC "" "" "$(conf "$IPAM" "$new" '"cni.dev/valid-attachments": []')"
	is "$(cut -d' ' -f1 $T/asked | tail -n3 | tr '\n' ' ')" "CHECK STATUS GC " "what the plugin was asked"
	chooser '{"code": 50, "msg": "no database"}' STATUS 1
	cni_fails 50 'chooser: no database' STATUS "" "" "$(conf "$IPAM" "$new")"
	chooser '{"code": 11, "msg": "gone"}' DEL 1
	cni_fails 11 'chooser: gone' DEL id-a "" "$(conf "$IPAM")"
}
