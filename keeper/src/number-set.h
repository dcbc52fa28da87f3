/* A set of numbers other than 0. */
#ifndef COFFERDAM_NUMBER_SET_H
#define COFFERDAM_NUMBER_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct number_set {
	uint64_t *places; /* 0: free */
	size_t size;
	size_t count;
	bool incomplete; /* there was no memory for one: who is not in it may belong to it */
};

bool number_set_has(const struct number_set *set, uint64_t number);
/* Does nothing for 0. */
void number_set_add(struct number_set *set, uint64_t number);

#endif
