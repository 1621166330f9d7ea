// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* lo: a program there costs all loopback traffic, so attach it only while a port is published. */
#include "lib/dataplane/dataplane.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

#define LO_IFINDEX 1	/* the first device of every network namespace */

static bool lo_hooked(void *object, struct difference *d)
{
	const struct nl_link lo = { .ifindex = LO_IFINDEX, .name = "lo" };
	struct session *x = object;
	struct config cfg;

	if (store_config(&x->s, &cfg))
		return true;
	if (cfg.portmaps) /* both, as the first says what is missing */
		return hook_holds(x, HOOK_LO, &lo, lo.name, d) && holds_if(x->host.made & LO_HOOKED, d,
									   "the lo program is not in the journal");
	return holds_if(!(x->host.made & LO_HOOKED), d, "lo has a program though nothing is published");
}

static int hook_lo(struct session *x)
{
	int r = dataplane_load_lo(&x->s);

	if (r)
		return r;
	/* journal first, so that nothing is left unrecorded if the command is killed */
	if (x->host.hook == HOOK_CLSACT && !dataplane_has_qdisc(LO_IFINDEX))
		x->host.made |= MADE_LO_QDISC;
	x->host.made |= LO_HOOKED;
	r = session_save(x);
	return r ? r : dataplane_attach(&x->s, x->host.hook, HOOK_LO, LO_IFINDEX, "lo");
}

int lo_unhook(struct session *x)
{
	int r;

	r = dataplane_detach(&x->s, x->host.hook, HOOK_LO, LO_IFINDEX, "lo", x->host.made & MADE_LO_QDISC);
	if (r)
		return r;
	x->host.made &= ~(LO_HOOKED | MADE_LO_QDISC);
	return session_save(x);
}

static int sync_lo(void *object)
{
	struct session *x = object;
	struct config cfg;
	int r = store_config(&x->s, &cfg);

	return r ? r : cfg.portmaps ? hook_lo(x) : lo_unhook(x);
}

int walk_lo(struct walk *w)
{
	static const struct property properties[] = {
		{ lo_hooked, sync_lo, "attach the lo program while something is published" },
		{},
	};

	return walk_object(w, "lo", properties, w->x);
}

int lo_ensure(struct session *x)
{
	struct walk w = { .x = x, .apply = true };

	return walk_lo(&w);
}
