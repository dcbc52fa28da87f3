#include "spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRACE_DEFAULT_MS 5000

/* A field as a C string; NULL where it holds a NUL (an argument cannot) or memory is short. */
static char *field_text(const struct wire_field *field)
{
	if (memchr(field->bytes, 0, field->length))
		return NULL;
	char *text = malloc(field->length + 1);
	if (!text)
		return NULL;
	memcpy(text, field->bytes, field->length);
	text[field->length] = 0;
	return text;
}

static void free_list(char **list)
{
	for (char **at = list; at && *at; at++)
		free(*at);
	free(list);
}

static size_t count_fields(const struct wire_frame *frame, uint8_t tag)
{
	size_t offset = 0, count = 0;
	struct wire_field field;
	while (wire_next_field(frame, &offset, &field) == 1)
		count += field.tag == tag;
	return count;
}

static bool put_text(char **into, const struct wire_field *field)
{
	free(*into);
	*into = field_text(field);
	return *into != NULL;
}

static bool parse_field(struct task_spec *spec, const struct wire_field *field, size_t *args,
			size_t *vars)
{
	switch (field->tag) {
	case TAG_ARG:
		return (spec->argv[(*args)++] = field_text(field)) != NULL;
	case TAG_ENV:
		return (spec->env[(*vars)++] = field_text(field)) != NULL;
	case TAG_CWD:
		return put_text(&spec->cwd, field);
	case TAG_STDIO:
		if (field->length != 3)
			return false;
		for (int i = 0; i < 3; i++) {
			if (field->bytes[i] > STDIO_INHERIT)
				return false;
			spec->stdio[i] = field->bytes[i];
		}
		return true;
	case TAG_TIMEOUT:
		spec->timeout_ms = wire_field_number(field);
		return true;
	case TAG_GRACE:
		spec->grace_ms = wire_field_number(field);
		return true;
	case TAG_MEMORY:
		spec->memory_bytes = wire_field_number(field);
		return true;
	case TAG_SOCKET:
		return put_text(&spec->socket_path, field);
	case TAG_TOKEN:
		if (field->length > sizeof spec->token)
			return false;
		memcpy(spec->token, field->bytes, field->length);
		spec->token_length = field->length;
		return true;
	case TAG_SCRATCH:
		spec->scratch = true;
		return true;
	case TAG_PROCESSES_MAX:
		spec->processes_max = wire_field_number(field);
		return true;
	case TAG_CPUS:
		spec->cpus = wire_field_number(field);
		return true;
	case TAG_OPEN_FILES:
		spec->open_files = (int64_t)(wire_field_number(field) & INT64_MAX);
		return true;
	case TAG_CORE:
		spec->core_bytes = (int64_t)(wire_field_number(field) & INT64_MAX);
		return true;
	case TAG_NO_NETWORK:
		spec->no_network = true;
		return true;
	case TAG_HOST_IPC:
		spec->host_ipc = true;
		return true;
	case TAG_CGROUP:
		spec->cgroup = true;
		return true;
	case TAG_PIDS:
		spec->pids = wire_field_number(field);
		return true;
	case TAG_BULK:
		spec->bulk = true;
		return true;
	default:
		return true;
	}
}

bool spec_parse(const struct wire_frame *frame, struct task_spec *spec)
{
	memset(spec, 0, sizeof *spec);
	spec->grace_ms = GRACE_DEFAULT_MS;
	spec->open_files = spec->core_bytes = -1;
	spec->argv = calloc(count_fields(frame, TAG_ARG) + 1, sizeof *spec->argv);
	spec->env = calloc(count_fields(frame, TAG_ENV) + 1, sizeof *spec->env);
	bool good = spec->argv && spec->env;
	size_t offset = 0, args = 0, vars = 0;
	struct wire_field field;
	int more = 0;
	while (good && (more = wire_next_field(frame, &offset, &field)) == 1)
		good = parse_field(spec, &field, &args, &vars);
	if (good && more == 0 && args > 0)
		return true;
	spec_free(spec);
	return false;
}

bool spec_add_cookie(struct task_spec *spec, const char *run, uint32_t task)
{
	size_t count = 0;
	while (spec->env[count])
		count++;
	char **env = realloc(spec->env, (count + 2) * sizeof *env);
	char *cookie = malloc(64);
	if (env)
		spec->env = env;
	if (!env || !cookie) {
		free(cookie);
		return false;
	}
	snprintf(cookie, 64, "COFFERDAM_TASK=%s.%u", run, task);
	env[count] = cookie;
	env[count + 1] = NULL;
	return true;
}

void spec_free(struct task_spec *spec)
{
	free_list(spec->argv);
	free_list(spec->env);
	free(spec->cwd);
	free(spec->socket_path);
	memset(spec, 0, sizeof *spec);
}
