/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Values of the pinned maps that BPF programs alone read and write; all others are in include/ebpfnet/abi.h. */
#ifndef EBPFNET_BPF_KERN_MAP_VALUES_H
#define EBPFNET_BPF_KERN_MAP_VALUES_H

#include "vmlinux.h"
#include <ebpfnet/core/frag.h>

#define FRAG_BUCKETS 512
#define FRAG_WAYS 8

/* RFC 791: what makes pieces those of one datagram; and where it entered. */
struct frag_key {
	struct ipaddr src, dst;
	__be16 id;
	__u8 zone;
	enum l4proto proto;
};

enum frag_state {
	FRAG_ENTRY_FREE,
	FRAG_ENTRY_AWAITING, /* its first piece has not come; the others are held */
	FRAG_ENTRY_KNOWN,
	FRAG_ENTRY_HOST, /* not ours: left to the stack, whatever its pieces are like */
	FRAG_ENTRY_REFUSED, /* its first piece went no further, or its pieces overlap */
} __attribute__((packed));

struct frag_entry {
	struct frag_key key;
	__u32 seen;		/* ticks */
	__u32 queued;		/* AWAITED: the last piece that is held (frag_queue.h) */
	__u16 sport_h, dport_h;
	__u16 end;		/* where it ends, in units; 0: its last piece has not come */
	enum frag_state state;
	_Bool tuple;		/* KNOWN: the ports are ports, or an identifier */
	struct frag_range range[FRAG_RANGES];	/* KNOWN: what there was of it */
};

struct frag_bucket {
	struct bpf_spin_lock lock;	/* of all below */
	__u32 at;			/* frag_search()'s result */
	__u32 next;			/* in turn */
	struct frag_range current;		/* in hand */
	struct frag_entry entry[FRAG_WAYS];
};

#define FRAGQ_SLOTS 128
#define FRAGQ_FRAME_MAX 9232 /* bytes, of a frame: MTUs up to 9218 */

enum fragq_state {
	FRAGQ_FREE,
	FRAGQ_BUSY, /* being filled or emptied */
	FRAGQ_USED,
} __attribute__((packed));

union fragq_word {
	struct {
		enum fragq_state state;
		__u8 zero;
		__u16 use;	/* another each time, so that a stale reference is seen to be one */
	};
	__u32 word;
};

/*
 * A place. A reference to it, in datagrams and here, is its number plus one in the low half, its use
 * in the high half; 0: none.
 */
struct fragq_slot {
	__u32 word;		/* union fragq_word */
	__u32 seen;		/* ticks */
	__u32 next;		/* reference to the next piece of the datagram */
	__u16 len;
	__u16 source;		/* bucket of the source (frag_track.h) */
};

struct fragq {
	struct fragq_slot slot[FRAGQ_SLOTS];
};

struct fragq_frame {
	__u8 bytes[FRAGQ_FRAME_MAX];
};

#define REINJECT_BUFS 4 /* more CPUs than this at once go without */
#define REINJECT_FRAME_MAX 65552 /* the longest IP packet, and its Ethernet header */
#define REINJECT_CHUNK 8192 /* of a payload, at most */

/* A packet that is cut up (frag_output.h): in a map, where the stack is short. */
struct frag_out_state {
	__u32 ihl;
	__u32 size;		/* of a piece's payload */
	__u32 len, done, now;	/* of the whole payload; how much of it is sent, how much the next piece has */
	__u16 frag;		/* flags and offset of the whole */
	struct frag_option option;
	__u8 ip[60];		/* header of the next piece */
};

/* Room to write on: a packet, whole. */
struct reinject_buf {
	__u32 taken;
	struct frag_out_state frag_out;
	__u8 bytes[REINJECT_FRAME_MAX + REINJECT_CHUNK];
};

struct icmp_budget {
	__u32 second;
	__u32 sent;
};

#endif
