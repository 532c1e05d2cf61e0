/* SPDX-License-Identifier: MIT */
/*
 * face.h - the face of defer/ to the folders above, beyond the public headers.
 */
#ifndef DEFER_FACE_H
#define DEFER_FACE_H

/* The reactor of the calling thread is being released: bodies that wait are resumed with
 * tw_error_abandoned. */
void twi_bodies_abandon(void);
/* It was left to the parent process: so are the bodies that wait. None of them is abandoned. */
void twi_bodies_leave(void);

#endif
