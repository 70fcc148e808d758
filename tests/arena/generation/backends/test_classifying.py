"""The classifiers of moderation, with models built on the spot: labels and scores of texts and pictures."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessor,
)

from arena.generation.backends.classifying import picture_classifier, text_classifier
from arena.generation.backends.protocol import Media

LABELS = {0: "fine", 1: "toxic"}
WORDS = {"[PAD]": 0, "[UNK]": 1, "calm": 2, "drat": 3}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text model of 64 tokens whose one layer says: one "drat" anywhere is toxic."""
    folder = tmp_path_factory.mktemp("reader")
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64
    )
    fast.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=4, num_hidden_layers=1, num_attention_heads=1, intermediate_size=4,
        max_position_embeddings=64, id2label=LABELS, label2id={label: at for at, label in LABELS.items()},
        hidden_dropout_prob=0.0,
    )  # fmt: skip
    torch.manual_seed(0)
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        embedding = model.bert.embeddings
        embedding.LayerNorm.weight.fill_(1.0)
        embedding.word_embeddings.weight[WORDS["drat"]] = torch.tensor([4.0, -4.0, 0.0, 0.0])
        embedding.word_embeddings.weight[WORDS["calm"]] = torch.tensor([-4.0, 4.0, 0.0, 0.0])
        for layer in model.bert.encoder.layer:
            attention = layer.attention
            attention.self.query.bias[0] = 20.0  # looks for "drat"
            for part in (attention.self.key, attention.self.value):
                part.weight.copy_(torch.eye(4))
            attention.output.dense.weight.copy_(3 * torch.eye(4))
            attention.output.LayerNorm.weight.fill_(1.0)
            layer.output.LayerNorm.weight.fill_(1.0)
        model.bert.pooler.dense.weight.copy_(torch.eye(4))
        model.classifier.weight[1, 0] = 5.0
    model.save_pretrained(folder)
    return folder


def test_a_text_gets_a_score_for_each_label_the_largest_first(reader: Path) -> None:
    classify = text_classifier(str(reader))
    bad, good = classify("drat calm calm"), classify("calm")

    assert [label for label, _ in bad] == ["toxic", "fine"]
    assert [label for label, _ in good] == ["fine", "toxic"]
    for scores in (bad, good):
        assert sum(score for _, score in scores) == pytest.approx(1)


def test_a_long_text_is_read_to_its_end(reader: Path) -> None:
    classify = text_classifier(str(reader))
    long = "calm " * 400
    assert len(long) == 2000
    assert dict(classify(long))["toxic"] < 0.5
    assert dict(classify(long + "drat"))["toxic"] > 0.5


def test_nothing_in_the_midst_of_a_text_is_left_out(reader: Path) -> None:
    classify = text_classifier(str(reader))
    for before in (0, 1, 50, 62, 63, 64, 65, 100, 120, 199):
        words = ["calm"] * 200
        words[before] = "drat"
        assert dict(classify(" ".join(words)))["toxic"] > 0.5, before


def test_a_text_is_read_in_pieces_that_share_what_stands_at_the_cut(
    reader: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[list[str]] = []
    call = transformers.TextClassificationPipeline.__call__
    monkeypatch.setattr(
        transformers.TextClassificationPipeline,
        "__call__",
        lambda self, pieces, **options: given.append(pieces) or call(self, pieces, **options),
    )
    words = [f"word{number}" for number in range(200)]
    text_classifier(str(reader))(" ".join(words))

    pieces = [piece.split() for piece in given[0]]
    assert [len(piece) for piece in pieces] == [64, 64, 64, 32]
    assert all(earlier[-8:] == later[:8] for earlier, later in pairwise(pieces))
    assert [word for number, piece in enumerate(pieces) for word in piece[8 if number else 0 :]] == words


def test_of_an_empty_text_nothing_is_said(reader: Path) -> None:
    assert text_classifier(str(reader))("  ") == []


def test_a_picture_gets_a_score_for_each_label(tmp_path: Path) -> None:
    config = ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, image_size=16, patch_size=8,
        id2label={0: "fine", 1: "nsfw"}, label2id={"fine": 0, "nsfw": 1},
    )  # fmt: skip
    torch.manual_seed(0)
    ViTForImageClassification(config).save_pretrained(tmp_path)
    ViTImageProcessor(size={"height": 16, "width": 16}).save_pretrained(tmp_path)
    file = io.BytesIO()
    Image.new("RGBA", (30, 20), (200, 30, 30, 128)).save(file, "PNG")
    scores = picture_classifier(str(tmp_path))(Media(file.getvalue(), "image/png"))

    assert {label for label, _ in scores} == {"fine", "nsfw"}
    assert sum(score for _, score in scores) == pytest.approx(1)
