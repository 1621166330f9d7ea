/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where programs and links are pinned: what the dataplane_*.c files share. */
#ifndef EBPFNET_LIB_DATAPLANE_PIN_H
#define EBPFNET_LIB_DATAPLANE_PIN_H

#include <bpf/bpf.h>

#include "lib/dataplane/dataplane.h"

#define PIN_PATH 256

/* BPF_TCX_INGRESS and BPF_TCX_EGRESS, which linux/bpf.h has since 6.6: older headers must do. */
#define ATTACH_TCX_INGRESS ((enum bpf_attach_type)46)
#define ATTACH_TCX_EGRESS ((enum bpf_attach_type)47)

void pin_prog_path(const struct store *s, enum hook hook, char path[PIN_PATH]);
void pin_link_path(const struct store *s, enum hook hook, const char *dev, char path[PIN_PATH]);

/* Quiet. The program's descriptor, and its id in the kernel. */
int pin_prog_open(const struct store *s, enum hook hook, uint32_t *id);

/* Quiet if absent. */
int pin_remove(const char *path);

/* A pinned link. */
struct pin_link {
	int fd;			/* -1: none */
	uint32_t ifindex;	/* 0: its device is gone, or it was detached */
	uint32_t prog_id;
};

/* Quiet; -ENOENT if nothing is pinned. */
int pin_link_open(const char *path, struct pin_link *out);

/* Pins a link, which dies with its descriptor until then: a command that is killed before has attached nothing. */
int pin_link(const struct store *s, int link, const char *path);

/* Whether a program is one of this or another release of ours. */
bool pin_prog_is_ours(uint32_t prog_id);

#endif
