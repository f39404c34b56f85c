/* What a contender has to give for wake-ups across threads */
#ifndef WAKE_H
#define WAKE_H

typedef struct loop loop;

loop *loop_open(void (*called)(void *user), void *user);
void  loop_call(loop *);                        /* from any thread: `called` runs in the loop's; calls may be one */
void  loop_run(loop *);                         /* until it is stopped */
void  loop_stop(loop *);                        /* in `called` */

#endif
