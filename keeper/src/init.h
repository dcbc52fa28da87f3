/*
 * The init of a task. It starts the command, reaps everything, watches the memory, and tells the
 * keeper. Where it can prove that the task has left its namespaces as they were (footing.h) it waits
 * for another one; in every other case it ends.
 *
 * In a namespace it is pid 1: when it dies, however it dies, the kernel kills every process of the
 * namespace, and waiting for it is the proof that all are gone.
 *
 * Without one it is a child subreaper: what loses its parent becomes its child, so "no children" is
 * "nobody left", for as long as it lives itself. It outlives its keeper to end its tree.
 *
 * Keeper and init speak over a SOCK_SEQPACKET pair, one struct a packet.
 */
#ifndef COFFERDAM_INIT_H
#define COFFERDAM_INIT_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "spec.h"

/*
 * How long after the command's end what still lives is called a leak. Python's resource_tracker
 * outlives a clean exit by 6 to 7 ms, and is none.
 */
#define SETTLE_MS 100

enum order_kind {
	ORDER_GO = 1,	  /* the init is in the ledger: start the command, as pid `value` */
	ORDER_TERM = 2,	  /* TERM and CONT to the command's group */
	ORDER_KILL = 3,	  /* KILL everything, reap, report */
	ORDER_SIGNAL = 4, /* `value` to the command's group */
	ORDER_RESUME = 5, /* foreground again, then CONT */
	ORDER_NEXT = 6,	  /* to an init that waits: its next task; see next-task.h */
};

struct init_order {
	uint32_t kind;
	int32_t value;
};

enum report_kind {
	REPORT_READY = 1,   /* the namespaces of a probe (`proc_own`) or a holder are complete */
	REPORT_FAILED = 2,  /* `stage`, `error` */
	REPORT_EXITED = 3,  /* `status` as wait(2) gives it; not told where DONE follows at once */
	REPORT_SAMPLE = 4,  /* `bytes`, `processes` */
	REPORT_OVER = 5,    /* above a bound (`error`: enum end_cause); the tree is being killed */
	REPORT_LEAK = 6,    /* the fields from `leak` on, `name`, `bytes` */
	REPORT_STOPPED = 7,
	REPORT_DONE = 8,    /* the rest; nothing is left but the init itself, which ends now or `waits` */
};

enum leak_kind {
	LEAK_PROCESS = 1,
	LEAK_SEMAPHORE = 2,
	LEAK_SHARED_MEMORY = 3,
	LEAK_SYSV = 4,
	LEAK_MESSAGE_QUEUE = 5,
	LEAK_SCRATCH = 6, /* told by the keeper alone */
};

enum leak_action { ACTION_KILLED = 1, ACTION_REMOVED = 2, ACTION_LEFT = 3 };

struct init_report {
	uint32_t kind;
	int32_t status;
	int32_t error;
	uint32_t proc_own;
	uint32_t processes; /* SAMPLE: now; DONE: reaped, or the most seen at once if more */
	uint32_t killed;
	uint32_t waits; /* DONE: its namespaces are as new, and it takes another task */
	uint64_t bytes; /* SAMPLE, OVER: now; DONE: the peak of the samples */
	uint64_t user_us;
	uint64_t system_us;
	uint32_t leak;
	int32_t pid;
	int32_t parent;
	uint32_t orphaned;
	uint32_t action; /* enum leak_action */
	uint64_t age_ms;
	char how[20];	   /* it was found */
	char parents[256]; /* as TAG_LEAK has them */
	char stage[24];
	char name[256];
};

struct init_setup {
	const struct task_spec *spec; /* NULL: a probe; its task, if it `stays`, comes later */
	bool stays;
	int channel;	       /* init's end of the pair */
	int keeper_pidfd;      /* readable once the keeper is dead */
	int null_device;
	int last_pid;	       /* the file that moves a namespace's pids, or -1 */
	int stdio[3];	       /* what the command gets as 0, 1, 2 */
	int socket;	       /* what it gets as 3, or -1 */
	int bulk;	       /* what it gets as 4, or -1 */
	int jobserver;	       /* what it gets as 5, or -1 */
	int cgroup;	       /* the one it is born in, or -1 */
	bool memory_hard;      /* which bounds its memory */
	bool isolated;	       /* in new namespaces; else a subreaper */
	bool user_namespace;   /* we are in a new one: map ourselves into it */
	uid_t uid;	       /* who we were outside */
	gid_t gid;
	bool takes_another;    /* may serve another task after this one */
	uint32_t task;	       /* so that neighbours get other CPUs */
	pid_t foreground_of;   /* the process group that holds the terminal now, or 0 */
	sigset_t ignored;      /* what the keeper ignores, and a command should not */
};

/* Runs in the cloned child. Never returns. */
_Noreturn void init_main(const struct init_setup *setup);

/* Sends a report; the keeper's absence is noticed elsewhere. */
void init_send(int channel, const struct init_report *report);

/* REPORT_FAILED with errno. Async-signal-safe. */
void init_send_failure(int channel, const char *stage);

#endif
