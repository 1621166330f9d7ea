# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# What a reader of the README does first.
# hooks: any

test_the_commands_of_the_readme_work_when_pasted() {
	sed -n '/^## Try it/,/^## [^T]/p' "$TOP/README.md" | sed -n '/^ebpfnet up/,/^```/p' | grep -v '^```' > $T/pasted
	[ "$(wc -l < $T/pasted)" -ge 6 ] || fail "no commands in the README: $(< $T/pasted)"
	must timeout 60 bash -e $T/pasted
	like "$out" '3 received'
	like "$out" 'HTTP 200'
	like "$out" 'all well'
	like "$out" 'down: all removed'
}

test_the_readme_names_the_libraries_that_the_binary_needs() {
	local lib text
	text=$(sed -n '/^`make && make install`/,/^$/p' "$TOP/README.md")
	for lib in $(readelf -d "$TOP/ebpfnet" | sed -n 's/.*NEEDED.*\[lib\([a-z-]*\)\.so.*/\1/p'); do
		[ "$lib" = c ] || like "$text" "$lib"
	done
}

# A copy of the sources, as on a machine where nothing was built.
test_make_without_a_compiler_says_in_one_line_what_installs_it() {
	local tool
	mkdir $T/copy
	cp -r "$TOP"/{Makefile,bpf,include,user,vmlinux.h,scripts} $T/copy
	for tool in CLANG=/nowhere/clang CC=/nowhere/gcc BPFTOOL=/nowhere/bpftool; do
		run make -C $T/copy --no-print-directory -j2 "$tool"
		[ "$status" != 0 ] || fail "made without $tool"
		is "$(cat $T/out $T/err | wc -l)" 1 "lines of make, $out$err"
		like "$err" "needs ${tool##*/}: run scripts/install-deps"
	done
}

# Nothing but the lab's own /run says where it is.
test_a_second_terminal_joins_the_lab() {
	must_not "$TOP/scripts/lab" --join true
	like "$err" 'no lab is running'
	mkfifo $T/end
	exec {end}<> $T/end
	"$TOP/scripts/lab" bash -c 'ebpfnet up > /dev/null; echo ready; read -r _' <&"$end" > $T/lab.out 2> $T/lab.err &
	soon grep -q ready $T/lab.out
	must "$TOP/scripts/lab" --join ebpfnet exec ns1 -- ping -n -c1 -W1 $NS2
	must "$TOP/scripts/lab" --join ebpfnet down
	must_not "$TOP/scripts/lab" --join 1 true
	like "$err" '1 is no lab'
	is "$(ip -br link show ebpfnet0 2>&1)" 'Device "ebpfnet0" does not exist.' "what is made outside of it"
	echo >&"$end"
	wait
}
