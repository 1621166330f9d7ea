# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A command that is killed at a call that has nothing to do with a hook: namespaces, mounts, files.
#
# hooks: any
source "$TOP/tests/lib/interrupted.sh"

test_up_at_each_mount() { up_converges mount; }
test_up_at_each_setns() { up_converges setns; }
test_up_at_each_unshare() { up_converges unshare; }
test_up_at_each_write() { up_converges write; }
test_up_at_each_mkdir() { up_converges mkdir; }
test_up_at_each_symlink() { up_converges symlink; }
test_down_at_each_rmdir() { converges three rmdir ebpfnet down; }
test_down_at_each_umount() { converges three umount2 ebpfnet down; }
test_up_at_each_file() { up_converges openat; }

# ns1 and ns2 are there before, and unused: `up` takes them, `down` leaves them.
test_up_that_takes_namespaces_at_each_netlink_message() {
	ip netns add ns1
	ip netns add ns2
	up_converges sendto
}

# With DNS servers of their own.
test_up_with_a_resolver_at_each_symlink() {
	echo 'nameserver 127.0.0.53' > /etc/resolv.conf
	mkdir -p /run/systemd/resolve
	echo 'nameserver 203.0.113.53' > /run/systemd/resolve/resolv.conf
	up_converges symlink
}

test_ns_del_with_a_resolver_at_each_unlink() {
	echo 'nameserver 127.0.0.53' > /etc/resolv.conf
	mkdir -p /run/systemd/resolve
	echo 'nameserver 203.0.113.53' > /run/systemd/resolve/resolv.conf
	converges three unlink ebpfnet ns del three
}
