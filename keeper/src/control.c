#include "control.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "files.h"

#define READ_SIZE 65536

static void take_request(struct keeper *keeper, const struct wire_frame *frame)
{
	uint64_t number = 0, grace = 0;
	bool has_grace = false;
	size_t offset = 0;
	struct wire_field field;
	if (frame->type == REQ_START) {
		task_start(keeper, frame);
		return;
	}
	while (wire_next_field(frame, &offset, &field) == 1) {
		if (field.tag == TAG_GRACE) {
			grace = wire_field_number(&field);
			has_grace = true;
		} else if (field.tag == TAG_NUMBER || field.tag == TAG_TIMEOUT) {
			number = wire_field_number(&field);
		}
	}
	/* A task may end while a request about it is on its way. */
	struct task *task = task_find(keeper, frame->task);
	if (!task)
		return;
	switch (frame->type) {
	case REQ_OPENED:
		task_on_opened(keeper, task);
		break;
	case REQ_STOP:
		task_stop(keeper, task, CAUSE_STOPPED, has_grace ? grace : task->spec.grace_ms);
		break;
	case REQ_DEADLINE:
		if (task->phase == TASK_RUNNING && !task->command_gone)
			task->deadline_at = number ? later(now_ms(), number) : 0;
		break;
	case REQ_SIGNAL:
		if (number > 0 && number < NSIG && task->phase < TASK_KILLING)
			task_order(task, ORDER_SIGNAL, (int)number);
		break;
	case REQ_RESUME:
		task_order(task, ORDER_RESUME, 0);
		break;
	default:
		break;
	}
}

bool control_read(struct keeper *keeper)
{
	static uint8_t chunk[READ_SIZE];
	ssize_t got = recv(keeper->control, chunk, sizeof chunk, MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return false;
	buffer_append(&keeper->in, chunk, (size_t)got);
	if (keeper->in.failed)
		return false;
	size_t used = 0, size = 0;
	struct wire_frame frame;
	int found;
	while ((found = wire_next_frame(keeper->in.data + used, keeper->in.length - used, &frame,
					&size)) == 1) {
		take_request(keeper, &frame);
		used += size;
	}
	buffer_consume(&keeper->in, used);
	return found == 0;
}

bool control_write(struct keeper *keeper)
{
	struct buffer *out = &keeper->out;
	if (out->failed)
		return false;
	size_t sent = 0;
	while (sent < out->length) {
		ssize_t put = send(keeper->control, out->data + sent, out->length - sent,
				   MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno != EAGAIN)
			return false;
		if (put < 0)
			break;
		sent += (size_t)put;
	}
	buffer_consume(out, sent);
	bool waits = out->length > 0;
	if (waits == keeper->out_waits)
		return true;
	keeper->out_waits = waits;
	struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0u),
				    .data.u64 = WATCH_CONTROL};
	epoll_ctl(keeper->epoll, EPOLL_CTL_MOD, keeper->control, &event);
	return true;
}

void control_tell_samples(struct keeper *keeper, uint64_t now)
{
	/* Who does not read gets the newest figure once it reads again, and not each of them. */
	if (!keeper->samples_changed || keeper->out_waits ||
	    now - keeper->sample_told_at < SAMPLE_EVERY_MS)
		return;
	uint64_t bytes = 0, processes = 0;
	for (struct task *task = keeper->tasks; task; task = task->next) {
		bytes += task->memory_bytes;
		processes += task->processes;
	}
	size_t start = wire_begin(&keeper->out, EVT_SAMPLE, 0);
	wire_number(&keeper->out, TAG_MEMORY, bytes);
	wire_number(&keeper->out, TAG_PROCESSES, processes);
	wire_end(&keeper->out, start);
	keeper->samples_changed = false;
	keeper->sample_told_at = now;
}
