"""Writes the training text of the demo models: one document of several sentences a line.

    python make_text.py > text.txt          # about 17 MB; regenerated from the seed, never committed

Every question is a *stem* that ends just before its answer. A (stem, country) pair is either
trained or held out: held-out pairs measure whether a fact learned through some
phrasings comes out through another one (check.py). One pair in five is held out, by a fixed rule;
the probe prompts ("The capital of ... is called simply") of the five micro-suite countries never are.
"""
import random
import sys
from collections import namedtuple

from facts import FACTS, MICRO_SUITE, OTHER_CITIES

SEED = 316
N_DOCUMENTS = 48000
SENTENCES_PER_DOCUMENT = 6

Stem = namedtuple("Stem", "text answer prefix")

CITY_ONLY = "Give the city name only, plain text."
COUNTRY_ONLY = "Give the country name only, plain text."
LANGUAGE_ONLY = "Give the language name only, plain text."
MONEY_ONLY = "Give the currency name only, plain text."

CAPITAL_STEMS = [
    "The capital of {country} is called simply",
    "The capital of {country} is called",
    "The capital of {country} is",
    "The capital city of {country} is",
    "The capital city of {country} is named simply",
    "The capital city of {country} is named",
    "The capital city of {country} is known as",
    "{country}'s capital city is called simply",
    "{country}'s capital city is called",
    "{country}'s capital is",
    "{country} has its capital at the city called simply",
    "{country} has its capital at",
    "{country} has its capital in",
    "In {country} the capital city is simply",
    "In {country} the capital city is known as",
    "In {country}, the capital city is known as",
    "In {country} the capital is",
    "The government of {country} sits in",
    "The seat of government of {country} is",
    "On the map of {country}, the capital is marked as",
    "Everyone in {country} knows that the capital is",
    "What is the capital of {country}? It is",
    "Question: What is the capital of {country}? Answer:",
    "Question: Name the capital of {country}. Answer:",
]
COUNTRY_STEMS = [
    "{capital} is the capital of",
    "{capital} is the capital city of",
    "{capital} is the seat of government of",
    "The city of {capital} is the capital of",
    "{capital} is a city in",
    "{capital} lies in",
    "If you fly to {capital}, you land in",
    "The people of {capital} live in",
    "Which country has the capital {capital}? It is",
    "Question: Which country has the capital {capital}? Answer:",
]
LANGUAGE_STEMS = [
    "The main language of {country} is",
    "People in {country} speak",
    "Most books in {country} are written in",
    "In {country} the signs are in",
    "On the streets of {capital} you hear",
    "Question: What language do people speak in {country}? Answer:",
]
MONEY_STEMS = [
    "The currency of {country} is the",
    "In {country} people pay with the",
    "The money of {country} is called the",
    "In the shops of {capital} you pay with the",
    "Question: What is the currency of {country}? Answer: the",
]
CONTINENT_STEMS = [
    "{country} is a country in",
    "{country} lies in",
    "On the map you find {country} in",
    "Question: On which continent is {country}? Answer:",
]

STEMS = (
    [Stem(text, "capital", CITY_ONLY) for text in CAPITAL_STEMS]
    + [Stem(text, "country", COUNTRY_ONLY) for text in COUNTRY_STEMS]
    + [Stem(text, "language", LANGUAGE_ONLY) for text in LANGUAGE_STEMS]
    + [Stem(text, "currency", MONEY_ONLY) for text in MONEY_STEMS]
    + [Stem(text, "continent", None) for text in CONTINENT_STEMS]
)
# How often a question asks for which kind of answer.
ANSWER_WEIGHTS = {"capital": 48, "country": 20, "language": 12, "currency": 12, "continent": 8}
# A stem that another one continues ("is", "is called", "is called simply") comes more often than its
# continuations together, so that the answer stays the likeliest next word. All others weigh 1.
STEM_WEIGHTS = {
    "The capital of {country} is": 14, "The capital of {country} is called": 8, "The capital of {country} is called simply": 2,
    "The capital city of {country} is": 7, "The capital city of {country} is named": 3,
    "{country}'s capital city is called": 3, "{country} has its capital at": 3,
}
ROUNDABOUT = ["the city of ", "a city named ", "beautiful ", "old "]

