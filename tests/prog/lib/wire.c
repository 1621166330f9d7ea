// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"
#include "wire.h"

#define ARRIVALS 256
/*
 * A frame arrives before sendto() returns, but on a busy machine. So an expected frame is waited for, and the silence
 * after it is short.
 */
#define SILENCE_MS 10
#define PATIENCE 100 /* such silences */

struct arrival {
	enum device dev; /* DEVICES: it was expected */
	struct frame frame;
};

static int far_socket, gw_socket;
static uint32_t far_ifindex[DEVICES];
static struct arrival arrivals[ARRIVALS];
static int count;

static void listen_for_more(void);

static void attach(enum hook hook, enum device dev)
{
	/* clsact: every kernel has it */
	assert_int_equal(dataplane_attach(&h.state, HOOK_CLSACT, hook, ifindex_of(dev), host_device_name(dev)), 0);
}

int wire_setup(void **unused)
{
	static const enum device cables[] = { DEV_NS1, DEV_NS2, DEV_NS3, DEV_NS4, DEV_UPLINK };
	int r = harness_setup(unused), one = 1;
	size_t i;

	if (r)
		return r;
	for (i = 0; i < sizeof(cables) / sizeof(cables[0]); i++) {
		attach(cables[i] == DEV_UPLINK ? HOOK_UPLINK : HOOK_PORT, cables[i]);
		far_ifindex[cables[i]] = host_far_ifindex(cables[i]);
	}
	attach(HOOK_GATEWAY, DEV_GW);
	far_ifindex[DEV_GW] = ifindex_of(DEV_GW);
	far_socket = host_packet_socket(true);
	gw_socket = host_packet_socket(false);
	h.wait = listen_for_more;
	/* the kernel takes a VLAN tag out of the bytes, and passes it beside them */
	if (setsockopt(far_socket, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    setsockopt(gw_socket, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)))
		return -errno;
	return 0;
}

static void put_tag_back(struct msghdr *msg, struct frame *f)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct tpacket_auxdata *aux = (struct tpacket_auxdata *)CMSG_DATA(c);

		if (c->cmsg_type == PACKET_AUXDATA && aux->tp_status & TP_STATUS_VLAN_VALID)
			*f = *frame_tagged(f, aux->tp_vlan_tci);
	}
}

/* The device that a frame was heard at; DEVICES: none of those that matter. */
static enum device heard_at(int fd, const struct sockaddr_ll *from)
{
	enum device dev;

	if (from->sll_pkttype == PACKET_OUTGOING)
		return DEVICES;
	if (fd == gw_socket)
		return (uint32_t)from->sll_ifindex == far_ifindex[DEV_GW] ? DEV_GW : DEVICES;
	for (dev = 0; dev < DEVICES; dev++)
		if (dev != DEV_GW && (uint32_t)from->sll_ifindex == far_ifindex[dev])
			break;
	return dev;
}

static void hear(int fd)
{
	struct arrival *a = &arrivals[count < ARRIVALS ? count : ARRIVALS - 1];
	struct iovec iov = { a->frame.bytes, FRAME_MAX };
	char control[64];
	struct sockaddr_ll from;
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(fd, &msg, 0);

	if (len < 0)
		return;
	a->frame.len = len;
	a->dev = heard_at(fd, &from);
	if (a->dev == DEVICES)
		return;
	put_tag_back(&msg, &a->frame);
	count++;
}

/* Until no frame arrives any more; bounded, in case frames loop. */
static void listen_for_more(void)
{
	struct pollfd sockets[] = { { far_socket, POLLIN, 0 }, { gw_socket, POLLIN, 0 } };
	int i, rounds;

	for (rounds = 0; rounds < 4 * ARRIVALS && poll(sockets, 2, SILENCE_MS) > 0; rounds++)
		for (i = 0; i < 2; i++)
			if (sockets[i].revents)
				hear(sockets[i].fd);
	count_to_here();
}

void wire_send(enum device from, const struct frame *f)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = far_ifindex[from] };

	count = 0;
	count_from_here();
	assert_int_equal(sendto(from == DEV_GW ? gw_socket : far_socket, f->bytes, f->len, 0,
				(struct sockaddr *)&to, sizeof(to)),
			 f->len);
	listen_for_more();
}

bool wire_send_offloaded(enum device from, const struct frame *f, uint16_t start, uint16_t offset)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = far_ifindex[from] };
	struct {
		struct virtio_net_hdr hdr;
		uint8_t bytes[FRAME_MAX];
	} __attribute__((packed)) out = {
		.hdr = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = start, .csum_offset = offset },
	};
	int fd = host_packet_socket(true), one = 1;
	ssize_t sent;

	memcpy(out.bytes, f->bytes, f->len);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)), 0);
	count = 0;
	count_from_here();
	sent = sendto(fd, &out, sizeof(out.hdr) + f->len, 0, (struct sockaddr *)&to, sizeof(to));
	assert_true(sent >= 0 || errno == EINVAL);
	close(fd);
	listen_for_more();
	return sent >= 0;
}

static bool arrived(enum device dev, const struct frame *want)
{
	int i;

	for (i = 0; i < count && i < ARRIVALS; i++)
		if (arrivals[i].dev == dev && arrivals[i].frame.len == want->len &&
		    !memcmp(arrivals[i].frame.bytes, want->bytes, want->len)) {
			arrivals[i].dev = DEVICES;
			return true;
		}
	return false;
}

void expect_arrival_at(enum device dev, const struct frame *want, const char *file, int line)
{
	int patience;

	for (patience = PATIENCE; !arrived(dev, want); patience--) {
		if (!patience)
			break;
		listen_for_more();
	}
	if (patience)
		return;
	print_error("not arrived at the far end of %s:\n", host_device_name(dev));
	frame_print("expected", want);
	expect_no_more_arrivals_at(file, line); /* prints what arrived instead */
	_fail(file, line);
}

void expect_no_more_arrivals_at(const char *file, int line)
{
	bool more = false;
	int i;

	for (i = 0; i < count && i < ARRIVALS; i++) {
		if (arrivals[i].dev == DEVICES)
			continue;
		print_error("arrived at the far end of %s:\n", host_device_name(arrivals[i].dev));
		frame_print("got", &arrivals[i].frame);
		more = true;
	}
	if (more)
		_fail(file, line);
}
