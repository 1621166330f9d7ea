/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Values of the pinned maps, beside those of ebpfnet/abi.h, that BPF programs and tests alone use. */
#ifndef EBPFNET_CORE_MAP_VALUES_H
#define EBPFNET_CORE_MAP_VALUES_H

#include <ebpfnet/core/frag.h>

#ifndef __VMLINUX_H__ /* userspace: struct bpf_spin_lock */
#include <linux/bpf.h>
#endif

/* Map frags: fragments of datagrams (frag/frag_track.h), by a hash of the source. */
#define FRAG_BUCKETS 512
#define FRAG_WAYS 8

/* Common to the fragments of one datagram (RFC 791), and the zone. */
struct frag_key {
	struct ipaddr src, dst;
	__be16 id;
	__u8 zone;
	enum l4proto proto;
};

/* State of a datagram's entry. */
enum frag_state {
	FRAG_ENTRY_FREE,
	FRAG_ENTRY_AWAITING, /* first fragment missing; later ones are queued */
	FRAG_ENTRY_KNOWN,
	FRAG_ENTRY_HOST, /* the host's: its fragments go to the stack unchecked */
	FRAG_ENTRY_REFUSED, /* first fragment dropped, or fragments overlap */
} __attribute__((packed));

struct frag_entry {
	struct frag_key key;
	__u32 seen;				/* last use, in ticks (frag_queue.h) */
	__u32 queued;				/* AWAITING: last queued fragment, a reference to map fragq; 0: none */
	__u16 sport_h, dport_h;
	__u16 end;				/* end of the datagram in units of 8 bytes; 0: last fragment not seen */
	enum frag_state state;
	_Bool tuple;				/* KNOWN: sport_h and dport_h are valid */
	struct frag_range range[FRAG_RANGES];	/* KNOWN: parts of the datagram that have passed */
};

struct frag_bucket {
	struct bpf_spin_lock lock;	/* protects all members below */
	__u32 at;			/* result of frag_search(): index of an entry */
	__u32 next;			/* next entry to evict, modulo FRAG_WAYS */
	struct frag_range current;	/* scratch: range of the current fragment */
	struct frag_entry entry[FRAG_WAYS];
};

/* Slots: the first ones for small frames. A datagram may be cut into pieces of eight bytes. */
#define FRAGQ_SMALL_SLOTS 384
#define FRAGQ_LARGE_SLOTS 128
#define FRAGQ_SLOTS (FRAGQ_SMALL_SLOTS + FRAGQ_LARGE_SLOTS)
#define FRAGQ_SMALL_MAX 128 /* bytes of an IP packet */
#define FRAGQ_FRAME_MAX 9232 /* the same for large ones: the MTU up to which fragments wait */

enum fragq_state {
	FRAGQ_FREE,
	FRAGQ_BUSY, /* being filled or emptied by one CPU */
	FRAGQ_USED,
} __attribute__((packed));

union fragq_word {
	struct {
		enum fragq_state state;
		_Bool stranger;	/* USED: its source has no flow */
		__u16 use;	/* incremented at each allocation: tells stale references */
	};
	__u32 word;
};

/* A slot of the fragment queue. References hold its index + 1 (low half) and use (high half); 0: none. */
struct fragq_slot {
	__u32 word;		/* union fragq_word */
	__u32 seen;		/* when it was stored, in ticks */
	__u32 next;		/* reference to the next fragment of the datagram */
	__u16 len;
	__u16 source;		/* bucket of the source (frag_track.h) */
};

struct fragq {
	struct fragq_slot slot[FRAGQ_SLOTS];
};

struct fragq_frame {
	__u8 bytes[FRAGQ_FRAME_MAX];
};

struct fragq_small_frame {
	__u8 bytes[FRAGQ_SMALL_MAX];
};

#define REINJECT_BUFS 4 /* more concurrent users than buffers: the packet is dropped */
#define REINJECT_FRAME_MAX 65552 /* the longest IP packet and its Ethernet header */
#define REINJECT_CHUNK 8192 /* most payload bytes of one fragment */

/* State of fragmenting a datagram (frag_output.h); in a map, as the stack is too small. */
struct frag_out_state {
	__u32 ihl;
	__u32 size;		/* payload bytes of each fragment but the last */
	__u32 len, done, now;	/* payload bytes: in all; sent; of the next fragment */
	__u16 frag;		/* flags and offset of the original, host byte order */
	struct frag_option option;
	__u8 ip[60];		/* header of the next fragment */
};

/* Buffer for one packet of maximum size. */
struct reinject_buf {
	__u32 taken;
	struct frag_out_state frag_out;
	__u8 bytes[REINJECT_FRAME_MAX + REINJECT_CHUNK];
};

/*
 * Map icmp_budget: ICMP errors sent by this CPU in that second (l3/icmp_send.h), by a hash of the sender inside that
 * they go to; the first entry is for all senders outside.
 */
#define ICMP_BUDGETS 256

struct icmp_budget {
	__u32 second;
	__u32 sent;
};

/*
 * Map ask_sent, per CPU: the last TCP packet that was copied to ask the host's rules (bpf/nat/ask.h). A rule may answer
 * the copy with a reset, at once and on the same CPU; it then has to be one that the packet's sender believes.
 */
struct ask_sent {
	struct flow_key inside;		/* of the copy */
	__u32 shown_ack, ack;		/* its acknowledgement number, and the packet's own; host order */
};

/* Map outside_peers, by a hash of an address outside. */
#define OUTSIDE_PEERS 4096

struct outside_peer {
	__u32 flows;	/* with it */
	__u32 opened;	/* those that it has opened, to published ports */
};

#endif
