/* The floor under the bus: what libzmq itself does on this machine, without Python.
 *
 * Throughput is XPUB to SUB, on one topic and without loss, as the bus does it; round trips are REQ to REP, as in libzmq's own
 * performance tools. It is linked to the very library that pyzmq brings along, whose few functions are declared here, so that
 * no development package is needed.
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

enum { SUB = 2, REQ = 3, REP = 4, XPUB = 9, SUBSCRIBE = 6, SNDHWM = 23, RCVHWM = 24, LAST_ENDPOINT = 32, XPUB_NODROP = 69 };
enum { CURVE_SERVER = 47, CURVE_PUBLICKEY = 48, CURVE_SECRETKEY = 49, CURVE_SERVERKEY = 50 };
enum { KEY_LENGTH = 41, MOST_BYTES = 65536, HIGH_WATER_MARK = 10000 };
static const char TOPIC[] = "EUR.USD@IDEALPRO|quote"; /* its closing zero belongs to it, as on the bus */

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

static void set(void *socket, int option, int value) {
    check(!zmq_setsockopt(socket, option, &value, sizeof value), "setting an option");
}

/* publish: waits for the subscription, and then for every place that becomes free */
static void publish(void *socket, int size, long count) {
    static char buffer[MOST_BYTES];
    check(zmq_recv(socket, buffer, sizeof buffer, 0) == 1 + sizeof TOPIC, "receiving the subscription");
    memset(buffer, 'x', sizeof buffer);
    memcpy(buffer, TOPIC, sizeof TOPIC);
    for (long i = 0; i < count; i++)
        check(zmq_send(socket, buffer, size, 0) >= 0, "publishing");
}

/* subscribe: one line with messages per second from the first message to the last */
static void subscribe(void *socket, long count) {
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
    check(argc >= 5, "use: bus_floor publish|subscribe|echo|ask ENDPOINT BYTES COUNT [PUBLIC SECRET SERVER]; reading the arguments");
    const char *role = argv[1], *endpoint = argv[2];
    int size = atoi(argv[3]);
    long count = atol(argv[4]);
    int kind = !strcmp(role, "publish") ? XPUB : !strcmp(role, "subscribe") ? SUB : !strcmp(role, "echo") ? REP : REQ;
    int serves = kind == XPUB || kind == REP;
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, kind);
    if (argc >= 8) {
        check(!zmq_setsockopt(socket, CURVE_PUBLICKEY, argv[5], KEY_LENGTH), "setting the public key");
        check(!zmq_setsockopt(socket, CURVE_SECRETKEY, argv[6], KEY_LENGTH), "setting the secret key");
        if (serves)
            set(socket, CURVE_SERVER, 1);
        else
            check(!zmq_setsockopt(socket, CURVE_SERVERKEY, argv[7], KEY_LENGTH), "setting the server key");
    }
    set(socket, SNDHWM, HIGH_WATER_MARK);
    set(socket, RCVHWM, HIGH_WATER_MARK);
    if (kind == XPUB)
        set(socket, XPUB_NODROP, 1);
    if (kind == SUB)
        check(!zmq_setsockopt(socket, SUBSCRIBE, TOPIC, sizeof TOPIC), "subscribing");
    check(!(serves ? zmq_bind(socket, endpoint) : zmq_connect(socket, endpoint)), endpoint);
    if (serves) {
        char bound[256];
        size_t length = sizeof bound;
        zmq_getsockopt(socket, LAST_ENDPOINT, bound, &length);
        printf("%s\n", bound);
        fflush(stdout);
    }
    if (kind == XPUB) {
        publish(socket, size, count);
    } else if (kind == SUB) {
        subscribe(socket, count);
    } else if (kind == REP) {
        echo(socket, count);
    } else {
        ask(socket, size, count);
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
