// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The library as a plugin calls it, on a host where nothing is up: networks and endpoints in them. */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <cmocka.h>

#include <ebpfnet/ebpfnet.h>

#include <user/lib/base/addr.h>
#include <user/lib/base/log.h>
#include <user/lib/kernel/nl.h>
#include <user/lib/model/model.h>

#define BPFFS "/run/bpf"

static char said[256];

static void keep(enum log_level level, const char *line, void *arg)
{
	if (level == LOG_LEVEL_ERROR)
		snprintf(said, sizeof(said), "%s", line);
}

/* A host with lo alone: no file or device of the machine's is seen or changed. */
static int make_host(void **state)
{
	log_set_sink(keep, NULL);
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) || mount("none", "/", NULL, MS_PRIVATE | MS_REC, NULL) ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=755") || mount("tmpfs", "/etc", "tmpfs", 0, "mode=755") ||
	    mount("tmpfs", "/var/lib", "tmpfs", 0, "mode=755") || mkdir(BPFFS, 0700) ||
	    mount("bpf", BPFFS, "bpf", 0, "mode=700") || mkdir("/run/netns", 0755))
		return -errno;
	return 0;
}

static int take_down(void **state)
{
	struct session x = {};
	bool ignored;
	int r;

	r = session_open(&x, BPFFS, STORE_REMOVE);
	if (!r)
		r = network_down(&x, &ignored);
	session_close(&x);
	return r;
}

static struct network_def network(const char *name, const char *subnet)
{
	struct network_def def = {};

	snprintf(def.name, sizeof(def.name), "%s", name);
	if (subnet)
		assert_int_equal(cidr_parse(subnet, &def.subnet.addr, &def.subnet.prefix), 0);
	return def;
}

static void open_host(struct session *x, enum store_mode mode)
{
	memset(x, 0, sizeof(*x));
	assert_int_equal(session_open(x, BPFFS, mode), 0);
}

static void a_network_that_is_ensured_needs_no_other_command(void **state)
{
	struct network_def def = network("blue", NULL);
	const struct net_entry *e;
	struct session x;

	open_host(&x, STORE_MAKE);
	assert_int_equal(network_state(&x), NETWORK_DOWN);
	strcpy(def.id, "0123456789abcdef");
	assert_int_equal(network_ensure(&x, &def, &e), 0);
	assert_string_equal(e->rec.name, "blue");
	assert_int_equal(e->rec.subnet.prefix, 24);
	assert_int_not_equal(if_nametoindex(e->rec.gw_dev), 0);
	session_close(&x);
	open_host(&x, STORE_READ);
	assert_int_equal(network_state(&x), NETWORK_UP);
	assert_int_equal(x.net_count, 1);
	assert_null(session_net_named(&x, "default"));
	assert_int_equal(network_find(&x, "0123456789abcdef", &e), 0);
	assert_string_equal(e->rec.name, "blue");
	session_close(&x);
}

static void ensured_again_it_is_the_same_and_another_one_is_refused(void **state)
{
	struct network_def def = network("blue", "10.5.0.0/24");
	const struct net_entry *e;
	struct session x;
	uint32_t id;

	open_host(&x, STORE_MAKE);
	assert_int_equal(network_ensure(&x, &def, &e), 0);
	id = e->id;
	assert_int_equal(network_ensure(&x, &def, &e), 0);
	assert_int_equal(e->id, id);
	def = network("blue", NULL);
	assert_int_equal(network_ensure(&x, &def, &e), 0);
	def.flags = NETWORK_INTERNAL;
	assert_int_equal(network_ensure(&x, &def, NULL), -EEXIST);
	def = network("blue", "10.6.0.0/24");
	assert_int_equal(network_ensure(&x, &def, NULL), -EEXIST);
	assert_non_null(strstr(said, "another subnet"));
	def = network("red", "10.5.0.0/16");
	assert_int_equal(network_ensure(&x, &def, NULL), -EEXIST);
	assert_non_null(strstr(said, "overlaps 10.5.0.0/24 of network blue"));
	assert_int_equal(x.net_count, 1);
	session_close(&x);
}

