# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
# docs/clients.md, word for word, on a fresh Debian with systemd. Packages come from apt-get's cache, and the image that
# a registry would have is there already.
#
# root: bookworm
# root: trixie

# The commands under a heading, a line each.
commands() { # HEADING
	awk -v heading="## $1" '$0 == heading { here = 1; next } /^## / { here = 0 } here && /^```/ { code = !code; next } here && code' "$TOP/docs/clients.md"
}

# The three commands, with IMAGE, a command, before the last, which ends with a web page. There is no registry for ctr.
follow() { # HEADING IMAGE
	local line n=0
	commands "$1" > $T/commands
	is "$(wc -l < $T/commands)" 3 "commands of $1"
	while read -r line <&3; do
		n=$((n + 1))
		[ $n != 3 ] || in_debian sh -c "cd /image && tar -c . | $2" > $T/image 2>&1 || fail "$(< $T/image)"
		must in_debian sh -c "cd /checkout && ${line#ctr image pull * && }"
	done 3< $T/commands
	like "$out" '^It works'
	is "$(on internet busybox wget -q -O - "http://$HOST:8080")" "It works" "what the internet sees"
	must in_debian ebpfnet status
}

# An image that answers as nginx does.
image() {
	root $ROOT/image
	echo "It works" > $ROOT/image/index.html
	ln -s busybox $ROOT/image/bin/httpd
}

run_httpd='CMD ["httpd", "-f", "-p", "80", "-h", "/"]'

test_podman_4() {
	debian_boots bookworm
	image
	follow "podman 4 (Debian 12)" "podman import --change '$run_httpd' - docker.io/library/nginx:latest"
}

test_podman_5() {
	debian_boots trixie
	image
	follow "podman 5 (Debian 13)" "podman import --change '$run_httpd' - docker.io/library/nginx:latest"
}

test_docker() {
	debian_boots bookworm
	image
	follow "Docker" "docker import --change '$run_httpd' - nginx:latest"
}

# An image by the format of `docker save`, as ctr imports it.
test_ctr() {
	debian_boots bookworm
	image
	save_image $ROOT/image "docker.io/library/nginx:latest" '"httpd", "-f", "-p", "80", "-h", "/"' > $ROOT/nginx.tar
	follow "containerd: ctr" "ctr image import /nginx.tar"
}
