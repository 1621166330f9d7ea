/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Whole packets, from designated initialisers:
 *
 *	frame(.smac = NS1_MAC, .dmac = GW_MAC, .src = NS1, .dst = "203.0.113.10",
 *	      .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN)
 *
 * A field that is not named has a sensible value; both checksums are computed in full, by code that shares
 * nothing with the programs under test. A frame lives until a few dozen more have been made.
 */
#ifndef EBPFNET_TESTS_PACKET_H
#define EBPFNET_TESTS_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_MAX 2048
#define ETH_LEN 14
#define IP_LEN 20

struct frame {
	uint32_t len;
	uint8_t bytes[FRAME_MAX];
};

enum {
	ICMP = 1,
	TCP = 6,
	UDP = 17,
	GRE = 47,
	AUTHENTICATION = 51,
	ICMPV6 = 58,
	SCTP = 132,
};

#define TCP_NUMBER 0x12345678

enum {
	FIN = 0x01,
	SYN = 0x02,
	RST = 0x04,
	ACK = 0x10,
};

/* Types of ICMP. */
enum {
	ECHO_REPLY = 0,
	UNREACHABLE = 3,
	SOURCE_QUENCH = 4,
	REDIRECT = 5,
	ECHO = 8,
	TIME_EXCEEDED = 11,
	PARAMETER_PROBLEM = 12,
	TIMESTAMP = 13,
	TIMESTAMP_REPLY = 14,
	PHOTURIS = 40,
};

enum {
	DONT_FRAGMENT = 0x4000,
	MORE_FRAGMENTS = 0x2000,
};

struct frame_spec {
	const char *smac, *dmac;
	const char *src, *dst;
	uint8_t proto;			/* 0: UDP */
	uint16_t sport, dport;		/* TCP, UDP */
	uint8_t flags;			/* TCP */
	uint32_t tcp_seq, tcp_ack;	/* 0: TCP_NUMBER, as if neither side had sent a byte */
	uint16_t window;		/* 0: 64240 */
	const char *tcp_options;	/* a multiple of four bytes */
	uint8_t tcp_options_len;
	uint8_t type, code;		/* ICMP */
	uint16_t id, seq;		/* ICMP; the second word of an error is id << 16 | seq */
	const struct frame *inner;	/* ICMP: the embedded packet, from its IP header on */
	uint16_t inner_len;		/* and how much of it; 0: all */
	const char *payload;		/* 0: a few letters, an odd number */
	uint16_t payload_len;		/* 0: its string length */
	uint8_t ttl, tos;		/* 0: 64, 0 */
	uint16_t frag;			/* flags, and offset in eight bytes */
	bool no_ip_id;			/* identification 0, not 0x5d17 */
	const char *options;		/* of the IP header; a multiple of four bytes */
	uint8_t options_len;
	bool no_check;			/* UDP without a checksum */
	uint16_t check_error;		/* the transport checksum is wrong by that much */
	uint16_t ip_check_error;	/* and the IP header's */
	uint8_t trailer;		/* bytes behind the IP packet, as Ethernet pads */
};

struct frame *frame_make(const struct frame_spec *spec);
#define frame(...) frame_make(&(struct frame_spec){ __VA_ARGS__ })

struct arp_spec {
	const char *smac, *dmac;
	uint16_t op;
	const char *sender_mac, *sender, *target_mac, *target;	/* a MAC that is 0: zeros */
};

enum {
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
};

struct frame *arp_make(const struct arp_spec *spec);
#define arp(...) arp_make(&(struct arp_spec){ __VA_ARGS__ })

struct ipv6_spec {
	const char *smac, *dmac;
	const char *src, *dst;
	const char *ext;		/* extension headers, whole, in front of ICMPv6 */
	uint8_t ext_len;
	uint8_t next;			/* the first one's type */
	uint8_t type;			/* of ICMPv6 */
	const char *target;		/* of neighbour discovery; 0: there is none */
	uint8_t option;			/* of neighbour discovery, with a MAC address; 0: none */
	const char *mac;
	const char *went_to;		/* of an error: the embedded packet's destination; 0: there is none */
};

struct frame *ipv6_make(const struct ipv6_spec *spec);
#define ipv6(...) ipv6_make(&(struct ipv6_spec){ __VA_ARGS__ })

/* A frame of another protocol. */
struct frame *ethernet(const char *smac, const char *dmac, uint16_t eth_type, const char *text);

/* The same frame with an 802.1Q tag: priority, and VLAN in the low 12 bits. */
struct frame *frame_tagged(const struct frame *f, uint16_t tci);

/* The same with a tag of 802.1ad's, as providers put in front of their customers'. */
struct frame *frame_tagged_ad(const struct frame *f, uint16_t tci);

/*
 * A fragment of a packet: len bytes from an offset behind its IP header. MORE_FRAGMENTS is clear if they reach the end
 * of the packet and it is not set there.
 */
struct frame *frame_fragment(const struct frame *f, uint32_t from, uint32_t len);

void frame_print(const char *what, const struct frame *f);

/* Puts the IP header's checksum right again after a test has changed a byte of it. */
void frame_fix_ip(struct frame *f);

/* The 16 bits at an offset. */
uint16_t frame_u16(const struct frame *f, uint32_t at);
void frame_set_u16(struct frame *f, uint32_t at, uint16_t value);

void mac_parse(const char *text, uint8_t mac[6]);

#endif
