/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Loads the programs, pins them, and attaches them to devices, with the same calls for TCX and clsact.
 * Programs are pinned under BPFFS/ebpfnet/progs/, TCX links under links/: later commands attach the
 * pinned programs and load nothing.
 */
#ifndef EBPFNET_LIB_DATAPLANE_DATAPLANE_H
#define EBPFNET_LIB_DATAPLANE_DATAPLANE_H

#include <stdbool.h>

#include <ebpfnet/journal.h>

#include "lib/store/store.h"

/* Attach points, with one program each; no tail calls. */
enum hook {
	HOOK_PORT,		/* ingress of each host-side veth, and of the gateway's peer */
	HOOK_GATEWAY,		/* egress of the gateway device */
	HOOK_UPLINK,		/* ingress of the uplink */
	HOOK_UPLINK_OUT,	/* egress of the uplink */
	HOOK_LO,		/* ingress of lo, while a port is published */
	HOOK_UPLINK_XDP,	/* XDP of the uplink, if the XDP prefilter is enabled: in the driver, */
	HOOK_UPLINK_XDPGENERIC,	/* or generic */
	HOOK_SHAPER,		/* ingress of the shaper's far end, while a namespace is limited */
	HOOK_UPLINK_L3,		/* ingress and egress of an uplink whose packets have no link-layer header */
	HOOK_UPLINK_L3_OUT,
	HOOKS,
};

const char *hook_name(enum hook hook);		/* "port": name of the pin and of the object */
const char *hook_kind_name(enum hook_kind kind);	/* "tcx" */

/*
 * Checks the requirements (capabilities, BPF, helpers; TCX if kind says so) before anything is
 * changed, and logs the missing one.
 */
int dataplane_probe(enum hook_kind kind);

/* True if this kernel has TCX (6.6 and newer), found by trying. */
bool dataplane_has_tcx(void);

/* The way in which programs can read kernel memory here. */
enum kernel_memory dataplane_kernel_memory(void);

/* True if programs can ask conntrack. Loads its module if it is not built in. */
bool dataplane_kernel_conntrack(void);
/* Where the kernel has the generation of the nft ruleset, if not in its struct net. */
const struct kernel_nft *dataplane_kernel_nft(void);

/*
 * Make and pin the journal's maps, then all other maps and the programs of every network, then those of lo (before a
 * port is published), of the XDP prefilter, and of uplinks without a link-layer header. All keep what is pinned
 * already, except that dataplane_load() replaces the programs of another build, with the same maps. max_flows sizes the
 * flow table when its maps are made. -EPROTO: the maps have another layout. Log.
 */
int dataplane_journal(struct store *s);
int dataplane_load(struct store *s, uint32_t max_flows);
/* True if dataplane_load() would replace a program. */
bool dataplane_is_of_another_build(const struct store *s);
/* The size of the flow table; 0: it has not been made. */
uint32_t dataplane_flows(const struct store *s);
int dataplane_load_lo(const struct store *s);
int dataplane_load_shaper(const struct store *s);
int dataplane_load_xdp(const struct store *s);
int dataplane_load_l3(const struct store *s);

/*
 * Attaches hook's program to a device of this network namespace, unless it is attached already. For clsact, makes the
 * qdisc if there is none. dev is for the name of the pin and for messages.
 */
int dataplane_attach(const struct store *s, enum hook_kind kind, enum hook hook, int ifindex, const char *dev);

/*
 * True if the device has a clsact qdisc. Ask before attaching to a device that we did not make: if there is none,
 * journal that we make it (MADE_*_QDISC), then attach. So a command that is killed in between leaves no unknown qdisc.
 */
bool dataplane_has_qdisc(int ifindex);

/*
 * Detaches it. del_qdisc: remove the clsact qdisc too, unless another filter is there. A missing device
 * is no error: its pin is removed.
 */
int dataplane_detach(const struct store *s, enum hook_kind kind, enum hook hook, int ifindex, const char *dev,
		     bool del_qdisc);

/* Renames the link's pin after the device was renamed. A missing pin is no error. */
int dataplane_rename(const struct store *s, enum hook hook, const char *from, const char *to);

/* True if hook's pinned program is attached to the device. */
bool dataplane_attached(const struct store *s, enum hook_kind kind, enum hook hook, int ifindex, const char *dev);

/*
 * True if another owner's program or filter sees the packets of the device before hook's program does, and may keep
 * them from it. other: what it is.
 */
bool dataplane_runs_after(const struct store *s, enum hook_kind kind, enum hook hook, int ifindex, char other[64]);

/* ---- the XDP prefilter; its link is pinned like those of TCX ---- */

/* XDP on a device. */
struct xdp_state {
	uint32_t how;			/* the XDP prefilter: XDP_MODE_NATIVE or _GENERIC; 0: not attached */
	char other[32];			/* name and id of another program; "": none */
};
void dataplane_xdp_state(const struct store *s, int ifindex, const char *dev, struct xdp_state *out);

/*
 * Attaches it in one of the modes how (XDP_MODE_*), unless it is attached in one of them. Another owner's XDP
 * program stays. A failure is logged as a warning.
 */
void dataplane_xdp_attach(const struct store *s, uint32_t how, int ifindex, const char *dev);

/* Synchronously, unlike removing the pin. Not attached: no error. */
int dataplane_xdp_detach(const struct store *s, const char *dev);

/* Removes every pin, and the folder. The programs must be detached already. */
int dataplane_unload(struct store *s);

#endif
