/*
 * The reference: an event queue of the simplest kind. Each socket has two lines of operations; poll(2) says which of
 * those in front could be done, a plain call on the model's own connection does it. It does not choose: minimio does
 * an operation first, and the reference says whether minimio.h allows that, by doing the same. So what minimio.h leaves
 * open (how much of it a send took, what a race came to) needs no guess, and everything else has one right answer.
 */
#include "random.h"
#include <stdio.h>
#include <string.h>

/* --- lines ------------------------------------------------------------------------------------------ */

bool is_stream(const struct slot *s)
{
    return s->type == TCP || s->type == LOCAL || s->type == FRESH || s->type == LISTENER;
}

bool is_datagram(const struct slot *s) { return s->type == UDP || s->type == UDP_FREE; }

/* The end of what is received waits for nobody who sends, but for a connection */
static bool goes_ahead(const struct item *i)
{
    const struct item *writer = run.slots[i->slot].line[WRITES - 1];
    return i->kind == S_SHUT && i->length == MIO_SHUT_RECEIVE && (writer == NULL || writer->kind != S_CONNECT);
}

static bool has_line(const struct item *i)
{
    return i->kind < S_TIMER && i->kind != S_CLOSE && i->expected > 0 && !i->alone;
}

static bool has_socket(const struct item *i) { return i->kind < S_TIMER; }

static int direction(const struct item *i)
{
    switch (i->kind) {
    case S_RECEIVE: case S_ACCEPT: return READS;
    case S_READY:   return (int)i->length;
    default:        return WRITES;
    }
}

static struct item **line_of(const struct item *i) { return &run.slots[i->slot].line[direction(i) - 1]; }

static void append(struct item **line, struct item *i)
{
    while (*line != NULL) line = &(*line)->next;
    *line = i;
    i->next = NULL;
}

static bool take_out(struct item **line, const struct item *i)
{
    while (*line != NULL && *line != i) line = &(*line)->next;
    if (*line == NULL) return false;
    *line = i->next;
    return true;
}

static bool sends(const struct item *i) { return i->kind == S_SEND || i->kind == S_SEND_ALL; }

/* Given up, these leave a socket that is good for a close only, says minimio.h. Where the kernel knows nothing of those
   that wait, that is true of a connect only, and the test holds the library to more than it promises */
static bool spoils(const struct item *i)
{
    return i->kind == S_CONNECT || (!UNIX && (i->kind == S_RECEIVE || sends(i)));
}

/* --- in --------------------------------------------------------------------------------------------- */

/* A READY shares its direction with no other; but those that only end something may line up */
static bool beside(const struct item *i)
{
    if (!has_socket(i) || i->kind == S_CLOSE || i->kind == S_SHUT) return false;
    for (const struct item *other = *line_of(i); other != NULL; other = other->next)
        if (i->kind == S_READY || other->kind == S_READY) return true;
    return false;
}

int reference_refusal(const struct item *i)
{
    if (i->inside) return MIO_EBUSY;
    if (run.ending && i->kind != S_CLOSE) return MIO_ESHUTDOWN;
    return beside(i) ? MIO_EBUSY : 0;
}

static void unwanted(struct item *);

static void begin_close(struct slot *s)
{
    s->closing = true;
    for (int w = 0; w < 2; w++)
        for (struct item *i = s->line[w]; i != NULL; i = i->next) unwanted(i);
}

void reference_take(struct item *i)
{
    struct slot *s = &run.slots[i->slot];
    i->inside = true;
    i->posted = false;
    i->sequence = run.sequence++;
    i->taken = os_now();
    i->expected = has_socket(i) && (!s->open || s->closing) ? MIO_EBADF : 1;
    if (i->expected <= 0) return;
    i->alone = goes_ahead(i);
    if (i->kind == S_CLOSE) begin_close(s);
    if (!has_line(i)) return;
    append(line_of(i), i);
    if (i->kind == S_CONNECT) i->model_code = s->connected ? MIO_EISCONN : os_connect(s->model, &i->model_address);
}

