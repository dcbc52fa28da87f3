/* What to run, as START said it. Lives until the task has ended. */
#ifndef COFFERDAM_SPEC_H
#define COFFERDAM_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

/* So many tokens a pipe holds on any machine. */
#define JOBS_MAX 4096

struct task_spec {
	char **argv;
	char **env; /* into environment, and then the cookie */
	size_t variables;
	char *environment;
	size_t environment_bytes;
	char cookie[64];
	char *cwd;
	uint8_t stdio[3]; /* enum stdio_mode */
	uint64_t timeout_ms; /* 0: none */
	uint64_t grace_ms;
	uint64_t memory_bytes; /* 0: no bound */
	char *socket_path;
	uint8_t token[64];
	size_t token_length;
	bool first_channel; /* in place of that socket */
	bool nonblocking;   /* the command's end of either */
	bool scratch;
	uint64_t processes_max; /* 0: no bound */
	uint64_t cpus;		/* 0: all */
	int64_t open_files;	/* -1: as the keeper has it */
	int64_t core_bytes;	/* -1: as the keeper has it */
	bool no_network;
	bool host_ipc;
	bool cgroup;	/* asked for; outside namespaces it is had anyway */
	uint64_t pids;	/* 0: no bound */
	bool bulk;	/* a memory file for descriptor 4 */
	uint64_t jobs;	/* 0: no jobserver */
	char *old_makeflags; /* in place of the one in `env`, see makeflags.h; or NULL */
	bool hold;	/* the command is not run: namespaces for others, see share.h */
	pid_t join;	/* the init whose namespaces it is in; 0: its own */
};

/* Parses the fields of a START frame. False: malformed or out of memory; the spec is then empty. */
bool spec_parse(const struct wire_frame *frame, struct task_spec *spec);
/* Adds COFFERDAM_TASK=RUN.ID to the environment, once: by it a later sweep knows the processes. */
void spec_add_cookie(struct task_spec *spec, const char *run, uint32_t task);
void spec_free(struct task_spec *spec);

#endif
