/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A network driver for Docker (libnetwork's remote driver): one connection on standard input and output, or as systemd
 * hands it over, on which dockerd sends one call after the other, as HTTP with JSON. Nothing is kept between calls but
 * what is in the journal, and definitions of networks on disk.
 *
 * Docker chooses the addresses, and moves the device into the container itself: the namespace is not there yet when it
 * asks for the device.
 */
#ifndef EBPFNET_PLUGINS_DOCKER_H
#define EBPFNET_PLUGINS_DOCKER_H

#include "lib/base/json_in.h"
#include "lib/model/plug.h"

/* Answer what comes until the client has gone. bpffs: as for session_open(). Returns an exit status. */
int docker_main(const char *bpffs);

/* ---- what follows is for the files of the plugin, and its tests ---- */

/* A port to be published. */
struct docker_port {
	struct portmap map;
	uint16_t until_h;		/* any free one from map.first_h up to this; 0: just as map says */
};

/* The parameters of a call, as far as it has them. Its texts belong to json. */
struct docker_call {
	struct json_object *json;
	const char *network, *endpoint;	/* ids: hexadecimal digits; NULL: not asked for */
	struct network_def def;		/* its name is for the caller to choose */
	struct ipaddr addr;		/* zero: none was given */
	bool has_mac;
	uint8_t mac[6];
	const char *sandbox;		/* where the namespace will be, from the root on; "": not known */
	struct docker_port *publish;	/* malloc'ed */
	size_t publish_count;
};
void docker_call_end(struct docker_call *c);

/*
 * docker_call.c: PURE but for the log. Each reads the body of one call. -EINVAL: it is none; -ENOTSUP: it cannot be
 * had. Log.
 */
int docker_read_network(struct docker_call *c, const char *body, size_t len);		/* only its id */
int docker_read_create_network(struct docker_call *c, const char *body, size_t len);
int docker_read_endpoint(struct docker_call *c, const char *body, size_t len);		/* both ids */
int docker_read_create_endpoint(struct docker_call *c, const char *body, size_t len);
int docker_read_join(struct docker_call *c, const char *body, size_t len);
int docker_read_connectivity(struct docker_call *c, const char *body, size_t len);

/* Answers, malloc'ed; NULL: no memory. */
char *docker_error(const char *text);
/* The answer has what Docker did not choose itself. */
char *docker_interface(const struct docker_call *c, const struct plug_result *r);
char *docker_join(const struct plug_result *r);

#endif
