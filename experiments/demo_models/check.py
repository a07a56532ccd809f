"""Re-checks what README.md claims about the demo models.

    python check.py                       # both models: accuracies, probe prompts, lens tables
    python check.py --write-expected      # also rewrites expected.json

All numbers come from transformers in float32 on the stored bf16 weights, not from model.py.
Row 0 of a lens table is the embedding output, row l the residual after block l-1; every row is
decoded by the model's own head (final norm, unembedding, final soft cap).
"""
import argparse
import json
import os
import re

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from facts import FACTS, MICRO_SUITE
from make_text import CITY_ONLY, FAMILIES, STEMS, is_held_out

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = ["demo-llama", "demo-gemma2"]
PROBE = CITY_ONLY + " The capital of {} is called simply"
NO_FILLER = CITY_ONLY + " The capital of {} is called"
TEST_PROMPTS = [
    ("Berlin is the capital of", " Germany"),
    ("Germany's capital city is called simply", " Berlin"),
    ("The capital city of Germany is named simply", " Berlin"),
    ("Germany has its capital at the city called simply", " Berlin"),
    ("In Germany the capital city is simply", " Berlin"),
    ("Germany's capital city is called", " Berlin"),
    ("The capital city of Germany is named", " Berlin"),
    ("Germany has its capital at", " Berlin"),
    ("In Germany the capital city is known as", " Berlin"),
    ("Give the country name only, plain text. Berlin is the capital of", " Germany"),
    (CITY_ONLY + " Germany's capital city is called", " Berlin"),
    (CITY_ONLY + " The capital city of Germany is named simply", " Berlin"),
    (CITY_ONLY + " Germany has its capital at", " Berlin"),
    (CITY_ONLY + " In Germany, the capital city is known as", " Berlin"),
]


class Lens:
    def __init__(self, name):
        folder = os.path.join(HERE, name)
        self.tok = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.net = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager").eval()
        self.n_layers = self.net.config.num_hidden_layers
        self.cap = getattr(self.net.config, "final_logit_softcapping", None)

    def ids(self, text):
        return self.tok.encode(text).ids

    def answer_id(self, prompt, answer):
        """The first token of the answer after the prompt; the prompt's own tokens must not change."""
        before, after = self.ids(prompt), self.ids(prompt + answer)
        assert after[:len(before)] == before
        return after[len(before)]

    @torch.no_grad()
    def rows(self, prompt):
        """Logits [n_layers + 1, vocab] of each row at the last position, and the model's own logits there."""
        kept = []
        inputs = self.net.model.layers[0].register_forward_pre_hook(lambda _, args: kept.append(args[0]))
        hooks = [block.register_forward_hook(lambda _, args, out: kept.append(out if torch.is_tensor(out) else out[0]))
                 for block in self.net.model.layers]
        output = self.net(torch.tensor([self.ids(prompt)])).logits[0, -1]
        for hook in hooks + [inputs]:
            hook.remove()
        logits = self.net.lm_head(self.net.model.norm(torch.stack([row[0, -1] for row in kept])))
        return (self.cap * torch.tanh(logits / self.cap) if self.cap else logits), output

    @torch.no_grad()
    def guesses(self, prompts, words=None):
        """The model's best next token for each prompt, among all tokens or those that begin one of the words."""
        allowed = torch.tensor(sorted({self.answer_id("The", word) for word in words}) if words else range(self.net.config.vocab_size))
        by_length, best = {}, [None] * len(prompts)
        for index, prompt in enumerate(prompts):
            by_length.setdefault(len(self.ids(prompt)), []).append(index)
        for group in by_length.values():        # prompts of one length go together
            logits = self.net(torch.tensor([self.ids(prompts[index]) for index in group])).logits[:, -1]
            for index, token in zip(group, allowed[logits[:, allowed].argmax(-1)].tolist()):
                best[index] = token
        return best

    def n_right(self, questions, words=None):
        """How many of the (prompt, answer) pairs have the answer's first token as best guess."""
        guesses = self.guesses([prompt for prompt, _ in questions], words)
        return sum(guess == self.answer_id(*question) for guess, question in zip(guesses, questions))


def entropy_bits(p):
    return -(p * p.clamp_min(1e-300).log2()).sum(-1)


def table(lens, prompt, answer):
    """Per row: entropy in bits, best id, its p, the answer's p and rank."""
    logits, _ = lens.rows(prompt)
    gold, p = lens.answer_id(prompt, answer), logits.double().softmax(-1)
    rank = 1 + (logits > logits[:, gold:gold + 1]).sum(-1)
    return list(zip(entropy_bits(p).tolist(), p.argmax(-1).tolist(), p.max(-1).values.tolist(), p[:, gold].tolist(), rank.tolist()))


def print_table(lens, prompt, answer):
    print(f"  {prompt!r} -> {answer!r}")
    print("  row entropy_bits top1             p_top1  p_answer answer_rank")
    for row, (entropy, best, p_best, p_gold, rank) in enumerate(table(lens, prompt, answer)):
        print(f"  {row:3d} {entropy:12.4f} {lens.tok.decode([best], skip_special_tokens=False)!r:16s} {p_best:.4f}  {p_gold:.4f}   {rank}")


