/* How long a decision takes through the local API, as an application feels it: one connection, one request
 * after the other, each customer once, so that every profile comes out of the encrypted store.
 *
 *   decide_socket SOCKET decide|status < CUSTOMERS      customers' numbers, one a line
 *
 * Prints microseconds of the decisions, or of as many GET /v1/status: what the way alone costs on this
 * machine at this hour. Exit status 1 when an answer is not 200. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 20, CUSTOMERS_MAX = 100000, NUMBER_MAX = 64 };

static char answer[ANSWER_MAX];
static char customers[CUSTOMERS_MAX][NUMBER_MAX];

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int open_socket(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    perror(path);
    exit(1);
}

/* The length of the whole answer, or 0 while its head has not ended. */
static size_t whole_length(size_t have)
{
    answer[have] = '\0';
    const char *end = strstr(answer, "\r\n\r\n"), *field = strcasestr(answer, "\r\ncontent-length:");
    if (end == NULL)
        return 0;
    return (size_t)(end - answer) + 4 + (field == NULL || field > end ? 0 : strtoul(field + 17, NULL, 10));
}

/* Sends a request and reads its answer to the end. Returns its bytes; 0: not answered by 200. */
static size_t ask(int fd, const char *request, size_t len)
{
    size_t have = 0, whole = 0;
    for (size_t sent = 0; sent < len;) {
        ssize_t n = write(fd, request + sent, len - sent);
        if (n <= 0)
            return 0;
        sent += (size_t)n;
    }
    while (whole == 0 || have < whole) {
        ssize_t n = read(fd, answer + have, ANSWER_MAX - 1 - have);
        if (n <= 0)
            return 0;
        have += (size_t)n;
        whole = whole == 0 ? whole_length(have) : whole;
    }
    return strncmp(answer, "HTTP/1.1 200", 12) == 0 ? have : 0;
}

static size_t decide(int fd, const char *customer)
{
    char body[160], request[512];
    int n = snprintf(body, sizeof body, "{\"customer\":\"%s\",\"offers\":3}", customer);
    int len = snprintf(request, sizeof request,
                       "POST /v1/decide HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                       "Content-Length: %d\r\n\r\n%s",
                       n, body);
    return ask(fd, request, (size_t)len);
}

static size_t ask_status(int fd, const char *customer)
{
    static const char REQUEST[] = "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n";
    (void)customer;
    return ask(fd, REQUEST, sizeof REQUEST - 1);
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* False when one was not answered. */
static bool measure(int fd, const char *what, size_t (*one)(int fd, const char *customer), size_t n)
{
    int64_t *took = calloc(n, sizeof *took);
    size_t bytes = 0, last = 1;
    for (size_t i = 0; took != NULL && last > 0 && i < n; i++) {
        int64_t start = now_ns();
        last = one(fd, customers[i]);
        took[i] = now_ns() - start;
        bytes += last;
    }
    if (took == NULL || last == 0) {
        fprintf(stderr, "%s: %.200s\n", what, answer);
        free(took);
        return false;
    }
    qsort(took, n, sizeof *took, compare);
    size_t middle = n / 2, late = n * 99 / 100;
    printf("%s: median %.1f us, p99 %.1f us, max %.1f us; %zu times, %zu bytes an answer\n", what,
           (double)took[middle] / 1000, (double)took[late] / 1000, (double)took[n - 1] / 1000, n, bytes / n);
    free(took);
    return true;
}

int main(int argc, char **argv)
{
    size_t n = 0;
    if (argc != 3 || (strcmp(argv[2], "decide") != 0 && strcmp(argv[2], "status") != 0)) {
        fprintf(stderr, "decide_socket SOCKET decide|status < CUSTOMERS\n");
        return 2;
    }
    while (n < CUSTOMERS_MAX && fgets(customers[n], NUMBER_MAX, stdin) != NULL) {
        customers[n][strcspn(customers[n], "\r\n")] = '\0';
        n += customers[n][0] != '\0' && strpbrk(customers[n], "\"\\") == NULL;
    }
    int fd = open_socket(argv[1]);
    bool good = n > 0 && measure(fd, argv[2], argv[2][0] == 'd' ? decide : ask_status, n);
    (void)close(fd);
    return good ? 0 : 1;
}
