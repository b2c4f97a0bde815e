/* Streams: see the header. */
#include "base/streams.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void streams_open(void)
{
	/* In this order each gets its own number, the lowest that is free. */
	for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
		if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDWR) != stream)
			abort();
}
