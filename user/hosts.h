/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Names for addresses: /run/ebpfnet/hosts holds the host's /etc/hosts and a line for each namespace,
 * and /etc/netns/NAME/hosts is a link to it, which `ip netns exec` and `ebpfnet exec` mount over
 * /etc/hosts. One file for all, written in place, so that what runs inside sees every change.
 */
#ifndef EBPFNET_HOSTS_H
#define EBPFNET_HOSTS_H

#include "state.h"

/* Writes the file for the namespaces of the journal; without any, removes it. Logs. */
int hosts_write(const struct state *s);

/*
 * Makes /etc/netns/NAME/hosts; *flags gets NS_HOSTS_LINK and NS_HOSTS_DIR for what this made or, after
 * a command that was killed, had made. A file of the user's stays, with a warning.
 */
int hosts_link(const char *name, uint16_t *flags);
/* Removes what hosts_link() made. */
void hosts_unlink(const char *name, uint16_t flags);

#endif
