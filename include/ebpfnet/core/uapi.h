/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Macros of the kernel's ABI, which BTF, and so vmlinux.h, lacks. */
#ifndef EBPFNET_CORE_UAPI_H
#define EBPFNET_CORE_UAPI_H

#define AF_INET 2
#define AF_INET6 10

#define EEXIST 17
#define ENODEV 19

#define ETH_HLEN 14

/*
 * Bytes in front of the IP header where a program sees a packet. The programs for devices without a link-layer header
 * (tun, WireGuard, ipip, ppp) are built with 0.
 */
#ifndef LINK_HLEN
#define LINK_HLEN ETH_HLEN
#endif
#define ETH_P_IP 0x0800
#define ETH_P_ARP 0x0806
#define ETH_P_IPV6 0x86dd
#define ETH_P_8021Q 0x8100
#define ETH_P_8021AD 0x88a8

#define ARPOP_REQUEST 1
#define ARPOP_REPLY 2

/* linux/if_packet.h: __sk_buff.pkt_type */
#define PACKET_HOST 0

/* The verdicts that TCX and clsact share. */
#define TC_ACT_UNSPEC (-1) /* next program, or the stack: the same value as TCX_NEXT */
#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

#define ICMP_ECHOREPLY 0
#define ICMP_DEST_UNREACH 3
#define ICMP_SOURCE_QUENCH 4
#define ICMP_REDIRECT 5
#define ICMP_ECHO 8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12
#define ICMP_TIMESTAMP 13
#define ICMP_TIMESTAMPREPLY 14

#define ICMP_NET_UNREACH 0
#define ICMP_HOST_UNREACH 1
#define ICMP_PROT_UNREACH 2
#define ICMP_FRAG_NEEDED 4
#define ICMP_PKT_FILTERED 13

#define ICMPV6_ROUTER_SOLICIT 133
#define ICMPV6_ROUTER_ADVERT 134
#define ICMPV6_NEIGHBOUR_SOLICIT 135
#define ICMPV6_NEIGHBOUR_ADVERT 136
#define ND_OPT_SOURCE_MAC 1
#define ND_OPT_TARGET_MAC 2
#define IPPROTO_HOPOPTS 0
#define IPPROTO_ROUTING 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_ICMPV6 58
#define IPPROTO_DSTOPTS 60

#define IP_DSCP 0xfc /* TOS without the ECN bits, which routes do not depend on */
#define IP_DF 0x4000
#define IP_MF 0x2000
#define IP_OFFSET 0x1fff
#define IP_FRAG_MASK (IP_MF | IP_OFFSET) /* set in any fragment */

#define IPOPTS_MAX 40
#define IPOPT_COPIED 0x80
#define IPOPT_END 0
#define IPOPT_NOOP 1
#define IPOPT_LSRR 131
#define IPOPT_SSRR 137

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#endif
