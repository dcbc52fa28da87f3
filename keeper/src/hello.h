/* What can be had here: tried once, at the keeper's start, and told in HELLO. */
#ifndef COFFERDAM_HELLO_H
#define COFFERDAM_HELLO_H

#include "task.h"

/* Chooses the strongest way of containment that works, and says what can be had. */
void say_hello(struct keeper *keeper, const struct sweep_result *swept);

#endif
