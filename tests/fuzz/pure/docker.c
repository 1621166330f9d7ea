// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * user/plugins: what dockerd sends, as HTTP with JSON in it. Cut at any byte, it is the same request; its parts are in
 * their bounds; each kind of call is read from its body, and what is accepted is in its bounds; what is answered is
 * JSON. Input is text, or numbers of words that such texts have.
 */
#include <user/lib/base/addr.h>
#include <user/lib/base/log.h>
#include <user/plugins/docker.h>
#include <user/plugins/http.h>

#include "json_text.h"

static const char *const words[] = {
	"POST /x HTTP/1.1\r\n", "GET / HTTP/1.0\r\n", "\r\n", "\r\n\r\n", "Host: \r\n", "Content-Length: 7\r\n",
	"Content-Length: 90\r\n", "Content-Length: 1048577\r\n", "Transfer-Encoding: chunked\r\n",
	"Connection: close\r\n", "Connection: Upgrade\r\nUpgrade: x\r\n", "5\r\n", "5a\r\n", "0\r\n\r\n", "xxxxx",
	"POST /", "{", "}", "[", "]", ",", ":", "\"", "null", "true", "false", "0", "6", "17", "80", "65535", "65536",
	"-1", " ", "\"NetworkID\":\"a1\",", "\"EndpointID\":\"b2\",", "\"NetworkID\":", "\"Options\":{",
	"\"IPv4Data\":[{", "\"Pool\":\"10.1.0.0/24\",", "\"Gateway\":\"10.1.0.1/24\"", "\"IPv6Data\":[", "\"Pool\":",
	"\"com.docker.network.internal\":", "\"com.docker.network.enable_ipv6\":", "\"com.docker.network.generic\":{",
	"\"com.docker.network.driver.mtu\":\"1400\"", "\"isolated\":\"true\"", "\"Interface\":{",
	"\"Address\":\"10.1.0.7/24\",", "\"MacAddress\":\"02:00:00:00:00:01\"", "\"AddressIPv6\":\"\"", "\"Address\":",
	"\"SandboxKey\":\"/x\"", "\"com.docker.network.portmap\":[{", "\"Proto\":", "\"Port\":", "\"HostPort\":",
	"\"HostPortEnd\":", "\"HostIP\":\"10.0.0.1\"", "\\u0000", "\\ud800", "\xc3\xa9",
};

#define WORDS (sizeof(words) / sizeof(words[0]))

/* ---- HTTP ---- */

/* Returns how much of the text belongs to the request. */
static size_t feed(struct http_request *q, const char *text, size_t len, size_t cut)
{
	size_t n = 0;

	http_begin(q);
	if (cut)
		n = http_feed(q, text, cut);
	MUST(n <= cut && (n == cut || q->is_complete || q->status));
	if (!q->is_complete && !q->status && cut < len)
		n += http_feed(q, text + cut, len - cut);
	return n;
}

static void check_http(const char *text, size_t len, size_t cut)
{
	struct http_request whole = {}, parts = {};
	size_t n = feed(&whole, text, len, len), k = feed(&parts, text, len, cut);

	MUST(n <= len && whole.status == parts.status && whole.is_complete == parts.is_complete);
	MUST(!whole.status || (whole.status >= 400 && whole.status < 500 && *http_reason(whole.status)));
	MUST(whole.path_len < HTTP_PATH && whole.len <= HTTP_BODY_BYTES);
	if (whole.is_complete && !whole.status) {
		MUST(n == k && whole.keeps_alive == parts.keeps_alive && whole.len == parts.len);
		MUST(!strcmp(whole.path, parts.path) && (!whole.len || !memcmp(whole.body, parts.body, whole.len)));
	}
	http_end(&whole);
	http_end(&parts);
}

/* ---- bodies ---- */

static void check_call(const struct docker_call *c)
{
	struct plug_result r = { .rec.ns_dev = "ceth0", .net.subnet.prefix = 24 };
	size_t i;

	MUST(c->network && *c->network && strlen(c->network) < EBPFNET_ID_LEN);
	MUST(!c->endpoint || (*c->endpoint && strlen(c->endpoint) < EBPFNET_ID_LEN));
	MUST(!*c->sandbox || *c->sandbox == '/');
	MUST(!c->def.subnet.prefix || (c->def.subnet.prefix >= 8 && c->def.subnet.prefix <= 30));
	MUST(!(c->def.flags & ~(NETWORK_INTERNAL | NETWORK_ISOLATED)) && c->def.mtu <= UINT16_MAX);
	MUST(!c->has_mac || !(c->mac[0] & 1));
	for (i = 0; i < c->publish_count; i++) {
		const struct docker_port *p = &c->publish[i];

		MUST(p->map.to_first_h && p->map.first_h == p->map.last_h);
		MUST(p->map.proto == L4_TCP || p->map.proto == L4_UDP);
		MUST(!p->until_h || (p->map.first_h && p->until_h > p->map.first_h));
	}
	must_be_json(docker_interface(c, &r));
	must_be_json(docker_join(&r));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const reads[])(struct docker_call *c, const char *body, size_t len) = {
		docker_read_network, docker_read_create_network, docker_read_endpoint, docker_read_create_endpoint,
		docker_read_join, docker_read_connectivity,
	};
	struct input in = { data, size };
	struct docker_call c = {};
	struct log_kept log = {};
	uint8_t kind = take8(&in), cut = take8(&in);
	char text[TEXT];
	size_t len;
	int r;

	if (size < 2)
		return 0;
	log_set_sink(log_keep, &log);
	len = make_text(data + 2, size - 2, kind & 1, words, WORDS, text);
	check_http(text, len, len ? cut % len : 0);
	r = reads[(kind >> 1) % (sizeof(reads) / sizeof(reads[0]))](&c, text, len);
	MUST(r <= 0 && !r == !log.cause);
	if (!r)
		check_call(&c);
	else
		must_be_json(docker_error(log.cause));
	docker_call_end(&c);
	log_forget(&log);
	return 0;
}
