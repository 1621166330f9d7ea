// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Docker's calls: HTTP is taken in any pieces, bodies are read, and answers are what libnetwork expects. */
#include <errno.h>
#include <json-c/json.h>

#include "kept_log.h"
#include <user/lib/base/addr.h>
#include <user/plugins/docker.h>
#include <user/plugins/http.h>

#define IDS "\"NetworkID\":\"ab12\",\"EndpointID\":\"CD34\""

typedef int read_fn(struct docker_call *c, const char *body, size_t len);

static void accepted(read_fn *read, struct docker_call *c, const char *body)
{
	log_forget(&kept);
	if (read(c, body, strlen(body)))
		fail_msg("%s: %s", body, kept.cause);
}

static void refused(read_fn *read, int r, const char *body, const char *why)
{
	struct docker_call c;

	log_forget(&kept);
	assert_int_equal(read(&c, body, strlen(body)), r);
	if (!kept.cause || !strstr(kept.cause, why))
		fail_msg("%s: said '%s', not '%s'", body, kept.cause ? kept.cause : "", why);
	docker_call_end(&c);
}

static void a_network_has_subnet_gateway_and_options(void **state)
{
	struct docker_call c;
	char text[CIDR_TEXT];

	accepted(docker_read_create_network, &c,
		 "{\"NetworkID\":\"ab12\",\"IPv4Data\":[{\"Pool\":\"10.1.0.0/16\",\"Gateway\":\"10.1.2.3/16\"}],"
		 "\"IPv6Data\":[],\"Options\":{\"com.docker.network.internal\":true,\"com.docker.network.generic\":"
		 "{\"com.docker.network.driver.mtu\":\"1400\",\"isolated\":\"true\"}}}");
	assert_string_equal(c.network, "ab12");
	assert_string_equal(cidr_text(&c.def.subnet, text), "10.1.0.0/16");
	assert_string_equal(addr_text(c.def.gateway, text), "10.1.2.3");
	assert_int_equal(c.def.mtu, 1400);
	assert_int_equal(c.def.flags, NETWORK_INTERNAL | NETWORK_ISOLATED);
	docker_call_end(&c);

	accepted(docker_read_create_network, &c,
		 "{\"NetworkID\":\"a\",\"Options\":null,\"IPv4Data\":[{\"Pool\":\"0.0.0.0/0\",\"Gateway\":\"\"}]}");
	assert_int_equal(c.def.subnet.prefix, 0);
	docker_call_end(&c);
}

static void what_a_network_cannot_have_is_refused(void **state)
{
#define NETWORK(more) "{\"NetworkID\":\"a\"," more "}"
#define OPTION(more) NETWORK("\"Options\":{\"com.docker.network.generic\":{" more "}}")
	refused(docker_read_create_network, -ENOTSUP, NETWORK("\"IPv6Data\":[{}]"), "no IPv6");
	refused(docker_read_create_network, -ENOTSUP, NETWORK("\"IPv4Data\":[{},{}]"), "one subnet, not 2");
	refused(docker_read_create_network, -ENOTSUP, NETWORK("\"IPv4Data\":[{\"Pool\":\"10.0.0.0/31\"}]"), "subnet");
	refused(docker_read_create_network, -EINVAL,
		NETWORK("\"IPv4Data\":[{\"Pool\":\"10.0.0.0/24\",\"Gateway\":\"x\"}]"), "not an IPv4 address");
	refused(docker_read_create_network, -ENOTSUP,
		NETWORK("\"Options\":{\"com.docker.network.enable_ipv6\":true}"), "no IPv6");
	refused(docker_read_create_network, -ENOTSUP, OPTION("\"parent\":\"eth0\""), "-o parent is not supported");
	refused(docker_read_create_network, -ENOTSUP, OPTION("\"isolated\":\"yes\""), "true or false");
	refused(docker_read_create_network, -ENOTSUP, OPTION("\"com.docker.network.driver.mtu\":\"65536\""), "65535");
	refused(docker_read_create_network, -ENOTSUP, OPTION("\"com.docker.network.driver.mtu\":\"1400x\""), "65535");
	refused(docker_read_create_network, -EINVAL, OPTION("\"isolated\":true"), "a text is expected");
#undef OPTION
#undef NETWORK
}

