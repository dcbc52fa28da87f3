/* Starting the command inside a task: what happens between fork and exec. */
#ifndef COFFERDAM_COMMAND_H
#define COFFERDAM_COMMAND_H

#include <sys/types.h>

#include "init.h"

/*
 * Forks and executes. Returns the pid after exec has succeeded; -1 when it failed, with errno and
 * the step in *stage ("fork", "cwd", "exec").
 */
pid_t command_start(const struct init_setup *setup, const char **stage);

/* Makes a process group the terminal's foreground one. Harmless without a terminal. */
void terminal_give(pid_t group);

#endif
