// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <string.h>

#include "lib/base/log.h"
#include "lib/model/session.h"

int session_open(struct session *x, const char *bpffs, enum store_mode mode)
{
	int r;

	r = nl_open(&x->nl);
	if (r)
		return log_err(r, "cannot open a netlink socket: %s", strerror(-r));
	r = store_open(&x->s, bpffs, mode);
	return r ? r : store_host(&x->s, &x->host);
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