static void ids_are_hexadecimal(void **state)
{
	refused(docker_read_network, -EINVAL, "{}", "NetworkID '' is not an id");
	refused(docker_read_network, -EINVAL, "{\"NetworkID\":\"../x\"}", "is not an id");
	refused(docker_read_network, -EINVAL,
		"{\"NetworkID\":\"0000000000000000000000000000000000000000000000000000000000000000"
		"0\"}", "is not an id");
	refused(docker_read_endpoint, -EINVAL, "{\"NetworkID\":\"a\",\"EndpointID\":\"g\"}", "EndpointID 'g'");
}

static void an_endpoint_has_what_docker_has_chosen(void **state)
{
	struct plug_result r = { .rec = { .addr = { { 10, 1, 0, 7 } }, .mac = { 2, 0, 0, 0, 0, 7 }, .ns_dev = "ceth3" },
				 .net = { .subnet.prefix = 24, .gateway = { { 10, 1, 0, 1 } } } };
	struct docker_call c;
	char *text;

	accepted(docker_read_create_endpoint, &c, "{" IDS ",\"Interface\":{\"Address\":\"10.1.0.7/24\","
						  "\"MacAddress\":\"02:00:00:00:00:05\"}}");
	assert_int_equal(addr_number(c.addr), 0x0a010007);
	assert_true(c.has_mac);
	text = docker_interface(&c, &r);
	assert_string_equal(text, "{\"Interface\":{}}");
	free(text);
	docker_call_end(&c);

	accepted(docker_read_create_endpoint, &c, "{" IDS ",\"Interface\":{\"Address\":\"\",\"MacAddress\":\"\"}}");
	text = docker_interface(&c, &r);
	assert_string_equal(text, "{\"Interface\":{\"MacAddress\":\"02:00:00:00:00:07\",\"Address\":\"10.1.0.7/24\"}}");
	free(text);
	docker_call_end(&c);

	refused(docker_read_create_endpoint, -EINVAL, "{" IDS ",\"Interface\":{\"Address\":\"10.1.0/24\"}}", "IPv4");
	refused(docker_read_create_endpoint, -ENOTSUP, "{" IDS ",\"Interface\":{\"AddressIPv6\":\"fd00::1\"}}", "IPv6");
	refused(docker_read_create_endpoint, -EINVAL,
		"{" IDS ",\"Interface\":{\"MacAddress\":\"ff:ff:ff:ff:ff:ff\"}}", "is not a station's");

	text = docker_join(&r);
	assert_string_equal(text, "{\"InterfaceName\":{\"SrcName\":\"ceth3\",\"DstPrefix\":\"eth\"},\"Gateway\":"
				  "\"10.1.0.1\",\"StaticRoutes\":[],\"DisableGatewayService\":false}");
	free(text);
}

