// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* netavark: networks and requests are read, answers are printed. */
#include <json-c/json.h>

#include "kept_log.h"
#include <user/lib/base/addr.h>
#include <user/plugins/netavark.h>

#define NETWORK "\"network\":{\"name\":\"blue\",\"id\":\"42\",\"subnets\":[{\"subnet\":\"10.1.0.0/24\"}]}"
#define OPTIONS "\"network_options\":{\"interface_name\":\"eth0\",\"static_ips\":[\"10.1.0.7\"]}"

/* With a name and an id. */
static int read_network(struct network_def *def, const char *more)
{
	struct json_object *j;
	char text[1024];
	int r;

	snprintf(text, sizeof(text), "{\"name\":\"blue\",\"id\":\"42\"%s%s}", *more ? "," : "", more);
	log_forget(&kept);
	assert_int_equal(json_in_parse(text, strlen(text), "it", &j), 0);
	r = netavark_network_read(j, def);
	json_object_put(j);
	return r;
}

static void network_refused(const char *more, const char *why)
{
	struct network_def def;

	if (!read_network(&def, more) || !kept.cause || !strstr(kept.cause, why))
		fail_msg("%s: said '%s', not '%s'", more, kept.cause ? kept.cause : "", why);
}

static int read_request(struct netavark_request *q, const char *text, bool is_removed)
{
	log_forget(&kept);
	return netavark_request_read(q, text, strlen(text), is_removed);
}

static void accepted(struct netavark_request *q, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), "{\"container_id\":\"x\"," NETWORK "%s}", more);
	if (read_request(q, text, false))
		fail_msg("%s: %s", more, kept.cause);
}

static void refused(const char *more, const char *why)
{
	struct netavark_request q;
	char text[1024];

	snprintf(text, sizeof(text), "{\"container_id\":\"x\"," NETWORK "%s}", more);
	if (!read_request(&q, text, false) || !kept.cause || !strstr(kept.cause, why))
		fail_msg("%s: said '%s', not '%s'", more, kept.cause ? kept.cause : "", why);
	netavark_request_end(&q);
}

static void a_network_is_defined_by_podmans_file(void **state)
{
	struct network_def def;
	char text[CIDR_TEXT];

	assert_int_equal(read_network(&def, "\"subnets\":[{\"subnet\":\"10.1.0.0/24\",\"gateway\":\"10.1.0.9\"}],"
					    "\"internal\":true,\"options\":{\"mtu\":\"1400\",\"isolate\":\"true\"},"
					    "\"ipam_options\":{\"driver\":\"host-local\"},\"routes\":null"), 0);
	assert_string_equal(def.name, "blue");
	assert_string_equal(def.id, "42");
	assert_string_equal(cidr_text(&def.subnet, text), "10.1.0.0/24");
	assert_string_equal(addr_text(def.gateway, text), "10.1.0.9");
	assert_int_equal(def.mtu, 1400);
	assert_int_equal(def.flags, NETWORK_INTERNAL | NETWORK_ISOLATED);
	assert_false(def.kept);

	assert_int_equal(read_network(&def, "\"subnets\":null,\"options\":null"), 0);
	assert_int_equal(def.subnet.prefix, 0);
	assert_int_equal(def.flags, 0);
	assert_int_equal(read_network(&def, "\"options\":{\"com.docker.network.driver.mtu\":\"1300\","
					    "\"isolate\":\"0\"}"), 0);
	assert_int_equal(def.mtu, 1300);
	assert_int_equal(def.flags, 0);
}

