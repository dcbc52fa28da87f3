/* A task as the keeper holds it: one init, its pipes, its clock, and what became of it. */
#ifndef COFFERDAM_TASK_H
#define COFFERDAM_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroup.h"
#include "init.h"
#include "ledger.h"
#include "scratch.h"
#include "spec.h"
#include "tree.h"
#include "wire.h"

/* How long an init may take to kill and reap its tree before it is killed itself. */
#define FORCE_AFTER_MS 4000
/* Meanwhile: between two looks whether somebody holds it. Found so twice, it is killed at once. */
#define HELD_EVERY_MS 100
#define HELD_LOOKS 2
/* How long a killed init may take to die before the task is called stuck (D state, mostly). */
#define STUCK_AFTER_MS 5000
/* Between two looks whether a cgroup can be removed, after its processes were killed. */
#define VACATE_EVERY_MS 2

enum task_phase {
	TASK_RUNNING,
	TASK_TERMINATING, /* TERM sent; ORDER_KILL follows at `step_at` */
	TASK_KILLING,	  /* ORDER_KILL sent; the init itself follows at `force_at`, or if it is held */
	TASK_FORCED,	  /* the init was killed; `stuck` at `step_at` */
	TASK_ORPHANED,	  /* it died before its tree, which is ours to end; `stuck` at `step_at` */
	TASK_VACATING,	  /* the init is dead; what its cgroup holds is dying */
	TASK_REMOVING,	  /* all dead; a child is removing the scratch folder */
	TASK_ENDED,	  /* told; kept until the other side has opened our ends */
};

/* What is announced in TAG_FDS: the ends of the pipes for 0, 1 and 2, and the bulk file. */
enum { END_BULK = 3, ENDS = 4 };

struct task {
	struct task *next;
	uint32_t id;
	struct task_spec spec;
	enum task_phase phase;
	pid_t init; /* 0: it has gone on to wait for another task */
	int init_pidfd;
	uint32_t init_name; /* in the ledger: the first task that it served, or 0: it was there before */
	bool init_is_new;   /* this is its first */
	int cgroup; /* what its command was born in, or -1 */
	int jobserver; /* keeps its tokens for the task; or -1 */
	bool memory_hard;
	int channel;
	int ends[ENDS]; /* ours, until the other side has opened them; -1 none */
	bool foreground;
	uint64_t deadline_at; /* 0: none */
	uint64_t step_at;     /* 0: none */
	uint64_t force_at;
	unsigned held_looks; /* in a row */
	enum end_cause cause;
	pid_t remover;
	int remover_pidfd;
	bool stuck_told;
	unsigned dying; /* processes below an init that was killed, at the last look */
	/* what the init told */
	bool done;
	bool init_waits; /* ...and its init for another task */
	struct init_report last; /* REPORT_DONE, or REPORT_FAILED in `failed` */
	bool failed;
	bool command_gone;
	int32_t command_status; /* as wait(2) gives it */
	uint64_t memory_bytes;
	uint32_t processes;
	uint64_t peak_bytes;
	bool peak_exact;
	uint64_t vacate_until;
	struct buffer leaks; /* TAG_LEAK fields, ready to send */
};

enum tree_kind { TREE_NAMESPACE, TREE_USER_NAMESPACE, TREE_SUBREAPER };

struct keeper {
	struct ledger ledger;
	struct cgroup_run cgroups;
	struct scratch scratch;
	int control;
	int epoll;
	int own_pidfd;
	int null_device;
	int last_pid; /* /proc/sys/kernel/ns_last_pid, or -1 */
	sigset_t ignored;
	int inherited[3]; /* the Node process's own stdio, or -1 */
	int first_channel; /* a socket to the Node process, until a task has it; then -1 */
	enum tree_kind tree;
	bool proc_own;
	uint32_t pid_max;
	pid_t node;
	pid_t node_group; /* as it was at the start: a dead process has none */
	struct task *tasks;
	struct tree_view view; /* outside namespaces: our own children */
	uint64_t orphans_at;
	uint64_t trackers_at; /* Python's resource trackers are killed too, from here on */
	unsigned orphan_rounds;
	unsigned orphan_looks; /* that have found nobody, in a row */
	struct spare *spares; /* inits that wait for a task, the last to come first; see spares.h */
	struct spare *ended_spares; /* in this round of events; freed after it */
	struct task *graveyard; /* ended in this round of events; freed after it */
	struct buffer in;
	struct buffer out;
	bool out_waits; /* the other side reads slowly: epoll tells when it has */
	bool samples_changed;
	uint64_t sample_told_at;
};

