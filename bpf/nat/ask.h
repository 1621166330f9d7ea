/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ask the host's rules about a direction of a flow (FORWARDING_ASK), whose packets go past them otherwise.
 *
 *   UNKNOWN   its packets go through FORWARD. One comes out on the other side: OPEN
 *   OPEN      they go fast. The rules change, or config.ask_s are over: UNKNOWN, but for TCP, which is asked about by
 *             a copy: ASKED if only time has passed, CLOSED if the rules have changed
 *   ASKED     they still go fast. The copy comes out: OPEN. Not within ASK_WAIT, or the rules change: CLOSED, with
 *             another copy
 *   CLOSED    one packet each ASK_AGAIN, and after each change of the rules, asks by a copy. It and those that follow
 *             closely are sent to where they came from, behind the copy; when it has come out, OPEN, they go on, and
 *             else they are dropped, as are all others
 *   PASSED    the same as UNKNOWN, and one has come out: with FORWARDING_STACK, or where the kernel knows another way
 *   OF_HOST   they go through untranslated, for the host's own NAT translates them (nat/from_stack.h)
 *
 * A change of the rules is seen with the next packet. The answer to a copy sent before is none: its label names the
 * generation that it was to ask.
 *
 * TCP needs copies, since the host's conntrack has not seen what went fast: a later packet is INVALID to it. The copy
 * is made to look like a retransmission of what it saw last: sequence numbers from its own entry, and no options, for a
 * SACK of what it has not seen is INVALID, too.
 */
#ifndef EBPFNET_BPF_NAT_ASK_H
#define EBPFNET_BPF_NAT_ASK_H

#include <ebpfnet/core/csum.h>
#include <ebpfnet/core/nat.h>
#include "kern/conntrack.h"
#include "kern/ruleset.h"
#include "kern/scratch.h"
#include "ct/ct_update.h"
#include "l3/rewrite.h"

/* In units of union ask_word.when, 4.2 ms. */
#define ASK_WAIT 5		/* for a copy */
#define ASK_QUEUE 2		/* in which a copy and what is behind it pass the CPU's backlog */
#define ASK_AGAIN 24		/* while it is closed */
#define ASK_PER_S 238

/* The answer for a packet of the flow. */
enum ask_answer {
	ANSWER_FAST,			/* past the rules */
	ANSWER_THROUGH,			/* through them */
	ANSWER_ASK,			/* past them, with a copy through them */
	ANSWER_LAST,			/* not at all: the last copy has not come out */
	ANSWER_CLOSED,			/* not at all */
	ANSWER_WAIT,			/* behind a copy, if that comes out, which is under way */
	ANSWER_ASK_AND_WAIT,		/* and which is still to be sent */
};

static __always_inline __u32 ask_now(void)
{
	return bpf_ktime_get_coarse_ns() >> 22 & 0xffffff;
}

static __always_inline __u32 ask_age(union ask_word w)
{
	return (ask_now() - w.when) & 0xffffff;
}

static __always_inline union ask_word ask_word(const struct flow *f)
{
	return (union ask_word){ .word = *(const volatile __u64 *)&f->ask.word };
}

/* Packets no longer go fast: not by the path either that some took before. */
static __always_inline void ask_no_path(struct flow *f)
{
	union path_ref has = { .word = *(const volatile __u64 *)&f->path.word };

	/* one that another CPU is resolving at this moment is kept, and lasts for an epoch */
	if (has.stamp)
		__sync_val_compare_and_swap(&f->path.word, has.word, ct_no_path(f->conn).word);
}

static __always_inline _Bool ask_swap(struct flow *f, union ask_word from, union ask_word to)
{
	if (__sync_val_compare_and_swap(&f->ask.word, from.word, to.word) != from.word)
		return 0;
	if (to.state != ASK_OPEN && to.state != ASK_ASKED)
		ask_no_path(f);
	return 1;
}

/*
 * The label of copies that ask the rules of that generation: odd, with a secret part; a sender inside who guesses it
 * loses that packet.
 */
static __always_inline __u16 ask_label(const struct config *cfg, __u32 rules)
{
	return ((cfg->mark * 0x9e3779b1u) >> 16 & 0xff00) | (rules & 0x7f) << 1 | 1;
}

static __always_inline _Bool ask_is_copy(const ctx_t *ctx, const struct config *cfg)
{
	return ((ctx_label(ctx) ^ ask_label(cfg, 0)) & 0xff01) == 0;
}

/* The label of packets that go through FORWARD themselves: of the rules' generation; even, as that of copies is not. */
static __always_inline __u16 ask_label_of_rules(void)
{
	return ruleset_gen() << 1;
}

/* True if the word still holds for the rules of that generation. */
static __always_inline _Bool ask_is_recent(union ask_word w, const struct config *cfg, __u32 rules, __u32 age)
{
	return w.rules == rules && age < cfg->ask_s * ASK_PER_S;
}

