/* literal.h - string literals with the length the compiler counts: a length counted by hand is wrong one day
 * (a pattern cut by one byte lost all punctuation). tests/cli/literals.sh looks for such lengths. */
#ifndef LL_LITERAL_H
#define LL_LITERAL_H
#include <string.h>
#include <strings.h>

/* A literal and its length, as two arguments. */
#define LL_LIT(literal) "" literal, sizeof(literal) - 1
/* The string s (NUL-terminated) begins with the literal. */
#define LL_BEGINS(s, literal) (!strncmp(s, LL_LIT(literal)))
#define LL_BEGINS_ANY_CASE(s, literal) (!strncasecmp(s, LL_LIT(literal)))
/* The bytes at s are the literal's; there must be so many. */
#define LL_BYTES_ARE(s, literal) (!memcmp(s, LL_LIT(literal)))
/* s[0..n) is the literal. */
#define LL_IS(s, n, literal) ((n) == sizeof(literal) - 1 && LL_BYTES_ARE(s, literal))
#endif
