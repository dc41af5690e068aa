#pragma once

#include <sys/socket.h>

struct address {
        struct sockaddr_storage sa;
        socklen_t n;
        int type;
};

/* On its way to an address; a path is tried as a whole at the end. */
struct connection {
        struct address to;
        int fd; /* -1: none */
        long until;
};

void begin_connect(struct connection *c, const char *s);
/* On an address somebody must answer. Ends it. */
int end_connect(struct connection *c, const char *s);
int try_listen(const char *s);

/* To the manager: false if there is none that hears */
int tell(const char *state);
/* Listens on the addresses and answers, for ever */
int serve(char **list);
