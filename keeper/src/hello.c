#include "hello.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "files.h"
#include "probe.h"
#include "spares.h"

static void note(struct buffer *out, const char *format, const char *step, int error)
{
	char line[200];
	snprintf(line, sizeof line, format, step, strerror(error));
	wire_text(out, TAG_NOTE, line);
}

/* The strongest way that works when it is tried; COFFERDAM_CONTAINMENT=subreaper tries less. */
static void choose_tree(struct keeper *keeper, struct buffer *out)
{
	const char *forced = getenv("COFFERDAM_CONTAINMENT");
	if (forced && strcmp(forced, "subreaper") == 0) {
		wire_text(out, TAG_NOTE, "COFFERDAM_CONTAINMENT asks for it");
	} else {
		static const struct {
			enum tree_kind tree;
			const char *note;
		} ways[] = {{TREE_NAMESPACE, "direct: %s: %s"}, {TREE_USER_NAMESPACE, "user: %s: %s"}};
		struct probed_init first;
		for (size_t i = 0; i < 2; i++) {
			const char *failed = probe_tree(keeper, ways[i].tree, &keeper->proc_own, &first);
			if (!failed) {
				spares_adopt(keeper, &first);
				return;
			}
			note(out, ways[i].note, failed, errno);
		}
	}
	keeper->tree = TREE_SUBREAPER;
	if (!proc_is_ours()) {
		/* Its pids are others' than ours: to kill by them would kill strangers. */
		fprintf(stderr, "cofferdam-keeper: /proc shows another PID namespace; mount its own\n");
		cgroup_run_close(&keeper->cgroups);
		ledger_remove(&keeper->ledger);
		exit(125);
	}
	keeper->proc_own = false;
	/* For what an init leaves behind that is itself killed. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	tree_open(&keeper->view, false);
	ledger_without_namespaces(&keeper->ledger);
}

/* A cgroup of our own beside any way; where none can be had, all goes on without. */
static void choose_cgroup(struct keeper *keeper, struct buffer *out)
{
	struct cgroup_run *run = &keeper->cgroups;
	if (!cgroup_run_name(run, keeper->ledger.run_name) ||
	    !ledger_cgroup(&keeper->ledger, run->path) || !cgroup_run_open(run))
		return;
	char text[32];
	snprintf(text, sizeof text, "kill%s%s", run->memory ? " memory" : "",
		 run->pids ? " pids" : "");
	wire_text(out, TAG_CGROUP, text);
}

void say_hello(struct keeper *keeper, const struct sweep_result *swept)
{
	struct buffer *out = &keeper->out;
	size_t start = wire_begin(out, EVT_HELLO, 0);
	wire_number(out, TAG_NUMBER, WIRE_VERSION);
	wire_text(out, TAG_PATH, keeper->ledger.run_path);
	/* First, for nobody of ours may be in our cgroup when it is divided. */
	choose_cgroup(keeper, out);
	choose_tree(keeper, out);
	keeper->scratch = (struct scratch){.run_dir = keeper->ledger.run_dir,
					   .recycles = keeper->tree != TREE_SUBREAPER};
	wire_text(out, TAG_TREE, keeper->tree == TREE_SUBREAPER ? "subreaper" : "namespace");
	wire_text(out, TAG_PROC, keeper->proc_own ? "own" : "host");
	wire_number(out, TAG_STARTED, swept->runs);
	wire_number(out, TAG_KILLED, swept->processes);
	wire_number(out, TAG_PROCESSES, swept->stuck);
	wire_end(out, start);
}