/* True if a packet may go fast without a further look, as long as the rules and the time are those of now. */
static __always_inline _Bool ask_is_settled(const struct flow *f, const struct config *cfg)
{
	union ask_word w = ask_word(f);

	if (!ruleset_at_forward())
		return 1;
	return w.state == ASK_OPEN && ask_is_recent(w, cfg, ruleset_gen(), ask_age(w));
}

/* whole: a copy could come out. again: it has been sent behind its copy. */
static __always_inline enum ask_answer ask_judge(union ask_word w, const struct config *cfg, __u32 rules, _Bool tcp,
						 _Bool whole, _Bool again)
{
	__u32 age = ask_age(w);

	switch (w.state) {
	case ASK_OPEN:
		if (ask_is_recent(w, cfg, rules, age))
			return ANSWER_FAST;
		if (!tcp || !whole)
			return ANSWER_THROUGH;
		return w.rules == rules ? ANSWER_ASK : ANSWER_ASK_AND_WAIT;
	case ASK_ASKED: /* the copy may have been lost: once more */
		if (w.rules == rules && age < ASK_WAIT)
			return ANSWER_FAST;
		return whole ? ANSWER_ASK_AND_WAIT : ANSWER_LAST;
	case ASK_CLOSED:
		if (again)
			return ANSWER_CLOSED;
		if (age < ASK_QUEUE)
			return ANSWER_WAIT;
		return whole && (w.rules != rules || age >= ASK_AGAIN) ? ANSWER_ASK_AND_WAIT : ANSWER_CLOSED;
	default:
		return ANSWER_THROUGH;
	}
}

/* Part of a TCP header. */
struct ask_header {
	__be32 seq[2];			/* sequence and acknowledgement number */
	__be32 options[10];
};

/* A TCP packet that is being copied. */
struct ask_copy {
	struct flow_key inside;		/* its tuple as FORWARD sees it */
	struct conntrack_ends ends;
	struct ask_header own, shown;	/* as it is, and as FORWARD sees it */
	__u32 rules;			/* the generation that it asks */
};

PERCPU_SCRATCH(struct ask_copy, ask_copy)

/* Bytes of TCP options, a multiple of 4. */
static __always_inline __u32 ask_options_len(const struct pkt *p)
{
	return (p->l4_hlen - 20) & ~3u;
}

/* Write one header in place of the other. */
static __always_inline long ask_exchange(ctx_t *ctx, const struct pkt *p, const struct ask_header *is,
					 const struct ask_header *to)
{
	__s64 diff = bpf_csum_diff((__be32 *)is->seq, 8, (__be32 *)to->seq, 8, 0);
	__u32 len = ask_options_len(p);

	if (ctx_store(ctx, p->l4 + 4, to->seq, 8))
		return -1;
	if (!OUTSIDE(len, 4, sizeof(is->options))) {
		diff = bpf_csum_diff((__be32 *)is->options, len, (__be32 *)to->options, len, (__u32)diff);
		if (ctx_store(ctx, p->l4 + 20, to->options, len))
			return -1;
	}
	return ctx_csum(ctx, p->l4 + 16, csum_fold32((__u32)diff), 0);
}

/* Prepare that. False: conntrack has no entry, and the packet is copied as it is. */
static __always_inline _Bool ask_prepare(ctx_t *ctx, const struct pkt *p, struct ask_copy *c)
{
	__u32 len = ask_options_len(p), i;

	if (!conntrack_ends(ctx, &c->inside, &c->ends) || ctx_load(ctx, p->l4 + 4, c->own.seq, sizeof(c->own.seq)))
		return 0;
	if (!OUTSIDE(len, 4, sizeof(c->own.options)) && ctx_load(ctx, p->l4 + 20, c->own.options, len))
		return 0;
	for (i = 0; i < 10; i++)
		c->shown.options[i] = 0x01010101; /* NOP */
	c->shown.seq[0] = __builtin_bswap32(c->ends.sent - (ctx->len - p->l4 - p->l4_hlen));
	c->shown.seq[1] = __builtin_bswap32(c->ends.received);
	return 1;
}

static __always_inline struct ask_sent *ask_sent_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ask_sent, &zero);
}

/* Note what was copied. */
static __always_inline void ask_note(const struct ask_copy *c)
{
	struct ask_sent *a = ask_sent_get();

	if (!a)
		return;
	a->inside = c->inside;
	a->shown_ack = __builtin_bswap32(c->shown.seq[1]);
	a->ack = __builtin_bswap32(c->own.seq[1]);
}

/*
 * A TCP reset of the host. If it answers a copy, it has the number that the copy acknowledged, of long ago: put in that
 * of the packet which was copied, for its sender believes no other (RFC 5961 section 3.2). Returns 0.
 */
