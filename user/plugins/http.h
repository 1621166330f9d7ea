/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * HTTP/1.1 (RFC 9112) of one connection: requests one after the other, of bounded size. http_parser reads them; what is
 * here are the bounds, and the reading and writing.
 */
#ifndef EBPFNET_PLUGINS_HTTP_H
#define EBPFNET_PLUGINS_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include <http_parser.h>

#define HTTP_PATH 128
#define HTTP_HEAD_BYTES (16 << 10)	/* of a request's line and headers */
#define HTTP_BODY_BYTES (1 << 20)
#define HTTP_IDLE_MS 30000		/* for a request to begin, and then to be complete; for an answer to be taken */

/* A request that is being read. Zero-initialise. */
struct http_request {
	http_parser parser;
	char path[HTTP_PATH];		/* as it was sent */
	char *body;			/* malloc'ed, with a 0 behind its len bytes */
	size_t len, path_len;
	bool keeps_alive;		/* the client may send another one */
	bool is_complete;
	int status;			/* what is wrong with it: 4xx; 0: nothing, so far */
};

void http_begin(struct http_request *q);
void http_end(struct http_request *q);
#define _cleanup_http_ __attribute__((cleanup(http_end)))

/*
 * PURE. Take what was received. Returns how many bytes belong to this request: all, unless it is complete, or status is
 * set.
 */
size_t http_feed(struct http_request *q, const char *data, size_t len);

/* "Bad Request" of 400. */
const char *http_reason(int status);

/* One connection. */
struct http {
	int in, out;			/* the same socket, or two pipes */
	size_t len;			/* received, and not used yet */
	char data[8192];
};

/* Read a request. False: there is none, for the client has gone, or has sent nothing in time. */
bool http_read(struct http *h, struct http_request *q);
/* Answer one, with JSON. False: the client does not take it. */
bool http_answer(struct http *h, int status, const char *body, bool keeps_alive);

#endif
