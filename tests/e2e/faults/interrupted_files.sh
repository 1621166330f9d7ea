# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A command that is killed at a call that has nothing to do with a hook: namespaces, mounts, files.
#
# hooks: any
source "$TOP/tests/lib/interrupted.sh"
# shellcheck disable=SC2034 # all moments, as there is one hook
STEP=1

test_up_at_each_mount() { up_converges mount; }
test_up_at_each_setns() { up_converges setns; }
test_up_at_each_unshare() { up_converges unshare; }
test_up_at_each_write() { up_converges write; }
test_up_at_each_mkdir() { up_converges mkdir; }
test_up_at_each_symlink() { up_converges symlink; }
test_down_at_each_rmdir() { converges three rmdir ebpfnet down; }
test_down_at_each_umount() { converges three umount2 ebpfnet down; }
test_up_at_each_file() { up_converges openat; }
