"""The check digit of a National Provider Identifier."""

from __future__ import annotations


def good_npi(text: str) -> bool:
    """Whether ten digits are a well-formed NPI: Luhn over 80840 and the number (the standard's prefix)."""
    if len(text) != 10 or not text.isascii() or not text.isdigit():
        return False
    total = 0
    for k, digit in enumerate(reversed("80840" + text)):
        n = int(digit) * (1 + k % 2)
        total += n - 9 if n > 9 else n
    return total % 10 == 0