static void ports_have_protocols_ranges_and_addresses(void **state)
{
#define PORTS(list) "{" IDS ",\"Options\":{\"com.docker.network.portmap\":[" list "]}}"
	struct docker_call c;

	accepted(docker_read_connectivity, &c,
		 PORTS("{\"Proto\":6,\"Port\":80,\"HostIP\":\"\",\"HostPort\":8080,\"HostPortEnd\":8080},"
		       "{\"Proto\":17,\"Port\":53,\"HostIP\":\"127.0.0.1\",\"HostPort\":0},"
		       "{\"Proto\":6,\"Port\":81,\"HostPort\":8000,\"HostPortEnd\":8009}"));
	assert_int_equal(c.publish_count, 3);
	assert_int_equal(c.publish[0].map.first_h, 8080);
	assert_int_equal(c.publish[0].map.last_h, 8080);
	assert_int_equal(c.publish[0].until_h, 0);
	assert_int_equal(c.publish[1].map.proto, L4_UDP);
	assert_int_equal(c.publish[1].map.first_h, 0);
	assert_int_equal(addr_number(c.publish[1].map.addr), 0x7f000001);
	assert_int_equal(c.publish[2].until_h, 8009);
	docker_call_end(&c);

	accepted(docker_read_connectivity, &c, "{" IDS ",\"Options\":null}");
	assert_int_equal(c.publish_count, 0);
	docker_call_end(&c);

	refused(docker_read_connectivity, -ENOTSUP, PORTS("{\"Proto\":132,\"Port\":1,\"HostPort\":1}"), "132");
	refused(docker_read_connectivity, -ENOTSUP, PORTS("{\"Proto\":6,\"Port\":1,\"HostIP\":\"::1\"}"), "IPv4");
	refused(docker_read_connectivity, -EINVAL, PORTS("{\"Proto\":6,\"HostPort\":1}"), "Port is missing");
	refused(docker_read_connectivity, -EINVAL, PORTS("{\"Proto\":6,\"Port\":1,\"HostPort\":9,\"HostPortEnd\":8}"),
		"before");
	refused(docker_read_connectivity, -EINVAL, PORTS("{\"Proto\":6,\"Port\":65536}"), "65535");
	refused(docker_read_connectivity, -EINVAL, PORTS("7"), "an object is expected");
#undef PORTS
}

/* ---- HTTP ---- */

/* The rest of the text behind one request, given in two pieces. */
static size_t feed(struct http_request *q, const char *text, size_t cut)
{
	size_t len = strlen(text), n;

	http_begin(q);
	n = cut ? http_feed(q, text, cut) : 0;
	if (!q->is_complete && !q->status && len > n)
		n += http_feed(q, text + n, len - n);
	return len - n;
}

static void requests_come_in_any_pieces(void **state)
{
	static const char *const texts[] = {
		"POST /x HTTP/1.1\r\nHost: \r\nContent-Length: 5\r\n\r\nhelloPOST",
		"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\nPOST",
	};
	size_t i, cut;

	for (i = 0; i < 2; i++)
		for (cut = 0; cut < strlen(texts[i]); cut++) {
			struct http_request q = {};

			assert_int_equal(feed(&q, texts[i], cut), 4);
			assert_int_equal(q.status, 0);
			assert_true(q.is_complete && q.keeps_alive);
			assert_string_equal(q.path, "/x");
			assert_string_equal(q.body, "hello");
			http_end(&q);
		}
}

static void a_body_may_be_missing(void **state)
{
	struct http_request q = {};

	assert_int_equal(feed(&q, "POST /x HTTP/1.1\r\nConnection: close\r\n\r\nrest", 7), 4);
	assert_true(q.is_complete && !q.keeps_alive && !q.len);
	http_end(&q);
}

static void what_is_no_request_has_a_status(void **state)
{
	static const struct {
		const char *text;
		int status;
	} wrong[] = {
		{ "\x16\x03\x01\r\n", 400 },
		{ "POST /x\r\n\r\n", 400 },
		{ "POST /x HTTP/2.0\r\n\r\n", 400 },
		{ "POST /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400 },
		{ "POST /x HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400 },
		{ "GET /x HTTP/1.1\r\n\r\n", 405 },
		{ "CONNECT x:1 HTTP/1.1\r\n\r\n", 405 },
		{ "POST /x HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", 413 },
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct http_request q = {};

		feed(&q, wrong[i].text, 0);
		if (q.status != wrong[i].status)
			fail_msg("%s: %d", wrong[i].text, q.status);
		http_end(&q);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_has_subnet_gateway_and_options),
		cmocka_unit_test(what_a_network_cannot_have_is_refused),
		cmocka_unit_test(ids_are_hexadecimal),
		cmocka_unit_test(an_endpoint_has_what_docker_has_chosen),
		cmocka_unit_test(ports_have_protocols_ranges_and_addresses),
		cmocka_unit_test(requests_come_in_any_pieces),
		cmocka_unit_test(a_body_may_be_missing),
		cmocka_unit_test(what_is_no_request_has_a_status),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
