// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Configuration of the programs. Its generation invalidates their cached decisions. */
#include "lib/store/map.h"

int store_config(const struct store *s, struct config *out)
{
	return map_get_only(s, MAP_CONFIG, out);
}

int store_config_set(const struct store *s, const struct config *cfg)
{
	struct config next = *cfg;

	next.gen++;
	return map_put_only(s, MAP_CONFIG, &next);
}

int config_touch(const struct store *s)
{
	struct config cfg;
	int r;

	if (s->fd[MAP_CONFIG] < 0)
		return 0;
	r = store_config(s, &cfg);
	return r ? r : store_config_set(s, &cfg);
}
