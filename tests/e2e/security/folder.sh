# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Users of the host who are not root: they may not decide what root's commands read, remove or wait for; and what they
# are told about the rights that they lack is true.
# hooks: any

as_user() { # UID CMD...
	setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"
}

with_capabilities() { # +CAP,+CAP... CMD...
	setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps "$1" --ambient-caps "$1" "${@:2}"
}

is_refused_everywhere() { # REGEX
	refused "$1" ebpfnet up
	refused "$1" ebpfnet down
	refused "$1" ebpfnet status
	refused "$1" ebpfnet ns add x
	refused "$1" ebpfnet ns list
}

test_a_folder_that_another_user_made_first_is_refused() {
	chmod 1777 /sys/fs/bpf
	as_user 1000 mkdir $PINS
	is_refused_everywhere 'belongs to user 1000'
	as_user 1000 flock $PINS true # holds up nobody
	is_refused_everywhere 'belongs to user 1000'
}

test_a_link_in_its_place_is_refused_wherever_it_leads() {
	chmod 1777 /sys/fs/bpf
	as_user 1000 ln -s /nowhere $PINS
	is_refused_everywhere 'not a folder that ebpfnet made'
	rm $PINS
	mkdir -m 700 /sys/fs/bpf/other
	as_user 1000 ln -s /sys/fs/bpf/other $PINS
	is_refused_everywhere 'not a folder that ebpfnet made'
	[ -d /sys/fs/bpf/other ] || fail "the folder that it leads to is gone"
}

test_a_folder_that_others_may_write_to_is_refused() {
	up
	chmod 0777 $PINS
	is_refused_everywhere "chmod 0700 $PINS"
	chmod 0700 $PINS
	must ebpfnet status
}

test_a_bpffs_whose_folders_others_may_replace_is_refused() {
	chmod 0777 /sys/fs/bpf
	is_refused_everywhere 'could replace'
	chmod 1777 /sys/fs/bpf
	up
	mkdir $T/bpf
	mount -t bpf bpf $T/bpf
	chown 1000 $T/bpf
	refused 'belongs to user 1000' ebpfnet up --bpffs $T/bpf
}

test_the_folder_is_for_its_owner_alone() {
	up
	is "$(stat -c %a $PINS)" 700 "mode of the folder"
	is "$(stat -c %a $PINS/progs)" 700 "mode of the programs' folder"
	must_not as_user 1000 ebpfnet status
	like "$err" "cannot open $PINS: Permission denied"
	must_not as_user 1000 flock -n $PINS true
}

test_the_hosts_file_is_not_written_through_a_link() {
	mkdir /run/ebpfnet
	echo mine > $T/victim
	ln -s $T/victim /run/ebpfnet/hosts
	run ebpfnet up --hook "$HOOK"
	is "$(< $T/victim)" mine "the file that the link leads to"
}

test_a_user_with_the_documented_capabilities_can_do_everything() {
	local caps=+net_admin,+sys_admin,+dac_override cmd
	for cmd in up 'ns add x' 'expose x 80' status 'exec x -- true' 'ns del x' down; do
		# shellcheck disable=SC2086 # words
		must with_capabilities $caps ebpfnet $cmd
	done
}

test_a_user_who_lacks_one_is_told_which() {
	refused 'lacks CAP_NET_ADMIN; run ebpfnet as root, or with' as_user 1000 ebpfnet up
	refused 'lacks CAP_SYS_ADMIN' with_capabilities +net_admin ebpfnet up
	refused 'lacks CAP_DAC_OVERRIDE' with_capabilities +net_admin,+sys_admin ebpfnet up
	chmod 0700 /sys/fs/bpf
	refused 'run it as root or with CAP_DAC_OVERRIDE' with_capabilities +net_admin,+sys_admin ebpfnet up
}

test_inside_a_user_namespace_no_mount_is_advised_that_the_kernel_refuses() {
	refused 'only from outside of user namespaces' as_user 1000 unshare -rnm ebpfnet up
	unlike "$err" 'mount -t'
	refused 'only from outside of user namespaces' as_user 1000 unshare -rnm ebpfnet up --bpffs /tmp
	unlike "$err" 'mount -t'
}
