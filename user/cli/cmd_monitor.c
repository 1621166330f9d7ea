// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * monitor: wait for changes of devices and routes, then report or repair the host's side of the network, for example an
 * uplink that was created again, or a route through a device without programs.
 *
 * It is optional: without it, packets are refused until the next `up`, never sent untranslated. Its only state is the
 * last report. It leaves namespaces alone, because their deletion may be intended.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "cli/command.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/model/model.h"

#define QUIET_MS 50	/* events arrive in bursts: a device, its state, its routes */
#define QUIET_ROUNDS 20	/* limit for bursts that do not end */

struct monitor {
	const struct options *o;
	struct nl events;
	int signals;
	struct diff reported;
	bool repairing;			/* something was applied, and not all was well since */
};

static bool is_reported(const struct monitor *m, const struct difference *d)
{
	size_t i;

	for (i = 0; i < m->reported.count; i++)
		if (!strcmp(m->reported.list[i].what, d->what))
			return true;
	return false;
}

static void report_new(struct monitor *m, struct diff *now)
{
	size_t i;

	for (i = 0; i < now->count; i++)
		if (!is_reported(m, &now->list[i]))
			log_info("%s%s%s", now->list[i].what, now->list[i].fix[0] ? "; " : "", now->list[i].fix);
	diff_free(&m->reported);
	m->reported = *now;
	*now = (struct diff){};
}

/* True if anything differs. Fills in now, which is zeroed. */
static bool differs(const struct monitor *m, struct session *x, enum store_mode mode, struct diff *now)
{
	return !session_open(x, m->o->bpffs, mode) && store_whole(&x->s) &&
	       !network_diff(x, m->o->repair ? NETWORK_HOST_PLAN : NETWORK_HOST, now) && now->count;
}

/* Sets now to the differences that remain. */
static void repair(struct monitor *m, struct session *x, struct diff *now)
{
	_cleanup_diff_ struct diff done = {};

	if (network_repair(x, NETWORK_HOST, &done))
		return;
	m->repairing |= done.count > 0;
	diff_free(now);
	network_diff(x, NETWORK_HOST, now);
}

/* A device that was made again may get its address, or be set up, some events after it got its programs. */
static void report_repaired(struct monitor *m, const struct session *x)
{
	char uplinks[UPLINKS_TEXT];

	if (m->repairing && store_whole(&x->s))
		log_info("repaired: out through %s", uplinks_text(&x->host, uplinks));
	m->repairing = false;
}

/*
 * Compare without the lock first, since most events change nothing here; then under the lock, so that the unfinished
 * work of another command is not reported. After a failure, which is logged, monitor goes on with the next event.
 */
static void compare(struct monitor *m)
{
	_cleanup_session_ struct session x = {}, locked = {};
	_cleanup_diff_ struct diff first = {}, now = {};

	if (differs(m, &x, STORE_LOOK, &first) && differs(m, &locked, STORE_MAKE, &now) && m->o->repair)
		repair(m, &locked, &now);
	if (!now.count)
		report_repaired(m, locked.host.abi ? &locked : &x);
	report_new(m, &now);
}

/* Returns 1 on an event, 0 on a signal to stop, -ETIMEDOUT after wait_ms (-1: no limit) without either. */
static int wait_for(struct monitor *m, int wait_ms)
{
	struct pollfd fds[] = { { .fd = m->signals, .events = POLLIN },
				{ .fd = nl_watch_fd(&m->events), .events = POLLIN } };
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
		r = nl_watch_read(&m->events);
		if (r < 0)
			return log_err(r, "cannot read the kernel's events: %s", strerror(-r));
		if (r)
			return 1;
	}
}

static int watch(struct monitor *m)
{
	int r, rounds;

	log_info("watching uplinks and routes");
	do {
		compare(m);
		r = wait_for(m, -1);
		for (rounds = 0; r == 1 && rounds < QUIET_ROUNDS; rounds++)
			r = wait_for(m, QUIET_MS);
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
	struct monitor m = { .o = o, .signals = signals };
	int r;

	if (signals < 0)
		return EXIT_FAILED;
	r = nl_watch_open(&m.events);
	if (r)
		log_err(r, "cannot open a netlink socket: %s", strerror(-r));
	else
		r = watch(&m);
	nl_close(&m.events);
	diff_free(&m.reported);
	return r ? EXIT_FAILED : EXIT_OK;
}