__noinline int ask_mend_reset(ctx_t *ctx, const struct pkt *p)
{
	struct ask_sent *a = ask_sent_get();
	__be32 from, to;

	if (!a || !p || p->kind != PKT_PORTS || p->key.proto != L4_TCP || !(p->tcp_flags & TCP_RST) ||
	    p->seq != a->shown_ack || !addr_eq(p->key.src, a->inside.dst) || !addr_eq(p->key.dst, a->inside.src) ||
	    p->key.sport_h != a->inside.dport_h || p->key.dport_h != a->inside.sport_h)
		return 0;
	from = __builtin_bswap32(a->shown_ack);
	to = __builtin_bswap32(a->ack);
	if (!ctx_store(ctx, p->l4 + 4, &to, sizeof(to)))
		ctx_csum(ctx, p->l4 + 16, csum_fold32(csum_diff32(from, to)), 0);
	return 0;
}

/* Write the tuple that the copy has, or put back the packet's own. 0, or the packet is broken. */
__noinline int ask_rewrite(ctx_t *ctx, struct ask_copy *c)
{
	struct pkt *p = pkt_scratch_get();
	struct nat_tuple t;

	if (!p || !c)
		return -1;
	t = (struct nat_tuple){ c->inside.src, c->inside.dst, c->inside.sport_h, c->inside.dport_h };
	c->inside = p->key;
	return rewrite_as(ctx, p, &t) != FWD_NEXT;
}

/*
 * Send a copy through FORWARD, by device up. ask_copy_get() has .inside and .rules. between: the tuple is written into
 * the copy here; else the copy passes a program that does so. 0, or the packet is broken.
 */
__noinline int ask_by_copy(ctx_t *ctx, __u32 up, _Bool between)
{
	struct ask_copy *c = ask_copy_get();
	struct pkt *p = pkt_scratch_get();
	struct config *cfg = config_get();
	_Bool prepared;

	if (!c || !cfg || !p)
		return 0;
	prepared = p->kind == PKT_PORTS && p->key.proto == L4_TCP && ask_prepare(ctx, p, c);
	if (prepared && ask_exchange(ctx, p, &c->own, &c->shown))
		return -1;
	if (prepared)
		ask_note(c);
	if (between && ask_rewrite(ctx, c))
		return -1;
	ctx_mark_ours(ctx, ~cfg->mark);
	ctx_label_put(ctx, ask_label(cfg, c->rules));
	ctx_copy_up(ctx, up);
	ctx_label_put(ctx, 0);
	ctx_mark_ours(ctx, 0);
	count(COUNT_rules_asked);
	if (between && ask_rewrite(ctx, c))
		return -1;
	return prepared ? ask_exchange(ctx, p, &c->shown, &c->own) : 0;
}

/* Send the packet to where it came from, behind its copy. */
static __always_inline void ask_wait(ctx_t *ctx, const struct config *cfg)
{
	ctx_mark_ours(ctx, ~cfg->mark);
	ctx_reinject_clone(ctx);
}

static __always_inline _Bool ask_is_unknown(union ask_word w)
{
	return w.state == ASK_UNKNOWN || w.state == ASK_PASSED;
}

/*
 * A packet of that direction has come out of FORWARD, with that label. It has perhaps waited there, or behind it for a
 * MAC address: the answer of rules that have changed since is none.
 */
static __always_inline void ask_agreed(ctx_t *ctx, const struct config *cfg, struct flow *f, _Bool copy,
				       _Bool asked)
{
	union ask_word w = ask_word(f), open = { .rules = w.rules, .when = w.when, .state = ASK_OPEN };

	if (copy) {
		if ((w.state == ASK_ASKED || w.state == ASK_CLOSED) && ask_age(w) < ASK_AGAIN &&
		    ctx_label(ctx) == ask_label(cfg, w.rules))
			ask_swap(f, w, open);
		return;
	}
	if (!ask_is_unknown(w) || ctx_label(ctx) != ask_label_of_rules())
		return;
	if (asked) {
		open.rules = ruleset_gen();
		open.when = ask_now();
		ask_swap(f, w, open);
	} else if (w.state == ASK_UNKNOWN) {
		open.state = ASK_PASSED;
		ask_swap(f, w, open);
	}
}

/* A direction is unknown again, by a word that the memory of the flow has not had for another. */
static __always_inline void ask_forget(struct flow *f)
{
	union ask_word w = ask_word(f);

	if (w.state != ASK_UNKNOWN)
		ask_swap(f, w, ct_not_asked(f->conn));
}

/* True if the rules have let a packet of that direction by, and not closed it since. */
static __always_inline _Bool ask_has_passed(const struct flow *f)
{
	union ask_word w = ask_word(f);

	return w.state == ASK_OPEN || w.state == ASK_ASKED || w.state == ASK_PASSED;
}

#endif
