"""Converts oracle models to GGUF the way llama.cpp's convert_hf_to_gguf.py does, and compares what logitlens makes of both.

    pip install gguf numpy safetensors && python tests/oracle/gguf_from_models.py LOGITLENS SHARED/oracle/models [NAME...]

For architectures that shared/oracle/gguf has no file of. Tensor names come from the gguf package's own map; the facts
(1 added to Gemma's norms, rows of q and k reordered for Granite, Conv1D transposed, keys written) are restated here.
Prints the largest difference of logits and of the residual stream, relative to the largest value; 1e-4 fails.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import gguf
import numpy as np
from safetensors import safe_open

ARCH = {"gemma": "gemma", "gemma3": "gemma3", "phi3": "phi3", "phi3_longrope": "phi3", "olmo2": "olmo2", "granite": "granite", "gpt2": "gpt2", "phi": "phi2", "stablelm": "stablelm",
        "mixtral": "llama", "qwen3_moe": "qwen3moe"}


def load(folder: pathlib.Path) -> dict[str, np.ndarray]:
    tensors = {}
    for file in sorted(folder.glob("model*.safetensors")):
        with safe_open(file, "pt") as f:
            tensors |= {k: f.get_tensor(k).float().numpy() for k in f.keys()}
    return tensors


def interleave(w: np.ndarray, heads: int) -> np.ndarray:
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def write(name: str, folder: pathlib.Path, path: pathlib.Path) -> None:
    c, arch = json.loads((folder / "config.json").read_text()), ARCH[name]
    rope = c.get("rope_parameters") or c.get("rope_scaling") or {}
    w = gguf.GGUFWriter(path, arch)
    layers, width = c.get("num_hidden_layers", c.get("n_layer")), c.get("hidden_size", c.get("n_embd"))
    heads = c.get("num_attention_heads", c.get("n_head"))
    kv, head_dim = c.get("num_key_value_heads") or heads, c.get("head_dim") or width // heads
    w.add_block_count(layers), w.add_embedding_length(width), w.add_head_count(heads), w.add_head_count_kv(kv)
    w.add_feed_forward_length(c.get("intermediate_size") or c.get("n_inner") or 4 * width)
    w.add_context_length(c.get("max_position_embeddings", c.get("n_positions")))
    if "rms_norm_eps" in c:
        w.add_layer_norm_rms_eps(c["rms_norm_eps"])
    else:
        w.add_layer_norm_eps(c.get("layer_norm_eps", c.get("layer_norm_epsilon", 1e-5)))
    part = c.get("partial_rotary_factor", rope.get("partial_rotary_factor", {"phi": 0.5, "stablelm": 0.25}.get(name, 1)))
    if arch != "gpt2":
        w.add_rope_dimension_count(int(head_dim * part))
        w.add_rope_freq_base(c.get("rope_theta", rope.get("rope_theta", 10000)))
    if "head_dim" in c:
        w.add_key_length(head_dim), w.add_value_length(head_dim)
    if c.get("sliding_window"):
        w.add_sliding_window(c["sliding_window"])
    if name == "gemma3":
        w.add_uint32("gemma3.attention.sliding_window_pattern", 3)
    if name == "granite":
        w.add_attention_scale(c["attention_multiplier"]), w.add_embedding_scale(c["embedding_multiplier"])
        w.add_residual_scale(c["residual_multiplier"]), w.add_logit_scale(c["logits_scaling"])
    if name == "stablelm":
        w.add_parallel_residual(c.get("use_parallel_residual", False))
    if "long_factor" in rope:
        old = c.get("original_max_position_embeddings", rope.get("original_max_position_embeddings"))
        w.add_rope_scaling_orig_ctx_len(old)
        w.add_rope_scaling_attn_factors(np.sqrt(1 + np.log(c["max_position_embeddings"] / old) / np.log(old)))
        w.add_tensor("rope_factors_long.weight", np.array(rope["long_factor"], np.float32))
        w.add_tensor("rope_factors_short.weight", np.array(rope["short_factor"], np.float32))
    experts = c.get("num_local_experts") or c.get("num_experts")
    if experts:
        w.add_expert_count(experts), w.add_expert_used_count(c["num_experts_per_tok"])
    if "moe_intermediate_size" in c:
        w.add_expert_feed_forward_length(c["moe_intermediate_size"])
    names = gguf.get_tensor_name_map({v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}[arch], layers)
    tensors = load(folder)
    for layer in range(layers if experts else 0):  # all experts of a layer in one tensor
        for part, new in {"w1": "gate", "w3": "up", "w2": "down", "gate_proj": "gate", "up_proj": "up", "down_proj": "down"}.items():
            stack = [k for e in range(experts) for k in tensors if f"layers.{layer}." in k and k.endswith(f"experts.{e}.{part}.weight")]
            if stack:
                w.add_tensor(f"blk.{layer}.ffn_{new}_exps.weight", np.stack([tensors[k] for k in stack]))
    for hf, x in tensors.items():
        if ".experts." in hf or (experts and int((hf.split("layers.") + ["0."])[1].split(".")[0]) >= layers):
            continue
        if hf.endswith((".attn.bias", ".attn.masked_bias", "inv_freq")) and x.ndim != 1 or (hf == "lm_head.weight" and c.get("tie_word_embeddings")):
            continue
        new = names.get_name(hf, (".weight", ".bias")) or names.get_name("transformer." + hf, (".weight", ".bias"))
        if new is None:
            raise ValueError(f"{name}: no GGUF name for {hf}")
        if arch == "gpt2" and hf.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")):
            x = x.T
        if arch.startswith("gemma") and hf.endswith("norm.weight"):
            x = x + np.float32(1)
        if arch in ("granite", "llama") and ("q_proj" in hf or "k_proj" in hf):
            x = interleave(x, heads if "q_proj" in hf else kv)
        w.add_tensor(new, np.ascontiguousarray(x))
    w.write_header_to_file(), w.write_kv_data_to_file(), w.write_tensors_to_file(), w.close()


def dump(program: str, model: pathlib.Path, out: pathlib.Path) -> dict[str, np.ndarray]:
    ids = ",".join(str((i * 37 + 11) % 300) for i in range(21))
    subprocess.run([program, "dump", str(model), "--ids", ids, "--hooks", "resid_post,logits", "--out", str(out)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with safe_open(out, "np") as f:
        return {k: f.get_tensor(k) for k in f.keys()}


def main() -> int:
    program, models, bad = sys.argv[1], pathlib.Path(sys.argv[2]), 0
    for name in sys.argv[3:] or ARCH:
        with tempfile.TemporaryDirectory() as scratch:
            path, folder = pathlib.Path(scratch) / f"{name}.gguf", models / name
            if name == "qwen3_moe":  # its layer 1 is dense, which a GGUF of this kind cannot say: layer 0 alone
                folder = pathlib.Path(shutil.copytree(folder, path.with_suffix("")))
                c = json.loads((folder / "config.json").read_text())
                (folder / "config.json").chmod(0o644)
                (folder / "config.json").write_text(json.dumps(c | {"num_hidden_layers": 1, "mlp_only_layers": []}))
            write(name, folder, path)
            try:
                a, b = dump(program, folder, path.with_suffix(".a.safetensors")), dump(program, path, path.with_suffix(".b.safetensors"))
            except subprocess.CalledProcessError as e:
                print(f"{name:15s} {e.stderr.decode().strip()}")
                bad += 1
                continue
            worst = max(float(np.abs(a[k] - b[k]).max() / np.abs(a[k]).max()) for k in a)
            print(f"{name:15s} {worst:.2g}{' FAILED' if not worst < 1e-4 else ''}")
            bad += not worst < 1e-4
    return bad


if __name__ == "__main__":
    sys.exit(main())
