// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/table.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/text.h"

#define BOLD "\033[1m"
#define RED "\033[31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

#define LINE_WIDTH 12	/* of the titles of lines */
#define GAP 2		/* between columns */

struct table_cell {
	char *text;
	uint64_t number;
};

/* ---- words ---- */

const char *text_number(uint64_t n, char buf[TEXT_LEN])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), i;
	char *out = buf;

	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return buf;
}

const char *text_seconds(uint64_t s, char buf[TEXT_LEN])
{
	if (s < 120)
		snprintf(buf, TEXT_LEN, "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(buf, TEXT_LEN, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else
		snprintf(buf, TEXT_LEN, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
	return buf;
}

const char *text_megabytes(uint64_t bytes, char buf[TEXT_LEN])
{
	snprintf(buf, TEXT_LEN, "%.1f MB", bytes / 1e6);
	return buf;
}

static const char *text_bytes(uint64_t n, char buf[TEXT_LEN])
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = n;
	size_t i = 0;

	while (value >= 1024 && i < sizeof(unit) / sizeof(unit[0]) - 1) {
		value /= 1024;
		i++;
	}
	snprintf(buf, TEXT_LEN, i ? "%.1f %s" : "%.0f %s", value, unit[i]);
	return buf;
}

static const char *cell_text(const struct column *col, const struct table_cell *cell,
			  char buf[TEXT_LEN])
{
	if (col->kind != CELL_TEXT && cell->number == NO_NUMBER)
		return "-";
	switch (col->kind) {
	case CELL_NUMBER:
		return text_number(cell->number, buf);
	case CELL_SECONDS:
		return text_seconds(cell->number, buf);
	case CELL_BYTES:
		return text_bytes(cell->number, buf);
	case CELL_FLAG:
		return cell->number ? "yes" : "no";
	case CELL_RATIO:
		snprintf(buf, TEXT_LEN, "%.2f", cell->number / 1000.0);
		return buf;
	case CELL_TEXT:
		break;
	}
	return cell->text ? cell->text : "-";
}

/* ---- report ---- */

static const char *paint(const struct report *r, const char *colour)
{
	return r->colour ? colour : "";
}

static void json_value(struct json_object *value)
{
	fputs(json_object_to_json_string_ext(value, JSON_C_TO_STRING_SPACED |
						    JSON_C_TO_STRING_NOSLASHESCAPE),
	      stdout);
	json_object_put(value);
}

/* JSON is UTF-8 (RFC 8259); a name may be any bytes. */
static struct json_object *json_text(const char *text)
{
	_cleanup_free_ char *utf8 = text ? text_utf8(text) : NULL;

	return utf8 ? json_object_new_string(utf8) : NULL;
}

static void json_key(struct report *r, const char *key)
{
	printf("%s\n  \"%s\": ", r->begun ? "," : "{", key);
	r->begun = true;
}

/* https://no-color.org: NO_COLOR counts if it is not empty. */
static bool terminal_has_colours(void)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	return term && *term && strcmp(term, "dumb") && !(no_color && *no_color);
}

void report_begin(struct report *r, bool json)
{
	*r = (struct report){ .json = json, .colour = !json && isatty(STDOUT_FILENO) && terminal_has_colours() };
}

int report_end(struct report *r)
{
	if (r->json)
		puts(r->begun ? "\n}" : "{}");
	if (fflush(stdout) || ferror(stdout))
		r->failed = log_err(-EIO, "cannot write to stdout: %s", strerror(errno));
	return r->failed ? EXIT_FAILED : EXIT_OK;
}

/* Names that others have chosen may be in the text. */
static void put_printable(const char *fmt, va_list ap)
{
	_cleanup_free_ char *raw = NULL, *text = NULL;

	if (vasprintf(&raw, fmt, ap) < 0)
		raw = NULL;
	text = raw ? text_printable(raw) : NULL;
	fputs(text ? text : "out of memory", stdout);
}

/* Separate a line from the table above it. */
static void separate(struct report *r)
{
	if (r->after_table)
		putchar('\n');
	r->after_table = false;
	r->begun = true;
}

static void line(struct report *r, const char *title, const char *colour, const char *fmt,
		 va_list ap)
{
	if (r->json)
		return;
	separate(r);
	printf("%s%-*s%s%s", paint(r, BOLD), LINE_WIDTH, title, paint(r, PLAIN), colour);
	put_printable(fmt, ap);
	printf("%s\n", *colour ? PLAIN : "");
}

void report_line(struct report *r, const char *title, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(r, title, "", fmt, ap);
	va_end(ap);
}

void report_health(struct report *r, const char *title, bool good, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(r, title, paint(r, good ? GREEN : RED), fmt, ap);
	va_end(ap);
}

