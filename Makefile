# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
#   make            ./ebpfnet: the BPF objects are inside, libbpf, libmnl and json-c are shared libraries
#   make install    PREFIX=/usr/local DESTDIR=
#   make test       all the tests                          make check   those of less than a minute, before a commit
#   make demo       the tutorial, walked in a lab
#   make scoreboard requirements of a NAT, netfilter's and ours
#   make diff       the same random packets to netfilter and to ebpfnet    make diff DIFF=long  a million
#   make firewall   ufw, firewalld, Docker's rules, nft and iptables-legacy: what passes with a bridge and with ebpfnet
#   make fuzz       random packets, FUZZ_TIME=seconds      make fuzz MUTANTS=1    and that it finds what is broken
#   make bench      beside bridge, iptables and nft, in turn; and what grows with ports, namespaces and flows:
#                   tests/bench/run -h, tests/bench/report.py -h, tests/bench/scale -h, tests/bench/limits -h
#   make bench-clients  a container's network: CNI, netavark and Docker with ebpfnet and with their own bridges
#   make integrity  1 GiB each way on each path, with each offload off
#   make faults     faults of docs/dev/faults.md in full: floods of a whole table, kills of every command
#   make test-clients   podman, containerd, libcni, netavark and Docker with ebpfnet as their plugin: installs them
#   make soak       churn of 20 namespaces, all maps checked against each other; make soak MINUTES=60
#   make verify     proofs, with CBMC                      make verify MUTANTS=1  and that they can fail
#   make V=1        with the commands in full              make clean
#
# bpf/hooks/NAME.bpf.c -> build/NAME.bpf.o -> build/NAME.skel.h (the object's bytes) -> build/libebpfnet.a -> ebpfnet


VERSION := 0.1.0
PREFIX ?= /usr/local
UNITS ?= $(PREFIX)/lib/systemd/system
UNIT_FILES := ebpfnet-monitor.service ebpfnet-docker.socket ebpfnet-docker@.service
# Where Debian's container clients look for CNI plugins, and where others do, if it is there.
CNI ?= /usr/lib/cni
CNI_IF_THERE ?= /opt/cni/bin
# Where podman looks for plugins of netavark.
NETAVARK ?= $(PREFIX)/libexec/netavark
COMPLETIONS ?= $(PREFIX)/share/bash-completion/completions
BUILD := build

# Ubuntu's /usr/sbin/bpftool insists on the running kernel's package; any version of it will do.
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/lib/linux-tools/*/bpftool /usr/lib/linux-tools-*/bpftool) \
	     $(shell command -v bpftool) /usr/sbin/bpftool)

Q := $(if $(V),,@)
JOBS := -j$(shell nproc)

# a callback may need less than it is given, and a table's row say less than it could
WARNINGS := -Wall -Wextra -Werror=implicit-function-declaration -Wno-unused-parameter \
	    -Wno-missing-field-initializers
CFLAGS ?= -O2 -g
USER_CFLAGS := -std=gnu11 -fno-strict-aliasing $(WARNINGS) -Iinclude -I. -Iuser -I$(BUILD) -D_GNU_SOURCE \
	       -DEBPFNET_VERSION='"$(VERSION)"'
LIBS := -lbpf -lelf -lz -lmnl -ljson-c -lhttp_parser
# cpu v3: 32-bit jumps and fetching atomics, both in every kernel since 5.12
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -std=gnu11 $(WARNINGS) -I. -Ibpf -Iinclude
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

