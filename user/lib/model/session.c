// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/kernel/netns.h"
#include "lib/model/session.h"

/* One bpffs may be seen from several network namespaces, but its devices are in one. */
static int check_host(const struct session *x)
{
	/* an older release recorded none */
	if (!x->host.netns_cookie || x->host.netns_cookie == x->netns_cookie)
		return 0;
	return log_err(-EXDEV,
		       "%s is of a network in another network namespace; run ebpfnet there, or give this one a bpffs "
		       "of its own with --bpffs (if that namespace is gone: rm -r %s)", x->s.dir, x->s.dir);
}

int session_open(struct session *x, const char *bpffs, enum store_mode mode)
{
	int r;

	r = nl_open(&x->nl);
	if (r)
		return log_err(r, "cannot open a netlink socket: %s", strerror(-r));
	r = netns_own_cookie(&x->netns_cookie);
	if (r)
		return log_err(r, "cannot read the cookie of the network namespace: %s", strerror(-r));
	r = store_open(&x->s, bpffs, mode);
	if (!r)
		r = store_host(&x->s, &x->host);
	return r ? r : check_host(x);
}

void session_close(struct session *x)
{
	nl_close(&x->nl);
	store_close(&x->s);
}

int session_save(struct session *x)
{
	return store_host_set(&x->s, &x->host);
}
