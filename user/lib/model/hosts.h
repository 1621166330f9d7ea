/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Names for addresses: /run/ebpfnet/hosts holds the host's /etc/hosts and a line for each namespace,
 * and /etc/netns/NAME/hosts is a link to it, which `ip netns exec` and `ebpfnet exec` mount over
 * /etc/hosts. One file for all, written in place, so that what runs inside sees every change.
 */
#ifndef EBPFNET_LIB_MODEL_HOSTS_H
#define EBPFNET_LIB_MODEL_HOSTS_H

#include <stdbool.h>

#include "lib/store/store.h"

/* Writes the file for the namespaces of the journal; without any, removes it. Logs. */
int hosts_write(const struct store *s);

/* Whether /etc/netns would have to be made. */
bool hosts_etc_missing(void);

/*
 * The way to /etc/netns/NAME/hosts, in two steps with the journal between them: hosts_plan() says in
 * *flags what is to be made (NS_HOSTS_LINK, NS_HOSTS_DIR), or nothing where the user has a file of
 * that name, with a warning; hosts_link() makes it.
 */
bool hosts_is_linked(const char *name);
void hosts_plan(const char *name, uint16_t *flags);
int hosts_link(const char *name, uint16_t flags);
/* Removes what hosts_link() made, and nothing else. */
void hosts_unlink(const char *name, uint16_t flags);

#endif
