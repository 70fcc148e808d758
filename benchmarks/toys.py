"""Randomly initialised models for benchmarks: what they write means nothing, what they cost is real."""

from __future__ import annotations

from pathlib import Path

SIZES = {
    # name: hidden, layers, heads, key-value heads, intermediate
    "14m": (256, 8, 8, 4, 1024),
    "100m": (640, 16, 10, 5, 2048),
    "1b": (2048, 16, 32, 8, 8192),
}
TOKENS, MARKS = ("bos_token", "eos_token", "pad_token"), ("<s>", "</s>", "<pad>")
VOCABULARY = 8000
CONTEXT = 2048


def language_model(folder: Path, size: str, texts: list[str]) -> Path:
    """A Llama of the named size with a byte-level tokenizer trained on `texts`, saved as transformers does."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=list(MARKS), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **dict(zip(TOKENS, MARKS, strict=True)), model_max_length=CONTEXT
    )
    hidden, layers, heads, shared, intermediate = SIZES[size]
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=shared,
        intermediate_size=intermediate,
        max_position_embeddings=CONTEXT,
        bos_token_id=wrapped.bos_token_id,
        eos_token_id=wrapped.eos_token_id,
        pad_token_id=wrapped.pad_token_id,
        dtype=torch.bfloat16 if size == "1b" else torch.float32,
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(config).to(config.dtype)
    model.save_pretrained(folder)
    wrapped.save_pretrained(folder)
    return folder


def diffusion_pipeline(folder: Path) -> Path:
    """A small Stable Diffusion: random weights, pictures of 64 x 64."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    vocabulary = {token: place for place, token in enumerate(_letters())}
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        block_out_channels=(64, 128),
        layers_per_block=1,
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=64,
        norm_num_groups=32,
    )
    vae = AutoencoderKL(
        block_out_channels=(32, 64),
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        latent_channels=4,
    )
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(vocabulary),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=text,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    return folder


def _letters() -> list[str]:
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    return ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