/* In a wait, or when something else must not overtake them */
void reference_take_posts(void)
{
    while (run.posts != NULL) {
        struct item *i = run.posts;
        run.posts = i->next;
        if (run.ending && i->kind != S_CLOSE) {
            i->posted = false;
            i->sequence = run.sequence++;
            i->expected = MIO_ECANCELED;
            continue;
        }
        i->busy_too = beside(i);
        reference_take(i);
    }
}

/* --- what could be done ------------------------------------------------------------------------------- */

/* What to poll for it. The model has more room for what is sent: whether there is some, minimio's own socket knows */
static struct asked question(const struct item *i)
{
    const struct slot *s = &run.slots[i->slot];
    bool own = direction(i) == WRITES && (i->kind != S_CONNECT || s->connected);    /* a second connect waits like a send */
    return (struct asked){ own ? s->socket.native : s->model, direction(i), 0 };
}

static bool waits_for_connect(const struct item *i)
{
    const struct item *writer = run.slots[i->slot].line[WRITES - 1];
    return direction(i) == READS && i->kind != S_READY && writer != NULL && writer->kind == S_CONNECT;
}

/* A half may have been shut already, and its receive have ended by that, though neither came back */
static bool is_being_shut(int slot)
{
    for (int k = 0; k < ITEMS; k++)
        if (run.items[k].inside && run.items[k].kind == S_SHUT && run.items[k].slot == slot) return true;
    return false;
}

/* It was asked for, and there was nothing: then there is one right result */
static void unwanted(struct item *i)
{
    if (i->unwanted) return;
    i->unwanted = true;
    if (!UNIX && spoils(i)) run.slots[i->slot].spoiled = run.slots[i->slot].lost = true;
    if (i->kind == S_TIMER) i->hopeless = i->deadline > os_now();
    if (!i->seen || !has_line(i) || is_being_shut(i->slot)) return;
    struct asked a = question(i);
    os_poll(&a, 1);
    i->hopeless = !a.ready;
}

void reference_cancel(struct item *i)
{
    if (i->posted) reference_take_posts();
    unwanted(i);
}

static bool at_once(const struct item *i, int64_t now)
{
    if (i->posted || i->expected <= 0 || i->kind == S_NOP || i->kind == S_CLOSE || i->unwanted) return true;
    if (i->deadline != 0 && i->deadline <= now) return true;
    if (!has_line(i)) return i->alone;
    return *line_of(i) == i && i->kind == S_SHUT && !run.slots[i->slot].lost;
}

struct item *reference_owes(void)
{
    struct asked asked[2 * SLOTS];
    struct item *who[2 * SLOTS];
    int n = 0;
    int64_t now = os_now();
    for (int k = 0; k < ITEMS; k++)
        if (run.items[k].inside && at_once(&run.items[k], now)) return &run.items[k];
    for (int k = 0; k < 2 * SLOTS; k++) {
        struct item *i = run.slots[k / 2].line[k % 2];
        if (i == NULL || run.slots[k / 2].lost || waits_for_connect(i)) continue;
        if (run.slots[k / 2].no_more && i->kind == S_RECEIVE) return i;
        who[n] = i;
        asked[n++] = question(i);
    }
    if (n > 0) os_poll(asked, n);
    for (int k = 0; k < n; k++) if (asked[k].ready) return who[k];
    return NULL;
}

/* --- with patience ------------------------------------------------------------------------------------ */

/* So many bytes of a stream, or what comes instead of the first */
long reference_receive(fd s, void *bytes, size_t wanted, size_t most)
{
    size_t got = 0;
    for (int64_t until = os_now() + run.patience; ; os_nap(20 * US)) {
        long n = os_receive(s, (char *)bytes + got, (wanted > 0 ? wanted : most) - got);
        if (n > 0) got += (size_t)n;
        if (n > 0 && (wanted == 0 || got == wanted)) return (long)got;
        if (n <= 0 && n != MIO_EAGAIN) return got > 0 ? (long)got : n;
        if (os_now() > until) return got > 0 ? (long)got : MIO_EAGAIN;
    }
}

static long model_send(struct slot *s, const struct item *i, size_t upto)
{
    size_t sent = i->moved;
    for (int64_t until = os_now() + run.patience; sent < upto; ) {
        long n = os_send(s->model, i->bytes + sent, upto - sent);
        if (n > 0) sent += (size_t)n;
        else if (n != MIO_EAGAIN) return n;
        else if (os_now() > until) return MIO_EAGAIN;
        else os_nap(20 * US);
    }
    return (long)sent;
}

