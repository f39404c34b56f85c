/* The scripts that both kernels play. The names of scenarios in other libraries' histories are given in brackets: the
   index of behaviours in the book has them */
#include "kernel.h"
#include <errno.h>
#include <stddef.h>

static mio_address somewhere = { .length = 16 };

/* --- batches: several events at once, too late, twice, merged ---------------------------------------------- */

/* (S1, S10) */
static void closed_between(void)
{
    waits_to_receive(R, a);
    waits_to_receive(R2, b);

    will_wait(FOR_EVER); readable(a, 5); readable(b, 7);
    will_recv(a, 100, 5);
    will_recv(b, 100, 7);
    back_alone(R, 5);

    will_close(b);
    closes(CL, b);                      /* what R2 received is not lost by it */
    back(R2, 7);
    back(CL, 0);
    gone(b);                            /* its memory is freed: nobody looks at it any more */
    will_wait(20 * MS);
    nothing_for(20 * MS);
}

/* (S9, X14) */
static void number_and_memory_again(void)
{
    waits_to_receive(R, a);
    int number = a->native;

    will_forget(a);                     /* before the close: a duplicate would go on telling */
    will(CLOSE, number, ANY, 0);
    closes(CL, a);
    back(R, MIO_ECANCELED);
    back(CL, 0);

    if (mio_socket_open(a, MIO_IPV4, MIO_STREAM) != 0 || a->native != number) problem("another number");
    waits_to_receive(R, a);             /* it is watched anew */
    will_wait(FOR_EVER); readable(a, 5);
    will_recv(a, 100, 5);
    back(R, 5);
}

static void detached(void)
{
    mio_native number;
    waits_to_receive(R, a);
    will_wait(FOR_EVER); readable(a, 5);
    will_recv(a, 100, 5);
    back(R, 5);

    will_forget(a);
    if (mio_socket_detach(a, &number) != 0) problem("it is not detached");
    script_is_used_up("detach");
    kernel.fds[number].open = false;    /* who has it closes it */
    will_wait(20 * MS);
    nothing_for(20 * MS);
}

static void event_after_a_cancel(void)
{
    waits_to_receive(R, a);
    cancel(R);
    back(R, MIO_ECANCELED);

    will_wait(10 * MS); readable(a, 5); passes(3 * MS);
    will_wait(7 * MS);                  /* nobody asked: nothing is received, and the wait goes on */
    nothing_for(10 * MS);
}

static void event_that_nobody_waited_for(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); readable(a, 5);
    will_recv(a, 100, 5);
    back(R, 5);

    will_wait(10 * MS); readable(a, 7); passes(10 * MS);
    nothing_for(10 * MS);
    will_recv(a, 100, 7);               /* no second event comes for it */
    receive(R, a, 100);
    back(R, 7);
}

static void the_same_event_twice(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); readable(a, 5); readable(a, 5);
    will_recv(a, 100, 5);               /* once */
    back(R, 5);
    will_recv(a, 100, -EAGAIN);         /* the second word may have been of other bytes: one attempt more */
    receive(R, a, 100);
    will_wait(FOR_EVER); readable(a, 5);
    will_recv(a, 100, 5);
    back(R, 5);
}

/* Both wait for the kernel's word on one socket, which is one event or two (M12) */
static void both_ways_at_once(void)
{
    waits_to_receive(R, a);
    waits_to_send(W, a);
    will_wait(FOR_EVER); readable(a, 5); writable(a);
    any_order(true);
    will_recv(a, 100, 5);
    will_send(a, 100, 100);
    any_order(false);
    back(R, 5);
    back(W, 100);
}

/* (C5, C19) */
static void bytes_and_end_in_one_event(void)
{
    will_recv(a, 100, -EAGAIN);     /* nothing is there, */
    will_watch(a, READING);         /* so the kernel is to tell */
    receive(R, a, 100);

    will_wait(FOR_EVER);
    ended(a, 5);                    /* last bytes, and an end */
    will_recv(a, 100, 5);           /* short: is nothing left? */
    back(R, 5);

    will_recv(a, 100, 0);           /* no event tells it again: */
    receive(R, a, 100);             /* it is tried, not waited for */
    back(R, 0);
}

static void end_before_the_bytes(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); ended(a, 0); readable(a, 5);
    will_recv(a, 100, 5);
    back(R, 5);
    will_recv(a, 100, 3);
    receive(R, a, 100);
    back(R, 3);
    will_recv(a, 100, 0);
    receive(R, a, 100);
    back(R, 0);
}

