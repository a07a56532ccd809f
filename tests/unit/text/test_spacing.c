/* test_spacing.c - where a writer puts a space (spacing.h): judged by hand, language by language. */
#include "spacing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs the headers above */
#include <cmocka.h>

struct pair {
    const char *text, *next;
};

/* a|b of the rows below: what a text says when `next` stands behind it without and with a space */
static const struct pair none[] = {
    /* white space of any kind */
    {"The capital is ", "Berlin"},
    {"assistant\n", "Berlin"},
    {"a\t", "b"},
    {"a\r\n", "b"},
    {"a\u00a0", "b"},
    {"a\u2009", "b"},
    {"a\u2028", "b"},
    {"a\u202f", "b"},
    {"a\u3000", "b"},
    {"a\xc2\x85", "b"},
    {"a\u200b", "b"},
    /* opening brackets */
    {"x[", "0"},
    {"f(", "x"},
    {"{", "a"},
    {"a (", "b"},
    {"⟨", "a"},
    {"「", "東京"},
    {"（", "a"},
    {"\u27e6", "a"},
    {"\u0f3a", "a"},
    /* opening quotes */
    {"He said \"", "Hi"},
    {"\"", "Hi"},
    {"(\"", "Hi"},
    {"{\"name\":\"", "Bob"},
    {"x = \"", "y"},
    {"x=\"", "y"},
    {"print(f\"", "x"},
    {"He said '", "Hi"},
    {"print('", "x"},
    {"x['", "k"},
    {"say `", "ls"},
    {"```", "python"},
    {"He said “", "Hi"},
    {"He said ‘", "Hi"},
    {"Il dit «", "Oui"},
    {"Er sagte „", "Ja"},
    {"Er sagte ‚", "Ja"},
    {"Er sagte »", "Ja"},
    {"Hon sa ”", "Ja"},
    {"‹", "a"},
    {"said: “", "Hi"},
    {"¿", "Qué"},
    {"¡", "Hola"},
    {"Dijo: ¿", "Qué"},
    /* scripts without spaces */
    {"東京", "大学"},
    {"日本の首都は", "東京"},
    {"日本の首都は", "Tokyo"},
    {"答えは：", "東京"},
    {"。", "東京"},
    {"私はiPhone", "を"},
    {"2024", "年"},
    {"กรุงเทพ", "มหานคร"},
    {"ພາສາ", "ລາວ"},
    {"ភាសា", "ខ្មែរ"},
    {"မြန်မာ", "စာ"},
    {"བོད་", "སྐད"},
    {"ﾄｳ", "ｷｮｳ"},
    {"（注）", "a"},
    {"𠮷", "野"},
    {"ก่", "อ"},
    {"カ\u3099", "あ"},
    /* hyphens, slashes, apostrophes, operators that lean */
    {"Baden-", "Baden"},
    {"and/", "or"},
    {"https://", "x"},
    {"C:\\", "Windows"},
    {"l'", "eau"},
    {"l’", "eau"},
    {"don'", "t"},
    {"qu’", "il"},
    {"1914–", "1918"},
    {"word—", "word"},
    {"x=", "5"},
    {"2+", "2"},
    {"x = -", "5"},
    {"it is -", "5"},
    {"std::", "vector"},
    {"R&", "D"},
    {"p->", "next"},
    {"snake_", "case"},
    {"3*", "4"},
    {"http://www.", "x"},
    {"www.", "example"},
    {"https://a.", "b"},
    {"3.", "14"},
    {"10:", "30"},
    /* marks that stand before */
    {"costs $", "5"},
    {"US$", "5"},
    {"€", "5"},
    {"@", "user"},
    {"issue #", "5"},
    {"\\", "alpha"},
    {"**", "Bold"},
    {"the answer is **", "Berlin"},
    {"is *", "so"},
    /* tags */
    {"<answer>", "Berlin"},
    {"<|assistant|>", "Hi"},
    {"</", "b"},
    {"<", "b"},
    /* what closes or continues */
    {"Berlin", ")"},
    {"Berlin", ","},
    {"Berlin", "."},
    {"Berlin", "..."},
    {"Berlin", "?"},
    {"John", "'s"},
    {"John", "’s"},
    {"Berlin", "”"},
    {"5", "%"},
    {"e", "\u0301"},
    {"Berlin", " is"},
    {"Berlin", "\n"},
    {"Berlin", "\""},
    {"", "Berlin"},
    {"Berlin", ""},
};
static const struct pair one[] = {
    {"called simply", "Berlin"},
    {"5", "apples"},
    {"is", "5"},
    {"is", "東京"},
    {"the word for 猫 is", "cat"},
    {"서울은 한국의", "수도"},
    {"서울", "수도"},
    {"Привет", "мир"},
    {"שלום", "עולם"},
    {"مرحبا", "بك"},
    {"नमस्ते", "दुनिया"},
    {"é", "b"},
    {"e\u0301", "b"},
    {"😀", "b"},
    {"👍🏽", "b"},
    {"❤\ufe0f", "b"},
    {"end.", "Next"},
    {"Answer:", "Berlin"},
    {"a,", "b"},
    {"a;", "b"},
    {"what?", "Yes"},
    {"yes!", "No"},
    {"and so…", "he"},
    {"(a)", "b"},
    {"x[0]", "b"},
    {"}", "b"},
    {"50%", "of"},
    {"1,", "2"},
    {"3.", "Paris"},
    {"e.g.", "this"},
    /* closing quotes */
    {"He said \"Hi\"", "and"},
    {"\"Hi.\"", "He"},
    {"{\"a\": \"b\"", "c"},
    {"'yes'", "and"},
    {"don't say 'yes'", "and"},
    {"the dogs'", "tails"},
    {"the dogs’", "tails"},
    {"‘yes’", "and"},
    {"“Hi”", "and"},
    {"„Ja“", "sagte"},
    {"‚Ja‘", "sagte"},
    {"»Ja«", "sagte"},
    {"«Oui»", "dit"},
    {"”Ja”", "sa"},
    {"‹a›", "b"},
    {"run `ls`", "now"},
    {"he is 6\"", "tall"},
    {"„Ja”", "rzekł"},
    {"“It’s ‘so’", "he"},
    /* dashes and operators between spaces */
    {"a -", "b"},
    {"a –", "b"},
    {"a —", "b"},
    {"- a\n-", "b"},
    {"-", "item"},
    {"x =", "5"},
    {"2 +", "2"},
    {"x -", "5"},
    {"(a) -", "5"},
    {"a /", "b"},
    {"A &", "B"},
    {"a >", "b"},
    {"a <", "5"},
    {"x ->", "y"},
    {"*", "item"},
    {"**Answer:**", "Berlin"},
    {"is *so*", "it"},
    {"5€", "and"},
    {"#", "Title"},
    {"##", "Title"},
    {"C#", "is"},
    {"_so_", "it"},
    {"[INST]", "Hi"},
    {"[/INST]", "Hi"},
    /* what opens or stands for itself */
    {"is", "\"Berlin\""},
    {"is", "'Berlin'"},
    {"is", "(Berlin)"},
    {"is", "“Berlin”"},
    {"is", "„Berlin“"},
    {"is", "-5"},
    {"is", ".5"},
    {"is", "$5"},
    {"is", "«Oui»"},
};

