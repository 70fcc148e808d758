"""Models made on the spot: random weights, tokenizers trained on two sentences, and one that recites."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
)

from arena.generation.backends.protocol import Media

SENTENCES = ["the cat sat on the mat and the dog barked at the cat", "who sat on the mat said the dog"]
CHAT = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if shout is defined and shout %}!{% endif %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + CHAT
WORDS = ["the", "cat", "sat", "on", "mat", "and", "dog", "barked", "at", "who", "said"]


def bytes_tokenizer(chat_template: str | None = None) -> PreTrainedTokenizerFast:
    """Byte-level pairs: the words of the sentences are tokens, all else is bytes."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<|end|>", "<|pad|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES * 5, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>")
    fast.chat_template = chat_template
    return fast


def words_tokenizer() -> PreTrainedTokenizerFast:
    """A dozen words and no more; token 0 ends a text."""
    tokenizer = Tokenizer(models.WordLevel({"<|end|>": 0} | {word: place for place, word in enumerate(WORDS, 1)}))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>")


def gpt2(folder: Path, tokenizer: PreTrainedTokenizerFast, *, context: int = 128) -> Path:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_positions=context,
        eos_token_id=0,
        bos_token_id=None,
        initializer_range=0.3,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def llama(folder: Path, tokenizer: PreTrainedTokenizerFast) -> Path:
    torch.manual_seed(0)
    LlamaForCausalLM(_llama_config(len(tokenizer))).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def of(folder: Path, config: PreTrainedConfig, tokenizer: PreTrainedTokenizerFast) -> Path:
    """Random weights for any configuration."""
    torch.manual_seed(1)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def reciter(folder: Path, text: str) -> Path:
    """A model that recites: after a prompt of n tokens it says the text from its n-th token on, then ends.

    Each position has a direction of its own, from which the head reads the token; the layer between adds nothing.
    """
    tokenizer = bytes_tokenizer()
    said = [*tokenizer(text)["input_ids"], 0]
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=64,
        n_layer=1,
        n_head=1,
        n_positions=64,
        eos_token_id=0,
        bos_token_id=None,
        tie_word_embeddings=False,
    )
    model = GPT2LMHeadModel(config)
    with torch.no_grad():
        for weights in (
            model.transformer.wte.weight,
            model.lm_head.weight,
            model.transformer.h[0].attn.c_proj.weight,
            model.transformer.h[0].mlp.c_proj.weight,
        ):
            weights.zero_()
        model.transformer.wpe.weight.copy_(torch.eye(64))
        for place, token in enumerate(said):
            model.lm_head.weight[token, place] = 10.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def llava(folder: Path) -> Path:
    """A model that sees pictures of 16 x 16 pixels."""
    torch.manual_seed(0)
    tokenizer = bytes_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    image = tokenizer.convert_tokens_to_ids("<image>")
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}),
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        image_token="<image>",
        num_additional_image_tokens=1,
    )
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=16,
            patch_size=8,
            projection_dim=32,
        ),
        text_config=_llama_config(len(tokenizer)),
        image_token_id=image,
    )
    model = LlavaForConditionalGeneration(config)
    model.generation_config.eos_token_id = 0
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def picture(colour: str) -> Media:
    file = io.BytesIO()
    Image.new("RGB", (40, 24), colour).save(file, "PNG")
    return Media(file.getvalue(), "image/png")


def _llama_config(vocabulary: int) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        eos_token_id=0,
        pad_token_id=1,
        bos_token_id=None,
        initializer_range=0.3,
    )
