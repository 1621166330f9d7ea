# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Sets up the lab of each contender of tests/bench/clients, which then answers (tests/clients/inside).
source "$TOP/tests/clients/docker.sh"

answer() { # CONTENDER
	"$TOP/tests/bench/clients" --inside "$1"
}

tcx() {
	must ebpfnet up
	answer tcx
}

clsact() {
	must ebpfnet up --hook clsact
	answer clsact
}

# Others forward by the host, whose rules have to be there.
forwarding() {
	sysctl -qw net.ipv4.ip_forward=1
}

reference() {
	forwarding
	answer reference
}

netavark() {
	forwarding
	answer netavark
}

docker_ebpfnet() {
	begin
	answer docker_ebpfnet
	end_daemon TERM
}

docker_bridge() {
	begin_docker --bridge=none
	must docker network create blue
	answer docker_bridge
	end_daemon TERM
}

docker_none() {
	begin_docker
	answer docker_none
	end_daemon TERM
}
