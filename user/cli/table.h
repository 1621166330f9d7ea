/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Output of commands as text or, with --json, as JSON, from the same calls. A report is one JSON object;
 * each table is a member of it, an array of objects. report_line() and report_note() print only text,
 * report_text() and report_number() only JSON.
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
	bool colour;		/* stdout is a terminal that has colours, and NO_COLOR is not set */
	bool begun;		/* something was printed */
	bool after_table;
	int failed;		/* -errno */
};

void report_begin(struct report *r, bool json);

/* Finish the report. Returns EXIT_OK, or EXIT_FAILED (logged) if stdout or memory failed. */
int report_end(struct report *r);

/* Text output: "title   text", the same in green or red, and a plain line. */
void report_line(struct report *r, const char *title, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void report_health(struct report *r, const char *title, bool good, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void report_note(struct report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* JSON output: members of the object. A text may be NULL. */
void report_text(struct report *r, const char *key, const char *text);
void report_number(struct report *r, const char *key, uint64_t value);
void report_flag(struct report *r, const char *key, bool value);

/* No value: printed as "-", in JSON as null. So is a NULL text. */
#define NO_NUMBER UINT64_MAX

enum cell {
	CELL_TEXT,
	CELL_NUMBER,		/* aligned right, 12,345 */
	CELL_SECONDS,		/* "2 h 4 min"; JSON: the number, so name the key ..._s */
	CELL_BYTES,		/* "1.2 MiB"; JSON: the number */
	CELL_FLAG,		/* "yes"; JSON: true or false */
	CELL_RATIO,		/* thousandths: "1.23"; JSON: 1.234 */
};

struct column {
	const char *key;	/* in JSON; NULL ends the list */
	const char *title;	/* in text; NULL: only in JSON */
	enum cell kind;
};

struct table {
	struct report *report;
	const char *key;
	const struct column *columns;
	size_t count;			/* of columns */
	bool streams;
	size_t rows;			/* added */
	size_t printed;			/* and freed */
	struct table_cell *cells;	/* of rows not yet printed, row by row */
	size_t kept, room;		/* rows in cells, and its capacity */
	size_t *width;			/* of columns, in text */
};

void table_begin(struct table *t, struct report *r, const char *key, const struct column *columns);

/*
 * The same for a long table: rows are printed a page at a time, and a column may become wider from page to
 * page. Report nothing else until table_end().
 */
#define TABLE_PAGE 1024
void table_begin_stream(struct table *t, struct report *r, const char *key, const struct column *columns);

/* Value of a cell: TEXT(s), which is copied and made printable, for CELL_TEXT; NUMBER(n) for all others. */
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

/* Print the table. Without rows: nothing as text, [] in JSON. */
void table_end(struct table *t);

/* 12345678 -> "12,345,678"; 7440 s -> "2 h 4 min"; 26595720 -> "26.6 MB". They return buf. */
#define TEXT_LEN 32
const char *text_number(uint64_t n, char buf[TEXT_LEN]);
const char *text_seconds(uint64_t s, char buf[TEXT_LEN]);
const char *text_megabytes(uint64_t bytes, char buf[TEXT_LEN]);

#endif
