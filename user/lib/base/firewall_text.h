/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * PURE. The firewalls of the host: whose the chains at netfilter's FORWARD hook are, and the command that opens a
 * published port in one that drops what nobody has allowed.
 */
#ifndef EBPFNET_LIB_BASE_FIREWALL_TEXT_H
#define EBPFNET_LIB_BASE_FIREWALL_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <ebpfnet/abi.h>

/* Whose a chain is, bits: ufw and Docker write rules into the chain FORWARD of iptables. */
enum {
	FIREWALL_UFW = 1 << 0,
	FIREWALL_FIREWALLD = 1 << 1,
	FIREWALL_DOCKER = 1 << 2,
	FIREWALL_IPTABLES = 1 << 3,	/* iptables over nf_tables */
	FIREWALL_LEGACY = 1 << 4,	/* iptables-legacy */
	FIREWALL_NFT = 1 << 5,		/* any other table of nf_tables */
};

#define FIREWALL_NAME 64		/* of a table or a chain; a longer one is cut, and no command names it */

/* A chain that packets pass at FORWARD. A packet has to be accepted by each. */
struct firewall_chain {
	uint32_t owners;		/* FIREWALL_* */
	bool drops;			/* what no rule accepts */
	const char *family;		/* as nft calls it: "ip", "inet" */
	char table[FIREWALL_NAME], name[FIREWALL_NAME];
};

#define FIREWALL_CHAINS 8		/* at most; more are not seen */

struct firewall {
	struct firewall_chain chain[FIREWALL_CHAINS];
	unsigned int count;
	uint32_t of_filter;		/* owners of other chains of iptables' table filter */
};

/* The owner that a chain of the table filter of iptables is known by: "ufw-user-forward", "DOCKER-USER"; 0: none. */
uint32_t firewall_owner(const char *chain);
/* Adds a chain of nf_tables at FORWARD, or what is known of a chain elsewhere (at_forward false). */
void firewall_add(struct firewall *f, const struct firewall_chain *c, bool at_forward);
/* After the last chain: who has rules in iptables' chain FORWARD. */
void firewall_settle(struct firewall *f);

#define FIREWALL_TEXT 96
/* "ufw, Docker"; NULL: nothing is at FORWARD. Returns buf. */
const char *firewall_names(const struct firewall *f, char buf[FIREWALL_TEXT]);

#define FIREWALL_OPEN 1024
/* The command, or those with "; " between, that let in what a port mapping leads to; NULL: nothing drops it. */
const char *firewall_open(const struct firewall *f, const struct portmap *p, char buf[FIREWALL_OPEN]);

#endif
