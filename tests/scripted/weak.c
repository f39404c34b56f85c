/*
 * A kernel that promises no more than it must, in random play: it tells once of what is new, in any order, in small or
 * merged batches; it tells twice, or of nothing; it counts what was there a moment ago; bytes come between its word and
 * the call; signals end waits and calls. Whatever it does, bytes are neither lost nor doubled nor in another order, and
 * once it has told all it must, nobody waits for what is there, and nothing is tried any more.
 */
#include "kernel.h"
#include <errno.h>
#include <stddef.h>

enum { SOCKETS = 10, STEPS = 30000, LINES = 2, BYTES = 120 };
enum kind { TCP = 1, LOCAL, PIPE };

static struct one {
    mio_op op;                          /* the first: what comes back is one of these */
    struct socket *of;
    bool inside;
    unsigned char bytes[BYTES];
} rest;                                 /* of closes */

static struct socket {
    mio_socket *s;
    enum kind kind;
    struct one in[LINES], out[LINES], ready[2];
    unsigned char next_in, next_out;    /* the user's numbers */
    /* the kernel's */
    int available, room, mark;          /* mark: bytes up to it; 0: none */
    bool end, broken, error_told;       /* the kernel tells of it once */
    bool reset_told;                    /* the library has told a receive */
    int news;                           /* ways of which it has to tell */
} sockets[SOCKETS];

static bool calm;                       /* it behaves well */
static int attempts;                    /* to receive or send */

/* --- random ------------------------------------------------------------------------------------------------- */

static uint64_t state;
static int below(int n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int)(state % (uint64_t)n);
}

static bool percent(int n) { return !calm && below(100) < n; }
static int least(int x, int y) { return x < y ? x : y; }

/* --- what happens in the world ----------------------------------------------------------------------------- */

static bool can_read(const struct socket *t) { return t->available > 0 || t->end || t->broken; }
static bool can_write(const struct socket *t) { return t->room > 0 || t->broken; }

static void bytes_come(struct socket *t)
{
    if (t->end || t->broken) return;
    t->available += 1 + below(below(4) == 0 ? 300 : 20);
    if (is_epoll && t->kind == TCP && t->mark == 0 && below(20) == 0) t->mark = t->available;
    t->news |= READING;
}

static void something_happens(struct socket *t)
{
    int luck = below(100);
    if (luck < 60) {
        bytes_come(t);
    } else if (luck < 95) {
        t->room += 1 + below(200);
        t->news |= WRITING;
    } else if (luck < 98) {
        t->end = true;
        t->news |= READING;
    } else if (t->kind == TCP) {
        t->broken = true;
        t->news |= READING | WRITING;
    }
}

/* --- what is asked of the kernel ---------------------------------------------------------------------------- */

static struct socket *with(int fd)
{
    for (int i = 0; i < SOCKETS; i++)
        if (sockets[i].s->native == fd) return &sockets[i];
    problem("a call with another descriptor");
    return NULL;
}

/* A stream gives all that is there, but up to an urgent mark, and where messages have boundaries up to one */
static int64_t gives_bytes(struct socket *t, int room)
{
    attempts++;
    if (percent(10)) bytes_come(t);
    if (percent(5)) return -EINTR;
    if (t->broken && !t->error_told) {
        t->error_told = true;
        return -ECONNRESET;
    }
    if (t->broken) return 0;
    if (t->available == 0) return t->end ? 0 : -EAGAIN;
    int n = least(room, t->available);
    if (t->mark > 0) n = least(n, t->mark);
    if (t->kind == LOCAL) n = 1 + below(n);
    t->available -= n;
    t->mark -= t->mark > 0 ? n : 0;
    return n;
}

static int64_t takes_bytes(struct socket *t, int length)
{
    attempts++;
    if (percent(5)) return -EINTR;
    if (t->broken && !t->error_told && below(2) == 0) {
        t->error_told = true;           /* then no recv is told */
        return -ECONNRESET;
    }
    if (t->broken) return -EPIPE;
    if (t->room == 0) return -EAGAIN;
    int n = percent(20) ? 1 + below(least(length, t->room)) : least(length, t->room);
    t->room -= n;
    return n;
}