void reference_feed(struct slot *s, size_t more)
{
    struct item *i = s->line[WRITES - 1];
    if (i == NULL || !sends(i) || is_datagram(s)) return;
    size_t upto = i->moved + more > i->op.done ? i->moved + more : i->op.done;
    if (upto > i->length) finding("the peer got more than was sent");
    if (upto > i->moved && model_send(s, i, upto) == (long)upto) i->moved = upto;
}

/* --- out: each kind ----------------------------------------------------------------------------------- */

static const char *word(int64_t r)
{
    static char words[2][32];
    static int turn;
    turn = !turn;
    if (r < 0) return mio_strerror((int)r);
    snprintf(words[turn], sizeof words[turn], "%d", (int)r);
    return words[turn];
}

static void want(const struct item *i, int64_t wanted)
{
    if (i->op.result != wanted)
        finding("%s #%d on s%d comes back with %s, the reference with %s", item_name(i), i->number, i->slot,
                word(i->op.result), word(wanted));
}

/* A cut is told once in each direction, in place of an end or of MIO_EPIPE */
static long told(struct slot *s, int way, long code)
{
    if (!is_stream(s)) return code;
    if (code == MIO_ECONNRESET && s->error == 0) s->error = MIO_ECONNRESET;
    bool hides = code == 0 || code == MIO_EPIPE || code == MIO_ECONNRESET;
    if (s->error == 0 || s->told[way - 1] || !hides) return code;
    s->told[way - 1] = true;
    return s->error;
}

static void same_bytes(const struct item *i, const void *bytes, size_t n)
{
    if (memcmp(i->room, bytes, n) != 0) finding("%s #%d has other bytes than were sent", item_name(i), i->number);
}

static void followed_datagram(struct item *i, struct slot *s)
{
    static unsigned char bytes[65536];
    long n = reference_receive(s->model, bytes, 0, sizeof bytes);
    want(i, n > (long)i->length ? MIO_EMSGSIZE : n);
    if (n > 0) same_bytes(i, bytes, n > (long)i->length ? i->length : (size_t)n);
    if (n >= 0 && s->type == UDP_FREE && mio_address_port(&i->address) != mio_address_port(&s->peer_address))
        finding("receive #%d has another sender's address", i->number);
}

/* An end, or an error. A cut may discard what was not received yet (RFC 9293, 3.10.7.4: its queues are flushed) */
static void followed_no_bytes(struct item *i, struct slot *s)
{
    static unsigned char bytes[65536];
    if (s->no_more && i->op.result == 0) return;
    long n = reference_receive(s->model, bytes, 0, sizeof bytes);
    while (n > 0 && i->op.result == MIO_ECONNRESET) n = reference_receive(s->model, bytes, 0, sizeof bytes);
    want(i, n > 0 ? n : told(s, READS, n));
}

static void followed_receive(struct item *i, struct slot *s)
{
    static unsigned char bytes[65536];
    int64_t r = i->op.result;
    for (int k = 0; k < 16; k++) if (i->room[i->length + (size_t)k] != 0xA5) finding("receive #%d wrote behind its buffer", i->number);
    if (is_datagram(s)) { followed_datagram(i, s); return; }
    if (s->vague && r <= 0) return;
    if (r <= 0) { followed_no_bytes(i, s); return; }
    if ((size_t)r > i->length || i->op.done != (size_t)r) finding("receive #%d says %s of %d", i->number, word(r), (int)i->length);
    long n = reference_receive(s->model, bytes, (size_t)r, 0);
    for (int64_t until = os_now() + run.patience; n == 0 && s->no_more && os_now() < until; os_nap(20 * US))
        n = reference_receive(s->model, bytes, (size_t)r, 0);       /* shut, and what was sent before comes all the same */
    want(i, n);
    same_bytes(i, bytes, (size_t)r);
}

static long model_send_datagram(struct item *i, struct slot *s)
{
    return s->type == UDP_FREE ? os_send_to(s->model, i->bytes, i->length, &s->model_peer_address)
                               : os_send(s->model, i->bytes, i->length);
}

