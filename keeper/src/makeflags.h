/*
 * MAKEFLAGS tells of the jobserver by its path and by its descriptor; where an option is given twice its
 * last value counts. The path is last, which a program finds whose parent has closed the descriptor. But
 * a make before 4.4 stops at a path: where the task's is one, the descriptor has to be last.
 */
#ifndef COFFERDAM_MAKEFLAGS_H
#define COFFERDAM_MAKEFLAGS_H

#include "spec.h"

/* Puts the other MAKEFLAGS into the environment, where there is one and the make on its PATH needs it. */
void makeflags_choose(const struct task_spec *spec);

#endif
