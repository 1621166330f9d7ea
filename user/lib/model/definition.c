// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/forwarding_text.h"
#include "lib/base/log.h"
#include "lib/model/definition.h"

#define STATE_DIR "/var/lib/ebpfnet"
#define KEPT_BPFFS "/sys/fs/bpf/ebpfnet"
#define PATH 160
#define DEPTH 4			/* of nesting in a file */

bool definition_is_kept(const struct store *s)
{
	return !strcmp(s->dir, KEPT_BPFFS);
}

static const char *file_path(const char *name, char path[PATH])
{
	snprintf(path, PATH, DEFINITION_DIR "/%.63s" DEFINITION_SUFFIX, name);
	return path;
}

bool definition_is_there(const char *name)
{
	char path[PATH];

	return !access(file_path(name, path), F_OK);
}

/* ---- text ---- */

static struct json_object *cidr_json(const struct cidr *c)
{
	char text[CIDR_TEXT];

	return json_object_new_string(cidr_text(c, text));
}

static struct json_object *list_json(const struct cidr list[EBPFNET_UNMASQUERADED])
{
	struct json_object *out = json_object_new_array();
	int i;

	for (i = 0; out && i < EBPFNET_UNMASQUERADED && list[i].prefix; i++)
		json_object_array_add(out, cidr_json(&list[i]));
	return out;
}

char *definition_format(const struct net_record *rec)
{
	struct json_object *j = json_object_new_object();
	bool own = rec->flags & NETWORK_OWN_FORWARDING;
	char addr[ADDR_TEXT], *text = NULL;

	if (!j)
		return NULL;
	json_object_object_add(j, "name", json_object_new_string(rec->name));
	json_object_object_add(j, "id", rec->id[0] ? json_object_new_string(rec->id) : NULL);
	json_object_object_add(j, "subnet", cidr_json(&rec->subnet));
	json_object_object_add(j, "gateway", json_object_new_string(addr_text(rec->gateway, addr)));
	json_object_object_add(j, "range", rec->range.prefix ? cidr_json(&rec->range) : NULL);
	json_object_object_add(j, "internal", json_object_new_boolean(rec->flags & NETWORK_INTERNAL));
	json_object_object_add(j, "isolated", json_object_new_boolean(!!(rec->flags & NETWORK_ISOLATED)));
	json_object_object_add(j, "no_masquerade", list_json(rec->unmasqueraded));
	json_object_object_add(j, "mtu", json_object_new_int64(rec->mtu));
	json_object_object_add(j, "forwarding", own ? json_object_new_string(forwarding_text(rec->forwarding)) : NULL);
	if (asprintf(&text, "%s\n", json_object_to_json_string_ext(j, JSON_C_TO_STRING_PRETTY |
								     JSON_C_TO_STRING_NOSLASHESCAPE)) < 0)
		text = NULL;
	json_object_put(j);
	return text;
}

/* The member's text; "" if it is missing or null, NULL if it is something else or does not fit. */
static const char *member_text(struct json_object *j, const char *key, size_t room)
{
	struct json_object *member;
	const char *text;

	if (!json_object_object_get_ex(j, key, &member) || !member)
		return "";
	text = json_object_is_type(member, json_type_string) ? json_object_get_string(member) : NULL;
	return text && strlen(text) == (size_t)json_object_get_string_len(member) && strlen(text) < room ? text : NULL;
}

static bool read_cidr(struct json_object *j, const char *key, struct cidr *out)
{
	const char *text = member_text(j, key, CIDR_TEXT);

	return text && (!*text || !cidr_parse(text, &out->addr, &out->prefix));
}

static bool read_flag(struct json_object *j, const char *key, uint32_t flag, uint32_t *flags)
{
	struct json_object *member;

	if (!json_object_object_get_ex(j, key, &member) || !member)
		return true;
	if (json_object_get_boolean(member))
		*flags |= flag;
	return json_object_is_type(member, json_type_boolean);
}

static bool read_list(struct json_object *j, struct cidr list[EBPFNET_UNMASQUERADED])
{
	struct json_object *member, *one;
	size_t i, n;

	if (!json_object_object_get_ex(j, "no_masquerade", &member) || !member)
		return true;
	if (!json_object_is_type(member, json_type_array))
		return false;
	n = json_object_array_length(member);
	for (i = 0; i < n && i < EBPFNET_UNMASQUERADED; i++) {
		one = json_object_array_get_idx(member, i);
		if (!json_object_is_type(one, json_type_string) ||
		    cidr_parse_any(json_object_get_string(one), &list[i].addr, &list[i].prefix))
			return false;
	}
	return n <= EBPFNET_UNMASQUERADED;
}

static bool read_mtu(struct json_object *j, uint32_t *out)
{
	struct json_object *member;
	int64_t mtu;

	if (!json_object_object_get_ex(j, "mtu", &member) || !member)
		return true;
	mtu = json_object_get_int64(member);
	*out = mtu;
	return json_object_is_type(member, json_type_int) && mtu >= 0 && mtu <= 65535;
}

