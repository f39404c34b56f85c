/* What a contender has to give for timers. Times are milliseconds from the moment of the call */
#ifndef TIMERS_H
#define TIMERS_H

void timers_open(int count, void (*expired)(void));
void timers_turn(void (*what)(void));           /* runs it in a turn of the loop, which has looked at the clock */
void timers_set(int which, int ms);
void timers_reset(int which, int ms);           /* of one that is set */
void timers_cancel(int which);
void timers_settle(void);                       /* what resets and cancels left to do */
void timers_expire(void);                       /* a turn of the loop, without sleep */

#endif
