"""Trains the two tokenizers and writes tokenizer.json in the layout of the family.

llama   byte-level BPE: Llama-3's pattern, ignore_merges, special tokens after all others
gemma2  sentencepiece manner: spaces become U+2581, unknown characters fall back to bytes,
        no splitting when used (words are split apart only while the merges are learned)
"""
import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

LLAMA3_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
                  r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
N_VOCAB = {"llama": 2048, "gemma2": 2048}

LLAMA_SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>"]
GEMMA_SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>"]


def special(text):
    return AddedToken(text, special=True, normalized=False)


def bos_template(bos, bos_id):
    return processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1", special_tokens=[(bos, bos_id)])


def train_llama(texts):
    tok = Tokenizer(models.BPE(ignore_merges=True))
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3_PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=N_VOCAB["llama"] - len(LLAMA_SPECIAL), show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    tok.add_special_tokens([special(text) for text in LLAMA_SPECIAL])
    tok.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        bos_template(LLAMA_SPECIAL[0], tok.token_to_id(LLAMA_SPECIAL[0]))])
    return tok


def train_gemma2(texts):
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizers.Replace(" ", "\u2581")
    learner.pre_tokenizer = pre_tokenizers.Split(Regex(r"\u2581?\p{L}+|\u2581?\p{N}|\u2581?[^\p{L}\p{N}\u2581]"), "isolated")
    learner.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=N_VOCAB["gemma2"], show_progress=False, special_tokens=GEMMA_SPECIAL + byte_tokens,
        initial_alphabet=[chr(code) for code in range(33, 127)] + ["\u2581"]))
    learned = json.loads(learner.to_str())["model"]
    tok = Tokenizer(models.BPE(
        vocab=learned["vocab"], merges=[tuple(pair) for pair in learned["merges"]],
        unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tok.normalizer = normalizers.Replace(" ", "\u2581")
    tok.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")   # never acts, as in Gemma's own file
    tok.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    tok.add_special_tokens([special(text) for text in GEMMA_SPECIAL])
    tok.post_processor = bos_template("<bos>", tok.token_to_id("<bos>"))
    return tok


def train(family, texts):
    return {"llama": train_llama, "gemma2": train_gemma2}[family](texts)


def settings(family):
    """The contents of tokenizer_config.json."""
    common = {"add_bos_token": True, "add_eos_token": False, "clean_up_tokenization_spaces": False,
              "model_max_length": 256, "tokenizer_class": "PreTrainedTokenizerFast"}
    if family == "llama":
        return common | {"bos_token": LLAMA_SPECIAL[0], "eos_token": LLAMA_SPECIAL[1]}
    return common | {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