static void tells(struct call *wait, struct socket *t)
{
    int ways = kernel.fds[t->s->native].ways & t->news;
    t->news &= ~ways;
    if (ways & READING && !can_read(t) && !percent(10)) ways &= ~READING;
    if (ways & WRITING && !can_write(t) && !percent(10)) ways &= ~WRITING;
    if (percent(5)) ways |= kernel.fds[t->s->native].ways;      /* of nothing, or of the same again */
    if (ways == 0) return;
    if (wait->count > ROOM - 2) {       /* with the next call */
        t->news |= ways;
        return;
    }
    struct condition now = { .available = t->available, .readable = can_read(t), .writable = can_write(t), .end = t->end,
        .broken = t->broken, .mark = t->mark > 0, .pipe = t->kind == PIPE };
    wait->count += news_of(&wait->news[wait->count], t->s->native, ways, &now);
}

static void answers_a_wait(struct call *wait)
{
    int start = below(SOCKETS), most = percent(30) ? below(SOCKETS) : SOCKETS;
    wait->passes = 0;
    if (percent(5)) {
        wait->answer = -EINTR;
        return;
    }
    for (int i = 0; i < most; i++) tells(wait, &sockets[(start + i) % SOCKETS]);
    if (percent(5) && wait->count > 0 && wait->count < ROOM) wait->news[wait->count++] = wait->news[0];
}

static bool busy(const struct one *line) { return line[0].inside || line[1].inside; }

/* Sometimes it has no memory for a watch; the numbers of a send that then ends would be missed */
static int64_t watches(struct socket *t, int ways)
{
    if (percent(3) && !busy(t->out)) return -ENOSPC;
    t->news |= ways;                    /* it looks at the descriptor anew */
    return 0;
}

static struct call *weak(enum what what, int fd, int64_t argument)
{
    static struct call call;
    call = (struct call){ .what = what, .fd = fd };
    if (what == WAIT && argument < 0) problem("the library sleeps for ever");
    if (what == WAIT) answers_a_wait(&call);
    else if (what == RECV || what == READ) call.answer = gives_bytes(with(fd), (int)argument);
    else if (what == SEND) call.answer = takes_bytes(with(fd), (int)argument);
    else if (what == WATCH || what == CHANGE)
        call.answer = watches(with(fd), is_epoll ? READING | WRITING : (int)argument);
    else if (what != FORGET && what != CLOSE) problem("an unexpected call");
    if (what == WAIT && call.count == 0 && argument > 0) kernel.now += argument;
    return &call;
}

/* --- the user ------------------------------------------------------------------------------------------------ */

static void open_again(struct socket *t)
{
    mio_socket *s = t->s;
    *t = (struct socket){ .s = s, .kind = t->kind };
    if (t->kind == PIPE ? mio_socket_adopt(s, open_descriptor()) != 0
                        : mio_socket_open(s, t->kind == TCP ? MIO_IPV4 : MIO_LOCAL, MIO_STREAM) != 0)
        problem("a socket does not open");
}

static void begins(struct one *o, struct socket *t)
{
    o->of = t;
    o->inside = true;
    if (mio_queue_submit(queue, &o->op) != 0) problem("an operation is refused");
}

/* A READY is alone in its direction */
static void ready_is_wanted(struct socket *t, int way)
{
    struct one *o = &t->ready[way - 1];
    if (o->inside || busy(way == READING ? t->in : t->out)) return;
    mio_op_ready(&o->op, t->s, way);
    begins(o, t);
}

static void something_is_wanted(struct socket *t)
{
    struct one *in = &t->in[below(LINES)], *out = &t->out[below(LINES)];
    int length = 1 + below(BYTES);
    if (below(8) == 0) {
        ready_is_wanted(t, t->kind == PIPE ? READING : 1 + below(2));
    } else if (below(2) == 0 && !in->inside && !t->ready[0].inside) {
        mio_op_receive(&in->op, t->s, in->bytes, (size_t)length);
        begins(in, t);
    } else if (!out->inside && !t->ready[1].inside && t->kind != PIPE) {
        for (int i = 0; i < length; i++) out->bytes[i] = t->next_out++;
        mio_op_send_all(&out->op, t->s, out->bytes, (size_t)length);
        begins(out, t);
    }
}

/* The code that a READY is for reads by itself, and not always all */
static void others_read(struct socket *t)
{
    if (t->s->native < 0) return;       /* it is closed */
    int n = t->available > 0 ? below(t->available + 1) : 0;
    t->available -= n;
    t->mark = t->mark > n ? t->mark - n : 0;
    t->next_in = kernel.fds[t->s->native].in = (unsigned char)(t->next_in + n);
}

