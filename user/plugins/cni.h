/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A CNI plugin (https://www.cni.dev/docs/spec/, 1.1.0): the environment says what to do, the network's configuration is
 * on standard input, and the answer goes to standard output. The address is chosen here, or by the `ipam` plugin of the
 * configuration.
 */
#ifndef EBPFNET_PLUGINS_CNI_H
#define EBPFNET_PLUGINS_CNI_H

#include "lib/base/json_in.h"
#include "lib/model/plug.h"

/* True if a runtime has called us as a plugin. */
bool cni_is_called(void);
/* Do what it asks for. Returns an exit status. */
int cni_main(void);

/* ---- what follows is for the files of the plugin, and its tests ---- */

/* Codes of errors. */
enum {
	CNI_NO_VERSION = 1,		/* of the configuration, that we know */
	CNI_UNSUPPORTED = 2,		/* a field of the configuration */
	CNI_NO_CONTAINER = 3,
	CNI_ENVIRONMENT = 4,
	CNI_IO = 5,
	CNI_DECODE = 6,
	CNI_CONFIG = 7,
	CNI_AGAIN = 11,			/* later */
	CNI_UNAVAILABLE = 50,
	CNI_FAILED = 100,		/* all else */
};

/* The environment; "": not set. */
struct cni_env {
	const char *command, *id, *netns, *ifname, *path, *args;
};

/* The configuration, read for one attachment. Its texts belong to json. */
struct cni_conf {
	struct json_object *json;
	const char *version;
	const char *name;
	struct network_def def;
	const char *ipam;		/* the plugin that chooses addresses; NULL: none */
	struct ipaddr addr;		/* asked for; zero: none */
	bool has_mac;
	uint8_t mac[6];
	char label[EBPFNET_LABEL_LEN];
	char aliases[EBPFNET_ALIASES_LEN];
	struct ns_limit in, out;
	struct portmap *publish;	/* malloc'ed */
	size_t publish_count;
	struct json_object *prev;	/* prevResult; NULL: none */
	struct json_object *dns;
	struct json_object *routes;	/* of the ipam plugin's answer */
	struct json_object *answer;	/* that answer, the owner of dns and routes then */
};
void cni_conf_end(struct cni_conf *c);

/* cni_version.c: "1.1.0" and older; "" is taken for 0.1.0, as the specification says. */
bool cni_version_is_known(const char *version);
/* True if the version is that one, or newer. */
bool cni_version_is(const char *version, const char *least);
struct json_object *cni_versions(void);	/* a list of those that are known */

/*
 * cni_conf.c: PURE but for the log. Reads a configuration and the environment. Returns 0, or the code of an error
 * (logged). with_attachment: what belongs to one, too.
 */
int cni_conf_read(struct cni_conf *c, const struct cni_env *env, const char *text, size_t len, bool with_attachment);
/* Reads an address with or without its prefix length (0). False: it is no IPv4 address. */
bool cni_addr_parse(const char *text, struct ipaddr *addr, uint8_t *prefix);

/* cni_result.c: the answer to ADD, malloc'ed; NULL: no memory. */
char *cni_result(const struct cni_conf *c, const struct cni_env *env, const struct plug_result *r);
/* Compares what the runtime remembers with what is. NULL: the same, or what is otherwise. */
const char *cni_result_differs(const struct cni_conf *c, const struct cni_env *env, const struct plug_result *r);
char *cni_error(const char *version, int code, const char *msg, const char *details);
char *cni_version_answer(const char *version);

/*
 * cni_ipam.c: has the configuration's ipam plugin do what command says, with the configuration. *answer: what it
 * said, or NULL if it said nothing; the caller's to json_object_put(). Returns 0, or the code of an error (logged).
 */
int cni_ipam(const struct cni_conf *c, const struct cni_env *env, const char *command, struct json_object **answer);
/* Takes address, subnet and gateway from the answer to ADD, which belongs to c then. 0, or a code (logged). */
int cni_ipam_take(struct cni_conf *c, struct json_object *answer);

#endif