/* (C8, C19) */
static void reset_with_bytes_left(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); cut(a, 5, ECONNRESET);
    will_recv(a, 100, 5);
    back(R, 5);
    will_recv(a, 100, -ECONNRESET);
    receive(R, a, 100);
    back(R, MIO_ECONNRESET);
    will_send(a, 10, -EPIPE);           /* the kernel has forgotten why */
    send_some(W, a, 10);
    back(W, MIO_ECONNRESET);
    will_send(a, 10, -EPIPE);
    send_some(W, a, 10);
    back(W, MIO_EPIPE);                 /* it was told once each way */
    will_recv(a, 100, 0);
    receive(R, a, 100);
    back(R, 0);
}

static void reset_told_to_the_sender(void)
{
    waits_to_receive(R, a);
    waits_to_send(W, a);
    will_wait(FOR_EVER); cut(a, 0, ECONNRESET);
    any_order(true);
    will_send(a, 100, -ECONNRESET);     /* who asks first is told; */
    will_recv(a, 100, is_epoll ? 0 : -ECONNRESET);      /* kqueue tells the reader first */
    any_order(false);
    back(is_epoll ? W : R, MIO_ECONNRESET);
    back(is_epoll ? R : W, MIO_ECONNRESET);
    will_recv(a, 100, 0);
    receive(R, a, 100);
    back(R, 0);
}

/* (W11) */
static void a_full_batch(void)
{
    mio_socket *s[8];
    queue_again(4);
    for (int i = 0; i < 8; i++) {
        s[i] = opened(MIO_IPV4, MIO_STREAM);
        waits_to_receive(i, s[i]);
    }
    for (int half = 0; half < 8; half += 4) {
        will_wait(FOR_EVER);
        for (int i = half; i < half + 4; i++) readable(s[i], 5);
        for (int i = half; i < half + 4; i++) will_recv(s[i], 100, 5);
        for (int i = half; i < half + 4; i++) back(i, 5);
    }
}

/* (W10) */
static void given_one_at_a_time(void)
{
    mio_socket *s[7];
    for (int i = 0; i < 7; i++) waits_to_receive(i, s[i] = opened(MIO_IPV4, MIO_STREAM));
    will_wait(FOR_EVER);                /* one call for seven waits */
    for (int i = 0; i < 7; i++) readable(s[i], 5);
    for (int i = 0; i < 7; i++) will_recv(s[i], 100, 5);
    for (int i = 0; i < 7; i++) back_alone(i, 5);
}

/* (P9) */
static void one_event_for_two_receives(void)
{
    waits_to_receive(R, a);
    receive(R2, a, 100);                /* in line: no call */
    will_wait(FOR_EVER); readable(a, 105);
    will_recv(a, 100, 100);
    will_recv(a, 100, 5);
    back(R, 100);
    back(R2, 5);
}

/* --- hints: the kernel's word is no promise ---------------------------------------------------------------- */

static void nothing_there_after_all(void)
{
    waits_to_receive(R, a);
    for (int i = 0; i < 3; i++) {
        will_wait(FOR_EVER); readable(a, 5);
        will_recv(a, 100, -EAGAIN);     /* a wrong checksum, or somebody else has read it */
    }
    will_wait(FOR_EVER); readable(a, 5);
    will_recv(a, 100, 5);
    back(R, 5);
}

static void no_room_after_all(void)
{
    waits_to_send(W, a);
    will_wait(FOR_EVER); writable(a);
    will_send(a, 100, -EAGAIN);
    will_wait(FOR_EVER); writable(a);
    will_send(a, 100, 60);
    will_send(a, 40, -EAGAIN);
    will_wait(FOR_EVER); writable(a);
    will_send(a, 40, 40);
    back(W, 100);
}

static void a_short_read_is_the_last(void)
{
    waits_to_receive(R, a);
    for (int i = 0; i < 3; i++) {
        will_wait(FOR_EVER); readable(a, 5);
        will_recv(a, 100, 5);
        back(R, 5);
        receive(R, a, 100);             /* not tried: nothing can be there of which the kernel will not tell */
    }
}

static void a_full_read_is_not(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); readable(a, 100);
    will_recv(a, 100, 100);
    back(R, 100);
    if (is_epoll) will_recv(a, 100, -EAGAIN);   /* no edge would come for what is left; kqueue has counted it */
    receive(R, a, 100);
    will_wait(FOR_EVER); readable(a, 5);
    will_recv(a, 100, 5);
    back(R, 5);
}

/* A part of a message may be left unread where there are boundaries */
static void a_short_read_of_a_local_socket(void)
{
    mio_socket *s = opened(MIO_LOCAL, MIO_STREAM);
    waits_to_receive(R, s);
    will_wait(FOR_EVER); readable(s, 8);
    will_recv(s, 100, 5);
    back(R, 5);
    will_recv(s, 100, 3);
    receive(R, s, 100);
    back(R, 3);
}

