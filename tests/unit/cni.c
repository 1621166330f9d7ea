// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* CNI: configurations are read, results are printed in the form of their version. */
#include <json-c/json.h>

#include "kept_log.h"
#include <user/lib/base/addr.h>
#include <user/plugins/cni.h>

static const struct cni_env env = { "ADD", "id", "/run/netns/a", "eth0", "/x", "" };

/* With a version and a name. */
static int read_conf(struct cni_conf *c, const char *more, const char *args)
{
	struct cni_env with = env;
	char text[1024];

	with.args = args;
	snprintf(text, sizeof(text), "{\"cniVersion\":\"1.0.0\",\"name\":\"blue\"%s%s}", *more ? "," : "", more);
	log_forget(&kept);
	return cni_conf_read(c, &with, text, strlen(text), true);
}

static void accepted(struct cni_conf *c, const char *more, const char *args)
{
	if (read_conf(c, more, args))
		fail_msg("%s, %s: %s", more, args, kept.cause);
}

static void refused(int code, const char *more, const char *args, const char *why)
{
	struct cni_conf c;
	int got = read_conf(&c, more, args);

	cni_conf_end(&c);
	if (got != code)
		fail_msg("%s, %s: status %d, not %d", more, args, got, code);
	if (!kept.cause || !strstr(kept.cause, why))
		fail_msg("%s, %s: said '%s', not '%s'", more, args, kept.cause ? kept.cause : "", why);
}

static void a_network_is_defined_by_its_configuration(void **state)
{
	struct cni_conf c;
	char text[CIDR_TEXT];

	accepted(&c, "\"subnet\":\"10.1.0.0/24\",\"range\":\"10.1.0.64/26\",\"gateway\":\"10.1.0.9\",\"mtu\":1400,"
		     "\"internal\":true", "");
	assert_string_equal(c.def.name, "blue");
	assert_string_equal(cidr_text(&c.def.subnet, text), "10.1.0.0/24");
	assert_string_equal(cidr_text(&c.def.range, text), "10.1.0.64/26");
	assert_string_equal(addr_text(c.def.gateway, text), "10.1.0.9");
	assert_int_equal(c.def.mtu, 1400);
	assert_int_equal(c.def.flags, NETWORK_INTERNAL);
	assert_null(c.ipam);
	cni_conf_end(&c);

	accepted(&c, "\"ipam\":{\"subnet\":\"10.1.0.0/24\"},\"isolated\":true,\"noMasquerade\":[\"10.0.0.0/8\"]", "");
	assert_string_equal(cidr_text(&c.def.subnet, text), "10.1.0.0/24");
	assert_string_equal(cidr_text(&c.def.unmasqueraded[0], text), "10.0.0.0/8");
	assert_int_equal(c.def.flags, NETWORK_ISOLATED);
	cni_conf_end(&c);

	accepted(&c, "\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.1.0.0/24\"}", "");
	assert_string_equal(c.ipam, "host-local");
	assert_int_equal(c.def.subnet.prefix, 0);
	cni_conf_end(&c);
}

/* As the CRI plugin of containerd writes it. */
static void port_mappings_have_names_in_any_case(void **state)
{
	struct cni_conf c;

	accepted(&c, "\"runtimeConfig\":{\"portMappings\":[{\"HostPort\":8080,\"ContainerPort\":80,"
		     "\"Protocol\":\"TCP\",\"HostIP\":\"\"},{\"hostPort\":53,\"containerPort\":53,"
		     "\"protocol\":\"udp\",\"hostIP\":\"10.0.0.1\"}]}", "");
	assert_int_equal(c.publish_count, 2);
	assert_int_equal(c.publish[0].proto, L4_TCP);
	assert_int_equal(c.publish[0].first_h, 8080);
	assert_int_equal(c.publish[0].to_first_h, 80);
	assert_int_equal(addr_number(c.publish[0].addr), 0);
	assert_int_equal(c.publish[1].proto, L4_UDP);
	assert_int_equal(addr_number(c.publish[1].addr), 0x0a000001);
	cni_conf_end(&c);
}

