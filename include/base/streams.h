/* Streams: standard input, output and error.
 *
 * A descriptor is given to whatever is opened next, so in a program that was started with one of the three closed a
 * socket may take its place: what is printed then goes to the peer, and what the peer sends is read as input. */
#ifndef TRACKTWO_BASE_STREAMS_H
#define TRACKTWO_BASE_STREAMS_H

/* Opens /dev/null in the place of each that is closed; first of all in main(). Ends the program when that fails. */
void streams_open(void);

#endif
