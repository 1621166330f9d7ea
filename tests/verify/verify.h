/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Shared by the proofs. A proof is a function of this directory's files that is not static: the
 * model checker (CBMC) calls it with every value of its parameters at once. tests/verify/run finds
 * and runs them; docs/dev/verify.md says what is proved.
 */
#ifndef EBPFNET_TESTS_VERIFY_H
#define EBPFNET_TESTS_VERIFY_H

#define GIVEN(what) __CPROVER_assume(what)
#define PROVE(what) __CPROVER_assert(what, #what)

#endif
