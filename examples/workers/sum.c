/* A worker in C for a pool of Cofferdam: `sum` adds up a Float64Array.
 *
 * cc -o sum sum.c, then: scope.pool({ program: ["./sum"] }) and pool.run("sum", numbers).
 * The protocol: docs/reference/protocol.md. A real worker would use a JSON library. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void take(void *into, size_t size) {
    for (char *at = into; size > 0;) {
        ssize_t got = read(3, at, size);
        if (got <= 0) exit(0); /* nobody wants us any more */
        at += got;
        size -= (size_t)got;
    }
}

static void tell(const char *header) {
    uint32_t length = (uint32_t)strlen(header), lengths[2] = {4 + length, length};
    if (write(3, lengths, 8) != 8 || write(3, header, length) != (ssize_t)length) exit(1);
}

int main(void) {
    for (;;) {
        uint32_t lengths[2]; /* of what follows, and of the header */
        take(lengths, 8);
        char *header = calloc(lengths[1] + 1, 1), answer[128];
        take(header, lengths[1]);
        size_t size = lengths[0] - 4 - lengths[1];
        double *numbers = malloc(size), sum = 0; /* the only binary part */
        take(numbers, size);
        char *id = strstr(header, "\"id\":");
        if (strstr(header, "\"t\":\"hello\"")) tell("{\"t\":\"ready\",\"names\":[\"sum\"]}");
        if (strstr(header, "\"t\":\"run\"") && id) {
            for (size_t i = 0; i < size / sizeof *numbers; i++) sum += numbers[i];
            snprintf(answer, sizeof answer, "{\"t\":\"result\",\"id\":%ld,\"value\":%.17g}", strtol(id + 5, NULL, 10), sum);
            tell(answer);
        }
        free(header);
        free(numbers);
    }
}