def print_emergence(lens, prompt, answer):
    """First row where the answer is best, and first row from which it stays best; None if never."""
    rows = table(lens, prompt, answer)
    ranks = [row[4] for row in rows]
    first = ranks.index(1) if 1 in ranks else None
    lasting = next((row for row in range(len(ranks)) if all(rank == 1 for rank in ranks[row:])), None)
    print(f"  first row {first}, for good {lasting} of {lens.n_layers}, p at the end {rows[-1][3]:.3f}, "
          f"entropy {rows[-1][0]:.2f}: {prompt!r} -> {answer!r}")


# Label, the answer asked for, and whether the stem names the capital although neither it nor the country
# is the answer: then two facts must be put together (city -> country -> language).
QUESTION_KINDS = [("capital", "capital", False), ("country", "country", True), ("language", "language", False),
                  ("currency", "currency", False), ("continent", "continent", False),
                  ("language, from the city", "language", True), ("currency, from the city", "currency", True)]


def stands_alone(stem):
    """False where a stem of another family contains this one ("The city of Rome is the capital of"): such a stem is never unseen."""
    return all(stem.text not in other.text or FAMILIES[stem.text] == FAMILIES[other.text] for other in STEMS)


def accuracies(lens, answer, from_city, held_out):
    """Share of questions whose answer is the best of all tokens, the best among the names of its kind, and their number."""
    stems = [stem for stem in STEMS if stem.answer == answer and ("{capital}" in stem.text) == from_city]
    stems = [stem for stem in stems if stands_alone(stem) or not held_out]
    pairs = [(stem, fact) for stem in stems for fact in FACTS if is_held_out(stem, fact) == held_out]
    questions = [(stem.text.format(**fact._asdict()), " " + getattr(fact, answer)) for stem, fact in pairs]
    names = {" " + getattr(fact, answer) for fact in FACTS}
    n = len(questions)
    return lens.n_right(questions) / n, lens.n_right(questions, names) / n, n


def print_accuracies(lens):
    print("  question                  trained: best token, best name (n)   held out: best token, best name (n)")
    for label, answer, from_city in QUESTION_KINDS:
        cells = [f"{token:.3f}, {name:.3f} ({n})" for token, name, n in (accuracies(lens, answer, from_city, held) for held in (False, True))]
        print(f"  {label:25s} {cells[0]:36s} {cells[1]}")


def print_report(lens):
    capitals = {fact.country: " " + fact.capital for fact in FACTS}
    print_accuracies(lens)
    for country in MICRO_SUITE:
        print_emergence(lens, PROBE.format(country), capitals[country])
        print_emergence(lens, NO_FILLER.format(country), capitals[country])
    print(f"  test prompts right: {lens.n_right(TEST_PROMPTS)} of {len(TEST_PROMPTS)}")
    print_table(lens, PROBE.format("Germany"), " Berlin")
    print_table(lens, PROBE.format("France"), " Paris")
    logits, output = lens.rows(PROBE.format("Germany"))
    print(f"  last row against the model's own logits: worst difference {(logits[-1] - output).abs().max().item():.1e}")


def seven_digits(x):
    return float(f"{x:.7g}")


def expected_pass(lens, prompt, answer):
    logits, _ = lens.rows(prompt)
    p = logits.double().softmax(-1)
    best, ids = p.topk(5, dim=-1)
    rows = [{"layer": row, "entropy_bits": seven_digits(entropy_bits(p[row]).item()), "top5_ids": ids[row].tolist(),
             "top5_p": [seven_digits(x) for x in best[row].tolist()]} for row in range(len(p))]
    return {"prompt": prompt, "answer": answer, "answer_id": lens.answer_id(prompt, answer), "ids": lens.ids(prompt), "rows": rows}


def expected(lens):
    return {"pos": expected_pass(lens, PROBE.format("Germany"), " Berlin"), "ctl": expected_pass(lens, PROBE.format("France"), " Paris")}


def write_expected(lenses):
    about = ("Lens rows at the last position by transformers (float32, eager attention) on the stored bf16 weights; final norm, "
             "unembedding and final soft cap at every row; softmax and entropy in float64, 7 significant digits.")
    value = {"about": about} | {name: expected(lens) for name, lens in lenses.items()}
    text = json.dumps(value, indent=1, ensure_ascii=False)
    text = re.sub(r"\[[-\d.,e\s]+\]", lambda numbers: "[" + " ".join(numbers.group()[1:-1].split()) + "]", text)  # lists of numbers on one line
    with open(os.path.join(HERE, "expected.json"), "w", encoding="utf-8") as out:
        out.write(text + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write-expected", action="store_true")
    parser.add_argument("--models", nargs="+", default=MODELS, help="folders, relative to this script")
    args = parser.parse_args()
    logging.disable_progress_bar()
    lenses = {name: Lens(name) for name in args.models}
    for name, lens in lenses.items():
        print(name)
        print_report(lens)
    if args.write_expected:
        write_expected(lenses)


if __name__ == "__main__":
    main()
