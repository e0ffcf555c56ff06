/* What no proxy can go below: bytes from one socket to the other, and nothing read in them.
 *
 *   floor PORT UPSTREAM-PORT
 *
 * One thread, one level-triggered epoll, one upstream connection for each client connection. A
 * message costs one recv and one send; whoever cannot take more is waited for, so that large
 * bodies arrive too. No split, no policy, no count, no time limit.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 1 << 16, BUFFER = 1 << 16, BATCH = 256 };

/* One end of a pair; `rest` is what it could not take yet, and its peer is not read meanwhile. */
typedef struct {
    int peer;
    char *rest;
    size_t left;
} end;

static end table[MOST];
static char buffer[BUFFER];
static int poller;
static struct sockaddr_in upstream;

static void watch(int fd, uint32_t events, int how) {
    struct epoll_event e = {.events = events, .data.fd = fd};
    epoll_ctl(poller, how, fd, &e);
}

/* Reads on unless the peer is full, and writes on when this one was. */
static void go_on(int fd) {
    uint32_t in = table[table[fd].peer].rest ? 0 : EPOLLIN, out = table[fd].rest ? EPOLLOUT : 0;
    watch(fd, in | out, EPOLL_CTL_MOD);
}

static void drop(int fd) {
    int ends[] = {fd, table[fd].peer};
    for (int i = 0; i < 2; i++) {
        free(table[ends[i]].rest);
        memset(&table[ends[i]], 0, sizeof(end));
        close(ends[i]);
    }
}

static void pair(int client) {
    int one = 1, server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* On loopback connect(2) does not wait, so it may block. */
    if (server < 0 || server >= MOST || client >= MOST
        || connect(server, (struct sockaddr *)&upstream, sizeof upstream)) {
        if (server >= 0) close(server);
        close(client);
        return;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    table[client].peer = server;
    table[server].peer = client;
    watch(client, EPOLLIN, EPOLL_CTL_ADD);
    watch(server, EPOLLIN, EPOLL_CTL_ADD);
}

static void readable(int fd) {
    int peer = table[fd].peer;
    ssize_t size = table[peer].rest ? 0 : recv(fd, buffer, BUFFER, MSG_DONTWAIT);
    if (size <= 0) {
        if (size == 0 || errno != EAGAIN) drop(fd);
        return;
    }
    ssize_t sent = send(peer, buffer, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent == size) return;
    if (sent < 0 && errno != EAGAIN) { drop(fd); return; }
    if (sent < 0) sent = 0;
    end *to = &table[peer];
    to->left = (size_t)(size - sent);
    to->rest = malloc(to->left);
    memcpy(to->rest, buffer + sent, to->left);
    go_on(fd);
    go_on(peer);
}

static void writable(int fd) {
    end *to = &table[fd];
    ssize_t sent = send(fd, to->rest, to->left, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN) drop(fd);
        return;
    }
    to->left -= (size_t)sent;
    memmove(to->rest, to->rest + sent, to->left);
    if (to->left) return;
    free(to->rest);
    to->rest = NULL;
    go_on(fd);
    go_on(to->peer);
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    upstream = (struct sockaddr_in){.sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)atoi(arguments[2])),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in address = upstream;
    address.sin_port = htons((uint16_t)atoi(arguments[1]));
    int one = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("floor");
        return 1;
    }
    poller = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, EPOLLIN, EPOLL_CTL_ADD);
    struct epoll_event events[BATCH];
    for (;;) {
        int ready = epoll_wait(poller, events, BATCH, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd, client;
            if (fd == listener) {
                while ((client = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) pair(client);
                continue;
            }
            /* A pair that an earlier event of this batch ended has no peer any more. */
            if (table[fd].peer && events[i].events & EPOLLOUT) writable(fd);
            if (table[fd].peer && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(fd);
        }
    }
}