/* (C16) */
static void empty_and_long_datagrams(void)
{
    mio_socket *s = opened(MIO_IPV4, MIO_DATAGRAM);
    will(RECVMSG, s->native, 100, -EAGAIN);
    will_watch(s, READING);
    receive(R, s, 100);
    will_wait(FOR_EVER); readable(s, 0);
    will(RECVMSG, s->native, 100, 0);
    back(R, 0);
    will(RECVMSG, s->native, 100, 101); /* one more than there is room for */
    receive(R, s, 100);
    back(R, MIO_EMSGSIZE);
    will(RECVMSG, s->native, 100, -EAGAIN);
    receive(R, s, 100);
    will_wait(FOR_EVER); readable(s, 60);
    will(RECVMSG, s->native, 100, -ECONNREFUSED);
    back(R, MIO_ECONNREFUSED);
}

/* A reader that takes a byte each time: others have their turn (P13) */
static void a_byte_at_a_time(void)
{
    waits_to_receive(R, b);
    for (int left = 40; left > 24; left--) will_send(a, left, 1);
    send_all(W, a, 40);
    will_wait(0); readable(b, 5);       /* it does not sleep, nor keep others waiting */
    will_recv(b, 100, 5);
    for (int left = 24; left > 8; left--) will_send(a, left, 1);
    back(R, 5);
    will_wait(0);
    for (int left = 8; left > 0; left--) will_send(a, left, 1);
    back(W, 40);
}

static void a_byte_for_each_event(void)
{
    will_send(a, 20, 1);
    will_send(a, 19, -EAGAIN);
    will_watch(a, WRITING);
    send_all(W, a, 20);
    for (int left = 19; left > 0; left--) {
        will_wait(FOR_EVER); writable(a);
        will_send(a, left, 1);
        if (left > 1) will_send(a, left - 1, -EAGAIN);
    }
    back(W, 20);
}

static void interrupted_attempts(void)
{
    will_recv(a, 100, -EINTR);          /* the short way, */
    will_recv(a, 100, -EINTR);          /* and the long one: two turns */
    receive(R, a, 100);
    will_wait(0);                       /* it needs no event */
    will_recv(a, 100, -EINTR);
    will_recv(a, 100, -EINTR);
    will_wait(0);
    will_recv(a, 100, 5);
    back(R, 5);
    will_send(a, 100, 30);
    will_send(a, 70, -EINTR);
    send_all(W, a, 100);
    will_wait(0);
    will_send(a, 70, 70);
    back(W, 100);
}

/* Both have to be tried again without an event; one is closed, or given back, before */
static void gone_before_it_is_tried_again(void)
{
    mio_socket *s[3] = { a, b, c };
    mio_native number;
    for (int i = 0; i < 3; i++) {
        will_send(s[i], 100, 30);
        will_send(s[i], 70, -EINTR);
        send_all(i, s[i], 100);
    }
    will_close(b);
    closes(CL, b);
    back(1, MIO_ECANCELED);
    back(CL, 0);
    gone(b);
    cancel(2);
    if (mio_socket_detach(c, &number) != 0) problem("it is not detached");
    kernel.fds[number].open = false;
    back(2, MIO_ECANCELED);
    gone(c);
    will_wait(0);
    will_send(a, 70, 70);
    back(0, 100);
}

/* macOS says so while the peer goes away. Some try again for ever (Q6) */
static void wrong_type_of_protocol(void)
{
    will_send(a, 100, -EPROTOTYPE);
    send_some(W, a, 100);
    back(W, MIO_ECONNRESET);
}

/* A READY is told anew each time, as the kernel is asked anew (M4, M7) */
static void ready_again_and_again(void)
{
    for (int i = 0; i < 3; i++) {
        will_watch_again(a, READING, READING);
        ready(X, a, READING);
        will_wait(FOR_EVER); readable(a, 5);
        back(X, READING);               /* and nothing is received */
    }
    will_watch_again(a, READING, READING);
    ready(X, a, READING);
    will_wait(FOR_EVER); ended(a, 0);
    back(X, READING);
}

/* (C3) */
static void ready_is_told_once(void)
{
    will_watch_again(a, READING, READING);
    ready(X, a, READING);
    will_wait(FOR_EVER); readable(a, 5); readable(a, 5);
    back(X, READING);
    will_wait(10 * MS); readable(a, 9); passes(MS);
    will_wait(9 * MS);
    nothing_for(10 * MS);
}

/* Nobody writes any more: each message would be an event for the writer */
static void local_socket_without_a_writer(void)
{
    mio_socket *s = opened(MIO_LOCAL, MIO_STREAM);
    waits_to_send(W, s);
    will_wait(FOR_EVER); writable(s);
    will_send(s, 100, 100);
    back(W, 100);
    will_wait(10 * MS); writable(s); writable(s); passes(MS);
    will_unwatch(s, WRITING, 0);        /* once */
    will_wait(9 * MS);
    nothing_for(10 * MS);
}

