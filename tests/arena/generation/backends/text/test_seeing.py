"""Pictures in, text out."""

from __future__ import annotations

from arena.generation.backends.protocol import GenerationError, Media, Request, Result
from tests.arena.generation.backends.text import toys


def test_a_model_that_sees_answers_about_the_picture(open_model, seeing):
    model = open_model(seeing, temperature=0, max_new_tokens=10)
    requests = [
        Request("the cat", 1, toys.picture("red")),
        Request("the cat", 1),
        Request("the cat and the dog", 1, toys.picture("blue")),
        Request("the cat", 1, toys.picture("blue")),
    ]
    outcomes = model.generate(requests)
    assert all(isinstance(outcome, Result) for outcome in outcomes)
    texts = [outcome.text for outcome in outcomes]
    assert len(set(texts)) == 4
    assert [model.generate([request])[0].text for request in requests] == texts


def test_a_picture_takes_room_in_the_context(open_model, seeing):
    model = open_model(seeing)
    with_picture = model.asking.ask(Request("the cat", 1, toys.picture("red")))
    without = model.asking.ask(Request("the cat", 1))
    assert len(with_picture.ids) - len(without.ids) >= 4  # patches of 8 pixels in 16


def test_what_is_no_picture_fails_alone(open_model, seeing):
    model = open_model(seeing, max_new_tokens=3)
    broken, fine = model.generate([Request("what", 1, Media(b"<svg/>", "image/png")), Request("the cat", 2)])
    assert isinstance(broken, GenerationError)
    assert broken.permanent
    assert "no readable PNG picture" in broken.message
    assert isinstance(fine, Result)


def test_a_prompt_that_says_itself_where_a_picture_goes_fails_alone(open_model, seeing):
    model = open_model(seeing, max_new_tokens=3)
    marker = model.asking.processor.image_token
    odd, fine = model.generate(
        [Request(f"what is {marker} this", 1, toys.picture("red")), Request("the cat", 2, toys.picture("blue"))]
    )
    assert isinstance(odd, GenerationError)
    assert odd.permanent
    assert "cannot read this prompt with its picture" in odd.message
    assert isinstance(fine, Result)
