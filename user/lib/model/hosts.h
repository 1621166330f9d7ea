/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Names for addresses: /run/ebpfnet/hosts contains the host's /etc/hosts and a line for each namespace.
 * /etc/netns/NAME/hosts is a link to it, which `ip netns exec` and `ebpfnet exec` mount over /etc/hosts.
 * All share one file, written in place, so that running processes see every change.
 */
#ifndef EBPFNET_LIB_MODEL_HOSTS_H
#define EBPFNET_LIB_MODEL_HOSTS_H

#include <stdbool.h>

#include "lib/store/store.h"

/* Write the file for the namespaces in the journal; remove it if there are none. Logs. */
int hosts_write(const struct store *s);

/* True if /etc/netns does not exist. */
bool hosts_etc_missing(void);

/*
 * Create /etc/netns/NAME/hosts in two steps, with a journal entry between them: hosts_plan() sets in
 * *flags what to create (NS_HOSTS_LINK, NS_HOSTS_DIR), and warns if the user has a file of that name;
 * hosts_link() creates it.
 */
bool hosts_is_linked(const char *name);
void hosts_plan(const char *name, uint16_t *flags);
int hosts_link(const char *name, uint16_t flags);
/* Remove only what hosts_link() created. */
void hosts_unlink(const char *name, uint16_t flags);

/*
 * For a network whose journal is lost. hosts_sweep() removes links in /etc/netns that lead nowhere, as after a boot,
 * and the folders that are empty then; true if there was one. hosts_forget() removes the file.
 */
bool hosts_sweep(void);
void hosts_forget(void);

#endif