static void check(const struct pair *rows, size_t n, int want)
{
    for (size_t i = 0; i < n; i++)
        if (ll_takes_space(rows[i].text, strlen(rows[i].text), rows[i].next, strlen(rows[i].next)) != want)
            print_error("\"%s\" before \"%s\": expected %s space\n", rows[i].text, rows[i].next,
                        want ? "a" : "no");
    for (size_t i = 0; i < n; i++)
        assert_int_equal(ll_takes_space(rows[i].text, strlen(rows[i].text), rows[i].next,
                                        strlen(rows[i].next)),
                         want);
}

static void without(void **state) { (void)state, check(none, sizeof none / sizeof *none, 0); }
static void with(void **state) { (void)state, check(one, sizeof one / sizeof *one, 1); }

/* The end of a long text is what counts, whatever stands at the edge of what is looked at; ill-formed bytes
 * are letters. */
static void long_and_broken(void **state)
{
    static char text[40000];
    (void)state;
    for (size_t n = 4000; n < 4300; n++) {
        for (size_t i = 0; i < n; i++)
            text[i] = "東"[i % 3];
        strcpy(text + n - n % 3, " is");
        assert_int_equal(ll_takes_space(text, strlen(text), "x", 1), 1);
        strcpy(text + n - n % 3, " (");
        assert_int_equal(ll_takes_space(text, strlen(text), "x", 1), 0);
    }
    assert_int_equal(ll_takes_space("a\xff", 2, "b", 1), 1);
    assert_int_equal(ll_takes_space("a", 1, "\xe6\x9d", 2), 1);
    assert_int_equal(ll_takes_space("\x80\x80\x80", 3, "b", 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(without), cmocka_unit_test(with),
                                       cmocka_unit_test(long_and_broken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