static void a_network_that_cannot_be_had_is_refused(void **state)
{
	network_refused("\"id\":\"../x\"", "is not one of");
	network_refused("\"subnets\":[{\"subnet\":\"fd00::/64\"}]", "no IPv6 one");
	network_refused("\"subnets\":[{\"subnet\":\"10.1.0.0/24\"},{\"subnet\":\"10.2.0.0/24\"}]", "2 subnets");
	network_refused("\"subnets\":[{\"subnet\":\"10.1.0.1/24\"}]", "'10.1.0.1/24' is not");
	network_refused("\"options\":{\"mtu\":\"1e3\"}", "no number of bytes");
	network_refused("\"options\":{\"mtu\":\"100000\"}", "no number of bytes");
	network_refused("\"options\":{\"isolate\":\"\"}", "not true, false or strict");
	network_refused("\"options\":{\"no_default_route\":\"1\"}", "no_default_route is not supported");
	network_refused("\"options\":{\"x\":7}", "options.x: a text");
	network_refused("\"subnets\":{}", "subnets");
	network_refused("\"subnets\":[{}]", "subnets[0].subnet is missing");
	network_refused("\"subnets\":[{\"subnet\":\"10.1.0.0/31\"}]", "'10.1.0.0/31' is not");
	network_refused("\"subnets\":[{\"subnet\":\"10.1.0.0/24\",\"gateway\":\"x\"}]", "gateway 'x'");
	network_refused("\"internal\":1", "internal");
	network_refused("\"ipv6_enabled\":\"no\"", "ipv6_enabled");
	network_refused("\"options\":[]", "options");
	network_refused("\"options\":{\"mtu\":\"-1\"}", "no number of bytes");
	network_refused("\"options\":{\"mtu\":\"1400x\"}", "no number of bytes");
	network_refused("\"routes\":{}", "routes");
	network_refused("\"ipam_options\":{\"driver\":\"none\"}", "ipam driver none");
	network_refused("\"routes\":[{}]", "routes are not supported");
	network_refused("\"network_interface\":\"br0\"", "br0 cannot be chosen");
}

static void a_request_has_a_container_and_its_ports(void **state)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 3 };
	struct netavark_request q;

	accepted(&q, ",\"container_name\":\"web\",\"network_options\":{\"interface_name\":\"net0\","
		     "\"static_ips\":[\"10.1.0.7\"],\"static_mac\":\"02:00:00:00:00:03\","
		     "\"aliases\":[\"w\",\"a b\",\"x\"]},"
		     "\"port_mappings\":[{\"host_port\":8000,\"container_port\":80,\"range\":3,"
		     "\"protocol\":\"tcp,udp\",\"host_ip\":\"10.0.0.1\"},"
		     "{\"host_port\":65535,\"container_port\":1,\"range\":0}]");
	assert_string_equal(q.id, "x");
	assert_string_equal(q.ifname, "net0");
	assert_string_equal(q.label, "web");
	assert_string_equal(q.aliases, "w x");
	assert_int_equal(addr_number(q.addr), 0x0a010007);
	assert_true(q.has_mac);
	assert_memory_equal(q.mac, mac, sizeof(mac));
	assert_int_equal(q.publish_count, 3);
	assert_int_equal(q.publish[0].proto, L4_TCP);
	assert_int_equal(q.publish[0].first_h, 8000);
	assert_int_equal(q.publish[0].last_h, 8002);
	assert_int_equal(q.publish[0].to_first_h, 80);
	assert_int_equal(addr_number(q.publish[0].addr), 0x0a000001);
	assert_int_equal(q.publish[1].proto, L4_UDP);
	assert_int_equal(q.publish[2].proto, L4_TCP);
	assert_int_equal(q.publish[2].last_h, 65535);
	netavark_request_end(&q);

	accepted(&q, "," OPTIONS ",\"port_mappings\":null");
	assert_int_equal(q.publish_count, 0);
	assert_false(q.has_mac);
	netavark_request_end(&q);
}

