/* Small things about files, descriptors and time that several parts need. */
#ifndef COFFERDAM_FILES_H
#define COFFERDAM_FILES_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t now_ms(void);
/* A sum that stays at the end of time instead of running over. */
uint64_t later(uint64_t at, uint64_t by);

/* Writes all of a short text to an existing file (a /proc knob). False: errno says why. */
bool write_file(const char *path, const char *text);
/* As write_file(), below a folder that is open. */
bool write_file_at(int dir, const char *path, const char *text);

/* Reads at most size-1 bytes and ends them with 0. -1: errno says why. */
ssize_t read_file(const char *path, char *into, size_t size);
ssize_t read_file_at(int dir, const char *path, char *into, size_t size);

/* A folder's entries; never those of one that a link names. NULL: errno says why. */
DIR *open_stream(int dir, const char *name);

/* Whether /proc names processes as we do: it can be that of another PID namespace. */
bool proc_is_ours(void);

/* Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat); 0: not there. */
uint64_t process_start_time(pid_t pid);

/* The inode of /proc/self/ns/pid; 0 where it cannot be read. */
uint64_t own_pid_namespace(void);

/* The machine's boot, 36 characters; "-" where it cannot be read. Pids of another boot mean nothing. */
void read_boot_id(char into[40]);

/* Closes every descriptor but those in keep (which is sorted in place). */
void close_all_except(int *keep, size_t count);

/*
 * Removes a folder and what is in it, never following a link and never leaving the folder's
 * file system by a mount. Folders without permission are made writable first. False when
 * something is left.
 */
bool remove_tree(int parent, const char *name);

#endif
