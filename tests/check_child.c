#include "tests/test.h"
int main(void)
{
    return test_run(suite_create("child"));
}
