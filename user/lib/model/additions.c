// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Additions of root inside a namespace, or of the program that made it, and the packets that get lost by them. */
#include <stdio.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/model/endpoint.h"

void endpoint_find_additions(struct nl *nl, const struct nl_link *dev, const struct endpoint_object *o,
			     struct endpoint_additions *out)
{
	struct nl_link other;
	int ifindex;

	*out = (struct endpoint_additions){};
	if (!dev->ifindex)
		return;
	if (!nl_route_default(nl, &ifindex) && ifindex != dev->ifindex && !nl_link_get(nl, NULL, ifindex, &other) &&
	    !endpoint_is_sibling(o, other.peer))
		memcpy(out->detour, other.name, sizeof(out->detour));
	nl_addr_other(nl, dev->ifindex, o->rec->addr, &out->addr, &out->prefix);
}

bool endpoint_is_undisturbed(void *object, struct difference *d)
{
	const struct endpoint_object *o = object;
	const struct endpoint_additions *found = &o->additions;
	const struct ns_record *rec = o->rec;
	char addr[ADDR_TEXT];

	if (found->detour[0]) {
		snprintf(d->fix, sizeof(d->fix), "ebpfnet exec %s -- ip route replace default via %s dev %s", o->name,
			 addr_text(o->net->gateway, addr), rec->ns_dev);
		return holds_if(false, d,
				"inside namespace %s, the default route leads through %s, not %s: what it sends "
				"out, and its answers to clients of published ports, do not come here",
				o->name, found->detour, rec->ns_dev);
	}
	if (!addr_number(found->addr) || rec->port_flags & PORT_SPOOF_ALLOW)
		return true;
	addr_text(found->addr, addr);
	snprintf(d->fix, sizeof(d->fix), "ebpfnet exec %s -- ip address del %s/%u dev %s", o->name, addr, found->prefix,
		 rec->ns_dev);
	return holds_if(false, d,
			"inside namespace %s, %s has another address, %s: packets from it are dropped as spoofed",
			o->name, rec->ns_dev, addr);
}
