/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What commands show, for a person or, under --json, for a program, from the same calls. A report
 * is one JSON object; each table is a member of it, an array of objects. Lines and notes are for a
 * person alone, report_text() and report_number() for a program alone.
 *
 *	static const struct column columns[] = {
 *		{ "name", "namespace" }, { "packets", "packets", CELL_NUMBER }, {},
 *	};
 *	report_begin(&r, o->json);
 *	table_begin(&t, &r, "ports", columns);
 *	table_row(&t, TEXT(name), NUMBER(packets));
 *	table_end(&t);
 *	return report_end(&r);
 */
#ifndef EBPFNET_CLI_TABLE_H
#define EBPFNET_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report {
	bool json;
	bool colour;		/* stdout is a terminal, and NO_COLOR is not set */
	bool begun;		/* something was printed */
	bool after_table;
	int failed;		/* -errno */
};

void report_begin(struct report *r, bool json);

/* Closes it. Returns EXIT_OK, or EXIT_FAILED (logged) when stdout or memory failed. */
int report_end(struct report *r);

/* For a person: "title   text", and a sentence of its own; a health line is green, or else red. */
void report_line(struct report *r, const char *title, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void report_health(struct report *r, const char *title, bool good, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void report_note(struct report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* For a program: members of the JSON object. A text may be NULL. */
void report_text(struct report *r, const char *key, const char *text);
void report_number(struct report *r, const char *key, uint64_t value);
void report_flag(struct report *r, const char *key, bool value);

/* No value: "-", JSON null. A text that is NULL is the same. */
#define NO_NUMBER UINT64_MAX

enum cell {
	CELL_TEXT,
	CELL_NUMBER,		/* aligned right, 12,345 */
	CELL_SECONDS,		/* "2 h 4 min"; JSON: the number, so name the key ..._s */
	CELL_BYTES,		/* "1.2 MiB"; JSON: the number */
	CELL_RATIO,		/* thousandths: "1.23"; JSON: 1.234 */
};

struct column {
	const char *key;	/* JSON's; NULL ends the list */
	const char *title;	/* a person's; NULL: JSON alone */
	enum cell kind;
};

struct table {
	struct report *report;
	const char *key;
	const struct column *columns;
	size_t count;			/* of columns */
	bool streams;
	size_t rows;			/* in all */
	size_t printed;			/* of those, already */
	struct table_cell *cells;	/* those that are not, row by row */
	size_t kept, room;		/* how many these are, and how many there is room for */
	size_t *width;			/* of columns, for a person */
};

void table_begin(struct table *t, struct report *r, const char *key, const struct column *columns);

/*
 * The same for a table without an end: its rows are printed a page at a time, and columns that a later page
 * needs wider begin further to the right there. Nothing else may be reported until table_end().
 */
#define TABLE_PAGE 1024
void table_begin_stream(struct table *t, struct report *r, const char *key, const struct column *columns);

/* What goes into a cell: TEXT(s), copied, for a column of texts, NUMBER(n) for all others. */
union cell_value {
	const char *text;
	uint64_t number;
};

#define TEXT(s) ((union cell_value){ .text = (s) })
#define NUMBER(n) ((union cell_value){ .number = (n) })

/* table_row(t, TEXT("a"), NUMBER(1)): one argument for each column. */
#define table_row(t, ...)                                              \
	table_add(t, (const union cell_value[]){ __VA_ARGS__ },        \
		  sizeof((const union cell_value[]){ __VA_ARGS__ }) /  \
			  sizeof(union cell_value))
void table_add(struct table *t, const union cell_value *values, size_t count);

/* Prints it. A table without rows shows a person nothing, and a program []. */
void table_end(struct table *t);

/* 12345678 -> "12,345,678"; 7440 s -> "2 h 4 min"; 26595720 -> "26.6 MB". Return buf. */
#define TEXT_LEN 32
const char *text_number(uint64_t n, char buf[TEXT_LEN]);
const char *text_seconds(uint64_t s, char buf[TEXT_LEN]);
const char *text_megabytes(uint64_t bytes, char buf[TEXT_LEN]);

#endif