static void a_request_that_cannot_be_had_is_refused(void **state)
{
	static const char *const mappings[][2] = {
		{ "\"host_port\":65535,\"container_port\":1,\"range\":2", "ends behind 65535" },
		{ "\"host_port\":1,\"container_port\":65535,\"range\":2", "ends behind 65535" },
		{ "\"host_port\":0,\"container_port\":1", "from 1 to 65535" },
		{ "\"host_port\":1", "container_port is missing" },
		{ "\"host_port\":1,\"container_port\":1,\"protocol\":\"sctp\"", "'sctp' is not supported" },
		{ "\"host_port\":1,\"container_port\":1,\"protocol\":\"tcpx\"", "'tcpx' is not supported" },
		{ "\"host_port\":1,\"container_port\":1,\"host_ip\":\"::\"", "host_ip '::'" },
		{ "\"host_port\":1,\"container_port\":1,\"range\":-1", "range" },
	};
	char text[256];
	size_t i;

	refused("", "network_options is missing");
	refused(",\"network_options\":{\"interface_name\":\"lo\"}", "'lo' is not the name of a device");
	refused(",\"network_options\":{\"interface_name\":\"eth0\"}", "static_ips has 0 addresses");
	refused(",\"network_options\":{\"interface_name\":\"eth0\",\"static_ips\":[\"fd00::1\"]}", "'fd00::1'");
	refused(",\"network_options\":{\"interface_name\":\"eth0\",\"static_ips\":7}", "static_ips");
	refused(",\"network_options\":{\"interface_name\":null,\"static_ips\":[\"10.1.0.7\"]}", "interface_name");
	refused(",\"network_options\":{\"interface_name\":\"eth0\",\"static_ips\":[\"10.1.0.7\"],\"aliases\":[7]}",
		"aliases");
	for (i = 0; i < COUNT(mappings); i++) {
		snprintf(text, sizeof(text), "," OPTIONS ",\"port_mappings\":[{%s}]", mappings[i][0]);
		refused(text, mappings[i][1]);
	}
}

/* A container goes whatever its network has become. */
static void what_is_removed_needs_no_more_than_its_names(void **state)
{
	struct netavark_request q;

	if (read_request(&q, "{\"container_id\":\"x\",\"network\":7,\"port_mappings\":7,"
			     "\"network_options\":{\"interface_name\":\"eth0\",\"static_ips\":7}}", true))
		fail_msg("%s", kept.cause);
	assert_string_equal(q.id, "x");
	assert_string_equal(q.ifname, "eth0");
	netavark_request_end(&q);
}

static void answers_have_netavarks_form(void **state)
{
	struct plug_result r = { .name = "a" };
	struct network_def def = { .subnet = { addr_from(0x0a010000), 24 }, .gateway = addr_from(0x0a010001) };
	struct json_object *j;
	char *text;

	snprintf(r.rec.ifname, sizeof(r.rec.ifname), "eth0");
	r.rec.addr = addr_from(0x0a010007);
	r.net.subnet = def.subnet;
	r.net.gateway = def.gateway;
	addr_mac(r.rec.addr, r.rec.mac);
	text = netavark_status(&r, false);
	assert_string_equal(text, "{\"dns_search_domains\":[],\"dns_server_ips\":[],\"interfaces\":{\"eth0\":{"
				  "\"mac_address\":\"02:eb:0a:01:00:07\",\"subnets\":[{\"ipnet\":\"10.1.0.7/24\","
				  "\"gateway\":\"10.1.0.1\"}]}}}");
	free(text);
	r.net.flags = NETWORK_INTERNAL;
	text = netavark_status(&r, false);
	assert_null(strstr(text, "gateway"));
	free(text);
	text = netavark_status(&r, true);
	assert_non_null(strstr(text, "{\"dns_search_domains\":[\"dns.podman\"],\"dns_server_ips\":[\"10.1.0.1\"],"));
	free(text);

	assert_int_equal(json_in_parse("{\"a\":[1]}", 9, "it", &j), 0);
	text = netavark_network(j, &def, false);
	assert_string_equal(text, "{\"a\":[1],\"subnets\":[{\"subnet\":\"10.1.0.0/24\",\"gateway\":\"10.1.0.1\"}],"
				  "\"dns_enabled\":false}");
	free(text);

	text = netavark_error("a \"b\"\n", "c");
	assert_string_equal(text, "{\"error\":\"a \\\"b\\\"\\n; c\"}");
	free(text);
	text = netavark_error("a", NULL);
	assert_string_equal(text, "{\"error\":\"a\"}");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_network_is_defined_by_podmans_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_network_that_cannot_be_had_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_request_has_a_container_and_its_ports, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_request_that_cannot_be_had_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_removed_needs_no_more_than_its_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answers_have_netavarks_form, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
