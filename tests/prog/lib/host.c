// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The small host of a test program: namespaces, devices, routes, sockets. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

/* The host's devices, and the other end of each cable: in a namespace, or at the provider's. */
static const struct {
	const char *name, *far;
} devices[DEVICES] = {
	[DEV_LO] = { "lo", NULL },	     [DEV_NS1] = { "veth0", "ceth0" },
	[DEV_NS2] = { "veth1", "ceth1" },    [DEV_NS3] = { "veth2", "ceth2" },
	[DEV_NS4] = { "veth3", "ceth3" },    [DEV_GW] = { "gw0", NULL },
	[DEV_GW_PEER] = { "gw0p", NULL },    [DEV_UPLINK] = { "eth0", "isp0" },
	[DEV_UNMANAGED] = { "eth1", "isp1" },
	[DEV_SHAPER] = { "shape", NULL },    [DEV_SHAPER_PEER] = { "shapep", NULL },
};

static int far_netns, host_netns;

static const char topology[] =
	"link set lo up\n"
	"link add gw0 type veth peer name gw0p\n"
	"link add gw1 type veth peer name gw1p\n"
	"link add shape mtu 65535 type veth peer name shapep mtu 65535\n"
	"link set shape up\n"
	"link set shapep up\n"
	"link set gw0 address " GW_MAC " up\n"
	"link set gw0p up\n"
	"link set gw1 up\n"
	"link set gw1p up\n"
	"link set eth0 address " UPLINK_MAC "\n"
	"address add " UPLINK "/20 dev eth0\n"
	"address add " UPLINK_SECOND "/20 dev eth0\n"
	"address add 198.51.100.1/24 dev eth1\n"
	"address add " GW "/24 dev gw0\n"
	"address add 192.168.2.1/24 dev gw1\n"
	"neighbour add " NEXT_HOP " lladdr " ISP_MAC " dev eth0 nud permanent\n"
	"neighbour add " NEXT_HOP2 " lladdr " ISP2_MAC " dev eth0 nud permanent\n"
	"route add default via " NEXT_HOP " dev eth0\n"
	"route add " BEHIND_NEXT_HOP2 " via " NEXT_HOP2 " dev eth0\n"
	"route add blackhole 203.0.113.64/28\n"
	"route add unreachable 203.0.113.80/28\n"
	"route add prohibit 203.0.113.96/28\n"
	"route add throw 203.0.113.112/28\n"
	"route add 203.0.113.128/28 via " NEXT_HOP " dev eth0 mtu lock 1000\n";

static int host_write(const char *path, const char *text)
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
		known[dev] = if_nametoindex(devices[dev].name);
	assert_int_not_equal(known[dev], 0);
	return known[dev];
}

void set_forwarding(enum device dev, int on)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/forwarding", devices[dev].name);
	assert_int_equal(host_write(path, on ? "1" : "0"), 0);
}

/* A pair of veth devices has a carrier while both are up. The kernel tells it in a work item of its own. */
static void wait_for_carrier(enum device dev, bool up)
{
	host_command("i=0; until ip link show %s | grep -q 'state %s'; do i=$((i+1)); [ $i -lt 500 ]; sleep 0.01; done",
		     devices[dev].name, up ? "UP" : "[A-Z]*DOWN");
}

void host_link(enum device dev, bool up)
{
	host_command("ip link set %s %s", devices[dev].name, up ? "up" : "down");
	wait_for_carrier(dev, up);
}

void far_link(enum device dev, bool up)
{
	assert_int_equal(setns(far_netns, CLONE_NEWNET), 0);
	host_command("ip link set %s %s", devices[dev].far, up ? "up" : "down");
	assert_int_equal(setns(host_netns, CLONE_NEWNET), 0);
	wait_for_carrier(dev, up);
}

void host_ipv6(enum device dev)
{
	char path[128];

	host_command("ip link set %s addrgenmode none", devices[dev].name);
	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", devices[dev].name);
	assert_int_equal(host_write(path, "0"), 0);
}

static int make_topology(void)
{
	FILE *ip = popen("ip -batch -", "w");
	enum device dev;

	if (!ip)
		return -errno;
	for (dev = 0; dev < DEVICES; dev++)
		if (devices[dev].far)
			fprintf(ip,
				"link add %s numtxqueues %d type veth peer name %s netns /proc/%d/fd/%d\n"
				"link set %s up\n",
				devices[dev].name, dev == DEV_UPLINK ? 2 : 1, devices[dev].far, getpid(), far_netns,
				devices[dev].name);
	fputs(topology, ip);
	return pclose(ip) ? -EIO : 0;
}

static int far_devices_up(void)
{
	char command[64];
	enum device dev;
	int r = setns(far_netns, CLONE_NEWNET) ? -errno : 0;

	for (dev = 0; dev < DEVICES && !r; dev++)
		if (devices[dev].far) {
			snprintf(command, sizeof(command), "ip link set %s up", devices[dev].far);
			r = system(command) ? -EIO : 0;
		}
	return setns(host_netns, CLONE_NEWNET) ? -errno : r;
}

/* A network namespace of its own: no traffic but the tests' own, so no IPv6. */
static int new_netns(void)
{
	if (unshare(CLONE_NEWNET))
		return -errno;
	/* it may inherit these from the machine's; without IPv6 the files are not there */
	host_write("/proc/sys/net/ipv4/ip_forward", "0");
	host_write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	host_write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* Leave the machine's own network before anything is made. */
int host_setup(void)
{
	int r;

	far_netns = new_netns();
	if (far_netns < 0)
		return far_netns;
	host_netns = new_netns();
	if (host_netns < 0)
		return host_netns;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", HOST_BPFFS, "bpf", 0, NULL))
		return -errno;
	r = make_topology();
	return r ? r : far_devices_up();
}

const char *host_device_name(enum device dev)
{
	return devices[dev].name;
}

uint32_t host_far_ifindex(enum device dev)
{
	uint32_t ifindex;

	assert_int_equal(setns(far_netns, CLONE_NEWNET), 0);
	ifindex = if_nametoindex(devices[dev].far);
	assert_int_equal(setns(host_netns, CLONE_NEWNET), 0);
	return ifindex;
}

int host_packet_socket(bool far)
{
	static const int room = 4 << 20; /* a datagram's fragments arrive at once, in large buffers */
	int fd;

	assert_int_equal(setns(far ? far_netns : host_netns, CLONE_NEWNET), 0);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
	assert_int_equal(setns(host_netns, CLONE_NEWNET), 0);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), 0);
	return fd;
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
		    !strcmp(name, devices[dev].name)) {
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

/* A TCP connection stays half open, as no peer answers: a look-up finds it all the same. */
int host_socket(uint8_t proto, const char *addr, uint16_t port, const char *peer,
		uint16_t peer_port)
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
