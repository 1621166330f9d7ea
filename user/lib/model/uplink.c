// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Uplinks: the devices to the outside that have our programs.
 *
 * The programs send a packet out of no other device, and as whatever address that one has now. So
 * nothing here is needed for a packet to be right, only for it to pass: addresses, carriers and
 * names come and go without us. A device that was made again, or that has the default route only
 * now, has no programs; the next `up` attaches them.
 */
#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>

#include "lib/dataplane/dataplane.h"
#include "lib/base/log.h"
#include "lib/model/model.h"

/* ---- which ones ---- */

int uplink_find(struct nl *nl, const char *name, struct nl_link *out)
{
	int ifindex = 0, r;

	if (!name) {
		r = nl_route_default(nl, &ifindex);
		if (r == -ENOENT)
			return log_err(r, "no default route, so no uplink: name the device to the "
					  "outside with --uplink DEV");
		if (r)
			return log_err(r, "cannot read the routing table: %s", nl_why(nl, r));
	}
	r = nl_link_get(nl, name, ifindex, out);
	if (r == -ENODEV)
		return log_err(r, "uplink %s does not exist; `ip link` lists the devices there are",
			       name ? name : "of the default route");
	if (r)
		return log_err(r, "cannot read device %s: %s", name ? name : "", nl_why(nl, r));
	if (out->type != ARPHRD_ETHER)
		return log_err(-EINVAL, "uplink %s is not an Ethernet device; name one with --uplink DEV",
			       out->name);
	if (!out->up)
		return log_err(-ENETDOWN, "uplink %s is down; `ip link set %s up` first", out->name,
			       out->name);
	return 0;
}

static bool is_uplink(const struct host_record *host, int ifindex)
{
	int i;

	for (i = 0; i < EBPFNET_HOST_UPLINKS; i++)
		if (host->uplinks[i].ifindex == (uint32_t)ifindex)
			return true;
	return false;
}

int uplink_device(struct nl *nl, const struct host_record *host, const struct uplink_record *u, struct nl_link *out)
{
	int r;

	if (u->ifindex && !nl_link_get(nl, NULL, u->ifindex, out))
		return 0;
	r = nl_link_get(nl, u->name, 0, out);
	/* another uplink may have been given the name */
	return !r && is_uplink(host, out->ifindex) ? -ENODEV : r;
}

/* Its entry, or a free one; NULL: there are as many as there may be. */
static struct uplink_record *entry_of(struct nl *nl, struct host_record *host, int ifindex)
{
	struct nl_link dev;
	int i;

	for (i = 0; i < EBPFNET_HOST_UPLINKS; i++)
		if (!host->uplinks[i].name[0] ||
		    (!uplink_device(nl, host, &host->uplinks[i], &dev) && dev.ifindex == ifindex))
			return &host->uplinks[i];
	return NULL;
}

/* The way into the network is no way out of it. */
static bool is_gateway(const struct host_record *host, const char *dev)
{
	return !strcmp(dev, host->gw_dev) || !strcmp(dev, host->gw_peer);
}

int uplink_want(struct nl *nl, struct host_record *host, const char *name)
{
	struct uplink_record *u;
	struct nl_link dev;
	int r;

	r = uplink_find(nl, name, &dev);
	if (!r && is_gateway(host, dev.name))
		r = log_err(-EINVAL, "%s is the network's own device, not an uplink; name another", dev.name);
	if (r)
		return r;
	u = entry_of(nl, host, dev.ifindex);
	if (!u)
		return log_err(-ENOSPC, "cannot add uplink %s: there are %d, as many as there may be", dev.name,
			       EBPFNET_HOST_UPLINKS);
	if (!u->name[0])
		memcpy(u->name, dev.name, sizeof(u->name));
	return 0;
}

/* Whether a device that has a default route is none of ours yet. dev: what it is. */
static bool is_new_way_out(struct nl *nl, const struct host_record *host, int ifindex, struct nl_link *dev)
{
	return !is_uplink(host, ifindex) && !nl_link_get(nl, NULL, ifindex, dev) &&
	       !is_gateway(host, dev->name);
}

