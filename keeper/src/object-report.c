#include "object-report.h"

#include <stdio.h>
#include <sys/ipc.h>

#define TOLD_MAX 64

uint64_t milliseconds_since(struct timespec then)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t age = (now.tv_sec - then.tv_sec) * 1000 + (now.tv_nsec - then.tv_nsec) / 1000000;
	return age > 0 ? (uint64_t)age : 0;
}

void sysv_name(char into[SYSV_NAME_MAX], const char *kind, int id, int key)
{
	int length = snprintf(into, SYSV_NAME_MAX, "%s %d", kind, id);
	if (key != IPC_PRIVATE)
		snprintf(into + length, SYSV_NAME_MAX - (size_t)length, " key 0x%08x", (unsigned)key);
}

void object_report_tell(struct object_report *report, const struct object_found *found)
{
	unsigned *told = found->how ? &report->removed : &report->left;
	if ((*told)++ >= TOLD_MAX)
		return;
	struct init_report line = {.kind = REPORT_LEAK,
				   .leak = found->kind,
				   .bytes = found->bytes,
				   .age_ms = milliseconds_since(found->changed),
				   .action = found->how ? ACTION_REMOVED : ACTION_LEFT};
	snprintf(line.how, sizeof line.how, "%s", found->how ? found->how : "unattributed");
	snprintf(line.name, sizeof line.name, "%s", found->name);
	init_send(report->channel, &line);
}

void object_report_unseen(const struct object_report *report, enum leak_kind kind)
{
	struct init_report line = {
		.kind = REPORT_LEAK, .leak = kind, .action = ACTION_LEFT, .how = "unseen"};
	init_send(report->channel, &line);
}
