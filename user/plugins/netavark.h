/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A netavark plugin (API 1.0.0, plugin-API.md of netavark): podman calls `create`, netavark the others. JSON comes on
 * standard input, and goes to standard output. podman chooses the addresses.
 */
#ifndef EBPFNET_PLUGINS_NETAVARK_H
#define EBPFNET_PLUGINS_NETAVARK_H

#include "lib/base/json_in.h"
#include "lib/model/plug.h"

/* True if the first word is one of a plugin's, and no person types what it reads. */
bool netavark_is_called(int argc, char **argv);
/* Do what it asks for. Returns an exit status. */
int netavark_main(int argc, char **argv);

/* ---- what follows is for the files of the plugin, and its tests ---- */

/* A container in a network. Its texts belong to json. */
struct netavark_request {
	struct json_object *json;
	struct network_def def;
	const char *id, *ifname;
	char label[EBPFNET_LABEL_LEN];
	char aliases[EBPFNET_ALIASES_LEN];
	struct ipaddr addr;
	bool has_mac;
	uint8_t mac[6];
	bool has_dns;			/* containers of the network are to find each other by name */
	struct portmap *publish;	/* malloc'ed */
	size_t publish_count;
};
void netavark_request_end(struct netavark_request *q);

/* netavark_conf.c: PURE but for the log. Errors are -EINVAL, -ENOTSUP, -ENOMEM. Logs. */
/* Read a network; it may lack a subnet and a gateway. */
int netavark_network_read(struct json_object *j, struct network_def *def);
/* Read what comes for `setup`, or, if that is_removed, only what it is called by. Also after an error it is to end. */
int netavark_request_read(struct netavark_request *q, const char *text, size_t len, bool is_removed);
/* Read its ports, which that does for `setup`. */
int netavark_ports_read(struct netavark_request *q);

/* netavark_result.c: answers, malloc'ed; NULL: no memory. */
char *netavark_info(void);
char *netavark_error(const char *cause, const char *further);
/* The network that came as j, which is freed, with subnet and gateway of def, and with DNS only if it can be had. */
char *netavark_network(struct json_object *j, const struct network_def *def, bool can_dns);
char *netavark_status(const struct plug_result *r, bool has_dns);

/* netavark_dns.c: whether podman's DNS server is installed. */
bool netavark_dns_is_there(void);
/*
 * Has it answer for the containers that are attached, in the networks that had it do so before, and in also (NULL: in
 * no other); ends it if there are none. Logs.
 */
int netavark_dns_sync(struct session *x, const char *also);

#endif