/* What has a default route by now is an uplink, unless somebody said which ones are. */
static int follow_routes(struct nl *nl, struct host_record *host)
{
	struct nl_defaults all;
	struct nl_link dev;
	size_t i;
	int r;

	r = nl_route_defaults(nl, &all);
	if (r)
		return log_err(r, "cannot read the routing table: %s", nl_why(nl, r));
	for (i = 0; i < all.count; i++) {
		if (!is_new_way_out(nl, host, all.dev[i].ifindex, &dev))
			continue;
		if (dev.type != ARPHRD_ETHER)
			log_warn("%s has a default route but is not an Ethernet device: what leads through it is "
				 "refused", dev.name);
		else if ((r = uplink_want(nl, host, dev.name)))
			return r;
	}
	return 0;
}

/* ---- the XDP prefilter ---- */

/*
 * A device may take the tag out of a frame before XDP sees it, and then the XDP prefilter would take another VLAN's
 * for one to this host.
 */
const char *uplink_xdp_unfit(struct nl *nl, const struct nl_link *dev, char vlan[EBPFNET_NAME_LEN])
{
	struct nl_link found;

	if (nl_link_vlan(nl, dev->ifindex, &found))
		return NULL;
	snprintf(vlan, EBPFNET_NAME_LEN, "%s", found.name);
	return vlan;
}

/* The last of the programs: packets are right without it, so a device that cannot have it is no failure. */
static int prefilter_uplink(const struct store *s, struct nl *nl, const struct host_record *host,
			    const struct nl_link *dev, bool *changed)
{
	uint32_t how = host->made & XDP_MODE_ANY;
	char name[EBPFNET_NAME_LEN];
	const char *vlan = how ? uplink_xdp_unfit(nl, dev, name) : NULL;

	if (vlan)
		log_warn("no XDP prefilter on %s: it has a VLAN (%s), and XDP may miss the VLAN tag", dev->name,
			 vlan);
	if (!how || vlan)
		return dataplane_xdp_detach(s, dev->name, changed);
	dataplane_xdp_attach(s, how, dev->ifindex, dev->name, changed);
	return 0;
}

/* ---- attaching ---- */

/* It is gone: what we know of it by its number, and the pins that are left. */
static int forget(const struct store *s, const struct host_record *host, struct uplink_record *u)
{
	int r = u->ifindex ? store_uplink_del(s, u->ifindex) : 0;

	u->ifindex = 0;
	u->flags = 0;
	if (!r && host->hook == HOOK_TCX)
		r = dataplane_detach(s, HOOK_TCX, HOOK_UPLINK_OUT, 0, u->name, false);
	if (!r && host->hook == HOOK_TCX)
		r = dataplane_detach(s, HOOK_TCX, HOOK_UPLINK, 0, u->name, false);
	return r ? r : dataplane_xdp_detach(s, u->name, NULL);
}

/* Its programs stay attached all the while. */
static int rename_uplink(const struct store *s, struct uplink_record *u, const struct nl_link *dev)
{
	int r;

	r = dataplane_rename(s, HOOK_UPLINK_OUT, u->name, dev->name);
	if (!r)
		r = dataplane_rename(s, HOOK_UPLINK, u->name, dev->name);
	if (!r)
		r = dataplane_rename(s, HOOK_UPLINK_XDP, u->name, dev->name);
	memcpy(u->name, dev->name, sizeof(u->name));
	return r;
}

/* The egress first: an uplink is one, in map uplinks, once it has both programs. */
static int hook_uplink(const struct store *s, struct nl *nl, struct host_record *host, struct uplink_record *u,
		       const struct nl_link *dev, bool *changed)
{
	struct uplink up = {}, old;
	int r;

	u->ifindex = dev->ifindex;
	if (host->hook == HOOK_CLSACT && !dataplane_has_qdisc(dev->ifindex))
		u->flags |= UPLINK_MADE_QDISC;
	r = store_host_set(s, host);
	if (!r)
		r = dataplane_attach(s, host->hook, HOOK_UPLINK_OUT, dev->ifindex, dev->name, changed, NULL);
	if (!r)
		r = dataplane_attach(s, host->hook, HOOK_UPLINK, dev->ifindex, dev->name, changed, NULL);
	memcpy(up.name, dev->name, sizeof(up.name));
	if (!r && (store_uplink(s, dev->ifindex, &old) || memcmp(&old, &up, sizeof(up)))) {
		*changed = true;
		r = store_uplink_set(s, dev->ifindex, &up);
	}
	return r ? r : prefilter_uplink(s, nl, host, dev, changed);
}

