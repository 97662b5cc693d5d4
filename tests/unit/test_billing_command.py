"""`renderdesk charge`: one document, an array, JSON Lines, standard input; exit status; what it loads."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest

from workstation.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
BASE = json.loads((ROOT / "tests/cases/billing_base.json").read_text())
SHARED_CASES = ROOT.parent / "shared/cases/billing_examples.json"


def held():
    found = copy.deepcopy(BASE)
    found["facts_id"] = "held"
    found["base"][0]["angiographic"] = None
    return found


def rejected():
    found = copy.deepcopy(BASE)
    found["facts_id"] = "rejected"
    found["base"][0]["code"] = "74174"
    return found


def write(tmp_path, document, name="facts.json"):
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("document", "status", "decision"), [(BASE, 0, "bill"), (held(), 3, "hold"), (rejected(), 4, "reject")]
)
def test_one_object_one_answer_and_a_status(tmp_path, capsys, document, status, decision):
    assert main(["charge", write(tmp_path, document), "--json"]) == status
    shown = json.loads(capsys.readouterr().out)
    assert shown["decision"] == decision
    assert shown["schema"] == "renderdesk.answer/1"


def test_malformed_facts_are_refused_in_one_sentence_that_names_the_field(tmp_path, capsys):
    document = copy.deepcopy(BASE)
    document["base"][0]["modality"] = "XX"
    assert main(["charge", write(tmp_path, document), "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "facts"
    assert error["sentence"].startswith("facts.base[0].modality: ")
    assert main(["charge", write(tmp_path, document)]) == 1
    taken = capsys.readouterr()
    assert taken.out == ""
    assert taken.err.startswith("renderdesk: facts.base[0].modality: ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '"word"',
        '{"schema": "renderdesk.facts/1", "schema": "renderdesk.facts/1"}',
        '{"schema": "renderdesk.facts/1", "images": {"archived": NaN}}',
        "[" * 100_000,
    ],
)
def test_what_is_not_the_format_is_refused(tmp_path, capsys, text):
    assert main(["charge", write(tmp_path, text), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["sentence"].endswith(".")


def test_a_missing_file_and_wrong_usage(tmp_path, capsys):
    assert main(["charge", str(tmp_path / "absent.json")]) == 1
    assert "cannot be opened" in capsys.readouterr().err
    for given in ([], ["x.json", "--case", "study:1"], ["x.json", "--date", "2026-02-30"]):
        with pytest.raises(SystemExit) as left:
            main(["charge", *given])
        assert left.value.code == 2


def test_an_array_gives_an_array_and_a_malformed_item_refuses_it_whole(tmp_path, capsys):
    assert main(["charge", write(tmp_path, [BASE, held(), rejected()]), "--json"]) == 0
    assert [a["decision"] for a in json.loads(capsys.readouterr().out)] == ["bill", "hold", "reject"]
    assert main(["charge", write(tmp_path, [BASE, {"schema": "renderdesk.facts/1", "x": 1}]), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["sentence"].startswith("facts[1].x: ")
    assert main(["charge", write(tmp_path, []), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_json_lines_stay_in_order_and_a_bad_line_is_answered_in_its_place(tmp_path, capsys):
    lines = [json.dumps(held()), "", '{"schema": "renderdesk.facts/1", "x": 1}', "{", json.dumps(BASE)]
    assert main(["charge", write(tmp_path, "\n".join(lines), "day.jsonl"), "--json"]) == 1
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [s.get("decision", "error") for s in shown] == ["hold", "error", "error", "bill"]
    assert shown[1]["error"]["sentence"].startswith("facts.x: ")
    assert main(["charge", write(tmp_path, lines[0] + "\n" + lines[4], "day.jsonl"), "--json"]) == 0


def from_stdin(text, *more):
    return subprocess.run(
        [sys.executable, "-m", "workstation", "charge", "-", "--json", *more],
        input=text.encode(),
        capture_output=True,
        check=False,
        cwd=ROOT,
    )


def test_standard_input_takes_all_three_forms():
    one = from_stdin(json.dumps(held(), indent=1))
    assert one.returncode == 3
    assert json.loads(one.stdout)["decision"] == "hold"
    assert from_stdin(json.dumps(rejected())).returncode == 4
    array = from_stdin(json.dumps([BASE, held()]))
    assert array.returncode == 0
    assert len(json.loads(array.stdout)) == 2
    lines = from_stdin(json.dumps(BASE) + "\n" + json.dumps(held()) + "\n")
    assert lines.returncode == 0
    assert [json.loads(line)["decision"] for line in lines.stdout.splitlines()] == ["bill", "hold"]


def test_json_lines_are_answered_as_they_come():
    """The answer to a line is there before the end of the input is."""
    with subprocess.Popen(
        [sys.executable, "-m", "workstation", "charge", "-", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as running:
        line = (json.dumps(BASE) + "\n").encode()
        running.stdin.write(line + line)
        running.stdin.flush()
        first = running.stdout.readline()
        assert json.loads(first)["decision"] == "bill"
        running.stdin.close()
        assert len(running.stdout.read().splitlines()) == 1
        assert running.wait() == 0


def test_the_date_of_deciding(tmp_path, capsys):
    path = write(tmp_path, BASE)
    assert main(["charge", path, "--json", "--date", "2027-03-03"]) == 4
    shown = json.loads(capsys.readouterr().out)
    assert shown["as_of"] == "2027-03-03"
    assert {r["rule"] for r in shown["reasons"] if r["outcome"] == "reject"} == {"R-DT-03"}


def test_a_site_s_own_payer_records_go_first_and_mistakes_are_named(tmp_path, capsys):
    document = copy.deepcopy(BASE)
    document["payer"] = {"kind": "uhc", "plan": None, "auth_number": None}
    folder = tmp_path / "payers"
    folder.mkdir()
    record = '[[record]]\nfrom = 2026-01-01\nsource = "The payer, by telephone"\nchecked_on = 2026-02-01\n'
    (folder / "uhc.toml").write_text(f'kind = "uhc"\n{record}prior_auth_required = true\n')
    path = write(tmp_path, document)
    assert main(["charge", path, "--json"]) == 0
    capsys.readouterr()
    assert main(["charge", path, "--json", "--payers", str(folder)]) == 3
    assert [q["field"] for q in json.loads(capsys.readouterr().out)["questions"]] == ["payer.auth_number"]
    (folder / "uhc.toml").write_text(f'kind = "uhc"\n{record}prior_auth = true\n')
    assert main(["charge", path, "--payers", str(folder)]) == 1
    assert "uhc.toml" in capsys.readouterr().err
    (folder / "uhc.toml").write_text("kind = [")
    assert main(["charge", path, "--payers", str(folder)]) == 1
    assert "uhc.toml is not TOML" in capsys.readouterr().err


def test_words_for_a_person(tmp_path, capsys):
    assert main(["charge", write(tmp_path, BASE)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "BILL 76377-26, 1 unit, diagnoses I71.43."
    assert 6 <= len(lines) <= 14


def test_deciding_a_file_loads_nothing_heavy_and_is_quick(tmp_path):
    path = write(tmp_path, BASE)
    code = (
        "import sys; from workstation.__main__ import main; main(['charge', sys.argv[1], '--json']); "
        "heavy = {'numpy', 'vtkmodules', 'pydicom', 'PySide6', 'render', 'numba', 'sqlite3', 'asyncio'}; "
        "print(sorted(heavy & {m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.strip() == "[]"


@pytest.mark.shared
def test_the_published_cases_through_the_command(tmp_path, capsys):
    if not SHARED_CASES.exists():
        pytest.skip("the folder ../shared/cases is not beside this checkout")
    cases = json.loads(SHARED_CASES.read_text())
    path = write(tmp_path, "\n".join(json.dumps(c["facts"]) for c in cases), "cases.jsonl")
    assert main(["charge", path, "--json"]) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(shown) == len(cases)
    for found, case in zip(shown, cases, strict=True):
        wanted = case["expect"]
        assert found["facts_id"] == case["facts"]["facts_id"]
        assert (found["decision"], found["code"], found["modifiers"]) == (
            wanted["decision"],
            wanted["code"],
            wanted["modifiers"],
        )
    for case in cases[:12]:
        status = {"bill": 0, "hold": 3, "reject": 4}[case["expect"]["decision"]]
        assert main(["charge", write(tmp_path, case["facts"]), "--json"]) == status
