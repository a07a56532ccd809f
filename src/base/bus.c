/* bus.c - see bus.h. All in here may run inside a signal handler: open, read, write and _exit only, no memory
 * but the stack. The file's name comes from the kernel's own list of mappings, so that no list of ours has to
 * be kept. */
#include "bus.h"

#include "shown.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

struct lines {
    int fd;
    char buf[1024];
    ssize_t n, at;
};

static int next_byte(struct lines *l)
{
    if (l->at == l->n) {
        l->n = read(l->fd, l->buf, sizeof l->buf);
        l->at = 0;
    }
    return l->n > 0 ? (unsigned char)l->buf[l->at++] : -1;
}

/* Hexadecimal digits up to another byte, which is left in *stop. */
static uintptr_t take_hex(struct lines *l, int *stop)
{
    uintptr_t v = 0;
    for (;;) {
        int c = next_byte(l),
            digit = c >= '0' && c <= '9' ? c - '0'
            : c >= 'a' && c <= 'f'       ? c - 'a' + 10
                                         : -1;
        if (digit < 0) {
            *stop = c;
            return v;
        }
        v = v << 4 | (uintptr_t)digit;
    }
}

/* "55d0-55e0 r--p 00000000 08:01 1234    /path": the path of the mapping that holds `place`, as it can be
 * shown; 0: none. */
static int find_file(uintptr_t place, char *out, size_t size)
{
    struct lines l = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    size_t n = 0;
    int c = 0;
    while (l.fd >= 0 && c >= 0 && !n) {
        uintptr_t begin = take_hex(&l, &c), end = c == '-' ? take_hex(&l, &c) : 0;
        int mine = place >= begin && place < end, in_path = 0;
        while (c >= 0 && (c = next_byte(&l)) >= 0 && c != '\n') {
            in_path |= c == '/';
            if (mine && in_path && n + 1 < size)
                out[n++] = (char)c;
        }
    }
    if (l.fd >= 0)
        close(l.fd);
    out[n] = 0;
    ll_shown_line(out);
    return n > 0;
}

static void say(const char *s)
{
    for (size_t n = strlen(s); n;) {
        ssize_t done = write(STDERR_FILENO, s, n);
        if (done <= 0)
            return;
        s += done;
        n -= (size_t)done;
    }
}

/* Threads that read the same file meet its end together: the first one speaks, the others wait to be ended. A
 * handler has no arguments of ours, so this stands alone. */
static atomic_flag spoken = ATOMIC_FLAG_INIT;

static void on_bus(int sig, siginfo_t *info, void *context)
{
    char name[1024];
    (void)context;
    if (info->si_code <= 0
        || !find_file((uintptr_t)info->si_addr, name, sizeof name)) { /* sent, or no file's: as ever */
        signal(sig, SIG_DFL);
        raise(sig);
        return;
    }
    while (atomic_flag_test_and_set(&spoken))
        pause();
    if (isatty(STDERR_FILENO))
        say("\r\033[K"); /* over a progress line */
    say("logitlens: ");
    say(name);
    say(": cannot be read any more: cut short while it was in use, or its disk failed\n");
    _exit(1);
}

void ll_bus_catch(void)
{
    struct sigaction act;
    memset(&act, 0, sizeof act);
    act.sa_sigaction = on_bus;
    act.sa_flags = SA_SIGINFO;
    sigemptyset(&act.sa_mask);
    sigaction(SIGBUS, &act, NULL);
}
