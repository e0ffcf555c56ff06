#pragma once

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/types.h>

/// accept4(2), which Glibc's module hides without _GNU_SOURCE.
int pointsman_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);

/// recv(2), without being a point where threads are cancelled (pthreads(7)): none of ours ever is,
/// and glibc's own announces itself with two locked instructions a call.
ssize_t pointsman_receive(int fd, void *room, size_t count);

/// send(2), likewise, and without SIGPIPE.
ssize_t pointsman_send(int fd, const void *bytes, size_t count);

/// How many processors the calling thread may run on (sched_getaffinity(2)); at least 1.
int pointsman_usable_processors(void);

/// Names the calling thread (pthread_setname_np(3)); at most 15 bytes.
void pointsman_name_thread(const char *name);

/// Lets go of the pages of code and constants that are in memory now (madvise(2)); those that are
/// used again come back from the page cache.
void pointsman_release_code_pages(void);

/// Makes a timer on the monotonic clock that never blocks a reader (timerfd_create(2)).
int pointsman_make_timer(void);

/// Sets the timer to a point on the monotonic clock, or stops it for 0 (timerfd_settime(2)).
int pointsman_set_timer(int timer, unsigned long long nanoseconds);

/// Makes a pipe that never blocks, its end for reading first (pipe2(2)).
int pointsman_make_pipe(int ends[2]);

/// Changes how many bytes a pipe holds at most (fcntl(2), F_SETPIPE_SZ).
int pointsman_set_pipe_size(int end, int size);

/// Moves at most `count` bytes between a pipe and a socket, without a copy (splice(2)).
ssize_t pointsman_splice(int from, int to, size_t count);
