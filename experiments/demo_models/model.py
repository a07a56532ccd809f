"""Two small decoders in plain PyTorch, with the weight names of the Hugging Face checkpoints.

llama   pre-norm RMSNorm, grouped-query attention, rotary positions, SwiGLU, untied head
gemma2  the same skeleton with four norms a block (gain 1 + w), embedding times sqrt(d),
        capped attention scores and logits, alternating sliding window, tanh GELU, tied head

Shapes: ids [batch, pos], residuals [batch, pos, d_model], logits [batch, pos, vocab].
"""
import torch
import torch.nn.functional as F
from torch import nn


class RMSNorm(nn.Module):
    def __init__(self, d_model, eps, is_gemma):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(d_model) if is_gemma else torch.ones(d_model))
        self.eps, self.offset = eps, 1.0 if is_gemma else 0.0

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * (self.offset + self.weight)


def rotate(x, cos, sin):
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


def rotary_table(n_pos, d_head, base):
    angles = torch.outer(torch.arange(n_pos).float(), base ** (-torch.arange(0, d_head, 2).float() / d_head))
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def visible(n_pos, window):
    """True where the query (row) may look at the key (column)."""
    distance = torch.arange(n_pos)[:, None] - torch.arange(n_pos)[None, :]
    return (distance >= 0) & (distance < window) if window else distance >= 0


class Attention(nn.Module):
    def __init__(self, c, layer):
        super().__init__()
        d, d_head = c["hidden_size"], c["head_dim"]
        self.n_heads, self.n_kv_heads, self.d_head = c["num_attention_heads"], c["num_key_value_heads"], d_head
        self.q_proj = nn.Linear(d, self.n_heads * d_head, bias=False)
        self.k_proj = nn.Linear(d, self.n_kv_heads * d_head, bias=False)
        self.v_proj = nn.Linear(d, self.n_kv_heads * d_head, bias=False)
        self.o_proj = nn.Linear(self.n_heads * d_head, d, bias=False)
        self.scale = c.get("query_pre_attn_scalar", d_head) ** -0.5
        self.cap = c.get("attn_logit_softcapping")
        self.window = c.get("sliding_window") if layer % 2 == 0 else None   # Gemma 2: even blocks look back a window only

    def heads(self, x, n):
        return x.view(*x.shape[:2], n, self.d_head).transpose(1, 2)

    def forward(self, x, cos, sin):
        q = rotate(self.heads(self.q_proj(x), self.n_heads), cos, sin)
        k = rotate(self.heads(self.k_proj(x), self.n_kv_heads), cos, sin)
        v = self.heads(self.v_proj(x), self.n_kv_heads)
        group = self.n_heads // self.n_kv_heads
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        scores = q @ k.transpose(-1, -2) * self.scale
        if self.cap:
            scores = self.cap * torch.tanh(scores / self.cap)
        scores = scores.masked_fill(~visible(x.shape[1], self.window), float("-inf"))
        return self.o_proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


class MLP(nn.Module):
    def __init__(self, c, is_gemma):
        super().__init__()
        d, d_mlp = c["hidden_size"], c["intermediate_size"]
        self.gate_proj = nn.Linear(d, d_mlp, bias=False)
        self.up_proj = nn.Linear(d, d_mlp, bias=False)
        self.down_proj = nn.Linear(d_mlp, d, bias=False)
        self.is_gemma = is_gemma

    def forward(self, x):
        gate = self.gate_proj(x)
        return self.down_proj((F.gelu(gate, approximate="tanh") if self.is_gemma else F.silu(gate)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self, c, layer, is_gemma):
        super().__init__()
        def norm():
            return RMSNorm(c["hidden_size"], c["rms_norm_eps"], is_gemma)
        self.self_attn, self.mlp = Attention(c, layer), MLP(c, is_gemma)
        self.input_layernorm, self.post_attention_layernorm = norm(), norm()
        if is_gemma:
            self.pre_feedforward_layernorm, self.post_feedforward_layernorm = norm(), norm()
        self.is_gemma = is_gemma

    def forward(self, x, cos, sin):
        if self.is_gemma:
            x = x + self.post_attention_layernorm(self.self_attn(self.input_layernorm(x), cos, sin))
            return x + self.post_feedforward_layernorm(self.mlp(self.pre_feedforward_layernorm(x)))
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    """state_dict() has the names model.embed_tokens.weight, model.layers.0..., model.norm.weight, lm_head.weight."""

    def __init__(self, c):
        super().__init__()
        is_gemma = c["model_type"] == "gemma2"
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.model.layers = nn.ModuleList(Block(c, layer, is_gemma) for layer in range(c["num_hidden_layers"]))
        self.model.norm = RMSNorm(c["hidden_size"], c["rms_norm_eps"], is_gemma)
        self.lm_head = None if is_gemma else nn.Linear(c["hidden_size"], c["vocab_size"], bias=False)
        self.embed_scale = c["hidden_size"] ** 0.5 if is_gemma else 1.0
        self.cap = c.get("final_logit_softcapping")
        self.d_head, self.base = c["head_dim"], c["rope_theta"]
        for weight in self.parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=c["initializer_range"])

    def residuals(self, ids):
        """The rows of the lens: the embedding output, then the residual after each block."""
        cos, sin = rotary_table(ids.shape[1], self.d_head, self.base)
        rows = [self.model.embed_tokens(ids) * self.embed_scale]
        for block in self.model.layers:
            rows.append(block(rows[-1], cos, sin))
        return rows

    def head(self, x):
        """Final norm, unembedding, final soft cap: the model's own head, and the lens of every row."""
        unembed = self.model.embed_tokens if self.lm_head is None else self.lm_head
        logits = self.model.norm(x) @ unembed.weight.T
        return self.cap * torch.tanh(logits / self.cap) if self.cap else logits

    def forward(self, ids):
        return self.head(self.residuals(ids)[-1])
