"""Sound models small enough to be built and run on the spot, with weights at random."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import (
    BarkConfig,
    BarkModel,
    BarkProcessor,
    BertTokenizerFast,
    EncodecConfig,
    GenerationConfig,
    MusicgenConfig,
    MusicgenForConditionalGeneration,
    PreTrainedTokenizerFast,
    T5Config,
    VitsConfig,
    VitsModel,
    VitsTokenizer,
)
from transformers.models.bark.configuration_bark import BarkCoarseConfig, BarkFineConfig, BarkSemanticConfig
from transformers.models.bark.generation_configuration_bark import (
    BarkCoarseGenerationConfig,
    BarkFineGenerationConfig,
    BarkGenerationConfig,
    BarkSemanticGenerationConfig,
)
from transformers.models.musicgen.configuration_musicgen import MusicgenDecoderConfig

LETTERS = "abcdefghijklmnopqrstuvwxyz "


def speech(folder: Path, voices: int = 3) -> Path:
    """VITS: one pass, with noise in durations and in the voice. 16,000 samples a second."""
    folder.mkdir()
    vocabulary = folder / "letters.json"
    vocabulary.write_text(json.dumps({letter: index for index, letter in enumerate(["<pad>", *LETTERS, "<unk>"])}))
    tokenizer = VitsTokenizer(vocabulary, language="en", phonemize=False, normalize=True)
    config = VitsConfig(
        vocab_size=len(LETTERS) + 2,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=8,
        flow_size=8,
        spectrogram_bins=9,
        num_speakers=voices,
        speaker_embedding_size=4,
        upsample_initial_channel=8,
        upsample_rates=(8, 4),
        upsample_kernel_sizes=(16, 8),
        resblock_kernel_sizes=(3,),
        resblock_dilation_sizes=((1, 3),),
        depth_separable_num_layers=1,
        duration_predictor_filter_channels=8,
        duration_predictor_num_flows=1,
        prior_encoder_num_flows=2,
        prior_encoder_num_wavenet_layers=1,
        posterior_encoder_num_wavenet_layers=1,
    )
    torch.manual_seed(0)
    return _saved(folder, VitsModel(config), tokenizer)


def music(folder: Path) -> Path:
    """MusicGen: writes tokens of a codec of 2 codebooks, which is decoded to 1600 samples a second."""
    folder.mkdir()
    words = {word: index for index, word in enumerate(["<pad>", "</s>", "<unk>", "calm", "loud", "drums", "flute"])}
    core = Tokenizer(WordLevel(words, unk_token="<unk>"))
    core.pre_tokenizer = Whitespace()
    core.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_input_names=_INPUTS
    )
    text = T5Config(vocab_size=len(words), d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    codec = EncodecConfig(
        sampling_rate=1600,
        target_bandwidths=[2.0],
        audio_channels=1,
        hidden_size=8,
        num_filters=2,
        num_residual_layers=1,
        upsampling_ratios=[4, 4],
        codebook_size=16,
        codebook_dim=8,
        num_lstm_layers=1,
        norm_type="weight_norm",
        kernel_size=3,
        last_kernel_size=3,
    )
    decoder = MusicgenDecoderConfig(
        vocab_size=16,
        max_position_embeddings=256,
        num_hidden_layers=1,
        ffn_dim=8,
        num_attention_heads=2,
        hidden_size=8,
        num_codebooks=2,
        initializer_factor=0.5,  # else every token is as likely, whatever the prompt
        pad_token_id=16,
        bos_token_id=16,
    )
    torch.manual_seed(0)
    config = MusicgenConfig(text_encoder=text.to_dict(), audio_encoder=codec.to_dict(), decoder=decoder.to_dict())
    model = MusicgenForConditionalGeneration(config)
    for layer in model.audio_encoder.quantizer.layers:
        layer.codebook.embed.normal_(0, 3)  # untrained ones are zero, and every sound would be silence
    model.generation_config.do_sample = True
    model.generation_config.guidance_scale = 3.0
    model.generation_config.decoder_start_token_id = 16
    model.generation_config.pad_token_id = 16
    model.generation_config.bos_token_id = 16
    return _saved(folder, model, tokenizer)


def stages(folder: Path) -> Path:
    """Bark: three models, each writing what the next one reads. 24,000 samples a second; what it says is noise."""
    folder.mkdir()
    small = {"hidden_size": 8, "num_layers": 1, "num_heads": 1, "block_size": 2048}
    codec = EncodecConfig(
        num_filters=2, num_residual_layers=1, num_lstm_layers=1, hidden_size=8, codebook_dim=8, codebook_size=1024
    )
    torch.manual_seed(0)
    config = BarkConfig(
        semantic_config=BarkSemanticConfig(input_vocab_size=129_600, output_vocab_size=10_048, **small).to_dict(),
        coarse_acoustics_config=BarkCoarseConfig(input_vocab_size=12_096, output_vocab_size=12_096, **small).to_dict(),
        fine_acoustics_config=BarkFineConfig(input_vocab_size=1056, output_vocab_size=1056, **small).to_dict(),
        codec_config=codec.to_dict(),
    )
    model = BarkModel(config)
    for layer in model.codec_model.quantizer.layers:
        layer.codebook.embed.normal_(0, 3)
    stages = BarkGenerationConfig.from_sub_model_configs(
        BarkSemanticGenerationConfig(max_new_tokens=10, min_eos_p=None, do_sample=True, temperature=0.7),
        BarkCoarseGenerationConfig(do_sample=True, temperature=0.7),
        BarkFineGenerationConfig(temperature=0.5),
    )
    words = folder / "vocab.txt"
    words.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "there", "dog"]))
    model.generation_config = GenerationConfig()  # Bark's own is no longer saved by transformers
    _saved(folder, model, BarkProcessor(BertTokenizerFast.from_pretrained(folder)))
    (folder / "generation_config.json").write_text(json.dumps(stages.to_dict(), default=str))
    return folder


_INPUTS = ["input_ids", "attention_mask"]


def _saved(folder: Path, model, tokenizer) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
