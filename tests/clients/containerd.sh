# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
# containerd: `ctr run --cni`, and sandboxes by CRI, as a kubelet makes them.

begin() {
	network blue 10.91.0.0/24
	cat > /run/containerd.toml <<-END
		version = 2
		root = "/var/lib/containerd"
		state = "/run/containerd"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "localhost/pause:1"
		  restrict_oom_score_adj = true
		[plugins."io.containerd.grpc.v1.cri".cni]
		  bin_dir = "/opt/cni/bin"
		  conf_dir = "/etc/cni/net.d"
		[plugins."io.containerd.grpc.v1.cri".containerd]
		  snapshotter = "native"
	END
	containerd -c /run/containerd.toml > $T/containerd.log 2>&1 &
	echo $! > $T/containerd.pid
	soon ctr version
	root /run/root
}

cri() {
	/usr/bin/python3 "$TOP/tests/clients/cri.py" /run/containerd/containerd.sock "$@"
}

pause() {
	root $T/pause
	save_image $T/pause localhost/pause:1 '"/bin/busybox", "sleep", "100000"' | ctr -n k8s.io images import - > /dev/null
}

test_ctr_run() {
	begin
	must ctr run --rm --cni --rootfs /run/root one /bin/busybox sh -c 'ip -o addr show eth0; ping -c1 -W1 8.8.8.8'
	like "$out" 'inet 10\.91\.0\.'
	like "$out" '1 packets received'
	must ctr run -d --cni --rootfs /run/root web /bin/busybox nc -ll -p 80 -e echo web
	must ebpfnet expose default-web 8080:80
	hears internet $HOST 8080 web
	# such a container gets no DEL: the next one finds it dead
	must ctr task kill -s 9 web
	soon ctr task rm web
	must ctr container rm web
	must ctr run --rm --cni --rootfs /run/root two /bin/busybox true
	nothing_left
}

test_cri_sandboxes() {
	local id other
	begin
	pause
	id=$(cri run one 8080 80)
	must ebpfnet exec one -- true
	ebpfnet exec one -- busybox nc -ll -p 80 -e echo one &
	hears internet $HOST 8080 one
	other=$(cri run two)
	is "$(ebpfnet ns list --json | json 'sorted(n["label"] for n in j["namespaces"])')" "['one', 'two']" "labels"
	must cri stop "$other"
	must cri stop "$id"
	nothing_left
	# whose process is killed
	id=$(cri run three 8080 80)
	kill -9 "$(ctr -n k8s.io task ls | awk -v id="$id" '$1 == id { print $2 }')"
	must cri stop "$id"
	nothing_left
}
