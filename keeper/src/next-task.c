#include "next-task.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOWEST_DESCRIPTOR 10

union descriptors {
	char bytes[CMSG_SPACE(NEXT_TASK_DESCRIPTORS * sizeof(int))];
	struct cmsghdr alignment;
};

bool next_task_send(int channel, const struct wire_frame *frame, const struct init_setup *setup)
{
	if (frame->length > NEXT_TASK_FRAME_MAX) {
		errno = EMSGSIZE;
		return false;
	}
	const int all[NEXT_TASK_DESCRIPTORS] = {setup->stdio[0], setup->stdio[1], setup->stdio[2],
						setup->socket,	 setup->bulk,	  setup->jobserver};
	struct next_task next = {.order = {ORDER_NEXT, (int32_t)frame->task}};
	int sent[NEXT_TASK_DESCRIPTORS];
	size_t count = 0;
	for (unsigned i = 0; i < NEXT_TASK_DESCRIPTORS; i++) {
		if (all[i] < 0 || all[i] == setup->null_device)
			continue;
		next.given |= 1u << i;
		sent[count++] = all[i];
	}
	union descriptors control = {0};
	struct iovec parts[] = {{&next, sizeof next}, {(void *)frame->fields, frame->length}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	if (count > 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), sent, count * sizeof(int));
	}
	return sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

void next_task_reserve_descriptors(int null_device)
{
	int fd;
	do
		fd = fcntl(null_device, F_DUPFD_CLOEXEC, 3);
	while (fd >= 0 && fd < LOWEST_DESCRIPTOR);
	if (fd >= 0)
		close(fd);
}

/* Puts what came into its places; the others get the null device, or none. */
static void place_descriptors(struct init_setup *setup, uint32_t given, struct msghdr *message)
{
	int *places[NEXT_TASK_DESCRIPTORS] = {&setup->stdio[0], &setup->stdio[1], &setup->stdio[2],
					      &setup->socket,	&setup->bulk,	  &setup->jobserver};
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	size_t count = header ? (header->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0, used = 0;
	for (unsigned i = 0; i < NEXT_TASK_DESCRIPTORS; i++) {
		*places[i] = i < 3 ? setup->null_device : -1;
		if (!(given & 1u << i))
			continue;
		if (used == count)
			_exit(125);
		memcpy(places[i], CMSG_DATA(header) + used++ * sizeof(int), sizeof(int));
	}
}

void next_task_receive(struct init_setup *setup)
{
	static uint8_t fields[NEXT_TASK_FRAME_MAX];
	static struct task_spec spec;
	struct next_task next;
	union descriptors control;
	struct iovec parts[] = {{&next, sizeof next}, {fields, sizeof fields}};
	struct msghdr message;
	ssize_t got;
	do {
		message = (struct msghdr){.msg_iov = parts,
					  .msg_iovlen = 2,
					  .msg_control = control.bytes,
					  .msg_controllen = sizeof control.bytes};
		got = recvmsg(setup->channel, &message, MSG_CMSG_CLOEXEC);
		if (got == 0 || (got < 0 && errno != EINTR))
			_exit(125);
	} while (got < (ssize_t)sizeof next || next.order.kind != ORDER_NEXT);
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		_exit(125);
	place_descriptors(setup, next.given, &message);
	setup->task = (uint32_t)next.order.value;
	struct wire_frame frame = {.task = setup->task,
				   .fields = fields,
				   .length = (size_t)got - sizeof next};
	spec_free(&spec);
	if (!spec_parse(&frame, &spec))
		_exit(125);
	setup->spec = &spec;
}
