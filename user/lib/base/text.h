/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Text of others (arguments, names of devices, paths) made fit to be printed. */
#ifndef EBPFNET_LIB_BASE_TEXT_H
#define EBPFNET_LIB_BASE_TEXT_H

#include <stdbool.h>

/*
 * A copy, the caller's to free; NULL: no memory. What a terminal acts on, or what is no UTF-8, is replaced by \n, \t or
 * \xHH: control characters (C0, DEL, C1), line separators and the marks that turn the direction of text around.
 */
char *text_printable(const char *text);

/* The same, of which only the bytes that are no UTF-8 are replaced: JSON has its own way to write the others. */
char *text_utf8(const char *text);

/* True for what the kernel takes for a device's name, and is not lo's. */
bool text_is_device(const char *name);
/* True for a name that may be in a hosts file. */
bool text_is_host_name(const char *name);

#endif
