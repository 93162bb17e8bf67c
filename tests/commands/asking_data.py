"""Asking `posebridge data`, as somebody at the keyboard would."""

import argparse
import io
from pathlib import Path

from rich.console import Console

from posebridge.commands import populations


def ask_data(*words: str | Path) -> tuple[int, str]:
    """Exit status and what was printed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", default="store")
    populations.add_data(parser)
    printed = io.StringIO()
    asked = parser.parse_args([str(word) for word in words])
    return populations.data(asked, Console(file=printed, width=200)), printed.getvalue()
