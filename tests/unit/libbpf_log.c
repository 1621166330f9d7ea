// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>

#include <bpf/libbpf.h>

#include "captured.h"
#include "unit.h"
#include <user/lib/kernel/libbpf_log.h>

static libbpf_print_fn_t hear;

/* libbpf says something. */
static void say(enum libbpf_print_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	hear(level, fmt, ap);
	va_end(ap);
}

static void warn(const char *text)
{
	say(LIBBPF_WARN, "%s", text);
}

/* Begins anew, and takes what bpf_log_begin() gave libbpf to call. */
static void begin(void)
{
	unsetenv("EBPFNET_DEBUG");
	bpf_log_begin();
	hear = libbpf_set_print(NULL);
	assert_non_null(hear);
}

#define LOAD_FAILED "libbpf: prog 'port': BPF program load failed: Permission denied\n"
#define LOG_BEGIN "libbpf: prog 'port': -- BEGIN PROG LOAD LOG --\n"
#define LOG_END "-- END PROG LOAD LOG --\n"

static void without_a_message_the_errno_is_the_reason(void **state)
{
	begin();
	assert_string_equal(bpf_log_why(-EPERM), strerror(EPERM));
}

static void the_first_warning_is_the_reason(void **state)
{
	begin();
	warn("libbpf: elf: failed to open\n");
	warn("libbpf: failed to load object\n");
	assert_string_equal(bpf_log_why(-EINVAL), "elf: failed to open");
}

static void only_the_first_line_of_a_warning_is_kept(void **state)
{
	begin();
	warn("libbpf: map 'flows': failed\nand more\n");
	assert_string_equal(bpf_log_why(-EINVAL), "map 'flows': failed");
}

static void the_kernels_own_message_is_better_than_libbpfs(void **state)
{
	begin();
	warn("libbpf: something failed\n");
	warn("libbpf: Kernel error message: Exclusivity flag on, cannot modify\n");
	warn("libbpf: something else failed\n");
	warn("libbpf: Kernel error message: another\n");
	assert_string_equal(bpf_log_why(-EEXIST), "Exclusivity flag on, cannot modify");
}

static void of_the_verifiers_log_the_last_line_is_kept(void **state)
{
	begin();
	warn(LOAD_FAILED);
	warn(LOG_BEGIN "0: R1=ctx() R10=fp0\n"
		       "; return *p; @ port.bpf.c:7\n"
		       "0: (61) r0 = *(u32 *)(r1 +400)\n"
		       "invalid bpf_context access off=400 size=4\n"
		       "processed 1 insns (limit 1000000) max_states_per_insn 0\n" LOG_END);
	warn("libbpf: prog 'port': failed to load: -13\n");
	assert_string_equal(bpf_log_why(-EACCES), "invalid bpf_context access off=400 size=4");
}

static void a_verifiers_log_without_statistics_or_end_is_read(void **state)
{
	begin();
	warn(LOG_BEGIN "first\nlast\n\n");
	assert_string_equal(bpf_log_why(-EACCES), "last");
	begin();
	warn(LOG_BEGIN "only");
	assert_string_equal(bpf_log_why(-EACCES), "only");
}

static void an_empty_verifiers_log_leaves_the_warning_before_it(void **state)
{
	static const char *const logs[] = {
		LOG_BEGIN LOG_END,
		LOG_BEGIN,
		LOG_BEGIN "\n\n" LOG_END,
		LOG_BEGIN "processed 0 insns\n" LOG_END,
	};
	size_t i;

	for (i = 0; i < COUNT(logs); i++) {
		begin();
		warn(LOAD_FAILED);
		warn(logs[i]);
		assert_string_equal(bpf_log_why(-EACCES),
				    "prog 'port': BPF program load failed: Permission denied");
	}
}

static void a_long_line_is_truncated(void **state)
{
	char *text = malloc(5001);

	begin();
	memset(text, 'x', 5000);
	text[5000] = '\0';
	warn(text);
	free(text);
	assert_in_range(strlen(bpf_log_why(-EINVAL)), 100, 1000);
}

static void a_new_operation_forgets_the_last_reason(void **state)
{
	begin();
	warn("libbpf: Kernel error message: old\n");
	begin();
	assert_string_equal(bpf_log_why(-ENOENT), strerror(ENOENT));
	warn("libbpf: new\n");
	assert_string_equal(bpf_log_why(-ENOENT), "new");
}

static void say_all(void *arg)
{
	warn("libbpf: a warning\n");
	say(LIBBPF_INFO, "libbpf: %s\n", "an info");
	say(LIBBPF_DEBUG, "libbpf: %s %d\n", "a detail", 7);
}

static void libbpf_is_silent_on_stderr(void **state)
{
	struct captured captured;

	begin();
	captured = capture(say_all, NULL);
	assert_string_equal(captured.err, "");
	assert_string_equal(captured.out, "");
	assert_string_equal(bpf_log_why(-EINVAL), "a warning");
}

static void under_debug_all_is_on_stderr(void **state)
{
	struct captured captured;

	begin();
	setenv("EBPFNET_DEBUG", "1", 1);
	captured = capture(say_all, NULL);
	unsetenv("EBPFNET_DEBUG");
	assert_string_equal(captured.err, "libbpf: a warning\nlibbpf: an info\nlibbpf: a detail 7\n");
	assert_string_equal(bpf_log_why(-EINVAL), "a warning");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_message_the_errno_is_the_reason),
		cmocka_unit_test(the_first_warning_is_the_reason),
		cmocka_unit_test(only_the_first_line_of_a_warning_is_kept),
		cmocka_unit_test(the_kernels_own_message_is_better_than_libbpfs),
		cmocka_unit_test(of_the_verifiers_log_the_last_line_is_kept),
		cmocka_unit_test(a_verifiers_log_without_statistics_or_end_is_read),
		cmocka_unit_test(an_empty_verifiers_log_leaves_the_warning_before_it),
		cmocka_unit_test(a_long_line_is_truncated),
		cmocka_unit_test(a_new_operation_forgets_the_last_reason),
		cmocka_unit_test(libbpf_is_silent_on_stderr),
		cmocka_unit_test(under_debug_all_is_on_stderr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
