/*
 * hooks.h - what the layers below defer/ call in it. Declared here, implemented in defer/.
 */
#ifndef BASE_HOOKS_H
#define BASE_HOOKS_H

#include <tweed/value.h>

/* tw_drop() of a lent value: if it is one that the running body got by an await, it is let go now
 * and not when the body ends. */
void twi_drop_awaited(tw_value value);
/* The reactor of the calling thread goes: bodies that wait are resumed with tw_error_abandoned. */
void twi_bodies_abandon(void);

#endif
