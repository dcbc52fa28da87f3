#include "shared-objects.h"

#include <errno.h>
#include <signal.h>

#include "number-set.h"
#include "object-report.h"
#include "shared-files.h"
#include "sysv-objects.h"

static struct number_set pids;

void shared_objects_begin(void)
{
	shared_files_begin();
	sysv_objects_begin();
}

void shared_objects_note_pid(pid_t pid)
{
	number_set_add(&pids, (uint64_t)pid);
}

static void note_tree_pid(pid_t pid, void *context)
{
	(void)context;
	shared_objects_note_pid(pid);
}

static void look_at(pid_t pid, void *context)
{
	shared_objects_note_pid(pid);
	shared_files_look_at(context, pid);
}

void shared_objects_look(const struct tree_view *view)
{
	tree_visit(view, shared_files_has_unknown() ? look_at : note_tree_pid, (void *)view);
}

/* All of the task are gone: who has the pid now is somebody else, and may have had it then. */
static bool is_of_task(pid_t pid)
{
	return number_set_has(&pids, (uint64_t)pid) && kill(pid, 0) != 0 && errno == ESRCH;
}

void shared_objects_end(int channel, const struct tree_view *view)
{
	struct object_report report = {.channel = channel};
	shared_files_end(&report, view);
	sysv_objects_end(&report, is_of_task);
}