/* What an epoll entry points at, in its data.u64: kind in the low three bits of a pointer. */
enum watch_kind { WATCH_CONTROL = 1, WATCH_SIGNALS, WATCH_NODE, WATCH_INIT, WATCH_CHANNEL, WATCH_REMOVER, WATCH_SPARE };

bool keeper_watch(struct keeper *keeper, int fd, enum watch_kind kind, struct task *task,
		  uint32_t events);
/*
 * Off the watch before it is closed: a child that was forked a moment ago may still hold a copy, and
 * epoll drops a descriptor by itself only when the last copy is closed. Its events would go on, and
 * point at what is freed.
 */
void keeper_close_watched(const struct keeper *keeper, int *fd);

/* The other side holds its own copies of our ends: close them. */
void task_on_opened(struct keeper *keeper, struct task *task);
void tasks_free_ended(struct keeper *keeper);

/* Starts what the frame asks for; tells REFUSED, or STARTED unless it is one that holds. */
void task_start(struct keeper *keeper, const struct wire_frame *frame);
/* Of one that holds: once its namespaces are complete. Who joined before would share the host's. */
void task_tell_started(struct keeper *keeper, const struct task *task);
/* Clones an init. -1: errno. The caller closes its copies of what the child was given. */
pid_t task_clone_init(const struct keeper *keeper, struct init_setup *setup, int *pidfd);

/* Where the pids of that init's namespace begin. */
uint32_t task_first_pid(const struct keeper *keeper, pid_t init);
/* Gives the task an init, which starts it. NULL, or the step that failed, with errno. */
const char *task_engage_init(struct keeper *keeper, struct task *task,
			     const struct wire_frame *frame, struct init_setup *setup);

struct task *task_find(const struct keeper *keeper, uint32_t id);
/* Begins the ladder: TERM, and KILL after the grace; with no grace at once. */
void task_stop(struct keeper *keeper, struct task *task, enum end_cause cause, uint64_t grace_ms);
void task_order(struct task *task, enum order_kind kind, int value);
/* Takes the ladder to that phase, and does what it says. */
void task_step(struct keeper *keeper, struct task *task, enum task_phase phase, uint64_t now);
/* The init has begun to kill its tree, or was told to; it is given its time. */
void task_await_kill(struct task *task, uint64_t now);
/* The kernel does not let the task die: tells so, once. */
void task_tell_stuck(struct keeper *keeper, struct task *task);
/* Takes the ladder's next step or fires the deadline where it is time. */
void task_tick(struct keeper *keeper, struct task *task, uint64_t now);
/* When task_tick has something to do next; 0: never. */
uint64_t task_next_time(const struct task *task);

void task_on_channel(struct keeper *keeper, struct task *task);
/* The init can be waited for: in a namespace every process of the task is gone. */
void task_on_init_death(struct keeper *keeper, struct task *task);
/* The init waits for another task: it has told that no process of this one is left. */
void task_on_init_waiting(struct keeper *keeper, struct task *task);
/* Every process of the task is gone: what is left are its files. */
void task_gone(struct keeper *keeper, struct task *task);
/* The cgroup goes first: that it can be removed is the proof that nobody is in it. */
void task_vacate(struct keeper *keeper, struct task *task);
void task_on_removed(struct keeper *keeper, struct task *task);
/* Its scratch folder could not be removed: a leak. */
void task_note_scratch(const struct keeper *keeper, struct task *task);
/* Kills the init outright. */
void task_force(struct task *task);

#endif