/* --- connections -------------------------------------------------------------------------------------------- */

static void begins_to_connect(int i, mio_socket *s)
{
    will(CONNECT, s->native, ANY, -EINPROGRESS);
    will_watch(s, WRITING);
    connects(i, s, &somewhere);
}

/* (C1, C4) */
static void an_event_is_no_connection(void)
{
    begins_to_connect(X, a);
    for (int i = 0; i < 2; i++) {
        will_wait(FOR_EVER); writable(a);
        will_say_error(a, 0);           /* no error, */
        will_name_peer(a, ENOTCONN);    /* but no peer either */
    }
    will_wait(FOR_EVER); writable(a);
    will_say_error(a, 0);
    will_name_peer(a, 0);
    back(X, 0);
}

/* (C3) */
static void refused_is_told_once(void)
{
    begins_to_connect(X, a);
    will_wait(FOR_EVER); cut(a, 0, ECONNREFUSED); cut(a, 0, ECONNREFUSED);
    will_say_error(a, ECONNREFUSED);
    back(X, MIO_ECONNREFUSED);
    will_wait(5 * MS);
    nothing_for(5 * MS);
}

static void a_receive_waits_for_the_connection(void)
{
    begins_to_connect(X, a);
    if (!is_epoll) will_watch(a, READING);
    receive(R, a, 100);                 /* not tried: ENOTCONN would be wrong */
    will_wait(FOR_EVER); writable(a);
    will_say_error(a, 0);
    will_name_peer(a, 0);
    will_recv(a, 100, -EAGAIN);
    back(X, 0);
    will_wait(FOR_EVER); readable(a, 5);
    will_recv(a, 100, 5);
    back(R, 5);
}

static void a_send_behind_a_refused_connect(void)
{
    begins_to_connect(X, a);
    send_all(W, a, 100);                /* in line: no call */
    will_wait(FOR_EVER); cut(a, 0, ECONNREFUSED);
    will_say_error(a, ECONNREFUSED);
    will_send(a, 100, -EPIPE);
    back(X, MIO_ECONNREFUSED);
    back(W, MIO_EPIPE);
}

/* (Q5) */
static void interrupted_connect(void)
{
    will(CONNECT, a->native, ANY, -EINTR);
    will_watch(a, WRITING);
    connects(X, a, &somewhere);
    will_wait(FOR_EVER); writable(a);
    will_say_error(a, 0);
    will_name_peer(a, 0);
    back(X, 0);
}

static void a_cancelled_connect_is_forgotten(void)
{
    begins_to_connect(X, a);
    cancel(X);
    back(X, MIO_ECANCELED);
    will_close(a);
    closes(CL, a);
    back(CL, 0);
}

/* (C23, C24) */
static void nobody_to_accept_after_all(void)
{
    mio_socket *one = fresh(), *two = fresh();
    will(ACCEPT, a->native, ANY, -EAGAIN);
    will_watch(a, READING);
    accepts(X, a, one);
    accepts(Y, a, two);
    will_wait(FOR_EVER); readable(a, 1);
    will(ACCEPT, a->native, ANY, -EAGAIN);      /* the peer gave up in the meantime */
    will_wait(FOR_EVER); readable(a, 1);        /* one event for all that came */
    will(ACCEPT, a->native, ANY, -ECONNABORTED);
    will(ACCEPT, a->native, ANY, 0);
    will(ACCEPT, a->native, ANY, -EINTR);
    will(ACCEPT, a->native, ANY, 0);
    back(X, 0);
    back(Y, 0);
    will(ACCEPT, a->native, ANY, -EAGAIN);      /* a third may be there: no event would come for it */
    accepts(X, a, fresh());
    will_recv(one, 100, 5);
    receive(R, one, 100);
    back(R, 5);
}

static void wake_it(void)
{
    errno = ERANGE;
    mio_queue_wake(queue);
    if (errno != ERANGE) problem("a wake-up changes errno");
}

static void sixteen_gave_up(void)
{
    for (int i = 0; i < 16; i++) will(ACCEPT, a->native, ANY, -ENETDOWN);
}

/* The network is down for good: whoever else is there is served in between (C24) */
static void an_accept_that_goes_on_failing(void)
{
    will(ACCEPT, a->native, ANY, -EAGAIN);
    will_watch(a, READING);
    due(kernel.now + 3 * MS);
    accepts(X, a, fresh());
    accepts(Y, a, fresh());             /* in line: not tried before the first has its result */
    waits_to_receive(R, b);
    will_wait(3 * MS); readable(a, 1); passes(MS);
    sixteen_gave_up();
    sixteen_gave_up();                  /* it is listed by then */
    will_wait(0); readable(b, 5);
    will_recv(b, 100, 5);
    sixteen_gave_up();
    back(R, 5);
    will_wait(0); meanwhile(wake_it);
    sixteen_gave_up();
    wait_says(FOR_EVER, MIO_WOKEN);
    will_wait(0); passes(2 * MS);
    sixteen_gave_up();
    back(X, MIO_ETIMEDOUT);
    cancel(Y);
    back(Y, MIO_ECANCELED);
}

