#include "init-kill.h"

#include <signal.h>

#include "cgroup.h"
#include "files.h"
#include "shared-objects.h"

static void count_process(pid_t pid, void *context)
{
	(void)pid;
	++*(uint32_t *)context;
}

struct tracker_search {
	const struct tree_view *view;
	bool found;
};

static void look_for_tracker(pid_t pid, void *context)
{
	struct tracker_search *search = context;
	search->found = search->found || tree_may_be_resource_tracker(search->view, pid);
}

/* Python's resource tracker must outlive the others: then they are hunted one by one. */
static bool has_resource_tracker(const struct init *init)
{
	struct tracker_search search = {.view = &init->view};
	if (init->setup->cgroup >= 0)
		tree_visit(&init->view, look_for_tracker, &search);
	return search.found;
}

void init_kill_everything(struct init *init)
{
	if (init->phase == KILLING)
		return;
	init->phase = KILLING;
	init->kill_began_at = now_ms();
	if (!init->setup->isolated)
		shared_objects_look(&init->view);
	uint32_t count = 0;
	tree_visit(&init->view, count_process, &count);
	init->killed += count;
	/* This holds the task list against fork: nothing in the namespace gets away from it. */
	if (init->setup->isolated)
		kill(-1, SIGKILL);
	else if (!has_resource_tracker(init))
		cgroup_kill(init->setup->cgroup);
}

struct hunt {
	const struct tree_view *view;
	bool trackers_too;
	bool others;
};

static void hunt_child(pid_t pid, void *context)
{
	struct hunt *hunt = context;
	if (!hunt->trackers_too && tree_may_be_resource_tracker(hunt->view, pid))
		return;
	hunt->others = true;
	kill(pid, SIGKILL);
}

void init_hunt_children(struct init *init)
{
	struct hunt hunt = {.view = &init->view,
			    .trackers_too = now_ms() - init->kill_began_at > TRACKER_MS};
	if (hunt.trackers_too)
		cgroup_kill(init->setup->cgroup);
	shared_objects_look(&init->view);
	tree_visit_own_children(&init->view, hunt_child, &hunt);
	if (hunt.others && !hunt.trackers_too)
		init->kill_began_at = now_ms();
}