static void the_nearest_wish_for_address_and_mac_counts(void **state)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 3 };
	struct cni_conf c;

	accepted(&c, "\"mac\":\"02:00:00:00:00:01\","
		     "\"args\":{\"cni\":{\"mac\":\"02:00:00:00:00:02\",\"ips\":[\"10.1.0.2\"]}},"
		     "\"runtimeConfig\":{\"mac\":\"02:00:00:00:00:03\",\"ips\":[\"10.1.0.3/24\"]}",
		 "IP=10.1.0.4;MAC=02:00:00:00:00:04");
	assert_memory_equal(c.mac, mac, 6);
	assert_int_equal(addr_number(c.addr), 0x0a010003);
	cni_conf_end(&c);
	accepted(&c, "", "IP=10.1.0.4/24");
	assert_int_equal(addr_number(c.addr), 0x0a010004);
	assert_false(c.has_mac);
	cni_conf_end(&c);
}

static void a_label_says_which_pod_it_is(void **state)
{
	static const struct {
		const char *args, *label;
	} cases[] = {
		{ "", "" },
		{ "K8S_POD_NAME=web", "web" },
		{ "K8S_POD_NAMESPACE=web;K8S_POD_NAME=web", "web" },
		{ "K8S_POD_NAMESPACE=default;K8S_POD_NAME=web", "web" },
		{ "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web", "shop/web" },
		{ "K8S_POD_NAME=a=b", "a=b" },
		{ "K8S_POD_NAME=\x01", "?" },
		{ "K8S_POD_NAME=0123456789012345678901234567890123456789012345678901234567890123456789",
		  "012345678901234567890123456789012345678901234567890123456789012" },
	};
	struct cni_conf c;
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		accepted(&c, "", cases[i].args);
		assert_string_equal(c.label, cases[i].label);
		cni_conf_end(&c);
	}
}

/* As the reference plugin `bandwidth` reads them: bits, and those of the configuration first. */
static void limits_are_read_in_bits(void **state)
{
	struct cni_conf c;

	accepted(&c, "\"runtimeConfig\":{\"bandwidth\":{\"ingressRate\":1000000,\"ingressBurst\":80001,"
		     "\"EgressRate\":9223372036854775807,\"EgressBurst\":2147483647}}", "");
	assert_true(c.in.rate == 1000000 && c.in.burst == 10001);
	assert_true(c.out.rate == INT64_MAX && c.out.burst == 1 << 28);
	cni_conf_end(&c);

	accepted(&c, "\"egressRate\":20000,\"egressBurst\":8,"
		     "\"runtimeConfig\":{\"bandwidth\":{\"ingressRate\":1000000,\"ingressBurst\":8}}", "");
	assert_true(!c.in.rate && !c.in.burst);
	assert_true(c.out.rate == 20000 && c.out.burst == 1);
	cni_conf_end(&c);

	accepted(&c, "\"runtimeConfig\":{\"bandwidth\":{\"ingressRate\":0,\"shapedSubnets\":[]}}", "");
	assert_true(!c.in.rate && !c.out.rate);
	cni_conf_end(&c);
}

#define LIMITED(limits) "\"runtimeConfig\":{\"bandwidth\":{" limits "}}"

static void a_limit_that_cannot_be_kept_is_refused(void **state)
{
	refused(CNI_CONFIG, LIMITED("\"egressRate\":20000"), "", "egressRate needs egressBurst");
	refused(CNI_CONFIG, LIMITED("\"ingressBurst\":1"), "", "ingressBurst needs ingressRate");
	refused(CNI_CONFIG, LIMITED("\"ingressRate\":9999,\"ingressBurst\":8"), "", "less than 10000 bits");
	refused(CNI_CONFIG, LIMITED("\"ingressRate\":-1,\"ingressBurst\":8"), "", "bandwidth.ingressRate");
	refused(CNI_CONFIG, LIMITED("\"ingressRate\":20000,\"ingressBurst\":34359738360"), "", "4 GB");
	refused(CNI_CONFIG, LIMITED("\"ingressRate\":\"20000\""), "", "bandwidth.ingressRate");
	refused(CNI_UNSUPPORTED, LIMITED("\"shapedSubnets\":[\"10.0.0.0/8\"]"), "", "shapedSubnets");
	refused(CNI_UNSUPPORTED, "\"ingressRate\":20000,\"unshapedSubnets\":[\"10.0.0.0/8\"]", "", "unshapedSubnets");
}