void report_note(struct report *r, const char *fmt, ...)
{
	va_list ap;

	if (r->json)
		return;
	separate(r);
	va_start(ap, fmt);
	put_printable(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void report_text(struct report *r, const char *key, const char *text)
{
	if (!r->json)
		return;
	json_key(r, key);
	json_value(json_text(text));
}

void report_flag(struct report *r, const char *key, bool value)
{
	if (!r->json)
		return;
	json_key(r, key);
	printf(value ? "true" : "false");
}

void report_number(struct report *r, const char *key, uint64_t value)
{
	if (!r->json)
		return;
	json_key(r, key);
	printf("%" PRIu64, value);
}

/* ---- table ---- */

void table_begin(struct table *t, struct report *r, const char *key, const struct column *columns)
{
	*t = (struct table){ .report = r, .key = key, .columns = columns };
	while (columns[t->count].key)
		t->count++;
}

void table_begin_stream(struct table *t, struct report *r, const char *key, const struct column *columns)
{
	table_begin(t, r, key, columns);
	t->streams = true;
}

static void flush_rows(struct table *t);

static struct table_cell *new_row(struct table *t)
{
	struct table_cell *cells;

	if (t->streams && t->kept == TABLE_PAGE)
		flush_rows(t);
	if (t->kept == t->room) {
		t->room = t->room ? 2 * t->room : 32;
		cells = reallocarray(t->cells, t->room, t->count * sizeof(*cells));
		if (!cells) {
			t->room = t->kept;
			return NULL;
		}
		t->cells = cells;
	}
	t->rows++;
	return memset(&t->cells[t->kept++ * t->count], 0, t->count * sizeof(*t->cells));
}

void table_add(struct table *t, const union cell_value *values, size_t count)
{
	struct table_cell *row = new_row(t);
	size_t i;

	assert(count == t->count);
	if (!row) {
		t->report->failed = log_err(-ENOMEM, "no memory for table %s", t->key);
		return;
	}
	for (i = 0; i < count; i++)
		if (t->columns[i].kind != CELL_TEXT)
			row[i].number = values[i].number;
		else if (values[i].text)
			row[i].text = t->report->json ? strdup(values[i].text) : text_printable(values[i].text);
}

/* Unlocked and unformatted: a table may have a million rows. */
static void put(const char *text)
{
	fputs_unlocked(text, stdout);
}

static struct json_object *json_cell(const struct column *col, const struct table_cell *cell)
{
	char text[TEXT_LEN];

	if (col->kind == CELL_TEXT)
		return json_text(cell->text);
	if (cell->number == NO_NUMBER)
		return NULL;
	if (col->kind == CELL_FLAG)
		return json_object_new_boolean(cell->number);
	if (col->kind != CELL_RATIO)
		return json_object_new_uint64(cell->number);
	snprintf(text, sizeof(text), "%.3f", cell->number / 1000.0);
	return json_object_new_double_s(cell->number / 1000.0, text);
}

static void print_json(struct table *t)
{
	struct json_object *object;
	size_t row, i;

	if (!t->printed) {
		json_key(t->report, t->key);
		putchar('[');
	}
	for (row = 0; row < t->kept; row++) {
		object = json_object_new_object();
		for (i = 0; i < t->count; i++)
			json_object_object_add(object, t->columns[i].key,
					       json_cell(&t->columns[i], &t->cells[row * t->count + i]));
		put(t->printed || row ? ",\n    " : "\n    ");
		json_value(object);
	}
}

static void blanks(size_t n)
{
	while (n--)
		putchar_unlocked(' ');
}

static void print_cell(const struct column *col, const char *text, size_t width, bool last)
{
	size_t pad = width - strlen(text);

	if (col->kind != CELL_TEXT)
		blanks(pad);
	put(text);
	if (!last)
		blanks(GAP + (col->kind == CELL_TEXT ? pad : 0));
}

/* Widen columns to fit the kept rows. Never narrow them. */
static void widen(struct table *t, size_t last)
{
	char buf[TEXT_LEN];
	size_t row, i, len;

	for (i = 0; i <= last && !t->printed; i++)
		t->width[i] = t->columns[i].title ? strlen(t->columns[i].title) : 0;
	for (row = 0; row < t->kept; row++)
		for (i = 0; i <= last; i++) {
			len = strlen(cell_text(&t->columns[i], &t->cells[row * t->count + i], buf));
			if (len > t->width[i])
				t->width[i] = len;
		}
}

static void print_titles(struct table *t, size_t last)
{
	size_t i;

	if (t->report->begun)
		putchar('\n');
	fputs(paint(t->report, BOLD), stdout);
	for (i = 0; i <= last; i++)
		if (t->columns[i].title)
			print_cell(&t->columns[i], t->columns[i].title, t->width[i], i == last);
	printf("%s\n", paint(t->report, PLAIN));
}

static void print_text(struct table *t)
{
	size_t last = t->count - 1, row, i;
	char buf[TEXT_LEN];

	while (last && !t->columns[last].title)
		last--;
	if (!t->width)
		t->width = calloc(t->count, sizeof(*t->width));
	if (!t->width || !t->kept)
		return;
	widen(t, last);
	if (!t->printed)
		print_titles(t, last);
	for (row = 0; row < t->kept; row++, putchar('\n'))
		for (i = 0; i <= last; i++)
			if (t->columns[i].title)
				print_cell(&t->columns[i],
					   cell_text(&t->columns[i], &t->cells[row * t->count + i], buf),
					   t->width[i], i == last);
	t->report->begun = true;
	t->report->after_table = true;
}

/* Print and free the kept rows. */
static void flush_rows(struct table *t)
{
	size_t i;

	if (t->report->json)
		print_json(t);
	else
		print_text(t);
	for (i = 0; i < t->kept * t->count; i++)
		free(t->cells[i].text);
	t->printed += t->kept;
	t->kept = 0;
}

void table_end(struct table *t)
{
	flush_rows(t);
	if (t->report->json)
		fputs(t->rows ? "\n  ]" : "]", stdout);
	free(TAKE_PTR(t->cells));
	free(TAKE_PTR(t->width));
}
