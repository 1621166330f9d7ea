// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/model/device.h"

/* What a name leads to: 0, -ENODEV, or -EEXIST (logged) when a device of somebody else has it. */
int device_get(struct nl *nl, const char *name, const uint8_t mac[6], struct nl_link *out)
{
	int r = nl_link_get(nl, name, 0, out);

	if (r == -ENODEV)
		return r;
	if (r)
		return log_err(r, "cannot read device %s: %s", name, nl_why(nl, r));
	if (strcmp(out->kind, "veth") || memcmp(out->mac, mac, 6))
		return log_err(-EEXIST, "device %s is there already and not ours; rename or remove it", name);
	return 0;
}

int device_up(struct nl *nl, const struct nl_link *dev, bool *changed)
{
	int r;

	if (dev->up)
		return 0;
	*changed = true;
	r = nl_link_up(nl, dev->ifindex);
	return r ? log_err(r, "cannot set device %s up: %s", dev->name, nl_why(nl, r)) : 0;
}

/* Host-side devices speak no IPv6: no address, no router solicitations, no advertisement heard. */
int device_no_ipv6(const char *dev)
{
	char path[96];
	_cleanup_fd_ int fd = -1;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", dev);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) /* a kernel without IPv6 */
		return 0;
	if (fd < 0 || write(fd, "1", 1) != 1)
		return log_err(-errno, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

bool device_forwards(const char *dev)
{
	_cleanup_file_ FILE *f = NULL;
	char path[96];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/forwarding", dev);
	f = fopen(path, "re");
	return !f || fgetc(f) == '1';
}