BPF_SRC := $(wildcard bpf/hooks/*.bpf.c)
SKELETONS := $(BPF_SRC:bpf/hooks/%.bpf.c=$(BUILD)/%.skel.h)
BENCH_SKELETONS := $(patsubst tests/bench/%.bpf.c,$(BUILD)/bench/%.skel.h,$(wildcard tests/bench/*.bpf.c))
LIB_SRC := $(wildcard user/lib/*/*.c)
APP_SRC := $(wildcard user/cli/*.c user/plugins/*.c user/bench/*.c)
LIB := $(BUILD)/libebpfnet.a
APP_OBJ := $(APP_SRC:%.c=$(BUILD)/%.o)
UNIT_OBJ := $(patsubst %.c,$(BUILD)/asan/%.o,$(LIB_SRC) $(filter-out %/main.c,$(APP_SRC)))
UNIT := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*.c))
PROG := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/prog/*.c))
FUZZ_PURE := $(patsubst tests/fuzz/pure/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/pure/*.c))
FUZZ_PROG_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/fuzz/prog/*.c))
PROG_LIB := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/prog/lib/*.c)) $(LIB)

all: ebpfnet

# What a machine lacks is said once, in one line, before the first compiler runs.
HEADERS := bpf/libbpf.h libelf.h zlib.h libmnl/libmnl.h json-c/json.h http_parser.h
MISSING = $(foreach tool,$(CLANG) $(BPFTOOL) $(firstword $(CC)),$(if $(shell command -v $(tool)),,$(notdir $(tool)))) \
	  $(shell command -v $(firstword $(CC)) > /dev/null && for h in $(HEADERS); do \
		  echo "\#include <$$h>" | $(CC) $(CPPFLAGS) -E -o /dev/null - 2>/dev/null || echo $$h; done)

$(BUILD)/tools: Makefile
	$(if $(strip $(MISSING)),$(error the build needs $(strip $(MISSING)): run scripts/install-deps))
	@mkdir -p $(@D) && touch $@

ebpfnet: $(APP_OBJ) $(LIB)
	$(if $(V),,@printf "  %-5s %s\n" LINK $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# What a plugin links.
$(LIB): $(LIB_SRC:%.c=$(BUILD)/%.o)
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/user/%.o: user/%.c Makefile | $(SKELETONS)
	@mkdir -p $(@D)
	$(if $(V),,@printf "  %-5s %s\n" CC $<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(USER_CFLAGS) -MMD -MP -c -o $@ $<

# `gen object` drops what only a debugger reads and keeps the BTF.
$(BUILD)/%.bpf.o: bpf/hooks/%.bpf.c Makefile | $(BUILD)/tools
	@mkdir -p $(@D)
	$(if $(V),,@printf "  %-5s %s\n" BPF $<)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c -o $(@:.o=.debug) $<
	@$(BPFTOOL) gen object $@ $(@:.o=.debug)

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	@$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp && mv $@.tmp $@

# ---- tests: the sources again, with sanitizers, for the host-side ones

$(BUILD)/asan/%.o: %.c Makefile | $(SKELETONS)
	@mkdir -p $(@D)
	$(if $(V),,@printf "  %-5s %s\n" CC $<)
	$(Q)$(CC) -O1 -g $(SANITIZE) $(USER_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/asan/libuser.a: $(UNIT_OBJ)
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/asan/libuser.a Makefile
	@mkdir -p $(@D)
	$(if $(V),,@printf "  %-5s %s\n" CC $<)
	$(Q)$(CC) -O1 -g $(SANITIZE) $(USER_CFLAGS) -MMD -MP -o $@ $< $(BUILD)/asan/libuser.a \
		-lcmocka $(LIBS)

$(BUILD)/tests/prog/lib/%.o: tests/prog/lib/%.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@printf "  %-5s %s\n" CC $<)
	$(Q)$(CC) $(CFLAGS) $(USER_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/prog/%: tests/prog/%.c $(PROG_LIB) Makefile
	@mkdir -p $(@D)
	$(if $(V),,@printf "  %-5s %s\n" CC $<)
	$(Q)$(CC) $(CFLAGS) $(USER_CFLAGS) -MMD -MP -o $@ $< $(PROG_LIB) -lcmocka $(LIBS)

# libFuzzer: clang's
# What reads JSON of others is not in headers.
FUZZ_JSON := $(wildcard user/lib/base/*.c) user/plugins/plugin.c
FUZZ_CNI := $(addprefix user/plugins/cni_,conf.c version.c result.c ipam.c)
FUZZ_NETAVARK := $(addprefix user/plugins/netavark_,conf.c result.c)

$(BUILD)/tests/fuzz/cni: $(FUZZ_CNI)
$(BUILD)/tests/fuzz/netavark: $(FUZZ_NETAVARK)
$(BUILD)/tests/fuzz/cni $(BUILD)/tests/fuzz/netavark: $(BUILD)/tests/fuzz/%: tests/fuzz/pure/%.c $(FUZZ_JSON) Makefile
	@mkdir -p $(@D)
	$(if $(V),,@printf "  %-5s %s\n" FUZZ $<)
	$(Q)$(CLANG) -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $(USER_CFLAGS) -MMD -MP -MT $@ \
		-MF $@.d -o $@ $(filter %.c,$^) -ljson-c

FUZZ_DOCKER := $(wildcard user/lib/base/*.c) $(addprefix user/plugins/,docker_call.c http.c plugin.c)

$(BUILD)/tests/fuzz/docker: tests/fuzz/pure/docker.c $(FUZZ_DOCKER) Makefile
	@mkdir -p $(@D)
	$(if $(V),,@printf "  %-5s %s\n" FUZZ $<)
	$(Q)$(CLANG) -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $(USER_CFLAGS) -MMD -MP -MT $@ \
		-MF $@.d -o $@ $< $(FUZZ_DOCKER) -ljson-c -lhttp_parser

$(BUILD)/tests/fuzz/%: tests/fuzz/pure/%.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@printf "  %-5s %s\n" FUZZ $<)
	$(Q)$(CLANG) -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -std=gnu11 $(WARNINGS) \
		-Iinclude -I. -MMD -MP -o $@ $<

$(BUILD)/tests/fuzz/prog/%.o: tests/fuzz/prog/%.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@printf "  %-5s %s\n" CC $<)
	$(Q)$(CC) $(CFLAGS) $(USER_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/fuzz/packets: $(FUZZ_PROG_OBJ) $(PROG_LIB)
	$(if $(V),,@printf "  %-5s %s\n" LINK $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

# The benchmark's: programs of its own, and what measures.
$(BUILD)/bench/%.bpf.o: tests/bench/%.bpf.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@printf "  %-5s %s\n" BPF $<)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c -o $@ $<

$(BUILD)/bench/%.skel.h: $(BUILD)/bench/%.bpf.o
	@$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp && mv $@.tmp $@

BENCH_LIB := $(patsubst %.c,$(BUILD)/%.o,$(wildcard user/bench/*.c)) $(BUILD)/user/cli/table.o $(BUILD)/user/cli/opts.o $(LIB)

$(BUILD)/bench/%: tests/bench/%.c $(BENCH_LIB) Makefile | $(BENCH_SKELETONS)
	@mkdir -p $(@D)
	$(if $(V),,@printf "  %-5s %s\n" CC $<)
	$(Q)$(CC) $(CFLAGS) $(USER_CFLAGS) -I$(BUILD)/bench -MMD -MP -o $@ $< \
		$(BENCH_LIB) $(LIBS)

BENCH := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))

FUZZ := $(FUZZ_PURE) $(BUILD)/tests/fuzz/packets

# Another build, to be swapped in by `up`.
OTHER := $(BUILD)/other/ebpfnet

$(OTHER): ebpfnet tests/lib/other_build
	$(if $(V),,@printf "  %-5s %s\n" BUILD $@)
	$(Q)+tests/lib/other_build $(@D)

tests: $(UNIT) $(PROG) $(FUZZ) $(BENCH) $(OTHER)

# What is missing is installed first, and make starts again: it may be the compiler.
test:
	@scripts/install-deps
	@$(MAKE) --no-print-directory $(JOBS) all tests
	@tests/run

check:
	@scripts/install-deps
	@$(MAKE) --no-print-directory $(JOBS) all tests
	@FUZZ_TIME=5 tests/run style unit prog fuzz

fuzz:
	@scripts/install-deps
	@$(MAKE) --no-print-directory $(JOBS) all tests
	@FUZZ_TIME=$${FUZZ_TIME:-600} FUZZ_SEED=$${FUZZ_SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')} tests/fuzz/run
	$(if $(MUTANTS),@tests/fuzz/mutants)

# Status 77: there is no CBMC here.
verify:
	@tests/verify/run
	$(if $(MUTANTS),@tests/verify/mutants)

demo:
	@scripts/install-deps
	@$(MAKE) --no-print-directory $(JOBS) all
	@scripts/demo

scoreboard:
	@scripts/install-deps
	@$(MAKE) --no-print-directory $(JOBS) all
	@tests/scoreboard

bench:
	@scripts/install-deps bench
	@$(MAKE) --no-print-directory $(JOBS) all $(BENCH)
	@tests/bench/run
	@tests/bench/scale
	@tests/bench/limits

bench-clients:
	@scripts/install-deps
	@$(MAKE) --no-print-directory $(JOBS) all
	@tests/bench/clients

diff:
	@scripts/install-deps
	@$(MAKE) --no-print-directory $(JOBS) all
	@DIFF=$(DIFF) tests/diff/run

firewall:
	@scripts/install-deps
	@$(MAKE) --no-print-directory $(JOBS) all
	@tests/firewall/run --table

# Of these `make test` floods a small table, and kills the commands that make most, at what they make.
faults:
	@scripts/install-deps
	@$(MAKE) --no-print-directory $(JOBS) all
	@FAULT_FLOWS=100000 FAULT_KILLS=all E2E_TIMEOUT=3600 tests/e2e/run 'fault_|interrupted'
	@CAPACITY_FLOWS=65536 CAPACITY_ROUNDS=100 CAPACITY_QUESTIONS=12000 E2E_TIMEOUT=3600 tests/e2e/run ^capacity/

# What tests/e2e/faults/integrity.sh sends 16 MiB of in `make test`.
integrity:
	@scripts/install-deps
	@$(MAKE) --no-print-directory $(JOBS) all
	@INTEGRITY_MIB=1024 E2E_TIMEOUT=3600 tests/e2e/run integrity/

test-clients:
	@scripts/install-deps
	@$(MAKE) --no-print-directory $(JOBS) all
	@tests/clients/run

soak:
	@scripts/install-deps
	@$(MAKE) --no-print-directory $(JOBS) all
	@MINUTES=$(or $(MINUTES),15) tests/soak/run

install: all
	install -D -m 755 ebpfnet $(DESTDIR)$(PREFIX)/sbin/ebpfnet
	install -D -m 644 docs/user/ebpfnet.8 $(DESTDIR)$(PREFIX)/share/man/man8/ebpfnet.8
	install -d $(DESTDIR)$(UNITS)
	install -d $(DESTDIR)$(COMPLETIONS)
	./ebpfnet completion bash > $(DESTDIR)$(COMPLETIONS)/ebpfnet
	for unit in $(UNIT_FILES); do sed 's|@PREFIX@|$(PREFIX)|' scripts/$$unit.in > $(DESTDIR)$(UNITS)/$$unit; done
	install -d $(DESTDIR)$(CNI)
	install -d $(DESTDIR)$(NETAVARK)
	for dir in $(CNI) $(CNI_IF_THERE) $(NETAVARK); do \
		[ ! -d $(DESTDIR)$$dir ] || ln -sf $(PREFIX)/sbin/ebpfnet $(DESTDIR)$$dir/ebpfnet; done

# A link that is ours is removed, and no other.
uninstall:
	for dir in $(CNI) $(CNI_IF_THERE) $(NETAVARK); do \
		[ "$$(readlink $(DESTDIR)$$dir/ebpfnet)" != $(PREFIX)/sbin/ebpfnet ] || rm -f $(DESTDIR)$$dir/ebpfnet; done
	rm -f $(DESTDIR)$(PREFIX)/sbin/ebpfnet $(DESTDIR)$(PREFIX)/share/man/man8/ebpfnet.8 \
		$(addprefix $(DESTDIR)$(UNITS)/,$(UNIT_FILES)) $(DESTDIR)$(COMPLETIONS)/ebpfnet

clean:
	rm -rf $(BUILD) ebpfnet

# build/clients has the root of another release
-include $(shell find $(BUILD) -path $(BUILD)/clients -prune -o -name '*.d' -print 2>/dev/null)

.PHONY: all tests test check bench bench-clients fuzz verify demo scoreboard diff firewall install uninstall clean integrity faults soak test-clients
.DELETE_ON_ERROR:
.SECONDARY:
