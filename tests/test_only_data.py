"""What comes from outside is data: nothing of it is run, and nothing of it names a file elsewhere."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import pyarrow.parquet as pq
import pytest

from tests.conftest import stored
from tests.test_store import part, search_row
from ttc.grading.worker.__main__ import answer_to
from ttc.settings.options import shipped
from ttc.store import Folder
from ttc.store.parts import encode
from ttc.store.schema import table_schema

PACKAGE = Path(__file__).parents[1] / "ttc"

CALLS = {"eval", "exec", "compile", "__import__", "parse_expr", "sympify", "read_pickle", "system", "popen"}
"""They run a text, or what a text says."""
MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "math_verify.parser"}
ARGUMENTS = {"shell": True, "allow_pickle": True, "trust_remote_code": True, "weights_only": False}
NEEDS = {"from_pretrained": "trust_remote_code"}
"""Calls that ask the terminal where this is not said."""


def runs_data(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [f"{getattr(node, 'module', None) or alias.name}.{alias.name}" for alias in node.names]
            yield from (name for name in names if any(name.startswith(f"{one}.") for one in MODULES))
        elif isinstance(node, ast.Call):
            whole = ast.unparse(node.func)
            name = whole.rpartition(".")[2]
            ours = name in CALLS and node.args and whole != "re.compile"
            if ours or whole in ("yaml.load", "torch.load"):
                yield whole
            said = {one.arg: getattr(one.value, "value", None) for one in node.keywords}
            yield from (f"{whole}({key}={said[key]})" for key in ARGUMENTS if said.get(key) is ARGUMENTS[key])
            if name in NEEDS and NEEDS[name] not in said:
                yield f"{whole} without {NEEDS[name]}"


@pytest.mark.parametrize(
    "file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE))
)
def test_nothing_in_ttc_runs_what_it_reads(file: Path) -> None:
    assert list(runs_data(ast.parse(file.read_text()))) == []


@pytest.mark.parametrize(
    "code",
    [
        *(
            "import pickle",
            "from pickle import loads",
            "eval(x)",
            "a.eval(x)",
            "yaml.load(x)",
            "torch.load(x)",
        ),
        *("run(x, shell=True)", "np.load(x, allow_pickle=True)", "A.from_pretrained(x)", "os.system(x)"),
    ],
)
def test_what_would_run_data_is_found(code: str) -> None:
    assert list(runs_data(ast.parse(code)))


FORMS = [
    *("{}", r"\text{{{}}}", r"\frac{{{}}}{{2}}", r"\{{1, {}\}}", "x={}"),
    r"\begin{{pmatrix}}{}\\1\end{{pmatrix}}",
]


@pytest.mark.parametrize("form", FORMS)
def test_no_answer_is_run_to_be_graded(form: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for code in (f"open({str(mark)!r}, 'w')", f"__import__('pathlib').Path({str(mark)!r}).touch()"):
        answer = form.format(code)
        answer_to({"gold": answer, "answer": f"1+{answer}", "limit": 5})
        answer_to({"text": answer, "limit": 5})
    assert not mark.exists()


@pytest.mark.parametrize("text", ['name: !!python/object/apply:os.mkdir ["{}"]', "n: [1,"])
def test_a_saved_sweep_is_plain_values(
    text: str, launch: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.yaml").write_text(f"defaults: [config, _self_]\n{text.format(tmp_path / 'mark')}\n")
    assert launch("-cd", str(tmp_path), "-cn", "own") == 2
    assert re.fullmatch(
        r"error: \S+own.yaml, line [23]: no YAML of plain values .*\n", capsys.readouterr().err
    )
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", ["../x", "/x", "..", ".x", "a/b", "a\\b", "", "x\n", "x\0", "~", "$HOME"])
def test_a_name_is_one_folder_below_the_results(
    name: str, launch: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    word = "name=" + json.dumps(name)
    assert launch("n=1", "dataset.limit=1", word, f"results_dir={tmp_path / 'in' / 'it'}") == 2
    assert "name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


WRITTEN = re.compile(
    r"sweep\.json|\.lock|(answers|problems|readout|readout_by)\.parquet|plots/accuracy\.(png|svg)|report\.html"
    r"|(paths|steps|scores|grades|searches)/\d{6}-[0-9a-f]{8}\.parquet"
)
IDS = [
    *("../../x", "/etc/x", "..", "a\0b", "a\nb", "a\tb", "~", "C:\\x", "\u202e", "$(touch x)", "%s%n"),
    "x" * 5000,
]


def test_ids_and_names_in_data_name_no_file(launch: Callable[..., int], tmp_path: Path) -> None:
    rows = [{"question": f"1+{i}?", "answer": str(i), "id": one, "subject": one} for i, one in enumerate(IDS)]
    (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, rows)))
    words = ["dataset=path", f"dataset.path={tmp_path / 'own.jsonl'}", "dataset.columns.id=id"]
    words += ["dataset.columns.subject=subject", "dataset.name=../../evil", "policy.name=../../evil"]
    words += ["prm.name=../../evil"]
    words += [f"results_dir={tmp_path / 'in' / 'it'}"]
    assert launch("-m", "strategy=best_of_n,beam", "n=4", *words) == 0
    home = tmp_path / "in" / "it" / "default"
    new = [file for file in tmp_path.rglob("*") if file.is_file() and file.name != "own.jsonl"]
    assert [file for file in new if not file.is_relative_to(home)] == []
    names = [str(file.relative_to(home)) for file in new]
    assert [name for name in names if not WRITTEN.fullmatch(name)] == []
    assert {*stored(home, "searches")["problem_id"]} == {*IDS}
    schemas = [pq.read_schema(home / name) for name in names if name.endswith(".parquet")]
    kinds = {str(field.type) for schema in schemas for field in schema}
    assert not [kind for kind in kinds if re.search("binary|extension|object|struct|map", kind)]


def test_a_name_reads_no_other_folders_option() -> None:
    assert shipped("prm", "../policy/openai") == shipped("prm", "none such")
    assert shipped("prm", "judge") != shipped("prm", "none such")


def test_a_folder_that_lies_reads_no_file_outside_it(tmp_path: Path) -> None:
    folder, outside = Folder(tmp_path / "x"), tmp_path / "outside"
    with folder.held():
        folder.commit(part(searches=[search_row("done")]))
    seals = {b"part": json.dumps({"../outside": [1, 1]}).encode()}
    data = encode(table_schema("searches").empty_table(), seals)
    [committed] = (tmp_path / "x" / "searches").iterdir()
    outside.mkdir()
    lying = committed.with_name(f"000002-{crc32(data):08x}.parquet")
    lying.write_bytes(data)
    (outside / lying.name).write_bytes(b"1")
    [(_, faults)] = [(name, faults) for name, faults in folder.check() if name == lying.name]
    assert faults == [f"searches/{lying.name}: of a table '../outside', which there is not"]
    with folder.held():
        assert (outside / lying.name).exists()
        assert not lying.exists()