static void followed_send(struct item *i, struct slot *s)
{
    int64_t r = i->op.result;
    if (is_datagram(s)) { want(i, model_send_datagram(i, s)); return; }
    if (r < 0 && s->vague) return;
    if (r < 0) {
        reference_feed(s, 0);           /* as far as it got; what comes then? */
        long n = os_send(s->model, i->bytes + i->moved, i->length - i->moved);
        bool over = s->no_send && (r == MIO_EPIPE || r == MIO_ECONNRESET) && (n == MIO_EPIPE || n == MIO_ECONNRESET);
        if (over) {                     /* our end, or the peer's reset: which was there first is a matter of time */
            s->spoiled = s->lost = true;
            return;
        }
        want(i, n >= 0 ? n : told(s, WRITES, n));
        return;
    }
    if (r == 0 || (size_t)r > i->length || i->op.done != (size_t)r || (i->kind == S_SEND_ALL && (size_t)r != i->length)
            || (size_t)r < i->moved)
        finding("%s #%d says %s of %d, the peer has %d", item_name(i), i->number, word(r), (int)i->length, (int)i->moved);
    want(i, model_send(s, i, (size_t)r));
    i->moved = (size_t)r;
}

static fd patient_accept(fd listener)
{
    fd s = os_accept(listener);
    for (int64_t until = os_now() + run.patience; s == NO_FD && os_now() < until; s = os_accept(listener)) os_nap(20 * US);
    return s;
}

static void followed_connect(struct item *i, struct slot *s)
{
    int n = i->model_code;
    for (int64_t until = os_now() + run.patience; n == MIO_EAGAIN && os_now() < until; os_nap(20 * US))
        n = os_connect_result(s->model);
    want(i, n);
    if (n == MIO_EISCONN) return;
    s->spoiled = n != 0;
    if (n != 0) return;
    s->connected = true;
    s->peer = patient_accept(s->target);
    s->model_peer = patient_accept(s->model_target);
    if (s->peer == NO_FD || s->model_peer == NO_FD) finding("connect #%d has no peer", i->number);
}

/* Those who connected first are accepted first */
static void followed_accept(struct item *i, struct slot *s)
{
    struct slot *to = &run.slots[i->other];
    mio_address from;
    want(i, 0);
    fd peer = patient_accept(s->model);
    if (s->nwaiting == 0 || peer == NO_FD) finding("accept #%d has a connection that nobody made", i->number);
    to->type = TCP;
    to->open = to->connected = true;
    to->model = peer;
    to->peer = s->waiting[0][0];
    to->model_peer = s->waiting[1][0];
    s->nwaiting--;
    for (int w = 0; w < 2; w++) memmove(s->waiting[w], s->waiting[w] + 1, sizeof s->waiting[w] - sizeof s->waiting[w][0]);
    os_room(to->socket.native, true);
    os_room(to->model, false);
    if (mio_socket_peer(&to->socket, &from) != 0 || mio_address_port(&from) != os_port(to->peer))
        finding("accept #%d has another connection than the first", i->number);
}

static void followed_shut(struct item *i, struct slot *s)
{
    int n = os_shut(s->model, (int)i->length);
    bool over = (s->no_send || s->no_more) && (n == 0 || n == MIO_ENOTCONN)     /* whether the peer's end has come yet */
        && (i->op.result == 0 || i->op.result == MIO_ENOTCONN);
    if (!over && !s->vague && (UNIX || i->length != MIO_SHUT_RECEIVE)) want(i, n);
    if (i->length & MIO_SHUT_SEND) s->no_send = true;
    if (n == 0 && i->length & MIO_SHUT_RECEIVE) s->no_more = true;
    if (n != 0 && s->type == FRESH) s->spoiled = true;      /* Linux remembers it all the same, and polls as if it hung up */
}

static void followed_close(struct item *i, struct slot *s)
{
    for (int k = 0; k < ITEMS; k++) {
        const struct item *other = &run.items[k];
        if (other->inside && !other->posted && other != i && has_socket(other) && other->slot == i->slot && other->sequence < i->sequence)
            finding("close #%d comes back before %s #%d", i->number, item_name(other), other->number);
    }
    want(i, 0);
    os_close(s->model);
    s->open = s->closing = false;
    memset(&s->socket, 0, sizeof s->socket);    /* its memory is ours again; nobody may write there */
}

