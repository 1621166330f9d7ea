// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * bench: compare ebpfnet with the kernel's bridge and iptables on this machine. All contenders exist at the same time
 * and are measured in turn, so that other load disturbs all of them alike. The machine's own network is left alone
 * (bench_host.h).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/bench_host.h"
#include "cli/command.h"
#include "lib/dataplane/dataplane.h"
#include "lib/base/log.h"
#include "bench/sample.h"
#include "cli/table.h"

#define WARM_UP_MS 130		/* approximate overhead of load_run() for each measurement */
#define TIME_LIMIT_S 110	/* start no further repeat after this, unless --repeats was given */

static const struct path {
	const char *key, *text;
	enum bench_contender baseline;	/* what is in use today */
	bool floor;			/* BENCH_VETH has this path, too */
} paths[BENCH_PATHS] = {
	[BENCH_SWITCH] = { "switch", "namespace - namespace", BENCH_BRIDGE, true },
	[BENCH_MASQUERADE] = { "masquerade", "namespace - outside", BENCH_IPTABLES },
	[BENCH_PUBLISH] = { "publish", "outside - published port", BENCH_IPTABLES },
	[BENCH_HOST] = { "host", "host - namespace", BENCH_BRIDGE, true },
};

static const struct figure {
	enum load_kind kind;
	const char *text, *unit;	/* unit: only in JSON */
	double per_unit;
} figures[] = {
	{ LOAD_TCP_RR, "TCP requests/s", "1/s", 1 },
	{ LOAD_TCP_CRR, "TCP connections/s", "1/s", 1 },
	{ LOAD_UDP_PPS, "UDP 64-byte frames/s", "1/s", 1 },
	{ LOAD_TCP_STREAM, "TCP stream, Mbit/s", "Mbit/s", 1e6 / 8 },
};

#define FIGURES (sizeof(figures) / sizeof(figures[0]))

/* All measurements, by repeat; 0: not measured. */
struct run {
	const struct options *o;
	uint32_t ms, repeats;
	uint32_t done;			/* repeats */
	struct bench bench;
	double rate[BENCH_PATHS][FIGURES][BENCH_CONTENDERS][SAMPLES_MAX];
	int error[BENCH_PATHS][FIGURES][BENCH_CONTENDERS];	/* -errno of the last failure */
};

/* True if the contender exists and is compared on this path. */
static bool competes(const struct run *x, enum bench_path p, enum bench_contender c)
{
	return x->bench.fd[c] >= 0 &&
	       (c == BENCH_EBPFNET || c == paths[p].baseline || (c == BENCH_VETH && paths[p].floor));
}

/* ---- measuring ---- */

/* Retry once: on a busy machine, an end may start too late. */
static void measure_one(struct run *x, enum bench_path p, size_t figure, enum bench_contender c)
{
	const struct figure *f = &figures[figure];
	struct load_result result;
	int r, tries = 2;

	do {
		r = bench_measure(&x->bench, c, p, f->kind, x->ms, &result);
		if (r)
			x->error[p][figure][c] = r;
	} while (r && --tries);
	if (!r)
		x->rate[p][figure][c][x->done] = result.count / result.seconds / f->per_unit;
}

/* Rotate the order of contenders. */
static void measure_all(struct run *x)
{
	enum bench_path p;
	size_t figure, i;

	for (p = 0; p < BENCH_PATHS; p++)
		for (figure = 0; figure < FIGURES; figure++)
			for (i = 0; i < BENCH_CONTENDERS; i++) {
				enum bench_contender c = (i + x->done) % BENCH_CONTENDERS;

				if (competes(x, p, c))
					measure_one(x, p, figure, c);
			}
	x->done++;
}