/* More than any listener's queue holds (C24) */
static void many_peers_that_gave_up(void)
{
    sixteen_gave_up();
    accepts(X, a, fresh());
    for (int i = 0; i < 300; i++) {
        will_wait(0);
        sixteen_gave_up();
        nothing_for(0);
    }
    will_wait(0);
    will(ACCEPT, a->native, ANY, -EHOSTUNREACH);
    will(ACCEPT, a->native, ANY, 0);
    back(X, 0);
}

static void accept_without_descriptors(void)
{
    will(ACCEPT, a->native, ANY, -EAGAIN);
    will_watch(a, READING);
    accepts(X, a, fresh());
    will_wait(FOR_EVER); readable(a, 1);
    will(ACCEPT, a->native, ANY, -EMFILE);
    back(X, MIO_EMFILE);
    will(ACCEPT, a->native, ANY, -EMFILE);
    accepts(X, a, fresh());
    back(X, MIO_EMFILE);
    will(ACCEPT, a->native, ANY, 0);            /* who waits in the kernel is not forgotten */
    accepts(X, a, fresh());
    back(X, 0);
}

static void shut_while_a_receive_waits(void)
{
    waits_to_receive(R, a);
    will(SHUT, a->native, 0, 0);
    will_recv(a, 100, 0);               /* no event is needed */
    mio_op_shut(op_of(X), a, MIO_SHUT_RECEIVE);
    posted(X);
    back(X, 0);
    back(R, 0);
}

static void shut_while_a_send_waits(void)
{
    waits_to_send(W, a);
    will(SHUT, a->native, 0, 0);
    shuts(X, a, MIO_SHUT_RECEIVE);
    back(X, 0);
    will_wait(FOR_EVER); writable(a);
    will_send(a, 100, 100);
    back(W, 100);
}

/* It needs the connection, and nobody who sends */
static void shut_behind_a_connect(void)
{
    begins_to_connect(X, a);
    if (!is_epoll) will_watch(a, READING);
    receive(R, a, 100);
    send_all(W, a, 100);
    shuts(Y, a, MIO_SHUT_RECEIVE);
    will_wait(FOR_EVER); writable(a);
    will_say_error(a, 0);
    will_name_peer(a, 0);
    will(SHUT, a->native, 0, 0);
    will_send(a, 100, -EAGAIN);         /* the peer reads nothing */
    will_recv(a, 100, 0);
    back(X, 0);
    back(Y, 0);
    back(R, 0);
    will_wait(FOR_EVER); writable(a);
    will_send(a, 100, 100);
    back(W, 100);
}

/* The end of what is sent is tried though nobody can be told of room (R14) */
static void shut_behind_what_cannot_be_watched(void)
{
    for (int i = 0; i < 16; i++) will_send(a, 100 - i, 1);
    send_all(W, a, 100);
    will_send(a, 84, -EAGAIN);
    will_refuse_to_watch(a, WRITING, ENOSPC);
    shuts(X, a, MIO_SHUT_SEND);
    back(W, MIO_ENOMEM);
    will_wait(0);
    will(SHUT, a->native, 1, 0);
    back(X, 0);
}

/* --- watching: what the kernel refuses -------------------------------------------------------------------- */

/* One change of two fails (R14) */
static void one_way_is_refused(void)
{
    mio_socket *s = opened(MIO_LOCAL, MIO_STREAM);
    waits_to_send(W, s);
    will_recv(s, 100, -EAGAIN);
    will_refuse_to_watch(s, READING, ENOSPC);
    receive(R, s, 100);
    back(R, MIO_ENOMEM);
    will_wait(FOR_EVER); writable(s);
    will_send(s, 100, 100);
    back(W, 100);
    will_watch_again(s, READING, READING);
    receive(R, s, 100);                 /* asked again, not thought to be watched */
    will_wait(FOR_EVER); readable(s, 5);
    will_recv(s, 100, 5);
    back(R, 5);
}

/* (R19) */
static void closed_by_somebody_else(void)
{
    will_recv(a, 100, -EAGAIN);
    will_refuse_to_watch(a, READING, EBADF);
    receive(R, a, 100);
    back(R, MIO_EBADF);
}

