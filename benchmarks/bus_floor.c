/* The floor under the bus: what libzmq itself does on this machine, without Python.
 *
 * Throughput is PUSH to PULL and round trips are REQ to REP, as in libzmq's own performance tools. It is linked to the very
 * library that pyzmq brings along, whose few functions are declared here, so that no development package is needed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void *zmq_ctx_new(void);
int zmq_ctx_term(void *);
void *zmq_socket(void *, int);
int zmq_close(void *);
int zmq_setsockopt(void *, int, const void *, size_t);
int zmq_getsockopt(void *, int, void *, size_t *);
int zmq_bind(void *, const char *);
int zmq_connect(void *, const char *);
int zmq_send(void *, const void *, size_t, int);
int zmq_recv(void *, void *, size_t, int);

enum { REQ = 3, REP = 4, PULL = 7, PUSH = 8, LAST_ENDPOINT = 32 };
enum { CURVE_SERVER = 47, CURVE_PUBLICKEY = 48, CURVE_SECRETKEY = 49, CURVE_SERVERKEY = 50 };
enum { KEY_LENGTH = 41, MOST_BYTES = 65536 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void check(int ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "bus_floor: %s failed\n", what);
        exit(1);
    }
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* receive: one line with the endpoint, then one with messages per second from the first message to the last */
static void receive(void *socket, long count) {
    static char buffer[MOST_BYTES];
    check(zmq_recv(socket, buffer, sizeof buffer, 0) >= 0, "receiving");
    double start = now();
    for (long i = 1; i < count; i++)
        zmq_recv(socket, buffer, sizeof buffer, 0);
    printf("%.1f\n", (count - 1) / (now() - start));
}

static void echo(void *socket, long count) {
    static char buffer[MOST_BYTES];
    for (long i = 0; i < count; i++) {
        int size = zmq_recv(socket, buffer, sizeof buffer, 0);
        check(size >= 0 && zmq_send(socket, buffer, size, 0) >= 0, "echoing");
    }
}

/* ask: one line with median and 99th percentile of the round trip in microseconds */
static void ask(void *socket, int size, long count) {
    static char buffer[MOST_BYTES];
    long warm = count / 10;
    const char *pause = getenv("BUS_FLOOR_PAUSE_US"); /* between two round trips, for works that are paced themselves */
    double *took = calloc(count, sizeof *took);
    for (long i = -warm; i < count; i++) {
        if (pause)
            usleep(atol(pause));
        double start = now();
        check(zmq_send(socket, buffer, size, 0) >= 0 && zmq_recv(socket, buffer, sizeof buffer, 0) >= 0, "asking");
        if (i >= 0)
            took[i] = (now() - start) * 1e6;
    }
    qsort(took, count, sizeof *took, ascending);
    printf("%.2f %.2f\n", took[count / 2], took[count * 99 / 100]);
    free(took);
}

int main(int argc, char **argv) {
    check(argc >= 5, "use: bus_floor receive|send|echo|ask ENDPOINT BYTES COUNT [PUBLIC SECRET SERVER]; reading the arguments");
    const char *role = argv[1], *endpoint = argv[2];
    int size = atoi(argv[3]);
    long count = atol(argv[4]);
    int serves = !strcmp(role, "receive") || !strcmp(role, "echo");
    int kind = !strcmp(role, "receive") ? PULL : !strcmp(role, "send") ? PUSH : !strcmp(role, "echo") ? REP : REQ;
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, kind);
    if (argc >= 8) {
        int one = 1;
        check(!zmq_setsockopt(socket, CURVE_PUBLICKEY, argv[5], KEY_LENGTH), "setting the public key");
        check(!zmq_setsockopt(socket, CURVE_SECRETKEY, argv[6], KEY_LENGTH), "setting the secret key");
        if (serves)
            check(!zmq_setsockopt(socket, CURVE_SERVER, &one, sizeof one), "serving CURVE");
        else
            check(!zmq_setsockopt(socket, CURVE_SERVERKEY, argv[7], KEY_LENGTH), "setting the server key");
    }
    check(!(serves ? zmq_bind(socket, endpoint) : zmq_connect(socket, endpoint)), endpoint);
    if (serves) {
        char bound[256];
        size_t length = sizeof bound;
        zmq_getsockopt(socket, LAST_ENDPOINT, bound, &length);
        printf("%s\n", bound);
        fflush(stdout);
    }
    if (kind == PULL) {
        receive(socket, count);
    } else if (kind == REP) {
        echo(socket, count);
    } else if (kind == REQ) {
        ask(socket, size, count);
    } else {
        static char buffer[MOST_BYTES];
        for (long i = 0; i < count; i++)
            check(zmq_send(socket, buffer, size, 0) >= 0, "sending");
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