static void what_is_wrong_is_told_with_its_code(void **state)
{
	refused(CNI_CONFIG, "\"subnet\":\"10.1.0.1/24\"", "", "subnet '10.1.0.1/24'");
	refused(CNI_CONFIG, "\"runtimeConfig\":{\"portMappings\":[{\"hostPort\":1,\"containerPort\":2},"
			    "{\"hostPort\":0}]}", "",
		"portMappings[1].hostPort: a whole number from 1 to 65535");
	refused(CNI_UNSUPPORTED, "\"ipMasq\":false", "", "noMasquerade");
	refused(CNI_ENVIRONMENT, "", "X=1", "CNI_ARGS has X");
	refused(CNI_ENVIRONMENT, "", "X=1;IgnoreUnknown=false", "CNI_ARGS has X");
	refused(CNI_ENVIRONMENT, "", "IP=x", "not an IPv4 address");
	refused(CNI_CONFIG, "\"ipam\":{\"type\":\"../../bin/sh\"}", "", "not the name of a plugin");
	refused(CNI_CONFIG, "\"ipam\":{\"type\":\"static\"},\"subnet\":\"10.1.0.0/24\"", "",
		"the ipam plugin's to choose");
	refused(CNI_NO_VERSION, "\"cniVersion\":\"0.2.0\"", "", "'0.2.0' is not supported");
}

static void a_member_of_another_type_is_refused(void **state)
{
	static const char *const members[] = {
		"'subnet': 7", "'subnet': '10.91.0.0/31'", "'subnet': 'fd00::/64'",
		"'gateway': '10.91.0'", "'mtu': '1400'", "'mtu': -1",
		"'mtu': 1e3", "'internal': 1", "'isolated': 'yes'", "'noMasquerade': '10.0.0.0/8'",
		"'noMasquerade': [7]", "'ipam': []", "'ipam': {'type': 7}", "'ipam': {'type': '../x'}",
		"'runtimeConfig': []", "'runtimeConfig': {'portMappings': {}}",
		"'runtimeConfig': {'portMappings': [7]}",
		"'runtimeConfig': {'portMappings': [{}]}", "'runtimeConfig': {'portMappings': [{'hostPort': 80}]}",
		"'runtimeConfig': {'portMappings': [{'hostPort': 0, 'containerPort': 80}]}",
		"'runtimeConfig': {'portMappings': [{'hostPort': 80, 'containerPort': 0}]}",
		"'runtimeConfig': {'portMappings': [{'hostPort': 65536, 'containerPort': 80}]}",
		"'runtimeConfig': {'portMappings': [{'hostPort': '80', 'containerPort': 80}]}",
		"'runtimeConfig': {'mac': '02:00:00:00:00'}", "'runtimeConfig': {'mac': '01:00:00:00:00:00'}",
		"'runtimeConfig': {'ips': '10.91.0.7'}", "'runtimeConfig': {'ips': ['10.91.0.7/33']}",
		"'runtimeConfig': {'ips': ['10.91.0.7/24x']}", "'runtimeConfig': {'ips': [7]}", "'prevResult': []",
		"'dns': 'x'",
	};
	char member[128], *quote;
	size_t i;

	for (i = 0; i < COUNT(members); i++) {
		snprintf(member, sizeof(member), "%s", members[i]);
		while ((quote = strchr(member, '\'')))
			*quote = '"';
		refused(CNI_CONFIG, member, "", "");
	}
}

