/* Tangled from book/00-read-this-first.md: Read this first. Edit the chapter, not this file. */

#include <stdio.h>

int main(void)
{
    /* <<say where this program came from>> (1 of 2), book/00-read-this-first.md: Read this first */
    puts("This program is a few lines of a book,");
    /* <<say where this program came from>> (2 of 2), book/00-read-this-first.md: Read this first */
    puts("put together from two parts of one chunk.");
    return 0;
}
