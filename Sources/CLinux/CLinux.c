#include "CLinux.h"

#include <pthread.h>
#include <sched.h>

int pointsman_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    return accept4(fd, address, length, flags);
}

int pointsman_usable_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return 1;
    }
    return CPU_COUNT(&set);
}

void pointsman_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
