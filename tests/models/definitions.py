"""What every family's score is, in plain transformers: written from the definitions, not from ours.

Each function takes a checkpoint's folder and returns the scores of a question's steps.
"""

from __future__ import annotations

from collections.abc import Callable

Reference = Callable[[str, tuple[str, ...]], list[float]]


def rlhflow(folder) -> Reference:
    torch, model, tokenizer = _causal(folder)
    tags = tokenizer.convert_tokens_to_ids(["+", "-"])

    def scores(question: str, steps: tuple[str, ...]) -> list[float]:
        found, chat = [], []
        for index, step in enumerate(steps):
            content = f"{question} {step.strip()}" if index == 0 else step.strip()
            chat.append({"role": "user", "content": content})
            ids = _ids(tokenizer, chat, add_generation_prompt=True)
            found.append(model(torch.tensor([ids])).logits[0, -1, tags].softmax(-1)[0].item())
            chat.append({"role": "assistant", "content": "+"})
        return found

    return scores


def math_shepherd(folder) -> Reference:
    torch, model, tokenizer = _causal(folder)
    good, bad, tag = tokenizer.convert_tokens_to_ids(["▁+", "▁-", "▁ки"])

    def scores(question: str, steps: tuple[str, ...]) -> list[float]:
        lines = [step.strip() for step in steps]
        lines = [line[3:] if line.startswith("## ") else line for line in lines]
        ids = tokenizer.encode(question + " " + " ки\n".join(lines) + " ки")
        assert ids[0] == tokenizer.bos_token_id
        logits = model(torch.tensor([ids])).logits[0, :, [good, bad]].softmax(-1)[:, 0]
        return [logits[place].item() for place, id_ in enumerate(ids) if id_ == tag]

    return scores


def skywork(folder) -> Reference:
    torch, model, tokenizer = _causal(folder)
    weights = _weights(folder)
    newline = tokenizer.convert_tokens_to_ids("Ċ")

    def scores(question: str, steps: tuple[str, ...]) -> list[float]:
        ids = tokenizer.encode(tokenizer.bos_token + question + "\n")
        places = []
        for step in steps:
            for line in filter(str.strip, step.strip().split("\n")):
                ids += [*tokenizer.encode(line), newline]
            places.append(len(ids) - 1)
        hidden = model.model(torch.tensor([ids])).last_hidden_state[0]
        values = hidden @ weights["v_head.summary.weight"].T + weights["v_head.summary.bias"]
        return [values[place, 0].sigmoid().item() for place in places]

    return scores


def qwen_prm(folder) -> Reference:
    torch, model, tokenizer = _causal(folder)
    weights = _weights(folder)
    tag = tokenizer.convert_tokens_to_ids("<extra_0>")

    def scores(question: str, steps: tuple[str, ...]) -> list[float]:
        system = "Please reason step by step, and put your final answer within \\boxed{}."
        answer = "".join(f"{step.strip()}<extra_0>" for step in steps)
        turns = [("system", system), ("user", question), ("assistant", answer)]
        ids = _ids(tokenizer, [{"role": role, "content": content} for role, content in turns])
        hidden = model.model(torch.tensor([ids])).last_hidden_state[0]
        hidden = (hidden @ weights["score.0.weight"].T + weights["score.0.bias"]).relu()
        logits = hidden @ weights["score.2.weight"].T + weights["score.2.bias"]
        return [logits[place].softmax(-1)[1].item() for place, id_ in enumerate(ids) if id_ == tag]

    return scores


def orm(folder) -> Reference:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def scores(question: str, steps: tuple[str, ...]) -> list[float]:
        found = []
        for count in range(1, len(steps) + 1):
            answer = "\n\n".join(step.strip() for step in steps[:count])
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            logits = model(torch.tensor([_ids(tokenizer, turns)])).logits[0]
            found.append((logits.sigmoid()[0] if len(logits) == 1 else logits.softmax(-1)[1]).item())
        return found

    return scores


def judge(folder) -> Reference:
    torch, model, tokenizer = _causal(folder)
    tags = tokenizer.convert_tokens_to_ids(["yes", "no"])

    def scores(question: str, steps: tuple[str, ...]) -> list[float]:
        found = []
        for count in range(1, len(steps) + 1):
            content = (
                "Here is a problem and the beginning of a solution. Check the solution step by step.\n\n"
                f"Problem:\n{question}\n\n"
            )
            for number in range(1, count + 1):
                content += f"Step {number}:\n{steps[number - 1].strip()}\n\nEnd of step {number}\n\n"
            content += (
                "Is the solution right so far, the last step included? "
                'Answer with one word, "yes" or "no", and nothing else.'
            )
            ids = _ids(tokenizer, [{"role": "user", "content": content}], add_generation_prompt=True)
            found.append(model(torch.tensor([ids])).logits[0, -1, tags].softmax(-1)[0].item())
        return found

    return scores


def _causal(folder):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return torch, model, AutoTokenizer.from_pretrained(folder)


def _weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def _ids(tokenizer, turns, **more) -> list[int]:
    text = tokenizer.apply_chat_template(turns, tokenize=False, **more)
    return tokenizer.encode(text, add_special_tokens=False)
