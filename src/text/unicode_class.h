/* unicode_class.h - what the reference tokenizer knows about single characters.
 *
 * Categories are Unicode 16; the rest follows the tables of the reference library's parts, whose versions
 * differ (gen/unicode_tables.py says which). All functions take any code point and are pure. */
#ifndef LL_UNICODE_CLASS_H
#define LL_UNICODE_CLASS_H
#include "buf.h"

#include <stdint.h>

enum ll_category { /* the order of gen/unicode_tables.py */
                   LL_CN,
                   LL_CC,
                   LL_CF,
                   LL_CO,
                   LL_CS,
                   LL_LL,
                   LL_LM,
                   LL_LO,
                   LL_LT,
                   LL_LU,
                   LL_MC,
                   LL_ME,
                   LL_MN,
                   LL_ND,
                   LL_NL,
                   LL_NO,
                   LL_PC,
                   LL_PD,
                   LL_PE,
                   LL_PF,
                   LL_PI,
                   LL_PO,
                   LL_PS,
                   LL_SC,
                   LL_SK,
                   LL_SM,
                   LL_SO,
                   LL_ZL,
                   LL_ZP,
                   LL_ZS,
                   LL_N_CATEGORIES
};
#define LL_BIT(category) (1u << (category))
#define LL_L_BITS (LL_BIT(LL_LL) | LL_BIT(LL_LM) | LL_BIT(LL_LO) | LL_BIT(LL_LT) | LL_BIT(LL_LU))
#define LL_M_BITS (LL_BIT(LL_MC) | LL_BIT(LL_ME) | LL_BIT(LL_MN))
#define LL_N_BITS (LL_BIT(LL_ND) | LL_BIT(LL_NL) | LL_BIT(LL_NO))
#define LL_P_BITS \
    (LL_BIT(LL_PC) | LL_BIT(LL_PD) | LL_BIT(LL_PE) | LL_BIT(LL_PF) | LL_BIT(LL_PI) | LL_BIT(LL_PO) \
     | LL_BIT(LL_PS))

enum ll_category ll_category(uint32_t cp);
enum ll_category ll_old_category(uint32_t cp); /* of Unicode 15.1: llama.cpp's tables */
int ll_is_space(uint32_t cp);                  /* White_Space: 25 characters, Rust's and Oniguruma's \s */
int ll_is_numeric(uint32_t cp);                /* the Digits pre-tokenizer */
int ll_is_punct(uint32_t cp);                  /* the Punctuation pre-tokenizer */
int ll_is_word(uint32_t cp);                   /* \w */
int ll_is_accent(uint32_t cp);                 /* removed by StripAccents */
void ll_put_lower(struct ll_buf *out, uint32_t cp); /* append the lower case (one or two characters) */

/* Quirks of the reference's normal forms (Unicode 9), for nfc.c */
int ll_has_no_class(uint32_t cp);          /* its combining class counts as 0 */
int ll_composes_as_starter(uint32_t cp);   /* class 0, yet may compose with the character before */
int ll_is_late_composition(uint32_t cp);   /* never the result of a composition */
int ll_is_late_decomposition(uint32_t cp); /* never decomposed */

/* Call fn for each run of characters whose category bit is in `bits`, in rising order. */
void ll_category_ranges(uint32_t bits, void (*fn)(void *arg, uint32_t first, uint32_t last), void *arg);
/* The same of ll_old_category(); not for bits with LL_CN. */
void ll_old_category_ranges(uint32_t bits, void (*fn)(void *arg, uint32_t first, uint32_t last), void *arg);
void ll_word_ranges(void (*fn)(void *arg, uint32_t first, uint32_t last), void *arg);
#endif
