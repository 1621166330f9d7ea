// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * monitor: waits for what no program in the kernel can mend, an uplink that was made again or a
 * default route through a device without our programs, and says so or attaches to it as `up` would.
 *
 * Nothing depends on it: without it packets are refused for so long, never sent untranslated. It holds no
 * state; the lock is taken only while it mends.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "lib/base/cleanup.h"
#include "cli/command.h"
#include "lib/base/log.h"
#include "lib/kernel/nl.h"
#include "lib/store/store.h"
#include "lib/model/model.h"

#define QUIET_MS 50	/* events come in bursts: a device, its state, its routes */
#define QUIET_ROUNDS 20	/* but some never end */

struct watch {
	const struct options *o;
	struct nl nl, events;
	int signals;
	bool told;		/* of what is wrong now */
};

static int repair(struct watch *w)
{
	_cleanup_store_ struct store s = {};
	char uplinks[UPLINKS_TEXT];
	struct host_record host;
	bool changed = false;
	int r;

	r = store_open(&s, w->o->bpffs, STORE_MAKE);
	/* it may have waited for the very command that did it, or for a `down` */
	if (r || !store_whole(&s))
		return r;
	r = store_host(&s, &host);
	if (!r && uplinks_differ(&s, &w->nl, &host))
		r = uplinks_ensure(&s, &w->nl, &host, &changed);
	if (!r && changed)
		log_info("repaired: out through %s", uplinks_text(&host, uplinks));
	return r;
}

/* A failure is logged, and is no reason to end: what comes next may mend it. */
static void look(struct watch *w)
{
	_cleanup_store_ struct store s = {};
	struct host_record host;
	bool wanting;

	if (store_open(&s, w->o->bpffs, STORE_LOOK) || !store_whole(&s) || store_host(&s, &host))
		return;
	wanting = uplinks_differ(&s, &w->nl, &host);
	if (wanting && w->o->repair)
		repair(w);
	else if (wanting && !w->told)
		log_info("an uplink is without our programs, and what is routed there is refused: run `ebpfnet up`; "
			 "`ebpfnet status` tells more");
	w->told = wanting;
}

/* 1: something happened; 0: a signal says that it is enough. Nothing for wait_ms (-1: for ever): -ETIMEDOUT. */
static int wait_for(struct watch *w, int wait_ms)
{
	struct pollfd fds[] = { { .fd = w->signals, .events = POLLIN },
				{ .fd = nl_watch_fd(&w->events), .events = POLLIN } };
	int r;

	for (;;) {
		r = poll(fds, 2, wait_ms);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return log_err(-errno, "cannot wait for events: %s", strerror(errno));
		if (!r)
			return -ETIMEDOUT;
		if (fds[0].revents)
			return 0;
		r = nl_watch_read(&w->events);
		if (r < 0)
			return log_err(r, "cannot read the kernel's events: %s", strerror(-r));
		if (r)
			return 1;
	}
}

static int watch(struct watch *w)
{
	int r, rounds;

	log_info("watching uplinks and default routes");
	do {
		look(w);
		fflush(stdout);
		r = wait_for(w, -1);
		for (rounds = 0; r == 1 && rounds < QUIET_ROUNDS; rounds++)
			r = wait_for(w, QUIET_MS);
		if (r == -ETIMEDOUT)
			r = 1;
	} while (r == 1);
	return r;
}

static int catch_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return log_err(-errno, "cannot block signals: %s", strerror(errno));
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? log_err(-errno, "cannot wait for signals: %s", strerror(errno)) : fd;
}

int cmd_monitor(const struct options *o, int argc, char **argv)
{
	_cleanup_fd_ int signals = catch_signals();
	struct watch w = { .o = o, .signals = signals };
	int r;

	(void)argc;
	(void)argv;
	if (signals < 0)
		return EXIT_FAILED;
	r = nl_open(&w.nl);
	if (!r)
		r = nl_watch_open(&w.events);
	if (r)
		log_err(r, "cannot talk to the kernel by netlink: %s", strerror(-r));
	else
		r = watch(&w);
	nl_close(&w.events);
	nl_close(&w.nl);
	return r ? EXIT_FAILED : EXIT_OK;
}
