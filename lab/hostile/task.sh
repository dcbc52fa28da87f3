#!/bin/sh
# The hostile task: starts four kinds of descendants, says READY, and waits.
#
#   sleep 600.4701   a plain child
#   sleep 600.4702   in a session of its own (setsid), out of reach of a kill of the group
#   sleep 600.4703   ignores TERM, INT and HUP: a shell that traps them and becomes the sleep
#   sleep 600.4704   double-forked and in a session of its own: nobody's child any more
#
# The odd lengths are their names: they tell one from another in ps and in the census, and a leaked
# one ends by itself after ten minutes. None holds on to the output of the task, so that a
# supervisor which waits for the end of the output is not what is measured here.

sleep 600.4701 </dev/null >/dev/null 2>&1 &
plain=$!

setsid sleep 600.4702 </dev/null >/dev/null 2>&1 &
session=$!

sh -c 'trap "" TERM INT HUP; exec sleep 600.4703' </dev/null >/dev/null 2>&1 &
stubborn=$!

# The sub-shell ends at once; what it started is adopted by init, or by a subreaper.
double=$( (setsid sh -c 'echo $$; exec sleep 600.4704 >/dev/null' </dev/null 2>/dev/null &) )

# READY is true: each of the four has become its sleep. (Where /proc shows another PID namespace
# than ours, our numbers mean nothing in it, and READY means only that all were started.)
read -r self _ </proc/self/stat
[ "$self" = "$$" ] && for pid in "$plain" "$session" "$stubborn" "$double"; do
  until read -r _ name _ <"/proc/$pid/stat" && [ "$name" = "(sleep)" ]; do :; done
done
echo READY

wait
