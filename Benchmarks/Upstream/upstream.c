/* A small HTTP/1.1 server on one epoll loop: the yardstick's far end, never its bottleneck.
 *
 *   upstream NAME PORT [--delay-ms N] [--body N] [--chunked 1] [--close-after-ms N]
 *            [--host ADDRESS]
 *
 * It answers every complete request with NAME in the body and in `x-upstream`, counts them, and
 * remembers per `x-id` value how often that id arrived (GET /-/count answers the number of
 * requests, GET /-/repeats the number of ids that came twice). A body is read by Content-Length.
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
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1 << 16, BUFFER = 1 << 16, IDS = 1 << 21 };

typedef struct {
    char *input;          /* only while a request is incomplete */
    size_t held, wanted;  /* wanted: bytes of a body still to be skipped */
    char *output;         /* only while an answer is not fully written */
    size_t left;
    int64_t due;          /* when the answer, or the close, is due; 0: nothing is */
    int owes;             /* an answer, once the body is read */
    int parting;          /* closes once its answer is written, as the client asked */
    int answers_due, closing, is_open;
} connection;

static connection table[MOST];
static int queue[MOST], queued;     /* connections with something due */
static char receive[BUFFER];
static struct { char *bytes; size_t size; } answers[2];  /* the second says that it closes */
static uint64_t requests, repeats;
static uint32_t ids[IDS];
static int poller, delay_ms, close_after_ms = -1;

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void watch(int fd, uint32_t events, int how) {
    struct epoll_event e = {.events = events, .data.fd = fd};
    epoll_ctl(poller, how, fd, &e);
}

static void drop(int fd) {
    connection *c = &table[fd];
    free(c->input);
    free(c->output);
    memset(c, 0, sizeof *c);
    close(fd);
}

static void put(int fd, const char *bytes, size_t size) {
    connection *c = &table[fd];
    size_t sent = 0;
    if (c->left == 0) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n > 0) sent = (size_t)n;
        if (n < 0 && errno != EAGAIN) { drop(fd); return; }
    }
    if (sent == size) return;
    c->output = realloc(c->output, c->left + size - sent);
    memcpy(c->output + c->left, bytes + sent, size - sent);
    c->left += size - sent;
    watch(fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
}

static void due_in(int fd, int ms) {
    if (table[fd].due == 0) queue[queued++] = fd;
    table[fd].due = now_ms() + ms;
}

static void number(int fd, uint64_t value) {
    char text[128], body[32];
    int size = snprintf(body, sizeof body, "%llu\n", (unsigned long long)value);
    int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size,
                     body);
    put(fd, text, (size_t)n);
}

static void give(int fd) {
    int parting = table[fd].parting;
    put(fd, answers[parting].bytes, answers[parting].size);
    if (parting && table[fd].is_open && table[fd].left == 0) drop(fd);
}

static void reply(int fd) {
    give(fd);
    if (table[fd].is_open && close_after_ms >= 0) {
        table[fd].closing = 1;
        due_in(fd, close_after_ms ? rand() % close_after_ms : 0);
    }
}

/* A request has arrived to its end. */
static void served(int fd) {
    table[fd].owes = 0;
    if (delay_ms == 0) { reply(fd); return; }
    table[fd].answers_due++;
    due_in(fd, delay_ms);
}

static void remember(const char *head, const char *end) {
    const char *at = memmem(head, (size_t)(end - head), "x-id: ", 6);
    if (!at) return;
    uint64_t id = strtoull(at + 6, NULL, 10);
    if (ids[id % IDS]++) repeats++;
}

/* Handles the request that starts at `head`; returns the bytes of its head, 0 when incomplete. */
static size_t request(int fd, const char *head, size_t size) {
    const char *end = memmem(head, size, "\r\n\r\n", 4);
    if (!end) return 0;
    end += 2;
    for (const char *line = memchr(head, '\n', (size_t)(end - head)); line && line + 1 < end;
         line = memchr(line + 1, '\n', (size_t)(end - line - 1)))
        if (!strncasecmp(line + 1, "content-length:", 15))
            table[fd].wanted = strtoull(line + 16, NULL, 10);
        else if (!strncasecmp(line + 1, "connection: close", 17))
            table[fd].parting = 1;
    if (!strncmp(head, "GET /-/count", 12)) number(fd, requests);
    else if (!strncmp(head, "GET /-/repeats", 14)) number(fd, repeats);
    else {
        requests++;
        remember(head, end);
        table[fd].owes = 1;
    }
    return (size_t)(end + 2 - head);
}

