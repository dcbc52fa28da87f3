#include "number-set.h"

#include <stdlib.h>

bool number_set_has(const struct number_set *set, uint64_t number)
{
	for (size_t i = 0, at = set->size ? number % set->size : 0; i < set->size; i++) {
		if (set->places[at] == number)
			return true;
		if (set->places[at] == 0)
			return false;
		at = at + 1 == set->size ? 0 : at + 1;
	}
	return false;
}

/* Half of the places stay free. */
static bool grow(struct number_set *set)
{
	struct number_set larger = {.size = set->size ? set->size * 2 + 1 : 61};
	larger.places = calloc(larger.size, sizeof *larger.places);
	if (!larger.places)
		return false;
	for (size_t i = 0; i < set->size; i++)
		number_set_add(&larger, set->places[i]);
	larger.incomplete = set->incomplete;
	free(set->places);
	*set = larger;
	return true;
}

void number_set_add(struct number_set *set, uint64_t number)
{
	if (number == 0 || number_set_has(set, number))
		return;
	if (2 * (set->count + 1) > set->size && !grow(set)) {
		set->incomplete = true;
		return;
	}
	size_t at = number % set->size;
	while (set->places[at])
		at = at + 1 == set->size ? 0 : at + 1;
	set->places[at] = number;
	set->count++;
}
