#pragma once

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/types.h>

/// accept4(2), which Glibc's module hides without _GNU_SOURCE.
int pointsman_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
