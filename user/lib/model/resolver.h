/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The DNS servers that a namespace can ask. The host's own /etc/resolv.conf may name only a loopback address
 * (systemd-resolved's 127.0.0.53, dnsmasq, unbound), where inside a namespace nobody listens.
 */
#ifndef EBPFNET_LIB_MODEL_RESOLVER_H
#define EBPFNET_LIB_MODEL_RESOLVER_H

#include <stdio.h>

#include <ebpfnet/abi.h>

#include "lib/base/addr.h"

enum resolver_kind {
	RESOLVER_SHARED,	/* the host's file serves namespaces too, or the host has none */
	RESOLVER_OTHER,		/* the host's resolver names the servers that it asks itself: resolver_copy() */
	RESOLVER_UNKNOWN,	/* the host's is out of reach, and no other is known */
};

struct resolver {
	enum resolver_kind kind;
	char host[ADDR_TEXT];	/* the first server of the host's file */
	char server[ADDR_TEXT];	/* the first server that a namespace can ask; "": none */
	const char *source;	/* the file that it is in */
};

void resolver_find(struct resolver *out);

/* Copies the source, of RESOLVER_OTHER, without the servers that a namespace cannot ask. */
void resolver_copy(const struct resolver *r, FILE *out);

#endif
