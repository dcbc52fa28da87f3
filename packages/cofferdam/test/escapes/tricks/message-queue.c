#include <mqueue.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	live_shortly();
	char name[200];
	snprintf(name, sizeof name, "/%s", argv[2]);
	must(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL) >= 0, "mq_open");
	finish(argv);
}
