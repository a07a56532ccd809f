#!/usr/bin/env python3
"""Write a made run folder of the size of a large sweep, to measure the index with (see index_sweep.sh).

    make_sweep.py FOLDER [--models 10] [--prompts 100] [--rows 40] [--positions 20] [--seed 1]

Our format: JSON, records, pure-next-token (all columns), rawlens. Values are random, their sizes are not:
probabilities are doubles of 17 digits, token texts have the lengths of a real vocabulary, 5 tokens a row and 20 at three
positions. Same arguments, same bytes.
"""
import argparse
import json
import random
from pathlib import Path

TOKENS = 5000  # that a model ever lists; the original data: 500 to 2,000 over 11 prompts
SYLLABLES = "a an be ca de er fi ga ho in jo ka li ma ni on pe ra re si st ti un ve wo ze".split()
FLAGS = ["copy_strict@0.95", "copy_strict@0.7", "copy_strict@0.8", "copy_strict@0.9", "copy_soft_k1@0.5", "copy_soft_k2@0.5", "copy_soft_k3@0.5"]
TOPS = [f"{what}{k}" for k in range(1, 21) for what in ("top", "prob")]
PASS = ["fact_key", "fact_index", "prompt_id", "prompt_variant"]
TAIL = ["token_id", "top_ids", "row_id"]
RECORDS = ["layer", "pos", "token", "entropy"] + TOPS + ["rest_mass"] + PASS + ["entropy_bits"] + TAIL
LATE = ["p_top1", "p_top5", "p_answer", "answer_minus_uniform", "semantic_margin_ok", "teacher_entropy_bits", "kl_to_final_bits",
        "kl_to_final_bits_norm_temp", "answer_rank", "topk_jaccard_raw_norm@50", "topk_jaccard_consecutive@50", "cos_to_final", "cos_to_answer",
        "cos_to_prompt_max", "geom_crossover", "echo_mass_prompt", "answer_mass", "answer_minus_echo_mass", "mass_ratio_ans_over_prompt",
        "topk_prompt_mass@50", "control_margin", "resid_norm_ratio", "delta_resid_cos", "answer_logit_gap", "answer_vs_top1_gap", "answer_logprob", "accepted_rank"]
PURE = ["layer", "pos", "token", "entropy"] + TOPS + ["rest_mass", "copy_collapse", "entropy_collapse", "is_answer"] + PASS + ["entropy_bits"] + FLAGS + LATE + TAIL
SIDE = ["p_top1_{0}", "top1_token_id_{0}", "top1_token_str_{0}", "p_answer_{0}", "answer_rank_{0}"]
RAWLENS = PASS + ["layer"] + [c.format("raw") for c in SIDE] + [c.format("norm") for c in SIDE] + [
    "kl_norm_vs_raw_bits", "kl_raw_to_norm_bits", "js_divergence", "entropy_bits_norm", "entropy_bits_raw", "entropy_gap_bits", "l1_prob_diff",
    "topk_jaccard_raw_norm@50", "topk_jaccard_consecutive@50", "norm_only_semantics", "row_id"]


def vocabulary(rng, n):
    words = [("" if rng.random() < 0.35 else " ") + "".join(rng.choice(SYLLABLES) for _ in range(rng.choice((1, 2, 2, 3, 3, 4)))) for _ in range(n)]
    for i, odd in enumerate((",", '"', "\n", "\r\n", " ,", '."', "\ufffd", "⟩", "日本", " \\")):
        words[7 * i + 3] = odd
    return words


def quoted(s):
    return '"' + s.replace('"', '""') + '"' if not s or any(c in s for c in ',"\r\n') else s