/* Equal ones in the order of submission, and none before an earlier one */
static void followed_timer(struct item *i)
{
    if (os_now() < i->deadline) finding("timer #%d is early", i->number);
    want(i, 0);
    for (int k = 0; k < ITEMS; k++) {
        const struct item *t = &run.items[k];
        if (!t->inside || t == i || t->kind != S_TIMER || t->posted || t->unwanted || t->expected <= 0) continue;
        bool before = t->sequence < i->sequence ? t->deadline <= i->deadline
                                                : t->deadline < i->deadline && t->taken < i->deadline;
        if (before) finding("timer #%d comes back before #%d, which is due first", i->number, t->number);
    }
}

static void followed_ready(struct item *i, const struct slot *s)
{
    struct asked a = question(i);
    want(i, (int64_t)i->length);
    if (direction(i) == WRITES && s->no_send) return;           /* a send would fail at once: kqueue tells, epoll does not */
    for (int64_t until = os_now() + run.patience; !a.ready && os_now() < until; os_nap(20 * US)) os_poll(&a, 1);
    if (!a.ready) finding("ready #%d on s%d comes back, and nothing is ready", i->number, i->slot);
}

/* --- out ---------------------------------------------------------------------------------------------- */

/* It ended early: by a cancel, a close, the end of the queue, or its deadline */
static bool gave_up(struct item *i, struct slot *s)
{
    bool late = i->op.result == MIO_ETIMEDOUT && i->deadline != 0 && i->kind != S_TIMER;
    if (i->op.result != MIO_ECANCELED && !late) return false;
    if (late && os_now() < i->deadline) finding("%s #%d has its time-out before its deadline", item_name(i), i->number);
    if (!late && !i->unwanted) finding("%s #%d is cancelled by nobody", item_name(i), i->number);
    if (i->kind == S_CLOSE || i->kind == S_NOP) finding("%s #%d is cancelled", item_name(i), i->number);
    if (spoils(i)) s->spoiled = s->lost = true;
    if (sends(i) && !is_datagram(s) && *line_of(i) == i) reference_feed(s, 0);
    if (UNIX && sends(i) && i->op.done < i->moved) finding("%s #%d has done less than the peer got", item_name(i), i->number);
    return true;
}

static void by_kind(struct item *i, struct slot *s)
{
    switch (i->kind) {
    case S_RECEIVE: followed_receive(i, s); break;
    case S_CONNECT: followed_connect(i, s); break;
    case S_ACCEPT:  followed_accept(i, s); break;
    case S_SHUT:    followed_shut(i, s); break;
    case S_CLOSE:   followed_close(i, s); break;
    case S_READY:   followed_ready(i, s); break;
    case S_TIMER:   followed_timer(i); break;
    case S_NOP:     want(i, 0); break;
    default:        followed_send(i, s);
    }
}

void reference_follow(struct item *i)
{
    struct slot *s = &run.slots[i->slot];
    bool lined = has_line(i);
    if (!i->inside) finding("%s #%d comes back, and was not inside", item_name(i), i->number);
    if (i->posted) finding("%s #%d comes back before it was taken", item_name(i), i->number);
    i->inside = false;
    if (i->kind == S_ACCEPT) run.slots[i->other].reserved = false;
    if (i->busy_too && i->op.result == MIO_EBUSY) {
        if (lined) take_out(line_of(i), i);
        return;
    }
    if (i->expected <= 0) {
        want(i, i->expected);
        return;
    }
    bool first = lined && *line_of(i) == i;
    if (!gave_up(i, s) && (!s->lost || i->kind == S_CLOSE || !has_socket(i))) {
        if (i->hopeless) finding("%s #%d comes back with %s after it was cancelled", item_name(i), i->number, word(i->op.result));
        if (lined && !first) finding("%s #%d on s%d overtakes %s #%d", item_name(i), i->number, i->slot, item_name(*line_of(i)), (*line_of(i))->number);
        by_kind(i, s);
    }
    if (lined) take_out(line_of(i), i);
}