static uint32_t samples_of_a_repeat(const struct run *x)
{
	enum bench_contender c;
	enum bench_path p;
	uint32_t n = 0;

	for (p = 0; p < BENCH_PATHS; p++)
		for (c = 0; c < BENCH_CONTENDERS; c++)
			n += competes(x, p, c) ? FIGURES : 0;
	return n;
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void measure_repeatedly(struct run *x)
{
	uint32_t samples = samples_of_a_repeat(x);
	double passed, since = seconds_now();

	log_info("%u x %u measurements of %u ms on private hosts: about %u s", x->repeats, samples, x->ms,
		 (x->repeats * samples * (x->ms + WARM_UP_MS) + 999) / 1000);
	fflush(stdout);
	do {
		measure_all(x);
		passed = seconds_now() - since;
	} while (x->done < x->repeats && (x->o->repeats || passed + passed / x->done < TIME_LIMIT_S));
}

/* ---- the report ---- */

static const double *rates(const struct run *x, enum bench_path p, size_t figure, enum bench_contender c)
{
	return x->rate[p][figure][c];
}

static union cell_value cell(double value)
{
	return NUMBER(value > 0 ? (uint64_t)(value + 0.5) : NO_NUMBER);
}

static void add_row(struct table *t, const struct run *x, enum bench_path p, size_t figure)
{
	const double *ours = rates(x, p, figure, BENCH_EBPFNET), *veth = rates(x, p, figure, BENCH_VETH);
	const double *bridge = rates(x, p, figure, paths[p].baseline);
	double by_bridge[SAMPLES_MAX], by_veth[SAMPLES_MAX];
	bool has_spread;

	sample_ratios(ours, bridge, x->done, by_bridge);
	sample_ratios(ours, veth, x->done, by_veth);
	has_spread = x->done > 1 && sample_median(by_bridge, x->done) > 0;
	table_row(t, TEXT(paths[p].key), TEXT(paths[p].text), TEXT(load_kind_name(figures[figure].kind)),
		  TEXT(figures[figure].text), TEXT(figures[figure].unit), cell(sample_median(veth, x->done)),
		  cell(sample_median(bridge, x->done)), cell(sample_median(ours, x->done)),
		  cell(sample_median(by_bridge, x->done) * 1000),
		  has_spread ? NUMBER(sample_spread(by_bridge, x->done) * 1000 + 0.5) : NUMBER(NO_NUMBER),
		  cell(sample_median(by_veth, x->done) * 1000));
}

static void show_rows(struct report *r, const struct run *x)
{
	static const struct column columns[] = {
		{ "path", NULL },
		{ "path_text", "path" },
		{ "figure", NULL },
		{ "figure_text", "figure" },
		{ "unit", NULL },
		{ "veth", "bare veth", CELL_NUMBER },
		{ "bridge", "kernel bridge", CELL_NUMBER },
		{ "ebpfnet", "ebpfnet", CELL_NUMBER },
		{ "vs_bridge", "x bridge", CELL_RATIO },
		{ "vs_bridge_spread", "+-", CELL_RATIO },
		{ "vs_veth", "x veth", CELL_RATIO },
		{},
	};
	struct table t;
	enum bench_path p;
	size_t figure;

	table_begin(&t, r, "rows", columns);
	for (p = 0; p < BENCH_PATHS; p++)
		for (figure = 0; figure < FIGURES; figure++)
			add_row(&t, x, p, figure);
	table_end(&t);
}

static void show_machine(struct report *r, const struct run *x)
{
	const char *hook = hook_kind_name(dataplane_has_tcx() ? HOOK_TCX : HOOK_CLSACT);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct utsname u;

	uname(&u);
	report_line(r, "kernel", "%s, %ld CPU%s, ebpfnet by %s", u.release, cpus, cpus == 1 ? "" : "s", hook);
	report_text(r, "kernel", u.release);
	report_text(r, "hook", hook);
	report_number(r, "cpus", cpus);
	report_number(r, "sample_ms", x->ms);
	report_number(r, "repeats", x->done);
}

static int show(const struct run *x)
{
	const char *without = x->bench.without[0] ? x->bench.without : NULL;
	struct report r;

	report_begin(&r, x->o->json);
	show_machine(&r, x);
	report_text(&r, "without_iptables", without);
	show_rows(&r, x);
	if (without)
		report_note(&r, "No comparison on paths to and from outside: iptables is unavailable: %s",
			    without);
	report_note(&r, "Medians of %u interleaved measurements of %u ms each; ratios are medians of the ratios within "
			"each repeat.",
		    x->done, x->ms);
	return report_end(&r);
}

static int no_sample(const struct run *x, enum bench_path p, size_t figure, enum bench_contender c)
{
	int r = x->error[p][figure][c];

	return log_err(r, "%s, %s, %s was never measured: %s; is the machine overloaded? Try --ms 1000",
		       paths[p].text, figures[figure].text, bench_name(c), strerror(-r));
}

/* Fail if the table has a hole: a figure that was never measured. */
static int check_holes(const struct run *x)
{
	enum bench_contender c;
	enum bench_path p;
	size_t figure;

	for (p = 0; p < BENCH_PATHS; p++)
		for (figure = 0; figure < FIGURES; figure++)
			for (c = 0; c < BENCH_CONTENDERS; c++)
				if (competes(x, p, c) && !sample_median(rates(x, p, figure, c), x->done))
					return no_sample(x, p, figure, c);
	return 0;
}

static int compare(void *arg)
{
	struct run *x = arg;
	int status;

	if (bench_build(&x->bench))
		return EXIT_FAILED;
	measure_repeatedly(x);
	status = show(x);
	return check_holes(x) ? EXIT_FAILED : status;
}

int cmd_bench(const struct options *o, int argc, char **argv)
{
	static struct run x = { .ms = 300, .repeats = 5 };
	int r = 0;

	(void)argc;
	(void)argv;
	x.o = o;
	if (o->ms)
		r = option_number("ms", o->ms, 10, 10000, &x.ms);
	if (!r && o->repeats)
		r = option_number("repeats", o->repeats, 1, SAMPLES_MAX, &x.repeats);
	if (r)
		return EXIT_USAGE;
	r = dataplane_probe(HOOK_CLSACT);
	return r ? EXIT_FAILED : bench_alone(compare, &x);
}
