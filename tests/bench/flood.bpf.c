/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A flood of small UDP frames: tests/bench/flood.c runs flood_send repeatedly on frames that the kernel
 * creates (BPF_F_TEST_XDP_LIVE_FRAMES, Linux 5.18), and flood_send redirects them to a device. Also the two
 * shortest programs that drop, at TC and XDP, and a clock for the receiving threads.
 */
#include <vmlinux.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <ebpfnet/core/uapi.h>
#include "flood.h"

/* Only the member used here; CO-RE relocates its offset. */
struct task_struct {
	char comm[16];
} __attribute__((preserve_access_index));

const volatile __u32 flood_head[FLOOD_HEAD_WORDS]; /* of each frame, without the source port and checksum */
const volatile __u32 flood_sum;			   /* of the UDP datagram, without the source port */
const volatile __u32 flood_flows;		   /* number of source ports, used in turn */
const volatile __u32 flood_out;			   /* ifindex */

/* Each is written by one CPU: no lock, and separate cache lines. */
__u64 flood_sent __attribute__((aligned(64)));
__u32 flood_flow;
__u64 flood_sunk __attribute__((aligned(64)));
struct flood_clock flood_clocks[FLOOD_CPUS];

/* Frames are recycled and may have been changed by their receiver: write all headers each time. */
SEC("xdp")
int flood_send(struct xdp_md *ctx)
{
	__u32 i, sum, *word = (void *)(long)ctx->data;
	struct flood_head *h = (void *)(long)ctx->data;
	__u16 port_h = FLOOD_FIRST_PORT + flood_flow;

	if ((void *)(word + FLOOD_HEAD_WORDS) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	for (i = 0; i < FLOOD_HEAD_WORDS; i++)
		word[i] = flood_head[i];
	sum = flood_sum + bpf_htons(port_h);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	h->udp_source = bpf_htons(port_h);
	h->udp_check = ~sum;
	flood_flow = flood_flow + 1 < flood_flows ? flood_flow + 1 : 0;
	flood_sent++;
	return bpf_redirect(flood_out, 0);
}

SEC("tc")
int flood_sink_tc(struct __sk_buff *ctx)
{
	flood_sunk++;
	return TC_ACT_SHOT;
}

SEC("xdp")
int flood_sink_xdp(struct xdp_md *ctx)
{
	flood_sunk++;
	return XDP_DROP;
}

/* True for the uplink's NAPI thread, and for ksoftirqd, which takes over its pending softirqs. */
static __always_inline _Bool is_receiver(struct task_struct *task)
{
	char comm[16] = "";

	bpf_probe_read_kernel(comm, sizeof(comm), task->comm);
	return !bpf_strncmp(comm, 10, "napi/eth0-") || !bpf_strncmp(comm, 10, "ksoftirqd/");
}

SEC("tp_btf/sched_switch")
int BPF_PROG(flood_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 now = bpf_ktime_get_ns();
	struct flood_clock *clock;

	if (cpu >= FLOOD_CPUS)
		return 0;
	clock = &flood_clocks[cpu];
	if (clock->since)
		clock->busy += now - clock->since;
	clock->since = is_receiver(next) ? now : 0;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