/* -ENODEV (quiet): there is no such device now. */
static int ensure_uplink(const struct store *s, struct nl *nl, struct host_record *host, struct uplink_record *u,
			 bool *changed)
{
	struct nl_link dev;
	int r;

	r = uplink_device(nl, host, u, &dev);
	if (r && r != -ENODEV)
		return log_err(r, "cannot read device %s: %s", u->name, nl_why(nl, r));
	if (u->ifindex && (r || u->ifindex != (uint32_t)dev.ifindex)) {
		int gone = forget(s, host, u);

		*changed = true;
		r = gone ? gone : r;
	}
	if (!r && strcmp(u->name, dev.name)) {
		*changed = true;
		r = rename_uplink(s, u, &dev);
	}
	return r ? r : hook_uplink(s, nl, host, u, &dev, changed);
}

static bool is_hooked(const struct store *s, const struct host_record *host, const struct uplink_record *u,
		      const struct nl_link *dev)
{
	return u->ifindex == (uint32_t)dev->ifindex && !strcmp(u->name, dev->name) &&
	       dataplane_attached(s, host->hook, HOOK_UPLINK_OUT, dev->ifindex, u->name) &&
	       dataplane_attached(s, host->hook, HOOK_UPLINK, dev->ifindex, u->name);
}

bool uplinks_differ(const struct store *s, struct nl *nl, const struct host_record *host)
{
	const struct uplink_record *u = host->uplinks;
	struct nl_defaults all;
	struct nl_link dev;
	size_t i;

	for (i = 0; i < EBPFNET_HOST_UPLINKS && u[i].name[0]; i++)
		if (!uplink_device(nl, host, &u[i], &dev) && !is_hooked(s, host, &u[i], &dev))
			return true;
	if (!(host->made & UPLINKS_FOLLOW) || nl_route_defaults(nl, &all))
		return false;
	for (i = 0; i < all.count; i++)
		if (is_new_way_out(nl, host, all.dev[i].ifindex, &dev) && dev.type == ARPHRD_ETHER)
			return true;
	return false;
}

const char *uplinks_text(const struct host_record *host, char buf[UPLINKS_TEXT])
{
	size_t i, len = 0;

	buf[0] = '\0';
	for (i = 0; i < EBPFNET_HOST_UPLINKS && host->uplinks[i].name[0]; i++)
		len += snprintf(buf + len, UPLINKS_TEXT - len, "%s%s", i ? ", " : "", host->uplinks[i].name);
	return buf;
}

static void drop_entry(struct host_record *host, int i)
{
	struct uplink_record *u = host->uplinks;

	memmove(&u[i], &u[i + 1], (EBPFNET_HOST_UPLINKS - i - 1) * sizeof(*u));
	memset(&u[EBPFNET_HOST_UPLINKS - 1], 0, sizeof(*u));
}

int uplinks_ensure(const struct store *s, struct nl *nl, struct host_record *host, bool *changed)
{
	int there = 0, i, r;

	r = host->made & XDP_MODE_ANY ? dataplane_xdp_load(s) : 0;
	if (!r && host->made & UPLINKS_FOLLOW)
		r = follow_routes(nl, host);
	for (i = 0; i < EBPFNET_HOST_UPLINKS && host->uplinks[i].name[0] && !r; i++) {
		r = ensure_uplink(s, nl, host, &host->uplinks[i], changed);
		there += !r;
		r = r == -ENODEV ? 0 : r;
	}
	/* one that was only followed is not missed, if there is another */
	for (i = EBPFNET_HOST_UPLINKS - 1; i >= 0 && !r; i--) {
		if (!host->uplinks[i].name[0] || host->uplinks[i].ifindex)
			continue;
		if (there && host->made & UPLINKS_FOLLOW)
			drop_entry(host, i);
		else
			log_warn("uplink %s is gone: run `ebpfnet up` when it is back", host->uplinks[i].name);
	}
	return r ? r : store_host_set(s, host);
}

int uplink_remove(const struct store *s, struct nl *nl, const struct host_record *host, struct uplink_record *u)
{
	struct nl_link dev = {};
	int r;

	if (!u->ifindex)
		return 0;
	r = dataplane_xdp_detach(s, u->name, NULL);
	if (!r)
		r = store_uplink_del(s, u->ifindex);
	if (r)
		return r;
	nl_link_get(nl, NULL, u->ifindex, &dev);
	if (host->hook == HOOK_CLSACT && !dev.ifindex)
		return 0;
	r = dataplane_detach(s, host->hook, HOOK_UPLINK_OUT, dev.ifindex, u->name, false);
	if (r)
		return r;
	return dataplane_detach(s, host->hook, HOOK_UPLINK, dev.ifindex, u->name,
				u->flags & UPLINK_MADE_QDISC);
}