static void is_back(struct one *o)
{
    struct socket *t = o->of;
    int64_t n = o->op.result;
    if (!o->inside) problem("an operation comes back twice");
    o->inside = false;
    kernel.timers++;
    if (o == &rest || n == MIO_ECANCELED || (n == MIO_ENOMEM && o->op.way == READING)) return;
    if (o == &t->ready[0]) others_read(t);
    if (o == &t->ready[0] || o == &t->ready[1]) return;
    if (n < 0 && !t->broken) problem("an error that nobody made: %s", mio_strerror((int)n));
    if (o->op.way == WRITING) {
        if (n >= 0 && n != (int64_t)o->op.length) problem("a send_all sends only a part");
        return;
    }
    if (n == 0 && !t->broken && (!t->end || t->available > 0)) problem("an end that is none");
    if (n == 0 && t->broken && !t->end && !t->reset_told) problem("a reset ends as a clean end");
    if (n < 0 && t->reset_told) problem("a reset is told twice");
    t->reset_told = t->reset_told || n < 0;
    for (int64_t i = 0; i < n; i++)
        if (o->bytes[i] != t->next_in++) problem("other bytes are received than the next ones");
}

static int looks(int64_t timeout)
{
    mio_op *done[8];
    int n = mio_queue_wait(queue, done, 1 + below(8), timeout);
    if (n < 0) problem("a wait fails");
    for (int i = 0; i < n; i++) is_back((struct one *)done[i]);
    return n;
}

/* It has told all it must, and nobody waits for what is there */
static void settles(void)
{
    int quiet = 0, tries = 0;
    calm = true;
    for (; quiet < 4; tries++) {
        if (tries > 1000) problem("it does not come to rest");
        quiet = looks(0) == 0 ? quiet + 1 : 0;
    }
    for (int i = 0; i < SOCKETS; i++) {
        const struct socket *t = &sockets[i];
        if (t->ready[0].inside && can_read(t)) problem("a READY waits for what is there");
        if (t->ready[1].inside && can_write(t)) problem("a READY waits for room that is there");
        for (int line = 0; line < LINES; line++) {
            if (t->in[line].inside && can_read(t)) problem("a receive waits for what is there");
            if (t->out[line].inside && can_write(t)) problem("a send waits for room that is there");
        }
    }
    int before = attempts, waits = kernel.waits;
    if (looks(MS) != 0 || attempts != before || kernel.waits != waits + 1) problem("it does not rest");
    calm = false;
}

static void ends(struct socket *t)
{
    if (rest.inside) return;
    mio_op_close(&rest.op, t->s);
    begins(&rest, t);
    while (rest.inside || busy(t->in) || busy(t->out) || busy(t->ready)) looks(0);
    open_again(t);
}

static void is_cancelled(struct one *o)
{
    if (o->inside) mio_queue_cancel(queue, &o->op);
}

static void step(void)
{
    struct socket *t = &sockets[below(SOCKETS)];
    int luck = below(100);
    if (luck < 35) something_happens(t);
    else if (luck < 70) something_is_wanted(t);
    else if (luck < 72) is_cancelled(below(2) == 0 ? &t->in[below(LINES)] : &t->ready[below(2)]);
    else if (luck < 73 || ((t->end || t->broken) && luck < 76)) ends(t);
    else if (luck < 78) settles();
    else looks(below(2) * MS);
}

static void plays(uint64_t seed)
{
    state = seed * 0x9e3779b97f4a7c15u + 1;
    for (int i = 0; i < SOCKETS; i++) {
        sockets[i] = (struct socket){ .s = fresh(), .kind = i < 6 ? TCP : i < 8 ? LOCAL : PIPE };
        open_again(&sockets[i]);
    }
    kernel.world = weak;
    for (int i = 0; i < STEPS; i++) step();
    settles();
    for (int i = 0; i < SOCKETS; i++) ends(&sockets[i]);
    kernel.world = NULL;
}

static void seed_1(void) { plays(other_seeds + 1); }
static void seed_2(void) { plays(other_seeds + 2); }
static void seed_3(void) { plays(other_seeds + 3); }
static void seed_4(void) { plays(other_seeds + 4); }

const struct script weak_scripts[] = {
    { "random play", "random play, seed 1", seed_1 },
    { "random play", "random play, seed 2", seed_2 },
    { "random play", "random play, seed 3", seed_3 },
    { "random play", "random play, seed 4", seed_4 },
    { 0 }
};
