/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The words of the hook that an object is for (HOOK_IS_XDP, or else TC): what includes this serves both. */
#ifndef EBPFNET_BPF_CTX_H
#define EBPFNET_BPF_CTX_H

#ifdef HOOK_IS_XDP
#include "ctx_xdp.h"
#else
#include "ctx_tc.h"
#endif

#endif