static void an_endpoint_gets_what_its_spec_asks_for(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };
	struct endpoint_spec spec = { "c1", .network = "blue", .dev = "eth0", .has_mac = true, .mtu = 1400 };
	struct network_def blue = network("blue", "10.5.0.0/24"), red = network("red", "10.6.0.0/24");
	struct ns_record rec;
	struct session x;

	memcpy(spec.mac, mac, sizeof(mac));
	spec.addr = addr_from(10 << 24 | 5 << 16 | 77);
	open_host(&x, STORE_MAKE);
	assert_int_equal(network_ensure(&x, &blue, NULL), 0);
	assert_int_equal(network_ensure(&x, &red, NULL), 0);
	assert_int_equal(endpoint_add(&x, &spec, &rec), 0);
	assert_string_equal(rec.ns_dev, "eth0");
	assert_memory_equal(rec.mac, mac, sizeof(mac));
	assert_true(addr_same(rec.addr, spec.addr));
	assert_int_equal(rec.flags & NS_PENDING, 0);
	assert_int_equal(endpoint_add(&x, &spec, &rec), -EEXIST);
	/* in another network, under the same name */
	spec = (struct endpoint_spec){ "c1", .network = "red", .dev = "eth1" };
	assert_int_equal(endpoint_connect(&x, &spec, &rec), 0);
	assert_int_equal(endpoint_connect(&x, &spec, &rec), -EEXIST);
	assert_int_equal(network_del(&x, "red"), -EBUSY);
	assert_int_equal(endpoint_disconnect(&x, "c1", "blue"), 0);
	assert_int_equal(endpoint_disconnect(&x, "c1", "red"), -EBUSY);
	assert_int_equal(network_del(&x, "blue"), 0);
	assert_int_equal(endpoint_del(&x, "c1", true), 0);
	assert_int_equal(network_del(&x, "red"), 0);
	assert_int_equal(x.net_count, 0);
	assert_int_equal(network_del(&x, "red"), -ENOENT);
	session_close(&x);
}

static void what_fails_leaves_nothing(void **state)
{
	struct endpoint_spec spec = { "c1", .network = "blue" };
	struct network_def def = network("blue", "10.5.0.0/24");
	struct ns_entry *all;
	struct ns_record rec;
	struct session x;
	size_t count;

	open_host(&x, STORE_MAKE);
	assert_int_equal(network_ensure(&x, &def, NULL), 0);
	spec.network = "nowhere";
	assert_int_equal(endpoint_add(&x, &spec, &rec), -ENOENT);
	spec.network = "blue";
	spec.dev = "lo"; /* which is there */
	assert_int_equal(endpoint_add(&x, &spec, &rec), -EEXIST);
	assert_int_equal(store_ns_all(&x.s, &all, &count), 0);
	assert_int_equal(count, 0);
	assert_false(netns_name_taken("c1"));
	session_close(&x);
}

/* An id is given again last, after all others. */
static void ids_of_networks_go_round(void **state)
{
	struct network_def def = network("blue", NULL);
	const struct net_entry *e;
	struct session x;
	uint32_t first;

	open_host(&x, STORE_MAKE);
	assert_int_equal(network_ensure(&x, &def, &e), 0);
	first = e->id;
	assert_int_equal(network_del(&x, "blue"), 0);
	assert_int_equal(network_ensure(&x, &def, &e), 0);
	assert_int_not_equal(e->id, first);
	session_close(&x);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
#define spec(name) cmocka_unit_test_teardown(name, take_down)
		spec(a_network_that_is_ensured_needs_no_other_command),
		spec(ensured_again_it_is_the_same_and_another_one_is_refused),
		spec(an_endpoint_gets_what_its_spec_asks_for),
		spec(what_fails_leaves_nothing),
		spec(ids_of_networks_go_round),
	};

	return cmocka_run_group_tests_name("library", specs, make_host, NULL);
}
