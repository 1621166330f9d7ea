// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "plugins/http.h"

/* ---- reading one request ---- */

static struct http_request *request(http_parser *p)
{
	return p->data;
}

/* Not 0: http_parser stops. */
static int wrong(http_parser *p, int status)
{
	request(p)->status = status;
	return 1;
}

static int take_path(http_parser *p, const char *text, size_t len)
{
	struct http_request *q = request(p);

	if (len >= sizeof(q->path) - q->path_len)
		return wrong(p, HTTP_STATUS_URI_TOO_LONG);
	memcpy(q->path + q->path_len, text, len);
	q->path_len += len;
	return 0;
}

static int check_head(http_parser *p)
{
	if (p->method != HTTP_POST)
		return wrong(p, HTTP_STATUS_METHOD_NOT_ALLOWED);
	if (p->http_major != 1 || p->upgrade)
		return wrong(p, HTTP_STATUS_BAD_REQUEST);
	/* without a length it is ULLONG_MAX */
	if (p->flags & F_CONTENTLENGTH && p->content_length > HTTP_BODY_BYTES)
		return wrong(p, HTTP_STATUS_PAYLOAD_TOO_LARGE);
	return 0;
}

static int take_body(http_parser *p, const char *data, size_t len)
{
	struct http_request *q = request(p);
	char *more;

	if (len > HTTP_BODY_BYTES - q->len)
		return wrong(p, HTTP_STATUS_PAYLOAD_TOO_LARGE);
	more = realloc(q->body, q->len + len + 1);
	if (!more)
		return wrong(p, HTTP_STATUS_PAYLOAD_TOO_LARGE);
	q->body = more;
	memcpy(q->body + q->len, data, len);
	q->len += len;
	q->body[q->len] = '\0';
	return 0;
}

/* Later bytes belong to the next request. */
static int complete(http_parser *p)
{
	struct http_request *q = request(p);

	q->is_complete = true;
	q->keeps_alive = http_should_keep_alive(p);
	http_parser_pause(p, 1);
	return 0;
}

void http_begin(struct http_request *q)
{
	http_parser_set_max_header_size(HTTP_HEAD_BYTES);
	http_parser_init(&q->parser, HTTP_REQUEST);
	q->parser.data = q;
}

void http_end(struct http_request *q)
{
	free(q->body);
	*q = (struct http_request){};
}

size_t http_feed(struct http_request *q, const char *data, size_t len)
{
	const http_parser_settings settings = { .on_url = take_path, .on_headers_complete = check_head,
						.on_body = take_body, .on_message_complete = complete };
	size_t n = http_parser_execute(&q->parser, &settings, data, len);
	enum http_errno error = HTTP_PARSER_ERRNO(&q->parser);

	if (!q->status && error == HPE_HEADER_OVERFLOW)
		q->status = HTTP_STATUS_REQUEST_HEADER_FIELDS_TOO_LARGE;
	else if (!q->status && error != HPE_OK && error != HPE_PAUSED)
		q->status = HTTP_STATUS_BAD_REQUEST;
	return n;
}

/* ---- the connection ---- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static bool wait_for(int fd, short events, int64_t end)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;
	int n;

	do {
		left = end - now_ms();
		n = poll(&p, 1, left > 0 ? left : 0);
	} while (n < 0 && errno == EINTR);
	return n == 1;
}

/* More of it; false: nothing comes any more. */
static bool receive(struct http *h, int64_t end)
{
	ssize_t n;

	if (!wait_for(h->in, POLLIN, end))
		return false;
	n = read(h->in, h->data, sizeof(h->data));
	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	h->len = n;
	return true;
}

/* A client that sends a byte now and then has no more time than one that sends none. */
bool http_read(struct http *h, struct http_request *q)
{
	int64_t end = now_ms() + HTTP_IDLE_MS;
	bool has_begun = false;
	size_t n;

	http_begin(q);
	while (!q->is_complete && !q->status) {
		if (!h->len && !receive(h, end))
			return false;
		if (!h->len)
			continue; /* which would be the end */
		if (!has_begun)
			end = now_ms() + HTTP_IDLE_MS;
		has_begun = true;
		n = http_feed(q, h->data, h->len);
		if (n > h->len)
			n = h->len;
		memmove(h->data, h->data + n, h->len - n);
		h->len -= n;
	}
	return true;
}

const char *http_reason(int status)
{
#define XX(number, name, text)                                                                                         \
	case number:                                                                                                   \
		return #text;
	switch (status) {
		HTTP_STATUS_MAP(XX)
	}
#undef XX
	return "";
}

bool http_answer(struct http *h, int status, const char *body, bool keeps_alive)
{
	int64_t end = now_ms() + HTTP_IDLE_MS;
	_cleanup_free_ char *text = NULL;
	int len, at = 0;
	ssize_t n;

	len = asprintf(&text,
		       "HTTP/1.1 %d %s\r\n"
		       "Content-Type: application/vnd.docker.plugins.v1.1+json\r\n"
		       "Content-Length: %zu\r\n"
		       "%s"
		       "\r\n"
		       "%s",
		       status, http_reason(status), strlen(body), keeps_alive ? "" : "Connection: close\r\n", body);
	if (len < 0) {
		text = NULL;
		return false;
	}
	while (at < len && wait_for(h->out, POLLOUT, end)) {
		n = write(h->out, text + at, len - at);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		at += n > 0 ? n : 0;
	}
	return at == len;
}
