/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Pinned programs and links, for the files of this folder. */
#ifndef EBPFNET_LIB_DATAPLANE_PIN_H
#define EBPFNET_LIB_DATAPLANE_PIN_H

#include <bpf/bpf.h>

#include "lib/dataplane/dataplane.h"

#define PIN_PATH 256

/* BPF_TCX_INGRESS and BPF_TCX_EGRESS, which linux/bpf.h lacks before 6.6. */
#define ATTACH_TCX_INGRESS ((enum bpf_attach_type)46)
#define ATTACH_TCX_EGRESS ((enum bpf_attach_type)47)

void pin_prog_path(const struct store *s, enum hook hook, char path[PIN_PATH]);
void pin_link_path(const struct store *s, enum hook hook, const char *dev, char path[PIN_PATH]);

/* Quiet. The program's descriptor, and its id in the kernel. */
int pin_prog_open(const struct store *s, enum hook hook, uint32_t *id);

/* Quiet if missing. */
int pin_remove(const char *path);

struct pin_link {
	int fd;			/* -1: none */
	uint32_t ifindex;	/* 0: its device is gone, or it was detached */
	uint32_t prog_id;
};

/* Quiet; -ENOENT if nothing is pinned. */
int pin_link_open(const char *path, struct pin_link *out);

/* Until it is pinned, closing a link's descriptor detaches it: a command killed before has attached nothing. */
int pin_link(const struct store *s, int link, const char *path);

/* True if the program is ebpfnet's, of this or another release. */
bool pin_prog_is_ours(uint32_t prog_id);

#endif
