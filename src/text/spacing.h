/* spacing.h - does a writer put a space between a text and what comes next?
 *
 * No space: after white space of any kind; after an opening bracket or an opening quote (typographic marks by
 * what is still open, straight ones by whether they open), after marks that lean on what follows ("$", "@",
 * "\"), and after a hyphen, slash, apostrophe or operator that leans on the word before it ("and/", "l'",
 * "x="); behind a markup tag; inside scripts that are written without spaces (Han, kana, Thai, Lao, Khmer,
 * Myanmar, Tibetan and their kin), and before what closes or continues
 * (")", ",", "'s", a combining mark). Else one space. Where usage differs (a hyphen between spaces, a colon)
 * the commoner one is meant: both spellings can be looked at. */
#ifndef LL_SPACING_H
#define LL_SPACING_H
#include <stddef.h>

/* text[n], next[m]: UTF-8 (ill-formed bytes count as letters). 1: a space belongs between them, 0: none.
 * Pure. */
int ll_takes_space(const char *text, size_t n, const char *next, size_t m);
#endif
