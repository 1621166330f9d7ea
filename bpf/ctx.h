/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The words of the hook that an object is for: what includes this serves hooks of any kind. */
#ifndef EBPFNET_BPF_CTX_H
#define EBPFNET_BPF_CTX_H

#include "ctx_tc.h"

#endif
