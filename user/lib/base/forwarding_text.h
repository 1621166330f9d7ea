/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* PURE. The words for enum forwarding: fast, ask, stack. */
#ifndef EBPFNET_LIB_BASE_FORWARDING_TEXT_H
#define EBPFNET_LIB_BASE_FORWARDING_TEXT_H

#include <stdbool.h>

#include <ebpfnet/abi.h>

#define FORWARDING_WORDS "ask, fast or stack"	/* for messages */

/* False: text is no mode, and *out is unchanged. */
bool forwarding_parse(const char *text, enum forwarding *out);
/* "?" for a number that is no mode. */
const char *forwarding_text(enum forwarding mode);

#endif