/* All that wait are told, not only the first */
static void the_others_in_line(void)
{
    waits_to_send(W, a);
    send_all(W2, a, 50);
    will_wait(FOR_EVER); writable(a);
    will_send(a, 100, -ECONNRESET);
    will_send(a, 50, -EPIPE);
    back(W, MIO_ECONNRESET);
    back(W2, MIO_EPIPE);
}

/* (S12) */
static void a_socket_outlives_its_queue(void)
{
    waits_to_receive(R, a);
    mio_queue_shutdown(queue);
    back(R, MIO_ECANCELED);
    wait_says(FOR_EVER, MIO_ESHUTDOWN);
    will_forget(a);
    mio_queue_close(queue);
    script_is_used_up("mio_queue_close");
    kernel.automatic = true;
    kernel.lowest = 0;                  /* a descriptor like any other */
    kernel.room = 256;                  /* what a queue has that asks for nothing */
    if (mio_queue_open(&queue, NULL) != 0) problem("no second queue");
    kernel.automatic = false;
    waits_to_receive(R, a);
    will_wait(FOR_EVER); readable(a, 5);
    will_recv(a, 100, 5);
    back(R, 5);
}

/* --- waiting ------------------------------------------------------------------------------------------------ */

/* (W6 is another design's: here a signal ends no wait) */
static void signals_and_a_timeout(void)
{
    for (int left = 50; left > 0; left -= 10) {
        will_fail_to_wait(left * MS, EINTR);
        passes(10 * MS);
    }
    nothing_for(50 * MS);
}

static void signals_for_ever(void)
{
    waits_to_receive(R, a);
    for (int i = 0; i < 100; i++) will_fail_to_wait(FOR_EVER, EINTR);
    will_wait(FOR_EVER); readable(a, 5);
    will_recv(a, 100, 5);
    back(R, 5);
}

/* (W3) */
static void ended_early(void)
{
    for (int64_t left = 50 * MS; left > 1; left /= 2) {
        will_wait(left);
        passes(left - left / 2);
    }
    will_wait(1);
    nothing_for(50 * MS);
}

/* (W1) */
static void only_a_look(void)
{
    will_wait(0);
    nothing_for(0);
    waits_to_receive(R, a);
    will_wait(0); readable(a, 5);
    will_recv(a, 100, 5);
    wait_says(0, 1);
    back(R, 5);
}

static void signal_during_a_look(void)
{
    will_fail_to_wait(0, EINTR);
    nothing_for(0);
}

/* (W8) */
static void noise_keeps_the_deadline(void)
{
    for (int left = 50; left > 0; left -= 5) {
        will_wait(left * MS);
        if (left % 2 == 0) bell();
        else readable(a, 5);            /* nobody reads */
        passes(5 * MS);
    }
    nothing_for(50 * MS);
}

static void noise(void)
{
    waits_to_receive(R, a);
    cancel(R);
    back(R, MIO_ECANCELED);
    noise_keeps_the_deadline();
}

static void the_event_at_the_deadline(void)
{
    due(kernel.now + 10 * MS);
    waits_to_receive(R, a);
    will_wait(10 * MS); readable(a, 5); passes(10 * MS);
    will_recv(a, 100, 5);               /* both are true: it is not too late */
    back(R, 5);
}

static void too_late_for_the_wait(void)
{
    due(kernel.now + 10 * MS);
    waits_to_receive(R, a);
    due(kernel.now + 10 * MS);
    waits_to_receive(R2, b);
    kernel.now += 3600 * SECOND;        /* the program was busy */
    will_wait(0); readable(a, 5);       /* what came in the meantime counts */
    will_recv(a, 100, 5);
    back(R, 5);
    back(R2, MIO_ETIMEDOUT);
}

/* (P8) */
static void busy_completions(void)
{
    timer(T, kernel.now + 10 * MS);
    for (int i = 1; i < 10; i++) {
        kernel.now += MS;
        nop(X);
        back(X, 0);                     /* no call for it */
    }
    kernel.now += MS;
    nop(X);
    back(X, 0);
    back(T, 0);
}

/* (P7) */
static void kernel_is_asked_in_spite_of_nops(void)
{
    waits_to_receive(R, a);
    for (int i = 0; i < 256; i++) {
        nop(X);
        back(X, 0);
    }
    nop(X);
    will_wait(0); readable(a, 5);
    will_recv(a, 100, 5);
    back(X, 0);
    back(R, 5);
}

/* --- the bell ------------------------------------------------------------------------------------------------ */

static void wake_it_often(void)
{
    for (int i = 0; i < 100; i++) mio_queue_wake(queue);
}

static void post_nops(void)
{
    mio_op_nop(op_of(X));
    mio_op_nop(op_of(Y));
    posted(X);
    posted(Y);
}

