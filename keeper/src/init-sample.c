#include "init-sample.h"

#include "ancestry.h"
#include "files.h"
#include "init-kill.h"
#include "shared-objects.h"

#define SAMPLE_MS 100
#define SAMPLE_NEAR_MS 10 /* above half of the bound: a tree can take gigabytes in a second */
#define SAMPLE_IDLE_MS 1000

/* A tree that sleeps, and that no bound is about, is looked at less and less often. */
static unsigned calm_wait_ms(struct init *init, const struct tree_size *size)
{
	bool same = size->processes == init->last.processes && size->resident == init->last.resident;
	bool idle = same && !init->setup->spec->memory_bytes;
	unsigned longer = init->sample_ms * 2 < SAMPLE_IDLE_MS ? init->sample_ms * 2 : SAMPLE_IDLE_MS;
	init->sample_ms = idle && init->sample_ms ? longer : SAMPLE_MS;
	init->last = *size;
	return init->sample_ms;
}

void init_sample(struct init *init)
{
	struct tree_size size;
	tree_measure(&init->view, &size);
	ancestry_note(&init->view);
	if (!init->setup->isolated)
		shared_objects_look(&init->view);
	/* What lies in a /dev/shm of several tasks is none's alone; who maps it has it resident. */
	uint64_t shared = init->setup->spec->join ? 0 : shared_memory_used();
	uint64_t bytes = size.resident + shared;
	uint64_t bound = init->setup->memory_hard ? 0 : init->setup->spec->memory_bytes;
	if (bound && bytes > bound)
		bytes = tree_proportional(&init->view) + shared;
	if (bytes > init->peak)
		init->peak = bytes;
	if (size.processes > init->most)
		init->most = size.processes;
	uint64_t most = init->setup->spec->processes_max;
	bool crowded = most && size.processes > most;
	bool over = crowded || (bound && bytes > bound);
	struct init_report report = {.kind = over ? REPORT_OVER : REPORT_SAMPLE,
				     .error = crowded ? CAUSE_PROCESSES : CAUSE_MEMORY,
				     .bytes = bytes,
				     .processes = size.processes};
	/* First the kill: a keeper that is stopped does not read, and then sending waits for it. */
	if (over)
		init_kill_everything(init);
	init_send(init->setup->channel, &report);
	bool near = most || (bound && bytes > bound / 2);
	init->sample_at = now_ms() + (near ? SAMPLE_NEAR_MS : calm_wait_ms(init, &size));
}
