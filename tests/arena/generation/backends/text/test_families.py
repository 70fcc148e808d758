"""Models of other kinds: sliding windows, experts, states, positions of other sorts."""

from __future__ import annotations

import pytest
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BartConfig,
    BartForConditionalGeneration,
    BloomConfig,
    DeepseekV3Config,
    Gemma2Config,
    MambaConfig,
    MixtralConfig,
    RwkvConfig,
    T5Config,
    T5ForConditionalGeneration,
)

from arena.generation.backends.protocol import GenerationError, Request
from arena.generation.backends.text import loading
from arena.generation.backends.text.writer import Writer
from tests.arena.generation.backends.text import toys

PROMPTS = ["the cat", "who sat on the mat and the dog sat on the mat", "the", "the dog barked at the cat and"]
ENDS = {"eos_token_id": 0, "bos_token_id": None, "pad_token_id": 0}
VOCABULARY = len(toys.WORDS) + 1
SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "initializer_range": 0.3,
    **ENDS,
}
HEADS = {"intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
FAMILIES = {
    "gemma": Gemma2Config(**SMALL, **HEADS, head_dim=8, sliding_window=8),
    "mixtral": MixtralConfig(**SMALL, **HEADS, num_local_experts=4),
    "bloom": BloomConfig(vocab_size=VOCABULARY, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.3, **ENDS),
    "mamba": MambaConfig(**SMALL, state_size=8),
    "rwkv": RwkvConfig(vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=2, eos_token_id=0, bos_token_id=None),
}
# Its pages hold keys and values of different widths, which transformers does not manage.
UNPAGED = DeepseekV3Config(
    **SMALL,
    **HEADS | {"num_key_value_heads": 4},
    n_routed_experts=4,
    num_experts_per_tok=2,
    n_group=2,
    topk_group=1,
    moe_intermediate_size=16,
    kv_lora_rank=8,
    q_lora_rank=8,
    qk_rope_head_dim=4,
    qk_nope_head_dim=4,
    v_head_dim=8,
    first_k_dense_replace=1,
)


def _alone(folder):
    """What transformers writes without us, one prompt at a time."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    for prompt in PROMPTS:
        ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
        written = model.generate(ids, do_sample=False, max_new_tokens=12)
        yield tokenizer.decode(written[0, ids.shape[1] :], skip_special_tokens=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_writes_what_each_prompt_would_get_alone(open_model, tmp_path, family):
    folder = toys.of(tmp_path, FAMILIES[family], toys.words_tokenizer())
    model = open_model(folder, temperature=0, max_new_tokens=12)
    written = [outcome.text for outcome in model.generate([Request(prompt, 1) for prompt in PROMPTS])]
    assert written == list(_alone(folder))
    assert model.can_pad == (family != "rwkv")


def test_continuous_batching_that_transformers_does_not_manage_fails_with_the_way_out(open_model, tmp_path):
    folder = toys.of(tmp_path, UNPAGED, toys.words_tokenizer())
    model = open_model(folder, batching="continuous")
    with pytest.raises(GenerationError, match="cannot be batched continuously, choose static batching") as caught:
        model.generate([Request("the cat", 1)])
    assert caught.value.permanent


@pytest.mark.parametrize("family", ["bloom", "mamba"])
def test_models_whose_attention_has_no_pages_take_no_continuous_batches(open_model, tmp_path, family):
    folder = toys.of(tmp_path, FAMILIES[family], toys.words_tokenizer())
    with pytest.raises(GenerationError, match="static batches only") as caught:
        open_model(folder, batching="continuous")
    assert caught.value.permanent


def test_auto_tries_continuous_batches_before_it_takes_them(open_model, chatty, tmp_path, monkeypatch):
    monkeypatch.setattr(Writer, "_gains_from_pages", lambda self: True)
    assert open_model(chatty).is_continuous
    assert not open_model(toys.of(tmp_path, UNPAGED, toys.words_tokenizer())).is_continuous


def _bart():
    return BartConfig(
        vocab_size=VOCABULARY,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
    )


def test_a_decoder_of_a_family_with_encoders_is_run_alone(open_model, tmp_path):
    folder = toys.of(tmp_path, _bart(), toys.words_tokenizer())
    (result,) = open_model(folder, max_new_tokens=2).generate([Request("the", 1)])
    assert 1 <= result.measured.tokens <= 2


def test_a_model_with_an_encoder_is_refused(open_model, tmp_path, monkeypatch):
    folder = toys.of(tmp_path, _bart(), toys.words_tokenizer())
    both = BartForConditionalGeneration(_bart())
    monkeypatch.setattr(loading.AutoModelForCausalLM, "from_pretrained", lambda *given, **settings: both)
    with pytest.raises(GenerationError, match="only decoders are run") as caught:
        open_model(folder)
    assert caught.value.permanent


def test_a_model_that_is_none_of_language_is_refused(open_model, tmp_path):
    config = T5Config(vocab_size=VOCABULARY, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    T5ForConditionalGeneration(config).save_pretrained(tmp_path)
    toys.words_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(GenerationError, match="cannot be loaded") as caught:
        open_model(tmp_path)
    assert caught.value.permanent
