/* The model test's programs: from bytes, from a seed, and in words */
#include "random.h"
#include <stdio.h>
#include <string.h>

static const char *const types[] = { "nothing", "TCP", "LOCAL", "PIPE_IN", "PIPE_OUT", "UDP", "UDP_FREE", "FRESH", "LISTENER" };

static enum type type_of(int n)
{
    enum type t = (enum type)(n % TYPES);
    if (!UNIX && (t == LOCAL || t == PIPE_IN || t == PIPE_OUT)) return TCP;
    return t;
}

static struct step step_of(const uint8_t b[4])
{
    struct step s = { .kind = (enum step_kind)((b[0] & 31) % S_KINDS), .hold = (b[0] & 128) != 0 };
    s.slot = b[1] & 3;
    s.other = b[1] >> 2 & 3;
    s.way = (enum way)(b[1] >> 4 & 3);
    s.deadline = (enum deadline)(b[1] >> 6 & 3);
    s.size = b[2] & 7;
    s.extra = b[3];
    return s;
}

struct program program_of(const uint8_t *bytes, size_t size)
{
    struct program p = { 0 };
    uint8_t b[4] = { 0 };
    memcpy(b, bytes, size < 4 ? size : 4);
    p.capacity = 1 + (b[0] & 3) * (b[0] & 3);
    p.shut_first = (b[0] & 4) != 0;
    p.types[0] = type_of(b[1] & 15);
    p.types[1] = type_of(b[1] >> 4);
    p.types[2] = type_of(b[2] & 15);
    p.types[3] = type_of(b[2] >> 4);
    for (size_t at = 4; at + 4 <= size && p.count < STEPS; at += 4) p.steps[p.count++] = step_of(bytes + at);
    return p;
}

/* --- from a seed ------------------------------------------------------------------------------------ */

static uint64_t state;

static unsigned below(unsigned limit)           /* splitmix64 */
{
    uint64_t z = state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (unsigned)((z ^ z >> 31) >> 32) % limit;
}

/* How often each kind comes, of a hundred or so */
static const unsigned char weights[S_KINDS] = {
    [S_OPEN] = 3, [S_RECEIVE] = 16, [S_SEND] = 5, [S_SEND_ALL] = 6, [S_CONNECT] = 6, [S_ACCEPT] = 5, [S_SHUT] = 5,
    [S_CLOSE] = 4, [S_READY] = 7, [S_TIMER] = 6, [S_NOP] = 2, [S_CANCEL] = 7, [S_AGAIN] = 1, [S_WAKE] = 2, [S_WAIT] = 6,
    [S_TIME] = 2, [S_DETACH] = 2, [S_SHUTDOWN] = 1, [S_PEER_SEND] = 14, [S_PEER_READ] = 8, [S_PEER_SHUT] = 2,
    [S_PEER_CLOSE] = 2, [S_PEER_RESET] = 2, [S_PEER_CONNECT] = 5, [S_WHILE_SEND] = 3, [S_WHILE_WAKE] = 1,
    [S_WHILE_POST] = 2
};

static uint8_t kind_by_weight(void)
{
    unsigned sum = 0, kind = 0;
    for (int i = 0; i < S_KINDS; i++) sum += weights[i];
    unsigned n = below(sum);
    while (n >= weights[kind]) n -= weights[kind++];
    return (uint8_t)kind;
}

/* Most operations have no deadline, and are handed over by the owner; small sizes are more likely than large ones */
static uint8_t hands(void)
{
    static const uint8_t ways[] = { 0, 0, 1, 1, 1, 2, 2, 3 }, deadlines[] = { 0, 0, 0, 0, 0, 0, 1, 2, 2, 3 };
    return (uint8_t)(ways[below(8)] << 4 | deadlines[below(10)] << 6);
}

size_t program_from_seed(uint64_t seed, uint8_t b[BYTES])
{
    static const uint8_t holds[] = { 0, 20, 50, 90 };
    state = seed * UINT64_C(0xD1342543DE82EF95) + 1;
    int count = 4 + (int)below(below(4) == 0 ? 56 : 24);
    unsigned hold = holds[below(4)], slots = 1 + below(SLOTS);
    b[0] = (uint8_t)below(8);
    for (int i = 1; i < 3; i++) b[i] = (uint8_t)((1 + below(TYPES - 1)) | (1 + below(TYPES - 1)) << 4);
    b[3] = 0;
    for (int i = 1; i <= count; i++) {
        uint8_t *s = b + 4 * i;
        s[0] = (uint8_t)(kind_by_weight() | (below(100) < hold ? 128 : 0));
        s[1] = (uint8_t)(hands() | below(slots) | below(SLOTS) << 2);
        bool much = ((s[0] & 31) == S_SEND || (s[0] & 31) == S_SEND_ALL) && below(3) == 0;      /* more than there is room for */
        s[2] = (uint8_t)(much ? 7 : below(3) == 0 ? below(8) : below(5));
        s[3] = (uint8_t)below(256);
    }
    return 4 + 4 * (size_t)count;
}

