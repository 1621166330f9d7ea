/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * PURE headers hold functions of their arguments alone. They compile for BPF and for the host, where tests run
 * them under sanitizers and a model checker proves them. This one holds what they share.
 */
#ifndef EBPFNET_CORE_COMPILER_H
#define EBPFNET_CORE_COMPILER_H

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/*
 * Hide the value of x from the compiler, so that a bound that the source checks on x is checked on the register
 * that is used afterwards, where the verifier looks for it.
 */
#ifdef __bpf__
#define OPAQUE(x) asm volatile("" : "+r"(x))
#else
#define OPAQUE(x) ((void)(x))
#endif

/*
 * True if x, a variable, is less than min (0, or above 1) or more than max, as separate comparisons, from each of
 * which the verifier learns a bound. The compiler would merge them into one, which teaches it none; and Linux
 * 7.3 forgets the lower bound at the upper.
 */
#define OUTSIDE(x, min, max)                          \
	({                                            \
		_Bool outside_ = 1;                   \
		if ((x) >= (min)) {                   \
			OPAQUE(x);                    \
			if ((x) <= (max)) {           \
				OPAQUE(x);            \
				if ((x) >= (min))     \
					outside_ = 0; \
			}                             \
		}                                     \
		outside_;                             \
	})

#endif
