"""Rows of a JSON file: a list of objects, or one object a line. Read piece by piece, so that a large file needs
little memory."""

import json
from collections.abc import Iterator
from typing import TextIO

from .row import Row, RowProblem, snake_case

PIECE = 1 << 16
"""Characters that are read at once."""
LARGEST = 1 << 20
"""Characters of the largest object; the API takes no more either."""


class RepeatedMemberError(ValueError):
    """An object has a member twice, so that it says two things."""


def without_repetition(members: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose members differ."""
    result = dict(members)
    if len(result) != len(members):
        raise RepeatedMemberError
    return result


DECODER = json.JSONDecoder(object_pairs_hook=without_repetition)
WHITESPACE = " \t\r\n"


class Text:
    """The text of a file of which only a piece is held."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.piece = ""
        self.at = 0
        self.line = 1
        self.ended = False

    def more(self) -> bool:
        """Reads on; false at the end of the file."""
        read = self.file.read(PIECE)
        self.piece = self.piece[self.at :] + read
        self.at = 0
        self.ended = not read
        return bool(read)

    def skip(self, to: int) -> None:
        """Goes on to a place in the piece."""
        self.line += self.piece.count("\n", self.at, to)
        self.at = to

    def next(self) -> str:
        """The next character that is no white space, which is not passed; empty at the end."""
        while True:
            while self.at < len(self.piece):
                character = self.piece[self.at]
                if character not in WHITESPACE:
                    return character
                self.skip(self.at + 1)
            if not self.more():
                return ""

    def value(self) -> object:
        """The value that begins here.

        Raises `ValueError` when there is none.
        """
        while True:
            try:
                value, end = DECODER.raw_decode(self.piece, self.at)
            except json.JSONDecodeError:
                if len(self.piece) - self.at > LARGEST or not self.more():
                    raise
                continue
            # A number could go on in the next piece; objects, which are wanted, end by themselves.
            self.skip(end)
            return value


def rows(file: TextIO) -> Iterator[Row]:
    """The rows in their order. The last one tells of a mistake in the form of the file, if there is one: nothing can be
    read after it."""
    text = Text(file)
    in_list = text.next() == "["
    if in_list:
        text.skip(text.at + 1)
        if text.next() == "]":
            return
    while True:
        if text.next() == "":
            if in_list:
                yield broken(text.line, "the list has no end: the file is cut off")
            return
        line = text.line
        try:
            value = text.value()
        except RepeatedMemberError:
            yield broken(line, "an object says a member twice: remove one")
            return
        except RecursionError:
            yield broken(line, "is nested too deeply")
            return
        except ValueError as error:
            yield broken(line, f"is no JSON ({error.args[0] if error.args else error})")
            return
        yield row_of(line, value)
        if not in_list:
            continue
        follows = text.next()
        if follows == "]":
            return
        if follows != ",":
            yield broken(text.line, "a comma is missing between two objects")
            return
        text.skip(text.at + 1)


def broken(line: int, message: str) -> Row:
    """A place from which nothing more can be read."""
    return Row(line, problems=(RowProblem(line, "", "unreadable", message),))


def row_of(line: int, value: object) -> Row:
    """A row for one value of the file: an object as the API takes it, in `camelCase`."""
    if not isinstance(value, dict):
        message = 'must be an object, such as {"slug": "acme", "name": "Acme"}'
        return Row(line, problems=(RowProblem(line, "", "wrong_type", message),))
    arguments = renamed(value)
    assert isinstance(arguments, dict)
    return Row(line, arguments)


def renamed(value: object) -> object:
    """The same value with its members named as arguments."""
    if isinstance(value, dict):
        return {snake_case(name): renamed(member) for name, member in value.items()}
    if isinstance(value, list):
        return [renamed(item) for item in value]
    return value
