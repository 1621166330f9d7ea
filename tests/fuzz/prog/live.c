// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Packets that went through lately: what their flows' other ends would send is made of them. */
#include <string.h>

#include "fuzz.h"

#define KEPT 64

static struct live lives[KEPT];
static uint32_t noted;

void live_forget(void)
{
	noted = 0;
}

void live_note(const struct shot *s, const struct outcome_of *o)
{
	bool translated = o->counted == COUNT_masqueraded || o->counted == COUNT_unmasqueraded ||
			  o->counted == COUNT_published_in || o->counted == COUNT_published_out ||
			  o->counted == COUNT_host_snat || o->counted == COUNT_hairpinned;

	if (!translated)
		return;
	/* once all are in use, now and then only: old ones may have expired, and must be tried too */
	if (noted >= KEPT && !one_in(8))
		return;
	lives[noted < KEPT ? noted : chance(KEPT)] = (struct live){ *s, o->out, o->went, o->counted };
	if (noted < KEPT)
		noted++;
}

const struct live *live_any(void)
{
	return noted ? &lives[chance(noted)] : NULL;
}
