// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/model/device.h"

#define SYSCTL_PATH 96
#define RUNNING_WAIT_MS 1000
#define RUNNING_POLL_MS 2

static bool is_ours(const struct device_id *id, const struct nl_link *dev)
{
	return !strcmp(dev->kind, "veth") && (!strcmp(dev->alias, id->alias) || !memcmp(dev->mac, id->mac, 6));
}

int device_get(struct nl *nl, const struct device_id *id, struct nl_link *out)
{
	int r;

	if (id->ifindex && !nl_link_get(nl, NULL, id->ifindex, out) && is_ours(id, out))
		return 0;
	r = nl_link_get(nl, id->name, 0, out);
	return r ? r : is_ours(id, out) ? 0 : -EEXIST;
}

bool device_is_marked(const struct device_id *id, const struct nl_link *dev)
{
	return !strcmp(dev->alias, id->alias) && !memcmp(dev->mac, id->mac, 6);
}

int device_mark(struct nl *nl, const struct device_id *id, const struct nl_link *dev)
{
	int r = 0;

	if (strcmp(dev->alias, id->alias))
		r = nl_link_set_alias(nl, dev->ifindex, id->alias);
	if (!r && memcmp(dev->mac, id->mac, 6))
		r = nl_link_set_mac(nl, dev->ifindex, id->mac);
	return r ? log_err(r, "cannot set alias and MAC address of device %s: %s", dev->name, nl_why(nl, r)) : 0;
}

int device_error(struct nl *nl, const char *name, int r)
{
	if (r == -EEXIST)
		return log_err(r, "device %s is there already and not made by ebpfnet; rename or remove it", name);
	return log_err(r, "cannot read device %s: %s", name, nl_why(nl, r));
}

int device_up(struct nl *nl, const struct nl_link *dev)
{
	int r = dev->up ? 0 : nl_link_up(nl, dev->ifindex);

	return r ? log_err(r, "cannot set device %s up: %s", dev->name, nl_why(nl, r)) : 0;
}

/*
 * Of a pair, the end that is set up last works at once. The other end then gets its carrier, but drops packets until
 * a worker of the kernel (net/core/link_watch.c) activates its queue a moment later.
 */
void device_wait_running(struct nl *nl, const char *name, int *waited)
{
	const struct timespec poll = { .tv_nsec = RUNNING_POLL_MS * 1000000 };
	struct nl_link dev;

	for (; *waited < RUNNING_WAIT_MS; *waited += RUNNING_POLL_MS) {
		if (nl_link_get(nl, name, 0, &dev) || dev.running)
			return;
		nanosleep(&poll, NULL);
	}
}

static char read_first(const char *path)
{
	_cleanup_file_ FILE *f = fopen(path, "re");

	return f ? fgetc(f) : 0;
}

/*
 * The first character of a sysctl; 0: no such sysctl. A device may be called as what stands for all of them, or for
 * those to come: the kernel makes no sysctls for it.
 */
static char sysctl_read(const char *family, const char *dev, const char *key, char path[SYSCTL_PATH])
{
	bool is_one = strcmp(dev, "all") && strcmp(dev, "default");

	snprintf(path, SYSCTL_PATH, "/proc/sys/net/%s/conf/%s/%s", family, dev, key);
	return is_one ? read_first(path) : 0;
}

static int sysctl_write(const char *path, const char *value)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, 1) != 1)
		return log_err(-errno, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

bool device_has_ipv6(const char *dev)
{
	char path[SYSCTL_PATH];

	return sysctl_read("ipv6", dev, "disable_ipv6", path) == '0';
}

int device_no_ipv6(const char *dev)
{
	char path[SYSCTL_PATH];

	if (sysctl_read("ipv6", dev, "disable_ipv6", path) != '0') /* or a kernel without IPv6 */
		return 0;
	return sysctl_write(path, "1");
}

int device_forwarding(const char *dev)
{
	char path[SYSCTL_PATH], value = sysctl_read("ipv4", dev, "forwarding", path);

	return value ? value == '1' : -ENOENT;
}

int device_set_forwarding(const char *dev, bool on)
{
	char path[SYSCTL_PATH], value = sysctl_read("ipv4", dev, "forwarding", path), to = on ? '1' : '0';

	if (!value && on)
		return log_err(-ENOENT, "cannot set forwarding of %s: the kernel has no sysctl for a device of that "
					"name; `ip link set %s name OTHER`", dev, dev);
	return !value || value == to ? 0 : sysctl_write(path, on ? "1" : "0");
}

bool host_forwards(void)
{
	return read_first("/proc/sys/net/ipv4/ip_forward") == '1';
}
