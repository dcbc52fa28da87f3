/* `queue NAME` says whether there is such a message queue by its exit status, and removes it. */
#include <mqueue.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	char name[200];
	if (argc != 2)
		return 2;
	snprintf(name, sizeof name, "/%s", argv[1]);
	return mq_unlink(name) == 0 ? 0 : 1;
}