class Sweep:
    def __init__(self, args, folder, model):
        self.a, self.folder, self.name = args, folder, f"Made-{model}"
        self.rng = random.Random(args.seed * 1000 + model)
        self.words = [quoted(w) for w in vocabulary(self.rng, TOKENS)]

    def token(self):
        return int(self.rng.random() ** 3 * TOKENS)  # few tokens are frequent

    def top(self, k):
        """Texts and probabilities of k tokens, their sum, their ids."""
        r, p, left, cells, ids = self.rng.random, 0, 1.0, [], []
        total = 0.0
        for _ in range(k):
            p = left * (0.05 + 0.6 * r())
            left -= p
            total += p
            t = self.token()
            ids.append(t)
            cells += (self.words[t], repr(p))
        return cells + [""] * (40 - 2 * k), max(0.0, 1.0 - total), " ".join(map(str, ids)), float(cells[1])

    def records_row(self, key, where, layer, pos, prompt):
        k = 20 if pos in (self.a.positions // 2, self.a.positions * 3 // 4, self.a.positions - 1) else 5
        cells, rest, ids, _ = self.top(k)
        h = repr(self.rng.random() * 17)
        row_id = f"{key}:L{layer:03d}:P{pos:04d}"
        return [str(layer), str(pos), self.words[prompt[pos]], h, *cells, repr(rest), *where, h, str(prompt[pos]), ids, row_id]

    def pure_row(self, key, where, layer):
        r, last = self.rng.random, self.a.positions - 1
        cells, rest, ids, p1 = self.top(5)
        h, p, rank = repr(r() * 17), r() / 50, 1 if layer > self.a.rows * 2 // 3 and r() < 0.8 else int(r() * 5000) + 2
        flag = lambda share: "True" if r() < share else "False"
        late = dict(p_top1=p1, p_top5=1 - rest, p_answer=p, answer_minus_uniform=p - 2e-5, semantic_margin_ok=flag(0.2), teacher_entropy_bits=2.9610018730163574,
                    kl_to_final_bits=r() * 12 * (1 - layer / self.a.rows), kl_to_final_bits_norm_temp=r() * 12, answer_rank=rank, cos_to_final=r(), cos_to_answer=r() / 9,
                    cos_to_prompt_max=r() / 9, geom_crossover=flag(0.3), echo_mass_prompt=r() / 9, answer_mass=p, answer_minus_echo_mass=r() / 9,
                    mass_ratio_ans_over_prompt=r() * 3, resid_norm_ratio=r(), delta_resid_cos=r(), answer_logprob=-20 * r(), accepted_rank=rank)
        late["topk_jaccard_raw_norm@50"] = r()
        late["topk_jaccard_consecutive@50"] = "" if not layer else r()
        late["topk_prompt_mass@50"] = r() / 9
        late["control_margin"] = ""
        late["answer_logit_gap"], late["answer_vs_top1_gap"] = (r() * 2, "") if rank == 1 else ("", -9 * r())
        values = [v if isinstance(v, str) else repr(v) for v in (late[c] for c in LATE)]
        return [str(layer), str(last), "⟨NEXT⟩", h, *cells, repr(rest), flag(0.02), flag(0.1), "True" if rank == 1 else "False", *where, h,
                *(flag(0.05) for _ in FLAGS), *values, "", ids, f"{key}:L{layer:03d}:P{last:04d}"]

    def rawlens_row(self, key, where, layer):
        r = self.rng.random
        side = lambda: (lambda t: [repr(r() / 9), str(t), self.words[t], repr(r() / 50), str(int(r() * 5000) + 1)])(self.token())
        return [*where, str(layer), *side(), *side(), *(repr(r() * s) for s in (2, 2, 1, 17, 17, 15, 2, 1)), "" if not layer else repr(r()),
                "True" if r() < 0.05 else "False", f"{key}:L{layer:03d}:P{self.a.positions - 1:04d}"]

    def write(self):
        a, passes = self.a, []
        out = lambda suffix: open(self.folder / f"output-{self.name}{suffix}", "w", encoding="utf-8", newline="")
        with out("-records.csv") as rec, out("-pure-next-token.csv") as pure, out("-pure-next-token-rawlens.csv") as raw:
            for f, head in ((rec, RECORDS), (pure, PURE), (raw, RAWLENS)):
                f.write(",".join(head) + "\n")
            for i in range(a.prompts):
                key, prompt = f"pos.orig.{i}", [self.token() for _ in range(a.positions)]
                where = [f"Country{i}→City{i}", str(i), "pos", "orig"]
                passes.append(dict(pass_key=key, fact_key=where[0], fact_index=i, prompt_id="pos", prompt_variant="orig", prompt=f"Prompt {i}", token_ids=prompt,
                                   gold_answer=dict(string=f"City{i}", first_id=i, variant="with_space")))
                for layer in range(a.rows):
                    rec.writelines(",".join(self.records_row(key, where, layer, pos, prompt)) + "\n" for pos in range(a.positions))
                    pure.write(",".join(self.pure_row(key, where, layer)) + "\n")
                    raw.write(",".join(self.rawlens_row(key, where, layer)) + "\n")
        doc = dict(diagnostics=dict(model=f"made/{self.name}"), status="ok", main_pass="pos.orig.0", passes=passes, provenance=dict(tool="made", seed=a.seed, model=dict(id=f"made/{self.name}")),
                   model_stats=dict(num_layers=a.rows - 1, d_model=64, n_heads=4, d_vocab=50000, architecture="pre_norm"))
        (self.folder / f"output-{self.name}.json").write_text(json.dumps(doc, ensure_ascii=False), encoding="utf-8")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", type=Path)
    for name, default in (("models", 10), ("prompts", 100), ("rows", 40), ("positions", 20), ("seed", 1)):
        p.add_argument(f"--{name}", type=int, default=default)
    args = p.parse_args()
    args.folder.mkdir(parents=True)
    (args.folder / "timestamp-20260102-0304").write_text("Experiment started: 2026-01-02 03:04:05\n")
    for model in range(args.models):
        Sweep(args, args.folder, model).write()


if __name__ == "__main__":
    main()
