#include "stuck.h"

#include <stdio.h>

#include "tree.h"

#define STUCK_MAX 32

struct telling {
	const struct tree_view *view;
	struct buffer *out;
	pid_t init;
	unsigned count;
};

static void tell(pid_t pid, void *context)
{
	struct telling *telling = context;
	struct tree_process process;
	tree_describe(telling->view, pid, &process);
	if (!process.start_ticks || (process.state == 'Z' && pid != telling->init) ||
	    telling->count++ >= STUCK_MAX)
		return;
	char line[64];
	snprintf(line, sizeof line, "%d\t%c\t%s", (int)pid, process.state, process.name);
	wire_text(telling->out, TAG_STUCK, line);
}

bool is_held(pid_t pid)
{
	struct tree_view view;
	if (!tree_open(&view, false))
		return false;
	struct tree_process process;
	tree_describe(&view, pid, &process);
	tree_close(&view);
	return process.state == 'T' || process.state == 't';
}

static void count_one(pid_t pid, void *context)
{
	(void)pid;
	++*(unsigned *)context;
}

unsigned count_below(pid_t init)
{
	unsigned count = 0;
	struct tree_view view;
	if (!tree_open(&view, false))
		return 0;
	tree_visit_below(&view, init, count_one, &count);
	tree_close(&view);
	return count;
}

void stuck_describe(struct buffer *out, pid_t init)
{
	struct tree_view view;
	if (!tree_open(&view, false))
		return;
	struct telling telling = {&view, out, init, 0};
	tell(init, &telling);
	tree_visit_below(&view, init, tell, &telling);
	tree_close(&view);
}