static void readable(int fd) {
    connection *c = &table[fd];
    ssize_t n = recv(fd, receive + c->held, BUFFER - c->held, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) drop(fd);
        return;
    }
    if (c->held) memcpy(receive, c->input, c->held);
    size_t size = c->held + (size_t)n, at = 0;
    while (at < size && c->is_open) {
        size_t skip = size - at < c->wanted ? size - at : c->wanted;
        size_t taken = c->wanted ? 0 : request(fd, receive + at, size - at);
        if (skip + taken == 0) break;
        at += skip + taken;
        c->wanted -= skip;
        if (c->owes && c->wanted == 0) served(fd);
    }
    if (!c->is_open) return;
    c->held = size - at;
    free(c->input);
    c->input = c->held ? malloc(c->held) : NULL;
    if (c->held) memcpy(c->input, receive + at, c->held);
}

static void writable(int fd) {
    connection *c = &table[fd];
    ssize_t n = send(fd, c->output, c->left, MSG_NOSIGNAL);
    if (n < 0) { if (errno != EAGAIN) drop(fd); return; }
    memmove(c->output, c->output + n, c->left - (size_t)n);
    c->left -= (size_t)n;
    if (c->left) return;
    if (c->parting) drop(fd);
    else watch(fd, EPOLLIN, EPOLL_CTL_MOD);
}

static int run_due(void) {
    int64_t now = now_ms(), next = -1;
    int kept = 0;
    for (int i = 0; i < queued; i++) {
        int fd = queue[i];
        connection *c = &table[fd];
        if (!c->is_open || c->due == 0) continue;
        if (c->due > now) {
            if (next < 0 || c->due - now < next) next = c->due - now;
            queue[kept++] = fd;
            continue;
        }
        c->due = 0;
        if (c->closing) { drop(fd); continue; }
        int count = c->answers_due;
        c->answers_due = 0;
        while (count-- > 0 && c->is_open) give(fd);
    }
    queued = kept;
    return (int)next;
}

static void accept_all(int listener) {
    int one = 1, fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= MOST) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        table[fd].is_open = 1;
        watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
}

/* Makes an answer: NAME in a field and in a body of at least `body` bytes. */
static void prepare(int parting, const char *name, size_t body, int chunked) {
    if (body < strlen(name) + 1) body = strlen(name) + 1;
    char *bytes = malloc(body + 256);
    char *at = bytes + sprintf(bytes,
        "HTTP/1.1 200 OK\r\nServer: yardstick\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n"
        "Content-Type: text/plain\r\nx-upstream: %s\r\n%s", name,
        parting ? "Connection: close\r\n" : "");
    at += chunked ? sprintf(at, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", body)
                  : sprintf(at, "Content-Length: %zu\r\n\r\n", body);
    memset(at, '.', body);
    memcpy(at, name, strlen(name));
    at += body;
    at[-1] = '\n';
    if (chunked) at += sprintf(at, "\r\n0\r\n\r\n");
    answers[parting].bytes = bytes;
    answers[parting].size = (size_t)(at - bytes);
}

int main(int count, char **arguments) {
    if (count < 3) return 2;
    size_t body = 0;
    int chunked = 0;
    const char *host = "127.0.0.1";
    for (int i = 3; i + 1 < count; i += 2) {
        int value = atoi(arguments[i + 1]);
        if (!strcmp(arguments[i], "--delay-ms")) delay_ms = value;
        else if (!strcmp(arguments[i], "--body")) body = (size_t)value;
        else if (!strcmp(arguments[i], "--chunked")) chunked = value;
        else if (!strcmp(arguments[i], "--close-after-ms")) close_after_ms = value;
        else if (!strcmp(arguments[i], "--host")) host = arguments[i + 1];
        else return 2;
    }
    for (int parting = 0; parting < 2; parting++) prepare(parting, arguments[1], body, chunked);

    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(arguments[2])),
                                  .sin_addr.s_addr = inet_addr(host)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("upstream");
        return 1;
    }
    poller = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, EPOLLIN, EPOLL_CTL_ADD);
    struct epoll_event events[512];
    int wait = -1;
    for (;;) {
        int n = epoll_wait(poller, events, 512, wait);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) { accept_all(listener); continue; }
            uint32_t ready = events[i].events;
            if (table[fd].is_open && ready & EPOLLOUT) writable(fd);
            if (table[fd].is_open && ready & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(fd);
        }
        wait = run_due();
    }
}
