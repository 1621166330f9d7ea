/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where programs and links are pinned: what the dataplane_*.c files share. */
#ifndef EBPFNET_DATAPLANE_PIN_H
#define EBPFNET_DATAPLANE_PIN_H

#include <bpf/bpf.h>

#include "dataplane.h"

#define PIN_PATH 256

/* BPF_TCX_INGRESS and BPF_TCX_EGRESS, which linux/bpf.h has since 6.6: older headers must do. */
#define ATTACH_TCX_INGRESS ((enum bpf_attach_type)46)
#define ATTACH_TCX_EGRESS ((enum bpf_attach_type)47)

void pin_prog_path(const struct state *s, enum hook hook, char path[PIN_PATH]);
void pin_link_path(const struct state *s, enum hook hook, const char *dev, char path[PIN_PATH]);

/* Quiet. The program's descriptor, and its id in the kernel. */
int pin_prog_open(const struct state *s, enum hook hook, uint32_t *id);

/* Quiet if absent. */
int pin_remove(const char *path);

#endif
