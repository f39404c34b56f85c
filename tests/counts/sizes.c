/* What an idle connection with a receive that waits costs its program, without the buffer, in bytes */
#include "minimio.h"
#include <stdio.h>

int main(void)
{
    printf("%zu %zu\n", sizeof(mio_socket), sizeof(mio_op));
    return 0;
}