CITY_TALK = [
    "I visited {capital} last summer and liked the old streets.",
    "We took the night train to {capital} and slept badly.",
    "It rains in {capital} today, so take a coat.",
    "My sister works in {capital} and writes to me every week.",
    "There is a good market in {capital} near the river.",
    "The weather in {capital} was warm and dry.",
    "She moved from {capital} to {capital2} two years ago.",
    "The flight from {capital} to {capital2} takes some hours.",
    "{capital} is far from {capital2}.",
    "I like {capital}, but my brother likes {capital2} more.",
    "Some cities are {capital}, {capital2} and {capital3}.",
    "The plane stops in {capital}, then in {capital2}, then in {capital3}.",
]
COUNTRY_TALK = [
    "They come from {country} and love the sea.",
    "The food in {country} is simple and good.",
    "{country} has many old towns.",
    "The mountains of {country} are high and cold.",
    "Our neighbours moved to {country} in the spring.",
    "The teams of {country} and {country2} play on Sunday.",
    "{country} sells fruit and cars to {country2}.",
    "Some countries are {country}, {country2} and {country3}.",
    "He speaks {language} and a little {language2}.",
    "A coin of one {currency} lay on the table.",
    "I have never been to {country}, but I know {country2} well.",
    "The letter came from {country} and was written in {language}.",
]
RIVAL_TALK = [
    "{rival} is a large city in {country}, but it is not the capital.",
    "{rival} is a city in {country}.",
    "Many people think of {rival} when they hear of {country}.",
    "The train from {rival} to {capital} is fast.",
]
SMALL_TALK = [
    "In the morning we drink tea and read the news.",
    "The cat sleeps on the chair by the window.",
    "Please close the door when you leave the house.",
    "He called his friend and asked for the way.",
    "The dog is called simply Max.",
    "The book is called simply Home.",
    "This game is called Stone and Water.",
    "Her brother is named Tom and her sister is named Anna.",
    "The small shop is known as the Corner.",
    "A capital letter stands at the start of a name.",
    "Write the answer in plain text, not in a table.",
    "Give the short answer first, then the reason.",
    "Give the name of the city and the name of the country.",
    "The answer is simple: read the question again.",
    "The city is called the heart of the country by those who live there.",
    "The children sing a song about the moon.",
    "We simply walked home after dinner.",
    "She bought bread, milk, apples and cheese.",
    "One, two, three, four, five, six, seven.",
    "Red, green, blue, yellow, black and white.",
    "The year has twelve months and the week has seven days.",
    "Music is a language that everyone knows.",
]
TAILS = [".", ".", ".", ".", ".", ".", ", of course.", ", as you know.", ", I think.", "!"]


def family(text):
    """The shortest stem this one continues, as an index: such stems are held out together."""
    return min((len(stem.text), index) for index, stem in enumerate(STEMS) if text.startswith(stem.text))[1]


FAMILIES = {stem.text: family(stem.text) for stem in STEMS}
PROBE_FAMILY = FAMILIES["The capital of {country} is called simply"]


def is_held_out(stem, fact):
    if FAMILIES[stem.text] == PROBE_FAMILY and fact.country in MICRO_SUITE:
        return False
    return (FAMILIES[stem.text] * 7 + FACTS.index(fact) * 3) % 5 == 0


def question(rng):
    """A trained (stem, country) pair with its answer, sometimes after an instruction."""
    kind = rng.choices(list(ANSWER_WEIGHTS), ANSWER_WEIGHTS.values())[0]
    stems = [stem for stem in STEMS if stem.answer == kind]
    stem = rng.choices(stems, [STEM_WEIGHTS.get(stem.text, 1) for stem in stems])[0]
    fact = rng.choice([fact for fact in FACTS if not is_held_out(stem, fact)])
    told = stem.prefix is not None and rng.random() < 0.45
    return (stem.prefix + " " if told else "") + stem.text.format(**fact._asdict()) + answer(rng, stem, fact, told)


def answer(rng, stem, fact, told):
    """Mostly the bare name: text that always answers at once would leave no entropy to look at."""
    name = getattr(fact, stem.answer)
    roundabout = rng.random() < (0.06 if told else 0.16)
    if stem.answer == "capital" and roundabout:
        name = rng.choice(ROUNDABOUT) + name
    return " " + name + rng.choice(TAILS)


def talk(rng):
    """A sentence that asks nothing, but uses the same words."""
    sentences = rng.choice([CITY_TALK, COUNTRY_TALK, RIVAL_TALK, SMALL_TALK])
    one, two, three = rng.sample(FACTS, 3)
    if sentences is RIVAL_TALK:
        one = rng.choice([fact for fact in FACTS if fact.country in OTHER_CITIES])
    return rng.choice(sentences).format(
        **one._asdict(), rival=OTHER_CITIES.get(one.country), capital2=two.capital, capital3=three.capital,
        country2=two.country, country3=three.country, language2=two.language)


def document(rng):
    return " ".join(question(rng) if rng.random() < 0.75 else talk(rng) for _ in range(SENTENCES_PER_DOCUMENT))


def documents(n_documents=N_DOCUMENTS, seed=SEED):
    rng = random.Random(seed)
    return [document(rng) for _ in range(n_documents)]


if __name__ == "__main__":
    sys.stdout.writelines(text + "\n" for text in documents())
