"""The checked-in table of what happens to each attribute in an export without identity (PS3.15 Annex E)."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from pydicom.datadict import tag_for_keyword

from workstation.base.errors import RulesError

CODES = frozenset(("X", "Z", "D", "U", "Z/D", "X/Z", "X/D", "X/Z/D", "X/Z/U*"))


@dataclass(frozen=True)
class Table:
    """Actions by tag number, attributes kept beside them, safe private elements by (creator, group)."""

    edition: str
    source: str
    actions: Mapping[int, str]
    groups: tuple[tuple[str, str], ...]
    kept: frozenset[int]
    texts: frozenset[int]
    private: Mapping[tuple[str, int], frozenset[int]]

    def action(self, tag: int) -> str:
        """The table's letters for an attribute: "" where it does not name it."""
        found = self.actions.get(tag)
        if found is not None:
            return found
        digits = f"{tag:08x}"
        for pattern, code in self.groups:
            if all(p in ("x", d) for p, d in zip(pattern, digits, strict=True)):
                return code
        return ""

    def is_safe_private(self, creator: str, group: int, element: int) -> bool:
        """Whether a private element is one of the few that images cannot be read rightly without."""
        return element & 0xFF in self.private.get((creator.strip(), group), frozenset())


@functools.cache
def table() -> Table:
    """The table, read once.

    Raises
    ------
    RulesError
        The program's own file has a mistake.
    """
    text = resources.files("workstation.dicom").joinpath("deidentify.toml").read_text("utf-8")
    raw = tomllib.loads(text)
    actions = {int(tag, 16): code for code, tags in raw["actions"].items() for tag in tags.split()}
    numbers, texts = (_tags(raw["kept"][name]) for name in ("numbers_and_words", "texts"))
    if not set(raw["actions"]) <= CODES or (numbers | texts) & set(actions):
        raise RulesError("deidentify", "The program's own list of attributes contradicts itself; install it again.")
    return Table(
        edition=raw["edition"],
        source=raw["source"],
        actions=actions,
        groups=tuple((p, code) for code, patterns in raw["actions_by_group"].items() for p in patterns),
        kept=numbers | texts,
        texts=texts,
        private={
            (creator, int(group, 16)): frozenset(int(e, 16) for e in elements.split())
            for creator, (group, elements) in raw["private"].items()
        },
    )


def _tags(words: str) -> frozenset[int]:
    found = set()
    for word in words.split():
        tag = tag_for_keyword(word)
        if tag is None:
            raise RulesError("deidentify", f"The list of attributes to keep names {word}, which does not exist.")
        found.add(tag)
    return frozenset(found)
