/*
 * The control protocol between the keeper and its Node process: frames over one stream socket.
 *
 *   frame   = u32 length of what follows | u8 type | u32 task id | field...
 *   field   = u8 tag | u32 length | bytes
 *
 * All numbers are little-endian; a numeric field is 8 bytes. Unknown tags are skipped, so either
 * side may be newer. The TypeScript side is packages/cofferdam/src/keeper/wire.ts.
 */
#ifndef COFFERDAM_WIRE_H
#define COFFERDAM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION 4
#define WIRE_FRAME_MAX (64u << 20)
#define WIRE_HEADER 5 /* type and task id, after the length */

enum wire_request {
	REQ_START = 1,	  /* ARG+ ENV* CWD STDIO [TIMEOUT GRACE MEMORY SOCKET TOKEN SCRATCH
			   * PROCESSES_MAX CPUS OPEN_FILES CORE NO_NETWORK HOST_IPC CGROUP
			   * PIDS BULK JOBSERVER HOLD JOIN] */
	REQ_OPENED = 2,	  /* the pipe ends of STARTED are open on the other side */
	REQ_STOP = 3,	  /* [GRACE]: end the task by the ladder */
	REQ_DEADLINE = 4, /* TIMEOUT: end the task that many ms from now; 0 disarms */
	REQ_SIGNAL = 5,	  /* NUMBER: hand a signal to the command's group */
	REQ_RESUME = 6,	  /* a stopped foreground command goes on */
};

enum wire_event {
	EVT_HELLO = 1,	  /* NUMBER(version) PATH(run) TREE PROC [CGROUP] NOTE*, of the sweep
			   * STARTED(runs) KILLED(processes) PROCESSES(stuck) */
	EVT_STARTED = 2,  /* PID FDS */
	EVT_EXITED = 3,	  /* STATUS: the command is over and has left something, which ends now */
	EVT_ENDED = 4,	  /* see task.c */
	EVT_SAMPLE = 5,	  /* MEMORY PROCESSES, of all tasks together */
	EVT_STUCK = 6,	  /* STUCK*: the kernel does not let the task die */
	EVT_STOPPED = 7,  /* the foreground command was stopped from the terminal */
	EVT_REFUSED = 8,  /* STAGE ERRNO: the task could not be started */
};

enum wire_tag {
	TAG_ARG = 1,
	TAG_ENV = 2, /* NAME=VALUE, and more of them after a NUL each */
	TAG_CWD = 3,
	TAG_STDIO = 4, /* three bytes, see enum stdio_mode */
	TAG_TIMEOUT = 5,
	TAG_GRACE = 6,
	TAG_MEMORY = 7,
	TAG_SOCKET = 8, /* path of the listening socket that becomes descriptor 3 */
	TAG_TOKEN = 9,	/* what to write on it first */
	TAG_SCRATCH = 10,
	TAG_NUMBER = 11,
	TAG_PATH = 12,
	TAG_PID = 13,
	TAG_FDS = 14, /* four i32: stdin, stdout, stderr and the bulk file in the keeper; -1 none */
	TAG_STATUS = 15,
	TAG_CAUSE = 16, /* enum end_cause */
	TAG_USER_US = 17,
	TAG_SYSTEM_US = 18,
	TAG_PEAK = 19,
	TAG_STARTED = 20, /* ENDED: processes, and the init where it was started for this task */
	TAG_KILLED = 21,
	TAG_LEAK = 22, /* "kind\tpid\tparent\tbytes\tage in ms\thow\taction\torphaned\tparents\tname";
			* parents: "pid name", by 0x1f, the nearest first */
	TAG_STAGE = 23,
	TAG_ERRNO = 24,
	TAG_PROC = 25,
	TAG_NOTE = 26,
	TAG_PROCESSES = 27,
	TAG_TREE = 28,
	TAG_PROCESSES_MAX = 29,
	TAG_CPUS = 30,	     /* how many of the keeper's CPUs the task may run on */
	TAG_OPEN_FILES = 31, /* RLIMIT_NOFILE */
	TAG_CORE = 32,	     /* RLIMIT_CORE, bytes */
	TAG_NO_NETWORK = 33, /* a network namespace of its own, with loopback alone */
	TAG_HOST_IPC = 34,   /* the host's SysV objects and /dev/shm */
	TAG_CGROUP = 35,     /* HELLO: what our cgroups can do, "kill memory pids"; else missing.
			      * START: put the task into one even in a namespace */
	TAG_PIDS = 36,	     /* bound for processes and threads, held by the kernel */
	TAG_EXACT = 37,	     /* PEAK is the kernel's own figure */
	TAG_STUCK = 38,	     /* "pid\tstate\tname" */
	TAG_BULK = 39,	     /* a file in memory, open on both sides; the command's descriptor 4 */
	TAG_JOBSERVER = 40,  /* how many jobs make may run at once; the command's descriptor 5 */
	TAG_HOLD = 41,	     /* ARG is a name and not run: an IPC namespace and a /dev/shm for others */
	TAG_JOIN = 42,	     /* PID that was told of the task which holds those to be joined */
	TAG_NONBLOCKING = 43, /* the command's descriptor 3 never blocks */
	TAG_FIRST_CHANNEL = 44, /* the socket on the keeper's 7 becomes descriptor 3; once */
	TAG_OLD_MAKEFLAGS = 45, /* the variable MAKEFLAGS for a make before 4.4, see makeflags.h */
};

enum stdio_mode { STDIO_NULL = 0, STDIO_PIPE = 1, STDIO_INHERIT = 2 };

enum end_cause {
	CAUSE_NONE = 0,
	CAUSE_TIMEOUT = 1,
	CAUSE_MEMORY = 2,
	CAUSE_STOPPED = 3, /* asked for */
	CAUSE_PROCESSES = 5, /* more processes than the bound */
	CAUSE_INIT_LOST = 4, /* somebody killed the init: everything in it died with it */
};

/* A growing byte buffer. After a failed allocation `failed` is set and appends do nothing. */
struct buffer {
	uint8_t *data;
	size_t length;
	size_t capacity;
	bool failed;
};

void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_consume(struct buffer *buffer, size_t length);
void buffer_free(struct buffer *buffer);

/* Building a frame: begin, fields, end. Returns where the frame starts, for wire_end. */
size_t wire_begin(struct buffer *out, uint8_t type, uint32_t task);
void wire_bytes(struct buffer *out, uint8_t tag, const void *bytes, size_t length);
void wire_text(struct buffer *out, uint8_t tag, const char *text);
void wire_number(struct buffer *out, uint8_t tag, uint64_t value);
void wire_end(struct buffer *out, size_t start);

struct wire_frame {
	uint8_t type;
	uint32_t task;
	const uint8_t *fields;
	size_t length;
};

struct wire_field {
	uint8_t tag;
	const uint8_t *bytes;
	size_t length;
};

/* 1: a frame was found and *size is what it takes up; 0: not all there yet; -1: malformed. */
int wire_next_frame(const uint8_t *bytes, size_t length, struct wire_frame *frame, size_t *size);
/* 1: a field was found, *offset moved on; 0: the end; -1: malformed. */
int wire_next_field(const struct wire_frame *frame, size_t *offset, struct wire_field *field);
uint64_t wire_field_number(const struct wire_field *field);

#endif
