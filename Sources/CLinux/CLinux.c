#include "CLinux.h"

#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

int pointsman_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    return accept4(fd, address, length, flags);
}

ssize_t pointsman_receive(int fd, void *room, size_t count) {
    return syscall(SYS_recvfrom, fd, room, count, 0, NULL, NULL);
}

ssize_t pointsman_send(int fd, const void *bytes, size_t count) {
    return syscall(SYS_sendto, fd, bytes, count, MSG_NOSIGNAL, NULL, 0);
}

int pointsman_usable_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return 1;
    }
    return CPU_COUNT(&set);
}

void pointsman_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

static int release_object(struct dl_phdr_info *object, size_t size, void *page_size) {
    (void)size;
    uintptr_t page = *(uintptr_t *)page_size;
    for (int index = 0; index < object->dlpi_phnum; index += 1) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
        // What was ever writable may differ from the file, by relocation at the least.
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0) {
            continue;
        }
        uintptr_t start = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t end = object->dlpi_addr + segment->p_vaddr + segment->p_memsz;
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void pointsman_release_code_pages(void) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    dl_iterate_phdr(release_object, &page);
}

int pointsman_make_timer(void) {
    return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
}

int pointsman_set_timer(int timer, unsigned long long nanoseconds) {
    struct itimerspec setting = {
        .it_value = {
            .tv_sec = (time_t)(nanoseconds / 1000000000),
            .tv_nsec = (long)(nanoseconds % 1000000000),
        },
    };
    return timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, 0);
}

int pointsman_make_pipe(int ends[2]) { return pipe2(ends, O_NONBLOCK | O_CLOEXEC); }

int pointsman_set_pipe_size(int end, int size) { return fcntl(end, F_SETPIPE_SZ, size); }

ssize_t pointsman_splice(int from, int to, size_t count) {
    return splice(from, NULL, to, NULL, count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}
