// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The little host that a test program lives on: namespaces, devices, routes, sockets. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "host.h"

static const char *const names[DEVICES] = {
	[DEV_LO] = "lo",      [DEV_NS1] = "veth0",    [DEV_NS2] = "veth1",
	[DEV_NS3] = "veth2",  [DEV_NS4] = "veth3",    [DEV_GW] = "gw0",
	[DEV_GW_PEER] = "gw0p", [DEV_UPLINK] = "eth0", [DEV_UNHOOKED] = "eth1",
};

/* A device that may be asked for must have no traffic but ours: no IPv6, no ARP for the routes. */
static const char topology[] =
	"link set lo up\n"
	"link add veth0 type veth peer name ceth0\n"
	"link add veth1 type veth peer name ceth1\n"
	"link add veth2 type veth peer name ceth2\n"
	"link add veth3 type veth peer name ceth3\n"
	"link add gw0 address " GW_MAC " type veth peer name gw0p\n"
	"link add gw1 type veth peer name gw1p\n"
	"link add eth0 address " UPLINK_MAC " type veth peer name isp0\n"
	"link add eth1 type veth peer name isp1\n"
	"link set veth0 up\nlink set ceth0 up\n"
	"link set veth1 up\nlink set ceth1 up\n"
	"link set veth2 up\nlink set ceth2 up\n"
	"link set veth3 up\nlink set ceth3 up\n"
	"link set gw0 up\nlink set gw0p up\n"
	"link set gw1 up\nlink set gw1p up\n"
	"link set eth0 up\nlink set isp0 up\n"
	"link set eth1 up\nlink set isp1 up\n"
	"address add " UPLINK "/20 dev eth0\n"
	"address add " UPLINK_SECOND "/20 dev eth0\n"
	"address add 198.51.100.1/24 dev eth1\n"
	"address add " GW "/24 dev gw0\n"
	"address add 192.168.2.1/24 dev gw1\n"
	"route add default via " NEXT_HOP " dev eth0\n"
	"route add blackhole 203.0.113.64/28\n"
	"route add unreachable 203.0.113.80/28\n"
	"route add prohibit 203.0.113.96/28\n"
	"route add throw 203.0.113.112/28\n"
	"route add 203.0.113.128/28 via " NEXT_HOP " dev eth0 mtu lock 1000\n";

int host_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

void host_command(const char *fmt, ...)
{
	char command[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
}

uint32_t ifindex_of(enum device dev)
{
	static uint32_t known[DEVICES];

	if (!known[dev])
		known[dev] = if_nametoindex(names[dev]);
	assert_int_not_equal(known[dev], 0);
	return known[dev];
}

void set_forwarding(enum device dev, int on)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/forwarding", names[dev]);
	assert_int_equal(host_write(path, on ? "1" : "0"), 0);
}

static int make_topology(void)
{
	FILE *ip = popen("ip -batch -", "w");

	if (!ip)
		return -errno;
	fputs(topology, ip);
	return pclose(ip) ? -EIO : 0;
}

/* Of the machine's own network nothing is left in sight before anything is made. */
int host_setup(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", HOST_BPFFS, "bpf", 0, NULL))
		return -errno;
	/* new namespaces may inherit these from the machine's; without IPv6 the files are not there */
	host_write("/proc/sys/net/ipv4/ip_forward", "0");
	host_write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	host_write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	return make_topology();
}

uint64_t host_tx_packets(enum device dev)
{
	unsigned long long packets = 0, found = 0;
	char line[512], name[32];
	FILE *f = fopen("/proc/self/net/dev", "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " %31[^:]: %*u %*u %*u %*u %*u %*u %*u %*u %*u %llu", name,
			   &packets) == 2 &&
		    !strcmp(name, names[dev])) {
			found = packets;
			break;
		}
	fclose(f);
	return found;
}

static struct sockaddr_in socket_address(const char *addr, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };

	assert_int_equal(inet_pton(AF_INET, addr, &sin.sin_addr), 1);
	return sin;
}

/* A TCP connection stays half open, as nobody answers: that is enough for it to be found. */
int host_socket(uint8_t proto, const char *addr, uint16_t port, const char *peer, uint16_t peer_port)
{
	struct sockaddr_in here = socket_address(addr, port);
	int type = proto == TCP ? SOCK_STREAM : SOCK_DGRAM;
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	if (peer) {
		struct sockaddr_in there = socket_address(peer, peer_port);

		if (connect(fd, (struct sockaddr *)&there, sizeof(there)))
			assert_int_equal(errno, EINPROGRESS);
	} else if (proto == TCP) {
		assert_int_equal(listen(fd, 1), 0);
	}
	return fd;
}
