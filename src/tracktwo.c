/* tracktwo: the command line's program. */
#include "base/streams.h"
#include "cli/cli.h"

int main(int argc, char **argv)
{
	streams_open();
	return cli_main(argc, argv);
}