static void versions_are_in_an_order(void **state)
{
	assert_true(cni_version_is("1.0.0", "0.4.0"));
	assert_true(cni_version_is("0.4.0", "0.4.0"));
	assert_false(cni_version_is("0.3.1", "0.4.0"));
	assert_false(cni_version_is("2.0.0", "0.4.0"));
	assert_false(cni_version_is_known(""));
	assert_false(cni_version_is_known("1.0"));
}

static void a_result_has_the_form_of_its_version(void **state)
{
	struct plug_result r = { .name = "a", .has_default = true };
	struct cni_conf c;
	char *text;

	snprintf(r.rec.host_dev, sizeof(r.rec.host_dev), "veth7");
	snprintf(r.rec.ifname, sizeof(r.rec.ifname), "eth0");
	r.rec.addr = addr_from(0x0a010007);
	r.net.subnet = (struct cidr){ addr_from(0x0a010000), 24 };
	r.net.gateway = addr_from(0x0a010001);
	addr_mac(r.rec.addr, r.rec.mac);
	accepted(&c, "", "");
	text = cni_result(&c, &env, &r);
	assert_string_equal(text, "{\"cniVersion\":\"1.0.0\",\"interfaces\":["
				  "{\"name\":\"veth7\",\"mac\":\"fe:eb:0a:01:00:07\"},"
				  "{\"name\":\"eth0\",\"mac\":\"02:eb:0a:01:00:07\",\"sandbox\":\"/run/netns/a\"}],"
				  "\"ips\":[{\"address\":\"10.1.0.7/24\",\"gateway\":\"10.1.0.1\",\"interface\":1}],"
				  "\"routes\":[{\"dst\":\"0.0.0.0/0\",\"gw\":\"10.1.0.1\"}],\"dns\":{}}");
	free(text);
	c.version = "0.4.0";
	text = cni_result(&c, &env, &r);
	assert_non_null(strstr(text, "{\"version\":\"4\",\"address\""));
	free(text);
	c.version = "1.1.0";
	r.net.mtu = 1400;
	r.has_default = false;
	text = cni_result(&c, &env, &r);
	assert_non_null(strstr(text, "\"mtu\":1400"));
	assert_non_null(strstr(text, "\"routes\":[]"));
	free(text);
	cni_conf_end(&c);
}

static void an_error_is_an_object_of_a_known_version(void **state)
{
	char *text = cni_error("0.1.0", 7, "a \"b\"\n", NULL);

	assert_string_equal(text, "{\"cniVersion\":\"1.1.0\",\"code\":7,\"msg\":\"a \\\"b\\\"\\n\"}");
	free(text);
	text = cni_error("0.4.0", 11, "x", "y");
	assert_string_equal(text, "{\"cniVersion\":\"0.4.0\",\"code\":11,\"msg\":\"x\",\"details\":\"y\"}");
	free(text);
}

static void a_long_id_is_shortened_and_stays_its_own(void **state)
{
	char text[100], one[EBPFNET_ID_LEN], other[EBPFNET_ID_LEN];

	memset(text, 'a', sizeof(text));
	text[64] = '\0';
	assert_string_equal(plug_id(text, one), text);
	text[64] = 'b';
	text[65] = '\0';
	plug_id(text, one);
	assert_int_equal(strlen(one), 64);
	text[64] = 'c';
	assert_string_not_equal(plug_id(text, other), one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_network_is_defined_by_its_configuration, set_up, tear_down),
		cmocka_unit_test_setup_teardown(port_mappings_have_names_in_any_case, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_nearest_wish_for_address_and_mac_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_label_says_which_pod_it_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(limits_are_read_in_bits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_limit_that_cannot_be_kept_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_wrong_is_told_with_its_code, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_member_of_another_type_is_refused, set_up, tear_down),
		cmocka_unit_test(versions_are_in_an_order),
		cmocka_unit_test_setup_teardown(a_result_has_the_form_of_its_version, set_up, tear_down),
		cmocka_unit_test(an_error_is_an_object_of_a_known_version),
		cmocka_unit_test(a_long_id_is_shortened_and_stays_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