/* (T2) */
static void woken_in_a_wait(void)
{
    will_wait(FOR_EVER); bell(); meanwhile(wake_it_often);
    will_ring();                        /* once for a hundred calls */
    wait_says(FOR_EVER, MIO_WOKEN);
    will_wait(5 * MS); bell();
    will_wait(5 * MS);                  /* told again, as some kernels do: nobody called */
    nothing_for(5 * MS);
}

/* (T1) */
static void woken_before_a_wait(void)
{
    wake_it_often();
    wait_says(FOR_EVER, MIO_WOKEN);     /* without a call of the kernel's */
    will_wait(5 * MS);
    nothing_for(5 * MS);
}

/* (T9) */
static void woken_twice(void)
{
    for (int i = 0; i < 2; i++) {
        will_wait(FOR_EVER); bell(); meanwhile(wake_it);
        will_ring();
        if (i > 0) will_wait(0);        /* of two calls the second stands for a turn, in which others are served */
        wait_says(FOR_EVER, MIO_WOKEN);
    }
}

static void woken_beside_an_event(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); readable(a, 5); bell(); meanwhile(wake_it);
    will_ring();
    will_recv(a, 100, 5);
    wait_says(FOR_EVER, MIO_WOKEN);     /* nothing is given back with it, */
    back(R, 5);                         /* nor lost, nor waited for */
}

static void many_bells(void)
{
    waits_to_receive(R, a);
    will_wait(FOR_EVER); bell(); bell(); bell(); readable(a, 5); bell();
    will_recv(a, 100, 5);
    back(R, 5);
}

/* (T5) */
static void the_ring_fails(void)
{
    for (int i = 0; i < 2; i++) {
        will_wait(FOR_EVER); bell(); meanwhile(post_nops);
        will(RING, 0, ANY, -EAGAIN);    /* it is full, so it has rung; it is tried again with the next */
        back(X, 0);
        back(Y, 0);
    }
}

static void a_post_without_its_bell(void)
{
    will_fail_to_wait(FOR_EVER, EINTR); meanwhile(post_nops);
    will_ring();
    back(X, 0);                         /* seen, though another thing ended the wait */
    back(Y, 0);
}

static void a_close_is_posted(void)
{
    waits_to_receive(R, a);
    mio_op_close(op_of(CL), a);
    posted(CL);
    will_close(a);
    back(R, MIO_ECANCELED);
    back(CL, 0);
}

static void post_a_receive(void)
{
    static unsigned char byte;
    mio_op_receive(op_of(X), a, &byte, 1);
    posted(X);
}

/* (T10) */
static void begun_while_the_owner_sleeps(void)
{
    waits_to_receive(R, b);
    will_wait(FOR_EVER); bell(); meanwhile(post_a_receive);
    will_ring();
    will_recv(a, 1, 1);
    back(X, 1);
    will_wait(FOR_EVER); bell(); meanwhile(post_a_receive);
    will_ring();
    will_recv(a, 1, -EAGAIN);
    will_watch(a, READING);
    will_wait(FOR_EVER); readable(a, 1); readable(b, 5);
    will_recv(a, 1, 1);
    will_recv(b, 100, 5);
    back(X, 1);
    back(R, 5);
}

/* (W9) */
static void no_capacity(void)
{
    mio_op *done[1];
    waits_to_receive(R, a);
    nop(X);
    for (int capacity = 0; capacity > -3; capacity--)
        if (mio_queue_wait(queue, done, capacity, FOR_EVER) != MIO_EINVAL) problem("a wait for less than one");
    back(X, 0);                         /* nothing was lost, and the kernel not asked */
}

/* A call that was answered is over, also for who posts next */
static void woken_and_then_posted(void)
{
    wake_it();
    wait_says(FOR_EVER, MIO_WOKEN);
    for (int i = 0; i < 2; i++) {
        post_nops();
        back(X, 0);
        back(Y, 0);
    }
}

/* What was posted before a close is before it */
static void posted_for_a_socket_that_is_closed(void)
{
    waits_to_receive(R, a);
    unsigned char byte;
    mio_op_receive(op_of(X), a, &byte, 1);
    posted(X);
    will_close(a);
    closes(CL, a);
    back(R, MIO_ECANCELED);
    back(X, MIO_ECANCELED);
    back(CL, 0);
}

static void a_post_is_cancelled(void)
{
    unsigned char byte;
    mio_op_receive(op_of(X), a, &byte, 1);
    posted(X);
    will_recv(a, 1, -EAGAIN);
    will_watch(a, READING);
    cancel(X);
    back(X, MIO_ECANCELED);
}

