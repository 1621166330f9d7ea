/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Names for addresses. /run/ebpfnet/hosts contains the host's /etc/hosts and a line for each namespace of network 1,
 * `default`; /run/ebpfnet/hosts.2+5 is for namespaces that are in networks 2 and 5, and so on: no name is seen in a
 * network that it is not in. /run/ebpfnet/resolv.conf, which exists where the host's own is of no use inside, has the
 * DNS servers that the host asks. /etc/netns/NAME/hosts and /etc/netns/NAME/resolv.conf are links to them, which `ip
 * netns exec` and `ebpfnet exec` mount over those in /etc. Namespaces of the same networks share one file, written in
 * place, so that running processes see every change.
 *
 * A namespace works without them: what cannot be written is a warning.
 */
#ifndef EBPFNET_LIB_MODEL_HOSTS_H
#define EBPFNET_LIB_MODEL_HOSTS_H

#include <stdbool.h>

#include "lib/model/session.h"

/* Write the files for the namespaces in the journal; remove them if there are none. Logs what it cannot read. */
int hosts_write(const struct session *x);

/* The file for a namespace, by the networks that it is in; all: the records of all namespaces. Returns path. */
#define HOSTS_PATH 256
const char *hosts_file(const struct ns_entry *all, size_t count, const char *name, char path[HOSTS_PATH]);

/* True if /etc/netns does not exist. */
bool hosts_etc_missing(void);

/*
 * Create the links of a namespace in two steps, with a journal entry between them: hosts_plan() sets in *flags what to
 * create (NS_HOSTS_LINK, NS_HOSTS_DIR), and warns if it cannot, or if the user has a file of that name; hosts_link()
 * creates them. A file of the user's stays. The DNS servers are only for a namespace that ebpfnet made (NS_MADE).
 */
/* NULL: the links are as they should be; else which are not. file: of hosts_file(). */
const char *hosts_problem(const char *name, const char *file, uint16_t flags);
void hosts_plan(const char *name, uint16_t *flags);
void hosts_link(const char *name, const char *file, uint16_t flags);
/* Remove only what hosts_link() created. */
void hosts_unlink(const char *name, uint16_t flags);

/*
 * For a network whose journal is lost. hosts_sweep() removes links in /etc/netns that lead nowhere, as after a boot,
 * and the folders that are empty then; true if there was one. hosts_forget() removes the files.
 */
bool hosts_sweep(void);
void hosts_forget(void);

/*
 * Say what DNS needs inside, if the host's resolver is out of reach. attached: the name of a namespace, or NULL. False:
 * it is the same for all namespaces.
 */
bool hosts_say_resolver(const char *attached);

#endif