static bool read_forwarding(struct json_object *j, struct network_def *out)
{
	const char *text = member_text(j, "forwarding", 16);

	if (!text || (*text && !forwarding_parse(text, &out->forwarding)))
		return false;
	out->flags |= *text ? NETWORK_OWN_FORWARDING : 0;
	return true;
}

static const char *read_members(struct json_object *j, struct network_def *out)
{
	const char *name = member_text(j, "name", sizeof(out->name)), *id = member_text(j, "id", sizeof(out->id));
	const char *gateway = member_text(j, "gateway", ADDR_TEXT);

	*out = (struct network_def){};
	if (!name || !*name)
		return "name";
	if (!id)
		return "id";
	snprintf(out->name, sizeof(out->name), "%s", name);
	snprintf(out->id, sizeof(out->id), "%s", id);
	if (!gateway || (*gateway && addr_parse(gateway, &out->gateway)))
		return "gateway";
	if (!read_cidr(j, "subnet", &out->subnet))
		return "subnet";
	if (!read_cidr(j, "range", &out->range))
		return "range";
	if (!read_flag(j, "internal", NETWORK_INTERNAL, &out->flags))
		return "internal";
	if (!read_flag(j, "isolated", NETWORK_ISOLATED, &out->flags))
		return "isolated";
	if (!read_list(j, out->unmasqueraded))
		return "no_masquerade";
	if (!read_forwarding(j, out))
		return "forwarding";
	return read_mtu(j, &out->mtu) ? NULL : "mtu";
}

const char *definition_parse(const char *text, struct network_def *out)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH);
	const char *wrong = "the whole file";
	struct json_object *j = NULL;

	if (tok) {
		json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
		j = json_tokener_parse_ex(tok, text, strlen(text) + 1);
		json_tokener_free(tok);
	}
	if (json_object_is_type(j, json_type_object))
		wrong = read_members(j, out);
	json_object_put(j);
	return wrong;
}

/* ---- files ---- */

static int write_file(const char *path, const char *text)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	size_t len = strlen(text);

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len || fsync(fd))
		return errno ? -errno : -EIO;
	return 0;
}

int definition_write(const struct net_record *rec)
{
	_cleanup_free_ char *text = definition_format(rec);
	char path[PATH], temporary[PATH];
	int r;

	mkdir("/var/lib", 0755);
	mkdir(STATE_DIR, 0755);
	mkdir(DEFINITION_DIR, 0755);
	file_path(rec->name, path);
	snprintf(temporary, sizeof(temporary), DEFINITION_DIR "/.new");
	r = text ? write_file(temporary, text) : -ENOMEM;
	if (!r && rename(temporary, path))
		r = -errno;
	if (r)
		log_warn("cannot write %s, so network %s does not come back after a boot: %s", path, rec->name,
			 strerror(-r));
	return r;
}

int definition_remove(const char *name)
{
	char path[PATH];

	unlink(DEFINITION_DIR "/.new"); /* of a command that was killed */
	if (unlink(file_path(name, path)) && errno != ENOENT)
		return log_err(-errno, "cannot remove %s: %s", path, strerror(errno));
	rmdir(DEFINITION_DIR); /* they fail, as they should, if they are not empty */
	rmdir(STATE_DIR);
	return 0;
}

/* The writer of these files decides which networks there are. */
static int check_owner(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st))
		return log_err(-errno, "cannot read %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 022)
		return log_err(-EPERM, "%s is not used: others than its owner, who runs this, may write to it",
			       path);
	return 0;
}

int definition_read(const char *name, struct network_def *out)
{
	char path[PATH], text[DEFINITION_BYTES + 1];
	_cleanup_fd_ int fd = -1;
	const char *wrong;
	ssize_t n;
	int r;

	fd = open(file_path(name, path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return log_err(-errno, "cannot read %s: %s", path, strerror(errno));
	r = check_owner(fd, path);
	if (r)
		return r;
	n = read(fd, text, sizeof(text));
	if (n < 0)
		return log_err(-errno, "cannot read %s: %s", path, strerror(errno));
	if (n > DEFINITION_BYTES)
		return log_err(-EINVAL, "%s is longer than %d bytes; correct or remove it", path, DEFINITION_BYTES);
	text[n] = '\0';
	wrong = definition_parse(text, out);
	if (!wrong && strcmp(out->name, name))
		wrong = "name";
	if (wrong)
		return log_err(-EINVAL, "%s is no definition of a network: %s is wrong; correct or remove it", path,
			       wrong);
	out->kept = true;
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

size_t definition_names(char (*names)[EBPFNET_NETWORK_LEN], size_t max)
{
	_cleanup_dir_ DIR *dir = opendir(DEFINITION_DIR);
	struct dirent *entry;
	size_t count = 0;

	while (dir && count < max && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name), end = strlen(DEFINITION_SUFFIX);

		if (entry->d_name[0] == '.' || len <= end || len - end >= EBPFNET_NETWORK_LEN ||
		    strcmp(entry->d_name + len - end, DEFINITION_SUFFIX))
			continue;
		snprintf(names[count++], EBPFNET_NETWORK_LEN, "%.*s", (int)(len - end), entry->d_name);
	}
	qsort(names, count, sizeof(*names), by_text);
	return count;
}
