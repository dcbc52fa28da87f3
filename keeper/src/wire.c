#include "wire.h"

#include <stdlib.h>
#include <string.h>

static bool buffer_reserve(struct buffer *buffer, size_t extra)
{
	if (buffer->failed)
		return false;
	if (extra <= buffer->capacity - buffer->length)
		return true;
	size_t capacity = buffer->capacity ? buffer->capacity : 1024;
	while (capacity - buffer->length < extra)
		capacity *= 2;
	uint8_t *data = realloc(buffer->data, capacity);
	if (!data) {
		buffer->failed = true;
		return false;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
	if (length == 0 || !buffer_reserve(buffer, length))
		return;
	memcpy(buffer->data + buffer->length, bytes, length);
	buffer->length += length;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
	if (length >= buffer->length) {
		buffer->length = 0;
		return;
	}
	memmove(buffer->data, buffer->data + length, buffer->length - length);
	buffer->length -= length;
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->data);
	memset(buffer, 0, sizeof *buffer);
}

static void put_u32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

size_t wire_begin(struct buffer *out, uint8_t type, uint32_t task)
{
	size_t start = out->length;
	uint8_t head[4 + WIRE_HEADER] = {0};
	head[4] = type;
	put_u32(head + 5, task);
	buffer_append(out, head, sizeof head);
	return start;
}

void wire_bytes(struct buffer *out, uint8_t tag, const void *bytes, size_t length)
{
	uint8_t head[5];
	head[0] = tag;
	put_u32(head + 1, (uint32_t)length);
	buffer_append(out, head, sizeof head);
	buffer_append(out, bytes, length);
}

void wire_text(struct buffer *out, uint8_t tag, const char *text)
{
	wire_bytes(out, tag, text, strlen(text));
}

void wire_number(struct buffer *out, uint8_t tag, uint64_t value)
{
	uint8_t bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	wire_bytes(out, tag, bytes, sizeof bytes);
}

void wire_end(struct buffer *out, size_t start)
{
	if (!out->failed)
		put_u32(out->data + start, (uint32_t)(out->length - start - 4));
}

int wire_next_frame(const uint8_t *bytes, size_t length, struct wire_frame *frame, size_t *size)
{
	if (length < 4)
		return 0;
	uint32_t body = get_u32(bytes);
	if (body < WIRE_HEADER || body > WIRE_FRAME_MAX)
		return -1;
	if (length - 4 < body)
		return 0;
	frame->type = bytes[4];
	frame->task = get_u32(bytes + 5);
	frame->fields = bytes + 4 + WIRE_HEADER;
	frame->length = body - WIRE_HEADER;
	*size = 4 + (size_t)body;
	return 1;
}

int wire_next_field(const struct wire_frame *frame, size_t *offset, struct wire_field *field)
{
	size_t rest = frame->length - *offset;
	if (rest == 0)
		return 0;
	if (rest < 5)
		return -1;
	const uint8_t *at = frame->fields + *offset;
	uint32_t length = get_u32(at + 1);
	if (length > rest - 5)
		return -1;
	field->tag = at[0];
	field->bytes = at + 5;
	field->length = length;
	*offset += 5 + (size_t)length;
	return 1;
}

uint64_t wire_field_number(const struct wire_field *field)
{
	uint64_t value = 0;
	size_t length = field->length < 8 ? field->length : 8;
	for (size_t i = 0; i < length; i++)
		value |= (uint64_t)field->bytes[i] << (8 * i);
	return value;
}
