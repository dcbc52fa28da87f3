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

struct counts {
	size_t arguments;
	size_t variables;
	size_t environment_bytes;
};

static struct counts count(const struct wire_frame *frame)
{
	struct counts counts = {0};
	size_t offset = 0;
	struct wire_field field;
	while (wire_next_field(frame, &offset, &field) == 1) {
		if (field.tag == TAG_ARG)
			counts.arguments++;
		if (field.tag != TAG_ENV)
			continue;
		counts.variables++;
		for (size_t i = 0; i < field.length; i++)
			counts.variables += field.bytes[i] == 0;
		counts.environment_bytes += field.length + 1;
	}
	return counts;
}

/* Variables, with a NUL between them. */
static void add_variables(struct task_spec *spec, const struct wire_field *field)
{
	char *at = spec->environment + spec->environment_bytes;
	memcpy(at, field->bytes, field->length);
	at[field->length] = 0;
	spec->environment_bytes += field->length + 1;
	char *end = spec->environment + spec->environment_bytes;
	for (; at < end; at += strlen(at) + 1)
		spec->env[spec->variables++] = at;
}

static bool put_text(char **into, const struct wire_field *field)
{
	free(*into);
	*into = field_text(field);
	return *into != NULL;
}

static bool parse_field(struct task_spec *spec, const struct wire_field *field, size_t *args)
{
	switch (field->tag) {
	case TAG_ARG:
		return (spec->argv[(*args)++] = field_text(field)) != NULL;
	case TAG_ENV:
		add_variables(spec, field);
		return true;
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
	case TAG_FIRST_CHANNEL:
		spec->first_channel = true;
		return true;
	case TAG_NONBLOCKING:
		spec->nonblocking = true;
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
	case TAG_JOBSERVER:
		spec->jobs = wire_field_number(field);
		return spec->jobs <= JOBS_MAX;
	case TAG_OLD_MAKEFLAGS:
		return put_text(&spec->old_makeflags, field);
	case TAG_HOLD:
		spec->hold = true;
		return true;
	case TAG_JOIN:
		spec->join = (pid_t)(wire_field_number(field) & INT32_MAX);
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
	struct counts counts = count(frame);
	spec->argv = calloc(counts.arguments + 1, sizeof *spec->argv);
	spec->env = calloc(counts.variables + 2, sizeof *spec->env); /* with the cookie */
	spec->environment = malloc(counts.environment_bytes + 1);
	bool good = spec->argv && spec->env && spec->environment;
	size_t offset = 0, args = 0;
	struct wire_field field;
	int more = 0;
	while (good && (more = wire_next_field(frame, &offset, &field)) == 1)
		good = parse_field(spec, &field, &args);
	if (good && more == 0 && args > 0)
		return true;
	spec_free(spec);
	return false;
}

void spec_add_cookie(struct task_spec *spec, const char *run, uint32_t task)
{
	snprintf(spec->cookie, sizeof spec->cookie, "COFFERDAM_TASK=%s.%u", run, task);
	spec->env[spec->variables++] = spec->cookie;
}

void spec_free(struct task_spec *spec)
{
	for (char **at = spec->argv; at && *at; at++)
		free(*at);
	free(spec->argv);
	free(spec->env);
	free(spec->environment);
	free(spec->cwd);
	free(spec->socket_path);
	free(spec->old_makeflags);
	memset(spec, 0, sizeof *spec);
}
