/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Set-up and tear-down of tests that look at what is logged. */
#ifndef EBPFNET_TESTS_KEPT_LOG_H
#define EBPFNET_TESTS_KEPT_LOG_H

#include "unit.h"
#include <user/lib/base/log.h>

static struct log_kept kept;

static int set_up(void **state)
{
	log_set_sink(log_keep, &kept);
	return 0;
}

static int tear_down(void **state)
{
	log_set_sink(NULL, NULL);
	log_forget(&kept);
	return 0;
}

#endif
