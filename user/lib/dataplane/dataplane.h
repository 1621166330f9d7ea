/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Loading the programs, pinning them, and attaching them to devices, by TCX or by clsact with the
 * same calls. Programs are pinned under BPFFS/ebpfnet/progs/, TCX links under links/: every later
 * command attaches what is pinned and loads nothing.
 */
#ifndef EBPFNET_LIB_DATAPLANE_DATAPLANE_H
#define EBPFNET_LIB_DATAPLANE_DATAPLANE_H

#include <stdbool.h>

#include <ebpfnet/journal.h>

#include "lib/store/store.h"

/* A hook: which program goes where. One program each, no tail calls. */
enum hook {
	HOOK_PORT,		/* ingress of each host-side veth, and of the gateway's peer */
	HOOK_GATEWAY,		/* egress of the gateway device */
	HOOK_UPLINK,		/* ingress of the uplink */
	HOOK_UPLINK_OUT,	/* egress of the uplink */
	HOOK_LO,		/* ingress of lo, while a port is published */
	HOOK_UPLINK_XDP,	/* XDP of the uplink: the XDP prefilter, if it is asked for; in the driver, */
	HOOK_UPLINK_XDPGENERIC,	/* or behind it */
	HOOKS,
};

const char *hook_name(enum hook hook);		/* "port": the pin's name, and the object's */
const char *hook_kind_name(enum hook_kind kind);	/* "tcx" */

/*
 * Checks what the kernel must have (root or the capabilities, BPF, BTF; TCX when asked for) before
 * anything is changed, and names the missing feature.
 */
int dataplane_probe(enum hook_kind kind);

/* Whether this kernel has TCX (6.6 and newer), found by trying. */
bool dataplane_has_tcx(void);

/* How this kernel lets programs read its memory. */
enum kernel_memory dataplane_kernel_memory(void);

/*
 * Make and pin the journal's maps, then all other maps and the programs of every network, then those of lo (before a
 * port is published) and of the XDP prefilter. All keep what is pinned already. max_flows sizes the flow table when its
 * maps are made.
 */
int dataplane_journal(struct store *s);
int dataplane_load(struct store *s, uint32_t max_flows);
int dataplane_load_lo(const struct store *s);
int dataplane_load_xdp(const struct store *s);

/*
 * Attaches hook's program to a device of this network namespace. Attached already: no error and
 * *changed (may be NULL) stays as it is, else it becomes true. For clsact *made_qdisc (may be NULL) tells whether
 * the qdisc had to be made. dev is for the pin's name and for messages.
 */
int dataplane_attach(const struct store *s, enum hook_kind kind, enum hook hook, int ifindex, const char *dev,
		     bool *changed, bool *made_qdisc);

/*
 * Whether the device has a clsact qdisc, whoever made it. Ask before attaching to a device that is
 * not ours: if there is none, journal that we make it (MADE_*_QDISC), then attach. So a command
 * that is killed between leaves no qdisc that nobody remembers.
 */
bool dataplane_has_qdisc(int ifindex);

/*
 * Detaches it. del_qdisc: remove the clsact qdisc too, if nobody else has a filter there.
 * A device that is gone is no error: its pin is removed.
 */
int dataplane_detach(const struct store *s, enum hook_kind kind, enum hook hook, int ifindex, const char *dev,
		     bool del_qdisc);

/* The device is called otherwise now: so is the link's pin. What is not pinned is no error. */
int dataplane_rename(const struct store *s, enum hook hook, const char *from, const char *to);

/* Whether hook's program is attached to the device now. */
bool dataplane_attached(const struct store *s, enum hook_kind kind, enum hook hook, int ifindex, const char *dev);

/* ---- the XDP prefilter; its link is pinned like those of TCX ---- */

/* What of XDP is on a device. */
struct xdp_state {
	uint32_t how;			/* the XDP prefilter: XDP_MODE_NATIVE or XDP_MODE_GENERIC; 0: it is not there */
	char other[32];			/* another's program, by name and id; "": none */
};
void dataplane_xdp_state(const struct store *s, int ifindex, const char *dev, struct xdp_state *out);

/*
 * Attaches it in one of the modes how (XDP_MODE_*). Already attached in one of them: no change. Another owner's XDP
 * program stays. Failing to attach is logged and is no error.
 */
void dataplane_xdp_attach(const struct store *s, uint32_t how, int ifindex, const char *dev, bool *changed);

/* At once, and not when the kernel gets to it. What is not attached is no error. changed: may be NULL. */
int dataplane_xdp_detach(const struct store *s, const char *dev, bool *changed);

/* Removes every pin of ours and the folder. Devices must have been detached. */
int dataplane_unload(struct store *s);

#endif
