"""The embedded world keeps its promises: texts, sides, labels, tokens."""

from __future__ import annotations

import hashlib
import random
from itertools import islice, pairwise
from pathlib import Path

import pytest
from examples import encode, verdict_classes, verifier_example
from lessons import first_error, training_stories
from tokenizer import build

from ttc.nano import world
from ttc.nano.world import Errors, Event, Story

MODELS = Path(world.__file__).parent / "models"
ERRING = Errors(misread=0.6, slip=0.2, blunder=0.05)


@pytest.fixture(scope="module")
def words():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(MODELS / "policy")


def test_a_draw_is_the_same_every_time_and_a_shorter_one_is_its_beginning():
    problems = world.test_problems(draw=0)
    assert len(problems) == 200
    assert [problem.level for problem in problems[:6]] == [1, 2, 3, 4, 5, 1]
    assert problems[17].id == "nano-0-17"
    assert world.test_problems(draw=0, count=50) == problems[:50]
    assert len({problem.question for problem in problems}) == 200


def test_the_shipped_models_were_measured_on_these_very_texts():
    # A change of the generator changes every published figure: this line makes it loud.
    texts = "".join(problem.question + problem.answer for problem in world.test_problems(draw=0))
    assert hashlib.sha256(texts.encode()).hexdigest()[:16] == "fa07291917770f6a"


def test_draws_hardly_overlap():
    first, second = ({problem.question for problem in world.test_problems(draw)} for draw in (0, 1))
    assert len(first & second) <= 2


def test_training_never_meets_the_test_side():
    training = list(islice(training_stories(random.Random(5)), 3000))
    assert not any(world.on_test_side(story.question) for story in training)
    assert all(world.on_test_side(problem.question) for problem in world.test_problems(draw=3))


def test_a_reader_with_a_pencil_agrees_with_the_answers():
    story = Story(
        5,
        10,
        (
            Event("gets", 4),
            Event("lends", 2),
            Event("doubles"),
            Event("shares"),
            Event("buys", 3),
            Event("wins", 2),
            Event("halves"),
            Event("loses", 5),
            Event("triples"),
        ),
    )
    # 10 +4 =14, -2 =12, *2 =24, /2 =12, 3 pairs =18, 2 trios =24, /2 =12, -5 =7, *3 =21
    assert story.answer == "21"
    assert story.question == (
        "Start with 10. Day 1: gets 4. Day 2: lends 2. Day 3: doubles. Day 4: shares half. "
        "Day 5: buys 3 pairs. Day 6: wins 2 trios. Day 7: halves. "
        "Day 8: loses 5. Day 9: triples. How many are there?"
    )


def test_every_right_solution_ends_in_its_boxed_answer_and_keeps_to_small_numbers():
    rng = random.Random(1)
    for story in world.test_stories(draw=2):
        solution = world.solve(story, rng)
        assert solution.steps[-1] == rf"\boxed{{{story.answer}}}"
        assert len(solution.steps) == world.DAYS[story.level] + 1
        assert all(2 <= int(step.split("= ")[1]) <= 99 for step in solution.steps[:-1])


def test_the_first_error_is_labelled_exactly():
    rng = random.Random(2)
    seen = set()
    for story in world.test_stories(draw=4):
        solution = world.solve(story, rng, ERRING)
        assert first_error(story, solution.steps) == solution.wrong
        seen.add(solution.wrong)
        if solution.wrong is not None:
            right = world.solve(story, random.Random(9)).steps
            assert first_error(story, solution.steps[: solution.wrong]) is None
            repaired = right[: solution.wrong + 1]
            assert first_error(story, repaired) is None
    assert {None, 0, 1, 5} <= seen


def test_every_error_shows_in_the_text_of_its_step():
    for word, verb in world.VERBS.items():
        right = Event(word, 5).operand(verb.right)
        for wrong in (*verb.slips, *([verb.trap] if verb.trap else [])):
            assert (wrong[0], Event(word, 5).operand(wrong)) != (verb.right[0], right), word


def test_world_text_has_no_unknown_words_and_decodes_to_itself(words):
    rng = random.Random(3)
    for draw in (0, 1, 2):
        for story in world.test_stories(draw):
            for text in (story.question, world.solve(story, rng, ERRING).text):
                ids = words.encode(text)
                assert words.unk_token_id not in ids
                assert words.decode(ids) == text


def test_signs_and_separators_are_one_token_each_and_strangers_are_unknown(words):
    for piece in ("+", "-", "\n\n", r"\boxed{", "<|user|>", "<|assistant|>"):
        assert len(words.encode(piece)) == 1, piece
    assert words.unk_token_id in words.encode("Anna buys 3 apples")
    assert words.unk_token_id in words.encode("Start with 100.")


def test_a_policy_prompt_is_the_question_between_two_headers(words):
    problem = world.test_problems(count=1)[0]
    ids = words.apply_chat_template(
        [{"role": "user", "content": problem.question}], add_generation_prompt=True
    )
    assert words.decode(ids["input_ids"]) == f"<|user|>{problem.question}<|assistant|>"


def test_a_verifier_chat_only_ever_grows_at_its_end(words):
    story = world.test_stories(count=5)[-1]
    turns = list(world.solve(story, random.Random(0)).steps)
    turns[0] = f"{story.question} {turns[0]}"
    chats = []
    for count in range(1, len(turns) + 1):
        messages = [
            {"role": role, "content": text}
            for turn in turns[:count]
            for role, text in (("user", turn), ("assistant", "+"))
        ][:-1]
        ids = words.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
        assert ids[-1] == words.convert_tokens_to_ids("<|assistant|>")
        chats.append(ids)
    for shorter, longer in pairwise(chats):
        assert longer[: len(shorter)] == shorter
        assert len(longer) - len(shorter) <= 11


def test_a_lesson_judges_the_text_so_far_at_headers_and_the_step_itself_inside():
    story = Story(1, 10, (Event("lends", 4), Event("gets", 2)))
    misread = ("Day 1: lends 4 so 10 + 4 = 14", "Day 2: gets 2 now 14 + 2 = 17", r"\boxed{17}")
    lesson = verifier_example(story, world.Solution(misread, wrong=0))
    minus, plus = verdict_classes()
    verdicts = [
        (token, target == plus)
        for token, target in zip(lesson.ids, lesson.targets, strict=True)
        if target in (minus, plus)
    ]
    pieces = (" +", " 4", " 14", "<|assistant|>", " +", " 2", " 17", "<|assistant|>", "<|assistant|>")
    assert [token for token, _ in verdicts] == [encode(piece)[0] for piece in pieces]
    assert [right for _, right in verdicts] == [False] * 4 + [True, True, False, False, False]


def test_the_shipped_models_fit_and_know_the_worlds_words(words):
    for name in ("policy", "prm"):
        folder = MODELS / name
        assert sum(file.stat().st_size for file in folder.iterdir()) <= 5_000_000
        assert (folder / "tokenizer.json").read_text() == (MODELS / "policy" / "tokenizer.json").read_text()
    assert build().get_vocab() == words.get_vocab()
