"""Trains one demo model and writes it as an ordinary Hugging Face folder.

    python train.py --model llama       -> demo-llama/
    python train.py --model gemma2      -> demo-gemma2/

Everything is drawn from seed 316. The loss is plain next-token cross-entropy at the last layer: nothing
tells the middle layers what to hold, so what the lens finds there is the model's own doing.
"""
import argparse
import json
import math
import os
import time

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

import make_text
import tokenizer_files
from model import Decoder

SEED = 316
N_POS = 64              # tokens of one training row, start token included
BATCH = 32
LEARNING_RATE = {"llama": 3e-3, "gemma2": 3e-3}
WARMUP = 100
WEIGHT_DECAY = 0.1
STEPS = {"llama": 1400, "gemma2": 1400}
HERE = os.path.dirname(os.path.abspath(__file__))

COMMON = {
    "attention_bias": False, "attention_dropout": 0.0, "head_dim": 16, "hidden_size": 128, "intermediate_size": 384,
    "initializer_range": 0.02, "max_position_embeddings": 256, "num_attention_heads": 8, "num_hidden_layers": 8,
    "rope_theta": 10000.0, "torch_dtype": "bfloat16", "use_cache": True,
}
FAMILY = {
    "llama": {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "mlp_bias": False,
        "num_key_value_heads": 4, "rms_norm_eps": 1e-5, "tie_word_embeddings": False},
    "gemma2": {
        "architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", "hidden_act": "gelu_pytorch_tanh",
        "hidden_activation": "gelu_pytorch_tanh", "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0,
        "num_key_value_heads": 4, "query_pre_attn_scalar": 16, "rms_norm_eps": 1e-6, "sliding_window": 32,
        "tie_word_embeddings": True},
}
SPECIAL = {"llama": ("<|begin_of_text|>", "<|end_of_text|>", None), "gemma2": ("<bos>", "<eos>", "<pad>")}


def special_ids(family, tok):
    bos, eos, pad = SPECIAL[family]
    return {"bos_token_id": tok.token_to_id(bos), "eos_token_id": tok.token_to_id(eos),
            "pad_token_id": tok.token_to_id(pad) if pad else None}


def make_config(family, tok):
    return dict(sorted((COMMON | FAMILY[family] | special_ids(family, tok) | {"vocab_size": tok.get_vocab_size()}).items()))


def training_rows(tok, texts):
    """[n_rows, N_POS + 1]: each document cut to one row; the few shorter ones are dropped."""
    ids = [encoding.ids for encoding in tok.encode_batch(texts)]
    return torch.tensor([row[:N_POS + 1] for row in ids if len(row) > N_POS], dtype=torch.long)


def learning_rate(step, n_steps, peak):
    if step < WARMUP:
        return peak * (step + 1) / WARMUP
    return peak * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (n_steps - WARMUP))))


def cross_entropy(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def make_optimizer(net, peak):
    matrices = [p for p in net.parameters() if p.dim() == 2]
    gains = [p for p in net.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": gains, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.95))


def train(net, rows, family, n_steps, report):
    draw = torch.Generator().manual_seed(SEED)
    optimizer, began = make_optimizer(net, LEARNING_RATE[family]), time.monotonic()
    for step in range(n_steps):
        batch = rows[torch.randint(len(rows), (BATCH,), generator=draw)]
        loss = cross_entropy(net(batch[:, :-1]), batch[:, 1:])
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, n_steps, LEARNING_RATE[family])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0 or step == n_steps - 1:
            report(step, loss.item(), time.monotonic() - began)


def print_progress(step, loss, seconds):
    print(f"step {step} loss {loss:.4f} {seconds:.0f} s", flush=True)


def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
        json.dump(value, out, indent=2, ensure_ascii=False)
        out.write("\n")


def write_folder(folder, family, net, config, tok):
    os.makedirs(folder, exist_ok=True)
    weights = {name: value.detach().to(torch.bfloat16).contiguous() for name, value in net.state_dict().items()}
    save_file(weights, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    os.chmod(os.path.join(folder, "model.safetensors"), 0o644)
    write_json(folder, "config.json", config)
    write_json(folder, "generation_config.json", {k: v for k, v in special_ids(family, tok).items() if v is not None})
    write_json(folder, "tokenizer_config.json", tokenizer_files.settings(family))
    tok.save(os.path.join(folder, "tokenizer.json"))


def largest_difference(folder, config):
    """Worst difference to transformers' logits, both from the stored bf16 weights in float32."""
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM
    net = Decoder(config)
    net.load_state_dict({k: v.float() for k, v in load_file(os.path.join(folder, "model.safetensors")).items()})
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    ids = torch.randint(config["vocab_size"], (2, 100), generator=torch.Generator().manual_seed(SEED))
    with torch.no_grad():
        return (net(ids) - theirs(ids).logits).abs().max().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=sorted(FAMILY), required=True)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--out", help="folder to write (default: demo-<model> beside this script)")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    family, folder = args.model, args.out or os.path.join(HERE, "demo-" + args.model)
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(args.threads)

    texts = make_text.documents()
    tok = tokenizer_files.train(family, texts)
    rows, config = training_rows(tok, texts), make_config(family, tok)
    net = Decoder(config)
    n_params = sum(p.numel() for p in net.parameters())
    print(f"{len(texts)} documents, {len(rows)} rows of {N_POS} tokens, vocabulary {config['vocab_size']}, {n_params} parameters")
    train(net, rows, family, args.steps or STEPS[family], print_progress)
    write_folder(folder, family, net, config, tok)
    print(f"worst logit difference to transformers: {largest_difference(folder, config):.2e}")


if __name__ == "__main__":
    main()
