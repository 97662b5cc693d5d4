"""`renderdesk charge` given what it should not be: one sentence that names the place, the exit status, no trace."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workstation.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
BASE = json.loads((ROOT / "tests/cases/billing_base.json").read_text())
SOUND = json.dumps(BASE)


def refused(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The sentence of a refusal, the same with and without --json; nothing on standard output without."""
    assert main(["charge", str(path), "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert set(error) == {"code", "sentence", "findings"}
    assert main(["charge", str(path)]) == 1
    taken = capsys.readouterr()
    assert taken.out == ""
    assert taken.err == f"renderdesk: {error['sentence']}\n"
    assert "Traceback" not in taken.err
    assert "fault of the program" not in taken.err
    sentence = error["sentence"]
    assert sentence.endswith(".")
    assert sentence.count("\n") == 0
    assert len(sentence) < 300
    return str(sentence)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "nothing in it"),
        (b" \n\n", "nothing in it"),
        (b"\xef\xbb\xbf", "nothing in it"),
        (SOUND[: len(SOUND) // 2].encode(), "not JSON"),
        (b'{"schema": "renderdesk.facts/1",\n "dx_confirmed": tru}', "line 2, column 18"),
        (SOUND.encode("utf-16"), "not UTF-8 text (byte 1)"),
        (SOUND.encode() + b"\n\n\xff", "not UTF-8 text (byte"),
        (b'{"schema": "renderdesk.facts/1",\n "facts_id": "M\xfcller"}', "line 2"),
        (SOUND.encode() + b"\0", "not JSON"),
        (b'{"schema": "renderdesk.facts/1", "facts_id": "a\0b"}', "not JSON"),
        (
            b'{"schema": "renderdesk.facts/1", "images": {"archived": NaN}}',
            "NaN is not a value of JSON, line 1, column 57",
        ),
        (
            b'{"schema": "renderdesk.facts/1", "facts_id": "NaN",\n "images": {"archived": -Infinity}}',
            "line 2, column 25",
        ),
        (
            b'{"schema": "renderdesk.facts/1", "images": {"archived": ' + b"9" * 5000 + b"}}",
            "too many digits, line 1, column 57",
        ),
        (b'{"schema": "renderdesk.facts/1", "images": {"archived": 1e999}}', "facts.images.archived"),
        (b'{"schema": "renderdesk.facts/1", "images": {"archived": 3.5}}', "facts.images.archived"),
        (b'{"schema": "renderdesk.facts/1", "facts_id": "\\ud800"}', "half of a character"),
        (b'{"schema": "renderdesk.facts/1", "\\udfff": 1}', "half of a character"),
        (b"[" * 10_000_000, "nested too deeply"),
        (b'{"a":' * 2_000_000, "nested too deeply"),
        (b'{"schema": "renderdesk.facts/1", "base": ' + b"[" * 900 + b"]" * 900 + b"}", "facts.base[0]"),
        (b'{"schema": "renderdesk.facts/1", "payer": {"kind": "uhc", "kind": "medicare"}}', "kind stands twice"),
        (b'"renderdesk.facts/1"', "one JSON object"),
        (b"null", "one JSON object"),
        (b"{}", "facts.schema"),
        (b'[{"schema": "renderdesk.facts/1"}, null]', "facts[1]"),
        (b'[[{"schema": "renderdesk.facts/1"}]]', "facts[0]"),
        (b'{"schema": "renderdesk.facts/1"}{"schema": "renderdesk.facts/1"}', "Extra data"),
    ],
    ids=lambda v: v[:24] if isinstance(v, str) else "",
)
def test_a_document_that_is_no_facts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    path = tmp_path / "facts.json"
    path.write_bytes(content)
    assert words in refused(path, capsys)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"service": {"date": "2026-02-30"}}, "facts.service.date: this is not a date that exists"),
        ({"service": {"date": "2026-2-3"}}, "facts.service.date: this is not a date that exists"),
        ({"service": {"date": "2026-03-02T00:00:00"}}, "facts.service.date: "),
        ({"service": {"date": 20260302}}, "facts.service.date: expected a date"),
        ({"as_of": "0000-01-01"}, "facts.as_of: "),
        ({"service": {"Date": "2026-03-02"}}, "facts.service.Date: this field is not part of the format"),
        ({"service": []}, "facts.service: expected an object, found"),
        ({"providers": {"rendering_npi": 1234567893}}, "facts.providers.rendering_npi: expected text or null"),
        ({"dx_confirmed": 1}, "facts.dx_confirmed: expected true or false or null"),
        ({"dx_confirmed": "true"}, "facts.dx_confirmed: expected true or false"),
        ({"payer": {"kind": "Medicare"}}, "facts.payer.kind: 'Medicare' is not one of medicare, "),
        ({"dx": "I71.43"}, "facts.dx: expected a list"),
        ({"dx": ["I71.43"]}, "facts.dx[0]: expected an object"),
        ({"base": [None]}, "facts.base[0]: expected an object"),
        ({"ledger": [{"component": 26}]}, "facts.ledger[0].component: "),
        ({"images": {"archived": -1}}, "facts.images.archived: "),
        (
            {"reference": {"ptp": [{"column1": "1", "column2": "2", "indicator": "2"}]}},
            "facts.reference.ptp[0].indicator: ",
        ),
        (
            {"reference": {"mue": {"76376": {"value": 2, "mai": 3}, "76377": {"value": 2}}}},
            'facts.reference.mue["76377"].mai: ',
        ),
        ({"reference": {"icd10cm": {"I71.4": {"until": "2026-01-01"}}}}, 'facts.reference.icd10cm["I71.4"].until: '),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_field_that_is_not_of_the_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], sentence: str
) -> None:
    document = copy.deepcopy(BASE)
    for name, value in change.items():
        merged = isinstance(value, dict) and isinstance(document.get(name), dict)
        document[name] = {**document[name], **value} if merged else value
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(document))
    assert refused(path, capsys).startswith(sentence)