/* --- in words --------------------------------------------------------------------------------------- */

static const char *const names[S_KINDS] = {
    "open", "receive", "send", "send_all", "connect", "accept", "shut", "close", "ready", "timer", "nop", "cancel",
    "submit_again", "wake", "wait", "time_passes", "detach_and_adopt", "shutdown", "peer_sends", "peer_reads",
    "peer_shuts", "peer_closes", "peer_resets", "peer_connects", "meanwhile_peer_sends", "meanwhile_wake", "meanwhile_post"
};

const char *item_name(const struct item *i) { return names[i->kind]; }

static bool is_operation(enum step_kind kind)
{
    return (kind >= S_RECEIVE && kind <= S_NOP) || kind == S_WHILE_POST;
}

static void print_arguments(const struct step *s, char *text, size_t room)
{
    static const char *const waits[] = { "0", "300 us", "for ever, if something is due", "for ever, if something is due" };
    switch (s->kind) {
    case S_OPEN:   snprintf(text, room, "s%d, %s", s->slot, types[type_of(1 + s->extra % (TYPES - 1))]); break;
    case S_ACCEPT: snprintf(text, room, "s%d, s%d", s->slot, s->other); break;
    case S_READY:  snprintf(text, room, "s%d, %s", s->slot, s->extra & 1 ? "MIO_WRITABLE" : "MIO_READABLE"); break;
    case S_SHUT:   snprintf(text, room, "s%d, %d", s->slot, 1 + s->extra % 3); break;
    case S_WAIT:   snprintf(text, room, "%d, %s", 1 + s->size, waits[s->extra & 3]); break;
    case S_CANCEL: case S_AGAIN: snprintf(text, room, "number %d of those inside", s->extra); break;
    case S_CONNECT:
        snprintf(text, room, "s%d, %s", s->slot, s->extra % 8 == 6 ? "nobody" : s->extra % 8 == 7 ? "stuck" : "listener");
        break;
    case S_TIMER:
        snprintf(text, room, "%s", s->deadline != NEVER ? "" : s->extra & 8 ? "the same as before" : "soon");
        break;
    case S_NOP: case S_WAKE: case S_SHUTDOWN: case S_TIME: case S_WHILE_WAKE: text[0] = '\0'; break;
    case S_RECEIVE: case S_SEND: case S_SEND_ALL: case S_PEER_SEND: case S_PEER_READ: case S_WHILE_SEND: case S_WHILE_POST:
        snprintf(text, room, "s%d, size %d", s->slot, s->size);
        break;
    default: snprintf(text, room, "s%d", s->slot);
    }
}

static void print_step(const struct step *s)
{
    static const char *const ways[] = { "", "", ", posted", ", posted by a thread" };
    static const char *const deadlines[] = { "", ", deadline in an hour", ", deadline soon", ", deadline past" };
    char arguments[80];
    print_arguments(s, arguments, sizeof arguments);
    printf("%s(%s);", names[s->kind], arguments);
    const char *way = is_operation(s->kind) ? ways[s->way] : "", *until = is_operation(s->kind) ? deadlines[s->deadline] : "";
    if (s->hold || way[0] != '\0' || until[0] != '\0')
        printf("    /*%s%s%s */", way[0] != '\0' ? way + 1 : "", way[0] == '\0' && until[0] != '\0' ? until + 1 : until,
               s->hold ? (way[0] != '\0' || until[0] != '\0' ? ", and at once" : " and at once") : "");
    putchar('\n');
}

void program_print(const struct program *p, int upto)
{
    printf("    ");
    for (int i = 0; i < SLOTS; i++) printf("s%d = %s%s", i, types[p->types[i]], i < SLOTS - 1 ? ", " : ";");
    printf("    /* %d at a time; at the end %s */\n", p->capacity, p->shut_first ? "shutdown, then close" : "close, then shutdown");
    for (int i = 0; i < p->count; i++) {
        printf(i == upto ? " -> " : "    ");
        print_step(&p->steps[i]);
    }
    if (upto >= p->count) printf(" -> end\n");
}