const struct script common_scripts[] = {
    { "batches", "closed between two that are given back (S1, S10)", closed_between },
    { "batches", "number and memory used again (S9, X14)", number_and_memory_again },
    { "batches", "detached (S9)", detached },
    { "batches", "an event after a cancel", event_after_a_cancel },
    { "batches", "an event that nobody waited for", event_that_nobody_waited_for },
    { "batches", "the same event twice", the_same_event_twice },
    { "batches", "both ways at once (M12)", both_ways_at_once },
    { "batches", "bytes and their end in one event (C5, C19)", bytes_and_end_in_one_event },
    { "batches", "the end before the bytes", end_before_the_bytes },
    { "batches", "a reset with bytes left (C8, C19)", reset_with_bytes_left },
    { "batches", "a reset told to who asks first", reset_told_to_the_sender },
    { "batches", "a full batch (W11)", a_full_batch },
    { "batches", "given back one at a time (W10)", given_one_at_a_time },
    { "batches", "one event for two receives (P9)", one_event_for_two_receives },
    { "hints", "nothing there after all", nothing_there_after_all },
    { "hints", "no room after all", no_room_after_all },
    { "hints", "a short read is the last", a_short_read_is_the_last },
    { "hints", "a full read is not", a_full_read_is_not },
    { "hints", "a short read of a local socket", a_short_read_of_a_local_socket },
    { "hints", "empty and long datagrams (C16)", empty_and_long_datagrams },
    { "hints", "a byte at a time (P13)", a_byte_at_a_time },
    { "hints", "a byte for each event", a_byte_for_each_event },
    { "hints", "interrupted attempts", interrupted_attempts },
    { "hints", "the wrong type of protocol (Q6)", wrong_type_of_protocol },
    { "hints", "gone before it is tried again", gone_before_it_is_tried_again },
    { "hints", "ready again and again (M4, M7)", ready_again_and_again },
    { "hints", "ready is told once (C3)", ready_is_told_once },
    { "hints", "a local socket without a writer", local_socket_without_a_writer },
    { "connections", "an event is no connection (C1, C4)", an_event_is_no_connection },
    { "connections", "refused is told once (C3)", refused_is_told_once },
    { "connections", "a receive waits for the connection", a_receive_waits_for_the_connection },
    { "connections", "a send behind a refused connect", a_send_behind_a_refused_connect },
    { "connections", "an interrupted connect (Q5)", interrupted_connect },
    { "connections", "a cancelled connect", a_cancelled_connect_is_forgotten },
    { "connections", "nobody to accept after all (C23, C24)", nobody_to_accept_after_all },
    { "connections", "an accept that goes on failing (C24)", an_accept_that_goes_on_failing },
    { "connections", "many peers that gave up (C24)", many_peers_that_gave_up },
    { "connections", "accept without descriptors (C24)", accept_without_descriptors },
    { "connections", "shut while a receive waits", shut_while_a_receive_waits },
    { "connections", "shut while a send waits", shut_while_a_send_waits },
    { "connections", "shut behind a connect", shut_behind_a_connect },
    { "watching", "shut behind what cannot be watched (R14)", shut_behind_what_cannot_be_watched },
    { "connections", "the others in line are told", the_others_in_line },
    { "watching", "one way is refused (R14)", one_way_is_refused },
    { "watching", "closed by somebody else (R19)", closed_by_somebody_else },
    { "watching", "a socket outlives its queue (S12)", a_socket_outlives_its_queue },
    { "waiting", "signals and a timeout", signals_and_a_timeout },
    { "waiting", "signals for ever", signals_for_ever },
    { "waiting", "ended early (W3)", ended_early },
    { "waiting", "only a look (W1)", only_a_look },
    { "waiting", "no capacity (W9)", no_capacity },
    { "waiting", "a signal during a look", signal_during_a_look },
    { "waiting", "noise keeps the deadline (W8)", noise },
    { "waiting", "the event at the deadline", the_event_at_the_deadline },
    { "waiting", "too late for the wait", too_late_for_the_wait },
    { "waiting", "timers beside busy completions (P8)", busy_completions },
    { "waiting", "the kernel is asked in spite of nops (P7)", kernel_is_asked_in_spite_of_nops },
    { "bell", "woken in a wait (T2)", woken_in_a_wait },
    { "bell", "woken before a wait (T1)", woken_before_a_wait },
    { "bell", "woken twice (T9)", woken_twice },
    { "bell", "woken beside an event", woken_beside_an_event },
    { "bell", "many bells", many_bells },
    { "bell", "the ring fails (T5)", the_ring_fails },
    { "bell", "a post without its bell", a_post_without_its_bell },
    { "bell", "a close is posted", a_close_is_posted },
    { "bell", "woken, and then posted", woken_and_then_posted },
    { "bell", "begun while the owner sleeps (T10)", begun_while_the_owner_sleeps },
    { "bell", "posted for a socket that is closed", posted_for_a_socket_that_is_closed },
    { "bell", "a post is cancelled", a_post_is_cancelled },
    { 0 }
};