def test_a_wrong_check_digit_is_a_question_not_a_refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "facts.json"
    path.write_text(json.dumps({**BASE, "providers": {**BASE["providers"], "billing_npi": "1999888774"}}))
    assert main(["charge", str(path), "--json"]) == 3
    (question,) = json.loads(capsys.readouterr().out)["questions"]
    assert question["field"] == "providers.billing_npi"


def test_a_million_names_of_which_one_stands_twice_are_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "facts.json"
    path.write_text("{" + ",".join(f'"{n}":0' for n in range(200_000)) + ',"199999":1}')
    assert "199999 stands twice" in refused(path, capsys)


def test_harmless_forms_of_text_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in (
        ("bom.json", b"\xef\xbb\xbf" + SOUND.encode()),
        ("crlf.json", json.dumps(BASE, indent=1).replace("\n", "\r\n").encode()),
        ("bom.jsonl", b"\xef\xbb\xbf" + SOUND.encode() + b"\r\n\r\n"),
        ("escaped.json", json.dumps({**BASE, "facts_id": "\U0001f9b4\u0000"}).encode()),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        assert main(["charge", str(path), "--json"]) == 0, name
        assert json.loads(capsys.readouterr().out)["decision"] == "bill"


def test_what_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "folder" in refused(tmp_path, capsys)
    assert "cannot be opened" in refused(tmp_path / "none.json", capsys)
    assert "cannot be opened" in refused(tmp_path / "none.jsonl", capsys)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "cannot be opened" in refused(tmp_path / "loop", capsys)


def test_each_bad_line_is_answered_in_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half a line, bytes that are no text, a lone word, a NUL: the others are decided, in order."""
    path = tmp_path / "day.jsonl"
    bad = [SOUND[:200].encode(), b'{"facts_id": "\xff"}', b"null", b"\0", b"[" * 100_000, SOUND.encode() * 2]
    path.write_bytes(b"\n".join([SOUND.encode(), *bad, SOUND.encode(), SOUND[:-1].encode()]))
    assert main(["charge", str(path), "--json"]) == 1
    taken = capsys.readouterr()
    shown = [json.loads(line) for line in taken.out.splitlines()]
    assert [s.get("decision") or s["error"]["line"] for s in shown] == ["bill", 2, 3, 4, 5, 6, 7, "bill", 9]
    assert main(["charge", str(path)]) == 1
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        f"line {n}" for n in (2, 3, 4, 5, 6, 7, 9)
    ]


def test_an_empty_list_of_lines_is_said_to_be_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "day.jsonl"
    path.write_bytes(b"\n\n")
    assert main(["charge", str(path), "--json"]) == 0
    taken = capsys.readouterr()
    assert (taken.out, taken.err) == ("", "There are no facts in this file; nothing was decided.\n")


@pytest.mark.parametrize("day", ["2026-3-2", "20260302", "2026-W10-1", "2026-02-29", " 2026-03-02", "today", ""])
def test_a_day_of_deciding_that_is_none(tmp_path: Path, day: str) -> None:
    path = tmp_path / "facts.json"
    path.write_text(SOUND)
    with pytest.raises(SystemExit) as left:
        main(["charge", str(path), "--date", day])
    assert left.value.code == 2


def run(*words: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "workstation", "charge", *words], capture_output=True, check=False, cwd=ROOT, **more
    )


def test_standard_input_half_written_at_its_first_line() -> None:
    lines = SOUND[:100] + "\n" + SOUND + "\n" + json.dumps({**BASE, "dx": []}) + "\n"
    done = run("-", "--json", input=lines.encode())
    assert done.returncode == 1
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [s.get("decision", "error") for s in shown] == ["error", "bill", "hold"]
    assert run("-", "--json", input=b"").returncode == 1
    assert b"not UTF-8" in run("-", input=b"\xff\xfe{").stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and /dev/full are of Unix")
def test_an_output_that_closes_or_is_full(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    path.write_text((SOUND + "\n") * 30)
    with subprocess.Popen(
        [sys.executable, "-m", "workstation", "charge", str(path), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert json.loads(running.stdout.readline())["decision"] == "bill"
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() != 0
    single = tmp_path / "facts.json"
    single.write_text(SOUND)
    if Path("/dev/full").exists():
        for given in (path, single):
            with Path("/dev/full").open("wb") as full:
                done = subprocess.run(
                    [sys.executable, "-m", "workstation", "charge", str(given), "--json"],
                    stdout=full,
                    stderr=subprocess.PIPE,
                    check=False,
                    cwd=ROOT,
                    env=dict(os.environ),
                )
            assert done.returncode == 1
            assert done.stderr == b"renderdesk: The answer could not be written; nothing was changed.\n"
