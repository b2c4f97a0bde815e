/* Doctor. */
#include "internal.h"
bool keep_doctor(struct keep *keep, struct err *err)
{
	(void)keep;
	return err_set(err, "none");
}
