# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Completion in bash, from the script that `make install` installs.
# hooks: any

# What bash offers after these words; the last one is not complete.
completes() { # WORD...
	# shellcheck disable=SC2016
	must bash -c '
		source <(ebpfnet completion bash)
		COMP_WORDS=(ebpfnet "$@") COMP_CWORD=$#
		_ebpfnet
		printf "%s\n" "${COMPREPLY[@]}" | sort | paste -sd" "' completes "$@"
}

offers() { # WANTED WORD...
	completes "${@:2}"
	is "$out" "$1" "what completes: ${*:2}"
}

test_commands_and_their_options_complete() {
	local word
	completes ''
	for word in $(ebpfnet --help | sed -n '/^  [a-z]/ s/^  \([a-z]*\) .*/\1/p'); do
		like " $out " " $word "
	done
	offers 'unexpose up' u
	offers 'add del list' ns ''
	offers '--flows' up --fl
	offers '--json' status --j
	offers '' down --uplink
	offers '--repair' monitor --r
	offers 'clsact tcx' up --hook ''
	offers 'generic' up --hook tcx --xdp g
	offers 'allow deny' ns add x --spoof ''
	offers 'allow' ns add x --spoof = a
	offers 'bash' completion ''
}

test_names_complete() {
	up
	ip netns add mine
	must ebpfnet expose ns1 5000:3000
	must ebpfnet expose ns1 $HOST:6000-6010/udp
	must ebpfnet expose ns2 7000
	offers 'ns1 ns2' expose ''
	offers 'ns1 ns2' ns del n
	offers 'ns1 ns2' limit ''
	offers 'in out' limit ns1 ''
	offers 'none' limit ns1 in n
	offers 'ns2' exec --bpffs /sys/fs/bpf ns2
	offers '' ns add n
	offers 'mine' attach m
	offers 'eth0' up --uplink et
	offers "$HOST:6000-6010/udp 5000" unexpose ns1 ''
	offers '7000' unexpose ns2 7
	offers 'hold-down' set hold
	offers 'fdb-age filtering flows-per-namespace forwarding' get f
	offers 'ask default fast stack' set forwarding ''
	offers 'port' set filtering p
	offers '' set fdb-age ''
	offers 'ask fast stack' up --forwarding ''
	offers 'stack' network add blue --forwarding s
	completes exec ns1 -- ec
	like " $out " ' echo '
	must ebpfnet unexpose ns1 "$HOST:6000-6010/udp" # is accepted as it was offered
}

test_a_name_is_not_run_by_completing_it() {
	ip netns add '$(touch ${HOME}owned)'
	ip netns add 'a b'
	HOME=$T/ completes attach ''
	like "$out" 'touch'
	[ ! -e $T/owned ] || fail "the name was run"
	completes attach a
	is "$out" 'a\ b' "a name with a blank"
}

test_without_a_network_or_rights_nothing_is_said() {
	completes expose ''
	is "$out$err" "" "what completes"
}

test_make_install_puts_it_where_bash_looks() {
	local file
	make -s -C "$TOP" install DESTDIR=$T/root PREFIX=/usr > $T/log 2>&1 || fail "$(< $T/log)"
	file=$T/root/usr/share/bash-completion/completions/ebpfnet
	is "$(< $file)" "$("$TOP/ebpfnet" completion bash)" "the file"
	must bash -c "source $file; complete -p ebpfnet"
	make -s -C "$TOP" uninstall DESTDIR=$T/root PREFIX=/usr
	is "$(find $T/root -type f)" "" "files left by uninstall"
}
