// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Delegation to the plugin that chooses addresses (specification, section 4): host-local, static, dhcp, ... */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "plugins/cni.h"

#define PATH 4096

/* ---- running it ---- */

/* Its file, in the first folder of CNI_PATH that has it. */
static bool find_plugin(const char *folders, const char *type, char path[PATH])
{
	size_t len;

	for (; *folders; folders += len + (folders[len] == ':')) {
		len = strcspn(folders, ":");
		if (len && snprintf(path, PATH, "%.*s/%s", (int)len, folders, type) < PATH && !access(path, X_OK))
			return true;
	}
	return false;
}

/* A file with the configuration, to be read from its beginning. */
static int configuration(struct json_object *json)
{
	const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);
	_cleanup_fd_ int fd = memfd_create("conf", MFD_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET))
		return -errno;
	return TAKE_FD(fd);
}

/* In the child. It does not outlive its parent, whom the runtime may kill. */
static void become(const char *path, const char *command, int in, int out)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 && !setenv("CNI_COMMAND", command, 1))
		execl(path, path, NULL);
	_exit(127);
}

static int start(const char *path, const char *command, struct json_object *json, pid_t *pid)
{
	_cleanup_fd_ int in = configuration(json), from = -1, to = -1;
	int ends[2];

	if (in < 0)
		return in;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	from = ends[0];
	to = ends[1];
	*pid = fork();
	if (*pid < 0)
		return -errno;
	if (!*pid)
		become(path, command, in, to);
	return TAKE_FD(from);
}

/* Its own error object: code, msg, details. */
static int failed(const char *type, struct json_object *answer, int status)
{
	const char *msg = NULL, *details = NULL;
	int64_t code = 0;

	if (answer && !json_in_text(answer, type, "msg", &msg) && !json_in_text(answer, type, "details", &details))
		json_in_number(answer, type, "code", 0, INT32_MAX, &code);
	if (msg)
		log_err(-EIO, "%s: %s%s%s", type, msg, details && *details ? "; " : "", details ? details : "");
	else
		log_err(-EIO, "%s failed with status %d, and gives no reason", type, status);
	return code ? code : CNI_FAILED;
}

int cni_ipam(const struct cni_conf *c, const struct cni_env *env, const char *command, struct json_object **answer)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_fd_ int from = -1;
	int status = 0, r = 0;
	size_t len = 0;
	char path[PATH];
	pid_t pid = -1;

	*answer = NULL;
	if (!find_plugin(env->path, c->ipam, path)) {
		log_err(-ENOENT, "there is no plugin %s in CNI_PATH %s", c->ipam, env->path);
		return CNI_CONFIG;
	}
	from = start(path, command, c->json, &pid);
	if (from < 0) {
		log_err(from, "cannot run %s: %s", path, strerror(-from));
		return CNI_IO;
	}
	r = json_in_read(from, c->ipam, &text, &len);
	close_fd(&from); /* it may have more to say, which nobody reads */
	from = -1;
	if (waitpid(pid, &status, 0) != pid || r)
		return CNI_IO;
	if (len && json_in_parse(text, len, c->ipam, answer))
		return CNI_DECODE;
	if (!status)
		return 0;
	status = failed(c->ipam, *answer, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	json_object_put(*answer);
	*answer = NULL;
	return status;
}

/* ---- what it has chosen ---- */

static int not_usable(const char *type, const char *what)
{
	log_err(-ENOTSUP, "%s gives %s", type, what);
	return CNI_UNSUPPORTED;
}

/* The default route leads to the gateway, and with it what has a route of its own there. */
static int check_routes(struct cni_conf *c)
{
	size_t i, n = c->routes ? json_object_array_length(c->routes) : 0;
	struct json_object *route;
	const char *gw;
	struct ipaddr addr;

	for (i = 0; i < n; i++) {
		if (json_in_element(c->routes, i, "routes", &route))
			return CNI_DECODE;
		gw = "";
		if (json_in_text(route, "routes", "gw", &gw))
			return CNI_DECODE;
		if (*gw && (addr_parse(gw, &addr) || !addr_same(addr, c->def.gateway)))
			return not_usable(c->ipam, "a route to another gateway than the network's, which is not "
						   "supported");
	}
	return 0;
}

static int take_addr(struct cni_conf *c, struct json_object *ip)
{
	const char *address = "", *gateway = "";
	uint8_t prefix;

	if (json_in_text(ip, "ips[0]", "address", &address) || json_in_text(ip, "ips[0]", "gateway", &gateway))
		return CNI_DECODE;
	if (!cni_addr_parse(address, &c->addr, &prefix) || prefix < 8 || prefix > 30)
		return not_usable(c->ipam, "no IPv4 address of a subnet with a prefix of 8 to 30");
	c->def.subnet.prefix = prefix;
	c->def.subnet.addr = addr_from(addr_number(c->addr) & addr_number(addr_mask(prefix)));
	c->def.gateway = addr_from(addr_number(c->def.subnet.addr) + 1);
	if (*gateway && addr_parse(gateway, &c->def.gateway))
		return not_usable(c->ipam, "a gateway that is no IPv4 address");
	return check_routes(c);
}

int cni_ipam_take(struct cni_conf *c, struct json_object *answer)
{
	struct json_object *ips = NULL, *ip, *dns = NULL;

	json_object_put(c->answer);
	c->answer = answer;
	if (!answer || json_in_array(answer, c->ipam, "ips", &ips) ||
	    json_in_array(answer, c->ipam, "routes", &c->routes) || json_in_object(answer, c->ipam, "dns", &dns))
		return CNI_DECODE;
	if (!ips || json_object_array_length(ips) != 1)
		return not_usable(c->ipam, "not one address; an attachment has one, of IPv4");
	if (dns && json_object_object_length(dns))
		c->dns = dns;
	return json_in_element(ips, 0, "ips", &ip) ? CNI_DECODE : take_addr(c, ip);
}
